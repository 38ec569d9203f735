//! The watch's configuration: whether it watches, where its lines are, what a policy does.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use hwan_domain::{
    anomaly::{MeasurePolicy, Rule, WatchPolicy},
    currency::CurrencySet,
    limit::LimitPolicy,
    money::MINOR_MAX,
    time::MICROS_PER_SECOND,
};
use serde::Deserialize;

use super::{
    ConfigError,
    number::{Exact, within},
    server::address,
};

/// The longest time that a threshold may be: ten years.
const SECONDS_MAX: i64 = 10 * 366 * 86_400;

/// The watch: thresholds of its rules, bounds of its memory, what it does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    /// Whether anybody watches.
    pub enabled: bool,
    /// Rules whose alerts halt their pair.
    pub halt_pair: Vec<String>,
    /// Rules whose alerts stop payments from their account.
    pub freeze_account: Vec<String>,
    /// How old an alert may be to be acted on.
    pub fresh_seconds_max: i64,
    /// The band of a round around the one before it, in percent, for single currencies.
    pub band_percent_max: BTreeMap<String, Exact>,
    /// How long the board's changes may be under way.
    pub board_grace_seconds: i64,
    /// How long an exchange may wait for its round.
    pub round_wait_seconds_max: i64,
    /// Exchanges of a customer within a minute.
    pub exchanges_per_minute_max: u32,
    /// What structuring stays below, in won.
    pub structuring_won: i64,
    /// How close below it counts.
    pub structuring_percent: i64,
    /// How many are too many.
    pub structuring_count: u32,
    /// Within how many days.
    pub structuring_days: i64,
    /// Until when a reversal is not late.
    pub compensation_days_max: i32,
    /// What rounding may leave beyond what it must.
    pub rounding_drift_won_max: i64,
    /// When a saga is late.
    pub saga_late_seconds: i64,
    /// When it is stuck.
    pub saga_stuck_seconds: i64,
    /// When money in suspense is old.
    pub suspense_seconds_max: i64,
    /// How long a record may wait for the books.
    pub lag_seconds_max: i64,
    /// How many records of a lane may.
    pub lag_records_max: u64,
    /// Accounts of a lane that are followed one by one.
    pub accounts_max: usize,
    /// Keys of a lane that are remembered.
    pub keys_max: usize,
    /// Rounds of a pair that are remembered.
    pub rounds_max: usize,
    /// How often the books are looked at.
    pub look_seconds: u64,
    /// How often a lane's state is put away.
    pub put_away_seconds: u64,
    /// After how many records it is at the latest.
    pub put_away_records: u64,
    /// Where `hwan watch` says how it is.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// As which group `hwan watch` reads from Kafka.
    pub group: String,
    /// The topic of alerts.
    pub topic: String,
}

fn rules(field: &'static str, names: &[String]) -> Result<Vec<Rule>, ConfigError> {
    let wrong = |name: &String| ConfigError::Bound {
        field,
        found: format!("{name:?}"),
        advice: "name rules as docs/watch.md lists them".to_owned(),
    };
    names.iter().map(|name| Rule::parse(name).ok_or_else(|| wrong(name))).collect()
}

