//! A small Mollie: payments, refunds and lists of its API v2, in memory, on a real port of the loopback. It refuses
//! every field and query that the published API does not have, and its clock is moved by the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::{Router, body};
use remit_core::UtcMs;
use serde_json::{Map, Value, json};

use super::{START, serve};

const KEY: &str = "test_fake";
const CARD_LIFE_MS: i64 = 15 * remit_core::MINUTE_MS;
const KLARNA_LIFE_MS: i64 = 2 * remit_core::DAY_MS;
const KEY_LIFE_MS: i64 = remit_core::HOUR_MS;

/// The fields of a new payment that the published API has and that somebody without mandates could send.
const FIELDS: &[&str] = &[
    "amount",
    "description",
    "redirectUrl",
    "cancelUrl",
    "webhookUrl",
    "lines",
    "billingAddress",
    "shippingAddress",
    "locale",
    "method",
    "issuer",
    "restrictPaymentMethodsToCountry",
    "metadata",
    "captureMode",
    "captureDelay",
    "sequenceType",
    "dueDate",
    "digitalGoods",
];
const LOCALES: &[&str] = &["en_GB", "en_US", "nl_NL", "de_DE", "fr_FR"];

struct Payment {
    id: String,
    order: Map<String, Value>,
    status: &'static str,
    created_at: UtcMs,
    expires_at: UtcMs,
    paid_at: Option<UtcMs>,
    /// When the lender's *yes* becomes money.
    captured_at: Option<UtcMs>,
}

struct Refund {
    id: String,
    payment: String,
    order: Map<String, Value>,
    created_at: UtcMs,
}

struct Chargeback {
    id: String,
    payment: String,
    created_at: UtcMs,
    reversed_at: Option<UtcMs>,
}

#[derive(Default)]
struct Books {
    now: UtcMs,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    chargebacks: Vec<Chargeback>,
    /// By idempotency key: the first answer, and when it was given.
    answers: BTreeMap<String, (u16, Value, UtcMs)>,
}

/// Mollie, and the payers who use it.
#[derive(Clone)]
pub struct Mollie {
    books: Arc<Mutex<Books>>,
    pub url: String,
}

type Told = Result<(u16, Value), (u16, &'static str, Option<&'static str>)>;

