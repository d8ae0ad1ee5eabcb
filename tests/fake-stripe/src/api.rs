//! The API's door: connections, faults, keys, versions, idempotency. What the calls do stands in [`crate::endpoints`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use futures_util::stream;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::Shared;
use crate::endpoints::{self, Call};
use crate::errors::Refusal;
use crate::faults::Fault;
use crate::idempotency::{KEY_MAX, Known};
use crate::page;
use crate::params::{self, Param};
use crate::tables::VERSION;
use crate::world::{self, World, machine_ms};

/// The largest body that is read.
const BODY_MAX: usize = 1 << 20;

/// The connection ends without an answer.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// Takes connections for ever.
pub async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        // A connection that broke before it was taken is nobody's loss.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(shared.clone(), stream));
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(shared.clone(), request));
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error here is a cut, ours or theirs.
    let _ = serving.await;
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), BODY_MAX)
        .await
        .map_err(|_| Cut)?;
    let path = head.uri.path().to_owned();
    let Some((_, path)) = path.split_once("/v1/") else {
        return Ok(page::answer(&shared, head.method.as_str(), &path, &body).await);
    };
    let query = head.uri.query().unwrap_or_default();
    let asked = Asked {
        verb: head.method.as_str().to_owned(),
        path: path.to_owned(),
        form: if head.method == "GET" {
            query.to_owned()
        } else {
            String::from_utf8_lossy(&body).into_owned()
        },
        headers: head.headers,
    };
    let (told, plan) = asked.answered(&shared);
    tokio::time::sleep(plan.latency).await;
    match plan.fault {
        Fault::Outage | Fault::CutBefore | Fault::LostAnswer => Err(Cut),
        Fault::SlowBody => Ok(told.slowly(plan.slow_body)),
        _ => Ok(told.at_once()),
    }
}

/// A request of the API.
struct Asked {
    verb: String,
    path: String,
    form: String,
    headers: HeaderMap,
}

struct Plan {
    fault: Fault,
    latency: Duration,
    slow_body: Duration,
}

/// An answer before it is sent.
struct Told {
    status: u16,
    body: Value,
    replayed: bool,
    retry_after_s: Option<u32>,
    date_ms: i64,
    request_id: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Draws the faults and does the work, all under one lock.
    fn answered(&self, shared: &Arc<Shared>) -> (Told, Plan) {
        let mut world = shared.world();
        let world = &mut *world;
        world.tick();
        let what = format!("{} /v1/{}", self.verb, self.path);
        let faults = world.faults.clone();
        let fault = faults.draw(&what, machine_ms(), &mut world.chance);
        let (least, most) = match fault {
            Fault::Hangs => faults.hang_ms,
            _ => faults.latency_ms,
        };
        let latency = world.chance.between(least, most);
        let ready_at = machine_ms() + i64::try_from(latency).unwrap_or_default();
        let mut told = Told {
            status: 0,
            body: Value::Null,
            replayed: false,
            retry_after_s: None,
            date_ms: world.now_ms(),
            request_id: world.new_id("req"),
        };
        match fault {
            Fault::Outage | Fault::CutBefore => {}
            Fault::RateLimit => {
                told.refuse(&Refusal::rate_limit());
                told.retry_after_s = Some(faults.retry_after_s);
            }
            fault => self.work(world, fault, ready_at, &mut told),
        }
        let was_cut = matches!(fault, Fault::Outage | Fault::CutBefore | Fault::LostAnswer);
        world.calls.push(world::Call {
            at: machine_ms(),
            what,
            form: self.form.clone(),
            status: if was_cut { 0 } else { told.status },
        });
        shared.send_posts(world);
        let plan = Plan {
            fault,
            latency: Duration::from_millis(latency),
            slow_body: Duration::from_millis(faults.slow_body_ms),
        };
        (told, plan)
    }

    fn work(&self, world: &mut World, fault: Fault, ready_at: i64, told: &mut Told) {
        let (key, call, params) = match self.understood(world) {
            Ok(understood) => understood,
            Err(refusal) => return told.refuse(&refusal),
        };
        let request = (self.path.as_str(), self.form.as_str());
        let idempotency = self
            .header("idempotency-key")
            .filter(|_| self.verb == "POST");
        if let Some(key_text) = idempotency {
            let now = world.now_ms();
            match world
                .answers
                .look(key.livemode, key_text, request, now, machine_ms())
            {
                Ok(Known::Nothing) => {}
                Ok(Known::Answer(status, body)) => {
                    (told.status, told.body, told.replayed) = (status, body, true);
                    return;
                }
                Err(refusal) => return told.refuse(&refusal),
            }
        }
        let is_error = matches!(fault, Fault::ServerError { .. }) && self.verb == "POST";
        let skip = is_error && fault == Fault::ServerError { done: false };
        let done = if skip {
            Ok(Value::Null)
        } else {
            endpoints::carry_out(world, key.livemode, &call, &params)
        };
        match done {
            _ if is_error => told.refuse(&Refusal::server_error()),
            Ok(body) => (told.status, told.body) = (200, body),
            Err(refusal) => told.refuse(&refusal),
        }
        // What failed validation is not kept; an error of the server is.
        if let Some(key_text) = idempotency
            && (told.status == 200 || told.status >= 500)
        {
            let at = world.now_ms();
            world.answers.keep(
                key.livemode,
                key_text,
                request,
                at,
                ready_at,
                (told.status, &told.body),
            );
        }
    }

