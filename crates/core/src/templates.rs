//! The texts of messages: templates with a closed list of placeholders, read and checked before a clinic may use them
//! (hazards E1, D14), and the standard ones that hold wherever a clinic has none of its own.

mod lint;
mod reading;
mod standard;

use std::fmt;

pub use lint::{Advice, BODY_CHARS_MAX, Finding, Part, SEGMENTS_MAX, SUBJECT_CHARS_MAX, lint};
pub use reading::{Misread, Segment, Template, Why};
pub use standard::{standard, standard_sms};

use crate::deliveries::Channel;
use crate::languages::Language;
use crate::methods::PurposeKind;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    Deposit,
    Balance,
    Reminder,
    Expiring,
    Receipt,
    Refund,
}

impl Purpose {
    pub const ALL: [Purpose; 6] = [
        Purpose::Deposit,
        Purpose::Balance,
        Purpose::Reminder,
        Purpose::Expiring,
        Purpose::Receipt,
        Purpose::Refund,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Purpose::Deposit => "deposit",
            Purpose::Balance => "balance",
            Purpose::Reminder => "reminder",
            Purpose::Expiring => "expiring",
            Purpose::Receipt => "receipt",
            Purpose::Refund => "refund",
        }
    }

    pub fn parse(name: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|known| known.name() == name)
    }

    /// As staff read it.
    pub fn title(self) -> &'static str {
        match self {
            Purpose::Deposit => "Deposit",
            Purpose::Balance => "Balance",
            Purpose::Reminder => "Reminder",
            Purpose::Expiring => "Link ends soon",
            Purpose::Receipt => "Receipt",
            Purpose::Refund => "Refund",
        }
    }

    /// Whether the message asks for money and so must hold its link.
    pub fn asks_for_money(self) -> bool {
        match self {
            Purpose::Deposit | Purpose::Balance | Purpose::Reminder | Purpose::Expiring => true,
            Purpose::Receipt | Purpose::Refund => false,
        }
    }
}

impl From<PurposeKind> for Purpose {
    /// What a link was made for. A part of the balance is asked for in the same words as all of it.
    fn from(kind: PurposeKind) -> Purpose {
        match kind {
            PurposeKind::Deposit => Purpose::Deposit,
            PurposeKind::Balance | PurposeKind::Custom => Purpose::Balance,
        }
    }
}

/// A channel whose messages have a text of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextChannel {
    Sms,
    Email,
}

impl TextChannel {
    pub const ALL: [TextChannel; 2] = [TextChannel::Sms, TextChannel::Email];

    pub fn name(self) -> &'static str {
        match self {
            TextChannel::Sms => "sms",
            TextChannel::Email => "email",
        }
    }

    pub fn parse(name: &str) -> Option<TextChannel> {
        TextChannel::ALL
            .into_iter()
            .find(|known| known.name() == name)
    }

    pub fn title(self) -> &'static str {
        match self {
            TextChannel::Sms => "SMS",
            TextChannel::Email => "Email",
        }
    }
}

impl From<Channel> for TextChannel {
    /// What is shown or copied has the short text of an SMS.
    fn from(channel: Channel) -> TextChannel {
        match channel {
            Channel::Email => TextChannel::Email,
            Channel::Sms | Channel::Qr | Channel::Copy => TextChannel::Sms,
        }
    }
}

/// What a text may leave open. The list is closed: whatever else a patient's record holds cannot slip into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Placeholder {
    Clinic,
    ClinicPhone,
    FirstName,
    Amount,
    Link,
    Reference,
    Expires,
    Appointment,
    Date,
}

