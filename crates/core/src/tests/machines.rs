//! The state machines as data: rule 8 says that states only climb.

use crate::attempts::{self, AttemptState};
use crate::disputes::{self, DisputeState};
use crate::links::{self, LinkState};
use crate::refunds::{self, Approval, RefundState};

#[test]
fn links_and_attempts_only_climb_and_every_climb_is_in_the_table() {
    for from in LinkState::ALL {
        for to in LinkState::ALL {
            let climbs = to.rank() > from.rank();
            assert_eq!(from.may_become(to), climbs, "link {from:?} to {to:?}");
            assert_eq!(
                from.may_become(to),
                links::TRANSITIONS.contains(&(from, to))
            );
        }
        assert_eq!(
            from.is_open(),
            from.may_become(LinkState::Expired),
            "only what is open ends"
        );
    }
    for from in AttemptState::ALL {
        for to in AttemptState::ALL {
            // No report brings an attempt back to where it knew less.
            let climbs = to.rank() > from.rank();
            assert_eq!(from.may_become(to), climbs, "attempt {from:?} to {to:?}");
            assert_eq!(
                from.may_become(to),
                attempts::TRANSITIONS.contains(&(from, to))
            );
        }
        assert_eq!(
            from.is_live(),
            from.may_become(AttemptState::Cancelled),
            "only what is live ends"
        );
    }
}

#[test]
fn a_refund_climbs_and_may_fail_even_after_it_succeeded() {
    for (from_height, from) in RefundState::ALL.into_iter().enumerate() {
        for (to_height, to) in RefundState::ALL.into_iter().enumerate() {
            assert_eq!(
                from.may_become(to),
                to_height > from_height,
                "{from:?} to {to:?}"
            );
            assert_eq!(
                from.may_become(to),
                refunds::TRANSITIONS.contains(&(from, to))
            );
        }
    }
}

/// The bank may change its mind about the end; what has ended does not open again.
#[test]
fn a_dispute_ends_and_stays_ended() {
    for from in DisputeState::ALL {
        for to in DisputeState::ALL {
            let goes_on = from != to && (from.is_open() || !to.is_open());
            assert_eq!(from.may_become(to), goes_on, "{from:?} to {to:?}");
            assert_eq!(
                from.may_become(to),
                disputes::TRANSITIONS.contains(&(from, to))
            );
        }
    }
}

#[test]
fn tables_name_each_move_once() {
    fn once<T: PartialEq + std::fmt::Debug>(table: &[T]) {
        for (index, row) in table.iter().enumerate() {
            assert!(!table[..index].contains(row), "{row:?} twice");
        }
    }
    once(links::TRANSITIONS);
    once(attempts::TRANSITIONS);
    once(refunds::TRANSITIONS);
    once(disputes::TRANSITIONS);
}

#[test]
fn names_read_back() {
    use crate::account::FindingKind;
    use crate::appointments::Status;
    use crate::ledger::{Account, TxnKind};
    use crate::links::Closing;
    use crate::payments::PaidBy;

    macro_rules! read_back {
        ($($kind:ty),*) => { $( for one in <$kind>::ALL { assert_eq!(<$kind>::parse(one.name()), Some(one)); } )* };
    }
    read_back!(
        LinkState,
        AttemptState,
        RefundState,
        Approval,
        DisputeState,
        Closing,
        FindingKind,
        Status,
        TxnKind
    );
    for name in [
        "card",
        "klarna",
        "clearpay",
        "cash",
        "card_terminal",
        "bank_transfer",
    ] {
        assert_eq!(PaidBy::parse(name).map(PaidBy::name), Some(name));
    }
    for name in [
        "receivable",
        "revenue",
        "terminal_clearing",
        "cash",
        "bank",
        "patient_credit",
        "refunds_given",
        "dispute_hold",
        "chargeback_loss",
        "psp_fees",
        "write_off",
        "psp_clearing:sandbox:acct",
    ] {
        assert_eq!(
            Account::parse(name)
                .map(|account| account.name())
                .as_deref(),
            Some(name)
        );
    }
    assert_eq!(
        (Account::parse("psp_clearing"), PaidBy::parse("cheque")),
        (None, None)
    );
}

#[test]
fn the_word_outside_for_a_refund() {
    let words = RefundState::ALL.map(RefundState::public_name);
    assert_eq!(
        words,
        ["pending", "pending", "pending", "succeeded", "failed"]
    );
}
