use super::*;
use crate::account::Refusal;
use crate::attempts::{
    Report, Reported, SettleIds, Start, Started, lost, next_check_ms, refused, session_expiry,
    settle, start,
};
use crate::links::{FAILED_TRIES_MAX, REST_MS};
use crate::money::MINOR_MAX;
use crate::{DAY_MS, HOUR_MS, MINUTE_MS};
use AttemptState::{Cancelled, Creating, Expired, Failed, Open, Processing, Succeeded, Unknown};

fn pressed(failed_tries: i64) -> Start {
    Start {
        attempt: id(21),
        method: Method::Card,
        provider: "sandbox".into(),
        account: "acct".into(),
        session_min_ms: 30 * MINUTE_MS,
        session_max_ms: DAY_MS,
        failed_tries,
        oldest_failed_at: NOW - 5,
    }
}

fn started(standing: &Standing, link: &Link, now: i64) -> Result<String, Refusal> {
    Ok(match start(standing, link, pressed(0), now)? {
        Started::Fresh(attempt, decision) => {
            format!("{:?} {}", attempt.state, told(&decision).join("; "))
        }
        Started::Same(_) => "same".into(),
        Started::CloseFirst(_) => "close first".into(),
        Started::InProgress(_) => "in progress".into(),
    })
}

#[test]
fn continuing_starts_one_try_for_what_is_due_now() {
    for (state, due, said) in [
        (
            LinkState::Sent,
            4500,
            "Creating link sent to accessed; attempt for 4500",
        ),
        (LinkState::Accessed, 4000, "Creating attempt for 4000"), // cash came in meanwhile
        (
            LinkState::Created,
            9000,
            "Creating link created to accessed; attempt for 4500",
        ),
    ] {
        assert_eq!(
            started(&standing(0, due), &link(4500, state), NOW).as_deref(),
            Ok(said)
        );
    }
    for (state, due, now, refusal) in [
        (LinkState::Sent, 0, NOW, Refusal::NothingDue),
        (
            LinkState::Sent,
            4500,
            NOW + LIFETIME_MS,
            Refusal::LinkExpired,
        ), // whatever its row says
        (LinkState::Cancelled, 4500, NOW, Refusal::LinkCancelled),
        (LinkState::Paid, 4500, NOW, Refusal::LinkPaid),
    ] {
        assert_eq!(
            started(&standing(0, due), &link(4500, state), now),
            Err(refusal)
        );
    }
}

/// Hazards A1, A2, A11: never two sessions that can take money.
#[test]
fn a_second_press_meets_the_try_under_way() {
    let under_way = |state, change: fn(&mut Attempt)| {
        let mut attempt = attempt(4500, state);
        change(&mut attempt);
        let standing = Standing {
            live: Some(attempt),
            ..standing(0, 4500)
        };
        started(&standing, &link(4500, LinkState::Accessed), NOW + 999).unwrap()
    };
    assert_eq!(under_way(Open, |_| {}), "same");
    assert_eq!(under_way(Open, |a| a.url = None), "close first");
    assert_eq!(
        under_way(Open, |a| a.session_expires_at = NOW + 999),
        "close first"
    );
    assert_eq!(
        under_way(Open, |a| a.amount = Money::gbp(4400)),
        "close first"
    );
    assert_eq!(
        under_way(Open, |a| a.method = Method::Klarna),
        "close first"
    );
    assert_eq!(under_way(Open, |a| a.link = Some(id(99))), "close first");
    for state in [Creating, Unknown, Processing] {
        assert_eq!(under_way(state, |_| {}), "in progress");
    }
}

#[test]
fn too_many_refused_tries_make_a_link_rest() {
    let press = |tries| {
        start(
            &standing(0, 4500),
            &link(4500, LinkState::Sent),
            pressed(tries),
            NOW,
        )
    };
    assert!(press(FAILED_TRIES_MAX - 1).is_ok());
    assert_eq!(
        press(FAILED_TRIES_MAX).err(),
        Some(Refusal::TooManyTries {
            until: NOW - 5 + REST_MS
        })
    );
}

