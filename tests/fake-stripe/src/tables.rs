//! The parameters of each endpoint, as published for version [`VERSION`]: their names, types and limits. A parameter of
//! Stripe's that nobody sends here is [`Kind::Beyond`]; one that Stripe does not have is in no table and refused.

use crate::params::Kind::{
    Address, Beyond, Boolean, Integer, List, Metadata, Object, Span, Text, Word,
};
use crate::params::{Field, optional, required};

/// The only version of the API that the fake speaks.
pub const VERSION: &str = "2026-07-29.dahlia";

/// The largest amount: eight digits.
const AMOUNT_MAX: i64 = 99_999_999;

const EXPAND: Field = optional("expand", List(&Text(200), 20));
const LIMIT: Field = optional("limit", Integer(1, 100));
const STARTING_AFTER: Field = optional("starting_after", Text(5_000));
const ENDING_BEFORE: Field = optional("ending_before", Beyond);

pub const NOTHING: &[Field] = &[EXPAND];

const PRICE_DATA: &[Field] = &[
    required("currency", Text(3)),
    optional("product", Beyond),
    optional(
        "product_data",
        Object(&[
            required("name", Text(5_000)),
            optional("description", Text(40_000)),
            optional("images", Beyond),
            optional("metadata", Metadata),
            optional("tax_code", Beyond),
            optional("unit_label", Beyond),
        ]),
    ),
    optional("recurring", Beyond),
    optional("tax_behavior", Beyond),
    required("unit_amount", Integer(0, AMOUNT_MAX)),
    optional("unit_amount_decimal", Beyond),
];

const LINE_ITEM: &[Field] = &[
    optional("adjustable_quantity", Beyond),
    optional("metadata", Metadata),
    optional("price", Beyond),
    required("price_data", Object(PRICE_DATA)),
    required("quantity", Integer(1, 999_999)),
    optional("tax_rates", Beyond),
];

const PAYMENT_DATA: &[Field] = &[
    optional("application_fee_amount", Beyond),
    optional("capture_method", Word(&["automatic", "automatic_async"])),
    optional("description", Text(1_000)),
    optional("metadata", Metadata),
    optional("on_behalf_of", Beyond),
    optional("receipt_email", Text(512)),
    optional("setup_future_usage", Beyond),
    optional("shipping", Beyond),
    optional("statement_descriptor", Text(22)),
    optional("statement_descriptor_suffix", Text(22)),
    optional("transfer_data", Beyond),
    optional("transfer_group", Beyond),
];

