//! Load and its figures: a small HTTP client that costs little beside what it measures, and `wrk` for pages.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How many a second, and how long one takes.
#[derive(Clone, Debug)]
pub struct Figures {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
}

impl Figures {
    pub fn of(mut times: Vec<Duration>, took: Duration) -> Result<Figures> {
        ensure!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        Ok(Figures {
            per_second: times.len() as f64 / took.as_secs_f64(),
            p50: at(50),
            p99: at(99),
        })
    }
}

/// Milliseconds as they are printed.
pub fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

/// One kept-alive HTTP/1.1 connection.
pub struct Connection {
    stream: TcpStream,
    host: String,
    read: Vec<u8>,
}

impl Connection {
    pub async fn open(host: &str) -> Result<Connection> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            host: host.to_owned(),
            read: vec![0; 256 * 1024],
        })
    }

    /// Sends one request and reads its answer whole: status and body.
    pub async fn send(&mut self, line: &str, headers: &str, body: &str) -> Result<(u16, String)> {
        let request = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        let (head, length) = loop {
            filled += self.more(filled).await?;
            if let Some(head) = find(&self.read[..filled], b"\r\n\r\n") {
                let text = std::str::from_utf8(&self.read[..head])?.to_ascii_lowercase();
                let length = text
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"));
                let length: usize = length.map_or(Ok(0), |text| text.trim().parse())?;
                break (head, length);
            }
        };
        let end = head + 4 + length;
        while filled < end {
            filled += self.more(filled).await?;
        }
        let status = std::str::from_utf8(&self.read[9..12])?.parse()?;
        let body = String::from_utf8_lossy(&self.read[head + 4..end]).into_owned();
        Ok((status, body))
    }

    async fn more(&mut self, filled: usize) -> Result<usize> {
        if filled == self.read.len() {
            self.read.resize(filled * 2, 0);
        }
        let got = self.stream.read(&mut self.read[filled..]).await?;
        ensure!(got > 0, "{} closed the connection", self.host);
        Ok(got)
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}

/// Repeats `work` in `lanes` tasks for `span`. It is given the lane's state and a number that never comes twice.
pub async fn repeat<S, W>(
    lanes: Vec<S>,
    span: Duration,
    from: &AtomicU64,
    work: W,
) -> Result<Figures>
where
    S: Send,
    W: AsyncFn(&mut S, u64) -> Result<()>,
{
    let began = Instant::now();
    let runs = lanes.into_iter().map(|mut lane| {
        let work = &work;
        async move {
            let mut times = Vec::new();
            while began.elapsed() < span {
                let number = from.fetch_add(1, Ordering::Relaxed);
                let start = Instant::now();
                work(&mut lane, number).await?;
                times.push(start.elapsed());
            }
            anyhow::Ok(times)
        }
    });
    let times = futures_util::future::try_join_all(runs).await?;
    Figures::of(times.concat(), began.elapsed())
}

/// `wrk` on one address. Fails when any answer was not 2xx.
pub fn wrk(url: &str, connections: u32, span: Duration) -> Result<Figures> {
    let out = Command::new("wrk")
        .args(["-t1", "--latency"])
        .arg(format!("-c{connections}"))
        .arg(format!("-d{}s", span.as_secs()))
        .arg(url)
        .output()
        .context("wrk did not run; install it (Debian: apt-get install wrk)")?;
    let text = String::from_utf8_lossy(&out.stdout);
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!("{url} failed under load:\n{text}");
    }
    let after = |label: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(label))
            .map(str::trim)
            .with_context(|| format!("wrk did not say {label}:\n{text}"))
    };
    Ok(Figures {
        per_second: after("Requests/sec:")?.parse()?,
        p50: time(after("50%")?)?,
        p99: time(after("99%")?)?,
    })
}

/// `870.00us`, `4.31ms`, `1.02s`.
fn time(text: &str) -> Result<Duration> {
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .context("a time has a unit")?;
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => bail!("{text:?} is not a time that wrk prints"),
    };
    Ok(Duration::from_secs_f64(number.parse::<f64>()? * factor))
}
