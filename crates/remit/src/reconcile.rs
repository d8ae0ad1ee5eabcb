//! `remit reconcile`: compares what every provider has with ours, and records what is missing.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use remit_app::reconcile::{self, AccountCompared, Compared};
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

use crate::settings::{self, Database, MasterKey, Trust};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    #[command(flatten)]
    trust: Trust,
    /// From this moment on: a span back from now (`30d`, `12h`, `45m`), a day (`2026-11-01`) or a moment (RFC 3339).
    /// Longer than four days: the events of the gap are replayed too.
    #[arg(long, default_value = "4d")]
    since: String,
    /// Where this installation is reached: only the sandbox needs it, which lives there.
    #[arg(long, env = "REMIT_PUBLIC_URL")]
    public_url: Option<String>,
    /// For a script.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let (url, roots) = (args.public_url.as_deref(), args.trust.roots()?);
    let app = settings::offline(&args.database, &args.key, url, roots).await?;
    let now = app.now().await?;
    let since = moment(&args.since, now)?;
    let told = Progress::new();
    let compared = if now - since > reconcile::COMPARE_MS {
        reconcile::replay(&app, since, &|done, of| told.show(done, of)).await
    } else {
        reconcile::compare(&app, since, &|done, of| told.show(done, of)).await
    };
    told.end();
    let compared = compared.context("comparing")?;
    if args.json {
        println!("{}", serde_json::to_string(&compared)?);
    } else {
        print!("{}", summary(&compared));
    }
    app.store.close().await;
    Ok(if compared.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A bar on standard error, where a person watches.
struct Progress {
    shown: bool,
}

const BAR_CHARS: usize = 30;

impl Progress {
    fn new() -> Progress {
        Progress {
            shown: std::io::stderr().is_terminal(),
        }
    }

    fn show(&self, done: usize, of: usize) {
        if self.shown {
            let full = BAR_CHARS * done / of.max(1);
            let bar = "#".repeat(full) + &"-".repeat(BAR_CHARS - full);
            // Nobody to watch any more is no reason to stop.
            let _ = write!(std::io::stderr(), "\r[{bar}] {done} of {of} accounts");
        }
    }

    fn end(&self) {
        if self.shown {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn summary(compared: &Compared) -> String {
    let mut text: String = compared.accounts.iter().map(account).collect();
    text.push_str(&format!(
        "listed: {}\nrecovered: {}\nunmatched: {}\ndiffering accounts: {}\nunreachable accounts: {}\n",
        compared.listed,
        compared.recovered,
        compared.unmatched,
        compared.differing,
        compared.unreachable
    ));
    if !compared.is_clean() {
        text.push_str("Something is left: see Financials, Credits & findings.\n");
    }
    text
}

fn account(found: &AccountCompared) -> String {
    let name = format!("{} {} of {}", found.provider, found.account, found.clinic);
    let Some(why) = &found.unreachable else {
        let books = match found.differences.as_slice() {
            [] => "books agree".to_owned(),
            differences => format!("books differ by {}", differences.join(", ")),
        };
        return format!(
            "{name}: {} listed, {} recovered, {} unmatched, {} movements read, {books}\n",
            found.listed, found.recovered, found.unmatched, found.movements
        );
    };
    format!("{name}: not reached: {why}\n")
}

/// `30d`, `12h`, `45m` back from now; a day in UTC; a moment.
fn moment(text: &str, now: UtcMs) -> Result<UtcMs> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_millisecond());
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let midnight = day.to_datetime(jiff::civil::Time::midnight());
        let start = midnight.to_zoned_datetime(jiff::tz::TimeZone::UTC)?;
        return Ok(start.timestamp().as_millisecond());
    }
    let unit = match text.chars().next_back() {
        Some('d') => DAY_MS,
        Some('h') => HOUR_MS,
        Some('m') => MINUTE_MS,
        _ => 0,
    };
    let number = text.get(..text.len().saturating_sub(1));
    let back = number
        .and_then(|number| number.parse::<u32>().ok())
        .and_then(|number| i64::from(number).checked_mul(unit))
        .filter(|back| *back > 0);
    match back {
        Some(back) => Ok(now - back),
        None => bail!(
            "--since takes 30d, 12h, 45m, a day like 2026-11-01 or a moment like 2026-11-01T09:00:00Z"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_span_a_day_or_a_moment() {
        let now = 1_795_517_160_000;
        for (text, at) in [
            ("30d", now - 30 * DAY_MS),
            ("12h", now - 12 * HOUR_MS),
            (" 45m ", now - 45 * MINUTE_MS),
            ("2026-11-01", 1_793_491_200_000),
            ("2026-11-01T09:00:00Z", 1_793_523_600_000),
        ] {
            assert_eq!(moment(text, now).unwrap(), at, "{text}");
        }
        for wrong in ["", "d", "30", "0d", "-1d", "30x", "yesterday", "é"] {
            assert!(moment(wrong, now).is_err(), "{wrong}");
        }
    }
}
