//! A mail server over TCP (RFC 5321): one conversation at a time per connection, with sign-in, and faults by recipient.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Letter;

pub const NAME: &str = "desk";
pub const PASSWORD: &str = "fake mail password";
const LINE_MAX: usize = 2_000;

/// What goes wrong with an email to one address. Each is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// An answer to `RCPT TO`: `550 5.1.1 no such user`.
    Recipient(&'static str),
    /// An answer to the whole message.
    Message(&'static str),
    /// The connection is cut before the message was taken.
    CutBefore,
    /// The message is taken and the connection is cut before the answer.
    CutAfter,
}

#[derive(Default)]
struct World {
    letters: Vec<Letter>,
    faults: HashMap<String, VecDeque<MailFault>>,
    complaints: Vec<String>,
    wants_sign_in: bool,
}

type Shared = Arc<Mutex<World>>;

fn world(shared: &Shared) -> MutexGuard<'_, World> {
    // A panic of another holder has failed its own test already.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running mail server. It answers until it is dropped.
pub struct FakeSmtp {
    /// `smtp://127.0.0.1:2525`
    pub url: String,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Drop for FakeSmtp {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeSmtp {
    /// A mail server on a free port of the loopback.
    ///
    /// # Errors
    /// No port.
    pub async fn open() -> std::io::Result<FakeSmtp> {
        FakeSmtp::start(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// # Errors
    /// No port.
    pub async fn start(listen: SocketAddr) -> std::io::Result<FakeSmtp> {
        let listener = TcpListener::bind(listen).await?;
        let url = format!("smtp://{}", listener.local_addr()?);
        let shared = Shared::default();
        let taken = shared.clone();
        let serving = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    let shared = taken.clone();
                    // An error is a cut, ours or theirs.
                    tokio::spawn(async move { talk(shared, stream).await.ok() });
                }
            }
        });
        Ok(FakeSmtp {
            url,
            shared,
            serving,
        })
    }

    /// From now on only those who sign in as [`NAME`] with [`PASSWORD`] may send; answers the address with both.
    pub fn wants_sign_in(&self) -> String {
        world(&self.shared).wants_sign_in = true;
        let password = PASSWORD.replace(' ', "%20");
        self.url
            .replacen("smtp://", &format!("smtp://{NAME}:{password}@"), 1)
    }

    /// The next emails to this address go so.
    pub fn fault(&self, to: &str, fault: MailFault) {
        let mut world = world(&self.shared);
        world
            .faults
            .entry(to.to_owned())
            .or_default()
            .push_back(fault);
    }

    /// What was taken for an address, oldest first. What came twice under one Message-ID is there twice.
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        let world = world(&self.shared);
        world
            .letters
            .iter()
            .filter(|letter| letter.to == to)
            .cloned()
            .collect()
    }

    /// What no real server would have taken. Empty, or the test has failed.
    pub fn complaints(&self) -> Vec<String> {
        world(&self.shared).complaints.clone()
    }
}

