//! A mail server over TCP (RFC 5321): one conversation at a time per connection, with sign-in, faults by recipient, and
//! TLS from the first byte (RFC 8314) or after STARTTLS (RFC 3207).

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Letter;
use crate::tls::{Secrecy, Wire, vouched_for};

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
    /// Nothing more is said until the client hangs up.
    Hangs,
}

#[derive(Default)]
struct World {
    letters: Vec<Letter>,
    faults: HashMap<String, VecDeque<MailFault>>,
    complaints: Vec<String>,
    wants_sign_in: bool,
    hanging: usize,
}

type Shared = Arc<Mutex<World>>;

fn world(shared: &Shared) -> MutexGuard<'_, World> {
    // A panic of another holder has failed its own test already.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running mail server. It answers until it is dropped.
pub struct FakeSmtp {
    /// `smtp://127.0.0.1:2525`, or what its certificate is for: `smtps://localhost:2525`,
    /// `smtp://localhost:2525?tls=required`.
    pub url: String,
    /// The authority that signed its certificate (PEM); empty without TLS.
    pub authority: String,
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
        Ok(FakeSmtp::serve(listener, url, Secrecy::Never))
    }

    /// One that speaks TLS from the first byte, with a certificate for `localhost` that only its own authority vouches for.
    ///
    /// # Errors
    /// No port.
    pub async fn wrapped() -> std::io::Result<FakeSmtp> {
        FakeSmtp::secret("smtps", "", Secrecy::Wrapped).await
    }

    /// One that takes mail after STARTTLS only, with such a certificate.
    ///
    /// # Errors
    /// No port.
    pub async fn upgraded() -> std::io::Result<FakeSmtp> {
        FakeSmtp::secret("smtp", "?tls=required", Secrecy::OnRequest).await
    }

    async fn secret(
        scheme: &str,
        rest: &str,
        secrecy: fn(TlsAcceptor) -> Secrecy,
    ) -> std::io::Result<FakeSmtp> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (acceptor, authority) = vouched_for("localhost").map_err(std::io::Error::other)?;
        let url = format!("{scheme}://localhost:{port}{rest}");
        let mut server = FakeSmtp::serve(listener, url, secrecy(acceptor));
        server.authority = authority;
        Ok(server)
    }

    fn serve(listener: TcpListener, url: String, secrecy: Secrecy) -> FakeSmtp {
        let shared = Shared::default();
        let taken = shared.clone();
        let serving = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    let (shared, secrecy) = (taken.clone(), secrecy.clone());
                    // An error is a cut, ours or theirs.
                    tokio::spawn(async move { greet(shared, stream, secrecy).await.ok() });
                }
            }
        });
        FakeSmtp {
            url,
            authority: String::new(),
            shared,
            serving,
        }
    }

    /// From now on only those who sign in as [`NAME`] with [`PASSWORD`] may send; answers the address with both.
    pub fn wants_sign_in(&self) -> String {
        world(&self.shared).wants_sign_in = true;
        let password = PASSWORD.replace(' ', "%20");
        self.url
            .replacen("://", &format!("://{NAME}:{password}@"), 1)
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

    /// How many conversations hang, or have hung, by [`MailFault::Hangs`].
    pub fn hanging(&self) -> usize {
        world(&self.shared).hanging
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

async fn greet(shared: Shared, stream: TcpStream, secrecy: Secrecy) -> std::io::Result<()> {
    let mut talk = Talk::default();
    match secrecy {
        Secrecy::Never => hold(&shared, BufReader::new(stream), &mut talk, true).await?,
        Secrecy::Wrapped(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            hold(&shared, BufReader::new(stream), &mut talk, true).await?
        }
        Secrecy::OnRequest(acceptor) => {
            talk.must_upgrade = true;
            let mut stream = BufReader::new(stream);
            let Held::Upgrade = hold(&shared, &mut stream, &mut talk, true).await? else {
                return Ok(());
            };
            let stream = acceptor.accept(stream.into_inner()).await?;
            // All that was said before is forgotten, and nobody is greeted again (RFC 3207, 4.2).
            hold(&shared, BufReader::new(stream), &mut Talk::default(), false).await?
        }
    };
    Ok(())
}

/// What one connection has said so far.
#[derive(Default)]
struct Talk {
    must_upgrade: bool,
    greeted: bool,
    signed_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

enum Next {
    Say(String),
    Data,
    Sign,
    Upgrade,
    End,
    Cut,
    Hang,
}

/// How a conversation went on.
enum Held {
    Ended,
    /// The client wants TLS now.
    Upgrade,
}

async fn hold(
    shared: &Shared,
    mut stream: impl Wire,
    talk: &mut Talk,
    greets: bool,
) -> std::io::Result<Held> {
    let stream = &mut stream;
    if greets {
        say(stream, "220 mail.fake.example ESMTP").await?;
    }
    loop {
        let Some(line) = line(stream, shared).await? else {
            return Ok(Held::Ended);
        };
        match talk.hears(shared, &line) {
            Next::Say(words) => say(stream, &words).await?,
            Next::Sign => {
                say(stream, "334 ").await?;
                let Some(proof) = self::line(stream, shared).await? else {
                    return Ok(Held::Ended);
                };
                let words = talk.signs(&proof);
                say(stream, words).await?;
            }
            Next::Data => {
                say(stream, "354 go on").await?;
                let Some(raw) = data(stream).await? else {
                    return Ok(Held::Ended);
                };
                match talk.takes(shared, raw) {
                    Some(words) => say(stream, &words).await?,
                    None => return Ok(Held::Ended),
                }
            }
            Next::Upgrade => {
                say(stream, "220 2.0.0 go ahead").await?;
                return Ok(Held::Upgrade);
            }
            Next::End => {
                say(stream, "221 bye").await?;
                return Ok(Held::Ended);
            }
            Next::Cut => return Ok(Held::Ended),
            Next::Hang => {
                while self::line(stream, shared).await?.is_some() {}
                return Ok(Held::Ended);
            }
        }
    }
}

async fn say(stream: &mut impl Wire, words: &str) -> std::io::Result<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// A line without its end; `None` at the end of the connection.
async fn line(stream: &mut impl Wire, shared: &Shared) -> std::io::Result<Option<String>> {
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
async fn data(stream: &mut impl Wire) -> std::io::Result<Option<String>> {
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
            let tls = if self.must_upgrade {
                "250-STARTTLS\r\n"
            } else {
                ""
            };
            return Next::Say(format!(
                "250-mail.fake.example\r\n250-8BITMIME\r\n{tls}{auth}250 ENHANCEDSTATUSCODES"
            ));
        }
        if upper == "QUIT" {
            return Next::End;
        }
        if !self.greeted {
            world.complaints.push(format!("{line} before EHLO"));
            return said("503 5.5.1 greet first");
        }
        if self.must_upgrade {
            if upper == "STARTTLS" {
                return Next::Upgrade;
            }
            world
                .complaints
                .push("something was said in the clear".into());
            return said("530 5.7.0 STARTTLS first");
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
            let faults = world.faults.get_mut(&to);
            if faults.as_ref().and_then(|faults| faults.front()) == Some(&MailFault::Hangs) {
                faults.and_then(VecDeque::pop_front);
                world.hanging += 1;
                return Next::Hang;
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
