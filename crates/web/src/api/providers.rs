//! The payment providers of a clinic: connected, tested, switched on and off. Secrets go in and never come out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::providers::examine::{Line, Verdict};
use remit_app::providers::settings::{self, Connected, Input, View};
use remit_app::{App, Error};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Nothing, not_null};
use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::lists;
use super::money::Time;
use super::problem::{Kind, Problem};

/// A provider in the settings. What is not known, or not connected, is null.
#[derive(Serialize, ToSchema)]
pub struct Provider {
    #[schema(example = "stripe")]
    provider: &'static str,
    /// Whether it takes new payments.
    enabled: bool,
    /// Whether real money moves; told by the key.
    livemode: Option<bool>,
    /// The provider's own id of the account; until that is known, a name that Remit gave it.
    account: Option<String>,
    /// The account's name, country (ISO 3166) and currency (ISO 4217), as the provider tells them.
    account_name: Option<String>,
    account_country: Option<String>,
    account_currency: Option<String>,
    api_base: Option<String>,
    /// Where the provider has to send its events.
    webhook_url: Option<String>,
    secret_key_set: bool,
    /// The last four characters of the key.
    secret_key_last4: Option<String>,
    webhook_secret_set: bool,
    /// The signing secret before this one is taken until then.
    former_webhook_secret_until: Option<Time>,
    /// When an authentic webhook came last, within a minute.
    last_webhook_at: Option<Time>,
    webhooks_refused: Option<WebhooksRefused>,
    /// The last test of the connection, and what Remit's own records say.
    test: Option<ConnectionTest>,
}

/// Webhooks that were not believed since the last one that was.
#[derive(Serialize, ToSchema)]
pub struct WebhooksRefused {
    count: i64,
    since: Time,
    last: Time,
}

#[derive(Serialize, ToSchema)]
pub struct ConnectionTest {
    /// Null: the provider was not asked yet.
    tested_at: Option<Time>,
    /// The worst of its lines; `unknown` when the provider gave no answer.
    outcome: TestVerdict,
    lines: Vec<TestLine>,
}

#[derive(Serialize, ToSchema)]
pub struct TestLine {
    #[schema(example = "key")]
    what: String,
    verdict: TestVerdict,
    /// What is so, and what to do.
    text: String,
}

#[derive(Clone, Copy, Serialize, ToSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TestVerdict {
    Ok,
    Warning,
    Fault,
    Unknown,
}

impl From<Verdict> for TestVerdict {
    fn from(verdict: Verdict) -> TestVerdict {
        match verdict {
            Verdict::Ok => TestVerdict::Ok,
            Verdict::Warning => TestVerdict::Warning,
            Verdict::Fault => TestVerdict::Fault,
            Verdict::Unknown => TestVerdict::Unknown,
        }
    }
}

fn outcome(lines: &[Line]) -> TestVerdict {
    let has = |verdict| lines.iter().any(|line| line.verdict == verdict);
    let is_key_unknown = lines
        .iter()
        .any(|line| line.what == "key" && line.verdict == Verdict::Unknown);
    if has(Verdict::Fault) {
        TestVerdict::Fault
    } else if is_key_unknown {
        TestVerdict::Unknown
    } else if has(Verdict::Warning) {
        TestVerdict::Warning
    } else {
        TestVerdict::Ok
    }
}

impl From<View> for Provider {
    fn from(view: View) -> Provider {
        let provider = view.kind.name;
        match view.account {
            Some(account) => connected(provider, account),
            None => Provider {
                provider,
                enabled: false,
                livemode: None,
                account: None,
                account_name: None,
                account_country: None,
                account_currency: None,
                api_base: None,
                webhook_url: None,
                secret_key_set: false,
                secret_key_last4: None,
                webhook_secret_set: false,
                former_webhook_secret_until: None,
                last_webhook_at: None,
                webhooks_refused: None,
                test: None,
            },
        }
    }
}

