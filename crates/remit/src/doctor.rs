//! `remit doctor`: is the installation sound? Environment, database, keys, clocks, and each clinic's payment accounts and carriers of messages by
//! the same lines as Settings, Providers.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use remit_app::providers::examine::Verdict;
use remit_app::providers::{SANDBOX, settings as accounts};
use remit_app::{App, clinics, messaging};
use remit_core::clinic::Clinic;
use remit_core::deliveries::Channel;
use serde_json::json;

use crate::settings::{self, Database, MasterKey, Trust};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    #[command(flatten)]
    trust: Trust,
    /// Where staff and patients reach this installation.
    #[arg(long, env = "REMIT_PUBLIC_URL")]
    public_url: Option<String>,
    /// For a script.
    #[arg(long)]
    json: bool,
}

/// One look: at what, how it is, what to do about it.
struct Look {
    what: String,
    verdict: Verdict,
    text: String,
}

impl Look {
    fn new(what: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Look {
        Look {
            what: what.into(),
            verdict,
            text: text.into(),
        }
    }

    fn of(what: &str, fault: Option<String>) -> Look {
        match fault {
            Some(text) => Look::new(what, Verdict::Fault, text),
            None => Look::new(what, Verdict::Ok, "ok"),
        }
    }
}

/// Exit code 1 when something is wrong; a warning alone is not.
pub async fn run(args: Args) -> Result<ExitCode> {
    let mut looks = vec![
        public_url(args.public_url.as_deref()),
        master_key(&args.key.master_key_file),
    ];
    looks.extend(database(&args).await);
    let faults = looks
        .iter()
        .filter(|look| look.verdict == Verdict::Fault)
        .count();
    if args.json {
        let rows: Vec<_> = looks.iter().map(row).collect();
        println!("{}", json!({ "sound": faults == 0, "looks": rows }));
    } else {
        for look in &looks {
            println!("{:7}  {}: {}", word(look.verdict), look.what, look.text);
        }
        println!("{} looks, {faults} wrong", looks.len());
    }
    Ok(if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(look: &Look) -> serde_json::Value {
    let fault = (look.verdict == Verdict::Fault).then_some(&look.text);
    json!({ "what": look.what, "verdict": look.verdict, "text": look.text, "fault": fault })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "look",
        Verdict::Fault => "WRONG",
        Verdict::Unknown => "unknown",
    }
}

/// Links are built from it, so patients must be able to reach it, and by TLS.
fn public_url(url: Option<&str>) -> Look {
    let what = "public address";
    match url {
        None => Look::new(
            what,
            Verdict::Warning,
            "REMIT_PUBLIC_URL is not set: links lead to the listening address, which patients cannot reach",
        ),
        Some(url) if url.starts_with("https://") => Look::new(what, Verdict::Ok, url),
        Some(url) if url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost") => {
            Look::new(
                what,
                Verdict::Warning,
                format!("{url} is this machine only"),
            )
        }
        Some(url) => Look::new(
            what,
            Verdict::Fault,
            format!("{url} must begin with https://: providers and browsers refuse anything else"),
        ),
    }
}

fn master_key(file: &Path) -> Look {
    let what = "master key";
    if let Err(error) = settings::master_key(file, false) {
        return Look::new(what, Verdict::Fault, format!("{error:#}"));
    }
    let mode = std::fs::metadata(file).map(|data| data.permissions().mode() & 0o077);
    if mode.is_ok_and(|others| others != 0) {
        let text = format!("others can read {0}: chmod 600 {0}", file.display());
        return Look::new(what, Verdict::Warning, text);
    }
    Look::new(what, Verdict::Ok, "ok")
}

async fn database(args: &Args) -> Vec<Look> {
    let store = match remit_app::open(&args.database.database_url).await {
        Ok(store) => store,
        // Among the reasons: a SQLite that can lose committed data (hazard C2).
        Err(error) => return vec![Look::of("database", Some(error.to_string()))],
    };
    let engine = if store.is_sqlite() {
        "SQLite, free of the WAL-reset bug (3.51.3 or newer)"
    } else {
        "PostgreSQL"
    };
    let mut looks = vec![Look::new("database", Verdict::Ok, engine)];
    let schema = match remit_app::worker::is_current(&store).await {
        Ok(true) => None,
        Ok(false) => Some("not this release's: run `remit migrate`".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    let is_current = schema.is_none();
    looks.push(Look::of("schema", schema));
    looks.push(Look::of("clock", skew(&store).await));
    store.close().await;
    let sealed_open = looks.iter().all(|look| look.verdict == Verdict::Ok);
    if is_current && sealed_open {
        looks.extend(clinics_of(args).await);
    }
    looks
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

/// Each clinic's payment accounts, and who carries its messages.
async fn clinics_of(args: &Args) -> Vec<Look> {
    let roots = match args.trust.roots() {
        Ok(roots) => roots,
        Err(error) => return vec![Look::of("REMIT_CA_FILE", Some(format!("{error:#}")))],
    };
    let url = args.public_url.as_deref();
    let app = match settings::offline(&args.database, &args.key, url, roots).await {
        Ok(app) => app,
        Err(error) => return vec![Look::of("clinics", Some(format!("{error:#}")))],
    };
    let looks = match clinics::list(&app).await {
        Ok(clinics) if clinics.is_empty() => vec![Look::new(
            "clinics",
            Verdict::Warning,
            "there is none yet: `remit init` founds one",
        )],
        Ok(clinics) => {
            let mut looks = Vec::new();
            for clinic in &clinics {
                looks.extend(accounts_of(&app, clinic).await);
                for channel in [Channel::Sms, Channel::Email] {
                    looks.extend(carrier_of(&app, clinic, channel).await);
                }
            }
            looks
        }
        Err(error) => vec![Look::of("clinics", Some(error.to_string()))],
    };
    app.store.close().await;
    looks
}

async fn carrier_of(app: &App, clinic: &Clinic, channel: Channel) -> Vec<Look> {
    let name = format!("{}, {}", clinic.name, channel.name());
    match messaging::settings::examine(app, clinic.id, channel).await {
        Ok(lines) => lines
            .into_iter()
            .map(|line| Look::new(format!("{name}, {}", line.what), line.verdict, line.text))
            .collect(),
        Err(error) => vec![Look::of(&name, Some(error.to_string()))],
    }
}

async fn accounts_of(app: &App, clinic: &Clinic) -> Vec<Look> {
    let views = match accounts::list(app, clinic.id).await {
        Ok(views) => views,
        Err(error) => return vec![Look::of(&clinic.name, Some(error.to_string()))],
    };
    let mut looks = Vec::new();
    let connected = views
        .iter()
        .filter_map(|view| Some((view.kind, view.account.as_ref()?)));
    let mut takes = None;
    for (kind, account) in connected {
        if account.enabled {
            takes = Some(kind.title);
        }
        // The sandbox lives in the serving process, which this one is not.
        if kind.name == SANDBOX {
            continue;
        }
        match accounts::examine(app, clinic, kind.name).await {
            Ok(lines) => looks.extend(lines.into_iter().map(|line| {
                let what = format!("{}, {}, {}", clinic.name, kind.title, line.what);
                Look::new(what, line.verdict, line.text)
            })),
            Err(error) => {
                let what = format!("{}, {}", clinic.name, kind.title);
                looks.push(Look::of(&what, Some(error.to_string())));
            }
        }
    }
    let what = format!("{}, new payments", clinic.name);
    looks.push(match takes {
        Some(title) => Look::new(what, Verdict::Ok, format!("taken by {title}")),
        None => Look::new(
            what,
            Verdict::Warning,
            "no provider takes payments: patients cannot pay online",
        ),
    });
    looks
}
