//! The company's API, `/v1`: sessions, refunds, disputes, events, payments, movements. Every call names its account by its key.

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, body::Bytes};
use remit_core::UtcMs;
use remit_core::money::MINOR_MAX;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use super::checks::{check, check_life, is_reference};
use super::desk::{self, ACCOUNT, KEY, Reserved, SESSION, Trouble, body_of, read};
use super::sessions::{self, NoRefund, Refund, Session};
use super::{Account, Company, digest, disputes, movements};
use crate::sandbox::wire::{
    AccountAnswer, DisputeAnswer, ErrorAnswer, ErrorBody, EventAnswer, ListAnswer, MovementAnswer,
    RefundAnswer, RefundRequest, SessionAnswer, SessionRequest,
};

/// Rows of one page of a list.
const PAGE: i64 = 100;
const TRY_AGAIN_AFTER_S: &str = "1";

pub(super) fn routes() -> Router<Company> {
    Router::new()
        .route("/sessions", post(create_session).get(find_sessions))
        .route("/sessions/{id}", get(read_session))
        .route("/sessions/{id}/close", post(close_session))
        .route("/account", get(read_account))
        .route("/refunds", post(create_refund).get(find_refunds))
        .route("/refunds/{id}", get(read_refund))
        .route("/disputes", get(list_disputes))
        .route("/disputes/{id}", get(read_dispute))
        .route("/events", get(list_events))
        .route("/payments", get(list_payments))
        .route("/movements", get(list_movements))
        .fallback(|| async { Problem::not_found() })
}

/// An answer of 400 and above.
pub(super) enum Problem {
    Refused {
        status: StatusCode,
        code: &'static str,
        message: String,
        field: Option<&'static str>,
    },
    Trouble(Trouble),
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Problem {
        Problem::Refused {
            status,
            code,
            message: message.into(),
            field: None,
        }
    }

    fn not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing here under this id.",
        )
    }

    fn invalid(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub(super) fn field(field: &'static str, message: &str) -> Problem {
        Problem::Refused {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request",
            message: format!("{field}: {message}"),
            field: Some(field),
        }
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Problem {
        Problem::Trouble(trouble)
    }
}

impl From<String> for Problem {
    fn from(why: String) -> Problem {
        Problem::Trouble(Trouble::Vault(why))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, message, field) = match self {
            Problem::Refused {
                status,
                code,
                message,
                field,
            } => (status, code, message, field),
            Problem::Trouble(trouble) => {
                tracing::warn!("sandbox call was not answered: {trouble:?}");
                let message = "Nothing is known about this call. Repeat it.".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "try_again", message, None)
            }
        };
        let error = ErrorBody {
            code: code.into(),
            message,
            field: field.map(str::to_owned),
        };
        let mut response = (status, Json(ErrorAnswer { error })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let after = header::HeaderValue::from_static(TRY_AGAIN_AFTER_S);
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}

/// The account whose key the call carries.
struct Caller(String);

impl FromRequestParts<Company> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, company: &Company) -> Result<Caller, Problem> {
        let unauthorised = || {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorised",
                "The secret key is not known.",
            )
        };
        let key = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .ok_or_else(unauthorised)?;
        let key_sha256 = digest(key);
        let record = company
            .vault()
            .get(KEY, &key_sha256)
            .await?
            .ok_or_else(unauthorised)?;
        let id: String = read(&record)?;
        let record = company
            .vault()
            .get(ACCOUNT, &id)
            .await?
            .ok_or_else(unauthorised)?;
        let account: Account = read(&record)?;
        // A key that was replaced still leads here, and opens nothing any more.
        let current = account.key_sha256.as_bytes().ct_eq(key_sha256.as_bytes());
        bool::from(current)
            .then_some(Caller(id))
            .ok_or_else(unauthorised)
    }
}

