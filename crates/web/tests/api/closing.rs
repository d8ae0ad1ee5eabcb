//! A payment under way when its provider gives no answer: the desk is told, may go on all the same, and money that still
//! comes is the patient's credit (hazards A24, A25, 7.6).

use fake_stripe::FakeStripe;
use fake_stripe::faults::Faults;
use remit_app::attempts::{self, Continue};
use remit_core::ids::{AttemptId, LinkId};
use remit_core::methods::Method;
use serde_json::{Value, json};

use crate::desk::{gbp, id};
use crate::harness::{Clinic, House, on_both_engines};

const PROVIDER: &str = "/settings/providers/stripe";

/// A clinic whose patient has begun to pay 45.00 by card.
struct Begun {
    clinic: Clinic,
    stripe: FakeStripe,
    /// The appointment's address.
    path: String,
    /// The link's page.
    page: String,
    attempt: AttemptId,
    session: String,
}

async fn begun(house: &House) -> Begun {
    let clinic = house.founds("lark").await;
    let stripe = FakeStripe::open().await.unwrap();
    let body =
        json!({"secret_key": fake_stripe::SECRET_KEY, "api_base": stripe.url, "enabled": true});
    clinic.owner().put(PROVIDER, body).await.is(200);
    let appointment = clinic.books(4500).await;
    let link = clinic.issues_link(&appointment).await;
    let (attempt, session) = pays_through(&clinic, &link).await;
    let (_, token) = link["url"].as_str().unwrap().rsplit_once('/').unwrap();
    Begun {
        clinic,
        stripe,
        path: format!("/appointments/{appointment}"),
        page: format!("//p/{token}"),
        attempt,
        session,
    }
}

/// A patient presses *Continue to payment* for all that an appointment costs, by card: the attempt and its session.
pub async fn starts_to_pay(clinic: &Clinic, appointment: &str) -> (AttemptId, String) {
    let link = clinic.issues_link(appointment).await;
    pays_through(clinic, &link).await
}

async fn pays_through(clinic: &Clinic, link: &Value) -> (AttemptId, String) {
    let link: LinkId = id(link).parse().unwrap();
    let key = clinic.secret(remit_core::roles::Role::Owner);
    let who = remit_app::api_keys::caller(&clinic.app, &key)
        .await
        .unwrap()
        .unwrap();
    let started = attempts::pay(&clinic.app, who.clinic, link, Method::Card, None)
        .await
        .unwrap();
    let Continue::To { url, attempt } = started else {
        panic!("{started:?}");
    };
    let session = url
        .rsplit('/')
        .next()
        .unwrap()
        .split(['#', '?'])
        .next()
        .unwrap()
        .to_owned();
    (attempt, session)
}

impl Begun {
    fn provider_is_gone(&self, gone: bool) {
        self.stripe.set_faults(Faults {
            outage_until: gone.then_some(i64::MAX),
            ..Faults::default()
        });
    }

    async fn charges(&self, minor: i64, despite: bool) -> crate::harness::Reply {
        let body = json!({"description": "Goodwill", "amount": gbp(minor), "despite_live_payment": despite});
        self.clinic
            .owner()
            .post(&format!("{}/charges", self.path), body)
            .await
    }

    async fn takes_cash(&self, minor: i64, despite: bool) -> crate::harness::Reply {
        let body = json!({"method": "cash", "amount": gbp(minor), "despite_live_payment": despite});
        self.clinic
            .owner()
            .post(&format!("{}/payments", self.path), body)
            .await
    }

    async fn cancels(&self, despite: bool) -> crate::harness::Reply {
        let body = json!({"status": "cancelled", "despite_live_payment": despite});
        self.clinic.owner().patch(&self.path, body).await
    }

    /// The outbox runs dry; what the appointment says then.
    async fn outside_work_is_done(&self) -> Value {
        while remit_app::outbox::run(&self.clinic.app).await.unwrap() > 0 {}
        self.clinic.owner().reads(&self.path).await
    }

    /// In minor units.
    fn refunded_at_stripe(&self) -> Vec<i64> {
        let world = self.stripe.world();
        world
            .refunds
            .all()
            .iter()
            .map(|refund| refund.amount)
            .collect()
    }

    /// What the patient's page says.
    async fn patient_reads(&self, house: &House) -> String {
        house.stranger(None).get(&self.page).await.text()
    }

    /// The patient pays on the provider's page and comes back.
    async fn patient_pays(&self) -> Value {
        self.stripe.pay(&self.session).unwrap();
        // A test of the connection is let through whatever came before, and shows that the provider is there again.
        self.clinic
            .owner()
            .post(&format!("{PROVIDER}/test"), json!({}))
            .await
            .is(200);
        attempts::returned(&self.clinic.app, self.attempt)
            .await
            .unwrap();
        self.clinic.owner().reads(&self.path).await
    }
}

