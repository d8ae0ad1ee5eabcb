//! What patients do: open the page, continue to payment, pay or not at the provider, come back.

use remit_core::account::{Refusal, Standing};
use remit_core::attempts::{self, Start, Started};
use remit_core::ids::LinkId;
use remit_core::links;
use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
use remit_core::{DAY_MS, MINUTE_MS};

use crate::db::id;
use crate::marks::{Mark, Planted};
use crate::provider::{self, RefundStanding};
use crate::world::{Cause, Task, Then, World};

impl World {
    pub fn patient(&mut self) {
        if self.hesitant && self.rng.percent(90) {
            return self.open_page();
        }
        match self.rng.below(100) {
            0..=9 => self.open_page(),
            10..=47 => self.press_continue(),
            48..=79 => self.use_tab(),
            80..=84 => self.come_back(),
            85..=93 => self.finish_async(),
            94..=95 => self.revive(),
            96..=97 => self.bank(),
            _ => self.go_on_with_refund(),
        }
    }

    fn any_link(&mut self) -> Option<LinkId> {
        let open = self.shown_open();
        if !open.is_empty() && self.rng.percent(90) {
            return self.rng.pick(&open);
        }
        let all: Vec<LinkId> = self.db.links.iter().map(|l| l.id).collect();
        self.rng.pick(&all)
    }

    fn open_page(&mut self) {
        let Some(link) = self.any_link() else { return };
        let (link, now) = (self.db.link(link).clone(), self.clock_now());
        let decision = links::access(&link, now);
        if !decision.events.is_empty() {
            self.write(link.appointment, &decision, &[]);
        }
    }

    /// Sometimes in two tabs at once.
    fn press_continue(&mut self) {
        let Some(link) = self.any_link() else { return };
        for _ in 0..1 + usize::from(self.rng.percent(25)) {
            self.tasks.push(Task::Start(link, None));
        }
    }

    /// Tx1 of a payment: the intent is written before the call (hazards 7.5).
    pub fn start(&mut self, link: LinkId, read: Option<Box<Standing>>) {
        let visit = self.db.link(link).appointment;
        let mut standing = self.db.standing(visit);
        if self.is_planted(Planted::NoLiveIndex) || self.is_planted(Planted::StaleReads) {
            let Some(read) = read else {
                self.tasks.push(Task::Start(link, Some(Box::new(standing))));
                return;
            };
            standing.live = read.live;
        }
        let (link, now) = (self.db.link(link).clone(), self.clock_now());
        let start = Start {
            attempt: id(self.fresh()),
            method: self
                .rng
                .pick(&[Method::Card, Method::Card, Method::Klarna])
                .unwrap_or(Method::Card),
            provider: "sandbox".into(),
            account: "acct".into(),
            session_min_ms: 30 * MINUTE_MS,
            session_max_ms: DAY_MS,
            failed_tries: 0,
            oldest_failed_at: 0,
        };
        self.say(|_| format!("a patient continues on {}", link.id));
        match attempts::start(&standing, &link, start, now) {
            Ok(Started::Fresh(attempt, decision)) => {
                let crash = [
                    Some(Mark::CrashBeforeFirstCommit),
                    Some(Mark::CrashBeforeCall),
                ];
                if self.write_at(visit, &decision, &[], crash) {
                    let attempt = attempt.id;
                    self.tasks.push(Task::Create {
                        attempt,
                        lease: None,
                        then: Then::Nothing,
                        answer: None,
                    });
                }
            }
            Ok(Started::Same(attempt)) => {
                self.mark(Mark::TwoTabsOneSession);
                self.hand_out(attempt.id);
            }
            Ok(Started::CloseFirst(attempt)) => {
                let then = Then::Start(link.id);
                self.tasks.push(Task::Close {
                    attempt: attempt.id,
                    lease: None,
                    then,
                    answer: None,
                });
            }
            Ok(Started::InProgress(_)) => self.mark(Mark::SecondTabWaits),
            Err(Refusal::LinkExpired) => self.mark(Mark::StartRefusedExpired),
            Err(_) => {}
        }
    }

    /// The patient's browser is sent to the session.
    pub fn hand_out(&mut self, attempt: remit_core::ids::AttemptId) {
        let attempt = &self.db.attempt(attempt).attempt;
        if attempt.state != attempts::AttemptState::Open {
            return;
        }
        let Some(session) = session_of(attempt) else {
            return;
        };
        self.provider.sessions[session].handed_out = true;
        self.tabs.push(session);
    }

