//! The ledger: append-only double entry. Debits are positive, credits negative; every transaction sums to zero.

use std::fmt;

use crate::ids::TxnId;
use crate::money::{Currency, Money};

/// Where money stands. Names are those of the books, see design 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    Receivable,
    Revenue,
    /// Money a provider holds for us, per provider account.
    PspClearing(String),
    TerminalClearing,
    Cash,
    Bank,
    PatientCredit,
    RefundsGiven,
    DisputeHold,
    ChargebackLoss,
    PspFees,
    WriteOff,
}

impl Account {
    pub fn name(&self) -> String {
        self.to_string()
    }

    pub fn parse(name: &str) -> Option<Account> {
        Some(match name {
            "receivable" => Account::Receivable,
            "revenue" => Account::Revenue,
            "terminal_clearing" => Account::TerminalClearing,
            "cash" => Account::Cash,
            "bank" => Account::Bank,
            "patient_credit" => Account::PatientCredit,
            "refunds_given" => Account::RefundsGiven,
            "dispute_hold" => Account::DisputeHold,
            "chargeback_loss" => Account::ChargebackLoss,
            "psp_fees" => Account::PspFees,
            "write_off" => Account::WriteOff,
            other => Account::PspClearing(other.strip_prefix("psp_clearing:")?.to_owned()),
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Account::Receivable => "receivable",
            Account::Revenue => "revenue",
            Account::PspClearing(account) => return write!(f, "psp_clearing:{account}"),
            Account::TerminalClearing => "terminal_clearing",
            Account::Cash => "cash",
            Account::Bank => "bank",
            Account::PatientCredit => "patient_credit",
            Account::RefundsGiven => "refunds_given",
            Account::DisputeHold => "dispute_hold",
            Account::ChargebackLoss => "chargeback_loss",
            Account::PspFees => "psp_fees",
            Account::WriteOff => "write_off",
        })
    }
}

/// Why a transaction was posted. With its source it is the natural key that makes posting idempotent (rule 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TxnKind {
    /// A charge was added; source: the charge.
    Charge,
    /// A charge was removed; source: the charge.
    Uncharge,
    /// Money came through a provider; source: the provider's payment.
    Capture,
    /// Money came at the desk; source: the payment.
    Desk,
    /// Money went back; source: the refund.
    Refund,
    /// A refund that had succeeded failed after all; source: the refund.
    RefundReversal,
    /// What the provider kept for itself; source: its movement.
    Fee,
    /// The provider sent money to the bank; source: its movement.
    Payout,
    /// A payout came back; source: its movement.
    PayoutFailure,
    /// The payer's bank took money, gave it back or kept it; source: the provider's dispute and a number.
    Dispute,
}

impl TxnKind {
    pub const ALL: [TxnKind; 10] = [
        TxnKind::Charge,
        TxnKind::Uncharge,
        TxnKind::Capture,
        TxnKind::Desk,
        TxnKind::Refund,
        TxnKind::RefundReversal,
        TxnKind::Fee,
        TxnKind::Payout,
        TxnKind::PayoutFailure,
        TxnKind::Dispute,
    ];

    pub fn name(self) -> &'static str {
        match self {
            TxnKind::Charge => "charge",
            TxnKind::Uncharge => "uncharge",
            TxnKind::Capture => "capture",
            TxnKind::Desk => "desk",
            TxnKind::Refund => "refund",
            TxnKind::RefundReversal => "refund_reversal",
            TxnKind::Fee => "fee",
            TxnKind::Payout => "payout",
            TxnKind::PayoutFailure => "payout_failure",
            TxnKind::Dispute => "dispute",
        }
    }

    pub fn parse(name: &str) -> Option<TxnKind> {
        TxnKind::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// One line: a debit is positive, a credit negative, never zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub account: Account,
    pub amount: Money,
}

/// A balanced set of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    pub id: TxnId,
    pub kind: TxnKind,
    pub source: String,
    pub reverses: Option<TxnId>,
    lines: Vec<Line>,
}

impl Txn {
    /// Builds a transaction; lines of zero are left out.
    ///
    /// # Panics
    /// When it does not balance or has fewer than two lines: invariant I1, also a check of `remit check`. Nothing a
    /// person enters can reach it, since every caller in this crate derives the last line from the others.
    pub fn new(id: TxnId, kind: TxnKind, source: impl Into<String>, lines: Vec<Line>) -> Txn {
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| line.amount.minor != 0)
            .collect();
        assert!(
            lines.len() >= 2 && balanced(&lines),
            "I1: a transaction balances: {lines:?}"
        );
        Txn {
            id,
            kind,
            source: source.into(),
            reverses: None,
            lines,
        }
    }

    /// The posting read backwards.
    pub fn reversal(&self, id: TxnId, kind: TxnKind) -> Txn {
        let lines = self
            .lines
            .iter()
            .map(|line| Line {
                account: line.account.clone(),
                amount: line.amount.with(-line.amount.minor),
            })
            .collect();
        Txn {
            id,
            kind,
            source: self.source.clone(),
            reverses: Some(self.id),
            lines,
        }
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The text whose hash chains a transaction to the one before it (hazard D17). Its form must never change.
    pub fn canonical(&self) -> String {
        let mut text = format!("{}|{}|{}", self.id, self.kind.name(), self.source);
        for line in &self.lines {
            text.push_str(&format!(
                "|{}:{}:{}",
                line.account, line.amount.minor, line.amount.currency
            ));
        }
        text
    }
}

pub fn debit(account: Account, amount: Money) -> Line {
    Line { account, amount }
}

pub fn credit(account: Account, amount: Money) -> Line {
    Line {
        account,
        amount: amount.with(-amount.minor),
    }
}

/// Whether lines sum to zero in every currency (I1).
pub fn balanced(lines: &[Line]) -> bool {
    let mut sums: Vec<(Currency, i128)> = Vec::new();
    for line in lines {
        let minor = i128::from(line.amount.minor);
        match sums
            .iter_mut()
            .find(|(currency, _)| *currency == line.amount.currency)
        {
            Some((_, sum)) => *sum += minor,
            None => sums.push((line.amount.currency, minor)),
        }
    }
    sums.iter().all(|(_, sum)| *sum == 0)
}
