//! Payment links: when one may be issued, what it asks for, how it ends.

use crate::account::{Decision, Event, LinkMove, Refusal, Standing};
use crate::faults::{Fault, planted};
use crate::ids::{AppointmentId, LinkId};
use crate::methods::PurposeKind;
use crate::money::{Money, Payable};
use crate::token::TokenHash;
use crate::{HOUR_MS, UtcMs};

/// Milliseconds a link lives: elapsed time, so a change of the clocks does not move it (hazard B5).
pub const LIFETIME_MS: i64 = 48 * HOUR_MS;
/// Refused payments on one link before it rests for [`REST_MS`] (hazard D16: card testing).
pub const FAILED_TRIES_MAX: i64 = 10;
pub const REST_MS: i64 = HOUR_MS;

/// Until when a link rests (UTC ms) after so many refused payments within the last [`REST_MS`], the oldest of them at
/// `oldest_at`; none: it takes another.
pub fn rests_until(refused: i64, oldest_at: UtcMs) -> Option<UtcMs> {
    (refused >= FAILED_TRIES_MAX).then_some(oldest_at + REST_MS)
}

/// A link's own state. What people are shown is [`Link::shown`], which also looks at the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkState {
    Created,
    Sent,
    Accessed,
    Expired,
    Cancelled,
    Paid,
}

use LinkState::{Accessed, Cancelled, Created, Expired, Paid, Sent};

/// Every legal move. Only upward: duplicates and reordering become no-ops (rule 8). Money overrules an ending
/// (hazard A9), so *Paid* is reached from everywhere.
pub const TRANSITIONS: &[(LinkState, LinkState)] = &[
    (Created, Sent),
    (Created, Accessed),
    (Created, Expired),
    (Created, Cancelled),
    (Created, Paid),
    (Sent, Accessed),
    (Sent, Expired),
    (Sent, Cancelled),
    (Sent, Paid),
    (Accessed, Expired),
    (Accessed, Cancelled),
    (Accessed, Paid),
    (Expired, Paid),
    (Cancelled, Paid),
];

impl LinkState {
    pub const ALL: [LinkState; 6] = [Created, Sent, Accessed, Expired, Cancelled, Paid];

    pub fn name(self) -> &'static str {
        match self {
            Created => "created",
            Sent => "sent",
            Accessed => "accessed",
            Expired => "expired",
            Cancelled => "cancelled",
            Paid => "paid",
        }
    }

    pub fn parse(name: &str) -> Option<LinkState> {
        LinkState::ALL.into_iter().find(|s| s.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Created => "Created",
            Sent => "Sent",
            Accessed => "Accessed",
            Expired => "Expired",
            Cancelled => "Cancelled",
            Paid => "Paid",
        }
    }

    /// Height on the ladder; a move must climb (I11).
    pub fn rank(self) -> u8 {
        match self {
            Created => 0,
            Sent => 1,
            Accessed => 2,
            Expired | Cancelled => 3,
            Paid => 9,
        }
    }

    pub fn is_open(self) -> bool {
        self.rank() < 3
    }

    pub fn may_become(self, next: LinkState) -> bool {
        TRANSITIONS.contains(&(self, next))
    }
}

/// Why a link ended without money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closing {
    Expired,
    /// A newer link took its place.
    Superseded,
    /// Staff cancelled it.
    Cancelled,
    /// The balance was settled another way.
    Settled,
    AppointmentCancelled,
}

impl Closing {
    pub const ALL: [Closing; 5] = [
        Closing::Expired,
        Closing::Superseded,
        Closing::Cancelled,
        Closing::Settled,
        Closing::AppointmentCancelled,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Closing::Expired => "expired",
            Closing::Superseded => "superseded",
            Closing::Cancelled => "cancelled",
            Closing::Settled => "settled",
            Closing::AppointmentCancelled => "appointment_cancelled",
        }
    }

    pub fn parse(name: &str) -> Option<Closing> {
        Closing::ALL.into_iter().find(|c| c.name() == name)
    }

    pub fn state(self) -> LinkState {
        match self {
            Closing::Expired => Expired,
            Closing::Superseded
            | Closing::Cancelled
            | Closing::Settled
            | Closing::AppointmentCancelled => Cancelled,
        }
    }
}

