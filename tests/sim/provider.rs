//! The payment company outside: sessions, payments, refunds, replayed answers and events. It knows nothing of our rules.

use remit_core::disputes::DisputeState;
use remit_core::ids::{AttemptId, RefundId};
use remit_core::money::Money;
use remit_core::{HOUR_MS, UtcMs};

use crate::db::About;

/// How long a key replays its first answer.
const KEY_LIFE_MS: i64 = 24 * HOUR_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    Processing,
    Paid,
    Failed,
    Expired,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub reference: AttemptId,
    pub amount: Money,
    pub expires_at: UtcMs,
    pub standing: Standing,
    pub payment: Option<usize>,
    /// A patient has seen its address.
    pub handed_out: bool,
    /// It took money after it had ended: some methods do.
    pub revived: bool,
}

#[derive(Clone, Debug)]
pub struct Paid {
    pub session: usize,
    pub received: Money,
    pub refunded: i64,
    /// What banks have taken back and not given again.
    pub withdrawn: i64,
}

#[derive(Clone, Debug)]
pub struct DisputeMade {
    pub payment: usize,
    pub amount: i64,
    pub state: DisputeState,
    pub withdrawn: i64,
    /// Counts its moves, so that an old answer can be told from a newer one.
    pub age: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStanding {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug)]
pub struct RefundMade {
    pub reference: RefundId,
    pub payment: usize,
    pub amount: i64,
    pub standing: RefundStanding,
}

#[derive(Clone, Copy, Debug)]
pub struct EventTold {
    pub event_id: u64,
    pub about: About,
    pub at: UtcMs,
}

/// Every answer is one of three; a timeout is never a refusal.
#[derive(Clone, Debug)]
pub enum Answer<T> {
    Done(T),
    Refused,
    Unknown,
}

/// A call's frozen bytes, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    pub minor: i64,
    pub expires_at: UtcMs,
}

#[derive(Clone, Debug)]
pub struct Facts {
    pub session: usize,
    pub standing: Standing,
    pub payment: Option<(usize, Money)>,
}

pub enum Closing {
    Closed,
    TooLate(Facts),
}

struct Key {
    key: u128,
    body: Frozen,
    answer: usize,
    at: UtcMs,
}

#[derive(Default)]
pub struct Provider {
    pub sessions: Vec<Session>,
    pub payments: Vec<Paid>,
    pub refunds: Vec<RefundMade>,
    pub disputes: Vec<DisputeMade>,
    pub events: Vec<EventTold>,
    keys: Vec<Key>,
    refund_keys: Vec<Key>,
}

fn replayed(keys: &[Key], key: u128, body: Frozen, now: UtcMs) -> Option<Answer<usize>> {
    let known = keys
        .iter()
        .rev()
        .find(|k| k.key == key && now < k.at + KEY_LIFE_MS)?;
    Some(if known.body == body {
        Answer::Done(known.answer)
    } else {
        Answer::Refused // the same key with another body
    })
}

impl Provider {
    fn tell(&mut self, about: About, now: UtcMs) {
        let event_id = self.events.len() as u64 + 1;
        self.events.push(EventTold {
            event_id,
            about,
            at: now,
        });
    }

    /// Time ends what nobody paid.
    pub fn pass(&mut self, now: UtcMs) {
        for index in 0..self.sessions.len() {
            let session = &mut self.sessions[index];
            if session.standing == Standing::Open && now >= session.expires_at {
                session.standing = Standing::Expired;
                let about = About::Session(session.reference);
                self.tell(about, now);
            }
        }
    }

    pub fn create(
        &mut self,
        reference: AttemptId,
        amount: Money,
        body: Frozen,
        key: u128,
        now: UtcMs,
    ) -> Answer<usize> {
        if let Some(answer) = replayed(&self.keys, key, body, now) {
            return answer;
        }
        self.sessions.push(Session {
            reference,
            amount: amount.with(body.minor),
            expires_at: body.expires_at,
            standing: Standing::Open,
            payment: None,
            handed_out: false,
            revived: false,
        });
        let answer = self.sessions.len() - 1;
        self.keys.push(Key {
            key,
            body,
            answer,
            at: now,
        });
        Answer::Done(answer)
    }

    pub fn find(&self, reference: AttemptId) -> Option<usize> {
        self.sessions.iter().position(|s| s.reference == reference)
    }

