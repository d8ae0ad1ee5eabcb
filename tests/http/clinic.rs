//! The verbs of a user: staff through the JSON API, the patient through a browser, on one node or on two.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::browser::{self, Browser, Page};
use crate::server::{Folder, Server, Start, random};

/// What must have happened has happened within this time, or the test fails.
const WITHIN: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);

pub const PAID: &str = "4242 4242 4242 4242";
pub const DECLINED: &str = "4000 0000 0000 0002";
pub const ASKS_FOR_3DS: &str = "4000 0025 0000 3155";

/// An answer of the JSON API.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// The kind of problem: the last part of its `type`.
    pub fn problem(&self) -> &str {
        let kind = self.json["type"].as_str().unwrap_or_default();
        kind.rsplit('/').next().unwrap_or_default()
    }

    pub fn done(self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.json);
        self.json
    }
}

/// An installation: one node on SQLite, or two on PostgreSQL.
pub struct Clinic {
    pub nodes: Vec<Server>,
    /// Each node's own address.
    pub addresses: Vec<String>,
    pub public: String,
    pub key: String,
    pub database: String,
    pub folder: Folder,
    client: Client,
    made: AtomicU32,
}

pub fn gbp(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "GBP" })
}

impl Clinic {
    pub fn on_sqlite(env: &[(&str, &str)]) -> Clinic {
        let folder = Folder::new("flows");
        let database = format!("sqlite://{}", folder.0.join("remit.db").display());
        let first = Server::start(&Start::demo(&folder.0, None).with(env), "api_key");
        Clinic::of(vec![first], folder, database)
    }

    /// Two nodes on a database of their own.
    pub async fn on_postgres(url: &str) -> Clinic {
        let folder = Folder::new("flows");
        let database = own_database(url).await;
        let first = Server::start(&Start::demo(&folder.0, Some(&database)), "api_key");
        let second = Start::serve(&folder.0, &database, &first.says("url"));
        let second = Server::start(&second.with(&[("REMIT_LOG", "debug")]), "listening");
        Clinic::of(vec![first, second], folder, database)
    }

    fn of(nodes: Vec<Server>, folder: Folder, database: String) -> Clinic {
        let (public, key) = (nodes[0].says("url"), nodes[0].says("api_key"));
        let own = |node: &Server| node.value("listening").unwrap_or(&public).to_owned();
        Clinic {
            addresses: nodes.iter().map(own).collect(),
            public,
            key,
            nodes,
            database,
            folder,
            client: browser::client(),
            made: AtomicU32::new(0),
        }
    }

    /// Every node ends as if the power went, and starts again.
    pub fn restarts(&mut self) {
        for node in &mut self.nodes {
            node.kill();
        }
        let first = Start::demo(&self.folder.0, Some(&self.database));
        self.nodes[0] = Server::start(&first, "api_key");
        self.public = self.nodes[0].says("url");
        self.key = self.nodes[0].says("api_key");
        self.addresses[0].clone_from(&self.public);
        let other = Start::serve(&self.folder.0, &self.database, &self.public);
        for (node, address) in self.nodes.iter_mut().zip(&mut self.addresses).skip(1) {
            *node = Server::start(&other, "listening");
            *address = node.says("listening");
        }
    }

    /// The node where staff work, and the one that the patient's phone reaches: another one where there is another.
    pub fn far(&self) -> usize {
        self.nodes.len() - 1
    }

