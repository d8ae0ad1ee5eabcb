//! What a patient sees under `/p/{token}`: pay, and how things stand. GET changes nothing (rule 6); the same answer
//! for unknown and malformed addresses (hazard B10).

pub(crate) mod brand;
pub(crate) mod reading;
pub(crate) mod show;

use askama::Template;
use axum::Router;
use axum::extract::{Form, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use remit_app::attempts::Continue;
use remit_app::receipts::Document;
use remit_app::views::LinkView;
use remit_app::{App, ClinicContext, Error, attempts, clinics, links, payments, receipts, visits};
use remit_core::ids::ClinicId;
use remit_core::languages::{self, Language};
use remit_core::methods::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::receipts::Place;
use crate::{Web, cookies, peer};

use reading::Reading;
pub(crate) use show::rfc3339;

/// Holds the link's token for half an hour after *Continue to payment*, so that the way back from the provider needs
/// no secret in its address (hazards D4, D11).
const PAY_COOKIE: &str = "__Host-remit_pay";
const PAY_COOKIE_SECONDS: i64 = 30 * 60;

pub fn routes() -> Router<Web> {
    Router::new()
        .route("/p/{token}", get(page))
        .route("/p/{token}/pay", post(pay))
        .route("/p/{token}/seen", post(seen))
        .route("/p/{token}/ask", post(ask))
        .route("/p/{token}/stop", post(stop))
        .route("/p/{token}/receipt", get(receipt))
        .route("/p/{token}/receipt.pdf", get(receipt_file))
        .route("/p/return/{attempt}", get(returned))
}

/// The last secret part of an address. What cannot even be read is no token, and is answered like any other unknown
/// one (hazard B10).
struct Token(String);

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Token, Self::Rejection> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Token(
            path.map_or_else(|_| String::new(), |Path(token)| token),
        ))
    }
}

