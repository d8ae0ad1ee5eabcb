//! Find: what a few typed words lead to, over patients, appointments and payment links. Each part has a small limit, so
//! that it answers while somebody types.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, PatientId};
use remit_core::money::Money;
use remit_store::appointments::AppointmentView;
use remit_store::links::{Filter, LinkView};
use remit_store::patients::Patient;
use remit_store::{appointments, links, patients};

use crate::{App, Result};

const PATIENTS_MAX: usize = 5;
/// Patients whose appointments are looked at: more than are shown, since who comes today may be the sixth.
const VISITORS_MAX: i64 = 12;
const APPOINTMENTS_MAX: i64 = 5;
const LINKS_MAX: usize = 5;
/// Digits before the point of a typed amount: longer ones are telephone numbers.
const AMOUNT_DIGITS_MAX: usize = 6;

#[derive(Debug, Default)]
pub struct Found {
    pub patients: Vec<Patient>,
    /// There are patients that are not listed.
    pub more_patients: bool,
    /// Those of patients that were found: from the given moment on in order of start, then earlier ones, latest first.
    pub appointments: Vec<AppointmentView>,
    /// Newest first.
    pub links: Vec<LinkView>,
}

/// Finds by the starts of words of a patient's name, by number or address, by a link's reference, and by its amount as
/// it is typed in the clinic's currency. `today`: the day's first moment, UTC milliseconds.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn find(app: &App, clinic: ClinicId, q: &str, today: UtcMs) -> Result<Found> {
    let mut found = patients::search(&app.store, clinic, q, VISITORS_MAX).await?;
    let ids: Vec<PatientId> = found.iter().map(|patient| patient.id).collect();
    let appointments =
        appointments::around(&app.store, clinic, &ids, today, APPOINTMENTS_MAX).await?;
    let more_patients = found.len() > PATIENTS_MAX;
    found.truncate(PATIENTS_MAX);
    Ok(Found {
        patients: found,
        more_patients,
        appointments,
        links: of_links(app, clinic, q).await?,
    })
}

async fn of_links(app: &App, clinic: ClinicId, q: &str) -> Result<Vec<LinkView>> {
    let limit = i64::try_from(LINKS_MAX).unwrap_or(0);
    let mut found = Vec::new();
    let currency = crate::clinics::context(app, clinic).await?.clinic.currency;
    if let Some(amount) = amount(q, currency) {
        found = links::of_amount(&app.store, clinic, amount, limit).await?;
    }
    let filter = Filter {
        q: Some(q.to_owned()),
        ..Filter::default()
    };
    let now = app.now().await?;
    let (named, _) = links::list(&app.store, clinic, &filter, None, limit, now).await?;
    for link in named {
        if !found.iter().any(|known| known.id == link.id) {
            found.push(link);
        }
    }
    found.truncate(LINKS_MAX);
    Ok(found)
}

/// An amount that somebody typed, if it reads as one.
fn amount(q: &str, currency: remit_core::money::Currency) -> Option<Money> {
    let whole = q.split('.').next().unwrap_or_default();
    let digits = whole.chars().filter(char::is_ascii_digit).count();
    let amount = Money::parse(q, currency).ok()?;
    (amount.minor > 0 && digits <= AMOUNT_DIGITS_MAX).then_some(amount)
}

#[cfg(test)]
mod tests {
    use remit_core::money::Currency;

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (typed, minor) in [
            ("45", Some(4_500)),
            ("£45.5", Some(4_550)),
            ("1,250.00", Some(125_000)),
            ("0", None),
            ("-3", None),
            ("45.555", None),
            ("07700900142", None),
            ("eleanor", None),
            ("", None),
        ] {
            let read = super::amount(typed, Currency::GBP).map(|amount| amount.minor);
            assert_eq!(read, minor, "{typed:?}");
        }
    }
}
