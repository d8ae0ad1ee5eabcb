//! Storms over the real binary with Stripe as its provider (hazards, section 5): S3, many payments whose webhooks come
//! doubled, shuffled, late or never; S7, a provider whose answers are lost, slow, refused for now or errors.
//!
//! S16, somebody who abuses it: texts without end, passwords, addresses, cards.
//!
//! `REMIT_ABUSE_TRIES` sets the size of S16, `REMIT_STORM_PAYMENTS` and `REMIT_STORM_OUTCOMES` set the sizes; `REMIT_SEED` replays the faults that are drawn.

#[allow(dead_code, reason = "the flow tests use the rest")]
#[path = "../http/browser.rs"]
mod browser;
#[allow(dead_code, reason = "the flow tests use the rest")]
#[path = "../http/clinic.rs"]
mod clinic;
#[allow(dead_code, reason = "the flow tests use the rest")]
#[path = "../http/late.rs"]
mod late;
#[allow(dead_code, reason = "the flow tests use the rest")]
#[path = "../http/server.rs"]
mod server;

mod abuse;
mod books;
mod canary;
mod gone;
mod hosted;
mod lost;
mod payers;
mod restored;
mod storm;
mod unknown;

use std::sync::Arc;

use clinic::Clinic;

/// A size from the environment.
fn size(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => default,
    }
}

/// Where chance begins: named when a test fails, so that it can be played again.
fn seed() -> u64 {
    let seed = size("REMIT_SEED", server::random() as usize) as u64;
    println!("REMIT_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_of_a_storm_is_posted_once_on_sqlite() {
    let clinic = Arc::new(Clinic::on_sqlite(&[("REMIT_LOG", "warn")]));
    storm::play(clinic, size("REMIT_STORM_PAYMENTS", 1_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_payment_of_a_storm_is_posted_once_on_postgres_with_two_nodes() {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        println!("skipped: REMIT_TEST_POSTGRES_URL is not set");
        return;
    };
    let clinic = Arc::new(Clinic::on_postgres(&url).await);
    storm::play(clinic, size("REMIT_STORM_PAYMENTS", 1_000) / 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_where_it_must_not_be() {
    canary::play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosted_page_speaks_as_the_page_before_it() {
    hosted::play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_webhook_lost_all_money_is_recorded() {
    lost::play(size("REMIT_STORM_PAYMENTS", 1_000) / 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_a_restored_backup_does_not_know_is_recorded_again() {
    restored::play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_nothing_here_knows_is_recorded_where_staff_say() {
    restored::play_an_unknown_one().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_ends_while_stripe_is_gone_is_closed_there_later() {
    gone::play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_unknown_outcome_is_resolved_and_nobody_is_charged_twice() {
    unknown::play(size("REMIT_STORM_OUTCOMES", 500)).await;
}

/// Every abuse of S16, on one installation.
async fn abuse(clinic: Arc<Clinic>) {
    let tries = size("REMIT_ABUSE_TRIES", 1_000);
    abuse::sends_without_end(clinic.clone(), tries).await;
    abuse::guesses_passwords(clinic.clone(), tries).await;
    abuse::tests_cards(clinic.clone(), tries / 20).await;
    // Last: whoever guesses addresses is not shown a real one for a minute either.
    abuse::guesses_addresses(clinic, tries).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cap_is_passed_by_whoever_abuses_it_on_sqlite() {
    abuse(Arc::new(Clinic::on_sqlite(&[("REMIT_LOG", "warn")]))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cap_is_passed_by_whoever_abuses_it_on_postgres_with_two_nodes() {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        println!("skipped: REMIT_TEST_POSTGRES_URL is not set");
        return;
    };
    abuse(Arc::new(Clinic::on_postgres(&url).await)).await;
}
