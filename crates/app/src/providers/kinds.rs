//! The providers that a clinic can connect, as data: a new one is one more row here and one more arm in `connect`.

use remit_gateways::{mollie, stripe};

use super::{MOLLIE, SANDBOX, STRIPE};

/// A provider in the settings.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// Where its API is, unless a clinic says otherwise; empty: in this installation.
    pub api_base: &'static str,
    /// What its webhook signing secrets begin with; none: its webhooks carry no signature, so there is no secret.
    pub signing_prefix: Option<&'static str>,
    /// Where a person finds the key, and what it looks like.
    pub key_hint: &'static str,
    /// Where a person finds a payment at the provider; empty: among this installation's own pages.
    pub dashboard: &'static str,
    pub(super) read_key: fn(&str) -> Result<bool, &'static str>,
}

/// Every provider, in the order of the settings page.
pub const KINDS: &[Kind] = &[
    Kind {
        name: STRIPE,
        title: "Stripe",
        api_base: stripe::DEFAULT_API_BASE,
        signing_prefix: Some("whsec_"),
        key_hint: "In the Stripe dashboard under Developers, API keys: sk_live_… or sk_test_…, or a restricted key, rk_…",
        dashboard: "https://dashboard.stripe.com/payments/",
        read_key: stripe_key,
    },
    Kind {
        name: MOLLIE,
        title: "Mollie",
        api_base: mollie::DEFAULT_API_BASE,
        signing_prefix: None,
        key_hint: "In the Mollie dashboard under Developers, API keys: live_… or test_…",
        dashboard: "https://my.mollie.com/dashboard/payments/",
        read_key: mollie_key,
    },
    Kind {
        name: SANDBOX,
        title: "Sandbox",
        api_base: "",
        signing_prefix: None,
        key_hint: "",
        dashboard: "",
        read_key: |_| Err("The sandbox needs no key."),
    },
];

/// The provider of this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Where a person finds a payment at its provider: an address, or the path of a page of the sandbox's own.
pub fn payment_page(provider: &str, payment_id: &str) -> Option<String> {
    let kind = kind(provider)?;
    if kind.name == SANDBOX {
        let session = payment_id.strip_prefix("sbx_pay_")?;
        return Some(format!("/sandbox/pay/sbx_ses_{session}"));
    }
    Some(format!("{}{payment_id}", kind.dashboard))
}

/// Whether a Stripe key is for live money. What people paste by mistake has a sentence of its own.
fn stripe_key(key: &str) -> Result<bool, &'static str> {
    if let Some(livemode) = stripe::livemode(key) {
        return Ok(livemode);
    }
    Err(if key.starts_with("pk_") {
        "This is the publishable key (pk_). Paste the secret key (sk_) or a restricted key (rk_) that stands beside it."
    } else if key.starts_with("whsec_") {
        "This is the webhook signing secret (whsec_). It belongs in its own field; here goes the secret key (sk_ or rk_)."
    } else if key.starts_with("acct_") {
        "This is the account's id (acct_). Paste the secret key (sk_) or a restricted key (rk_)."
    } else {
        "A Stripe key begins with sk_live_, sk_test_, rk_live_ or rk_test_. Copy it whole from the Stripe dashboard."
    })
}

/// Whether a Mollie key is for live money.
fn mollie_key(key: &str) -> Result<bool, &'static str> {
    mollie::livemode(key).ok_or(if key.starts_with("access_") {
        "This is an access token. Paste the API key of the website profile: it begins with live_ or test_."
    } else {
        "A Mollie key begins with live_ or test_. Copy it whole from the Mollie dashboard."
    })
}

/// What is wrong with a signing secret, if anything.
pub(super) fn wrong_signing_secret(prefix: &str, secret: &str) -> Option<String> {
    let whole = secret
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.len() >= 8);
    if whole {
        return None;
    }
    Some(if secret.starts_with("we_") {
        "This is the id of the webhook endpoint (we_). Press Reveal beside Signing secret there and paste what appears."
            .into()
    } else if ["sk_", "rk_", "pk_"]
        .iter()
        .any(|key| secret.starts_with(key))
    {
        format!(
            "This is an API key. The signing secret begins with {prefix} and stands at the webhook endpoint."
        )
    } else {
        format!("A signing secret begins with {prefix}. Copy it whole from the webhook endpoint.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stripe_key_says_whether_money_moves_and_a_slip_is_named() {
        for (key, expected) in [
            ("sk_live_51", Ok(true)),
            ("rk_test_51", Ok(false)),
            ("pk_live_51", Err("publishable")),
            ("whsec_51", Err("signing secret")),
            ("acct_51", Err("account's id")),
            ("sk_live_", Err("Copy it whole")),
            ("", Err("Copy it whole")),
        ] {
            match (stripe_key(key), expected) {
                (Ok(live), Ok(expected)) => assert_eq!(live, expected, "{key}"),
                (Err(said), Err(word)) => assert!(said.contains(word), "{key}: {said}"),
                (found, _) => panic!("{key}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_signing_secret_is_known_by_its_beginning() {
        assert_eq!(wrong_signing_secret("whsec_", "whsec_12345678"), None);
        for (secret, word) in [
            ("we_1", "Reveal"),
            ("sk_test_1", "API key"),
            ("whsec_", "whole"),
            ("x", "whole"),
        ] {
            let said = wrong_signing_secret("whsec_", secret).unwrap_or_default();
            assert!(said.contains(word), "{secret}: {said}");
        }
    }
}
