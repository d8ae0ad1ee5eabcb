//! Messages in words: the clinic's own texts and the standard ones, in the patient's language. Whatever leaves as an SMS
//! or email is composed here.

mod html;

use remit_core::clinic::Clinic;
use remit_core::deliveries::Channel;
use remit_core::ids::ClinicId;
use remit_core::languages::{self, DateStyle, Language};
use remit_core::messages::{self, Segments};
use remit_core::money::{Currency, Money};
use remit_core::templates::{self as rules, Finding, Purpose, Text, TextChannel, Values, Worded};
use remit_core::{DAY_MS, UtcMs, links};
use remit_store::templates::{self as rows, Place, TemplateVersion};

use crate::clinics::in_language;
use crate::{Actor, App, ClinicContext, Error, Result, clinics};

/// Versions of one text that are shown.
const VERSIONS_SHOWN: i64 = 20;

/// What a message is about.
#[derive(Clone, Debug)]
pub struct About<'a> {
    pub channel: Channel,
    pub purpose: Purpose,
    /// The patient's locale (`pl-PL`): it chooses the language.
    pub locale: &'a str,
    pub patient_name: &'a str,
    pub amount: Money,
    /// The patient's page; none where there is nothing to open, in a receipt or refund only.
    pub link: Option<&'a str>,
    /// `PL-20671A`.
    pub reference: &'a str,
    /// When the link ends; none for receipts and refunds.
    pub expires_at: Option<UtcMs>,
    pub appointment_at: UtcMs,
    /// When the money came or went; receipts and refunds only.
    pub happened_at: Option<UtcMs>,
}

/// A message in words, ready for its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// Emails only.
    pub subject: Option<String>,
    pub text: String,
    /// Emails only: the same words, laid out.
    pub html: Option<String>,
}

/// Words a message in the patient's language: the clinic's own text, else the standard one.
///
/// # Errors
/// [`Error::NotFound`] without such a clinic; or the store's.
#[crate::boxed]
pub async fn compose(app: &App, clinic: ClinicId, about: &About<'_>) -> Result<Composed> {
    let context = clinics::context(app, clinic).await?;
    let language = languages::of_locale(about.locale);
    let place = Place {
        channel: about.channel.into(),
        language: language.tag,
        purpose: about.purpose,
    };
    let newest = rows::versions(&app.store, clinic, place, 1).await?.pop();
    let own = newest.and_then(|version| version.text);
    Ok(composed(&context, language, own.as_ref(), about))
}

fn composed(
    context: &ClinicContext,
    language: &'static Language,
    own: Option<&Text>,
    about: &About<'_>,
) -> Composed {
    let channel = TextChannel::from(about.channel);
    let values = values(&context.clinic, language, about);
    let worded = rules::word(own, channel, about.purpose, language, &values);
    match channel {
        TextChannel::Sms => Composed {
            subject: None,
            text: worded.text,
            html: None,
        },
        TextChannel::Email => email(context, language, about, &values, worded),
    }
}

fn email(
    context: &ClinicContext,
    language: &Language,
    about: &About<'_>,
    values: &Values,
    worded: Worded,
) -> Composed {
    let mark = context.test_mark(language);
    let button = if about.purpose.asks_for_money() {
        languages::fill(language.messages.pay_button, &[("amount", &values.amount)])
    } else {
        language.messages.see_button.to_owned()
    };
    let page = html::Email {
        language,
        clinic: &context.clinic,
        subject: worded.subject.as_deref().unwrap_or_default(),
        lines: &worded.lines,
        values,
        button: &button,
        mark: mark.as_deref(),
    };
    Composed {
        html: Some(page.html()),
        text: messages::marked(worded.text, mark.as_deref()),
        subject: worded.subject,
    }
}

/// What stands for the placeholders, as readers of the language write it.
fn values(clinic: &Clinic, language: &Language, about: &About<'_>) -> Values {
    let channel = TextChannel::from(about.channel);
    let style = match channel {
        TextChannel::Sms => DateStyle::Sms,
        TextChannel::Email => DateStyle::DayTime,
    };
    let date = |at| in_language(clinic, at, language, style);
    let first_name = about.patient_name.split_whitespace().next();
    let raw = Values {
        clinic: clinic.name.clone(),
        clinic_phone: clinic.phone.clone(),
        first_name: first_name.unwrap_or_default().to_owned(),
        amount: language.money(about.amount),
        link: about.link.unwrap_or_default().to_owned(),
        reference: about.reference.to_owned(),
        expires: about.expires_at.map(date).unwrap_or_default(),
        appointment: date(about.appointment_at),
        date: about.happened_at.map(date).unwrap_or_default(),
    };
    raw.map(|value| match channel {
        TextChannel::Sms => language.marked_for_sms(value),
        TextChannel::Email => language.isolated(value),
    })
}

