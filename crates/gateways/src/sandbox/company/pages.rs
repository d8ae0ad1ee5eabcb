//! The hosted page: where the payer pays by card, or decides for the lender. Plain forms, no script, no cookie. A GET
//! changes nothing; a POST that comes twice pays once.

use askama::Template;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use remit_core::money::{Currency, Money};
use reqwest::Url;
use serde::Deserialize;

use super::Company;
use super::cards::{self, FieldErrors, TEST_CARDS, Typed};
use super::desk::{self, Trouble};
use super::disputes::{Standing, Turn};
use super::sessions::{self, Act, NoRefund, Session, Status};

const STYLESHEET: &str = include_str!("../../../templates/sandbox/sandbox.css");

pub(super) fn routes() -> Router<Company> {
    Router::new()
        .route("/pay/{id}", get(show).post(act))
        .route("/sandbox.css", get(stylesheet))
}

/// What every page says about the shop.
struct Shop {
    payee: String,
    amount: String,
    return_url: String,
    cancel_url: String,
}

#[derive(Template)]
#[template(path = "sandbox/card.html")]
struct CardPage<'a> {
    shop: Shop,
    last_error: Option<&'a str>,
    errors: FieldErrors,
    number: &'a str,
    expiry: &'a str,
    cards: [(&'static str, &'static str); 5],
}

#[derive(Template)]
#[template(path = "sandbox/challenge.html")]
struct ChallengePage<'a> {
    shop: Shop,
    card: &'a str,
}

#[derive(Template)]
#[template(path = "sandbox/lender.html")]
struct LenderPage {
    shop: Shop,
    lender: &'static str,
    processing: bool,
}

/// A paid session: whoever tries things out plays the payer's bank here, or refunds past the shop.
#[derive(Template)]
#[template(path = "sandbox/complete.html")]
struct CompletePage<'a> {
    shop: Shop,
    standing: &'static str,
    turns: Vec<(&'static str, &'static str)>,
    left: String,
    left_figure: String,
    refundable: bool,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "sandbox/ended.html")]
struct EndedPage<'a> {
    heading: &'a str,
    text: &'a str,
    payee: &'a str,
    back: Option<&'a str>,
}

/// A form of any of the pages; a field that a page does not have is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    action: String,
    card_number: String,
    expiry: String,
    cvc: String,
    amount: String,
}

async fn show(State(company): State<Company>, Path(id): Path<String>) -> Response {
    match company.session(&id).await {
        Ok(Some(session)) => page(&session),
        Ok(None) => unknown(),
        Err(trouble) => out_of_order(&trouble),
    }
}

async fn act(
    State(company): State<Company>,
    Path(id): Path<String>,
    form: Result<Form<Sent>, FormRejection>,
) -> Response {
    let Ok(Form(sent)) = form else {
        return again(&id);
    };
    let act = match sent.action.as_str() {
        "complete" => Act::PassChallenge,
        "fail" => Act::FailChallenge,
        "approve" => Act::Approve,
        "approve_later" => Act::ApproveLater,
        "refuse" => Act::Refuse,
        "dispute" => return take_turn(&company, &id, Turn::Open).await,
        "evidence" => return take_turn(&company, &id, Turn::Evidence).await,
        "win" => return take_turn(&company, &id, Turn::Win).await,
        "lose" => return take_turn(&company, &id, Turn::Lose).await,
        "take_back" => return take_turn(&company, &id, Turn::TakeBack).await,
        "refund" => return refund(&company, &id, &sent.amount).await,
        _ => return pay(&company, &id, &sent).await,
    };
    carry_out(&company, &id, act).await
}

/// A card was typed: what is wrong with it is said on the page again, where only an open session still needs it.
async fn pay(company: &Company, id: &str, sent: &Sent) -> Response {
    let session = match company.session(id).await {
        Ok(Some(session)) => session,
        Ok(None) => return unknown(),
        Err(trouble) => return out_of_order(&trouble),
    };
    let typed = Typed {
        number: &sent.card_number,
        expiry: &sent.expiry,
        cvc: &sent.cvc,
    };
    match cards::check(&typed, cards::month_of(company.now())) {
        Ok(card) => carry_out(company, id, Act::Pay(card)).await,
        Err(errors)
            if session.status == Status::Open
                && session.by_card()
                && session.challenge.is_none() =>
        {
            let number = if cards::may_be_shown(&sent.card_number) {
                sent.card_number.trim()
            } else {
                ""
            };
            let page = CardPage {
                shop: shop(&session),
                last_error: None,
                errors,
                number,
                expiry: sent.expiry.trim(),
                cards: TEST_CARDS,
            };
            render(StatusCode::UNPROCESSABLE_ENTITY, &page, Some(&session))
        }
        Err(_) => onward(&session),
    }
}

