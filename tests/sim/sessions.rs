//! The conversations about one attempt: make its session, close it, ask for the truth; and the one place where what the
//! provider says is applied (hazards 7.5). Each is a call and a save, with a crash possible between them.

use remit_core::account::{Decision, Event, FindingKind};
use remit_core::attempts::{self, Attempt, AttemptState, Report, Reported};
use remit_core::ids::AttemptId;
use remit_core::links::LinkState;

use crate::auditor::Fact;
use crate::db::{Db, JobState};
use crate::marks::{Mark, Planted};
use crate::patient::session_of;
use crate::provider::{Answer, Closing, Facts, Frozen, Standing};
use crate::world::{Cause, Lease, Task, Then, World};

/// What is written together with an outcome.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    Nothing,
    JobDone(Lease),
    /// The job is tried again after a wait.
    JobAgain(Lease),
    /// Done if the attempt has ended, else tried again.
    JobOnceEnded(Lease, AttemptId),
    Applied(u64),
}

/// A lease of the worker on no job of the outbox: nobody waits at a browser.
pub const NOBODY: Lease = Some((usize::MAX, 0));

pub fn reported(facts: &Facts) -> Reported {
    match (facts.standing, facts.payment) {
        (Standing::Paid, Some((payment, received))) => Reported::Paid {
            payment_id: payment.to_string(),
            received,
            paid_with: None,
        },
        (Standing::Open | Standing::Paid, _) => Reported::Open,
        (Standing::Processing, _) => Reported::Processing { payment_id: None },
        (Standing::Failed, _) => Reported::Failed,
        (Standing::Expired, _) => Reported::Expired,
    }
}

impl World {
    /// Applies what the provider says: the same function for webhook, return and reconciliation (rule 2).
    pub fn settle(
        &mut self,
        id: AttemptId,
        session: usize,
        status: Reported,
        read: Option<Box<Attempt>>,
        beside: Beside,
    ) -> bool {
        let row = self.db.attempt(id).attempt.clone();
        let attempt = read.map_or_else(|| row.clone(), |read| *read);
        let (standing, now) = (self.db.standing(attempt.appointment), self.clock_now());
        let link = attempt.link.map(|link| self.db.link(link).clone());
        let report = Report {
            session_id: format!("s{session}"),
            url: (status == Reported::Open).then(|| format!("u{session}")),
            status,
            last_error: None,
        };
        let ids = self.settle_ids();
        let ignored = self.is_planted(Planted::MismatchIgnored)
            && matches!(&report.status, Reported::Paid { received, .. } if *received != attempt.amount);
        let decision = if ignored {
            Decision::default()
        } else {
            attempts::settle(&standing, &attempt, link.as_ref(), &report, ids, now)
        };
        let taken =
            |e: &Event| matches!(e, Event::AttemptMoved(m) if m.to == AttemptState::Succeeded);
        let mut facts = vec![];
        if let Reported::Paid { payment_id, .. } = &report.status
            && decision.events.iter().any(taken)
        {
            facts.extend(
                payment_id
                    .parse()
                    .map(|payment| Fact::Captured(id, payment)),
            );
            self.mark_capture(&decision, link.map(|l| l.state));
        }
        if row.state == AttemptState::Creating && matches!(beside, Beside::Applied(_)) {
            self.mark(Mark::EventBeforeSaved);
        }
        let after = if facts.is_empty() {
            None
        } else {
            Some(Mark::CrashAfterApply)
        };
        self.write_beside(row.appointment, &decision, &facts, beside, [None, after])
    }

    fn mark_capture(&mut self, decision: &Decision, link: Option<LinkState>) {
        for event in &decision.events {
            match event {
                Event::LinkMoved(moved) if moved.to == LinkState::Paid => {
                    self.mark(match (moved.late, link) {
                        (false, _) => Mark::PaidInTime,
                        (true, Some(LinkState::Cancelled)) => Mark::LatePaidAfterCancel,
                        (true, _) => Mark::LatePaidAfterExpiry,
                    })
                }
                Event::FindingOpened(f) if f.kind == FindingKind::Surplus => {
                    self.mark(Mark::SurplusOnline)
                }
                _ => {}
            }
        }
    }

