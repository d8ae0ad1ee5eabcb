//! How an account is connected or changed: the wish is read, tried at the provider, put to the row of its own account,
//! and written in one transaction.

use std::sync::Arc;

use remit_core::ids::ClinicId;
use remit_core::{DAY_MS, UtcMs};
use remit_gateways::payments::{AccountFacts, Lookup, PaymentProvider, WebhookSetup};
use remit_gateways::{Answer, address};
use remit_store::providers::{self, ProviderAccount};
use remit_store::{Tx, audit};

use super::examine::{self, Known, told_account};
use super::kinds::{self, Kind};
use super::settings::{Input, json, switched_on};
use super::{Former, SANDBOX, Secrets, connect, sealed, secrets, webhook_url};
use crate::{Actor, App, ClinicContext, Error, Result, clinics};

/// How long a replaced signing secret is still taken.
pub const OVERLAP_MS: i64 = DAY_MS;
const SECRET_CHARS_MAX: usize = 255;

/// A wish whose shapes were checked.
pub(super) struct Wish {
    /// The key, and whether it is for live money.
    pub(super) key: Option<(String, bool)>,
    pub(super) signing: Option<String>,
    pub(super) api_base: Option<String>,
    pub(super) enabled: Option<bool>,
}

impl Wish {
    pub(super) fn read(kind: &Kind, input: &Input) -> Result<Wish> {
        let text = |field: &'static str, value: &Option<String>| match value.as_deref() {
            None => Ok(None),
            Some(text) => {
                let text = text.trim();
                let plain = text.len() <= SECRET_CHARS_MAX
                    && text.bytes().all(|byte| byte.is_ascii_graphic());
                match (text.is_empty(), plain) {
                    (true, _) => Err(Error::invalid(field, "Leave it out to keep what is saved.")),
                    (_, false) => Err(Error::invalid(
                        field,
                        "There are spaces or other characters in it. Copy it again.",
                    )),
                    (false, true) => Ok(Some(text.to_owned())),
                }
            }
        };
        let key = match text("secret_key", &input.secret_key)? {
            Some(key) => {
                let livemode =
                    (kind.read_key)(&key).map_err(|why| Error::invalid("secret_key", why))?;
                Some((key, livemode))
            }
            None => None,
        };
        let signing = text("webhook_secret", &input.webhook_secret)?;
        if let Some(secret) = &signing {
            let wrong = match kind.signing_prefix {
                Some(prefix) => kinds::wrong_signing_secret(prefix, secret),
                None => Some(format!("{} has no signing secret.", kind.title)),
            };
            if let Some(why) = wrong {
                return Err(Error::invalid("webhook_secret", why));
            }
        }
        Ok(Wish {
            key,
            signing,
            api_base: api_base(input.api_base.as_deref())?,
            enabled: input.enabled,
        })
    }
}

/// The address up to but without the version, which the adapter adds.
fn api_base(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text else {
        return Ok(None);
    };
    if text.trim().is_empty() {
        return Ok(Some(String::new()));
    }
    let base = address::api_base(text).map_err(|error| Error::invalid("api_base", error))?;
    let versions = ["/v1", "/v2"];
    let bare = versions.iter().find_map(|end| base.strip_suffix(end));
    let base = bare.unwrap_or(&base);
    Ok(Some(base.to_owned()))
}

/// What is about to be saved, and what the provider said to it.
struct Draft {
    row: ProviderAccount,
    /// The account that stood in the settings before; the same one unless it changed.
    before: Option<ProviderAccount>,
    is_new: bool,
    held: Secrets,
    /// The answer of a test, where one was made.
    answer: Option<Answer<AccountFacts>>,
}

pub(super) async fn save_once(
    app: &App,
    actor: &Actor,
    kind: &'static Kind,
    wish: &Wish,
) -> Result<()> {
    let rows = providers::of_provider(&app.store, actor.clinic, kind.name).await?;
    let draft = draft(app, actor.clinic, kind, wish, rows).await?;
    let context = clinics::context(app, actor.clinic).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    write(app, &mut tx, &draft, now).await?;
    switch(&mut tx, &draft, wish, context.clinic.test_mode).await?;
    if let Some(answer) = &draft.answer {
        keep_test(app, &mut tx, &draft.row, answer, kind, &context, now).await?;
    }
    let object = format!("{} {}", kind.name, draft.row.account);
    for action in actions(&draft, wish) {
        note(&mut tx, actor, action, &object, now).await?;
    }
    tx.commit().await?;
    tracing::info!(endpoint.id = %draft.row.id, "saved the {} account behind {}", kind.name, draft.row.id);
    Ok(())
}

/// What the audit log is told.
fn actions(draft: &Draft, wish: &Wish) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if draft.is_new {
        actions.push("provider.connected");
    } else if wish.key.is_some() {
        actions.push("provider.key_changed");
    }
    if wish.signing.is_some() {
        actions.push("provider.signing_secret_changed");
    }
    if wish.api_base.is_some() {
        actions.push("provider.address_changed");
    }
    if wish.enabled.is_some() {
        actions.push(switched(wish.enabled));
    }
    actions
}

