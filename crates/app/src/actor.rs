//! Who acts: a person at the desk, a program with a key, the patient, or Remit itself.

use remit_core::ids::{ApiKeyId, ClinicId, StaffId};
use remit_core::roles::{Permission, Role};

use crate::{Error, Result};

/// The one who asks for something, in one clinic. Every query takes its clinic from here (hazard D3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub clinic: ClinicId,
    pub role: Role,
    /// As the timeline names them: `Joanne Bright`, `API key "Practice system"`, `Patient`, `Remit`.
    pub label: String,
    pub who: Who,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Staff(StaffId),
    ApiKey(ApiKeyId),
    Patient,
    Remit,
}

impl Actor {
    pub fn patient(clinic: ClinicId) -> Actor {
        Actor {
            clinic,
            role: Role::Viewer,
            label: "Patient".into(),
            who: Who::Patient,
        }
    }

    /// Remit's own background work.
    pub fn remit(clinic: ClinicId) -> Actor {
        Actor {
            clinic,
            role: Role::Owner,
            label: "Remit".into(),
            who: Who::Remit,
        }
    }

    /// # Errors
    /// [`Error::Forbidden`]
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.role.may(permission) {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// What an idempotency key is scoped by, besides the clinic.
    pub fn scope(&self) -> String {
        match self.who {
            Who::Staff(id) => id.to_string(),
            Who::ApiKey(id) => id.to_string(),
            Who::Patient => "patient".into(),
            Who::Remit => "remit".into(),
        }
    }
}
