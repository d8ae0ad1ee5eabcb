//! A link ends while Stripe gives no answer: nothing new starts from it, what was begun is closed or seen to its end as
//! soon as Stripe is there again, and the link that took its place can be paid (hazards A2, B5, B7, B8).

use std::sync::Arc;
use std::time::Duration;

use fake_stripe::FakeStripe;
use fake_stripe::faults::Faults;
use reqwest::Method;
use serde_json::Value;

use crate::books;
use crate::browser::{Browser, Page};
use crate::clinic::{Clinic, url};
use crate::late::Clock;
use crate::payers::{self, Desk};
use crate::storm::same_money;

const PATIENCE: Duration = Duration::from_secs(60);
const HOUR_S: i64 = 3_600;
const MINUTE_S: i64 = 60;

fn is_gone(stripe: &FakeStripe, gone: bool) {
    stripe.set_faults(Faults {
        outage_until: gone.then_some(i64::MAX),
        ..Faults::default()
    });
}

/// The clocks of the binary and of Stripe.
struct Time {
    clock: Clock,
    stripe: Arc<FakeStripe>,
    now_s: i64,
}

impl Time {
    fn comes_to(&mut self, seconds: i64) {
        self.clock.set(seconds);
        self.stripe.advance_clock((seconds - self.now_s) * 1_000);
        self.now_s = seconds;
    }
}

/// A patient who is on Stripe's page.
struct Begun {
    phone: Browser,
    page: Page,
}

async fn begins(clinic: &Clinic, stripe: &FakeStripe, link: &Value) -> Begun {
    let mut phone = clinic.phone();
    let page = payers::reaches_stripe(&mut phone, stripe, url(link), PATIENCE).await;
    Begun { phone, page }
}

impl Begun {
    /// Whether Stripe takes the card on the page that was left open.
    async fn can_still_pay(&mut self) -> bool {
        let body = "card_number=4242424242424242&expiry=12%2F34&cvc=123&action=pay".to_owned();
        let url = self.page.url.clone();
        let told = self
            .phone
            .send(Method::POST, url, Some(body), Some(&self.page));
        told.await.status == 303
    }
}

pub async fn play() {
    let Some(clock) = Clock::new() else {
        println!("skipped: libfaketime is not installed (Debian: apt-get install faketime)");
        return;
    };
    let mut env = clock.env();
    env.push(("REMIT_LOG", "warn".into()));
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let clinic = Clinic::on_sqlite(&env);
    let stripe = payers::stripe(crate::seed()).await;
    payers::connects(&clinic, &stripe).await;
    let mut time = Time {
        clock,
        stripe: stripe.clone(),
        now_s: 0,
    };
    let desk = Desk::opens(&clinic, 5_000).await;
    let (visit, replaced) = desk.asks(&clinic).await;
    let (_, expiring) = desk.asks(&clinic).await;
    let mut of_replaced = begins(&clinic, &stripe, &replaced).await;

    is_gone(&stripe, true);
    let new = clinic.issues_link(&visit).await;
    assert_eq!(clinic.link(&replaced).await["status"], "cancelled");
    is_gone(&stripe, false);
    let mut of_new = begins(&clinic, &stripe, &new).await;
    assert!(
        !of_replaced.can_still_pay().await,
        "the replaced link's session is open"
    );
    payers::pays_and_is_gone(&mut of_new.phone, &of_new.page).await;
    clinic.sees_status(&new, "paid").await;

    time.comes_to(48 * HOUR_S - 10 * MINUTE_S);
    let mut of_expiring = begins(&clinic, &stripe, &expiring).await;
    is_gone(&stripe, true);
    time.comes_to(48 * HOUR_S + MINUTE_S);
    clinic.sees_status(&expiring, "expired").await;
    let page = clinic.phone().get(url(&expiring)).await;
    assert!(
        page.form_with("method").is_none(),
        "an expired link takes money"
    );
    // What was begun may finish until its session's own end, which nobody can ask about while Stripe is gone.
    time.comes_to(48 * HOUR_S + 30 * MINUTE_S);
    is_gone(&stripe, false);
    books::comes_to(&clinic, books::LIVE, 0, PATIENCE).await;
    assert!(
        !of_expiring.can_still_pay().await,
        "the expired link's session is open"
    );
    assert_eq!(clinic.link(&expiring).await["status"], "expired");
    assert_eq!(payers::owes(&clinic, &visit).await, (0, desk.price, 0));
    same_money(&clinic, &stripe).await;
    clinic.books_balance();
}
