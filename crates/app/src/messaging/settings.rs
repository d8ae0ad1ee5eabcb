//! Settings -> Messages: a clinic connects, tests and disconnects its carriers. Secrets go in and never come out.

use remit_core::UtcMs;
use remit_core::contact::{Email, Phone};
use remit_core::deliveries::Channel;
use remit_core::ids::{ClinicId, EndpointId, MessageId};
use remit_gateways::Answer;
use remit_gateways::mail_server::{self, Protocol};
use remit_gateways::messages::{Handover, Message};
use remit_store::audit;
pub use remit_store::bounces::Watched;
use remit_store::messaging::{self, MessagingChannel};

use super::kinds::{self, Field, Held, Kind};
use super::{bounces, carrier, held, receipt_url, sealed, sentence};
use crate::error::in_field;
use crate::providers::examine::{Line, Verdict};
use crate::throttle::{self, Cap};
use crate::{Actor, App, Error, Result, again, clinics};

/// Test messages of a clinic: enough to get it right, too few to be worth anything to somebody else (hazard D13).
const TESTS: Cap = Cap {
    what: "test messages",
    hits: 20,
    window_ms: remit_core::HOUR_MS,
};

/// A wish to connect or change a channel.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The carrier's name; none: the one before.
    pub provider: Option<String>,
    /// What was entered: the field's name, and its text or `None` to empty it. What is left out stays.
    pub fields: Vec<(&'static str, Option<String>)>,
}

/// A channel in the settings.
pub struct View {
    pub channel: Channel,
    /// None: nothing is connected.
    pub connected: Option<Connected>,
    /// What is sent goes into the demo's tray meanwhile.
    pub is_tray: bool,
}

/// A connection as the settings show it. Secrets are never part of it.
pub struct Connected {
    pub kind: &'static Kind,
    pub endpoint: EndpointId,
    /// Where its delivery receipts go.
    pub receipt_url: String,
    /// Whether receipts can be believed with what was entered.
    pub hears_receipts: bool,
    pub last_error: Option<(String, UtcMs)>,
    pub last_success_at: Option<UtcMs>,
    /// How reading the mailbox for bounces went; none: none is read.
    pub bounces: Option<Watched>,
    shown: Held,
    set: Vec<String>,
    /// The names of the further headers.
    pub header_names: Vec<String>,
}

impl Connected {
    /// What was entered, unless it is a secret.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.shown.get(name)
    }

    /// Whether anything was entered, secret or not.
    pub fn has(&self, name: &str) -> bool {
        self.set.iter().any(|set| set == name)
    }
}

/// One channel of the settings.
///
/// # Errors
/// [`Error::NotFound`] for a channel that sends nothing; or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, channel: Channel) -> Result<View> {
    if !matches!(channel, Channel::Sms | Channel::Email) {
        return Err(Error::NotFound);
    }
    let row = messaging::current(&app.store, clinic, channel).await?;
    let connected = match row {
        Some(row) => Some(connected(app, &row).await?),
        None => None,
    };
    let context = clinics::context(app, clinic).await?;
    Ok(View {
        channel,
        is_tray: connected.is_none() && context.clinic.test_mode,
        connected,
    })
}

async fn connected(app: &App, row: &MessagingChannel) -> Result<Connected> {
    let kind = kinds::kind(row.channel, &row.provider).ok_or(Error::NotSetUp("this carrier"))?;
    let held = held(app, row)?;
    let headers = held.get("headers").map(kinds::headers);
    let headers = headers.and_then(|read| read.ok()).unwrap_or_default();
    let is_open = |name: &str| kind.field(name).is_some_and(|field| !field.secret);
    let shown = held.0.iter().filter(|(name, _)| is_open(name));
    let shown = shown.map(|(name, text)| (name.clone(), text.clone()));
    Ok(Connected {
        kind,
        endpoint: row.id,
        receipt_url: receipt_url(app, row.id),
        hears_receipts: kind.proofs.is_empty()
            || kind.proofs.iter().any(|proof| held.get(proof).is_some()),
        last_error: row.last_error.clone(),
        last_success_at: row.last_success_at,
        bounces: remit_store::bounces::get(&app.store, row.clinic, row.id).await?,
        shown: Held(shown.collect()),
        set: held.0.keys().cloned().collect(),
        header_names: headers.into_iter().map(|(name, _)| name).collect(),
    })
}

/// Connects a channel or changes its settings.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`] for a channel that sends nothing; or the store's.
#[crate::boxed]
pub async fn save(app: &App, actor: &Actor, channel: Channel, input: &Input) -> Result<View> {
    again(|| save_once(app, actor, channel, input)).await?;
    get(app, actor.clinic, channel).await
}