impl Mollie {
    pub async fn open() -> Mollie {
        let books = Arc::new(Mutex::new(Books {
            now: START,
            ..Books::default()
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&books));
        let url = serve(router).await;
        Mollie { books, url }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub fn now(&self) -> UtcMs {
        self.books().now
    }

    pub fn passes(&self, ms: i64) {
        self.books().now += ms;
        self.books().time_works();
    }

    /// A payment that somebody else made through the same profile.
    pub fn is_somebody_elses(&self, id: &str) {
        let mut books = self.books();
        let payment = books.payments.iter_mut().find(|one| one.id == id).unwrap();
        payment
            .order
            .insert("metadata".into(), json!({"order": 17}));
    }

    /// What the payer or the lender does on the hosted page; an ended payment has no page any more.
    pub fn ends(&self, id: &str, status: &'static str) {
        let mut books = self.books();
        let now = books.now;
        let payment = books.payments.iter_mut().find(|one| one.id == id).unwrap();
        let goes_on = matches!(payment.status, "open" | "authorized");
        if !goes_on {
            return;
        }
        payment.status = status;
        payment.paid_at = (status == "paid").then_some(now);
        payment.captured_at = (status == "authorized").then_some(now + remit_core::HOUR_MS);
    }
}

impl Mollie {
    /// The payer's bank takes the money back.
    pub fn charges_back(&self, payment: &str) {
        let mut books = self.books();
        let chargeback = Chargeback {
            id: format!("chb_{:08}", books.chargebacks.len() + 1),
            payment: payment.to_owned(),
            created_at: books.now,
            reversed_at: None,
        };
        books.chargebacks.push(chargeback);
    }

    /// ... and gives it back again.
    pub fn reverses(&self, payment: &str) {
        let mut books = self.books();
        let now = books.now;
        let all = books.chargebacks.iter_mut();
        for chargeback in all.filter(|one| one.payment == payment) {
            chargeback.reversed_at = Some(now);
        }
    }
}

impl Books {
    fn time_works(&mut self) {
        let now = self.now;
        for payment in &mut self.payments {
            if payment.status == "open" && now >= payment.expires_at {
                payment.status = "expired";
            }
            if let Some(at) = payment
                .captured_at
                .filter(|at| payment.status == "authorized" && now >= *at)
            {
                (payment.status, payment.paid_at) = ("paid", Some(at));
            }
        }
    }

    fn handle(
        &mut self,
        verb: &str,
        path: &[&str],
        query: &[(String, String)],
        body: &[u8],
    ) -> Told {
        match (verb, path) {
            ("POST", ["payments"]) => self.create(object(body)?),
            ("GET", ["payments"]) => {
                let all = self
                    .payments
                    .iter()
                    .rev()
                    .map(|one| (one.id.clone(), told(one, &self.refunds)));
                page("payments", all.collect(), query, &["from", "limit", "sort"])
            }
            ("GET", ["payments", id]) => Ok((200, told(self.payment(id)?, &self.refunds))),
            ("DELETE", ["payments", id]) => self.cancel(id),
            ("POST", ["payments", id, "refunds"]) => self.refund(id, object(body)?),
            ("GET", ["payments", id, "refunds"]) => {
                self.payment(id)?;
                let all = self.refunds.iter().rev().filter(|one| one.payment == *id);
                let all = all.map(|one| (one.id.clone(), self.told_refund(one, false)));
                page("refunds", all.collect(), query, &["from", "limit", "embed"])
            }
            ("GET", ["payments", id, "refunds", refund]) => {
                self.payment(id)?;
                let found = self
                    .refunds
                    .iter()
                    .find(|one| one.payment == *id && one.id == *refund);
                found
                    .map(|one| (200, self.told_refund(one, false)))
                    .ok_or(MISSING)
            }
            ("GET", ["refunds"]) => {
                let embed = query
                    .iter()
                    .any(|(name, value)| name == "embed" && value == "payment");
                let all = self
                    .refunds
                    .iter()
                    .rev()
                    .map(|one| (one.id.clone(), self.told_refund(one, embed)));
                page(
                    "refunds",
                    all.collect(),
                    query,
                    &["from", "limit", "embed", "sort"],
                )
            }
            ("GET", ["payments", id, "chargebacks", chargeback]) => {
                let mut all = self.chargebacks.iter();
                let found = all.find(|one| one.payment == *id && one.id == *chargeback);
                found
                    .map(|one| (200, self.told_chargeback(one)))
                    .ok_or(MISSING)
            }
            ("GET", ["chargebacks"]) => {
                let all = self.chargebacks.iter().rev();
                let all = all.map(|one| (one.id.clone(), self.told_chargeback(one)));
                page(
                    "chargebacks",
                    all.collect(),
                    query,
                    &["from", "limit", "embed", "sort"],
                )
            }
            ("GET", ["profiles", "me"]) => Ok((
                200,
                json!({"resource": "profile", "id": "pfl_fake", "mode": "test", "name": "Larkhill", "status": "verified"}),
            )),
            ("GET", ["methods"]) => {
                let method =
                    |id: &str| json!({"resource": "method", "id": id, "status": "activated"});
                let methods = [method("creditcard"), method("klarna"), method("ideal")];
                Ok((
                    200,
                    json!({"count": 3, "_embedded": {"methods": methods}, "_links": {}}),
                ))
            }
            _ => Err((404, "The resource could not be found", None)),
        }
    }

    fn payment(&self, id: &str) -> Result<&Payment, (u16, &'static str, Option<&'static str>)> {
        self.payments.iter().find(|one| one.id == id).ok_or(MISSING)
    }

    fn create(&mut self, order: Map<String, Value>) -> Told {
        let amount = amount(&order)?;
        if order.keys().any(|name| !FIELDS.contains(&name.as_str())) {
            return Err((
                422,
                "Non-existent body parameter for this API call",
                Some("unknown"),
            ));
        }
        for name in ["description", "redirectUrl"] {
            if !order.get(name).is_some_and(Value::is_string) {
                return Err((422, "A field is missing", Some(name)));
            }
        }
        if !order
            .get("locale")
            .is_none_or(|of| LOCALES.contains(&of.as_str().unwrap_or_default()))
        {
            return Err((422, "The locale is invalid", Some("locale")));
        }
        let life = match order.get("method").and_then(Value::as_str) {
            Some("creditcard") => CARD_LIFE_MS,
            Some("klarna") => {
                let lines = order
                    .get("lines")
                    .and_then(Value::as_array)
                    .map_or(&[][..], Vec::as_slice);
                let total: i64 = lines
                    .iter()
                    .filter_map(|line| amount_of(&line["totalAmount"]))
                    .sum();
                let writes_to = order
                    .get("billingAddress")
                    .is_some_and(|address| address["email"].is_string());
                if !writes_to {
                    return Err((
                        422,
                        "The 'billingAddress' field is missing",
                        Some("billingAddress"),
                    ));
                }
                if total != amount {
                    return Err((422, "The lines do not add up", Some("lines")));
                }
                KLARNA_LIFE_MS
            }
            _ => return Err((422, "The payment method is invalid", Some("method"))),
        };
        let payment = Payment {
            id: format!("tr_{:012}", self.payments.len() + 1),
            order,
            status: "open",
            created_at: self.now,
            expires_at: self.now + life,
            paid_at: None,
            captured_at: None,
        };
        let answer = told(&payment, &self.refunds);
        self.payments.push(payment);
        Ok((201, answer))
    }

    fn cancel(&mut self, id: &str) -> Told {
        let payment = self
            .payments
            .iter_mut()
            .find(|one| one.id == id)
            .ok_or(MISSING)?;
        if payment.status != "open" || payment.order["method"] == "creditcard" {
            return Err((422, "The payment cannot be cancelled", None));
        }
        payment.status = "canceled";
        Ok((200, told(payment, &self.refunds)))
    }

    fn refund(&mut self, id: &str, order: Map<String, Value>) -> Told {
        let payment = self.payment(id)?;
        let minor = amount(&order)?;
        let back: i64 = self
            .refunds
            .iter()
            .filter(|one| one.payment == id)
            .filter_map(|one| amount(&one.order).ok())
            .sum();
        let paid = if payment.status == "paid" {
            amount(&payment.order)?
        } else {
            0
        };
        if minor < 1 || back + minor > paid {
            return Err((422, "The amount is higher than the maximum", Some("amount")));
        }
        let refund = Refund {
            id: format!("re_{:08}", self.refunds.len() + 1),
            payment: id.to_owned(),
            order,
            created_at: self.now,
        };
        let answer = self.told_refund(&refund, false);
        self.refunds.push(refund);
        Ok((201, answer))
    }

    fn told_chargeback(&self, chargeback: &Chargeback) -> Value {
        let payment = self.payment(&chargeback.payment).ok();
        let payment = payment
            .map(|payment| told(payment, &[]))
            .unwrap_or_default();
        json!({
            "resource": "chargeback", "id": chargeback.id, "paymentId": chargeback.payment, "amount": payment["amount"],
            "reason": {"code": "AC01", "description": "Not known to the payer"},
            "createdAt": moment(chargeback.created_at), "reversedAt": chargeback.reversed_at.map(moment),
            "_embedded": {"payment": payment}, "_links": {},
        })
    }

    /// A refund is on its way for two days.
    fn told_refund(&self, refund: &Refund, embed: bool) -> Value {
        let arrived = self.now >= refund.created_at + 2 * remit_core::DAY_MS;
        let mut value = json!({
            "resource": "refund", "id": refund.id, "mode": "test", "paymentId": refund.payment,
            "amount": refund.order["amount"], "description": refund.order["description"],
            "metadata": refund.order["metadata"], "status": if arrived { "refunded" } else { "pending" },
            "createdAt": moment(refund.created_at), "_links": {},
        });
        if embed && let Ok(payment) = self.payment(&refund.payment) {
            value["_embedded"] = json!({"payment": told(payment, &[])});
        }
        value
    }
}

const MISSING: (u16, &str, Option<&str>) = (404, "No entity exists with token 'this'", None);

fn told(payment: &Payment, refunds: &[Refund]) -> Value {
    let back = refunds.iter().any(|refund| refund.payment == payment.id);
    let mut value = json!({
        "resource": "payment", "id": payment.id, "mode": "test", "status": payment.status,
        "amount": payment.order["amount"], "description": payment.order["description"],
        "metadata": payment.order["metadata"], "method": payment.order["method"], "profileId": "pfl_fake",
        "sequenceType": "oneoff", "createdAt": moment(payment.created_at), "_links": {},
    });
    if payment.status == "open" {
        let page = format!("https://www.mollie.example/checkout/{}", payment.id);
        value["_links"] = json!({"checkout": {"href": page, "type": "text/html"}});
        value["expiresAt"] = json!(moment(payment.expires_at));
        value["isCancelable"] = json!(payment.order["method"] != "creditcard");
    }
    if let Some(at) = payment.paid_at {
        value["paidAt"] = json!(moment(at));
        value["amountRefunded"] = if back {
            payment.order["amount"].clone()
        } else {
            Value::Null
        };
        if payment.order["method"] == "creditcard" {
            value["details"] = json!({"cardLabel": "Visa", "cardNumber": "6787", "wallet": null});
        }
    }
    value
}

fn page(name: &str, all: Vec<(String, Value)>, query: &[(String, String)], known: &[&str]) -> Told {
    if query
        .iter()
        .any(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err((400, "Unknown query parameter", None));
    }
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let limit: usize = value("limit")
        .unwrap_or("50")
        .parse()
        .map_err(|_| (400, "Invalid limit", Some("limit")))?;
    if !(1..=250).contains(&limit) {
        return Err((400, "Invalid limit", Some("limit")));
    }
    let start = match value("from") {
        None => 0,
        Some(from) => all.iter().position(|(id, _)| id == from).ok_or((
            400,
            "Invalid cursor value",
            Some("from"),
        ))?,
    };
    let next = all.get(start + limit).map(|(id, _)| {
        json!({"href": format!("https://api.mollie.example/v2/{name}?from={id}&limit={limit}"), "type": "application/hal+json"})
    });
    let shown: Vec<Value> = all
        .into_iter()
        .skip(start)
        .take(limit)
        .map(|(_, value)| value)
        .collect();
    Ok((
        200,
        json!({"count": shown.len(), "_embedded": {name: shown}, "_links": {"previous": null, "next": next}}),
    ))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, (u16, &'static str, Option<&'static str>)> {
    serde_json::from_slice(body).map_err(|_| (400, "Invalid JSON", None))
}

/// In minor units of a currency with two digits, which is all that this Mollie knows.
fn amount_of(amount: &Value) -> Option<i64> {
    let known = matches!(amount["currency"].as_str()?, "GBP" | "EUR");
    let (whole, part) = amount["value"].as_str()?.split_once('.')?;
    let minor: i64 = format!("{whole}{part}").parse().ok()?;
    (known && part.len() == 2).then_some(minor)
}

fn amount(order: &Map<String, Value>) -> Result<i64, (u16, &'static str, Option<&'static str>)> {
    let amount =
        order
            .get("amount")
            .ok_or((422, "The 'amount' field is missing", Some("amount")))?;
    amount_of(amount).ok_or((422, "The amount is not valid", Some("amount")))
}

fn moment(at: UtcMs) -> String {
    let seconds = at.div_euclid(1_000);
    jiff::Timestamp::from_second(seconds)
        .unwrap()
        .strftime("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string()
}

async fn answer(State(books): State<Arc<Mutex<Books>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body::to_bytes(body, 1 << 20).await.unwrap();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let url = reqwest::Url::parse(&format!("http://mollie{}", parts.uri)).unwrap();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let path: Vec<&str> = url.path().trim_start_matches("/v2/").split('/').collect();
    let mut books = books.lock().unwrap();
    books.time_works();
    let now = books.now;
    if header("authorization") != Some(&format!("Bearer {KEY}")) {
        return respond(Err((
            401,
            "Missing authentication, or failed to authenticate",
            None,
        )));
    }
    let key = header("idempotency-key")
        .filter(|_| parts.method == "POST")
        .map(str::to_owned);
    if key
        .as_ref()
        .is_some_and(|key| uuid::Uuid::parse_str(key).is_err())
    {
        return respond(Err((400, "Invalid idempotency key", None)));
    }
    if let Some((status, body, at)) = key.as_ref().and_then(|key| books.answers.get(key))
        && now < at + KEY_LIFE_MS
    {
        return respond(Ok((*status, body.clone())));
    }
    let told = books.handle(parts.method.as_str(), &path, &query, &body);
    if let (Some(key), Ok((status, body))) = (key, &told) {
        books.answers.insert(key, (*status, body.clone(), now));
    }
    respond(told)
}

fn respond(told: Told) -> Response {
    let (status, body) = told.unwrap_or_else(|(status, detail, field)| {
        let title = axum::http::StatusCode::from_u16(status)
            .unwrap()
            .to_string();
        let mut body = json!({"status": status, "title": title, "detail": detail, "_links": {}});
        if let Some(field) = field {
            body["field"] = json!(field);
        }
        (status, body)
    });
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/hal+json");
    response.body(Body::from(body.to_string())).unwrap()
}
