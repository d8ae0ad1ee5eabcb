//! Email by SMTP (RFC 5321): one connection for each message, TLS unless the server is this machine, a Message-ID made
//! from our reference, so that a message which may have gone out already can be sent again as the same one.

pub(crate) mod answers;
mod letter;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use remit_core::UtcMs;

use crate::Answer;
use crate::mail_server::{Protocol, Security, Server, ServerError};
use crate::messages::{
    Handover, Message, MessageChannel, MessageFacts, MessageStatus, OF_MESSAGE, Receipt,
    ReceiptError, ReceiptRequest,
};
use crate::pushed;
use crate::roots::Roots;

/// For the connection, TLS and sign-in: nothing of the message has left by then.
const GREETING_TIMEOUT: Duration = Duration::from_secs(15);
/// For the message itself. Servers may take their time over the last dot (RFC 5321, 4.5.3.2.6, asks for ten minutes), but
/// then the message is only sent again.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
const MAILBOX_CHARS_MAX: usize = 320;

/// What a clinic's owner enters.
pub struct SmtpConfig {
    /// `smtp://`, `smtps://`, `smtp://...?tls=required`, with name and password.
    pub url: String,
    /// `Larkhill Clinic <pay@larkhill.example>` or the bare address.
    pub from: String,
    pub reply_to: Option<String>,
    /// What bounces that are posted to us prove themselves with.
    pub receipt_token: Option<String>,
    /// Whom TLS trusts.
    pub roots: Roots,
}

/// Why settings cannot be used. For people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(
        "Enter an address like pay@clinic.example, or with a name: Your Clinic <pay@clinic.example>."
    )]
    From,
    #[error("Enter an address like desk@clinic.example.")]
    ReplyTo,
}

pub struct Smtp {
    server: Server,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    receipt_token: Option<String>,
    roots: Roots,
}

/// One mailbox on one line. The mail builder must not be given a name with a line break (hazard D6).
fn mailbox(text: &str) -> Option<Mailbox> {
    let fits = text.len() <= MAILBOX_CHARS_MAX && !text.chars().any(char::is_control);
    let mailbox: Mailbox = text.trim().parse().ok().filter(|_| fits)?;
    let whole = remit_core::contact::Email::parse(mailbox.email.as_ref()).is_ok();
    whole.then_some(mailbox)
}

impl Smtp {
    /// # Errors
    /// See [`SmtpError`].
    pub fn new(config: SmtpConfig) -> Result<Smtp, SmtpError> {
        let reply_to = config.reply_to.as_deref();
        Ok(Smtp {
            server: Server::parse(Protocol::Smtp, &config.url)?,
            from: mailbox(&config.from).ok_or(SmtpError::From)?,
            reply_to: reply_to
                .map(|text| mailbox(text).ok_or(SmtpError::ReplyTo))
                .transpose()?,
            receipt_token: config.receipt_token,
            roots: config.roots,
        })
    }

    /// A connection on which a message can be sent.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Handover> {
        let connected = tokio::time::timeout(GREETING_TIMEOUT, self.sign_in());
        let late = Handover::not_now("the mail server did not answer in time", None);
        connected.await.unwrap_or(Err(late))
    }

    async fn sign_in(&self) -> Result<AsyncSmtpConnection, Handover> {
        let hello = ClientId::default();
        let server = &self.server;
        let tls = || self.roots.tls_with(&server.host);
        let wrapped = match server.security {
            Security::Wrapped => Some(tls().map_err(|error| answers::before(&error))?),
            Security::StartTls | Security::Plain => None,
        };
        let place = (server.host.as_str(), server.port);
        let connected = AsyncSmtpConnection::connect_tokio1(
            place,
            Some(GREETING_TIMEOUT),
            &hello,
            wrapped,
            None,
        );
        let mut connection = connected.await.map_err(|error| answers::before(&error))?;
        if server.security == Security::StartTls {
            // Refused where the server does not offer it: nothing goes out in the clear.
            let tls = tls().map_err(|error| answers::before(&error))?;
            let upgraded = connection.starttls(tls, &hello).await;
            upgraded.map_err(|error| answers::before(&error))?;
        }
        if let Some((name, password)) = &server.sign_in {
            let credentials = Credentials::new(name.clone(), password.clone());
            let signed_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            signed_in.map_err(|error| answers::sign_in(&error))?;
        }
        Ok(connection)
    }
}

#[async_trait]
impl MessageChannel for Smtp {
    async fn send(&self, message: &Message) -> Handover {
        let letter = match letter::write(message, &self.from, self.reply_to.as_ref()) {
            Ok(letter) => letter,
            Err(other) => return other,
        };
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(other) => return other,
        };
        let written = letter.formatted();
        let sending = connection.send(letter.envelope(), &written);
        let sent = match tokio::time::timeout(MESSAGE_TIMEOUT, sending).await {
            Ok(Ok(_)) => Handover::Taken(MessageFacts {
                provider_message_id: letter::message_id(&message.reference, &self.from),
                status: MessageStatus::Sent,
                reason: None,
            }),
            Ok(Err(error)) => answers::to_message(&error, letter.envelope()),
            Err(_) => Handover::unknown("the mail server did not answer in time"),
        };
        farewell(connection).await;
        sent
    }

    async fn greet(&self) -> Answer<()> {
        match self.connect().await {
            Ok(connection) => {
                farewell(connection).await;
                Answer::Done(())
            }
            Err(other) => other.into_answer(),
        }
    }

    /// The same Message-ID makes a repeat the same message.
    async fn look_up(&self, _message: &Message, _since: UtcMs) -> Answer<MessageFacts> {
        Answer::refused(
            "not_found",
            "An email can be sent again as the same message.",
        )
    }

    fn late_ms(&self) -> i64 {
        0
    }

    fn parse_receipt(&self, request: ReceiptRequest<'_>) -> Result<Receipt, ReceiptError> {
        pushed::parse(self.receipt_token.as_deref(), &request)
    }
}

/// Whatever came before, a farewell that fails changes nothing.
async fn farewell(mut connection: AsyncSmtpConnection) {
    let _ = tokio::time::timeout(Duration::from_secs(2), connection.quit()).await;
}

/// The builder says no to what its parts cannot hold.
fn unwritable() -> Handover {
    Handover::refused(OF_MESSAGE, "The email could not be written.")
}
