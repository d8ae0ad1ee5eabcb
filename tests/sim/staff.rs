//! What the desk does: charges, links, sending, desk payments, refunds, cancelling.

use remit_core::account::{Decision, Effect, FindingKind, Refusal};
use remit_core::appointments::{self, Charge, ChargeKind, Fee, Settlement, Status};
use remit_core::deliveries::DeliveryPurpose;
use remit_core::ids::{AppointmentId, DeliveryId, LinkId, PaymentId, RefundId};
use remit_core::links::{self, Purpose};
use remit_core::money::{Money, Payable};
use remit_core::payments::{self, DeskMethod, Payment, Take};
use remit_core::refunds::{self, Request};
use remit_core::token::TokenHash;

use crate::auditor::Fact;
use crate::db::id;
use crate::marks::{Mark, Planted};
use crate::plans::{Sent, first_look};
use crate::provider::RefundStanding;
use crate::world::{Task, Then, World};

fn payable(minor: i64) -> Payable {
    Payable::parse(Money::gbp(minor)).expect("above zero")
}

impl World {
    /// Two appointments; the first asks for a deposit.
    pub fn open_the_desk(&mut self) {
        for deposit in [2000, 0] {
            let visit: AppointmentId = id(self.fresh());
            self.db.book(visit, deposit);
            let price = self.rng.between(30, 90) * 100;
            self.add_charge(visit, price);
        }
    }

    fn any_visit(&mut self) -> AppointmentId {
        self.db.visits[self.rng.below(self.db.visits.len())].id
    }

    pub fn staff(&mut self) {
        let visit = self.any_visit();
        match self.rng.below(100) {
            0..=35 => self.issue_link(visit),
            36..=47 => self.send_link(visit),
            48..=50 => self.cancel_link(visit),
            51..=60 => {
                let price = self.rng.between(5, 40) * 100;
                self.add_charge(visit, price);
            }
            61..=65 => self.give_discount(visit),
            66..=67 => self.remove_charge(visit),
            68 => self.ask_to_cancel(visit),
            69..=79 => self.desk(visit),
            _ => self.refund_something(),
        }
    }

    fn add_charge(&mut self, visit: AppointmentId, minor: i64) {
        let kind = if minor < 0 {
            ChargeKind::Discount
        } else {
            ChargeKind::Extra
        };
        let charge = Charge {
            id: id(self.fresh()),
            kind,
            description: "Charge".into(),
            quantity: 1,
            amount: Money::gbp(minor),
            service: None,
        };
        let (standing, txn, now) = (self.db.standing(visit), id(self.fresh()), self.clock_now());
        self.say(|_| format!("staff add a charge of {minor}"));
        if let Ok(decision) = appointments::charge(&standing, charge, txn, now) {
            self.mark_price(&decision);
            self.write(visit, &decision, &[Fact::Priced(visit, minor)]);
        }
    }

    fn mark_price(&mut self, decision: &Decision) {
        use remit_core::account::Event;
        use remit_core::ledger::Account;
        for event in &decision.events {
            match event {
                Event::FindingOpened(f) if f.kind == FindingKind::CreditLeft => {
                    self.mark(Mark::PriceFellToCredit)
                }
                Event::Posted(t)
                    if t.lines().iter().any(|l| l.account == Account::RefundsGiven) =>
                {
                    self.mark(Mark::GivenRefundTakenBack);
                }
                _ => {}
            }
        }
    }

    fn give_discount(&mut self, visit: AppointmentId) {
        let minor = -self.rng.between(1, 50) * 100;
        self.close_then(visit, Then::Discount(visit, minor));
    }

    /// Closes the payment under way, if there is one, then goes on (hazards A24, A25).
    fn close_then(&mut self, visit: AppointmentId, then: Then) {
        match self.db.live(visit).map(|live| live.id) {
            Some(attempt) => {
                self.say(|_| format!("staff wait for {attempt} to close, then {then:?}"));
                self.tasks.push(Task::Close {
                    attempt,
                    lease: None,
                    then,
                    answer: None,
                });
            }
            None => self.go_on(then),
        }
    }

