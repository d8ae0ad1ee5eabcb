//! Suite S1: the rules of core against a reference of plain integers. `REMIT_CASES=200000` plays more.

#[path = "../sim/db.rs"]
#[allow(dead_code, reason = "the simulator uses the rows of outside work too")]
mod db;
#[path = "../sim/plans.rs"]
#[allow(dead_code, reason = "the simulator uses the rows of outside work too")]
mod plans;
#[path = "../sim/reckoning.rs"]
mod reckoning;
mod reference;

use std::panic::catch_unwind;

use db::{Db, id};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reference::{RefundWord, Status, Step, Visit, Word};
use remit_core::account::{Decision, Refusal};
use remit_core::appointments::{self, Charge, ChargeKind};
use remit_core::attempts::{self, AttemptState, Report, Reported, SettleIds, Start, Started};
use remit_core::faults::{self, Fault};
use remit_core::ids::AppointmentId;
use remit_core::links::{self, Link, LinkState, Purpose};
use remit_core::methods::Method;
use remit_core::money::{Money, Payable};
use remit_core::payments::{self, DeskMethod, Take};
use remit_core::refunds::{self, RefundState, Request};
use remit_core::token::TokenHash;

/// Core, driven through a memory with the schema's constraints.
struct Clinic {
    db: Db,
    visit: AppointmentId,
    now: i64,
    next: u128,
}

fn payable(minor: i64) -> Payable {
    Payable::parse(Money::gbp(minor)).expect("above zero")
}

impl Clinic {
    fn fresh<T: From<uuid::Uuid>>(&mut self) -> T {
        self.next += 1;
        id(self.next)
    }

    fn last_link(&self) -> Link {
        self.db.links.last().cloned().expect("a link")
    }

    fn issue(&mut self, purpose: Purpose) -> Result<Decision, Refusal> {
        let link = self.fresh();
        links::issue(
            &self.db.standing(self.visit),
            link,
            TokenHash([0; 32]),
            purpose,
            self.now,
        )
    }

    fn charge(&mut self, minor: i64) -> Result<Decision, Refusal> {
        let charge = Charge {
            id: self.fresh(),
            kind: ChargeKind::Extra,
            description: String::new(),
            quantity: 1,
            amount: Money::gbp(minor),
            service: None,
        };
        let txn = self.fresh();
        appointments::charge(&self.db.standing(self.visit), charge, txn, self.now)
    }

    fn cancel_visit(&mut self) -> Result<Decision, Refusal> {
        let charges = self.db.visit(self.visit).charges.clone();
        let charges: Vec<_> = charges.into_iter().map(|c| (c, self.fresh())).collect();
        let standing = self.db.standing(self.visit);
        appointments::change_status(
            &standing,
            appointments::Status::Cancelled,
            None,
            &charges,
            self.now,
        )
    }

    fn start(&mut self) -> Result<Decision, Refusal> {
        let start = Start {
            attempt: self.fresh(),
            method: Method::Card,
            provider: "sandbox".into(),
            account: "acct".into(),
            session_min_ms: 30 * remit_core::MINUTE_MS,
            session_max_ms: remit_core::DAY_MS,
            failed_tries: 0,
            oldest_failed_at: 0,
        };
        Ok(
            match attempts::start(
                &self.db.standing(self.visit),
                &self.last_link(),
                start,
                self.now,
            )? {
                Started::Fresh(_, decision) => decision,
                Started::Same(_) | Started::CloseFirst(_) | Started::InProgress(_) => {
                    Decision::default()
                }
            },
        )
    }

    fn hear(&mut self, index: usize, word: Word) -> Decision {
        let attempt = self.db.attempts[index].attempt.clone();
        let status = match word {
            Word::Open => Reported::Open,
            Word::Processing => Reported::Processing { payment_id: None },
            Word::Failed => Reported::Failed,
            Word::Expired => Reported::Expired,
            Word::Closed => Reported::Closed,
            Word::Paid(difference) => Reported::Paid {
                payment_id: format!("p{index}"),
                received: attempt.amount.with(attempt.amount.minor + difference),
                paid_with: None,
            },
        };
        let report = Report {
            session_id: format!("s{index}"),
            url: None,
            status,
            last_error: None,
        };
        let link = attempt.link.map(|link| self.db.link(link).clone());
        let ids = SettleIds {
            payment: self.fresh(),
            txn: self.fresh(),
        };
        attempts::settle(
            &self.db.standing(self.visit),
            &attempt,
            link.as_ref(),
            &report,
            ids,
            self.now,
        )
    }

