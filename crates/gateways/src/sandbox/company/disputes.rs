//! A payment's dispute, played by whoever stands in for the payer's bank: opened, answered, decided. Pure, like the rest
//! of a session's life; one payment is disputed once.

use remit_core::DAY_MS;
use serde::{Deserialize, Serialize};

use super::sessions::{Session, Status, payment_id_of};
use crate::sandbox::wire::DisputeAnswer;

/// How long the shop has to send its evidence.
pub const ANSWER_WITHIN_MS: i64 = 7 * DAY_MS;
const REASON: &str = "the cardholder does not recognise it";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
    Withdrawn,
}

impl Standing {
    pub fn is_open(self) -> bool {
        matches!(self, Standing::NeedsResponse | Standing::UnderReview)
    }

    fn word(self) -> &'static str {
        match self {
            Standing::NeedsResponse => "needs_response",
            Standing::UnderReview => "under_review",
            Standing::Won => "won",
            Standing::Lost => "lost",
            Standing::Withdrawn => "withdrawn",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub standing: Standing,
    /// Minor units; what had not been given back when it was opened.
    pub amount: i64,
    /// What the bank holds of it now.
    pub withdrawn: i64,
    pub opened_at: i64,
}

/// What the bank, or the shop's evidence, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Open,
    Evidence,
    Win,
    Lose,
    TakeBack,
}

impl Session {
    pub fn dispute_id(&self) -> String {
        self.id.replacen("sbx_ses_", "sbx_dsp_", 1)
    }

    pub fn is_disputed(&self) -> bool {
        let open = |dispute: &Dispute| dispute.standing.is_open();
        self.dispute.as_ref().is_some_and(open)
    }

    /// What the payer's bank holds, or has kept.
    pub fn withdrawn(&self) -> i64 {
        self.dispute.as_ref().map_or(0, |dispute| dispute.withdrawn)
    }

    /// One turn. A turn that does not fit changes nothing, so a form sent twice is one turn.
    pub fn turn(&mut self, turn: Turn, now: i64) {
        let left = self.left();
        match (turn, &mut self.dispute) {
            (Turn::Open, None) if self.status == Status::Complete && left > 0 => {
                self.dispute = Some(Dispute {
                    standing: Standing::NeedsResponse,
                    amount: left,
                    withdrawn: left,
                    opened_at: now,
                });
                self.announce("dispute.opened", now, None);
                self.announce("dispute.funds_withdrawn", now, None);
            }
            (Turn::Evidence, Some(dispute)) if dispute.standing == Standing::NeedsResponse => {
                dispute.standing = Standing::UnderReview;
                self.announce("dispute.under_review", now, None);
            }
            (Turn::Win | Turn::TakeBack, Some(dispute)) if dispute.standing.is_open() => {
                let won = turn == Turn::Win;
                dispute.standing = if won {
                    Standing::Won
                } else {
                    Standing::Withdrawn
                };
                dispute.withdrawn = 0;
                let kind = if won {
                    "dispute.won"
                } else {
                    "dispute.withdrawn"
                };
                self.announce(kind, now, None);
                self.announce("dispute.funds_reinstated", now, None);
            }
            (Turn::Lose, Some(dispute)) if dispute.standing.is_open() => {
                dispute.standing = Standing::Lost;
                self.announce("dispute.lost", now, None);
            }
            _ => {}
        }
    }

    pub fn dispute_answer(&self) -> Option<DisputeAnswer> {
        let dispute = self.dispute.as_ref()?;
        let answerable = dispute.standing == Standing::NeedsResponse;
        Some(DisputeAnswer {
            id: self.dispute_id(),
            account: self.account.clone(),
            payment: payment_id_of(&self.id),
            amount: dispute.amount,
            currency: self.request.currency.clone(),
            status: dispute.standing.word().into(),
            withdrawn: dispute.withdrawn,
            reason: REASON.into(),
            due_by: answerable.then_some(dispute.opened_at + ANSWER_WITHIN_MS),
            opened_at: dispute.opened_at,
        })
    }
}

pub fn session_of_dispute(dispute_id: &str) -> Option<String> {
    dispute_id
        .strip_prefix("sbx_dsp_")
        .map(|rest| format!("sbx_ses_{rest}"))
}
