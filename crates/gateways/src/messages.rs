//! The messages' door: SMS and email, each channel behind the same trait.

use async_trait::async_trait;
use remit_core::UtcMs;
use remit_core::deliveries::Channel;

use crate::Answer;

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// Accepted, on its way.
    Sent,
    /// Proven by a receipt.
    Delivered,
    Failed,
}

/// A delivery receipt as it was pushed to us.
#[derive(Clone, Debug)]
pub struct ReceiptRequest<'a> {
    pub signature: Option<&'a str>,
    pub body: &'a [u8],
    pub received_at: UtcMs,
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
    async fn send(&self, message: &Message) -> Answer<MessageFacts>;

    /// What became of a message that may have been handed over since a moment (UTC ms).
    /// `Refused { code: "not_found" }` proves that it never arrived.
    async fn look_up(&self, message: &Message, since: UtcMs) -> Answer<MessageFacts>;

    /// Reads a delivery receipt: our reference and where the message stands.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    fn parse_receipt(
        &self,
        request: ReceiptRequest<'_>,
    ) -> Result<(String, MessageFacts), ReceiptError>;
}