/// A payment link, without its token: that is known to nobody but its address (and sealed in the database).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub id: LinkId,
    pub appointment: AppointmentId,
    pub purpose: PurposeKind,
    /// What it asks for. What it takes is the smaller of this and the balance at that moment.
    pub amount: Money,
    pub token: TokenHash,
    pub state: LinkState,
    pub why: Option<Closing>,
    pub late: bool,
    pub created_at: UtcMs,
    pub expires_at: UtcMs,
}

impl Link {
    /// To the millisecond, judged at the moment of use (rule 7).
    pub fn expired_at(&self, now: UtcMs) -> bool {
        now >= self.expires_at && !planted(Fault::ExpiryByRow)
    }

    /// The status that people are shown.
    pub fn shown(&self, now: UtcMs) -> LinkState {
        if self.state.is_open() && self.expired_at(now) {
            Expired
        } else {
            self.state
        }
    }

    /// The amount a patient would pay now: never more than is due (design 3).
    pub fn payable(&self, due: Money) -> Money {
        if planted(Fault::OldAmount) {
            return self.amount;
        }
        self.amount.with(self.amount.minor.min(due.minor).max(0))
    }

    pub(crate) fn moved(&self, to: LinkState) -> LinkMove {
        debug_assert!(self.state.may_become(to), "{:?} to {to:?}", self.state);
        LinkMove {
            link: self.id,
            from: self.state,
            to,
            why: None,
            late: false,
            amount: self.amount,
            created_at: self.created_at,
        }
    }

    pub(crate) fn closed(&self, why: Closing) -> LinkMove {
        LinkMove {
            why: Some(why),
            ..self.moved(why.state())
        }
    }

    /// Refuses unless the link can still be used.
    ///
    /// # Errors
    /// What it is instead: paid, expired or cancelled.
    pub fn usable(&self, now: UtcMs) -> Result<(), Refusal> {
        match self.shown(now) {
            Created | Sent | Accessed => Ok(()),
            Paid => Err(Refusal::LinkPaid),
            Expired => Err(Refusal::LinkExpired),
            Cancelled => Err(Refusal::LinkCancelled),
        }
    }
}

/// What a new link asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Deposit,
    Balance,
    Part(Payable),
}

impl Purpose {
    pub fn kind(self) -> PurposeKind {
        match self {
            Purpose::Deposit => PurposeKind::Deposit,
            Purpose::Balance => PurposeKind::Balance,
            Purpose::Part(_) => PurposeKind::Custom,
        }
    }
}

/// Issues a link. An open one closes in the same breath: two addresses that both take money is how a patient pays
/// twice (hazard A3).
///
/// # Errors
/// [`Refusal::NothingDue`], [`Refusal::MoreThanDue`], [`Refusal::OtherCurrency`], [`Refusal::Cancelled`].
pub fn issue(
    standing: &Standing,
    id: LinkId,
    token: TokenHash,
    purpose: Purpose,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let amount = asked(standing, purpose)?;
    let link = Link {
        id,
        appointment: standing.appointment,
        purpose: purpose.kind(),
        amount,
        token,
        state: Created,
        why: None,
        late: false,
        created_at: now,
        expires_at: now + LIFETIME_MS,
    };
    let mut decision = Decision::default();
    decision.close_open_link(standing, Closing::Superseded, now);
    decision.events.push(Event::LinkIssued(link));
    Ok(decision)
}

/// The amount a new link asks for: above zero and at most what is due.
fn asked(standing: &Standing, purpose: Purpose) -> Result<Money, Refusal> {
    if standing.status == crate::appointments::Status::Cancelled {
        return Err(Refusal::Cancelled);
    }
    let due = standing.balance.due();
    assert!(
        due.minor >= 0,
        "I2: a balance is never negative; the CHECK on its row says the same"
    );
    let asked = match purpose {
        Purpose::Deposit => standing.balance.deposit_due(),
        Purpose::Balance => due,
        Purpose::Part(part) => part.money(),
    };
    if asked.currency != due.currency {
        return Err(Refusal::OtherCurrency);
    }
    if due.minor == 0 || asked.minor == 0 {
        return Err(Refusal::NothingDue);
    }
    if asked.minor > due.minor {
        return Err(Refusal::MoreThanDue { asked, due });
    }
    Ok(asked)
}