    /// One transaction: the decision and what stands beside it.
    pub fn write_beside(
        &mut self,
        visit: remit_core::ids::AppointmentId,
        decision: &Decision,
        facts: &[Fact],
        beside: Beside,
        crash: [Option<Mark>; 2],
    ) -> bool {
        let (now, wait) = (self.clock_now(), self.rng.draw());
        let mut tx = self.db.clone();
        tx.floor = now;
        if let Err(refused) = tx.apply(visit, decision, now) {
            self.say(|_| format!("  refused by {}", refused.0));
            return false;
        }
        self.write_aside(&mut tx, beside, wait);
        self.say(|_| {
            let moved = decision
                .events
                .iter()
                .map(|e| format!("{e:?}").chars().take(120).collect::<String>());
            format!(
                "  writes {} beside {beside:?}",
                moved.collect::<Vec<_>>().join("; ")
            )
        });
        self.commit(tx, facts, crash)
    }

    fn write_aside(&mut self, tx: &mut Db, beside: Beside, wait: u64) {
        let (lease, done) = match beside {
            Beside::Nothing => return,
            Beside::Applied(event) => {
                tx.inbox
                    .iter_mut()
                    .filter(|row| row.event_id == event)
                    .for_each(|row| row.done = true);
                return;
            }
            Beside::JobDone(lease) => (lease, true),
            Beside::JobAgain(lease) => (lease, false),
            Beside::JobOnceEnded(lease, attempt) => {
                (lease, !tx.attempt(attempt).attempt.state.is_live())
            }
        };
        let Some((index, fence)) = lease else { return };
        let now = tx.floor;
        let Some(job) = tx.outbox.get_mut(index) else {
            return;
        };
        if job.fence != fence {
            self.mark(Mark::LeaseOutlived); // somebody else holds it by now
            return;
        }
        if done {
            job.state = JobState::Done;
        } else {
            job.tries += 1;
            job.next_try_at = now + remit_core::outbox::backoff_ms(job.tries, wait, None);
        }
    }

    // ---- create

    pub fn call_create(&mut self, id: AttemptId, lease: Lease, then: Then) {
        let attempt = self.db.attempt(id).attempt.clone();
        if !attempt.state.is_live() {
            self.close_job(lease, attempt.appointment);
            return;
        }
        let late = self.now >= attempt.repeatable_until() && !self.is_planted(Planted::KeyOutlived);
        let (reached, answered) = self.reach(if late {
            Mark::RetrieveAnswerLost
        } else {
            Mark::CreateAnswerLost
        });
        if !reached && self.now >= self.down_until {
            self.mark(Mark::CreateCallLost);
        }
        let answer = match (reached, late) {
            (false, _) => Answer::Unknown,
            (true, true) => {
                self.mark(Mark::LookedUpByReference);
                self.provider.find(id).map_or(Answer::Refused, Answer::Done)
            }
            (true, false) => self.create(&attempt),
        };
        let answer = if answered { answer } else { Answer::Unknown };
        self.say(|_| format!("the provider is asked for a session of {id}: {answer:?}"));
        if reached && self.unlucky(3) {
            self.crash(Some(Mark::CrashBetweenCallAndCommit));
            return;
        }
        self.tasks.push(Task::Create {
            attempt: id,
            lease,
            then,
            answer: Some(answer),
        });
    }

    fn create(&mut self, attempt: &Attempt) -> Answer<usize> {
        let mut body = Frozen {
            minor: attempt.amount.minor,
            expires_at: attempt.session_expires_at,
        };
        if self.is_planted(Planted::BodyNotFrozen) {
            body.expires_at = self.now + remit_core::DAY_MS;
        }
        let key = if self.is_planted(Planted::FreshKeyOnCreate) {
            self.fresh()
        } else {
            attempt.id.0.as_u128()
        };
        self.provider
            .create(attempt.id, attempt.amount, body, key, self.now)
    }

    pub fn save_create(&mut self, id: AttemptId, lease: Lease, then: Then, answer: Answer<usize>) {
        let attempt = self.db.attempt(id).attempt.clone();
        let visit = attempt.appointment;
        let alive = match answer {
            Answer::Done(session) => {
                self.settle(id, session, Reported::Open, None, Beside::JobDone(lease))
            }
            Answer::Unknown if !self.is_planted(Planted::TimeoutIsFailure) => {
                let lost = attempts::lost(&attempt);
                self.write_beside(visit, &lost, &[], Beside::JobAgain(lease), [None, None])
            }
            Answer::Refused | Answer::Unknown => {
                let refused = attempts::refused(&attempt, "refused");
                self.write_beside(visit, &refused, &[], Beside::JobDone(lease), [None, None])
            }
        };
        if !alive {
            return;
        }
        match then {
            Then::Nothing if lease.is_none() => self.hand_out(id),
            Then::Nothing => {}
            then => self.tasks.push(Task::Close {
                attempt: id,
                lease: None,
                then,
                answer: None,
            }),
        }
    }

