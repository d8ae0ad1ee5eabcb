//! Financials -> Online Payments: the list, its rows, what is done to many of them, and following up.

use askama::Template;

use super::links::Tab;
use super::{Badge, Channel, Choice, LinkStatus, Shell, TimelineEntry};

/// `GET /financials/online-payments`: `status`, `q`, `from`, `to`, `purpose`, `after`.
#[derive(Template)]
#[template(path = "staff/online_payments.html")]
pub struct OnlinePayments {
    pub shell: Shell,
    /// `Every payment link of the last 30 days`.
    pub about: String,
    pub note: Option<FollowUpNote>,
    pub disputed: Option<DisputedNote>,
    pub tabs: Vec<Tab>,
    pub follow_up_count: u64,
    pub filter: Filter,
    pub rows: Vec<LinkRow>,
    /// `1–25 of 214 · £23,871.50 asked, £18,462.50 paid`.
    pub total: String,
    pub newer: Option<String>,
    pub older: Option<String>,
    /// This very page, for the live updates and to come back to after a row's action.
    pub here: String,
    pub empty: Option<Empty>,
    /// None where the person's role sends and cancels nothing.
    pub selection: Option<Selection>,
    /// The fields that an export is narrowed by.
    pub export: Vec<(&'static str, String)>,
}

/// Payments that a bank is looking into.
pub struct DisputedNote {
    /// `2 payments are disputed.`
    pub head: String,
    /// ` Send evidence to Stripe by Tue 1 December.`
    pub rest: String,
    /// The payment whose deadline is nearest.
    pub payment_id: String,
}

/// Patients who looked and did not pay.
pub struct FollowUpNote {
    /// `5 patients opened a link and did not pay`.
    pub head: String,
    /// `, worth £397.00. Two links end before 18:00 today.`
    pub rest: String,
}

pub struct Filter {
    pub q: String,
    /// `2026-10-26`; empty: no bound.
    pub from: String,
    pub to: String,
    pub purposes: Vec<Choice>,
    /// Kept when the form is sent: the open tab's value, empty for all.
    pub status: String,
    pub error: Option<String>,
    /// Where dates in the wrong order are swapped.
    pub swap: Option<String>,
}

pub enum Empty {
    NothingYet,
    /// What was looked for, and ways to look wider: words and address.
    NothingFound {
        text: String,
        ways: Vec<(&'static str, String)>,
    },
}

/// The form that acts on every row that is ticked; it posts to `/financials/online-payments/selection`.
pub struct Selection {
    pub csrf: String,
    pub idempotency_key: String,
    pub here: String,
}

/// A row as an answer of its own: what the live list takes anew when its link changes.
#[derive(Template)]
#[template(path = "staff/link_row_alone.html")]
pub struct LinkRowAlone {
    pub row: LinkRow,
}

pub struct LinkRow {
    pub id: String,
    pub appointment_id: String,
    pub patient: String,
    /// `Today 10:00, Tom Hargreaves`.
    pub appointment: String,
    pub amount: String,
    pub purpose: String,
    pub status: LinkStatus,
    pub badges: Vec<Badge>,
    pub channel: Channel,
    /// `Today 10:44`.
    pub created: String,
    pub ends: Ends,
    pub act: RowAct,
    /// The address, while it takes money and the person's role hands links over.
    pub url: Option<String>,
    /// Something is left to give back, and the person's role gives it: `/payment-links/{id}/refund`.
    pub refundable: bool,
    pub may_act: bool,
    /// Something can be done to it together with others.
    pub selectable: bool,
    pub csrf: String,
    pub idempotency_key: String,
    pub here: String,
    /// `here`, to stand in an address.
    pub back: String,
}

impl LinkRow {
    #[must_use]
    pub fn renewable_in_menu(&self) -> bool {
        self.may_act && self.status == LinkStatus::Cancelled
    }

