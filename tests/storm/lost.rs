//! Hazard A8: no webhook ever comes and nobody comes back; within minutes all money is recorded all the same.

use std::sync::Arc;
use std::time::Duration;

use fake_stripe::faults::{Faults, WebhookFaults};

use crate::books;
use crate::clinic::{Clinic, url};
use crate::payers::{self, Desk};
use crate::storm::same_money;

const WITHIN: Duration = Duration::from_secs(120);
const STRIPE_WITHIN: Duration = Duration::from_secs(30);

pub async fn play(payments: usize) {
    let clinic = Arc::new(Clinic::on_sqlite(&[("REMIT_LOG", "warn")]));
    let stripe = payers::stripe(crate::seed()).await;
    payers::connects(&clinic, &stripe).await;
    stripe.set_faults(Faults {
        webhooks: WebhookFaults {
            lost: 1.0,
            ..WebhookFaults::default()
        },
        ..Faults::default()
    });
    let desk = Desk::opens(&clinic, 5_500).await;
    let mut visits = Vec::new();
    for _ in 0..payments {
        let (visit, link) = desk.asks(&clinic).await;
        let mut phone = clinic.phone();
        let page = payers::reaches_stripe(&mut phone, &stripe, url(&link), STRIPE_WITHIN).await;
        payers::pays_and_is_gone(&mut phone, &page).await;
        visits.push(visit);
    }
    let wanted = i64::try_from(payments).expect("a size");
    books::comes_to(&clinic, books::PAYMENTS, wanted, WITHIN).await;
    assert!(stripe.deliveries().is_empty(), "a webhook was sent");
    for visit in &visits {
        assert_eq!(payers::owes(&clinic, visit).await, (0, desk.price, 0));
    }
    same_money(&clinic, &stripe).await;
    clinic.books_balance();
}
