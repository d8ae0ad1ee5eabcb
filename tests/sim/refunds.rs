//! The conversations about a refund: call under its own key, save, and whatever the provider tells later.

use remit_core::account::{Decision, Event};
use remit_core::attempts;
use remit_core::ids::RefundId;
use remit_core::refunds::{self, Refund, RefundState};

use crate::auditor::Fact;
use crate::db::{RefundRow, id};
use crate::marks::{Mark, Planted};
use crate::provider::{Answer, RefundStanding};
use crate::sessions::Beside;
use crate::world::{Lease, Task, World};

impl World {
    pub fn call_refund(&mut self, refund: RefundId, lease: Lease) {
        let row = self.db.refund(refund).refund.clone();
        let payment = self.db.payment(row.payment).clone();
        let provider = payment.provider.as_ref();
        let Some(index) = provider.and_then(|p| p.payment_id.parse().ok()) else {
            return;
        };
        let late = self.now >= row.requested_at + attempts::REPEAT_MS
            && !self.is_planted(Planted::KeyOutlived);
        let (reached, answered) = self.reach(Mark::RefundAnswerLost);
        let fresh = self.is_planted(Planted::FreshKeyOnRefund);
        let key = if fresh {
            self.fresh()
        } else {
            refund.0.as_u128()
        };
        let standing = if self.rng.percent(35) {
            RefundStanding::Pending
        } else {
            RefundStanding::Succeeded
        };
        let answer = match (reached, late) {
            (false, _) => Answer::Unknown,
            (true, true) => {
                self.mark(Mark::LookedUpByReference);
                let made = self
                    .provider
                    .refunds
                    .iter()
                    .position(|made| made.reference == refund);
                made.map_or(Answer::Refused, Answer::Done)
            }
            (true, false) => {
                self.provider
                    .refund(refund, index, row.amount.minor, key, standing, self.now)
            }
        };
        self.say(|_| {
            format!("the provider is asked for refund {refund}: {answer:?}, heard: {answered}")
        });
        if reached && self.unlucky(4) {
            return self.crash(Some(Mark::CrashAfterRefundCall));
        }
        let answer = if answered { answer } else { Answer::Unknown };
        self.tasks.push(Task::Refund {
            refund,
            lease,
            answer: Some(answer),
        });
    }

    pub fn save_refund(&mut self, refund: RefundId, lease: Lease, answer: Answer<usize>) {
        match answer {
            Answer::Done(made) => self.settle_refund(refund, made, Beside::JobDone(lease)),
            Answer::Refused => self.refuse_refund(refund, Beside::JobDone(lease)),
            Answer::Unknown => {
                self.move_refund(refund, RefundState::Unknown, None, Beside::JobAgain(lease))
            }
        }
    }

    /// By event or poll; two steps, as the truth may grow old between them.
    pub fn apply_refund(&mut self, event: u64, refund: RefundId, seen: Option<usize>) {
        let Some(made) = seen else {
            let made = self
                .provider
                .refunds
                .iter()
                .position(|made| made.reference == refund);
            let (reached, answered) = self.reach(Mark::RetrieveAnswerLost);
            if let (Some(made), true) = (made, reached && answered) {
                self.tasks.push(Task::ApplyRefund {
                    event,
                    refund,
                    seen: Some(made),
                });
            }
            return;
        };
        self.settle_refund(refund, made, Beside::Applied(event));
    }

    fn settle_refund(&mut self, refund: RefundId, made: usize, beside: Beside) {
        let to = match self.provider.refunds[made].standing {
            RefundStanding::Pending => RefundState::Pending,
            RefundStanding::Succeeded => RefundState::Succeeded,
            RefundStanding::Failed => RefundState::Failed,
        };
        let named = |row: &&RefundRow| row.refund.id == refund;
        let row = self
            .db
            .refunds
            .iter()
            .find(named)
            .map(|row| row.refund.clone());
        let by_id = |row: &&RefundRow| row.provider_id == Some(made);
        let known = self.db.refunds.iter().find(by_id).map(|row| row.refund.id);
        match (known, row) {
            (Some(known), _) => self.move_refund(known, to, Some(made), beside),
            (None, Some(row)) if row.state == RefundState::Failed => {
                self.take_refund_in(row, made, to, beside)
            }
            (None, _) => self.move_refund(refund, to, Some(made), beside),
        }
    }

