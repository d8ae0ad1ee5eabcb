//! `remit demo`: a ready clinic on SQLite (or a given PostgreSQL) with the sandbox as its provider, a sample diary and
//! a message tray. Started again on the same folder it goes on where it was.

mod clinic;
mod diary;
mod history;
mod patients;
mod stories;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use remit_app::actor::Who;
use remit_app::{Actor, App, Config, clinics, keys, notifications, worker};
use remit_core::ids::StaffId;
use serde::{Deserialize, Serialize};

use crate::{serve, settings};

#[derive(clap::Args)]
pub struct Args {
    /// Address and port to listen on; port 0 picks a free one.
    #[arg(long, env = "REMIT_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder of the demo: database, master key, sign-in.
    #[arg(long, default_value = "remit-demo")]
    data: PathBuf,
    /// Another database than SQLite in the folder.
    #[arg(long)]
    database_url: Option<String>,
    /// Where staff and patients reach it; the listening address when not given.
    #[arg(long, env = "REMIT_PUBLIC_URL")]
    public_url: Option<String>,
    /// Days of history that a new demo makes up, 0 to 60.
    #[arg(long, default_value_t = history::DAYS, value_parser = clap::value_parser!(i64).range(0..=history::DAYS))]
    history_days: i64,
    #[command(flatten)]
    sending: crate::settings::Sending,
    #[command(flatten)]
    trust: crate::settings::Trust,
}

/// Days from the founding to the first day of the demo's past.
const FOUNDED_BEFORE: i64 = 5;

/// What stays the same over restarts. It is a demo: the file lies beside its database, readable by this user only.
#[derive(Serialize, Deserialize)]
struct SignIn {
    email: String,
    password: String,
    api_key: String,
}

pub async fn run(args: Args) -> Result<()> {
    let asked = serve::StopSignal::listen()?;
    std::fs::create_dir_all(&args.data)
        .with_context(|| format!("{} cannot be made", args.data.display()))?;
    let listener = serve::listen(args.listen).await?;
    let self_url = serve::own_url(listener.local_addr()?);
    let public_url = args
        .public_url
        .unwrap_or_else(|| self_url.clone())
        .trim_end_matches('/')
        .to_owned();
    let database = args
        .database_url
        .unwrap_or_else(|| format!("sqlite://{}", args.data.join("remit.db").display()));
    let store = remit_app::open(&database)
        .await
        .context("the database cannot be opened")?;
    for version in worker::migrate(&store).await? {
        eprintln!("made the database's schema, version {version}");
    }
    let keys = settings::master_key(&args.data.join("master.key"), true)?;
    let sign_in = sign_in(&args.data.join("demo.json"))?;
    let config = Config {
        public_url: public_url.clone(),
        self_url,
        messages_a_day: args.sending.messages_a_day,
        demo: true,
        roots: args.trust.roots()?,
        demo_sign_in: Some((sign_in.email.clone(), sign_in.password.clone())),
    };
    let app = App::new(store, config, keys)?;
    worker::take_over(&app).await?;
    let fresh = clinics::list(&app).await?.is_empty();
    // The past is made with the clock set back, so the background work waits for it.
    let (seeded, ready) = tokio::sync::oneshot::channel::<()>();
    let ready = async move {
        // A dropped sender ends the waiting as well: the demo is about to end then.
        let _ = ready.await;
    };
    let serving = tokio::spawn(serve::serve(app.clone(), listener, vec![], ready, asked));
    if fresh {
        seed(&app, &sign_in, args.history_days)
            .await
            .context("filling the demo's diary")?;
    }
    // Nobody waits any more only when serving has ended, which is told below.
    let _ = seeded.send(());
    println!("url: {public_url}");
    println!("email: {}", sign_in.email);
    println!("password: {}", sign_in.password);
    println!("api_key: {}", sign_in.api_key);
    eprintln!("The patient's phone is at {public_url}/demo/messages. Ctrl C stops the demo.");
    serving.await.context("serving")?
}

/// Reads the sign-in of an earlier start, or makes one.
fn sign_in(file: &Path) -> Result<SignIn> {
    if file.exists() {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        return serde_json::from_str(&text)
            .with_context(|| format!("{} is not the demo's sign-in", file.display()));
    }
    let sign_in = SignIn {
        email: clinic::OWNER_EMAIL.into(),
        password: format!("larkhill-{}", keys::random_hex(4)?),
        api_key: format!("rk_{}{}", keys::random_secret()?, keys::random_secret()?),
    };
    settings::write_private(file, &serde_json::to_string_pretty(&sign_in)?)?;
    Ok(sign_in)
}

/// Fills a new database, saying what it does.
async fn seed(app: &Arc<App>, sign_in: &SignIn, days: i64) -> Result<()> {
    // It was founded before its first appointment was booked, so that its provider's books go back as far as its
    // payments.
    let before = (history::DAYS + FOUNDED_BEFORE) * remit_core::DAY_MS;
    app.store.shift_clock(-before);
    let founded = found(app, sign_in).await;
    app.store.shift_clock(before);
    let (desk, people, practitioners, services, patients) = founded?;
    let past = stories::Past {
        app,
        desk: &desk,
        practitioners: &practitioners,
        services: &services,
        patients: &patients,
        zone: jiff::tz::TimeZone::get("Europe/London")?,
        now: app.now().await?,
    };
    eprintln!("playing the {days} days before");
    history::play(&past, days).await?;
    eprintln!("filling the diary around today");
    diary::fill(&past).await?;
    clinic::away(app, &desk, &practitioners).await?;
    // Nobody was away all the time: what is new at the bell is of the last day.
    let yesterday = app.now().await? - remit_core::DAY_MS;
    for person in people {
        let actor = Actor {
            who: Who::Staff(person),
            ..desk.clone()
        };
        notifications::mark_read(app, &actor, yesterday).await?;
    }
    eprintln!("ready");
    Ok(())
}

type Founded = (
    Actor,
    [StaffId; 2],
    Vec<remit_app::views::Practitioner>,
    Vec<remit_app::views::Service>,
    Vec<remit_app::views::Patient>,
);

async fn found(app: &Arc<App>, sign_in: &SignIn) -> Result<Founded> {
    eprintln!("founding Larkhill Clinic");
    let (desk, people) = clinic::found(app, &sign_in.password, &sign_in.api_key).await?;
    eprintln!("adding practitioners and services");
    let (practitioners, services) = clinic::furnish(app, &desk).await?;
    eprintln!("adding patients");
    let patients = patients::add(app, &desk).await?;
    Ok((desk, people, practitioners, services, patients))
}
