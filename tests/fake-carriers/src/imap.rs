//! A mailbox over IMAP (RFC 9051) that may only be read: strict about the order of what is said, and it remembers which
//! letters were fetched whole.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Letter;
use crate::smtp::{NAME, PASSWORD};
use crate::tls::{Secrecy, Wire, vouched_for};

const FOLDERS: [&str; 2] = ["INBOX", "Bounces"];

struct World {
    /// By number, rising.
    letters: Vec<(u32, String)>,
    validity: u32,
    fetched: Vec<u32>,
    complaints: Vec<String>,
    visits: usize,
}

type Shared = Arc<Mutex<World>>;

fn world(shared: &Shared) -> MutexGuard<'_, World> {
    // A panic of another holder has failed its own test already.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running mailbox. It answers until it is dropped.
pub struct FakeImap {
    /// With name and password: `imap://desk:...@127.0.0.1:1143`, or what its certificate is for:
    /// `imaps://desk:...@localhost:1143`, `imap://...?tls=required`. It has the folders `INBOX` and `Bounces`, which are
    /// one.
    pub url: String,
    /// The authority that signed its certificate (PEM); empty without TLS.
    pub authority: String,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Drop for FakeImap {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeImap {
    /// A mailbox on a free port of the loopback, in the clear.
    ///
    /// # Errors
    /// No port.
    pub async fn open() -> std::io::Result<FakeImap> {
        FakeImap::start("imap", "127.0.0.1", "", |_| Secrecy::Never).await
    }

    /// One that speaks TLS from the first byte, with a certificate for `localhost` that only its own authority vouches for.
    ///
    /// # Errors
    /// No port.
    pub async fn wrapped() -> std::io::Result<FakeImap> {
        FakeImap::start("imaps", "localhost", "", Secrecy::Wrapped).await
    }

    /// One that takes names and passwords after STARTTLS only, with such a certificate.
    ///
    /// # Errors
    /// No port.
    pub async fn upgraded() -> std::io::Result<FakeImap> {
        FakeImap::start("imap", "localhost", "?tls=required", Secrecy::OnRequest).await
    }

    async fn start(
        scheme: &str,
        host: &str,
        rest: &str,
        secrecy: fn(TlsAcceptor) -> Secrecy,
    ) -> std::io::Result<FakeImap> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (acceptor, authority) = vouched_for("localhost").map_err(std::io::Error::other)?;
        let secrecy = secrecy(acceptor);
        let is_open = matches!(secrecy, Secrecy::Never);
        let shared = Arc::new(Mutex::new(World {
            letters: vec![],
            validity: 1,
            fetched: vec![],
            complaints: vec![],
            visits: 0,
        }));
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
        let password = PASSWORD.replace(' ', "%20");
        Ok(FakeImap {
            url: format!("{scheme}://{NAME}:{password}@{host}:{port}{rest}"),
            authority: if is_open { String::new() } else { authority },
            shared,
            serving,
        })
    }

    /// A letter comes in, as it was written.
    pub fn receives(&self, raw: &str) {
        let mut world = world(&self.shared);
        let uid = world.letters.last().map_or(1, |(uid, _)| uid + 1);
        world.letters.push((uid, raw.to_owned()));
    }

    /// An email comes back for good: `why` as the last server said it, such as `550 5.1.1 no such user`.
    pub fn bounces(&self, letter: &Letter, why: &str) {
        let (to, head) = (&letter.to, letter.raw.split("\r\n\r\n").next());
        self.receives(&format!(
            "From: MAILER-DAEMON@mail.fake.example\r\nTo: {}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"=_back\"\r\n\r\n\
             --=_back\r\nContent-Type: text/plain\r\n\r\nThis is the mail system.\r\n\r\n\
             --=_back\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.fake.example\r\n\r\n\
             Final-Recipient: rfc822; {to}\r\nAction: failed\r\nDiagnostic-Code: smtp; {why}\r\n\r\n\
             --=_back\r\nContent-Type: text/rfc822-headers\r\n\r\n{}\r\n\r\n--=_back--\r\n",
            letter.from,
            head.unwrap_or_default(),
        ));
    }

    /// The letters get other numbers, as after a restored backup.
    pub fn renumbers(&self) {
        let mut world = world(&self.shared);
        world.validity += 1;
        for (at, letter) in (1..).zip(&mut world.letters) {
            letter.0 = at;
        }
    }

    /// The numbers of letters that were fetched whole, in the order of fetching.
    pub fn fetched(&self) -> Vec<u32> {
        world(&self.shared).fetched.clone()
    }

    /// How often somebody signed in.
    pub fn visits(&self) -> usize {
        world(&self.shared).visits
    }

    /// What a mailbox that is only read should not have heard. Empty, or the test has failed.
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
            if !hold(&shared, &mut stream, &mut talk, true).await? {
                return Ok(());
            }
            let stream = acceptor.accept(stream.into_inner()).await?;
            hold(&shared, BufReader::new(stream), &mut Talk::default(), false).await?
        }
    };
    Ok(())
}

