//! The clinic: the tenant that every row belongs to.

use crate::ids::ClinicId;
use crate::money::Currency;

/// What rules and pages need to know of a clinic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clinic {
    pub id: ClinicId,
    /// Public prefix of its tokens; says nothing but which clinic.
    pub route: String,
    /// Trading name, neutral: a name can reveal a condition (hazard E1).
    pub name: String,
    /// One short line under the name, such as the district.
    pub strapline: String,
    pub address: String,
    pub phone: String,
    pub email: String,
    pub currency: Currency,
    /// ISO 3166 alpha-2; national phone numbers are read as this country's.
    pub country: String,
    /// IANA zone, for display only.
    pub zone: String,
    /// The sandbox takes the money, and every page says so.
    pub test_mode: bool,
    /// Name the services on the checkout page; off by default (design 3).
    pub show_services: bool,
    /// Refund surplus money without asking; off by default.
    pub auto_refund: bool,
}

impl Clinic {
    /// `LC` for Larkhill Clinic.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// First letters of the first and last word, titles left out.
pub fn initials(name: &str) -> String {
    let words: Vec<&str> = name
        .split_whitespace()
        .filter(|w| !matches!(*w, "Dr" | "Dr." | "Mr" | "Mrs" | "Ms" | "Miss" | "Prof"))
        .collect();
    let first = words.first().and_then(|w| w.chars().next());
    let last = if words.len() > 1 {
        words.last().and_then(|w| w.chars().next())
    } else {
        None
    };
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}
