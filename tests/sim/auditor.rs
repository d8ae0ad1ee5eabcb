//! The auditor: foretells each appointment's figures from what staff commanded and what the provider really took, and
//! checks the invariants of hazards 6 after every step.

use std::collections::HashMap;

use remit_core::account::{Effect, FindingKind};
use remit_core::attempts::AttemptState;
use remit_core::disputes::DisputeState;
use remit_core::ids::{AppointmentId, AttemptId, PaymentId};
use remit_core::ledger::{self, Account, TxnKind};
use remit_core::links::LinkState;
use remit_core::money::Currency;
use remit_core::refunds::RefundState;

use crate::db::{AttemptRow, Db, JobState, Visit};
use crate::provider::{Provider, RefundStanding, Standing};
use crate::reckoning::Reckoning;

/// What a committed transaction was for, in the words of the person or company behind it.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    Priced(AppointmentId, i64),
    Took(AppointmentId, i64),
    Captured(AttemptId, usize),
    SentBack(AppointmentId, i64, bool),
    CameBack(AppointmentId, i64),
}

#[derive(Default)]
pub struct Auditor {
    accounts: HashMap<AppointmentId, Reckoning>,
    captured: Vec<usize>,
    /// Attempts whose surplus has an honest reason: money came by another way while they were live.
    excused: Vec<AttemptId>,
    checked_txns: usize,
    checked_moves: usize,
    checked_attempts: usize,
}

/// Refuses with the invariant's number.
macro_rules! holds {
    ($condition:expr, $($said:tt)+) => {
        if !$condition {
            return Err(format!($($said)+));
        }
    };
}

impl Auditor {
    pub fn account(&mut self, visit: AppointmentId) -> &mut Reckoning {
        self.accounts.entry(visit).or_default()
    }

    /// Told of each commit, before the checks.
    pub fn learn(&mut self, fact: Fact, before: &Db, provider: &Provider) -> Result<(), String> {
        match fact {
            Fact::Priced(visit, change) => self.account(visit).price(change),
            Fact::Took(visit, amount) => {
                self.account(visit).receive(amount);
                self.excuse(before, visit);
            }
            Fact::SentBack(visit, amount, again) => self.account(visit).send_back(amount, again),
            Fact::CameBack(visit, amount) => {
                self.account(visit).come_back(amount);
                self.excuse(before, visit);
            }
            Fact::Captured(attempt, payment) => {
                return self.capture(attempt, payment, before, provider);
            }
        }
        Ok(())
    }

    fn excuse(&mut self, before: &Db, visit: AppointmentId) {
        self.excused.extend(before.live(visit).map(|live| live.id));
    }

    fn capture(
        &mut self,
        id: AttemptId,
        payment: usize,
        before: &Db,
        provider: &Provider,
    ) -> Result<(), String> {
        holds!(
            !self.captured.contains(&payment),
            "I3: payment {payment} is taken in twice"
        );
        self.captured.push(payment);
        let attempt = &before.attempt(id).attempt;
        let received = provider.payments[payment].received;
        if received.currency != Currency::GBP {
            return Ok(());
        }
        let due = self.account(attempt.appointment).due;
        let other = received.minor > attempt.amount.minor
            || !attempt.state.is_live()
            || provider.sessions[provider.payments[payment].session].revived
            || self.excused.contains(&id);
        holds!(
            received.minor <= due || other,
            "I5: surplus of {id} without a reason"
        );
        self.account(attempt.appointment).receive(received.minor);
        // What came for an attempt that had ended lowers the balance under the one that is live.
        let live = before
            .live(attempt.appointment)
            .filter(|live| live.id != id);
        self.excused.extend(live.map(|live| live.id));
        Ok(())
    }

