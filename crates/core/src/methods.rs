//! Payment methods: what they are, what each can carry, and which of them a patient is offered.

use crate::money::{Currency, Money};

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

    /// What the lender or scheme itself allows in a currency, in minor units; `None`: not offered in it.
    /// Clearpay UK: 1.00 to 1,200.00 GBP and GBP only here; Klarna: up to 10,000.00, from 1.00 (hazards 3, design 3).
    pub fn own_limits(self, currency: Currency) -> Option<(i64, i64)> {
        let unit = 10_i64.pow(currency.exponent());
        match self {
            Method::Card => Some((1, crate::money::MINOR_MAX)),
            Method::Klarna => matches!(
                currency.code(),
                "GBP" | "EUR" | "USD" | "SEK" | "NOK" | "DKK" | "PLN" | "CHF" | "CZK" | "RON"
            )
            .then_some((unit, 10_000 * unit)),
            Method::Clearpay => (currency == Currency::GBP).then_some((unit, 1_200 * unit)),
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
    BelowMinimum,
    AboveMaximum,
    NotInThisCurrency,
    /// The provider in use cannot take it.
    NotWithThisProvider,
}

/// Whether a method can take this amount for this purpose under the clinic's settings.
///
/// # Errors
/// The first reason why not.
pub fn offered(
    setting: &MethodSetting,
    amount: Money,
    purpose: PurposeKind,
) -> Result<(), NotOffered> {
    let (own_min, own_max) = setting
        .method
        .own_limits(amount.currency)
        .ok_or(NotOffered::NotInThisCurrency)?;
    let allowed = match purpose {
        PurposeKind::Deposit => setting.for_deposit,
        PurposeKind::Balance | PurposeKind::Custom => setting.for_balance,
    };
    if !setting.enabled {
        Err(NotOffered::Disabled)
    } else if !allowed {
        Err(NotOffered::NotForThisPurpose)
    } else if amount.minor < setting.min.unwrap_or(own_min).max(own_min) {
        Err(NotOffered::BelowMinimum)
    } else if amount.minor > setting.max.unwrap_or(own_max).min(own_max) {
        Err(NotOffered::AboveMaximum)
    } else {
        Ok(())
    }
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

    #[test]
    fn a_method_is_offered_within_its_limits_and_purposes() {
        let open = MethodSetting::open(Method::Clearpay);
        for (setting, minor, purpose, expected) in [
            (open, 100, PurposeKind::Deposit, Ok(())),
            (
                open,
                99,
                PurposeKind::Deposit,
                Err(NotOffered::BelowMinimum),
            ),
            (open, 120_000, PurposeKind::Balance, Ok(())),
            (
                open,
                120_001,
                PurposeKind::Balance,
                Err(NotOffered::AboveMaximum),
            ),
            (
                MethodSetting {
                    enabled: false,
                    ..open
                },
                100,
                PurposeKind::Balance,
                Err(NotOffered::Disabled),
            ),
            (
                MethodSetting {
                    for_deposit: false,
                    ..open
                },
                100,
                PurposeKind::Deposit,
                Err(NotOffered::NotForThisPurpose),
            ),
            (
                MethodSetting {
                    for_balance: false,
                    ..open
                },
                100,
                PurposeKind::Custom,
                Err(NotOffered::NotForThisPurpose),
            ),
            (
                MethodSetting {
                    max: Some(500_000),
                    ..open
                },
                200_000,
                PurposeKind::Balance,
                Err(NotOffered::AboveMaximum),
            ),
            (
                MethodSetting {
                    min: Some(1000),
                    ..open
                },
                999,
                PurposeKind::Balance,
                Err(NotOffered::BelowMinimum),
            ),
        ] {
            assert_eq!(offered(&setting, Money::gbp(minor), purpose), expected);
        }
        let yen = Money::new(5000, Currency::parse("JPY").unwrap());
        assert_eq!(
            offered(&open, yen, PurposeKind::Balance),
            Err(NotOffered::NotInThisCurrency)
        );
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
