//! S7: Stripe's answers are lost after the work, before the work, are errors that come again for their key, ask for
//! patience, trickle in, come up to two minutes late; then nothing answers at all for a while. Every unknown outcome is resolved, nobody is charged
//! twice, nothing is refunded twice, and in an outage only probes go out (hazards A14, A15, A16, A27).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fake_stripe::FakeStripe;
use fake_stripe::faults::Faults;
use fake_stripe::world::machine_ms;
use tokio::task::JoinSet;

use crate::books;
use crate::clinic::{Clinic, id, url};
use crate::late::Clock;
use crate::payers::{self, AT_ONCE, Desk};
use crate::storm::same_money;

/// A patient's patience, with breaker and retries in between.
const PATIENCE: Duration = Duration::from_secs(90);
const WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The moved clock gains so much in each real second, so that waits of minutes pass in a test.
const GAIN_S: i64 = 30;
/// In the end it gains so much: an error kept for a key comes again for a day, and work waits an hour at most.
const LAST_GAIN_S: i64 = 3_600;
const LAST_GAINS: u32 = 30;
const OUTAGE_MS: i64 = 15_000;
/// Calls under way for patients and in the outbox, and the breaker's own count, when an outage begins.
const BEFORE_BREAKER_MAX: usize = AT_ONCE + 16 + 5;
/// A probe after 2 to 4 s, the next after 4 to 8 s, and so on.
const PROBES_MAX: usize = 5;

fn faults() -> Faults {
    Faults {
        rate_limit: 0.05,
        retry_after_s: 1,
        cut_before: 0.05,
        server_error: 0.08,
        lost_answer: 0.12,
        slow_body: 0.1,
        slow_body_ms: 150,
        latency_ms: (0, 40),
        hangs: 0.005,
        hang_ms: (1_000, 120_000),
        only: "POST".into(),
        ..Faults::default()
    }
}

/// The clocks of the binary and of Stripe, which move together.
struct Time {
    clock: Clock,
    stripe: Arc<FakeStripe>,
    gained_s: AtomicI64,
}

impl Time {
    fn gains(&self, seconds: i64) {
        let now = self.gained_s.fetch_add(seconds, Ordering::Relaxed) + seconds;
        self.clock.set(now);
        self.stripe.advance_clock(seconds * 1_000);
    }

    fn now_ms(&self) -> i64 {
        machine_ms() + self.gained_s.load(Ordering::Relaxed) * 1_000
    }

    /// Goes on until told to stop.
    async fn passes(self: Arc<Time>, stop: Arc<AtomicBool>) {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        while !stop.load(Ordering::Relaxed) {
            seconds.tick().await;
            self.gains(GAIN_S);
        }
    }
}

/// Calls that told the caller nothing.
fn unknown_outcomes(stripe: &FakeStripe) -> usize {
    let world = stripe.world();
    let calls = world
        .calls
        .iter()
        .filter(|call| call.what.starts_with("POST"));
    calls
        .filter(|call| matches!(call.status, 0 | 409 | 429 | 500..))
        .count()
}

