//! Hazard C9: a backup that was taken while Remit worked, and before a payment, is restored. Stripe's history is replayed, and the payment stands in the
//! books again, once.

use std::time::Duration;

use crate::books;
use crate::clinic::{Clinic, id, url};
use crate::payers::{self, Desk};
use crate::server::{self, Server, Start};
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

    let backup = clinic.folder.0.join("backup.db");
    let backup = backup.to_str().expect("a path");
    says(&clinic, &["backup", "--to", backup], Ok("holds everything"));
    says(
        &clinic,
        &["backup", "--to", backup],
        Err("choose another name"),
    );
    payers::pays_and_is_gone(&mut phone, &page).await;
    books::comes_to(&clinic, books::PAYMENTS, 1, WITHIN).await;

    let no_backup = clinic.folder.0.join("master.key");
    let no_backup = ["restore", "--from", no_backup.to_str().expect("a path")];
    says(&clinic, &no_backup, Err("is not a backup of Remit"));
    let restore = ["restore", "--from", backup];
    says(&clinic, &restore, Err("say --replace"));
    let restore = ["restore", "--replace", "--from", backup];
    says(&clinic, &restore, Err("stop Remit first"));
    clinic.nodes[0].stop();
    says(&clinic, &restore, Ok("Restored to"));
    assert_eq!(books::count(&clinic, books::PAYMENTS).await, 0);

    start_again(&mut clinic);
    books::comes_to(&clinic, books::PAYMENTS, 1, WITHIN).await;
    assert_eq!(payers::owes(&clinic, &visit).await, (0, desk.price, 0));
    same_money(&clinic, &stripe).await;
    clinic.books_balance();
}

/// A backup from before the patient began to pay: no attempt of ours knows the money. Staff see the payment, say whose it
/// is, and it stands in the books, once.
pub async fn play_an_unknown_one() {
    let mut clinic = Clinic::on_sqlite(&[("REMIT_LOG", "warn")]);
    let stripe = payers::stripe(crate::seed()).await;
    payers::connects(&clinic, &stripe).await;
    let desk = Desk::opens(&clinic, 6_100).await;
    let (visit, link) = desk.asks(&clinic).await;
    // A backup keeps whose turn it is at an account's lists: nobody's, or the next start waits for two minutes.
    let held = "SELECT COUNT(*) FROM provider_account WHERE lists_until > 0";
    books::comes_to(&clinic, held, 0, WITHIN).await;
    let backup = clinic.folder.0.join("backup.db");
    let backup = backup.to_str().expect("a path");
    says(&clinic, &["backup", "--to", backup], Ok("holds everything"));
    let mut phone = clinic.phone();
    let page = payers::reaches_stripe(&mut phone, &stripe, url(&link), STRIPE_WITHIN).await;
    payers::pays_and_is_gone(&mut phone, &page).await;
    books::comes_to(&clinic, books::PAYMENTS, 1, WITHIN).await;
    clinic.nodes[0].stop();
    says(
        &clinic,
        &["restore", "--replace", "--from", backup],
        Ok("Restored to"),
    );
    start_again(&mut clinic);
    let found = "SELECT COUNT(*) FROM finding WHERE about LIKE 'payment:%' AND closed_at IS NULL";
    books::comes_to(&clinic, found, 1, WITHIN).await;
    assert_eq!(payers::owes(&clinic, &visit).await, (desk.price, 0, 0));

    let mut staff = clinic.desk_at(0).await;
    let list = staff.get("/financials/findings").await;
    let place = list.body.split("href=\"").skip(1).find_map(|rest| {
        let (href, _) = rest.split_once('"')?;
        href.ends_with("/match").then(|| href.to_owned())
    });
    let page = staff.get(&place.expect("a way to match it")).await;
    assert!(page.text().contains("£61.00 at Stripe"), "{}", page.text());
    let form = page.form_with("appointment").map(|_| page.forms());
    let forms = form.unwrap_or_else(|| panic!("no appointment is offered: {}", page.text()));
    let ours = |form: &crate::browser::Form| form.values_of("appointment").contains(&id(&visit));
    let form = forms
        .into_iter()
        .find(ours)
        .expect("the patient's appointment");
    for _ in 0..2 {
        let after = staff.submit(&page, &form, &[]).await;
        assert!(
            after.text().contains("The payment is recorded"),
            "{}",
            after.text()
        );
    }
    books::comes_to(&clinic, books::PAYMENTS, 1, WITHIN).await;
    assert_eq!(payers::owes(&clinic, &visit).await, (0, desk.price, 0));
    books::comes_to(&clinic, found, 0, WITHIN).await;
    same_money(&clinic, &stripe).await;
    clinic.books_balance();
}

/// What a command of the operator's answers: done, or why not.
fn says(clinic: &Clinic, args: &[&str], wanted: Result<&str, &str>) {
    let (done, told) = server::run(args, &[("REMIT_DATABASE_URL", &clinic.database)]);
    let (Ok(words) | Err(words)) = wanted;
    assert_eq!(done, wanted.is_ok(), "{args:?}: {told}");
    assert!(told.contains(words), "{args:?}: {told}");
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
