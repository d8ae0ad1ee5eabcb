//! `remit serve`, and the serving that the demo shares.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use remit_app::{App, Config, worker};
use remit_web::Options;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::settings::{self, Database, MasterKey, Sending, Trust};

#[derive(clap::Args)]
pub struct Args {
    /// Address and port to listen on.
    #[arg(long, env = "REMIT_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where staff and patients reach this installation; links are built from it.
    #[arg(long, env = "REMIT_PUBLIC_URL")]
    public_url: Option<String>,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    key: MasterKey,
    #[command(flatten)]
    sending: Sending,
    #[command(flatten)]
    trust: Trust,
    /// Proxies whose X-Forwarded-For is believed, separated by commas.
    #[arg(long, env = "REMIT_TRUSTED_PROXIES", value_delimiter = ',')]
    trusted_proxies: Vec<IpAddr>,
}

pub async fn run(args: Args) -> Result<()> {
    let asked = StopSignal::listen()?;
    let store = remit_app::open(&args.database.database_url)
        .await
        .context("the database cannot be opened")?;
    remit_app::worker::migrate(&store)
        .await
        .context("the schema could not be brought up to date")?;
    let keys = settings::master_key(&args.key.master_key_file, store.is_sqlite())?;
    let listener = listen(args.listen).await?;
    let self_url = own_url(listener.local_addr()?);
    let public_url = args.public_url.unwrap_or_else(|| self_url.clone());
    let public_url = public_url.trim_end_matches('/').to_owned();
    if !public_url.starts_with("https://") && !public_url.starts_with("http://") {
        bail!("REMIT_PUBLIC_URL must begin with https:// (or http:// for a try on this machine)");
    }
    let listening = self_url.clone();
    let config = Config {
        public_url: public_url.clone(),
        self_url,
        demo: false,
        messages_a_day: args.sending.messages_a_day,
        roots: args.trust.roots()?,
        demo_sign_in: None,
    };
    let app = App::new(store, config, keys)?;
    worker::take_over(&app).await?;
    println!("url: {public_url}");
    println!("listening: {listening}");
    serve(
        app,
        listener,
        args.trusted_proxies,
        std::future::ready(()),
        asked,
    )
    .await
}

pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} is in use or not ours; choose another with --listen"))
}

/// How this machine reaches a listener of its own.
pub fn own_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// Serves until SIGTERM or Ctrl C, then lets requests and work under way end. The background work begins once `ready`
/// is done.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    trusted_proxies: Vec<IpAddr>,
    ready: impl Future<Output = ()> + Send + 'static,
    mut asked: StopSignal,
) -> Result<()> {
    let (stop, stopped) = watch::channel(false);
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .ok();
    let options = Options {
        trusted_proxies,
        metrics: recorder.map(|handle| Arc::new(move || handle.render()) as _),
        stop: stopped.clone(),
    };
    let (work_app, work_stopped) = (app.clone(), stopped.clone());
    let work = tokio::spawn(async move {
        ready.await;
        worker::start(work_app, work_stopped).await;
    });
    let router = remit_web::router(app.clone(), options);
    let mut ending = stopped;
    let serving = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is the end as well.
        let _ = ending.wait_for(|stop| *stop).await;
    });
    let signal = async {
        asked.given().await;
        tracing::info!("stopping");
        // Nobody listens any more only when everything has ended already.
        let _ = stop.send(true);
        std::future::pending::<()>().await
    };
    tokio::select! {
        served = serving => served.context("serving")?,
        () = signal => {}
    }
    work.await.context("background work")?;
    app.store.close().await;
    Ok(())
}

/// The wish to stop: SIGTERM or Ctrl C. Listened for before anybody is told that the process is up, since from then on
/// it may be asked to end.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    pub fn listen() -> Result<StopSignal> {
        Ok(StopSignal {
            terminate: signal(SignalKind::terminate()).context("listening for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listening for Ctrl C")?,
        })
    }

    async fn given(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