    // ---- close

    pub fn call_close(&mut self, id: AttemptId, lease: Lease, then: Then) {
        let attempt = self.db.attempt(id).attempt.clone();
        if !attempt.state.is_live() {
            self.close_job(lease, attempt.appointment);
            return self.go_on(then);
        }
        if self.is_planted(Planted::ClosedUnasked) {
            let session = session_of(&attempt).unwrap_or(usize::MAX);
            self.settle(id, session, Reported::Closed, None, Beside::JobDone(lease));
            return;
        }
        let Some(session) = session_of(&attempt) else {
            // What may have been made must be known before it can be closed: the same call under the same key.
            self.mark(Mark::CloseBeforeAddressKnown);
            let then = if lease.is_some() { Then::Nothing } else { then };
            let worker = lease.and(NOBODY);
            let gone = matches!(then, Then::Nothing) && lease.is_none();
            if !gone {
                self.tasks.push(Task::Create {
                    attempt: id,
                    lease: worker,
                    then,
                    answer: None,
                });
            }
            return;
        };
        let (reached, answered) = self.reach(Mark::CloseAnswerLost);
        let closing = reached.then(|| self.provider.close(session, self.now));
        let answer = match closing {
            Some(closing) if answered => Answer::Done(closing),
            _ => Answer::Unknown,
        };
        if reached && self.unlucky(2) {
            return self.crash(Some(Mark::CrashBetweenCallAndCommit));
        }
        self.tasks.push(Task::Close {
            attempt: id,
            lease,
            then,
            answer: Some(answer),
        });
    }

    pub fn save_close(&mut self, id: AttemptId, lease: Lease, then: Then, answer: Answer<Closing>) {
        let visit = self.db.attempt(id).attempt.appointment;
        let session = session_of(&self.db.attempt(id).attempt).unwrap_or(0);
        let beside = Beside::JobOnceEnded(lease, id);
        let alive = match answer {
            Answer::Done(Closing::Closed) => {
                self.say(|_| format!("{id} is closed at the provider"));
                self.settle(id, session, Reported::Closed, None, beside)
            }
            Answer::Done(Closing::TooLate(facts)) => {
                self.say(|_| format!("{id} cannot be closed: {:?}", facts.standing));
                self.mark(Mark::CloseTooLate);
                self.settle(id, facts.session, reported(&facts), None, beside)
            }
            Answer::Refused | Answer::Unknown => self.write_beside(
                visit,
                &Decision::default(),
                &[],
                Beside::JobAgain(lease),
                [None, None],
            ),
        };
        if !alive {
            return;
        }
        let ended = !self.db.attempt(id).attempt.state.is_live();
        match then {
            // Starting again needs proof; the desk may record what it holds in its hand all the same.
            Then::Start(_) if !ended => {}
            then => self.go_on(then),
        }
    }

    fn close_job(&mut self, lease: Lease, visit: remit_core::ids::AppointmentId) {
        if lease.is_some() {
            self.write_beside(
                visit,
                &Decision::default(),
                &[],
                Beside::JobDone(lease),
                [None, None],
            );
        }
    }

    // ---- fetch: browser return and polling

    /// The truth about a session, if the provider can be asked.
    pub fn ask(&mut self, id: AttemptId) -> Option<Facts> {
        let (reached, answered) = self.reach(Mark::RetrieveAnswerLost);
        let session = self.provider.find(id)?;
        // With a planted fault there may be several: the one that was paid is the one the provider speaks of.
        let paid = self
            .provider
            .sessions
            .iter()
            .position(|s| s.reference == id && s.standing == Standing::Paid);
        (reached && answered).then(|| self.provider.facts(paid.unwrap_or(session)))
    }

    pub fn call_fetch(&mut self, id: AttemptId, cause: Cause) {
        if let Some(facts) = self.ask(id) {
            self.tasks.push(Task::Fetch {
                attempt: id,
                cause,
                facts: Some(facts),
            });
        }
    }

    pub fn save_fetch(&mut self, id: AttemptId, cause: Cause, facts: Facts) {
        let live = self.db.attempt(id).attempt.state.is_live();
        if live && facts.payment.is_some() {
            self.mark(match cause {
                Cause::Return => Mark::ReturnBeforeWebhook,
                Cause::Poll => Mark::FoundByPolling,
            });
        }
        self.say(|_| format!("{cause:?}: {id} is {:?}", facts.standing));
        self.settle(id, facts.session, reported(&facts), None, Beside::Nothing);
    }
}
