//! A clinic of its own on each engine at hand, and a person at its desk.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use remit_app::services::{Deposit, ServiceInput};
use remit_app::{Actor, App, Config, clinics, keys, services, sign_in};
use remit_core::clinic::Clinic;
use remit_core::ids::ClinicId;
use remit_core::money::{Currency, Money};
use remit_core::roles::Role;
use remit_store::{Store, migrate};
use tower::ServiceExt as _;

pub const PASSWORD: &str = "kettle ribbon harbour";

pub struct House {
    pub app: Arc<App>,
    pub clinic: ClinicId,
    router: Router,
    _folder: Folder,
}

struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One clinic on SQLite, and one on PostgreSQL where `REMIT_TEST_POSTGRES_URL` names it.
pub async fn houses(name: &str) -> Vec<House> {
    let folder = std::env::temp_dir().join(format!("remit-staff-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("remit.db").display().to_string();
    let lite = Store::open(&format!("sqlite://{path}")).await.unwrap();
    let mut houses = vec![found(lite, Folder(folder.clone())).await];
    match std::env::var("REMIT_TEST_POSTGRES_URL") {
        Ok(url) => {
            let schema = format!("t_staff_{name}_{}", std::process::id());
            let joined = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{joined}options=-c%20search_path%3D{schema}");
            let store = Store::open(&url).await.unwrap();
            migrate::own_schema(&store, &schema).await.unwrap();
            houses.push(found(store, Folder(folder)).await);
        }
        Err(_) => eprintln!("skipped on PostgreSQL: REMIT_TEST_POSTGRES_URL is not set"),
    }
    houses
}

async fn found(store: Store, folder: Folder) -> House {
    migrate::run(&store).await.unwrap();
    let keys = keys::Keys::parse(&keys::Keys::generate().unwrap()).unwrap();
    let config = Config {
        public_url: "http://127.0.0.1:9".into(),
        self_url: "http://127.0.0.1:9".into(),
        demo: false,
        messages_a_day: remit_core::sending_limits::INSTALLATION_A_DAY,
        roots: remit_app::Roots::default(),
        demo_sign_in: None,
    };
    let app = App::new(store, config, keys).unwrap();
    let clinic = Clinic {
        id: app.fresh(app.now().await.unwrap()).unwrap(),
        route: "larkhi".into(),
        name: "Larkhill Clinic".into(),
        strapline: String::new(),
        address: String::new(),
        phone: "0117 496 0142".into(),
        email: "desk@larkhill.example".into(),
        currency: Currency::GBP,
        country: "GB".into(),
        zone: "Europe/London".into(),
        test_mode: true,
        show_services: false,
        auto_refund: false,
    };
    clinics::found(&app, &clinic).await.unwrap();
    for role in Role::ALL {
        let email = format!("{}@larkhill.example", role.name());
        sign_in::add_staff(&app, clinic.id, &email, "Joanne Bright", role, PASSWORD)
            .await
            .unwrap();
    }
    let actor = Actor::remit(clinic.id);
    let assessment = ServiceInput {
        name: "Assessment".into(),
        duration_minutes: 45,
        price: Money::gbp(6_500),
        deposit: Deposit::Fixed(Money::gbp(2_000)),
        active: true,
    };
    services::create(&app, &actor, None, assessment)
        .await
        .unwrap();
    services::add_practitioner(&app, &actor, None, "Tom Hargreaves", "", "")
        .await
        .unwrap();
    House {
        router: remit_web::staff::router(app.clone(), &[]),
        app,
        clinic: clinic.id,
        _folder: folder,
    }
}

/// What came back.
pub struct Seen {
    pub status: StatusCode,
    pub location: String,
    pub cookie: String,
    pub html: String,
}

impl Seen {
    /// The value of the first control of this name.
    pub fn value(&self, name: &str) -> String {
        let marked = format!("name=\"{name}\" value=\"");
        let found = self.html.split_once(&marked).map(|(_, rest)| rest);
        found
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_else(|| panic!("no control {name} in {}", self.html))
            .to_owned()
    }

    pub fn says(&self, words: &str) -> &Self {
        assert!(
            self.html.contains(words),
            "{words:?} is not said: {}",
            self.html
        );
        self
    }
}

impl House {
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        cookie: &str,
        form: &[(&str, &str)],
    ) -> Seen {
        let pairs: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let body = Body::from(pairs.join("&"));
        let kind = "application/x-www-form-urlencoded";
        self.ask(method, path, cookie, kind, body).await
    }

    async fn ask(&self, method: &str, path: &str, cookie: &str, kind: &str, body: Body) -> Seen {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", cookie)
            .header("content-type", kind)
            .body(body)
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        let (location, cookie) = (header("location"), header("set-cookie"));
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Seen {
            status,
            location,
            cookie: cookie.split(';').next().unwrap_or_default().to_owned(),
            html: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Tries to sign in; answers with what came back.
    pub async fn try_sign_in(&self, email: &str, password: &str) -> Seen {
        let page = self.send("GET", "/sign-in", "", &[]).await;
        let csrf = page.value("csrf");
        let form = [
            ("csrf", csrf.as_str()),
            ("email", email),
            ("password", password),
            ("next", "//evil.example"),
        ];
        self.send("POST", "/sign-in", &page.cookie, &form).await
    }

    pub async fn person(&self, role: Role) -> Person<'_> {
        let email = format!("{}@larkhill.example", role.name());
        let entered = self.try_sign_in(&email, PASSWORD).await;
        assert_eq!(
            (entered.status, entered.location.as_str()),
            (StatusCode::SEE_OTHER, "/")
        );
        let mut person = Person {
            house: self,
            cookie: entered.cookie,
            csrf: String::new(),
        };
        person.csrf = person.get("/diary").await.value("csrf");
        person
    }
}

/// Somebody who is signed in.
pub struct Person<'a> {
    pub house: &'a House,
    pub cookie: String,
    pub csrf: String,
}

impl Person<'_> {
    pub async fn get(&self, path: &str) -> Seen {
        self.house.send("GET", path, &self.cookie, &[]).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Seen {
        let mut whole = vec![("csrf", self.csrf.as_str())];
        whole.extend_from_slice(form);
        self.house.send("POST", path, &self.cookie, &whole).await
    }

    /// Sends a form with one file.
    pub async fn uploads(&self, path: &str, name: &str, file: &[u8]) -> Seen {
        let csrf = &self.csrf;
        let head = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--cut\r\n\
             content-disposition: form-data; name=\"{name}\"; filename=\"x.png\"\r\n\r\n"
        );
        let body = [head.as_bytes(), file, b"\r\n--cut--\r\n"].concat();
        let kind = "multipart/form-data; boundary=cut";
        self.house
            .ask("POST", path, &self.cookie, kind, Body::from(body))
            .await
    }

    /// Books tomorrow at ten; answers with what came back.
    pub async fn books(&self, then: &str, start: &str) -> Seen {
        let form = self.get("/appointments/new").await;
        let services = services::list(&self.house.app, self.house.clinic, None, false, 9);
        let service = services.await.unwrap()[0].id.to_string();
        let people = services::practitioners(&self.house.app, self.house.clinic);
        let practitioner = people.await.unwrap()[0].id.to_string();
        self.post(
            "/appointments",
            &[
                ("idempotency_key", &form.value("idempotency_key")),
                ("patient_id", ""),
                ("patient_name", "Hannah Whitlock"),
                ("patient_phone", "07700 900618"),
                ("patient_email", "hannah@example.com"),
                ("service", &service),
                ("practitioner", &practitioner),
                ("date", &form.value_of_date()),
                ("start", start),
                ("then", then),
            ],
        )
        .await
    }
}

impl Seen {
    fn value_of_date(&self) -> String {
        let after = self.html.split_once("name=\"date\"").map(|(_, rest)| rest);
        let value = after.and_then(|rest| rest.split_once("value=\""));
        value.map(|(_, rest)| rest[..10].to_owned()).unwrap()
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
