//! Webhooks: signed as Stripe signs them, sent by a bounded number of senders, repeated until they are taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::Shared;
use crate::faults::{Chance, Faults};

/// How many are on their way at once.
pub const SENDERS: usize = 16;
/// Stripe gives a receiver some ten seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// One sending of one event to one address.
#[derive(Clone, Debug)]
pub struct Post {
    pub event_id: String,
    pub url: String,
    pub secret: String,
    pub body: String,
    pub wait: Duration,
    /// Nobody is to take it: it is sent once, whatever comes back.
    pub is_forged: bool,
}

/// What came of a sending.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub event_id: String,
    /// 0: no answer.
    pub status: u16,
    pub took: Duration,
    pub is_forged: bool,
}

impl Post {
    /// The sendings of an event, with the faults drawn for it.
    pub fn plan(
        event: Value,
        url: &str,
        secret: &str,
        faults: &Faults,
        chance: &mut Chance,
    ) -> Vec<Post> {
        let webhooks = &faults.webhooks;
        let event_id = event["id"].as_str().unwrap_or_default().to_owned();
        let post = |event: &Value, secret: &str, is_forged: bool, chance: &mut Chance| Post {
            event_id: event_id.clone(),
            url: url.to_owned(),
            secret: secret.to_owned(),
            body: event.to_string(),
            wait: Duration::from_millis(chance.between(0, webhooks.shuffle_ms)),
            is_forged,
        };
        let mut posts = Vec::new();
        if chance.is(webhooks.wrong_signature) {
            posts.push(post(&event, "whsec_of_somebody_else", true, chance));
        }
        if chance.is(webhooks.wrong_mode) {
            let mut other = event.clone();
            other["livemode"] = json!(!event["livemode"].as_bool().unwrap_or_default());
            other["id"] = json!(format!("{event_id}_other_mode"));
            posts.push(post(&other, secret, true, chance));
        }
        if !chance.is(webhooks.lost) {
            for _ in 0..chance.between(1, u64::from(webhooks.times_max.max(1))) {
                posts.push(post(&event, secret, false, chance));
            }
        }
        posts
    }
}

/// `t=<seconds>,v1=<hex of HMAC-SHA256 over "t.body">` (docs.stripe.com/webhooks, *Verify manually*).
pub fn sign(secret: &str, at_s: i64, body: &str) -> String {
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mac) => mac,
        // HMAC takes a key of any length.
        Err(_) => return String::new(),
    };
    mac.update(format!("{at_s}.{body}").as_bytes());
    format!("t={at_s},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends a webhook until it is taken or given up.
pub async fn send(shared: Arc<Shared>, senders: Arc<Semaphore>, post: Post) {
    tokio::time::sleep(post.wait).await;
    let (tries_max, mut wait_ms) = {
        let world = shared.world();
        let webhooks = &world.faults.webhooks;
        (
            if post.is_forged {
                1
            } else {
                webhooks.tries_max
            },
            webhooks.retry_ms,
        )
    };
    for _ in 0..tries_max {
        let Ok(permit) = senders.acquire().await else {
            return;
        };
        let delivery = once(&shared, &post).await;
        drop(permit);
        let taken = (200..300).contains(&delivery.status);
        shared.delivered(delivery);
        if taken {
            return;
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        wait_ms = wait_ms.saturating_mul(2).min(30_000);
    }
}

async fn once(shared: &Shared, post: &Post) -> Delivery {
    let at = shared.world().now();
    let request = shared
        .client
        .post(&post.url)
        .timeout(ANSWER_WITHIN)
        .header("content-type", "application/json; charset=utf-8")
        .header(
            "user-agent",
            "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        )
        .header("stripe-signature", sign(&post.secret, at, &post.body))
        .body(post.body.clone());
    let begun = Instant::now();
    let status = match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            // The connection is used again only once its answer was read.
            match response.bytes().await {
                Ok(_) => status,
                Err(_) => 0,
            }
        }
        Err(_) => 0,
    };
    Delivery {
        event_id: post.event_id.clone(),
        status,
        took: begun.elapsed(),
        is_forged: post.is_forged,
    }
}
