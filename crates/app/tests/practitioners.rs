//! Booking and moving over the real rows, on both engines: what stands against a time is asked about, staff may insist,
//! and nobody undoes a move that they have not seen.

// Its own booking is for those who need no practitioner.
#[allow(dead_code)]
mod desk;

use desk::{Desk, Folder};
use jiff::tz::TimeZone;
use remit_app::appointments::{AppointmentChange, BookingInput, book, change, get};
use remit_app::patients::PatientInput;
use remit_app::practitioners::{AbsenceInput, PractitionerInput, add, add_absence, set_active};
use remit_app::services::{Deposit, ServiceInput};
use remit_app::{Actor, Error, links, patients, services};
use remit_core::ids::{AppointmentId, PatientId, PractitionerId, ServiceId};
use remit_core::links::Purpose;
use remit_core::money::Money;
use remit_core::practitioners::{Clash, WorkingDay, WorkingWeek};
use remit_core::{HOUR_MS, MINUTE_MS, UtcMs};

struct House {
    desk: Desk,
    patient: PatientId,
    service: ServiceId,
    tom: PractitionerId,
    _folder: Option<Folder>,
}

impl House {
    /// Tom works every day from 09:00 to 17:00 with lunch at 12:00, and a service takes half an hour.
    async fn opens(store: remit_app::Store, folder: Option<Folder>) -> House {
        let desk = Desk::opens(store).await;
        let (app, actor) = (&desk.app, &desk.desk);
        let patient = PatientInput {
            name: "Hannah Whitlock".into(),
            email: Some("hannah@mail.example".into()),
            phone: None,
            locale: None,
        };
        let service = ServiceInput {
            name: "Check-up".into(),
            duration_minutes: 30,
            price: Money::gbp(4500),
            deposit: Deposit::Fixed(Money::gbp(1000)),
            active: true,
        };
        let day = WorkingDay::new(9 * 60, 17 * 60, Some((12 * 60, 13 * 60))).unwrap();
        let tom = PractitionerInput {
            name: "Tom Hargreaves".into(),
            speciality: String::new(),
            room: String::new(),
            hue: None,
            week: WorkingWeek([Some(day); 7]),
        };
        let patient = patients::create(app, actor, None, patient).await.unwrap();
        let service = services::create(app, actor, None, service).await.unwrap();
        let tom = add(app, actor, tom).await.unwrap();
        House {
            patient: patient.id,
            service: service.id,
            tom: tom.id,
            desk,
            _folder: folder,
        }
    }

    /// An hour of the day after tomorrow in London.
    async fn at(&self, hour: i8, minute: i8) -> UtcMs {
        let now = jiff::Timestamp::from_millisecond(self.desk.app.now().await.unwrap()).unwrap();
        let zone = TimeZone::get("Europe/London").unwrap();
        let day = now.to_zoned_datetime(zone.clone()).date();
        let day = day.checked_add(jiff::Span::new().days(2)).unwrap();
        let moment = day.at(hour, minute, 0, 0).to_zoned_datetime(zone).unwrap();
        moment.timestamp().as_millisecond()
    }

    async fn books(&self, starts_at: UtcMs, insists: bool) -> remit_app::Result<AppointmentId> {
        let input = BookingInput {
            patient: self.patient,
            services: vec![self.service],
            practitioner: Some(self.tom),
            starts_at,
            with_deposit_link: false,
            despite_overlap: insists,
        };
        let booked = book(&self.desk.app, &self.desk.desk, None, &input).await?;
        Ok(booked.0)
    }

    /// A receptionist moves an appointment that they have seen at a revision.
    async fn moves(
        &self,
        who: &str,
        id: AppointmentId,
        (starts_at, minutes): (UtcMs, i64),
        seen: i64,
        insists: bool,
    ) -> remit_app::Result<()> {
        let actor = Actor {
            label: who.into(),
            ..self.desk.desk.clone()
        };
        let to = AppointmentChange {
            starts_at: Some(starts_at),
            minutes: Some(minutes),
            seen: Some(seen),
            despite_overlap: insists,
            ..AppointmentChange::default()
        };
        change(&self.desk.app, &actor, id, to).await
    }
}