    fn desk(&mut self, minor: i64, despite_live_payment: bool) -> Result<Decision, Refusal> {
        let take = Take {
            payment: self.fresh(),
            txn: self.fresh(),
            method: DeskMethod::Cash,
            amount: payable(minor),
            reference: None,
            despite_live_payment,
        };
        payments::take(&self.db.standing(self.visit), take, self.now)
    }

    fn refund(&mut self, payment: usize, minor: i64, reopen: bool) -> Result<Decision, Refusal> {
        let payment = self.db.payments[payment].clone();
        let request = Request {
            refund: self.fresh(),
            txn: self.fresh(),
            amount: payable(minor),
            reason: None,
            reopen,
            correction: false,
            seen_available: None,
            needs_approval: false,
            asker: String::new(),
        };
        refunds::request(&self.db.standing(self.visit), &payment, request, self.now)
    }

    fn refund_becomes(&mut self, index: usize, to: RefundWord) -> Decision {
        let refund = self.db.refunds[index].refund.clone();
        let payment = self.db.payment(refund.payment).clone();
        let txn = self.fresh();
        refunds::settle(
            &self.db.standing(self.visit),
            &payment,
            &refund,
            refund_state(to),
            txn,
            self.now,
        )
    }

    fn decide(&mut self, step: &Step) -> Result<Decision, Refusal> {
        match *step {
            Step::Charge(minor) => self.charge(minor),
            Step::CancelVisit => self.cancel_visit(),
            Step::IssueDeposit => self.issue(Purpose::Deposit),
            Step::IssueBalance => self.issue(Purpose::Balance),
            Step::IssuePart(minor) => self.issue(Purpose::Part(payable(minor))),
            Step::HandOver => links::hand_over(&self.last_link(), self.now),
            Step::Access => Ok(links::access(&self.last_link(), self.now)),
            Step::CancelLink => {
                links::cancel(&self.db.standing(self.visit), &self.last_link(), self.now)
            }
            Step::Renew => {
                links::renewable(&self.last_link(), self.now)?;
                self.issue(Purpose::Balance)
            }
            Step::Tick => {
                let ticks = self.db.links.iter().map(|link| links::tick(link, self.now));
                Ok(Decision {
                    events: ticks.flat_map(|d| d.events).collect(),
                    effects: vec![],
                })
            }
            Step::Wait(ms) => {
                self.now += ms;
                Ok(Decision::default())
            }
            Step::Start => self.start(),
            Step::Hears(index, word) => Ok(self.hear(index, word)),
            Step::Desk(minor, despite) => self.desk(minor, despite),
            Step::Refund {
                payment,
                minor,
                reopen,
            } => self.refund(payment, minor, reopen),
            Step::RefundBecomes(index, to) => Ok(self.refund_becomes(index, to)),
        }
    }
}

fn refund_state(word: RefundWord) -> RefundState {
    match word {
        RefundWord::Requested => RefundState::Requested,
        RefundWord::Unknown => RefundState::Unknown,
        RefundWord::Pending => RefundState::Pending,
        RefundWord::Succeeded => RefundState::Succeeded,
        RefundWord::Failed => RefundState::Failed,
    }
}

fn attempt_state(said: Option<Word>) -> AttemptState {
    match said {
        None => AttemptState::Creating,
        Some(Word::Open) => AttemptState::Open,
        Some(Word::Processing) => AttemptState::Processing,
        Some(Word::Failed) => AttemptState::Failed,
        Some(Word::Expired) => AttemptState::Expired,
        Some(Word::Closed) => AttemptState::Cancelled,
        Some(Word::Paid(_)) => AttemptState::Succeeded,
    }
}

