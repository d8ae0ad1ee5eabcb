//! The demo's diary: a week around today, with links in every status.

use anyhow::Result;
use jiff::ToSpan as _;
use jiff::civil::Date;
use remit_core::appointments::Status;
use remit_core::deliveries::Channel;
use remit_core::ids::AppointmentId;
use remit_core::links::Purpose;
use remit_core::methods::Method;
use remit_core::payments::DeskMethod;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::patients::UNREACHABLE;
use super::stories::{CARD, Past, Visit};

/// What happened to an appointment's money before the demo was started. Hours are before today's opening of the demo;
/// for a day that is over, before the appointment.
#[derive(Clone, Copy)]
enum Story {
    /// Nothing yet.
    Booked,
    /// Paid at the desk on the day.
    AtDesk(DeskMethod),
    /// A link was made and not handed over.
    LinkMade(Purpose),
    /// Sent, hours ago.
    Sent(Purpose, Channel, i64),
    /// Sent and opened by the patient, hours ago.
    Opened(Purpose, Channel, i64),
    /// Sent and opened, hours ago, and then refused by the lender.
    Refused(Purpose, Channel, Method, i64),
    /// Paid online, hours ago.
    Paid(Purpose, Method, i64),
    /// The deposit paid online, hours ago, and the rest at the desk on the day.
    DepositAndDesk(Method, i64, DeskMethod),
    /// Sent more than two days ago and never paid.
    Expired(Purpose),
    /// It expired, was sent anew hours ago, and paid.
    Renewed(Purpose, Method, i64),
    /// Made, sent and withdrawn, hours ago.
    Withdrawn(Purpose, i64),
}

use Channel::{Email, Qr, Sms};
use DeskMethod::{BankTransfer, CardTerminal, Cash};
use Method::{Card, Clearpay, Klarna};
use Story::{
    AtDesk, Booked, DepositAndDesk, Expired, LinkMade, Opened, Paid, Refused, Renewed, Sent,
    Withdrawn,
};

const DEPOSIT: Purpose = Purpose::Deposit;
const BALANCE: Purpose = Purpose::Balance;

struct Slot {
    practitioner: usize,
    /// Hour and minute.
    start: (i8, i8),
    service: usize,
    patient: usize,
    status: Status,
    story: Story,
}

const fn slot(
    practitioner: usize,
    start: (i8, i8),
    (service, patient): (usize, usize),
    status: Status,
    story: Story,
) -> Slot {
    Slot {
        practitioner,
        start,
        service,
        patient,
        status,
        story,
    }
}

use Status::{Arrived, Cancelled, Completed, Confirmed, NoShow};
const OPEN: Status = Status::Booked;

const TODAY: &[Slot] = &[
    slot(0, (8, 0), (1, 0), Completed, AtDesk(CardTerminal)),
    slot(0, (9, 0), (0, 1), Completed, AtDesk(Cash)),
    slot(0, (10, 0), (0, 2), Arrived, Paid(DEPOSIT, Card, 60)),
    slot(0, (11, 15), (1, 3), OPEN, Booked),
    slot(0, (13, 15), (1, 4), OPEN, Booked),
    slot(0, (15, 45), (1, 5), Confirmed, Paid(BALANCE, Klarna, 20)),
    slot(0, (16, 30), (0, 6), OPEN, Expired(DEPOSIT)),
    slot(1, (8, 30), (2, 7), Completed, AtDesk(CardTerminal)),
    slot(1, (9, 15), (3, 8), Completed, Paid(BALANCE, Card, 30)),
    slot(1, (10, 15), (3, 9), Arrived, Paid(DEPOSIT, Clearpay, 26)),
    slot(1, (11, 0), (4, 10), OPEN, Opened(BALANCE, Email, 3)),
    slot(1, (13, 30), (2, 11), OPEN, LinkMade(BALANCE)),
    slot(1, (14, 15), (3, 12), Confirmed, Paid(DEPOSIT, Card, 44)),
    slot(1, (15, 30), (4, 13), OPEN, Sent(BALANCE, Sms, 17)),
    slot(1, (17, 0), (2, 14), OPEN, Booked),
    slot(2, (8, 45), (5, 15), Completed, AtDesk(CardTerminal)),
    slot(2, (10, 0), (6, 16), Arrived, Booked),
    slot(2, (10, 45), (6, 17), Confirmed, Paid(BALANCE, Card, 15)),
    slot(2, (11, 30), (7, 18), Confirmed, Paid(DEPOSIT, Card, 19)),
    slot(
        2,
        (14, 0),
        (5, 19),
        OPEN,
        Refused(DEPOSIT, Email, Clearpay, 43),
    ),
    slot(2, (15, 30), (6, UNREACHABLE), OPEN, Sent(BALANCE, Sms, 4)),
    slot(3, (10, 15), (8, 21), Arrived, Opened(BALANCE, Sms, 1)),
    slot(3, (11, 45), (9, 22), Confirmed, Paid(BALANCE, Klarna, 22)),
    slot(3, (13, 30), (8, 23), OPEN, Booked),
    slot(3, (15, 0), (8, 24), Confirmed, Paid(DEPOSIT, Card, 33)),
    slot(3, (16, 30), (8, 25), OPEN, Sent(DEPOSIT, Sms, 2)),
];

