use remit_core::methods::Method;
use remit_core::money::{Currency, Money};

use super::super::amounts::{from_stripe, to_stripe};
use super::super::form;
use crate::payments::{RefundOrder, SessionOrder};

fn order(method: Method) -> SessionOrder {
    SessionOrder {
        reference: "att_01".into(),
        amount: Money::gbp(4550),
        method,
        payee: "Müller & Söhne".into(),
        return_url: "https://pay.example/p/return/att_01".into(),
        cancel_url: "https://pay.example/p/cancel/att_01".into(),
        webhook_url: "https://pay.example/hooks/e1".into(),
        expires_at: 1_795_501_800_999,
        locale: "en-GB".into(),
        email: None,
    }
}

#[test]
fn the_frozen_bytes_of_a_session() {
    let expected = [
        "mode=payment",
        "payment_method_types%5B0%5D=klarna",
        "line_items%5B0%5D%5Bquantity%5D=1",
        "line_items%5B0%5D%5Bprice_data%5D%5Bcurrency%5D=gbp",
        "line_items%5B0%5D%5Bprice_data%5D%5Bunit_amount%5D=4550",
        "line_items%5B0%5D%5Bprice_data%5D%5Bproduct_data%5D%5Bname%5D=Payment+to+M%C3%BCller+%26+S%C3%B6hne",
        "adaptive_pricing%5Benabled%5D=false",
        "client_reference_id=att_01",
        "metadata%5Bremit_attempt%5D=att_01",
        "payment_intent_data%5Bmetadata%5D%5Bremit_attempt%5D=att_01",
        "payment_intent_data%5Bdescription%5D=Payment+to+M%C3%BCller+%26+S%C3%B6hne",
        "success_url=https%3A%2F%2Fpay.example%2Fp%2Freturn%2Fatt_01",
        "cancel_url=https%3A%2F%2Fpay.example%2Fp%2Fcancel%2Fatt_01",
        "expires_at=1795501800",
        "locale=en-GB",
    ];
    let frozen = form::session(&order(Method::Klarna));
    assert_eq!(frozen.0, expected.join("&"));
    let read = |name| form::field(&frozen, name);
    assert_eq!(read("client_reference_id").as_deref(), Some("att_01"));
    assert_eq!(read("expires_at").as_deref(), Some("1795501800"));
    assert_eq!(read("customer_email"), None);
}

#[test]
fn a_refund_names_its_payment_and_its_sum() {
    let frozen = form::refund(&RefundOrder {
        reference: "ref_01".into(),
        payment_id: "pi_1".into(),
        amount: Money::gbp(1000),
    });
    assert_eq!(
        frozen.0,
        "payment_intent=pi_1&amount=1000&metadata%5Bremit_refund%5D=ref_01"
    );
}

#[test]
fn a_bank_statement_shows_a_name_that_it_can_show() {
    for (name, shown) in [
        ("Larkhill", true),
        ("Dr. Lee", true),
        ("A & B 24", true),
        ("Larkhill Dental", false),
        ("O'Neill", false),
        ("Müller", false),
        ("24/7", false),
        ("", false),
    ] {
        let mut order = order(Method::Card);
        order.payee = name.into();
        let field = "payment_intent_data[statement_descriptor_suffix]";
        let expected = shown.then(|| name.to_owned());
        assert_eq!(
            form::field(&form::session(&order), field),
            expected,
            "{name}"
        );
        order.method = Method::Clearpay;
        assert_eq!(form::field(&form::session(&order), field), None);
    }
}

#[test]
fn languages_are_those_of_the_hosted_page() {
    for (asked, given) in [
        ("en-GB", "en-GB"),
        ("en_gb", "en-GB"),
        ("en-AU", "en"),
        ("pt-BR", "pt-BR"),
        ("pt-PT", "pt"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("zh-hk", "zh-HK"),
        ("cy", "auto"),
        ("", "auto"),
    ] {
        assert_eq!(form::locale(asked), given, "{asked}");
    }
}

/// Hazard A21: Stripe's exceptions, and every other currency as ISO 4217 has it.
#[test]
fn sums_are_written_in_stripes_units_and_read_back() {
    let money = |minor, code| Money::new(minor, Currency::parse(code).unwrap());
    for (ours, theirs) in [
        (money(4550, "GBP"), Some(4550)),
        (money(500, "JPY"), Some(500)),
        (money(500, "ISK"), Some(50_000)),
        (money(500, "UGX"), Some(50_000)),
        (money(500, "MGA"), Some(5)),
        (money(550, "MGA"), None),
        (money(10_500, "KWD"), Some(10_500)),
        (money(10_501, "KWD"), None),
        (money(100, "HUF"), Some(100)),
        (money(i64::MAX, "ISK"), None),
    ] {
        assert_eq!(to_stripe(ours), theirs, "{ours:?}");
        if let Some(theirs) = theirs {
            let code = ours.currency.code().to_ascii_lowercase();
            assert_eq!(from_stripe(theirs, &code), Some(ours));
        }
    }
    for (amount, code) in [(1, "isk"), (1, "xyz"), (1, ""), (i64::MAX, "mga")] {
        assert_eq!(from_stripe(amount, code), None, "{amount} {code}");
    }
    let mut order = order(Method::Card);
    order.amount = money(10_501, "KWD");
    let field = "line_items[0][price_data][unit_amount]";
    assert_eq!(
        form::field(&form::session(&order), field).as_deref(),
        Some("")
    );
}

/// Hazard A21: Stripe's published lists (docs.stripe.com/currencies), every other currency with two decimals.
#[test]
fn every_currency_has_stripes_decimals_and_survives_the_way() {
    const NONE: [&str; 15] = [
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
        "XOF", "XPF",
    ];
    const THREE: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];
    // Currencies of ISO 4217 that Stripe does not take at all.
    const UNTAKEN: [&str; 5] = ["CLF", "UYI", "UYW", "IQD", "LYD"];
    let letters = || b'A'..=b'Z';
    let mut seen = 0;
    for code in
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])))
    {
        let code = std::str::from_utf8(&code).unwrap();
        let Some(currency) = Currency::parse(code).filter(|_| !UNTAKEN.contains(&code)) else {
            continue;
        };
        seen += 1;
        let decimals = match code {
            code if NONE.contains(&code) => 0,
            code if THREE.contains(&code) => 3,
            _ => 2,
        };
        let whole = Money::new(7 * 10_i64.pow(currency.exponent()), currency);
        assert_eq!(to_stripe(whole), Some(7 * 10_i64.pow(decimals)), "{code}");
        for minor in (0..5_000).chain([1_000_000_000_000, -4550]) {
            let money = Money::new(minor, currency);
            if let Some(units) = to_stripe(money) {
                assert_eq!(from_stripe(units, &code.to_ascii_lowercase()), Some(money));
            }
        }
    }
    assert!(seen > 140, "{seen}");
}
