//! Every rule's refusals and events, row by row. A decision is read as short lines, so that a row shows all of it.

mod appointments;
mod attempts;
mod disputes;
mod links;
mod machines;
mod payments;
mod refunds;
mod sums;
mod time;

use uuid::Uuid;

use crate::account::{Balance, Decision, Effect, Event, LinkMove, Standing};
use crate::appointments::Status;
use crate::attempts::{Attempt, AttemptState};
use crate::links::{LIFETIME_MS, Link, LinkState};
use crate::methods::{Method, PurposeKind};
use crate::money::{Currency, Money, Payable};
use crate::token::TokenHash;

/// The moment at which things happen in these tests, in milliseconds.
const NOW: i64 = 1_000_000_000;

/// How often a property is tried: a number from the environment, or what a change is tried with.
fn cases(name: &str, default: u32) -> proptest::test_runner::Config {
    let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
    proptest::test_runner::Config::with_cases(asked.unwrap_or(default))
}

fn id<T: From<Uuid>>(n: u128) -> T {
    Uuid::from_u128(n).into()
}

fn payable(minor: i64) -> Payable {
    Payable::parse(Money::gbp(minor)).unwrap()
}

/// An appointment of which `paid` is paid and `due` is owed.
fn standing(paid: i64, due: i64) -> Standing {
    Standing {
        appointment: id(1),
        patient: id(2),
        status: Status::Booked,
        balance: Balance {
            total: paid + due,
            paid,
            due,
            ..Balance::empty(Currency::GBP)
        },
        open: None,
        live: None,
    }
}

/// Link 10, made just now.
fn link(minor: i64, state: LinkState) -> Link {
    Link {
        id: id(10),
        appointment: id(1),
        purpose: PurposeKind::Balance,
        amount: Money::gbp(minor),
        token: TokenHash([0; 32]),
        state,
        why: None,
        late: false,
        created_at: NOW,
        expires_at: NOW + LIFETIME_MS,
    }
}

/// Attempt 20 on link 10, with a session.
fn attempt(minor: i64, state: AttemptState) -> Attempt {
    Attempt {
        id: id(20),
        appointment: id(1),
        link: Some(id(10)),
        method: Method::Card,
        provider: "sandbox".into(),
        account: "acct".into(),
        amount: Money::gbp(minor),
        state,
        session_id: Some("s1".into()),
        url: Some("https://pay.example/s1".into()),
        payment_id: None,
        captured: 0,
        session_expires_at: NOW + 1_000,
        created_at: NOW,
    }
}

fn open(standing: Standing, minor: i64) -> Standing {
    Standing {
        open: Some(link(minor, LinkState::Sent)),
        ..standing
    }
}

fn live(standing: Standing, minor: i64) -> Standing {
    Standing {
        live: Some(attempt(minor, AttemptState::Open)),
        ..standing
    }
}

/// A decision in short lines, in the order of writing; effects come last, behind an arrow.
fn told(decision: &Decision) -> Vec<String> {
    let events = decision.events.iter().map(told_event);
    let effects = decision.effects.iter().map(|effect| {
        let name = match effect {
            Effect::Send { .. } => "send",
            Effect::CreateSession { .. } => "create session",
            Effect::EnsureClosed { .. } => "ensure closed",
            Effect::CallRefund { .. } => "call refund",
            Effect::Receipt { .. } => "receipt",
            Effect::SendReceipt { .. } => "send receipt",
            Effect::RefundReceipt { .. } => "refund receipt",
            Effect::Digest { .. } => "digest",
        };
        format!("-> {name}")
    });
    events.chain(effects).collect()
}

fn told_event(event: &Event) -> String {
    match event {
        Event::ChargeAdded { charge } => format!("charge {}", charge.amount.minor),
        Event::ChargeRemoved { amount, .. } => format!("charge {} removed", amount.minor),
        Event::StatusChanged { from, to } => format!("{} to {}", from.name(), to.name()),
        Event::Moved { to } => format!("moved to {}..{}", to.starts_at, to.ends_at),
        Event::Posted(txn) => {
            let lines = txn
                .lines()
                .iter()
                .map(|l| format!(" {}:{}", l.account, l.amount.minor));
            format!("{}{}", txn.kind.name(), lines.collect::<String>())
        }
        Event::BalanceSet(b) => format!(
            "total {} paid {} refunded {} due {} credit {}",
            b.total, b.paid, b.refunded, b.due, b.credit
        ),
        Event::LinkIssued(link) => format!(
            "link for {} until +{}",
            link.amount.minor,
            link.expires_at - NOW
        ),
        Event::LinkMoved(moved) => told_move(moved),
        Event::NewLinkAsked { .. } => "new link asked for".into(),
        Event::AttemptStarted(attempt) => format!("attempt for {}", attempt.amount.minor),
        Event::AttemptMoved(m) => format!(
            "attempt {} to {}, {} captured",
            m.from.name(),
            m.to.name(),
            m.captured
        ),
        Event::PaymentReceived(p) => format!("payment {} by {}", p.amount.minor, p.paid_by.name()),
        Event::RefundRequested(refund) => format!("refund {}", refund.amount.minor),
        Event::RefundMoved { from, to, .. } => format!("refund {} to {}", from.name(), to.name()),
        Event::RefundDecided { approval, .. } => format!("refund {}", approval.name()),
        Event::DisputeMoved { before, after } => format!(
            "dispute {} to {}",
            before.as_ref().map_or("none", |before| before.state.name()),
            after.state.name()
        ),
        Event::FindingOpened(f) => {
            format!(
                "finding {} {}",
                f.kind.name(),
                f.amount.map_or(0, |a| a.minor)
            )
        }
        Event::FindingRenewed(f) => format!("finding {}: {}", f.kind.name(), f.detail),
        Event::FindingClosed { kind, .. } => format!("finding {} closed", kind.name()),
    }
}

fn told_move(moved: &LinkMove) -> String {
    let why = moved
        .why
        .map_or(String::new(), |why| format!(", {}", why.name()));
    let late = if moved.late { ", late" } else { "" };
    format!(
        "link {} to {}{why}{late}",
        moved.from.name(),
        moved.to.name()
    )
}
