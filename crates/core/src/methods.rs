//! Payment methods: what they are, what each can carry, and which of them a patient is offered.

mod limits;

use crate::money::{Currency, MINOR_MAX, Money};

/// A way to pay on a link's page, enabled per clinic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Card,
    Klarna,
    Clearpay,
}

impl Method {
    pub const ALL: [Method; 3] = [Method::Card, Method::Klarna, Method::Clearpay];

    /// The name in forms, API and database.
    pub fn name(self) -> &'static str {
        match self {
            Method::Card => "card",
            Method::Klarna => "klarna",
            Method::Clearpay => "clearpay",
        }
    }

    pub fn parse(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|m| m.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Method::Card => "Credit or debit card",
            Method::Klarna => "Klarna",
            Method::Clearpay => "Clearpay",
        }
    }

    /// What the lender itself takes from a clinic of this country (ISO 3166) in this currency, in minor units.
    ///
    /// # Errors
    /// [`NotOffered::NotInThisCountry`] or [`NotOffered::NotInThisCurrency`].
    pub fn limits(self, country: &str, currency: Currency) -> Result<(i64, i64), NotOffered> {
        let Some(table) = self.table() else {
            return Ok((1, MINOR_MAX));
        };
        let (_, taken, min, max) = table
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(country))
            .ok_or(NotOffered::NotInThisCountry)?;
        if *taken != currency.code() {
            return Err(NotOffered::NotInThisCurrency);
        }
        let unit = 10_i64.pow(currency.exponent());
        Ok((min * unit, max * unit))
    }

    /// The widest limits of any country in a currency, in minor units; `None`: no country has it.
    pub fn widest_limits(self, currency: Currency) -> Option<(i64, i64)> {
        let Some(table) = self.table() else {
            return Some((1, MINOR_MAX));
        };
        let unit = 10_i64.pow(currency.exponent());
        table
            .iter()
            .filter(|(_, taken, ..)| *taken == currency.code())
            .map(|(_, _, min, max)| (min * unit, max * unit))
            .reduce(|(least, most), (min, max)| (least.min(min), most.max(max)))
    }

    fn table(self) -> Option<&'static [limits::Row]> {
        match self {
            Method::Card => None,
            Method::Klarna => Some(limits::KLARNA),
            Method::Clearpay => Some(limits::CLEARPAY),
        }
    }
}

/// What a link asks for. A custom part counts as part of the balance where a method is allowed per purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurposeKind {
    Deposit,
    Balance,
    Custom,
}

impl PurposeKind {
    pub const ALL: [PurposeKind; 3] = [
        PurposeKind::Deposit,
        PurposeKind::Balance,
        PurposeKind::Custom,
    ];

    pub fn name(self) -> &'static str {
        match self {
            PurposeKind::Deposit => "deposit",
            PurposeKind::Balance => "balance",
            PurposeKind::Custom => "custom",
        }
    }

    pub fn parse(name: &str) -> Option<PurposeKind> {
        PurposeKind::ALL.into_iter().find(|p| p.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            PurposeKind::Deposit => "Deposit",
            PurposeKind::Balance => "Balance",
            PurposeKind::Custom => "Part payment",
        }
    }
}

/// A clinic's choice for one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodSetting {
    pub method: Method,
    pub enabled: bool,
    pub for_deposit: bool,
    pub for_balance: bool,
    /// Smallest and largest amount it is offered for, in minor units of the clinic's currency.
    pub min: Option<i64>,
    pub max: Option<i64>,
}

impl MethodSetting {
    /// Enabled for every purpose, within the method's own limits.
    pub fn open(method: Method) -> MethodSetting {
        MethodSetting {
            method,
            enabled: true,
            for_deposit: true,
            for_balance: true,
            min: None,
            max: None,
        }
    }
}

/// Why a method is not on offer. Only staff are told; the patient simply does not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOffered {
    Disabled,
    NotForThisPurpose,
    BelowMinimum {
        min: Money,
    },
    AboveMaximum {
        max: Money,
    },
    /// The lender takes no payments for clinics of this country.
    NotInThisCountry,
    /// It does, in another currency.
    NotInThisCurrency,
    /// No provider takes payments.
    NoProvider,
    /// The provider in use cannot take it.
    NotWithThisProvider,
    /// It can, and asks for the payer's email address, which is not known or may not be passed on.
    NeedsEmail,
    /// The provider can, and has not allowed it to the clinic's account.
    NotWithThisAccount,
}

