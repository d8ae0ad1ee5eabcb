//! A front desk at work: the verbs that the tests speak, each one transaction as `app` runs it.

use std::sync::atomic::{AtomicU64, Ordering};

use remit_core::account::{Decision, Standing};
use remit_core::appointments::{self, Charge, ChargeKind};
use remit_core::attempts::{self, Report, Reported, SettleIds, Start, Started};
use remit_core::clinic::Clinic;
use remit_core::disputes::{self, DisputeState};
use remit_core::ids::*;
use remit_core::links::{self, Purpose};
use remit_core::methods::Method;
use remit_core::money::{Currency, Money, Payable};
use remit_core::payments::{DeskMethod, Take};
use remit_core::refunds::{self, RefundState};
use remit_core::token::TokenHash;
use remit_core::{DAY_MS, HOUR_MS, UtcMs};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::patients::Patient;
use remit_store::{Result, Store, StoreError, Tx, fresh};

use crate::harness::Place;

static NEXT: AtomicU64 = AtomicU64::new(1);

pub fn number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn fresh_id<T: From<uuid::Uuid>>(now: UtcMs) -> T {
    T::from(fresh::uuid(now).unwrap())
}

#[derive(Clone)]
pub struct Desk {
    pub store: Store,
    pub clinic: ClinicId,
}

pub fn patient(name: &str, email: Option<&str>, phone: Option<&str>, now: UtcMs) -> Patient {
    Patient {
        id: fresh_id(now),
        name: name.into(),
        email: email.map(Into::into),
        phone: phone.map(Into::into),
        locale: "en-GB".into(),
        created_at: now,
    }
}

impl Desk {
    pub async fn opens(place: &Place) -> Desk {
        Desk::at(&place.store).await
    }

