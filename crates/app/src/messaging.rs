//! Which channel carries a clinic's messages.

use std::sync::Arc;

use remit_core::deliveries::Channel;
use remit_core::ids::ClinicId;
use remit_gateways::messages::MessageChannel;

use crate::{App, Error, Result, clinics, tray};

/// The channel that carries a clinic's messages. In test mode it is the tray; a real one is one more arm.
///
/// # Errors
/// [`Error::NotSetUp`], or the store's.
pub async fn channel(
    app: &App,
    clinic: ClinicId,
    channel: Channel,
) -> Result<Arc<dyn MessageChannel>> {
    let context = clinics::context(app, clinic).await?;
    match channel {
        Channel::Sms | Channel::Email if context.clinic.test_mode => Ok(tray::shelf(app, clinic)),
        Channel::Sms => Err(Error::NotSetUp("SMS")),
        Channel::Email => Err(Error::NotSetUp("email")),
        Channel::Qr | Channel::Copy => Err(Error::NotSetUp("a message channel")),
    }
}
