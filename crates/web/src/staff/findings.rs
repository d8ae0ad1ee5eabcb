//! Credits & findings: each with what happened, what to do and the button that does it; patients' credits; work outside
//! that was given up.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::findings::{self as verbs};
use remit_app::views::{CreditView, Cursor, FindingView, StuckView};
use remit_app::{Error, appointments, payments, refunds};
use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, FindingId, JobId, RefundId};
use remit_core::money::Money;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::words;
use crate::pages::findings::{Credit, FailedWork, Finding, Findings, Retry, Tab, View};
use crate::pages::{Choice, Section};

const HERE: &str = "/financials/findings";
const PAGE_ROWS: i64 = 25;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    view: String,
    kind: String,
    after: String,
}

impl Asked {
    fn view(&self) -> View {
        let all = [View::Open, View::Credits, View::Settled];
        let named = all.into_iter().find(|view| view.name() == self.view);
        named.unwrap_or(View::Open)
    }
}

/// `GET /financials/findings`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let (view, kind) = (asked.view(), FindingKind::parse(&asked.kind));
    let shell = desk.shell(Section::Findings).await?;
    let (credit_count, credit_sum) = verbs::credit_sum(&desk.app, desk.clinic()).await?;
    let mut shown = Findings {
        tabs: tabs(view, shell.findings, credit_count),
        view,
        kinds: kinds(kind),
        narrowed: kind.is_some(),
        findings: vec![],
        credits: vec![],
        credit_total: format!(
            "{}, {}",
            words::count(
                credit_count.max(0).unsigned_abs(),
                "appointment",
                "appointments"
            ),
            Money::new(credit_sum, desk.currency())
        ),
        failed_work: vec![],
        may_close: desk.may(Permission::Refund),
        first: (!asked.after.is_empty()).then(|| address(view, kind, "")),
        older: None,
        here: address(view, kind, &asked.after),
        shell,
    };
    if view == View::Credits {
        let after: Option<AppointmentId> = asked.after.parse().ok();
        let (found, next) = verbs::credits(&desk.app, desk.clinic(), after, PAGE_ROWS).await?;
        for view in &found {
            shown.credits.push(credit(&desk, view).await?);
        }
        shown.older = next.map(|next| address(view, None, &next.to_string()));
        return Ok(page(StatusCode::OK, &shown));
    }
    let after = Cursor::parse(&asked.after);
    let open = view == View::Open;
    let found = verbs::page(
        &desk.app,
        desk.clinic(),
        open,
        kind,
        after.as_ref(),
        PAGE_ROWS,
    );
    let (found, next) = found.await?;
    for finding in &found {
        shown.findings.push(told(&desk, finding).await?);
    }
    shown.older = next.map(|next| address(view, kind, &next.written()));
    if open && after.is_none() && kind.is_none() {
        let stuck = verbs::stuck(&desk.app, desk.clinic()).await?;
        // Those with a finding above have their button there.
        let above = |work: &&StuckView| {
            let id = work.id.to_string();
            !found.iter().any(|finding| finding.about == id)
        };
        let rest = stuck.iter().filter(above);
        shown.failed_work = rest.map(|work| given_up(&desk, work)).collect();
    }
    Ok(page(StatusCode::OK, &shown))
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

fn tabs(current: View, open: u64, credits: i64) -> Vec<Tab> {
    let credits = credits.max(0).unsigned_abs();
    let tab = |label, view: View, count| Tab {
        label,
        href: address(view, None, ""),
        count,
        current: view == current,
    };
    vec![
        tab("To look at", View::Open, Some(open)),
        tab("Credits", View::Credits, Some(credits)),
        tab("Settled", View::Settled, None),
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
        label: what(kind).0.into(),
        selected: chosen == Some(kind),
    });
    std::iter::once(any).chain(each).collect()
}

/// `POST /financials/findings/{id}/close`. Settled already: as it was wished.
pub async fn close(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: FindingId = id.parse()?;
    let note = form.some("note");
    done(verbs::close(&desk.app, desk.actor(), id, note.as_deref()).await)
}

/// `POST /financials/credits/{id}/keep`.
pub async fn keep(desk: Desk, Path(id): Path<String>, _form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    done(verbs::keep_credit(&desk.app, desk.actor(), id).await)
}

/// `POST /financials/failed-work/{id}/retry`.
pub async fn retry(desk: Desk, Path(id): Path<String>, _form: Form) -> Answer {
    let id: JobId = id.parse()?;
    done(verbs::try_again(&desk.app, desk.actor(), id).await)
}

/// `POST /financials/events/retry`.
pub async fn apply_again(desk: Desk, form: Form) -> Answer {
    done(verbs::apply_again(&desk.app, desk.actor(), form.text("about")).await)
}

/// What somebody else did first is done as well.
fn done(done: remit_app::Result<()>) -> Answer {
    match done {
        Ok(()) | Err(Error::NotFound) => Ok(see_other(HERE)),
        Err(error) => Err(error.into()),
    }
}

/// The form that gives an appointment's credit back, with its amount: from the payment that has most left.
async fn refund_of(
    desk: &Desk,
    appointment: AppointmentId,
    credit: Money,
) -> remit_app::Result<Option<(String, String)>> {
    if !desk.may(Permission::Refund) || credit.minor <= 0 {
        return Ok(None);
    }
    let paid = payments::of_appointment(&desk.app, desk.clinic(), appointment).await?;
    let same = paid
        .iter()
        .filter(|view| view.payment.amount.currency == credit.currency);
    let most = same.max_by_key(|view| view.payment.available().minor);
    Ok(most.and_then(|view| {
        let amount = credit.with(credit.minor.min(view.payment.available().minor));
        let form = format!(
            "/payments/{}/refund?amount={}",
            view.payment.id,
            amount.figure()
        );
        (amount.minor > 0).then(|| (form, format!("Refund {amount}")))
    }))
}

