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
    let (attempt, session) = starts_to_pay(&clinic, &appointment).await;
    Begun {
        clinic,
        stripe,
        path: format!("/appointments/{appointment}"),
        attempt,
        session,
    }
}

/// A patient presses *Continue to payment* for all that an appointment costs, by card: the attempt and its session.
pub async fn starts_to_pay(clinic: &Clinic, appointment: &str) -> (AttemptId, String) {
    let link = clinic.issues_link(appointment).await;
    let link: LinkId = id(&link).parse().unwrap();
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

    async fn a_cancelled_appointment_keeps_what_still_comes_as_credit(house: House) {
        let begun = begun(&house).await;
        begun.provider_is_gone(true);
        begun.cancels(true).await.is(200);
        begun.provider_is_gone(false);
        let after = begun.patient_pays().await;
        assert_eq!((&after["status"], &after["credit"]), (&json!("cancelled"), &gbp(4500)));
    }
}
