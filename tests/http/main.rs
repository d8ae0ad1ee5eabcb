//! Flows from outside: the real binary, the JSON API as staff, a phone without script as the patient, the sandbox as
//! the provider. Every flow runs on SQLite with one node and on PostgreSQL with two, where staff and patient are on
//! different nodes.
//!
//! `REMIT_FLOW=word` runs only the flows with the word in their name. PostgreSQL is left out without
//! `REMIT_TEST_POSTGRES_URL` (`scripts/pg start`).

mod books;
mod browser;
mod clinic;
mod digests;
mod disputes;
mod doors;
mod findings;
mod keys;
mod late;
mod live;
mod messages;
mod payments;
mod receipts;
mod refunds;
mod scanners;
#[allow(dead_code, reason = "the torture tests use the rest")]
mod server;
mod webhooks;

use std::pin::Pin;
use std::sync::Arc;

use clinic::Clinic;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

type Flow = fn(Arc<Clinic>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// How many flows are played at once: staff and patients do not wait for one another either.
const AT_ONCE: usize = 4;

macro_rules! flows {
    ($($place:ident :: $flow:ident),+ $(,)?) => {
        const FLOWS: &[(&str, Flow)] = &[
            $((stringify!($flow), |clinic| Box::pin(async move { $place::$flow(&clinic).await })),)+
        ];
    };
}

flows! {
    payments::a_deposit_is_paid_by_the_link_sent_to_the_phone,
    payments::the_balance_after_cash_is_paid_by_klarna,
    payments::a_second_link_closes_the_first_and_cash_lowers_it,
    payments::two_tabs_get_one_session,
    payments::a_declined_card_pays_at_the_second_try,
    payments::a_3ds_step_is_passed,
    payments::approved_later_is_in_progress_until_then,
    payments::paid_in_full_at_the_desk_closes_the_link,
    payments::the_desk_closes_an_open_session_first,
    payments::the_desk_is_told_when_the_session_was_paid_already,
    payments::a_renewed_link_replaces_a_cancelled_one,
    payments::nobody_comes_back_and_the_webhook_tells,
    refunds::a_refund_in_part_and_the_rest,
    refunds::more_than_was_paid_is_not_refunded,
    refunds::a_cancelled_appointment_leaves_credit,
    refunds::a_cancelled_appointment_gives_everything_back,
    refunds::a_missed_appointment_keeps_what_was_paid,
    refunds::a_desk_payment_is_corrected,
    findings::paid_twice_is_refunded_with_one_press,
    findings::credit_of_a_cancelled_appointment_is_refunded_with_one_press,
    findings::credit_is_kept_with_one_press,
    findings::a_finding_is_marked_as_done_with_a_note,
    receipts::an_online_payment_sends_its_receipt_once,
    receipts::the_desk_sends_a_receipt_on_request,
    receipts::a_receipt_to_nowhere_is_refused,
    disputes::a_disputed_payment_is_held_and_won_back,
    disputes::a_lost_dispute_is_gone_and_nobody_owes_it,
    disputes::a_refund_made_at_the_provider_flows_back,
    disputes::a_large_refund_waits_for_another_person,
    doors::unknown_and_malformed_addresses_answer_the_same,
    doors::another_sites_form_is_refused,
    doors::a_foreign_host_is_not_served,
    doors::every_answer_has_its_headers,
    live::the_other_node_hears_of_a_payment,
    live::a_payment_is_told_at_the_bell_until_it_is_read,
    keys::the_same_key_has_one_effect,
    keys::twenty_clicks_at_once_make_one_link,
    scanners::forty_agents_change_nothing,
    webhooks::what_is_not_believed_is_not_stored,
    webhooks::either_node_takes_a_webhook,
}

/// Plays every flow and answers with the failures.
async fn play(clinic: &Arc<Clinic>) -> Vec<String> {
    let wanted = std::env::var("REMIT_FLOW").unwrap_or_default();
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for (name, flow) in FLOWS.iter().filter(|(name, _)| name.contains(&wanted)) {
        let (clinic, permits) = (clinic.clone(), permits.clone());
        playing.spawn(async move {
            let _permit = permits.acquire_owned().await.expect("never closed");
            let played = tokio::spawn(flow(clinic)).await;
            (*name, played.err().map(|error| told(error.into_panic())))
        });
    }
    let mut failed = vec![];
    while let Some(done) = playing.join_next().await {
        match done.expect("a flow's panic is caught") {
            (name, None) => println!("ok      {name}"),
            (name, Some(why)) => {
                println!("FAILED  {name}: {why}");
                failed.push(format!("{name}: {why}"));
            }
        }
    }
    failed
}

fn told(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// Plays every flow, then looks at what all of them left behind.
async fn play_all(clinic: Clinic) {
    let clinic = Arc::new(clinic);
    let mut failed = play(&clinic).await;
    let said = doors::secrets_in_logs(&clinic).await;
    failed.extend(said);
    clinic.books_balance();
    if !failed.is_empty() {
        for line in clinic.nodes.iter().flat_map(server::Server::troubles) {
            println!("{line}");
        }
        for (number, node) in clinic.nodes.iter().enumerate() {
            let kept = std::env::temp_dir().join(format!("remit-flows-node{number}.log"));
            println!("the log of node {number}: {}", kept.display());
            std::fs::write(kept, node.log().join("\n")).expect("a file");
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_on_sqlite() {
    play_all(Clinic::on_sqlite(&[])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_on_postgres_with_two_nodes() {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        println!("skipped: REMIT_TEST_POSTGRES_URL is not set");
        return;
    };
    play_all(Clinic::on_postgres(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_begun_in_time_is_late_after_48_hours() {
    late::play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_on_sqlite() {
    messages::play(Clinic::on_sqlite(&[])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_on_postgres_with_two_nodes() {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        println!("skipped: REMIT_TEST_POSTGRES_URL is not set");
        return;
    };
    messages::play(Clinic::on_postgres(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_provably_never_arrived_goes_out_once_more() {
    messages::play_a_proven_loss().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_and_payouts_close_the_providers_account() {
    books::play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_a_day_on_sqlite() {
    digests::play(Clinic::on_sqlite(&[])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_a_day_on_postgres_with_two_nodes() {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        println!("skipped: REMIT_TEST_POSTGRES_URL is not set");
        return;
    };
    digests::play(Clinic::on_postgres(&url).await).await;
}
