//! The demo's two months before: appointments that were paid by link, lender, card machine, cash and bank transfer, and
//! what else happens at a clinic, so that the summary, its fees and its payouts have something to show.

use anyhow::Result;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use remit_core::appointments::Status;
use remit_core::deliveries::Channel;
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::payments::DeskMethod;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::stories::{CARD, CARD_DISPUTED, Past, Visit};

/// How far the demo's past goes back at most.
pub const DAYS: i64 = 60;
/// The days right before today are the diary's.
const DIARYS: i64 = 3;
/// Until so long ago the clinic did less by link: it grows.
const FEWER_BEFORE: i64 = 30;

/// How an appointment came to be paid, or not.
#[derive(Clone, Copy)]
enum Tale {
    /// All at the desk.
    Desk(DeskMethod),
    /// All by a link, sent after the visit and paid so many minutes later.
    Link(Channel, Method, i64),
    /// The deposit by a link when it was booked, the rest at the desk.
    Deposit(Method, i64, DeskMethod),
    /// The link was opened and not paid; the patient paid at the desk in the end.
    Opened(DeskMethod),
    /// Nobody opened it.
    Unopened,
    /// It expired, was sent anew, and paid then.
    Renewed(Method),
    /// Withdrawn, and paid at the desk.
    Withdrawn(DeskMethod),
    /// The deposit is paid and nobody came.
    NoShow,
}

use Channel::{Email, Qr, Sms};
use DeskMethod::{BankTransfer, CardTerminal, Cash};
use Method::{Card, Clearpay, Klarna};
use Tale::{Deposit, Desk, Link, NoShow, Opened, Renewed, Unopened, Withdrawn};

const TALES: &[Tale] = &[
    Link(Sms, Card, 2),
    Desk(CardTerminal),
    Link(Sms, Klarna, 11),
    Deposit(Card, 38, CardTerminal),
    Link(Email, Card, 190),
    Desk(Cash),
    Link(Sms, Clearpay, 75),
    Link(Qr, Card, 1),
    Desk(CardTerminal),
    Unopened,
    Link(Sms, Card, 24),
    Deposit(Klarna, 4, Cash),
    Link(Sms, Card, 610),
    Desk(BankTransfer),
    Link(Email, Klarna, 46),
    Opened(CardTerminal),
    Link(Sms, Card, 4),
    Renewed(Card),
    Desk(Cash),
    Deposit(Card, 1_500, CardTerminal),
    Link(Sms, Clearpay, 9),
    Withdrawn(Cash),
    Link(Sms, Card, 130),
    NoShow,
    Link(Email, Card, 17),
    Desk(CardTerminal),
];

/// When appointments of a day start: hour and minute.
const STARTS: [(i8, i8); 6] = [(9, 0), (10, 30), (11, 45), (14, 15), (15, 30), (16, 30)];
/// Services with a deposit, and all of them.
const WITH_DEPOSIT: [usize; 4] = [0, 3, 5, 8];

/// What happened besides, so many days ago.
const REFUNDED_IN_PART: i64 = 12;
const REFUNDED: i64 = 26;
const UNDELIVERED: i64 = 9;
const CREDIT_LEFT: i64 = 8;
const DISPUTED: i64 = 5;
const PAID_TWICE: i64 = 4;

/// Plays so many days before today, without those of the diary, oldest first.
pub async fn play(past: &Past<'_>, days: i64) -> Result<()> {
    let today = past.today()?;
    let mut number = 0_usize;
    for days in (DIARYS + 1..=days).rev() {
        let date = today.checked_sub(days.days())?;
        for start in STARTS.iter().take(visits(date, days)) {
            let tale = TALES[number % TALES.len()];
            play_one(past, number, tale, past.at(date, start.0, start.1)?).await?;
            number += 1;
        }
        besides(past, days, past.at(date, 17, 15)?).await?;
    }
    Ok(())
}

/// How many appointments of a day are played: fewer on Saturdays, none on Sundays.
fn visits(date: Date, days: i64) -> usize {
    match (date.weekday(), days > FEWER_BEFORE) {
        (Weekday::Sunday, _) => 0,
        (Weekday::Saturday, true) => 1,
        (Weekday::Saturday, false) => 2,
        (Weekday::Wednesday | Weekday::Friday, true) => 3,
        (_, true) => 2,
        (_, false) => 4,
    }
}

fn visit(number: usize, service: usize, starts_at: i64) -> Visit {
    Visit {
        practitioner: number % 4,
        service,
        // A stride without a common factor: people come back after some weeks, not after as many days each.
        patient: number * 7,
        starts_at,
    }
}

