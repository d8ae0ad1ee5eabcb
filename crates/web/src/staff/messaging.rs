//! Settings -> Messages: an owner connects, tests and disconnects the carriers of texts and emails.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::Error;
use remit_app::messaging::kinds::{self, Field as Known, Kind};
use remit_app::messaging::settings::{self as verbs, Connected, Input, Tested, View, Watched};
use remit_core::contact::Phone;
use remit_core::deliveries::Channel;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::sentences;
use crate::pages::messaging::{Carrier, ChannelCard, Entry, Messaging, State};
use crate::pages::providers::{Line, LineTone};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/messages";
const CHANNELS: [Channel; 2] = [Channel::Sms, Channel::Email];

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    /// What was done, and to which channel.
    done: String,
    channel: String,
    /// Whose fields are shown for SMS; empty: those of what is connected.
    sms: String,
}

/// `GET /settings/messages`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    let done = Channel::parse(&told.channel).and_then(|channel| said(&told.done, channel));
    let chosen = kinds::kind(Channel::Sms, &told.sms);
    settings(&desk, StatusCode::OK, done, chosen, None).await
}

fn said(done: &str, channel: Channel) -> Option<String> {
    let title = channel.title();
    Some(match done {
        "saved" => format!("{title} is saved"),
        "tested" => "The test message was taken".into(),
        "disconnected" => format!("{title} is disconnected"),
        _ => return None,
    })
}

/// `POST /settings/messages/{channel}`.
pub async fn save(desk: Desk, Path(name): Path<String>, form: Form) -> Answer {
    let channel = channel(&name)?;
    let kind = kinds::kind(channel, form.text("provider")).ok_or(Error::NotFound)?;
    let before = verbs::get(&desk.app, desk.clinic(), channel).await?;
    let is_other = before
        .connected
        .is_none_or(|before| before.kind.name != kind.name);
    let sent = kind.fields.iter().filter_map(|field| {
        let typed = form.some(field.name);
        // A secret that was not typed stays as it is; so does one that was never there.
        let is_kept = typed.is_none() && field.secret;
        (!is_kept).then_some((field.name, typed))
    });
    let input = Input {
        provider: is_other.then(|| kind.name.to_owned()),
        fields: sent.collect(),
    };
    let done = verbs::save(&desk.app, desk.actor(), channel, &input).await;
    let retry = |error| Retry {
        channel,
        kind: Some(kind),
        error,
        form: Some(&form),
        is_test: false,
    };
    finish(&desk, channel, "saved", done.map(drop), retry).await
}

/// `POST /settings/messages/{channel}/test`.
pub async fn test(desk: Desk, Path(name): Path<String>, form: Form) -> Answer {
    let channel = channel(&name)?;
    let tested = verbs::test(&desk.app, desk.actor(), channel, form.text("to")).await;
    let done = tested.and_then(|tested| match tested {
        Tested::Sent => Ok(()),
        Tested::Failed(why) => Err(Error::invalid("to", format!("Not sent. {why}"))),
        Tested::Uncertain(why) => Err(Error::invalid(
            "to",
            format!("It may have gone out or not. {why}"),
        )),
    });
    let retry = |error| Retry {
        channel,
        kind: None,
        error,
        form: Some(&form),
        is_test: true,
    };
    finish(&desk, channel, "tested", done, retry).await
}

/// `POST /settings/messages/{channel}/disconnect`.
pub async fn disconnect(desk: Desk, Path(name): Path<String>) -> Answer {
    let channel = channel(&name)?;
    let done = verbs::disconnect(&desk.app, desk.actor(), channel).await;
    let retry = |error| Retry {
        channel,
        kind: None,
        error,
        form: None,
        is_test: false,
    };
    finish(&desk, channel, "disconnected", done.map(drop), retry).await
}

fn channel(name: &str) -> Result<Channel, Error> {
    let found = CHANNELS.into_iter().find(|channel| channel.name() == name);
    found.ok_or(Error::NotFound)
}

