//! A clinic of its own in a database of its own, and the real program serving it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use remit_app::keys::Keys;

use crate::load::Connection;

const SIGTERM: i32 = 15;

pub struct House {
    program: PathBuf,
    pub url: String,
    key_file: PathBuf,
    pub clinic: String,
    pub api_key: String,
}

impl House {
    /// Founds a clinic in test mode on an empty database.
    pub fn found(program: &Path, dir: &Path, url: &str) -> Result<House> {
        let mut house = House {
            program: program.to_owned(),
            url: url.to_owned(),
            key_file: dir.join("master.key"),
            clinic: String::new(),
            api_key: String::new(),
        };
        if !house.key_file.exists() {
            std::fs::write(&house.key_file, Keys::generate()?)?;
        }
        let clinic = [
            "init",
            "--test-mode",
            "--name",
            "Bench Clinic",
            "--phone",
            "020 7946 0000",
        ];
        let owner = [
            "--owner-email",
            "owner@clinic.example",
            "--owner-name",
            "Owner",
        ];
        house.clinic = house.says(&[&clinic[..], &owner[..]].concat(), "clinic")?;
        house.api_key = house.says(&["apikey", "--name", "bench", "--role", "owner"], "api_key")?;
        Ok(house)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("REMIT_DATABASE_URL", &self.url)
            .env("REMIT_MASTER_KEY_FILE", &self.key_file)
            .env("REMIT_LOG", "warn")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of the program and reads one `key: value` line of what it says.
    fn says(&self, args: &[&str], key: &str) -> Result<String> {
        let out = self.command().args(args).output()?;
        let (text, error) = (
            String::from_utf8(out.stdout)?,
            String::from_utf8_lossy(&out.stderr),
        );
        ensure!(out.status.success(), "remit {args:?}: {error}");
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let value = line.and_then(|rest| rest.strip_prefix(": "));
        Ok(value
            .with_context(|| format!("remit {args:?} did not say {key}"))?
            .to_owned())
    }

    pub fn keys(&self) -> Result<Keys> {
        Ok(Keys::parse(&std::fs::read_to_string(&self.key_file)?)?)
    }

    /// Starts `remit serve`; answers with how long it took to be ready.
    pub async fn serve(&self) -> Result<(Served, Duration)> {
        let mut command = self.command();
        command.arg("serve");
        Served::start(command).await
    }
}

/// `remit demo` on a folder, the first time or again.
pub async fn demo(program: &Path, dir: &Path) -> Result<(Served, Duration)> {
    let mut command = Command::new(program);
    command
        .arg("demo")
        .arg("--data")
        .arg(dir)
        .env("REMIT_LOG", "warn")
        .stdin(Stdio::null());
    Served::start(command).await
}

/// The program while it serves; stopped when dropped.
pub struct Served {
    child: Child,
    /// Kept open: a program that cannot say what it has to say ends.
    _says: BufReader<ChildStdout>,
    /// `127.0.0.1:port`.
    pub host: String,
}

impl Served {
    async fn start(mut command: Command) -> Result<(Served, Duration)> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let host = format!("127.0.0.1:{port}");
        command
            .args(["--listen", &host])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().context("the program did not start")?;
        let mut says = BufReader::new(child.stdout.take().context("standard output")?);
        let mut line = String::new();
        let served = Served {
            child,
            host: host.clone(),
            _says: {
                says.read_line(&mut line)?;
                says
            },
        };
        ensure!(
            line.starts_with("url: "),
            "the program ended before it was ready"
        );
        let (status, body) = Connection::open(&host)
            .await?
            .send("GET /readyz", "", "")
            .await?;
        ensure!(status == 200, "/readyz answered {status}: {body}");
        Ok((served, began.elapsed()))
    }

    /// A figure of `/proc/PID/status` in MB, such as `VmRSS` (now) or `VmHWM` (the most so far).
    pub fn memory(&self, which: &str) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(which));
        let kilobytes =
            line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
        Ok(kilobytes.context("no such figure")?.parse::<f64>()? / 1024.0)
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()?;
        let end = self.child.wait()?;
        // Asked so soon after its start that nobody listened for the question yet: it ended all the same.
        let at_once = end.signal() == Some(SIGTERM);
        ensure!(end.success() || at_once, "the program ended with {end}");
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already where it was stopped in order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
