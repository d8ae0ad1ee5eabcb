//! The messages' door: SMS and email, each channel behind the same trait.

use async_trait::async_trait;
use remit_core::UtcMs;
use remit_core::deliveries::{Channel, DeliveryStatus};
use reqwest::header::HeaderMap;

use crate::{Answer, Refusal, Unknown};

/// One message, ready to go. The text was made from a fixed template (hazard E1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Ours, stable over retries: what an unknown outcome is looked up by (hazard A28).
    pub reference: String,
    pub channel: Channel,
    pub to: String,
    /// Email only.
    pub subject: Option<String>,
    pub text: String,
    /// Email only: the same words, laid out.
    pub html: Option<String>,
    /// Email only.
    pub attachments: Vec<Attachment>,
}

/// A file that goes with an email, such as a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub file_name: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// Where a message stands with the one who carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFacts {
    pub provider_message_id: String,
    pub status: MessageStatus,
    /// Why it failed, in plain words.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// Accepted, on its way.
    Sent,
    /// Proven by a receipt.
    Delivered,
    Failed,
}

impl From<MessageStatus> for DeliveryStatus {
    fn from(status: MessageStatus) -> DeliveryStatus {
        match status {
            MessageStatus::Sent => DeliveryStatus::Sent,
            MessageStatus::Delivered => DeliveryStatus::Delivered,
            MessageStatus::Failed => DeliveryStatus::Failed,
        }
    }
}

/// What came of handing a message over. A message must not go out twice, so what provably never left is told apart
/// from what nobody knows (hazard A28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The carrier has it.
    Taken(MessageFacts),
    /// A no that repeating does not change. Its code says who can mend it: [`OF_RECIPIENT`], [`OF_ACCOUNT`],
    /// [`OF_MESSAGE`].
    Refused(Refusal),
    /// Provably not handed over, and later it may be: no connection, too many at once.
    NotNow(Unknown),
    /// The carrier may have it or not.
    Unknown(Unknown),
}

/// The number or address takes no such message: staff correct it or use the other channel.
pub const OF_RECIPIENT: &str = "recipient";
/// The clinic's account or settings: an owner mends them.
pub const OF_ACCOUNT: &str = "account";
/// The message itself.
pub const OF_MESSAGE: &str = "message";

impl Handover {
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Handover {
        Handover::Refused(Refusal {
            code: code.to_owned(),
            message: message.into(),
        })
    }

    pub(crate) fn not_now(why: impl Into<String>, retry_after_ms: Option<i64>) -> Handover {
        Handover::NotNow(Unknown {
            retry_after_ms,
            ..Unknown::because(why)
        })
    }

    pub(crate) fn unknown(why: impl Into<String>) -> Handover {
        Handover::Unknown(Unknown::because(why))
    }

    /// As the answer to a call that sends nothing.
    pub(crate) fn into_answer(self) -> Answer<()> {
        match self {
            Handover::Taken(_) => Answer::Done(()),
            Handover::Refused(refusal) => Answer::Refused(refusal),
            Handover::NotNow(unknown) | Handover::Unknown(unknown) => Answer::Unknown(unknown),
        }
    }
}

/// A delivery receipt as it was pushed to us.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptRequest<'a> {
    /// The whole address that the carrier called, with its query: some sign it.
    pub url: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub received_at: UtcMs,
}

/// What a believed receipt says. At least one of reference and id is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Ours.
    pub reference: Option<String>,
    pub provider_message_id: Option<String>,
    pub status: MessageStatus,
    /// Why it failed, in plain words.
    pub reason: Option<String>,
}

/// Why a receipt was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("signature missing or wrong")]
    Signature,
    #[error("not a receipt")]
    Malformed,
    #[error("this channel sends no receipts")]
    Unsupported,
}

/// A carrier of messages, bound to one clinic's settings.
#[async_trait]
pub trait MessageChannel: Send + Sync {
    /// Hands one message over.
    async fn send(&self, message: &Message) -> Handover;

    /// What became of a message that may have been handed over since a moment (UTC ms).
    /// `Refused { code: "not_found" }`: the carrier does not have it, or takes a repeat for the same message; from
    /// [`MessageChannel::late_ms`] after the call on, it may be sent again.
    async fn look_up(&self, message: &Message, since: UtcMs) -> Answer<MessageFacts>;

    /// Whether the carrier answers and knows us, asked without sending anything.
    async fn greet(&self) -> Answer<()>;

    /// How long (ms) a call that got no answer may still be under way to the carrier.
    fn late_ms(&self) -> i64;

    /// Reads a delivery receipt.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    fn parse_receipt(&self, request: ReceiptRequest<'_>) -> Result<Receipt, ReceiptError>;
}