/// Which text of a clinic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Which {
    pub channel: TextChannel,
    pub language: &'static Language,
    pub purpose: Purpose,
}

impl Which {
    /// # Errors
    /// [`Error::NotFound`] for a word that is none of ours.
    pub fn parse(channel: &str, language: &str, purpose: &str) -> Result<Which> {
        Ok(Which {
            channel: TextChannel::parse(channel).ok_or(Error::NotFound)?,
            language: languages::named(language).ok_or(Error::NotFound)?,
            purpose: Purpose::parse(purpose).ok_or(Error::NotFound)?,
        })
    }

    /// Every text there is, in the order of the settings.
    pub fn all() -> Vec<Which> {
        let mut all = Vec::new();
        for channel in TextChannel::ALL {
            for language in languages::ALL {
                all.extend(Purpose::ALL.map(|purpose| Which {
                    channel,
                    language,
                    purpose,
                }));
            }
        }
        all
    }

    fn place(self) -> Place<'static> {
        Place {
            channel: self.channel,
            language: self.language.tag,
            purpose: self.purpose,
        }
    }

    /// The text that holds without one of the clinic's own.
    pub fn standard(self) -> Text {
        rules::standard(self.channel, self.purpose, self.language)
    }
}

/// One text and what became of it.
#[derive(Clone, Debug)]
pub struct TemplateView {
    pub which: Which,
    /// What is in use.
    pub text: Text,
    pub is_standard: bool,
    /// Newest first; empty when it was never changed.
    pub versions: Vec<TemplateVersion>,
}

impl TemplateView {
    fn of(which: Which, versions: Vec<TemplateVersion>) -> TemplateView {
        let own = versions.first().and_then(|version| version.text.clone());
        TemplateView {
            which,
            is_standard: own.is_none(),
            text: own.unwrap_or_else(|| which.standard()),
            versions,
        }
    }
}

/// A text with its versions.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, which: Which) -> Result<TemplateView> {
    let versions = rows::versions(&app.store, clinic, which.place(), VERSIONS_SHOWN).await?;
    Ok(TemplateView::of(which, versions))
}

/// Every text of the clinic, with the version in use.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, clinic: ClinicId) -> Result<Vec<TemplateView>> {
    let changed = rows::in_use(&app.store, clinic).await?;
    let of = |which: Which| {
        let is_this = |version: &&TemplateVersion| {
            version.channel == which.channel
                && version.language == which.language.tag
                && version.purpose == which.purpose
        };
        TemplateView::of(
            which,
            changed.iter().find(is_this).cloned().into_iter().collect(),
        )
    };
    Ok(Which::all().into_iter().map(of).collect())
}

/// A text as it would arrive, and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Preview {
    pub message: Composed,
    /// SMS only.
    pub segments: Option<Segments>,
    /// What one such SMS costs the clinic, by the price in its sending limits.
    pub cost: Option<Money>,
    pub findings: Vec<Finding>,
}

/// Shows a text with the clinic's own name and phone and a made-up patient's values. A text that cannot be read shows
/// the standard one; its findings say why.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn preview(app: &App, clinic: ClinicId, which: Which, text: &Text) -> Result<Preview> {
    let context = clinics::context(app, clinic).await?;
    let sample = Sample::of(app, &context).await?;
    let about = sample.about(which, context.clinic.currency);
    let values = values(&context.clinic, which.language, &about);
    let own = (*text != which.standard()).then_some(text);
    let findings = rules::lint(text, which.channel, which.purpose, which.language, &values);
    let message = composed(&context, which.language, own, &about);
    let segments = (which.channel == TextChannel::Sms).then(|| messages::segments(&message.text));
    let limits = &context.sending_limits;
    let cost = segments.map(|one| {
        let minor = limits.cost(about.channel, one.count);
        Money::new(minor, context.clinic.currency)
    });
    Ok(Preview {
        message,
        segments,
        cost,
        findings,
    })
}

