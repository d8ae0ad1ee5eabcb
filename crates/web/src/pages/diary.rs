//! The diary: one day, a column per practitioner, in rows of a quarter of an hour.

use askama::Template;

use super::{AppointmentStatus, Shell, Tone};

/// `GET /diary?day=2026-11-24&practitioner=prc_...`. On a phone one column is shown: the chosen practitioner's, else
/// the first.
#[derive(Template)]
#[template(path = "staff/diary.html")]
pub struct Diary {
    pub shell: Shell,
    /// `Tuesday 24 November`.
    pub heading: String,
    /// The day as in addresses: `2026-11-24`.
    pub day: String,
    pub previous_day: String,
    pub next_day: String,
    pub is_today: bool,
    /// The full hours down the side: `08:00`, `09:00` ... Their number decides how tall the day is.
    pub hours: Vec<String>,
    pub columns: Vec<Column>,
    pub now: Option<NowMark>,
}

pub struct Column {
    /// The practitioner's id.
    pub id: String,
    pub name: String,
    /// `Physiotherapy · Room 2`. May be empty.
    pub detail: String,
    pub initials: String,
    /// The column's colour: `hue(index)`.
    pub hue: &'static str,
    /// Shown on a phone; exactly one column is.
    pub chosen: bool,
    pub items: Vec<Item>,
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
    },
}

pub struct Entry {
    /// The appointment's id.
    pub id: String,
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

/// The letter that gives a column its colour: four, then again.
#[must_use]
pub fn hue(index: usize) -> &'static str {
    ["a", "b", "c", "d"].get(index % 4).copied().unwrap_or("a")
}