on_both_engines! {
    async fn what_can_be_closed_is_closed_and_the_desk_goes_on(house: House) {
        let begun = begun(&house).await;
        begun.takes_cash(4500, false).await.is(201);
        assert!(begun.stripe.pay(&begun.session).is_err(), "the session takes no more money");
    }

    async fn a_provider_that_is_gone_stops_the_desk_until_it_is_overridden(house: House) {
        let begun = begun(&house).await;
        begun.provider_is_gone(true);
        begun.takes_cash(4500, false).await.is_problem(503, "provider-unreachable");
        begun.charges(-500, false).await.is_problem(503, "provider-unreachable");
        begun.cancels(false).await.is_problem(503, "provider-unreachable");
        let before = begun.clinic.owner().reads(&begun.path).await;
        assert_eq!(before["balance"], gbp(4500), "nothing was recorded");
        begun.charges(-500, true).await.is(201);
        begun.takes_cash(4000, true).await.is(201);
        assert_eq!(begun.clinic.owner().reads(&begun.path).await["balance"], gbp(0));
        begun.provider_is_gone(false);
        let after = begun.patient_pays().await;
        assert_eq!((&after["balance"], &after["credit"]), (&gbp(0), &gbp(4500)), "no money is lost");
    }

    async fn the_patient_is_asked_to_wait_while_nothing_can_be_paid(house: House) {
        const PAUSED: &str = "Payment is paused for a moment";
        let begun = begun(&house).await;
        assert!(!begun.patient_reads(&house).await.contains(PAUSED));
        begun.provider_is_gone(true);
        // More calls without an answer than it takes for the provider to be left alone.
        for _ in 0..8 {
            begun.takes_cash(1000, false).await.is_problem(503, "provider-unreachable");
        }
        let other = begun.clinic.books(4500).await;
        let link = begun.clinic.issues_link(&other).await;
        let (_, token) = link["url"].as_str().unwrap().rsplit_once('/').unwrap();
        let page = house.stranger(None).get(&format!("//p/{token}")).await.text();
        assert!(page.contains(PAUSED) && page.contains("opens again by itself"), "{page}");
        assert!(!page.contains("name=\"method\""), "nothing to press");
        // What was begun may have been paid on the provider's page: nobody says that nothing was taken.
        let page = begun.patient_reads(&house).await;
        assert!(page.contains("You have begun to pay") && !page.contains("Nothing was taken"), "{page}");
        begun.takes_cash(1000, true).await.is(201);
        let page = begun.patient_reads(&house).await;
        assert!(page.contains("do not pay on the page you opened before"), "{page}");
        begun.provider_is_gone(false);
        begun.clinic.owner().post(&format!("{PROVIDER}/test"), json!({})).await.is(200);
        let page = begun.patient_reads(&house).await;
        assert!(page.contains("The amount is now £35.00") && page.contains("name=\"method\""), "{page}");
        begun.clinic.owner().put(PROVIDER, json!({"enabled": false})).await.is(200);
        assert!(begun.patient_reads(&house).await.contains(PAUSED), "nobody takes payments");
    }

    async fn what_was_paid_too_much_goes_back_by_itself_where_the_clinic_wants_it(house: House) {
        let begun = begun(&house).await;
        let wanted = json!({"reception_max": null, "approval_above": null, "auto_refund": true});
        let kept = begun.clinic.owner().put("/settings/refunds", wanted.clone()).await.is(200);
        assert_eq!(kept, wanted);
        assert_eq!(begun.clinic.owner().reads("/settings/refunds").await, wanted);
        begun.provider_is_gone(true);
        begun.takes_cash(3000, true).await.is(201);
        begun.provider_is_gone(false);
        let paid = begun.patient_pays().await;
        assert_eq!((&paid["balance"], &paid["credit"]), (&gbp(0), &gbp(3000)), "reserved, not gone yet");
        let after = begun.outside_work_is_done().await;
        assert_eq!((&after["balance"], &after["credit"]), (&gbp(0), &gbp(0)));
        assert_eq!(begun.refunded_at_stripe(), [3000], "of the 45.00 that were paid online");
        attempts::returned(&begun.clinic.app, begun.attempt).await.unwrap();
        begun.outside_work_is_done().await;
        assert_eq!(begun.refunded_at_stripe(), [3000], "once");
    }

    async fn what_was_paid_too_much_waits_for_a_second_person_above_the_limit(house: House) {
        let begun = begun(&house).await;
        let wanted = json!({"reception_max": null, "approval_above": gbp(1000), "auto_refund": true});
        begun.clinic.owner().put("/settings/refunds", wanted).await.is(200);
        begun.provider_is_gone(true);
        begun.takes_cash(3000, true).await.is(201);
        begun.provider_is_gone(false);
        begun.patient_pays().await;
        let after = begun.outside_work_is_done().await;
        assert_eq!(&after["credit"], &gbp(3000));
        assert!(begun.refunded_at_stripe().is_empty(), "nobody has approved it");
        let payments = begun.clinic.owner().reads("/payments").await;
        let waiting = payments["data"].as_array().unwrap().iter().flat_map(|payment| payment["refunds"].as_array().unwrap());
        let waiting: Vec<_> = waiting.map(|refund| (&refund["amount"], &refund["approval"])).collect();
        assert_eq!(waiting, [(&gbp(3000), &json!("needed"))]);
    }

    async fn a_cancelled_appointment_keeps_what_still_comes_as_credit(house: House) {
        let begun = begun(&house).await;
        begun.provider_is_gone(true);
        begun.cancels(true).await.is(200);
        begun.provider_is_gone(false);
        let after = begun.patient_pays().await;
        assert_eq!((&after["status"], &after["credit"]), (&json!("cancelled"), &gbp(4500)));
    }
}
