//! Lists at size: measured by hand, not in every run.
//!
//!     REMIT_SIZE=1000000 cargo test --release -p remit-store --test contract size -- --ignored --nocapture

use std::time::{Duration, Instant};

use remit_core::links::LinkState;
use remit_core::methods::PurposeKind;
use remit_core::{DAY_MS, UtcMs};
use remit_store::links::{Cursor, Filter};

use crate::desk::Desk;
use crate::harness::Place;

const ROUNDS: usize = 100;
/// Two in a hundred patients are called so.
const COMMON: &str = "smith";
const RARE: &str = "zyskind";

on_both_engines! {
#[ignore = "fills a million links; run it by name"]
async fn lists_stay_fast(place: Place) {
    let size = std::env::var("REMIT_SIZE").ok().and_then(|size| size.parse().ok()).unwrap_or(1_000_000);
    let desk = Desk::opens(&place).await;
    let now = desk.now().await;
    let began = Instant::now();
    fill(&place, &desk, size, now).await;
    println!("{} links, sqlite {}: filled in {:?}", size, place.store.is_sqlite(), began.elapsed());
    let q = |q: &str| Filter { q: Some(q.into()), ..Filter::default() };
    let status = |status| Filter { status: Some(status), ..Filter::default() };
    let (none, deep) = (Filter::default(), Cursor { at: now - 300 * DAY_MS, id: String::new() });
    page(&desk, "first page", &none, None, now).await;
    page(&desk, "page 300 days back", &none, Some(&deep), now).await;
    for state in LinkState::ALL {
        page(&desk, state.name(), &status(state), None, now).await;
    }
    page(&desk, "expired, 300 days back", &status(LinkState::Expired), Some(&deep), now).await;
    let custom = Filter { purpose: Some(PurposeKind::Custom), ..Filter::default() };
    page(&desk, "a purpose that none has", &custom, None, now).await;
    page(&desk, "rare surname", &q(RARE), None, now).await;
    page(&desk, "common surname", &q(COMMON), None, now).await;
    page(&desk, "common surname, paid", &Filter { status: Some(LinkState::Paid), ..q(COMMON) }, None, now).await;
    page(&desk, "first name of all and common surname", &q("anna smith"), None, now).await;
    page(&desk, "surname of 30 in 100,000", &q("family17"), None, now).await;
    page(&desk, "nobody", &q("nobody"), None, now).await;
    page(&desk, "phone", &q("07700000123"), None, now).await;
    page(&desk, "start of all phones", &q("07700"), None, now).await;
    page(&desk, "email", &q("p123@mail.example"), None, now).await;
    page(&desk, "reference", &q("PL-001EEF"), None, now).await;
    measured("patients by common surname", || async {
        remit_store::patients::search(&desk.store, desk.clinic, COMMON, 20).await.unwrap().len()
    }).await;
    follow_ups(&desk, now, "all of them owed").await;
    place.by_hand("UPDATE appointment_balance SET due = 0, paid = 4500").await.unwrap();
    follow_ups(&desk, now, "none of them owed").await;
    tallies(&desk, now, "as written").await;
    let mut tx = desk.begin().await;
    while remit_store::links::fold_tallies(&mut tx, now - 3 * DAY_MS).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    tallies(&desk, now, "folded").await;
}

async fn the_rows_that_are_measured_fit_the_schema(place: Place) {
    let desk = Desk::opens(&place).await;
    let now = desk.now().await;
    fill(&place, &desk, 2_000, now).await;
    let tallies = remit_store::links::tallies(&desk.store, desk.clinic, 0, now + 1, now).await.unwrap();
    assert_eq!(tallies.all().links, 2_000);
    let rare = Filter { q: Some(RARE.into()), ..Filter::default() };
    let (page, _) = remit_store::links::list(&desk.store, desk.clinic, &rare, None, 50, now).await.unwrap();
    assert_eq!(page.len(), 2, "one patient to ten links, and a thousand patients at least");
}
}