    /// Everything that must hold after every step.
    pub fn check(&mut self, db: &Db, provider: &Provider) -> Result<(), String> {
        self.check_ledger(db, provider)?;
        for visit in &db.visits {
            self.check_balance(db, visit)?;
            check_one_session(db, provider, visit.id)?;
        }
        for row in &db.attempts {
            check_attempt(db, provider, row)?;
        }
        self.check_starts(db)?;
        check_links(db)?;
        check_refunds(db, provider)?;
        check_disputes(db)?;
        for moved in &db.moves[self.checked_moves..] {
            holds!(
                moved.from <= moved.to,
                "I11: a state fell from {} to {}",
                moved.from,
                moved.to
            );
        }
        self.checked_moves = db.moves.len();
        Ok(())
    }

    fn check_ledger(&mut self, db: &Db, provider: &Provider) -> Result<(), String> {
        for (index, posted) in db.txns.iter().enumerate().skip(self.checked_txns) {
            let txn = &posted.1;
            holds!(
                txn.lines().len() >= 2 && ledger::balanced(txn.lines()),
                "I1: {txn:?}"
            );
            let same = |other: &&std::rc::Rc<(AppointmentId, ledger::Txn)>| {
                other.1.kind == txn.kind && other.1.source == txn.source
            };
            holds!(
                !db.txns[..index].iter().any(|t| same(&t)),
                "I3: {} is posted twice",
                txn.source
            );
            if txn.kind != TxnKind::Capture {
                continue;
            }
            let payment = txn
                .source
                .rsplit(':')
                .next()
                .and_then(|n| n.parse::<usize>().ok());
            let payment = payment.and_then(|n| provider.payments.get(n));
            let Some(payment) = payment else {
                return Err(format!("I3: the provider knows nothing of {}", txn.source));
            };
            let cleared = txn
                .lines()
                .iter()
                .find(|l| matches!(l.account, Account::PspClearing(_)));
            holds!(
                cleared.map(|l| l.amount) == Some(payment.received),
                "I3: {} posted, {:?} received",
                txn.source,
                payment.received
            );
        }
        self.checked_txns = db.txns.len();
        Ok(())
    }

    fn check_balance(&mut self, db: &Db, visit: &Visit) -> Result<(), String> {
        let (mut due, mut credit, mut given) = (0, 0, 0);
        let own = db.txns.iter().filter(|t| t.0 == visit.id);
        for line in own.flat_map(|t| t.1.lines()) {
            if line.amount.currency != visit.balance.currency {
                continue;
            }
            match line.account {
                Account::Receivable => due += line.amount.minor,
                Account::PatientCredit => credit -= line.amount.minor,
                Account::RefundsGiven => given += line.amount.minor,
                _ => {}
            }
        }
        let b = &visit.balance;
        holds!(
            (b.due, b.credit) == (due, credit),
            "I2: {b:?} beside {due} due and {credit} credit in the books"
        );
        holds!(
            due >= 0 && credit >= 0 && given >= 0,
            "I2: {due} due, {credit} credit, {given} given"
        );
        holds!(
            due == 0 || credit == 0,
            "I2: {due} due beside {credit} credit"
        );
        let stored = Reckoning {
            total: b.total,
            paid: b.paid,
            refunded: b.refunded,
            due,
            credit,
            given,
        };
        let foretold = self.account(visit.id);
        holds!(
            stored == *foretold,
            "I13: {stored:?} stored, {foretold:?} foretold"
        );
        holds!(
            b.given() == given,
            "I13: {} given by the balance, {given} by the books",
            b.given()
        );
        let price: i64 = visit.charges.iter().map(|c| c.amount.minor).sum();
        holds!(
            price == b.total,
            "I13: charges of {price}, a total of {}",
            b.total
        );
        Ok(())
    }

    /// No attempt starts above what is due, nor on a link whose time is over (rule 7).
    fn check_starts(&mut self, db: &Db) -> Result<(), String> {
        for row in &db.attempts[self.checked_attempts..] {
            let attempt = &row.attempt;
            let due = self.account(attempt.appointment).due;
            holds!(
                attempt.amount.minor <= due,
                "{} asks for {:?}, {due} is due",
                attempt.id,
                attempt.amount
            );
            let link = attempt.link.map(|link| db.link(link));
            holds!(
                link.is_none_or(|link| attempt.created_at < link.expires_at),
                "I11: {} started after its link had expired",
                attempt.id
            );
        }
        self.checked_attempts = db.attempts.len();
        Ok(())
    }

