//! `scripts/bench`: Remit measured beside a raw floor on the same machine, in one run.
//!
//! Read the ratios; the plain figures belong to the machine. Not part of the release build.

mod fill;
mod floor;
mod house;
mod load;
mod report;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use house::{House, Served};
use load::{Connection, Figures, ms};
use report::{AGAINST, against, head, line, verdict};
use sqlx::{Connection as _, Executor as _};

#[derive(Parser)]
struct Args {
    /// Two minutes in all: short spans, and no million links.
    #[arg(long)]
    quick: bool,
    /// The release build of the program.
    #[arg(long)]
    program: PathBuf,
    /// A PostgreSQL on which databases may be made; without it only SQLite is measured.
    #[arg(long)]
    postgres: Option<String>,
    /// Parts to run: pages, links, webhooks, lists, starts. All without it.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

struct Bench {
    args: Args,
    dir: PathBuf,
    span: Duration,
    appointments: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, floor, url, clinic, listen] = words.as_slice()
        && floor == "floor"
    {
        return floor::serve(url, clinic.clone(), listen).await;
    }
    let args = Args::parse();
    let dir = std::env::temp_dir().join(format!("remit-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let bench = Bench {
        span: Duration::from_secs(if args.quick { 2 } else { 8 }),
        appointments: if args.quick { 30_000 } else { 120_000 },
        args,
        dir: dir.clone(),
    };
    let done = bench.run().await;
    std::fs::remove_dir_all(&dir)?;
    done
}

impl Bench {
    async fn run(&self) -> Result<()> {
        self.machine()?;
        if self.wants("starts") {
            self.starts().await?;
        }
        if ["pages", "links", "webhooks"]
            .iter()
            .any(|part| self.wants(part))
        {
            self.doors("SQLite", &self.file("remit.db")).await?;
        }
        if self.wants("links")
            && let Some(server) = &self.args.postgres
        {
            let database = made(server, "remit").await?;
            self.doors("PostgreSQL", &database).await?;
        }
        if self.wants("lists") {
            self.lists().await?;
        }
        Ok(())
    }

    fn wants(&self, part: &str) -> bool {
        self.args.only.is_empty() || self.args.only.iter().any(|only| only == part)
    }

    fn file(&self, name: &str) -> String {
        format!("sqlite://{}?mode=rwc", self.dir.join(name).display())
    }

    fn found(&self, url: &str) -> Result<House> {
        House::found(&self.args.program, &self.dir, url)
    }

    /// The machine, and how often its disk makes something durable: the ground under every write.
    fn machine(&self) -> Result<()> {
        let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model
            .unwrap_or("unknown")
            .trim_start_matches(['\t', ' ', ':']);
        let cores = std::thread::available_parallelism()?;
        let load = std::fs::read_to_string("/proc/loadavg")?;
        let mut file = std::fs::File::create(self.dir.join("sync"))?;
        let began = Instant::now();
        let mut syncs = 0_u32;
        while began.elapsed() < Duration::from_secs(1) {
            std::io::Write::write_all(&mut file, &[7; 4096])?;
            file.sync_data()?;
            syncs += 1;
        }
        println!(
            "{model}, {cores} cores; {syncs} fdatasync/s of 4 KB appended; load before: {}",
            load.trim()
        );
        Ok(())
    }

    /// Pages, links and webhooks through the doors of one served clinic, each beside its floor.
    async fn doors(&self, engine: &str, url: &str) -> Result<()> {
        let lite = engine == "SQLite";
        let house = self.found(url)?;
        fill::appointments(&house, self.appointments).await?;
        let bare_url = match &self.args.postgres {
            Some(server) if !lite => made(server, "floor").await?,
            _ => self.file("floor.db"),
        };
        let bare = self.found(&bare_url)?;
        fill::appointments(&bare, self.appointments).await?;
        let (served, _) = house.serve().await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let at_rest = served.memory("VmRSS")?;
        head(&format!("On {engine}"), AGAINST);
        let next = AtomicU64::new(0);
        if self.wants("links") {
            self.links(&house, &bare, &served, &next).await?;
        }
        let routes = Floor::start(&bare).await?;
        if lite && self.wants("pages") {
            self.pages(&house, &served, &routes, &next).await?;
        }
        if lite && self.wants("webhooks") {
            self.webhooks(&house, &served, &routes).await?;
        }
        let most = served.memory("VmHWM")?;
        println!(
            "\nMemory on {engine}: {at_rest:.0} MB at rest (goal: under 60: {}), at most {most:.0} MB under load (goal: \
             under 150: {})",
            verdict(at_rest < 60.0),
            verdict(most < 150.0)
        );
        served.stop()
    }

