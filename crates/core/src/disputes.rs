//! Disputes: money taken back by the payer's bank (hazard A23). A machine of their own, keyed by the provider's dispute
//! id. What a provider says of a dispute is cumulative, so the books follow by differences: opened, withdrawn,
//! reinstated and closed end the same in whatever order and however often they are heard.

use crate::UtcMs;
use crate::account::{Decision, Event, Finding, FindingKind};
use crate::faults::{Fault, planted};
use crate::ids::{PaymentId, TxnId};
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::money::Money;
use crate::payments::{Payment, ProviderPayment};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisputeState {
    /// The clinic is asked for evidence.
    NeedsResponse,
    /// The bank decides.
    UnderReview,
    Won,
    Lost,
    /// Taken back, or an inquiry that came to nothing.
    Withdrawn,
}

use DisputeState::{Lost, NeedsResponse, UnderReview, Withdrawn, Won};

/// Every legal move. A bank may change its mind about how a dispute ended; one that has ended does not open again (the
/// bank opens another one, with an id of its own).
pub const TRANSITIONS: &[(DisputeState, DisputeState)] = &[
    (NeedsResponse, UnderReview),
    (NeedsResponse, Won),
    (NeedsResponse, Lost),
    (NeedsResponse, Withdrawn),
    (UnderReview, NeedsResponse),
    (UnderReview, Won),
    (UnderReview, Lost),
    (UnderReview, Withdrawn),
    (Won, Lost),
    (Won, Withdrawn),
    (Lost, Won),
    (Lost, Withdrawn),
    (Withdrawn, Won),
    (Withdrawn, Lost),
];

impl DisputeState {
    pub const ALL: [DisputeState; 5] = [NeedsResponse, UnderReview, Won, Lost, Withdrawn];

    pub fn name(self) -> &'static str {
        match self {
            NeedsResponse => "needs_response",
            UnderReview => "under_review",
            Won => "won",
            Lost => "lost",
            Withdrawn => "withdrawn",
        }
    }

    pub fn parse(name: &str) -> Option<DisputeState> {
        DisputeState::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The bank has not decided yet.
    pub fn is_open(self) -> bool {
        matches!(self, NeedsResponse | UnderReview)
    }

    pub fn may_become(self, next: DisputeState) -> bool {
        TRANSITIONS.contains(&(self, next))
    }
}

/// A dispute as we know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The provider's own id.
    pub dispute_id: String,
    pub payment: PaymentId,
    pub state: DisputeState,
    /// What the payer disputes.
    pub amount: Money,
    /// What the provider holds back for it now, without its fee; the books say the same.
    pub withdrawn: Money,
    /// Why, in plain words.
    pub reason: String,
    /// Evidence must be in by then.
    pub due_by: Option<UtcMs>,
    pub opened_at: UtcMs,
    pub closed_at: Option<UtcMs>,
    /// How many answers of the provider were written here. Who asks notes it first, so that an answer is not written
    /// over one that was asked for later; no clock could tell them apart.
    pub looks: i64,
    /// How many transactions it has in the books; numbers the next one's natural key.
    pub postings: i64,
}

impl Dispute {
    /// Minor units that are gone for good.
    pub fn lost(&self) -> i64 {
        if self.state == Lost {
            self.amount.minor
        } else {
            0
        }
    }
}

/// What a payment's disputes come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disputed {
    /// How many are not decided yet.
    pub open: i64,
    /// Minor units of those that were lost: they cannot be refunded any more.
    pub lost: i64,
}

/// What the provider says of a dispute, in the rules' words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub dispute_id: String,
    pub status: Reported,
    pub amount: Money,
    pub withdrawn: Money,
    pub reason: String,
    pub due_by: Option<UtcMs>,
    pub opened_at: UtcMs,
    /// [`Dispute::looks`] as it was when the provider was asked; zero when nothing was known.
    pub looks: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    State(DisputeState),
    /// A word that this release does not know: no transition, a finding (hazard A12).
    Unheard(String),
}

/// An answer that another one has overtaken on the way; nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overtaken;

/// What staff read, written by who knows zone and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// `Stripe`.
    pub provider: String,
    /// `Tue 1 December`; none when nothing can be sent.
    pub deadline: Option<String>,
}

