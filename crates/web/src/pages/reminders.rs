//! What leaves by itself while a link is not paid.

use askama::Template;

use super::{Field, Shell};

/// `GET|POST /settings/reminders`: per kind a tick and a number of hours (`unopened`, `unopened_hours`, ...), and
/// `quiet_from`, `quiet_to`.
#[derive(Template)]
#[template(path = "staff/reminders.html")]
pub struct Reminders {
    pub shell: Shell,
    pub kinds: Vec<ReminderKind>,
    /// `20:00`
    pub quiet_from: Field,
    pub quiet_to: Field,
    /// The clinic's zone, as its wall clock is called: `Europe/London`.
    pub zone: String,
    pub saved: bool,
    pub may_change: bool,
}

pub struct ReminderKind {
    /// `unopened`, `unpaid`, `expiring`: the name of its tick.
    pub name: &'static str,
    /// `Not opened`.
    pub title: &'static str,
    /// What goes before and after the hours: `Send a reminder`, `hours after the last message`.
    pub before: &'static str,
    pub after: &'static str,
    pub on: bool,
    pub hours: Field,
}
