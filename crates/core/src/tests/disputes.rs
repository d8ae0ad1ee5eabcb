use super::*;
use crate::account::Refusal;
use crate::disputes::{Dispute, DisputeState, Disputed, Report, Reported, Words, hear};
use crate::ledger::Account;
use crate::payments::{PaidBy, Payment, ProviderPayment};
use crate::refunds::{Request, request};
use DisputeState::{Lost, NeedsResponse, UnderReview, Withdrawn, Won};

fn paid(disputed: Disputed) -> (Payment, ProviderPayment) {
    let provider = ProviderPayment {
        provider: "stripe".into(),
        account: "acct_1".into(),
        payment_id: "pi_1".into(),
    };
    let payment = Payment {
        id: id(30),
        appointment: id(1),
        link: Some(id(10)),
        attempt: Some(id(20)),
        paid_by: PaidBy::Online(Method::Card),
        provider: Some(provider.clone()),
        amount: Money::gbp(5000),
        received_at: NOW,
        reference: None,
        refund_reserved: 0,
        disputed,
    };
    (payment, provider)
}

/// What the provider says when it is asked while `looks` answers are known.
fn says(status: Reported, withdrawn: i64, looks: i64) -> Report {
    Report {
        dispute_id: "dp_1".into(),
        status,
        amount: Money::gbp(5000),
        withdrawn: Money::gbp(withdrawn),
        reason: "not recognised".into(),
        due_by: Some(NOW + 7),
        opened_at: NOW - 5,
        looks,
    }
}

fn state(state: DisputeState, withdrawn: i64, looks: i64) -> Report {
    says(Reported::State(state), withdrawn, looks)
}

fn words() -> Words {
    Words {
        provider: "Stripe".into(),
        deadline: Some("Tue 1 December".into()),
    }
}

/// The books of one dispute, as the store keeps them: what is known, and each posting under its natural key.
#[derive(Default)]
struct Books {
    known: Option<Dispute>,
    sources: Vec<String>,
    held: i64,
    lost: i64,
    cleared: i64,
    disputed: Disputed,
    finding: Option<String>,
}

impl Books {
    /// The lines that were written; none when the answer had been overtaken.
    fn hear(&mut self, report: &Report) -> Vec<String> {
        let (payment, provider) = paid(self.disputed);
        let Ok(decision) = hear(
            (&payment, &provider),
            self.known.as_ref(),
            report,
            &words(),
            id(60),
            NOW,
        ) else {
            return vec![];
        };
        for event in &decision.events {
            self.write(event);
        }
        assert_eq!(decision.effects, [], "a dispute asks for nothing outside");
        told(&decision)
    }

    fn write(&mut self, event: &Event) {
        match event {
            Event::Posted(txn) => {
                assert!(!self.sources.contains(&txn.source), "{} twice", txn.source);
                self.sources.push(txn.source.clone());
                for line in txn.lines() {
                    let sum = match line.account {
                        Account::DisputeHold => &mut self.held,
                        Account::ChargebackLoss => &mut self.lost,
                        Account::PspClearing(_) => &mut self.cleared,
                        _ => panic!("a dispute touches nothing else: {line:?}"),
                    };
                    *sum += line.amount.minor;
                }
            }
            Event::DisputeMoved { before, after } => {
                assert_eq!(*before, self.known);
                let open = |d: &Dispute| i64::from(d.state.is_open());
                self.disputed.open += open(after) - before.as_ref().map_or(0, open);
                self.disputed.lost += after.lost() - before.as_ref().map_or(0, Dispute::lost);
                self.known = Some(after.clone());
            }
            Event::FindingRenewed(finding) => self.finding = Some(finding.detail.clone()),
            Event::FindingClosed { .. } => self.finding = None,
            Event::FindingOpened(_) => {}
            event => panic!("a dispute writes nothing else: {event:?}"),
        }
    }
}

