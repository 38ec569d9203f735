//! By whom a policy acts. The watch knows no engine: who starts it gives it a hand.

use async_trait::async_trait;
use hwan_domain::{currency::Currency, id::AccountId};

/// Acts on the engine, on the watch's word.
#[async_trait]
pub trait Hand: Send + Sync + 'static {
    /// Halts a pair; one that is halted already stays so. Says why where it could not.
    async fn halt_pair(&self, currency: Currency, reason: &str) -> Result<(), String>;

    /// Stops payments from an account. Says why where it could not.
    async fn freeze_account(&self, account: AccountId, reason: &str) -> Result<(), String>;
}
