//! Emails that came back: a mailbox is read over IMAP (RFC 9051) for delivery status notifications (RFC 3464).
//!
//! It may be the mailbox that a desk works with, so it is only read: the folder is opened with EXAMINE, nothing is marked,
//! moved or deleted, and of a letter that is no notification only its kind is asked for.

mod report;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::types::Fetch;
use async_imap::{Client, Session};
use futures_util::TryStreamExt as _;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::mail_server::{Protocol, Security, Server, ServerError};
use crate::messages::Receipt;
use crate::roots::Roots;

/// For a whole reading.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Letters that one reading looks at, and that the first one looks back at.
const LETTERS_MAX: u32 = 200;
/// Of a notification: what it says stands before the letter that came back.
const NOTIFICATION_BYTES_MAX: usize = 128 * 1024;
const INBOX: &str = "INBOX";

/// How far a mailbox was read. Another `validity` is another count (RFC 9051, 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub validity: u32,
    /// The last letter that was looked at.
    pub uid: u32,
}

/// What one reading found.
#[derive(Debug)]
pub struct Reading {
    pub receipts: Vec<Receipt>,
    pub upto: Position,
    /// There are more letters to look at.
    pub is_cut: bool,
}

/// Why a mailbox could not be read. For people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("There is no connection to the server of the mailbox.")]
    NoConnection,
    #[error("The server of the mailbox did not answer in time.")]
    Late,
    #[error(
        "No encrypted connection to the mailbox could be made: the certificate may not fit the server’s name, or come from an authority that is not known here."
    )]
    Tls,
    #[error("The server of the mailbox does not offer an encrypted connection (STARTTLS).")]
    NoStartTls,
    #[error(
        "The server of the mailbox does not accept the name and password. Enter them again in Settings, Messages."
    )]
    SignIn,
    #[error(
        "The mailbox has no such folder. Correct the end of its address in Settings, Messages."
    )]
    Folder,
    #[error("What answers there is not a mailbox.")]
    Nonsense,
}

/// A mailbox to read.
pub struct Mailbox {
    server: Server,
    roots: Roots,
}

/// A connection, secret or not.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send + Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Wire for T {}

impl Mailbox {
    /// `url`: `imaps://name:password@mail.example.com/Folder`; without a folder the inbox.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn new(url: &str, roots: Roots) -> Result<Mailbox, ServerError> {
        let server = Server::parse(Protocol::Imap, url)?;
        if server.sign_in.is_none() {
            return Err(ServerError::HalfSignIn(Protocol::Imap));
        }
        Ok(Mailbox { server, roots })
    }

    /// Whether it can be read.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn greet(&self) -> Result<(), ReadError> {
        within(async {
            let mut session = self.sign_in().await?;
            self.open(&mut session).await?;
            farewell(session).await;
            Ok(())
        })
        .await
    }

    /// Reads what came since; the first time, the last letters.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, since: Option<Position>) -> Result<Reading, ReadError> {
        within(async {
            let mut session = self.sign_in().await?;
            let (validity, next) = self.open(&mut session).await?;
            let known = since.filter(|since| since.validity == validity);
            let first = known.map_or(next.saturating_sub(LETTERS_MAX), |since| since.uid + 1);
            let first = first.max(1);
            let newest = next.saturating_sub(1);
            let last = newest.min(first.saturating_add(LETTERS_MAX - 1));
            let mut receipts = Vec::new();
            // "5:4" would be read as "4:5" (RFC 9051, 9).
            if first <= last {
                for uid in notifications(&mut session, first, last).await? {
                    receipts.extend(notification(&mut session, uid).await?);
                }
            }
            farewell(session).await;
            let uid = last.max(known.map_or(0, |since| since.uid));
            Ok(Reading {
                receipts,
                upto: Position { validity, uid },
                is_cut: last < newest,
            })
        })
        .await
    }

    async fn sign_in(&self) -> Result<Session<Box<dyn Wire>>, ReadError> {
        let server = &self.server;
        let connected = TcpStream::connect((server.host.as_str(), server.port)).await;
        let stream = connected.map_err(|_| ReadError::NoConnection)?;
        let client = match server.security {
            Security::Wrapped => greeted(self.tls(Box::new(stream)).await?).await?,
            Security::Plain => greeted(Box::new(stream)).await?,
            Security::StartTls => {
                let mut client = greeted(Box::new(stream)).await?;
                let upgraded = client.run_command_and_check_ok("STARTTLS", None).await;
                upgraded.map_err(|error| refused(&error, ReadError::NoStartTls))?;
                Client::new(self.tls(client.into_inner()).await?)
            }
        };
        // A server may refuse a sign-in by name and password in other ways too, all of them settings to mend.
        let (name, password) = server.sign_in.clone().ok_or(ReadError::SignIn)?;
        let signed_in = client.login(name, password).await;
        signed_in.map_err(|(error, _)| refused(&error, ReadError::SignIn))
    }

    async fn tls(&self, stream: Box<dyn Wire>) -> Result<Box<dyn Wire>, ReadError> {
        let config = self.roots.tls().map_err(|_| ReadError::Tls)?;
        let name = ServerName::try_from(self.server.host.clone()).map_err(|_| ReadError::Tls)?;
        let secret = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        Ok(Box::new(secret.map_err(|_| ReadError::Tls)?))
    }

    /// Opens the folder for reading; answers its count and the number that its next letter will have.
    async fn open(&self, session: &mut Session<Box<dyn Wire>>) -> Result<(u32, u32), ReadError> {
        let folder = match self.server.folder.as_str() {
            "" => INBOX,
            folder => folder,
        };
        let opened = session.examine(folder).await;
        let opened = opened.map_err(|error| refused(&error, ReadError::Folder))?;
        let numbers = opened.uid_validity.zip(opened.uid_next);
        numbers.ok_or(ReadError::Nonsense)
    }
}

