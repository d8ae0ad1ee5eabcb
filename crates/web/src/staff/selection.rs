//! Several links at once: sent again, renewed or cancelled by the verbs that act on one, each with an answer of its own.

use axum::http::StatusCode;
use remit_app::deliveries::DeliveryInput;
use remit_app::idempotency::Claimed;
use remit_app::views::LinkView;
use remit_app::{Error, deliveries, links};
use remit_core::account::Refusal;
use remit_core::deliveries::Channel;
use remit_core::ids::LinkId;
use remit_core::links::LinkState;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Failure, own_path, page};
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::once::once;
use super::online_payments::HERE;
use super::{sentences, words};
use crate::pages::Section;
use crate::pages::online_payments::{
    SelectionDialog, SelectionPage, SelectionResult, SelectionTold,
};

/// Links of one press: as many as a page of *Follow up* may show of one reason.
const LINKS_MAX: usize = 100;

/// What is done to each link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// The way it was sent last.
    Resend,
    /// By SMS, however it was sent before.
    Text,
    /// A new link, sent the way the old one was.
    Renew,
    Cancel,
}

impl Deed {
    fn parse(name: &str) -> Option<Deed> {
        Some(match name {
            "resend" => Deed::Resend,
            "text" => Deed::Text,
            "renew" => Deed::Renew,
            "cancel" => Deed::Cancel,
            _ => return None,
        })
    }

    /// As it stands after `3 of 5 links`.
    fn done(self) -> &'static str {
        match self {
            Deed::Resend => "sent again",
            Deed::Text => "texted",
            Deed::Renew => "renewed",
            Deed::Cancel => "cancelled",
        }
    }
}

/// One link's answer, as it is kept with the form's key.
#[derive(Serialize, Deserialize)]
struct Outcome {
    link: LinkId,
    patient: String,
    done: bool,
    text: String,
}

/// `POST /financials/online-payments/selection`: `do` and any number of `link`.
pub async fn act(desk: Desk, form: Form) -> Answer {
    let deed = Deed::parse(form.text("do")).ok_or(Failure::Unreadable)?;
    let mut chosen: Vec<LinkId> = Vec::new();
    for (_, value) in form.0.iter().filter(|(name, _)| name == "link") {
        let link = value.parse()?;
        if !chosen.contains(&link) {
            chosen.push(link);
        }
    }
    // A second press is answered with what the first one did: nobody is texted twice.
    let path = format!("{HERE}/selection");
    let kept = once(&desk, &form, &path, async |claimed: Option<Claimed>| {
        let mut outcomes = Vec::new();
        for (index, link) in chosen.iter().enumerate() {
            outcomes.push(if index < LINKS_MAX {
                outcome(&desk, deed, *link, claimed.as_ref()).await
            } else {
                let text = format!("Not done: {LINKS_MAX} links at once at most. Press again.");
                told(*link, String::new(), Err(text))
            });
        }
        let broken = |error: serde_json::Error| Error::Setup(error.to_string());
        serde_json::to_string(&outcomes).map_err(broken)
    })
    .await?;
    let outcomes: Vec<Outcome> = serde_json::from_str(&kept).map_err(|_| Failure::AlreadySent)?;
    answer(&desk, &form, deed, outcomes).await
}

async fn answer(desk: &Desk, form: &Form, deed: Deed, outcomes: Vec<Outcome>) -> Answer {
    let done = outcomes.iter().filter(|outcome| outcome.done).count();
    let told = SelectionTold {
        heading: if outcomes.is_empty() {
            "Choose a link first".into()
        } else if done == outcomes.len() {
            let links = words::count(done as u64, "link", "links");
            format!("{links} {}", deed.done())
        } else {
            format!("{done} of {} links {}", outcomes.len(), deed.done())
        },
        results: outcomes
            .into_iter()
            .map(|outcome| SelectionResult {
                done: outcome.done,
                link_id: outcome.link.to_string(),
                patient: outcome.patient,
                text: outcome.text,
            })
            .collect(),
        back: own_path(form.text("back"), HERE).to_owned(),
        next_key: desk.key()?,
    };
    if desk.wants == Wants::Dialog {
        return Ok(page(StatusCode::OK, &SelectionDialog { told }));
    }
    let shell = desk.shell(Section::OnlinePayments).await?;
    Ok(page(StatusCode::OK, &SelectionPage { shell, told }))
}

