//! The demo's month before: links that were sent and paid day by day, so that the summary, its fees and its payouts have
//! something to show. Made by the same verbs as everything else, with the clock set back.

use std::sync::Arc;

use anyhow::Result;
use remit_app::appointments::{self, BookingInput};
use remit_app::attempts::{self, Continue};
use remit_app::deliveries::{self, DeliveryInput};
use remit_app::refunds::{self, RefundInput};
use remit_app::views::{Patient, Practitioner, Service};
use remit_app::{Actor, App, links, outbox, payments};
use remit_core::appointments::Status;
use remit_core::deliveries::Channel;
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS};

/// How far the demo's past goes back.
pub const DAYS: i64 = 30;
/// Links a day: few at weekends, which fall on every sixth and seventh.
const LINKS: [i64; 7] = [3, 2, 4, 3, 3, 1, 0];
/// Minutes until the patient pays.
const MINUTES: [i64; 9] = [2, 4, 11, 24, 38, 75, 190, 610, 1_500];
const METHODS: [Method; 8] = [
    Method::Card,
    Method::Card,
    Method::Klarna,
    Method::Card,
    Method::Card,
    Method::Clearpay,
    Method::Card,
    Method::Klarna,
];

struct Past<'a> {
    app: &'a Arc<App>,
    desk: &'a Actor,
}

/// Plays the days before yesterday, oldest first. Every ninth link is not paid, and one payment is refunded in part.
pub async fn play(
    app: &Arc<App>,
    desk: &Actor,
    practitioners: &[Practitioner],
    services: &[Service],
    patients: &[Patient],
) -> Result<()> {
    let past = Past { app, desk };
    let mut number = 0_usize;
    for days in (3..=DAYS).rev() {
        let links = LINKS[usize::try_from(days % 7).unwrap_or(0)];
        for hour in 0..links {
            let ago = days * DAY_MS - hour * HOUR_MS;
            let input = BookingInput {
                patient: patients[number % patients.len()].id,
                services: vec![services[number % services.len()].id],
                practitioner: Some(practitioners[number % practitioners.len()].id),
                starts_at: app.now().await? - ago + 4 * HOUR_MS,
                with_deposit_link: false,
                despite_overlap: true,
            };
            past.link(&input, number, ago).await?;
            number += 1;
        }
    }
    Ok(())
}

impl Past<'_> {
    /// Does something as it was done so many milliseconds ago.
    async fn ago<T>(&self, ms: i64, verb: impl Future<Output = remit_app::Result<T>>) -> Result<T> {
        self.app.store.shift_clock(-ms);
        let done = verb.await;
        self.app.store.shift_clock(ms);
        Ok(done?)
    }

    async fn link(&self, input: &BookingInput, number: usize, ago: i64) -> Result<()> {
        let booked = appointments::book(self.app, self.desk, None, input);
        let (appointment, _) = self.ago(ago, booked).await?;
        let link = self.ago(ago, self.send(appointment)).await?;
        if number % 9 == 8 {
            return Ok(());
        }
        let later = ago - MINUTES[number % MINUTES.len()] * MINUTE_MS;
        self.ago(later, self.pay(link, METHODS[number % METHODS.len()]))
            .await?;
        let done = appointments::change_status(self.app, self.desk, appointment, Status::Completed);
        self.ago(later - 5 * HOUR_MS, done).await?;
        if number == 20 {
            self.ago(later - DAY_MS, self.refund(appointment)).await?;
        }
        Ok(())
    }

    async fn send(&self, appointment: AppointmentId) -> remit_app::Result<LinkId> {
        let link = links::issue(self.app, self.desk, appointment, None, Purpose::Balance).await?;
        let input = DeliveryInput {
            channel: Channel::Sms,
            to: None,
            remember: false,
        };
        deliveries::deliver(self.app, self.desk, link, None, &input).await?;
        outbox::run(self.app).await?;
        Ok(link)
    }

    /// Pays on the sandbox's page, as a patient does.
    async fn pay(&self, link: LinkId, method: Method) -> remit_app::Result<()> {
        let to = attempts::pay(self.app, self.desk.clinic, link, method).await?;
        let Continue::To { url, attempt } = to else {
            return Err(remit_app::Error::Setup("the sandbox gave no page".into()));
        };
        let form = super::diary::form(method);
        self.app.press_in_sandbox(&url, form).await?;
        attempts::returned(self.app, attempt).await?;
        // The receipt leaves with the clock as it was.
        outbox::run(self.app).await.map(drop)
    }

    async fn refund(&self, appointment: AppointmentId) -> remit_app::Result<()> {
        let paid = payments::of_appointment(self.app, self.desk.clinic, appointment).await?;
        if let Some(view) = paid.first() {
            let third = view.payment.amount.with(view.payment.amount.minor / 3);
            let input = RefundInput {
                amount: Some(third),
                reason: Some("Session ended early".into()),
                reopen: false,
                seen_available: None,
            };
            refunds::request(self.app, self.desk, view.payment.id, None, &input).await?;
            outbox::run(self.app).await?;
        }
        Ok(())
    }
}
