//! What works by itself: events coming in, the inbox, the outbox with its leases, polling, the provider's event list.

use remit_core::account::{Decision, Effect};
use remit_core::attempts::{self, Attempt};
use remit_core::ids::{AttemptId, DeliveryId};
use remit_core::refunds::RefundState;
use remit_core::{HOUR_MS, MINUTE_MS};

use crate::db::{About, InboxRow, Job, JobState};
use crate::marks::{Mark, Planted};
use crate::provider::{Answer, EventTold, Facts};
use crate::sessions::{Beside, NOBODY, reported};
use crate::world::{Cause, Lease, Task, Then, World};

/// How long a piece of work belongs to who took it.
const LEASE_MS: i64 = MINUTE_MS;
/// A second id for the same fact lies this much higher.
const SECOND_ID: u64 = 1_000_000;

impl World {
    // ---- events

    /// Puts what the provider has told since the last step on the wire.
    pub fn send_events(&mut self) {
        for index in self.told..self.provider.events.len() {
            let event = self.provider.events[index];
            self.wire.push(event);
            if self.unlucky(20) {
                self.wire.push(event);
            }
            if self.unlucky(8) {
                self.mark(Mark::EventSecondId);
                self.wire.push(EventTold {
                    event_id: event.event_id + SECOND_ID,
                    ..event
                });
            }
        }
        self.told = self.provider.events.len();
    }

    /// One event arrives, whichever: verified, stored, acknowledged.
    pub fn network(&mut self) {
        if self.wire.is_empty() {
            return;
        }
        let index = self.rng.below(self.wire.len());
        if self.unlucky(3) {
            return self.crash(Some(Mark::CrashBeforeInboxStored)); // unacknowledged: it comes again
        }
        let event = self.wire.swap_remove(index);
        if self.unlucky(15) {
            return self.mark(Mark::EventLost);
        }
        if self
            .seen
            .iter()
            .any(|seen| *seen > event.event_id % SECOND_ID)
        {
            self.mark(Mark::EventOutOfOrder);
        }
        self.seen.push(event.event_id % SECOND_ID);
        if self
            .db
            .inbox
            .iter()
            .any(|row| row.event_id == event.event_id)
        {
            return self.mark(Mark::EventTwice);
        }
        self.store(event, [None, Some(Mark::CrashAfterInboxStored)]);
    }

    fn store(&mut self, event: EventTold, crash: [Option<Mark>; 2]) -> bool {
        let mut tx = self.db.clone();
        tx.inbox.push(InboxRow {
            event_id: event.event_id,
            about: event.about,
            done: false,
            lease_until: 0,
        });
        self.commit(tx, &[], crash)
    }

    // ---- work

    pub fn worker(&mut self) {
        match self.rng.below(11) {
            0..=3 => self.claim_job(),
            4..=6 => self.claim_event(),
            7 => self.poll(),
            8 => self.read_event_list(),
            9 => self.remind(),
            _ => self.tick(),
        }
    }

    /// Everything there is to do, once.
    pub fn sweep(&mut self) {
        for _ in 0..self.db.outbox.len() {
            self.claim_job();
        }
        for _ in 0..self.db.inbox.len() {
            self.claim_event();
        }
        self.poll();
        self.read_event_list();
        self.remind();
        self.tick();
    }

    fn claim_event(&mut self) {
        let now = self.clock_now();
        let row = self
            .db
            .inbox
            .iter()
            .position(|row| !row.done && row.lease_until <= now);
        let Some(index) = row else { return };
        let mut tx = self.db.clone();
        tx.inbox[index].lease_until = now + LEASE_MS;
        let (event, about) = (tx.inbox[index].event_id, tx.inbox[index].about);
        if self.commit(tx, &[], [None, None]) {
            self.tasks.push(match about {
                About::Session(_) => Task::Apply {
                    event,
                    facts: None,
                    read: None,
                },
                About::Refund(refund) => Task::ApplyRefund {
                    event,
                    refund,
                    seen: None,
                },
                About::Dispute(index) => Task::ApplyDispute {
                    event,
                    index,
                    seen: None,
                },
            });
        }
    }

