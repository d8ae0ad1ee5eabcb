//! Messages that leave by themselves: planned on the link, decided under the lock, asked once more before the call. The
//! judge at the end looks at the rows alone, not at the rule.

use remit_core::HOUR_MS;
use remit_core::account::{Decision, Effect};
use remit_core::deliveries::DeliveryPurpose;
use remit_core::ids::{DeliveryId, LinkId};
use remit_core::reminders::{self, AUTOMATIC_MAX, Progress};

use crate::db::{JobState, id};
use crate::marks::{Mark, Planted};
use crate::plans::{SETTINGS, Sent, quiet};
use crate::world::{Task, World};

impl World {
    /// The worker looks at a link whose time has come.
    pub fn remind(&mut self) {
        let now = self.clock_now();
        let due: Vec<LinkId> = self
            .db
            .plans
            .iter()
            .filter(|(_, at)| *at <= now)
            .map(|(link, _)| *link)
            .collect();
        let Some(link) = self.rng.pick(&due) else {
            return;
        };
        let row = self.db.link(link).clone();
        let standing = self.db.standing(row.appointment);
        let sent: Vec<Sent> = self
            .db
            .sent
            .iter()
            .filter(|one| one.link == link)
            .copied()
            .collect();
        let progress = Progress {
            state: row.state,
            expires_at: row.expires_at,
            accessed_at: self
                .db
                .accessed
                .iter()
                .find(|(of, _)| *of == link)
                .map(|(_, at)| *at),
            messaged_at: sent.last().map(|last| last.at),
            sent: sent
                .iter()
                .filter_map(|one| one.purpose.automatic())
                .collect(),
            owed: !row.payable(standing.balance.due()).is_zero(),
            paid: self
                .db
                .payments
                .iter()
                .any(|payment| payment.link == Some(link)),
            paying: standing.live.is_some(),
        };
        if progress.paying {
            self.mark(Mark::ReminderWaits);
        }
        let next = reminders::next(&SETTINGS, &progress, now, quiet);
        let mut tx = self.db.clone();
        tx.floor = now;
        tx.plans.retain(|(of, _)| *of != link);
        match next {
            Some(planned) if planned.due_at <= now => {
                let delivery = id(self.fresh());
                self.say(|_| format!("{delivery} leaves by itself: {:?} of {link}", planned.kind));
                let purpose = DeliveryPurpose::Automatic(planned.kind);
                tx.sent.push(Sent {
                    delivery,
                    link,
                    at: now,
                    purpose,
                });
                let effects = vec![Effect::Send { delivery }];
                let queued = Decision {
                    events: vec![],
                    effects,
                };
                if tx.apply(row.appointment, &queued, now).is_err() {
                    return;
                }
                // Looked at again in an hour, whatever comes next.
                tx.plans.push((link, now + HOUR_MS));
            }
            Some(planned) => tx.plans.push((link, planned.due_at)),
            None => {}
        }
        self.commit(tx, &[], [None, None]);
    }

    /// Whether a message that is about to leave may do so; one that would leave by itself may have become needless, or
    /// have come into the night.
    pub fn may_leave(&mut self, delivery: DeliveryId, (index, fence): (usize, u64)) -> bool {
        let Some(one) = self
            .db
            .sent
            .iter()
            .find(|one| one.delivery == delivery)
            .copied()
        else {
            return true;
        };
        if one.purpose.automatic().is_none() || self.is_planted(Planted::ReminderUnchecked) {
            return true;
        }
        let now = self.clock_now();
        let link = self.db.link(one.link).clone();
        let paid = self
            .db
            .payments
            .iter()
            .any(|payment| payment.link == Some(link.id));
        let standing = self.db.standing(link.appointment);
        let wanted = reminders::still_wanted(&standing, &link, paid, now);
        let mut tx = self.db.clone();
        if tx.outbox[index].fence != fence {
            return false;
        }
        if !wanted {
            self.mark(Mark::ReminderWithdrawn);
            tx.outbox[index].state = JobState::Done;
        } else if let Some((_, until)) = quiet(now) {
            (tx.outbox[index].state, tx.outbox[index].next_try_at) = (JobState::Pending, until);
        } else {
            return true;
        }
        self.commit(tx, &[], [None, None]);
        false
    }

    /// What the carrier was just given, judged by the rows.
    pub fn judge_reminder(&mut self, delivery: DeliveryId) {
        let Some(one) = self
            .db
            .sent
            .iter()
            .find(|one| one.delivery == delivery)
            .copied()
        else {
            return;
        };
        let Some(kind) = one.purpose.automatic() else {
            return;
        };
        self.mark(Mark::ReminderSent);
        self.reminded.push((one.link, kind));
        let now = self.clock_now();
        let link = self.db.link(one.link);
        let paid = self
            .db
            .payments
            .iter()
            .any(|payment| payment.link == Some(link.id));
        let same = self.reminded.iter().filter(|(of, _)| *of == one.link);
        let broken = if !link.state.is_open() || now >= link.expires_at || paid {
            Some("after its link had ended or was paid")
        } else if self.db.live(link.appointment).is_some() {
            Some("while the patient was paying")
        } else if same.clone().count() > AUTOMATIC_MAX {
            Some("as the third of its link")
        } else if same.filter(|(_, of)| *of == kind).count() > 1 {
            Some("for the second time")
        } else {
            quiet(now).map(|_| "in the quiet hours")
        };
        if let Some(broken) = broken {
            self.broken
                .get_or_insert(format!("reminder {delivery} left {broken}"));
        }
    }

    /// The worker hands a message over, unless it has become needless.
    pub fn call_send(&mut self, delivery: DeliveryId, lease: (usize, u64)) {
        if !self.may_leave(delivery, lease) {
            return;
        }
        let lost = self.unlucky(5);
        if !lost {
            self.carrier.accept(delivery);
            self.judge_reminder(delivery);
        }
        if !lost && self.unlucky(8) {
            return self.crash(Some(Mark::CrashAfterSmsAccepted));
        }
        let answer = if lost || self.unlucky(10) {
            crate::provider::Answer::Unknown
        } else {
            crate::provider::Answer::Done(())
        };
        self.tasks.push(Task::Send {
            delivery,
            lease,
            answer: Some(answer),
        });
    }
}
