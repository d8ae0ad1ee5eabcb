//! Settings -> Providers: an owner connects, tests and switches payment providers.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::Error;
use remit_app::providers::examine::Verdict;
use remit_app::providers::kinds::{self, Kind};
use remit_app::providers::settings::{self as verbs, Connected, Input, View};
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::sentences;
use crate::pages::providers::{KeyForm, Line, LineTone, Mode, ProviderCard, Providers};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/providers";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    /// What was done, and to which provider.
    done: String,
    provider: String,
}

/// `GET /settings/providers`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    let done = kinds::kind(&told.provider).and_then(|kind| said(&told.done, kind.title));
    settings(&desk, StatusCode::OK, done, None).await
}

fn said(done: &str, title: &str) -> Option<String> {
    Some(match done {
        "saved" => format!("{title} is saved"),
        "tested" => format!("{title} was tested"),
        "registered" => format!("{title} sends its webhooks here"),
        "enabled" => format!("{title} takes new payments"),
        "disabled" => format!("{title} takes no new payments"),
        _ => return None,
    })
}

/// `POST /settings/providers/{provider}`.
pub async fn save(desk: Desk, Path(name): Path<String>, form: Form) -> Answer {
    let before = verbs::get(&desk.app, desk.clinic(), &name).await?;
    let kept = before.account.as_ref().map(|account| &account.api_base);
    let api_base = form.text("api_base").trim().to_owned();
    // An address that was not touched is not sent, so that it is not tried again.
    let is_kept = kept.is_some_and(|kept| *kept == api_base)
        || (api_base.is_empty() && kept.is_none_or(|kept| *kept == before.kind.api_base));
    let input = Input {
        secret_key: form.some("secret_key"),
        webhook_secret: form.some("webhook_secret"),
        api_base: (!is_kept).then_some(api_base),
        enabled: None,
        register_webhook: false,
    };
    let done = verbs::save(&desk.app, desk.actor(), &name, &input).await;
    finish(&desk, &name, "saved", done.map(drop), Some(&form)).await
}

/// `POST /settings/providers/{provider}/test`.
pub async fn test(desk: Desk, Path(name): Path<String>) -> Answer {
    let done = verbs::test(&desk.app, desk.clinic(), &name).await;
    finish(&desk, &name, "tested", done.map(drop), None).await
}

/// `POST /settings/providers/{provider}/register`.
pub async fn register(desk: Desk, Path(name): Path<String>) -> Answer {
    let input = Input {
        register_webhook: true,
        ..Input::default()
    };
    let done = verbs::save(&desk.app, desk.actor(), &name, &input).await;
    finish(&desk, &name, "registered", done.map(drop), None).await
}

/// `POST /settings/providers/{provider}/enable`.
pub async fn enable(desk: Desk, Path(name): Path<String>) -> Answer {
    switch(desk, &name, true).await
}

/// `POST /settings/providers/{provider}/disable`.
pub async fn disable(desk: Desk, Path(name): Path<String>) -> Answer {
    switch(desk, &name, false).await
}

async fn switch(desk: Desk, name: &str, enabled: bool) -> Answer {
    let input = Input {
        enabled: Some(enabled),
        ..Input::default()
    };
    let done = verbs::save(&desk.app, desk.actor(), name, &input).await;
    let word = if enabled { "enabled" } else { "disabled" };
    finish(&desk, name, word, done.map(drop), None).await
}