async fn draft(
    app: &App,
    clinic: ClinicId,
    kind: &'static Kind,
    wish: &Wish,
    rows: Vec<ProviderAccount>,
) -> Result<Draft> {
    let before = rows.first().cloned();
    let held = match &before {
        Some(row) => secrets(app, row)?,
        None => Secrets::default(),
    };
    let (key, livemode) = match (&wish.key, &before) {
        (Some((key, livemode)), _) => (key.clone(), *livemode),
        (None, Some(row)) => (held.secret_key.clone(), row.livemode),
        (None, None) => {
            let text = format!("Paste the secret key of the {} account.", kind.title);
            return Err(Error::invalid("secret_key", text));
        }
    };
    let api_base = match &wish.api_base {
        // The usual address is not written down: it follows the release.
        Some(base) if base == kind.api_base => String::new(),
        Some(base) => base.clone(),
        None => before
            .as_ref()
            .map_or_else(String::new, |row| row.api_base.clone()),
    };
    let now = app.now().await?;
    let fresh = ProviderAccount {
        api_base,
        livemode,
        ..ProviderAccount::fresh(clinic, app.fresh(now)?, kind.name, now)
    };
    let candidate = Secrets {
        secret_key: key,
        ..Secrets::default()
    };
    if wish.key.is_none() && wish.api_base.is_none() {
        // Nothing to test: the same account, with another signing secret or switch.
        let row = before.clone().unwrap_or(fresh);
        let held = with_signing(held, wish, now);
        return Ok(Draft {
            row,
            before,
            is_new: false,
            held,
            answer: None,
        });
    }
    let gateway = connect(app, &fresh, &candidate, now)
        .map_err(|error| Error::invalid("secret_key", error))?;
    let place = before.as_ref().map_or(fresh.id, |row| row.id);
    let answer = gateway
        .inspect(&webhook_url(app, kind.name, place), now)
        .await;
    if let Answer::Refused(refusal) = &answer
        && refusal.code == "unauthorised"
    {
        return Err(Error::invalid("secret_key", refusal.message.clone()));
    }
    let told = match &answer {
        Answer::Done(facts) => told_account(facts, &fresh).map(str::to_owned),
        Answer::Refused(_) | Answer::Unknown(_) => None,
    };
    let same = same_account(app, &gateway, &rows, told.as_deref(), livemode).await?;
    settle(
        Settled {
            before,
            same,
            fresh,
            told,
            candidate,
            held,
            answer,
            rows: &rows,
            wish,
            now,
        },
        app,
    )
}

/// What is known when the row is chosen.
struct Settled<'a> {
    before: Option<ProviderAccount>,
    same: Option<ProviderAccount>,
    fresh: ProviderAccount,
    told: Option<String>,
    candidate: Secrets,
    held: Secrets,
    answer: Answer<AccountFacts>,
    rows: &'a [ProviderAccount],
    wish: &'a Wish,
    now: UtcMs,
}

/// Chooses the row: the one of the same account keeps its webhook address and signing secrets, another account is a new
/// row, so that what was begun with the old one ends with it.
fn settle(all: Settled<'_>, app: &App) -> Result<Draft> {
    let is_new = all.same.is_none();
    let (row, held) = match all.same {
        Some(same) => {
            let kept = if all
                .before
                .as_ref()
                .is_some_and(|before| before.id == same.id)
            {
                all.held
            } else {
                secrets(app, &same)?
            };
            let row = ProviderAccount {
                api_base: all.fresh.api_base,
                merchant: same.merchant.clone().or(all.told),
                ..same
            };
            (row, kept)
        }
        None => {
            let row = ProviderAccount {
                account: name(&all.fresh, all.told.as_deref(), all.rows),
                merchant: all.told,
                ..all.fresh
            };
            (row, Secrets::default())
        }
    };
    let held = Secrets {
        secret_key: all.candidate.secret_key,
        ..held
    };
    Ok(Draft {
        answer: Some(for_row(all.answer, is_new && all.before.is_some())),
        before: all.before,
        is_new,
        held: with_signing(held, all.wish, all.now),
        row,
    })
}

/// The answer looked for the old account's webhook address; a new row has one that nobody registered yet.
fn for_row(answer: Answer<AccountFacts>, is_other: bool) -> Answer<AccountFacts> {
    answer.map(|facts| match facts.webhook {
        WebhookSetup::Registered | WebhookSetup::Disabled if is_other => AccountFacts {
            webhook: WebhookSetup::Missing,
            ..facts
        },
        _ => facts,
    })
}

