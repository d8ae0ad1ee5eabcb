//! `remit reconcile`: compares the payments of every provider with ours.

use anyhow::{Context as _, Result};
use remit_app::reconcile;

use crate::settings::{self, Database, MasterKey};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    /// From this moment on (RFC 3339); four days back when not given.
    #[arg(long)]
    since: Option<jiff::Timestamp>,
    /// For a script.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let app = settings::offline(&args.database, &args.key).await?;
    let since = match args.since {
        Some(since) => since.as_millisecond(),
        None => app.now().await? - reconcile::COMPARE_MS,
    };
    let compared = reconcile::compare(&app, since).await.context("comparing")?;
    if args.json {
        println!("{}", serde_json::to_string(&compared)?);
    } else {
        println!("listed: {}", compared.listed);
        println!("recovered: {}", compared.recovered);
        println!("unmatched: {}", compared.unmatched);
        println!("unreachable accounts: {}", compared.unreachable);
    }
    app.store.close().await;
    Ok(())
}
