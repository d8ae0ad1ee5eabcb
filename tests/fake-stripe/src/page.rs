//! The hosted page, where a payer pays, is declined, puts off or gives up; and `/_faults` for use by hand.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};

use crate::faults::Faults;
use crate::params;
use crate::sessions::{self, Card, Ended};
use crate::world::{Session, Standing};
use crate::{Shared, money};

/// Whatever is not the API.
pub async fn answer(shared: &Arc<Shared>, verb: &str, path: &str, body: &Bytes) -> Response<Body> {
    let form = String::from_utf8_lossy(body).into_owned();
    match (verb, path) {
        ("POST", "/_faults") => set_faults(shared, &form),
        ("POST", path) if path.starts_with("/_verbs/") => verb_by_hand(shared, path, &form),
        (_, path) => match (verb, path.rsplit_once("/c/pay/")) {
            ("GET", Some((_, id))) => show(shared, id, ""),
            ("POST", Some((_, id))) => press(shared, id, &form).await,
            _ => text(StatusCode::NOT_FOUND, "text/plain", "Nothing here."),
        },
    }
}

fn text(status: StatusCode, kind: &str, text: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", format!("{kind}; charset=utf-8"))
        .body(Body::from(text.to_owned()))
        .unwrap_or_default()
}

fn set_faults(shared: &Shared, json: &str) -> Response<Body> {
    match serde_json::from_str::<Faults>(json) {
        Ok(faults) => {
            shared.world().faults = faults;
            text(StatusCode::OK, "text/plain", "set\n")
        }
        Err(error) => text(StatusCode::BAD_REQUEST, "text/plain", &format!("{error}\n")),
    }
}