impl Placeholder {
    pub const ALL: [Placeholder; 9] = [
        Placeholder::Clinic,
        Placeholder::ClinicPhone,
        Placeholder::FirstName,
        Placeholder::Amount,
        Placeholder::Link,
        Placeholder::Reference,
        Placeholder::Expires,
        Placeholder::Appointment,
        Placeholder::Date,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Placeholder::Clinic => "clinic",
            Placeholder::ClinicPhone => "clinic_phone",
            Placeholder::FirstName => "first_name",
            Placeholder::Amount => "amount",
            Placeholder::Link => "link",
            Placeholder::Reference => "reference",
            Placeholder::Expires => "expires",
            Placeholder::Appointment => "appointment",
            Placeholder::Date => "date",
        }
    }

    pub fn parse(name: &str) -> Option<Placeholder> {
        Placeholder::ALL
            .into_iter()
            .find(|known| known.name() == name)
    }

    /// What stands there, for the person who writes a text.
    pub fn about(self) -> &'static str {
        match self {
            Placeholder::Clinic => "the clinic’s name",
            Placeholder::ClinicPhone => "the clinic’s phone",
            Placeholder::FirstName => "the patient’s first name",
            Placeholder::Amount => "what is to pay, was paid or goes back",
            Placeholder::Link => "the patient’s own page",
            Placeholder::Reference => "the reference that the page shows too",
            Placeholder::Expires => "when the link ends",
            Placeholder::Appointment => "the day and time of the appointment",
            Placeholder::Date => "when the money came or went",
        }
    }

    /// Whether a message of this purpose knows it.
    pub fn fits(self, purpose: Purpose) -> bool {
        match self {
            Placeholder::Expires => purpose.asks_for_money(),
            Placeholder::Date => !purpose.asks_for_money(),
            Placeholder::Clinic
            | Placeholder::ClinicPhone
            | Placeholder::FirstName
            | Placeholder::Amount
            | Placeholder::Link
            | Placeholder::Reference
            | Placeholder::Appointment => true,
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

/// What is put in place of the placeholders, written for the message's language and channel already. An empty one has
/// nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    pub clinic: String,
    pub clinic_phone: String,
    pub first_name: String,
    pub amount: String,
    pub link: String,
    pub reference: String,
    pub expires: String,
    pub appointment: String,
    pub date: String,
}

impl Values {
    pub fn get(&self, placeholder: Placeholder) -> &str {
        match placeholder {
            Placeholder::Clinic => &self.clinic,
            Placeholder::ClinicPhone => &self.clinic_phone,
            Placeholder::FirstName => &self.first_name,
            Placeholder::Amount => &self.amount,
            Placeholder::Link => &self.link,
            Placeholder::Reference => &self.reference,
            Placeholder::Expires => &self.expires,
            Placeholder::Appointment => &self.appointment,
            Placeholder::Date => &self.date,
        }
    }

    /// The same with every value made ready by `ready`, the link excepted: an address is never touched.
    pub fn map(self, ready: impl Fn(&str) -> String) -> Values {
        Values {
            clinic: ready(&self.clinic),
            clinic_phone: ready(&self.clinic_phone),
            first_name: ready(&self.first_name),
            amount: ready(&self.amount),
            link: self.link,
            reference: ready(&self.reference),
            expires: ready(&self.expires),
            appointment: ready(&self.appointment),
            date: ready(&self.date),
        }
    }
}

/// A text as a clinic writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Emails only.
    pub subject: String,
    pub body: String,
}

impl Text {
    /// As it is kept: lines end with `\n` alone, no blanks around it, nothing before or after.
    pub fn tidied(subject: &str, body: &str) -> Text {
        let body = body.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = body.split('\n').map(str::trim_end).collect();
        Text {
            subject: subject.trim().to_owned(),
            body: lines.join("\n").trim().to_owned(),
        }
    }
}

/// A message, worded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worded {
    /// Emails only.
    pub subject: Option<String>,
    /// The lines of an email still cut at their placeholders, so that a page can be made of them; an SMS is one.
    pub text: String,
    pub lines: Vec<Vec<Segment>>,
}

/// Words a message: the clinic's own text where there is one that can be read, else the standard one.
pub fn word(
    own: Option<&Text>,
    channel: TextChannel,
    purpose: Purpose,
    language: &Language,
    values: &Values,
) -> Worded {
    let read = own.and_then(|own| {
        let body = Template::parse(&own.body, purpose).ok()?;
        let subject = Template::parse(&own.subject, purpose).ok()?;
        Some((subject, body))
    });
    match (channel, read) {
        (TextChannel::Email, Some((subject, body))) => email(&subject, &body, values),
        (TextChannel::Email, None) => {
            let text = standard(TextChannel::Email, purpose, language);
            let empty = Template::of(vec![]);
            let part =
                |text: &str| Template::parse(text, purpose).unwrap_or_else(|_| empty.clone());
            email(&part(&text.subject), &part(&text.body), values)
        }
        (TextChannel::Sms, Some((_, body))) => sms(body.render(values)),
        (TextChannel::Sms, None) => sms(standard_sms(purpose, language, values)),
    }
}

fn sms(text: String) -> Worded {
    Worded {
        subject: None,
        lines: vec![],
        text,
    }
}

fn email(subject: &Template, body: &Template, values: &Values) -> Worded {
    let lines = body.lines(values);
    let said = |line: &Vec<Segment>| {
        let line = Template::of(line.clone());
        line.render(values)
    };
    let text: Vec<String> = lines.iter().map(said).collect();
    Worded {
        subject: Some(subject.render(values)),
        text: text.join("\n").trim_end().to_owned() + "\n",
        lines,
    }
}

#[cfg(test)]
mod tests;