fn connected(provider: &'static str, account: Connected) -> Provider {
    let outcome = outcome(&account.lines);
    let is_told = account.tested_at.is_some() || !account.lines.is_empty();
    Provider {
        provider,
        enabled: account.enabled,
        livemode: Some(account.livemode),
        account: Some(account.account),
        account_name: account.known.name,
        account_country: account.known.country,
        account_currency: account.known.currency,
        api_base: (!account.api_base.is_empty()).then_some(account.api_base),
        webhook_url: Some(account.webhook_url),
        secret_key_set: true,
        secret_key_last4: Some(account.key_tail),
        webhook_secret_set: account.has_webhook_secret,
        former_webhook_secret_until: account.former_until.map(Time),
        last_webhook_at: account.webhook_at.map(Time),
        webhooks_refused: account.refused.map(|refused| WebhooksRefused {
            count: refused.count,
            since: Time(refused.since),
            last: Time(refused.last),
        }),
        test: is_told.then(|| ConnectionTest {
            tested_at: account.tested_at.map(Time),
            outcome,
            lines: account
                .lines
                .into_iter()
                .map(|line| TestLine {
                    what: line.what,
                    verdict: line.verdict.into(),
                    text: line.text,
                })
                .collect(),
        }),
    }
}

/// What is left out stays as it is. The sandbox takes `enabled` alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedProvider {
    /// Secret or restricted key; needed the first time. It is tried at the provider before anything is saved.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    secret_key: Option<String>,
    /// What the provider signs its webhooks with. The one before is taken a day longer.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    webhook_secret: Option<String>,
    /// Another address of the provider's API, without its version: https, or http to this machine.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    api_base: Option<String>,
    /// Have it take new payments instead of any other; switched off, a clinic in test mode gets the sandbox back.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Have the provider send its events to `webhook_url`, by its API, where the key may.
    #[serde(default)]
    register_webhook: bool,
}

fn unknown_is_not_found(error: Error) -> Problem {
    match error {
        Error::NotFound => Problem::new(
            Kind::NotFound,
            "There is no such payment provider. Known: stripe, mollie, sandbox.",
        ),
        error => error.into(),
    }
}

/// Read a payment provider
#[utoipa::path(get, path = "/settings/providers/{provider}", tag = "Settings", operation_id = "get_provider",
    params(("provider" = String, Path)), responses((status = 200, body = Provider)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(name): Id<String>,
    _: lists::NoQuery,
) -> Result<Json<Provider>, Problem> {
    let view = settings::get(&app, actor.clinic, &name).await;
    Ok(Json(view.map_err(unknown_is_not_found)?.into()))
}

/// Connect or change a payment provider
///
/// A key that the provider refuses changes nothing. A provider that gives no answer does not stand in the way: `test`
/// then says that the key was not tested.
#[utoipa::path(put, path = "/settings/providers/{provider}", tag = "Settings", operation_id = "change_provider",
    params(("provider" = String, Path)), request_body = ChangedProvider, responses((status = 200, body = Provider)))]
pub async fn save(Id(name): Id<String>, call: Call<ChangedProvider>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = Input {
            secret_key: work.body.secret_key.clone(),
            webhook_secret: work.body.webhook_secret.clone(),
            api_base: work.body.api_base.clone(),
            enabled: work.body.enabled,
            register_webhook: work.body.register_webhook,
        };
        let saved = settings::save(&work.app, &work.actor, &name, &input).await;
        Answer::ok(&Provider::from(saved.map_err(unknown_is_not_found)?))
    })
    .await
}

/// Test the connection to a payment provider
#[utoipa::path(post, path = "/settings/providers/{provider}/test", tag = "Settings", operation_id = "test_provider",
    params(("provider" = String, Path)), request_body(content = Option<Nothing>), responses((status = 200, body = Provider)))]
pub async fn test(Id(name): Id<String>, call: Call<Nothing>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let tested = settings::test(&work.app, work.actor.clinic, &name).await;
        Answer::ok(&Provider::from(tested.map_err(unknown_is_not_found)?))
    })
    .await
}
