//! Appointments: what is booked, what it costs, what is due at booking.

use crate::UtcMs;
use crate::account::{Balance, Decision, Event, Finding, FindingKind, Refusal, Standing};
use crate::ids::{ChargeId, ServiceId, TxnId};
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::links::Closing;
use crate::money::{MINOR_MAX, Money};

/// Where an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Booked,
    Confirmed,
    Arrived,
    InProgress,
    Completed,
    Cancelled,
    NoShow,
}

impl Status {
    pub const ALL: [Status; 7] = [
        Status::Booked,
        Status::Confirmed,
        Status::Arrived,
        Status::InProgress,
        Status::Completed,
        Status::Cancelled,
        Status::NoShow,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Status::Booked => "booked",
            Status::Confirmed => "confirmed",
            Status::Arrived => "arrived",
            Status::InProgress => "in_progress",
            Status::Completed => "completed",
            Status::Cancelled => "cancelled",
            Status::NoShow => "no_show",
        }
    }

    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|s| s.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Status::Booked => "Booked",
            Status::Confirmed => "Confirmed",
            Status::Arrived => "Arrived",
            Status::InProgress => "In progress",
            Status::Completed => "Completed",
            Status::Cancelled => "Cancelled",
            Status::NoShow => "No-show",
        }
    }

    /// A cancelled appointment stays cancelled: its charges are gone and its slot may be given away. Anything else
    /// can be corrected at the desk.
    pub fn may_become(self, next: Status) -> bool {
        self != next && self != Status::Cancelled
    }
}

/// A line that the appointment costs; negative: a discount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    pub id: ChargeId,
    pub kind: ChargeKind,
    pub description: String,
    pub amount: Money,
    pub service: Option<ServiceId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChargeKind {
    Service,
    Extra,
    Discount,
}

impl ChargeKind {
    pub fn name(self) -> &'static str {
        match self {
            ChargeKind::Service => "service",
            ChargeKind::Extra => "extra",
            ChargeKind::Discount => "discount",
        }
    }

    pub fn parse(name: &str) -> Option<ChargeKind> {
        [ChargeKind::Service, ChargeKind::Extra, ChargeKind::Discount]
            .into_iter()
            .find(|k| k.name() == name)
    }
}

/// How much of a service's price is due at booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositRule {
    None,
    /// In minor units; never more than the price.
    Fixed(i64),
    /// 1 to 100.
    Percent(u8),
    Full,
}

impl DepositRule {
    /// The deposit for a price, in minor units: between zero and the price. A percentage is rounded half up to the
    /// minor unit, so 25% of 0.50 is 0.13.
    pub fn of(self, price_minor: i64) -> i64 {
        let price = price_minor.max(0);
        match self {
            DepositRule::None => 0,
            DepositRule::Fixed(minor) => minor.clamp(0, price),
            DepositRule::Percent(percent) => (price * i64::from(percent.min(100)) + 50) / 100,
            DepositRule::Full => price,
        }
    }
}

/// The figures of a fresh booking: its total, and the deposit that its services ask for together.
pub fn quote(services: &[(Money, DepositRule)], zero: Money) -> (Money, Money) {
    let total = services.iter().map(|(price, _)| price.minor).sum::<i64>();
    let deposit = services
        .iter()
        .map(|(price, rule)| rule.of(price.minor))
        .sum::<i64>();
    (zero.with(total), zero.with(deposit.min(total)))
}

/// Adds a charge (or a discount): the books follow, and a balance that falls to zero closes the open link.
///
/// # Errors
/// [`Refusal::Cancelled`]; [`Refusal::OtherCurrency`]; [`Refusal::TooLarge`]; [`Refusal::BelowZero`] when a discount is larger than the total; [`Refusal::LivePayment`]
/// when a price falls while a payment is under way, which must be closed first (hazard A25).
pub fn charge(
    standing: &Standing,
    charge: Charge,
    txn: TxnId,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let source = charge.id.to_string();
    let mut decision = reprice(standing, charge.amount, txn, TxnKind::Charge, source, now)?;
    decision.events.insert(0, Event::ChargeAdded { charge });
    Ok(decision)
}

/// Takes a charge away again.
///
/// # Errors
/// As [`charge`].
pub fn uncharge(
    standing: &Standing,
    charge: &Charge,
    txn: TxnId,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let mut decision = reprice(
        standing,
        charge.amount.with(-charge.amount.minor),
        txn,
        TxnKind::Uncharge,
        charge.id.to_string(),
        now,
    )?;
    decision.events.insert(
        0,
        Event::ChargeRemoved {
            charge: charge.id,
            amount: charge.amount,
        },
    );
    Ok(decision)
}

fn reprice(
    standing: &Standing,
    change: Money,
    txn: TxnId,
    kind: TxnKind,
    source: String,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let before = &standing.balance;
    if standing.status == Status::Cancelled {
        return Err(Refusal::Cancelled);
    }
    if change.currency != before.currency {
        return Err(Refusal::OtherCurrency);
    }
    let change = change.minor;
    let total = before.total.saturating_add(change);
    if total < 0 {
        return Err(Refusal::BelowZero {
            total: before.money(before.total),
        });
    }
    if total > MINOR_MAX {
        return Err(Refusal::TooLarge);
    }
    if change < 0 && standing.live.is_some() {
        return Err(Refusal::LivePayment);
    }
    let (after, posted) = reprice_balance(before, change, txn, kind, source.clone());
    let mut decision = Decision::default();
    decision.events.extend(posted.map(Event::Posted));
    decision.events.push(Event::BalanceSet(after.clone()));
    decision.events.extend(credit_left(before, &after, source));
    decision.close_what_exceeds(standing, now);
    Ok(decision)
}

