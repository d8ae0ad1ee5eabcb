//! Reminders: the messages that leave by themselves while a link is not paid. Planned on the link's own row, which the
//! statement that ends the link clears; decided under the appointment's lock, and asked once more before the channel is
//! called, so that none follows a payment.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use remit_core::UtcMs;
use remit_core::account::{Effect, Standing};
use remit_core::deliveries::{Channel, DeliveryPurpose, DeliveryStatus};
use remit_core::ids::{AppointmentId, ClinicId, LinkId};
use remit_core::links::Link;
use remit_core::reminders::{
    self as rules, Kind, Planned, Progress, Quiet, QuietHours, ReminderSettings,
};
use remit_store::account::lock_standing;
use remit_store::deliveries::{self, DeliveryView};
use remit_store::{Tx, links, outbox, reminders};

use crate::sending_limits::{self, Wish};
use crate::{Actor, App, ClinicContext, Error, Result, again, clinics, messaging, sending};

/// Links looked at in one round.
const ROUND_MAX: i64 = 200;

/// Looks at every link whose time has come; answers how many messages were queued.
///
/// # Errors
/// The store's, for the list; what fails for one link is told in the log and tried in the next round.
#[crate::boxed]
pub async fn run(app: &App) -> Result<usize> {
    let now = app.now().await?;
    let mut queued = 0;
    for (clinic, link, appointment) in reminders::due(&app.store, now, ROUND_MAX).await? {
        match look(app, clinic, link, appointment).await {
            Ok(sent) => queued += usize::from(sent),
            Err(error) => {
                tracing::warn!(link.id = %link, "the reminder of {link} has to wait: {error}");
            }
        }
    }
    Ok(queued)
}

/// One link: a message that is due is queued, otherwise the next look is planned. Answers whether one was queued.
async fn look(
    app: &App,
    clinic: ClinicId,
    link: LinkId,
    appointment: AppointmentId,
) -> Result<bool> {
    let context = clinics::context(app, clinic).await?;
    let view = crate::links::get(app, clinic, link).await?;
    // What the text will be like: read before the transaction, which must not read beside itself.
    let sent = deliveries::of_link(&app.store, clinic, link).await?;
    let channel = last_message(&sent).map(|last| last.channel);
    let purpose = DeliveryPurpose::Automatic(Kind::Unpaid);
    let segments = match channel {
        Some(channel) if messaging::channel(app, clinic, channel).await.is_ok() => {
            sending::segments(app, clinic, &view, channel, purpose).await?
        }
        _ => return forget(app, clinic, link).await,
    };
    let done = again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let found = lock_standing(&mut tx, appointment).await?;
        let (standing, now) = found.ok_or(Error::NotFound)?;
        let row = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
        let sent = deliveries::of_link_in(&mut tx, link).await?;
        let progress = progress(&mut tx, &standing, &row, &sent).await?;
        let next = next(&context, &progress, now);
        let due = next.filter(|planned| planned.due_at <= now);
        let (Some(planned), Some(last)) = (due, last_message(&sent)) else {
            reminders::plan(&mut tx, link, next.map(|planned| planned.due_at)).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let made = Message {
            planned,
            last,
            ordinal: progress.sent.len() + 1,
            segments,
        };
        queue(app, &mut tx, &context, &standing, &made, now).await?;
        let mut after = progress;
        after.sent.push(planned.kind);
        after.messaged_at = Some(now);
        let then = self::next(&context, &after, now).map(|planned| planned.due_at);
        reminders::plan(&mut tx, link, then).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await;
    match done {
        // A cap: tomorrow, if the link still lives then.
        Err(Error::Capped(capped)) => {
            plan(app, clinic, link, Some(capped.until)).await?;
            Ok(false)
        }
        done => done,
    }
}

/// A message about to be queued by itself.
struct Message<'a> {
    planned: Planned,
    /// The one that it follows: where it goes.
    last: &'a DeliveryView,
    ordinal: usize,
    segments: usize,
}

async fn queue(
    app: &App,
    tx: &mut Tx,
    context: &ClinicContext,
    standing: &Standing,
    message: &Message<'_>,
    now: UtcMs,
) -> Result<()> {
    let remit = Actor::remit(context.clinic.id);
    let wish = Wish {
        channel: message.last.channel,
        address: message.last.address.as_deref().unwrap_or_default(),
        segments: message.segments,
    };
    sending_limits::take(app, tx, context, &remit, &wish, now).await?;
    let delivery = DeliveryView {
        id: app.fresh(now)?,
        link: message.last.link,
        channel: message.last.channel,
        address: message.last.address.clone(),
        status: DeliveryStatus::Queued,
        reason: None,
        created_at: now,
        created_by: remit.label,
        done_at: None,
        purpose: DeliveryPurpose::Automatic(message.planned.kind),
    };
    deliveries::insert(tx, &delivery, Some(message.ordinal)).await?;
    let effect = Effect::Send {
        delivery: delivery.id,
    };
    Ok(outbox::push(tx, &effect, Some(standing.appointment), now).await?)
}

async fn progress(
    tx: &mut Tx,
    standing: &Standing,
    link: &Link,
    sent: &[DeliveryView],
) -> Result<Progress> {
    let (accessed_at, paid) = reminders::facts(tx, link.id).await?;
    Ok(Progress {
        state: link.state,
        expires_at: link.expires_at,
        accessed_at,
        messaged_at: last_message(sent).map(|last| last.created_at),
        sent: sent
            .iter()
            .filter_map(|one| one.purpose.automatic())
            .collect(),
        owed: !link.payable(standing.balance.due()).is_zero(),
        paid,
        paying: standing.live.is_some(),
    })
}