    pub async fn at(store: &Store) -> Desk {
        remit_store::migrate::run(store).await.unwrap();
        let now = store.now().await.unwrap();
        let clinic = Clinic {
            id: fresh_id(now),
            route: format!("r{}", number()),
            name: "Larkhill Clinic".into(),
            strapline: "Bristol".into(),
            address: "1 High Street".into(),
            phone: "+441174960142".into(),
            email: "desk@larkhill.example".into(),
            currency: Currency::GBP,
            country: "GB".into(),
            zone: "Europe/London".into(),
            test_mode: true,
            show_services: false,
            auto_refund: false,
        };
        let mut tx = store.begin(clinic.id).await.unwrap();
        remit_store::clinics::insert(&mut tx, &clinic, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Desk {
            store: store.clone(),
            clinic: clinic.id,
        }
    }

    /// The same desk seen from another node.
    pub fn on(&self, node: Store) -> Desk {
        Desk {
            store: node,
            clinic: self.clinic,
        }
    }

    pub async fn begin(&self) -> Tx {
        self.store.begin(self.clinic).await.unwrap()
    }

    pub async fn now(&self) -> UtcMs {
        self.store.now().await.unwrap()
    }

    pub async fn registers(
        &self,
        name: &str,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PatientId {
        let patient = patient(name, email, phone, self.now().await);
        let mut tx = self.begin().await;
        remit_store::patients::insert(&mut tx, &patient)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        patient.id
    }

    /// Books a visit of a new patient that costs so much.
    pub async fn books(&self, minor: i64) -> AppointmentId {
        let who = self.registers("Hannah Whitlock", None, None).await;
        self.books_for(who, minor).await
    }

    pub async fn books_for(&self, patient: PatientId, minor: i64) -> AppointmentId {
        let mut tx = self.begin().await;
        let now = tx.now().await.unwrap();
        let booking = remit_store::appointments::Booking {
            id: fresh_id(now),
            patient,
            practitioner: None,
            title: "Check-up".into(),
            starts_at: now + DAY_MS,
            ends_at: now + DAY_MS + HOUR_MS,
            currency: Currency::GBP,
        };
        remit_store::appointments::insert(&mut tx, &booking, "reception", now)
            .await
            .unwrap();
        self.write(&mut tx, booking.id, Extras::default(), |standing, now| {
            let charge = Charge {
                id: fresh_id(now),
                kind: ChargeKind::Service,
                description: "Check-up".into(),
                quantity: 1,
                amount: Money::gbp(minor),
                service: None,
            };
            appointments::charge(standing, charge, fresh_id(now), now).unwrap()
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
        booking.id
    }

    /// Lock, decide, write: the body of every verb.
    pub async fn write(
        &self,
        tx: &mut Tx,
        appointment: AppointmentId,
        extras: Extras,
        rule: impl FnOnce(&Standing, UtcMs) -> Decision,
    ) -> Result<()> {
        let (standing, now) = lock_standing(tx, appointment).await?.unwrap();
        let decision = rule(&standing, now);
        apply(tx, &standing, &decision, &extras, "reception", now).await
    }

    pub async fn decides(
        &self,
        appointment: AppointmentId,
        rule: impl FnOnce(&Standing, UtcMs) -> Decision,
    ) -> Result<()> {
        let mut tx = self.store.begin(self.clinic).await?;
        self.write(&mut tx, appointment, Extras::default(), rule)
            .await?;
        tx.commit().await
    }

    pub async fn issues(&self, appointment: AppointmentId) -> LinkId {
        self.tries_to_issue(appointment, Purpose::Balance)
            .await
            .unwrap()
    }

    pub async fn issues_part(&self, appointment: AppointmentId, minor: i64) -> LinkId {
        let part = Payable::parse(Money::gbp(minor)).unwrap();
        self.tries_to_issue(appointment, Purpose::Part(part))
            .await
            .unwrap()
    }

    pub async fn tries_to_issue(
        &self,
        appointment: AppointmentId,
        purpose: Purpose,
    ) -> Result<LinkId> {
        let mut tx = self.store.begin(self.clinic).await?;
        let link = self.issue_in(&mut tx, appointment, purpose).await?;
        tx.commit().await?;
        Ok(link)
    }

    pub async fn issue_in(
        &self,
        tx: &mut Tx,
        appointment: AppointmentId,
        purpose: Purpose,
    ) -> Result<LinkId> {
        let mut token = [0; 32];
        token[..8].copy_from_slice(&number().to_be_bytes());
        let link = fresh_id(tx.now().await?);
        let extras = Extras {
            token_sealed: Some(vec![1, 2, 3]),
            ..Extras::default()
        };
        self.write(tx, appointment, extras, |standing, now| {
            links::issue(standing, link, TokenHash(token), purpose, now).unwrap()
        })
        .await?;
        Ok(link)
    }

    /// Moves a link by the rule given, under its lock row.
    pub async fn moves(
        &self,
        link: LinkId,
        rule: impl FnOnce(&Standing, &links::Link, UtcMs) -> Decision,
    ) {
        let place = remit_store::links::place(&self.store, self.clinic, link)
            .await
            .unwrap()
            .unwrap();
        let mut tx = self.begin().await;
        let (standing, now) = lock_standing(&mut tx, place).await.unwrap().unwrap();
        let link = remit_store::links::get(&mut tx, link)
            .await
            .unwrap()
            .unwrap();
        let decision = rule(&standing, &link, now);
        let extras = Extras::default();
        apply(&mut tx, &standing, &decision, &extras, "reception", now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn hands_over(&self, link: LinkId) {
        self.moves(link, |_, link, now| {
            links::hand_over(link, now).unwrap_or_default()
        })
        .await;
    }

    pub async fn opens_page(&self, link: LinkId) {
        self.moves(link, |_, link, now| links::access(link, now))
            .await;
    }

    pub async fn cancels(&self, link: LinkId) {
        self.moves(link, |standing, link, now| {
            links::cancel(standing, link, now).unwrap_or_default()
        })
        .await;
    }

    /// The sweep comes by.
    pub async fn sweeps(&self, link: LinkId) {
        self.moves(link, |_, link, now| links::tick(link, now))
            .await;
    }

    /// The patient presses *Continue to payment*.
    pub async fn starts(&self, link: LinkId) -> Result<AttemptId> {
        let place = remit_store::links::place(&self.store, self.clinic, link)
            .await?
            .unwrap();
        let mut tx = self.store.begin(self.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place).await?.unwrap();
        let link = remit_store::links::get(&mut tx, link).await?.unwrap();
        let attempt = fresh_id(now);
        let start = Start {
            attempt,
            method: Method::Card,
            provider: "sandbox".into(),
            account: "main".into(),
            session_min_ms: HOUR_MS / 2,
            session_max_ms: DAY_MS,
            failed_tries: 0,
            oldest_failed_at: 0,
        };
        let Started::Fresh(_, decision) = attempts::start(&standing, &link, start, now).unwrap()
        else {
            return Err(StoreError::Refused("a payment is in progress".into()));
        };
        let extras = Extras {
            request_body: Some("amount=1".into()),
            ..Extras::default()
        };
        apply(&mut tx, &standing, &decision, &extras, "patient", now).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    /// The provider reports on an attempt.
    pub async fn hears(&self, attempt: AttemptId, status: Reported) -> Result<()> {
        let known = remit_store::attempts::peek(&self.store, self.clinic, attempt)
            .await?
            .unwrap();
        let mut tx = self.store.begin(self.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, known.appointment).await?.unwrap();
        let known = remit_store::attempts::get(&mut tx, attempt).await?.unwrap();
        let link = match known.link {
            Some(link) => remit_store::links::get(&mut tx, link).await?,
            None => None,
        };
        let report = Report {
            session_id: format!("ses_{attempt}"),
            url: Some("http://127.0.0.1/pay".into()),
            status,
            last_error: None,
        };
        let ids = SettleIds {
            payment: fresh_id(now),
            txn: fresh_id(now),
        };
        let decision = attempts::settle(&standing, &known, link.as_ref(), &report, ids, now);
        let extras = Extras::default();
        apply(&mut tx, &standing, &decision, &extras, "provider", now).await?;
        tx.commit().await
    }

    pub async fn is_paid(&self, attempt: AttemptId, minor: i64) -> Result<()> {
        let paid = Reported::Paid {
            payment_id: format!("pi_{attempt}"),
            received: Money::gbp(minor),
            paid_with: Some("Visa 4242".into()),
        };
        self.hears(attempt, paid).await
    }

    pub async fn takes_cash(&self, appointment: AppointmentId, minor: i64) -> Result<PaymentId> {
        let payment = fresh_id(self.now().await);
        let amount = Payable::parse(Money::gbp(minor)).unwrap();
        self.decides(appointment, |standing, now| {
            let take = Take {
                payment,
                txn: fresh_id(now),
                method: DeskMethod::Cash,
                amount,
                reference: None,
                despite_live_payment: false,
            };
            remit_core::payments::take(standing, take, now).unwrap()
        })
        .await?;
        Ok(payment)
    }

    /// Asks for a refund; at the desk it is done at once.
    pub async fn refunds(&self, payment: PaymentId, minor: i64) -> RefundId {
        let found = remit_store::payments::get(&self.store, self.clinic, payment)
            .await
            .unwrap()
            .unwrap();
        let refund = fresh_id(self.now().await);
        self.decides(found.payment.appointment, |standing, now| {
            let request = refunds::Request {
                refund,
                txn: fresh_id(now),
                amount: Payable::parse(Money::gbp(minor)).unwrap(),
                reason: None,
                reopen: false,
                correction: false,
                seen_available: None,
                needs_approval: false,
                asker: "stf_1".into(),
            };
            refunds::request(standing, &found.payment, request, now).unwrap()
        })
        .await
        .unwrap();
        refund
    }

    pub async fn refund_becomes(&self, refund: RefundId, to: RefundState) {
        let view = remit_store::refunds::get(&self.store, self.clinic, refund)
            .await
            .unwrap()
            .unwrap();
        let mut tx = self.begin().await;
        let (standing, now) = lock_standing(&mut tx, view.appointment)
            .await
            .unwrap()
            .unwrap();
        let payment = remit_store::payments::get_in(&mut tx, view.refund.payment)
            .await
            .unwrap()
            .unwrap();
        let txn = fresh_id(now);
        let decision = refunds::settle(&standing, &payment, &view.refund, to, txn, now);
        let extras = Extras::default();
        apply(&mut tx, &standing, &decision, &extras, "provider", now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// The provider says of a dispute, asked when so many answers were known.
    pub async fn dispute_is(
        &self,
        payment: PaymentId,
        state: DisputeState,
        withdrawn: i64,
        looks: i64,
    ) -> Result<bool> {
        let found = remit_store::payments::get(&self.store, self.clinic, payment)
            .await?
            .unwrap();
        let provider = found.payment.provider.clone().unwrap();
        let report = disputes::Report {
            dispute_id: "dp_1".into(),
            status: disputes::Reported::State(state),
            amount: found.payment.amount,
            withdrawn: found.payment.amount.with(withdrawn),
            reason: "not recognised".into(),
            due_by: Some(DAY_MS),
            opened_at: 1,
            looks,
        };
        let words = disputes::Words {
            provider: "Sandbox".into(),
            deadline: None,
        };
        let mut tx = self.store.begin(self.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, found.payment.appointment)
            .await?
            .unwrap();
        let (account, dispute) = (&provider.account, &report.dispute_id);
        let known =
            remit_store::disputes::get_in(&mut tx, &provider.provider, account, dispute).await?;
        let of = (&found.payment, &provider);
        let heard = disputes::hear(of, known.as_ref(), &report, &words, fresh_id(now), now);
        let Ok(decision) = heard else {
            return Ok(false);
        };
        let extras = Extras::default();
        apply(&mut tx, &standing, &decision, &extras, "provider", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn sees(&self, link: LinkId) -> remit_store::links::LinkView {
        remit_store::links::view(&self.store, self.clinic, link)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn balance(&self, appointment: AppointmentId) -> remit_core::account::Balance {
        remit_store::appointments::view(&self.store, self.clinic, appointment)
            .await
            .unwrap()
            .unwrap()
            .balance
    }
}