/// Staff decide what becomes of credit that a lower price leaves (hazards 7.6).
fn credit_left(before: &Balance, after: &Balance, about: String) -> Option<Event> {
    let left = after.credit - before.credit;
    (left > 0).then(|| {
        Event::FindingOpened(Finding {
            kind: FindingKind::CreditLeft,
            about,
            amount: Some(after.money(left)),
            detail: "The price fell below what is paid. The rest is the patient's credit.".into(),
        })
    })
}

/// The balance after the total changed, and the posting. Credit is used up before anything becomes due. What falls
/// below the due amount first takes back what was given as refunds (the price they were given for is gone), and only
/// then becomes credit: a clinic never owes money that it has already sent back.
fn reprice_balance(
    before: &Balance,
    change: i64,
    id: TxnId,
    kind: TxnKind,
    source: String,
) -> (Balance, Option<Txn>) {
    let mut after = before.clone();
    after.total += change;
    after.deposit = after.deposit.min(after.total);
    let money = |minor| before.money(minor);
    let lines = if change >= 0 {
        let from_credit = change.min(before.credit);
        after.credit -= from_credit;
        after.due += change - from_credit;
        vec![
            ledger::debit(Account::Receivable, money(change - from_credit)),
            ledger::debit(Account::PatientCredit, money(from_credit)),
            ledger::credit(Account::Revenue, money(change)),
        ]
    } else {
        let from_due = (-change).min(before.due);
        let from_given = (-change - from_due).min(before.given());
        let to_credit = -change - from_due - from_given;
        after.due -= from_due;
        after.credit += to_credit;
        vec![
            ledger::debit(Account::Revenue, money(-change)),
            ledger::credit(Account::Receivable, money(from_due)),
            ledger::credit(Account::RefundsGiven, money(from_given)),
            ledger::credit(Account::PatientCredit, money(to_credit)),
        ]
    };
    let posted = (change != 0).then(|| Txn::new(id, kind, source, lines));
    (after, posted)
}

/// Changes the status. Cancelling voids the charges given; what was paid stays as credit until staff decide
/// (hazards 7.6).
///
/// # Errors
/// [`Refusal::Cancelled`]; [`Refusal::LivePayment`] when cancelling while a payment is under way.
pub fn change_status(
    standing: &Standing,
    to: Status,
    charges: &[(Charge, TxnId)],
    now: UtcMs,
) -> Result<Decision, Refusal> {
    if standing.status == to {
        return Ok(Decision::default());
    }
    if !standing.status.may_become(to) {
        return Err(Refusal::Cancelled);
    }
    let mut decision = Decision::default();
    if to == Status::Cancelled {
        if standing.live.is_some() {
            return Err(Refusal::LivePayment);
        }
        let mut balance = standing.balance.clone();
        // Discounts are taken away first, so that the total never passes below zero on the way.
        let mut charges: Vec<_> = charges.iter().collect();
        charges.sort_by_key(|(charge, _)| charge.amount.minor);
        for (charge, txn) in charges {
            let (after, posted) = reprice_balance(
                &balance,
                -charge.amount.minor,
                *txn,
                TxnKind::Uncharge,
                charge.id.to_string(),
            );
            balance = after;
            decision.events.push(Event::ChargeRemoved {
                charge: charge.id,
                amount: charge.amount,
            });
            decision.events.extend(posted.map(Event::Posted));
        }
        let about = standing.appointment.to_string();
        let finding = credit_left(&standing.balance, &balance, about);
        decision.events.push(Event::BalanceSet(balance));
        decision.events.extend(finding);
        decision.close_open_link(standing, Closing::AppointmentCancelled, now);
    }
    decision.events.push(Event::StatusChanged {
        from: standing.status,
        to,
    });
    Ok(decision)
}

/// Moves the appointment in time; money and link stay with it.
///
/// # Errors
/// [`Refusal::Cancelled`].
pub fn reschedule(
    standing: &Standing,
    starts_at: UtcMs,
    ends_at: UtcMs,
) -> Result<Decision, Refusal> {
    if standing.status == Status::Cancelled {
        return Err(Refusal::Cancelled);
    }
    Ok(Decision {
        events: vec![Event::Moved { starts_at, ends_at }],
        effects: vec![],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposit_follows_its_rule_and_never_exceeds_the_price() {
        for (rule, price, deposit) in [
            (DepositRule::None, 12_000, 0),
            (DepositRule::Fixed(2000), 6500, 2000),
            (DepositRule::Fixed(2000), 1500, 1500),
            (DepositRule::Percent(25), 12_000, 3000),
            (DepositRule::Percent(25), 50, 13),
            (DepositRule::Percent(33), 100, 33),
            (DepositRule::Percent(100), 999, 999),
            (DepositRule::Full, 4500, 4500),
            (DepositRule::Full, 0, 0),
        ] {
            assert_eq!(rule.of(price), deposit, "{rule:?} of {price}");
        }
        let services = [
            (Money::gbp(6500), DepositRule::Fixed(2000)),
            (Money::gbp(4000), DepositRule::Percent(50)),
        ];
        assert_eq!(
            quote(&services, Money::gbp(0)),
            (Money::gbp(10_500), Money::gbp(4000))
        );
    }
}
