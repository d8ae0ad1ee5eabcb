//! The link window: one component, as a page of its own and over others. Hands the link over, cancels and renews it.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::deliveries::DeliveryInput;
use remit_app::idempotency::Claimed;
use remit_app::views::{DeliveryView, LinkView};
use remit_app::{Error, deliveries, links, messaging, methods, payments, qr};
use remit_core::deliveries::{Channel, DeliveryStatus, RESEND_AFTER_MS};
use remit_core::ids::LinkId;
use remit_core::links::{Closing, LIFETIME_MS, LinkState};
use remit_core::roles::Permission;

use super::answer::{Answer, Failure, own_path, page, see_other};
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::once::once;
use super::{sentences, timeline, words};
use crate::pages::links::{
    Instead, Life, LinkDialog, LinkPage, LinkWindow, OutcomeKind, QrCode, SendOutcome, SendRow,
    Step, StepState,
};
use crate::pages::{Field, Section};

/// `GET /payment-links/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    window(&desk, id.parse()?, StatusCode::OK, None).await
}

/// `POST /payment-links/{id}/deliveries`.
pub async fn deliver(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: LinkId = id.parse()?;
    let here = format!("/payment-links/{id}");
    let channel = Channel::parse(form.text("channel")).ok_or(Failure::Unreadable)?;
    let path = format!("{here}/deliveries");
    let done = once(&desk, &form, &path, async |claimed: Option<Claimed>| {
        let input = DeliveryInput {
            channel,
            to: address(&desk, id, channel, &form).await?,
            remember: form.ticked("remember"),
        };
        let made = claimed.as_ref().map(Claimed::id);
        deliveries::deliver(&desk.app, desk.actor(), id, made, &input).await?;
        Ok(own_path(form.text("back"), &here).to_owned())
    })
    .await;
    finish(&desk, id, done, Some((channel, &form))).await
}

/// Where the message goes: as typed; or, where the form has no such field, where the last one of this channel went, so
/// that a corrected address stays corrected.
async fn address(
    desk: &Desk,
    id: LinkId,
    channel: Channel,
    form: &Form,
) -> remit_app::Result<Option<String>> {
    if form.has("to") {
        return Ok(Some(form.text("to").to_owned()));
    }
    let sent = deliveries::of_link(&desk.app, desk.clinic(), id).await?;
    let last = sent.into_iter().rev().find(|sent| sent.channel == channel);
    Ok(last.and_then(|sent| sent.address))
}

/// `POST /payment-links/{id}/cancel`.
pub async fn cancel(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: LinkId = id.parse()?;
    let here = format!("/payment-links/{id}");
    let done = once(&desk, &form, &format!("{here}/cancel"), async |_| {
        links::cancel(&desk.app, desk.actor(), id).await?;
        Ok(own_path(form.text("back"), &here).to_owned())
    })
    .await;
    finish(&desk, id, done, None).await
}

/// `POST /payment-links/{id}/renew`.
pub async fn renew(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: LinkId = id.parse()?;
    let path = format!("/payment-links/{id}/renew");
    let done = once(&desk, &form, &path, async |claimed: Option<Claimed>| {
        let made = claimed.as_ref().map(Claimed::id);
        let fresh = links::renew(&desk.app, desk.actor(), id, made).await?;
        Ok(format!("/payment-links/{fresh}"))
    })
    .await;
    finish(&desk, id, done, None).await
}

async fn finish(
    desk: &Desk,
    id: LinkId,
    done: Result<String, Failure>,
    sent: Option<(Channel, &Form)>,
) -> Answer {
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            let retry = Retry {
                error: &error,
                sent,
            };
            window(desk, id, sentences::status(&error), Some(retry)).await
        }
        Err(failure) => Err(failure),
    }
}

/// What was refused, and the message form it came from.
#[derive(Clone, Copy)]
struct Retry<'a> {
    error: &'a Error,
    sent: Option<(Channel, &'a Form)>,
}

