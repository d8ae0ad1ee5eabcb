//! `remit check` and `remit doctor`: is the data sound, is the installation.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::settings::{self, Database, MasterKey};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    database: Database,
    /// For a script.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let store = remit_app::open(&args.database.database_url)
        .await
        .context("the database cannot be opened")?;
    let verdicts = remit_app::worker::check(&store).await?;
    let broken = verdicts
        .iter()
        .filter(|(_, broken)| !broken.is_empty())
        .count();
    if args.json {
        let rows: Vec<_> = verdicts
            .iter()
            .map(|(name, broken)| json!({ "invariant": name, "holds": broken.is_empty(), "broken": broken }))
            .collect();
        println!("{}", json!({ "holds": broken == 0, "invariants": rows }));
    } else {
        for (name, broken) in &verdicts {
            println!(
                "{}  {name}{}",
                if broken.is_empty() {
                    "ok    "
                } else {
                    "BROKEN"
                },
                broken
                    .iter()
                    .map(|id| format!("\n        {id}"))
                    .collect::<String>()
            );
        }
        println!("{} invariants, {broken} broken", verdicts.len());
    }
    store.close().await;
    Ok(if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    /// For a script.
    #[arg(long)]
    json: bool,
}

/// One look: what, how it is, what to do about it.
struct Look {
    what: &'static str,
    fault: Option<String>,
}

pub async fn doctor(args: DoctorArgs) -> Result<ExitCode> {
    let mut looks = vec![Look {
        what: "master key",
        fault: settings::master_key(&args.key.master_key_file, false)
            .err()
            .map(|error| format!("{error:#}")),
    }];
    match remit_app::open(&args.database.database_url).await {
        Ok(store) => {
            looks.push(Look {
                what: "database",
                fault: None,
            });
            let schema = match remit_app::worker::is_current(&store).await {
                Ok(true) => None,
                Ok(false) => Some("not this release's: run `remit migrate`".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            looks.push(Look {
                what: "schema",
                fault: schema,
            });
            looks.push(Look {
                what: "clock",
                fault: skew(&store).await,
            });
            store.close().await;
        }
        Err(error) => looks.push(Look {
            what: "database",
            fault: Some(error.to_string()),
        }),
    }
    let faults = looks.iter().filter(|look| look.fault.is_some()).count();
    if args.json {
        let rows: Vec<_> = looks
            .iter()
            .map(|look| json!({ "what": look.what, "fault": look.fault }))
            .collect();
        println!("{}", json!({ "sound": faults == 0, "looks": rows }));
    } else {
        for look in &looks {
            println!("{}: {}", look.what, look.fault.as_deref().unwrap_or("ok"));
        }
    }
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Milliseconds by which this machine's clock may differ from the database's (hazard B6).
const SKEW_MAX_MS: i64 = 30_000;

async fn skew(store: &remit_app::Store) -> Option<String> {
    let now = store.now().await.ok()?;
    let apart = (now - store.wall_clock()).abs();
    (apart > SKEW_MAX_MS).then(|| {
        format!(
            "{} s away from the database's: set the clocks by NTP",
            apart / 1000
        )
    })
}
