//! Roles: what a caller may do. A caller has a set of them; what no role of a route's list covers is refused.

use std::fmt;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A channel of the bank, such as its app: acts for its own customers only.
    CustomerChannel,
    /// Serves every customer: opens, pays in and out, exchanges, reverses.
    Teller,
    /// Publishes rates, halts pairs.
    Rates,
    /// Operates: facts, halts, voids; moves no money.
    Ops,
    /// Reads everything, changes nothing.
    Auditor,
    /// The second person: lifts what another one set.
    Approver,
    /// Deals for the bank: reports cover trades, reads positions and the ledger.
    Treasury,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 7] =
        [Role::CustomerChannel, Role::Teller, Role::Rates, Role::Ops, Role::Auditor, Role::Approver, Role::Treasury];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::CustomerChannel => "customer_channel",
            Role::Teller => "teller",
            Role::Rates => "rates",
            Role::Ops => "ops",
            Role::Auditor => "auditor",
            Role::Approver => "approver",
            Role::Treasury => "treasury",
        }
    }

    /// The role of this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// No role: may do nothing.
    pub const NONE: Roles = Roles(0);

    /// These roles.
    pub const fn of(roles: &[Role]) -> Self {
        let mut bits = 0;
        let mut rest = roles;
        while let [role, others @ ..] = rest {
            bits |= role.bit();
            rest = others;
        }
        Self(bits)
    }

    /// Every role.
    pub const fn all() -> Self {
        Self::of(&Role::ALL)
    }

    /// Whether it has this role.
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether it has a role of `others`.
    pub const fn meets(self, others: Roles) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether it has none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The same without this role.
    #[must_use]
    pub const fn without(self, role: Role) -> Self {
        Self(self.0 & !role.bit())
    }

    /// Its roles, in their order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, role) in self.iter().enumerate() {
            write!(f, "{}{role}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_was_made_of_and_nothing_else() {
        let set = Roles::of(&[Role::Teller, Role::Approver]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Role::Teller, Role::Approver]);
        assert_eq!(set.to_string(), "teller, approver");
        assert!(!set.meets(Roles::of(&[Role::Ops])) && set.meets(Roles::all()) && Roles::NONE.is_empty());
        assert_eq!(set.without(Role::Teller), Roles::of(&[Role::Approver]));
        assert!(Roles::of(&[Role::Teller]).without(Role::Teller).is_empty());
        assert_eq!(Role::ALL.into_iter().collect::<Roles>(), Roles::all());
        assert!(Role::ALL.into_iter().all(|role| Role::parse(role.as_str()) == Some(role)));
    }
}
