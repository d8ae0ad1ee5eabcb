//! Deliveries: a link handed over.

use axum::response::Response;
use remit_app::deliveries::{self, DeliveryInput};
use remit_app::views;
use remit_core::ids::{DeliveryId, LinkId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Answer, Call, Id};
use super::money::Time;
use super::problem::Problem;
use super::words::{Channel, DeliveryPurpose, DeliveryStatus, MessageChannel};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelivery {
    channel: MessageChannel,
    /// Number or address; the patient's own without it.
    to: Option<String>,
    /// Keep a corrected number or address on the patient.
    #[serde(default)]
    remember: bool,
}

/// One handing-over of a link, with its own outcome.
#[derive(Serialize, ToSchema)]
pub struct Delivery {
    #[schema(value_type = String, example = "dlv_019ab000000070008000000000000001")]
    id: DeliveryId,
    #[schema(value_type = String)]
    payment_link_id: LinkId,
    channel: Channel,
    /// Number or address; null for QR code and copy.
    to: Option<String>,
    status: DeliveryStatus,
    /// Why it failed or is uncertain.
    reason: Option<String>,
    created_at: Time,
    created_by: String,
    /// When the outcome became known.
    done_at: Option<Time>,
    purpose: DeliveryPurpose,
}

impl From<views::DeliveryView> for Delivery {
    fn from(view: views::DeliveryView) -> Delivery {
        Delivery {
            id: view.id,
            payment_link_id: view.link,
            channel: view.channel.into(),
            to: view.address,
            status: view.status.into(),
            reason: view.reason,
            created_at: Time(view.created_at),
            created_by: view.created_by,
            done_at: view.done_at.map(Time),
            purpose: view.purpose.into(),
        }
    }
}

/// Send a payment link
///
/// The message is queued. 409 when the link has ended; 429 when it went out over this channel in the last two minutes
/// (`too-soon`), and when a limit of the day is reached (`sending-limit`); `Retry-After` says when it may be sent.
#[utoipa::path(post, path = "/payment-links/{id}/deliveries", tag = "Payment links", operation_id = "send_payment_link", params(("id" = String, Path)),
    request_body = NewDelivery, responses((status = 201, body = Delivery)))]
pub async fn deliver(Id(link): Id<LinkId>, call: Call<NewDelivery>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = DeliveryInput {
            channel: work.body.channel.into(),
            to: work.body.to.clone(),
            remember: work.body.remember,
        };
        let made = deliveries::deliver(&work.app, &work.actor, link, work.id(), &input).await?;
        Answer::created(&Delivery::from(made))
    })
    .await
}