async fn credit(desk: &Desk, view: &CreditView) -> remit_app::Result<Credit> {
    Ok(Credit {
        appointment_id: view.appointment.to_string(),
        patient: view.patient_name.clone(),
        appointment: desk.clock.moment(view.starts_at),
        amount: view.credit.to_string(),
        undecided: view.undecided,
        refund: refund_of(desk, view.appointment, view.credit).await?,
    })
}

/// The failed refund's form once more.
async fn refund_again(desk: &Desk, about: &str) -> remit_app::Result<Option<(String, String)>> {
    let Ok(id) = about.parse::<RefundId>() else {
        return Ok(None);
    };
    if !desk.may(Permission::Refund) {
        return Ok(None);
    }
    match refunds::get(&desk.app, desk.clinic(), id).await {
        Ok(view) => {
            let (payment, amount) = (view.refund.payment, view.refund.amount);
            let form = format!("/payments/{payment}/refund?amount={}", amount.figure());
            Ok(Some((form, "Refund again".into())))
        }
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn told(desk: &Desk, finding: &FindingView) -> remit_app::Result<Finding> {
    let (heading, to_do) = what(finding.kind);
    let open = finding.closed.is_none();
    let credit = matches!(finding.kind, FindingKind::Surplus | FindingKind::CreditLeft);
    let refund = match (finding.kind, finding.appointment) {
        _ if !open => None,
        (FindingKind::RefundFailed, _) => refund_again(desk, &finding.about).await?,
        (FindingKind::Surplus | FindingKind::CreditLeft, Some(appointment)) => {
            let visit = appointments::get(&desk.app, desk.clinic(), appointment).await?;
            let credit = visit.balance.money(visit.balance.credit);
            refund_of(desk, appointment, credit).await?
        }
        _ => None,
    };
    let retry = (open && finding.kind == FindingKind::DeadLetter).then(|| {
        match finding.about.parse::<JobId>() {
            Ok(job) => Retry::Work(job.to_string()),
            Err(_) => Retry::Event(finding.about.clone()),
        }
    });
    let link = finding.appointment;
    let keep = link.filter(|_| open && credit).map(|id| id.to_string());
    let closed = finding.closed.as_ref();
    Ok(Finding {
        id: finding.id.to_string(),
        at: desk.clock.moment(finding.opened_at),
        heading: heading.into(),
        happened: finding.detail.clone(),
        to_do: to_do.into(),
        amount: finding.amount.map(|amount| amount.to_string()),
        refund,
        keep,
        retry,
        link: link.map(|id| (format!("/appointments/{id}"), "Open the appointment".into())),
        settled: closed.map(|(at, by, note)| {
            let who = match by.as_str() {
                "Remit" => "By itself, its cause is gone",
                by => by,
            };
            let when = desk.clock.moment(*at);
            match note {
                Some(note) => format!("{who}, {when}: {note}"),
                None => format!("{who}, {when}"),
            }
        }),
    })
}

/// What a finding is called, and what to do about it.
pub(super) fn what(kind: FindingKind) -> (&'static str, &'static str) {
    match kind {
        FindingKind::Surplus => (
            "More was received than was due",
            "Refund the rest, or keep it as credit for the next visit and tell the patient.",
        ),
        FindingKind::AmountMismatch => (
            "The provider received another amount than was asked for",
            "Compare the payment with the provider’s own page before you close this.",
        ),
        FindingKind::UnknownStatus => (
            "The provider used a word we do not know",
            "Look the payment up at the provider. Remit goes on asking.",
        ),
        FindingKind::CreditLeft => (
            "The patient has credit",
            "Refund it, or keep it for the next visit and tell the patient.",
        ),
        FindingKind::DeadLetter => (
            "Work outside was given up",
            "Mend the cause, then try again.",
        ),
        FindingKind::Unreconciled => (
            "Our books and the provider’s differ",
            "Compare it with the provider’s own page, then settle it here with a note of what it was.",
        ),
        FindingKind::RefundFailed => (
            "A refund failed",
            "The money is still here. Try the refund again, or give it back another way.",
        ),
        FindingKind::RefundApproval => (
            "A refund waits for a second person",
            "Open the appointment, then approve or decline it. Who asked for it cannot approve it.",
        ),
        FindingKind::Dispute => (
            "A payment is disputed",
            "Send the provider what shows that the patient was treated and agreed: the signed form, the booking, your \
             messages. Refunds wait until the bank has decided.",
        ),
        FindingKind::BrokenInvariant => (
            "The books do not add up",
            "Tell whoever runs Remit: they find the details with “remit check”.",
        ),
    }
}

fn given_up(desk: &Desk, work: &StuckView) -> FailedWork {
    let what = match work.kind.as_str() {
        "send" => "A message with a payment link",
        "create_session" => "Starting a payment at the provider",
        "ensure_closed" => "Closing a payment at the provider",
        "refund" => "A refund at the provider",
        "receipt" | "send_receipt" => "A receipt",
        "refund_receipt" => "The message about a refund",
        "digest" => "The daily digest",
        _ => "Work outside",
    };
    FailedWork {
        id: work.id.to_string(),
        at: desk.clock.moment(work.created_at),
        what: what.into(),
        why: work.last_error.clone().unwrap_or_default(),
        tries: u32::try_from(work.tries).unwrap_or(u32::MAX),
        link: work
            .appointment
            .map(|id| (format!("/appointments/{id}"), "Its appointment".into())),
    }
}
