//! A clinic over a fresh database, whose provider is nowhere.

use std::sync::Arc;

use remit_app::appointments::{BookingInput, book};
use remit_app::keys::Keys;
use remit_app::patients::PatientInput;
use remit_app::services::{Deposit, ServiceInput};
use remit_app::{Actor, App, Config, clinics, patients, services, worker};
use remit_core::HOUR_MS;
use remit_core::clinic::Clinic;
use remit_core::ids::AppointmentId;
use remit_core::money::{Currency, Money};

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
