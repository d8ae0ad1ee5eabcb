//! The world: one clinic's memory, a provider, a carrier, the clock, and whatever is under way between them. One thread,
//! one seed; each step is one thing that somebody does, and after each the auditor looks.

use remit_core::account::Decision;
use remit_core::attempts::SettleIds;
use remit_core::faults::{self, Fault};
use remit_core::ids::{AppointmentId, AttemptId, DeliveryId, LinkId, RefundId};
use remit_core::payments::DeskMethod;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};

use crate::auditor::{Auditor, Fact};
use crate::carrier::Carrier;
use crate::db::{Db, id};
use crate::marks::{Mark, Planted};
use crate::provider::{Answer, Closing, EventTold, Facts, Provider};
use crate::rng::Rng;

/// Where the simulation begins: 1 January 2026.
const BEGIN_MS: UtcMs = 1_767_225_600_000;
/// Steps of trouble before everybody goes home.
const STEPS: usize = 240;

/// What follows once an attempt is closed.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Nothing,
    Start(LinkId),
    Desk(AppointmentId, i64, DeskMethod),
    Discount(AppointmentId, i64),
    CancelVisit(AppointmentId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Return,
    Poll,
}

/// A job of the outbox with the fence of the lease under which it is worked on.
pub type Lease = Option<(usize, u64)>;

/// Something under way in one process's memory: a crash forgets it.
pub enum Task {
    /// A patient pressed *Continue*; with a standing when a planted fault reads it before the lock.
    Start(LinkId, Option<Box<remit_core::account::Standing>>),
    Create {
        attempt: AttemptId,
        lease: Lease,
        then: Then,
        answer: Option<Answer<usize>>,
    },
    Close {
        attempt: AttemptId,
        lease: Lease,
        then: Then,
        answer: Option<Answer<Closing>>,
    },
    Fetch {
        attempt: AttemptId,
        cause: Cause,
        facts: Option<Facts>,
    },
    Apply {
        event: u64,
        facts: Option<Facts>,
        read: Option<Box<remit_core::attempts::Attempt>>,
    },
    ApplyRefund {
        event: u64,
        refund: RefundId,
        seen: Option<usize>,
    },
    ApplyDispute {
        event: u64,
        index: usize,
        /// The answer, and how old the dispute was at the provider when it gave it.
        seen: Option<(Box<remit_core::disputes::Report>, u64)>,
    },
    Refund {
        refund: RefundId,
        lease: Lease,
        answer: Option<Answer<usize>>,
    },
    Send {
        delivery: DeliveryId,
        lease: (usize, u64),
        answer: Option<Answer<()>>,
    },
    /// A planted fault: the provider is called before anything is reserved.
    RefundFirst {
        payment: remit_core::ids::PaymentId,
        minor: i64,
        refund: RefundId,
    },
}

pub struct World {
    pub rng: Rng,
    pub planted: Option<Planted>,
    /// Per cent of the clock's moves that are hours or days: some seeds live through an afternoon, some through weeks.
    pub slow: u64,
    /// Patients who mostly look and do not pay: what is sent to them by itself is seldom reached otherwise.
    pub hesitant: bool,
    /// How much of the usual trouble this seed has, in per cent.
    pub rough: u64,
    /// Trouble is over: nothing is lost, nothing crashes.
    pub calm: bool,
    pub now: UtcMs,
    /// How far this node's clock is off.
    pub skew: i64,
    pub down_until: UtcMs,
    pub db: Db,
    pub provider: Provider,
    pub carrier: Carrier,
    pub tasks: Vec<Task>,
    /// Events on their way to us.
    pub wire: Vec<EventTold>,
    pub told: usize,
    pub seen: Vec<u64>,
    /// Sessions that stand open in a patient's browser.
    pub tabs: Vec<usize>,
    pub auditor: Auditor,
    /// Per dispute, the age of the last answer that was written.
    pub dispute_ages: std::collections::HashMap<usize, u64>,
    pub marks: u128,
    /// What left by itself, as the carrier has it.
    pub reminded: Vec<(LinkId, remit_core::reminders::Kind)>,
    pub broken: Option<String>,
    pub log: bool,
    next_id: u128,
}

