//! Who may call, and how much.

use serde::Deserialize;

use super::{ConfigError, jwt::JwtConfig, number::within};
use crate::access::allowance::Pace;

/// What a caller may ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessConfig {
    /// Requests a second of one caller in the long run; beyond it 429. A key may have a rate of its own.
    pub requests_per_second: u32,
    /// Requests of one caller at once.
    pub burst: u32,
    /// Tokens of an identity provider.
    pub jwt: JwtConfig,
}

impl AccessConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("access.requests_per_second", self.requests_per_second, 1..=10_000_000)?;
        within("access.burst", self.burst, 1..=10_000_000)?;
        self.jwt.check()
    }

    /// As the gate takes it.
    pub fn pace(&self) -> Pace {
        Pace::new(self.requests_per_second, self.burst)
    }
}