async fn finish<'a>(
    desk: &Desk,
    channel: Channel,
    word: &str,
    done: remit_app::Result<()>,
    retry: impl FnOnce(Error) -> Retry<'a>,
) -> Answer {
    match done {
        Ok(()) => {
            let name = channel.name();
            Ok(see_other(&format!(
                "{HERE}?done={word}&channel={name}#{name}"
            )))
        }
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            let retry = retry(error);
            settings(desk, status, None, retry.kind, Some(&retry)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A form that was not carried out.
struct Retry<'a> {
    channel: Channel,
    kind: Option<&'static Kind>,
    error: Error,
    form: Option<&'a Form>,
    is_test: bool,
}

impl Retry<'_> {
    fn wrong(&self, name: &str) -> Option<String> {
        match &self.error {
            Error::Invalid { field, message } if *field == name => Some(message.clone()),
            _ => None,
        }
    }
}

async fn settings(
    desk: &Desk,
    status: StatusCode,
    done: Option<String>,
    chosen: Option<&'static Kind>,
    retry: Option<&Retry<'_>>,
) -> Answer {
    let mut cards = Vec::new();
    for channel in CHANNELS {
        let view = verbs::get(&desk.app, desk.clinic(), channel).await?;
        let retry = retry.filter(|retry| retry.channel == channel);
        let chosen = chosen.filter(|kind| kind.channel == channel);
        cards.extend(card(desk, &view, chosen, retry));
    }
    let shown = Messaging {
        shell: desk.shell(Section::Settings).await?,
        done,
        cards,
    };
    Ok(page(status, &shown))
}

fn card(
    desk: &Desk,
    view: &View,
    chosen: Option<&'static Kind>,
    retry: Option<&Retry<'_>>,
) -> Option<ChannelCard> {
    let connected = view.connected.as_ref();
    let kinds: Vec<_> = kinds::of_channel(view.channel).collect();
    let kind = chosen
        .or(connected.map(|connected| connected.kind))
        .or(kinds.first().copied())?;
    let shown = connected.filter(|connected| connected.kind.name == kind.name);
    let entries = |is_more: bool| {
        let fields = kind
            .fields
            .iter()
            .filter(move |field| is_rare(kind, field) == is_more);
        fields
            .map(|field| entry(field, shown, retry))
            .collect::<Vec<_>>()
    };
    let more = entries(true);
    let is_sms = view.channel == Channel::Sms;
    Some(ChannelCard {
        name: view.channel.name(),
        title: view.channel.title(),
        about: about(view),
        state: match (connected, view.is_tray) {
            (Some(_), _) => State::Connected,
            (None, true) => State::Tray,
            (None, false) => State::Off,
        },
        lines: connected
            .map(|connected| lines(desk, connected))
            .unwrap_or_default(),
        carriers: carriers(&kinds, kind),
        carrier: kind.name,
        carrier_title: kind.title,
        fields: entries(false),
        more_open: more
            .iter()
            .any(|entry| entry.field.error.is_some() || !entry.field.value.is_empty()),
        more,
        more_title: if kind.name == "http" {
            "Headers, body and answer"
        } else if is_sms {
            "Another API address"
        } else {
            "Bounces"
        },
        receipt_url: shown
            .filter(|_| is_told_by_hand(kind))
            .map(|shown| shown.receipt_url.clone()),
        receipt_hint: if is_sms {
            "Give it to the gateway for its delivery receipts; they prove themselves with the token."
        } else {
            "A service that reads bounces posts them here; they prove themselves with the token for bounces."
        },
        is_connected: shown.is_some(),
        may_test: connected.is_some() || view.is_tray,
        test: Field {
            value: retry
                .filter(|retry| retry.is_test)
                .and_then(|retry| retry.form)
                .map_or_else(String::new, |form| form.text("to").to_owned()),
            error: retry
                .filter(|retry| retry.is_test)
                .and_then(|retry| retry.wrong("to")),
        },
        test_kind: if is_sms { "tel" } else { "email" },
        test_label: if is_sms {
            "Mobile number for a test"
        } else {
            "Address for a test"
        },
        refused: retry
            .filter(|retry| !matches!(retry.error, Error::Invalid { .. }))
            .map(|retry| sentences::sentence(&retry.error, &desk.clock)),
    })
}

/// What few clinics need stands folded.
fn is_rare(kind: &Kind, field: &Known) -> bool {
    match field.name {
        "api_base" => kind.name != "http",
        "headers" | "body_template" | "id_path" => true,
        "bounces_url" | "bounces_password" | "receipt_token" => true,
        _ => false,
    }
}

/// Whether the address for receipts has to be given to the other side by hand.
fn is_told_by_hand(kind: &Kind) -> bool {
    matches!(kind.name, "http" | "smtp")
}

fn carriers(kinds: &[&'static Kind], shown: &Kind) -> Vec<Carrier> {
    if kinds.len() < 2 {
        return vec![];
    }
    let choices = kinds.iter().map(|kind| Carrier {
        title: kind.title,
        href: format!(
            "{HERE}?{}={}#{}",
            kind.channel.name(),
            kind.name,
            kind.channel.name()
        ),
        current: kind.name == shown.name,
    });
    choices.collect()
}

fn entry(field: &'static Known, shown: Option<&Connected>, retry: Option<&Retry<'_>>) -> Entry {
    let typed = retry
        .filter(|retry| !retry.is_test)
        .and_then(|retry| retry.form);
    let kept = shown
        .and_then(|shown| shown.value(field.name))
        .unwrap_or_default();
    let has = shown.is_some_and(|shown| shown.has(field.name));
    let kept_words = match shown {
        Some(shown) if field.name == "headers" && has => {
            format!(
                "Saved: {}. Leave it empty to keep it",
                shown.header_names.join(", ")
            )
        }
        _ => "Saved. Leave it empty to keep it".into(),
    };
    Entry {
        name: field.name,
        label: field.label,
        hint: field.hint,
        secret: field.secret,
        long: matches!(field.name, "headers" | "body_template"),
        kept: (field.secret && has).then_some(kept_words),
        field: Field {
            // What was typed as a secret is not sent back: the page would hold it, and so would the browser's cache.
            value: match typed {
                _ if field.secret => String::new(),
                Some(form) => form.text(field.name).to_owned(),
                None => kept.to_owned(),
            },
            error: retry
                .filter(|retry| !retry.is_test)
                .and_then(|retry| retry.wrong(field.name)),
        },
    }
}

/// The connection in one line.
fn about(view: &View) -> String {
    let Some(connected) = &view.connected else {
        return if view.is_tray {
            "What is sent goes into the message tray of this demo, and to nobody".into()
        } else {
            format!(
                "Nothing goes out by {} yet",
                if view.channel == Channel::Sms {
                    "SMS"
                } else {
                    "email"
                }
            )
        };
    };
    let sender = connected
        .value("sender")
        .or(connected.value("from"))
        .unwrap_or_default();
    let account = connected
        .value("account_sid")
        .or(connected.value("api_key"));
    let parts = [
        Some(connected.kind.title.to_owned()),
        Some(format!("from {}", Phone::grouped(sender))),
        account.map(str::to_owned),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// How sending went last, and whether its ends are heard of.
fn lines(desk: &Desk, connected: &Connected) -> Vec<Line> {
    let line = |tone, text| Line { tone, text };
    let moment = |at| desk.clock.moment(at);
    let error = connected.last_error.as_ref();
    let is_over = error.is_some_and(|(_, at)| {
        connected
            .last_success_at
            .is_some_and(|success| success > *at)
    });
    let success = match connected.last_success_at {
        Some(at) => line(
            LineTone::Good,
            format!("A message was taken on {}", moment(at)),
        ),
        None => line(
            LineTone::Unknown,
            "Nothing was sent yet: send a test".into(),
        ),
    };
    let error = error.map(|(why, at)| {
        let tone = if is_over {
            LineTone::Warn
        } else {
            LineTone::Bad
        };
        line(tone, format!("{}: {why}", moment(*at)))
    });
    let receipts = match (connected.kind.name, connected.hears_receipts) {
        ("twilio", _) | ("vonage" | "http", true) => line(
            LineTone::Good,
            "Delivery receipts are checked and shown".into(),
        ),
        ("vonage", false) => line(
            LineTone::Warn,
            "Without a signature secret no delivery receipt is believed: texts stay Sent".into(),
        ),
        ("http", false) => line(
            LineTone::Warn,
            "Without a token no delivery receipt is believed: texts stay Sent".into(),
        ),
        _ => bounces(desk, connected),
    };
    [Some(success), error, Some(receipts)]
        .into_iter()
        .flatten()
        .collect()
}

/// Whether emails that come back are heard of.
fn bounces(desk: &Desk, connected: &Connected) -> Line {
    let (tone, text) = match (&connected.bounces, connected.hears_receipts) {
        (Some(Watched { error: Some(why), .. }), _) => (LineTone::Bad, format!("Mailbox for bounces: {why}")),
        (Some(Watched { read_at: Some(at), .. }), _) => (
            LineTone::Good,
            format!("The mailbox for bounces was read on {}", desk.clock.moment(*at)),
        ),
        (Some(_), _) => (
            LineTone::Unknown,
            "The mailbox for bounces is read within a minute".into(),
        ),
        (None, true) => (
            LineTone::Good,
            "Refusals are shown at once, and bounces as they are posted".into(),
        ),
        (None, false) => (
            LineTone::Unknown,
            "Refusals of the mail server are shown at once; emails that come back later only with a mailbox for bounces".into(),
        ),
    };
    Line { tone, text }
}