    fn about(&self, event: u64) -> Option<AttemptId> {
        let row = self.db.inbox.iter().find(|row| row.event_id == event)?;
        match row.about {
            About::Session(attempt) => Some(attempt),
            About::Refund(_) | About::Dispute(_) => None,
        }
    }

    /// An event is a hint: the truth is fetched.
    pub fn call_apply(&mut self, event: u64) {
        let Some(attempt) = self.about(event) else {
            return;
        };
        if let Some(facts) = self.ask(attempt) {
            let stale =
                self.is_planted(Planted::NoSourceKey) || self.is_planted(Planted::StaleReads);
            let read = stale.then(|| Box::new(self.db.attempt(attempt).attempt.clone()));
            let read = read.filter(|_| facts.payment.is_some());
            self.tasks.push(Task::Apply {
                event,
                facts: Some(facts),
                read,
            });
        }
    }

    pub fn save_apply(&mut self, event: u64, facts: &Facts, read: Option<Box<Attempt>>) {
        let Some(attempt) = self.about(event) else {
            return;
        };
        self.say(|_| format!("event {event}: {attempt} is {:?}", facts.standing));
        self.settle(
            attempt,
            facts.session,
            reported(facts),
            read,
            Beside::Applied(event),
        );
    }

    fn claim_job(&mut self) {
        let now = self.clock_now();
        let open = |state| matches!(state, JobState::Pending | JobState::Sending);
        let due = self
            .db
            .outbox
            .iter()
            .enumerate()
            .filter(|(_, job)| open(job.state) && job.next_try_at <= now);
        let due: Vec<usize> = due.map(|(index, _)| index).collect();
        let Some(index) = self.rng.pick(&due) else {
            return;
        };
        let job = self.db.outbox[index].clone();
        let mut tx = self.db.clone();
        let taken = &mut tx.outbox[index];
        taken.fence += 1;
        taken.next_try_at = now + LEASE_MS;
        let lease = (index, taken.fence);
        match job.effect {
            Effect::Send { .. } => taken.state = JobState::Sending,
            Effect::Receipt { .. }
            | Effect::SendReceipt { .. }
            | Effect::RefundReceipt { .. }
            | Effect::Digest { .. } => taken.state = JobState::Done,
            Effect::CreateSession { .. }
            | Effect::EnsureClosed { .. }
            | Effect::CallRefund { .. } => {
                if self.is_planted(Planted::DoneBeforeCall) {
                    taken.state = JobState::Done;
                }
            }
        }
        if !self.commit(tx, &[], [None, None]) {
            return;
        }
        self.take_up(&job, lease);
    }

    fn take_up(&mut self, job: &Job, lease: (usize, u64)) {
        self.say(|_| format!("the worker takes {:?}", job.effect));
        match job.effect {
            Effect::Send { delivery } if job.state == JobState::Sending => {
                self.look_up(delivery, lease)
            }
            Effect::Send { delivery } => self.tasks.push(Task::Send {
                delivery,
                lease,
                answer: None,
            }),
            Effect::Receipt { .. }
            | Effect::SendReceipt { .. }
            | Effect::RefundReceipt { .. }
            | Effect::Digest { .. } => {}
            Effect::CreateSession { attempt } => {
                let known = self.db.attempt(attempt).attempt.session_id.is_some();
                let task = Task::Create {
                    attempt,
                    lease: Some(lease),
                    then: Then::Nothing,
                    answer: None,
                };
                if known {
                    self.tick_off(Some(lease))
                } else {
                    self.tasks.push(task)
                }
            }
            Effect::EnsureClosed { attempt } => {
                self.tasks.push(Task::Close {
                    attempt,
                    lease: Some(lease),
                    then: Then::Nothing,
                    answer: None,
                });
            }
            Effect::CallRefund { refund } => {
                self.tasks.push(Task::Refund {
                    refund,
                    lease: Some(lease),
                    answer: None,
                });
            }
        }
    }

