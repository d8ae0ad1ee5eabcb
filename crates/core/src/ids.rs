//! Ids: UUIDv7 with a type prefix, `lnk_019ab...`. An id is a name, never a secret (tokens are, see `token`).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id of this kind. Doors answer it like an id that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct IdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or(IdError)?;
                if rest.len() != 32 || rest.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(IdError);
                }
                Uuid::try_parse(rest).map($name).map_err(|_| IdError)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                $name(uuid)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

ids! {
    ClinicId "cln",
    StaffId "stf",
    ApiKeyId "key",
    PatientId "pat",
    PatientNoteId "pno",
    PractitionerId "prc",
    ServiceId "svc",
    AbsenceId "abs",
    AppointmentId "apt",
    ChargeId "chg",
    LinkId "lnk",
    DeliveryId "dlv",
    AttemptId "att",
    PaymentId "pay",
    RefundId "ref",
    ReceiptId "rcp",
    TxnId "txn",
    EventId "evt",
    FindingId "fnd",
    JobId "job",
    MessageId "msg",
    /// A clinic's account with a provider; names the webhook route `/hooks/{endpoint_id}`.
    EndpointId "end",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_nothing_else_does() {
        let id = LinkId(Uuid::from_u128(0x019a_b000_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "lnk_",
            "lnk_nope",
            "apt_019ab000000070008000000000000001",
            "LNK_019ab000000070008000000000000001",
            "lnk_019AB000000070008000000000000001",
            "lnk_019ab000-0000-7000-8000-000000000001",
        ] {
            assert_eq!(text.parse::<LinkId>(), Err(IdError), "{text}");
        }
    }
}
