//! Counts and sums of the *Online Payments* tabs, kept beside the links so that nothing counts them.

use std::collections::BTreeMap;

use remit_core::ids::ClinicId;
use remit_core::links::{LIFETIME_MS, LinkState};
use remit_core::{DAY_MS, UtcMs};

use crate::{Result, Store, Tx};

/// Days of one clinic that one folding takes at most.
const FOLDED_DAYS_MAX: i64 = 100;

statements! {
    TALLIES = ["SELECT state, CAST(SUM(links) AS BIGINT) AS links, CAST(SUM(amount) AS BIGINT) AS amount
        FROM link_tally WHERE clinic = $1 AND day >= $2 AND day <= $3 GROUP BY state"];
    UNSWEPT = ["SELECT state, COUNT(*) AS links, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount
        FROM payment_link WHERE clinic = $1 AND state IN ('created', 'sent', 'accessed')
        AND created_at >= $2 AND created_at <= $3 GROUP BY state"];
    ACCESSED = ["SELECT CAST(COALESCE(SUM(links), 0) AS BIGINT) AS links,
        CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount
        FROM link_tally WHERE clinic = $1 AND day >= $2 AND state = 'accessed'"];
    TALLIES_EDGE = ["SELECT state || '' AS counted, COUNT(*) AS links, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount
        FROM payment_link WHERE clinic = $1 AND created_at >= $2 AND created_at < $3 GROUP BY state || ''"];
    FOLDABLE = ["SELECT DISTINCT day FROM link_tally WHERE clinic = $1 AND day < $2 AND slot > 0
        ORDER BY day LIMIT $3"];
    TAKE_DAY = ["DELETE FROM link_tally WHERE clinic = $1 AND day = $2 RETURNING state, links, amount"];
    KEEP = ["INSERT INTO link_tally (clinic, day, state, slot, links, amount) VALUES ($1, $2, $3, 0, $4, $5)
        ON CONFLICT (clinic, day, state, slot) DO UPDATE SET links = link_tally.links + excluded.links,
        amount = link_tally.amount + excluded.amount"];
}

/// How many links and how much money stand in a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub links: i64,
    pub amount: i64,
}

impl Tally {
    fn and(self, links: i64, amount: i64) -> Tally {
        Tally {
            links: self.links + links,
            amount: self.amount + amount,
        }
    }
}

/// Counts by shown status over a span of creation, without scanning links.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    pub by_state: Vec<(LinkState, Tally)>,
    /// Accessed, not paid, still open; of any day.
    pub follow_up: Tally,
}

impl Tallies {
    pub fn of(&self, state: LinkState) -> Tally {
        self.by_state
            .iter()
            .find(|(known, _)| *known == state)
            .map_or_else(Tally::default, |(_, tally)| *tally)
    }

    /// What can still be paid.
    pub fn open(&self) -> Tally {
        let open = self.by_state.iter().filter(|(state, _)| state.is_open());
        open.fold(Tally::default(), |sum, (_, tally)| {
            sum.and(tally.links, tally.amount)
        })
    }

    pub fn all(&self) -> Tally {
        self.by_state
            .iter()
            .fold(Tally::default(), |sum, (_, tally)| {
                sum.and(tally.links, tally.amount)
            })
    }
}

fn day_of(at: UtcMs) -> i64 {
    at.div_euclid(DAY_MS)
}

type Row = (String, i64, i64);

/// The tabs' counts of links created from `from` until `to` (exclusive, UTC ms). Whole days (UTC) come from the kept
/// counts; what a clinic's own days have beside them, less than a day at each end, is counted.
///
/// # Errors
/// The engine's own.
pub async fn tallies(
    store: &Store,
    clinic: ClinicId,
    from: UtcMs,
    to: UtcMs,
    now: UtcMs,
) -> Result<Tallies> {
    let clinic = clinic.to_string();
    let mut by_state: BTreeMap<LinkState, Tally> = LinkState::ALL
        .into_iter()
        .map(|state| (state, Tally::default()))
        .collect();
    for (name, links, amount) in counted(store, &clinic, from, to, now).await? {
        if let Some(tally) = LinkState::parse(&name).and_then(|state| by_state.get_mut(&state)) {
            *tally = tally.and(links, amount);
        }
    }
    // What time has ended and the sweep has not written down: moved over here, so that the tabs are never behind.
    let ended = now - LIFETIME_MS;
    let last = to.saturating_sub(1).min(ended);
    let unswept = read_all!(store, Row, UNSWEPT, clinic.clone(), from, last)?;
    for (name, links, amount) in unswept {
        if let Some(tally) = LinkState::parse(&name).and_then(|state| by_state.get_mut(&state)) {
            *tally = tally.and(-links, -amount);
        }
        if let Some(expired) = by_state.get_mut(&LinkState::Expired) {
            *expired = expired.and(links, amount);
        }
    }
    Ok(Tallies {
        follow_up: accessed(store, clinic, ended).await?,
        by_state: by_state.into_iter().collect(),
    })
}

/// Links by the state in their row: whole days from the tallies, the ends from the rows.
async fn counted(
    store: &Store,
    clinic: &str,
    from: UtcMs,
    to: UtcMs,
    now: UtcMs,
) -> Result<Vec<Row>> {
    // No link is younger than now: the day that is under way is whole.
    let to = if to > now { i64::MAX } else { to };
    let first = day_of(from.saturating_add(DAY_MS - 1));
    let end = day_of(to);
    if first >= end {
        return read_all!(store, Row, TALLIES_EDGE, clinic.to_owned(), from, to);
    }
    let mut rows = read_all!(
        store,
        Row,
        TALLIES,
        clinic.to_owned(),
        first,
        end.saturating_sub(1)
    )?;
    let (before, after) = (first.saturating_mul(DAY_MS), end.saturating_mul(DAY_MS));
    for (from, to) in [(from, before), (after, to)] {
        if from < to && from <= now {
            rows.extend(read_all!(
                store,
                Row,
                TALLIES_EDGE,
                clinic.to_owned(),
                from,
                to
            )?);
        }
    }
    Ok(rows)
}

/// Links that were accessed, not paid and are still open, of any day.
///
/// # Errors
/// The engine's own.
pub async fn follow_up(store: &Store, clinic: ClinicId, now: UtcMs) -> Result<Tally> {
    accessed(store, clinic.to_string(), now - LIFETIME_MS).await
}

/// Links younger than `ended` that were accessed: whole days from the tallies, less what lies before in the first.
async fn accessed(store: &Store, clinic: String, ended: UtcMs) -> Result<Tally> {
    let day = day_of(ended);
    let counted = read_opt!(store, (i64, i64), ACCESSED, clinic.clone(), day)?;
    let (links, amount) = counted.unwrap_or((0, 0));
    let before = read_all!(store, Row, UNSWEPT, clinic, day * DAY_MS, ended)?;
    let all = Tally { links, amount };
    Ok(before
        .iter()
        .filter(|(name, _, _)| name == LinkState::Accessed.name())
        .fold(all, |sum, (_, links, amount)| sum.and(-links, -amount)))
}

/// Adds the slots of days before the one of `before` up into one row per state, for the background work: slots spread
/// the writes of busy days, and old days have none. Answers how many days were folded; ask again while it is above
/// zero.
///
/// # Errors
/// The engine's own.
pub async fn fold_tallies(tx: &mut Tx, before: UtcMs) -> Result<u64> {
    let days = all!(
        tx,
        (i64,),
        FOLDABLE,
        tx.clinic(),
        day_of(before),
        FOLDED_DAYS_MAX
    )?;
    for (day,) in &days {
        let mut sums: BTreeMap<String, Tally> = BTreeMap::new();
        for (state, links, amount) in all!(tx, Row, TAKE_DAY, tx.clinic(), *day)? {
            let sum = sums.entry(state).or_default();
            *sum = sum.and(links, amount);
        }
        for (state, sum) in sums {
            if sum != Tally::default() {
                exec!(tx, KEEP, tx.clinic(), *day, state, sum.links, sum.amount)?;
            }
        }
    }
    Ok(u64::try_from(days.len()).unwrap_or(0))
}