async fn play_one(past: &Past<'_>, number: usize, tale: Tale, starts_at: i64) -> Result<()> {
    let service = match tale {
        Deposit(..) | NoShow => WITH_DEPOSIT[number % WITH_DEPOSIT.len()],
        _ => number * 3,
    };
    let booked_at = starts_at - 3 * DAY_MS - HOUR_MS;
    let done_at = starts_at + 50 * MINUTE_MS;
    let appointment = past
        .book(booked_at, visit(number, service, starts_at))
        .await?;
    let sends = async |purpose, channel, at| past.send(at, appointment, purpose, channel).await;
    match tale {
        Desk(method) => past.take(done_at, appointment, method).await?,
        Link(channel, method, minutes) => {
            let link = sends(Purpose::Balance, channel, done_at).await?;
            let paid_at = done_at + minutes * MINUTE_MS;
            past.pay(paid_at, link, method, CARD).await?;
        }
        Deposit(method, minutes, rest) => {
            let link = sends(Purpose::Deposit, Sms, booked_at).await?;
            let paid_at = booked_at + minutes * MINUTE_MS;
            past.pay(paid_at, link, method, CARD).await?;
            past.take(done_at, appointment, rest).await?;
        }
        Opened(method) => {
            let link = sends(Purpose::Balance, Sms, booked_at).await?;
            past.open(booked_at + 35 * MINUTE_MS, link).await?;
            past.take(done_at, appointment, method).await?;
        }
        Unopened => {
            sends(Purpose::Balance, Email, booked_at).await?;
        }
        Renewed(method) => renewed(past, appointment, booked_at, method).await?,
        Withdrawn(method) => {
            let link = sends(Purpose::Balance, Sms, booked_at).await?;
            past.cancel(booked_at + 20 * HOUR_MS, link).await?;
            past.take(done_at, appointment, method).await?;
        }
        NoShow => {
            let link = sends(Purpose::Deposit, Sms, booked_at).await?;
            past.pay(booked_at + 7 * MINUTE_MS, link, Card, CARD)
                .await?;
            return past.becomes(done_at, appointment, Status::NoShow).await;
        }
    }
    past.becomes(done_at, appointment, Status::Completed).await
}

/// Sent when it was booked, never opened; sent anew two days later, and paid within the hour.
async fn renewed(
    past: &Past<'_>,
    appointment: AppointmentId,
    booked_at: i64,
    method: Method,
) -> Result<()> {
    let link = past
        .send(booked_at, appointment, Purpose::Balance, Sms)
        .await?;
    let again_at = booked_at + 50 * HOUR_MS;
    let link: LinkId = past.renew(again_at, link, Email).await?;
    past.pay(again_at + 40 * MINUTE_MS, link, method, CARD)
        .await
}

/// What does not happen every day.
async fn besides(past: &Past<'_>, days: i64, at: i64) -> Result<()> {
    let number = usize::try_from(days).unwrap_or(0);
    let told = matches!(
        days,
        REFUNDED_IN_PART | REFUNDED | UNDELIVERED | CREDIT_LEFT | DISPUTED | PAID_TWICE
    );
    if !told {
        return Ok(());
    }
    let service = WITH_DEPOSIT[number % WITH_DEPOSIT.len()];
    let mut visit = visit(number, service, at - HOUR_MS);
    match days {
        CREDIT_LEFT => visit.starts_at = at + 3 * DAY_MS,
        UNDELIVERED => visit.patient = super::patients::UNREACHABLE,
        _ => {}
    }
    let appointment = past.book(at - 2 * DAY_MS, visit).await?;
    let later = at + 12 * MINUTE_MS;
    match days {
        UNDELIVERED => {
            // The number is wrong, the email arrives.
            let link = past.send(at, appointment, Purpose::Balance, Sms).await?;
            past.hand_over(later, link, Email).await?;
            past.pay(later + HOUR_MS, link, Card, CARD).await?;
        }
        CREDIT_LEFT => {
            let link = past.send(at, appointment, Purpose::Deposit, Sms).await?;
            past.pay(later, link, Card, CARD).await?;
            let cancelled = past.becomes(at + 20 * HOUR_MS, appointment, Status::Cancelled);
            return cancelled.await;
        }
        DISPUTED => {
            let link = past.send(at, appointment, Purpose::Balance, Sms).await?;
            past.pay(later, link, Card, CARD_DISPUTED).await?;
            past.hear_of_disputes(later + 5 * HOUR_MS).await?;
        }
        PAID_TWICE => {
            let link = past.send(at, appointment, Purpose::Balance, Sms).await?;
            past.pay(later, link, Klarna, CARD).await?;
            // Reception had not seen it: the card machine takes it once more.
            let paid = past.price(appointment).await?;
            past.take_sum(later + HOUR_MS, appointment, CardTerminal, paid)
                .await?;
        }
        days => {
            let link = past.send(at, appointment, Purpose::Balance, Sms).await?;
            past.pay(later, link, Card, CARD).await?;
            let (parts, reason) = match days {
                REFUNDED_IN_PART => (3, "Session ended early"),
                _ => (1, "Booked twice by mistake"),
            };
            past.refund(later + DAY_MS, appointment, parts, reason)
                .await?;
        }
    }
    past.becomes(later, appointment, Status::Completed).await
}
