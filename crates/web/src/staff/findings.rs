//! Credits & findings: each with what happened, what to do and the button that does it; patients' credits; work outside
//! that was given up.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::findings as verbs;
use remit_app::views::{Cursor, StuckView};
use remit_app::{Error, refunds};
use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, FindingId, JobId};
use remit_core::money::Money;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::{sentences, words};
use crate::pages::findings::{FailedWork, Findings, Tab, View};
use crate::pages::{Choice, Section};

pub mod matching;
mod told;

pub(super) use told::heading;

pub const HERE: &str = "/financials/findings";
const PAGE_ROWS: i64 = 25;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    view: String,
    kind: String,
    after: String,
    /// What the person just did, by its name in [`said`].
    done: String,
}

impl Asked {
    fn view(&self) -> View {
        let all = [View::Open, View::Credits, View::Settled];
        let named = all.into_iter().find(|view| view.name() == self.view);
        named.unwrap_or(View::Open)
    }
}

/// Why a finding was not dealt with: which, what was sent, and the error.
type Retry<'a> = Option<(FindingId, &'a Form, &'a Error)>;

/// `GET /financials/findings`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    whole(&desk, &asked, None).await
}

async fn whole(desk: &Desk, asked: &Asked, retry: Retry<'_>) -> Answer {
    let (view, kind) = (asked.view(), FindingKind::parse(&asked.kind));
    let shell = desk.shell(Section::Findings).await?;
    let (credit_count, credit_sum) = verbs::credit_sum(&desk.app, desk.clinic()).await?;
    let credits = credit_count.max(0).unsigned_abs();
    let mut shown = Findings {
        tabs: tabs(view, shell.findings, credits),
        view,
        said: said(&asked.done),
        refused: retry.and_then(|(_, _, error)| refused(error, desk)),
        kinds: kinds(kind),
        narrowed: kind.is_some(),
        findings: vec![],
        credits: vec![],
        credit_total: format!(
            "{}, {}",
            words::count(credits, "appointment", "appointments"),
            Money::new(credit_sum, desk.currency())
        ),
        failed_work: vec![],
        may_close: desk.may(Permission::Refund),
        first: (!asked.after.is_empty()).then(|| address(view, kind, "")),
        older: None,
        here: address(view, kind, &asked.after),
        shell,
    };
    match view {
        View::Credits => fill_credits(desk, asked, &mut shown).await?,
        View::Open | View::Settled => fill_findings(desk, asked, kind, retry, &mut shown).await?,
    }
    let status = retry.map_or(StatusCode::OK, |(_, _, error)| sentences::status(error));
    Ok(page(status, &shown))
}

async fn fill_credits(desk: &Desk, asked: &Asked, shown: &mut Findings) -> remit_app::Result<()> {
    let after: Option<AppointmentId> = asked.after.parse().ok();
    let (found, next) = verbs::credits(&desk.app, desk.clinic(), after, PAGE_ROWS).await?;
    for view in &found {
        shown.credits.push(told::credit(desk, view).await?);
    }
    shown.older = next.map(|next| address(View::Credits, None, &next.to_string()));
    Ok(())
}

async fn fill_findings(
    desk: &Desk,
    asked: &Asked,
    kind: Option<FindingKind>,
    retry: Retry<'_>,
    shown: &mut Findings,
) -> remit_app::Result<()> {
    let after = Cursor::parse(&asked.after);
    let (app, clinic, open) = (&desk.app, desk.clinic(), shown.view == View::Open);
    let (found, next) = verbs::page(app, clinic, open, kind, after.as_ref(), PAGE_ROWS).await?;
    let stuck = match open {
        true => verbs::stuck(app, clinic).await?,
        false => vec![],
    };
    for finding in &found {
        let mut told = told::finding(desk, finding, &stuck).await?;
        if let Some((id, form, error)) = retry
            && id == finding.id
        {
            told.note.value = form.text("note").to_owned();
            told.note.error = sentences::beside(Some(error), &["note"]);
        }
        shown.findings.push(told);
    }
    shown.older = next.map(|next| address(shown.view, kind, &next.written()));
    if open && after.is_none() && kind.is_none() {
        // Those with a finding above have their button there.
        let above = |work: &&StuckView| {
            let id = work.id.to_string();
            !found.iter().any(|finding| finding.about == id)
        };
        let rest = stuck.iter().filter(above);
        shown.failed_work = rest.map(|work| given_up(desk, work)).collect();
    }
    Ok(())
}

fn address(view: View, kind: Option<FindingKind>, after: &str) -> String {
    let pairs = [
        ("view", view.name()),
        ("kind", kind.map_or("", FindingKind::name)),
        ("after", after),
    ];
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = given
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    match query.is_empty() {
        true => HERE.into(),
        false => format!("{HERE}?{}", query.join("&")),
    }
}

