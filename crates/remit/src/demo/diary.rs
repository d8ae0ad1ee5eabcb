//! The demo's diary: a day or two around today, with links in every status. All of it is made by the same verbs that
//! the desk uses, with the clock set to when it happened; nothing is written past them.

use std::sync::Arc;

use anyhow::Result;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use remit_app::appointments::{self, BookingInput};
use remit_app::attempts::{self, Continue};
use remit_app::deliveries::{self, DeliveryInput};
use remit_app::payments::{self, Checkout, DeskInput};
use remit_app::views::{Patient, Practitioner, Service};
use remit_app::{Actor, App, links, visits};
use remit_core::HOUR_MS;
use remit_core::appointments::Status;
use remit_core::deliveries::Channel;
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::payments::DeskMethod;

/// What happened to an appointment's money before the demo was started.
#[derive(Clone, Copy)]
enum Story {
    /// Nothing yet.
    Booked,
    /// Paid at the desk on the day.
    AtDesk(DeskMethod),
    /// A link was made and not handed over.
    LinkMade(Purpose),
    /// Sent, hours ago.
    Sent(Purpose, Channel, i64),
    /// Sent and opened by the patient, hours ago.
    Opened(Purpose, Channel, i64),
    /// Paid online, hours ago.
    Paid(Purpose, Method, i64),
    /// Sent more than two days ago and never paid.
    Expired(Purpose),
}

use Story::{AtDesk, Booked, Expired, LinkMade, Opened, Paid, Sent};

const DEPOSIT: Purpose = Purpose::Deposit;
const BALANCE: Purpose = Purpose::Balance;

/// Practitioner, start today (hour, minute), service, patient, status, story.
type Slot = (usize, i8, i8, usize, usize, Status, Story);

const TODAY: &[Slot] = &[
    (
        0,
        8,
        0,
        1,
        0,
        Status::Completed,
        AtDesk(DeskMethod::CardTerminal),
    ),
    (0, 9, 0, 0, 1, Status::Completed, AtDesk(DeskMethod::Cash)),
    (
        0,
        10,
        0,
        0,
        2,
        Status::Arrived,
        Paid(DEPOSIT, Method::Card, 60),
    ),
    (0, 11, 15, 1, 3, Status::Booked, Booked),
    (0, 13, 15, 1, 4, Status::Booked, Booked),
    (
        0,
        15,
        45,
        1,
        5,
        Status::Confirmed,
        Paid(BALANCE, Method::Klarna, 20),
    ),
    (0, 16, 30, 0, 6, Status::Booked, Expired(DEPOSIT)),
    (
        1,
        8,
        30,
        2,
        7,
        Status::Completed,
        AtDesk(DeskMethod::CardTerminal),
    ),
    (
        1,
        9,
        15,
        3,
        8,
        Status::Completed,
        Paid(BALANCE, Method::Card, 30),
    ),
    (
        1,
        10,
        15,
        3,
        9,
        Status::Arrived,
        Paid(DEPOSIT, Method::Clearpay, 26),
    ),
    (
        1,
        11,
        0,
        4,
        10,
        Status::Booked,
        Opened(BALANCE, Channel::Email, 3),
    ),
    (1, 13, 30, 2, 11, Status::Booked, LinkMade(BALANCE)),
    (
        1,
        14,
        15,
        3,
        12,
        Status::Confirmed,
        Paid(DEPOSIT, Method::Card, 44),
    ),
    (
        1,
        15,
        30,
        4,
        13,
        Status::Booked,
        Sent(BALANCE, Channel::Sms, 17),
    ),
    (1, 17, 0, 2, 14, Status::Booked, Booked),
    (
        2,
        8,
        45,
        5,
        15,
        Status::Completed,
        AtDesk(DeskMethod::CardTerminal),
    ),
    (2, 10, 0, 6, 16, Status::Arrived, Booked),
    (
        2,
        10,
        45,
        6,
        17,
        Status::Confirmed,
        Paid(BALANCE, Method::Card, 15),
    ),
    (
        2,
        11,
        30,
        7,
        18,
        Status::Confirmed,
        Paid(DEPOSIT, Method::Card, 19),
    ),
    (
        2,
        14,
        0,
        5,
        19,
        Status::Booked,
        Sent(DEPOSIT, Channel::Email, 19),
    ),
    (2, 15, 30, 6, 20, Status::Booked, Booked),
    (
        3,
        10,
        15,
        8,
        21,
        Status::Arrived,
        Opened(BALANCE, Channel::Sms, 1),
    ),
    (
        3,
        11,
        45,
        9,
        22,
        Status::Confirmed,
        Paid(BALANCE, Method::Klarna, 22),
    ),
    (3, 13, 30, 8, 23, Status::Booked, Booked),
    (
        3,
        15,
        0,
        8,
        24,
        Status::Confirmed,
        Paid(DEPOSIT, Method::Card, 33),
    ),
    (
        3,
        16,
        30,
        8,
        25,
        Status::Booked,
        Sent(DEPOSIT, Channel::Sms, 2),
    ),
];

/// Fills yesterday, today and tomorrow.
pub async fn fill(
    app: &Arc<App>,
    desk: &Actor,
    practitioners: &[Practitioner],
    services: &[Service],
    patients: &[Patient],
) -> Result<()> {
    let zone = TimeZone::get("Europe/London")?;
    let now = app.now().await?;
    let today = jiff::Timestamp::from_millisecond(now)?
        .to_zoned_datetime(zone.clone())
        .date();
    let seed = Seed { app, desk, zone };
    for (days, slots) in [(-1, &TODAY[..4]), (0, TODAY), (1, &TODAY[2..9])] {
        for slot in slots {
            let (practitioner, _, _, service, patient, _, _) = *slot;
            // Yesterday and tomorrow are other people.
            let patient = (patient + usize::try_from(days * 26).unwrap_or(26)) % patients.len();
            let date = today.checked_add(days.days())?;
            seed.tell(
                slot,
                date,
                days,
                &practitioners[practitioner],
                &services[service],
                &patients[patient],
            )
            .await?;
        }
    }
    Ok(())
}