async fn save_once(app: &App, actor: &Actor, channel: Channel, input: &Input) -> Result<()> {
    let before = messaging::current(&app.store, actor.clinic, channel).await?;
    let name = input.provider.as_deref().map(str::trim);
    let name = name.or(before.as_ref().map(|row| row.provider.as_str()));
    let kind = kind_of(channel, name)?;
    let before = before.filter(|row| row.provider == kind.name);
    let kept = match &before {
        Some(row) => held(app, row)?,
        None => Held::default(),
    };
    let wished = entered(kind, &kept, input)?;
    let is_same = kind
        .identity
        .is_none_or(|identity| kept.get(identity) == wished.get(identity));
    let now = app.now().await?;
    let fresh: EndpointId = app.fresh(now)?;
    let row = MessagingChannel {
        clinic: actor.clinic,
        id: before
            .as_ref()
            .filter(|_| is_same)
            .map_or(fresh, |row| row.id),
        channel,
        provider: kind.name.to_owned(),
        settings_sealed: sealed(app, actor.clinic, &wished)?,
        version: before.as_ref().map_or(0, |row| row.version),
        last_error: None,
        last_success_at: None,
    };
    kinds::connect(app, kind, &wished, row.id)
        .map_err(|(field, why)| Error::invalid(field, why))?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let action = if before.is_some() && is_same {
        messaging::save(&mut tx, &row, now).await?;
        "messaging.changed"
    } else {
        messaging::insert(&mut tx, &row, now).await?;
        "messaging.connected"
    };
    if channel == Channel::Email {
        bounces::follow(&mut tx, &row, &wished, now).await?;
    }
    let object = format!("{} {}", channel.name(), kind.name);
    audit::append(&mut tx, &actor.label, action, &object, now).await?;
    tx.commit().await?;
    tracing::info!(endpoint.id = %row.id, "saved how {} goes out: {} behind {}", channel.name(), kind.name, row.id);
    Ok(())
}

fn kind_of(channel: Channel, name: Option<&str>) -> Result<&'static Kind> {
    let mut known = kinds::of_channel(channel);
    match (name, channel) {
        (Some(name), _) => kinds::kind(channel, name).ok_or_else(|| {
            let names: Vec<_> = known.map(|kind| kind.name).collect();
            Error::invalid("provider", format!("Choose one of: {}.", names.join(", ")))
        }),
        (None, Channel::Email) => known.next().ok_or(Error::NotFound),
        (None, Channel::Sms) => Err(Error::invalid("provider", "Choose who carries the texts.")),
        (None, Channel::Qr | Channel::Copy) => Err(Error::NotFound),
    }
}

/// What is held with what was entered put over it, every field checked.
fn entered(kind: &'static Kind, kept: &Held, input: &Input) -> Result<Held> {
    let mut wished = kept.clone();
    for (name, text) in &input.fields {
        let Some(field) = kind.field(name) else {
            return Err(Error::invalid(
                name,
                format!("{} has no such setting. Leave it out.", kind.title),
            ));
        };
        put(&mut wished, field, text.as_deref())?;
    }
    if kind.channel == Channel::Email {
        for sign_in in &SIGN_INS {
            apart(sign_in, &mut wished, kept, input)?;
        }
    }
    let missing = kind
        .fields
        .iter()
        .find(|field| field.required && wished.get(field.name).is_none());
    match missing {
        Some(field) => Err(Error::invalid(
            field.name,
            format!("Enter the {}.", lower(field.label)),
        )),
        None => Ok(wished),
    }
}

fn lower(label: &str) -> String {
    match label.chars().nth(1) {
        // An abbreviation stays as it is.
        Some(second) if second.is_uppercase() => label.to_owned(),
        _ => label.to_lowercase(),
    }
}

fn put(wished: &mut Held, field: &'static Field, text: Option<&str>) -> Result<()> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    match text {
        None if field.required && field.secret && wished.get(field.name).is_some() => {
            return Err(Error::invalid(
                field.name,
                "Leave it out to keep what is saved.",
            ));
        }
        None => drop(wished.0.remove(field.name)),
        Some(text) => {
            (field.check)(text).map_err(|why| Error::invalid(field.name, why))?;
            wished.0.insert(field.name.to_owned(), text.to_owned());
        }
    }
    Ok(())
}

/// A mail server's address among the fields, and the field of its password.
struct SignIn {
    protocol: Protocol,
    url: &'static str,
    password: &'static str,
}

const SIGN_INS: [SignIn; 2] = [
    SignIn {
        protocol: Protocol::Smtp,
        url: "smtp_url",
        password: "password",
    },
    SignIn {
        protocol: Protocol::Imap,
        url: "bounces_url",
        password: "bounces_password",
    },
];

/// The password of a mail server is taken out of its address and kept apart. It belongs to a name at a server: with
/// another of them, or none, it is not kept.
fn apart(sign_in: &SignIn, wished: &mut Held, kept: &Held, input: &Input) -> Result<()> {
    let Some(text) = wished.get(sign_in.url).map(str::to_owned) else {
        wished.0.remove(sign_in.password);
        return Ok(());
    };
    let (shown, within) = mail_server::split(sign_in.protocol, &text)
        .map_err(|error| Error::invalid(sign_in.url, error))?;
    let is_entered = input
        .fields
        .iter()
        .any(|(name, text)| *name == sign_in.password && text.is_some());
    let is_other = |old: &str| !mail_server::same_sign_in(sign_in.protocol, old, &shown);
    if let Some(password) = within {
        wished.0.insert(sign_in.password.to_owned(), password);
    } else if !is_entered && kept.get(sign_in.url).is_some_and(is_other) {
        wished.0.remove(sign_in.password);
    }
    wished.0.insert(sign_in.url.to_owned(), shown);
    Ok(())
}