async fn finish(
    desk: &Desk,
    name: &str,
    word: &str,
    done: remit_app::Result<()>,
    form: Option<&Form>,
) -> Answer {
    let kind = kinds::kind(name).ok_or(Error::NotFound)?;
    match done {
        Ok(()) => Ok(see_other(&format!(
            "{HERE}?done={word}&provider={}#{}",
            kind.name, kind.name
        ))),
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            let retry = Retry { kind, error, form };
            settings(desk, status, None, Some(&retry)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A form that was not carried out.
struct Retry<'a> {
    kind: &'static Kind,
    error: Error,
    form: Option<&'a Form>,
}

async fn settings(
    desk: &Desk,
    status: StatusCode,
    done: Option<String>,
    retry: Option<&Retry<'_>>,
) -> Answer {
    let views = verbs::list(&desk.app, desk.clinic()).await?;
    let cards = views.iter().map(|view| {
        let retry = retry.filter(|retry| retry.kind.name == view.kind.name);
        card(desk, view, retry)
    });
    let shown = Providers {
        cards: cards.collect(),
        shell: desk.shell(Section::Settings).await?,
        done,
    };
    Ok(page(status, &shown))
}

fn card(desk: &Desk, view: &View, retry: Option<&Retry<'_>>) -> ProviderCard {
    let kind = view.kind;
    let own = kind.api_base.is_empty();
    let account = view.account.as_ref();
    ProviderCard {
        name: kind.name,
        title: kind.title,
        takes: account.is_some_and(|account| account.enabled),
        mode: account.map(|account| {
            if account.livemode {
                Mode::Live
            } else {
                Mode::Test
            }
        }),
        about: match account {
            _ if own => "Remit’s own payment company, to try everything out: no money moves".into(),
            Some(account) => about(account),
            None => "Not connected".into(),
        },
        lines: account.map(lines).unwrap_or_default(),
        tested: account
            .and_then(|account| account.tested_at)
            .map(|at| format!("Tested {}", desk.clock.moment(at))),
        webhook_url: account
            .filter(|_| !own)
            .map(|account| account.webhook_url.clone()),
        may_register: !own && account.is_some_and(may_register),
        form: (!own).then(|| form(kind, account, retry)),
        off_reason: (own && !view.has_sandbox)
            .then(|| "This clinic takes real money, so the sandbox stays off.".to_owned()),
        refused: retry
            .filter(|retry| !matches!(retry.error, Error::Invalid { .. }) || own)
            .map(|retry| match &retry.error {
                Error::ProviderUnreachable(_) => {
                    format!("{} gave no answer. Try again in a minute.", kind.title)
                }
                Error::ProviderRefused(why) => why.clone(),
                error => sentences::sentence(error, &desk.clock),
            }),
    }
}

/// The account in one line.
fn about(account: &Connected) -> String {
    let known = &account.known;
    let id = account.account_is_known.then(|| account.account.clone());
    let parts = [
        known.name.clone(),
        id,
        known.country.clone(),
        known.currency.clone(),
        Some(format!("key ending in {}", account.key_tail)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Offered as long as no signing secret is there or no webhook has come.
fn may_register(account: &Connected) -> bool {
    !account.has_webhook_secret
        || account
            .lines
            .iter()
            .any(|line| line.what == "webhook" && line.verdict == Verdict::Warning)
}

fn lines(account: &Connected) -> Vec<Line> {
    let line = |line: &remit_app::providers::examine::Line| Line {
        tone: match line.verdict {
            Verdict::Ok => LineTone::Good,
            Verdict::Warning => LineTone::Warn,
            Verdict::Fault => LineTone::Bad,
            Verdict::Unknown => LineTone::Unknown,
        },
        text: line.text.clone(),
    };
    account.lines.iter().map(line).collect()
}

fn form(kind: &'static Kind, account: Option<&Connected>, retry: Option<&Retry<'_>>) -> KeyForm {
    let wrong = |name: &str| sentences::beside(retry.map(|retry| &retry.error), &[name]);
    // What was typed as a secret is not sent back: the page would hold it, and so would the browser's cache.
    let secret = |name: &str| Field {
        value: String::new(),
        error: wrong(name),
    };
    let kept_base = account.map(|account| account.api_base.clone());
    let kept_base = kept_base
        .filter(|base| base != kind.api_base)
        .unwrap_or_default();
    let api_base = Field {
        value: retry
            .and_then(|retry| retry.form)
            .map_or(kept_base, |form| form.text("api_base").to_owned()),
        error: wrong("api_base"),
    };
    KeyForm {
        secret_key: secret("secret_key"),
        key_kept: account.map(|account| {
            format!(
                "Saved, ends in {}. Leave it empty to keep it",
                account.key_tail
            )
        }),
        key_hint: kind.key_hint,
        webhook_secret: kind.signing_prefix.map(|_| secret("webhook_secret")),
        secret_kept: account
            .filter(|account| account.has_webhook_secret)
            .map(|_| "Saved. Leave it empty to keep it".to_owned()),
        api_base_open: api_base.error.is_some() || !api_base.value.is_empty(),
        api_base,
        api_base_usual: kind.api_base,
    }
}
