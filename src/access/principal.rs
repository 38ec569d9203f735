//! Who is calling: the name that stands in the journal, what it may do, and how much.

use std::{sync::Arc, time::Duration};

use super::{allowance::Allowance, api_key::KeyId, role::Roles};

/// A caller that has proved itself. Made for each key once, and for each token once; requests share it.
#[derive(Clone, Debug)]
pub struct Principal {
    /// By what records, idempotency keys and customers name it.
    pub name: Arc<str>,
    /// What it may do.
    pub roles: Roles,
    /// With what it has proved itself.
    pub credential: Credential,
    allowance: Allowance,
}

/// With what a caller has proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key of this bank's.
    ApiKey(KeyId),
    /// A token of the identity provider's.
    Jwt,
}

impl Principal {
    /// A caller with what it may do and spend.
    pub const fn new(name: Arc<str>, roles: Roles, credential: Credential, allowance: Allowance) -> Self {
        Self { name, roles, credential, allowance }
    }

    /// Spends `cost` requests of the caller's allowance, or says when there is one left. A batch is admitted whole.
    pub fn admit(&self, cost: u32) -> Result<(), Duration> {
        self.allowance.admit(cost)
    }

    /// Spends `cost` more of the allowance for a request that was admitted: a batch is admitted whole, and what follows
    /// it waits.
    pub fn charge(&self, cost: u32) {
        self.allowance.charge(cost);
    }

    /// The key's id, where it is a key.
    pub const fn key_id(&self) -> Option<KeyId> {
        match self.credential {
            Credential::ApiKey(id) => Some(id),
            Credential::Jwt => None,
        }
    }
}
