use super::*;
use crate::account::Refusal;
use crate::payments::{DeskMethod, PaidBy, Payment, ProviderPayment};
use crate::refunds::{Refund, RefundState, Request, request, settle};
use RefundState::{Failed, Pending, Requested, Succeeded, Unknown};

fn payment(minor: i64, reserved: i64, online: bool) -> Payment {
    let provider = ProviderPayment {
        provider: "sandbox".into(),
        account: "acct".into(),
        payment_id: "p1".into(),
    };
    Payment {
        id: id(30),
        appointment: id(1),
        link: None,
        attempt: None,
        paid_by: if online {
            PaidBy::Online(Method::Card)
        } else {
            PaidBy::Desk(DeskMethod::Cash)
        },
        provider: online.then_some(provider),
        amount: Money::gbp(minor),
        received_at: NOW,
        reference: None,
        refund_reserved: reserved,
    }
}

fn asked(amount: Payable, seen_available: Option<Money>) -> Request {
    Request {
        refund: id(50),
        txn: id(51),
        amount,
        reason: None,
        reopen: false,
        seen_available,
    }
}

fn refund(minor: i64, state: RefundState, reopen: bool) -> Refund {
    Refund {
        id: id(50),
        payment: id(30),
        amount: Money::gbp(minor),
        reason: None,
        state,
        reopen,
        requested_at: NOW,
    }
}

fn settled(standing: &Standing, refund: &Refund, to: RefundState) -> Vec<String> {
    told(&settle(
        standing,
        &payment(5000, 2000, true),
        refund,
        to,
        id(51),
        NOW,
    ))
}

#[test]
fn a_refund_is_reserved_before_any_call_and_desk_money_is_posted_at_once() {
    let standing = standing(5000, 0);
    let lines = |online| {
        request(
            &standing,
            &payment(5000, 0, online),
            asked(payable(2000), None),
            NOW,
        )
        .map(|d| told(&d))
        .unwrap()
    };
    assert_eq!(lines(true), ["refund 2000", "-> call refund"]);
    assert_eq!(
        lines(false),
        [
            "refund 2000",
            "refund requested to succeeded",
            "refund refunds_given:2000 cash:-2000",
            "total 5000 paid 5000 refunded 2000 due 0 credit 0",
        ]
    );
}

#[test]
fn no_more_goes_back_than_came_and_than_the_person_saw() {
    let (asked_for, available) = (Money::gbp(3001), Money::gbp(3000));
    let euro = Payable::parse(Money::new(1, Currency::EUR)).unwrap();
    for (request_, refusal) in [
        (asked(payable(3000), Some(available)), None),
        (
            asked(payable(3001), None),
            Some(Refusal::MoreThanRefundable {
                asked: asked_for,
                available,
            }),
        ),
        (
            asked(payable(100), Some(Money::gbp(5000))),
            Some(Refusal::AvailableChanged { available }),
        ),
        (asked(euro, None), Some(Refusal::OtherCurrency)),
    ] {
        let decided = request(
            &standing(5000, 0),
            &payment(5000, 2000, true),
            request_,
            NOW,
        );
        assert_eq!(decided.err(), refusal);
    }
}

#[test]
fn credit_goes_first_then_staff_choose() {
    let mut with_credit = standing(5000, 0);
    (with_credit.balance.total, with_credit.balance.credit) = (4500, 500);
    for (reopen, posted, balance) in [
        (
            false,
            "refund patient_credit:500 refunds_given:1500 psp_clearing:sandbox:acct:-2000",
            "total 4500 paid 5000 refunded 2000 due 0 credit 0",
        ),
        (
            true,
            "refund patient_credit:500 receivable:1500 psp_clearing:sandbox:acct:-2000",
            "total 4500 paid 5000 refunded 2000 due 1500 credit 0",
        ),
    ] {
        let lines = settled(&with_credit, &refund(2000, Pending, reopen), Succeeded);
        assert_eq!(lines, ["refund pending to succeeded", posted, balance]);
    }
}

#[test]
fn a_refund_moves_up_once_and_a_failed_one_is_shown() {
    let standing = standing(5000, 0);
    for (from, to, lines) in [
        (Requested, Unknown, vec!["refund requested to unknown"]),
        (Unknown, Pending, vec!["refund unknown to pending"]),
        (Pending, Unknown, vec![]),
        (Pending, Pending, vec![]),
        (Succeeded, Pending, vec![]),
        (Succeeded, Succeeded, vec![]),
        (Failed, Succeeded, vec![]),
        (
            Unknown,
            Failed,
            vec!["refund unknown to failed", "finding refund_failed 2000"],
        ),
    ] {
        assert_eq!(
            settled(&standing, &refund(2000, from, false), to),
            lines,
            "{from:?} to {to:?}"
        );
    }
}

/// The bank sent it back: it settles what is owed by now, and what would take that again is closed.
#[test]
fn a_refund_that_failed_after_all_is_the_patients_again() {
    let mut reopened = live(open(standing(5000, 2000), 2000), 2000);
    (reopened.balance.total, reopened.balance.refunded) = (5000, 2000);
    assert_eq!(
        settled(&reopened, &refund(2000, Succeeded, true), Failed),
        [
            "refund succeeded to failed",
            "total 5000 paid 5000 refunded 0 due 0 credit 0",
            "refund_reversal psp_clearing:sandbox:acct:2000 receivable:-2000",
            "finding refund_failed 2000",
            "link sent to cancelled, settled",
            "-> ensure closed",
        ]
    );
    let mut given = standing(5000, 0);
    given.balance.refunded = 2000;
    let lines = settled(&given, &refund(2000, Succeeded, false), Failed);
    assert_eq!(
        lines[1],
        "total 5000 paid 5000 refunded 0 due 0 credit 2000"
    );
}