const LOCALES: &[&str] = &[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr",
    "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt",
    "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];

/// `POST /v1/checkout/sessions`
pub const SESSION_CREATE: &[Field] = &[
    EXPAND,
    required("mode", Word(&["payment"])),
    optional("success_url", Address),
    optional("cancel_url", Address),
    optional("line_items", List(&Object(LINE_ITEM), 100)),
    optional("payment_method_types", List(&Text(50), 20)),
    optional("payment_intent_data", Object(PAYMENT_DATA)),
    optional("adaptive_pricing", Object(&[optional("enabled", Boolean)])),
    optional("client_reference_id", Text(200)),
    optional("customer_email", Text(800)),
    optional("expires_at", Integer(0, i64::MAX)),
    optional("locale", Word(LOCALES)),
    optional("metadata", Metadata),
    optional("ui_mode", Word(&["hosted", "hosted_page"])),
    optional("after_expiration", Beyond),
    optional("allow_promotion_codes", Beyond),
    optional("automatic_tax", Beyond),
    optional("billing_address_collection", Beyond),
    optional("branding_settings", Beyond),
    optional("consent_collection", Beyond),
    optional("currency", Beyond),
    optional("custom_fields", Beyond),
    optional("custom_text", Beyond),
    optional("customer", Beyond),
    optional("customer_account", Beyond),
    optional("customer_creation", Beyond),
    optional("customer_update", Beyond),
    optional("discounts", Beyond),
    optional("excluded_payment_method_types", Beyond),
    optional("integration_identifier", Beyond),
    optional("invoice_creation", Beyond),
    optional("managed_payments", Beyond),
    optional("name_collection", Beyond),
    optional("optional_items", Beyond),
    optional("origin_context", Beyond),
    optional("payment_method_collection", Beyond),
    optional("payment_method_configuration", Beyond),
    optional("payment_method_data", Beyond),
    optional("payment_method_options", Beyond),
    optional("permissions", Beyond),
    optional("phone_number_collection", Beyond),
    optional("redirect_on_completion", Beyond),
    optional("return_url", Beyond),
    optional("saved_payment_method_options", Beyond),
    optional("setup_intent_data", Beyond),
    optional("shipping_address_collection", Beyond),
    optional("shipping_options", Beyond),
    optional("submit_type", Beyond),
    optional("subscription_data", Beyond),
    optional("tax_id_collection", Beyond),
    optional("wallet_options", Beyond),
];

/// `GET /v1/checkout/sessions`
pub const SESSION_LIST: &[Field] = &[
    EXPAND,
    LIMIT,
    STARTING_AFTER,
    ENDING_BEFORE,
    optional("created", Span),
    optional("payment_intent", Text(5_000)),
    optional("status", Word(&["complete", "expired", "open"])),
    optional("customer", Beyond),
    optional("customer_account", Beyond),
    optional("customer_details", Beyond),
    optional("payment_link", Beyond),
    optional("subscription", Beyond),
];

/// `POST /v1/refunds`
pub const REFUND_CREATE: &[Field] = &[
    EXPAND,
    optional("amount", Integer(1, AMOUNT_MAX)),
    optional("charge", Text(5_000)),
    optional("payment_intent", Text(5_000)),
    optional("metadata", Metadata),
    optional(
        "reason",
        Word(&["duplicate", "fraudulent", "requested_by_customer"]),
    ),
    optional("currency", Beyond),
    optional("customer", Beyond),
    optional("instructions_email", Beyond),
    optional("origin", Beyond),
    optional("refund_application_fee", Beyond),
    optional("reverse_transfer", Beyond),
];

/// `GET /v1/refunds` and `GET /v1/disputes`
pub const BY_PAYMENT_LIST: &[Field] = &[
    EXPAND,
    LIMIT,
    STARTING_AFTER,
    ENDING_BEFORE,
    optional("charge", Text(5_000)),
    optional("created", Span),
    optional("payment_intent", Text(5_000)),
];

/// `GET /v1/events`
pub const EVENT_LIST: &[Field] = &[
    EXPAND,
    LIMIT,
    STARTING_AFTER,
    ENDING_BEFORE,
    optional("created", Span),
    optional("delivery_success", Beyond),
    optional("type", Text(5_000)),
    optional("types", List(&Text(5_000), 20)),
];

/// `GET /v1/balance_transactions`
pub const MOVEMENT_LIST: &[Field] = &[
    EXPAND,
    LIMIT,
    STARTING_AFTER,
    ENDING_BEFORE,
    optional("created", Span),
    optional("currency", Text(3)),
    optional("payout", Beyond),
    optional("source", Text(5_000)),
    optional("type", Text(5_000)),
];

/// `GET /v1/payouts`
pub const PAYOUT_LIST: &[Field] = &[
    EXPAND,
    LIMIT,
    STARTING_AFTER,
    ENDING_BEFORE,
    optional("arrival_date", Beyond),
    optional("created", Span),
    optional("destination", Beyond),
    optional("status", Text(50)),
];

/// `GET /v1/webhook_endpoints`
pub const ENDPOINT_LIST: &[Field] = &[EXPAND, LIMIT, STARTING_AFTER, ENDING_BEFORE];

/// `POST /v1/webhook_endpoints`
pub const ENDPOINT_CREATE: &[Field] = &[
    EXPAND,
    required("enabled_events", List(&Text(100), 300)),
    required("url", Address),
    optional("api_version", Text(50)),
    optional("connect", Boolean),
    optional("description", Text(5_000)),
    optional("metadata", Metadata),
];

/// The smallest charge by currency (docs.stripe.com/currencies, *Minimum and maximum charge amounts*), in minor units.
pub const MINIMA: &[(&str, i64)] = &[
    ("aed", 200),
    ("aud", 50),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1_500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("jpy", 50),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1_000),
    ("usd", 50),
];

/// What the lenders take: currency, smallest and largest amount in minor units (docs.stripe.com/payments/klarna and
/// /afterpay-clearpay; the maxima of Klarna vary by the payer, these are the widest).
pub const KLARNA: &[(&str, i64, i64)] = &[
    ("aud", 100, 1_000_000),
    ("cad", 100, 1_000_000),
    ("chf", 100, 500_000),
    ("czk", 2_500, 10_000_000),
    ("dkk", 800, 10_000_000),
    ("eur", 100, 1_400_000),
    ("gbp", 100, 400_000),
    ("nok", 1_200, 10_000_000),
    ("nzd", 100, 1_000_000),
    ("pln", 500, 2_000_000),
    ("ron", 500, 2_000_000),
    ("sek", 1_200, 15_000_000),
    ("usd", 100, 1_000_000),
];
pub const CLEARPAY: &[(&str, i64, i64)] = &[
    ("aud", 100, 200_000),
    ("cad", 100, 200_000),
    ("gbp", 100, 120_000),
    ("nzd", 100, 200_000),
    ("usd", 100, 400_000),
];