    /// What must hold once nothing is under way any more.
    pub fn check_rest(&mut self, db: &Db, provider: &Provider) -> Result<(), String> {
        let live = db.attempts.iter().find(|row| row.attempt.state.is_live());
        holds!(
            live.is_none(),
            "I8: {:?} is still live",
            live.map(|row| &row.attempt)
        );
        let open = provider
            .sessions
            .iter()
            .find(|s| matches!(s.standing, Standing::Open | Standing::Processing));
        holds!(
            open.is_none(),
            "a session is still open at the provider: {open:?}"
        );
        for payment in 0..provider.payments.len() {
            holds!(
                self.captured.contains(&payment),
                "I3: payment {payment} of the provider never reached the books"
            );
        }
        let late = db.inbox.iter().find(|row| !row.done);
        holds!(late.is_none(), "I9: an event was never applied");
        let undone = db
            .outbox
            .iter()
            .find(|job| matches!(job.state, JobState::Pending | JobState::Sending));
        holds!(
            undone.is_none(),
            "I10: {:?} was never carried out",
            undone.map(|job| job.effect)
        );
        for row in &db.refunds {
            let ended = matches!(
                row.refund.state,
                RefundState::Succeeded | RefundState::Failed
            );
            holds!(ended, "refund {} never ended", row.refund.id);
        }
        for (index, made) in provider.disputes.iter().enumerate() {
            let name = index.to_string();
            let known = db.disputes.iter().find(|d| d.dispute_id == name);
            let ours = known.map(|d| (d.state, d.withdrawn.minor));
            holds!(
                ours == Some((made.state, made.withdrawn)),
                "A23: dispute {index} is {made:?}, we know {ours:?}"
            );
        }
        self.check_clearing(db, provider)
    }

    /// I3b: what the books say the provider holds is what the provider holds.
    fn check_clearing(&mut self, db: &Db, provider: &Provider) -> Result<(), String> {
        let lines = db.txns.iter().flat_map(|t| t.1.lines());
        let clearing = lines.filter(|l| matches!(l.account, Account::PspClearing(_)));
        let books: i64 = clearing.map(|l| l.amount.minor).sum();
        let held: i64 = provider
            .payments
            .iter()
            .map(|p| p.received.minor - p.refunded - p.withdrawn)
            .sum();
        holds!(
            books == held,
            "I3b: the books say {books}, the provider holds {held}"
        );
        for (index, payment) in provider.payments.iter().enumerate() {
            let paid = payment.received;
            let asked = provider.sessions[payment.session].amount;
            let about = provider.sessions[payment.session].reference.to_string();
            let found = db
                .findings
                .iter()
                .any(|f| f.kind == FindingKind::AmountMismatch && f.about == about);
            holds!(
                paid == asked || found,
                "payment {index} differs from what was asked, and nobody was told"
            );
        }
        Ok(())
    }
}

/// I4: at most one payable session whose address a patient has, per appointment.
fn check_one_session(db: &Db, provider: &Provider, visit: AppointmentId) -> Result<(), String> {
    let payable = provider.sessions.iter().filter(|s| {
        s.handed_out
            && s.standing == Standing::Open
            && db.attempt(s.reference).attempt.appointment == visit
    });
    let payable = payable.count();
    holds!(payable <= 1, "I4: {payable} sessions can be paid at once");
    Ok(())
}

