//! `remit check`: is the data sound.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::settings::Database;

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
