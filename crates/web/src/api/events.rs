//! Events: what happened to a payment link.

use remit_app::views;
use remit_core::ids::{AppointmentId, EventId, LinkId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::money::Time;

#[derive(Serialize, ToSchema)]
pub struct Event {
    #[schema(value_type = String, example = "evt_019ab000000070008000000000000001")]
    id: EventId,
    /// Such as `payment_link.sent`. New kinds may be added.
    #[serde(rename = "type")]
    kind: String,
    at: Time,
    /// Who did it, for people.
    actor: String,
    #[schema(value_type = Option<String>)]
    appointment_id: Option<AppointmentId>,
    #[schema(value_type = Option<String>)]
    payment_link_id: Option<LinkId>,
    /// More of it, by its type.
    #[schema(value_type = Object)]
    data: Value,
}

impl From<views::EventView> for Event {
    fn from(event: views::EventView) -> Event {
        Event {
            id: event.id,
            kind: event.kind,
            at: Time(event.at),
            actor: event.actor,
            appointment_id: event.appointment,
            payment_link_id: event.link,
            data: event.data,
        }
    }
}