    fn use_tab(&mut self) {
        let sessions = &self.provider.sessions;
        let payable = |tab: &&usize| sessions[**tab].standing == provider::Standing::Open;
        let payable: Vec<usize> = self.tabs.iter().filter(payable).copied().collect();
        let Some(session) = self.rng.pick(&payable) else {
            return;
        };
        let now = self.now;
        match self.rng.below(20) {
            0..=10 => self.pay(session),
            11..=14 => self.provider.begin(session, now),
            15 => self.provider.fail(session, now),
            _ => {} // goes away and leaves the tab open
        }
        if self.rng.percent(40) {
            self.come_back();
        }
    }

    fn pay(&mut self, session: usize) {
        let asked = self.provider.sessions[session].amount;
        let received = match self.rng.below(60) {
            0 => asked.with(asked.minor + 1),
            1 if asked.minor > 1 => asked.with(asked.minor - 1),
            2 => Money::new(asked.minor, Currency::EUR),
            _ => asked,
        };
        if received != asked {
            self.mark(if received.currency == asked.currency {
                Mark::AmountMismatch
            } else {
                Mark::OtherCurrency
            });
        }
        let now = self.now;
        self.say(|_| format!("a patient pays {received:?} in session {session}"));
        self.provider.take(session, received, now);
    }

    fn come_back(&mut self) {
        let Some(session) = self.rng.pick(&self.tabs) else {
            return;
        };
        let attempt = self.provider.sessions[session].reference;
        self.tasks.push(Task::Fetch {
            attempt,
            cause: Cause::Return,
            facts: None,
        });
    }

    fn sessions(&self, wanted: provider::Standing) -> Vec<usize> {
        let all = self.provider.sessions.iter().enumerate();
        all.filter(|(_, s)| s.standing == wanted)
            .map(|(i, _)| i)
            .collect()
    }

    fn finish_async(&mut self) {
        let waiting = self.sessions(provider::Standing::Processing);
        let Some(session) = self.rng.pick(&waiting) else {
            return;
        };
        self.finish(session);
    }

    fn finish(&mut self, session: usize) {
        let now = self.now;
        if self.rng.percent(65) {
            self.mark(Mark::AsyncSucceeded);
            self.pay(session);
        } else {
            self.mark(Mark::AsyncFailed);
            self.provider.fail(session, now);
        }
    }

    /// Some methods deliver money after they had given up: it counts all the same (rule 1).
    fn revive(&mut self) {
        let mut ended = self.sessions(provider::Standing::Expired);
        ended.extend(self.sessions(provider::Standing::Failed));
        ended.retain(|s| self.provider.sessions[*s].handed_out);
        let Some(session) = self.rng.pick(&ended) else {
            return;
        };
        self.mark(Mark::RevivedAfterEnd);
        self.pay(session);
    }

    fn go_on_with_refund(&mut self) {
        let count = self.provider.refunds.len();
        if count == 0 {
            return;
        }
        let (index, now) = (self.rng.below(count), self.now);
        match self.provider.refunds[index].standing {
            RefundStanding::Pending if self.rng.percent(60) => {
                self.provider
                    .move_refund(index, RefundStanding::Succeeded, now);
            }
            RefundStanding::Pending => {
                self.provider
                    .move_refund(index, RefundStanding::Failed, now)
            }
            RefundStanding::Succeeded if self.rng.percent(40) => {
                self.provider
                    .move_refund(index, RefundStanding::Failed, now);
            }
            RefundStanding::Succeeded | RefundStanding::Failed => {}
        }
    }

    /// At the end: what is being processed comes to an end.
    pub fn settle_outside(&mut self) {
        for session in self.sessions(provider::Standing::Processing) {
            self.finish(session);
        }
        self.settle_disputes();
        for index in 0..self.provider.refunds.len() {
            if self.provider.refunds[index].standing == RefundStanding::Pending {
                let now = self.now;
                self.provider
                    .move_refund(index, RefundStanding::Succeeded, now);
            }
        }
    }
}

/// Sessions are numbered at the provider; their id is the number behind an `s`.
pub fn session_of(attempt: &attempts::Attempt) -> Option<usize> {
    attempt
        .session_id
        .as_deref()?
        .strip_prefix('s')?
        .parse()
        .ok()
}