/// What stands behind a clinic's own choice: where it trades, and what its provider and its account there can.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// ISO 3166, of the account where it is known, else of the clinic.
    pub country: &'a str,
    pub provider: &'a [Method],
    /// Of these, what cannot be ordered as long as the payer's email address is not told.
    pub needs_email: &'a [Method],
    /// `None`: the account was not asked, or may not be; it is trusted then.
    pub account: Option<&'a [Method]>,
    /// The provider's own smallest charge in the clinic's currency, in minor units.
    pub smallest: i64,
}

/// Whether a method can take this amount for this purpose: under the clinic's setting, with its provider and account,
/// within what the lender takes.
///
/// # Errors
/// The first reason why not.
pub fn offered(
    setting: &MethodSetting,
    terms: Terms<'_>,
    amount: Money,
    purpose: PurposeKind,
) -> Result<(), NotOffered> {
    let method = setting.method;
    let allowed = match purpose {
        PurposeKind::Deposit => setting.for_deposit,
        PurposeKind::Balance | PurposeKind::Custom => setting.for_balance,
    };
    if !setting.enabled {
        return Err(NotOffered::Disabled);
    }
    if !allowed {
        return Err(NotOffered::NotForThisPurpose);
    }
    if !terms.provider.contains(&method) {
        return Err(NotOffered::NotWithThisProvider);
    }
    if terms.needs_email.contains(&method) {
        return Err(NotOffered::NeedsEmail);
    }
    if terms.account.is_some_and(|has| !has.contains(&method)) {
        return Err(NotOffered::NotWithThisAccount);
    }
    let (own_min, own_max) = method.limits(terms.country, amount.currency)?;
    let own_min = own_min.max(terms.smallest);
    let min = setting.min.unwrap_or(own_min).max(own_min);
    let max = setting.max.unwrap_or(own_max).min(own_max);
    if amount.minor < min {
        return Err(NotOffered::BelowMinimum {
            min: amount.with(min),
        });
    }
    if amount.minor > max {
        return Err(NotOffered::AboveMaximum {
            max: amount.with(max),
        });
    }
    Ok(())
}

