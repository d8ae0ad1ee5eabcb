//! Deliveries: one handing-over of a link, with its own outcome.

use crate::reminders::Kind;

/// How a link is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Sms,
    Email,
    Qr,
    Copy,
}

impl Channel {
    pub const ALL: [Channel; 4] = [Channel::Sms, Channel::Email, Channel::Qr, Channel::Copy];

    pub fn name(self) -> &'static str {
        match self {
            Channel::Sms => "sms",
            Channel::Email => "email",
            Channel::Qr => "qr",
            Channel::Copy => "copy",
        }
    }

    pub fn parse(name: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|c| c.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Channel::Sms => "SMS",
            Channel::Email => "Email",
            Channel::Qr => "QR code",
            Channel::Copy => "Copied",
        }
    }
}

/// Why a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryPurpose {
    /// Staff, or a program, hand the link over.
    Link,
    /// It left by itself.
    Automatic(Kind),
}

impl DeliveryPurpose {
    pub fn name(self) -> &'static str {
        match self {
            DeliveryPurpose::Link => "link",
            DeliveryPurpose::Automatic(Kind::Unopened) => "unopened",
            DeliveryPurpose::Automatic(Kind::Unpaid) => "unpaid",
            DeliveryPurpose::Automatic(Kind::Expiring) => "expiring",
        }
    }

    pub fn parse(name: &str) -> Option<DeliveryPurpose> {
        let automatic = Kind::ALL.map(DeliveryPurpose::Automatic);
        std::iter::once(DeliveryPurpose::Link)
            .chain(automatic)
            .find(|purpose| purpose.name() == name)
    }

    /// Why it left by itself, if it did.
    pub fn automatic(self) -> Option<Kind> {
        match self {
            DeliveryPurpose::Link => None,
            DeliveryPurpose::Automatic(kind) => Some(kind),
        }
    }
}

/// What became of a delivery. Never `Delivered` without proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryStatus {
    Queued,
    Sent,
    /// The carrier may have it or not; an SMS is then never sent again by itself (hazard A28).
    Uncertain,
    Delivered,
    Failed,
}

impl DeliveryStatus {
    pub const ALL: [DeliveryStatus; 5] = [
        DeliveryStatus::Queued,
        DeliveryStatus::Sent,
        DeliveryStatus::Uncertain,
        DeliveryStatus::Delivered,
        DeliveryStatus::Failed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            DeliveryStatus::Queued => "queued",
            DeliveryStatus::Sent => "sent",
            DeliveryStatus::Uncertain => "uncertain",
            DeliveryStatus::Delivered => "delivered",
            DeliveryStatus::Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<DeliveryStatus> {
        DeliveryStatus::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The outcomes that this one may replace: late news of less never undoes more, and what was proven stays.
    pub fn replaces(self) -> &'static [DeliveryStatus] {
        use DeliveryStatus as S;
        match self {
            // Again in the queue: the carrier provably does not have it.
            S::Queued | S::Uncertain => &[S::Queued, S::Uncertain],
            S::Sent => &[S::Queued, S::Uncertain],
            S::Delivered | S::Failed => &[S::Queued, S::Uncertain, S::Sent],
        }
    }
}

/// Milliseconds between two sendings of one link over one channel: a second click is not a second message.
pub const RESEND_AFTER_MS: i64 = 2 * crate::MINUTE_MS;

#[cfg(test)]
mod tests {
    use super::DeliveryStatus;

    /// Every pair: what is proven stays, and nothing falls back behind *Sent*.
    #[test]
    fn late_news_of_less_never_undoes_more() {
        for from in DeliveryStatus::ALL {
            for to in DeliveryStatus::ALL {
                let open = matches!(from, DeliveryStatus::Queued | DeliveryStatus::Uncertain);
                let proven = matches!(to, DeliveryStatus::Delivered | DeliveryStatus::Failed);
                let may = open || (from == DeliveryStatus::Sent && proven);
                assert_eq!(to.replaces().contains(&from), may, "{from:?} -> {to:?}");
            }
        }
    }
}