#[test]
fn a_dispute_is_held_then_lost_or_given_back() {
    let mut books = Books::default();
    for (report, lines) in [
        (
            state(NeedsResponse, 0, 0),
            vec![
                "dispute none to needs_response",
                "finding dispute: The payer’s bank asks: not recognised. Send evidence to Stripe by Tue 1 December.",
            ],
        ),
        (
            state(NeedsResponse, 5000, 1),
            vec![
                "dispute dispute_hold:5000 psp_clearing:stripe:acct_1:-5000",
                "dispute needs_response to needs_response",
                "finding dispute: The payer’s bank asks: not recognised. Send evidence to Stripe by Tue 1 December.",
            ],
        ),
        (
            state(UnderReview, 5000, 2),
            vec![
                "dispute needs_response to under_review",
                "finding dispute: The payer’s bank asks: not recognised. The bank is looking into it.",
            ],
        ),
        (
            state(UnderReview, 5000, 3),
            vec!["dispute under_review to under_review"],
        ),
        (
            state(Lost, 5000, 4),
            vec![
                "dispute dispute_hold:-5000 chargeback_loss:5000",
                "dispute under_review to lost",
                "finding dispute closed",
            ],
        ),
        // An answer that was asked for before.
        (state(NeedsResponse, 5000, 4), vec![]),
        // The bank changes its mind, and then sends the money.
        (
            state(Won, 5000, 5),
            vec![
                "dispute dispute_hold:5000 chargeback_loss:-5000",
                "dispute lost to won",
            ],
        ),
        (
            state(Won, 0, 6),
            vec![
                "dispute dispute_hold:-5000 psp_clearing:stripe:acct_1:5000",
                "dispute won to won",
            ],
        ),
        // What has ended does not open again, and a word that nobody knows changes nothing; both are shown.
        (
            state(UnderReview, 0, 7),
            vec!["dispute won to won", "finding unknown_status 5000"],
        ),
        (
            says(Reported::Unheard("prevented".into()), 0, 8),
            vec!["dispute won to won", "finding unknown_status 5000"],
        ),
    ] {
        assert_eq!(books.hear(&report), lines, "{report:?}");
    }
    assert_eq!((books.held, books.lost, books.cleared), (0, 0, 0));
    assert_eq!(books.finding, None);
}

#[test]
fn an_open_dispute_keeps_refunds_out_and_a_lost_one_is_not_refundable() {
    let ask = |disputed, minor| {
        let wish = Request {
            refund: id(50),
            txn: id(51),
            amount: payable(minor),
            reason: None,
            reopen: false,
            correction: false,
            seen_available: None,
            needs_approval: false,
            asker: "stf_1".into(),
        };
        request(&standing(5000, 0), &paid(disputed).0, wish, NOW).err()
    };
    assert_eq!(
        ask(Disputed { open: 1, lost: 0 }, 1),
        Some(Refusal::Disputed)
    );
    assert_eq!(ask(Disputed { open: 0, lost: 0 }, 5000), None);
    let available = Money::gbp(2000);
    assert_eq!(
        ask(
            Disputed {
                open: 0,
                lost: 3000
            },
            2001
        ),
        Some(Refusal::MoreThanRefundable {
            asked: Money::gbp(2001),
            available
        })
    );
    assert_eq!(
        ask(
            Disputed {
                open: 0,
                lost: 3000
            },
            2000
        ),
        None
    );
    // Refunded first and lost on top of it: nothing is left, and never less.
    assert_eq!(
        paid(Disputed {
            open: 0,
            lost: 9000
        })
        .0
        .refundable()
        .minor,
        0
    );
}

/// A dispute's life at the provider, each step with what it answers from then on.
fn lives() -> Vec<Vec<(DisputeState, i64)>> {
    vec![
        vec![
            (NeedsResponse, 0),
            (NeedsResponse, 5000),
            (Won, 5000),
            (Won, 0),
        ],
        vec![(NeedsResponse, 5000), (UnderReview, 5000), (Won, 0)],
        vec![
            (NeedsResponse, 0),
            (NeedsResponse, 5000),
            (UnderReview, 5000),
            (Lost, 5000),
        ],
        vec![
            (NeedsResponse, 0),
            (UnderReview, 5000),
            (Lost, 5000),
            (Won, 5000),
            (Won, 0),
        ],
        vec![(NeedsResponse, 0), (Withdrawn, 0)],
        vec![(NeedsResponse, 5000), (NeedsResponse, 0), (Lost, 5000)],
    ]
}

/// What happens to one event: the provider takes its step, somebody asks because of it, the answer is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Step,
    Ask(usize),
    Write(usize),
}

