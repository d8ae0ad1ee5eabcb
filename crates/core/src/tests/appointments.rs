use super::*;
use crate::account::Refusal;
use crate::appointments::{
    Charge, ChargeKind, Fee, Settlement, Slot, change_status, charge, reschedule, uncharge,
};
use crate::money::MINOR_MAX;

fn line(n: u128, amount: Money) -> Charge {
    Charge {
        id: id(n),
        kind: ChargeKind::Extra,
        description: "Line".into(),
        quantity: 1,
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
    let lines = uncharge(
        &standing(0, 4500),
        &line(40, Money::gbp(500)),
        None,
        id(41),
        NOW,
    )
    .map(|d| told(&d));
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
    let decision = change_status(&paid, Status::Cancelled, None, &charges, NOW).unwrap();
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
    let decision = change_status(&given(), Status::Cancelled, None, &charges, NOW).unwrap();
    assert!(
        told(&decision).contains(&"total 0 paid 5000 refunded 2000 due 0 credit 3000".to_owned()),
        "the clinic owes what it still holds, not what it has sent back"
    );
}

fn keep() -> Settlement {
    Settlement::Keep(Fee {
        charge: id(50),
        txn: id(51),
        description: "Cancellation fee".into(),
    })
}

#[test]
fn what_was_paid_is_kept_as_a_fee_and_nothing_more_is_asked_for() {
    let paid = open(standing(1000, 3500), 3500);
    let charges = [(line(40, Money::gbp(4500)), id(41))];
    for (to, why) in [
        (Status::Cancelled, "appointment_cancelled"),
        (Status::NoShow, "settled"),
    ] {
        let decision = change_status(&paid, to, Some(&keep()), &charges, NOW).unwrap();
        assert_eq!(
            told(&decision),
            [
                "charge 1000".to_owned(),
                "charge receivable:1000 revenue:-1000".into(),
                "charge 4500 removed".into(),
                "uncharge revenue:4500 receivable:-4500".into(),
                "total 1000 paid 1000 refunded 0 due 0 credit 0".into(),
                format!("link sent to cancelled, {why}"),
                format!("booked to {}", to.name()),
            ]
        );
    }
    // Nothing paid: there is nothing to keep.
    let decision = change_status(
        &standing(0, 4500),
        Status::NoShow,
        Some(&keep()),
        &charges,
        NOW,
    );
    assert_eq!(
        told(&decision.unwrap())[2],
        "total 0 paid 0 refunded 0 due 0 credit 0"
    );
    // What was given back is not kept; what is credit already stays that.
    let charges = [(line(40, Money::gbp(5000)), id(41))];
    let decision = change_status(&given(), Status::Cancelled, Some(&keep()), &charges, NOW);
    assert!(
        told(&decision.unwrap())
            .contains(&"total 3000 paid 5000 refunded 2000 due 0 credit 0".to_owned())
    );
}

#[test]
fn who_has_decided_about_the_money_is_not_asked_again() {
    let paid = standing(1000, 3500);
    let charges = [(line(40, Money::gbp(4500)), id(41))];
    for to in [Status::Cancelled, Status::NoShow] {
        let decision = change_status(&paid, to, Some(&Settlement::Credit), &charges, NOW).unwrap();
        let lines = told(&decision);
        assert!(lines.contains(&"total 0 paid 1000 refunded 0 due 0 credit 1000".to_owned()));
        assert!(
            !lines.iter().any(|line| line.starts_with("finding")),
            "{lines:?}"
        );
    }
    // A missed appointment is otherwise charged as it was, and what takes place is never settled this way.
    for (to, settlement) in [(Status::NoShow, None), (Status::Arrived, Some(keep()))] {
        let decision = change_status(&paid, to, settlement.as_ref(), &charges, NOW).unwrap();
        assert_eq!(told(&decision), [format!("booked to {}", to.name())]);
    }
    assert_eq!(
        change_status(
            &live(paid, 3500),
            Status::NoShow,
            Some(&keep()),
            &charges,
            NOW
        ),
        Err(Refusal::LivePayment)
    );
}

#[test]
fn a_status_can_be_corrected_except_cancelled() {
    let change = |from, to| {
        let standing = Standing {
            status: from,
            ..standing(0, 4500)
        };
        change_status(&standing, to, None, &[], NOW).map(|d| told(&d))
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
        change_status(&busy, Status::Cancelled, None, &[], NOW),
        Err(Refusal::LivePayment)
    );
    assert!(change_status(&busy, Status::Arrived, None, &[], NOW).is_ok());
    for from in Status::ALL {
        for to in Status::ALL {
            assert_eq!(from.may_become(to), from != to && from != Status::Cancelled);
        }
    }
}

#[test]
fn moving_keeps_money_and_link() {
    let to = Slot {
        starts_at: 5,
        ends_at: 6,
        practitioner: None,
    };
    let lines = reschedule(&open(standing(0, 4500), 4500), to).map(|d| told(&d));
    assert_eq!(lines, Ok(vec!["moved to 5..6".to_owned()]));
    let cancelled = Standing {
        status: Status::Cancelled,
        ..standing(0, 0)
    };
    assert_eq!(reschedule(&cancelled, to), Err(Refusal::Cancelled));
}
