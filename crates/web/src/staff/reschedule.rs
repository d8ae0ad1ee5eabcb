//! Moving an appointment: by the fields of a page or window, and by a drag in the diary, which sends the same form.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::appointments::{self, AppointmentChange};
use remit_app::views::AppointmentView;
use remit_app::{Error, services};
use remit_core::MINUTE_MS;
use remit_core::appointments::Status;
use remit_core::ids::AppointmentId;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::booking::practitioner_choices;
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::{clock, sentences};
use crate::pages::reschedule::{Reschedule, RescheduleDialog, ReschedulePage};
use crate::pages::{Field, Section};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    back: String,
}

/// `GET /appointments/{id}/reschedule`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let sent = Form(vec![("back".into(), asked.back)]);
    answer(&desk, id.parse()?, StatusCode::OK, &sent, None).await
}

/// `POST /appointments/{id}/reschedule`.
pub async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let done = match wish(&desk, &form) {
        Ok(change) => appointments::change(&desk.app, desk.actor(), id, change).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(see_other(&match clock::day(form.text("back")) {
            Some(day) => format!("/diary?day={day}"),
            None => format!("/appointments/{id}"),
        })),
        Err(error) if sentences::is_mendable(&error) => {
            answer(&desk, id, sentences::status(&error), &form, Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn wish(desk: &Desk, form: &Form) -> remit_app::Result<AppointmentChange> {
    let day =
        clock::day(form.text("date")).ok_or_else(|| Error::invalid("date", "Choose a day."))?;
    let start = clock::time(form.text("start"))
        .ok_or_else(|| Error::invalid("start", "Choose a time, like 14:30."))?;
    let minutes = match form.text("minutes").trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            Error::invalid("minutes", "Choose a length from 5 minutes to 12 hours.")
        })?),
    };
    let practitioner = match form.text("practitioner") {
        "" => None,
        id => Some(id.parse().map_err(|_| {
            Error::invalid("practitioner_id", "Choose a practitioner from the list.")
        })?),
    };
    Ok(AppointmentChange {
        starts_at: Some(desk.clock.at(day, start)),
        minutes,
        practitioner,
        seen: form.text("seen").parse().ok(),
        despite_overlap: form.ticked("insist"),
        ..AppointmentChange::default()
    })
}

async fn answer(
    desk: &Desk,
    id: AppointmentId,
    status: StatusCode,
    sent: &Form,
    error: Option<&Error>,
) -> Answer {
    let view = appointments::get(&desk.app, desk.clinic(), id).await?;
    if view.status == Status::Cancelled {
        return Ok(see_other(&format!("/appointments/{id}")));
    }
    let form = form(desk, &view, sent, error).await?;
    Ok(match desk.wants {
        Wants::Dialog => page(status, &RescheduleDialog { form }),
        Wants::Page | Wants::Live => {
            let shell = desk.shell(Section::Diary).await?;
            page(status, &ReschedulePage { shell, form })
        }
    })
}

/// The form as it was sent, else as the appointment stands. After somebody else's change it speaks of the new state.
async fn form(
    desk: &Desk,
    view: &AppointmentView,
    sent: &Form,
    error: Option<&Error>,
) -> remit_app::Result<Reschedule> {
    let people = services::practitioners(&desk.app, desk.clinic()).await?;
    let typed = |name: &str, otherwise: String| {
        if sent.has(name) {
            sent.text(name).to_owned()
        } else {
            otherwise
        }
    };
    let wrong = |names: &[&str]| sentences::beside(error, names);
    let with = view
        .practitioner
        .map(|who| who.to_string())
        .unwrap_or_default();
    let told = error.map(|error| sentences::sentence(error, &desk.clock));
    let clashes = matches!(error, Some(Error::Clash(_)));
    let beside_a_field = matches!(error, Some(Error::Invalid { .. }));
    let minutes = (view.ends_at - view.starts_at) / MINUTE_MS;
    Ok(Reschedule {
        id: view.id.to_string(),
        csrf: desk.who.csrf.clone(),
        patient: view.patient_name.clone(),
        now: now_words(desk, view),
        seen: if clashes || beside_a_field {
            sent.text("seen").parse().unwrap_or(view.revision)
        } else {
            view.revision
        },
        back: clock::day(sent.text("back")).map_or_else(String::new, |day| day.to_string()),
        clash: told.clone().filter(|_| clashes),
        refused: told.filter(|_| !clashes && !beside_a_field),
        date: Field {
            value: typed("date", desk.clock.date(view.starts_at).to_string()),
            error: wrong(&["date", "starts_at"]),
        },
        start: Field {
            value: typed("start", desk.clock.time(view.starts_at)),
            error: wrong(&["start"]),
        },
        minutes: Field {
            value: typed("minutes", minutes.to_string()),
            error: wrong(&["minutes"]),
        },
        practitioners: practitioner_choices(&people, &typed("practitioner", with)),
        practitioner_error: wrong(&["practitioner_id"]),
    })
}

fn now_words(desk: &Desk, view: &AppointmentView) -> String {
    let with = view.practitioner_name.as_deref();
    format!(
        "Now {} – {}{}",
        desk.clock.moment(view.starts_at),
        desk.clock.time(view.ends_at),
        with.map(|name| format!(" with {name}")).unwrap_or_default()
    )
}
