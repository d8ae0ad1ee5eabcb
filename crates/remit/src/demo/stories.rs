//! What people did before the demo was started. All of it is made by the same verbs that desk and patient use, with the
//! clock set to when it happened; nothing is written past them.

use std::sync::Arc;

use anyhow::Result;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use remit_app::appointments::{self, BookingInput};
use remit_app::attempts::{self, Continue};
use remit_app::deliveries::{self, DeliveryInput};
use remit_app::payments::{self, Checkout, DeskInput};
use remit_app::refunds::{self, RefundInput};
use remit_app::views::{Patient, Practitioner, Service};
use remit_app::{Actor, App, links, outbox, visits};
use remit_core::appointments::Status;
use remit_core::deliveries::Channel;
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_core::payments::DeskMethod;

/// Pays at once.
pub const CARD: &str = "4242424242424242";
/// Pays, and its bank takes the money back right afterwards.
pub const CARD_DISPUTED: &str = "4000000000000259";

/// The clinic's people, and what they do at a time that has passed.
pub struct Past<'a> {
    pub app: &'a Arc<App>,
    pub desk: &'a Actor,
    pub practitioners: &'a [Practitioner],
    pub services: &'a [Service],
    pub patients: &'a [Patient],
    pub zone: TimeZone,
    /// When the story is told (UTC ms).
    pub now: i64,
}

/// Who is treated by whom, for what, and when it starts (UTC ms).
#[derive(Clone, Copy)]
pub struct Visit {
    pub practitioner: usize,
    pub service: usize,
    pub patient: usize,
    pub starts_at: i64,
}

