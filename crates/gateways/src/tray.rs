//! The demo's message tray: keeps what would have been sent, for `/demo/messages`. Through the same door as SMS and
//! email, so that nothing above it knows the difference.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::UtcMs;

use crate::Answer;
use crate::messages::{
    Handover, Message, MessageChannel, MessageFacts, MessageStatus, OF_RECIPIENT, Receipt,
    ReceiptError, ReceiptRequest,
};

/// Where the tray keeps its messages. Implemented over the database by the floor above.
#[async_trait]
pub trait TrayShelf: Send + Sync {
    /// Keeps a message once per reference; answers with the tray's own id of it.
    ///
    /// # Errors
    /// A sentence for the log when it could not be kept.
    async fn keep(&self, message: &Message) -> Result<String, String>;

    /// The tray's id of a kept message.
    ///
    /// # Errors
    /// A sentence for the log when it could not be read.
    async fn find(&self, reference: &str) -> Result<Option<String>, String>;
}

/// A number of Ofcom's block for drama that the tray does not reach, so that a failed delivery can be tried out: to it a
/// carrier's answer about a number that nobody has.
pub const UNREACHABLE: &str = "+447700900000";

/// A channel that delivers into the tray at once.
pub struct Tray {
    shelf: Arc<dyn TrayShelf>,
}

impl Tray {
    pub fn new(shelf: Arc<dyn TrayShelf>) -> Tray {
        Tray { shelf }
    }
}

fn delivered(id: String) -> MessageFacts {
    MessageFacts {
        provider_message_id: id,
        status: MessageStatus::Delivered,
        reason: None,
    }
}

#[async_trait]
impl MessageChannel for Tray {
    async fn send(&self, message: &Message) -> Handover {
        if message.to == UNREACHABLE {
            return Handover::refused(OF_RECIPIENT, "The network does not know this number.");
        }
        match self.shelf.keep(message).await {
            Ok(id) => Handover::Taken(delivered(id)),
            Err(why) => Handover::unknown(why),
        }
    }

    async fn look_up(&self, message: &Message, _since: UtcMs) -> Answer<MessageFacts> {
        match self.shelf.find(&message.reference).await {
            Ok(Some(id)) => Answer::Done(delivered(id)),
            Ok(None) => Answer::refused("not_found", "The tray has no such message."),
            Err(why) => Answer::unknown(why),
        }
    }

    async fn greet(&self) -> Answer<()> {
        Answer::Done(())
    }

    fn late_ms(&self) -> i64 {
        // It keeps a message once per reference.
        0
    }

    fn parse_receipt(&self, _request: ReceiptRequest<'_>) -> Result<Receipt, ReceiptError> {
        Err(ReceiptError::Unsupported)
    }
}
