//! A form that moves money, or makes or sends something, works once, however often its button is pressed (hazard A15).

use std::time::Duration;

use remit_app::idempotency::{self, Claimed, KEY_CHARS_MAX, Turn};

use super::answer::Failure;
use super::desk::Desk;
use super::forms::Form;

/// A second press waits for the first one's answer: this many looks, this far apart.
const LOOKS: u32 = 12;
const BETWEEN_LOOKS: Duration = Duration::from_millis(150);

/// Does the work under the form's key and answers with the address that shows it. What is made takes its id from the
/// claim, so that work which a crash cut off is found done. A form without a key (the script's note that a link was
/// copied) just works.
///
/// # Errors
/// The work's own, after which the form may be sent again; [`Failure::StillBusy`]; [`Failure::AlreadySent`].
pub async fn once<F>(
    desk: &Desk,
    form: &Form,
    path: &str,
    work: impl FnOnce(Option<Claimed>) -> F,
) -> Result<String, Failure>
where
    F: Future<Output = remit_app::Result<String>>,
{
    let key = form.text("idempotency_key");
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Ok(work(None).await?);
    }
    let method_path = format!("form:{path}");
    let wish = form.wish();
    for _ in 0..LOOKS {
        let turn = idempotency::claim(&desk.app, desk.actor(), key, &method_path, &wish).await?;
        match turn {
            Turn::Answered { body, .. } => return Ok(body),
            Turn::OtherRequest => return Err(Failure::AlreadySent),
            Turn::InFlight => tokio::time::sleep(BETWEEN_LOOKS).await,
            Turn::Work(claimed) => {
                return match work(Some(claimed.clone())).await {
                    Ok(location) => {
                        claimed
                            .save(&desk.app, desk.actor(), 303, &location)
                            .await?;
                        Ok(location)
                    }
                    Err(error) => {
                        claimed.release(&desk.app, desk.actor()).await?;
                        Err(error.into())
                    }
                };
            }
        }
    }
    Err(Failure::StillBusy)
}