    pub fn go_on(&mut self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Start(link) => {
                self.mark(Mark::ClosedThenStartedAgain);
                self.tasks.push(Task::Start(link, None));
            }
            Then::Desk(visit, minor, method) => self.take_at_desk(visit, minor, method),
            Then::Discount(visit, minor) => self.add_charge(visit, minor),
            Then::CancelVisit(visit) => self.cancel_visit(visit),
        }
    }

    fn remove_charge(&mut self, visit: AppointmentId) {
        let count = self.db.visit(visit).charges.len();
        let index = self.rng.below(count);
        let Some(charge) = self.db.visit(visit).charges.get(index).cloned() else {
            return;
        };
        let (standing, txn, now) = (self.db.standing(visit), id(self.fresh()), self.clock_now());
        self.say(|_| format!("staff remove a charge of {:?}", charge.amount));
        if let Ok(decision) = appointments::uncharge(&standing, &charge, None, txn, now) {
            self.mark_price(&decision);
            self.write(
                visit,
                &decision,
                &[Fact::Priced(visit, -charge.amount.minor)],
            );
        }
    }

    fn ask_to_cancel(&mut self, visit: AppointmentId) {
        if self.rng.percent(50) {
            self.close_then(visit, Then::CancelVisit(visit));
        }
    }

    fn cancel_visit(&mut self, visit: AppointmentId) {
        let standing = self.db.standing(visit);
        let charges: Vec<_> = self.db.visit(visit).charges.clone();
        let charges: Vec<_> = charges.into_iter().map(|c| (c, id(self.fresh()))).collect();
        let now = self.clock_now();
        self.say(|_| format!("staff cancel {visit}"));
        let to = if self.rng.percent(30) {
            Status::NoShow
        } else {
            Status::Cancelled
        };
        let keep = Settlement::Keep(Fee {
            charge: id(self.fresh()),
            txn: id(self.fresh()),
            description: String::new(),
        });
        let settlement = match self.rng.below(3) {
            0 if to == Status::Cancelled => None,
            1 => Some(keep),
            _ => Some(Settlement::Credit),
        };
        let Ok(decision) =
            appointments::change_status(&standing, to, settlement.as_ref(), &charges, now)
        else {
            return;
        };
        if standing.status == to {
            return;
        }
        self.mark_price(&decision);
        if standing.balance.paid > 0 {
            self.mark(Mark::VisitCancelledPaid);
        }
        // The auditor takes the discounts away first, as a person would to keep the total above zero.
        let mut changes: Vec<i64> = charges.iter().map(|(c, _)| -c.amount.minor).collect();
        changes.sort_unstable_by_key(|change| std::cmp::Reverse(*change));
        if matches!(settlement, Some(Settlement::Keep(_))) {
            let kept = standing.balance.covered().minor;
            if kept > 0 {
                self.mark(Mark::FeeKept);
            }
            changes.insert(0, kept);
        }
        let facts: Vec<Fact> = changes
            .into_iter()
            .map(|c| Fact::Priced(visit, c))
            .collect();
        self.write(visit, &decision, &facts);
    }

    fn issue_link(&mut self, visit: AppointmentId) {
        let standing = self.db.standing(visit);
        let purpose = match self.rng.below(4) {
            0 => Purpose::Deposit,
            1 => Purpose::Part(payable(self.rng.between(1, 60) * 100)),
            _ => Purpose::Balance,
        };
        let (link, now) = (self.fresh(), self.clock_now());
        let mut token = [0; 32];
        token[..16].copy_from_slice(&link.to_be_bytes());
        self.say(|_| format!("staff issue a link: {purpose:?}"));
        if let Ok(decision) = links::issue(&standing, id(link), TokenHash(token), purpose, now) {
            if standing.live.is_some() && standing.open.is_some() {
                self.mark(Mark::SupersededWhileOpen);
            }
            self.write(visit, &decision, &[]);
        }
    }

    fn cancel_link(&mut self, visit: AppointmentId) {
        let (standing, now) = (self.db.standing(visit), self.clock_now());
        let Some(link) = &standing.open else { return };
        self.say(|_| format!("staff cancel {}", link.id));
        if let Ok(decision) = links::cancel(&standing, link, now) {
            self.write(visit, &decision, &[]);
        }
    }

    /// Hands the open link over by SMS.
    fn send_link(&mut self, visit: AppointmentId) {
        let now = self.clock_now();
        let Some(link) = self.db.open_link(visit) else {
            return;
        };
        let Ok(mut decision) = links::hand_over(link, now) else {
            return;
        };
        let link = link.clone();
        let delivery: DeliveryId = id(self.fresh());
        decision.effects.push(Effect::Send { delivery });
        let (link, look) = (link.id, first_look(&link, false, now));
        self.say(|_| format!("staff send {delivery}"));
        let mut tx = self.db.clone();
        tx.floor = now;
        if tx.apply(visit, &decision, now).is_err() {
            return;
        }
        let purpose = DeliveryPurpose::Link;
        tx.sent.push(Sent {
            delivery,
            link,
            at: now,
            purpose,
        });
        tx.plans.extend(look.map(|at| (link, at)));
        self.commit(tx, &[], [None, None]);
    }

    fn desk(&mut self, visit: AppointmentId) {
        let due = self.db.visit(visit).balance.due;
        let minor = match self.rng.below(6) {
            0 => due,
            1 => due + 500,
            _ => self.rng.between(1, 40) * 100,
        };
        let method = self.rng.pick(&DeskMethod::ALL).unwrap_or(DeskMethod::Cash);
        if minor > 0 {
            self.close_then(visit, Then::Desk(visit, minor, method));
        }
    }

    fn take_at_desk(&mut self, visit: AppointmentId, minor: i64, method: DeskMethod) {
        let (standing, now) = (self.db.standing(visit), self.clock_now());
        let despite_live_payment = standing.live.is_some() && self.rng.percent(40);
        let take = Take {
            payment: id(self.fresh()),
            txn: id(self.fresh()),
            method,
            amount: payable(minor),
            reference: None,
            despite_live_payment,
        };
        self.say(|_| {
            format!(
                "staff take {minor} by {method:?}, despite a live payment: {despite_live_payment}"
            )
        });
        let Ok(decision) = payments::take(&standing, take, now) else {
            return;
        };
        if despite_live_payment {
            self.mark(Mark::DeskDespiteLivePayment);
        }
        if minor > standing.balance.due {
            self.mark(Mark::OverpaidByTerminal);
        }
        self.write(visit, &decision, &[Fact::Took(visit, minor)]);
    }

    fn refund_something(&mut self) {
        let open: Vec<PaymentId> = self
            .db
            .payments
            .iter()
            .filter(|p| p.refundable().minor > 0)
            .map(|p| p.id)
            .collect();
        let Some(payment) = self.rng.pick(&open) else {
            return;
        };
        let payment = self.db.payment(payment).clone();
        let available = payment.refundable();
        let minor = if self.rng.percent(50) {
            available.minor
        } else {
            self.rng.between(1, available.minor)
        };
        if self.is_planted(Planted::RefundReservedAfterCall) && payment.provider.is_some() {
            let refund = id(self.fresh());
            let payment = payment.id;
            self.tasks.push(Task::RefundFirst {
                payment,
                minor,
                refund,
            });
            return;
        }
        let refund = self.fresh();
        self.request_refund(&payment, minor, refund);
    }

    fn request_refund(&mut self, payment: &Payment, minor: i64, refund: u128) -> bool {
        let visit = payment.appointment;
        let desk = payment.provider.is_none();
        let correction = desk && minor == payment.refundable().minor && self.rng.percent(30);
        let reopen = self.rng.percent(40);
        let Some(amount) = Payable::parse(payment.amount.with(minor)) else {
            return false;
        };
        let request = Request {
            refund: id(refund),
            txn: id(self.fresh()),
            amount,
            reason: None,
            reopen,
            correction,
            seen_available: Some(payment.refundable()),
            needs_approval: false,
            asker: String::new(),
        };
        let (standing, now) = (self.db.standing(visit), self.clock_now());
        self.say(|_| format!("staff refund {minor} of {}", payment.id));
        let decision = match refunds::request(&standing, payment, request, now) {
            Ok(decision) => decision,
            Err(Refusal::Disputed) => {
                self.mark(Mark::RefundRefusedDisputed);
                return false;
            }
            Err(_) => return false,
        };
        if desk {
            self.mark(Mark::DeskRefund);
        }
        if correction {
            self.mark(Mark::DeskCorrected);
        }
        let reopen = reopen || correction;
        if reopen {
            self.mark(Mark::RefundReopened);
        }
        let facts = [Fact::SentBack(visit, minor, reopen)];
        self.write(visit, &decision, if desk { &facts } else { &[] })
    }

    /// The planted fault: nothing is written before the provider has the refund.
    pub fn reserve_after_call(&mut self, payment: PaymentId, minor: i64, refund: RefundId) {
        let payment = self.db.payment(payment).clone();
        let (reached, _) = self.reach(Mark::RefundAnswerLost);
        let index = payment
            .provider
            .as_ref()
            .and_then(|p| p.payment_id.parse().ok());
        if let (true, Some(index)) = (reached, index) {
            let (key, now) = (refund.0.as_u128(), self.now);
            self.provider
                .refund(refund, index, minor, key, RefundStanding::Succeeded, now);
        }
        if self.unlucky(10) {
            self.crash(None);
            return;
        }
        self.request_refund(&payment, minor, refund.0.as_u128());
    }

    pub fn tick(&mut self) {
        let now = self.clock_now();
        for link in self.db.links.clone() {
            let decision = links::tick(&link, now);
            if !decision.events.is_empty() {
                self.mark(Mark::LinkExpiredByTick);
                self.write(link.appointment, &decision, &[]);
            }
        }
    }

    pub fn shown_open(&self) -> Vec<LinkId> {
        let open = self.db.links.iter().filter(|l| l.state.is_open());
        open.map(|l| l.id).collect()
    }
}
