//! The memory: rows with the unique keys and checks of the real schema (hazards 7.2). A transaction is a clone that
//! takes the place of the original, so a crash simply drops it.

use std::rc::Rc;

use remit_core::UtcMs;
use remit_core::account::{
    AttemptMove, Balance, Decision, Effect, Event, Finding, LinkMove, Standing,
};
use remit_core::appointments::{Charge, Status};
use remit_core::attempts::Attempt;
use remit_core::disputes::Dispute;
use remit_core::ids::{AppointmentId, AttemptId, LinkId, PatientId, PaymentId, RefundId};
use remit_core::ledger::Txn;
use remit_core::links::{Link, LinkState};
use remit_core::money::Currency;
use remit_core::payments::Payment;
use remit_core::refunds::{Approval, Refund, RefundState};
use uuid::Uuid;

use crate::plans::{Sent, first_look};

pub fn id<T: From<Uuid>>(n: u128) -> T {
    Uuid::from_u128(n).into()
}

#[derive(Clone)]
pub struct Visit {
    pub id: AppointmentId,
    pub status: Status,
    pub balance: Balance,
    pub charges: Vec<Charge>,
}

#[derive(Clone)]
pub struct AttemptRow {
    pub attempt: Attempt,
    pub next_check_at: UtcMs,
    pub checks: i64,
}

#[derive(Clone)]
pub struct RefundRow {
    pub refund: Refund,
    pub provider_id: Option<usize>,
    pub next_check_at: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    Pending,
    /// Handed to the carrier; only messages have it.
    Sending,
    Done,
    Uncertain,
}

#[derive(Clone)]
pub struct Job {
    pub effect: Effect,
    pub state: JobState,
    pub tries: i64,
    pub next_try_at: UtcMs,
    /// Counts the leases given, so that an old holder's answer is not written over a new one's.
    pub fence: u64,
}

#[derive(Clone)]
pub struct InboxRow {
    pub event_id: u64,
    pub about: About,
    pub done: bool,
    pub lease_until: UtcMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Session(AttemptId),
    Refund(RefundId),
    /// By its number at the provider.
    Dispute(usize),
}

/// A state that rose (I11): rank before, rank after.
#[derive(Clone, Copy)]
pub struct Move {
    pub from: u8,
    pub to: u8,
}

#[derive(Clone)]
pub struct Db {
    pub visits: Vec<Visit>,
    pub links: Vec<Link>,
    pub attempts: Vec<AttemptRow>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<RefundRow>,
    pub disputes: Vec<Dispute>,
    pub txns: Vec<Rc<(AppointmentId, Txn)>>,
    pub findings: Vec<Rc<Finding>>,
    pub inbox: Vec<InboxRow>,
    pub outbox: Vec<Job>,
    pub moves: Vec<Move>,
    /// Messages of links; when a link was accessed, and when it is looked at for a reminder.
    pub sent: Vec<Sent>,
    pub accessed: Vec<(LinkId, UtcMs)>,
    pub plans: Vec<(LinkId, UtcMs)>,
    /// Time never runs back (hazard B6).
    pub floor: UtcMs,
    pub cursor: UtcMs,
    /// The two unique keys that a planted fault leaves out.
    pub source_key: bool,
    pub live_index: bool,
}