/// A day that is over.
const OVER: &[Slot] = &[
    slot(0, (8, 30), (1, 0), Completed, AtDesk(CardTerminal)),
    slot(
        0,
        (9, 30),
        (0, 3),
        Completed,
        DepositAndDesk(Card, 50, Cash),
    ),
    slot(0, (11, 0), (1, 6), Completed, AtDesk(Cash)),
    slot(0, (14, 0), (0, 9), NoShow, Paid(DEPOSIT, Card, 40)),
    slot(0, (16, 0), (1, 12), Completed, AtDesk(CardTerminal)),
    slot(1, (9, 0), (2, 15), Completed, AtDesk(CardTerminal)),
    slot(
        1,
        (10, 30),
        (3, 18),
        Completed,
        DepositAndDesk(Klarna, 72, CardTerminal),
    ),
    slot(1, (14, 15), (4, 21), Completed, Paid(BALANCE, Card, 26)),
    slot(2, (8, 45), (6, 24), Completed, AtDesk(Cash)),
    slot(2, (10, 15), (5, 27), Cancelled, Withdrawn(BALANCE, 30)),
    slot(2, (14, 30), (6, 30), Completed, AtDesk(BankTransfer)),
    slot(
        3,
        (10, 15),
        (8, 33),
        Completed,
        DepositAndDesk(Card, 60, CardTerminal),
    ),
    slot(3, (13, 30), (9, 36), Completed, AtDesk(CardTerminal)),
    slot(3, (15, 30), (9, 39), Completed, AtDesk(Cash)),
];

/// A day to come: the later it is, the fewer of these are booked, from the first on.
const AHEAD: &[Slot] = &[
    slot(0, (9, 0), (0, 2), Confirmed, Paid(DEPOSIT, Card, 60)),
    slot(1, (9, 15), (3, 5), Confirmed, Paid(DEPOSIT, Klarna, 31)),
    slot(3, (10, 15), (8, 8), OPEN, Sent(DEPOSIT, Sms, 20)),
    slot(2, (9, 30), (5, 11), Confirmed, Paid(DEPOSIT, Card, 45)),
    slot(0, (10, 30), (1, 14), OPEN, Booked),
    slot(1, (11, 0), (4, 17), Confirmed, Renewed(DEPOSIT, Card, 9)),
    slot(3, (14, 0), (8, 20), OPEN, Opened(DEPOSIT, Sms, 6)),
    slot(0, (14, 15), (0, 23), OPEN, Expired(DEPOSIT)),
    slot(1, (14, 0), (2, 26), OPEN, Booked),
    slot(2, (14, 0), (7, 29), Confirmed, Paid(DEPOSIT, Clearpay, 14)),
    slot(0, (16, 0), (1, 32), OPEN, Booked),
    slot(3, (16, 0), (9, 35), OPEN, Sent(BALANCE, Qr, 7)),
    slot(1, (16, 15), (3, 38), OPEN, LinkMade(DEPOSIT)),
    slot(2, (15, 30), (6, 41), OPEN, Booked),
];

/// Days before and after today, how many appointments each has, and how far the patients are moved on: on each day they
/// are other people.
const DAYS: [(i64, &[Slot], usize, usize); 8] = [
    (-3, OVER, 10, 1),
    (-2, OVER, 12, 2),
    (-1, OVER, 14, 13),
    (0, TODAY, 26, 0),
    (1, AHEAD, 13, 25),
    (2, AHEAD, 10, 9),
    (3, AHEAD, 8, 31),
    (4, AHEAD, 6, 19),
];
/// Megan Lloyd, who is away from the day after tomorrow on.
const AWAY: usize = 2;