/// The bank, or the shop's evidence, does something; the page shows what came of it.
async fn take_turn(company: &Company, id: &str, turn: Turn) -> Response {
    let changed = company.change(id, |session, now| session.turn(turn, now));
    match changed.await {
        Ok(Some(_)) => again(id),
        Ok(None) => unknown(),
        Err(trouble) => out_of_order(&trouble),
    }
}

/// A refund past the shop: it hears of it by webhook. Sent twice it is two refunds, as on any company's own page.
async fn refund(company: &Company, id: &str, typed: &str) -> Response {
    let session = match company.session(id).await {
        Ok(Some(session)) => session,
        Ok(None) => return unknown(),
        Err(trouble) => return out_of_order(&trouble),
    };
    let currency = session.request.currency.clone();
    let amount = Currency::parse(&currency)
        .and_then(|known| Money::parse(typed, known).ok())
        .map_or(0, |money| money.minor);
    let Ok(refund_id) = desk::object_id(company.now()) else {
        return out_of_order(&Trouble::Busy);
    };
    let refund_id = sessions::refund_id(id, &refund_id);
    let changed = company.change(id, |session, now| match amount {
        ..1 => Err(NoRefund::MoreThanLeft),
        amount => session.refund(&refund_id, "", amount, &currency, now),
    });
    match changed.await {
        Ok(Some((_, Ok(())))) => again(id),
        Ok(Some((session, Err(why)))) => {
            let why = match why {
                NoRefund::NotPaid => "This payment was not received.",
                NoRefund::Disputed => "The payer’s bank is looking into this payment.",
                NoRefund::OtherCurrency | NoRefund::MoreThanLeft => {
                    "Enter an amount above zero, and at most what is left."
                }
            };
            let page = complete(&session, Some(why));
            render(StatusCode::UNPROCESSABLE_ENTITY, &page, Some(&session))
        }
        Ok(None) => unknown(),
        Err(trouble) => out_of_order(&trouble),
    }
}

fn complete<'a>(session: &Session, problem: Option<&'a str>) -> CompletePage<'a> {
    let shown = shop(session);
    let left = session.left();
    let currency = Currency::parse(&session.request.currency);
    let money = |show: fn(&Money) -> String| {
        currency.map_or_else(String::new, |known| show(&Money::new(left, known)))
    };
    let standing = session.dispute.as_ref().map(|dispute| dispute.standing);
    let decide = [
        ("win", "The shop wins"),
        ("lose", "The shop loses"),
        ("take_back", "The payer takes it back"),
    ];
    let (words, turns) = match standing {
        None if left > 0 => (
            "The payer’s bank has said nothing.",
            vec![("dispute", "Dispute this payment")],
        ),
        None => ("All of it went back, so nothing can be disputed.", vec![]),
        Some(Standing::NeedsResponse) => {
            let mut turns = vec![("evidence", "The shop sends evidence")];
            turns.extend(decide);
            (
                "The payment is disputed: the bank has taken the money and asks the shop for evidence.",
                turns,
            )
        }
        Some(Standing::UnderReview) => ("The bank looks at the shop’s evidence.", decide.to_vec()),
        Some(Standing::Won) => ("The shop has won the dispute; the money is back.", vec![]),
        Some(Standing::Lost) => ("The shop has lost the dispute; the money is gone.", vec![]),
        Some(Standing::Withdrawn) => (
            "The payer has taken the dispute back; the money is back.",
            vec![],
        ),
    };
    CompletePage {
        shop: shown,
        standing: words,
        turns,
        left: money(Money::to_string),
        left_figure: money(Money::figure),
        refundable: left > 0 && !session.is_disputed(),
        problem,
    }
}

