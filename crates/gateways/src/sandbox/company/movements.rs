//! The company's own books of an account: what each payment and refund moved, what it kept, and what it paid out. Every
//! line follows from a notice or from the calendar, so writing it twice writes nothing twice.

use std::collections::BTreeMap;

use remit_core::DAY_MS;
use remit_core::methods::Method;
use remit_core::money::Currency;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Company;
use super::desk::{Trouble, body_of, read};
use super::sessions::{Notice, Session};
use crate::sandbox::wire::MovementAnswer;

/// Money stays with the company for two days, then goes out with the next daily payout, at midnight UTC.
pub const PAYS_OUT_AFTER_MS: i64 = 2 * DAY_MS;
/// Days of payouts caught up with in one call, when nobody asked for long.
const DAYS_A_CALL_MAX: usize = 400;
const PAGE: i64 = 100;
const PAGES_MAX: usize = 1_000;

/// Movements of one account, by their time.
pub(super) fn movements_of(account: &str) -> String {
    format!("movement/{account}")
}

/// How far an account was paid out; one record per account.
const PAYOUTS: &str = "payouts";

/// Below every movement of this moment and above those of all before.
pub(super) fn floor(at: i64) -> String {
    format!("sbx_mov_{:013}", at.max(0))
}

fn movement_id(at: i64, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("{}_{}", floor(at), &hex::encode(hash.finalize())[..20])
}

/// What the company keeps of a payment: a share in hundredths of a percent and a fixed sum in hundredths of the
/// currency's unit. As such companies charged in the UK in 2026; the share is rounded half up.
pub fn fee(method: &str, amount: i64, currency: &str) -> i64 {
    let (share, fixed) = match Method::parse(method) {
        Some(Method::Card) | None => (140, 20),
        Some(Method::Klarna) => (499, 35),
        Some(Method::Clearpay) => (600, 30),
    };
    let unit = Currency::parse(currency).map_or(100, |known| 10_i64.pow(known.exponent()));
    (amount * share + 5_000) / 10_000 + fixed * unit / 100
}

/// What the company keeps for a dispute: fifteen of the currency's units.
fn dispute_fee(currency: &str) -> i64 {
    15 * Currency::parse(currency).map_or(100, |known| 10_i64.pow(known.exponent()))
}

/// What a notice moved; nothing while money is only on its way.
pub(super) fn of(session: &Session, notice: &Notice) -> Option<MovementAnswer> {
    let request = &session.request;
    let refund = notice.refund.as_deref();
    let (kind, source, gross, fee) = match notice.kind.as_str() {
        "session.completed" => (
            "payment",
            session.payment_id(),
            request.amount,
            fee(&request.method, request.amount, &request.currency),
        ),
        "refund.succeeded" => {
            let refund = session
                .refunds
                .iter()
                .find(|known| Some(known.id.as_str()) == refund)?;
            ("refund", refund.id.clone(), -refund.amount, 0)
        }
        // The fee for a dispute stays with the company, however the bank decides.
        "dispute.funds_withdrawn" => {
            let dispute = session.dispute.as_ref()?;
            let fee = dispute_fee(&request.currency);
            ("dispute", session.dispute_id(), -dispute.amount, fee)
        }
        "dispute.funds_reinstated" => {
            let dispute = session.dispute.as_ref()?;
            ("dispute_reversal", session.dispute_id(), dispute.amount, 0)
        }
        _ => return None,
    };
    Some(MovementAnswer {
        id: movement_id(notice.at, &[&session.id, &notice.kind, &source]),
        kind: kind.into(),
        source: Some(source),
        gross,
        fee,
        net: gross - fee,
        currency: request.currency.clone(),
        created_at: notice.at,
    })
}

/// How far an account was paid out, and the payouts of the last day, which may still have to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Payouts {
    /// The next midnight at which money goes out.
    next_at: i64,
    /// Movements below this id have been paid out or carried.
    through: String,
    /// Per currency, what was too little to pay out: nothing, or less than nothing after refunds.
    carried: BTreeMap<String, i64>,
    last: Vec<MovementAnswer>,
}

