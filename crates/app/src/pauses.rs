//! Why a link that is open takes no payment at this moment. All of it passes by itself, so the patient is asked to wait
//! instead of to choose.

use remit_core::UtcMs;
use remit_core::attempts::{Attempt, AttemptState};
use remit_core::links::{self as rules, REST_MS};
use remit_store::links;

use crate::views::LinkView;
use crate::{App, ClinicContext, Result, providers};

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Too many payments were refused (hazard D16); the link takes the next one then (UTC ms).
    TooManyTries { until: UtcMs },
    /// The payment page that the patient opened before asks for another amount than is due now, and can only be closed
    /// when the provider answers again.
    AmountChanging,
    /// Nothing was begun, and the clinic has no provider, or its provider does not answer (hazard A27).
    NotNow,
}

/// Looks at what a patient would run into. `last`: the latest attempt of the link.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_link(
    app: &App,
    context: &ClinicContext,
    link: &LinkView,
    last: Option<&Attempt>,
) -> Result<Option<Pause>> {
    let answers = context
        .taking
        .as_ref()
        .is_some_and(|taking| !providers::rests(app, taking));
    if !answers {
        let begun = last.filter(|attempt| attempt.state == AttemptState::Open);
        return Ok(match begun {
            None => Some(Pause::NotNow),
            Some(attempt) if attempt.amount != link.amount_due() => Some(Pause::AmountChanging),
            // Its payment page is there already, and may have been paid on: the way back to it stays.
            Some(_) => None,
        });
    }
    if last.is_none_or(|attempt| attempt.state.is_live()) {
        return Ok(None);
    }
    let since = link.read_at - REST_MS;
    let clinic = context.clinic.id;
    let (tries, oldest) = links::failed_tries_now(&app.store, clinic, link.id, since).await?;
    let until = rules::rests_until(tries, oldest);
    Ok(until.map(|until| Pause::TooManyTries { until }))
}