    /// A call was refused: it made nothing, whatever another one under the same key did.
    fn refuse_refund(&mut self, refund: RefundId, beside: Beside) {
        let row = self.db.refund(refund).refund.clone();
        if matches!(row.state, RefundState::Requested | RefundState::Unknown) {
            return self.move_refund(refund, RefundState::Failed, None, beside);
        }
        let visit = self.db.payment(row.payment).appointment;
        let none = Decision::default();
        self.write_beside(visit, &none, &[], beside, [None, None]);
    }

    /// It went through at the provider after it had been given up here.
    fn take_refund_in(&mut self, given_up: Refund, made: usize, to: RefundState, beside: Beside) {
        let payment = self.db.payment(given_up.payment).clone();
        let visit = payment.appointment;
        let fresh = Refund {
            id: id(self.fresh()),
            state: RefundState::Requested,
            reopen: false,
            correction: false,
            ..given_up
        };
        let (standing, now, txn) = (self.db.standing(visit), self.clock_now(), id(self.fresh()));
        let refund = fresh.clone();
        let Ok(mut decision) = refunds::elsewhere(&standing, &payment, fresh, to, txn, now) else {
            return; // not while something else is reserved: heard again later
        };
        self.mark(Mark::RefundThroughAfterAll);
        // Followed by the list of pending ones here, not by the outbox.
        decision.effects.clear();
        let mut facts = vec![];
        if to == RefundState::Succeeded && refund.amount.currency == standing.balance.currency {
            facts.push(Fact::SentBack(visit, refund.amount.minor, false));
        }
        self.say(|_| format!("refund {} was made after all: {to:?}", refund.id));
        let before = self.db.refunds.len();
        if self.write_beside(visit, &decision, &facts, beside, [None, None])
            && self.db.refunds.len() > before
        {
            self.db.refund_mut(refund.id).provider_id = Some(made);
        }
    }

    fn move_refund(
        &mut self,
        refund: RefundId,
        to: RefundState,
        made: Option<usize>,
        beside: Beside,
    ) {
        if !self.db.refunds.iter().any(|row| row.refund.id == refund) {
            // Nothing of ours by that name: authentic, and of no interest.
            let visit = self.db.visits[0].id;
            self.write_beside(visit, &Decision::default(), &[], beside, [None, None]);
            return;
        }
        if made.is_some() && self.db.refund(refund).provider_id != made {
            let mut tx = self.db.clone();
            tx.refund_mut(refund).provider_id = made;
            if !self.commit(tx, &[], [None, None]) {
                return;
            }
        }
        let row = self.db.refund(refund).refund.clone();
        let payment = self.db.payment(row.payment).clone();
        let (standing, now, txn) = (
            self.db.standing(payment.appointment),
            self.clock_now(),
            id(self.fresh()),
        );
        let decision = refunds::settle(&standing, &payment, &row, to, txn, now);
        let moved = decision
            .events
            .iter()
            .any(|e| matches!(e, Event::RefundMoved { .. }));
        let ours = row.amount.currency == standing.balance.currency;
        let visit = payment.appointment;
        let fact = match (moved, row.state, to) {
            (true, RefundState::Succeeded, RefundState::Failed) => {
                self.mark(Mark::RefundFailedAfterSuccess);
                Some(Fact::CameBack(visit, row.amount.minor))
            }
            (true, _, RefundState::Failed) => {
                self.mark(Mark::RefundFailed);
                None
            }
            (true, _, RefundState::Succeeded) => {
                Some(Fact::SentBack(visit, row.amount.minor, row.reopen))
            }
            _ => None,
        };
        let fact = fact.filter(|_| ours);
        self.say(|_| format!("refund {refund} becomes {to:?}"));
        self.write_beside(visit, &decision, fact.as_slice(), beside, [None, None]);
    }
}