/// Fills the week around today.
pub async fn fill(past: &Past<'_>) -> Result<()> {
    let today = past.today()?;
    for (days, slots, many, moved) in DAYS {
        let date = today.checked_add(days.days())?;
        for slot in slots.iter().take(many) {
            if slot.practitioner == AWAY && days > 1 {
                continue;
            }
            tell(past, slot, (date, days), moved).await?;
        }
    }
    Ok(())
}

async fn tell(past: &Past<'_>, slot: &Slot, (date, days): (Date, i64), moved: usize) -> Result<()> {
    let starts_at = past.at(date, slot.start.0, slot.start.1)?;
    // Of a day that is over, hours count back from the appointment; else from now.
    let from = if days < 0 { starts_at } else { past.now };
    let patient = match slot.patient {
        UNREACHABLE if days == 0 => UNREACHABLE,
        patient => patient + moved,
    };
    let visit = Visit {
        practitioner: slot.practitioner,
        service: slot.service,
        patient,
        starts_at,
    };
    let booked_at = from - (hours(slot.story) + 2) * HOUR_MS;
    let appointment = past.book(booked_at, visit).await?;
    play(past, appointment, slot.story, (from, starts_at)).await?;
    let until = match slot.status {
        Status::Booked => return Ok(()),
        // Told the day before.
        Cancelled => starts_at - DAY_MS,
        Confirmed => from - HOUR_MS,
        _ => starts_at + 50 * MINUTE_MS,
    };
    past.becomes(until, appointment, slot.status).await
}

/// How long before the first thing happened.
fn hours(story: Story) -> i64 {
    match story {
        Booked | LinkMade(_) => 1,
        AtDesk(_) => 20,
        Sent(_, _, hours)
        | Opened(_, _, hours)
        | Refused(_, _, _, hours)
        | Paid(_, _, hours)
        | DepositAndDesk(_, hours, _)
        | Withdrawn(_, hours) => hours,
        Expired(_) => 66,
        Renewed(_, _, hours) => hours + 52,
    }
}

async fn play(
    past: &Past<'_>,
    appointment: AppointmentId,
    story: Story,
    (from, starts_at): (i64, i64),
) -> Result<()> {
    let at = from - hours(story) * HOUR_MS;
    let on_the_day = starts_at + 40 * MINUTE_MS;
    match story {
        Booked => {}
        AtDesk(method) => past.take(on_the_day, appointment, method).await?,
        LinkMade(purpose) => {
            past.issue(at, appointment, purpose).await?;
        }
        Sent(purpose, channel, _) => {
            past.send(at, appointment, purpose, channel).await?;
        }
        Opened(purpose, channel, _) => {
            let link = past.send(at, appointment, purpose, channel).await?;
            past.open(at + 14 * MINUTE_MS, link).await?;
        }
        Refused(purpose, channel, method, _) => {
            let link = past.send(at, appointment, purpose, channel).await?;
            past.is_refused(at + 14 * MINUTE_MS, link, method).await?;
        }
        Expired(purpose) => {
            past.send(at, appointment, purpose, Sms).await?;
        }
        Paid(purpose, method, _) => {
            let link = past.send(at, appointment, purpose, Sms).await?;
            past.pay(at + 6 * MINUTE_MS, link, method, CARD).await?;
        }
        DepositAndDesk(method, _, rest) => {
            let link = past.send(at, appointment, DEPOSIT, Email).await?;
            past.pay(at + 31 * MINUTE_MS, link, method, CARD).await?;
            past.take(on_the_day, appointment, rest).await?;
        }
        Renewed(purpose, method, hours) => {
            let link = past.send(at, appointment, purpose, Sms).await?;
            let again_at = from - hours * HOUR_MS;
            let link = past.renew(again_at, link, Sms).await?;
            past.pay(again_at + 22 * MINUTE_MS, link, method, CARD)
                .await?;
        }
        Withdrawn(purpose, _) => {
            let link = past.send(at, appointment, purpose, Sms).await?;
            past.cancel(at + 3 * HOUR_MS, link).await?;
        }
    }
    Ok(())
}
