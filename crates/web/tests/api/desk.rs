//! The integrator's verbs: what a program of a clinic does through the API.

use serde_json::{Value, json};

use crate::harness::{Caller, Clinic};

/// A Monday within three years of any test run would go stale; this one is reckoned from the clock.
pub async fn in_days(clinic: &Clinic, days: i64) -> String {
    let now = clinic.app.now().await.unwrap();
    let at = jiff::Timestamp::from_millisecond(now + days * remit_core::DAY_MS).unwrap();
    format!("{}T09:00:00Z", at.strftime("%Y-%m-%d"))
}

pub fn gbp(minor: i64) -> Value {
    json!({"amount": minor, "currency": "GBP"})
}

/// The id of what was made.
pub fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

impl Caller {
    pub async fn adds_patient(&self, name: &str) -> String {
        let body = json!({"name": name, "email": "rosa@example.com", "phone": "07700 900123"});
        id(&self.post("/patients", body).await.is(201))
    }

    pub async fn offers_service(&self, price: i64, deposit: Value) -> String {
        let body = json!({"name": "Check-up", "duration_minutes": 30, "price": gbp(price), "deposit": deposit});
        id(&self.post("/services", body).await.is(201))
    }

    pub async fn employs(&self, name: &str) -> String {
        id(&self
            .post("/practitioners", json!({"name": name}))
            .await
            .is(201))
    }

    pub async fn reads(&self, path: &str) -> Value {
        self.get(path).await.is(200)
    }
}

impl Clinic {
    /// An appointment of a fresh patient that costs `price`, half of it as its deposit.
    pub async fn books(&self, price: i64) -> String {
        let desk = self.owner();
        let patient = desk.adds_patient("Rosa Lindqvist").await;
        let deposit = json!({"kind": "percent", "percent": 50});
        let service = desk.offers_service(price, deposit).await;
        let body = json!({"patient_id": patient, "service_ids": [service], "starts_at": in_days(self, 3).await});
        id(&desk.post("/appointments", body).await.is(201))
    }

    pub async fn issues_link(&self, appointment: &str) -> Value {
        let path = format!("/appointments/{appointment}/payment-links");
        let body = json!({"purpose": "balance"});
        self.owner().post(&path, body).await.is(201)
    }

    pub async fn takes_cash(&self, appointment: &str, minor: i64) -> Value {
        let path = format!("/appointments/{appointment}/payments");
        let body = json!({"method": "cash", "amount": gbp(minor)});
        self.owner().post(&path, body).await.is(201)
    }
}
