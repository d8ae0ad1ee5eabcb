//! Settings -> Messages.

use askama::Template;

use super::providers::Line;
use super::{Field, Shell};

/// `GET /settings/messages?sms=twilio`; `POST /settings/messages/{channel}` with `provider` and its fields;
/// `POST .../test` with `to`, `POST .../disconnect`.
#[derive(Template)]
#[template(path = "staff/messaging.html")]
pub struct Messaging {
    pub shell: Shell,
    /// What was just done: `SMS is saved`.
    pub done: Option<String>,
    pub cards: Vec<ChannelCard>,
}

/// One channel: SMS, or email.
pub struct ChannelCard {
    /// `sms`.
    pub name: &'static str,
    /// `SMS`.
    pub title: &'static str,
    /// `Twilio · from +44 7700 900123`, or what happens without a connection.
    pub about: String,
    pub state: State,
    /// How sending went last, and whether receipts are believed.
    pub lines: Vec<Line>,
    /// Who can carry it. Empty: there is no choice.
    pub carriers: Vec<Carrier>,
    /// The one whose fields are shown.
    pub carrier: &'static str,
    pub carrier_title: &'static str,
    pub fields: Vec<Entry>,
    /// Fields that few need; shown open when they hold something or are wrong.
    pub more: Vec<Entry>,
    pub more_open: bool,
    /// What the fold of the further fields is called.
    pub more_title: &'static str,
    /// Where delivery receipts or bounces may be posted; none where the carrier is told with each message.
    pub receipt_url: Option<String>,
    pub receipt_hint: &'static str,
    /// The fields are those of what is connected.
    pub is_connected: bool,
    /// Something can be sent, be it into the tray.
    pub may_test: bool,
    pub test: Field,
    /// `tel` or `email`.
    pub test_kind: &'static str,
    pub test_label: &'static str,
    /// A failure that belongs to no field.
    pub refused: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Connected,
    /// The demo's tray takes it.
    Tray,
    Off,
}

/// One choice of who carries a channel.
pub struct Carrier {
    pub title: &'static str,
    pub href: String,
    pub current: bool,
}

/// One field to enter.
pub struct Entry {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    /// Written, never read back.
    pub secret: bool,
    /// Several lines.
    pub long: bool,
    /// `Saved. Leave it empty to keep it`.
    pub kept: Option<String>,
    pub field: Field,
}