fn check_attempt(db: &Db, provider: &Provider, row: &AttemptRow) -> Result<(), String> {
    let attempt = &row.attempt;
    let succeeded = attempt.state == AttemptState::Succeeded;
    holds!(
        succeeded == (attempt.captured > 0),
        "I7: {} {:?} with {}",
        attempt.id,
        attempt.state,
        attempt.captured
    );
    if !attempt.state.is_live() {
        let payable = |s: &&crate::provider::Session| {
            s.reference == attempt.id && s.standing == Standing::Open
        };
        holds!(
            !provider.sessions.iter().any(|s| payable(&s)),
            "I4: {} has ended and can be paid at the provider",
            attempt.id
        );
        return Ok(());
    }
    let due = db.visit(attempt.appointment).balance.due;
    let closing = |job: &crate::db::Job| {
        job.effect
            == Effect::EnsureClosed {
                attempt: attempt.id,
            }
            && job.state == JobState::Pending
    };
    holds!(
        attempt.amount.minor <= due || db.outbox.iter().any(closing),
        "{} asks for {:?} while {due} is due, and nothing closes it",
        attempt.id,
        attempt.amount
    );
    Ok(())
}

fn check_links(db: &Db) -> Result<(), String> {
    for link in &db.links {
        let full = |row: &&AttemptRow| {
            let a = &row.attempt;
            let paid = db.payments.iter().find(|p| p.attempt == Some(a.id));
            a.link == Some(link.id) && paid.is_some_and(|p| p.amount == a.amount)
        };
        let by_attempt = db.attempts.iter().any(|row| full(&row));
        holds!(
            (link.state == LinkState::Paid) == by_attempt,
            "I7: link {} is {:?}; paid in full by an attempt: {by_attempt}",
            link.id,
            link.state
        );
        let due = db.visit(link.appointment).balance.due;
        holds!(
            !link.state.is_open() || due > 0,
            "link {} is open with nothing due",
            link.id
        );
    }
    Ok(())
}

fn check_refunds(db: &Db, provider: &Provider) -> Result<(), String> {
    for payment in &db.payments {
        let kept = |state: RefundState| state != RefundState::Failed;
        let own = |id: PaymentId| db.refunds.iter().filter(move |r| r.refund.payment == id);
        let reserved: i64 = own(payment.id)
            .filter(|r| kept(r.refund.state))
            .map(|r| r.refund.amount.minor)
            .sum();
        holds!(
            reserved == payment.refund_reserved && reserved <= payment.amount.minor,
            "I6: {reserved} refunded, {} reserved of {:?}",
            payment.refund_reserved,
            payment.amount
        );
    }
    for (index, made) in provider.refunds.iter().enumerate() {
        let twice = provider.refunds[..index].iter().any(|r| {
            r.reference == made.reference
                && r.standing != RefundStanding::Failed
                && made.standing != RefundStanding::Failed
        });
        holds!(
            !twice,
            "I6: refund {} was made twice at the provider",
            made.reference
        );
    }
    Ok(())
}

/// A23: for each dispute the books hold what the bank has, in the account where it belongs, and staff see the open ones.
fn check_disputes(db: &Db) -> Result<(), String> {
    let sum = |account: Account| -> i64 {
        let lines = db.txns.iter().flat_map(|t| t.1.lines());
        let own = lines.filter(|l| l.account == account);
        own.map(|l| l.amount.minor).sum()
    };
    let withdrawn = |lost: bool| -> i64 {
        let own = db
            .disputes
            .iter()
            .filter(|d| (d.state == DisputeState::Lost) == lost);
        own.map(|d| d.withdrawn.minor).sum()
    };
    for (account, lost) in [
        (Account::DisputeHold, false),
        (Account::ChargebackLoss, true),
    ] {
        let (books, banks) = (sum(account.clone()), withdrawn(lost));
        holds!(
            books == banks,
            "A23: {books} in {account}, the banks have {banks}"
        );
    }
    let open = db.disputes.iter().filter(|d| d.state.is_open()).count();
    let told = db
        .findings
        .iter()
        .filter(|f| f.kind == FindingKind::Dispute)
        .count();
    holds!(
        open == told,
        "A23: {open} disputes are open, staff see {told}"
    );
    Ok(())
}