/// A unique key or check that refused; the transaction is gone.
#[derive(Debug)]
pub struct Refused(pub &'static str);

fn check(holds: bool, name: &'static str) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused(name)) }
}

impl Db {
    pub fn new(now: UtcMs) -> Db {
        Db {
            visits: vec![],
            links: vec![],
            attempts: vec![],
            payments: vec![],
            refunds: vec![],
            disputes: vec![],
            txns: vec![],
            findings: vec![],
            inbox: vec![],
            outbox: vec![],
            moves: vec![],
            sent: vec![],
            accessed: vec![],
            plans: vec![],
            floor: now,
            cursor: now,
            source_key: true,
            live_index: true,
        }
    }

    pub fn book(&mut self, visit: AppointmentId, deposit: i64) {
        let mut balance = Balance::empty(Currency::GBP);
        balance.deposit = deposit;
        self.visits.push(Visit {
            id: visit,
            status: Status::Booked,
            balance,
            charges: vec![],
        });
    }

    pub fn visit(&self, id: AppointmentId) -> &Visit {
        self.visits.iter().find(|v| v.id == id).expect("a visit")
    }

    fn visit_mut(&mut self, id: AppointmentId) -> &mut Visit {
        self.visits
            .iter_mut()
            .find(|v| v.id == id)
            .expect("a visit")
    }

    pub fn link(&self, id: LinkId) -> &Link {
        self.links.iter().find(|l| l.id == id).expect("a link")
    }

    pub fn attempt(&self, id: AttemptId) -> &AttemptRow {
        let found = self.attempts.iter().find(|a| a.attempt.id == id);
        found.expect("an attempt")
    }

    pub fn attempt_mut(&mut self, id: AttemptId) -> &mut AttemptRow {
        let found = self.attempts.iter_mut().find(|a| a.attempt.id == id);
        found.expect("an attempt")
    }

    pub fn payment(&self, id: PaymentId) -> &Payment {
        self.payments
            .iter()
            .find(|p| p.id == id)
            .expect("a payment")
    }

    pub fn refund(&self, id: RefundId) -> &RefundRow {
        self.refunds
            .iter()
            .find(|r| r.refund.id == id)
            .expect("a refund")
    }

    pub fn refund_mut(&mut self, id: RefundId) -> &mut RefundRow {
        let found = self.refunds.iter_mut().find(|r| r.refund.id == id);
        found.expect("a refund")
    }

    pub fn open_link(&self, visit: AppointmentId) -> Option<&Link> {
        self.links
            .iter()
            .find(|l| l.appointment == visit && l.state.is_open())
    }

    pub fn live(&self, visit: AppointmentId) -> Option<&Attempt> {
        self.attempts
            .iter()
            .map(|row| &row.attempt)
            .find(|a| a.appointment == visit && a.state.is_live())
    }

    pub fn standing(&self, visit: AppointmentId) -> Standing {
        let row = self.visit(visit);
        Standing {
            appointment: visit,
            patient: PatientId(Uuid::from_u128(1)),
            status: row.status,
            balance: row.balance.clone(),
            open: self.open_link(visit).cloned(),
            live: self.live(visit).cloned(),
        }
    }

    /// Writes a decision down, or refuses it as a whole (the caller drops the clone).
    pub fn apply(
        &mut self,
        visit: AppointmentId,
        decision: &Decision,
        now: UtcMs,
    ) -> Result<(), Refused> {
        for event in &decision.events {
            self.write(visit, event, now)?;
        }
        for effect in &decision.effects {
            self.queue(*effect, now);
        }
        Ok(())
    }

    fn write(&mut self, visit: AppointmentId, event: &Event, now: UtcMs) -> Result<(), Refused> {
        match event {
            Event::ChargeAdded { charge } => self.visit_mut(visit).charges.push(charge.clone()),
            Event::ChargeRemoved { charge, .. } => {
                let charges = &mut self.visit_mut(visit).charges;
                let before = charges.len();
                charges.retain(|c| c.id != *charge);
                check(charges.len() + 1 == before, "a charge to remove")?;
            }
            Event::StatusChanged { to, .. } => self.visit_mut(visit).status = *to,
            Event::Moved { .. } | Event::NewLinkAsked { .. } => {}
            Event::Posted(txn) => self.post(visit, txn)?,
            Event::BalanceSet(balance) => {
                check(
                    balance.due >= 0 && balance.credit >= 0,
                    "balance_not_negative",
                )?;
                self.visit_mut(visit).balance = balance.clone();
            }
            Event::LinkIssued(link) => {
                check(self.open_link(visit).is_none(), "one_open_link")?;
                self.links.push(link.clone());
            }
            Event::LinkMoved(moved) => self.move_link(moved, now)?,
            Event::AttemptStarted(attempt) => {
                check(
                    self.live(visit).is_none() || !self.live_index,
                    "one_live_attempt",
                )?;
                self.attempts.push(AttemptRow {
                    attempt: attempt.clone(),
                    next_check_at: now + remit_core::attempts::next_check_ms(0),
                    checks: 0,
                });
            }
            Event::AttemptMoved(moved) => self.move_attempt(moved)?,
            Event::PaymentReceived(payment) => self.payments.push(payment.clone()),
            Event::RefundRequested(refund) => self.reserve(refund, now)?,
            Event::RefundMoved {
                refund,
                payment,
                to,
                amount,
                ..
            } => {
                self.refund_mut(*refund).refund.state = *to;
                if *to == RefundState::Failed {
                    self.reserved(*payment, -amount.minor)?;
                }
            }
            Event::RefundDecided {
                refund,
                payment,
                approval,
                amount,
            } => {
                let row = &mut self.refund_mut(*refund).refund;
                row.approval = Some(*approval);
                if *approval == Approval::Declined {
                    row.state = RefundState::Failed;
                    self.reserved(*payment, -amount.minor)?;
                }
            }
            Event::DisputeMoved { before, after } => self.move_dispute(before.as_ref(), after)?,
            Event::FindingRenewed(finding) => {
                self.findings
                    .retain(|f| f.kind != finding.kind || f.about != finding.about);
                self.findings.push(Rc::new(finding.clone()));
            }
            Event::FindingClosed { kind, about } => self
                .findings
                .retain(|f| f.kind != *kind || f.about != *about),
            Event::FindingOpened(finding) => {
                let known = |f: &Rc<Finding>| f.kind == finding.kind && f.about == finding.about;
                if !self.findings.iter().any(known) {
                    self.findings.push(Rc::new(finding.clone()));
                }
            }
        }
        Ok(())
    }

    fn post(&mut self, visit: AppointmentId, txn: &Txn) -> Result<(), Refused> {
        let same = |t: &Rc<(AppointmentId, Txn)>| t.1.kind == txn.kind && t.1.source == txn.source;
        check(
            !self.txns.iter().any(same) || !self.source_key,
            "txn_source",
        )?;
        self.txns.push(Rc::new((visit, txn.clone())));
        Ok(())
    }

    fn move_dispute(&mut self, before: Option<&Dispute>, after: &Dispute) -> Result<(), Refused> {
        let same = |d: &Dispute| d.dispute_id == after.dispute_id;
        let known = self.disputes.iter().position(same);
        check(
            known.map(|index| &self.disputes[index]) == before,
            "dispute_looks",
        )?;
        let found = self.payments.iter_mut().find(|p| p.id == after.payment);
        let disputed = &mut found.ok_or(Refused("payment"))?.disputed;
        let open = |d: &Dispute| i64::from(d.state.is_open());
        disputed.open += open(after) - before.map_or(0, open);
        disputed.lost += after.lost() - before.map_or(0, Dispute::lost);
        match known {
            Some(index) => self.disputes[index] = after.clone(),
            None => self.disputes.push(after.clone()),
        }
        Ok(())
    }

    fn move_link(&mut self, moved: &LinkMove, now: UtcMs) -> Result<(), Refused> {
        let link = self.links.iter_mut().find(|l| l.id == moved.link);
        let link = link.ok_or(Refused("link"))?;
        self.moves.push(Move {
            from: link.state.rank(),
            to: moved.to.rank(),
        });
        (link.state, link.why, link.late) = (moved.to, moved.why, moved.late);
        if !moved.to.is_open() {
            // The statement that ends a link takes its plan away.
            self.plans.retain(|(of, _)| *of != moved.link);
        } else if moved.to == LinkState::Accessed {
            self.accessed.push((moved.link, now));
            let look = first_look(link, true, now);
            self.plans.extend(look.map(|at| (moved.link, at)));
        }
        Ok(())
    }

    fn move_attempt(&mut self, moved: &AttemptMove) -> Result<(), Refused> {
        let other = |row: &&AttemptRow| row.attempt.id != moved.attempt;
        let others: Vec<_> = self.attempts.iter().filter(other).collect();
        let taken = |row: &&AttemptRow| {
            moved.session_id.is_some() && row.attempt.session_id == moved.session_id
        };
        check(!others.iter().any(taken), "session_id")?;
        let row = self.attempt_mut(moved.attempt);
        let attempt = &mut row.attempt;
        let (from, to) = (attempt.state.rank(), moved.to.rank());
        attempt.state = moved.to;
        attempt.session_id = moved.session_id.clone().or(attempt.session_id.take());
        attempt.url = moved.url.clone().or(attempt.url.take());
        attempt.payment_id = moved.payment_id.clone().or(attempt.payment_id.take());
        attempt.captured = moved.captured;

        self.moves.push(Move { from, to });
        Ok(())
    }

    fn reserve(&mut self, refund: &Refund, now: UtcMs) -> Result<(), Refused> {
        self.reserved(refund.payment, refund.amount.minor)?;
        self.refunds.push(RefundRow {
            refund: refund.clone(),
            provider_id: None,
            next_check_at: now + remit_core::HOUR_MS,
        });
        Ok(())
    }

    fn reserved(&mut self, payment: PaymentId, change: i64) -> Result<(), Refused> {
        let found = self.payments.iter_mut().find(|p| p.id == payment);
        let payment = found.ok_or(Refused("payment"))?;
        payment.refund_reserved += change;
        let within = (0..=payment.amount.minor).contains(&payment.refund_reserved);
        check(within, "refund_reserved")
    }

    /// Each piece of outside work once; a closing may be asked for again after an earlier one ended.
    fn queue(&mut self, effect: Effect, now: UtcMs) {
        let again = matches!(
            effect,
            Effect::EnsureClosed { .. } | Effect::CreateSession { .. }
        );
        let known = |job: &Job| job.effect == effect && (!again || job.state == JobState::Pending);
        if self.outbox.iter().any(known) {
            return;
        }
        self.outbox.push(Job {
            effect,
            state: JobState::Pending,
            tries: 0,
            next_try_at: now,
            fence: 0,
        });
    }
}