/// A patient who is nobody.
struct Sample {
    link: String,
    now: UtcMs,
}

impl Sample {
    async fn of(app: &App, context: &ClinicContext) -> Result<Sample> {
        // As long as a real one, and plainly none.
        let link = format!(
            "{}/p/{}ExampleExampleExample0",
            app.config.public_url, context.clinic.route
        );
        Ok(Sample {
            link,
            now: app.now().await?,
        })
    }

    fn about(&self, which: Which, currency: Currency) -> About<'_> {
        let money = which.purpose.asks_for_money();
        About {
            channel: match which.channel {
                TextChannel::Sms => Channel::Sms,
                TextChannel::Email => Channel::Email,
            },
            purpose: which.purpose,
            locale: which.language.tag,
            patient_name: "Ava Example",
            amount: Money::new(45 * 10_i64.pow(currency.exponent()), currency),
            link: Some(&self.link),
            reference: "PL-EXAMPL",
            expires_at: money.then_some(self.now + links::LIFETIME_MS),
            appointment_at: self.now + 7 * DAY_MS,
            happened_at: (!money).then_some(self.now),
        }
    }
}

/// Whether a text may be used.
///
/// # Errors
/// What stands against it, field by field; or the store's.
#[crate::boxed]
pub async fn check(
    app: &App,
    clinic: ClinicId,
    which: Which,
    text: &Text,
) -> Result<std::result::Result<(), Vec<Finding>>> {
    let found = preview(app, clinic, which, text).await?.findings;
    let refused: Vec<Finding> = found
        .into_iter()
        .filter(|finding| finding.refused)
        .collect();
    Ok(if refused.is_empty() {
        Ok(())
    } else {
        Err(refused)
    })
}

/// Uses a text from now on; none: the standard one again. The versions before stay.
///
/// # Errors
/// [`Error::Invalid`] names the field of a text that may not be used; or the store's.
#[crate::boxed]
pub async fn save(
    app: &App,
    actor: &Actor,
    which: Which,
    text: Option<&Text>,
) -> Result<TemplateView> {
    if let Some(text) = text
        && let Err(refused) = check(app, actor.clinic, which, text).await?
        && let Some(first) = refused.first()
    {
        return Err(Error::invalid(first.part.name(), &first.advice));
    }
    let before = get(app, actor.clinic, which).await?;
    // What is the standard text word for word follows it when a later release words it better.
    let text = text.filter(|text| **text != which.standard());
    let is_same = match text {
        Some(text) => !before.is_standard && *text == before.text,
        None => before.is_standard,
    };
    if is_same {
        return Ok(before);
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let what = format!(
        "{} {} {}{}",
        which.channel.name(),
        which.language.tag,
        which.purpose.name(),
        if text.is_none() { " standard" } else { "" }
    );
    // Takes the clinic's lock, so that versions are numbered one after the other.
    remit_store::audit::append(&mut tx, &actor.label, "message_template.set", &what, now).await?;
    rows::append(&mut tx, which.place(), text, &actor.label, now).await?;
    tx.commit().await?;
    get(app, actor.clinic, which).await
}

/// Uses an earlier version again, as a new one.
///
/// # Errors
/// [`Error::NotFound`] without such a version; [`Error::Invalid`] when it may not be used any more; or the store's.
#[crate::boxed]
pub async fn use_again(
    app: &App,
    actor: &Actor,
    which: Which,
    version: i64,
) -> Result<TemplateView> {
    let before = get(app, actor.clinic, which).await?;
    let found = before
        .versions
        .into_iter()
        .find(|known| known.version == version);
    let text = found.ok_or(Error::NotFound)?.text;
    save(app, actor, which, text.as_ref()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_named_and_found_by_its_names() {
        let all = Which::all();
        assert_eq!(all.len(), 2 * languages::ALL.len() * Purpose::ALL.len());
        for which in all {
            let (channel, purpose) = (which.channel.name(), which.purpose.name());
            assert!(
                matches!(Which::parse(channel, which.language.tag, purpose), Ok(found) if found == which)
            );
        }
        assert!(Which::parse("sms", "xx", "balance").is_err());
    }
}