fn tabs(current: View, open: u64, credits: u64) -> Vec<Tab> {
    let tab = |label, view: View, count| Tab {
        label,
        href: address(view, None, ""),
        count,
        current: view == current,
    };
    vec![
        tab("To look at", View::Open, Some(open)),
        tab("Credits", View::Credits, Some(credits)),
        tab("Done", View::Settled, None),
    ]
}

fn kinds(chosen: Option<FindingKind>) -> Vec<Choice> {
    let any = Choice {
        value: String::new(),
        label: "Every kind".into(),
        selected: chosen.is_none(),
    };
    let each = FindingKind::ALL.into_iter().map(|kind| Choice {
        value: kind.name().into(),
        label: heading(kind).into(),
        selected: chosen == Some(kind),
    });
    std::iter::once(any).chain(each).collect()
}

/// The list, with what was just done said over it.
pub fn done(what: &str) -> String {
    format!("{HERE}?done={what}")
}

/// What is said over the list after a button was pressed.
fn said(done: &str) -> Option<&'static str> {
    match done {
        "refund" => Some(
            "The refund is asked for. What is about credit closes by itself once the money has gone back.",
        ),
        "approval" => Some("The refund waits for a second person."),
        "decline" => Some("The refund is declined. Nothing has moved."),
        "keep" => Some("The credit is kept for the next visit. Tell the patient."),
        "again" => Some("It is being tried again. Should it fail once more, it comes back here."),
        "ask" => Some("Asked just now. What is still here has not changed."),
        "match" => Some("The payment is recorded at the appointment."),
        "done" => Some("Marked as done. It is kept under Done, with your note."),
        _ => None,
    }
}

/// The sentence over the list; a provider that does not answer stops nothing here, unlike at the checkout.
fn refused(error: &Error, desk: &Desk) -> Option<String> {
    match error {
        Error::ProviderUnreachable(_) => {
            Some("The payment provider does not answer. Try again in a minute.".into())
        }
        error => sentences::over(Some(error), &desk.clock),
    }
}

/// `POST /financials/findings/{id}/close`. Done already: as it was wished.
pub async fn close(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: FindingId = id.parse()?;
    let note = form.some("note");
    let done = verbs::close(&desk.app, desk.actor(), id, note.as_deref()).await;
    onwards(&desk, Some((id, &form)), "done", done).await
}

/// `POST /financials/findings/{id}/ask`: whoever knows is asked once more.
pub async fn ask(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: FindingId = id.parse()?;
    let done = verbs::ask_again(&desk.app, desk.actor(), id).await;
    onwards(&desk, Some((id, &form)), "ask", done).await
}

/// `POST /financials/credits/{id}/keep`.
pub async fn keep(desk: Desk, Path(id): Path<String>, _form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let done = verbs::keep_credit(&desk.app, desk.actor(), id).await;
    onwards(&desk, None, "keep", done).await
}

/// `POST /financials/failed-work/{id}/retry`.
pub async fn retry(desk: Desk, Path(id): Path<String>, _form: Form) -> Answer {
    let id: JobId = id.parse()?;
    let done = verbs::try_again(&desk.app, desk.actor(), id).await;
    onwards(&desk, None, "again", done).await
}

/// `POST /financials/events/retry`.
pub async fn apply_again(desk: Desk, form: Form) -> Answer {
    let done = verbs::apply_again(&desk.app, desk.actor(), form.text("about")).await;
    onwards(&desk, None, "again", done).await
}

/// Back to the list, with what was done or why it was not. What somebody else did first is done as well.
async fn onwards(
    desk: &Desk,
    sent: Option<(FindingId, &Form)>,
    what: &str,
    done: remit_app::Result<()>,
) -> Answer {
    match (done, sent) {
        (Ok(()) | Err(Error::NotFound), _) => Ok(see_other(&self::done(what))),
        (Err(error), Some((id, form))) if sentences::is_mendable(&error) => {
            whole(desk, &Asked::default(), Some((id, form, &error))).await
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// After a refund that a finding asked for: where to go on.
///
/// # Errors
/// The store's.
pub async fn after_refund(
    desk: &Desk,
    finding: &str,
    refund: remit_core::ids::RefundId,
) -> remit_app::Result<String> {
    let view = refunds::get(&desk.app, desk.clinic(), refund).await?;
    if let Ok(finding) = finding.parse() {
        let note = format!("Refunded again, {}", view.refund.amount);
        verbs::refunded(&desk.app, desk.actor(), finding, &note).await?;
    }
    Ok(match view.refund.waits_for_approval() {
        true => done("approval"),
        false => done("refund"),
    })
}

fn given_up(desk: &Desk, work: &StuckView) -> FailedWork {
    FailedWork {
        id: work.id.to_string(),
        at: desk.clock.moment(work.created_at),
        what: told::work(&work.kind).into(),
        why: work.last_error.clone().unwrap_or_default(),
        tries: u32::try_from(work.tries).unwrap_or(u32::MAX),
        link: work
            .appointment
            .map(|id| (format!("/appointments/{id}"), "Its appointment".into())),
    }
}
