//! Payments: money received. Online ones are posted by `attempts::settle`, desk ones here.

use crate::UtcMs;
use crate::account::{Decision, Event, Finding, FindingKind, Refusal, Standing};
use crate::disputes::Disputed;
use crate::faults::{Fault, planted};
use crate::ids::{AppointmentId, AttemptId, LinkId, PaymentId, TxnId};
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::methods::Method;
use crate::money::{Money, Payable};

/// How money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaidBy {
    Online(Method),
    Desk(DeskMethod),
}

/// What a receptionist records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeskMethod {
    Cash,
    CardTerminal,
    BankTransfer,
}

impl DeskMethod {
    pub const ALL: [DeskMethod; 3] = [
        DeskMethod::CardTerminal,
        DeskMethod::Cash,
        DeskMethod::BankTransfer,
    ];

    pub fn name(self) -> &'static str {
        match self {
            DeskMethod::Cash => "cash",
            DeskMethod::CardTerminal => "card_terminal",
            DeskMethod::BankTransfer => "bank_transfer",
        }
    }

    pub fn parse(name: &str) -> Option<DeskMethod> {
        DeskMethod::ALL.into_iter().find(|m| m.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            DeskMethod::Cash => "Cash",
            DeskMethod::CardTerminal => "Card terminal",
            DeskMethod::BankTransfer => "Bank transfer",
        }
    }

    pub fn account(self) -> Account {
        match self {
            DeskMethod::Cash => Account::Cash,
            DeskMethod::CardTerminal => Account::TerminalClearing,
            DeskMethod::BankTransfer => Account::Bank,
        }
    }
}

impl PaidBy {
    pub fn name(self) -> &'static str {
        match self {
            PaidBy::Online(method) => method.name(),
            PaidBy::Desk(method) => method.name(),
        }
    }

    pub fn parse(name: &str) -> Option<PaidBy> {
        Method::parse(name)
            .map(PaidBy::Online)
            .or_else(|| DeskMethod::parse(name).map(PaidBy::Desk))
    }

    pub fn title(self) -> &'static str {
        match self {
            PaidBy::Online(Method::Card) => "Card",
            PaidBy::Online(method) => method.title(),
            PaidBy::Desk(method) => method.title(),
        }
    }
}

/// A payment received; a fact that nothing takes back (refunds are facts of their own).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub appointment: AppointmentId,
    pub link: Option<LinkId>,
    pub attempt: Option<AttemptId>,
    pub paid_by: PaidBy,
    /// Provider, account and the provider's payment id; none at the desk.
    pub provider: Option<ProviderPayment>,
    pub amount: Money,
    pub received_at: UtcMs,
    /// At the desk: the terminal's or bank's reference. Online: what it was paid with, for people.
    pub reference: Option<String>,
    /// Minor units of refunds that did not fail; never more than the amount (I6).
    pub refund_reserved: i64,
    pub disputed: Disputed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderPayment {
    pub provider: String,
    pub account: String,
    pub payment_id: String,
}

impl ProviderPayment {
    /// The ledger's natural key for this payment: the same money can never be posted twice (rule 2).
    pub fn source(&self) -> String {
        format!("{}:{}:{}", self.provider, self.account, self.payment_id)
    }

    pub fn clearing(&self) -> Account {
        Account::PspClearing(format!("{}:{}", self.provider, self.account))
    }
}

impl Payment {
    /// Where the money of this payment stands in the books.
    pub fn account(&self) -> Account {
        match (&self.provider, self.paid_by) {
            (Some(provider), _) => provider.clearing(),
            (None, PaidBy::Desk(method)) => method.account(),
            // An online payment always names its provider: `settle` is its only maker.
            (None, PaidBy::Online(_)) => Account::Bank,
        }
    }

    /// What staff can still give back: neither given already nor lost to the payer's bank. While a dispute is open
    /// nothing goes back, see [`crate::refunds::request`].
    pub fn refundable(&self) -> Money {
        let left = self.amount.minor - self.refund_reserved - self.disputed.lost;
        self.amount.with(left.max(0))
    }

    /// What can be given back now: nothing while a bank is looking into the payment.
    pub fn available(&self) -> Money {
        if self.disputed.open > 0 {
            self.amount.with(0)
        } else {
            self.refundable()
        }
    }
}