/// Plays a life in an order of steps, asks and writes. An answer that was overtaken is asked for again, at the end.
fn play(life: &[(DisputeState, i64)], ops: &[Op]) -> Books {
    let mut books = Books::default();
    let mut at_provider = 0;
    let mut answers: Vec<Option<Report>> = vec![None; life.len()];
    let ask = |books: &Books, step: usize| {
        let looks = books.known.as_ref().map_or(0, |known| known.looks);
        let (to, withdrawn) = life[step];
        state(to, withdrawn, looks)
    };
    let mut overtaken = 0;
    for op in ops {
        match *op {
            Op::Step => at_provider += 1,
            Op::Ask(event) => answers[event] = Some(ask(&books, at_provider - 1)),
            Op::Write(event) => {
                let answer = answers[event].take().unwrap();
                overtaken += usize::from(books.hear(&answer).is_empty());
            }
        }
    }
    for _ in 0..overtaken {
        let answer = ask(&books, at_provider - 1);
        assert!(!books.hear(&answer).is_empty());
    }
    books
}

fn ends_as_the_provider_says(life: &[(DisputeState, i64)], books: &Books) {
    let (last, withdrawn) = *life.last().unwrap();
    let expected = if last == Lost {
        (0, withdrawn)
    } else {
        (withdrawn, 0)
    };
    assert_eq!((books.held, books.lost), expected);
    assert_eq!(books.cleared, -withdrawn);
    assert_eq!(books.known.as_ref().map(|known| known.state), Some(last));
    let lost = if last == Lost { 5000 } else { 0 };
    assert_eq!(books.disputed, Disputed { open: 0, lost });
    assert_eq!(books.finding, None, "closed by itself");
}

/// Every order of steps, asks and writes in which an event is asked about after its step and written after that.
fn orders(events: usize) -> Vec<Vec<Op>> {
    fn go_on(done: &mut Vec<Op>, events: usize, all: &mut Vec<Vec<Op>>) {
        let steps = done.iter().filter(|op| **op == Op::Step).count();
        if done.len() == 3 * events {
            return all.push(done.clone());
        }
        let asked = |event| done.contains(&Op::Ask(event));
        let mut next: Vec<Op> = (0..steps)
            .filter_map(
                |event| match (asked(event), done.contains(&Op::Write(event))) {
                    (false, _) => Some(Op::Ask(event)),
                    (true, false) => Some(Op::Write(event)),
                    (true, true) => None,
                },
            )
            .collect();
        if steps < events {
            next.push(Op::Step);
        }
        for op in next {
            done.push(op);
            go_on(done, events, all);
            done.pop();
        }
    }
    let mut all = vec![];
    go_on(&mut vec![], events, &mut all);
    all
}

/// Hazard A23: opened, withdrawn, reinstated and closed, heard in every order and overtaking one another, end in the
/// same books, and nothing is posted twice under one key.
#[test]
fn every_order_ends_in_the_same_books() {
    let three = orders(3);
    assert_eq!(three.len(), 280);
    for life in lives().iter().filter(|life| life.len() == 3) {
        for order in &three {
            ends_as_the_provider_says(life, &play(life, order));
        }
    }
}

proptest::proptest! {
    /// The same for longer lives and for events that come several times.
    #[test]
    fn shuffled_and_repeated_events_end_in_the_same_books(
        life in proptest::sample::select(lives()),
        picks in proptest::collection::vec(0_usize..1_000, 60),
    ) {
        // Each step is told up to three times: the life with its steps repeated is a life too.
        let told: Vec<(DisputeState, i64)> =
            life.iter().zip(&picks).flat_map(|(step, pick)| vec![*step; pick % 3 + 1]).collect();
        let mut ops: Vec<Op> = vec![];
        for pick in picks.iter().cycle().take(400) {
            let steps = ops.iter().filter(|op| **op == Op::Step).count();
            let mut next: Vec<Op> = (0..steps)
                .flat_map(|event| [Op::Ask(event), Op::Write(event)])
                .filter(|op| !ops.contains(op))
                .filter(|op| !matches!(op, Op::Write(event) if !ops.contains(&Op::Ask(*event))))
                .collect();
            if steps < told.len() {
                next.push(Op::Step);
            }
            match next.get(pick.wrapping_mul(ops.len() + 7) % next.len().max(1)) {
                Some(op) => ops.push(*op),
                None => break,
            }
        }
        ends_as_the_provider_says(&told, &play(&told, &ops));
    }
}
