//! *Test the connection*: what works and what does not, line by line. Settings, API and `remit doctor` say the same.

use remit_core::UtcMs;
use remit_core::clinic::Clinic;
use remit_core::methods::Method;
use remit_core::money::Currency;
use remit_gateways::Answer;
use remit_gateways::payments::{AccountFacts, WebhookSetup};
use remit_store::providers::ProviderAccount;
use serde::{Deserialize, Serialize};

use super::kinds::Kind;

/// How far two clocks may be apart before people are told: signatures fail at 300 s (hazard B6).
const SKEW_MAX_MS: i64 = 30_000;

/// How one line of a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// Works, and somebody should look at it.
    Warning,
    /// Keeps payments from being taken or recorded at once.
    Fault,
    /// Could not be found out.
    Unknown,
}

/// One line of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `key`, `account`, `currency`, `charges`, `methods`, `webhook`, `secret`, `clock`, `webhooks`, `answers`.
    pub what: String,
    pub verdict: Verdict,
    /// What is so, and what to do.
    pub text: String,
}

impl Line {
    pub(crate) fn new(what: &str, verdict: Verdict, text: impl Into<String>) -> Line {
        Line {
            what: what.to_owned(),
            verdict,
            text: text.into(),
        }
    }
}

/// What is kept of an account's facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub name: Option<String>,
    pub country: Option<String>,
    pub currency: Option<String>,
    pub methods: Option<Vec<String>>,
}

impl Known {
    pub(super) fn of(facts: &AccountFacts) -> Known {
        let methods = facts.methods.as_ref();
        Known {
            name: facts.name.clone(),
            country: facts.country.clone(),
            currency: facts.currency.map(|currency| currency.code().to_owned()),
            methods: methods.map(|list| list.iter().map(|one| one.name().to_owned()).collect()),
        }
    }

    /// Nothing that is kept can break this: what cannot be read is not known.
    pub(super) fn read(json: Option<&str>) -> Known {
        json.and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }

    /// The account's methods that this release knows; `None`: it was not told.
    pub fn methods(&self) -> Option<Vec<Method>> {
        let names = self.methods.as_ref()?;
        Some(
            names
                .iter()
                .filter_map(|name| Method::parse(name))
                .collect(),
        )
    }
}

/// The account's own id, where the answer told it: a key that may not read it answers with what we said.
pub(super) fn told_account<'a>(facts: &'a AccountFacts, row: &ProviderAccount) -> Option<&'a str> {
    let told = facts.account.as_str();
    let echo = row.merchant.is_none() && told == row.account && !row.account_is_merchant();
    (!told.is_empty() && !echo).then_some(told)
}

/// Whether the name that attempts keep is one that Remit gave, for want of the provider's.
pub(super) trait Named {
    fn account_is_merchant(&self) -> bool;
}

impl Named for ProviderAccount {
    fn account_is_merchant(&self) -> bool {
        !self.account.starts_with(&format!("{}_", self.provider))
    }
}

/// What one answer about the account says. `enabled` are the methods that the clinic has switched on.
pub(super) fn lines(
    kind: &Kind,
    row: &ProviderAccount,
    clinic: &Clinic,
    enabled: &[Method],
    webhook_url: &str,
    answer: &Answer<AccountFacts>,
) -> Vec<Line> {
    let title = kind.title;
    let facts = match answer {
        Answer::Done(facts) => facts,
        Answer::Refused(refusal) if refusal.code == "unauthorised" => {
            return vec![Line::new("key", Verdict::Fault, refusal.message.clone())];
        }
        Answer::Refused(refusal) => {
            let text = format!(
                "Saved, and not tested. {title} answered: {}",
                refusal.message
            );
            return vec![Line::new("key", Verdict::Unknown, text)];
        }
        Answer::Unknown(unknown) => {
            let text = format!(
                "Not tested: {title} gave no answer ({}). Try again in a minute.",
                unknown.why
            );
            return vec![Line::new("key", Verdict::Unknown, text)];
        }
    };
    let mut lines = vec![key(title, row, facts), account(title, row, facts)];
    lines.extend(currency(title, clinic, facts));
    lines.push(charges(title, facts));
    lines.push(methods(title, enabled, facts));
    lines.push(webhook(title, webhook_url, facts));
    lines.extend(clock(title, facts));
    lines
}

fn key(title: &str, row: &ProviderAccount, facts: &AccountFacts) -> Line {
    let mode = if facts.livemode {
        "live: it takes real money"
    } else {
        "test mode: no money moves"
    };
    if facts.livemode != row.livemode {
        let text = format!("{title} says that this key is {mode}. Paste the key again.");
        return Line::new("key", Verdict::Fault, text);
    }
    Line::new(
        "key",
        Verdict::Ok,
        format!("{title} takes the key, {mode}."),
    )
}

fn account(title: &str, row: &ProviderAccount, facts: &AccountFacts) -> Line {
    let Some(told) = told_account(facts, row) else {
        let text = "This key may not read the account, so name, country and methods are not known. Payments work.";
        return Line::new("account", Verdict::Unknown, text);
    };
    if let Some(known) = row.merchant.as_deref().filter(|known| *known != told) {
        let text = format!(
            "The key belongs to {told}, the payments so far were made with {known}. Paste the key again to connect \
             {told} as an account of its own; payments under way stay with {known}."
        );
        return Line::new("account", Verdict::Fault, text);
    }
    let mut parts = vec![told.to_owned()];
    parts.extend(facts.name.clone());
    parts.extend(facts.country.clone());
    parts.extend(facts.currency.map(|currency| currency.code().to_owned()));
    let _ = title;
    Line::new("account", Verdict::Ok, parts.join(" · "))
}

