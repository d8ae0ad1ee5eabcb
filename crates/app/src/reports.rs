//! The summary of online payments: what came in, what the providers kept and paid out, how links fared. Every figure is
//! added up from payments, the ledger, the providers' movements or the tallies at the moment of asking.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use remit_core::ids::ClinicId;
use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
use remit_core::payments::PaidBy;
use remit_core::reports::{self as rules, Funnel};
use remit_core::{DAY_MS, UtcMs};
use remit_store::links::{Cursor, Tally};
use remit_store::reports::{self, OnlinePayment, Stretch};

use crate::{App, Error, Result, clinics, links};

/// The longest span of one report.
pub const DAYS_MAX: i64 = 366;

/// From when until before when, with the zone in which its days are counted.
#[derive(Clone, Debug)]
pub struct Span {
    pub from: UtcMs,
    /// Exclusive.
    pub to: UtcMs,
    zone: TimeZone,
}

impl Span {
    /// Whole days of a zone, both included. An unknown zone is read as UTC.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the days are the wrong way round, or more than [`DAYS_MAX`].
    pub fn of_days(zone: &str, first: Date, last: Date) -> Result<Span> {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let start = |day: Date| {
            let midnight = day.to_datetime(jiff::civil::Time::midnight());
            midnight
                .to_zoned_datetime(zone.clone())
                .map_or(0, |moment| moment.timestamp().as_millisecond())
        };
        let after = last.checked_add(1.day()).unwrap_or(last);
        Span::between(start(first), start(after), zone.clone())
    }

    /// Two moments, with the days of a zone.
    ///
    /// # Errors
    /// As [`Span::of_days`].
    pub fn of_moments(zone: &str, from: UtcMs, to: UtcMs) -> Result<Span> {
        Span::between(from, to, TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }

    fn between(from: UtcMs, to: UtcMs, zone: TimeZone) -> Result<Span> {
        if from >= to {
            return Err(Error::invalid("to", "End after the beginning."));
        }
        // The change of the clocks may make the last day an hour longer.
        if to.saturating_sub(from) > (DAYS_MAX + 1) * DAY_MS {
            return Err(Error::invalid(
                "to",
                format!("Ask for at most {DAYS_MAX} days."),
            ));
        }
        Ok(Span { from, to, zone })
    }

    /// The days that it touches, first to last.
    pub fn days(&self) -> Vec<Date> {
        let day = |at: UtcMs| local(&self.zone, at);
        let (mut next, last) = (day(self.from), day(self.to - 1));
        let mut days = vec![next];
        while next < last {
            next = next.checked_add(1.day()).unwrap_or(last);
            days.push(next);
        }
        days
    }

    /// As many milliseconds right before it.
    fn before(&self) -> Span {
        Span {
            from: self.from - (self.to - self.from),
            to: self.from,
            zone: self.zone.clone(),
        }
    }

    /// The stretches between changes of the clocks.
    fn stretches(&self) -> Vec<Stretch> {
        let mut from = self.from;
        let mut stretches = Vec::new();
        let moment = Timestamp::from_millisecond(from).unwrap_or(Timestamp::UNIX_EPOCH);
        for change in self.zone.following(moment) {
            let at = change.timestamp().as_millisecond().min(self.to);
            stretches.push(self.stretch(from, at));
            from = at;
            if at >= self.to {
                return stretches;
            }
        }
        stretches.push(self.stretch(from, self.to));
        stretches
    }

    fn stretch(&self, from: UtcMs, to: UtcMs) -> Stretch {
        let moment = Timestamp::from_millisecond(from).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset_ms = i64::from(self.zone.to_offset(moment).seconds()) * 1_000;
        Stretch {
            from,
            to,
            offset_ms,
        }
    }
}

fn local(zone: &TimeZone, at: UtcMs) -> Date {
    Timestamp::from_millisecond(at)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned_datetime(zone.clone())
        .date()
}

/// Payments and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub payments: i64,
    /// Minor units of the clinic's currency, as everywhere in a report.
    pub amount: i64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.payments += other.payments;
        self.amount += other.amount;
    }
}

