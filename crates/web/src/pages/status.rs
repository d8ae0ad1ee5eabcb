//! The words, icons and colours of each status. A status is always shown by icon and word together.

/// A payment link's status as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    Created,
    Sent,
    Accessed,
    Paid,
    Expired,
    Cancelled,
}

impl LinkStatus {
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Sent,
        Self::Accessed,
        Self::Paid,
        Self::Expired,
        Self::Cancelled,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Sent => "Sent",
            Self::Accessed => "Accessed",
            Self::Paid => "Paid",
            Self::Expired => "Expired",
            Self::Cancelled => "Cancelled",
        }
    }

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Created => "circle-dashed",
            Self::Sent => "send",
            Self::Accessed => "eye",
            Self::Paid => "circle-check",
            Self::Expired => "timer-off",
            Self::Cancelled => "ban",
        }
    }

    /// The class of the pill, and the API's word for the status.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Accessed => "accessed",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the link still takes money: what can be sent, copied and cancelled.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Sent | Self::Accessed)
    }

    /// Whether a new link can take its place.
    #[must_use]
    pub fn is_renewable(self) -> bool {
        matches!(self, Self::Expired | Self::Cancelled)
    }
}

/// What stands beside a link's status, never instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    Late,
    InProgress,
    PartRefunded,
    Refunded,
    /// Recorded by mistake: no money came, and none went back.
    Corrected,
    Disputed,
    DeliveryFailed,
}

impl Badge {
    pub const ALL: [Self; 7] = [
        Self::Late,
        Self::InProgress,
        Self::PartRefunded,
        Self::Refunded,
        Self::Corrected,
        Self::Disputed,
        Self::DeliveryFailed,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Late => "Late",
            Self::InProgress => "In progress",
            Self::PartRefunded => "Part refunded",
            Self::Refunded => "Refunded",
            Self::Corrected => "Corrected",
            Self::Disputed => "Disputed",
            Self::DeliveryFailed => "Delivery failed",
        }
    }

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Late => "clock-alert",
            Self::InProgress => "loader",
            Self::PartRefunded | Self::Refunded => "undo-2",
            Self::Corrected => "history",
            Self::Disputed => "shield-alert",
            Self::DeliveryFailed => "mail-x",
        }
    }

    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::InProgress => "prog",
            Self::PartRefunded | Self::Refunded | Self::Corrected => "part",
            Self::Disputed => "disp",
            Self::DeliveryFailed => "fail",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppointmentStatus {
    Booked,
    Confirmed,
    Arrived,
    InProgress,
    Completed,
    Cancelled,
    NoShow,
}

impl AppointmentStatus {
    pub const ALL: [Self; 7] = [
        Self::Booked,
        Self::Confirmed,
        Self::Arrived,
        Self::InProgress,
        Self::Completed,
        Self::Cancelled,
        Self::NoShow,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Booked => "Booked",
            Self::Confirmed => "Confirmed",
            Self::Arrived => "Arrived",
            Self::InProgress => "In progress",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
            Self::NoShow => "No-show",
        }
    }

    #[must_use]
    pub fn is_cancelled(self) -> bool {
        self == Self::Cancelled
    }

    /// The patient was not seen: what becomes of the money is asked first.
    #[must_use]
    pub fn is_missed(self) -> bool {
        matches!(self, Self::Cancelled | Self::NoShow)
    }

    /// The value that the change-status form posts; the API's word.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Confirmed => "confirmed",
            Self::Arrived => "arrived",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no_show",
        }
    }

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Booked => "calendar-days",
            Self::Confirmed => "check",
            Self::Arrived => "door-open",
            Self::InProgress => "loader",
            Self::Completed => "circle-check",
            Self::Cancelled => "calendar-x",
            Self::NoShow => "user-x",
        }
    }

    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Booked => "created",
            Self::Confirmed => "sent",
            Self::Arrived | Self::InProgress => "arrived",
            Self::Completed => "paid",
            Self::Cancelled => "cancelled",
            Self::NoShow => "expired",
        }
    }
}

/// How a link was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Sms,
    Email,
    Qr,
    Copy,
    NotSent,
}

impl Channel {
    pub const ALL: [Self; 5] = [Self::Sms, Self::Email, Self::Qr, Self::Copy, Self::NotSent];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Email => "Email",
            Self::Qr => "QR code",
            Self::Copy => "Copied",
            Self::NotSent => "Not sent",
        }
    }

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Sms => "message-square",
            Self::Email => "mail",
            Self::Qr => "qr-code",
            Self::Copy => "copy",
            Self::NotSent => "minus",
        }
    }

    /// The channel that *Resend* uses; a code or a copied address cannot be sent again by us.
    #[must_use]
    pub fn resend_value(self) -> Option<&'static str> {
        match self {
            Self::Sms => Some("sms"),
            Self::Email => Some("email"),
            Self::Qr | Self::Copy | Self::NotSent => None,
        }
    }
}

/// How a line feels: the colour of its icon and text.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Sent,
    Warn,
    Bad,
}

impl Tone {
    /// The class of a timeline's dot.
    #[must_use]
    pub fn dot(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "paid",
            Self::Sent => "sent",
            Self::Warn => "accessed",
            Self::Bad => "bad",
        }
    }

    /// The class of a payment state in the diary.
    #[must_use]
    pub fn pay(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "ok",
            Self::Sent => "sent",
            Self::Warn => "due",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AppointmentStatus, Badge, Channel, LinkStatus};
    use crate::assets::glyph;

    #[test]
    fn each_status_has_a_word_and_an_icon_that_exists() {
        let mut shown = Vec::new();
        shown.extend(LinkStatus::ALL.map(|status| (status.word(), status.icon())));
        shown.extend(Badge::ALL.map(|badge| (badge.word(), badge.icon())));
        shown.extend(AppointmentStatus::ALL.map(|status| (status.word(), status.icon())));
        shown.extend(Channel::ALL.map(|channel| (channel.word(), channel.icon())));
        for (word, icon) in shown {
            assert!(
                !word.is_empty() && !glyph(icon).to_string().is_empty(),
                "{word}: {icon}"
            );
        }
    }
}
