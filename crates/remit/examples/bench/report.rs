//! What is printed: one line a figure, beside its goal.

use std::time::Duration;

use crate::load::{Figures, ms};

/// Prints the head of a table (Markdown, so that it can stand in the documents as it is).
pub fn head(title: &str, columns: &[&str]) {
    println!("\n### {title}\n\n| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

pub fn line(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

pub const AGAINST: &[&str] = &[
    "what",
    "floor /s",
    "floor p50 / p99 ms",
    "Remit /s",
    "Remit p50 / p99 ms",
    "of the floor",
    "goal",
];

/// Remit beside its floor: at least `percent` of its rate, and the slowest hundredth under `p99`.
pub fn against(what: &str, floor: &Figures, remit: &Figures, percent: f64, p99: Option<Duration>) {
    let ratio = 100.0 * remit.per_second / floor.per_second;
    let met = ratio >= percent && p99.is_none_or(|most| remit.p99 < most);
    let most = p99.map_or(String::new(), |most| {
        format!(", p99 < {} ms", most.as_millis())
    });
    line(&[
        what.to_owned(),
        format!("{:.0}", floor.per_second),
        format!("{} / {}", ms(floor.p50), ms(floor.p99)),
        format!("{:.0}", remit.per_second),
        format!("{} / {}", ms(remit.p50), ms(remit.p99)),
        format!("{ratio:.0} %"),
        format!(">= {percent:.0} %{most}: {}", verdict(met)),
    ]);
}

pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}
