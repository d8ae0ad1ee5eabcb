//! Appointments: what is booked, what it costs, what is due at booking.

use crate::UtcMs;
use crate::account::{Balance, Decision, Event, Finding, FindingKind, Refusal, Standing};
use crate::ids::{ChargeId, PractitionerId, ServiceId, TxnId};
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::money::{MINOR_MAX, Money};

mod ending;
pub use ending::{Fee, Settlement, change_status};

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

    /// The patient was not seen.
    pub fn is_missed(self) -> bool {
        matches!(self, Status::Cancelled | Status::NoShow)
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
    /// From 1 to [`QUANTITY_MAX`].
    pub quantity: u32,
    /// Of all of them.
    pub amount: Money,
    pub service: Option<ServiceId>,
}

/// The most of one thing that a charge is for.
pub const QUANTITY_MAX: u32 = 999;

impl Charge {
    /// As people read it where no column has the quantity: `2 × Resistance band`.
    pub fn title(&self) -> String {
        match self.quantity {
            1 => self.description.clone(),
            many => format!("{many} × {}", self.description),
        }
    }
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

/// Takes a charge away again, by a reversing entry. `why`: what staff say about it.
///
/// # Errors
/// As [`charge`].
pub fn uncharge(
    standing: &Standing,
    charge: &Charge,
    why: Option<String>,
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
            why,
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

/// Where an appointment stands in the diary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    pub practitioner: Option<PractitionerId>,
}

/// Moves the appointment in the diary; money and link stay with it.
///
/// # Errors
/// [`Refusal::Cancelled`].
pub fn reschedule(standing: &Standing, to: Slot) -> Result<Decision, Refusal> {
    if standing.status == Status::Cancelled {
        return Err(Refusal::Cancelled);
    }
    Ok(Decision {
        events: vec![Event::Moved { to }],
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