    async fn links(
        &self,
        house: &House,
        bare: &House,
        served: &Served,
        next: &AtomicU64,
    ) -> Result<()> {
        let db = floor::Db::open(&bare.url).await?;
        let bare_next = AtomicU64::new(0);
        for (connections, goal) in [(1, 50.0), (32, 80.0)] {
            let lanes = vec![(); connections];
            let floor = load::repeat(lanes, self.span, &bare_next, async |(), number| {
                db.issue(&bare.clinic, number).await
            })
            .await?;
            let lanes = open(&served.host, connections).await?;
            let remit = load::repeat(lanes, self.span, next, async |lane, number| {
                issue(lane, house, number, "").await.map(drop)
            })
            .await?;
            against(
                &format!("link created, {connections} at once"),
                &floor,
                &remit,
                goal,
                None,
            );
            if connections == 1 {
                let lanes = open(&served.host, 1).await?;
                let keyed = load::repeat(lanes, self.span, next, async |lane, number| {
                    let key = format!("idempotency-key: bench-{number}\r\n");
                    issue(lane, house, number, &key).await.map(drop)
                });
                let label = "the same with an Idempotency-Key (for information)";
                against(label, &floor, &keyed.await?, 0.0, None);
            }
        }
        Ok(())
    }

    async fn pages(
        &self,
        house: &House,
        served: &Served,
        routes: &Floor,
        next: &AtomicU64,
    ) -> Result<()> {
        let mut lane = Connection::open(&served.host).await?;
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let answer: serde_json::Value =
            serde_json::from_str(&issue(&mut lane, house, number, "").await?)?;
        let page = answer["url"].as_str().context("a link has an address")?;
        let row = format!("http://{}/row/{}", routes.host, fill::appointment(3));
        // Once unmeasured: connections, caches and prepared statements.
        for url in [row.as_str(), page] {
            load::wrk(url, 32, Duration::from_secs(1))?;
        }
        let floor = load::wrk(&row, 32, self.span)?;
        let remit = load::wrk(page, 32, self.span)?;
        against(
            "patient page, 32 at once",
            &floor,
            &remit,
            50.0,
            Some(Duration::from_millis(5)),
        );
        Ok(())
    }

    async fn webhooks(&self, house: &House, served: &Served, routes: &Floor) -> Result<()> {
        let endpoint = fill::endpoint(house).await?;
        let next = AtomicU64::new(0);
        for connections in [1, 8] {
            let lanes = open(&routes.host, connections).await?;
            let floor = load::repeat(lanes, self.span, &next, async |lane, number| {
                let body = event(&endpoint.account, number);
                let (status, body) = lane
                    .send("POST /hook", "content-type: text/plain\r\n", &body)
                    .await?;
                ensure!(status == 200, "the floor answered {status}: {body}");
                Ok(())
            })
            .await?;
            let lanes = open(&served.host, connections).await?;
            let remit = load::repeat(lanes, self.span, &next, async |lane, number| {
                let body = event(&endpoint.account, number);
                let signature = remit_gateways::signature::sign(
                    &endpoint.secret,
                    fill::now_ms(),
                    body.as_bytes(),
                );
                let headers =
                    format!("sandbox-signature: {signature}\r\ncontent-type: application/json\r\n");
                let (status, body) = lane
                    .send(&format!("POST /hooks/{}", endpoint.id), &headers, &body)
                    .await?;
                ensure!(status == 200, "the webhook was answered {status}: {body}");
                Ok(())
            })
            .await?;
            let label = format!("webhook acknowledged, {connections} at once");
            against(
                &label,
                &floor,
                &remit,
                80.0,
                Some(Duration::from_millis(10)),
            );
        }
        Ok(())
    }

    /// Online Payments at two sizes, through the API, 50 rows a page, one request after another.
    async fn lists(&self) -> Result<()> {
        let sizes: &[u64] = if self.args.quick {
            &[10_000]
        } else {
            &[10_000, 1_000_000]
        };
        let mut measured = Vec::new();
        for size in sizes {
            let house = self.found(&self.file(&format!("lists-{size}.db")))?;
            fill::links(&house, *size).await?;
            let (served, _) = house.serve().await?;
            // The first round announces what has expired meanwhile.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let mut figures = Vec::new();
            for (_, query) in QUERIES {
                figures.push(self.list(&house, &served, query).await?);
            }
            served.stop()?;
            measured.push(figures);
        }
        head(
            "Online Payments on SQLite",
            &["what", "links", "p50 / p99 ms", "goal"],
        );
        for (at, (name, _)) in QUERIES.iter().enumerate() {
            let small = &measured[0][at];
            for (size, figures) in sizes.iter().zip(&measured) {
                let ratio = figures[at].p50.as_secs_f64() / small.p50.as_secs_f64();
                let met = figures[at].p99 < Duration::from_millis(20) && ratio < 2.0;
                line(&[
                    (*name).to_owned(),
                    size.to_string(),
                    format!("{} / {}", ms(figures[at].p50), ms(figures[at].p99)),
                    format!(
                        "p99 < 20 ms, {ratio:.2} of the small one < 2: {}",
                        verdict(met)
                    ),
                ]);
            }
        }
        Ok(())
    }