/// The latest message that did not fail: where the next one goes. After a corrected address that is the right one.
fn last_message(sent: &[DeliveryView]) -> Option<&DeliveryView> {
    sent.iter().rev().find(|one| {
        matches!(one.channel, Channel::Sms | Channel::Email)
            && one.status != DeliveryStatus::Failed
            && one.address.is_some()
    })
}

fn next(context: &ClinicContext, progress: &Progress, now: UtcMs) -> Option<Planned> {
    let quiet = |at| quiet(&context.clinic.zone, context.reminders.quiet, at);
    rules::next(&context.reminders, progress, now, quiet)
}

/// When a link that was just sent or opened is to be looked at.
pub(crate) fn first_look(
    context: &ClinicContext,
    link: &Link,
    opened: bool,
    now: UtcMs,
) -> Option<UtcMs> {
    if context.reminders.is_off() {
        return None;
    }
    let progress = Progress::lately(link, opened, now);
    next(context, &progress, now).map(|planned| planned.due_at)
}

/// What stands in the way of a message by itself, right before its channel is called.
pub(crate) enum Hindrance {
    /// The link has ended, nothing is due, or somebody is paying.
    Ended,
    /// Quiet hours until then: the message was queued before them and held up.
    Quiet { until: UtcMs },
}

/// Asks once more, under the appointment's lock (hazard A4: whoever commits first decides).
pub(crate) async fn hindrance(
    app: &App,
    clinic: ClinicId,
    appointment: AppointmentId,
    link: LinkId,
) -> Result<Option<Hindrance>> {
    let context = clinics::context(app, clinic).await?;
    let mut tx = app.store.begin(clinic).await?;
    let found = lock_standing(&mut tx, appointment).await?;
    let (standing, now) = found.ok_or(Error::NotFound)?;
    let row = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
    let (_, paid) = reminders::facts(&mut tx, link).await?;
    if !rules::still_wanted(&standing, &row, paid, now) {
        return Ok(Some(Hindrance::Ended));
    }
    let quiet = quiet(&context.clinic.zone, context.reminders.quiet, now);
    Ok(quiet.map(|(_, until)| Hindrance::Quiet { until }))
}

async fn forget(app: &App, clinic: ClinicId, link: LinkId) -> Result<bool> {
    plan(app, clinic, link, None).await?;
    Ok(false)
}

async fn plan(app: &App, clinic: ClinicId, link: LinkId, at: Option<UtcMs>) -> Result<()> {
    let mut tx = app.store.begin_single(clinic).await?;
    reminders::plan(&mut tx, link, at).await?;
    Ok(tx.commit().await?)
}

/// The quiet hours that a moment lies in: their first moment and the first after them, by the clinic's wall clock. A
/// time that a change of the clocks leaves out is the moment of the change; one that comes twice begins them with its
/// first and ends them with its second, so that a night is never cut short (hazard B5).
pub fn quiet(zone: &str, hours: QuietHours, at: UtcMs) -> Option<Quiet> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let local = Timestamp::from_millisecond(at)
        .ok()?
        .to_zoned_datetime(zone.clone());
    let begins = |day: jiff::civil::Date| moment(&zone, day, hours.from_minute, false);
    let ends = |day: jiff::civil::Date| moment(&zone, day, hours.to_minute, true);
    if hours.from_minute == hours.to_minute {
        return None;
    }
    let over_midnight = hours.from_minute > hours.to_minute;
    let today = local.date();
    // The night that began yesterday, and today's.
    [today.yesterday().ok(), Some(today)]
        .into_iter()
        .flatten()
        .filter_map(|day| {
            let last = if over_midnight {
                day.tomorrow().ok()?
            } else {
                day
            };
            Some((begins(day)?, ends(last)?))
        })
        .find(|(begins, ends)| (*begins..*ends).contains(&at))
}

/// A time of a day as a moment; of a time that comes twice its first or its second.
fn moment(zone: &TimeZone, day: jiff::civil::Date, minute: i64, second: bool) -> Option<UtcMs> {
    let time: DateTime = day
        .to_datetime(jiff::civil::Time::midnight())
        .checked_add(minute.minutes())
        .ok()?;
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let moment = if second {
        ambiguous.later()
    } else {
        ambiguous.earlier()
    };
    moment.ok().map(|moment| moment.as_millisecond())
}

/// Changes what leaves by itself, for the links that are open already as well.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be kept; or the store's.
#[crate::boxed]
pub async fn save(app: &App, actor: &Actor, settings: &ReminderSettings) -> Result<()> {
    settings
        .check()
        .map_err(|(field, message)| Error::invalid(field, message))?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    reminders::set(&mut tx, settings, now).await?;
    let hours =
        |ms: Option<i64>| ms.map_or("off".into(), |ms| format!("{} h", ms / remit_core::HOUR_MS));
    let what = format!(
        "after sending {}, after opening {}, before expiry {}",
        hours(settings.unopened_after_ms),
        hours(settings.unpaid_after_ms),
        hours(settings.before_expiry_ms)
    );
    remit_store::audit::append(&mut tx, &actor.label, "reminders.set", &what, now).await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(())
}
