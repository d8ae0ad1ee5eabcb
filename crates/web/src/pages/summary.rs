//! Summary: what came in online, what was kept and paid out, how links fared.

use askama::Template;

use super::chart::Chart;
use super::{Field, Shell};

/// `GET /financials/summary`: `range` is `7`, `30`, `quarter` or `custom` with `from` and `to`.
#[derive(Template)]
#[template(path = "staff/summary.html")]
pub struct Summary {
    pub shell: Shell,
    /// `26 October to 24 November 2026`.
    pub span: String,
    pub ranges: Vec<Range>,
    /// The days to choose; only for the custom range.
    pub custom: Option<Custom>,
    pub csv: String,
    /// Where the page itself is, for live pieces.
    pub here: String,
    pub figures: Vec<Figure>,
    /// Nothing happened in these days.
    pub empty: bool,
    pub chart: Chart,
    /// The last days alone, for a phone.
    pub small_chart: Chart,
    pub chart_label: String,
    pub small_chart_label: String,
    pub methods: Vec<MethodLine>,
    pub all_links: i64,
    pub all_collected: String,
    pub all_href: String,
    pub funnel: Vec<Step>,
    pub funnel_note: String,
    pub steps: Vec<Step>,
    /// `£18,462.50 collected, less £120.00 refunded and £332.10 fees, leaves £18,010.40 net.`
    pub net: String,
    /// Whether any day has disputed money: the column is left out otherwise.
    pub disputed: bool,
    /// Newest first; days on which nothing happened are left out.
    pub days: Vec<DayLine>,
    pub total: DayLine,
    /// `£12.00 and €5.00 came in other currencies and are in no figure here.`
    pub elsewhere: Option<String>,
}

pub struct Range {
    pub label: &'static str,
    /// Left out on a phone, where there is room for three.
    pub wide: bool,
    pub href: String,
    pub current: bool,
}

pub struct Custom {
    pub from: Field,
    pub to: Field,
}

pub struct Figure {
    pub label: &'static str,
    pub value: String,
    /// Up, down or neither, with its word: `12%`.
    pub trend: Option<(bool, String)>,
    pub note: String,
    /// The list that the value adds up.
    pub href: Option<String>,
    /// Where the note leads.
    pub note_href: Option<String>,
}

pub struct MethodLine {
    /// `c1` to `c3`.
    pub class: &'static str,
    pub title: &'static str,
    /// Payments that came in by links; each link is paid once, but for what Credits & findings shows.
    pub links: i64,
    pub collected: String,
    pub href: String,
}

/// A bar of the funnel or of the time to pay.
pub struct Step {
    pub label: String,
    pub count: i64,
    pub percent: i64,
    /// Of 100.
    pub width: i64,
    pub href: Option<String>,
}

pub struct DayLine {
    /// `Tue 24 Nov`.
    pub day: String,
    /// The payments of that day; empty for the total.
    pub href: String,
    /// Card, Klarna, Clearpay.
    pub methods: Vec<String>,
    pub collected: String,
    pub refunded: String,
    pub disputed: String,
    pub fees: String,
    pub net: String,
    pub paid_out: String,
    /// All of it that is not zero, in words, for a phone.
    pub words: String,
}
