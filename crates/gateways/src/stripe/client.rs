//! The calls to Stripe: addresses, keys, versions, pages. What is said in them stands elsewhere.

use reqwest::{Client, Method as Verb, RequestBuilder, Url};
use serde::de::DeserializeOwned;

use super::wire::{ListAnswer, Listed};
use super::{VERSION, errors};
use crate::address::{self, AddressError};
use crate::http::Reply;
use crate::payments::{Frozen, Page};
use crate::{Answer, http};

/// How much a page of a list holds (of at most 100: with payments and charges expanded, more would come near the longest
/// answer that is read), and the most pages that one look-up reads.
pub(super) const PAGE: &str = "50";
const PAGES_MAX: usize = 200;

/// How one account is reached. No `Debug`: it holds secrets.
#[derive(Clone)]
pub struct StripeConfig {
    /// Up to but without `/v1`: [`super::DEFAULT_API_BASE`], or another https address; http on the loopback only.
    pub api_base: String,
    /// `sk_live_`, `sk_test_`, or restricted: `rk_live_`, `rk_test_`.
    pub secret_key: String,
    /// Two while one replaces the other; none: every webhook is refused (hazard D1).
    pub webhook_secrets: Vec<String>,
    /// `acct_...`, or empty as long as it is not known.
    pub account: String,
    /// From [`http::client`].
    pub client: Client,
}

/// Why no account can be reached with this configuration. The sentences are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("This is not a secret or restricted Stripe key: those begin with sk_ or rk_.")]
    Key,
}

/// Whether a key is for live money; `None` when it is no secret or restricted key.
pub fn livemode(key: &str) -> Option<bool> {
    let rest = key.strip_prefix("sk_").or(key.strip_prefix("rk_"))?;
    let (mode, secret) = rest.split_once('_')?;
    let whole = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    match mode {
        "live" if whole => Some(true),
        "test" if whole => Some(false),
        _ => None,
    }
}

/// One Stripe account.
pub struct StripeProvider {
    pub(super) config: StripeConfig,
    pub(super) base: Url,
    pub(super) livemode: bool,
}

impl StripeProvider {
    /// # Errors
    /// [`ConfigError`]
    pub fn new(config: StripeConfig) -> Result<StripeProvider, ConfigError> {
        let base = address::base(&config.api_base)?;
        let livemode = livemode(&config.secret_key).ok_or(ConfigError::Key)?;
        Ok(StripeProvider {
            config,
            base,
            livemode,
        })
    }

    /// A request to a path below `/v1`.
    pub(super) fn request(
        &self,
        verb: Verb,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> RequestBuilder {
        let path = [&["v1"], path].concat();
        self.config
            .client
            .request(verb, http::below(&self.base, &path, query))
            .bearer_auth(&self.config.secret_key)
            .header("stripe-version", VERSION)
    }

    pub(super) fn post(&self, path: &[&str], frozen: &Frozen) -> RequestBuilder {
        self.request(Verb::POST, path, &[])
            .header("content-type", "application/x-www-form-urlencoded")
            .body(frozen.0.clone())
    }

    pub(super) async fn ask<W: DeserializeOwned, T>(
        &self,
        request: RequestBuilder,
        read: impl FnOnce(W) -> Option<T>,
    ) -> Answer<T> {
        match http::send(request).await.into_result() {
            Ok(reply) => errors::judge(&reply, read),
            Err(answer) => answer,
        }
    }

    pub(super) async fn get<W: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        read: impl FnOnce(W) -> Option<T>,
    ) -> Answer<T> {
        self.ask(self.request(Verb::GET, path, query), read).await
    }

    /// Sends frozen bytes under a key. A 5xx is stored for its key and comes again for a day, so once the same one was
    /// repeated only a look at what there is can tell (hazard A15): that is the second value.
    pub(super) async fn post_once<W: DeserializeOwned, T>(
        &self,
        path: &[&str],
        frozen: &Frozen,
        idempotency_key: &str,
        read: impl FnOnce(W) -> Option<T>,
    ) -> (Answer<T>, bool) {
        let request = self
            .post(path, frozen)
            .header("idempotency-key", idempotency_key);
        match http::send(request).await.into_result() {
            Ok(reply) => {
                let stored_error = is_stored_error(&reply);
                (errors::judge(&reply, read), stored_error)
            }
            Err(answer) => (answer, false),
        }
    }

    /// Every page of a list, in one answer.
    pub(super) async fn all<W: DeserializeOwned + Listed, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        read: impl Fn(W) -> Option<Option<T>>,
    ) -> Answer<Vec<T>> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            match self
                .list(path, query, after.as_deref(), &read)
                .await
                .into_result()
            {
                Ok(page) => {
                    items.extend(page.items);
                    after = page.next;
                }
                Err(answer) => return answer,
            }
            if after.is_none() {
                return Answer::Done(items);
            }
        }
        Answer::unknown("a list was too long to read")
    }

    /// One page of a list, newest first as Stripe has it, turned over so that the oldest of the page comes first.
    /// `read` answers `None` to what makes no sense and `Some(None)` to what is none of ours.
    pub(super) async fn list<W: DeserializeOwned + Listed, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        after: Option<&str>,
        mut read: impl FnMut(W) -> Option<Option<T>>,
    ) -> Answer<Page<T>> {
        let mut query = query.to_vec();
        query.push(("limit", PAGE));
        query.extend(after.map(|after| ("starting_after", after)));
        self.get(path, &query, |list: ListAnswer<W>| {
            let last = list.data.last().map(|last| last.id().to_owned());
            let mut items = Vec::with_capacity(list.data.len());
            for answer in list.data.into_iter().rev() {
                items.extend(read(answer)?);
            }
            Some(Page {
                items,
                next: last.filter(|_| list.has_more),
            })
        })
        .await
    }
}

fn is_stored_error(reply: &Reply) -> bool {
    reply.replayed && reply.status >= 500
}
