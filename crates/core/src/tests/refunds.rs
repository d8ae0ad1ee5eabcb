use super::*;
use crate::account::Refusal;
use crate::disputes::Disputed;
use crate::payments::{DeskMethod, PaidBy, Payment, ProviderPayment};
use crate::refunds::{
    Approval, Clearance, Limits, Refund, RefundState, Request, approve, clearance, decline,
    elsewhere, refused, request, settle,
};
use crate::roles::Role;
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
        disputed: Disputed::default(),
    }
}

fn asked(amount: Payable, seen_available: Option<Money>) -> Request {
    Request {
        refund: id(50),
        txn: id(51),
        amount,
        reason: None,
        reopen: false,
        correction: false,
        seen_available,
        needs_approval: false,
        asker: "stf_1".into(),
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
        correction: false,
        requested_at: NOW,
        approval: None,
        asker: "stf_1".into(),
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
fn a_desk_payment_recorded_by_mistake_is_owed_again() {
    let wish = |minor| Request {
        correction: true,
        ..asked(payable(minor), None)
    };
    let corrected = |online, reserved, minor| {
        let payment = payment(5000, reserved, online);
        request(&standing(5000, 0), &payment, wish(minor), NOW).map(|d| told(&d))
    };
    assert_eq!(
        corrected(false, 0, 5000),
        Ok(vec![
            "refund 5000".to_owned(),
            "refund requested to succeeded".into(),
            "refund receivable:5000 cash:-5000".into(),
            "total 5000 paid 5000 refunded 5000 due 5000 credit 0".into(),
        ])
    );
    // What is left after a part was given back is its whole.
    assert!(corrected(false, 2000, 3000).is_ok());
    assert_eq!(corrected(false, 0, 2000), Err(Refusal::OnlyWholeAtDesk));
    assert_eq!(corrected(true, 0, 5000), Err(Refusal::OnlyWholeAtDesk));
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
        let told = "-> refund receipt";
        assert_eq!(
            lines,
            ["refund pending to succeeded", posted, balance, told]
        );
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

#[test]
fn a_limit_counts_over_all_refunds_of_a_payment() {
    let limits = |reception_max, approval_above| Limits {
        reception_max,
        approval_above,
    };
    use Clearance::{Alone, Forbidden, NeedsApproval};
    for (role, limits, reserved, minor, cleared) in [
        (Role::Manager, limits(None, None), 0, 1_000_000, Alone),
        (Role::Owner, limits(None, Some(5000)), 0, 5000, Alone),
        (
            Role::Owner,
            limits(None, Some(5000)),
            0,
            5001,
            NeedsApproval,
        ),
        (
            Role::Owner,
            limits(None, Some(5000)),
            4000,
            1001,
            NeedsApproval,
        ),
        (Role::Manager, limits(Some(100), None), 0, 5000, Alone),
        (Role::Reception, limits(None, None), 0, 1, Forbidden),
        (Role::Reception, limits(None, Some(5000)), 0, 1, Forbidden),
        (Role::Reception, limits(Some(2000), None), 0, 2000, Alone),
        (
            Role::Reception,
            limits(Some(2000), None),
            1999,
            2,
            NeedsApproval,
        ),
        (
            Role::Reception,
            limits(Some(2000), Some(500)),
            0,
            501,
            NeedsApproval,
        ),
        (Role::Viewer, limits(Some(2000), None), 0, 1, Forbidden),
        (
            Role::Owner,
            limits(None, Some(0)),
            i64::MAX,
            1,
            NeedsApproval,
        ),
    ] {
        let found = clearance(role, limits, reserved, minor);
        assert_eq!(found, cleared, "{role:?} {limits:?} {reserved} + {minor}");
    }
}

/// Hazard D18: reserved and shown, and nothing moves before somebody else says so.
#[test]
fn a_refund_above_the_limit_waits_for_another_person() {
    let standing = standing(5000, 0);
    for online in [true, false] {
        let payment_ = payment(5000, 0, online);
        let wish = Request {
            needs_approval: true,
            ..asked(payable(2000), None)
        };
        let asked_for = request(&standing, &payment_, wish, NOW).unwrap();
        assert_eq!(
            told(&asked_for),
            ["refund 2000", "finding refund_approval 2000"]
        );
        let reserved = payment(5000, 2000, online);
        let waiting = Refund {
            approval: Some(Approval::Needed),
            ..refund(2000, Requested, false)
        };
        // Whatever is heard of it, it was never sent.
        assert!(
            told(&settle(
                &standing,
                &reserved,
                &waiting,
                Succeeded,
                id(51),
                NOW
            ))
            .is_empty()
        );
        let own = approve(&standing, &reserved, &waiting, "stf_1", id(51));
        assert_eq!(own.err(), Some(Refusal::OwnRequest));
        let let_go = told(&approve(&standing, &reserved, &waiting, "stf_2", id(51)).unwrap());
        assert_eq!(
            let_go[..2],
            ["refund approved", "finding refund_approval closed"]
        );
        assert_eq!(let_go[2..].contains(&"-> call refund".to_owned()), online);
        assert_eq!(
            told(&decline(&waiting).unwrap()),
            ["refund declined", "finding refund_approval closed"]
        );
        let decided = Refund {
            approval: Some(Approval::Approved),
            ..waiting.clone()
        };
        assert_eq!(decline(&decided).err(), Some(Refusal::RefundDecided));
        let twice = approve(&standing, &reserved, &decided, "stf_2", id(51));
        assert_eq!(twice.err(), Some(Refusal::RefundDecided));
    }
}

/// A refund made in the provider's own dashboard: recorded once as it is, or not yet while it does not fit.
#[test]
fn a_refund_made_elsewhere_goes_into_the_books_as_any_other() {
    let standing = standing(5000, 0);
    let take_in = |reserved, minor, to| {
        let made = Refund {
            asker: String::new(),
            ..refund(minor, Requested, false)
        };
        elsewhere(
            &standing,
            &payment(5000, reserved, true),
            made,
            to,
            id(51),
            NOW,
        )
        .map(|decision| told(&decision))
    };
    assert_eq!(
        take_in(2000, 3000, Succeeded).unwrap(),
        [
            "refund 3000",
            "refund requested to succeeded",
            "refund refunds_given:3000 psp_clearing:sandbox:acct:-3000",
            "total 5000 paid 5000 refunded 3000 due 0 credit 0",
            "-> refund receipt",
        ]
    );
    assert_eq!(
        take_in(0, 3000, Pending).unwrap(),
        [
            "refund 3000",
            "refund requested to pending",
            "-> call refund"
        ]
    );
    assert_eq!(take_in(5000, 3000, Failed).unwrap(), [""; 0]);
    assert_eq!(
        take_in(2001, 3000, Succeeded).err(),
        Some(Refusal::MoreThanRefundable {
            asked: Money::gbp(3000),
            available: Money::gbp(2999),
        })
    );
}

/// Two workers call under one key, and the provider changes its mind between them: what is known to be there stays.
#[test]
fn a_refused_call_ends_only_what_nobody_has_seen() {
    for (from, ends) in [
        (Requested, true),
        (Unknown, true),
        (Pending, false),
        (Succeeded, false),
        (Failed, false),
    ] {
        let decision = refused(
            &standing(5000, 0),
            &payment(5000, 2000, true),
            &refund(2000, from, false),
            id(51),
            NOW,
        );
        assert_eq!(!decision.events.is_empty(), ends, "{from:?}");
    }
}
