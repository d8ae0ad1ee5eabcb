//! The reference: what design.md says of one appointment, in plain integers, written without looking at core.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::reckoning::Reckoning;

const HOUR: i64 = 3_600_000;
const LIFE: i64 = 48 * HOUR;

#[derive(Clone, Debug)]
pub enum Step {
    Charge(i64),
    CancelVisit,
    IssueDeposit,
    IssueBalance,
    IssuePart(i64),
    HandOver,
    Access,
    CancelLink,
    Renew,
    Tick,
    Wait(i64),
    Start,
    /// What the provider says of one attempt; `Paid` with the difference to what was asked.
    Hears(usize, Word),
    Desk(i64, bool),
    Refund {
        payment: usize,
        minor: i64,
        reopen: bool,
    },
    RefundBecomes(usize, RefundWord),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Open,
    Processing,
    Failed,
    Expired,
    Closed,
    Paid(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefundWord {
    Requested,
    Unknown,
    Pending,
    Succeeded,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Created,
    Sent,
    Accessed,
    Expired,
    Cancelled,
    Paid { late: bool },
}

#[derive(Clone, Debug)]
pub struct Link {
    pub amount: i64,
    pub status: Status,
    made: i64,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub link: usize,
    pub amount: i64,
    /// `None` while only the intent is written.
    pub said: Option<Word>,
}

#[derive(Clone, Debug)]
pub struct Payment {
    pub amount: i64,
    pub reserved: i64,
    pub online: bool,
}

#[derive(Clone, Debug)]
pub struct Refund {
    pub payment: usize,
    pub amount: i64,
    pub reopen: bool,
    pub state: RefundWord,
}

#[derive(Clone, Debug, Default)]
pub struct Visit {
    pub now: i64,
    pub cancelled: bool,
    pub deposit: i64,
    pub money: Reckoning,
    pub charges: Vec<i64>,
    pub links: Vec<Link>,
    pub attempts: Vec<Attempt>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    /// Whether the last step was carried out.
    pub accepted: bool,
}

impl Link {
    fn row_open(&self) -> bool {
        matches!(
            self.status,
            Status::Created | Status::Sent | Status::Accessed
        )
    }

    fn usable(&self, now: i64) -> bool {
        self.row_open() && now < self.made + LIFE
    }
}

impl Attempt {
    pub fn live(&self) -> bool {
        matches!(self.said, None | Some(Word::Open | Word::Processing))
    }

    fn height(word: Option<Word>) -> u8 {
        match word {
            None => 0,
            Some(Word::Open) => 1,
            Some(Word::Processing) => 2,
            Some(Word::Failed | Word::Expired | Word::Closed) => 3,
            Some(Word::Paid(_)) => 4,
        }
    }
}

impl Visit {
    fn live(&self) -> bool {
        self.attempts.iter().any(Attempt::live)
    }

    fn close_open_link(&mut self) {
        let now = self.now;
        for link in self.links.iter_mut().filter(|l| l.row_open()) {
            link.status = if link.usable(now) {
                Status::Cancelled
            } else {
                Status::Expired
            };
        }
    }

    fn close_if_settled(&mut self) {
        if self.money.due == 0 {
            self.close_open_link();
        }
    }

    fn last_usable(&self) -> bool {
        self.links.last().is_some_and(|link| link.usable(self.now))
    }

    pub fn deposit_due(&self) -> i64 {
        let settled = self.money.total - self.money.due;
        (self.deposit - settled).clamp(0, self.money.due)
    }

    fn issue(&mut self, asked: i64) -> bool {
        if self.cancelled || asked <= 0 || asked > self.money.due {
            return false;
        }
        self.close_open_link();
        self.links.push(Link {
            amount: asked,
            status: Status::Created,
            made: self.now,
        });
        true
    }

    fn charge(&mut self, change: i64) -> bool {
        if self.cancelled || self.money.total + change < 0 || (change < 0 && self.live()) {
            return false;
        }
        self.charges.push(change);
        self.money.price(change);
        self.deposit = self.deposit.min(self.money.total);
        self.close_if_settled();
        true
    }

    fn cancel(&mut self) -> bool {
        if self.cancelled {
            return true;
        }
        if self.live() {
            return false;
        }
        let mut charges = std::mem::take(&mut self.charges);
        charges.sort_unstable();
        charges
            .into_iter()
            .for_each(|charge| self.money.price(-charge));
        (self.cancelled, self.deposit) = (true, 0);
        self.close_open_link();
        true
    }

    fn access(&mut self) {
        if self.last_usable()
            && let Some(link) = self.links.last_mut()
        {
            link.status = Status::Accessed;
        }
    }

    fn start(&mut self) -> bool {
        if !self.last_usable() || self.money.due == 0 {
            return false;
        }
        if !self.live() {
            self.access();
            let link = self.links.len() - 1;
            let amount = self.links[link].amount.min(self.money.due);
            self.attempts.push(Attempt {
                link,
                amount,
                said: None,
            });
        }
        true
    }

    fn hear(&mut self, index: usize, word: Word) {
        let attempt = &mut self.attempts[index];
        if Attempt::height(attempt.said) >= Attempt::height(Some(word)) {
            return;
        }
        attempt.said = Some(word);
        let Word::Paid(difference) = word else { return };
        let (link, received) = (attempt.link, attempt.amount + difference);
        self.money.receive(received);
        self.payments.push(Payment {
            amount: received,
            reserved: 0,
            online: true,
        });
        let now = self.now;
        let link = &mut self.links[link];
        if difference == 0 && !matches!(link.status, Status::Paid { .. }) {
            link.status = Status::Paid {
                late: !link.usable(now),
            };
        }
        self.close_if_settled();
    }

    fn desk(&mut self, minor: i64, despite: bool) -> bool {
        if self.live() && !despite {
            return false;
        }
        self.money.receive(minor);
        self.payments.push(Payment {
            amount: minor,
            reserved: 0,
            online: false,
        });
        self.close_if_settled();
        true
    }

    fn refund(&mut self, payment: usize, amount: i64, reopen: bool) -> bool {
        let paid = &mut self.payments[payment];
        if amount > paid.amount - paid.reserved {
            return false;
        }
        paid.reserved += amount;
        let state = if paid.online {
            RefundWord::Requested
        } else {
            RefundWord::Succeeded
        };
        if !paid.online {
            self.money.send_back(amount, reopen);
        }
        self.refunds.push(Refund {
            payment,
            amount,
            reopen,
            state,
        });
        true
    }

    fn refund_becomes(&mut self, index: usize, to: RefundWord) {
        let refund = &mut self.refunds[index];
        if to <= refund.state {
            return;
        }
        let before = std::mem::replace(&mut refund.state, to);
        let (amount, reopen, payment) = (refund.amount, refund.reopen, refund.payment);
        match to {
            RefundWord::Succeeded => self.money.send_back(amount, reopen),
            RefundWord::Failed => {
                self.payments[payment].reserved -= amount;
                if before == RefundWord::Succeeded {
                    self.money.come_back(amount);
                    self.close_if_settled();
                }
            }
            RefundWord::Requested | RefundWord::Unknown | RefundWord::Pending => {}
        }
    }

    fn take(&mut self, step: &Step) -> bool {
        match *step {
            Step::Charge(change) => return self.charge(change),
            Step::CancelVisit => return self.cancel(),
            Step::IssueDeposit => return self.issue(self.deposit_due()),
            Step::IssueBalance => return self.issue(self.money.due),
            Step::IssuePart(minor) => return self.issue(minor),
            Step::HandOver => {
                if !self.last_usable() {
                    return false;
                }
                let link = self
                    .links
                    .last_mut()
                    .filter(|link| link.status == Status::Created);
                link.into_iter().for_each(|link| link.status = Status::Sent);
            }
            Step::Access => self.access(),
            Step::CancelLink => {
                if !self.last_usable() {
                    return false;
                }
                self.close_open_link();
            }
            Step::Renew => {
                let paid = self
                    .links
                    .last()
                    .is_some_and(|l| matches!(l.status, Status::Paid { .. }));
                return !self.last_usable() && !paid && self.issue(self.money.due);
            }
            Step::Tick => {
                let now = self.now;
                let over = |link: &&mut Link| link.row_open() && !link.usable(now);
                self.links
                    .iter_mut()
                    .filter(over)
                    .for_each(|link| link.status = Status::Expired);
            }
            Step::Wait(ms) => self.now += ms,
            Step::Start => return self.start(),
            Step::Hears(index, word) => self.hear(index, word),
            Step::Desk(minor, despite) => return self.desk(minor, despite),
            Step::Refund {
                payment,
                minor,
                reopen,
            } => return self.refund(payment, minor, reopen),
            Step::RefundBecomes(index, to) => self.refund_becomes(index, to),
        }
        true
    }
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        1 => Just(Word::Open),
        1 => Just(Word::Processing),
        1 => Just(Word::Failed),
        1 => Just(Word::Expired),
        1 => Just(Word::Closed),
        4 => Just(Word::Paid(0)),
        1 => (-1_i64..=1).prop_map(Word::Paid),
    ]
}

fn refund_word() -> impl Strategy<Value = RefundWord> {
    prop_oneof![
        1 => Just(RefundWord::Unknown),
        1 => Just(RefundWord::Pending),
        2 => Just(RefundWord::Succeeded),
        1 => Just(RefundWord::Failed),
    ]
}

impl ReferenceStateMachine for Visit {
    type State = Visit;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Visit> {
        (0_i64..=3000)
            .prop_map(|deposit| Visit {
                deposit,
                ..Visit::default()
            })
            .boxed()
    }