    async fn list(&self, house: &House, served: &Served, query: &str) -> Result<Figures> {
        let mut lane = Connection::open(&served.host).await?;
        let back = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(200 * 24);
        let query = query.replace("{back}", &format!("{back:.0}"));
        let headers = format!("authorization: Bearer {}\r\n", house.api_key);
        let mut times = Vec::new();
        for round in 0..220 {
            let start = Instant::now();
            let (status, body) = lane
                .send(&format!("GET /api/v1/payment-links?{query}"), &headers, "")
                .await?;
            ensure!(status == 200, "{query} was answered {status}: {body}");
            if round >= 20 {
                times.push(start.elapsed());
            }
        }
        let took = times.iter().sum();
        Figures::of(times, took)
    }

    /// Starting on a database that is there already.
    async fn starts(&self) -> Result<()> {
        let rounds = if self.args.quick { 5 } else { 15 };
        let house = self.found(&self.file("starts.db"))?;
        fill::appointments(&house, 1000).await?;
        let demo_dir = self.dir.join("demo");
        let (served, first) = house::demo(&self.args.program, &demo_dir).await?;
        served.stop()?;
        let (mut serve, mut demo) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (served, took) = house.serve().await?;
            served.stop()?;
            serve.push(took);
            let (served, took) = house::demo(&self.args.program, &demo_dir).await?;
            served.stop()?;
            demo.push(took);
        }
        head(
            "Starting, to /readyz",
            &["what", "p50 ms", "slowest ms", "goal"],
        );
        let rows = [
            ("remit serve", serve, 150),
            ("remit demo, again", demo, 1000),
        ];
        for (name, mut times, most) in rows {
            times.sort_unstable();
            let (middle, slowest) = (times[times.len() / 2], times[times.len() - 1]);
            let met = slowest < Duration::from_millis(most);
            let goal = format!("< {most} ms: {}", verdict(met));
            line(&[name.into(), ms(middle), ms(slowest), goal]);
        }
        println!(
            "\nThe first start of `remit demo`, with its data made: {} ms",
            ms(first)
        );
        Ok(())
    }
}

/// What is asked of the list: the tabs, a page deep down, and every kind of search.
const QUERIES: &[(&str, &str)] = &[
    ("first page", "limit=50"),
    ("200 days back", "limit=50&created_to={back}"),
    ("status paid", "limit=50&status=paid"),
    ("status expired", "limit=50&status=expired"),
    ("status accessed", "limit=50&status=accessed"),
    ("rare surname", "limit=50&q=zyskind"),
    ("common surname", "limit=50&q=smith"),
    ("first name of all and surname", "limit=50&q=anna%20smith"),
    ("phone", "limit=50&q=07700000123"),
    ("email", "limit=50&q=p123%40mail.example"),
    ("reference", "limit=50&q=PL-001EEF"),
    ("nobody", "limit=50&q=nobody"),
];

/// Issues a link for the whole balance of an appointment that has none; answers with the body.
async fn issue(lane: &mut Connection, house: &House, number: u64, more: &str) -> Result<String> {
    let path = format!(
        "POST /api/v1/appointments/{}/payment-links",
        fill::appointment(number)
    );
    let headers = format!(
        "authorization: Bearer {}\r\ncontent-type: application/json\r\n{more}",
        house.api_key
    );
    let (status, body) = lane
        .send(&path, &headers, r#"{"purpose":"balance"}"#)
        .await?;
    if status != 201 {
        bail!("a link was answered {status}: {body}");
    }
    Ok(body)
}

/// An event that names nothing we keep: it is stored and acknowledged, and asks nothing of the background work.
fn event(account: &str, number: u64) -> String {
    let now = fill::now_ms();
    serde_json::json!({ "id": format!("evt_bench{number}"), "kind": "ping", "account": account, "livemode": false,
        "created_at": now, "object": { "object": "nothing", "id": "x" } })
    .to_string()
}

async fn open(host: &str, connections: usize) -> Result<Vec<Connection>> {
    let mut lanes = Vec::new();
    for _ in 0..connections {
        lanes.push(Connection::open(host).await?);
    }
    Ok(lanes)
}

/// Makes an empty database on a PostgreSQL server.
async fn made(server: &str, name: &str) -> Result<String> {
    let name = format!("{name}_bench_{}", std::process::id());
    let mut conn = sqlx::PgConnection::connect(server).await?;
    conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await?;
    let (start, _) = server
        .rsplit_once('/')
        .context("an address ends in /database")?;
    Ok(format!("{start}/{name}"))
}

/// The floor's routes, in a process of their own as Remit is.
struct Floor {
    child: Child,
    host: String,
}

impl Floor {
    async fn start(bare: &House) -> Result<Floor> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let host = format!("127.0.0.1:{port}");
        let child = Command::new(std::env::current_exe()?)
            .args(["floor", &bare.url, &bare.clinic, &host])
            .stdin(Stdio::null())
            .spawn()?;
        let floor = Floor { child, host };
        for _ in 0..500 {
            if Connection::open(&floor.host).await.is_ok() {
                return Ok(floor);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("the floor did not start")
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // A floor that ended by itself has failed the measurement already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
