//! Who may change whom among a clinic's staff: nobody above themselves, nobody their own role, and never the last owner.

use crate::DAY_MS;
use crate::ids::StaffId;
use crate::roles::Role;

/// How long a link to set a password works.
pub const INVITATION_MS: i64 = 3 * DAY_MS;
/// Characters of the shortest and of the longest password.
pub const PASSWORD_CHARS_MIN: usize = 8;
pub const PASSWORD_CHARS_MAX: usize = 200;

/// The facts that a change looks at, read under the clinic's lock row so that two owners cannot demote each other.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Who changes; none for a program.
    pub by: Option<StaffId>,
    pub by_role: Role,
    /// Who is changed.
    pub person: StaffId,
    pub role: Role,
    pub active: bool,
    /// Other people who are owners and can sign in.
    pub other_owners: usize,
}

/// Why somebody is not changed; the sentence is for the person who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Nobody changes their own role. Ask another owner.")]
    OwnRole,
    #[error("You cannot deactivate yourself. Ask another owner.")]
    Yourself,
    #[error("This role is above your own.")]
    AboveOwn,
    #[error("This is the last owner. Make somebody else an owner first.")]
    LastOwner,
}

impl Standing {
    fn is_oneself(&self) -> bool {
        self.by == Some(self.person)
    }

    fn is_last_owner(&self) -> bool {
        self.active && self.role == Role::Owner && self.other_owners == 0
    }
}

/// Whether a role may be given, to a person or to an API key.
///
/// # Errors
/// [`Refusal::AboveOwn`]
pub fn grant(by_role: Role, role: Role) -> Result<(), Refusal> {
    if role > by_role {
        Err(Refusal::AboveOwn)
    } else {
        Ok(())
    }
}

/// Whether somebody's details, password or sessions may be touched.
///
/// # Errors
/// [`Refusal::AboveOwn`]
pub fn touch(standing: &Standing) -> Result<(), Refusal> {
    grant(standing.by_role, standing.role)
}

/// # Errors
/// [`Refusal`]; keeping the role is always allowed.
pub fn change_role(standing: &Standing, to: Role) -> Result<(), Refusal> {
    touch(standing)?;
    if to == standing.role {
        return Ok(());
    }
    grant(standing.by_role, to)?;
    // Before the other: the last owner is told what to do, whoever asks.
    if standing.is_last_owner() {
        return Err(Refusal::LastOwner);
    }
    if standing.is_oneself() {
        return Err(Refusal::OwnRole);
    }
    Ok(())
}

/// # Errors
/// [`Refusal`]
pub fn deactivate(standing: &Standing) -> Result<(), Refusal> {
    touch(standing)?;
    if standing.is_last_owner() {
        return Err(Refusal::LastOwner);
    }
    if standing.is_oneself() {
        return Err(Refusal::Yourself);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn person(number: u128) -> StaffId {
        StaffId(Uuid::from_u128(number))
    }

    /// Every case of a clinic with up to two other owners: somebody with each role changes somebody, perhaps themselves.
    fn every_case() -> Vec<Standing> {
        let mut cases = Vec::new();
        for by_role in Role::ALL {
            for role in Role::ALL {
                for oneself in [true, false] {
                    for active in [true, false] {
                        for other_owners in 0..3 {
                            // The one who changes is an owner too, and can sign in.
                            let needed = usize::from(!oneself && by_role == Role::Owner);
                            if (oneself && (role != by_role || !active)) || other_owners < needed {
                                continue;
                            }
                            cases.push(Standing {
                                by: Some(if oneself { person(1) } else { person(2) }),
                                by_role,
                                person: person(1),
                                role,
                                active,
                                other_owners,
                            });
                        }
                    }
                }
            }
        }
        cases
    }

    #[test]
    fn nobody_rises_and_an_owner_is_always_left() {
        for case in every_case() {
            for to in Role::ALL {
                if change_role(&case, to).is_ok() {
                    assert!(to <= case.by_role && case.role <= case.by_role, "{case:?}");
                    assert!(to == case.role || case.by != Some(case.person), "{case:?}");
                    let owners = case.other_owners + usize::from(case.active && to == Role::Owner);
                    assert!(owners > 0 || case.role != Role::Owner || !case.active);
                }
            }
            if deactivate(&case).is_ok() {
                assert!(case.role <= case.by_role && case.by != Some(case.person));
                assert!(case.other_owners > 0 || case.role != Role::Owner || !case.active);
            }
        }
    }

    #[test]
    fn each_refusal_says_which() {
        let owner = Standing {
            by: Some(person(1)),
            by_role: Role::Owner,
            person: person(1),
            role: Role::Owner,
            active: true,
            other_owners: 0,
        };
        assert_eq!(change_role(&owner, Role::Manager), Err(Refusal::LastOwner));
        assert_eq!(deactivate(&owner), Err(Refusal::LastOwner));
        let one_of_two = Standing {
            other_owners: 1,
            ..owner
        };
        let own = change_role(&one_of_two, Role::Viewer);
        assert_eq!(own, Err(Refusal::OwnRole));
        assert_eq!(deactivate(&one_of_two), Err(Refusal::Yourself));
        assert_eq!(change_role(&one_of_two, Role::Owner), Ok(()));
        let manager = Standing {
            by: Some(person(2)),
            by_role: Role::Manager,
            ..one_of_two
        };
        assert_eq!(touch(&manager), Err(Refusal::AboveOwn));
        let colleague = Standing {
            role: Role::Reception,
            ..manager
        };
        assert_eq!(change_role(&colleague, Role::Manager), Ok(()));
        let above = change_role(&colleague, Role::Owner);
        assert_eq!(above, Err(Refusal::AboveOwn));
    }
}
