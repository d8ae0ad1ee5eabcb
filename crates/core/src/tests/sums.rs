//! S13 of the hazards: sums read back in every currency, split without a residue, and are kept (hazards A18, A21, I2).
//! `REMIT_MONEY_CASES` says how often.

use super::*;
use crate::account::Refusal;
use crate::currencies::TABLE;
use crate::money::MINOR_MAX;
use crate::payments::{DeskMethod, PaidBy, Payment, ProviderPayment, Take, take};
use crate::refunds::{Request, request};

fn balance_after(decision: &Decision) -> Balance {
    let set = decision.events.iter().rev().find_map(|event| match event {
        Event::BalanceSet(balance) => Some(balance.clone()),
        _ => None,
    });
    set.expect("a balance")
}

fn paid_online(minor: i64, reserved: i64) -> Payment {
    let provider = ProviderPayment {
        provider: "stripe".into(),
        account: "acct".into(),
        payment_id: "pi_1".into(),
    };
    Payment {
        id: id(30),
        appointment: id(1),
        link: None,
        attempt: None,
        paid_by: PaidBy::Online(Method::Card),
        provider: Some(provider),
        amount: Money::gbp(minor),
        received_at: NOW,
        reference: None,
        refund_reserved: reserved,
        disputed: crate::disputes::Disputed::default(),
    }
}

/// Whether a refund of so much would be reserved.
fn refundable(payment: &Payment, minor: i64) -> Result<(), Refusal> {
    let asked = Request {
        refund: id(50),
        txn: id(51),
        amount: payable(minor),
        reason: None,
        reopen: false,
        correction: false,
        seen_available: None,
        needs_approval: false,
        asker: "stf_1".into(),
    };
    request(&standing(payment.amount.minor, 0), payment, asked, NOW).map(|_| ())
}

proptest::proptest! {
    #![proptest_config(cases("REMIT_MONEY_CASES", 100_000))]

    /// What people see reads back as the same minor units, in every currency that there is (hazard A21).
    #[test]
    fn a_sum_reads_back_in_every_currency(minor in -MINOR_MAX..=MINOR_MAX, row in 0..TABLE.len()) {
        let currency = Currency::parse(TABLE[row].0).unwrap();
        let money = Money::new(minor, currency);
        proptest::prop_assert_eq!(Money::parse(&money.figure(), currency), Ok(money));
        proptest::prop_assert_eq!(Money::parse(&money.grouped(), currency), Ok(money));
        let digits = money.figure().bytes().filter(u8::is_ascii_digit).count();
        proptest::prop_assert!(digits > currency.exponent() as usize);
    }

    /// A payment settles what is due, the rest is credit, and not a penny goes elsewhere (invariants I1, I2).
    #[test]
    fn a_payment_is_kept_to_the_penny(due in 0..MINOR_MAX, amount in 1..MINOR_MAX) {
        let taking = Take {
            payment: id(30),
            txn: id(31),
            method: DeskMethod::Cash,
            amount: payable(amount),
            reference: None,
            despite_live_payment: false,
        };
        let after = balance_after(&take(&standing(0, due), taking, NOW).unwrap());
        proptest::prop_assert_eq!((after.due, after.credit), ((due - amount).max(0), (amount - due).max(0)));
        proptest::prop_assert_eq!(after.paid, amount);
        proptest::prop_assert_eq!(due - after.due + after.credit, amount);
    }

    /// Refunds in any parts reach exactly what was paid and never go over it (hazard A18).
    #[test]
    fn refunds_reach_exactly_the_payment(paid in 1_i64..1_000_000, shares in proptest::collection::vec(1_i64..=1_000, 0..8)) {
        let mut reserved = 0;
        for share in shares {
            let left = paid - reserved;
            let part = (left * share / 1_000).max(1);
            let payment = paid_online(paid, reserved);
            if left == 0 {
                proptest::prop_assert!(refundable(&payment, part).is_err());
                break;
            }
            proptest::prop_assert_eq!(refundable(&payment, part), Ok(()));
            proptest::prop_assert!(refundable(&payment, left + 1).is_err());
            reserved += part;
        }
        if reserved < paid {
            proptest::prop_assert_eq!(refundable(&paid_online(paid, reserved), paid - reserved), Ok(()));
        }
        proptest::prop_assert!(refundable(&paid_online(paid, paid), 1).is_err());
    }
}