/// A house over SQLite, and one over PostgreSQL where the environment names one.
async fn houses(name: &str) -> Vec<House> {
    let (store, folder) = desk::on_sqlite(name).await;
    let mut houses = vec![House::opens(store, Some(folder)).await];
    if let Some(store) = desk::on_postgres(name).await {
        houses.push(House::opens(store, None).await);
    }
    houses
}

fn clash<T: std::fmt::Debug>(done: remit_app::Result<T>) -> Clash {
    match done {
        Err(Error::Clash(clash)) => clash,
        other => panic!("not asked about: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_against_a_time_is_asked_about_and_staff_may_insist() {
    for house in houses("asked_about").await {
        let ten = house.at(10, 0).await;
        house.books(ten, false).await.unwrap();
        let taken = clash(house.books(ten + 29 * MINUTE_MS, false).await);
        let Clash::Taken { patient, .. } = taken else {
            panic!("{taken:?}")
        };
        assert_eq!(patient, "Hannah Whitlock");
        house.books(ten + 30 * MINUTE_MS, false).await.unwrap(); // to the minute
        house.books(ten, true).await.unwrap();
        let early = clash(house.books(house.at(8, 45).await, false).await);
        assert_eq!(
            early,
            Clash::OutsideHours {
                from: 540,
                to: 1020
            }
        );
        let lunch = clash(house.books(house.at(12, 30).await, false).await);
        assert_eq!(
            lunch,
            Clash::Lunch {
                start: 720,
                end: 780
            }
        );
        let (app, actor) = (&house.desk.app, &house.desk.desk);
        let away = AbsenceInput {
            starts_at: house.at(15, 0).await,
            ends_at: house.at(16, 0).await,
            reason: "Training".into(),
        };
        add_absence(app, actor, house.tom, away).await.unwrap();
        let absent = clash(house.books(house.at(15, 45).await, false).await);
        assert!(matches!(absent, Clash::Absent { ref reason, .. } if reason == "Training"));
        house.books(house.at(16, 0).await, false).await.unwrap();
        set_active(app, actor, house.tom, false).await.unwrap();
        let retired = house.books(house.at(14, 0).await, true).await;
        assert!(matches!(
            retired,
            Err(Error::Invalid {
                field: "practitioner_id",
                ..
            })
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_receptionists_do_not_overwrite_each_other_and_the_link_stays() {
    for house in houses("two_receptionists").await {
        let (app, actor) = (&house.desk.app, &house.desk.desk);
        let (ten, two) = (house.at(10, 0).await, house.at(14, 0).await);
        let other = house.books(two, false).await.unwrap();
        let id = house.books(ten, false).await.unwrap();
        links::issue(app, actor, id, None, Purpose::Deposit)
            .await
            .unwrap();
        let before = get(app, actor.clinic, id).await.unwrap();
        house
            .moves(
                "Joanne Bright",
                id,
                (ten + HOUR_MS, 45),
                before.revision,
                false,
            )
            .await
            .unwrap();
        let late = house
            .moves("Sam Reed", id, (ten - HOUR_MS, 30), before.revision, true)
            .await;
        let Err(Error::MovedMeanwhile(meanwhile)) = late else {
            panic!("{late:?}")
        };
        assert_eq!(meanwhile.by, "Joanne Bright");
        assert_eq!(meanwhile.slot.starts_at, ten + HOUR_MS);
        let after = get(app, actor.clinic, id).await.unwrap();
        assert_eq!(
            (after.starts_at, after.ends_at),
            (ten + HOUR_MS, ten + HOUR_MS + 45 * MINUTE_MS)
        );
        assert_eq!(after.open_link, before.open_link);
        assert_eq!(after.balance, before.balance);
        // Who has seen it is asked about the other appointment, never about its own.
        let clashing = house
            .moves("Sam Reed", id, (two, 45), after.revision, false)
            .await;
        assert!(matches!(clash(clashing), Clash::Taken { starts_at, .. } if starts_at == two));
        house
            .moves("Sam Reed", id, (ten + HOUR_MS, 60), after.revision, false)
            .await
            .unwrap();
        house
            .moves("Sam Reed", id, (two, 60), after.revision + 1, true)
            .await
            .unwrap();
        let untouched = get(app, actor.clinic, other).await.unwrap();
        assert_eq!(untouched.revision, 0);
    }
}