    fn tick_off(&mut self, lease: Lease) {
        let visit = self.db.visits[0].id;
        self.write_beside(
            visit,
            &Decision::default(),
            &[],
            Beside::JobDone(lease),
            [None, None],
        );
    }

    // ---- messages

    pub fn save_send(&mut self, delivery: DeliveryId, lease: (usize, u64), answer: &Answer<()>) {
        match answer {
            Answer::Done(()) => self.end_send(lease, JobState::Done),
            Answer::Refused | Answer::Unknown => self.look_up(delivery, lease),
        }
    }

    /// A text whose outcome is unknown is looked up, never sent again by itself (hazard A28).
    fn look_up(&mut self, delivery: DeliveryId, lease: (usize, u64)) {
        if self.is_planted(Planted::SmsSentAgain) {
            return self.tasks.push(Task::Send {
                delivery,
                lease,
                answer: None,
            });
        }
        let found = self.carrier.has(delivery);
        self.mark(if found {
            Mark::SmsFoundByLookup
        } else {
            Mark::SmsUncertain
        });
        self.end_send(
            lease,
            if found {
                JobState::Done
            } else {
                JobState::Uncertain
            },
        );
    }

    fn end_send(&mut self, (index, fence): (usize, u64), state: JobState) {
        let mut tx = self.db.clone();
        if tx.outbox[index].fence == fence {
            tx.outbox[index].state = state;
            self.commit(tx, &[], [None, None]);
        }
    }

    // ---- reconciliation

    /// R1: live attempts, at growing intervals; refunds that the provider is still at.
    fn poll(&mut self) {
        if self.is_planted(Planted::NoReconciliation) {
            return;
        }
        let now = self.clock_now();
        let mut tx = self.db.clone();
        let mut due = vec![];
        for row in tx
            .attempts
            .iter_mut()
            .filter(|r| r.attempt.state.is_live() && r.next_check_at <= now)
        {
            row.checks += 1;
            row.next_check_at = now + attempts::next_check_ms(row.checks);
            due.push((row.attempt.id, row.attempt.session_id.is_some()));
        }
        let waiting = |row: &&mut crate::db::RefundRow| {
            row.refund.state == RefundState::Pending && row.next_check_at <= now
        };
        let mut refunds = vec![];
        for row in tx.refunds.iter_mut().filter(|row| waiting(row)) {
            row.next_check_at = now + HOUR_MS;
            refunds.push(row.refund.id);
        }
        if (due.is_empty() && refunds.is_empty()) || !self.commit(tx, &[], [None, None]) {
            return;
        }
        for (attempt, known) in due {
            self.tasks.push(if known {
                Task::Fetch {
                    attempt,
                    cause: Cause::Poll,
                    facts: None,
                }
            } else {
                Task::Create {
                    attempt,
                    lease: NOBODY,
                    then: Then::Nothing,
                    answer: None,
                }
            });
        }
        self.tasks
            .extend(refunds.into_iter().map(|refund| Task::ApplyRefund {
                event: 0,
                refund,
                seen: None,
            }));
    }

    /// R2: the provider's list, from a little before where we stopped.
    fn read_event_list(&mut self) {
        if self.is_planted(Planted::NoReconciliation) || self.now < self.down_until {
            return;
        }
        let since = self.db.cursor - 10 * MINUTE_MS;
        let unread: Vec<EventTold> = self
            .provider
            .events
            .iter()
            .filter(|e| e.at >= since)
            .copied()
            .collect();
        for event in unread {
            if self
                .db
                .inbox
                .iter()
                .any(|row| row.event_id == event.event_id)
            {
                continue;
            }
            if !self.wire.iter().any(|told| told.event_id == event.event_id) {
                self.mark(Mark::FoundByEventList);
            }
            if !self.store(event, [None, None]) {
                return; // the cursor stays: what is missing is read again
            }
        }
        let mut tx = self.db.clone();
        tx.cursor = self.now;
        self.commit(tx, &[], [None, None]);
    }
}
