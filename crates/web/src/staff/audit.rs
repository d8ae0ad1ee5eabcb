//! Settings -> Audit log.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::audit as verbs;
use remit_app::views::AuditLine;
use remit_core::ids::{
    AppointmentId, ClinicId, LinkId, PatientId, PaymentId, PractitionerId, ServiceId, StaffId,
};
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page};
use super::desk::Desk;
use super::words;
use crate::pages::Section;
use crate::pages::audit::{AboutWord, AuditLog, AuditRow};

const HERE: &str = "/settings/audit";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    before: String,
}

/// `GET /settings/audit`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let before = asked.before.parse().ok();
    let (lines, next) = verbs::page(&desk.app, desk.actor(), before).await?;
    // Numbered from zero without a gap, so the newest line of all tells how many there are.
    let kept = lines.first().map_or(0, |line| line.seq + 1);
    let shown = AuditLog {
        shell: desk.shell(Section::Settings).await?,
        rows: lines.iter().map(|line| row(&desk, line)).collect(),
        total: match before {
            Some(_) => String::new(),
            None => words::count(kept.unsigned_abs(), "line", "lines"),
        },
        first: before.is_some().then(|| HERE.to_owned()),
        older: next.map(|next| format!("{HERE}?before={next}")),
    };
    Ok(page(StatusCode::OK, &shown))
}

fn row(desk: &Desk, line: &AuditLine) -> AuditRow {
    let words = line.object.split_whitespace();
    AuditRow {
        at: desk.clock.lately(line.at),
        who: line.actor.clone(),
        what: what(&line.action),
        about: words.filter_map(|word| about(desk, word)).collect(),
    }
}

/// The page of what an id names, where it has one that this person may open; the clinic itself goes without saying.
fn about(desk: &Desk, word: &str) -> Option<AboutWord> {
    let named = |text: &str, href: String| AboutWord {
        text: text.to_owned(),
        href: Some(href),
    };
    if word.parse::<ClinicId>().is_ok() {
        return None;
    }
    Some(if word.parse::<AppointmentId>().is_ok() {
        named("appointment", format!("/appointments/{word}"))
    } else if word.parse::<PatientId>().is_ok() {
        named("patient", format!("/patients/{word}"))
    } else if word.parse::<PaymentId>().is_ok() {
        named("payment", format!("/payments/{word}"))
    } else if word.parse::<LinkId>().is_ok() {
        named("payment link", format!("/payment-links/{word}"))
    } else if word.parse::<ServiceId>().is_ok() {
        named("service", format!("/settings/services/{word}"))
    } else if word.parse::<PractitionerId>().is_ok() {
        named("practitioner", format!("/settings/practitioners/{word}"))
    } else if word.parse::<StaffId>().is_ok() && desk.may(Permission::Administer) {
        named("person", format!("/settings/staff/{word}"))
    } else {
        AboutWord {
            text: word.to_owned(),
            href: None,
        }
    })
}

#[rustfmt::skip]
const ACTIONS: &[(&str, &str)] = &[
    ("api_key.added", "Made an API key"),
    ("api_key.revoked", "Revoked an API key"),
    ("appointment.changed_despite_live_payment", "Changed an appointment while a payment was under way"),
    ("clinic.changed", "Changed the clinic’s details"),
    ("clinic.founded", "Founded the clinic"),
    ("clinic.logo_removed", "Removed the logo"),
    ("clinic.logo_set", "Set the logo"),
    ("credit.kept", "Kept a credit for the patient"),
    ("desk_method.set", "Switched a way of taking money at the desk"),
    ("digest_settings.changed", "Changed the daily digest"),
    ("email_for_providers.set", "Chose whether providers are told email addresses"),
    ("finding.asked", "Asked about a finding again"),
    ("finding.closed", "Marked a finding as done"),
    ("links.exported", "Exported payment links"),
    ("message_template.set", "Changed a message text"),
    ("messaging.changed", "Changed a connection for messages"),
    ("messaging.connected", "Connected messages"),
    ("messaging.disconnected", "Disconnected messages"),
    ("patient.merged", "Merged two patients"),
    ("payment.placed", "Matched a payment to its appointment"),
    ("payment.recorded_despite_live_payment", "Took money while an online payment was under way"),
    ("payment_method.set", "Changed a payment method"),
    ("practitioner.absent", "Added an absence"),
    ("practitioner.changed", "Changed a practitioner"),
    ("practitioner.present", "Removed an absence"),
    ("practitioner.retired", "Retired a practitioner"),
    ("practitioner.returned", "Brought a practitioner back"),
    ("provider.address_changed", "Changed a provider’s address"),
    ("provider.connected", "Connected a provider"),
    ("provider.disabled", "Stopped new payments by a provider"),
    ("provider.enabled", "Chose the provider for new payments"),
    ("provider.key_changed", "Changed a provider’s key"),
    ("provider.signing_secret_changed", "Changed a provider’s signing secret"),
    ("receipt_settings.changed", "Changed the receipts"),
    ("refund.approved", "Approved a refund"),
    ("refund.declined", "Declined a refund"),
    ("refund.requested", "Asked for a refund"),
    ("refund_limits.changed", "Changed the refund limits"),
    ("reminders.set", "Changed the reminders"),
    ("sending_limits.set", "Changed the sending limits"),
    ("service.changed", "Changed a service"),
    ("service.created", "Added a service"),
    ("staff.added", "Added a person"),
    ("staff.changed", "Changed a person’s details"),
    ("staff.deactivated", "Deactivated a person"),
    ("staff.invited", "Invited a person"),
    ("staff.password_changed", "Changed their own password"),
    ("staff.password_reset", "Made a link for a new password"),
    ("staff.password_set", "Set their password"),
    ("staff.reactivated", "Reactivated a person"),
    ("staff.role_changed", "Changed a person’s role"),
    ("staff.signed_out", "Signed a person out everywhere"),
    ("work.again", "Had given-up work tried again"),
];

/// What was done, in words; what another release wrote reads as well as its name does.
fn what(action: &str) -> String {
    let known = ACTIONS.iter().find(|(name, _)| *name == action);
    known.map_or_else(
        || action.replace(['.', '_'], " "),
        |(_, words)| (*words).to_owned(),
    )
}