/// Money taken at the desk.
#[derive(Clone, Debug)]
pub struct Take {
    pub payment: PaymentId,
    pub txn: TxnId,
    pub method: DeskMethod,
    pub amount: Payable,
    pub reference: Option<String>,
    /// Staff record it although the provider could not be asked to close a payment under way (hazards 7.6).
    pub despite_live_payment: bool,
}

/// Records money taken at the desk. More than is due becomes the patient's credit, with a finding (hazard A24).
///
/// # Errors
/// [`Refusal::OtherCurrency`]; [`Refusal::LivePayment`] unless overridden.
pub fn take(standing: &Standing, take: Take, now: UtcMs) -> Result<Decision, Refusal> {
    let amount = take.amount.money();
    if amount.currency != standing.balance.currency {
        return Err(Refusal::OtherCurrency);
    }
    if standing.live.is_some() && !take.despite_live_payment {
        return Err(Refusal::LivePayment);
    }
    let payment = Payment {
        id: take.payment,
        appointment: standing.appointment,
        link: None,
        attempt: None,
        paid_by: PaidBy::Desk(take.method),
        provider: None,
        amount,
        received_at: now,
        reference: take.reference,
        refund_reserved: 0,
        disputed: Disputed::default(),
    };
    let mut decision = Decision::default();
    post_receipt(
        &mut decision,
        standing,
        &payment,
        take.txn,
        TxnKind::Desk,
        payment.id.to_string(),
    );
    decision.events.push(Event::PaymentReceived(payment));
    decision.close_what_exceeds(standing, now);
    Ok(decision)
}

/// Money that a provider received and no link of ours explains, given its place by staff.
#[derive(Clone, Debug)]
pub struct Placing {
    pub payment: PaymentId,
    pub txn: TxnId,
    pub method: Method,
    pub provider: ProviderPayment,
    /// What the provider says that it received, in its currency.
    pub amount: Payable,
    /// What it was paid with, for people.
    pub reference: Option<String>,
}

/// Records a provider's payment at the appointment that staff chose for it. It is money already received, so nothing
/// is refused: what is above the due amount becomes credit, with a finding. The caller has asked, under the same lock,
/// that it is not posted yet.
pub fn place(standing: &Standing, placing: Placing, now: UtcMs) -> Decision {
    let source = placing.provider.source();
    let payment = Payment {
        id: placing.payment,
        appointment: standing.appointment,
        link: None,
        attempt: None,
        paid_by: PaidBy::Online(placing.method),
        provider: Some(placing.provider),
        amount: placing.amount.money(),
        received_at: now,
        reference: placing.reference,
        refund_reserved: 0,
        disputed: Disputed::default(),
    };
    let mut decision = Decision::default();
    post_receipt(
        &mut decision,
        standing,
        &payment,
        placing.txn,
        TxnKind::Capture,
        source,
    );
    decision.events.push(Event::PaymentReceived(payment));
    decision.close_what_exceeds(standing, now);
    decision
}

/// Posts received money against what is due, the rest as credit, and moves the balance.
pub(crate) fn post_receipt(
    decision: &mut Decision,
    standing: &Standing,
    payment: &Payment,
    txn: TxnId,
    kind: TxnKind,
    source: String,
) {
    let mut amount = payment.amount;
    if planted(Fault::SurplusDropped) && standing.balance.due > 0 {
        amount.minor = amount.minor.min(standing.balance.due);
    }
    if amount.currency != standing.balance.currency {
        // Foreign money is kept in its own currency as the patient's credit; it settles nothing (hazard A20).
        let lines = vec![
            ledger::debit(payment.account(), amount),
            ledger::credit(Account::PatientCredit, amount),
        ];
        decision
            .events
            .push(Event::Posted(Txn::new(txn, kind, source, lines)));
        return;
    }
    let mut balance = standing.balance.clone();
    let surplus = balance.receive(amount.minor);
    let lines = vec![
        ledger::debit(payment.account(), amount),
        ledger::credit(Account::Receivable, amount.with(amount.minor - surplus)),
        ledger::credit(Account::PatientCredit, amount.with(surplus)),
    ];
    decision
        .events
        .push(Event::Posted(Txn::new(txn, kind, source, lines)));
    decision.events.push(Event::BalanceSet(balance));
    if surplus > 0 {
        decision.events.push(Event::FindingOpened(Finding {
            kind: FindingKind::Surplus,
            about: payment.id.to_string(),
            amount: Some(amount.with(surplus)),
            detail: "More was received than was due. The rest is the patient's credit.".into(),
        }));
    }
}
