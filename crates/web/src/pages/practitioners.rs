//! Settings -> Practitioners: who treats, when, and when not.

use askama::Template;

use super::{Field, Shell};

/// `GET /settings/practitioners`.
#[derive(Template)]
#[template(path = "staff/practitioners.html")]
pub struct Practitioners {
    pub shell: Shell,
    pub may_change: bool,
    pub people: Vec<PractitionerRow>,
}

pub struct PractitionerRow {
    pub id: String,
    pub name: String,
    pub initials: String,
    /// The letter of the colour.
    pub hue: &'static str,
    /// `Physiotherapy · Room 2`. May be empty.
    pub detail: String,
    /// `Mon to Fri, 08:00 – 17:30`.
    pub hours: String,
    /// The next absence: `Holiday, Mon 30 Nov to Fri 4 Dec`.
    pub absence: Option<String>,
    pub active: bool,
}

/// `GET|POST /settings/practitioners/new` and `/settings/practitioners/{id}`: `name`, `speciality`, `room`, `hue`, and
/// for each weekday 1 to 7 `works_1` = `1`, `from_1`, `to_1`, `lunch_from_1`, `lunch_to_1`.
#[derive(Template)]
#[template(path = "staff/practitioner.html")]
pub struct PractitionerForm {
    pub shell: Shell,
    /// None: a new one.
    pub id: Option<String>,
    pub active: bool,
    pub name: Field,
    pub speciality: Field,
    pub room: Field,
    pub hues: Vec<HueChoice>,
    pub days: Vec<DayRow>,
    pub refused: Option<String>,
    pub absences: Vec<AbsenceRow>,
    pub absence: AbsenceForm,
}

pub struct HueChoice {
    pub value: &'static str,
    pub label: &'static str,
    pub letter: &'static str,
    pub chosen: bool,
}

pub struct DayRow {
    /// 1 is Monday.
    pub number: usize,
    pub name: &'static str,
    pub works: bool,
    pub from: String,
    pub to: String,
    pub lunch_from: String,
    pub lunch_to: String,
    pub error: Option<String>,
}

/// Posts to `/settings/practitioners/{id}/absences/{absence}/remove`.
pub struct AbsenceRow {
    pub id: String,
    pub reason: String,
    /// `Mon 30 Nov, 00:00 to Fri 4 Dec, 23:59`, or whole days in words.
    pub when: String,
}

/// Posts to `/settings/practitioners/{id}/absences`: `from`, `from_time`, `to`, `to_time`, `reason`. Without times whole
/// days are meant.
#[derive(Default)]
pub struct AbsenceForm {
    pub from: Field,
    pub from_time: Field,
    pub to: Field,
    pub to_time: Field,
    pub reason: Field,
}