impl World {
    pub fn new(seed: u64, planted: Option<Planted>, log: bool) -> World {
        faults::plant(match planted {
            Some(Planted::Rule(fault)) => Some(fault),
            _ => None::<Fault>,
        });
        let mut db = Db::new(BEGIN_MS);
        db.source_key = planted != Some(Planted::NoSourceKey);
        db.live_index = planted != Some(Planted::NoLiveIndex);
        let mut rng = Rng::new(seed);
        let slow = rng.pick(&[2, 10, 25, 60]).unwrap_or(10);
        let rough = rng.pick(&[20, 60, 100, 200]).unwrap_or(100);
        let hesitant = rng.percent(25);
        World {
            rng,
            slow,
            hesitant,
            rough,
            planted,
            calm: false,
            now: BEGIN_MS,
            skew: 0,
            down_until: 0,
            db,
            provider: Provider::default(),
            carrier: Carrier::default(),
            tasks: vec![],
            wire: vec![],
            told: 0,
            seen: vec![],
            tabs: vec![],
            auditor: Auditor::default(),
            dispute_ages: std::collections::HashMap::new(),
            marks: 0,
            reminded: vec![],
            broken: None,
            log,
            next_id: 0,
        }
    }

    /// Plays one seed to its quiet end.
    ///
    /// # Errors
    /// The first invariant that did not hold.
    pub fn play(&mut self) -> Result<(), String> {
        self.open_the_desk();
        for _ in 0..STEPS {
            self.step();
            self.look()?;
        }
        self.calm_down()
    }