async fn window(desk: &Desk, id: LinkId, status: StatusCode, retry: Option<Retry<'_>>) -> Answer {
    let link = links::get(&desk.app, desk.clinic(), id).await?;
    let window = filled(desk, &link, retry).await?;
    if desk.wants == Wants::Dialog {
        return Ok(page(status, &LinkDialog { window }));
    }
    let events = links::timeline(&desk.app, desk.clinic(), id).await?;
    let shown = LinkPage {
        shell: desk.shell(Section::OnlinePayments).await?,
        window,
        timeline: timeline::entries(&events, desk),
    };
    Ok(page(status, &shown))
}

async fn filled(
    desk: &Desk,
    link: &LinkView,
    retry: Option<Retry<'_>>,
) -> remit_app::Result<LinkWindow> {
    let clock = &desk.clock;
    let shown = link.shown(desk.now());
    let open = shown.is_open();
    let url = if open {
        links::url(&desk.app, desk.clinic(), link)?
    } else {
        String::new()
    };
    let sent = deliveries::of_link(&desk.app, desk.clinic(), link.id).await?;
    let own_field = retry.is_some_and(|retry| {
        retry.sent.is_some() && matches!(retry.error, Error::Invalid { field: "to", .. })
    });
    let told = retry.filter(|_| !own_field || !open);
    let mut sms = send_row(desk, link, Channel::Sms, &sent, retry).await?;
    let mut email = send_row(desk, link, Channel::Email, &sent, retry).await?;
    let by_email = instead(desk, &email, Channel::Email)?;
    offer(&mut email, instead(desk, &sms, Channel::Sms)?);
    offer(&mut sms, by_email);
    let verdicts = methods::on_offer(
        &desk.context,
        link.amount_due(),
        link.purpose,
        link.patient_email.is_some(),
    );
    let offered = verdicts
        .iter()
        .filter(|(_, verdict)| verdict.is_ok())
        .map(|(method, _)| method.title().to_owned())
        .collect();
    Ok(LinkWindow {
        csrf: desk.who.csrf.clone(),
        id: link.id.to_string(),
        patient: link.patient_name.clone(),
        appointment_id: link.appointment.to_string(),
        subject: format!(
            "{} of the appointment on {}, {}",
            link.purpose.title(),
            clock.day_words(clock.date(link.appointment_starts_at)),
            clock.time(link.appointment_starts_at)
        ),
        amount: if open { link.amount_due() } else { link.amount }.to_string(),
        status: words::link_status(shown),
        badges: words::badges(link),
        life: open.then(|| life(desk, link)),
        outcome: outcome(desk, link, shown).await?,
        code: if open { Some(code(&url)?) } else { None },
        url,
        methods: offered,
        not_offered: words::not_on_offer(&verdicts),
        sms,
        email,
        steps: steps(desk, link, shown, &sent),
        clinic: desk.about().name.clone(),
        clinic_phone: desk.about().phone.clone(),
        refused: told.map(|retry| sentences::sentence(retry.error, clock)),
        idempotency_key: desk.key()?,
        may_act: desk.may(Permission::TakeMoney),
    })
}

fn life(desk: &Desk, link: &LinkView) -> Life {
    let left = (link.expires_at - desk.now()).clamp(0, LIFETIME_MS);
    Life {
        left: desk.clock.left(link.expires_at),
        ends: desk.clock.moment(link.expires_at),
        ends_at: super::clock::Clock::instant(link.expires_at),
        minutes_left: u32::try_from(left / remit_core::MINUTE_MS).unwrap_or(0),
    }
}

/// The QR code without its quiet zone, which the sheet adds.
pub fn code(url: &str) -> remit_app::Result<QrCode> {
    let (path, width) = qr::path(url)?;
    let quiet = 4;
    let size = u32::try_from(width.saturating_sub(2 * quiet)).unwrap_or(0);
    Ok(QrCode {
        size,
        path: shifted(&path, quiet),
    })
}