struct Seed<'a> {
    app: &'a Arc<App>,
    desk: &'a Actor,
    zone: TimeZone,
}

impl Seed<'_> {
    async fn tell(
        &self,
        (_, hour, minute, _, _, status, story): &Slot,
        date: Date,
        days: i64,
        practitioner: &Practitioner,
        service: &Service,
        patient: &Patient,
    ) -> Result<()> {
        let starts_at = date
            .at(*hour, *minute, 0, 0)
            .to_zoned_datetime(self.zone.clone())?
            .timestamp()
            .as_millisecond();
        let input = BookingInput {
            patient: patient.id,
            services: vec![service.id],
            practitioner: Some(practitioner.id),
            starts_at,
            with_deposit_link: false,
            despite_overlap: true,
        };
        let (status, story) = match days {
            0 => (*status, *story),
            1 => (
                Status::Booked,
                if matches!(story, AtDesk(_)) {
                    Booked
                } else {
                    *story
                },
            ),
            _ => (Status::Completed, AtDesk(DeskMethod::CardTerminal)),
        };
        let booked_hours = self.hours(story) + 2;
        let (appointment, _) = self
            .ago(
                booked_hours,
                appointments::book(self.app, self.desk, None, &input),
            )
            .await?;
        self.play(appointment, story).await?;
        if status != Status::Booked {
            appointments::change_status(self.app, self.desk, appointment, status).await?;
        }
        Ok(())
    }

    fn hours(&self, story: Story) -> i64 {
        match story {
            Booked | AtDesk(_) | LinkMade(_) => 1,
            Sent(_, _, hours) | Opened(_, _, hours) | Paid(_, _, hours) => hours,
            Expired(_) => 66,
        }
    }

    /// Does something as it was done some hours ago.
    async fn ago<T>(
        &self,
        hours: i64,
        verb: impl Future<Output = remit_app::Result<T>>,
    ) -> Result<T> {
        self.app.store.shift_clock(-hours * HOUR_MS);
        let done = verb.await;
        self.app.store.shift_clock(hours * HOUR_MS);
        Ok(done?)
    }

    async fn play(&self, appointment: AppointmentId, story: Story) -> Result<()> {
        let hours = self.hours(story);
        match story {
            Booked => {}
            AtDesk(method) => self.take(appointment, method).await?,
            LinkMade(purpose) => {
                self.ago(
                    hours,
                    links::issue(self.app, self.desk, appointment, None, purpose),
                )
                .await?;
            }
            Sent(purpose, channel, _) => {
                self.send(appointment, purpose, channel, hours).await?;
            }
            Opened(purpose, channel, _) => {
                let link = self.send(appointment, purpose, channel, hours).await?;
                self.ago(hours, visits::seen(self.app, self.desk.clinic, link))
                    .await?;
            }
            Expired(purpose) => {
                self.send(appointment, purpose, Channel::Sms, hours).await?;
            }
            Paid(purpose, method, _) => {
                let link = self.send(appointment, purpose, Channel::Sms, hours).await?;
                self.ago(hours, self.pay(link, method)).await?;
            }
        }
        Ok(())
    }

    async fn take(&self, appointment: AppointmentId, method: DeskMethod) -> Result<()> {
        let due = appointments::get(self.app, self.desk.clinic, appointment)
            .await?
            .balance
            .due();
        let sum = DeskInput {
            method,
            amount: due,
            reference: None,
        };
        let checkout = Checkout {
            taken: vec![sum],
            link: None,
            despite_live_payment: false,
        };
        payments::check_out(self.app, self.desk, appointment, None, &checkout).await?;
        Ok(())
    }

    async fn send(
        &self,
        appointment: AppointmentId,
        purpose: Purpose,
        channel: Channel,
        hours: i64,
    ) -> Result<LinkId> {
        let link = self
            .ago(
                hours,
                links::issue(self.app, self.desk, appointment, None, purpose),
            )
            .await?;
        let input = DeliveryInput {
            channel,
            to: None,
            remember: false,
        };
        self.ago(
            hours,
            deliveries::deliver(self.app, self.desk, link, None, &input),
        )
        .await?;
        // The message leaves with the clock as it was, so that the tray and the timeline agree.
        self.ago(hours, remit_app::outbox::run(self.app)).await?;
        Ok(link)
    }

    /// Pays on the sandbox's page, as a patient does.
    async fn pay(&self, link: LinkId, method: Method) -> remit_app::Result<()> {
        let to = attempts::pay(self.app, self.desk.clinic, link, method).await?;
        let Continue::To { url, attempt } = to else {
            return Err(remit_app::Error::Setup("the sandbox gave no page".into()));
        };
        self.app.press_in_sandbox(&url, form(method)).await?;
        attempts::returned(self.app, attempt).await.map(drop)
    }
}

/// What a patient fills into the sandbox's page to pay.
pub fn form(method: Method) -> &'static [(&'static str, &'static str)] {
    match method {
        Method::Card => &[
            ("card_number", "4242424242424242"),
            ("expiry", "12 / 34"),
            ("cvc", "123"),
            ("action", "pay"),
        ],
        Method::Klarna | Method::Clearpay => &[("action", "approve")],
    }
}