fn currency(title: &str, clinic: &Clinic, facts: &AccountFacts) -> Option<Line> {
    let own: Currency = facts.currency?;
    (own != clinic.currency).then(|| {
        let text = format!(
            "The clinic charges in {}, the {title} account is kept in {own}: {title} converts each payment at a cost, or \
             refuses it. Add {} to the account, or connect one that has it.",
            clinic.currency, clinic.currency
        );
        Line::new("currency", Verdict::Warning, text)
    })
}

fn charges(title: &str, facts: &AccountFacts) -> Line {
    if facts.charges_enabled {
        return Line::new("charges", Verdict::Ok, "The account may take payments.");
    }
    let text = format!(
        "The account may not take payments yet. Finish its set-up in the {title} dashboard."
    );
    Line::new("charges", Verdict::Fault, text)
}

fn methods(title: &str, enabled: &[Method], facts: &AccountFacts) -> Line {
    let Some(has) = &facts.methods else {
        let text =
            "Which methods the account has is not known; Remit offers those that are switched on.";
        return Line::new("methods", Verdict::Unknown, text);
    };
    let titles = |list: &[Method]| {
        let titles: Vec<&str> = list.iter().map(|one| one.title()).collect();
        titles.join(", ")
    };
    let lacking: Vec<Method> = enabled
        .iter()
        .copied()
        .filter(|method| !has.contains(method))
        .collect();
    if !lacking.is_empty() {
        let text = format!(
            "Switched on here and not in the {title} account: {}. Patients are not offered it until it is switched on \
             there.",
            titles(&lacking)
        );
        return Line::new("methods", Verdict::Warning, text);
    }
    Line::new(
        "methods",
        Verdict::Ok,
        format!("The account has {}.", titles(has)),
    )
}

fn webhook(title: &str, webhook_url: &str, facts: &AccountFacts) -> Line {
    let (verdict, text) = match facts.webhook {
        WebhookSetup::Registered => (
            Verdict::Ok,
            format!("{title} sends its events to {webhook_url}."),
        ),
        WebhookSetup::Disabled => (
            Verdict::Fault,
            format!(
                "{title} has stopped sending events to {webhook_url}. Switch the endpoint on again in its dashboard."
            ),
        ),
        WebhookSetup::Missing => (
            Verdict::Warning,
            format!(
                "{title} does not send its events here yet: register {webhook_url}. Until then payments are recorded \
                 within minutes, not at once."
            ),
        ),
        WebhookSetup::Unknown => (
            Verdict::Unknown,
            format!("This key may not look whether {title} sends its events to {webhook_url}."),
        ),
        WebhookSetup::PerPayment => (
            Verdict::Ok,
            format!("{title} is told {webhook_url} with every payment."),
        ),
    };
    Line::new("webhook", verdict, text)
}

fn clock(title: &str, facts: &AccountFacts) -> Option<Line> {
    let skew_ms = facts.clock_skew_ms?;
    let seconds = skew_ms.abs() / 1_000;
    Some(if skew_ms.abs() > SKEW_MAX_MS {
        let text = format!(
            "This server's clock and {title}'s are {seconds} s apart. Switch time synchronisation (NTP) on: from 300 s \
             on no webhook is believed."
        );
        Line::new("clock", Verdict::Warning, text)
    } else {
        Line::new("clock", Verdict::Ok, "The clocks agree.")
    })
}

/// What stands in our own records: signing secret, webhooks, the last answer that proved nothing. Judged when shown.
pub(super) fn own_lines(
    kind: &Kind,
    row: &ProviderAccount,
    has_secret: bool,
    last_failure: Option<&str>,
    say: impl Fn(UtcMs) -> String,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let signed = kind.signing_prefix.is_some();
    if signed && !has_secret {
        let text = "No signing secret is saved, so every webhook is refused. Payments are still recorded, within minutes.";
        lines.push(Line::new("secret", Verdict::Warning, text));
    }
    if let Some(refused) = row.refused {
        let (count, are) = match refused.count {
            1 => ("1 webhook".to_owned(), "was"),
            count => (format!("{count} webhooks"), "were"),
        };
        let why = if has_secret {
            "the signing secret does not fit. Copy it again from the endpoint with this address"
        } else {
            "no signing secret is saved"
        };
        let text = format!(
            "{count} {are} refused since {}: {why}. No money is lost.",
            say(refused.since)
        );
        lines.push(Line::new("webhooks", Verdict::Fault, text));
    } else if let Some(at) = row.webhook_at {
        let text = format!("The last webhook came at {}.", say(at));
        lines.push(Line::new("webhooks", Verdict::Ok, text));
    } else if signed && has_secret {
        let text = "No webhook has come yet.";
        lines.push(Line::new("webhooks", Verdict::Unknown, text));
    }
    if let Some(why) = last_failure {
        let text = format!("The last call gave no answer: {why}.");
        lines.push(Line::new("answers", Verdict::Warning, text));
    }
    lines
}