/// How a lender splits an amount: each part with the days from today at which it is due. Klarna: three parts a month
/// (30 days) apart; Clearpay: four parts two weeks apart. Larger parts come first; they always sum to the amount.
pub fn instalments(method: Method, amount: Money) -> Vec<(Money, i64)> {
    let (parts, days) = match method {
        Method::Card => return vec![],
        Method::Klarna => (3, 30),
        Method::Clearpay => (4, 14),
    };
    let (each, rest) = (
        amount.minor.div_euclid(parts),
        amount.minor.rem_euclid(parts),
    );
    (0..parts)
        .map(|part| (amount.with(each + i64::from(part < rest)), part * days))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRITISH: Terms<'static> = Terms {
        country: "GB",
        provider: &Method::ALL,
        needs_email: &[],
        account: None,
        smallest: 30,
    };

    #[test]
    fn a_method_is_offered_within_its_limits_and_purposes() {
        use PurposeKind::{Balance, Custom, Deposit};
        let open = MethodSetting::open(Method::Clearpay);
        let set = |enabled, for_deposit, for_balance, min, max| MethodSetting {
            method: Method::Clearpay,
            enabled,
            for_deposit,
            for_balance,
            min,
            max,
        };
        let below = |min| {
            Err(NotOffered::BelowMinimum {
                min: Money::gbp(min),
            })
        };
        let above = |max| {
            Err(NotOffered::AboveMaximum {
                max: Money::gbp(max),
            })
        };
        for (setting, minor, purpose, expected) in [
            (open, 100, Deposit, Ok(())),
            (open, 99, Deposit, below(100)),
            (open, 120_000, Balance, Ok(())),
            (open, 120_001, Balance, above(120_000)),
            (MethodSetting::open(Method::Card), 30, Deposit, Ok(())),
            (MethodSetting::open(Method::Card), 29, Deposit, below(30)),
            (
                set(false, true, true, None, None),
                100,
                Balance,
                Err(NotOffered::Disabled),
            ),
            (
                set(true, false, true, None, None),
                100,
                Deposit,
                Err(NotOffered::NotForThisPurpose),
            ),
            (
                set(true, true, false, None, None),
                100,
                Custom,
                Err(NotOffered::NotForThisPurpose),
            ),
            (
                set(true, true, true, None, Some(500_000)),
                200_000,
                Balance,
                above(120_000),
            ),
            (
                set(true, true, true, Some(1000), None),
                999,
                Balance,
                below(1000),
            ),
        ] {
            assert_eq!(
                offered(&setting, BRITISH, Money::gbp(minor), purpose),
                expected,
                "{setting:?} {minor}"
            );
        }
    }

    #[test]
    fn provider_account_country_and_currency_have_their_say() {
        let (klarna, clearpay) = (Method::Klarna, Method::Clearpay);
        let euro = Currency::parse("EUR").unwrap();
        let of = |country, provider, account| Terms {
            country,
            provider,
            needs_email: &[],
            account,
            smallest: 1,
        };
        let nameless = Terms {
            needs_email: &[klarna],
            ..of("GB", &Method::ALL, None)
        };
        let all: &[Method] = &Method::ALL;
        let card: &[Method] = &[Method::Card];
        for (method, terms, currency, expected) in [
            (klarna, of("GB", all, None), Currency::GBP, Ok(())),
            (klarna, of("gb", all, Some(all)), Currency::GBP, Ok(())),
            (
                klarna,
                of("GB", card, None),
                Currency::GBP,
                Err(NotOffered::NotWithThisProvider),
            ),
            (
                klarna,
                of("GB", all, Some(card)),
                Currency::GBP,
                Err(NotOffered::NotWithThisAccount),
            ),
            (klarna, nameless, Currency::GBP, Err(NotOffered::NeedsEmail)),
            (clearpay, nameless, Currency::GBP, Ok(())),
            (
                klarna,
                of("GB", all, None),
                euro,
                Err(NotOffered::NotInThisCurrency),
            ),
            (klarna, of("DE", all, None), euro, Ok(())),
            (
                clearpay,
                of("DE", all, None),
                euro,
                Err(NotOffered::NotInThisCountry),
            ),
            (
                klarna,
                of("JP", all, None),
                Currency::GBP,
                Err(NotOffered::NotInThisCountry),
            ),
            (
                Method::Card,
                of("JP", all, Some(card)),
                Currency::parse("JPY").unwrap(),
                Ok(()),
            ),
        ] {
            let setting = MethodSetting::open(method);
            let amount = Money::new(5_000, currency);
            let told = offered(&setting, terms, amount, PurposeKind::Balance);
            assert_eq!(told, expected, "{method:?} {terms:?} {currency}");
        }
    }

    #[test]
    fn each_row_of_a_table_is_a_country_once_with_a_known_currency() {
        for table in [limits::KLARNA, limits::CLEARPAY] {
            for (country, currency, min, max) in table {
                let known = Currency::parse(currency);
                assert!(
                    known.is_some() && country.len() == 2 && 0 < *min && min < max,
                    "{country}"
                );
            }
            assert!(
                table.windows(2).all(|pair| pair[0].0 < pair[1].0),
                "sorted, each once"
            );
        }
        let (pounds, euros) = (Currency::GBP, Currency::parse("EUR").unwrap());
        assert_eq!(Method::Clearpay.widest_limits(pounds), Some((100, 120_000)));
        assert_eq!(Method::Klarna.widest_limits(euros), Some((100, 1_400_000)));
        assert_eq!(Method::Clearpay.widest_limits(euros), None);
    }

    proptest::proptest! {
        #[test]
        fn instalments_sum_to_the_amount(minor in 1_i64..10_000_000) {
            for method in [Method::Klarna, Method::Clearpay] {
                let parts = instalments(method, Money::gbp(minor));
                proptest::prop_assert_eq!(parts.iter().map(|(part, _)| part.minor).sum::<i64>(), minor);
                proptest::prop_assert!(parts.windows(2).all(|p| p[0].0.minor >= p[1].0.minor && p[0].1 < p[1].1));
            }
        }
    }

    #[test]
    fn a_third_of_140_pounds_is_rounded_as_lenders_do() {
        let parts: Vec<i64> = instalments(Method::Klarna, Money::gbp(14_000))
            .iter()
            .map(|(part, _)| part.minor)
            .collect();
        assert_eq!(parts, [4667, 4667, 4666]);
    }
}
