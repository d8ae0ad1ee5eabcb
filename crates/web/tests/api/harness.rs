//! An installation of its own for each test, behind its real doors, on either engine. Every answer of the API is
//! compared with the served description on its way to the test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use remit_app::{Actor, App, Config, Store, api_keys, clinics, keys, worker};
use remit_core::clinic::Clinic as ClinicRow;
use remit_core::ids::ClinicId;
use remit_core::money::Currency;
use remit_core::roles::Role;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::contract;

/// Declares one test as two, `sqlite` and `postgres`, each with an installation of its own.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($house:ident: House) $body:block)*) => { $(
        mod $name {
            use super::*;

            async fn run($house: House) $body

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                run(House::on_sqlite(concat!(module_path!(), "::sqlite")).await).await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if let Some(house) = House::on_postgres(concat!(module_path!(), "::postgres")).await {
                    run(house).await;
                }
            }
        }
    )* };
}
pub(crate) use on_both_engines;

const HOST: &str = "pay.example.test";
const BODY_BYTES_READ_MAX: usize = 16 * 1024 * 1024;

/// An installation.
pub struct House {
    pub app: Arc<App>,
    door: Router,
    folder: Option<PathBuf>,
    _running: watch::Sender<bool>,
}

impl House {
    pub async fn on_sqlite(name: &str) -> House {
        let folder = std::env::temp_dir().join(format!("remit-{}", plain(name)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}", folder.join("remit.db").display());
        let store = remit_app::open(&url).await.unwrap();
        House::over(store, Some(folder)).await
    }

    /// A schema of its own, so that tests do not meet.
    pub async fn on_postgres(name: &str) -> Option<House> {
        let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
            eprintln!("skipped on PostgreSQL: REMIT_TEST_POSTGRES_URL is not set");
            return None;
        };
        let schema = format!("t_{}", plain(name));
        let joined = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joined}options=-c%20search_path%3D{schema}");
        let store = remit_app::open(&url).await.unwrap();
        remit_store::migrate::own_schema(&store, &schema)
            .await
            .unwrap();
        Some(House::over(store, None).await)
    }

    async fn over(store: Store, folder: Option<PathBuf>) -> House {
        // Beside a test that fails stands what went wrong inside.
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_max_level(tracing::Level::ERROR)
            .try_init();
        worker::migrate(&store).await.unwrap();
        let config = Config {
            public_url: format!("https://{HOST}"),
            self_url: format!("https://{HOST}"),
            demo: false,
            messages_a_day: remit_core::sending_limits::INSTALLATION_A_DAY,
            roots: remit_app::Roots::default(),
            demo_sign_in: None,
        };
        let keys = keys::Keys::parse(&keys::Keys::generate().unwrap()).unwrap();
        let app = App::new(store, config, keys).unwrap();
        let (running, stop) = watch::channel(false);
        let options = remit_web::Options {
            trusted_proxies: vec![],
            metrics: None,
            stop,
        };
        House {
            door: remit_web::router(app.clone(), options),
            app,
            folder,
            _running: running,
        }
    }

    /// A British clinic with a key of each role. `route` tells clinics apart in their tokens.
    pub async fn founds(&self, route: &str) -> Clinic {
        let id: ClinicId = self.app.fresh(self.app.now().await.unwrap()).unwrap();
        let row = ClinicRow {
            id,
            route: route.to_owned(),
            name: "Larkhill Clinic".into(),
            strapline: String::new(),
            address: "1 Larkhill, Bristol".into(),
            phone: "0117 496 0100".into(),
            email: "desk@larkhill.example".into(),
            currency: Currency::parse("GBP").unwrap(),
            country: "GB".into(),
            zone: "Europe/London".into(),
            test_mode: false,
            show_services: false,
            auto_refund: false,
        };
        clinics::found(&self.app, &row).await.unwrap();
        let mut secrets = BTreeMap::new();
        for role in Role::ALL {
            let secret = api_keys::create(&self.app, &Actor::remit(id), role.name(), role).await;
            secrets.insert(role, secret.unwrap());
        }
        Clinic {
            id,
            app: self.app.clone(),
            door: self.door.clone(),
            secrets,
        }
    }

    /// Somebody without a key, or with `secret`.
    pub fn stranger(&self, secret: Option<&str>) -> Caller {
        Caller {
            door: self.door.clone(),
            secret: secret.map(str::to_owned),
        }
    }

    /// Posts JSON to one of the hooks, which are no part of the API; answers the status.
    pub async fn posts(&self, path: &str, token: Option<&str>, body: &Value) -> u16 {
        let mut request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let answer = self.door.clone().oneshot(request).await.unwrap();
        answer.status().as_u16()
    }

    /// Lets time pass, for this installation alone.
    pub fn waits(&self, ms: i64) {
        self.app.store.shift_clock(ms);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A clinic and its keys.
pub struct Clinic {
    pub id: ClinicId,
    pub app: Arc<App>,
    door: Router,
    secrets: BTreeMap<Role, String>,
}

impl Clinic {
    pub fn secret(&self, role: Role) -> String {
        self.secrets[&role].clone()
    }

    pub fn as_role(&self, role: Role) -> Caller {
        Caller {
            door: self.door.clone(),
            secret: Some(self.secrets[&role].clone()),
        }
    }

    pub fn owner(&self) -> Caller {
        self.as_role(Role::Owner)
    }
}

/// Who sends requests.
#[derive(Clone)]
pub struct Caller {
    door: Router,
    pub secret: Option<String>,
}

/// A request that is being written.
pub struct Ask {
    pub method: String,
    pub path: String,
    pub idempotency_keys: Vec<String>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

impl Ask {
    pub fn new(method: &str, path: &str) -> Ask {
        Ask {
            method: method.into(),
            path: path.into(),
            idempotency_keys: vec![],
            content_type: None,
            body: vec![],
        }
    }

    pub fn json(self, body: &Value) -> Ask {
        Ask {
            content_type: Some("application/json".into()),
            body: body.to_string().into_bytes(),
            ..self
        }
    }

    pub fn text(self, content_type: &str, body: impl Into<Vec<u8>>) -> Ask {
        Ask {
            content_type: Some(content_type.into()),
            body: body.into(),
            ..self
        }
    }

    pub fn under(mut self, key: &str) -> Ask {
        self.idempotency_keys.push(key.into());
        self
    }
}

impl Caller {
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Ask::new("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Ask::new("POST", path).json(&body)).await
    }

    pub async fn post_under(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.send(Ask::new("POST", path).json(body).under(key))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Ask::new("PATCH", path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Ask::new("PUT", path).json(&body)).await
    }

    /// Sends a request to `path` below `/api/v1`, or to an absolute one that starts with `//`.
    pub async fn send(&self, ask: Ask) -> Reply {
        let path = match ask.path.strip_prefix('/') {
            Some(absolute) if absolute.starts_with('/') => absolute.to_owned(),
            _ => format!("/api/v1{}", ask.path),
        };
        let mut request = Request::builder()
            .method(ask.method.as_str())
            .uri(&path)
            .header(header::HOST, HOST);
        if let Some(secret) = &self.secret {
            request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
        }
        for key in &ask.idempotency_keys {
            request = request.header("idempotency-key", key);
        }
        if let Some(content_type) = &ask.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(Body::from(ask.body)).unwrap();
        let answer = self.door.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, BODY_BYTES_READ_MAX).await.unwrap();
        let reply = Reply {
            ask: format!("{} {path}", ask.method),
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes: bytes.to_vec(),
        };
        contract::hold(&ask.method, &path, &reply);
        reply
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub ask: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.ask, self.text()))
    }

    /// The body of an answer of this status.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.ask, self.text());
        self.json()
    }

    /// The body of a problem of this status and kind.
    #[track_caller]
    pub fn is_problem(&self, status: u16, kind: &str) -> Value {
        let body = self.is(status);
        assert_eq!(body["type"], format!("/problems/{kind}"), "{}", self.ask);
        body
    }

    /// A problem that names these fields, in order.
    #[track_caller]
    pub fn names(&self, status: u16, kind: &str, fields: &[&str]) -> Value {
        let body = self.is_problem(status, kind);
        let errors = body["errors"].as_array().unwrap().iter();
        let found: Vec<&str> = errors
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(found, fields, "{}: {body}", self.ask);
        body
    }
}

/// A short name for folders and schemas, of this process alone.
fn plain(name: &str) -> String {
    let tail: String = name
        .rsplit("::")
        .take(2)
        .flat_map(str::chars)
        .filter(char::is_ascii_alphanumeric)
        .take(44)
        .collect();
    format!("{}_{}", tail.to_ascii_lowercase(), std::process::id())
}
