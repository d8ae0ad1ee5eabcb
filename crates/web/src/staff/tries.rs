//! How far patients went with their links: how often they opened them, and what became of each try to pay, in words.

use std::collections::HashMap;

use remit_app::views::{LinkView, Try};
use remit_app::{attempts, links};
use remit_core::attempts::AttemptState;
use remit_core::ids::LinkId;
use remit_core::methods::Method;
use remit_core::{MINUTE_MS, UtcMs};

use super::desk::Desk;
use super::{sentences, words};

/// A page is fetched before the patient touches it: a fetch this long before is the same visit.
const BEFORE_TOUCH_MS: i64 = 10 * MINUTE_MS;

/// What is known of some links.
#[derive(Default)]
pub struct Known {
    tries: HashMap<LinkId, Vec<Try>>,
    fetches: HashMap<LinkId, Vec<UtcMs>>,
}

/// How often a page was opened, and when last (UTC ms).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub times: usize,
    pub last: UtcMs,
}

impl Known {
    /// # Errors
    /// The store's.
    pub async fn of(desk: &Desk, ids: &[LinkId]) -> remit_app::Result<Known> {
        let mut known = Known::default();
        for one in attempts::tries(&desk.app, desk.clinic(), ids).await? {
            known.tries.entry(one.link).or_default().push(one);
        }
        for (link, at) in links::fetches(&desk.app, desk.clinic(), ids).await? {
            known.fetches.entry(link).or_default().push(at);
        }
        Ok(known)
    }

    /// Oldest first.
    pub fn tries(&self, link: LinkId) -> &[Try] {
        self.tries.get(&link).map_or(&[], Vec::as_slice)
    }

    fn fetches(&self, link: LinkId) -> &[UtcMs] {
        self.fetches.get(&link).map_or(&[], Vec::as_slice)
    }

    /// Openings by the patient: the one that a touch confirmed, and those after it.
    pub fn opened(&self, link: &LinkView) -> Option<Seen> {
        let first = link.accessed_at?;
        let since = self.fetches(link.id).iter().copied();
        let since: Vec<UtcMs> = since.filter(|at| *at >= first - BEFORE_TOUCH_MS).collect();
        Some(Seen {
            times: since.len().max(1),
            last: since.into_iter().max().unwrap_or(first).max(first),
        })
    }

    /// Openings that nobody confirmed: a mail scanner or a preview fetches a page too (hazards B1, B2).
    pub fn unconfirmed(&self, link: &LinkView) -> Option<Seen> {
        let before = link
            .accessed_at
            .map_or(UtcMs::MAX, |at| at - BEFORE_TOUCH_MS);
        let fetches = self.fetches(link.id).iter().copied();
        let fetches: Vec<UtcMs> = fetches.filter(|at| *at < before).collect();
        Some(Seen {
            times: fetches.len(),
            last: fetches.into_iter().max()?,
        })
    }
}

/// How far the patient went in the end; `None` where nobody began to pay.
pub fn happened(tries: &[Try]) -> Option<String> {
    let last = tries.last()?;
    let told = outcome(last);
    let refused = refused(last) && last.method != Method::Card;
    let tried_card = tries.iter().any(|one| one.method == Method::Card);
    Some(if refused && !tried_card {
        format!("{told}, card not tried")
    } else {
        told
    })
}

fn refused(one: &Try) -> bool {
    one.state == AttemptState::Failed || (one.why.is_some() && one.state != AttemptState::Succeeded)
}

/// What became of one try: `Card declined: insufficient funds`, `Looked at Klarna, went no further`.
pub fn outcome(one: &Try) -> String {
    let method = words::method(one.method);
    let named = sentences::capital(method);
    match one.state {
        AttemptState::Creating | AttemptState::Unknown | AttemptState::Open => match one.method {
            Method::Card => match &one.why {
                Some(why) => format!("{}, trying again now", declined(why)),
                None => "Entering card details now".into(),
            },
            Method::Klarna | Method::Clearpay => format!("On {method}’s page now"),
        },
        AttemptState::Processing => format!("{named}: being confirmed"),
        AttemptState::Succeeded => format!("Paid by {method}"),
        AttemptState::Failed | AttemptState::Expired | AttemptState::Cancelled => {
            match (&one.why, one.method) {
                (Some(why), Method::Card) => declined(why),
                (None, Method::Card) if one.state == AttemptState::Failed => "Card declined".into(),
                (None, _) if one.state != AttemptState::Failed => {
                    format!("Looked at {method}, went no further")
                }
                (_, Method::Card | Method::Klarna | Method::Clearpay) => format!("{named} refused"),
            }
        }
    }
}

/// The provider's sentence about a card, without its advice to the payer.
fn declined(why: &str) -> String {
    let why = why.trim();
    let first = why.split_once(". ").map_or(why, |(first, _)| first);
    let first = first.trim_end_matches('.');
    if first.contains("insufficient funds") || first.contains("not enough money") {
        return "Card declined: insufficient funds".into();
    }
    match first.strip_prefix("The card was declined") {
        Some(rest) => format!("Card declined{rest}"),
        None => {
            let mut letters = first.chars();
            let lower: String = letters
                .next()
                .map(|letter| letter.to_lowercase().chain(letters).collect())
                .unwrap_or_default();
            format!("Card declined: {lower}")
        }
    }
}

#[cfg(test)]
mod tests {
    use remit_core::money::{Currency, Money};

    use super::*;

    fn a_try(method: Method, state: AttemptState, why: Option<&str>) -> Try {
        Try {
            link: "lnk_019ab000000070008000000000000001".parse().unwrap(),
            method,
            amount: Money::new(4_500, Currency::parse("GBP").unwrap()),
            state,
            why: why.map(str::to_owned),
            at: 0,
            ended_at: None,
        }
    }

    #[test]
    fn what_happened_is_told_in_words() {
        use AttemptState::{Cancelled, Expired, Failed, Open, Processing};
        use Method::{Card, Clearpay, Klarna};
        let short = "The card was declined: insufficient funds. Use another card.";
        for (tries, told) in [
            (vec![], None),
            (
                vec![a_try(Card, Open, None)],
                Some("Entering card details now"),
            ),
            (
                vec![a_try(Card, Expired, Some(short))],
                Some("Card declined: insufficient funds"),
            ),
            (
                vec![a_try(
                    Card,
                    Failed,
                    Some("The card was declined. Use another card, or ask your bank."),
                )],
                Some("Card declined"),
            ),
            (
                vec![a_try(Card, Failed, Some("The card's number was wrong."))],
                Some("Card declined: the card's number was wrong"),
            ),
            (
                vec![a_try(
                    Clearpay,
                    Failed,
                    Some("Clearpay did not approve this payment."),
                )],
                Some("Clearpay refused, card not tried"),
            ),
            (
                vec![a_try(Card, Cancelled, None), a_try(Clearpay, Failed, None)],
                Some("Clearpay refused"),
            ),
            (
                vec![a_try(Klarna, Cancelled, None)],
                Some("Looked at Klarna, went no further"),
            ),
            (
                vec![a_try(Klarna, Processing, None)],
                Some("Klarna: being confirmed"),
            ),
        ] {
            assert_eq!(happened(&tries).as_deref(), told);
        }
    }
}