/// Takes a channel's connection away; false when there was none. A clinic in test mode has the tray again.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn disconnect(app: &App, actor: &Actor, channel: Channel) -> Result<bool> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let was = messaging::replace(&mut tx, channel, now).await?;
    if was {
        audit::append(
            &mut tx,
            &actor.label,
            "messaging.disconnected",
            channel.name(),
            now,
        )
        .await?;
        tx.commit().await?;
    }
    Ok(was)
}

/// How a channel stands, asked without sending anything: who carries it, whether the carrier knows us, what it said last.
///
/// # Errors
/// [`Error::NotFound`] for a channel that sends nothing; [`Error::Sealed`], [`Error::Setup`]; or the store's.
#[crate::boxed]
pub async fn examine(app: &App, clinic: ClinicId, channel: Channel) -> Result<Vec<Line>> {
    let view = get(app, clinic, channel).await?;
    let Some(connected) = view.connected else {
        let line = if view.is_tray {
            Line::new("carrier", Verdict::Ok, "the demo’s tray (test mode)")
        } else {
            let text = "none: connect one in Settings, Messages, or nothing can be sent this way";
            Line::new("carrier", Verdict::Warning, text)
        };
        return Ok(vec![line]);
    };
    let read = match messaging::current(&app.store, clinic, channel).await? {
        Some(row) => bounces::examine(app, &row).await?,
        None => None,
    };
    let greeted = match carrier(app, clinic, channel).await?.door.greet().await {
        Answer::Done(()) => Line::new("carrier", Verdict::Ok, connected.kind.title),
        Answer::Refused(refusal) => Line::new("carrier", Verdict::Fault, refusal.message),
        Answer::Unknown(unknown) => Line::new("carrier", Verdict::Unknown, sentence(&unknown.why)),
    };
    let mut lines = vec![greeted];
    match (read, connected.hears_receipts) {
        (Some(Ok(())), _) => {
            lines.push(Line::new("bounces", Verdict::Ok, "the mailbox can be read"))
        }
        (Some(Err(why)), _) => lines.push(Line::new("bounces", Verdict::Fault, why)),
        (None, true) => lines.push(Line::new("receipts", Verdict::Ok, connected.receipt_url)),
        (None, false) => {
            let text =
                "not believed: enter what signs them, or no message is ever shown as delivered";
            lines.push(Line::new("receipts", Verdict::Warning, text));
        }
    }
    if let Some((error, at)) = connected.last_error
        && connected.last_success_at.is_none_or(|success| success < at)
    {
        lines.push(Line::new("last message", Verdict::Warning, error));
    }
    Ok(lines)
}

/// What came of a test message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tested {
    /// The carrier took it.
    Sent,
    /// It did not go out: why, and what to do.
    Failed(String),
    /// It may have gone out or not.
    Uncertain(String),
}

/// Sends a test message through the channel as it is set up, and waits for what comes of it.
///
/// # Errors
/// [`Error::Invalid`] for an address that cannot be; [`Error::NotSetUp`]; [`Error::TooMany`]; or the store's.
#[crate::boxed]
pub async fn test(app: &App, actor: &Actor, channel: Channel, to: &str) -> Result<Tested> {
    let context = clinics::context(app, actor.clinic).await?;
    let clinic = &context.clinic;
    let to = match channel {
        Channel::Sms => Phone::parse(to, &clinic.country)
            .and_then(Phone::for_sms)
            .map(Phone::into_string),
        Channel::Email => Email::parse(to).map(Email::into_string),
        Channel::Qr | Channel::Copy => return Err(Error::NotFound),
    };
    let to = to.map_err(in_field("to"))?;
    let carrier = carrier(app, actor.clinic, channel).await?;
    throttle::hit(app, TESTS, &actor.clinic.to_string()).await?;
    let reference: MessageId = app.fresh(app.now().await?)?;
    let text = format!(
        "{}: this is a test message. Messages of this clinic arrive.",
        clinic.name
    );
    let message = Message {
        reference: reference.to_string(),
        channel,
        to,
        subject: (channel == Channel::Email).then(|| format!("Test message from {}", clinic.name)),
        text,
        html: None,
        attachments: vec![],
    };
    Ok(match carrier.door.send(&message).await {
        Handover::Taken(_) => Tested::Sent,
        Handover::Refused(refusal) => Tested::Failed(refusal.message),
        Handover::NotNow(unknown) => Tested::Failed(sentence(&unknown.why)),
        Handover::Unknown(unknown) => Tested::Uncertain(sentence(&unknown.why)),
    })
}