/// A page for a person, whatever happened.
fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!("a patient page could not be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The form token of a link's page: only who holds the address can know it.
fn form_token(token: &str) -> String {
    let digest = Sha256::digest(format!("remit patient form {token}"));
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_form_token(token: &str, sent: &str) -> bool {
    form_token(token).as_bytes().ct_eq(sent.as_bytes()).into()
}

/// The link behind an address, or the page that tells nothing.
async fn find(web: &Web, token: &str, reading: &Reading) -> Result<(ClinicId, LinkView), Response> {
    match links::by_token(&web.app, token).await {
        Ok(found) => Ok(found),
        Err(Error::NotFound) => Err(unknown(StatusCode::NOT_FOUND, reading)),
        Err(error) => Err(broken(&error, reading)),
    }
}

fn unknown(status: StatusCode, reading: &Reading) -> Response {
    html(status, &show::unknown(reading.of_nobody()))
}

/// Ours to mend: logged once, here; the page says what the patient can do.
fn broken(error: &Error, reading: &Reading) -> Response {
    tracing::error!("patient page: {error}");
    let page = show::out_of_order(reading.of_nobody());
    html(StatusCode::SERVICE_UNAVAILABLE, &page)
}

async fn page(
    State(web): State<Web>,
    Token(token): Token,
    reading: Reading,
    request: Request,
) -> Response {
    if let Some(file) = brand::file(&web.app, &token).await {
        return file;
    }
    let peer = peer::address(
        request.headers(),
        request.extensions(),
        &web.options.trusted_proxies,
    );
    if web.misses.is_over(peer) {
        return unknown(StatusCode::TOO_MANY_REQUESTS, &reading);
    }
    let (clinic, link) = match find(&web, &token, &reading).await {
        Ok(found) => found,
        Err(response) => {
            web.misses.miss(peer);
            return response;
        }
    };
    let csrf = form_token(&token);
    let language = reading.of(&link.patient_locale);
    match show::page(&web.app, clinic, &link, &token, &csrf, language, None).await {
        Ok((shown, now)) => {
            visits::fetched(&web.app, clinic, link.id, now);
            reading.remember(shown.respond())
        }
        Err(error) => broken(&error, &reading),
    }
}

#[derive(Deserialize)]
struct PayForm {
    csrf: String,
    method: Option<String>,
}

/// *Continue to payment*: a POST by a person, so only this makes a provider session (hazard B1).
async fn pay(
    State(web): State<Web>,
    Token(token): Token,
    reading: Reading,
    Form(form): Form<PayForm>,
) -> Response {
    let (clinic, link) = match find(&web, &token, &reading).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let language = reading.of(&link.patient_locale);
    let words = &language.page;
    let again = async |note: &str| again(&web, &token, &reading, note).await;
    if !is_form_token(&token, &form.csrf) {
        return again(words.old_page).await;
    }
    let Some(method) = form.method.as_deref().and_then(Method::parse) else {
        return again(words.choose).await;
    };
    // A patient who closes the page must not cut the work between call and commit.
    let (app, id) = (web.app.clone(), link.id);
    // The policy that the patient's page was sent with knows the payment pages that were known until now.
    let context = match clinics::context(&web.app, clinic).await {
        Ok(context) => context,
        Err(error) => return broken(&error, &reading),
    };
    let chosen = reading.chosen();
    let started =
        tokio::spawn(async move { attempts::pay(&app, clinic, id, method, chosen).await }).await;
    let started = started.unwrap_or_else(|error| Err(Error::Setup(error.to_string())));
    match started {
        Ok(Continue::To { url, .. }) => {
            let taking = context.taking.as_ref();
            let answer = if taking.is_none_or(|taking| taking.may_redirect_to(&url)) {
                Redirect::to(&url).into_response()
            } else {
                show::onwards(&context, language, &url)
            };
            with_cookie(&token, answer)
        }
        Ok(Continue::InProgress) => back(&token),
        Ok(Continue::NotOffered(_)) => again(&not_offered(language, method)).await,
        Err(Error::ProviderUnreachable { .. }) => again(words.no_answer).await,
        Err(Error::ProviderRefused(_) | Error::NotSetUp(_)) => again(words.not_opened).await,
        // Paid, expired, cancelled or settled meanwhile, or too many tries: the link's own page says which.
        Err(Error::Refused(_)) => back(&token),
        Err(error) => broken(&error, &reading),
    }
}

fn not_offered(language: &Language, method: Method) -> String {
    let named = match method {
        Method::Card => language.page.card,
        Method::Klarna | Method::Clearpay => method.title(),
    };
    let named = language.isolated(named);
    languages::fill(language.page.not_for_this_amount, &[("method", &named)])
}

fn back(token: &str) -> Response {
    Redirect::to(&format!("/p/{token}")).into_response()
}

fn with_cookie(token: &str, mut response: Response) -> Response {
    if let Some(cookie) = cookies::set(PAY_COOKIE, token, PAY_COOKIE_SECONDS) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The page again, with what to do: read anew, since what was tried may have changed it.
async fn again(web: &Web, token: &str, reading: &Reading, note: &str) -> Response {
    let (clinic, link) = match find(web, token, reading).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let csrf = form_token(token);
    let language = reading.of(&link.patient_locale);
    match show::page(&web.app, clinic, &link, token, &csrf, language, Some(note)).await {
        Ok((shown, _)) => {
            let mut response = shown.respond();
            if response.status() == StatusCode::OK {
                *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            }
            response
        }
        Err(error) => broken(&error, reading),
    }
}

/// The small script saw a trusted touch on a visible page: human evidence.
async fn seen(State(web): State<Web>, Token(token): Token) -> StatusCode {
    let Ok((clinic, link)) = links::by_token(&web.app, &token).await else {
        return StatusCode::NO_CONTENT;
    };
    if let Err(error) = visits::seen(&web.app, clinic, link.id).await {
        tracing::warn!(link.id = %link.id, "visit of {}: {error}", link.id);
    }
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct TokenForm {
    csrf: String,
}

async fn ask(
    State(web): State<Web>,
    Token(token): Token,
    reading: Reading,
    Form(form): Form<TokenForm>,
) -> Response {
    let (clinic, link) = match find(&web, &token, &reading).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    if is_form_token(&token, &form.csrf) {
        match links::ask_for_new(&web.app, clinic, link.id).await {
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error) => return broken(&error, &reading),
        }
    }
    back(&token)
}

async fn stop(
    State(web): State<Web>,
    Token(token): Token,
    reading: Reading,
    Form(form): Form<TokenForm>,
) -> Response {
    let (clinic, link) = match find(&web, &token, &reading).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    if is_form_token(&token, &form.csrf) {
        match attempts::stop(&web.app, clinic, link.id).await {
            // Still being confirmed: the page goes on saying so.
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error) => return broken(&error, &reading),
        }
    }
    back(&token)
}

/// A receipt that an address leads to.
struct FoundReceipt {
    clinic: ClinicId,
    document: Document,
    /// The address is a payment link's, so there is a page to go back to.
    of_link: bool,
}

/// Of what was paid through a link last, or the one that a message carried. `None`: nothing was paid through the link
/// yet.
async fn find_receipt(app: &App, token: &str) -> remit_app::Result<Option<FoundReceipt>> {
    let (clinic, payment, of_link) = match links::by_token(app, token).await {
        Ok((clinic, link)) => {
            let paid = payments::of_link(app, clinic, link.id).await?;
            let Some(view) = paid.last() else {
                return Ok(None);
            };
            (clinic, view.payment.id, true)
        }
        Err(Error::NotFound) => {
            let (clinic, payment) = receipts::by_token(app, token).await?;
            (clinic, payment, false)
        }
        Err(error) => return Err(error),
    };
    let document = receipts::document(app, clinic, payment).await?;
    Ok(Some(FoundReceipt {
        clinic,
        document,
        of_link,
    }))
}

/// Answers with what is made of the receipt behind an address, in the patient's language.
async fn with_receipt(
    web: &Web,
    token: &str,
    reading: &Reading,
    make: impl FnOnce(&FoundReceipt, &ClinicContext, &'static Language) -> Response,
) -> Response {
    let found = match find_receipt(&web.app, token).await {
        Ok(Some(found)) => found,
        Ok(None) => return back(token),
        Err(Error::NotFound) => return unknown(StatusCode::NOT_FOUND, reading),
        Err(error) => return broken(&error, reading),
    };
    match clinics::context(&web.app, found.clinic).await {
        Ok(context) => {
            let language = reading.of(&found.document.locale);
            reading.remember(make(&found, &context, language))
        }
        Err(error) => broken(&error, reading),
    }
}

async fn receipt(State(web): State<Web>, Token(token): Token, reading: Reading) -> Response {
    with_receipt(&web, &token, &reading, |found, context, language| {
        let at = Place {
            here: Some(format!("/p/{token}/receipt")),
            back: found.of_link.then(|| format!("/p/{token}")),
            file: format!("/p/{token}/receipt.pdf"),
        };
        let page = crate::receipts::page(&found.document, context, language, at);
        html(StatusCode::OK, &page)
    })
    .await
}

async fn receipt_file(State(web): State<Web>, Token(token): Token, reading: Reading) -> Response {
    with_receipt(&web, &token, &reading, |found, _, _| {
        crate::receipts::file(&found.document)
    })
    .await
}

/// The way back from the provider. Its address proves nothing; the cookie says whose browser it is.
async fn returned(
    State(web): State<Web>,
    Token(attempt): Token,
    reading: Reading,
    headers: HeaderMap,
) -> Response {
    let Ok(attempt) = attempt.parse() else {
        return unknown(StatusCode::NOT_FOUND, &reading);
    };
    let app = web.app.clone();
    let looked = tokio::spawn(async move { attempts::returned(&app, attempt).await }).await;
    let place = match looked.unwrap_or_else(|error| Err(Error::Setup(error.to_string()))) {
        Ok(place) => place,
        Err(Error::NotFound) => return unknown(StatusCode::NOT_FOUND, &reading),
        Err(error) => return broken(&error, &reading),
    };
    let token = cookies::read(&headers, PAY_COOKIE)
        .unwrap_or_default()
        .to_owned();
    match links::by_token(&web.app, &token).await {
        Ok((clinic, link)) if (clinic, Some(link.id)) == place => back(&token),
        Ok(_) | Err(Error::NotFound) => html(StatusCode::OK, &show::come_back(reading.of_nobody())),
        Err(error) => broken(&error, &reading),
    }
}