    pub async fn call(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Answer {
        let url = format!("{}/api/v1{path}", self.addresses[node]);
        let mut request = self.client.request(method, url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.expect("an answer");
        let url = response.url().clone();
        let page = browser::read(url, response).await;
        Answer {
            status: page.status,
            json: serde_json::from_str(&page.body).unwrap_or(Value::String(page.body)),
            headers: page.headers,
        }
    }

    /// The same on the first node with another person's key; without one, with the clinic's own.
    pub async fn call_as(
        &self,
        key: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let url = format!("{}/api/v1{path}", self.addresses[0]);
        let bearer = key.unwrap_or(&self.key);
        let mut request = self.client.request(method, url).bearer_auth(bearer);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("an answer");
        let url = response.url().clone();
        let page = browser::read(url, response).await;
        Answer {
            status: page.status,
            json: serde_json::from_str(&page.body).unwrap_or(Value::String(page.body)),
            headers: page.headers,
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(0, Method::POST, path, Some(&body), None).await
    }

    /// Reads on the far node: what one node wrote the other must see.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call(self.far(), Method::GET, path, None, None).await;
        answer.done()
    }

    // ---------------------------------------------------------------- staff

    /// A patient with reserved contact details.
    pub async fn adds_patient(&self) -> Value {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let body = json!({
            "name": format!("Quillon Testperson{number}"),
            "email": format!("quillon{number}@example.com"),
            // Never the first of the block: the tray does not reach it.
            "phone": format!("+4477009{:05}", 1 + number % 99_999),
        });
        self.post("/patients", body).await.done()
    }

    /// An appointment of a new patient for a service of this price.
    pub async fn books(&self, price: i64, deposit: Value) -> Value {
        let patient = self.adds_patient().await;
        let service = json!({
            "name": "Consultation", "duration_minutes": 30, "price": gbp(price), "deposit": deposit
        });
        let service = self.post("/services", service).await.done();
        let in_a_week = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
        let body = json!({
            "patient_id": patient["id"], "service_ids": [service["id"]],
            "starts_at": in_a_week.strftime("%Y-%m-%dT%H:00:00Z").to_string(),
        });
        self.post("/appointments", body).await.done()
    }

    pub async fn issues(&self, visit: &Value, body: Value) -> Answer {
        let path = format!("/appointments/{}/payment-links", id(visit));
        self.post(&path, body).await
    }

    /// A link for the whole balance.
    pub async fn issues_link(&self, visit: &Value) -> Value {
        let link = self.issues(visit, json!({ "purpose": "balance" })).await;
        link.done()
    }

    /// An appointment of this price with a link for all of it.
    pub async fn books_and_issues(&self, price: i64) -> (Value, Value) {
        let visit = self.books(price, json!({ "kind": "none" })).await;
        let link = self.issues_link(&visit).await;
        (visit, link)
    }

    pub async fn sends(&self, link: &Value, channel: &str) -> Value {
        let path = format!("/payment-links/{}/deliveries", id(link));
        self.post(&path, json!({ "channel": channel })).await.done()
    }

    pub async fn takes(&self, visit: &Value, method: &str, amount: i64) -> Answer {
        let path = format!("/appointments/{}/payments", id(visit));
        let body = json!({ "method": method, "amount": gbp(amount) });
        self.post(&path, body).await
    }

    pub async fn takes_cash(&self, visit: &Value, amount: i64) -> Value {
        self.takes(visit, "cash", amount).await.done()
    }

    pub async fn refunds(&self, payment: &Value, amount: i64) -> Answer {
        let path = format!("/payments/{}/refunds", id(payment));
        let body = json!({ "amount": gbp(amount), "reason": "goodwill" });
        self.post(&path, body).await
    }

    pub async fn changes(&self, visit: &Value, body: Value) -> Answer {
        let path = format!("/appointments/{}", id(visit));
        self.call(0, Method::PATCH, &path, Some(&body), None).await
    }

    pub async fn cancels(&self, visit: &Value) -> Value {
        let body = json!({ "status": "cancelled" });
        self.changes(visit, body).await.done()
    }

    pub async fn link(&self, link: &Value) -> Value {
        self.get(&format!("/payment-links/{}", id(link))).await
    }

    pub async fn visit(&self, visit: &Value) -> Value {
        self.get(&format!("/appointments/{}", id(visit))).await
    }

    /// The link once it stands as wanted.
    pub async fn sees(&self, link: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/payment-links/{}", id(link));
        self.until(&path, wanted).await
    }

    pub async fn sees_status(&self, link: &Value, status: &str) -> Value {
        self.sees(link, |link| link["status"] == status).await
    }

    /// Reads until it is as wanted; the deadline is the failure.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + WITHIN;
        loop {
            let now = self.get(path).await;
            if wanted(&now) {
                return now;
            }
            assert!(Instant::now() < end, "{path} is still {now}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A number of the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};
        if self.database.starts_with("sqlite:") {
            let conn = SqliteConnection::connect(&self.database).await;
            let row = sqlx::query(sql)
                .fetch_one(&mut conn.expect("the database"))
                .await;
            row.expect("a row").get(0)
        } else {
            let conn = PgConnection::connect(&self.database).await;
            let row = sqlx::query(sql)
                .fetch_one(&mut conn.expect("the database"))
                .await;
            row.expect("a row").get(0)
        }
    }

    /// Looks until the number is as wanted; the deadline is the failure.
    pub async fn sees_number(&self, sql: &'static str, wanted: i64) {
        let end = Instant::now() + WITHIN;
        loop {
            let now = self.number(sql).await;
            if now == wanted {
                return;
            }
            assert!(Instant::now() < end, "{now}, not {wanted}: {sql}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Messages in the tray that hold this text.
    pub async fn tray(&self, text: &str) -> Vec<Value> {
        let page = self.phone_at(0).get("/demo/messages.json").await;
        let all: Value = serde_json::from_str(&page.body).expect("JSON");
        let messages = all["data"].as_array().expect("a list").iter();
        let holds = |message: &&Value| message["text"].as_str().unwrap_or_default().contains(text);
        messages.filter(holds).cloned().collect()
    }

    /// A member of staff at this node, signed in.
    pub async fn desk_at(&self, node: usize) -> Browser {
        let mut desk = self.phone_at(node);
        let page = desk.get("/sign-in").await;
        let form = page.form_with("password").expect("a sign-in form");
        let says = |name: &str| self.nodes[0].says(name);
        let (email, password) = (says("email"), says("password"));
        let typed = [("email", email.as_str()), ("password", password.as_str())];
        let inside = desk.submit(&page, &form, &typed).await;
        assert_eq!(inside.status, 200, "{}", inside.text());
        desk
    }

    // ---------------------------------------------------------------- the patient

    pub fn phone_at(&self, node: usize) -> Browser {
        Browser::new(&self.public, &self.addresses[node])
    }

    /// A new phone. With two nodes it reaches the one where staff are not.
    pub fn phone(&self) -> Browser {
        self.phone_at(self.far())
    }

    /// Runs `remit check`.
    pub fn books_balance(&self) {
        let (sound, said) = crate::server::run(
            &["check", "--json"],
            &[("REMIT_DATABASE_URL", &self.database)],
        );
        assert!(sound, "{said}");
    }
}

/// The id of whatever this is.
pub fn id(object: &Value) -> &str {
    let id = object["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {object}"))
}

pub fn minor(amount: &Value) -> i64 {
    let minor = amount["amount"].as_i64();
    minor.unwrap_or_else(|| panic!("no amount in {amount}"))
}

pub fn url(link: &Value) -> &str {
    link["url"].as_str().expect("an address")
}

pub fn has_badge(link: &Value, badge: &str) -> bool {
    let badges = link["badges"].as_array().expect("badges");
    badges.iter().any(|known| known == badge)
}

/// Opens the link and continues to the provider's page.
pub async fn continues(phone: &mut Browser, url: &str, method: &str) -> Page {
    let page = phone.get(url).await;
    let form = page.form_with("method");
    let form = form.unwrap_or_else(|| panic!("nothing to pay at {url}: {}", page.text()));
    phone.submit(&page, &form, &[("method", method)]).await
}

/// Types a card on the sandbox's page.
pub async fn types_card(phone: &mut Browser, page: &Page, number: &str) -> Page {
    let form = page.form_with("card_number");
    let form = form.unwrap_or_else(|| panic!("no card form: {}", page.text()));
    let typed = [
        ("card_number", number),
        ("expiry", "12 / 34"),
        ("cvc", "123"),
        ("action", "pay"),
    ];
    phone.submit(page, &form, &typed).await
}

/// Presses a button of the sandbox's page: `approve`, `approve_later`, `refuse`, `complete`, `fail`.
pub async fn presses(phone: &mut Browser, page: &Page, action: &str) -> Page {
    let form = page.form_with("action");
    let form = form.unwrap_or_else(|| panic!("no button: {}", page.text()));
    phone.submit(page, &form, &[("action", action)]).await
}

pub async fn pays_by_card(phone: &mut Browser, url: &str) -> Page {
    let page = continues(phone, url, "card").await;
    types_card(phone, &page, PAID).await
}

/// A database of its own beside the given one.
pub async fn own_database(url: &str) -> String {
    use sqlx::Connection as _;
    let name = format!("remit_flows_{}_{:08x}", std::process::id(), random());
    let mut admin = sqlx::PgConnection::connect(url)
        .await
        .expect("the PostgreSQL of REMIT_TEST_POSTGRES_URL");
    // The name is made here, of letters, digits and underscores.
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&mut admin)
        .await
        .expect("a database");
    let (server, _) = url.rsplit_once('/').expect("a database in the address");
    format!("{server}/{name}")
}
