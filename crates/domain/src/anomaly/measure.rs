//! What a policy does about an alert beside telling it: halt a pair, freeze an account. By default next to nothing.

use super::{alert::Alert, rule::Rule};
use crate::{
    currency::Currency,
    id::AccountId,
    time::{MICROS_PER_SECOND, Timestamp},
};

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Halt a pair: nothing more is exchanged in it until another person resumes it.
    HaltPair(Currency),
    /// Freeze an account: nothing more leaves it until somebody lifts it.
    FreezeAccount(AccountId),
}

/// Which rules lead to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasurePolicy {
    /// Rules that halt the pair of their alert.
    pub halt_pair: Vec<Rule>,
    /// Rules that freeze the account of their alert.
    pub freeze_account: Vec<Rule>,
    /// How old an alert may be to be acted on, in seconds: what is found in old records was long since seen by people.
    pub fresh_seconds_max: i64,
}

impl Default for MeasurePolicy {
    /// A round outside its band and exchanges on a round that was voided or refused halt their pair: the bank would go on losing money
    /// by them. No account is frozen: that is a person's decision.
    fn default() -> Self {
        Self {
            halt_pair: vec![Rule::RoundOutsideBand, Rule::TradeOnVoidedRound],
            freeze_account: Vec::new(),
            fresh_seconds_max: 300,
        }
    }
}

impl MeasurePolicy {
    /// What is to be done about an alert.
    pub fn measures(&self, alert: &Alert, now: Timestamp) -> impl Iterator<Item = Measure> {
        let is_fresh = now.micros_since(alert.at) <= self.fresh_seconds_max.saturating_mul(MICROS_PER_SECOND);
        let halt = alert.pair.filter(|_| is_fresh && self.halt_pair.contains(&alert.rule)).map(Measure::HaltPair);
        let freeze = alert.account.filter(|_| is_fresh && self.freeze_account.contains(&alert.rule));
        halt.into_iter().chain(freeze.map(Measure::FreezeAccount))
    }
}