async fn tallies(desk: &Desk, now: UtcMs, what: &str) {
    let midnight = now.div_euclid(DAY_MS) * DAY_MS;
    let new_york = midnight - 30 * DAY_MS + 5 * remit_core::HOUR_MS;
    for (name, from) in [
        ("30 days", midnight - 30 * DAY_MS),
        ("30 days in New York", new_york),
        ("all", 0),
    ] {
        measured(&format!("tallies of {name}, {what}"), || async {
            let found = remit_store::links::tallies(&desk.store, desk.clinic, from, now + 1, now)
                .await
                .unwrap();
            usize::try_from(found.all().links).unwrap()
        })
        .await;
    }
}

/// The lists of *Follow up*, and what the reminders' round asks every second.
async fn follow_ups(desk: &Desk, now: UtcMs, what: &str) {
    use remit_store::{follow_up, links, reminders};
    let (store, clinic) = (&desk.store, desk.clinic);
    measured(&format!("asked for a new link, {what}"), || async {
        let since = now - 30 * DAY_MS;
        links::asked_again(store, clinic, since, 100)
            .await
            .unwrap()
            .len()
    })
    .await;
    measured(&format!("message failed, {what}"), || async {
        follow_up::failed(store, clinic, now, 100)
            .await
            .unwrap()
            .len()
    })
    .await;
    measured(&format!("how many failed, {what}"), || async {
        let count = follow_up::failed_count(store, clinic, now).await.unwrap();
        usize::try_from(count).unwrap()
    })
    .await;
    measured(&format!("expired in 14 days, {what}"), || async {
        let since = now - 14 * DAY_MS;
        follow_up::expired(store, clinic, since, 100)
            .await
            .unwrap()
            .len()
    })
    .await;
    measured(&format!("reminders due, {what}"), || async {
        reminders::due(store, now, 200).await.unwrap().len()
    })
    .await;
}

async fn page(desk: &Desk, name: &str, filter: &Filter, after: Option<&Cursor>, now: UtcMs) {
    measured(name, || async {
        let (page, _) = remit_store::links::list(&desk.store, desk.clinic, filter, after, 50, now)
            .await
            .unwrap();
        page.len()
    })
    .await;
}

async fn measured<F: Future<Output = usize>>(name: &str, run: impl Fn() -> F) {
    let mut times: Vec<Duration> = Vec::new();
    let mut rows = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        rows = run().await;
        times.push(began.elapsed());
    }
    times.sort();
    let ms = |at: usize| times[at].as_secs_f64() * 1000.0;
    println!(
        "  {name:42} p50 {:7.2} ms  p99 {:7.2} ms  {rows} rows",
        ms(ROUNDS / 2),
        ms(ROUNDS * 99 / 100)
    );
}