    fn transitions(visit: &Visit) -> BoxedStrategy<Step> {
        let (attempts, payments, refunds) = (
            visit.attempts.len(),
            visit.payments.len(),
            visit.refunds.len(),
        );
        let part = 1..=(visit.money.due + 2).min(9000);
        let mut steps = vec![
            (6, (1_i64..=6000).prop_map(Step::Charge).boxed()),
            (3, (-4000_i64..=-1).prop_map(Step::Charge).boxed()),
            (1, Just(Step::CancelVisit).boxed()),
            (2, Just(Step::IssueDeposit).boxed()),
            (6, Just(Step::IssueBalance).boxed()),
            (3, part.clone().prop_map(Step::IssuePart).boxed()),
            (
                4,
                part.prop_flat_map(|minor| any::<bool>().prop_map(move |d| Step::Desk(minor, d)))
                    .boxed(),
            ),
            (3, Just(Step::Tick).boxed()),
            (
                3,
                prop_oneof![Just(HOUR), Just(LIFE - 1), Just(LIFE), Just(1)]
                    .prop_map(Step::Wait)
                    .boxed(),
            ),
        ];
        if !visit.links.is_empty() {
            steps.extend([
                (3, Just(Step::HandOver).boxed()),
                (3, Just(Step::Access).boxed()),
                (2, Just(Step::CancelLink).boxed()),
                (2, Just(Step::Renew).boxed()),
                (10, Just(Step::Start).boxed()),
            ]);
        }
        if attempts > 0 {
            let last = (attempts.saturating_sub(3)..attempts, word());
            steps.push((
                14,
                last.prop_map(|(index, word)| Step::Hears(index, word))
                    .boxed(),
            ));
        }
        if payments > 0 {
            let refund = (0..payments, 1_i64..=7000, any::<bool>());
            steps.push((
                6,
                refund
                    .prop_map(|(payment, minor, reopen)| Step::Refund {
                        payment,
                        minor,
                        reopen,
                    })
                    .boxed(),
            ));
        }
        if refunds > 0 {
            let becomes = (0..refunds, refund_word());
            steps.push((
                7,
                becomes
                    .prop_map(|(index, to)| Step::RefundBecomes(index, to))
                    .boxed(),
            ));
        }
        proptest::strategy::Union::new_weighted(steps).boxed()
    }

    fn apply(mut visit: Visit, step: &Step) -> Visit {
        visit.accepted = visit.take(step);
        visit
    }

    /// Shrinking may take away what a step spoke of; and a sum received is above zero.
    fn preconditions(visit: &Visit, step: &Step) -> bool {
        match step {
            Step::Hears(index, Word::Paid(difference)) => visit
                .attempts
                .get(*index)
                .is_some_and(|attempt| attempt.amount + difference > 0),
            Step::Hears(index, _) => *index < visit.attempts.len(),
            Step::Refund { payment, .. } => *payment < visit.payments.len(),
            Step::RefundBecomes(index, _) => *index < visit.refunds.len(),
            Step::HandOver | Step::Access | Step::CancelLink | Step::Renew | Step::Start => {
                !visit.links.is_empty()
            }
            _ => true,
        }
    }
}