/// One patient pays, and gets it back in four parts.
async fn pays_and_is_refunded(clinic: &Clinic, stripe: &FakeStripe, desk: &Desk) {
    let (visit, link) = desk.asks(clinic).await;
    let mut phone = clinic.phone();
    let page = payers::reaches_stripe(&mut phone, stripe, url(&link), PATIENCE).await;
    payers::pays_and_is_gone(&mut phone, &page).await;
    let path = format!("/payments?appointment_id={}", id(&visit));
    let end = Instant::now() + PATIENCE;
    let payment = loop {
        let payment = clinic.get(&path).await["data"][0].clone();
        if payment.is_object() {
            break payment;
        }
        assert!(Instant::now() < end, "never recorded: {visit}");
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let part = desk.price / 4;
    for amount in [part, part, part, desk.price - 3 * part] {
        let told = clinic.refunds(&payment, amount).await;
        assert!(told.status < 300, "{} {}", told.status, told.json);
    }
}

pub async fn play(outcomes: usize) {
    let Some(clock) = Clock::new() else {
        println!("skipped: libfaketime is not installed (Debian: apt-get install faketime)");
        return;
    };
    let mut env = clock.env();
    env.push(("REMIT_LOG", "warn".into()));
    let env: Vec<(&str, &str)> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let clinic = Arc::new(Clinic::on_sqlite(&env));
    let stripe = payers::stripe(crate::seed()).await;
    payers::connects(&clinic, &stripe).await;
    let begun = Instant::now();
    let time = Arc::new(Time {
        clock,
        stripe: stripe.clone(),
        gained_s: AtomicI64::new(0),
    });
    let stop = Arc::new(AtomicBool::new(false));
    let passing = tokio::spawn(time.clone().passes(stop.clone()));
    stripe.set_faults(faults());
    let paid = until_enough(&clinic, &stripe, outcomes).await;
    let (unknown, asked_in) = (unknown_outcomes(&stripe), begun.elapsed());
    let (before, probes) = outage(&clinic, &stripe).await;
    stop.store(true, Ordering::Relaxed);
    passing.await.expect("time passed");

    stripe.set_faults(Faults::default());
    everything_is_resolved(&clinic, &time, paid).await;
    same_money(&clinic, &stripe).await;
    nobody_pays_or_is_paid_twice(&stripe);
    clinic.books_balance();
    println!(
        "S7: {unknown} unknown outcomes over {paid} payments in {:.1} s, all resolved after {:.1} s and less than {} h \
         of the clock, 0 double charges, 0 double refunds; an outage of {} s: {before} calls before the breaker \
         opened, {probes} probes after",
        asked_in.as_secs_f32(),
        begun.elapsed().as_secs_f32(),
        time.gained_s.load(Ordering::Relaxed) / 3_600 + 1,
        OUTAGE_MS / 1_000,
    );
}

/// Every payment is recorded, every session known or proven absent, every refund made: at the latest when Stripe has
/// forgotten the errors that it kept.
async fn everything_is_resolved(clinic: &Clinic, time: &Time, paid: usize) {
    const ASKED: &str = "SELECT COUNT(*) FROM payment_attempt WHERE provider = 'stripe' \
        AND state IN ('creating', 'unknown')";
    let mut hours = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..LAST_GAINS {
        hours.tick().await;
        // What is due by the moved clock is done before it moves on: hours pass here faster than calls are made.
        let end = Instant::now() + WITHIN;
        while books::due(clinic, time.now_ms()).await > 0 && Instant::now() < end {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let open =
            books::count(clinic, books::REFUNDS_OPEN).await + books::count(clinic, ASKED).await;
        if open == 0 {
            break;
        }
        time.gains(LAST_GAIN_S);
    }
    books::comes_to(clinic, books::REFUNDS_OPEN, 0, WITHIN).await;
    books::comes_to(clinic, ASKED, 0, WITHIN).await;
    books::comes_to(
        clinic,
        books::PAYMENTS,
        i64::try_from(paid).expect("a size"),
        WITHIN,
    )
    .await;
    const REFUNDED: &str = "SELECT COUNT(*) FROM refund WHERE state = 'succeeded' \
        AND payment IN (SELECT id FROM payment WHERE provider = 'stripe')";
    books::comes_to(
        clinic,
        REFUNDED,
        4 * i64::try_from(paid).expect("a size"),
        WITHIN,
    )
    .await;
}

/// Refunds that were not tried yet, and how many may wait.
const UNTRIED: &str = "SELECT COUNT(*) FROM refund WHERE state = 'requested'";
const UNTRIED_MAX: i64 = 32;

/// Patients pay until Stripe has left enough questions open; answers how many paid.
async fn until_enough(clinic: &Arc<Clinic>, stripe: &Arc<FakeStripe>, outcomes: usize) -> usize {
    let mut payers = JoinSet::new();
    for n in 0..AT_ONCE {
        let (clinic, stripe) = (clinic.clone(), stripe.clone());
        payers.spawn(async move {
            let desk =
                Desk::opens(&clinic, 4_000 + 100 * i64::try_from(n).unwrap_or_default()).await;
            let mut paid = 0;
            while unknown_outcomes(&stripe) < outcomes {
                // Refunds leave by the outbox: patients do not run away from it.
                if books::count(&clinic, UNTRIED).await > UNTRIED_MAX {
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
                pays_and_is_refunded(&clinic, &stripe, &desk).await;
                paid += 1;
            }
            paid
        });
    }
    let mut paid = 0;
    while let Some(done) = payers.join_next().await {
        paid += done.expect("a payer is through");
    }
    paid
}

/// Nothing answers. Patients press all the same; answers how many calls went out until the breaker had opened, and how
/// many after.
async fn outage(clinic: &Arc<Clinic>, stripe: &Arc<FakeStripe>) -> (usize, usize) {
    let begun = machine_ms();
    stripe.set_faults(Faults {
        outage_until: Some(begun + OUTAGE_MS),
        ..Faults::default()
    });
    let desk = Desk::opens(clinic, 6_000).await;
    let mut links = Vec::new();
    for _ in 0..AT_ONCE {
        links.push(desk.asks(clinic).await.1);
    }
    let mut asked_to_wait = 0;
    while machine_ms() < begun + OUTAGE_MS {
        for link in &links {
            let mut phone = clinic.phone();
            let page = phone.get(url(link)).await;
            if let Some(form) = page.form_with("method") {
                let told = phone.submit(&page, &form, &[("method", "card")]).await;
                assert!(told.status < 500, "{} {}", told.status, told.text());
            } else if page.text().contains("Payment is paused") {
                asked_to_wait += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(asked_to_wait > 0, "no page said that payment is paused");
    let world = stripe.world();
    let calls: Vec<i64> = world
        .calls
        .iter()
        .map(|call| call.at)
        .filter(|at| (begun..begun + OUTAGE_MS).contains(at))
        .collect();
    // The breaker rests two seconds at least: the first gap of more than one tells that it had opened.
    let opened = calls.windows(2).position(|pair| pair[1] - pair[0] > 1_000);
    let before = opened.map_or(calls.len(), |place| place + 1);
    let probes = calls.len() - before;
    assert!(
        before <= BEFORE_BREAKER_MAX,
        "{before} calls went out before the breaker opened"
    );
    assert!(
        probes <= PROBES_MAX,
        "{probes} calls went out while the breaker was open"
    );
    (before, probes)
}

/// By Stripe's own records: one paid payment for each attempt, one attempt's money for each visit, refunds at most
/// what was paid.
fn nobody_pays_or_is_paid_twice(stripe: &FakeStripe) {
    let world = stripe.world();
    let mut by_attempt: HashMap<&str, usize> = HashMap::new();
    for payment in world
        .payments
        .all()
        .iter()
        .filter(|payment| payment.received > 0)
    {
        *by_attempt
            .entry(&payment.metadata["remit_attempt"])
            .or_default() += 1;
    }
    let twice: Vec<_> = by_attempt.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "charged twice: {twice:?}");
    let mut by_refund: HashMap<&str, usize> = HashMap::new();
    for refund in world.refunds.all() {
        *by_refund
            .entry(&refund.metadata["remit_refund"])
            .or_default() += 1;
    }
    let twice: Vec<_> = by_refund.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "refunded twice: {twice:?}");
}