/// The money of a day, or of all days together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub by_method: BTreeMap<Method, Sum>,
    pub collected: Sum,
    /// Went back by refunds, less refunds that came back.
    pub refunded: i64,
    /// Taken back by the payers' banks, less what they gave again.
    pub disputed: i64,
    /// Kept by the providers.
    pub fees: i64,
    /// Sent to the clinic's bank, less what came back.
    pub paid_out: i64,
}

impl Sums {
    /// What remains of what was collected.
    pub fn net(&self) -> i64 {
        self.collected.amount - self.refunded - self.disputed - self.fees
    }

    pub fn of(&self, method: Method) -> Sum {
        self.by_method.get(&method).copied().unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        *self == Sums::default()
    }

    fn add(&mut self, other: &Sums) {
        for (method, sum) in &other.by_method {
            self.by_method.entry(*method).or_default().add(*sum);
        }
        self.collected.add(other.collected);
        self.refunded += other.refunded;
        self.disputed += other.disputed;
        self.fees += other.fees;
        self.paid_out += other.paid_out;
    }
}

/// The summary of a span.
#[derive(Clone, Debug)]
pub struct Report {
    pub from: UtcMs,
    pub to: UtcMs,
    pub zone: String,
    pub currency: Currency,
    /// Every day of the span, first to last.
    pub days: Vec<(Date, Sums)>,
    pub all: Sums,
    /// Collected in as many days before.
    pub before: Sum,
    /// Of the links created in the span.
    pub funnel: Funnel,
    /// Of the links paid in the span, in minutes from creation.
    pub median_minutes: Option<i64>,
    pub steps: [i64; rules::STEPS_MIN.len() + 1],
    /// Open links of any day, as they stand now.
    pub outstanding: Tally,
    /// Accessed and not paid, as they stand now.
    pub follow_up: i64,
    /// Collected in other currencies than the clinic's, which no sum above contains.
    pub elsewhere: Vec<Money>,
}

impl Report {
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}

/// Adds a span up.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn online_payments(app: &App, clinic: ClinicId, span: &Span) -> Result<Report> {
    let context = clinics::context(app, clinic).await?;
    let currency = context.clinic.currency;
    let mut days: BTreeMap<Date, Sums> = span
        .days()
        .into_iter()
        .map(|day| (day, Sums::default()))
        .collect();
    let mut elsewhere: BTreeMap<Currency, i64> = BTreeMap::new();
    for stretch in span.stretches() {
        add_stretch(app, clinic, stretch, currency, (&mut days, &mut elsewhere)).await?;
    }
    let mut all = Sums::default();
    days.values().for_each(|sums| all.add(sums));
    let minutes = reports::paid_after(&app.store, clinic, span.from, span.to).await?;
    let tallies = links::tallies(app, clinic, 0, i64::MAX / 2).await?;
    Ok(Report {
        from: span.from,
        to: span.to,
        zone: context.clinic.zone.clone(),
        currency,
        days: days.into_iter().collect(),
        all,
        before: collected(app, clinic, &span.before(), currency).await?,
        funnel: reports::funnel(&app.store, clinic, span.from, span.to).await?,
        median_minutes: rules::median(&minutes),
        steps: rules::steps(&minutes),
        outstanding: tallies.open(),
        follow_up: tallies.follow_up.links,
        elsewhere: elsewhere
            .into_iter()
            .map(|(currency, minor)| Money::new(minor, currency))
            .collect(),
    })
}