fn told(link: LinkId, patient: String, text: Result<String, String>) -> Outcome {
    Outcome {
        link,
        patient,
        done: text.is_ok(),
        text: text.unwrap_or_else(|why| why),
    }
}

/// Does it to one link. What fails here fails for this link alone.
async fn outcome(desk: &Desk, deed: Deed, id: LinkId, claimed: Option<&Claimed>) -> Outcome {
    let link = match links::get(&desk.app, desk.clinic(), id).await {
        Ok(link) => link,
        Err(error) => return told(id, "Unknown link".into(), Err(sentence(desk, &error))),
    };
    let patient = link.patient_name.clone();
    let done = match deed {
        Deed::Resend | Deed::Text if paying(&link) => Err(Error::Refused(Refusal::LivePayment)),
        Deed::Resend => send(desk, &link, way(&link), claimed).await,
        Deed::Text => send(desk, &link, Channel::Sms, claimed).await,
        Deed::Renew => renew(desk, &link, claimed).await,
        Deed::Cancel => links::cancel(&desk.app, desk.actor(), id)
            .await
            .map(|()| format!("{} cancelled.", link.amount)),
    };
    let text = done.map_err(|error| match error {
        Error::Refused(Refusal::LivePayment) => {
            "The patient is paying at this moment, so nothing was sent.".into()
        }
        error => sentence(desk, &error),
    });
    told(id, patient, text)
}

fn sentence(desk: &Desk, error: &Error) -> String {
    if !sentences::is_mendable(error) {
        tracing::warn!("one of several links: {error}");
    }
    sentences::sentence(error, &desk.clock)
}

fn paying(link: &LinkView) -> bool {
    link.live_attempt
}

/// The way a link is sent again: as it was sent last, else whatever the patient can be reached by.
fn way(link: &LinkView) -> Channel {
    let last = words::channel(link).resend_value().and_then(Channel::parse);
    last.unwrap_or(if link.patient_phone.is_some() {
        Channel::Sms
    } else {
        Channel::Email
    })
}

async fn send(
    desk: &Desk,
    link: &LinkView,
    channel: Channel,
    claimed: Option<&Claimed>,
) -> remit_app::Result<String> {
    // Where the last one of this channel went: a corrected address stays corrected.
    let sent = deliveries::of_link(&desk.app, desk.clinic(), link.id).await?;
    let last = sent.into_iter().rev().find(|sent| sent.channel == channel);
    let input = DeliveryInput {
        channel,
        to: last.and_then(|sent| sent.address),
        remember: false,
    };
    let made = claimed.map(|claimed| claimed.id_of(&format!("send {}", link.id)));
    let made = deliveries::deliver(&desk.app, desk.actor(), link.id, made, &input).await?;
    let to = made.address.unwrap_or_default();
    Ok(match channel {
        Channel::Sms => {
            format!("Texted to {}.", desk.number(&to))
        }
        Channel::Email => format!("Emailed to {to}."),
        Channel::Qr | Channel::Copy => "Handed over.".into(),
    })
}

/// A new link, sent as the old one was. That it could not be sent does not undo it, and is told.
async fn renew(
    desk: &Desk,
    link: &LinkView,
    claimed: Option<&Claimed>,
) -> remit_app::Result<String> {
    if link.shown(desk.now()) == LinkState::Paid {
        return Err(Error::Refused(Refusal::LinkPaid));
    }
    let made = claimed.map(|claimed| claimed.id_of(&format!("renew {}", link.id)));
    let fresh = links::renew(&desk.app, desk.actor(), link.id, made).await?;
    let view = links::get(&desk.app, desk.clinic(), fresh).await?;
    let amount = view.amount;
    Ok(match send(desk, &view, way(link), claimed).await {
        Ok(sent) => format!("New link for {amount}. {sent}"),
        Err(error) => format!(
            "New link for {amount}, not sent yet. {}",
            sentence(desk, &error)
        ),
    })
}
