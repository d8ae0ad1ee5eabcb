//! Payment links: the window that hands one over, and the list of all of them.

use askama::Template;

use super::{Badge, Field, LinkStatus, Shell, TimelineEntry};

/// `GET /payment-links/{id}`: the link window as a page of its own, with the link's timeline beside it.
#[derive(Template)]
#[template(path = "staff/link.html")]
pub struct LinkPage {
    pub shell: Shell,
    pub window: LinkWindow,
    pub timeline: Vec<TimelineEntry>,
}

/// The same as a window over the diary, an appointment or the list.
#[derive(Template)]
#[template(path = "staff/link_dialog.html")]
pub struct LinkDialog {
    pub window: LinkWindow,
}

/// What both show. Forms post to `/payment-links/{id}/deliveries` (`channel`, `to`, `remember`), `.../cancel` and
/// `.../renew`.
pub struct LinkWindow {
    pub csrf: String,
    pub id: String,
    pub patient: String,
    pub appointment_id: String,
    /// `Balance of the appointment on Tuesday 24 November, 10:00`.
    pub subject: String,
    pub amount: String,
    pub status: LinkStatus,
    pub badges: Vec<Badge>,
    /// None once the link takes no money.
    pub life: Option<Life>,
    /// What became of a link without a life: `Paid by card on 24 Nov, 10:49`.
    pub outcome: String,
    /// Only while the link takes money.
    pub code: Option<QrCode>,
    /// The link's address; shown while it takes money.
    pub url: String,
    /// `Credit or debit card`, `Klarna`, `Clearpay`.
    pub methods: Vec<String>,
    /// What the patient is not offered, and why: `Clearpay: at most £1,200.00`.
    pub not_offered: Option<String>,
    pub sms: SendRow,
    pub email: SendRow,
    pub steps: Vec<Step>,
    /// How to reach the clinic, for the printed sheet.
    pub clinic: String,
    pub clinic_phone: String,
    /// A refusal: `This link has expired. Renew it to send a new one.`
    pub refused: Option<String>,
    pub idempotency_key: String,
    /// The person's role hands links over; without it nothing can be pressed.
    pub may_act: bool,
}

/// How long the link still lives. Times stand as text and the script repaints the first.
pub struct Life {
    /// `47 h 58 min`.
    pub left: String,
    /// `Thu 26 Nov, 10:44`.
    pub ends: String,
    /// RFC 3339, for the script.
    pub ends_at: String,
    /// Of 2,880.
    pub minutes_left: u32,
}

/// A QR code as one SVG path of unit squares, without quiet zone: the sheet gives it four modules of white.
pub struct QrCode {
    /// Modules a side.
    pub size: u32,
    /// Only digits, spaces and the letters M, h, v and z.
    pub path: String,
}

/// One channel's line: the address, its button and what became of the last message.
pub struct SendRow {
    pub to: Field,
    pub idempotency_key: String,
    pub outcome: Option<SendOutcome>,
    /// The tick *Remember on the patient*, as it stands.
    pub remember: bool,
    /// Why nothing can be sent this way; hides the button.
    pub off: Option<String>,
}

pub struct SendOutcome {
    /// After a failure: the other channel, where it can be used.
    pub instead: Option<Instead>,
    pub kind: OutcomeKind,
    /// `Delivered at 10:45. You can send it again from 10:47`.
    pub text: String,
}

/// The same link over the other channel, in one press.
pub struct Instead {
    /// `email`.
    pub channel: &'static str,
    /// `Send via Email to hannah@example.com instead`.
    pub label: String,
    pub icon: &'static str,
    pub to: String,
    pub idempotency_key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    Waiting,
    Done,
    Failed,
    /// It may have gone out; we do not send it again by ourselves.
    Uncertain,
}

impl OutcomeKind {
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Waiting => "loader",
            Self::Done => "check-check",
            Self::Failed => "circle-alert",
            Self::Uncertain => "info",
        }
    }

    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Waiting | Self::Uncertain => "wait",
            Self::Done => "",
            Self::Failed => "bad",
        }
    }
}

/// One of Created, Sent, Delivered, Accessed, Paid.
pub struct Step {
    pub name: &'static str,
    pub state: StepState,
    /// `SMS, 10:45`, `Waiting for patient`.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Done,
    Current,
    Ahead,
}

impl Step {
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match (self.state, self.name) {
            (StepState::Done, _) => "check",
            (_, "Accessed") => "eye",
            (_, "Paid") => "pound-sterling",
            (_, "Delivered") => "check-check",
            (_, "Sent") => "send",
            _ => "circle-dashed",
        }
    }

    #[must_use]
    pub fn class(&self) -> &'static str {
        match self.state {
            StepState::Done => "ok",
            StepState::Current => "cur",
            StepState::Ahead => "",
        }
    }

    /// Said to those who do not see the colours.
    #[must_use]
    pub fn spoken(&self) -> &'static str {
        match self.state {
            StepState::Done => "done",
            StepState::Current => "next",
            StepState::Ahead => "not yet",
        }
    }
}

pub struct Tab {
    pub label: &'static str,
    pub href: String,
    pub count: u64,
    pub current: bool,
}

impl Tab {
    /// Whether one of the statuses is open; otherwise it is the follow-up.
    #[must_use]
    pub fn any_current(tabs: &[Self]) -> bool {
        tabs.iter().any(|tab| tab.current)
    }
}