/// What one connection has said so far.
#[derive(Default)]
struct Talk {
    greeted: bool,
    signed_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

enum Next {
    Say(String),
    Data,
    Sign,
    End,
    Cut,
}

async fn talk(shared: Shared, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut talk = Talk::default();
    say(&mut stream, "220 mail.fake.example ESMTP").await?;
    loop {
        let Some(line) = line(&mut stream, &shared).await? else {
            return Ok(());
        };
        match talk.hears(&shared, &line) {
            Next::Say(words) => say(&mut stream, &words).await?,
            Next::Sign => {
                say(&mut stream, "334 ").await?;
                let Some(proof) = self::line(&mut stream, &shared).await? else {
                    return Ok(());
                };
                let words = talk.signs(&proof);
                say(&mut stream, words).await?;
            }
            Next::Data => {
                say(&mut stream, "354 go on").await?;
                let Some(raw) = data(&mut stream).await? else {
                    return Ok(());
                };
                match talk.takes(&shared, raw) {
                    Some(words) => say(&mut stream, &words).await?,
                    None => return Ok(()),
                }
            }
            Next::End => return say(&mut stream, "221 bye").await,
            Next::Cut => return Ok(()),
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> std::io::Result<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await
}

/// A line without its end; `None` at the end of the connection.
async fn line(
    stream: &mut BufReader<TcpStream>,
    shared: &Shared,
) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\r\n") || line.len() > LINE_MAX {
        world(shared)
            .complaints
            .push("a command line that is none".into());
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
}

/// A message up to its dot, with the doubled dots undone.
async fn data(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut raw = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        if line == b".\r\n" {
            return Ok(Some(String::from_utf8_lossy(&raw).into_owned()));
        }
        raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

impl Talk {
    fn hears(&mut self, shared: &Shared, line: &str) -> Next {
        let said = |words: &str| Next::Say(words.to_owned());
        let upper = line.to_ascii_uppercase();
        let mut world = world(shared);
        if upper.starts_with("EHLO ") {
            self.greeted = true;
            let auth = if world.wants_sign_in {
                "250-AUTH PLAIN LOGIN\r\n"
            } else {
                ""
            };
            return Next::Say(format!(
                "250-mail.fake.example\r\n250-8BITMIME\r\n{auth}250 ENHANCEDSTATUSCODES"
            ));
        }
        if upper == "QUIT" {
            return Next::End;
        }
        if !self.greeted {
            world.complaints.push(format!("{line} before EHLO"));
            return said("503 5.5.1 greet first");
        }
        if let Some(rest) = upper.strip_prefix("AUTH PLAIN") {
            return match rest.trim() {
                "" => Next::Sign,
                _ => said(self.signs(line["AUTH PLAIN".len()..].trim())),
            };
        }
        if let Some(from) = path(line, "MAIL FROM:") {
            if world.wants_sign_in && !self.signed_in {
                return said("530 5.7.0 sign in first");
            }
            (self.from, self.to) = (Some(from), vec![]);
            return said("250 2.1.0 ok");
        }
        if let Some(to) = path(line, "RCPT TO:") {
            let faults = world.faults.get_mut(&to);
            if let Some(MailFault::Recipient(_)) = faults.as_ref().and_then(|faults| faults.front())
                && let Some(MailFault::Recipient(words)) = faults.and_then(VecDeque::pop_front)
            {
                return said(words);
            }
            self.to.push(to);
            return said("250 2.1.5 ok");
        }
        match upper.as_str() {
            "DATA" if self.from.is_some() && !self.to.is_empty() => {
                let to = &self.to[0];
                let faults = world.faults.get_mut(to);
                if faults.as_ref().and_then(|faults| faults.front()) == Some(&MailFault::CutBefore)
                {
                    faults.and_then(VecDeque::pop_front);
                    return Next::Cut;
                }
                Next::Data
            }
            "RSET" | "NOOP" => said("250 2.0.0 ok"),
            _ => {
                world.complaints.push(format!("{line} was not expected"));
                said("502 5.5.2 what?")
            }
        }
    }

    fn signs(&mut self, proof: &str) -> &'static str {
        let expected = STANDARD.encode(format!("\0{NAME}\0{PASSWORD}"));
        self.signed_in = proof == expected;
        if self.signed_in {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 name or password is wrong"
        }
    }

    /// `None`: the connection is cut.
    fn takes(&mut self, shared: &Shared, raw: String) -> Option<String> {
        let mut world = world(shared);
        let (Some(from), to) = (self.from.take(), std::mem::take(&mut self.to)) else {
            return Some("503 5.5.1 from whom?".into());
        };
        let fault = to
            .first()
            .and_then(|to| world.faults.get_mut(to)?.pop_front());
        if let Some(MailFault::Message(words)) = fault {
            return Some(words.to_owned());
        }
        for to in to {
            let letter = Letter::read(&from, &to, &raw);
            let complaints = letter.complaints();
            world.complaints.extend(complaints);
            world.letters.push(letter);
        }
        (fault != Some(MailFault::CutAfter)).then(|| "250 2.0.0 taken".to_owned())
    }
}

/// `MAIL FROM:<a@b.c> BODY=8BITMIME`: what stands between the angles.
fn path(line: &str, command: &str) -> Option<String> {
    let head = line.get(..command.len())?;
    let rest = line[command.len()..].trim_start().strip_prefix('<')?;
    let (inside, _) = rest.split_once('>')?;
    head.eq_ignore_ascii_case(command)
        .then(|| inside.to_owned())
}
