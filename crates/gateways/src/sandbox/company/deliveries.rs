//! The background work: what falls due (expiry, late approvals, refunds, notices a crash left behind), and the
//! webhooks. It takes no input but the vault, so the path after a crash is the everyday path.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::desk::{ACCOUNT, DELIVERY, Delivery, SESSION, body_of, read};
use super::{Account, Company, Record};
use crate::sandbox::SIGNATURE_HEADER;
use crate::signature;

/// The longest sleep: what falls due by time, or was announced on another node, waits at most this long.
const NAP: Duration = Duration::from_secs(1);
/// Between two full batches: sessions that cannot be moved must not keep the loop spinning.
const BREATH: Duration = Duration::from_millis(50);
/// How many records are looked at in one round, and how many webhooks are under way at once.
const BATCH: i64 = 50;
const UNDER_WAY_MAX: usize = 16;
/// How long one webhook may take, and how long nobody else tries it meanwhile. The lease outlives the try by far, so
/// two nodes never send one at the same time unless one of them died.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
const LEASE_MS: i64 = MINUTE_MS;
/// A receiver that never answers is given up after three days; its owner still has the event list (hazard A8).
const GIVE_UP_AFTER_MS: i64 = 3 * DAY_MS;
/// How long a shutdown waits for webhooks under way; what is cut off comes back when its lease ends.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(2);

impl Company {
    /// Runs until `shutdown` is done: moves what is due and delivers webhooks, woken at once by every announcement.
    /// Any number of nodes may run it.
    pub async fn deliver_webhooks(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let permits = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        let mut under_way = JoinSet::new();
        loop {
            let more = match self.round(&permits, &mut under_way).await {
                Ok(more) => more,
                Err(why) => {
                    tracing::warn!("sandbox background work has to wait: {why}");
                    false
                }
            };
            while under_way.try_join_next().is_some() {}
            tokio::select! {
                () = &mut shutdown => break,
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(if more { BREATH } else { NAP }) => {}
            }
        }
        let rest = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_WAIT, rest).await.is_err() {
            tracing::info!("sandbox webhooks cut off by the shutdown will be sent again");
        }
    }

    /// One look at everything due. `true`: there may be more at once.
    async fn round(
        &self,
        permits: &Arc<Semaphore>,
        under_way: &mut JoinSet<()>,
    ) -> Result<bool, String> {
        let sessions = self.vault().due(SESSION, self.now(), BATCH).await?;
        for record in &sessions {
            // Time and leftover notices are all there is to do; one damaged record does not hold up the others.
            if let Err(trouble) = self.change(&record.id, |_, _| ()).await {
                tracing::warn!(session.id = %record.id, "sandbox session {} is stuck: {trouble:?}", record.id);
            }
        }
        for record in self.vault().due(DELIVERY, self.now(), BATCH).await? {
            let Ok(permit) = Arc::clone(permits).try_acquire_owned() else {
                break;
            };
            let company = self.clone();
            under_way.spawn(async move {
                let id = record.id.clone();
                if let Err(why) = company.deliver(record).await {
                    tracing::warn!(event.id = %id, "sandbox webhook {id} has to wait: {why}");
                }
                drop(permit);
                // A free place may be what the next one waits for.
                company.0.wake.notify_one();
            });
        }
        // Deliveries wake the loop themselves when they end.
        Ok(i64::try_from(sessions.len()).is_ok_and(|looked_at| looked_at >= BATCH))
    }

    /// One try of one webhook: lease, send, note what came of it.
    async fn deliver(&self, record: Record) -> Result<(), String> {
        let mut delivery: Delivery = read(&record)?;
        delivery.tries = delivery.tries.saturating_add(1);
        let lease = Some(self.now() + LEASE_MS);
        let leased = body_of(&delivery)?;
        if !self
            .vault()
            .put(DELIVERY, &record.id, record.version, leased.clone(), lease)
            .await?
        {
            return Ok(()); // another node has it
        }
        let delivered = self.send(&record.id, &delivery).await?;
        let now = self.now();
        let next = match delivered {
            true => None,
            false if now - delivery.since >= GIVE_UP_AFTER_MS => {
                tracing::warn!(event.id = %record.id, "sandbox webhook {} was given up", record.id);
                None
            }
            false => Some(now + wait_ms(delivery.tries)),
        };
        // Lost only after our lease ran out; then whoever took it over answers for it.
        self.vault()
            .put(DELIVERY, &record.id, record.version + 1, leased, next)
            .await?;
        Ok(())
    }

    /// Whether the receiver took it: any 2xx. A redirect is not followed and counts as a no.
    async fn send(&self, id: &str, delivery: &Delivery) -> Result<bool, String> {
        let Some(record) = self.vault().get(ACCOUNT, &delivery.account).await? else {
            return Ok(false);
        };
        let account: Account = read(&record)?;
        let body = delivery.body.as_bytes();
        let signature = signature::sign(&account.webhook_secret, self.now(), body);
        let sent = self
            .0
            .config
            .client
            .post(&account.webhook_url)
            .timeout(TRY_TIMEOUT)
            .header("content-type", "application/json")
            .header(SIGNATURE_HEADER, signature)
            .body(body.to_vec())
            .send()
            .await;
        match sent {
            Ok(response) if response.status().is_success() => Ok(true),
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::info!(event.id = %id, status, "sandbox webhook {id} was answered {status}");
                Ok(false)
            }
            Err(_) => {
                tracing::info!(event.id = %id, "sandbox webhook {id} was not answered");
                Ok(false)
            }
        }
    }
}

/// Exponential from one second to an hour, half of it by chance so that receivers are not met by a wave (hazard A27).
fn wait_ms(tries: u32) -> i64 {
    let full = SECOND_MS
        .saturating_mul(1_i64 << tries.saturating_sub(1).min(12))
        .min(HOUR_MS);
    let mut random = [0; 1];
    // Without chance the wait is merely regular.
    let share = getrandom::fill(&mut random).map_or(0, |()| i64::from(random[0]));
    full / 2 + full / 2 * share / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_no_further() {
        for (tries, full) in [
            (0, 1_000),
            (1, 1_000),
            (2, 2_000),
            (8, 128_000),
            (13, HOUR_MS),
            (u32::MAX, HOUR_MS),
        ] {
            let wait = wait_ms(tries);
            assert!((full / 2..=full).contains(&wait), "{tries}: {wait}");
        }
    }
}
