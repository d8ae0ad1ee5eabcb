//! `remit init` and `remit apikey`: the first clinic, its owner, and keys for programs.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use remit_app::{Actor, App, Config, Roots, api_keys, clinics, keys, sign_in};
use remit_core::clinic::Clinic;
use remit_core::money::Currency;
use remit_core::roles::Role;

use crate::settings::{self, Database, MasterKey};

#[derive(clap::Args)]
pub struct InitArgs {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    /// The clinic's trading name, as patients read it.
    #[arg(long)]
    name: String,
    /// The owner's email address; it is what they sign in with.
    #[arg(long)]
    owner_email: String,
    #[arg(long)]
    owner_name: String,
    #[arg(long, default_value = "")]
    address: String,
    #[arg(long, default_value = "")]
    phone: String,
    #[arg(long, default_value = "")]
    email: String,
    /// ISO 4217.
    #[arg(long, default_value = "GBP")]
    currency: String,
    /// ISO 3166 alpha-2; national phone numbers are read as this country's.
    #[arg(long, default_value = "GB")]
    country: String,
    /// IANA time zone.
    #[arg(long, default_value = "Europe/London")]
    zone: String,
    /// Take payments through the sandbox: no money moves.
    #[arg(long)]
    test_mode: bool,
}

pub async fn init(args: InitArgs) -> Result<()> {
    let store = remit_app::open(&args.database.database_url)
        .await
        .context("the database cannot be opened")?;
    remit_app::worker::migrate(&store).await?;
    let keys = settings::master_key(&args.key.master_key_file, store.is_sqlite())?;
    let config = Config {
        public_url: "http://localhost".into(),
        self_url: "http://localhost".into(),
        demo: false,
        messages_a_day: remit_core::sending_limits::INSTALLATION_A_DAY,
        roots: Roots::default(),
        demo_sign_in: None,
    };
    let app = App::new(store, config, keys)?;
    let Some(currency) = Currency::parse(&args.currency) else {
        bail!("{:?} is not an ISO 4217 currency", args.currency);
    };
    if jiff::tz::TimeZone::get(&args.zone).is_err() {
        bail!(
            "{:?} is not an IANA time zone, such as Europe/London",
            args.zone
        );
    }
    let clinic = Clinic {
        id: app.fresh(app.now().await?)?,
        route: new_route()?,
        name: args.name,
        strapline: String::new(),
        address: args.address,
        phone: args.phone,
        email: args.email,
        currency,
        country: args.country,
        zone: args.zone,
        test_mode: args.test_mode,
        show_services: false,
        auto_refund: false,
    };
    clinics::found(&app, &clinic)
        .await
        .context("founding the clinic")?;
    let password = keys::random_secret()?;
    sign_in::add_staff(
        &app,
        clinic.id,
        &args.owner_email,
        &args.owner_name,
        Role::Owner,
        &password,
    )
    .await?;
    println!("clinic: {}", clinic.id);
    println!("email: {}", args.owner_email);
    println!("password: {password}");
    app.store.close().await;
    Ok(())
}

/// A fresh public prefix of a clinic's tokens.
pub fn new_route() -> Result<String> {
    Ok(keys::random_hex(2)?)
}

#[derive(clap::Args)]
pub struct ApiKeyArgs {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    /// What the key is for, as the timeline names it.
    #[arg(long)]
    name: String,
    /// viewer, reception, manager or owner.
    #[arg(long, default_value = "manager")]
    role: String,
    /// The clinic's id; may be left out when there is only one.
    #[arg(long)]
    clinic: Option<String>,
}

pub async fn api_key(args: ApiKeyArgs) -> Result<()> {
    let app = settings::offline(&args.database, &args.key, None, Roots::default()).await?;
    let Some(role) = Role::parse(&args.role) else {
        bail!("{:?} is not a role", args.role)
    };
    let clinic = the_clinic(&app, args.clinic.as_deref()).await?;
    println!(
        "api_key: {}",
        api_keys::create(&app, &Actor::remit(clinic.id), &args.name, role).await?
    );
    app.store.close().await;
    Ok(())
}

async fn the_clinic(app: &Arc<App>, id: Option<&str>) -> Result<Clinic> {
    let mut clinics = clinics::list(app).await?;
    let found = match id {
        Some(id) => clinics
            .into_iter()
            .find(|clinic| clinic.id.to_string() == id),
        None if clinics.len() > 1 => bail!("there are several clinics: name one with --clinic"),
        None => clinics.pop(),
    };
    found.context("there is no such clinic; `remit init` founds one")
}