/// A year of a busy clinic: one patient to ten links, an appointment each, the newest 48 hours open.
async fn fill(place: &Place, desk: &Desk, links: i64, now: UtcMs) {
    let patients = (links / 10).max(1000);
    let lite = place.store.is_sqlite();
    let id = |prefix: &str, number: &str| {
        if lite {
            format!("printf('{prefix}_%032x', {number})")
        } else {
            format!("'{prefix}_' || lpad(to_hex({number}), 32, '0')")
        }
    };
    let blob = if lite {
        "CAST(printf('%d', i) AS BLOB)"
    } else {
        "CAST(CAST(i AS TEXT) AS BYTEA)"
    };
    let eight = if lite {
        "printf('%08d', i)"
    } else {
        "lpad(CAST(i AS TEXT), 8, '0')"
    };
    let reference = if lite {
        "printf('PL-%06X', (i * 7919) % 16777216)"
    } else {
        "'PL-' || lpad(upper(to_hex((i * 7919) % 16777216)), 6, '0')"
    };
    let numbers = |count: i64| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
        )
    };
    let clinic = desk.clinic;
    let surname = format!(
        "CASE WHEN i = 7 THEN '{RARE}' WHEN i % 50 = 0 THEN '{COMMON}' ELSE 'family' || (i % 3000) END"
    );
    let (pat, apt, lnk) = (id("pat", "i"), id("apt", "i"), id("lnk", "i"));
    let owner = id("pat", &format!("((i * 7919) % {patients})"));
    let spacing = 365 * DAY_MS / links;
    let created = format!("({now} - i * {spacing} - 1)");
    let state = format!(
        "CASE WHEN {created} > {now} - 172800000
          THEN CASE i % 10 WHEN 0 THEN 'created' WHEN 1 THEN 'sent' WHEN 2 THEN 'sent' WHEN 3 THEN 'accessed'
            ELSE 'paid' END
          ELSE CASE i % 10 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'expired' WHEN 2 THEN 'expired' WHEN 3 THEN 'expired'
            ELSE 'paid' END END"
    );
    let (people, visits) = (numbers(patients), numbers(links));
    for sql in [
        format!(
            "{people} INSERT INTO patient (clinic, id, name, email, phone, locale, created_at, updated_at)
             SELECT '{clinic}', {pat}, 'Anna ' || {surname}, 'p' || i || '@mail.example',
             '+447700' || substr({eight}, 3), 'en-GB', {now}, {now} FROM n"
        ),
        format!(
            "{people} INSERT INTO patient_term SELECT '{clinic}', 'anna', {pat} FROM n
             UNION ALL SELECT '{clinic}', {surname}, {pat} FROM n
             UNION ALL SELECT '{clinic}', 'p' || i || '@mail.example', {pat} FROM n
             UNION ALL SELECT '{clinic}', '07700' || substr({eight}, 3), {pat} FROM n
             UNION ALL SELECT '{clinic}', '447700' || substr({eight}, 3), {pat} FROM n
             UNION ALL SELECT '{clinic}', substr({eight}, 5), {pat} FROM n"
        ),
        format!(
            "{visits} INSERT INTO appointment (clinic, id, patient, title, starts_at, ends_at, status, created_at, created_by)
             SELECT '{clinic}', {apt}, {owner}, 'Check-up', {created},
             {created} + 1800000, 'booked', {created}, 'reception' FROM n"
        ),
        format!(
            "{visits} INSERT INTO appointment_balance SELECT '{clinic}', {apt}, 'GBP', 4500, 0, 0, 0, 4500, 0, 1 FROM n"
        ),
        format!(
            "{visits} INSERT INTO payment_link (clinic, id, appt, patient, purpose, amount, currency, token_hash,
             token_sealed, reference, state, late, created_at, created_by, expires_at, paid_at, captured, refunded,
             disputed, delivery_failed, asked_at, remind_at)
             SELECT '{clinic}', {lnk}, {apt}, {owner}, CASE WHEN i % 3 = 0 THEN 'deposit' ELSE 'balance' END, 4500,
             'GBP', {blob}, {blob}, {reference}, state, 0, created_at, 'reception', created_at + 172800000,
             CASE WHEN state = 'paid' THEN created_at ELSE NULL END, 0, 0, 0, CASE WHEN i % 20 = 1 THEN 1 ELSE 0 END,
             CASE WHEN state = 'expired' AND i % 100 = 1 THEN created_at + 180000000 ELSE NULL END,
             CASE WHEN state IN ('sent', 'accessed') THEN created_at + 86400000 ELSE NULL END
             FROM (SELECT i, {created} AS created_at, {state} AS state FROM n) AS m"
        ),
        format!(
            "INSERT INTO link_tally SELECT clinic, created_at / 86400000, state, created_at % 16, COUNT(*), SUM(amount)
             FROM payment_link WHERE clinic = '{clinic}' GROUP BY 1, 2, 3, 4"
        ),
    ] {
        place.by_hand(sql).await.unwrap();
    }
    if !lite {
        place.by_hand("VACUUM ANALYZE").await.unwrap();
    }
}
