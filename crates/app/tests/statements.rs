//! What a verb costs: the statements of its write transactions, counted. The database's own durable commit is meant to
//! be what a verb costs, so a ceiling rises only with a reason in the commit that raises it; lower it when you can.

mod desk;

use desk::Desk;
use remit_app::deliveries::{DeliveryInput, deliver};
use remit_app::payments::{Checkout, DeskInput, check_out};
use remit_app::refunds::{RefundInput, request};
use remit_app::{attempts, links, settle, visits};
use remit_core::attempts::{Report, Reported};
use remit_core::deliveries::Channel;
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_core::payments::DeskMethod;

/// Verb, its most statements on SQLite, and on PostgreSQL, where the lock row costs one of its own.
const CEILINGS: &[(&str, u64, u64)] = &[
    ("issue", 4, 5),
    ("deliver", 10, 11),
    ("visit", 5, 6),
    ("start payment", 9, 11),
    ("session made", 4, 5),
    ("apply facts: paid", 15, 16),
    ("apply facts again", 4, 5),
    ("refund", 9, 10),
    ("desk payment", 7, 8),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_costs_a_handful_of_statements_on_sqlite() {
    let (store, _folder) = desk::on_sqlite("statements").await;
    keep_to_the_ceilings(store, |(_, lite, _)| *lite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_costs_a_handful_of_statements_on_postgres() {
    if let Some(store) = desk::on_postgres("statements").await {
        keep_to_the_ceilings(store, |(_, _, pg)| *pg).await;
    }
}

/// Plays each verb once in a clinic's ordinary order and compares.
async fn keep_to_the_ceilings(store: remit_app::Store, ceiling: impl Fn(&(&str, u64, u64)) -> u64) {
    let counted = play(&Desk::opens(store).await).await;
    let names: Vec<_> = counted.iter().map(|(verb, _)| *verb).collect();
    let known: Vec<_> = CEILINGS.iter().map(|(verb, _, _)| *verb).collect();
    assert_eq!(names, known, "every verb has its ceiling");
    let over: Vec<_> = counted
        .iter()
        .zip(CEILINGS)
        .filter(|((_, count), line)| *count > ceiling(line))
        .map(|((verb, count), line)| {
            format!("{verb}: {count} statements, at most {}", ceiling(line))
        })
        .collect();
    assert!(over.is_empty(), "{over:#?}\nall: {counted:?}");
}

async fn play(desk: &Desk) -> Vec<(&'static str, u64)> {
    let (app, clinic) = (&desk.app, desk.desk.clinic);
    let visit = desk.books().await;
    let mut counted = Vec::new();
    let mut since = app.store.statements_run();
    let mut count = |verb| {
        let now = app.store.statements_run();
        counted.push((verb, now - since));
        since = now;
    };
    let link = links::issue(app, &desk.desk, visit, None, Purpose::Balance)
        .await
        .unwrap();
    count("issue");
    let sms = DeliveryInput {
        channel: Channel::Sms,
        to: None,
        remember: false,
    };
    deliver(app, &desk.desk, link, None, &sms).await.unwrap();
    count("deliver");
    visits::seen(app, clinic, link).await.unwrap();
    count("visit");
    // Nobody answers at the provider's address: the intent is written, and that its outcome is unknown.
    attempts::pay(app, clinic, link, Method::Card, None)
        .await
        .unwrap();
    count("start payment");
    let attempt = attempts::last_of_link(app, clinic, link)
        .await
        .unwrap()
        .unwrap()
        .id;
    let report = |status| Report {
        session_id: "ses_1".into(),
        url: None,
        status,
        last_error: None,
    };
    settle::apply_facts(app, clinic, attempt, &report(Reported::Open))
        .await
        .unwrap();
    count("session made");
    let paid = Reported::Paid {
        payment_id: "pay_1".into(),
        received: Money::gbp(4500),
        paid_with: Some("Visa 4242".into()),
    };
    settle::apply_facts(app, clinic, attempt, &report(paid.clone()))
        .await
        .unwrap();
    count("apply facts: paid");
    settle::apply_facts(app, clinic, attempt, &report(paid))
        .await
        .unwrap();
    count("apply facts again");
    let payments = remit_app::payments::of_appointment(app, clinic, visit)
        .await
        .unwrap();
    let refund = RefundInput {
        amount: Some(Money::gbp(500)),
        reason: None,
        reopen: false,
        correction: false,
        seen_available: None,
    };
    request(app, &desk.desk, payments[0].payment.id, None, &refund)
        .await
        .unwrap();
    count("refund");
    counted.push(("desk payment", pay_at_desk(desk).await));
    counted
}

/// Takes a visit's money at the desk; answers with the statements of that.
async fn pay_at_desk(desk: &Desk) -> u64 {
    let visit = desk.books().await;
    let cash = DeskInput {
        method: DeskMethod::Cash,
        amount: Money::gbp(4500),
        reference: None,
    };
    let checkout = Checkout {
        taken: vec![cash],
        link: None,
        despite_live_payment: false,
    };
    let since = desk.app.store.statements_run();
    check_out(&desk.app, &desk.desk, visit, None, &checkout)
        .await
        .unwrap();
    desk.app.store.statements_run() - since
}