/// Applies what the provider says of a dispute of a payment. Repeating it changes nothing. The patient's balance stays
/// as it is, whatever the bank decides (design 3).
///
/// # Errors
/// [`Overtaken`]: another answer was written since this one was asked for. Ask again.
pub fn hear(
    payment: (&Payment, &ProviderPayment),
    known: Option<&Dispute>,
    report: &Report,
    words: &Words,
    txn: TxnId,
    now: UtcMs,
) -> Result<Decision, Overtaken> {
    let mut decision = Decision::default();
    let (payment, provider) = payment;
    let looks = known.map_or(0, |known| known.looks);
    if report.looks != looks && !planted(Fault::DisputeOrderIgnored) {
        return Err(Overtaken);
    }
    let (state, unheard) = state_after(known, &report.status);
    let mut after = Dispute {
        dispute_id: report.dispute_id.clone(),
        payment: payment.id,
        state,
        amount: report.amount,
        withdrawn: report.withdrawn,
        reason: report.reason.clone(),
        due_by: report.due_by,
        opened_at: known.map_or(report.opened_at, |known| known.opened_at),
        closed_at: known.and_then(|known| known.closed_at),
        looks: looks + 1,
        postings: known.map_or(0, |known| known.postings),
    };
    if state.is_open() {
        after.closed_at = None;
    } else if after.closed_at.is_none() {
        after.closed_at = Some(now);
    }
    if let Some(posting) = posting(known, &mut after, provider, txn) {
        decision.events.push(Event::Posted(posting));
    }
    let unchanged = known.is_some_and(|known| {
        *known
            == Dispute {
                looks: known.looks,
                ..after.clone()
            }
    });
    decision.events.push(Event::DisputeMoved {
        before: known.cloned(),
        after: after.clone(),
    });
    if let Some(word) = unheard {
        decision.events.push(Event::FindingOpened(Finding {
            kind: FindingKind::UnknownStatus,
            about: source(provider, &report.dispute_id),
            amount: Some(report.amount),
            detail: format!("{} says that a dispute is {word:?}.", words.provider),
        }));
    }
    if !unchanged {
        tell_staff(&mut decision, known, &after, provider, words);
    }
    Ok(decision)
}

/// The state to go to, and the word that does not fit.
fn state_after(known: Option<&Dispute>, reported: &Reported) -> (DisputeState, Option<String>) {
    match (known, reported) {
        (None, Reported::State(state)) => (*state, None),
        (None, Reported::Unheard(word)) => (UnderReview, Some(word.clone())),
        (Some(known), Reported::Unheard(word)) => (known.state, Some(word.clone())),
        (Some(known), Reported::State(state)) => {
            if known.state == *state || known.state.may_become(*state) {
                (*state, None)
            } else {
                (known.state, Some(state.name().to_owned()))
            }
        }
    }
}

/// What is withdrawn stands in `dispute_hold` until the bank has decided; what is lost, in `chargeback_loss`.
fn position(dispute: &Dispute) -> (i64, i64) {
    if dispute.state == Lost {
        (0, dispute.withdrawn.minor)
    } else {
        (dispute.withdrawn.minor, 0)
    }
}

/// The difference between where the books stand and where they belong, numbered so that it is posted once.
fn posting(
    known: Option<&Dispute>,
    after: &mut Dispute,
    provider: &ProviderPayment,
    txn: TxnId,
) -> Option<Txn> {
    let booked = known.filter(|_| !planted(Fault::DisputeDoubled));
    let (held, lost) = booked.map_or((0, 0), position);
    let (to_hold, to_lose) = position(after);
    let (hold, loss) = (to_hold - held, to_lose - lost);
    if hold == 0 && loss == 0 {
        return None;
    }
    after.postings += 1;
    let money = |minor| after.withdrawn.with(minor);
    Some(Txn::new(
        txn,
        TxnKind::Dispute,
        format!("{}#{}", source(provider, &after.dispute_id), after.postings),
        vec![
            ledger::debit(Account::DisputeHold, money(hold)),
            ledger::debit(Account::ChargebackLoss, money(loss)),
            ledger::credit(provider.clearing(), money(hold + loss)),
        ],
    ))
}

/// What a dispute is called in the books and among the findings.
pub fn source(provider: &ProviderPayment, dispute_id: &str) -> String {
    format!("{}:{}:{dispute_id}", provider.provider, provider.account)
}

/// A finding while the bank has not decided; it closes by itself when it has.
fn tell_staff(
    decision: &mut Decision,
    known: Option<&Dispute>,
    after: &Dispute,
    provider: &ProviderPayment,
    words: &Words,
) {
    let about = source(provider, &after.dispute_id);
    if !after.state.is_open() {
        if known.is_some_and(|known| known.state.is_open()) {
            decision.events.push(Event::FindingClosed {
                kind: FindingKind::Dispute,
                about,
            });
        }
        return;
    }
    let to_do = match (after.state, &words.deadline) {
        (NeedsResponse, Some(deadline)) => {
            format!("Send evidence to {} by {deadline}.", words.provider)
        }
        (NeedsResponse, None) => format!("Send evidence to {}.", words.provider),
        (UnderReview | Won | Lost | Withdrawn, _) => "The bank is looking into it.".to_owned(),
    };
    decision.events.push(Event::FindingRenewed(Finding {
        kind: FindingKind::Dispute,
        about,
        amount: Some(after.amount),
        detail: format!("The payer’s bank asks: {}. {to_do}", after.reason),
    }));
}
