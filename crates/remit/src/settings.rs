//! Configuration that several commands share: database, master key, logging.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use remit_app::keys::Keys;
use remit_app::{App, Config, Roots};
use remit_core::sending_limits::INSTALLATION_A_DAY;
use tracing_subscriber::EnvFilter;

/// Which database.
#[derive(clap::Args, Clone)]
pub struct Database {
    /// `sqlite://remit.db` or `postgres://user@host/name`.
    #[arg(long, env = "REMIT_DATABASE_URL", default_value = "sqlite://remit.db")]
    pub database_url: String,
}

/// Which master key.
#[derive(clap::Args, Clone)]
pub struct MasterKey {
    /// The file that holds the master key: 64 hex digits, readable by this user only. Made on first start on SQLite.
    #[arg(long, env = "REMIT_MASTER_KEY_FILE", default_value = "master.key")]
    pub master_key_file: PathBuf,
}

/// How much may be sent.
#[derive(clap::Args, Clone)]
pub struct Sending {
    /// Texts and emails that all clinics together send in a day (UTC) at most.
    #[arg(long, env = "REMIT_MESSAGES_A_DAY", default_value_t = INSTALLATION_A_DAY,
        value_parser = clap::value_parser!(i64).range(0..))]
    pub messages_a_day: i64,
}

/// Whom connections to the outside trust.
#[derive(clap::Args, Clone)]
pub struct Trust {
    /// A PEM file of certificate authorities to trust beside the public ones: those of your own mail server or proxy.
    #[arg(long, env = "REMIT_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

impl Trust {
    pub fn roots(&self) -> Result<Roots> {
        let Some(file) = &self.ca_file else {
            return Ok(Roots::default());
        };
        let doing = || format!("REMIT_CA_FILE {} cannot be used", file.display());
        let text = fs::read(file).with_context(doing)?;
        Roots::from_pem(&text).with_context(doing)
    }
}

/// Logs to standard error, so that standard output stays for what a script reads. `REMIT_LOG`: `info`, `debug`, or a
/// filter like `remit_app=debug`; `REMIT_LOG_FORMAT=json` for machines. `default` is the filter without `REMIT_LOG`.
pub fn start_logging(default: &str) {
    let filter = EnvFilter::try_from_env("REMIT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::env::var("REMIT_LOG_FORMAT").is_ok_and(|format| format == "json") {
        logs.json().init();
    } else {
        logs.with_target(false).init();
    }
}

/// Reads the master key. A missing file is made when `may_make`: a second node must be given the first one's key.
pub fn master_key(file: &Path, may_make: bool) -> Result<Keys> {
    if !file.exists() {
        if !may_make {
            bail!(
                "{} does not exist: copy the first node's master key there, or name it with REMIT_MASTER_KEY_FILE",
                file.display()
            );
        }
        write_private(file, &(Keys::generate()? + "\n"))?;
        tracing::info!(
            "made the master key {}: keep a copy, without it links and secrets cannot be opened",
            file.display()
        );
    }
    let text = fs::read_to_string(file)
        .with_context(|| format!("the master key {} cannot be read", file.display()))?;
    Ok(Keys::parse(&text)?)
}

/// Writes a file that only this user can read, and makes it durable.
pub fn write_private(file: &Path, text: &str) -> Result<()> {
    let doing = || format!("{} cannot be written", file.display());
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(doing)?;
    out.write_all(text.as_bytes()).with_context(doing)?;
    out.sync_all().with_context(doing)
}

/// The application for a command that serves nobody. `url`: where a node of the installation is reached.
pub async fn offline(
    database: &Database,
    key: &MasterKey,
    url: Option<&str>,
    roots: Roots,
) -> Result<Arc<App>> {
    let store = remit_app::open(&database.database_url)
        .await
        .context("the database cannot be opened")?;
    if !remit_app::worker::is_current(&store).await? {
        bail!("the database's schema is not this release's: run `remit migrate`");
    }
    let url = url.unwrap_or("http://localhost").trim_end_matches('/');
    let config = Config {
        public_url: url.into(),
        self_url: url.into(),
        demo: false,
        messages_a_day: INSTALLATION_A_DAY,
        roots,
        demo_sign_in: None,
    };
    Ok(App::new(
        store,
        config,
        master_key(&key.master_key_file, false)?,
    )?)
}