/// Moves a path of `M{x} {y}h{run}v1h-{run}z` pieces up and to the left.
fn shifted(path: &str, by: usize) -> String {
    let mut moved = String::with_capacity(path.len());
    for piece in path.split('M').filter(|piece| !piece.is_empty()) {
        let (place, rest) = piece.split_once('h').unwrap_or((piece, ""));
        let (x, y) = place.split_once(' ').unwrap_or((place, "0"));
        let less = |text: &str| text.parse::<usize>().unwrap_or(by).saturating_sub(by);
        moved.push_str(&format!("M{} {}h{rest}", less(x), less(y)));
    }
    moved
}

/// What became of a link that takes no money.
async fn outcome(desk: &Desk, link: &LinkView, shown: LinkState) -> remit_app::Result<String> {
    let clock = &desk.clock;
    let at = |moment: Option<i64>| clock.moment(moment.unwrap_or(link.expires_at));
    Ok(match shown {
        LinkState::Created | LinkState::Sent | LinkState::Accessed => String::new(),
        LinkState::Paid => {
            let paid = payments::of_link(&desk.app, desk.clinic(), link.id).await?;
            let by = paid.first().map(|one| match one.payment.paid_by {
                remit_core::payments::PaidBy::Online(method) => {
                    format!(" by {}", words::method(method))
                }
                remit_core::payments::PaidBy::Desk(_) => String::new(),
            });
            format!("Paid{} on {}", by.unwrap_or_default(), at(link.paid_at))
        }
        LinkState::Expired => format!(
            "Ended on {}. Nothing was paid.",
            clock.moment(link.expires_at)
        ),
        LinkState::Cancelled => {
            let ended = at(link.closed_at);
            match link.why {
                Some(Closing::Superseded) => format!("Replaced by a newer link on {ended}."),
                Some(Closing::Settled) => format!("Settled another way on {ended}."),
                Some(Closing::AppointmentCancelled) => {
                    format!("Closed with the appointment on {ended}.")
                }
                Some(Closing::Cancelled | Closing::Expired) | None => {
                    format!("Cancelled on {ended}. Nothing was paid.")
                }
            }
        }
    })
}

async fn send_row(
    desk: &Desk,
    link: &LinkView,
    channel: Channel,
    sent: &[DeliveryView],
    retry: Option<Retry<'_>>,
) -> remit_app::Result<SendRow> {
    let off = match messaging::channel(&desk.app, desk.clinic(), channel).await {
        Ok(_) => None,
        Err(Error::NotSetUp(what)) => Some(format!(
            "{} is not set up for this clinic yet. Hand the link over another way.",
            sentences::capital(what)
        )),
        // What an owner has to mend keeps nobody from handing the link over another way.
        Err(Error::Sealed | Error::Setup(_)) => Some(format!(
            "The settings of {} cannot be used. Hand the link over another way.",
            channel.title()
        )),
        Err(error) => return Err(error),
    };
    let last = sent.iter().rev().find(|sent| sent.channel == channel);
    let own = match channel {
        Channel::Sms => link.patient_phone.as_deref(),
        Channel::Email => link.patient_email.as_deref(),
        Channel::Qr | Channel::Copy => None,
    };
    let used = last.and_then(|sent| sent.address.as_deref());
    let to = used.or(own).map(|to| desk.reached(channel, to));
    let typed = retry.and_then(|retry| {
        let (_, form) = retry
            .sent
            .filter(|(of, form)| *of == channel && form.has("to"))?;
        let error = match retry.error {
            Error::Invalid {
                field: "to",
                message,
            } => Some(message.clone()),
            _ => None,
        };
        Some((form, error))
    });
    Ok(SendRow {
        to: match &typed {
            Some((form, error)) => Field {
                value: form.text("to").to_owned(),
                error: error.clone(),
            },
            None => Field::new(to.unwrap_or_default()),
        },
        idempotency_key: desk.key()?,
        outcome: last.map(|last| told(desk, last)),
        remember: typed.is_some_and(|(form, _)| form.ticked("remember")),
        off,
    })
}

