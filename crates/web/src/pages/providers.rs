//! Settings -> Providers.

use askama::Template;

use super::{Field, Shell};

/// `GET /settings/providers`; `POST /settings/providers/{provider}` with `secret_key`, `webhook_secret`, `api_base`;
/// `POST .../test`, `.../register`, `.../enable`, `.../disable`.
#[derive(Template)]
#[template(path = "staff/providers.html")]
pub struct Providers {
    pub shell: Shell,
    /// What was just done: `Stripe is saved.`
    pub done: Option<String>,
    pub cards: Vec<ProviderCard>,
}

/// One provider.
pub struct ProviderCard {
    /// `stripe`.
    pub name: &'static str,
    pub title: &'static str,
    /// Takes new payments.
    pub takes: bool,
    /// `Live` or `Test mode`; none before an account is connected.
    pub mode: Option<Mode>,
    /// `acct_1 · Larkhill Clinic · GB · GBP · key ending in 4242`, or what it is.
    pub about: String,
    pub lines: Vec<Line>,
    /// `Tested Tue 24 Nov, 10:46`.
    pub tested: Option<String>,
    /// Where it sends its events; none before an account is connected.
    pub webhook_url: Option<String>,
    /// The provider can be asked to send its events here.
    pub may_register: bool,
    /// None: nothing can be typed (the sandbox).
    pub form: Option<KeyForm>,
    /// What stands against switching it on: `The clinic takes real money.`
    pub off_reason: Option<String>,
    /// A failure that belongs to no field.
    pub refused: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Live,
    Test,
}

/// Keys are written, never read back: a field stays empty, and what was typed into it is not shown again.
pub struct KeyForm {
    pub secret_key: Field,
    /// `Saved, ends in 4242. Leave it empty to keep it.`
    pub key_kept: Option<String>,
    pub key_hint: &'static str,
    /// None: the provider signs nothing.
    pub webhook_secret: Option<Field>,
    pub secret_kept: Option<String>,
    pub api_base: Field,
    /// The usual address, shown as an example.
    pub api_base_usual: &'static str,
    /// The address differs or has an error: it is shown open.
    pub api_base_open: bool,
}

/// One line of the connection's test.
pub struct Line {
    pub tone: LineTone,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineTone {
    Good,
    Warn,
    Bad,
    Unknown,
}

impl LineTone {
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Good => "circle-check",
            Self::Warn => "clock-alert",
            Self::Bad => "circle-alert",
            Self::Unknown => "circle-dashed",
        }
    }

    /// Read aloud before the text, so that the colour is not the only sign.
    #[must_use]
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Good => "Works",
            Self::Warn => "Look at this",
            Self::Bad => "Does not work",
            Self::Unknown => "Not known",
        }
    }
}