async fn within<T>(reading: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
    let read = tokio::time::timeout(READ_TIMEOUT, reading).await;
    read.unwrap_or(Err(ReadError::Late))
}

/// The client of a server that has said hello.
async fn greeted(stream: Box<dyn Wire>) -> Result<Client<Box<dyn Wire>>, ReadError> {
    let mut client = Client::new(stream);
    match client.read_response().await {
        Ok(Some(_)) => Ok(client),
        Ok(None) => Err(ReadError::NoConnection),
        Err(_) => Err(ReadError::Nonsense),
    }
}

/// What a failed command means: the server's own no, or a connection that broke.
fn refused(error: &ImapError, no: ReadError) -> ReadError {
    match error {
        ImapError::No(_) | ImapError::Bad(_) | ImapError::Validate(_) => no,
        ImapError::Io(_) | ImapError::ConnectionLost => ReadError::NoConnection,
        _ => ReadError::Nonsense,
    }
}

fn broken(error: ImapError) -> ReadError {
    refused(&error, ReadError::Nonsense)
}

/// Which letters of a range are notifications.
async fn notifications(
    session: &mut Session<Box<dyn Wire>>,
    first: u32,
    last: u32,
) -> Result<Vec<u32>, ReadError> {
    let what = "(UID BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])";
    let asked = session.uid_fetch(format!("{first}:{last}"), what).await;
    let letters: Vec<Fetch> = asked.map_err(broken)?.try_collect().await.map_err(broken)?;
    let is_one = |letter: &&Fetch| letter.header().is_some_and(report::is_notification);
    let found = letters
        .iter()
        .filter(is_one)
        .filter_map(|letter| letter.uid);
    Ok(found.filter(|uid| (first..=last).contains(uid)).collect())
}

/// What one of them says of an email of ours, if it does.
async fn notification(
    session: &mut Session<Box<dyn Wire>>,
    uid: u32,
) -> Result<Option<Receipt>, ReadError> {
    let what = format!("(UID BODY.PEEK[]<0.{NOTIFICATION_BYTES_MAX}>)");
    let asked = session.uid_fetch(uid.to_string(), what).await;
    let letters: Vec<Fetch> = asked.map_err(broken)?.try_collect().await.map_err(broken)?;
    let letter = letters.iter().find(|letter| letter.uid == Some(uid));
    Ok(letter.and_then(Fetch::body).and_then(report::read))
}

/// Whatever came before, a farewell that fails changes nothing.
async fn farewell(mut session: Session<Box<dyn Wire>>) {
    let _ = tokio::time::timeout(Duration::from_secs(2), session.logout()).await;
}
