//! Remit: payment links for clinics. One binary: `remit demo` to try it, `remit serve` for the real thing.

mod backup;
mod check;
mod clinic;
mod demo;
mod doctor;
mod migrate;
mod reconcile;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Payment links for clinics.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A ready clinic with a payment sandbox and a message tray, to try everything without moving money.
    Demo(demo::Args),
    /// Serves clinics.
    Serve(serve::Args),
    /// Founds the first clinic and its owner.
    Init(clinic::InitArgs),
    /// Brings the database's schema up to this release.
    Migrate(settings::Database),
    /// Checks the invariants of the live data; exit code 1 when one does not hold.
    Check(check::Args),
    /// Looks at environment and configuration and says what to mend.
    Doctor(doctor::Args),
    /// Compares what every provider has with ours and records what is missing; exit code 1 when something is left.
    Reconcile(reconcile::Args),
    /// Copies the database as it stands into a new file, while Remit works (SQLite).
    Backup(backup::BackupArgs),
    /// Puts a backup back and has the next start replay what happened since.
    Restore(backup::RestoreArgs),
    /// Makes an API key.
    Apikey(clinic::ApiKeyArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Who tries the demo wants to read what it prints, not what it does.
    settings::start_logging(if matches!(cli.command, Command::Demo(_)) {
        "warn"
    } else {
        "info"
    });
    // One TLS provider for the whole process; a second call would be ours too, so its answer does not matter.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("remit: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Serve(args) => serve::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Init(args) => clinic::init(args).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate(args) => migrate::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Check(args) => check::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Reconcile(args) => reconcile::run(args).await,
            Command::Backup(args) => backup::back_up(args).await.map(|()| ExitCode::SUCCESS),
            Command::Restore(args) => backup::restore(args).await.map(|()| ExitCode::SUCCESS),
            Command::Apikey(args) => clinic::api_key(args).await.map(|()| ExitCode::SUCCESS),
        }
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("remit: {error:#}");
            ExitCode::FAILURE
        }
    }
}
