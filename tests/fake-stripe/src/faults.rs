//! What goes wrong, on demand: every chance is between 0 and 1, everything off by default.

use serde::{Deserialize, Serialize};

/// Faults of the API's calls, in the order in which they are looked at.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Calls are cut, before anything is done, until then (the machine's clock, UTC ms).
    pub outage_until: Option<i64>,
    /// Only calls that begin so have the faults below: `POST /v1/refunds`. Empty: all.
    pub only: String,
    /// 429, with `Retry-After` of so many seconds; nothing is done.
    pub rate_limit: f64,
    pub retry_after_s: u32,
    /// The connection is cut and nothing is done.
    pub cut_before: f64,
    /// 500, kept for the key and repeated; with an even chance the work was done.
    pub server_error: f64,
    /// The work is done and the connection is cut.
    pub lost_answer: f64,
    /// The head of the answer comes, the body after a wait.
    pub slow_body: f64,
    pub slow_body_ms: u64,
    /// The answer waits between so many milliseconds; its key is in flight meanwhile.
    pub latency_ms: (u64, u64),
    /// The work is done, and the answer waits so long that the caller may have hung up.
    pub hangs: f64,
    pub hang_ms: (u64, u64),
    pub webhooks: WebhookFaults,
}

/// Faults of the webhooks on their way.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookFaults {
    /// Each event is sent up to so many times.
    pub times_max: u32,
    /// Each sending waits up to so long, so that they overtake one another.
    pub shuffle_ms: u64,
    /// An event is never sent; the list still has it.
    pub lost: f64,
    /// A fact is told again under another event's id.
    pub second_id: f64,
    /// A sending before the true one is signed with another secret.
    pub wrong_signature: f64,
    /// A sending before the true one has the other `livemode`, truly signed.
    pub wrong_mode: f64,
    /// The hosted page waits for the webhooks before it sends the payer back.
    pub before_redirect: bool,
    /// Tries before a webhook is given up, and the wait before the second, doubled each time.
    pub tries_max: u32,
    pub retry_ms: u64,
}

impl Default for WebhookFaults {
    fn default() -> WebhookFaults {
        WebhookFaults {
            times_max: 1,
            shuffle_ms: 0,
            lost: 0.0,
            second_id: 0.0,
            wrong_signature: 0.0,
            wrong_mode: 0.0,
            before_redirect: false,
            tries_max: 8,
            retry_ms: 200,
        }
    }
}

/// What is to go wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    Outage,
    RateLimit,
    CutBefore,
    ServerError { done: bool },
    LostAnswer,
    SlowBody,
    Hangs,
}

impl Faults {
    pub fn draw(&self, what: &str, now_ms: i64, chance: &mut Chance) -> Fault {
        if self.outage_until.is_some_and(|until| now_ms < until) {
            return Fault::Outage;
        }
        if !what.starts_with(&self.only) {
            return Fault::None;
        }
        let done = chance.is(0.5);
        let faults = [
            (self.rate_limit, Fault::RateLimit),
            (self.cut_before, Fault::CutBefore),
            (self.server_error, Fault::ServerError { done }),
            (self.lost_answer, Fault::LostAnswer),
            (self.slow_body, Fault::SlowBody),
            (self.hangs, Fault::Hangs),
        ];
        let mut faults = faults.into_iter();
        faults
            .find(|(odds, _)| chance.is(*odds))
            .map_or(Fault::None, |(_, fault)| fault)
    }
}

/// Chance from a seed: splitmix64.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True with these odds.
    pub fn is(&mut self, odds: f64) -> bool {
        // 53 bits fill a float's mantissa.
        let unit = (self.number() >> 11) as f64 / (1_u64 << 53) as f64;
        odds > 0.0 && unit < odds
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.number() % (most.saturating_sub(least) + 1)
    }
}
