use super::*;
use crate::account::Refusal;
use crate::appointments::{Charge, ChargeKind, change_status, charge, reschedule, uncharge};
use crate::money::MINOR_MAX;

fn line(n: u128, amount: Money) -> Charge {
    Charge {
        id: id(n),
        kind: ChargeKind::Extra,
        description: "Line".into(),
        amount,
        service: None,
    }
}

fn charged(standing: &Standing, amount: Money) -> Result<Vec<String>, Refusal> {
    charge(standing, line(40, amount), id(41), NOW).map(|decision| told(&decision))
}

/// 5000 paid of 5000, then 2000 of it given back: nothing is due, nothing is credit.
fn given() -> Standing {
    let mut standing = standing(5000, 0);
    standing.balance.refunded = 2000;
    standing
}

#[test]
fn a_charge_is_owed_unless_credit_covers_it() {
    let mut with_credit = standing(5000, 0);
    (with_credit.balance.total, with_credit.balance.credit) = (4000, 1000);
    for (standing, amount, lines) in [
        (
            standing(0, 4500),
            500,
            vec![
                "charge 500",
                "charge receivable:500 revenue:-500",
                "total 5000 paid 0 refunded 0 due 5000 credit 0",
            ],
        ),
        (
            with_credit.clone(),
            600,
            vec![
                "charge 600",
                "charge patient_credit:600 revenue:-600",
                "total 4600 paid 5000 refunded 0 due 0 credit 400",
            ],
        ),
        (
            with_credit,
            1500,
            vec![
                "charge 1500",
                "charge receivable:500 patient_credit:1000 revenue:-1500",
                "total 5500 paid 5000 refunded 0 due 500 credit 0",
            ],
        ),
    ] {
        assert_eq!(charged(&standing, Money::gbp(amount)).unwrap(), lines);
    }
}

#[test]
fn a_discount_lowers_what_is_due_then_takes_back_gifts_then_leaves_credit() {
    for (standing, amount, lines) in [
        (
            open(standing(1000, 4500), 4500),
            -500,
            vec![
                "charge -500",
                "charge revenue:500 receivable:-500",
                "total 5000 paid 1000 refunded 0 due 4000 credit 0",
            ],
        ),
        (
            open(standing(1000, 4500), 4500),
            -5000,
            vec![
                "charge -5000",
                "charge revenue:5000 receivable:-4500 patient_credit:-500",
                "total 500 paid 1000 refunded 0 due 0 credit 500",
                "finding credit_left 500",
                "link sent to cancelled, settled",
            ],
        ),
        (
            given(),
            -1500,
            vec![
                "charge -1500",
                "charge revenue:1500 refunds_given:-1500",
                "total 3500 paid 5000 refunded 2000 due 0 credit 0",
            ],
        ),
        (
            given(),
            -2500,
            vec![
                "charge -2500",
                "charge revenue:2500 refunds_given:-2000 patient_credit:-500",
                "total 2500 paid 5000 refunded 2000 due 0 credit 500",
                "finding credit_left 500",
            ],
        ),
    ] {
        assert_eq!(charged(&standing, Money::gbp(amount)).unwrap(), lines);
    }
}

#[test]
fn a_charge_is_refused_where_it_cannot_stand() {
    let cancelled = Standing {
        status: Status::Cancelled,
        ..standing(0, 0)
    };
    let (total, busy) = (Money::gbp(4500), live(standing(0, 4500), 4500));
    for (standing, amount, refusal) in [
        (&cancelled, Money::gbp(500), Refusal::Cancelled),
        (
            &standing(0, 4500),
            Money::gbp(-4501),
            Refusal::BelowZero { total },
        ),
        (
            &standing(0, 4500),
            Money::gbp(i64::MIN),
            Refusal::BelowZero { total },
        ),
        (&standing(0, 4500), Money::gbp(MINOR_MAX), Refusal::TooLarge),
        (&standing(0, 4500), Money::gbp(i64::MAX), Refusal::TooLarge),
        (
            &standing(0, 4500),
            Money::new(500, Currency::EUR),
            Refusal::OtherCurrency,
        ),
        (&busy, Money::gbp(-1), Refusal::LivePayment),
    ] {
        assert_eq!(charged(standing, amount), Err(refusal));
    }
    assert!(
        charged(&busy, Money::gbp(500)).is_ok(),
        "a higher price leaves the payment under way alone"
    );
}

