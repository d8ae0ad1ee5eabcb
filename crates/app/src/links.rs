//! Payment links: issued, cancelled, renewed, listed.

use remit_core::UtcMs;
use remit_core::account::Refusal;
use remit_core::ids::{AppointmentId, ClinicId, LinkId};
use remit_core::links::{self as rules, Purpose};
use remit_core::methods::PurposeKind;
use remit_core::money::{Money, Payable};
use remit_core::token::Token;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::events::EventView;
use remit_store::links::{self, Cursor, Filter, LinkView, Tallies, Tally};
use remit_store::{Tx, events};

use crate::{Actor, App, Error, Result, again, clinics, keys};

/// Issues a payment link.
///
/// # Errors
/// A refusal that staff can mend (nothing was written), or the store's: the commit may have held (hazard C7), so a
/// caller repeats it only under the same id.
#[crate::boxed]
pub async fn issue(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    id: Option<LinkId>,
    purpose: Purpose,
) -> Result<LinkId> {
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let link = issue_in(app, &mut tx, actor, appointment, id, purpose).await?;
        tx.commit().await?;
        // The id, never the token (hazard D4).
        tracing::info!(link.id = %link, appointment.id = %appointment, "issued payment link {link}");
        Ok(link)
    })
    .await
}

/// Issues within a transaction that does more, such as booking.
pub(crate) async fn issue_in(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    appointment: AppointmentId,
    id: Option<LinkId>,
    purpose: Purpose,
) -> Result<LinkId> {
    let (standing, now) = lock_standing(tx, appointment)
        .await?
        .ok_or(Error::NotFound)?;
    let id = match id {
        Some(id) if links::get(tx, id).await?.is_some() => return Ok(id),
        Some(id) => id,
        None => app.fresh(now)?,
    };
    let route = clinics::route_in(app, tx, actor.clinic).await?;
    let token = Token::compose(&route, &keys::random_secret()?)
        .ok_or_else(|| Error::Setup("the clinic's route does not fit a token".into()))?;
    let decision = rules::issue(&standing, id, token.hash(), purpose, now)?;
    let sealed = app
        .keys
        .seal(&place(actor.clinic), token.reveal().as_bytes())?;
    let extras = Extras {
        token_sealed: Some(sealed),
        ..Extras::default()
    };
    apply(tx, &standing, &decision, &extras, &actor.label, now).await?;
    Ok(id)
}

/// Where a token is sealed for: the clinic and the column.
fn place(clinic: ClinicId) -> String {
    format!("{clinic} payment_link.token")
}

/// The address that a patient opens. Built from configuration only (hazard D5).
///
/// # Errors
/// [`Error::Sealed`] under another master key.
pub fn url(app: &App, clinic: ClinicId, link: &LinkView) -> Result<String> {
    let token = app.keys.open(&place(clinic), &link.token_sealed)?;
    let token = std::str::from_utf8(&token).map_err(|_| Error::Sealed)?;
    Ok(format!("{}/p/{token}", app.config.public_url))
}

/// Cancels the open link.
///
/// # Errors
/// [`Error::NotFound`], a refusal, or the store's.
#[crate::boxed]
pub async fn cancel(app: &App, actor: &Actor, link: LinkId) -> Result<()> {
    let appointment = appointment_of(app, actor.clinic, link).await?;
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, appointment)
            .await?
            .ok_or(Error::NotFound)?;
        let link = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
        let decision = rules::cancel(&standing, &link, now)?;
        apply(
            &mut tx,
            &standing,
            &decision,
            &Extras::default(),
            &actor.label,
            now,
        )
        .await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// Makes a new link for an expired or cancelled one, for what is due of it now.
///
/// # Errors
/// [`Error::NotFound`], a refusal, or the store's.
#[crate::boxed]
pub async fn renew(app: &App, actor: &Actor, link: LinkId, id: Option<LinkId>) -> Result<LinkId> {
    let appointment = appointment_of(app, actor.clinic, link).await?;
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, appointment).await?.ok_or(Error::NotFound)?;
        let old = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
        if let Some(id) = id
            && links::get(&mut tx, id).await?.is_some()
        {
            return Ok(id);
        }
        rules::renewable(&old, now)?;
        let purpose = renewed(old.purpose, old.amount, standing.balance.due())?;
        let fresh = issue_in(app, &mut tx, actor, appointment, id, purpose).await?;
        tx.commit().await?;
        tracing::info!(link.id = %fresh, appointment.id = %appointment, "renewed payment link {link} as {fresh}");
        Ok(fresh)
    })
    .await
}

