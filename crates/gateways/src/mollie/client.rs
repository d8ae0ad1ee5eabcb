//! The calls to Mollie: addresses, keys, pages. What is said in them stands elsewhere.

use remit_core::UtcMs;
use reqwest::{Client, Method as Verb, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::facts;
use super::wire::{Embedded, ListAnswer};
use crate::address::{self, AddressError};
use crate::payments::Page;
use crate::{Answer, http};

/// The most that a page of a list may hold.
pub(super) const PAGE: &str = "250";

/// How one website profile is reached. No `Debug`: it holds a secret.
#[derive(Clone)]
pub struct MollieConfig {
    /// Up to but without `/v2`: [`super::DEFAULT_API_BASE`], or another https address; http on the loopback only.
    pub api_base: String,
    /// `live_...` or `test_...`
    pub api_key: String,
    /// `pfl_...`, or empty as long as it is not known.
    pub account: String,
    /// From [`http::client`].
    pub client: Client,
}

/// Why no profile can be reached with this configuration. The sentences are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("This is not a Mollie API key: those begin with live_ or test_.")]
    Key,
}

/// Whether a key is for live money; `None` when it is no API key.
pub fn livemode(key: &str) -> Option<bool> {
    let whole = |rest: &&str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    let live = key.strip_prefix("live_").filter(whole).map(|_| true);
    live.or_else(|| key.strip_prefix("test_").filter(whole).map(|_| false))
}

/// One website profile at Mollie.
pub struct MollieProvider {
    pub(super) config: MollieConfig,
    base: Url,
    pub(super) livemode: bool,
}

impl MollieProvider {
    /// # Errors
    /// [`ConfigError`]
    pub fn new(config: MollieConfig) -> Result<MollieProvider, ConfigError> {
        let base = address::base(&config.api_base)?;
        let livemode = livemode(&config.api_key).ok_or(ConfigError::Key)?;
        Ok(MollieProvider {
            config,
            base,
            livemode,
        })
    }

    pub(super) fn request(
        &self,
        verb: Verb,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> RequestBuilder {
        let path = [&["v2"], path].concat();
        self.config
            .client
            .request(verb, http::below(&self.base, &path, query))
            .bearer_auth(&self.config.api_key)
    }

    pub(super) fn post(&self, path: &[&str], body: &str, idempotency_key: &str) -> RequestBuilder {
        self.request(Verb::POST, path, &[])
            .header("content-type", "application/json")
            .header("idempotency-key", key(idempotency_key))
            .body(body.to_owned())
    }

    pub(super) async fn ask<W: DeserializeOwned, T>(
        &self,
        request: RequestBuilder,
        read: impl FnOnce(W) -> Option<T>,
    ) -> Answer<T> {
        match http::send(request).await.into_result() {
            Ok(reply) => http::judge(
                &reply,
                |body| serde_json::from_slice(body).ok().and_then(read),
                facts::refusal,
            ),
            Err(answer) => answer,
        }
    }

    /// One page of a list, turned over so that the oldest of the page comes first. Lists cannot begin at a moment: they
    /// are read from the newest back to the first item that was made before `since`.
    pub(super) async fn list<E: Embedded + DeserializeOwned, T>(
        &self,
        path: &[&str],
        (since, after): (UtcMs, Option<&str>),
        mut read: impl FnMut(E::Item) -> Option<Option<T>>,
    ) -> Answer<Page<T>> {
        let mut query = vec![("limit", PAGE)];
        if path != ["payments"] {
            query.push(("embed", "payment"));
        }
        query.extend(after.map(|after| ("from", after)));
        self.ask(
            self.request(Verb::GET, path, &query),
            |list: ListAnswer<E>| {
                let (mut items, mut reached) = (Vec::new(), false);
                for item in list.embedded.items().into_iter().rev() {
                    if facts::moment(E::created_at(&item))? < since {
                        reached = true;
                    } else {
                        items.extend(read(item)?);
                    }
                }
                let next = list.links.next.filter(|_| !reached);
                let next = next.map(|next| from(&next.href));
                Some(Page {
                    items,
                    // A page that cannot be gone on from makes no sense, and would hide what follows.
                    next: match next {
                        Some(cursor) => Some(cursor?),
                        None => None,
                    },
                })
            },
        )
        .await
    }
}

/// Keys are to be UUIDs: the same one for the same key of ours.
pub(super) fn key(ours: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(ours.as_bytes()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(half)
        .into_uuid()
        .to_string()
}

/// The cursor in the address of a following page.
pub(super) fn from(href: &str) -> Option<String> {
    let url = Url::parse(href).ok()?;
    let cursor = url.query_pairs().find(|(name, _)| name == "from");
    cursor.map(|(_, value)| value.into_owned())
}