impl WatchConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.measures()?;
        for (field, seconds) in [
            ("watch.fresh_seconds_max", self.fresh_seconds_max),
            ("watch.board_grace_seconds", self.board_grace_seconds),
            ("watch.round_wait_seconds_max", self.round_wait_seconds_max),
            ("watch.saga_late_seconds", self.saga_late_seconds),
            ("watch.suspense_seconds_max", self.suspense_seconds_max),
            ("watch.lag_seconds_max", self.lag_seconds_max),
        ] {
            within(field, seconds, 0..=SECONDS_MAX)?;
        }
        within("watch.saga_stuck_seconds", self.saga_stuck_seconds, self.saga_late_seconds..=SECONDS_MAX)?;
        within("watch.exchanges_per_minute_max", self.exchanges_per_minute_max, 1..=u32::MAX)?;
        within("watch.structuring_won", self.structuring_won, 0..=MINOR_MAX)?;
        within("watch.structuring_percent", self.structuring_percent, 0..=100)?;
        within("watch.structuring_count", self.structuring_count, 1..=1_000_000)?;
        within("watch.structuring_days", self.structuring_days, 1..=3_660)?;
        within("watch.compensation_days_max", self.compensation_days_max, 0..=365)?;
        within("watch.rounding_drift_won_max", self.rounding_drift_won_max, 0..=1_000_000_000)?;
        within("watch.accounts_max", self.accounts_max, 1_000..=100_000_000)?;
        within("watch.keys_max", self.keys_max, 1..=100_000_000)?;
        within("watch.rounds_max", self.rounds_max, 16..=1_000_000)?;
        within("watch.look_seconds", self.look_seconds, 1..=3_600)?;
        within("watch.put_away_seconds", self.put_away_seconds, 1..=86_400)?;
        within("watch.put_away_records", self.put_away_records, 1..=1_000_000_000)?;
        let wrong = |field, found: &str, advice: &str| {
            Err(ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() })
        };
        if !self.listen.ip().is_loopback() {
            let advice = "listen on 127.0.0.1 or [::1]: it asks nobody who they are";
            return wrong("watch.listen", &self.listen.to_string(), advice);
        }
        if self.group.is_empty() || self.group.len() > 200 {
            return wrong("watch.group", "empty or too long", "give a name, such as \"hwan-watch\"");
        }
        if self.topic.is_empty() || self.topic.len() > 249 {
            return wrong("watch.topic", "empty or too long", "give a name, such as \"hwan.alerts.v1\"");
        }
        Ok(())
    }

    /// What the policy does.
    pub fn measures(&self) -> Result<MeasurePolicy, ConfigError> {
        Ok(MeasurePolicy {
            halt_pair: rules("watch.halt_pair", &self.halt_pair)?,
            freeze_account: rules("watch.freeze_account", &self.freeze_account)?,
            fresh_seconds_max: self.fresh_seconds_max,
        })
    }

    /// As the rules take them: with the bank's limits, for these currencies, with keys that are kept so long.
    pub fn policy(
        &self,
        limits: LimitPolicy,
        currencies: &CurrencySet,
        key_retention: Duration,
    ) -> Result<WatchPolicy, ConfigError> {
        let usual = WatchPolicy::default();
        let key_retention_seconds = i64::try_from(key_retention.as_secs()).unwrap_or(i64::MAX / MICROS_PER_SECOND);
        let mut policy = WatchPolicy {
            limits,
            board_grace_seconds: self.board_grace_seconds,
            round_wait_seconds_max: self.round_wait_seconds_max,
            exchanges_per_minute_max: self.exchanges_per_minute_max,
            structuring_won: self.structuring_won,
            structuring_percent: self.structuring_percent,
            structuring_count: self.structuring_count,
            structuring_days: self.structuring_days,
            compensation_days_max: self.compensation_days_max,
            rounding_drift_won_max: self.rounding_drift_won_max,
            key_retention_seconds,
            saga_late_seconds: self.saga_late_seconds,
            saga_stuck_seconds: self.saga_stuck_seconds,
            suspense_seconds_max: self.suspense_seconds_max,
            lag_seconds_max: self.lag_seconds_max,
            lag_records_max: self.lag_records_max,
            accounts_max: self.accounts_max,
            keys_max: self.keys_max,
            rounds_max: self.rounds_max,
            ..usual
        }
        .with_currencies(currencies);
        for (code, percent) in &self.band_percent_max {
            let field = "watch.band_percent_max";
            let wrong = |advice: &str| ConfigError::Bound { field, found: code.clone(), advice: advice.to_owned() };
            let known = currencies.find(code).filter(|currency| !currency.is_home());
            let currency = known.ok_or_else(|| wrong("name a foreign currency of this bank"))?;
            if percent.0.is_sign_negative() {
                return Err(wrong("a band is 0 percent or wider"));
            }
            policy.bands.insert(currency, percent.0);
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides, currencies};

    fn built_in() -> WatchConfig {
        Config::load(&Overrides::default()).unwrap().watch
    }

    #[test]
    fn the_built_in_configuration_is_the_rules_own() {
        let set = currencies::built_in().unwrap();
        let day = Duration::from_secs(24 * 3_600);
        let policy = built_in().policy(LimitPolicy::default(), &set, day).unwrap();
        assert_eq!(policy, WatchPolicy::default().with_currencies(&set));
        assert_eq!(built_in().measures().unwrap(), MeasurePolicy::default());
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let mut config = built_in();
        config.halt_pair.push("sneezed".to_owned());
        assert!(config.check().unwrap_err().to_string().contains("watch.halt_pair is \"sneezed\""));
        let config = WatchConfig { saga_stuck_seconds: 5, ..built_in() };
        assert!(config.check().unwrap_err().to_string().contains("watch.saga_stuck_seconds is 5"));
        let config = WatchConfig { listen: "0.0.0.0:1".parse().unwrap(), ..built_in() };
        assert!(config.check().unwrap_err().to_string().contains("watch.listen"));
        let mut config = built_in();
        config.band_percent_max.insert("KRW".to_owned(), Exact(rust_decimal::Decimal::ONE));
        let set = currencies::built_in().unwrap();
        let error = config.policy(LimitPolicy::default(), &set, Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("foreign currency"), "{error}");
    }
}