/// The other channel, where the patient has an address there to which nothing failed.
fn instead(desk: &Desk, row: &SendRow, channel: Channel) -> remit_app::Result<Option<Instead>> {
    let failed = row
        .outcome
        .as_ref()
        .is_some_and(|told| told.kind == OutcomeKind::Failed);
    if row.off.is_some() || failed || row.to.value.is_empty() {
        return Ok(None);
    }
    let to = row.to.value.clone();
    Ok(Some(Instead {
        channel: channel.name(),
        label: format!("Send via {} to {to} instead", channel.title()),
        icon: if channel == Channel::Sms {
            "message-square"
        } else {
            "mail"
        },
        to,
        idempotency_key: desk.key()?,
    }))
}

fn offer(row: &mut SendRow, other: Option<Instead>) {
    if let Some(told) = &mut row.outcome
        && told.kind == OutcomeKind::Failed
    {
        told.instead = other;
    }
}

fn told(desk: &Desk, delivery: &DeliveryView) -> SendOutcome {
    let clock = &desk.clock;
    let done = clock.lately_within(delivery.done_at.unwrap_or(delivery.created_at));
    let again = delivery.created_at + RESEND_AFTER_MS;
    let again = if desk.now() < again {
        format!(" You can send it again from {}.", clock.time(again))
    } else {
        String::new()
    };
    let reason = delivery.reason.as_deref().unwrap_or("No reason was given.");
    let (kind, text) = match delivery.status {
        DeliveryStatus::Queued => match &delivery.reason {
            None => (OutcomeKind::Waiting, "On its way.".into()),
            Some(why) => (
                OutcomeKind::Waiting,
                format!("Waiting, and tried again by itself. {why}"),
            ),
        },
        DeliveryStatus::Sent => (OutcomeKind::Done, format!("Sent {done}.{again}")),
        DeliveryStatus::Delivered => (OutcomeKind::Done, format!("Delivered {done}.{again}")),
        DeliveryStatus::Uncertain => (
            OutcomeKind::Uncertain,
            "It may have gone out or not. Ask the patient before you send it again.".into(),
        ),
        DeliveryStatus::Failed => (OutcomeKind::Failed, format!("Not delivered. {reason}")),
    };
    SendOutcome {
        instead: None,
        kind,
        text,
    }
}

/// Created, Sent, Delivered, Accessed, Paid: what is done, what comes next, what is ahead.
fn steps(desk: &Desk, link: &LinkView, shown: LinkState, sent: &[DeliveryView]) -> Vec<Step> {
    let time = |at: Option<i64>| at.map(|at| desk.clock.lately(at));
    let proven = sent
        .iter()
        .rev()
        .find(|sent| sent.status == DeliveryStatus::Delivered);
    let by = link
        .sent_by
        .as_deref()
        .and_then(Channel::parse)
        .map(Channel::title);
    let sent_at = time(link.sent_at).map(|at| match by {
        Some(by) => format!("{by}, {at}"),
        None => at,
    });
    let done = [
        ("Created", time(Some(link.created_at)), ""),
        ("Sent", sent_at, "Send it or show the code"),
        (
            "Delivered",
            proven.map(|sent| desk.clock.lately(sent.done_at.unwrap_or(sent.created_at))),
            "Waiting for proof",
        ),
        ("Accessed", time(link.accessed_at), "Waiting for patient"),
        ("Paid", time(link.paid_at), "Waiting for payment"),
    ];
    let last_done = done
        .iter()
        .rposition(|(_, at, _)| at.is_some())
        .unwrap_or(0);
    done.into_iter()
        .enumerate()
        .map(|(index, (name, at, waiting))| {
            let state = if at.is_some() {
                StepState::Done
            } else if index == last_done + 1 && shown.is_open() {
                StepState::Current
            } else {
                StepState::Ahead
            };
            let detail = at.unwrap_or_else(|| match state {
                StepState::Current => waiting.into(),
                StepState::Done | StepState::Ahead if index < last_done => "Not proven".into(),
                StepState::Done | StepState::Ahead => "Not yet".into(),
            });
            Step {
                name,
                state,
                detail,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_code_fits_its_box() {
        let code = super::code("https://pay.example/p/demo7Qm2vXc9RtL0aZk4sWfH1w").unwrap();
        assert!(code.path.starts_with("M0 0h7v1h-7z"), "{}", code.path);
        assert!(code.size >= 21 && code.size % 4 == 1);
    }
}