/// What one connection has said so far.
#[derive(Default)]
struct Talk {
    must_upgrade: bool,
    signed_in: bool,
    opened: bool,
}

/// Answers true when the client wants TLS now.
async fn hold(
    shared: &Shared,
    mut stream: impl Wire,
    talk: &mut Talk,
    greets: bool,
) -> std::io::Result<bool> {
    if greets {
        stream
            .write_all(b"* OK IMAP4rev1 at your service\r\n")
            .await?;
    }
    loop {
        stream.flush().await?;
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        let line = line.trim_end();
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        if command.eq_ignore_ascii_case("STARTTLS") && talk.must_upgrade {
            let words = format!("{tag} OK go ahead\r\n");
            stream.write_all(words.as_bytes()).await?;
            stream.flush().await?;
            return Ok(true);
        }
        let (untagged, done) = talk.hears(shared, command);
        stream
            .write_all(format!("{untagged}{tag} {done}\r\n").as_bytes())
            .await?;
        if command.eq_ignore_ascii_case("LOGOUT") {
            stream.flush().await?;
            return Ok(false);
        }
    }
}

impl Talk {
    /// What is said before the last line, and the last line.
    fn hears(&mut self, shared: &Shared, command: &str) -> (String, &'static str) {
        let mut world = world(shared);
        let bare = |done| (String::new(), done);
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let rest = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "LOGOUT" => ("* BYE\r\n".into(), "OK bye"),
            "NOOP" | "CAPABILITY" => bare("OK done"),
            "LOGIN" if self.must_upgrade => {
                world
                    .complaints
                    .push("a password was said in the clear".into());
                bare("NO [PRIVACYREQUIRED] STARTTLS first")
            }
            "LOGIN" if rest == format!("\"{NAME}\" \"{PASSWORD}\"") => {
                self.signed_in = true;
                world.visits += 1;
                bare("OK welcome")
            }
            "LOGIN" => bare("NO [AUTHENTICATIONFAILED] name or password is wrong"),
            "EXAMINE" if self.signed_in => {
                if !FOLDERS.contains(&rest.trim_matches('"')) {
                    return bare("NO no such folder");
                }
                self.opened = true;
                let next = world.letters.last().map_or(1, |(uid, _)| uid + 1);
                let told = format!(
                    "* FLAGS (\\Seen)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {}] valid\r\n* OK [UIDNEXT {next}] next\r\n",
                    world.letters.len(),
                    world.validity,
                );
                (told, "OK [READ-ONLY] opened")
            }
            "UID" if self.opened && rest.to_ascii_uppercase().starts_with("FETCH ") => {
                (world.fetch(&rest["FETCH ".len()..]), "OK fetched")
            }
            _ => {
                world.complaints.push(format!("{command} was not expected"));
                bare("BAD what?")
            }
        }
    }
}

impl World {
    /// `1:4 (UID BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])`, or `7 (UID BODY.PEEK[]<0.1000>)`.
    fn fetch(&mut self, asked: &str) -> String {
        let (range, what) = asked.split_once(' ').unwrap_or((asked, ""));
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let number = |text: &str| text.parse().unwrap_or(0);
        let (first, last): (u32, u32) = (number(first), number(last));
        if first == 0 || last < first {
            self.complaints.push(format!("{range} is no range"));
        }
        let found = self.letters.iter().enumerate();
        let found = found.filter(|(_, (uid, _))| (first..=last).contains(uid));
        let mut told = String::new();
        for (at, (uid, raw)) in found {
            let (section, text) = if what == "(UID BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])" {
                ("BODY[HEADER.FIELDS (CONTENT-TYPE)]", kind(raw))
            } else if let Some(most) = what
                .strip_prefix("(UID BODY.PEEK[]<0.")
                .and_then(|rest| rest.strip_suffix(">)"))
                .and_then(|most| most.parse().ok())
            {
                self.fetched.push(*uid);
                ("BODY[]<0>", raw.chars().take(most).collect())
            } else {
                self.complaints.push(format!("{what} is not to be fetched"));
                return String::new();
            };
            let seq = at + 1;
            told += &format!(
                "* {seq} FETCH (UID {uid} {section} {{{}}}\r\n{text})\r\n",
                text.len()
            );
        }
        told
    }
}

/// The header line of a letter's kind, folded as it was, with the empty line after it.
fn kind(raw: &str) -> String {
    let head = raw.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head
        .split("\r\n")
        .skip_while(|line| !line.to_ascii_lowercase().starts_with("content-type:"));
    let first = lines.next().unwrap_or_default();
    let rest = lines.take_while(|line| line.starts_with([' ', '\t']));
    let whole: Vec<&str> = std::iter::once(first).chain(rest).collect();
    format!("{}\r\n\r\n", whole.join("\r\n"))
}
