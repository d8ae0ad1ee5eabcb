//! A clinic over a fresh database, whose provider is nowhere.

use std::path::PathBuf;
use std::sync::Arc;

use remit_app::appointments::{BookingInput, book};
use remit_app::keys::Keys;
use remit_app::patients::PatientInput;
use remit_app::services::{Deposit, ServiceInput};
use remit_app::{Actor, App, Config, Store, clinics, patients, services, worker};
use remit_core::HOUR_MS;
use remit_core::clinic::Clinic;
use remit_core::ids::AppointmentId;
use remit_core::money::{Currency, Money};

/// A SQLite file of its own; its folder goes when this is dropped.
#[allow(dead_code, reason = "not every test binary opens a file")]
pub struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[allow(dead_code, reason = "not every test binary opens a file")]
pub async fn on_sqlite(name: &str) -> (Store, Folder) {
    let folder = std::env::temp_dir().join(format!("remit-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("sqlite://{}", folder.join("remit.db").display());
    (remit_app::open(&url).await.unwrap(), Folder(folder))
}

/// A schema of its own, where the environment names a server.
#[allow(dead_code, reason = "not every test binary runs on it")]
pub async fn on_postgres(name: &str) -> Option<Store> {
    let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
        eprintln!("skipped on PostgreSQL: REMIT_TEST_POSTGRES_URL is not set");
        return None;
    };
    let joined = if url.contains('?') { '&' } else { '?' };
    let schema = format!("app_{name}");
    let url = format!("{url}{joined}options=-c%20search_path%3D{schema}");
    let store = remit_app::open(&url).await.unwrap();
    remit_store::migrate::own_schema(&store, &schema)
        .await
        .unwrap();
    Some(store)
}

/// Somebody at the front desk of a clinic of its own.
pub struct Desk {
    pub app: Arc<App>,
    pub desk: Actor,
}

impl Desk {
    pub async fn opens(store: remit_app::Store) -> Desk {
        worker::migrate(&store).await.unwrap();
        let nowhere = "http://127.0.0.1:9".to_owned();
        let config = Config {
            public_url: nowhere.clone(),
            self_url: nowhere,
            demo: false,
            messages_a_day: remit_core::sending_limits::INSTALLATION_A_DAY,
            roots: remit_app::Roots::default(),
            demo_sign_in: None,
        };
        let keys = Keys::parse(&Keys::generate().unwrap()).unwrap();
        let app = App::new(store, config, keys).unwrap();
        let clinic = Clinic {
            id: app.fresh(app.now().await.unwrap()).unwrap(),
            route: "a0".into(),
            name: "Test Clinic".into(),
            strapline: String::new(),
            address: String::new(),
            phone: String::new(),
            email: String::new(),
            currency: Currency::GBP,
            country: "GB".into(),
            zone: "Europe/London".into(),
            test_mode: true,
            show_services: false,
            auto_refund: false,
        };
        clinics::found(&app, &clinic).await.unwrap();
        Desk {
            desk: Actor::remit(clinic.id),
            app,
        }
    }

    /// One patient's appointment that owes 45.00.
    pub async fn books(&self) -> AppointmentId {
        let (app, desk) = (&self.app, &self.desk);
        let patient = PatientInput {
            name: "Anna Smith".into(),
            email: Some("anna@mail.example".into()),
            phone: Some("07700 900123".into()),
            locale: None,
        };
        let service = ServiceInput {
            name: "Check-up".into(),
            duration_minutes: 30,
            price: Money::gbp(4500),
            deposit: Deposit::None,
            active: true,
        };
        let booking = BookingInput {
            patient: patients::create(app, desk, None, patient).await.unwrap().id,
            services: vec![services::create(app, desk, None, service).await.unwrap().id],
            practitioner: None,
            starts_at: app.now().await.unwrap() + 24 * HOUR_MS,
            with_deposit_link: false,
            despite_overlap: false,
        };
        book(app, desk, None, &booking).await.unwrap().0
    }
}
