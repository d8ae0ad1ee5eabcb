//! Suite S2: the protocols of hazards 7.5 over the rules of core, seed by seed, with crashes, lost and repeated answers,
//! lost, doubled and shuffled events, outages and people who do two things at once. After every step the auditor looks.
//!
//! `REMIT_SEEDS=1000000` plays more; `REMIT_SEED=7 cargo test -p remit-core --test sim -- --nocapture replay` plays one
//! with a log of its steps.

mod auditor;
mod carrier;
mod db;
mod disputes;
mod marks;
mod patient;
mod plans;
mod provider;
mod reckoning;
mod refunds;
mod reminders;
mod rng;
mod sessions;
mod staff;
mod worker;
mod world;

use marks::{Mark, Planted};
use world::World;

/// Seeds of an ordinary run.
const SEEDS: u64 = 20_000;
/// Within how many seeds a planted fault must be caught.
const PLANTED_SEEDS: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// In how many seeds each mark was hit.
type Hits = Vec<u64>;

/// Plays seeds `from..to`; answers what was reached, or the first seed that failed and why.
fn play(from: u64, to: u64, planted: Option<Planted>) -> Result<Hits, (u64, String)> {
    let mut hits = vec![0; Mark::ALL.len()];
    for seed in from..to {
        let mut world = World::new(seed, planted, false);
        let outcome = world.play();
        for (mark, hit) in hits.iter_mut().enumerate() {
            *hit += u64::from(world.marks >> mark & 1 == 1);
        }
        outcome.map_err(|broken| (seed, broken))?;
    }
    Ok(hits)
}

fn replay_command(seed: u64) -> String {
    format!("REMIT_SEED={seed} cargo test -p remit-core --test sim -- --nocapture replay")
}

#[test]
fn money_is_never_lost_or_doubled_whatever_goes_wrong() {
    let seeds = number("REMIT_SEEDS").unwrap_or(SEEDS);
    let first = number("REMIT_SEED").unwrap_or(1);
    let begun = std::time::Instant::now();
    let halves = [
        (first, first + seeds / 2),
        (first + seeds / 2, first + seeds),
    ];
    let played = halves.map(|(from, to)| std::thread::spawn(move || play(from, to, None)));
    let mut hits = vec![0; Mark::ALL.len()];
    for half in played {
        match half.join().expect("a world that does not panic") {
            Ok(half) => hits
                .iter_mut()
                .zip(half)
                .for_each(|(all, half)| *all += half),
            Err((seed, broken)) => {
                panic!("seed {seed}: {broken}\nreplay: {}", replay_command(seed))
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds in {seconds:.1} s, {:.0} seeds/s",
        seeds as f64 / seconds
    );
    let mut rarest: Vec<(u64, Mark)> = hits.into_iter().zip(Mark::ALL.iter().copied()).collect();
    rarest.sort_by_key(|(hits, _)| *hits);
    println!("seeds that reached each mark, rarest first: {rarest:?}");
    let missed: Vec<_> = rarest.iter().filter(|(hits, _)| *hits == 0).collect();
    assert!(
        missed.is_empty() || seeds < SEEDS,
        "never reached: {missed:?}"
    );
}

#[test]
fn each_planted_fault_is_caught() {
    let mut unseen = vec![];
    for planted in Planted::ALL {
        match play(1, 1 + PLANTED_SEEDS, Some(*planted)) {
            Err((seed, broken)) => println!("{planted:?}: seed {seed}: {broken}"),
            Ok(_) => unseen.push(planted),
        }
    }
    assert!(unseen.is_empty(), "nobody noticed {unseen:?}");
}

/// Reading before the lock is wrong, and the unique keys of the schema hold all the same: two walls.
#[test]
fn unique_keys_hold_where_a_read_was_stale() {
    if let Err((seed, broken)) = play(1, 1 + PLANTED_SEEDS, Some(Planted::StaleReads)) {
        panic!("seed {seed}: {broken}");
    }
}

/// Plays one seed aloud; without `REMIT_SEED`, the first, twice, and alike.
#[test]
fn replay() {
    let seed = number("REMIT_SEED");
    let mut world = World::new(seed.unwrap_or(1), None, seed.is_some());
    if let Err(broken) = world.play() {
        panic!("seed {}: {broken}", seed.unwrap_or(1));
    }
    let mut again = World::new(seed.unwrap_or(1), None, false);
    assert_eq!(again.play(), Ok(()));
    let figures = |w: &World| {
        w.db.visits
            .iter()
            .map(|v| v.balance.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (world.marks, figures(&world)),
        (again.marks, figures(&again)),
        "a seed is a whole run"
    );
}