#[test]
fn a_charge_taken_away_is_posted_backwards() {
    let lines =
        uncharge(&standing(0, 4500), &line(40, Money::gbp(500)), id(41), NOW).map(|d| told(&d));
    assert_eq!(
        lines.unwrap(),
        [
            "charge 500 removed",
            "uncharge revenue:500 receivable:-500",
            "total 4000 paid 0 refunded 0 due 4000 credit 0",
        ]
    );
}

#[test]
fn the_deposit_is_due_until_it_is_settled() {
    // total, deposit, paid, refunded, due -> deposit due
    for (total, deposit, paid, refunded, due, expected) in [
        (10_000, 3000, 0, 0, 10_000, 3000),
        (10_000, 3000, 1000, 0, 9000, 2000),
        (10_000, 3000, 3000, 0, 7000, 0),
        (10_000, 3000, 3000, 3000, 10_000, 3000), // refunded to be paid another way
        (10_000, 3000, 3000, 3000, 7000, 0),      // refunded as a gift
        (2000, 3000, 0, 0, 2000, 2000),
    ] {
        let balance = Balance {
            total,
            deposit,
            paid,
            refunded,
            due,
            ..Balance::empty(Currency::GBP)
        };
        assert_eq!(balance.deposit_due(), Money::gbp(expected), "{balance:?}");
    }
}

#[test]
fn cancelling_voids_the_charges_and_keeps_what_was_paid_as_credit() {
    let mut paid = open(standing(1000, 3500), 3500);
    paid.balance.deposit = 1000;
    // The discount is taken away first, so that the total stays above zero on the way.
    let charges = [
        (line(40, Money::gbp(5000)), id(41)),
        (line(42, Money::gbp(-500)), id(43)),
    ];
    let decision = change_status(&paid, Status::Cancelled, &charges, NOW).unwrap();
    assert_eq!(
        told(&decision),
        [
            "charge -500 removed",
            "uncharge receivable:500 revenue:-500",
            "charge 5000 removed",
            "uncharge revenue:5000 receivable:-4000 patient_credit:-1000",
            "total 0 paid 1000 refunded 0 due 0 credit 1000",
            "finding credit_left 1000",
            "link sent to cancelled, appointment_cancelled",
            "booked to cancelled",
        ]
    );
    let charges = [(line(40, Money::gbp(5000)), id(41))];
    let decision = change_status(&given(), Status::Cancelled, &charges, NOW).unwrap();
    assert!(
        told(&decision).contains(&"total 0 paid 5000 refunded 2000 due 0 credit 3000".to_owned()),
        "the clinic owes what it still holds, not what it has sent back"
    );
}

#[test]
fn a_status_can_be_corrected_except_cancelled() {
    let change = |from, to| {
        let standing = Standing {
            status: from,
            ..standing(0, 4500)
        };
        change_status(&standing, to, &[], NOW).map(|d| told(&d))
    };
    assert_eq!(
        change(Status::NoShow, Status::Arrived),
        Ok(vec!["no_show to arrived".to_owned()])
    );
    assert_eq!(change(Status::Booked, Status::Booked), Ok(vec![]));
    assert_eq!(change(Status::Cancelled, Status::Cancelled), Ok(vec![]));
    assert_eq!(
        change(Status::Cancelled, Status::Booked),
        Err(Refusal::Cancelled)
    );
    let busy = live(standing(0, 4500), 4500);
    assert_eq!(
        change_status(&busy, Status::Cancelled, &[], NOW),
        Err(Refusal::LivePayment)
    );
    assert!(change_status(&busy, Status::Arrived, &[], NOW).is_ok());
    for from in Status::ALL {
        for to in Status::ALL {
            assert_eq!(from.may_become(to), from != to && from != Status::Cancelled);
        }
    }
}

#[test]
fn moving_keeps_money_and_link() {
    let lines = reschedule(&open(standing(0, 4500), 4500), 5, 6).map(|d| told(&d));
    assert_eq!(lines, Ok(vec!["moved to 5..6".to_owned()]));
    let cancelled = Standing {
        status: Status::Cancelled,
        ..standing(0, 0)
    };
    assert_eq!(reschedule(&cancelled, 5, 6), Err(Refusal::Cancelled));
}