    #[must_use]
    pub fn cancellable(&self) -> bool {
        self.may_act && self.status.is_open()
    }
}

/// When a link ends, or how it ended.
#[derive(Default)]
pub struct Ends {
    /// RFC 3339 while it is open: shown as `In 47 h 58 min` and counted down by the script.
    pub at: Option<String>,
    /// `47 h 58 min`; without `at` the whole text: `Sun 22 Nov, 16:47`, `Settled another way`, `–`.
    pub text: String,
    /// `Thu 26 Nov, 10:44`, `paid today 10:49`; may be empty.
    pub detail: String,
    /// The same in one line, for phones: `Expires in 47 h 58 min`, `Paid today 10:49`.
    pub brief: String,
}

/// The one action that fits a row's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAct {
    /// Send again the way it was sent last: `sms` or `email`.
    Resend(&'static str),
    /// Open the window: it was never sent, or shown as a code.
    Send,
    Copy,
    Renew,
    Receipt,
    Nothing,
}

/// What became of each link of a selection: over the list, or as a page.
#[derive(Template)]
#[template(path = "staff/selection.html")]
pub struct SelectionPage {
    pub shell: Shell,
    pub told: SelectionTold,
}

#[derive(Template)]
#[template(path = "staff/selection_dialog.html")]
pub struct SelectionDialog {
    pub told: SelectionTold,
}

pub struct SelectionTold {
    /// `3 of 5 links sent again`.
    pub heading: String,
    pub results: Vec<SelectionResult>,
    pub back: String,
    /// For the next press: this one's key is used up.
    pub next_key: String,
}

pub struct SelectionResult {
    pub done: bool,
    pub link_id: String,
    pub patient: String,
    pub text: String,
}

/// `GET /financials/online-payments/new`: an appointment with something due, to make a link for.
#[derive(Template)]
#[template(path = "staff/new_link.html")]
pub struct NewLinkPage {
    pub shell: Shell,
    pub chooser: NewLink,
}

#[derive(Template)]
#[template(path = "staff/new_link_dialog.html")]
pub struct NewLinkDialog {
    pub chooser: NewLink,
}

pub struct NewLink {
    pub csrf: String,
    pub q: String,
    /// `Today and the next 14 days`, or what was found.
    pub about: String,
    pub refused: Option<String>,
    pub found: Vec<Payer>,
}

/// An appointment that still owes.
pub struct Payer {
    pub appointment_id: String,
    pub patient: String,
    /// `Today 10:00, Tom Hargreaves · Check-up`.
    pub appointment: String,
    /// `Deposit £10.00 due`, `£37.50 due`.
    pub due: String,
    /// What a button asks for: `deposit` or `balance`, its words, and its form's key.
    pub purposes: Vec<(&'static str, String, String)>,
    /// The link that is open already.
    pub open_link: Option<String>,
}

/// `GET /payment-links/{id}/timeline`: everything about one link, as a page of its own.
#[derive(Template)]
#[template(path = "staff/link_panel_page.html")]
pub struct LinkPanelPage {
    pub shell: Shell,
    pub panel: LinkPanel,
}

/// The same at the side of the list.
#[derive(Template)]
#[template(path = "staff/link_panel_dialog.html")]
pub struct LinkPanelDialog {
    pub panel: LinkPanel,
}

pub struct LinkPanel {
    pub id: String,
    pub appointment_id: String,
    pub patient: String,
    /// `Balance of Today 10:00, Tom Hargreaves`.
    pub subject: String,
    pub amount: String,
    pub status: LinkStatus,
    pub badges: Vec<Badge>,
    /// What is known of it: `Reference`, `PL-8F2A31`.
    pub facts: Vec<(&'static str, String)>,
    /// Openings that a person made; those that nobody confirmed; messages; tries to pay.
    pub visits: Vec<TimelineEntry>,
    pub deliveries: Vec<TimelineEntry>,
    pub tries: Vec<TimelineEntry>,
    pub timeline: Vec<TimelineEntry>,
}

/// `GET /financials/online-payments/follow-up`: links that somebody should look after; `why` narrows them, `sort`
/// orders them.
#[derive(Template)]
#[template(path = "staff/follow_up.html")]
pub struct FollowUp {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub follow_up_count: u64,
    /// Everything, and each reason that a link may have.
    pub reasons: Vec<Tab>,
    /// `Opened, not paid.`, and what usually helps.
    pub head: &'static str,
    pub about: &'static str,
    /// The reason that is open, kept when the order is chosen; empty for all.
    pub why: &'static str,
    pub orders: Vec<Choice>,
    pub rows: Vec<FollowUpRow>,
    /// `5 links, £397.00 waiting`.
    pub total: String,
    pub here: String,
    pub selection: Option<Selection>,
    /// Links whose patient can be texted now.
    pub textable: Vec<String>,
    /// The fields that an export is narrowed by.
    pub export: Vec<(&'static str, String)>,
}

/// A row as an answer of its own.
#[derive(Template)]
#[template(path = "staff/follow_up_row_alone.html")]
pub struct FollowUpRowAlone {
    pub row: FollowUpRow,
}

pub struct FollowUpRow {
    pub id: String,
    pub appointment_id: String,
    pub patient: String,
    pub appointment: String,
    pub amount: String,
    /// `Asked for a new link`; empty where the whole list has one reason.
    pub reason: &'static str,
    /// `Looked at Klarna, went no further`.
    pub happened: String,
    /// `Opened 3 times, last 26 min ago`.
    pub visits: String,
    /// What it has become, once it waits for nobody any more.
    pub settled: Option<LinkStatus>,
    pub badges: Vec<Badge>,
    pub ends: Ends,
    pub ends_soon: bool,
    /// What helps with one press, if anything does.
    pub step: FollowUpStep,
    /// The number as read and as dialled.
    pub phone: Option<(String, String)>,
    /// `Called today 10:12 by Joanne Bright`; empty: nobody called.
    pub called: String,
    pub note: String,
    /// `Joanne Bright, today 10:12`.
    pub noted: String,
    pub may_act: bool,
    pub csrf: String,
    pub idempotency_key: String,
    pub here: String,
    /// `here`, to stand in an address.
    pub back: String,
}

/// What a row offers to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUpStep {
    /// Send the link again the way it was sent last: `sms` or `email`.
    Resend(&'static str),
    /// Open the window: another address or another channel is needed.
    Correct,
    /// The link has ended: a new one.
    Renew,
    /// The patient is paying: nothing is sent now.
    Wait,
    /// Nothing waits any more, or the person's role sends nothing.
    Nothing,
}