impl Company {
    /// Makes the payouts that are due by the clock. Safe to call from several nodes at once.
    pub(super) async fn pay_out(&self, account: &str) -> Result<(), Trouble> {
        for _ in 0..DAYS_A_CALL_MAX {
            let stored = self.vault().get(PAYOUTS, account).await?;
            let (version, before) = match &stored {
                Some(record) => (record.version, read::<Payouts>(record)?),
                None => match self.first_payout(account).await? {
                    Some(first) => (0, first),
                    None => return Ok(()),
                },
            };
            for payout in &before.last {
                let book = movements_of(account);
                if self.vault().get(&book, &payout.id).await?.is_none() {
                    let body = body_of(payout)?;
                    self.vault().put(&book, &payout.id, 0, body, None).await?;
                }
            }
            if self.now() < before.next_at {
                return Ok(());
            }
            let after = self.one_day(account, before).await?;
            // Lost: another node made this day's payouts; look again at what it wrote.
            self.vault()
                .put(PAYOUTS, account, version, body_of(&after)?, None)
                .await?;
        }
        Ok(())
    }

    /// Nothing to pay out before the first movement.
    async fn first_payout(&self, account: &str) -> Result<Option<Payouts>, Trouble> {
        let first = self.vault().list(&movements_of(account), "", 1).await?;
        let Some(record) = first.first() else {
            return Ok(None);
        };
        let first: MovementAnswer = read(record)?;
        Ok(Some(Payouts {
            next_at: (first.created_at.div_euclid(DAY_MS) + 1) * DAY_MS,
            ..Payouts::default()
        }))
    }

    /// One midnight: everything that is old enough, per currency.
    async fn one_day(&self, account: &str, before: Payouts) -> Result<Payouts, Trouble> {
        let at = before.next_at;
        let cut = floor(at - PAYS_OUT_AFTER_MS);
        let mut sums = before.carried;
        let mut after = before.through;
        for _ in 0..PAGES_MAX {
            let page = self
                .vault()
                .list(&movements_of(account), &after, PAGE)
                .await?;
            let full = i64::try_from(page.len()).is_ok_and(|rows| rows >= PAGE);
            let old = page.iter().take_while(|record| record.id < cut);
            let mut taken = 0;
            for record in old {
                let movement: MovementAnswer = read(record)?;
                if movement.kind != "payout" {
                    *sums.entry(movement.currency).or_default() += movement.net;
                }
                after.clone_from(&record.id);
                taken += 1;
            }
            if !full || taken < page.len() {
                break;
            }
        }
        let due = sums.iter().filter(|(_, sum)| **sum > 0);
        let last = due.map(|(currency, sum)| MovementAnswer {
            id: movement_id(at, &[account, "payout", currency]),
            kind: "payout".into(),
            source: Some(format!("sbx_po_{}_{currency}", at / DAY_MS)),
            gross: -sum,
            fee: 0,
            net: -sum,
            currency: currency.clone(),
            created_at: at,
        });
        Ok(Payouts {
            next_at: at + DAY_MS,
            through: after,
            last: last.collect(),
            carried: sums.into_iter().filter(|(_, sum)| *sum < 0).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::fee;

    #[test]
    fn fees_are_a_share_rounded_half_up_and_a_fixed_sum() {
        for (method, amount, currency, kept) in [
            ("card", 5_000, "GBP", 90),
            ("card", 6_500, "GBP", 111),
            ("card", 1, "GBP", 20),
            ("card", 36, "GBP", 21),
            ("klarna", 10_000, "GBP", 534),
            ("clearpay", 2_500, "GBP", 180),
            ("card", 5_000, "JPY", 70),
            ("card", 50_000, "KWD", 900),
        ] {
            assert_eq!(
                fee(method, amount, currency),
                kept,
                "{method} {amount} {currency}"
            );
        }
    }
}
