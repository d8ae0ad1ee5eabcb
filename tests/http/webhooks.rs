//! The provider's webhooks: who is believed, and what is kept (hazards A6, A8, D1, D2).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use remit_app::keys::Keys;
use remit_app::{App, Config, providers};
use remit_gateways::signature;
use serde_json::Value;

use crate::browser;
use crate::clinic::{Clinic, continues, minor, url};
use crate::server::random;

const SIGNATURE: &str = "sandbox-signature";

/// What the clinic's owner reads on the provider's dashboard.
pub struct Account {
    pub endpoint: String,
    pub account: String,
    pub secret_key: String,
    pub webhook_secret: String,
}

impl Account {
    pub async fn of(clinic: &Clinic) -> Account {
        let store = remit_app::open(&clinic.database)
            .await
            .expect("the database");
        let key = std::fs::read_to_string(clinic.folder.0.join("master.key"));
        let key = key.expect("the master key");
        let config = Config {
            public_url: clinic.public.clone(),
            self_url: clinic.public.clone(),
            demo: false,
            messages_a_day: remit_core::sending_limits::INSTALLATION_A_DAY,
            roots: remit_app::Roots::default(),
            demo_sign_in: None,
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let app = App::new(store, config, Keys::parse(&key).expect("a key")).expect("an app");
        let accounts = providers::all(&app).await.expect("accounts");
        let (row, _) = accounts.into_iter().next().expect("the sandbox's account");
        let place = format!("{} provider_account.secrets", row.clinic);
        let opened = app.keys.open(&place, &row.secrets_sealed).expect("secrets");
        let secrets: Value = serde_json::from_slice(&opened).expect("JSON");
        app.store.close().await;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Account {
            endpoint: row.id.to_string(),
            account: row.account,
            secret_key: text(&secrets["secret_key"]),
            webhook_secret: text(&secrets["webhook_secrets"][0]),
        }
    }

    /// An event of this account about a session, under an id of its own.
    fn event(&self, session: &str) -> (String, String) {
        let id = format!("sbx_evt_{:08x}{:08x}", random(), random());
        let body = serde_json::json!({
            "id": id, "kind": "session.completed", "account": self.account, "livemode": false,
            "created_at": now_ms(), "object": { "object": "session", "id": session }
        });
        (id, body.to_string())
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or(Duration::ZERO).as_millis();
    i64::try_from(since).unwrap_or(i64::MAX)
}

async fn deliver(clinic: &Clinic, node: usize, endpoint: &str, sign: &str, body: &str) -> u16 {
    let at = format!("{}/hooks/{endpoint}", clinic.addresses[node]);
    let request = browser::client()
        .post(at)
        .header("content-type", "application/json")
        .header(SIGNATURE, sign)
        .body(body.to_owned());
    let response = request.send().await.expect("an answer");
    response.status().as_u16()
}

/// How many events with this id are kept.
async fn kept(clinic: &Clinic, event: &str) -> i64 {
    use sqlx::Connection as _;
    let sql = "SELECT COUNT(*) FROM webhook_inbox WHERE event_id = $1";
    let at = &clinic.database;
    let counted = if at.starts_with("sqlite") {
        let mut database = sqlx::SqliteConnection::connect(at).await.expect("SQLite");
        let counting = sqlx::query_scalar(sql).bind(event);
        counting.fetch_one(&mut database).await
    } else {
        let mut database = sqlx::PgConnection::connect(at).await.expect("PostgreSQL");
        let counting = sqlx::query_scalar(sql).bind(event);
        counting.fetch_one(&mut database).await
    };
    counted.expect("a count")
}

pub async fn what_is_not_believed_is_not_stored(clinic: &Clinic) {
    let account = Account::of(clinic).await;
    let secret = &account.webhook_secret;
    let now = now_ms();
    let spaced = |body: &str| body.replace(':', ": ");
    type Sign<'a> = Box<dyn Fn(&str) -> String + Send + Sync + 'a>;
    let rows: Vec<(&str, Sign, u16)> = vec![
        ("no signature", Box::new(|_| String::new()), 400),
        (
            "another secret",
            Box::new(|body| signature::sign("sbx_whsec_wrong", now, body.as_bytes())),
            400,
        ),
        (
            "an empty secret",
            Box::new(|body| signature::sign("", now, body.as_bytes())),
            400,
        ),
        (
            "other bytes",
            Box::new(|body| signature::sign(secret, now, spaced(body).as_bytes())),
            400,
        ),
        (
            "301 s ago",
            Box::new(|body| signature::sign(secret, now - 301_000, body.as_bytes())),
            400,
        ),
        (
            "in 320 s",
            Box::new(|body| signature::sign(secret, now + 320_000, body.as_bytes())),
            400,
        ),
        (
            "in time",
            Box::new(|body| signature::sign(secret, now - 200_000, body.as_bytes())),
            200,
        ),
    ];
    for (what, sign, status) in &rows {
        let (event, body) = account.event("sbx_ses_unknown");
        let answer = deliver(clinic, 0, &account.endpoint, &sign(&body), &body).await;
        assert_eq!(answer, *status, "{what}");
        assert_eq!(
            kept(clinic, &event).await,
            i64::from(*status == 200),
            "{what}"
        );
        let again = deliver(clinic, 0, &account.endpoint, &sign(&body), &body).await;
        assert_eq!(again, *status, "{what}, again");
        assert_eq!(
            kept(clinic, &event).await,
            i64::from(*status == 200),
            "{what}, again"
        );
    }
    let (_, body) = account.event("sbx_ses_unknown");
    let signed = signature::sign(secret, now, body.as_bytes());
    for endpoint in ["whe_00000000000000000000000000000000", "x", ""] {
        assert_eq!(
            deliver(clinic, 0, endpoint, &signed, &body).await,
            404,
            "{endpoint}"
        );
    }
    // Authentic and of another mode: kept, never applied, and nobody is asked to repeat it (hazard A22).
    let (event, body) = account.event("sbx_ses_unknown");
    let live = body.replace("\"livemode\":false", "\"livemode\":true");
    let signed = signature::sign(secret, now, live.as_bytes());
    assert_eq!(
        deliver(clinic, 0, &account.endpoint, &signed, &live).await,
        200
    );
    assert_eq!(kept(clinic, &event).await, 1);
}

/// A forged fact under a true signature moves nothing: the provider's own API is asked (rule 9). And a true one may
/// come to any node, several times.
pub async fn either_node_takes_a_webhook(clinic: &Clinic) {
    let account = Account::of(clinic).await;
    let (visit, link) = clinic.books_and_issues(3_700).await;
    let mut phone = clinic.phone();
    let open = continues(&mut phone, url(&link), "card").await;
    let session = open
        .url
        .path()
        .rsplit('/')
        .next()
        .expect("a session")
        .to_owned();
    for node in 0..clinic.nodes.len() {
        let (_, body) = account.event(&session);
        let signed = signature::sign(&account.webhook_secret, now_ms(), body.as_bytes());
        assert_eq!(
            deliver(clinic, node, &account.endpoint, &signed, &body).await,
            200
        );
    }
    assert_eq!(
        clinic.link(&link).await["status"],
        "accessed",
        "a payment was invented"
    );
    let body = "card_number=4242424242424242&expiry=12%2F34&cvc=123&action=pay".to_owned();
    phone
        .send(
            reqwest::Method::POST,
            open.url.clone(),
            Some(body),
            Some(&open),
        )
        .await;
    for node in 0..clinic.nodes.len() {
        let (_, body) = account.event(&session);
        let signed = signature::sign(&account.webhook_secret, now_ms(), body.as_bytes());
        for _ in 0..3 {
            assert_eq!(
                deliver(clinic, node, &account.endpoint, &signed, &body).await,
                200
            );
        }
    }
    clinic.sees_status(&link, "paid").await;
    let visit = clinic.visit(&visit).await;
    assert_eq!((minor(&visit["paid"]), minor(&visit["credit"])), (3_700, 0));
    assert_eq!(visit["payments"].as_array().map(Vec::len), Some(1));
}
