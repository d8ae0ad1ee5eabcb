//! Hazard C9: a backup from before a payment is restored. Stripe's history is replayed, and the payment stands in the
//! books again, once.

use std::path::PathBuf;
use std::time::Duration;

use remit_app::reconcile;

use crate::books;
use crate::clinic::{Clinic, url};
use crate::payers::{self, Desk};
use crate::server::{Server, Start};
use crate::storm::same_money;

const WITHIN: Duration = Duration::from_secs(60);
const STRIPE_WITHIN: Duration = Duration::from_secs(30);

pub async fn play() {
    let mut clinic = Clinic::on_sqlite(&[("REMIT_LOG", "warn")]);
    let stripe = payers::stripe(crate::seed()).await;
    payers::connects(&clinic, &stripe).await;
    let desk = Desk::opens(&clinic, 5_500).await;
    let (visit, link) = desk.asks(&clinic).await;
    let mut phone = clinic.phone();
    let page = payers::reaches_stripe(&mut phone, &stripe, url(&link), STRIPE_WITHIN).await;

    clinic.nodes[0].stop();
    let backup = std::fs::read(database(&clinic)).expect("the database");
    start_again(&mut clinic);
    payers::pays_and_is_gone(&mut phone, &page).await;
    books::comes_to(&clinic, books::PAYMENTS, 1, WITHIN).await;

    clinic.nodes[0].stop();
    std::fs::write(database(&clinic), backup).expect("the backup is put back");
    let store = remit_app::open(&clinic.database).await.expect("a store");
    let now = store.now().await.expect("a clock");
    reconcile::restored(&store, now).await.expect("a note");
    store.close().await;
    assert_eq!(books::count(&clinic, books::PAYMENTS).await, 0);

    start_again(&mut clinic);
    books::comes_to(&clinic, books::PAYMENTS, 1, WITHIN).await;
    assert_eq!(payers::owes(&clinic, &visit).await, (0, desk.price, 0));
    same_money(&clinic, &stripe).await;
    clinic.books_balance();
}

fn database(clinic: &Clinic) -> PathBuf {
    clinic.folder.0.join("remit.db")
}

/// At the same address: Stripe and the phone know it.
fn start_again(clinic: &mut Clinic) {
    let address = clinic.public.trim_start_matches("http://").to_owned();
    let mut start = Start::demo(&clinic.folder.0, None).with(&[("REMIT_LOG", "warn")]);
    for arg in &mut start.args {
        if arg == "127.0.0.1:0" {
            arg.clone_from(&address);
        }
    }
    clinic.nodes[0] = Server::start(&start, "api_key");
}