/// `POST /sessions`. The same key and bytes answer with the session as it was made.
async fn create_session(
    State(company): State<Company>,
    Caller(account): Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SessionAnswer>, Problem> {
    let body = bytes(body)?;
    let request: SessionRequest = parse(&body)?;
    check(&request)?;
    let scope = scope(&account, "sessions", &headers)?;
    let expires_at = request.expires_at;
    let reserved = company
        .reserve(&scope, &digest(&body), |now| check_life(expires_at, now))
        .await?;
    let reservation = ours(reserved)?;
    let id = format!("sbx_ses_{}", reservation.object);
    let session = Session::open(id, account, request, reservation.at);
    let found_by = desk::sessions_of(&session.account, &session.request.reference);
    // The index first: a session that its reference does not find could be paid and never seen (hazard A14).
    company
        .vault()
        .put(&found_by, &session.id, 0, body_of(&session.id)?, None)
        .await?;
    company
        .vault()
        .put(
            SESSION,
            &session.id,
            0,
            body_of(&session)?,
            session.due_at(),
        )
        .await?;
    Ok(Json(session.answer(company.public_url())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByReference {
    reference: String,
}

async fn find_sessions(
    State(company): State<Company>,
    Caller(account): Caller,
    query: Result<Query<ByReference>, QueryRejection>,
) -> Result<Json<ListAnswer<SessionAnswer>>, Problem> {
    let ByReference { reference } = parameters(query)?;
    let mut data = Vec::new();
    if is_reference(&reference) {
        let found_by = desk::sessions_of(&account, &reference);
        for record in company.vault().list(&found_by, "", PAGE).await? {
            // Without a session: its making was cut short between index and record. It is not there yet.
            if let Some(session) = company.session(&record.id).await? {
                data.push(session.answer(company.public_url()));
            }
        }
    }
    Ok(Json(ListAnswer { data, next: None }))
}

async fn read_session(
    State(company): State<Company>,
    Caller(account): Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionAnswer>, Problem> {
    let session = own(company.session(&id).await?, &account)?;
    Ok(Json(session.answer(company.public_url())))
}

/// *Ensure closed*: an open session expires now; any other answers as it stands (hazard B8). Needs no key.
async fn close_session(
    State(company): State<Company>,
    Caller(account): Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionAnswer>, Problem> {
    own(company.session(&id).await?, &account)?;
    let changed = company.change(&id, Session::close).await?;
    let (session, ()) = changed.ok_or_else(Problem::not_found)?;
    Ok(Json(session.answer(company.public_url())))
}

/// `POST /refunds`. The refund is part of the session's record, so two at once cannot give back more than was paid.
async fn create_refund(
    State(company): State<Company>,
    Caller(account): Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<RefundAnswer>, Problem> {
    let body = bytes(body)?;
    let request: RefundRequest = parse(&body)?;
    if !is_reference(&request.reference) {
        return Err(Problem::field(
            "reference",
            "1 to 64 of A-Z, a-z, 0-9, _ and -.",
        ));
    }
    if request.amount < 1 || request.amount > MINOR_MAX {
        return Err(Problem::field(
            "amount",
            "a whole number of minor units above zero.",
        ));
    }
    let session_id =
        sessions::session_of_payment(&request.payment).ok_or_else(Problem::not_found)?;
    own(company.session(&session_id).await?, &account)?;
    let scope = scope(&account, "refunds", &headers)?;
    let reserved = company
        .reserve(&scope, &digest(&body), |_| Ok::<(), Problem>(()))
        .await?;
    let reservation = ours(reserved)?;
    let id = sessions::refund_id(&session_id, &reservation.object);
    let changed = company
        .change(&session_id, |session, now| {
            session.refund(
                &id,
                &request.reference,
                request.amount,
                &request.currency,
                now,
            )
        })
        .await?;
    let (session, outcome) = changed.ok_or_else(Problem::not_found)?;
    outcome.map_err(no_refund)?;
    // As it was when it was made, also when it is asked for again.
    let made = Refund {
        id,
        reference: request.reference,
        amount: request.amount,
        state: sessions::first_state(request.amount),
        settles_at: reservation.at,
    };
    Ok(Json(session.refund_answer(&made)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichRefunds {
    payment: Option<String>,
    since: Option<UtcMs>,
    after: Option<String>,
}

/// All refunds of one payment, which has a handful at most; or every account's refund that took a step since a moment.
async fn find_refunds(
    State(company): State<Company>,
    Caller(account): Caller,
    query: Result<Query<WhichRefunds>, QueryRejection>,
) -> Result<Json<ListAnswer<RefundAnswer>>, Problem> {
    let (payment, since, after) = match parameters(query)? {
        WhichRefunds {
            payment: Some(payment),
            since: None,
            after: None,
        } => (Some(payment), 0, None),
        WhichRefunds {
            payment: None,
            since: Some(since),
            after,
        } => (None, since, after),
        _ => return Err(Problem::invalid("Ask by payment, or since a moment.")),
    };
    if let Some(payment) = payment {
        let session_id = sessions::session_of_payment(&payment).ok_or_else(Problem::not_found)?;
        let session = own(company.session(&session_id).await?, &account)?;
        let refunds = session.refunds.iter();
        return Ok(Json(ListAnswer {
            data: refunds
                .map(|refund| session.refund_answer(refund))
                .collect(),
            next: None,
        }));
    }
    let floor = format!("{:013}", since.max(0)).max(after.unwrap_or_default());
    let records = company
        .vault()
        .list(&desk::refunds_of(&account), &floor, PAGE)
        .await?;
    let mut data = Vec::with_capacity(records.len());
    for record in &records {
        let id: String = read(record)?;
        let session_id = sessions::session_of_refund(&id).ok_or_else(Problem::not_found)?;
        let Some(session) = company.session(&session_id).await? else {
            continue;
        };
        let refund = session.refunds.iter().find(|refund| refund.id == id);
        data.extend(refund.map(|refund| session.refund_answer(refund)));
    }
    Ok(Json(ListAnswer {
        data,
        next: next(&records),
    }))
}

/// `GET /movements`: the company's books of the account. Payouts that are due by now are made first.
async fn list_movements(
    State(company): State<Company>,
    Caller(account): Caller,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<ListAnswer<MovementAnswer>>, Problem> {
    let Since { since, after } = parameters(query)?;
    company.pay_out(&account).await?;
    let floor = movements::floor(since).max(after.unwrap_or_default());
    let records = company
        .vault()
        .list(&movements::movements_of(&account), &floor, PAGE)
        .await?;
    let data = records.iter().map(read).collect::<Result<_, String>>()?;
    Ok(Json(ListAnswer {
        data,
        next: next(&records),
    }))
}

async fn read_account(
    State(company): State<Company>,
    Caller(id): Caller,
) -> Result<Json<AccountAnswer>, Problem> {
    let record = company.vault().get(ACCOUNT, &id).await?;
    let account: Account = read(&record.ok_or_else(Problem::not_found)?)?;
    Ok(Json(AccountAnswer {
        id,
        livemode: false,
        webhook_url: account.webhook_url,
    }))
}

async fn read_refund(
    State(company): State<Company>,
    Caller(account): Caller,
    Path(id): Path<String>,
) -> Result<Json<RefundAnswer>, Problem> {
    let session_id = sessions::session_of_refund(&id).ok_or_else(Problem::not_found)?;
    let session = own(company.session(&session_id).await?, &account)?;
    let refund = session.refunds.iter().find(|refund| refund.id == id);
    Ok(Json(
        session.refund_answer(refund.ok_or_else(Problem::not_found)?),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    since: UtcMs,
    after: Option<String>,
}

async fn read_dispute(
    State(company): State<Company>,
    Caller(account): Caller,
    Path(id): Path<String>,
) -> Result<Json<DisputeAnswer>, Problem> {
    let session_id = disputes::session_of_dispute(&id).ok_or_else(Problem::not_found)?;
    let session = own(company.session(&session_id).await?, &account)?;
    let dispute = session.dispute_answer();
    Ok(Json(dispute.ok_or_else(Problem::not_found)?))
}

async fn list_disputes(
    State(company): State<Company>,
    Caller(account): Caller,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<ListAnswer<DisputeAnswer>>, Problem> {
    let Since { since, after } = parameters(query)?;
    let floor = format!("{:013}", since.max(0)).max(after.unwrap_or_default());
    let list = desk::disputes_of(&account);
    let records = company.vault().list(&list, &floor, PAGE).await?;
    let mut data = Vec::with_capacity(records.len());
    for record in &records {
        let id: String = read(record)?;
        let session_id = disputes::session_of_dispute(&id).ok_or_else(Problem::not_found)?;
        let session = company.session(&session_id).await?;
        data.extend(session.and_then(|session| session.dispute_answer()));
    }
    Ok(Json(ListAnswer {
        data,
        next: next(&records),
    }))
}

async fn list_events(
    State(company): State<Company>,
    Caller(account): Caller,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<ListAnswer<EventAnswer>>, Problem> {
    let Since { since, after } = parameters(query)?;
    let floor = sessions::event_id_floor(since).max(after.unwrap_or_default());
    let records = company
        .vault()
        .list(&desk::events_of(&account), &floor, PAGE)
        .await?;
    let next = next(&records);
    let data = records.iter().map(read).collect::<Result<_, String>>()?;
    Ok(Json(ListAnswer { data, next }))
}

async fn list_payments(
    State(company): State<Company>,
    Caller(account): Caller,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<ListAnswer<SessionAnswer>>, Problem> {
    let Since { since, after } = parameters(query)?;
    let floor = format!("{:013}", since.max(0)).max(after.unwrap_or_default());
    let records = company
        .vault()
        .list(&desk::paid_of(&account), &floor, PAGE)
        .await?;
    let mut data = Vec::with_capacity(records.len());
    for record in &records {
        let id: String = read(record)?;
        if let Some(session) = company.session(&id).await? {
            data.push(session.answer(company.public_url()));
        }
    }
    Ok(Json(ListAnswer {
        data,
        next: next(&records),
    }))
}

/// The id to go on from; `None` when the page was not full.
fn next(records: &[super::Record]) -> Option<String> {
    let full = i64::try_from(records.len()).is_ok_and(|rows| rows >= PAGE);
    records
        .last()
        .filter(|_| full)
        .map(|record| record.id.clone())
}

/// Another account's session is as good as none (hazard D3).
fn own(session: Option<Session>, account: &str) -> Result<Session, Problem> {
    session
        .filter(|session| session.account == account)
        .ok_or_else(Problem::not_found)
}

fn ours(reserved: Reserved) -> Result<desk::Reservation, Problem> {
    match reserved {
        Reserved::Ours(reservation) => Ok(reservation),
        Reserved::Mismatch => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_mismatch",
            "This idempotency key was used for another request.",
        )),
    }
}

fn no_refund(why: NoRefund) -> Problem {
    let (code, message) = match why {
        NoRefund::NotPaid => ("not_refundable", "This payment has not been received."),
        NoRefund::Disputed => ("disputed", "The payer's bank is looking into this payment."),
        NoRefund::OtherCurrency => ("invalid_request", "currency: the payment's own, please."),
        NoRefund::MoreThanLeft => (
            "amount_too_large",
            "This is more than is left of the payment.",
        ),
    };
    Problem::new(StatusCode::BAD_REQUEST, code, message)
}

/// An idempotency key counts for one account and one path (hazard A15).
fn scope(account: &str, path: &str, headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok());
    match key {
        Some(key) if (1..=255).contains(&key.len()) => {
            Ok(digest(format!("{account}\n{path}\n{key}")))
        }
        _ => Err(Problem::invalid(
            "The header Idempotency-Key is missing, or longer than 255 characters.",
        )),
    }
}

fn bytes(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request",
            "The body is too long.",
        )
    })
}

/// Reads a body strictly. The parser's words may quote a value, so only those that name a field are passed on.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let words = error.to_string();
        let named = words.starts_with("unknown field") || words.starts_with("missing field");
        match words.split([',', ' ']).nth(2) {
            Some(field) if named && field.len() <= 80 => {
                Problem::invalid(format!("{} {field}", &words[..13]))
            }
            _ => Problem::invalid(format!(
                "A field has the wrong type, near column {}.",
                error.column()
            )),
        }
    })
}

fn parameters<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let Query(parameters) = query
        .map_err(|_| Problem::invalid("The query has a wrong, missing or unknown parameter."))?;
    Ok(parameters)
}
