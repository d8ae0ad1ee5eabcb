//! `remit migrate`: brings the schema up to this release.

use anyhow::{Context as _, Result};

use crate::settings::Database;

pub async fn run(database: Database) -> Result<()> {
    let store = remit_app::open(&database.database_url)
        .await
        .context("the database cannot be opened")?;
    let applied = remit_app::worker::migrate(&store).await?;
    match applied.as_slice() {
        [] => println!("schema: current"),
        versions => println!(
            "applied: {}",
            versions
                .iter()
                .map(i64::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
    store.close().await;
    Ok(())
}
