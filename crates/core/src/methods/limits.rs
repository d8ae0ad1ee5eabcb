//! What the lenders take, by the clinic's country and currency. Facts from the providers' public pages, read in
//! November 2026; a lender may still say no to one patient.

/// One country's row: ISO 3166, ISO 4217, smallest and largest amount in whole units of the currency.
pub(super) type Row = (&'static str, &'static str, i64, i64);

/// Klarna takes payments of patients in the clinic's own country and currency. Maxima by country: Mollie, "Klarna"
/// (docs.mollie.com/docs/klarna), which also gives the minimum, 1.00 EUR or its equivalent (rounded up here).
/// Countries and currencies agree with Stripe, "Klarna payments" (docs.stripe.com/payments/klarna); for Australia,
/// Canada, New Zealand and the United States, which only Stripe lists, no maximum was found: 10,000 is ours.
pub(super) const KLARNA: &[Row] = &[
    ("AT", "EUR", 1, 10_000),
    ("AU", "AUD", 1, 10_000),
    ("BE", "EUR", 1, 10_000),
    ("CA", "CAD", 1, 10_000),
    ("CH", "CHF", 1, 5_000),
    ("CZ", "CZK", 25, 100_000),
    ("DE", "EUR", 1, 10_000),
    ("DK", "DKK", 8, 100_000),
    ("ES", "EUR", 1, 4_000),
    ("FI", "EUR", 1, 10_000),
    ("FR", "EUR", 1, 10_000),
    ("GB", "GBP", 1, 4_000),
    ("GR", "EUR", 1, 4_000),
    ("IE", "EUR", 1, 4_000),
    ("IT", "EUR", 1, 4_000),
    ("NL", "EUR", 1, 14_000),
    ("NO", "NOK", 12, 100_000),
    ("NZ", "NZD", 1, 10_000),
    ("PL", "PLN", 5, 20_000),
    ("PT", "EUR", 1, 4_000),
    ("RO", "RON", 5, 20_000),
    ("SE", "SEK", 12, 150_000),
    ("SK", "EUR", 1, 4_000),
    ("US", "USD", 1, 10_000),
];

/// Clearpay (elsewhere Afterpay) is domestic only. Stripe, "Afterpay and Clearpay payments"
/// (docs.stripe.com/payments/afterpay-clearpay), section on limits; the United Kingdom's 1,200 also stands in PPRO,
/// "Afterpay / Clearpay" (developerhub.ppro.com).
pub(super) const CLEARPAY: &[Row] = &[
    ("AU", "AUD", 1, 2_000),
    ("CA", "CAD", 1, 2_000),
    ("GB", "GBP", 1, 1_200),
    ("NZ", "NZD", 1, 2_000),
    ("US", "USD", 1, 4_000),
];