/// The link is handed over; the first time it becomes *Sent*.
///
/// # Errors
/// When it can no longer be used, see [`Link::usable`].
pub fn hand_over(link: &Link, now: UtcMs) -> Result<Decision, Refusal> {
    link.usable(now)?;
    let events = if link.state == Created {
        vec![Event::LinkMoved(link.moved(Sent))]
    } else {
        vec![]
    };
    Ok(Decision {
        events,
        effects: vec![],
    })
}

/// A person (not a scanner, hazard B2) has the page open. The first time it becomes *Accessed*; late or repeated
/// evidence changes nothing.
pub fn access(link: &Link, now: UtcMs) -> Decision {
    let rises = link.usable(now).is_ok() && link.state.may_become(Accessed);
    let events = if rises {
        vec![Event::LinkMoved(link.moved(Accessed))]
    } else {
        vec![]
    };
    Decision {
        events,
        effects: vec![],
    }
}

/// Staff cancel the open link.
///
/// # Errors
/// When `link` is not the open one any more.
pub fn cancel(standing: &Standing, link: &Link, now: UtcMs) -> Result<Decision, Refusal> {
    link.usable(now)?;
    let mut decision = Decision::default();
    decision.close_open_link(standing, Closing::Cancelled, now);
    Ok(decision)
}

/// Renewing makes a new link for one that ended; the old address never works again.
///
/// # Errors
/// [`Refusal::LinkPaid`], [`Refusal::LinkOpen`] while the old one can still be paid.
pub fn renewable(link: &Link, now: UtcMs) -> Result<(), Refusal> {
    match link.shown(now) {
        Expired | Cancelled => Ok(()),
        Paid => Err(Refusal::LinkPaid),
        Created | Sent | Accessed => Err(Refusal::LinkOpen),
    }
}

/// Announces an expiry that time has already brought about (rule 7). A payment begun before is left to finish: its
/// session ends at the latest [`crate::attempts::OVERHANG_MS`] after the link, and is closed then.
pub fn tick(link: &Link, now: UtcMs) -> Decision {
    let due = link.state.is_open() && link.expired_at(now);
    let events = if due {
        vec![Event::LinkMoved(link.closed(Closing::Expired))]
    } else {
        vec![]
    };
    Decision {
        events,
        effects: vec![],
    }
}

/// The patient of an ended link asks for a new one; staff see it.
///
/// # Errors
/// [`Refusal::LinkPaid`], [`Refusal::LinkOpen`].
pub fn ask_for_new(link: &Link, now: UtcMs) -> Result<Decision, Refusal> {
    renewable(link, now)?;
    Ok(Decision {
        events: vec![Event::NewLinkAsked { link: link.id }],
        effects: vec![],
    })
}

/// Badges stand beside the status, never instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Badge {
    Late,
    InProgress,
    PartRefunded,
    Refunded,
    Disputed,
    DeliveryFailed,
}

impl Badge {
    pub fn name(self) -> &'static str {
        match self {
            Badge::Late => "late",
            Badge::InProgress => "in_progress",
            Badge::PartRefunded => "part_refunded",
            Badge::Refunded => "refunded",
            Badge::Disputed => "disputed",
            Badge::DeliveryFailed => "delivery_failed",
        }
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Badge::Late => "Late",
            Badge::InProgress => "In progress",
            Badge::PartRefunded => "Part refunded",
            Badge::Refunded => "Refunded",
            Badge::Disputed => "Disputed",
            Badge::DeliveryFailed => "Delivery failed",
        }
    }
}

/// What badges are derived from.
#[derive(Clone, Copy, Debug, Default)]
pub struct BadgeFacts {
    pub late: bool,
    pub live_attempt: bool,
    /// Minor units captured through this link, and how many of them went back.
    pub captured: i64,
    pub refunded: i64,
    pub disputed: bool,
    /// The latest delivery of some channel failed and none succeeded after it.
    pub delivery_failed: bool,
}

pub fn badges(facts: BadgeFacts) -> Vec<Badge> {
    let refunded = facts.refunded > 0 && facts.refunded >= facts.captured;
    [
        (facts.late, Badge::Late),
        (facts.live_attempt, Badge::InProgress),
        (facts.refunded > 0 && !refunded, Badge::PartRefunded),
        (refunded, Badge::Refunded),
        (facts.disputed, Badge::Disputed),
        (facts.delivery_failed, Badge::DeliveryFailed),
    ]
    .into_iter()
    .filter_map(|(on, badge)| on.then_some(badge))
    .collect()
}
