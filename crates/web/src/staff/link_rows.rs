//! A row of *Online Payments*: what it shows, what it offers, and how it is taken anew when its link changes.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::views::{DisputeView, LinkView};
use remit_app::{disputes, links};
use remit_core::ids::LinkId;
use remit_core::links::{Closing, LinkState};
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, own_path, page, see_other};
use super::appointments::may_refund;
use super::clock::Clock;
use super::desk::{Desk, Wants};
use super::online_payments::HERE;
use super::words;
use crate::pages::Badge;
use crate::pages::online_payments::{Ends, LinkRow, LinkRowAlone, RowAct};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    /// The list that the row stands in.
    back: String,
}

/// `GET /payment-links/{id}/row`: the row alone, for the list that is open; for anybody else the link's page.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let id: LinkId = id.parse()?;
    if desk.wants != Wants::Live {
        return Ok(see_other(&format!("/payment-links/{id}")));
    }
    let link = links::get(&desk.app, desk.clinic(), id).await?;
    let disputed = if link.disputed {
        disputes::open(&desk.app, desk.clinic()).await?
    } else {
        vec![]
    };
    let row = row(&desk, &link, &disputed, own_path(&asked.back, HERE))?;
    Ok(page(StatusCode::OK, &LinkRowAlone { row }))
}

/// # Errors
/// [`remit_app::Error::Sealed`] under another master key.
pub fn row(
    desk: &Desk,
    link: &LinkView,
    disputed: &[DisputeView],
    here: &str,
) -> remit_app::Result<LinkRow> {
    let shown = link.shown(desk.now());
    let dispute = disputed
        .iter()
        .find(|view| link.disputed && view.appointment == link.appointment);
    let open = shown.is_open();
    let take = desk.may(Permission::TakeMoney);
    let badges = words::badges(link);
    let channel = words::channel(link);
    let paying = badges.contains(&Badge::InProgress);
    Ok(LinkRow {
        id: link.id.to_string(),
        appointment_id: link.appointment.to_string(),
        patient: link.patient_name.clone(),
        appointment: appointment(desk, link),
        amount: if open { link.amount_due() } else { link.amount }.to_string(),
        purpose: link.purpose.title().into(),
        status: words::link_status(shown),
        created: created(&desk.clock, link.created_at),
        ends: ends(desk, link, shown, dispute),
        act: match shown {
            LinkState::Paid => RowAct::Receipt,
            _ if !take => RowAct::Nothing,
            _ if open && paying => RowAct::Copy,
            _ if open => channel.resend_value().map_or(RowAct::Send, RowAct::Resend),
            LinkState::Expired => RowAct::Renew,
            _ => RowAct::Nothing,
        },
        url: if open && take {
            Some(links::url(&desk.app, desk.clinic(), link)?)
        } else {
            None
        },
        refundable: may_refund(desk) && link.captured > link.refunded && dispute.is_none(),
        may_act: take,
        selectable: take && shown != LinkState::Paid,
        badges,
        channel,
        csrf: desk.who.csrf.clone(),
        idempotency_key: desk.key()?,
        here: here.to_owned(),
        back: encoded(here),
    })
}

/// `Today 10:00, Tom Hargreaves`; a day further away without its hour.
pub fn appointment(desk: &Desk, link: &LinkView) -> String {
    let when = day(&desk.clock, link.appointment_starts_at);
    match &link.practitioner {
        Some(who) => format!("{when}, {who}"),
        None => when,
    }
}

/// `Today 10:00`, `Wed 18 Nov`.
pub fn day(clock: &Clock, at: i64) -> String {
    let lately = clock.lately(at);
    if lately.starts_with(|first: char| first.is_ascii_digit()) {
        let moment = clock.moment(at);
        let day = moment.split(',').next().map(str::to_owned);
        day.unwrap_or(moment)
    } else {
        lately
    }
}

/// `Today 10:44`, `Fri 20 Nov, 16:47`.
fn created(clock: &Clock, at: i64) -> String {
    let lately = clock.lately(at);
    if lately.starts_with(|first: char| first.is_ascii_digit()) {
        clock.moment(at)
    } else {
        lately
    }
}

fn ends(desk: &Desk, link: &LinkView, shown: LinkState, dispute: Option<&DisputeView>) -> Ends {
    let clock = &desk.clock;
    let end = clock.moment(link.expires_at);
    let mut ends = match shown {
        LinkState::Created | LinkState::Sent | LinkState::Accessed => {
            let left = clock.left(link.expires_at);
            Ends {
                at: Some(Clock::instant(link.expires_at)),
                brief: format!("Expires in {left}"),
                text: left,
                detail: end,
            }
        }
        LinkState::Expired => Ends {
            brief: format!("Ended {end}"),
            text: end,
            ..Ends::default()
        },
        LinkState::Paid => {
            let paid = link.paid_at.map(|at| clock.lately_within(at));
            let paid = paid.map_or("–".into(), |at| format!("Paid {at}"));
            Ends {
                brief: paid.clone(),
                text: paid,
                ..Ends::default()
            }
        }
        LinkState::Cancelled => {
            let why = match link.why {
                Some(Closing::Superseded) => "Replaced by a newer link",
                Some(Closing::Settled) => "Settled another way",
                Some(Closing::AppointmentCancelled) => "Appointment cancelled",
                Some(Closing::Cancelled | Closing::Expired) | None => "Cancelled by staff",
            };
            Ends {
                text: why.into(),
                brief: why.into(),
                ..Ends::default()
            }
        }
    };
    match dispute.map(|view| view.dispute.due_by) {
        Some(Some(due)) => {
            ends.detail = format!("evidence by {}", clock.written(due, "%a %-d %b"));
        }
        Some(None) => ends.detail = "the bank decides".into(),
        None => {}
    }
    ends
}
