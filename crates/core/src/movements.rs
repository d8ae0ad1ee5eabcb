//! Movements: the lines of a provider's own books of an account, and what each of them means for ours. Payments,
//! refunds and disputes are posted when they happen, in their appointment's book; fees and payouts belong to no
//! appointment and are posted here, in the book of the provider's account (invariant I3b).

use crate::UtcMs;
use crate::account::{Finding, FindingKind};
use crate::ids::TxnId;
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::money::Money;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MovementKind {
    Payment,
    Refund,
    /// A refund that came back.
    RefundFailure,
    Dispute,
    DisputeReversal,
    /// A fee that belongs to no payment.
    Fee,
    /// Money sent to the clinic's bank.
    Payout,
    /// A payout that came back.
    PayoutFailure,
    /// Something that this release cannot explain.
    Other,
}

use MovementKind::{
    Dispute, DisputeReversal, Fee, Other, Payment, Payout, PayoutFailure, Refund, RefundFailure,
};

impl MovementKind {
    pub const ALL: [MovementKind; 9] = [
        Payment,
        Refund,
        RefundFailure,
        Dispute,
        DisputeReversal,
        Fee,
        Payout,
        PayoutFailure,
        Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Payment => "payment",
            Refund => "refund",
            RefundFailure => "refund_failure",
            Dispute => "dispute",
            DisputeReversal => "dispute_reversal",
            Fee => "fee",
            Payout => "payout",
            PayoutFailure => "payout_failure",
            Other => "other",
        }
    }

    pub fn parse(name: &str) -> Option<MovementKind> {
        MovementKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// One line of the provider's books. `gross - fee = net`; positive: into the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The provider's own id.
    pub id: String,
    pub kind: MovementKind,
    /// The provider's word, for people, where the kind is [`MovementKind::Other`].
    pub word: String,
    /// The provider's id of the payment, refund, dispute or payout it came from.
    pub source: Option<String>,
    pub gross: Money,
    /// Kept by the provider; negative when it gives a fee back.
    pub fee: Money,
    pub net: Money,
    pub at: UtcMs,
}

impl Movement {
    /// Whether its sums agree with one another.
    fn adds_up(&self) -> bool {
        let one_currency =
            self.gross.currency == self.fee.currency && self.gross.currency == self.net.currency;
        one_currency && self.gross.minor.checked_sub(self.fee.minor) == Some(self.net.minor)
    }

    /// What the provider kept for itself: the fee of a payment, or the whole of a fee of its own.
    pub fn kept(&self) -> Money {
        match self.kind {
            Fee => self.net.with(-self.net.minor),
            _ => self.fee,
        }
    }
}

/// What a movement becomes in our books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    pub txn: Option<Txn>,
    pub finding: Option<Finding>,
}

/// The natural key of a movement, in the ledger and in findings.
pub fn source(account: &str, movement: &str) -> String {
    format!("{account}:{movement}")
}

/// Decides what a movement that was not seen before posts. `account` is `{provider}:{account}`, as in the name of its
/// clearing account.
pub fn post(account: &str, movement: &Movement, txn: TxnId) -> Posted {
    if !movement.adds_up() {
        return unexplained(
            account,
            movement,
            "The provider’s gross, fee and net do not add up.",
        );
    }
    let kept = movement.kept();
    let (kind, paid_out) = match movement.kind {
        Payment | Refund | RefundFailure | Dispute | DisputeReversal | Fee => (TxnKind::Fee, 0),
        Payout => (TxnKind::Payout, -movement.gross.minor),
        PayoutFailure => (TxnKind::PayoutFailure, -movement.gross.minor),
        Other => {
            let detail = format!(
                "The provider moved money for a reason that Remit does not know: “{}”.",
                movement.word
            );
            return unexplained(account, movement, &detail);
        }
    };
    let lines = vec![
        ledger::debit(Account::Bank, kept.with(paid_out)),
        ledger::debit(Account::PspFees, kept),
        ledger::credit(
            Account::PspClearing(account.to_owned()),
            kept.with(paid_out + kept.minor),
        ),
    ];
    let nothing = paid_out == 0 && kept.is_zero();
    Posted {
        txn: (!nothing).then(|| Txn::new(txn, kind, source(account, &movement.id), lines)),
        finding: None,
    }
}