async fn add_stretch(
    app: &App,
    clinic: ClinicId,
    stretch: Stretch,
    currency: Currency,
    (days, elsewhere): (&mut BTreeMap<Date, Sums>, &mut BTreeMap<Currency, i64>),
) -> Result<()> {
    for row in reports::collected(&app.store, clinic, stretch).await? {
        let PaidBy::Online(method) = row.method else {
            continue;
        };
        if row.amount.currency != currency {
            *elsewhere.entry(row.amount.currency).or_default() += row.amount.minor;
            continue;
        }
        let sum = Sum {
            payments: row.payments,
            amount: row.amount.minor,
        };
        let day = days.entry(civil(row.day)).or_default();
        day.by_method.entry(method).or_default().add(sum);
        day.collected.add(sum);
    }
    for row in reports::back(&app.store, clinic, stretch).await? {
        if row.amount.currency == currency {
            let day = days.entry(civil(row.day)).or_default();
            match row.by_refund {
                true => day.refunded += row.amount.minor,
                false => day.disputed += row.amount.minor,
            }
        }
    }
    for row in reports::moved(&app.store, clinic, stretch).await? {
        if row.kept.currency == currency {
            let day = days.entry(civil(row.day)).or_default();
            day.fees += row.kept.minor;
            day.paid_out += row.paid_out.minor;
        }
    }
    Ok(())
}

/// A day counted from 1970-01-01.
fn civil(day: i64) -> Date {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.checked_add(day.days()).unwrap_or(epoch)
}

async fn collected(app: &App, clinic: ClinicId, span: &Span, currency: Currency) -> Result<Sum> {
    let mut all = Sum::default();
    for stretch in span.stretches() {
        for row in reports::collected(&app.store, clinic, stretch).await? {
            if row.amount.currency == currency {
                all.add(Sum {
                    payments: row.payments,
                    amount: row.amount.minor,
                });
            }
        }
    }
    Ok(all)
}

/// A page of the payments that a report's *collected* adds up, newest first; of one method, if one is given.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn payments(
    app: &App,
    clinic: ClinicId,
    span: &Span,
    method: Option<Method>,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<(Vec<OnlinePayment>, Option<Cursor>)> {
    // A cursor of another span never widens this one.
    let after = after.filter(|cursor| cursor.at < span.to);
    let method = method.map(PaidBy::Online);
    Ok(reports::online(
        &app.store,
        clinic,
        (span.from, span.to),
        method,
        after,
        limit,
    )
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_the_clinics_also_when_the_clocks_change() {
        // London goes back on 25 October 2026 at 01:00 UTC.
        let span = Span::of_days("Europe/London", day("2026-10-24"), day("2026-10-26")).unwrap();
        assert_eq!(
            span.days(),
            [day("2026-10-24"), day("2026-10-25"), day("2026-10-26")]
        );
        assert_eq!(span.to - span.from, 3 * DAY_MS + 3_600_000);
        let stretches = span.stretches();
        assert_eq!(stretches.len(), 2);
        assert_eq!(stretches[0].offset_ms, 3_600_000);
        assert_eq!((stretches[1].offset_ms, stretches[1].to), (0, span.to));
        assert_eq!(stretches[0].to, stretches[1].from);
        for stretch in &stretches {
            for at in [stretch.from, stretch.to - 1] {
                let counted = civil((at + stretch.offset_ms).div_euclid(DAY_MS));
                assert_eq!(counted, local(&span.zone, at), "{at}");
            }
        }
        let plain = Span::of_days("Nowhere/Else", day("2026-11-01"), day("2026-11-01")).unwrap();
        assert_eq!(
            (plain.to - plain.from, plain.stretches().len()),
            (DAY_MS, 1)
        );
    }

    #[test]
    fn a_span_goes_forward_and_not_for_ever() {
        let of = |first: &str, last: &str| Span::of_days("UTC", day(first), day(last)).is_ok();
        assert!(of("2026-01-01", "2026-12-31") && of("2024-01-01", "2024-12-31"));
        assert!(!of("2026-01-02", "2026-01-01") && !of("2024-01-01", "2025-12-31"));
        assert!(Span::of_moments("UTC", 5, 5).is_err());
    }
}
