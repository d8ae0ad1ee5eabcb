//! What a verb costs: the statements of its write transactions, counted. The database's own durable commit is meant to
//! be what a verb costs, so a ceiling rises only with a reason in the commit that raises it; lower it when you can.

use std::sync::Arc;

use remit_app::appointments::{BookingInput, book};
use remit_app::deliveries::{DeliveryInput, deliver};
use remit_app::keys::Keys;
use remit_app::patients::PatientInput;
use remit_app::payments::{Checkout, DeskInput, check_out};
use remit_app::refunds::{RefundInput, request};
use remit_app::services::{Deposit, ServiceInput};
use remit_app::{
    Actor, App, Config, attempts, clinics, links, patients, services, settle, visits, worker,
};
use remit_core::HOUR_MS;
use remit_core::attempts::{Report, Reported};
use remit_core::clinic::Clinic;
use remit_core::deliveries::Channel;
use remit_core::ids::AppointmentId;
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
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
    let folder = std::env::temp_dir().join(format!("remit-statements-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("sqlite://{}", folder.join("remit.db").display());
    let store = remit_app::open(&url).await.unwrap();
    keep_to_the_ceilings(store, |(_, lite, _)| *lite).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_costs_a_handful_of_statements_on_postgres() {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        eprintln!("skipped on PostgreSQL: REMIT_TEST_POSTGRES_URL is not set");
        return;
    };
    let joined = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joined}options=-c%20search_path%3Dapp_statements");
    let store = remit_app::open(&url).await.unwrap();
    remit_store::migrate::own_schema(&store, "app_statements")
        .await
        .unwrap();
    keep_to_the_ceilings(store, |(_, _, pg)| *pg).await;
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
    attempts::pay(app, clinic, link, Method::Card)
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

struct Desk {
    app: Arc<App>,
    desk: Actor,
}

impl Desk {
    async fn opens(store: remit_app::Store) -> Desk {
        worker::migrate(&store).await.unwrap();
        let nowhere = "http://127.0.0.1:9".to_owned();
        let config = Config {
            public_url: nowhere.clone(),
            self_url: nowhere,
            demo: false,
            demo_sign_in: None,
        };
        let keys = Keys::parse(&Keys::generate().unwrap()).unwrap();
        let app = App::new(store, config, keys).unwrap();
        let clinic = Clinic {
            id: app.fresh(app.now().await.unwrap()).unwrap(),
            route: "a0".into(),
            name: "Test Clinic".into(),
            strapline: String::new(),
            address: String::new(),
            phone: String::new(),
            email: String::new(),
            currency: Currency::GBP,
            country: "GB".into(),
            zone: "Europe/London".into(),
            test_mode: true,
            show_services: false,
            auto_refund: false,
        };
        clinics::found(&app, &clinic).await.unwrap();
        Desk {
            desk: Actor::remit(clinic.id),
            app,
        }
    }

    /// One patient's appointment that owes 45.00.
    async fn books(&self) -> AppointmentId {
        let (app, desk) = (&self.app, &self.desk);
        let patient = PatientInput {
            name: "Anna Smith".into(),
            email: Some("anna@mail.example".into()),
            phone: Some("07700 900123".into()),
            locale: None,
        };
        let service = ServiceInput {
            name: "Check-up".into(),
            duration_minutes: 30,
            price: Money::gbp(4500),
            deposit: Deposit::None,
            active: true,
        };
        let booking = BookingInput {
            patient: patients::create(app, desk, None, patient).await.unwrap().id,
            services: vec![services::create(app, desk, None, service).await.unwrap().id],
            practitioner: None,
            starts_at: app.now().await.unwrap() + 24 * HOUR_MS,
            with_deposit_link: false,
            despite_overlap: false,
        };
        book(app, desk, None, &booking).await.unwrap().0
    }
}
