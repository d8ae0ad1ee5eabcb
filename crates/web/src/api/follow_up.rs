//! Links that somebody should look after, and what was done about them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::follow_up::{self, MarkInput, Reason};
use remit_app::{App, views};
use remit_core::ids::LinkId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::present;
use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::links::{PaymentLink, shown_all};
use super::lists::{self, List};
use super::money::Time;
use super::problem::Problem;

/// Why a link is to be looked after; a link has one reason, the first that fits.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpReason {
    /// The patient of an ended link asked for a new one.
    Asked,
    /// The latest message failed.
    Failed,
    /// Accessed, not paid, still open.
    Accessed,
    /// Expired within the last 14 days, and the appointment still owes.
    Expired,
}

impl From<Reason> for FollowUpReason {
    fn from(reason: Reason) -> FollowUpReason {
        match reason {
            Reason::Asked => FollowUpReason::Asked,
            Reason::Failed => FollowUpReason::Failed,
            Reason::Accessed => FollowUpReason::Accessed,
            Reason::Expired => FollowUpReason::Expired,
        }
    }
}

/// What staff did about a link.
#[derive(Serialize, ToSchema)]
pub struct FollowUpMark {
    note: Option<String>,
    noted_at: Option<Time>,
    noted_by: Option<String>,
    /// When somebody called the patient last.
    called_at: Option<Time>,
    called_by: Option<String>,
}

impl From<views::Mark> for FollowUpMark {
    fn from(mark: views::Mark) -> FollowUpMark {
        FollowUpMark {
            note: mark.note,
            noted_at: mark.noted_at.map(Time),
            noted_by: mark.noted_by,
            called_at: mark.called_at.map(Time),
            called_by: mark.called_by,
        }
    }
}

/// A link to look after.
#[derive(Serialize, ToSchema)]
pub struct FollowUp {
    reason: FollowUpReason,
    payment_link: PaymentLink,
    /// Null where nobody did anything yet.
    mark: Option<FollowUpMark>,
}

/// List links to follow up
///
/// By reason: who asked for a new link, whose message failed, who opened a link and did not pay, what expired unpaid. At
/// most 100 of each.
#[utoipa::path(get, path = "/follow-ups", tag = "Payment links", operation_id = "list_follow_ups",
    responses((status = 200, body = List<FollowUp>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<List<FollowUp>>, Problem> {
    let found = follow_up::list(&app, actor.clinic).await?;
    let (mut beside, mut links) = (Vec::new(), Vec::new());
    for one in found {
        beside.push((one.reason, one.mark));
        links.push(one.link);
    }
    let shown = shown_all(&app, actor.clinic, links).await?;
    let both = beside.into_iter().zip(shown);
    let data = both.map(|((reason, mark), payment_link)| FollowUp {
        reason: reason.into(),
        payment_link,
        mark: mark.map(Into::into),
    });
    Ok(Json(List {
        data: data.collect(),
        next_cursor: None,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMark {
    /// At most 300 characters; null takes it away, left out it stays.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
    /// The patient was called just now.
    #[serde(default)]
    called: bool,
}

/// Keep a note, or that the patient was called
///
/// Both stand on the link's timeline as well.
#[utoipa::path(post, path = "/payment-links/{id}/follow-up", tag = "Payment links", operation_id = "mark_follow_up",
    params(("id" = String, Path)), request_body = NewMark, responses((status = 200, body = FollowUpMark)))]
pub async fn mark(Id(link): Id<LinkId>, call: Call<NewMark>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = MarkInput {
            note: work.body.note.clone(),
            called: work.body.called,
        };
        let mark = follow_up::mark(&work.app, &work.actor, link, &input).await?;
        Answer::ok(&FollowUpMark::from(mark))
    })
    .await
}