/// The name that attempts and ledger will keep: the provider's own id, unless another row has it (the same account in
/// the other mode) or it is not known.
fn name(fresh: &ProviderAccount, told: Option<&str>, rows: &[ProviderAccount]) -> String {
    let own = format!("{}_{}", fresh.provider, fresh.id.0.simple());
    let Some(told) = told else {
        return own;
    };
    let mode = if fresh.livemode { "live" } else { "test" };
    [told.to_owned(), format!("{told}:{mode}")]
        .into_iter()
        .find(|name| rows.iter().all(|row| row.account != *name))
        .unwrap_or(own)
}

/// The row of the account that a key belongs to. Where the provider did not tell the account, the latest session of
/// the account in the settings proves it: only its own account knows that session.
async fn same_account(
    app: &App,
    gateway: &Arc<dyn PaymentProvider>,
    rows: &[ProviderAccount],
    told: Option<&str>,
    livemode: bool,
) -> Result<Option<ProviderAccount>> {
    if let Some(told) = told {
        let known = rows
            .iter()
            .find(|row| row.merchant.as_deref() == Some(told) && row.livemode == livemode);
        if known.is_some() {
            return Ok(known.cloned());
        }
    }
    let Some(current) = rows
        .first()
        .filter(|row| row.livemode == livemode && (told.is_none() || row.merchant.is_none()))
    else {
        return Ok(None);
    };
    let Some(session) = providers::last_session(&app.store, current).await? else {
        return Ok(Some(current.clone()));
    };
    let is_another = matches!(
        gateway.retrieve(Lookup::Session(&session)).await,
        Answer::Refused(refusal) if refusal.code == "not_found"
    );
    Ok((!is_another).then(|| current.clone()))
}

/// A new signing secret takes over; the one before is taken a day longer, since the provider may still sign with it.
fn with_signing(held: Secrets, wish: &Wish, now: UtcMs) -> Secrets {
    let Some(fresh) = &wish.signing else {
        return held;
    };
    if held.webhook_secrets.first() == Some(fresh) {
        return held;
    }
    Secrets {
        secret_key: held.secret_key,
        former: held.webhook_secrets.first().map(|secret| Former {
            secret: secret.clone(),
            until: now + OVERLAP_MS,
        }),
        webhook_secrets: vec![fresh.clone()],
    }
}

async fn write(app: &App, tx: &mut Tx, draft: &Draft, now: UtcMs) -> Result<()> {
    let row = ProviderAccount {
        secrets_sealed: sealed(app, draft.row.clinic, &draft.held)?,
        events_since: if draft.is_new {
            now
        } else {
            draft.row.events_since
        },
        ..draft.row.clone()
    };
    if draft.is_new {
        providers::insert(tx, &row).await?;
    } else {
        providers::save(tx, &row, now).await?;
    }
    Ok(())
}

/// Which account takes new attempts from now on. A changed account takes over from the one before it; what is switched
/// off gives the sandbox back while the clinic is in test mode.
async fn switch(tx: &mut Tx, draft: &Draft, wish: &Wish, test_mode: bool) -> Result<()> {
    let was = draft.row.enabled || draft.before.as_ref().is_some_and(|before| before.enabled);
    match wish.enabled {
        Some(true) => providers::enable(tx, Some(draft.row.id)).await?,
        Some(false) if was => {
            let sandbox = if test_mode {
                providers::current_in(tx, SANDBOX).await?
            } else {
                None
            };
            providers::enable(tx, sandbox.map(|row| row.id)).await?;
        }
        None if was => providers::enable(tx, Some(draft.row.id)).await?,
        Some(false) | None => {}
    }
    Ok(())
}

pub(super) async fn keep_test(
    app: &App,
    tx: &mut Tx,
    row: &ProviderAccount,
    answer: &Answer<AccountFacts>,
    kind: &Kind,
    context: &ClinicContext,
    now: UtcMs,
) -> Result<()> {
    let enabled = switched_on(context);
    let address = webhook_url(app, kind.name, row.id);
    let lines = examine::lines(kind, row, &context.clinic, &enabled, &address, answer);
    let (facts, merchant) = match answer {
        Answer::Done(facts) => {
            let told = told_account(facts, row).map(str::to_owned);
            // Another account's facts are not this one's.
            let ours = row.merchant.is_none() || told == row.merchant || told.is_none();
            let known = ours.then(|| json(&Known::of(facts))).transpose()?;
            (known, told.filter(|_| ours))
        }
        Answer::Refused(_) | Answer::Unknown(_) => (None, None),
    };
    let test = json(&lines)?;
    providers::note_test(tx, row.id, (test, now), facts, merchant).await?;
    Ok(())
}

/// What the audit log calls a switch.
pub(super) fn switched(enabled: Option<bool>) -> &'static str {
    if enabled == Some(true) {
        "provider.enabled"
    } else {
        "provider.disabled"
    }
}

pub(super) async fn note(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    object: &str,
    now: UtcMs,
) -> Result<()> {
    Ok(audit::append(tx, &actor.label, action, object, now).await?)
}
