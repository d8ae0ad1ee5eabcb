//! The daily digest: figures of the day before to the clinic's managers, once a day however many nodes run. The day is
//! claimed in the transaction that queues the messages, so a crash neither loses nor repeats it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use remit_core::UtcMs;
use remit_core::account::Effect;
use remit_core::clinic::Clinic;
use remit_core::deliveries::Channel;
use remit_core::digests::{self as rules, DigestSettings, Figures};
use remit_core::ids::{ClinicId, StaffId};
use remit_core::languages;
use remit_core::messages;
use remit_core::roles::Role;
use remit_gateways::messages::{Handover, Message};
use remit_store::outbox::{self, Leased, Outcome};
use remit_store::{audit, digests, staff};

use crate::{Actor, App, Error, Result, clinics, findings, messaging, reports};

/// The clinic's settings; off where nothing was set.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn settings(app: &App, clinic: ClinicId) -> Result<DigestSettings> {
    let known = digests::get(&app.store, clinic).await?;
    Ok(known.map(|(settings, _)| settings).unwrap_or_default())
}

/// Saves the settings.
///
/// # Errors
/// [`Error::Invalid`] for an hour that is none; or the store's.
#[crate::boxed]
pub async fn save_settings(app: &App, actor: &Actor, settings: DigestSettings) -> Result<()> {
    if !(0..=23).contains(&settings.hour) {
        return Err(Error::invalid("hour", "Choose an hour from 0 to 23."));
    }
    let context = clinics::context(app, actor.clinic).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let before = digests::get_in(&mut tx).await?;
    let (today, hour) = local(&context.clinic, now);
    let was_on = before.filter(|(known, _)| known.enabled);
    let last_day = was_on.map(|(_, last_day)| last_day);
    let last_day = rules::last_day_on_saving(settings.hour, last_day, day_number(today), hour);
    digests::set(&mut tx, settings, last_day).await?;
    let what = actor.clinic.to_string();
    audit::append(&mut tx, &actor.label, "digest_settings.changed", &what, now).await?;
    Ok(tx.commit().await?)
}

/// The clinic's day and hour at a moment. An unknown zone is read as UTC.
fn local(clinic: &Clinic, at: UtcMs) -> (Date, i64) {
    let zone = TimeZone::get(&clinic.zone).unwrap_or(TimeZone::UTC);
    let moment = Timestamp::from_millisecond(at)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned_datetime(zone);
    (moment.date(), i64::from(moment.hour()))
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn day_number(day: Date) -> i64 {
    EPOCH
        .until(day)
        .map_or(0, |span| i64::from(span.get_days()))
}

fn day_of(number: i64) -> Date {
    EPOCH.checked_add(number.days()).unwrap_or(EPOCH)
}

/// Queues what is due.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn run(app: &App) -> Result<()> {
    let now = app.now().await?;
    for (clinic, settings, last_day) in digests::enabled(&app.store).await? {
        let context = clinics::context(app, clinic).await?;
        let (today, hour) = local(&context.clinic, now);
        if rules::is_due(settings, last_day, day_number(today), hour) {
            queue(app, clinic, day_number(today)).await?;
        }
    }
    Ok(())
}

async fn queue(app: &App, clinic: ClinicId, day: i64) -> Result<()> {
    let managers: Vec<StaffId> = staff::list(&app.store, clinic)
        .await?
        .into_iter()
        .filter(|person| person.active && person.role >= Role::Manager)
        .map(|person| person.id)
        .collect();
    let mut tx = app.store.begin(clinic).await?;
    let now = tx.now().await?;
    if !digests::claim(&mut tx, day).await? {
        return Ok(());
    }
    for staff in managers {
        outbox::push(&mut tx, &Effect::Digest { staff, day }, None, now).await?;
    }
    tx.commit().await?;
    tracing::info!(clinic.id = %clinic, "queued the daily digest of {clinic}");
    Ok(())
}

/// Sends one manager the figures of the day before `day`. A repeat is the same message: it keeps its reference.
///
/// # Errors
/// The store's; [`Error::Setup`] while nothing is known of the message, so that it is tried again.
pub(crate) async fn send(app: &App, job: &Leased, to: StaffId, day: i64) -> Result<Outcome> {
    let people = staff::list(&app.store, job.clinic).await?;
    let person = people.into_iter().find(|person| person.id == to);
    // Who has left since, or is no manager any more, is not written to.
    let Some(person) = person.filter(|person| person.active && person.role >= Role::Manager) else {
        return Ok(Outcome::Done);
    };
    let channel = match messaging::channel(app, job.clinic, Channel::Email).await {
        Ok(channel) => channel,
        Err(Error::NotSetUp(_)) => {
            return Ok(Outcome::Dead {
                why: "email is not set up".into(),
            });
        }
        Err(error) => return Err(error),
    };
    let context = clinics::context(app, job.clinic).await?;
    let clinic = &context.clinic;
    let before = day_of(day - 1);
    let figures = figures(app, clinic, before).await?;
    let shown = before.strftime("%A %-d %B %Y").to_string();
    let address = format!(
        "{}/financials/summary?from={before}&to={before}",
        app.config.public_url
    );
    let text = rules::text(&clinic.name, &shown, &figures, &address);
    // Staff are written to in English.
    let mark = context.test_mark(languages::of_locale("en"));
    let message = Message {
        reference: format!("digest-{to}-{day}"),
        channel: Channel::Email,
        to: person.email,
        subject: Some(rules::subject(&clinic.name, &shown)),
        text: messages::marked(text, mark.as_deref()),
        html: None,
        attachments: vec![],
    };
    match channel.send(&message).await {
        Handover::Taken(_) => Ok(Outcome::Done),
        Handover::Refused(refusal) => Ok(Outcome::Dead {
            why: refusal.message,
        }),
        Handover::NotNow(unknown) | Handover::Unknown(unknown) => Err(Error::Setup(unknown.why)),
    }
}

/// A day's figures as the summary has them, so that the two cannot differ.
async fn figures(app: &App, clinic: &Clinic, day: Date) -> Result<Figures> {
    let span = reports::Span::of_days(&clinic.zone, day, day)?;
    let report = reports::online_payments(app, clinic.id, &span).await?;
    Ok(Figures {
        collected: report.money(report.all.collected.amount),
        payments: report.all.collected.payments,
        refunded: report.money(report.all.refunded),
        created: report.funnel.created,
        sent: report.funnel.sent,
        accessed: report.funnel.accessed,
        paid: report.funnel.paid,
        open_links: report.outstanding.links,
        open_amount: report.money(report.outstanding.amount),
        follow_up: report.follow_up,
        findings: findings::count(app, clinic.id).await?,
    })
}