fn renewed(purpose: PurposeKind, amount: Money, due: Money) -> Result<Purpose> {
    Ok(match purpose {
        PurposeKind::Deposit => Purpose::Deposit,
        PurposeKind::Balance => Purpose::Balance,
        PurposeKind::Custom => {
            let part = amount.with(amount.minor.min(due.minor));
            Purpose::Part(Payable::parse(part).ok_or(Refusal::NothingDue)?)
        }
    })
}

/// The patient of an ended link asks the clinic for a new one.
///
/// # Errors
/// [`Error::NotFound`], a refusal, or the store's.
#[crate::boxed]
pub async fn ask_for_new(app: &App, clinic: ClinicId, link: LinkId) -> Result<()> {
    let appointment = appointment_of(app, clinic, link).await?;
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let (standing, now) = lock_standing(&mut tx, appointment)
            .await?
            .ok_or(Error::NotFound)?;
        let link = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
        let decision = rules::ask_for_new(&link, now)?;
        apply(
            &mut tx,
            &standing,
            &decision,
            &Extras::default(),
            &Actor::patient(clinic).label,
            now,
        )
        .await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// The appointment of a link.
pub(crate) async fn appointment_of(
    app: &App,
    clinic: ClinicId,
    link: LinkId,
) -> Result<AppointmentId> {
    links::place(&app.store, clinic, link)
        .await?
        .ok_or(Error::NotFound)
}

/// A link as it is shown.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, link: LinkId) -> Result<LinkView> {
    links::view(&app.store, clinic, link)
        .await?
        .ok_or(Error::NotFound)
}

/// The link behind an address's token. The same answer for unknown and malformed ones (hazard B10).
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn by_token(app: &App, text: &str) -> Result<(ClinicId, LinkView)> {
    let token = Token::parse(text).ok_or(Error::NotFound)?;
    let clinic = clinics::by_route(app, token.route())
        .await?
        .ok_or(Error::NotFound)?;
    let link = links::by_token(&app.store, clinic, token.hash())
        .await?
        .ok_or(Error::NotFound)?;
    Ok((clinic, link))
}

/// A page of links, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(
    app: &App,
    clinic: ClinicId,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<(Vec<LinkView>, Option<Cursor>)> {
    let now = app.now().await?;
    Ok(links::list(&app.store, clinic, filter, after, limit, now).await?)
}

/// An appointment's links, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_appointment(
    app: &App,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Vec<LinkView>> {
    Ok(links::of_appointment(&app.store, clinic, appointment).await?)
}

/// The links of many appointments, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_appointments(
    app: &App,
    clinic: ClinicId,
    appointments: &[AppointmentId],
) -> Result<Vec<LinkView>> {
    Ok(links::of_appointments(&app.store, clinic, appointments).await?)
}

/// Links whose patient asked for a new one and has none yet.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn asked_again(app: &App, clinic: ClinicId, since: UtcMs) -> Result<Vec<LinkView>> {
    Ok(links::asked_again(&app.store, clinic, since, 100).await?)
}

/// Counts and sums of the tabs for links created from `from` until `to` (exclusive, UTC ms).
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn tallies(app: &App, clinic: ClinicId, from: UtcMs, to: UtcMs) -> Result<Tallies> {
    let now = app.now().await?;
    Ok(links::tallies(&app.store, clinic, from, to, now).await?)
}

/// How many links were accessed, not paid and are still open, and what they ask for.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn accessed(app: &App, clinic: ClinicId) -> Result<Tally> {
    let now = app.now().await?;
    Ok(links::follow_up(&app.store, clinic, now).await?)
}

/// When the pages of these links were fetched, by whomever, oldest first. Fetches within ten minutes are one.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn fetches(app: &App, clinic: ClinicId, of: &[LinkId]) -> Result<Vec<(LinkId, UtcMs)>> {
    Ok(events::fetches(&app.store, clinic, of).await?)
}

/// A link's timeline, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn timeline(app: &App, clinic: ClinicId, link: LinkId) -> Result<Vec<EventView>> {
    Ok(events::of_link(&app.store, clinic, link, 200).await?)
}
