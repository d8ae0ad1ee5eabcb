//! The conversations about a dispute: ask for the truth, write it unless another answer was written meanwhile.

use remit_core::account::Event;
use remit_core::disputes::{self, Dispute, DisputeState, Report, Reported, Words};
use remit_core::payments::Payment;

use crate::db::id;
use crate::marks::Mark;
use crate::sessions::Beside;
use crate::world::{Task, World};

use DisputeState::{Lost, NeedsResponse, UnderReview, Withdrawn, Won};

impl World {
    /// A payer's bank opens a dispute, or goes on with one: in any order that banks know.
    pub fn bank(&mut self) {
        let now = self.now;
        let count = self.provider.disputes.len();
        if count == 0 || self.rng.percent(25) {
            let open = |payment: &usize| self.provider.disputable(*payment) > 0;
            let payments: Vec<usize> = (0..self.provider.payments.len()).filter(open).collect();
            if let Some(payment) = self.rng.pick(&payments) {
                self.mark(Mark::DisputeOpened);
                let taken = self.rng.percent(50);
                self.provider.open_dispute(payment, taken, now);
            }
            return;
        }
        let index = self.rng.below(count);
        let (state, withdrawn) = self.provider.dispute(index);
        let amount = self.provider.disputes[index].amount;
        let (state, withdrawn) = match (state.is_open(), self.rng.below(6)) {
            (true, 0) => (state, amount),
            (true, 1) => (UnderReview, withdrawn),
            (true, 2) => (Won, withdrawn),
            (true, 3) => (Lost, amount),
            (true, 4) => (Withdrawn, 0),
            (true, _) => (NeedsResponse, withdrawn),
            (false, 0) if state == Lost => (Won, withdrawn),
            (false, _) if state == Lost => (Lost, amount),
            (false, _) => (state, 0),
        };
        self.mark(match state {
            Won => Mark::DisputeWon,
            Lost => Mark::DisputeLost,
            NeedsResponse | UnderReview | Withdrawn => Mark::DisputeOpened,
        });
        self.provider.move_dispute(index, state, withdrawn, now);
    }

    /// At the end: the banks have decided, and given back what they had to.
    pub fn settle_disputes(&mut self) {
        let now = self.now;
        for index in 0..self.provider.disputes.len() {
            let (state, withdrawn) = self.provider.dispute(index);
            if state.is_open() {
                self.provider.move_dispute(index, Won, 0, now);
            } else if state != Lost && withdrawn > 0 {
                self.provider.move_dispute(index, state, 0, now);
            }
        }
    }

    fn disputed_payment(&self, index: usize) -> Option<Payment> {
        let payment = self.provider.disputes[index].payment.to_string();
        let ours = |p: &&Payment| {
            p.provider
                .as_ref()
                .is_some_and(|at| at.payment_id == payment)
        };
        self.db.payments.iter().find(ours).cloned()
    }

    /// What we know of it.
    fn known(&self, index: usize) -> Option<Dispute> {
        let name = index.to_string();
        self.db
            .disputes
            .iter()
            .find(|d| d.dispute_id == name)
            .cloned()
    }

    /// An event is a hint: the truth is fetched, and fetched again if another answer was written on its way.
    pub fn apply_dispute(&mut self, event: u64, index: usize, seen: Option<(Box<Report>, u64)>) {
        let Some((report, age)) = seen else {
            let looks = self.known(index).map_or(0, |known| known.looks);
            let (reached, answered) = self.reach(Mark::RetrieveAnswerLost);
            if reached && answered {
                let age = self.provider.disputes[index].age;
                let seen = Some((Box::new(self.told_of_dispute(index, looks)), age));
                self.tasks.push(Task::ApplyDispute { event, index, seen });
            }
            return;
        };
        let Some(payment) = self.disputed_payment(index) else {
            // Kept in the inbox until its payment is known (hazard A23).
            return self.mark(Mark::DisputeBeforePayment);
        };
        let Some(provider) = payment.provider.clone() else {
            return;
        };
        let words = Words {
            provider: "Sandbox".into(),
            deadline: None,
        };
        let (known, txn, now) = (self.known(index), id(self.fresh()), self.clock_now());
        let of = (&payment, &provider);
        let heard = disputes::hear(of, known.as_ref(), &report, &words, txn, now);
        let Ok(decision) = heard else {
            self.mark(Mark::DisputeOvertaken);
            let seen = None;
            return self.tasks.push(Task::ApplyDispute { event, index, seen });
        };
        let posted = decision
            .events
            .iter()
            .any(|e| matches!(e, Event::Posted(_)));
        self.say(|_| format!("dispute {index} is {:?}, posted: {posted}", report.status));
        let visit = payment.appointment;
        self.write_beside(visit, &decision, &[], Beside::Applied(event), [None, None]);
        let written = self.known(index).is_some_and(|after| Some(after) != known);
        let last = self.dispute_ages.entry(index).or_default();
        if written && age < *last {
            let told = format!("A23: an answer about dispute {index} went over a newer one");
            self.broken.get_or_insert(told);
        }
        if written {
            *last = (*last).max(age);
        }
    }

    fn told_of_dispute(&self, index: usize, looks: i64) -> Report {
        let made = &self.provider.disputes[index];
        let received = self.provider.payments[made.payment].received;
        Report {
            dispute_id: index.to_string(),
            status: Reported::State(made.state),
            amount: received.with(made.amount),
            withdrawn: received.with(made.withdrawn),
            reason: "not recognised".into(),
            due_by: None,
            opened_at: 0,
            looks,
        }
    }
}