    pub fn facts(&self, session: usize) -> Facts {
        let found = &self.sessions[session];
        Facts {
            session,
            standing: found.standing,
            payment: found.payment.map(|p| (p, self.payments[p].received)),
        }
    }

    pub fn close(&mut self, session: usize, now: UtcMs) -> Closing {
        match self.sessions[session].standing {
            Standing::Open => {
                self.sessions[session].standing = Standing::Expired;
                self.tell(About::Session(self.sessions[session].reference), now);
                Closing::Closed
            }
            Standing::Expired => Closing::Closed,
            Standing::Processing | Standing::Paid | Standing::Failed => {
                Closing::TooLate(self.facts(session))
            }
        }
    }

    /// The patient is done; the money comes, or does not, later.
    pub fn begin(&mut self, session: usize, now: UtcMs) {
        self.sessions[session].standing = Standing::Processing;
        self.tell(About::Session(self.sessions[session].reference), now);
    }

    pub fn take(&mut self, session: usize, received: Money, now: UtcMs) {
        self.payments.push(Paid {
            session,
            received,
            refunded: 0,
            withdrawn: 0,
        });
        let payment = self.payments.len() - 1;
        let found = &mut self.sessions[session];
        found.revived = matches!(found.standing, Standing::Expired | Standing::Failed);
        found.standing = Standing::Paid;
        found.payment = Some(payment);
        self.tell(About::Session(self.sessions[session].reference), now);
    }

    pub fn fail(&mut self, session: usize, now: UtcMs) {
        self.sessions[session].standing = Standing::Failed;
        self.tell(About::Session(self.sessions[session].reference), now);
    }

    pub fn refund(
        &mut self,
        reference: RefundId,
        payment: usize,
        minor: i64,
        key: u128,
        standing: RefundStanding,
        now: UtcMs,
    ) -> Answer<usize> {
        let body = Frozen {
            minor,
            expires_at: payment as i64,
        };
        if let Some(answer) = replayed(&self.refund_keys, key, body, now) {
            return answer;
        }
        if minor > self.disputable(payment) {
            return Answer::Refused;
        }
        self.payments[payment].refunded += minor;
        self.refunds.push(RefundMade {
            reference,
            payment,
            amount: minor,
            standing,
        });
        let answer = self.refunds.len() - 1;
        self.refund_keys.push(Key {
            key,
            body,
            answer,
            at: now,
        });
        self.tell(About::Refund(reference), now);
        Answer::Done(answer)
    }

    /// A refund goes on: pending ones succeed or fail, and now and then a bank sends one back.
    pub fn move_refund(&mut self, index: usize, to: RefundStanding, now: UtcMs) {
        let refund = &mut self.refunds[index];
        refund.standing = to;
        let (payment, amount, reference) = (refund.payment, refund.amount, refund.reference);
        if to == RefundStanding::Failed {
            self.payments[payment].refunded -= amount;
        }
        self.tell(About::Refund(reference), now);
    }

    /// What is left of a payment, to be refunded or disputed.
    pub fn disputable(&self, payment: usize) -> i64 {
        let paid = &self.payments[payment];
        let disputed = self.disputes.iter().filter(|d| d.payment == payment);
        let open = disputed.filter(|d| d.state.is_open() || d.withdrawn > 0);
        paid.received.minor - paid.refunded - open.map(|d| d.amount).sum::<i64>()
    }

    pub fn open_dispute(&mut self, payment: usize, taken: bool, now: UtcMs) {
        self.disputes.push(DisputeMade {
            payment,
            amount: self.disputable(payment),
            state: DisputeState::NeedsResponse,
            withdrawn: 0,
            age: 0,
        });
        let index = self.disputes.len() - 1;
        let withdrawn = if taken {
            self.disputes[index].amount
        } else {
            0
        };
        self.move_dispute(index, DisputeState::NeedsResponse, withdrawn, now);
    }

    pub fn dispute(&self, index: usize) -> (DisputeState, i64) {
        (self.disputes[index].state, self.disputes[index].withdrawn)
    }

    pub fn move_dispute(&mut self, index: usize, state: DisputeState, withdrawn: i64, now: UtcMs) {
        let dispute = &mut self.disputes[index];
        self.payments[dispute.payment].withdrawn += withdrawn - dispute.withdrawn;
        (dispute.state, dispute.withdrawn) = (state, withdrawn);
        dispute.age += 1;
        self.tell(About::Dispute(index), now);
    }
}
