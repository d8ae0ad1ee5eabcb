//! Who may do what: one table, asked by every door (hazard D10, suite S11).

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything but how patients are reached, changes nothing.
    Viewer,
    Reception,
    Manager,
    Owner,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Reception, Role::Manager, Role::Owner];

    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Reception => "reception",
            Role::Manager => "manager",
            Role::Owner => "owner",
        }
    }

    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.name() == name)
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Role::Viewer => "Viewer",
            Role::Reception => "Reception",
            Role::Manager => "Practice manager",
            Role::Owner => "Owner",
        }
    }

    pub fn may(self, permission: Permission) -> bool {
        self >= permission.least_role()
    }
}

/// One thing that can be done; each route names exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read diary, patients, appointments, links, payments.
    Look,
    /// Patients' whole numbers and email addresses; without it they are masked (hazard E4).
    Contact,
    /// Patients and appointments: create and change.
    Book,
    /// Desk payments, charges, payment links and their sending.
    TakeMoney,
    /// Refunds and closing findings.
    Refund,
    /// Services, practitioners, payment methods, messages.
    Configure,
    /// Provider credentials, API keys, webhook endpoints, staff.
    Administer,
}

impl Permission {
    pub const ALL: [Permission; 7] = [
        Permission::Look,
        Permission::Contact,
        Permission::Book,
        Permission::TakeMoney,
        Permission::Refund,
        Permission::Configure,
        Permission::Administer,
    ];

    pub fn least_role(self) -> Role {
        match self {
            Permission::Look => Role::Viewer,
            Permission::Contact | Permission::Book | Permission::TakeMoney => Role::Reception,
            Permission::Refund | Permission::Configure => Role::Manager,
            Permission::Administer => Role::Owner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_one_below_may_and_more() {
        let counts: Vec<usize> = Role::ALL
            .iter()
            .map(|role| Permission::ALL.iter().filter(|p| role.may(**p)).count())
            .collect();
        assert_eq!(counts, [1, 4, 6, 7]);
        assert!(!Role::Reception.may(Permission::Refund) && Role::Manager.may(Permission::Refund));
    }
}