#[test]
fn a_session_ends_with_its_link_within_what_the_provider_can_do() {
    for (left, lives) in [
        (10 * MINUTE_MS, 30 * MINUTE_MS),
        (30 * MINUTE_MS, 30 * MINUTE_MS),
        (5 * HOUR_MS, 5 * HOUR_MS),
        (DAY_MS, DAY_MS),
        (2 * DAY_MS, DAY_MS),
    ] {
        assert_eq!(
            session_expiry(NOW + left, 30 * MINUTE_MS, DAY_MS, NOW),
            NOW + lives
        );
    }
}

#[test]
fn a_lost_answer_is_unknown_and_a_refusal_is_final() {
    for (state, after_lost, after_refused) in [
        (
            Creating,
            vec![
                "attempt creating to unknown, 0 captured",
                "-> create session",
            ],
            true,
        ),
        (Unknown, vec![], true),
        (Open, vec![], true),
        (Failed, vec![], false),
        (Succeeded, vec![], false),
    ] {
        assert_eq!(
            told(&lost(&attempt(4500, state))),
            after_lost,
            "{state:?} lost"
        );
        assert_eq!(
            refused(&attempt(4500, state), "no").events.len(),
            usize::from(after_refused),
            "{state:?} refused"
        );
    }
}

fn settled(standing: &Standing, attempt: &Attempt, link: &Link, status: Reported) -> Vec<String> {
    let report = Report {
        session_id: "s1".into(),
        url: None,
        status,
        last_error: None,
    };
    let ids = SettleIds {
        payment: id(30),
        txn: id(31),
    };
    told(&settle(standing, attempt, Some(link), &report, ids, NOW))
}

fn paid(minor: i64) -> Reported {
    Reported::Paid {
        payment_id: "p1".into(),
        received: Money::gbp(minor),
        paid_with: None,
    }
}

#[test]
fn each_report_raises_each_state_or_changes_nothing() {
    let link = link(4500, LinkState::Accessed);
    for (word, to) in [
        (Reported::Open, Open),
        (Reported::Processing { payment_id: None }, Processing),
        (Reported::Failed, Failed),
        (Reported::Expired, Expired),
        (Reported::Closed, Cancelled),
    ] {
        for from in AttemptState::ALL {
            let lines = settled(
                &standing(0, 4500),
                &attempt(4500, from),
                &link,
                word.clone(),
            );
            let rises = to.rank() > from.rank();
            let moved = format!("attempt {} to {}, 0 captured", from.name(), to.name());
            assert_eq!(lines, if rises { vec![moved] } else { vec![] });
        }
    }
    for from in AttemptState::ALL {
        let lines = settled(
            &standing(0, 4500),
            &attempt(4500, from),
            &link,
            Reported::Unheard("frozen".into()),
        );
        assert_eq!(
            lines,
            ["finding unknown_status 4500"],
            "a word nobody knows moves nothing (hazard A12)"
        );
    }
}

#[test]
fn money_is_posted_from_every_state_and_the_link_is_paid() {
    for from in AttemptState::ALL
        .into_iter()
        .filter(|state| *state != Succeeded)
    {
        let standing = open(standing(0, 4500), 4500);
        assert_eq!(
            settled(
                &standing,
                &attempt(4500, from),
                &link(4500, LinkState::Accessed),
                paid(4500)
            ),
            [
                &format!("attempt {} to succeeded, 4500 captured", from.name()),
                "capture psp_clearing:sandbox:acct:4500 receivable:-4500",
                "total 4500 paid 4500 refunded 0 due 0 credit 0",
                "payment 4500 by card",
                "link accessed to paid",
                "-> receipt",
            ]
        );
    }
}

#[test]
fn money_that_comes_late_is_paid_late() {
    for state in [LinkState::Expired, LinkState::Cancelled] {
        let lines = settled(
            &standing(0, 4500),
            &attempt(4500, Open),
            &link(4500, state),
            paid(4500),
        );
        assert!(lines.contains(&format!("link {} to paid, late", state.name())));
    }
    let mut over = link(4500, LinkState::Sent);
    over.expires_at = NOW; // the sweep has not been yet
    let lines = settled(&standing(0, 4500), &attempt(4500, Open), &over, paid(4500));
    assert!(lines.contains(&"link sent to paid, late".to_owned()));
}

