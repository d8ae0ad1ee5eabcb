//! The demo's clinic: invented, with phone numbers kept for fiction and reserved address domains.

use std::sync::Arc;

use anyhow::Result;
use remit_app::branding::ClinicInput;
use remit_app::practitioners::{AbsenceInput, PractitionerInput};
use remit_app::services::{Deposit, ServiceInput};
use remit_app::views::{Practitioner, Service};
use remit_app::{Actor, App, api_keys, branding, clinics, practitioners, services, sign_in};
use remit_core::clinic::Clinic;
use remit_core::ids::StaffId;
use remit_core::money::{Currency, Money};
use remit_core::practitioners::{WorkingDay, WorkingWeek};
use remit_core::roles::Role;

pub const OWNER_EMAIL: &str = "stephen.marsh@larkhill.example";

/// Founds the clinic; answers with the receptionist, who books what follows, and with everybody who can sign in.
pub async fn found(app: &Arc<App>, password: &str, api_key: &str) -> Result<(Actor, [StaffId; 2])> {
    let clinic = Clinic {
        id: app.fresh(app.now().await?)?,
        route: crate::clinic::new_route()?,
        name: "Larkhill Clinic".into(),
        strapline: "Redland, Bristol".into(),
        address: "22 Larkhill Road, Bristol BS6 5QN".into(),
        phone: "0117 496 0142".into(),
        email: "desk@larkhill.example".into(),
        currency: Currency::GBP,
        country: "GB".into(),
        zone: "Europe/London".into(),
        test_mode: true,
        show_services: false,
        auto_refund: false,
    };
    clinics::found(app, &clinic).await?;
    let input = ClinicInput {
        name: clinic.name,
        strapline: clinic.strapline,
        address: clinic.address,
        phone: clinic.phone,
        email: clinic.email,
        website: "larkhill.example".into(),
        privacy: "larkhill.example/privacy".into(),
        terms: "larkhill.example/terms".into(),
        zone: clinic.zone,
        accent: String::new(),
        show_services: false,
    };
    branding::save(app, &Actor::remit(clinic.id), &input).await?;
    let owner = sign_in::add_staff(
        app,
        clinic.id,
        OWNER_EMAIL,
        "Stephen Marsh",
        Role::Owner,
        password,
    )
    .await?;
    let reception = sign_in::add_staff(
        app,
        clinic.id,
        "joanne.bright@larkhill.example",
        "Joanne Bright",
        Role::Reception,
        password,
    )
    .await?;
    api_keys::keep(app, &Actor::remit(clinic.id), "demo", Role::Owner, api_key).await?;
    let desk = Actor {
        label: "Joanne Bright".into(),
        ..Actor::remit(clinic.id)
    };
    Ok((desk, [owner, reception]))
}

/// Name, minutes, price in pence, deposit: one service with each rule, and some more.
const SERVICES: &[(&str, i64, i64, Deposit)] = &[
    (
        "Physiotherapy assessment",
        45,
        6500,
        Deposit::Fixed(Money::gbp(2000)),
    ),
    ("Physiotherapy follow-up", 30, 4800, Deposit::None),
    ("Skin consultation", 30, 9500, Deposit::None),
    ("Chemical peel", 45, 12_000, Deposit::Percent(25)),
    ("Laser, one session", 60, 14_000, Deposit::Full),
    (
        "Biomechanical assessment",
        60,
        8500,
        Deposit::Fixed(Money::gbp(3000)),
    ),
    ("Routine foot care", 30, 4200, Deposit::None),
    ("Nail surgery", 60, 16_000, Deposit::Percent(50)),
    (
        "Sports massage, 60 min",
        60,
        5800,
        Deposit::Fixed(Money::gbp(1500)),
    ),
    ("Sports massage, 30 min", 30, 3600, Deposit::None),
];

/// Name, speciality, room, and in minutes of the day: hours on weekdays, lunch.
type Person = (
    &'static str,
    &'static str,
    &'static str,
    (i64, i64),
    (i64, i64),
);

const PRACTITIONERS: &[Person] = &[
    (
        "Tom Hargreaves",
        "Physiotherapy",
        "Room 2",
        (480, 1080),
        (720, 780),
    ),
    ("Dr Priya Nair", "Skin", "Room 1", (510, 1080), (750, 795)),
    ("Megan Lloyd", "Podiatry", "Room 3", (480, 1020), (765, 810)),
    (
        "Amira Khan",
        "Sports massage",
        "Room 4",
        (615, 1080),
        (750, 795),
    ),
];

/// Their hours, every weekday, and a holiday next week.
async fn employ(app: &Arc<App>, desk: &Actor, people: &[Practitioner]) -> Result<()> {
    for (who, (_, _, _, (from, to), lunch)) in people.iter().zip(PRACTITIONERS) {
        let day = WorkingDay::new(*from, *to, Some(*lunch))?;
        let mut week = WorkingWeek::default();
        // The diary is filled whatever day the demo is started on.
        week.0.fill(Some(day));
        let input = PractitionerInput {
            name: who.name.clone(),
            speciality: who.speciality.clone(),
            room: who.room.clone(),
            hue: None,
            week,
        };
        practitioners::change(app, desk, who.id, input).await?;
    }
    Ok(())
}

/// Megan Lloyd is away from the day after tomorrow on.
pub async fn away(app: &Arc<App>, desk: &Actor, people: &[Practitioner]) -> Result<()> {
    let zone = jiff::tz::TimeZone::get("Europe/London")?;
    let today = jiff::Timestamp::from_millisecond(app.now().await?)?
        .to_zoned_datetime(zone.clone())
        .date();
    let midnight = |days: i64| -> Result<i64> {
        let day = today.checked_add(jiff::Span::new().days(days))?;
        let moment = day.to_datetime(jiff::civil::Time::midnight());
        Ok(moment
            .to_zoned_datetime(zone.clone())?
            .timestamp()
            .as_millisecond())
    };
    let holiday = AbsenceInput {
        starts_at: midnight(2)?,
        ends_at: midnight(7)?,
        reason: "Holiday".into(),
    };
    if let Some(megan) = people.get(2) {
        practitioners::add_absence(app, desk, megan.id, holiday).await?;
    }
    Ok(())
}

/// Adds who treats and what is booked.
pub async fn furnish(app: &Arc<App>, desk: &Actor) -> Result<(Vec<Practitioner>, Vec<Service>)> {
    let (mut people, mut all) = (Vec::new(), Vec::new());
    for (name, speciality, room, _, _) in PRACTITIONERS {
        people.push(services::add_practitioner(app, desk, None, name, speciality, room).await?);
    }
    employ(app, desk, &people).await?;
    for (name, duration_minutes, price, deposit) in SERVICES {
        let input = ServiceInput {
            name: (*name).into(),
            duration_minutes: *duration_minutes,
            price: Money::gbp(*price),
            deposit: *deposit,
            active: true,
        };
        all.push(services::create(app, desk, None, input).await?);
    }
    Ok((people, all))
}