    /// Key, version, address, permission and parameters, in this order.
    fn understood(&self, world: &World) -> Result<(world::Key, Call, Param), Refusal> {
        let key = endpoints::key(world, self.header("authorization"))?;
        match self.header("stripe-version") {
            Some(version) if version == VERSION => {}
            Some(version) => {
                return Err(Refusal::invalid(format!(
                    "Invalid Stripe API version: {version}"
                )));
            }
            None => {
                return Err(Refusal::invalid(
                    "The fake wants every request to name its version (Stripe-Version).",
                ));
            }
        }
        let call = Call::read(&self.verb, &self.path).ok_or_else(|| {
            Refusal::invalid(format!(
                "Unrecognized request URL ({}: /v1/{}).",
                self.verb, self.path
            ))
            .status(404)
        })?;
        let (table, permission) = call.table();
        endpoints::permit(world, &key, permission)?;
        let form_type = self
            .header("content-type")
            .unwrap_or("application/x-www-form-urlencoded");
        if self.verb == "POST" && !form_type.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::invalid(
                "Requests are form-encoded (application/x-www-form-urlencoded).",
            ));
        }
        if self
            .header("idempotency-key")
            .is_some_and(|key| key.is_empty() || key.len() > KEY_MAX)
        {
            return Err(Refusal::invalid(
                "Idempotency keys are 1 to 255 characters long.",
            ));
        }
        let params = params::parse(&self.form)?;
        params.check(table)?;
        Ok((key, call, params))
    }
}

impl Told {
    fn refuse(&mut self, refusal: &Refusal) {
        self.status = refusal.status;
        self.body = refusal.body();
    }

    fn head(&self) -> axum::http::response::Builder {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut head = Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("request-id", &self.request_id)
            .header("date", http_date(self.date_ms))
            .header("stripe-version", VERSION);
        if self.replayed {
            head = head.header("idempotent-replayed", "true");
        }
        if let Some(seconds) = self.retry_after_s {
            head = head.header("retry-after", seconds.to_string());
        }
        head
    }

    fn at_once(self) -> Response<Body> {
        let body = Body::from(self.body.to_string());
        self.head().body(body).unwrap_or_default()
    }

    /// The first half of the body at once, the second after a wait.
    fn slowly(self, wait: Duration) -> Response<Body> {
        let text = self.body.to_string();
        let (first, second) = text.as_bytes().split_at(text.len() / 2);
        let (first, second) = (
            Bytes::copy_from_slice(first),
            Bytes::copy_from_slice(second),
        );
        let parts = stream::unfold(0, move |n| {
            let part = if n == 0 {
                first.clone()
            } else {
                second.clone()
            };
            async move {
                match n {
                    0 => {}
                    1 => tokio::time::sleep(wait).await,
                    _ => return None,
                }
                Some((Ok::<Bytes, Infallible>(part), n + 1))
            }
        });
        self.head()
            .body(Body::from_stream(parts))
            .unwrap_or_default()
    }
}

/// A moment as `Date` has it (RFC 9110): days and months by the civil calendar.
fn http_date(at_ms: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = at_ms.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let day_name = DAYS
        .get(usize::try_from(days.rem_euclid(7)).unwrap_or_default())
        .unwrap_or(&"Thu");
    // Days since 1 March of the year 0, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let month_name = MONTHS
        .get(usize::try_from(month).unwrap_or_default())
        .unwrap_or(&"Jan");
    format!(
        "{day_name}, {day:02} {month_name} {year} {:02}:{:02}:{:02} GMT",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_as_http_has_them() {
        for (at, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_795_500_000_000, "Tue, 24 Nov 2026 06:00:00 GMT"),
            (951_827_696_000, "Tue, 29 Feb 2000 12:34:56 GMT"),
        ] {
            assert_eq!(super::http_date(at), expected);
        }
    }
}
