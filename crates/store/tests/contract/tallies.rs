//! The counts of the tabs equal a count of the rows, after whatever happened.

use remit_core::links::{LIFETIME_MS, LinkState};
use remit_core::{DAY_MS, HOUR_MS};
use remit_store::links::{self, Filter, Tally};

use crate::desk::Desk;
use crate::harness::Place;

/// A small repeatable source of choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn agrees(desk: &Desk, when: &str) {
    let now = desk.now().await;
    let counted = links::tallies(&desk.store, desk.clinic, 0, now + 1, now)
        .await
        .unwrap();
    let (all, _) = links::list(
        &desk.store,
        desk.clinic,
        &Filter::default(),
        None,
        1000,
        now,
    )
    .await
    .unwrap();
    let sum = |rows: &mut dyn Iterator<Item = &links::LinkView>| {
        rows.fold(Tally::default(), |sum, view| Tally {
            links: sum.links + 1,
            amount: sum.amount + view.amount.minor,
        })
    };
    for state in LinkState::ALL {
        let rows = sum(&mut all.iter().filter(|view| view.shown(now) == state));
        assert_eq!(counted.of(state), rows, "{when}: {state:?}");
    }
    assert_eq!(counted.all(), sum(&mut all.iter()), "{when}");
    let accessed = sum(&mut all
        .iter()
        .filter(|view| view.shown(now) == LinkState::Accessed));
    assert_eq!(counted.follow_up, accessed, "{when}: accessed, not paid");
    // Days of clinics west and east of Greenwich, which begin and end within those that are kept, and parts of one:
    // whatever was created there, and nothing beside it.
    let midnight = now.div_euclid(DAY_MS) * DAY_MS;
    for (hours, length) in [(0, 24), (-5, 24), (13, 24), (-24, 48), (-53, 75), (3, 2)] {
        let from = midnight + hours * HOUR_MS;
        let to = from + length * HOUR_MS;
        let counted = links::tallies(&desk.store, desk.clinic, from, to, now)
            .await
            .unwrap();
        for state in LinkState::ALL {
            let rows = sum(&mut all
                .iter()
                .filter(|view| view.shown(now) == state && (from..to).contains(&view.created_at)));
            assert_eq!(
                counted.of(state),
                rows,
                "{when}: {state:?} from {hours} h on"
            );
        }
    }
}

on_both_engines! {
async fn counts_follow_every_move(place: Place) {
    let desk = Desk::opens(&place).await;
    let mut dice = Dice(20_261_124);
    let (mut visits, mut issued) = (Vec::new(), Vec::new());
    for turn in 0..160 {
        if visits.len() < 5 || dice.roll(8) == 0 {
            visits.push(desk.books(100 + i64::try_from(dice.roll(900)).unwrap()).await);
        }
        let visit = visits[usize::try_from(dice.roll(visits.len() as u64)).unwrap()];
        if desk.balance(visit).await.due > 0 && dice.roll(2) == 0 {
            issued.push(desk.issues(visit).await);
        }
        if issued.is_empty() {
            continue;
        }
        let link = issued[usize::try_from(dice.roll(issued.len() as u64)).unwrap()];
        match dice.roll(7) {
            0 | 1 => desk.hands_over(link).await,
            2 | 3 => desk.opens_page(link).await,
            4 => desk.cancels(link).await,
            5 => desk.sweeps(link).await,
            _ => {
                let view = desk.sees(link).await;
                let usable = view.state.is_open() && view.shown(desk.now().await).is_open();
                if usable && view.due.minor > 0 {
                    let attempt = desk.starts(link).await.unwrap();
                    if dice.roll(3) == 0 {
                        // The money comes when the link has long ended.
                        place.store.shift_clock(LIFETIME_MS);
                    }
                    desk.is_paid(attempt, view.amount_due().minor).await.unwrap();
                }
            }
        }
        if dice.roll(12) == 0 {
            place.store.shift_clock(DAY_MS / 2);
        }
        if turn % 20 == 19 {
            agrees(&desk, &format!("turn {turn}")).await;
        }
    }
    assert_eq!(place.broken().await, [""; 0]);
    let mut tx = desk.begin().await;
    let now = desk.store.now().await.unwrap();
    while links::fold_tallies(&mut tx, now - DAY_MS).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    agrees(&desk, "folded").await;
    let slots = place.number(format!("SELECT COUNT(*) FROM link_tally WHERE slot > 0 AND day < {}",
        (now - DAY_MS).div_euclid(DAY_MS))).await;
    assert_eq!(slots, 0);
    assert_eq!(place.broken().await, [""; 0]);
}
}