fn link_status(link: &Link) -> Status {
    match link.state {
        LinkState::Created => Status::Created,
        LinkState::Sent => Status::Sent,
        LinkState::Accessed => Status::Accessed,
        LinkState::Expired => Status::Expired,
        LinkState::Cancelled => Status::Cancelled,
        LinkState::Paid => Status::Paid { late: link.late },
    }
}

impl StateMachineTest for Clinic {
    type SystemUnderTest = Clinic;
    type Reference = Visit;

    fn init_test(visit: &Visit) -> Clinic {
        let mut db = Db::new(0);
        db.book(id(1), visit.deposit);
        Clinic {
            db,
            visit: id(1),
            now: 0,
            next: 1,
        }
    }

    fn apply(mut clinic: Clinic, visit: &Visit, step: Step) -> Clinic {
        let decided = clinic.decide(&step);
        assert_eq!(decided.is_ok(), visit.accepted, "{step:?}: {decided:?}");
        if let Ok(decision) = decided {
            let written = clinic.db.apply(clinic.visit, &decision, clinic.now);
            written.expect("no constraint is broken by a decision");
        }
        clinic
    }

    fn check_invariants(clinic: &Clinic, visit: &Visit) {
        let balance = &clinic.db.visit(clinic.visit).balance;
        let stored = reckoning::Reckoning {
            total: balance.total,
            paid: balance.paid,
            refunded: balance.refunded,
            due: balance.due,
            credit: balance.credit,
            given: balance.given(),
        };
        assert_eq!(stored, visit.money);
        assert_eq!(balance.deposit_due(), Money::gbp(visit.deposit_due()));
        let links: Vec<_> = clinic
            .db
            .links
            .iter()
            .map(|l| (l.amount.minor, link_status(l)))
            .collect();
        assert_eq!(
            links,
            visit
                .links
                .iter()
                .map(|l| (l.amount, l.status))
                .collect::<Vec<_>>()
        );
        let attempts: Vec<_> = clinic
            .db
            .attempts
            .iter()
            .map(|r| (r.attempt.amount.minor, r.attempt.state))
            .collect();
        let foretold = visit
            .attempts
            .iter()
            .map(|a| (a.amount, attempt_state(a.said)));
        assert_eq!(attempts, foretold.collect::<Vec<_>>());
        let payments: Vec<_> = clinic
            .db
            .payments
            .iter()
            .map(|p| (p.amount.minor, p.refund_reserved))
            .collect();
        assert_eq!(
            payments,
            visit
                .payments
                .iter()
                .map(|p| (p.amount, p.reserved))
                .collect::<Vec<_>>()
        );
        let refunds: Vec<_> = clinic.db.refunds.iter().map(|r| r.refund.state).collect();
        assert_eq!(
            refunds,
            visit
                .refunds
                .iter()
                .map(|r| refund_state(r.state))
                .collect::<Vec<_>>()
        );
    }
}

fn config() -> Config {
    let cases = std::env::var("REMIT_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    Config {
        cases: cases.unwrap_or(2_000),
        failure_persistence: None,
        ..Config::default()
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn core_agrees_with_plain_integers(sequential 1..=60 => Clinic);
}

/// A model that agrees with everything would prove nothing.
#[test]
fn a_wrong_rule_is_noticed() {
    let strategy = Visit::sequential_strategy(1..=60);
    // Disputes and reminders are not among the model's steps; the simulator plays them, with their faults.
    let left_out = [
        Fault::DisputeDoubled,
        Fault::DisputeOrderIgnored,
        Fault::ReminderAfterEnd,
        Fault::RemindersUnbounded,
    ];
    for fault in Fault::ALL
        .into_iter()
        .filter(|fault| !left_out.contains(fault))
    {
        let mut runner = TestRunner::deterministic();
        let noticed = (0..2_000).any(|_| {
            let (visit, steps, _) = strategy.new_tree(&mut runner).expect("steps").current();
            faults::plant(Some(fault));
            let played = catch_unwind(|| Clinic::test_sequential(config(), visit, steps, None));
            faults::plant(None);
            played.is_err()
        });
        assert!(noticed, "{fault:?} went by");
    }
}
