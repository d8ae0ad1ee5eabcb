use super::*;
use crate::account::Refusal;
use crate::links::{
    BadgeFacts, Purpose, access, ask_for_new, badges, cancel, hand_over, issue, renewable, tick,
};
use LinkState::{Accessed, Cancelled, Created, Expired, Paid, Sent};

fn issued(standing: &Standing, purpose: Purpose, now: i64) -> Result<Vec<String>, Refusal> {
    issue(standing, id(11), TokenHash([1; 32]), purpose, now).map(|decision| told(&decision))
}

#[test]
fn a_link_asks_for_what_is_due_and_closes_the_one_before() {
    let mut booked = standing(1000, 4500);
    booked.balance.deposit = 3000;
    for (purpose, asked) in [
        (Purpose::Deposit, 2000),
        (Purpose::Balance, 4500),
        (Purpose::Part(payable(4500)), 4500),
    ] {
        assert_eq!(
            issued(&booked, purpose, NOW),
            Ok(vec![format!("link for {asked} until +172800000")])
        );
    }
    let before = live(open(booked, 4500), 4500);
    for (now, closed) in [
        (NOW, "link sent to cancelled, superseded"),
        (NOW + LIFETIME_MS - 1, "link sent to cancelled, superseded"),
        (NOW + LIFETIME_MS, "link sent to expired, expired"), // to the millisecond
    ] {
        let lines = issued(&before, Purpose::Balance, now).unwrap();
        assert_eq!(
            (lines[0].as_str(), lines[2].as_str(), lines.len()),
            (closed, "-> ensure closed", 3)
        );
    }
}

#[test]
fn no_link_for_nothing_too_much_or_what_is_cancelled() {
    let (due, asked) = (Money::gbp(4500), Money::gbp(4501));
    let euro = Payable::parse(Money::new(100, Currency::EUR)).unwrap();
    let cancelled = Standing {
        status: Status::Cancelled,
        ..standing(0, 4500)
    };
    for (standing, purpose, refusal) in [
        (standing(4500, 0), Purpose::Balance, Refusal::NothingDue),
        (
            standing(4500, 0),
            Purpose::Part(payable(1)),
            Refusal::NothingDue,
        ),
        (standing(0, 4500), Purpose::Deposit, Refusal::NothingDue),
        (
            standing(0, 4500),
            Purpose::Part(payable(4501)),
            Refusal::MoreThanDue { asked, due },
        ),
        (
            standing(0, 4500),
            Purpose::Part(euro),
            Refusal::OtherCurrency,
        ),
        (cancelled, Purpose::Balance, Refusal::Cancelled),
    ] {
        assert_eq!(issued(&standing, purpose, NOW), Err(refusal));
    }
}

/// What each verb makes of a link in each state, in time and a moment too late.
#[test]
fn a_link_is_used_until_it_ends() {
    let late = NOW + LIFETIME_MS;
    for (state, now, handed, accessed, ticked) in [
        (
            Created,
            late - 1,
            Ok(vec!["link created to sent"]),
            vec!["link created to accessed"],
            vec![],
        ),
        (Sent, NOW, Ok(vec![]), vec!["link sent to accessed"], vec![]),
        (Accessed, NOW, Ok(vec![]), vec![], vec![]),
        (
            Created,
            late,
            Err(Refusal::LinkExpired),
            vec![],
            vec!["link created to expired, expired"],
        ),
        (
            Accessed,
            late,
            Err(Refusal::LinkExpired),
            vec![],
            vec!["link accessed to expired, expired"],
        ),
        (Expired, late, Err(Refusal::LinkExpired), vec![], vec![]),
        (Cancelled, late, Err(Refusal::LinkCancelled), vec![], vec![]),
        (Paid, late, Err(Refusal::LinkPaid), vec![], vec![]),
    ] {
        let link = link(4500, state);
        let lines = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let handed = handed.map(|l| lines(&l));
        assert_eq!(
            hand_over(&link, now).map(|d| told(&d)),
            handed,
            "{state:?} handed over"
        );
        assert_eq!(
            told(&access(&link, now)),
            lines(&accessed),
            "{state:?} accessed"
        );
        assert_eq!(told(&tick(&link, now)), lines(&ticked), "{state:?} ticked");
    }
}

#[test]
fn staff_cancel_what_is_open_and_renew_what_has_ended() {
    let late = NOW + LIFETIME_MS;
    for (state, now, cancelled, renewed) in [
        (Sent, NOW, Ok(()), Err(Refusal::LinkOpen)),
        (Accessed, late, Err(Refusal::LinkExpired), Ok(())),
        (Expired, late, Err(Refusal::LinkExpired), Ok(())),
        (Cancelled, NOW, Err(Refusal::LinkCancelled), Ok(())),
        (Paid, NOW, Err(Refusal::LinkPaid), Err(Refusal::LinkPaid)),
    ] {
        let link = link(4500, state);
        let standing = live(open(standing(0, 4500), 4500), 4500);
        let lines = cancel(&standing, &link, now).map(|d| told(&d));
        let expected = vec![
            "link sent to cancelled, cancelled".to_owned(),
            "-> ensure closed".to_owned(),
        ];
        assert_eq!(lines, cancelled.map(|()| expected), "{state:?} cancelled");
        assert_eq!(renewable(&link, now), renewed, "{state:?} renewed");
        let asked = ask_for_new(&link, now).map(|d| told(&d));
        assert_eq!(
            asked,
            renewed.map(|()| vec!["new link asked for".to_owned()])
        );
    }
}

#[test]
fn a_link_never_takes_more_than_is_due() {
    for (asks, due, takes) in [
        (4500, 4500, 4500),
        (4500, 4000, 4000),
        (1000, 4000, 1000),
        (4500, 0, 0),
    ] {
        assert_eq!(link(asks, Sent).payable(Money::gbp(due)), Money::gbp(takes));
    }
}

#[test]
fn badges_stand_beside_the_status() {
    let facts = BadgeFacts {
        captured: 4500,
        ..BadgeFacts::default()
    };
    for (facts, names) in [
        (facts, vec![]),
        (
            BadgeFacts {
                late: true,
                live_attempt: true,
                ..facts
            },
            vec!["late", "in_progress"],
        ),
        (
            BadgeFacts {
                refunded: 4499,
                ..facts
            },
            vec!["part_refunded"],
        ),
        (
            BadgeFacts {
                refunded: 4500,
                ..facts
            },
            vec!["refunded"],
        ),
        (
            BadgeFacts {
                disputed: true,
                delivery_failed: true,
                ..facts
            },
            vec!["disputed", "delivery_failed"],
        ),
    ] {
        assert_eq!(
            badges(facts).iter().map(|b| b.name()).collect::<Vec<_>>(),
            names
        );
    }
}