async fn carry_out(company: &Company, id: &str, act: Act) -> Response {
    match company
        .change(id, |session, now| session.act(act.clone(), now))
        .await
    {
        Ok(Some((session, ()))) => onward(&session),
        Ok(None) => unknown(),
        Err(trouble) => out_of_order(&trouble),
    }
}

/// Where a form leads: back to the shop when there is nothing more to do, else to the page anew, so that reloading it
/// sends nothing.
fn onward(session: &Session) -> Response {
    match session.status {
        Status::Complete | Status::Processing | Status::Failed => headed(
            Redirect::to(&session.request.return_url).into_response(),
            Some(session),
        ),
        Status::Open | Status::Expired => again(&session.id),
    }
}

/// To the page itself, by its last path segment: the page does not know where the company is mounted.
fn again(id: &str) -> Response {
    // An id from the address that is no id of ours leads nowhere, and must not become another address.
    match id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        true => headed(Redirect::to(id).into_response(), None),
        false => unknown(),
    }
}

fn page(session: &Session) -> Response {
    let shop = shop(session);
    let back = Some(session.request.return_url.as_str());
    let ended = |status, heading, text| {
        let payee = &session.request.payee;
        render(
            status,
            &EndedPage {
                heading,
                text,
                payee,
                back,
            },
            Some(session),
        )
    };
    match (session.status, &session.challenge) {
        (Status::Open, Some(card)) => {
            render(StatusCode::OK, &ChallengePage { shop, card }, Some(session))
        }
        (Status::Open, None) if session.by_card() => {
            let last_error = session.last_error.as_deref();
            let errors = FieldErrors::default();
            let page = CardPage {
                shop,
                last_error,
                errors,
                number: "",
                expiry: "",
                cards: TEST_CARDS,
            };
            render(StatusCode::OK, &page, Some(session))
        }
        (Status::Open | Status::Processing, _) => {
            let processing = session.status == Status::Processing;
            let page = LenderPage {
                shop,
                lender: session.lender(),
                processing,
            };
            render(StatusCode::OK, &page, Some(session))
        }
        (Status::Complete, _) => render(StatusCode::OK, &complete(session, None), Some(session)),
        (Status::Failed, _) => ended(
            StatusCode::OK,
            "This payment was refused",
            "No payment was made. You can choose another way to pay.",
        ),
        (Status::Expired, _) => ended(
            StatusCode::GONE,
            "This payment page has expired",
            "No payment was made here. Go back to see whether you can pay anew.",
        ),
    }
}

fn unknown() -> Response {
    let page = EndedPage {
        heading: "There is no such payment page",
        text: "Check the address, or go back to where you came from.",
        payee: "",
        back: None,
    };
    render(StatusCode::NOT_FOUND, &page, None)
}

fn out_of_order(trouble: &Trouble) -> Response {
    tracing::warn!("sandbox page could not be shown: {trouble:?}");
    let page = EndedPage {
        heading: "Something went wrong on our side",
        text: "Reload this page in a moment. If you were paying, you will see here whether it went through.",
        payee: "",
        back: None,
    };
    render(StatusCode::SERVICE_UNAVAILABLE, &page, None)
}

fn shop(session: &Session) -> Shop {
    let request = &session.request;
    let amount = match Currency::parse(&request.currency) {
        Some(currency) => Money::new(request.amount, currency).to_string(),
        None => format!("{} {}", request.currency, request.amount),
    };
    Shop {
        payee: request.payee.clone(),
        amount,
        return_url: request.return_url.clone(),
        cancel_url: request.cancel_url.clone(),
    }
}

fn render(status: StatusCode, page: &impl Template, session: Option<&Session>) -> Response {
    match page.render() {
        Ok(html) => headed((status, Html(html)).into_response(), session),
        Err(error) => {
            tracing::error!("sandbox page could not be rendered: {error}");
            headed(StatusCode::INTERNAL_SERVER_ERROR.into_response(), session)
        }
    }
}

/// Every page's headers. `form-action` also rules the redirects of a submission, so it names the shop's origin, or
/// browsers would stop the payer's way back (hazard B12).
fn headed(mut response: Response, session: Option<&Session>) -> Response {
    let shop = session.and_then(|session| Url::parse(&session.request.return_url).ok());
    let shop = shop
        .map(|url| format!(" {}", url.origin().ascii_serialization()))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{shop}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn stylesheet() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLESHEET)
}