    fn look(&mut self) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        self.carrier.check()?;
        self.auditor.check(&self.db, &self.provider)
    }

    fn step(&mut self) {
        self.provider.pass(self.now);
        match self.rng.below(100) {
            0..=39 => self.advance(),
            40..=49 => self.staff(),
            50..=72 => self.patient(),
            73..=81 => self.network(),
            82..=93 => self.worker(),
            94..=98 => self.clock(),
            _ => self.trouble(),
        }
        self.send_events();
    }

    /// Lets everything that is under way come to its end.
    fn calm_down(&mut self) -> Result<(), String> {
        (self.calm, self.down_until, self.skew) = (true, 0, 0);
        let waits = [
            0,
            MINUTE_MS,
            MINUTE_MS,
            HOUR_MS,
            2 * HOUR_MS,
            22 * HOUR_MS,
            DAY_MS,
            HOUR_MS,
            HOUR_MS,
            DAY_MS,
            HOUR_MS,
        ];
        for wait in waits {
            self.now += wait;
            self.provider.pass(self.now);
            self.settle_outside();
            for _ in 0..4 {
                self.send_events();
                while !self.wire.is_empty() {
                    self.network();
                }
                self.sweep();
                while !self.tasks.is_empty() {
                    self.advance();
                    self.look()?;
                }
            }
            self.look()?;
        }
        self.auditor.check_rest(&self.db, &self.provider)
    }

    fn clock(&mut self) {
        let short = [
            SECOND_MS,
            5 * SECOND_MS,
            20 * SECOND_MS,
            2 * MINUTE_MS,
            25 * MINUTE_MS,
        ];
        let long = if self.hesitant {
            [2 * HOUR_MS, 5 * HOUR_MS, 11 * HOUR_MS]
        } else {
            [5 * HOUR_MS, 23 * HOUR_MS, 47 * HOUR_MS]
        };
        let waits = if self.rng.percent(self.slow) {
            &long[..]
        } else {
            &short[..]
        };
        self.now += self.rng.pick(waits).unwrap_or(0);
        self.say(|w| format!("the clock moves to +{} s", (w.now - BEGIN_MS) / SECOND_MS));
        self.provider.pass(self.now);
    }

    fn trouble(&mut self) {
        match self.rng.below(3) {
            0 => {
                self.down_until =
                    self.now + self.rng.pick(&[1, 10, 60, 300, 1500]).unwrap_or(1) * MINUTE_MS;
                self.say(|_| "the provider goes down".into());
            }
            1 => self.skew = self.rng.between(-10, 10) * MINUTE_MS,
            _ => self.crash(None),
        }
    }

    // ---- time, ids, chance

    /// The clock as a transaction reads it: this node's, but never before what was already written (hazard B6).
    pub fn clock_now(&mut self) -> UtcMs {
        if self.now + self.skew < self.db.floor {
            self.mark(Mark::ClockHeldByFloor);
        }
        self.db.floor.max(self.now + self.skew)
    }

    pub fn fresh(&mut self) -> u128 {
        self.next_id += 1;
        self.next_id
    }

    pub fn settle_ids(&mut self) -> SettleIds {
        SettleIds {
            payment: id(self.fresh()),
            txn: id(self.fresh()),
        }
    }

    pub fn is_planted(&self, fault: Planted) -> bool {
        self.planted == Some(fault)
    }

    /// Whether trouble strikes.
    pub fn unlucky(&mut self, percent: u64) -> bool {
        self.rng.draw() % 10_000 < percent * self.rough && !self.calm
    }

    pub fn mark(&mut self, mark: Mark) {
        self.marks |= 1 << mark as u128;
    }

    pub fn say(&self, text: impl FnOnce(&World) -> String) {
        if self.log {
            println!(
                "{:>9.1} h  {}",
                (self.now - BEGIN_MS) as f64 / HOUR_MS as f64,
                text(self)
            );
        }
    }

    /// The process dies: what was in its memory is gone.
    pub fn crash(&mut self, at: Option<Mark>) {
        self.say(|_| format!("CRASH {at:?}"));
        if let Some(mark) = at {
            self.mark(mark);
        }
        self.tasks.clear();
    }

    // ---- transactions

    /// Decides under the lock, writes, commits. Answers whether the caller is still alive to see it: a crash before the
    /// commit loses the work, one after it only the answer.
    pub fn commit(&mut self, tx: Db, facts: &[Fact], crash: [Option<Mark>; 2]) -> bool {
        if self.unlucky(2) {
            self.crash(crash[0]);
            return false;
        }
        for fact in facts {
            if let Err(broken) = self.auditor.learn(*fact, &self.db, &self.provider) {
                self.broken.get_or_insert(broken);
            }
        }
        self.db = tx;
        if self.unlucky(3) {
            self.crash(crash[1]);
            return false;
        }
        true
    }

    /// A transaction of one decision.
    pub fn write(&mut self, visit: AppointmentId, decision: &Decision, facts: &[Fact]) -> bool {
        self.write_at(visit, decision, facts, [None, None])
    }

    pub fn write_at(
        &mut self,
        visit: AppointmentId,
        decision: &Decision,
        facts: &[Fact],
        crash: [Option<Mark>; 2],
    ) -> bool {
        let now = self.clock_now();
        let mut tx = self.db.clone();
        tx.floor = now;
        match tx.apply(visit, decision, now) {
            Ok(()) => {
                self.say(|_| {
                    let events: Vec<String> =
                        decision.events.iter().map(|e| format!("{e:?}")).collect();
                    let short = events
                        .iter()
                        .map(|e| e.chars().take(110).collect::<String>());
                    format!(
                        "  writes {}",
                        short.collect::<Vec<_>>().join("\n              ")
                    )
                });
                self.commit(tx, facts, crash)
            }
            Err(refused) => {
                self.say(|_| format!("  refused by {}", refused.0));
                false
            }
        }
    }

    /// Takes up one thing that is under way, in any order.
    pub fn advance(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let index = self.rng.below(self.tasks.len());
        match self.tasks.swap_remove(index) {
            Task::Start(link, read) => self.start(link, read),
            Task::Create {
                attempt,
                lease,
                then,
                answer,
            } => match answer {
                None => self.call_create(attempt, lease, then),
                Some(answer) => self.save_create(attempt, lease, then, answer),
            },
            Task::Close {
                attempt,
                lease,
                then,
                answer,
            } => match answer {
                None => self.call_close(attempt, lease, then),
                Some(answer) => self.save_close(attempt, lease, then, answer),
            },
            Task::Fetch {
                attempt,
                cause,
                facts,
            } => match facts {
                None => self.call_fetch(attempt, cause),
                Some(facts) => self.save_fetch(attempt, cause, facts),
            },
            Task::Apply { event, facts, read } => match facts {
                None => self.call_apply(event),
                Some(facts) => self.save_apply(event, &facts, read),
            },
            Task::ApplyRefund {
                event,
                refund,
                seen,
            } => self.apply_refund(event, refund, seen),
            Task::ApplyDispute { event, index, seen } => self.apply_dispute(event, index, seen),
            Task::Refund {
                refund,
                lease,
                answer,
            } => match answer {
                None => self.call_refund(refund, lease),
                Some(answer) => self.save_refund(refund, lease, answer),
            },
            Task::Send {
                delivery,
                lease,
                answer,
            } => match answer {
                None => self.call_send(delivery, lease),
                Some(answer) => self.save_send(delivery, lease, &answer),
            },
            Task::RefundFirst {
                payment,
                minor,
                refund,
            } => self.reserve_after_call(payment, minor, refund),
        }
    }

    /// Whether a call to the provider reaches it, and whether its answer reaches us.
    pub fn reach(&mut self, lost: Mark) -> (bool, bool) {
        if self.now < self.down_until {
            self.mark(Mark::ProviderDown);
            return (false, false);
        }
        if self.unlucky(4) {
            return (false, false);
        }
        if self.unlucky(12) {
            self.mark(lost);
            return (true, false);
        }
        (true, true)
    }
}
