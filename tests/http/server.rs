//! The real binary as a child process: started in a scratch folder, heard, stopped, killed.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_remit");
/// An unoptimised build makes and fills the demo's database in a few seconds on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// A folder that goes when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(what: &str) -> Folder {
        let name = format!("remit-{what}-{}-{:08x}", std::process::id(), random());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a scratch folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays for whoever looks into why.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A number of chance, for names.
pub fn random() -> u32 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let hasher = std::collections::hash_map::RandomState::new().build_hasher();
    u32::try_from(hasher.finish() & 0xffff_ffff).unwrap_or_default()
}

/// How a process is started.
#[derive(Clone)]
pub struct Start {
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
}

impl Start {
    pub fn demo(folder: &Path, database: Option<&str>) -> Start {
        // Without its two months of history, which no flow reads.
        let mut args = vec![
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--history-days",
            "0",
            "--data",
        ];
        let folder = folder.display().to_string();
        args.push(&folder);
        if let Some(database) = database {
            args.extend(["--database-url", database]);
        }
        Start {
            args: args.into_iter().map(str::to_owned).collect(),
            env: vec![],
        }
    }

    /// A second node on the database of a demo.
    pub fn serve(folder: &Path, database: &str, public_url: &str) -> Start {
        let key = folder.join("master.key").display().to_string();
        let env = [
            ("REMIT_DATABASE_URL", database),
            ("REMIT_MASTER_KEY_FILE", &key),
            ("REMIT_PUBLIC_URL", public_url),
        ];
        Start {
            args: ["serve", "--listen", "127.0.0.1:0"]
                .map(str::to_owned)
                .into(),
            env: env
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        }
    }

    pub fn with(mut self, env: &[(&str, &str)]) -> Start {
        let more = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.env.extend(more);
        self
    }
}

/// A running process. It is killed when dropped.
pub struct Server {
    child: Child,
    /// `key: value` lines of standard output.
    said: Vec<(String, String)>,
    /// Standard error, line by line.
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a process and waits until it has said the last of `ready`.
    pub fn start(start: &Start, ready: &str) -> Server {
        let mut command = Command::new(BINARY);
        command
            .args(&start.args)
            .env_remove("REMIT_DATABASE_URL")
            .env_remove("REMIT_LISTEN")
            .env("REMIT_LOG", "debug")
            .env("NO_COLOR", "1")
            .envs(start.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(err.expect("piped")).lines() {
                let Ok(line) = line else { return };
                kept.lock().expect("no writer panics").push(line);
            }
        });
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out.expect("piped")).lines() {
                let Ok(line) = line else { return };
                if let Some((key, value)) = line.split_once(": ") {
                    // Nobody listens any more once the process is ready.
                    let _ = tell.send((key.to_owned(), value.to_owned()));
                }
            }
        });
        let mut server = Server {
            child,
            said: vec![],
            log,
        };
        while server.value(ready).is_none() {
            match told.recv_timeout(READY_WITHIN) {
                Ok(pair) => server.said.push(pair),
                Err(_) => panic!("not ready: {:?}\n{}", start.args, server.last_words()),
            }
        }
        server
    }

    pub fn value(&self, key: &str) -> Option<&str> {
        let found = self.said.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    pub fn says(&self, key: &str) -> String {
        let value = self.value(key);
        value.unwrap_or_else(|| panic!("says no {key}")).to_owned()
    }

    /// What it logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no writer panics").clone()
    }

    /// Warnings and errors.
    pub fn troubles(&self) -> Vec<String> {
        let mut log = self.log();
        log.retain(|line| line.contains("WARN") || line.contains("ERROR"));
        log
    }

    fn last_words(&self) -> String {
        let log = self.log();
        log[log.len().saturating_sub(20)..].join("\n")
    }

    /// As if the power went. Waits for its end.
    pub fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end; answers its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let asked = Command::new("kill")
            .args(["-TERM", &self.pid().to_string()])
            .status();
        assert!(asked.is_ok_and(|status| status.success()), "SIGTERM");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command of the binary to its end: success, and what it printed.
pub fn run(args: &[&str], env: &[(&str, &str)]) -> (bool, String) {
    let done = Command::new(BINARY)
        .args(args)
        .env_remove("REMIT_DATABASE_URL")
        .env("REMIT_LOG", "warn")
        .envs(env.iter().copied())
        .output()
        .expect("the binary starts");
    let text = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}