/// Money that nothing of ours explains is not posted: a person looks at it.
fn unexplained(account: &str, movement: &Movement, detail: &str) -> Posted {
    Posted {
        txn: None,
        finding: Some(Finding {
            kind: FindingKind::Unreconciled,
            about: source(account, &movement.id),
            amount: Some(movement.net),
            detail: detail.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movement(kind: MovementKind, gross: i64, fee: i64) -> Movement {
        Movement {
            id: "mov_1".into(),
            kind,
            word: "reserve".into(),
            source: None,
            gross: Money::gbp(gross),
            fee: Money::gbp(fee),
            net: Money::gbp(gross - fee),
            at: 0,
        }
    }

    /// The lines of bank, fees and clearing.
    fn lines(movement: &Movement) -> Option<(TxnKind, i64, i64, i64)> {
        let posted = post("sandbox:a", movement, TxnId(uuid::Uuid::nil()));
        assert!(posted.finding.is_none());
        let txn = posted.txn?;
        let of = |account: Account| {
            let lines = txn.lines().iter().filter(|line| line.account == account);
            lines.map(|line| line.amount.minor).sum()
        };
        assert_eq!(txn.source, "sandbox:a:mov_1");
        let clearing = Account::PspClearing("sandbox:a".into());
        Some((
            txn.kind,
            of(Account::Bank),
            of(Account::PspFees),
            of(clearing),
        ))
    }

    #[test]
    fn each_kind_posts_what_is_not_posted_elsewhere() {
        for (kind, gross, fee, posts) in [
            (Payment, 5_000, 90, Some((TxnKind::Fee, 0, 90, -90))),
            (Payment, 5_000, 0, None),
            (Refund, -5_000, 0, None),
            (Refund, -5_000, 20, Some((TxnKind::Fee, 0, 20, -20))),
            (Refund, -5_000, -90, Some((TxnKind::Fee, 0, -90, 90))),
            (RefundFailure, 5_000, 0, None),
            (
                Dispute,
                -5_000,
                2_000,
                Some((TxnKind::Fee, 0, 2_000, -2_000)),
            ),
            (
                DisputeReversal,
                5_000,
                -2_000,
                Some((TxnKind::Fee, 0, -2_000, 2_000)),
            ),
            (Fee, -300, 0, Some((TxnKind::Fee, 0, 300, -300))),
            (Fee, -300, 50, Some((TxnKind::Fee, 0, 350, -350))),
            (Payout, -4_910, 0, Some((TxnKind::Payout, 4_910, 0, -4_910))),
            (
                Payout,
                -4_900,
                10,
                Some((TxnKind::Payout, 4_900, 10, -4_910)),
            ),
            (
                PayoutFailure,
                4_910,
                0,
                Some((TxnKind::PayoutFailure, -4_910, 0, 4_910)),
            ),
        ] {
            assert_eq!(
                lines(&movement(kind, gross, fee)),
                posts,
                "{kind:?} {gross} {fee}"
            );
        }
    }

    #[test]
    fn what_nothing_explains_is_a_finding_and_posts_nothing() {
        let mut torn = movement(Payment, 5_000, 90);
        torn.net = Money::gbp(4_000);
        let mut mixed = movement(Payout, -5_000, 0);
        mixed.fee = Money::new(0, crate::money::Currency::parse("EUR").unwrap());
        for odd in [movement(Other, -700, 0), torn, mixed] {
            let posted = post("sandbox:a", &odd, TxnId(uuid::Uuid::nil()));
            let finding = posted.finding.unwrap();
            assert_eq!(posted.txn, None);
            assert_eq!(
                (finding.kind, finding.amount),
                (FindingKind::Unreconciled, Some(odd.net))
            );
            assert_eq!(finding.about, "sandbox:a:mov_1");
        }
    }

    #[test]
    fn kinds_keep_their_names() {
        for kind in MovementKind::ALL {
            assert_eq!(MovementKind::parse(kind.name()), Some(kind));
        }
    }
}