/// What happens in Stripe's dashboard or by time passing, by hand: `POST /_verbs/payout`,
/// `refund?payment=&amount=` and so on as a form.
fn verb_by_hand(shared: &Arc<Shared>, path: &str, form: &str) -> Response<Body> {
    let Ok(params) = params::parse(form) else {
        return text(StatusCode::BAD_REQUEST, "text/plain", "not a form\n");
    };
    let given = |name: &str| params.text(name).unwrap_or_default().to_owned();
    let number = |name: &str| params.integer(name).unwrap_or_default();
    let mut world = shared.world();
    let world = &mut *world;
    let told = match path.trim_start_matches("/_verbs/") {
        "payout" => money::pay_out(world, given("livemode") == "true").join("\n"),
        "fail-payout" => {
            money::fail_payout(world, &given("payout"));
            String::new()
        }
        "settle-refunds" => {
            money::settle_refunds(world);
            String::new()
        }
        "refund" => money::refund_in_dashboard(world, &given("payment"), number("amount"))
            .unwrap_or_default(),
        "fail-refund" => money::fail_refund(world, &given("refund")).to_string(),
        "dispute" => {
            money::open_dispute(world, &given("payment"), number("amount")).unwrap_or_default()
        }
        "close-dispute" => {
            money::close_dispute(world, &given("dispute"), given("won") == "true");
            String::new()
        }
        "settle" => format!(
            "{:?}",
            sessions::settle_async(world, &given("session"), given("takes") == "true")
        ),
        "register" => {
            crate::endpoints::register(
                world,
                false,
                &given("url"),
                vec!["*".into()],
                Default::default(),
            )
            .1
        }
        _ => return text(StatusCode::NOT_FOUND, "text/plain", "no such verb\n"),
    };
    shared.send_posts(world);
    text(StatusCode::OK, "text/plain", &format!("{told}\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page as it stands now, with a sentence about the last try.
fn show(shared: &Shared, id: &str, told: &str) -> Response<Body> {
    let mut world = shared.world();
    world.tick();
    let Some(session) = world.sessions.get(id).cloned() else {
        return text(StatusCode::NOT_FOUND, "text/plain", "No such page.");
    };
    let payment = session
        .payment
        .as_deref()
        .and_then(|id| world.payments.get(id));
    let status = payment.map_or("", |payment| payment.status);
    let buttons = match (session.standing, status) {
        (Standing::Expired, _) => "<p>This page has expired.</p>".to_owned(),
        (Standing::Complete, "processing") => buttons(&[
            ("approve", "The lender says yes"),
            ("fail", "The lender says no"),
        ]),
        (Standing::Complete, _) => "<p>You are all done here.</p>".to_owned(),
        (Standing::Open, "requires_action") => {
            buttons(&[("complete", "Complete"), ("fail", "Fail")])
        }
        (Standing::Open, _) => forms(&session),
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>Checkout</title><main><h1>{}</h1><p>{} {}</p><p role=\"alert\">{}</p>\
         {buttons}</main></html>",
        escaped(&session.product),
        session.amount,
        escaped(&session.currency),
        escaped(told),
    );
    text(StatusCode::OK, "text/html", &html)
}

fn buttons(all: &[(&str, &str)]) -> String {
    let all = all.iter();
    let all: Vec<String> = all
        .map(|(action, label)| {
            format!("<button name=\"action\" value=\"{action}\">{label}</button>")
        })
        .collect();
    format!("<form method=\"post\">{}</form>", all.join(" "))
}

fn forms(session: &Session) -> String {
    let give_up = buttons(&[("abandon", "Back")]);
    if session.method == "card" {
        return format!(
            "<form method=\"post\"><label>Card number <input name=\"card_number\" value=\"4242 4242 4242 4242\"></label>\
             <label>Expiry <input name=\"expiry\" value=\"12 / 34\"></label>\
             <label>CVC <input name=\"cvc\" value=\"123\"></label>\
             <button name=\"action\" value=\"pay\">Pay</button></form>{give_up}"
        );
    }
    buttons(&[
        ("approve", "Approve"),
        ("refuse", "Refuse"),
        ("approve_later", "Approve later"),
        ("abandon", "Back"),
    ])
}

/// A button was pressed. Where something was decided the payer is sent back, else the page stays.
async fn press(shared: &Arc<Shared>, id: &str, form: &str) -> Response<Body> {
    let Ok(params) = params::parse(form) else {
        return text(StatusCode::BAD_REQUEST, "text/plain", "not a form");
    };
    let action = params.text("action").unwrap_or_default();
    let number = params.text("card_number").unwrap_or_default();
    let (told, session, sending, before_redirect) = {
        let mut world = shared.world();
        let told = decide(&mut world, id, action, number);
        let sending = shared.send_posts(&mut world);
        let session = world.sessions.get(id).cloned();
        (
            told,
            session,
            sending,
            world.faults.webhooks.before_redirect,
        )
    };
    let Some(session) = session else {
        return text(StatusCode::NOT_FOUND, "text/plain", "No such page.");
    };
    if let Err(why) = told {
        return show(shared, id, &why);
    }
    let to = match (action, session.standing) {
        ("abandon", _) => session
            .cancel_url
            .clone()
            .unwrap_or_else(|| session.success_url.clone()),
        (_, Standing::Complete) => session.success_url.replace("{CHECKOUT_SESSION_ID}", id),
        _ => return show(shared, id, "The payment was declined. Try again."),
    };
    if before_redirect {
        for webhook in sending {
            // One that was cut off with the fake itself is nobody's.
            let _ = webhook.await;
        }
    }
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header("location", to)
        .body(Body::empty())
        .unwrap_or_default()
}

fn decide(
    world: &mut crate::world::World,
    id: &str,
    action: &str,
    number: &str,
) -> Result<(), String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let last4 = digits
        .get(digits.len().saturating_sub(4)..)
        .unwrap_or_default();
    let asks = {
        let payment = world
            .sessions
            .get(id)
            .and_then(|session| session.payment.clone());
        let payment = payment.and_then(|id| world.payments.get(&id));
        payment.map_or("", |payment| payment.status)
    };
    let decided = match (action, asks) {
        ("abandon", _) => Ok(()),
        ("pay", _) => match Card::of(&digits) {
            Some(card) => sessions::pay_by_card(world, id, card, last4),
            None => return Err("Your card number is invalid.".into()),
        },
        ("complete", "requires_action") => sessions::answer_3ds(world, id, true),
        ("fail", "requires_action") => sessions::answer_3ds(world, id, false),
        ("approve", "processing") => sessions::settle_async(world, id, true),
        ("fail", "processing") => sessions::settle_async(world, id, false),
        ("approve", _) => sessions::pay(world, id),
        ("refuse", _) => sessions::refuse(world, id, false),
        ("approve_later", _) => sessions::start_async(world, id),
        _ => return Err("Nothing was pressed.".into()),
    };
    decided.map_err(|ended| match ended {
        Ended::Unknown => "There is no such page.".into(),
        Ended::Complete => "You are all done here.".into(),
        Ended::Expired => "This page has expired.".into(),
        Ended::NotWaiting => "Nothing waits for this answer.".into(),
    })
}