#[test]
fn the_same_payment_again_is_no_news_and_another_one_is_shown() {
    let mut succeeded = attempt(4500, Succeeded);
    (succeeded.payment_id, succeeded.captured) = (Some("p1".into()), 4500);
    let link = link(4500, LinkState::Paid);
    assert!(settled(&standing(4500, 0), &succeeded, &link, paid(4500)).is_empty());
    succeeded.payment_id = Some("p0".into());
    assert_eq!(
        settled(&standing(4500, 0), &succeeded, &link, paid(4500)),
        ["finding unreconciled 4500"]
    );
}

/// Hazard A20: what was received is posted; the link is paid only by what was asked for.
#[test]
fn another_sum_or_currency_is_posted_and_shown() {
    let busy = open(standing(0, 4500), 4500);
    let link = link(4500, LinkState::Sent);
    let less = settled(&busy, &attempt(4500, Open), &link, paid(4499));
    assert_eq!(
        less[2..],
        [
            "total 4500 paid 4499 refunded 0 due 1 credit 0",
            "payment 4499 by card",
            "finding amount_mismatch 4499",
            "-> receipt",
        ]
    );
    let more = settled(&busy, &attempt(4500, Open), &link, paid(4501));
    assert_eq!(
        more[2..],
        [
            "total 4500 paid 4501 refunded 0 due 0 credit 1",
            "finding surplus 1",
            "payment 4501 by card",
            "finding amount_mismatch 4501",
            "link sent to cancelled, settled",
            "-> receipt",
        ]
    );
    let euro = Reported::Paid {
        payment_id: "p1".into(),
        received: Money::new(4500, Currency::EUR),
        paid_with: None,
    };
    assert_eq!(
        settled(&busy, &attempt(4500, Open), &link, euro),
        [
            "attempt open to succeeded, 4500 captured",
            "capture psp_clearing:sandbox:acct:4500 patient_credit:-4500",
            "payment 4500 by card",
            "finding amount_mismatch 4500",
            "-> receipt",
        ]
    );
    for absurd in [0, -1, MINOR_MAX + 1, i64::MIN] {
        let lines = settled(&busy, &attempt(4500, Open), &link, paid(absurd));
        assert_eq!(lines, [format!("finding amount_mismatch {absurd}")]);
    }
}

/// A payment of an earlier try leaves less to pay: what would take more than that is closed.
#[test]
fn late_money_closes_what_would_take_it_again() {
    let mut early = attempt(4000, Expired);
    early.id = id(19);
    early.link = Some(id(9));
    let mut old = link(4000, LinkState::Cancelled);
    old.id = id(9);
    for (due, live_for, tail) in [
        (4500, 4500, vec!["-> ensure closed", "-> receipt"]),
        (4500, 500, vec!["-> receipt"]),
        (
            4000,
            4000,
            vec![
                "link sent to cancelled, settled",
                "-> ensure closed",
                "-> receipt",
            ],
        ),
    ] {
        let standing = live(open(standing(0, due), live_for), live_for);
        let lines = settled(&standing, &early, &old, paid(4000));
        let after_link = lines
            .iter()
            .position(|l| l == "link cancelled to paid, late")
            .unwrap()
            + 1;
        assert_eq!(lines[after_link..], tail);
    }
}

#[test]
fn a_live_attempt_is_looked_at_less_and_less_often() {
    let waits: Vec<i64> = [-1, 0, 1, 2, 6, 7, 99]
        .into_iter()
        .map(next_check_ms)
        .collect();
    let minute = MINUTE_MS;
    assert_eq!(
        waits,
        [
            minute / 2,
            minute / 2,
            minute,
            2 * minute,
            32 * minute,
            HOUR_MS,
            HOUR_MS
        ]
    );
}
