//! Whose payment is it? A provider's payment that belongs to no link is recorded at the appointment that staff choose.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::idempotency::Claimed;
use remit_app::views::{AppointmentView, Filter, FindingView, LinkView};
use remit_app::{Error, appointments, findings, links, providers, reconcile};
use remit_core::DAY_MS;
use remit_core::appointments::Status;
use remit_core::ids::{AppointmentId, FindingId};
use serde::Deserialize;

use crate::pages::Section;
use crate::pages::findings::{Candidate, Match};
use crate::staff::answer::{Answer, Failure, page, see_other};
use crate::staff::desk::Desk;
use crate::staff::forms::Form;
use crate::staff::once::once;
use crate::staff::{link_rows, new_link, sentences};

/// How far around today appointments are proposed: as many as one list holds, and a search finds the others.
const DAYS_AROUND: i64 = 4;
/// How far back links are looked at that asked for the same sum, and how many.
const LINKS_BACK: i64 = 14;
const LINKS_MAX: i64 = 200;
const SHOWN_MAX: usize = 12;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// `GET /financials/findings/{id}/match`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    whole(&desk, id.parse()?, &asked.q, StatusCode::OK, None).await
}

/// `POST /financials/findings/{id}/match`: `appointment`.
pub async fn place(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: FindingId = id.parse()?;
    let appointment: AppointmentId = form.text("appointment").parse()?;
    let path = format!("{}/{id}/match", super::HERE);
    let done = once(&desk, &form, &path, async |_: Option<Claimed>| {
        reconcile::place(&desk.app, desk.actor(), id, appointment).await?;
        Ok(super::done("match"))
    })
    .await;
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            whole(&desk, id, form.text("q"), status, Some(&error)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn whole(
    desk: &Desk,
    id: FindingId,
    q: &str,
    status: StatusCode,
    error: Option<&Error>,
) -> Answer {
    let finding = findings::get(&desk.app, desk.clinic(), id).await?;
    let payment = reconcile::unplaced(&finding).ok_or(Error::NotFound)?;
    let q = q.trim();
    let found = candidates(desk, &finding, q).await?;
    let shown = Match {
        shell: desk.shell(Section::Findings).await?,
        id: id.to_string(),
        payment: format!(
            "{} at {}, payment {}",
            finding.amount.map_or(String::new(), |sum| sum.to_string()),
            providers::title(&payment.provider),
            payment.payment_id
        ),
        q: q.to_owned(),
        about: match (q.is_empty(), found.is_empty()) {
            (true, false) => "Appointments whose link asked for this sum first, then those around today with something due".into(),
            (true, true) => "Nothing is due around today. Search for the patient.".into(),
            (false, false) => format!("Appointments of “{q}”"),
            (false, true) => format!("No appointment is found by “{q}”."),
        },
        refused: error.map(|error| match error {
            Error::ProviderUnreachable(_) => {
                "The payment provider does not answer, so nothing was recorded. Try again in a minute.".into()
            }
            error => sentences::sentence(error, &desk.clock),
        }),
        found,
        idempotency_key: desk.key()?,
    };
    Ok(page(status, &shown))
}

async fn candidates(
    desk: &Desk,
    finding: &FindingView,
    q: &str,
) -> remit_app::Result<Vec<Candidate>> {
    let mut found = match q {
        "" => proposed(desk, finding).await?,
        q => new_link::of_patients(desk, q).await?,
    };
    found.retain(|view| view.status != Status::Cancelled);
    let exact = |view: &AppointmentView| Some(view.balance.due()) == finding.amount;
    found.sort_by_key(|view| (!exact(view), (view.starts_at - finding.opened_at).abs()));
    let shown = found.iter().take(SHOWN_MAX);
    Ok(shown
        .map(|view| candidate(desk, view, exact(view)))
        .collect())
}

/// Whose it may be: appointments whose link asked for just this sum and was not paid, then those around today that owe.
async fn proposed(desk: &Desk, finding: &FindingView) -> remit_app::Result<Vec<AppointmentView>> {
    let (app, clinic) = (&desk.app, desk.clinic());
    let lately = Filter {
        created_from: Some(finding.opened_at - LINKS_BACK * DAY_MS),
        ..Filter::default()
    };
    let (asked, _) = links::list(app, clinic, &lately, None, LINKS_MAX).await?;
    let mut found: Vec<AppointmentView> = Vec::new();
    let same = |link: &&LinkView| Some(link.amount) == finding.amount && link.paid_at.is_none();
    for link in asked.iter().filter(same).take(SHOWN_MAX) {
        if !found.iter().any(|view| view.id == link.appointment) {
            found.push(appointments::get(app, clinic, link.appointment).await?);
        }
    }
    let (from, to) = (
        desk.now() - DAYS_AROUND * DAY_MS,
        desk.now() + DAYS_AROUND * DAY_MS,
    );
    for view in new_link::between(desk, None, from, to).await? {
        if new_link::owes(&view) && !found.iter().any(|known| known.id == view.id) {
            found.push(view);
        }
    }
    Ok(found)
}

fn candidate(desk: &Desk, view: &AppointmentView, exact: bool) -> Candidate {
    let with = view.practitioner_name.as_ref();
    let with = with.map_or(String::new(), |name| format!(", {name}"));
    let due = view.balance.due();
    Candidate {
        appointment_id: view.id.to_string(),
        patient: view.patient_name.clone(),
        appointment: format!(
            "{}{with} · {}",
            link_rows::day(&desk.clock, view.starts_at),
            view.title
        ),
        due: match due.minor {
            0 => "Nothing due".into(),
            _ => format!("{due} due"),
        },
        exact,
    }
}