impl Past<'_> {
    pub fn today(&self) -> Result<Date> {
        let now = jiff::Timestamp::from_millisecond(self.now)?;
        Ok(now.to_zoned_datetime(self.zone.clone()).date())
    }

    /// UTC ms of a time of a day in the clinic's zone.
    pub fn at(&self, day: Date, hour: i8, minute: i8) -> Result<i64> {
        let moment = day.at(hour, minute, 0, 0);
        let moment = moment.to_zoned_datetime(self.zone.clone())?;
        Ok(moment.timestamp().as_millisecond())
    }

    /// Does something as it was done at a time (UTC ms); what lies ahead is done now.
    async fn then<T>(
        &self,
        at: i64,
        verb: impl Future<Output = remit_app::Result<T>>,
    ) -> Result<T> {
        let back = (self.now - at).max(0);
        self.app.store.shift_clock(-back);
        let done = verb.await;
        self.app.store.shift_clock(back);
        Ok(done?)
    }

    pub async fn book(&self, at: i64, visit: Visit) -> Result<AppointmentId> {
        let input = BookingInput {
            patient: self.patients[visit.patient % self.patients.len()].id,
            services: vec![self.services[visit.service % self.services.len()].id],
            practitioner: Some(self.practitioners[visit.practitioner].id),
            starts_at: visit.starts_at,
            with_deposit_link: false,
            despite_overlap: true,
        };
        let booked = appointments::book(self.app, self.desk, None, &input);
        Ok(self.then(at, booked).await?.0)
    }

    pub async fn becomes(&self, at: i64, appointment: AppointmentId, to: Status) -> Result<()> {
        let verb = appointments::change_status(self.app, self.desk, appointment, to);
        self.then(at, verb).await
    }

    /// Everything that is due, at the desk.
    pub async fn take(
        &self,
        at: i64,
        appointment: AppointmentId,
        method: DeskMethod,
    ) -> Result<()> {
        let view = appointments::get(self.app, self.desk.clinic, appointment).await?;
        let due = view.balance.due();
        self.take_sum(at, appointment, method, due).await
    }

    /// What an appointment costs.
    pub async fn price(&self, appointment: AppointmentId) -> Result<Money> {
        let view = appointments::get(self.app, self.desk.clinic, appointment).await?;
        Ok(view.balance.money(view.balance.total))
    }

    pub async fn take_sum(
        &self,
        at: i64,
        appointment: AppointmentId,
        method: DeskMethod,
        amount: Money,
    ) -> Result<()> {
        let reference = match method {
            DeskMethod::BankTransfer => Some("Faster Payment".to_owned()),
            DeskMethod::Cash | DeskMethod::CardTerminal => None,
        };
        let checkout = Checkout {
            taken: vec![DeskInput {
                method,
                amount,
                reference,
            }],
            link: None,
            despite_live_payment: false,
        };
        let verb = payments::check_out(self.app, self.desk, appointment, None, &checkout);
        self.then(at, verb).await.map(drop)
    }

    pub async fn issue(
        &self,
        at: i64,
        appointment: AppointmentId,
        purpose: Purpose,
    ) -> Result<LinkId> {
        let verb = links::issue(self.app, self.desk, appointment, None, purpose);
        self.then(at, verb).await
    }

    /// Hands a link over; the message leaves at once, so that tray and timeline agree.
    pub async fn hand_over(&self, at: i64, link: LinkId, channel: Channel) -> Result<()> {
        let input = DeliveryInput {
            channel,
            to: None,
            remember: false,
        };
        let delivered = async {
            deliveries::deliver(self.app, self.desk, link, None, &input).await?;
            if matches!(channel, Channel::Sms | Channel::Email) {
                outbox::run(self.app).await?;
            }
            Ok(())
        };
        self.then(at, delivered).await
    }

    pub async fn send(
        &self,
        at: i64,
        appointment: AppointmentId,
        purpose: Purpose,
        channel: Channel,
    ) -> Result<LinkId> {
        let link = self.issue(at, appointment, purpose).await?;
        self.hand_over(at, link, channel).await?;
        Ok(link)
    }

    pub async fn open(&self, at: i64, link: LinkId) -> Result<()> {
        self.then(at, visits::seen(self.app, self.desk.clinic, link))
            .await
    }

    pub async fn cancel(&self, at: i64, link: LinkId) -> Result<()> {
        self.then(at, links::cancel(self.app, self.desk, link))
            .await
    }

    /// A new link for one that has ended, sent again.
    pub async fn renew(&self, at: i64, link: LinkId, channel: Channel) -> Result<LinkId> {
        let verb = links::renew(self.app, self.desk, link, None);
        let link = self.then(at, verb).await?;
        self.hand_over(at, link, channel).await?;
        Ok(link)
    }

    /// Pays on the sandbox's page, as a patient does; the receipt leaves at once.
    pub async fn pay(&self, at: i64, link: LinkId, method: Method, card: &str) -> Result<()> {
        let form: &[(&str, &str)] = match method {
            Method::Card => &[
                ("card_number", card),
                ("expiry", "12 / 34"),
                ("cvc", "123"),
                ("action", "pay"),
            ],
            Method::Klarna | Method::Clearpay => &[("action", "approve")],
        };
        self.press(at, link, method, form).await
    }

    /// The lender says no on the sandbox's page.
    pub async fn is_refused(&self, at: i64, link: LinkId, method: Method) -> Result<()> {
        self.press(at, link, method, &[("action", "refuse")]).await
    }

    /// Continues to the sandbox's page, presses a button there and comes back.
    async fn press(
        &self,
        at: i64,
        link: LinkId,
        method: Method,
        form: &[(&str, &str)],
    ) -> Result<()> {
        let pressed = async {
            let to = attempts::pay(self.app, self.desk.clinic, link, method, None).await?;
            let Continue::To { url, attempt } = to else {
                return Err(remit_app::Error::Setup("the sandbox gave no page".into()));
            };
            self.app.press_in_sandbox(&url, form).await?;
            attempts::returned(self.app, attempt).await?;
            outbox::run(self.app).await.map(drop)
        };
        self.then(at, pressed).await
    }

    /// Gives a share of an appointment's first payment back: one part of so many.
    pub async fn refund(
        &self,
        at: i64,
        appointment: AppointmentId,
        parts: i64,
        reason: &str,
    ) -> Result<()> {
        let paid = payments::of_appointment(self.app, self.desk.clinic, appointment).await?;
        let Some(view) = paid.first() else {
            return Ok(());
        };
        let amount = view.payment.amount;
        let input = RefundInput {
            amount: Some(amount.with(amount.minor / parts)),
            reason: Some(reason.into()),
            reopen: false,
            seen_available: None,
            correction: false,
        };
        let refunded = async {
            refunds::request(self.app, self.desk, view.payment.id, None, &input).await?;
            outbox::run(self.app).await.map(drop)
        };
        self.then(at, refunded).await
    }

    /// What banks dispute is heard of at that time, not when the demo starts.
    pub async fn hear_of_disputes(&self, at: i64) -> Result<()> {
        let since = self.now - super::history::DAYS * remit_core::DAY_MS;
        self.then(at, remit_app::disputes::read_lists(self.app, since))
            .await
    }
}
