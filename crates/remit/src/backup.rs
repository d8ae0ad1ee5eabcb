//! `remit backup` and `remit restore`: a safe copy while Remit works, and the way back. After a restore the providers know
//! of money that the database has forgotten, so the next start replays their history first (hazard C9).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use remit_app::{backup, reconcile};
use remit_core::UtcMs;
use serde_json::json;

use crate::settings::Database;

#[derive(clap::Args)]
pub struct BackupArgs {
    #[command(flatten)]
    database: Database,
    /// The new file. Keep the master key apart from it: each is of no use without the other.
    #[arg(long)]
    to: PathBuf,
    /// For a script.
    #[arg(long)]
    json: bool,
}

pub async fn back_up(args: BackupArgs) -> Result<()> {
    let url = &args.database.database_url;
    if let Some(file) = backup::file_of(url)?
        && !file.exists()
    {
        bail!("there is no database at {}", file.display());
    }
    let store = remit_app::open(url)
        .await
        .context("the database cannot be opened")?;
    let taken = backup::copy(&store, &args.to).await;
    store.close().await;
    let at = taken.context("no backup was taken")?;
    private_and_durable(&args.to)?;
    let bytes = fs::metadata(&args.to)?.len();
    if args.json {
        println!(
            "{}",
            json!({ "file": args.to, "bytes": bytes, "taken_at": moment(at) })
        );
    } else {
        println!(
            "{} holds everything up to {} ({bytes} bytes).",
            args.to.display(),
            moment(at)
        );
        println!("The master key is not in it: keep a copy of that apart.");
    }
    Ok(())
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    database: Database,
    /// The backup's file (SQLite).
    #[arg(
        long,
        required_unless_present = "taken_at",
        conflicts_with = "taken_at"
    )]
    from: Option<PathBuf>,
    /// PostgreSQL, after its own restore: when the backup was taken (RFC 3339).
    #[arg(long)]
    taken_at: Option<jiff::Timestamp>,
    /// Put the backup in the place of a database that is there; that one is kept beside it.
    #[arg(long)]
    replace: bool,
}

pub async fn restore(args: RestoreArgs) -> Result<()> {
    let url = &args.database.database_url;
    let at = match (backup::file_of(url)?, &args.from, args.taken_at) {
        (Some(file), Some(from), _) => put_back(url, &file, from, args.replace).await?,
        (None, _, Some(at)) => at.as_millisecond(),
        (Some(_), None, _) => bail!("name the backup's file with --from"),
        (None, ..) => bail!(
            "restore PostgreSQL with its own tools, then say with --taken-at when that backup was taken"
        ),
    };
    let store = remit_app::open(url)
        .await
        .context("the restored database cannot be opened")?;
    reconcile::restored(&store, at).await?;
    store.close().await;
    println!("Restored to {}.", moment(at));
    println!(
        "Start Remit again: it reads what the payment providers have had since then, and patients can pay once that is done."
    );
    Ok(())
}

/// Puts a backup into the place of a database that nobody uses; answers when it was taken.
async fn put_back(url: &str, file: &Path, from: &Path, replace: bool) -> Result<UtcMs> {
    let at = backup::proven(from).await?;
    let new = beside(file, "restoring");
    if file.exists() {
        if !replace {
            bail!(
                "{} is there: stop Remit and say --replace; it is kept beside the restored one",
                file.display()
            );
        }
        if backup::is_in_use(url).await? {
            bail!("{} is in use: stop Remit first", file.display());
        }
    }
    fs::copy(from, &new).with_context(|| format!("{} cannot be copied", from.display()))?;
    private_and_durable(&new)?;
    if file.exists() {
        // What a killed process left in the log belongs to the old database and moves away with it.
        let old = beside(
            file,
            &format!("before-restore-{}", jiff::Timestamp::now().as_second()),
        );
        for end in ["-wal", "-shm", ""] {
            let (from, to) = (beside_log(file, end), beside_log(&old, end));
            if from.exists() {
                fs::rename(&from, &to)
                    .with_context(|| format!("{} cannot be moved", from.display()))?;
            }
        }
        println!("The database that was there is now {}.", old.display());
    }
    fs::rename(&new, file).with_context(|| format!("{} cannot be made", file.display()))?;
    Ok(at)
}

/// `remit.db` becomes `remit.db.ending`.
fn beside(file: &Path, ending: &str) -> PathBuf {
    beside_log(file, &format!(".{ending}"))
}

fn beside_log(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Patients' names are in it: readable by this user only. On the disk before anybody relies on it.
fn private_and_durable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let doing = || format!("{} cannot be made safe", file.display());
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).with_context(doing)?;
    fs::File::open(file)
        .and_then(|file| file.sync_all())
        .with_context(doing)
}

fn moment(at: UtcMs) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}
