//! The diary: one day, a column per practitioner, in rows of a quarter of an hour.

use askama::Template;

use super::{AppointmentStatus, Choice, Shell, Tone};

/// What stands over the diary: where it is, and what it shows. All but `day` are addresses.
pub struct Toolbar {
    /// `Tuesday 24 November`, `23 – 29 November`.
    pub heading: String,
    /// The day as in addresses: `2026-11-24`.
    pub day: String,
    pub here: String,
    pub previous: String,
    pub next: String,
    pub as_day: String,
    pub as_week: String,
    pub everybody: String,
    pub is_today: bool,
    pub is_week: bool,
    /// The id of the only practitioner shown; empty: all.
    pub only: String,
    pub only_name: Option<String>,
    /// Each with the address that shows them alone.
    pub people: Vec<Choice>,
}

/// `GET /diary?day=2026-11-24&practitioner=prc_...&only=prc_...`. On a phone one column is shown: the chosen
/// practitioner's, else the first. The script makes its calendar of what stands here.
#[derive(Template)]
#[template(path = "staff/diary.html")]
pub struct Diary {
    pub shell: Shell,
    pub bar: Toolbar,
    /// The full hours down the side: `08:00`, `09:00` ... Their number decides how tall the day is.
    pub hours: Vec<String>,
    /// The hour after the last one: `18:00`.
    pub until: String,
    /// The first hour.
    pub from: String,
    pub columns: Vec<Column>,
    pub now: Option<NowMark>,
    /// When the page was made, for the printed list: `Tue 24 Nov, 10:46`.
    pub as_of: String,
}

/// `GET /diary?view=week`: the days from Monday, as a list that the script makes a calendar of.
#[derive(Template)]
#[template(path = "staff/week.html")]
pub struct Week {
    pub shell: Shell,
    pub bar: Toolbar,
    pub from: String,
    pub until: String,
    pub days: Vec<WeekDay>,
    pub now: Option<NowMark>,
}

pub struct WeekDay {
    pub day: String,
    /// The day alone.
    pub address: String,
    /// `Tue 24 November`.
    pub heading: String,
    pub is_today: bool,
    pub items: Vec<WeekItem>,
}

pub struct WeekItem {
    pub hue: &'static str,
    pub with: String,
    pub kind: ItemKind,
}

pub struct Column {
    /// The practitioner's id.
    pub id: String,
    pub name: String,
    /// `Physiotherapy · Room 2`. May be empty.
    pub detail: String,
    pub initials: String,
    /// The letter of the column's colour.
    pub hue: &'static str,
    /// Shown on a phone; exactly one column is.
    pub chosen: bool,
    pub items: Vec<Item>,
}

impl Column {
    /// No appointment stands in it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let is_block = |item: &Item| matches!(item.kind, ItemKind::Blocked { .. });
        self.items.iter().all(is_block)
    }
}

pub struct Item {
    pub place: Place,
    pub kind: ItemKind,
}

/// Where an item stands. Rows are quarters of an hour from the first hour shown, counted from 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    pub row: u32,
    pub rows: u32,
    /// Of `lanes` beside each other, when appointments overlap; counted from 1.
    pub lane: u32,
    pub lanes: u32,
}

impl Place {
    /// Rows that the style sheet knows: a whole day.
    pub const ROWS_MAX: u32 = 96;
    /// Appointments shown side by side in one column; more share the last lane.
    pub const LANES_MAX: u32 = 4;

    /// The classes that put the item there. What lies outside the sheet is moved to its edge.
    #[must_use]
    pub fn classes(&self) -> String {
        let row = self.row.clamp(1, Self::ROWS_MAX);
        let rows = self.rows.clamp(1, 40);
        let lanes = self.lanes.clamp(1, Self::LANES_MAX);
        let lane = self.lane.clamp(1, lanes);
        if lanes == 1 {
            format!("at-{row} for-{rows}")
        } else {
            format!("at-{row} for-{rows} lane-{lane}-{lanes}")
        }
    }
}

pub enum ItemKind {
    Appointment(Entry),
    /// Lunch, or not in: nothing can be booked.
    Blocked {
        label: String,
        span: Span,
    },
}

/// When and with whom, for the script: local times like `2026-11-24T10:00`, the practitioner's id.
#[derive(Clone, Debug, Default)]
pub struct Span {
    pub starts: String,
    pub ends: String,
    pub who: String,
}

pub struct Entry {
    /// The appointment's id.
    pub id: String,
    pub span: Span,
    /// Its revision, which a move is held against.
    pub seen: i64,
    /// May be dragged: not over, and the role books.
    pub movable: bool,
    pub patient: String,
    pub service: String,
    /// `10:00 – 10:45`, read to those who do not see the grid.
    pub time: String,
    pub status: AppointmentStatus,
    /// What to know about the money; none when nothing is asked for.
    pub payment: Option<PaymentNote>,
}

impl Entry {
    /// Cancelled, missed and completed appointments are drawn quietly.
    #[must_use]
    pub fn is_over(&self) -> bool {
        use AppointmentStatus::{
            Arrived, Booked, Cancelled, Completed, Confirmed, InProgress, NoShow,
        };
        match self.status {
            Completed | Cancelled | NoShow => true,
            Booked | Confirmed | Arrived | InProgress => false,
        }
    }
}

/// `Paid £48.00`, `Deposit due £25.00`, `£140.00 link opened`.
pub struct PaymentNote {
    pub text: String,
    pub icon: &'static str,
    pub tone: Tone,
}

/// The line across the day at this minute.
pub struct NowMark {
    pub time: String,
    /// The row the minute falls in.
    pub row: u32,
    /// How far into the row, in fifths: 0 to 4.
    pub fifth: u32,
}

impl NowMark {
    #[must_use]
    pub fn classes(&self) -> String {
        format!(
            "at-{} fifth-{}",
            self.row.clamp(1, Place::ROWS_MAX),
            self.fifth.min(4)
        )
    }
}
