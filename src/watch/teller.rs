//! Tells alerts: into the store, the log and the metrics; and does what the policy says about those that are new.
//!
//! A measure comes before the alert is stored: a death between the two does it again rather than not at all, and halting what is
//! halted changes nothing. What is stored already is never acted on, and neither is what happened long ago: so a lane that is judged
//! again from its beginning halts nothing.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use hwan_domain::anomaly::{Alert, Measure, MeasurePolicy, Rule, Severity};

use super::hand::Hand;
use crate::{
    clock::Clock,
    storage::{
        alerts::port::{AlertBook, RAISED_MAX, Raised},
        port::StoreError,
    },
    telemetry::metrics::WatchMetrics,
};

/// How long a measure may take.
const MEASURED_WITHIN: Duration = Duration::from_secs(10);

/// What it tells by.
pub struct Teller {
    alerts: Arc<dyn AlertBook>,
    clock: Arc<dyn Clock>,
    policy: MeasurePolicy,
    hand: OnceLock<Arc<dyn Hand>>,
    metrics: WatchMetrics,
}

impl Teller {
    /// Into this store.
    pub fn new(alerts: Arc<dyn AlertBook>, clock: Arc<dyn Clock>, policy: MeasurePolicy) -> Self {
        let rules = Rule::ALL.iter().map(|rule| (rule.as_str(), rule.severity().as_str()));
        Self { alerts, clock, policy, hand: OnceLock::new(), metrics: WatchMetrics::new(rules) }
    }

    /// From now on the policy acts by this hand; before, and without one, it only tells. Given once.
    pub fn give_hand(&self, hand: Arc<dyn Hand>) {
        if self.hand.set(hand).is_err() {
            tracing::debug!("the watch has a hand already");
        }
    }

    /// The store.
    pub fn alerts(&self) -> &Arc<dyn AlertBook> {
        &self.alerts
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Tells them; what is told is stored. After an error any of them may be, and all may be told again.
    pub async fn tell(&self, alerts: &[Alert]) -> Result<(), StoreError> {
        for some in alerts.chunks(RAISED_MAX) {
            for alert in some {
                self.act(alert).await?;
            }
            let raised = self.alerts.raise(some, self.clock.now()).await?;
            for (alert, raised) in some.iter().zip(raised) {
                self.note(alert, raised);
            }
        }
        Ok(())
    }

    /// Brings the number of those that are not resolved up to date.
    pub async fn count_unresolved(&self) -> Result<(), StoreError> {
        for (severity, count) in self.alerts.unresolved().await? {
            self.metrics.unresolved(severity.as_str(), count);
        }
        Ok(())
    }

    async fn act(&self, alert: &Alert) -> Result<(), StoreError> {
        let Some(hand) = self.hand.get() else { return Ok(()) };
        let measures: Vec<Measure> = self.policy.measures(alert, self.clock.now()).collect();
        if measures.is_empty() || self.alerts.alert(&alert.id()).await?.is_some() {
            return Ok(());
        }
        let reason = format!("the watch found {}", alert.id());
        for measure in measures {
            let acting = async {
                match measure {
                    Measure::HaltPair(currency) => hand.halt_pair(currency, &reason).await,
                    Measure::FreezeAccount(account) => hand.freeze_account(account, &reason).await,
                }
            };
            let late = |_| Err(format!("no answer within {} s", MEASURED_WITHIN.as_secs()));
            match tokio::time::timeout(MEASURED_WITHIN, acting).await.unwrap_or_else(late) {
                Ok(()) => tracing::warn!(alert = alert.id(), ?measure, "the policy of the watch has acted"),
                Err(error) => {
                    tracing::error!(
                        alert = alert.id(),
                        ?measure,
                        error,
                        "the policy of the watch could not act: do it by hand"
                    );
                }
            }
        }
        Ok(())
    }

    /// A line in the log and a count, for what is new or open again.
    fn note(&self, alert: &Alert, raised: Raised) {
        if raised == Raised::Again {
            return;
        }
        self.metrics.raised(alert.rule.as_str());
        let (id, rule, severity) = (alert.id(), alert.rule.as_str(), alert.severity().as_str());
        let (expected, found) = (alert.evidence.expected.as_str(), alert.evidence.found.as_str());
        let reopened = raised == Raised::Reopened;
        match alert.severity() {
            Severity::Critical => tracing::error!(id, rule, severity, expected, found, reopened, "alert"),
            Severity::Warning => tracing::warn!(id, rule, severity, expected, found, reopened, "alert"),
            Severity::Info => tracing::info!(id, rule, severity, expected, found, reopened, "alert"),
        }
    }
}

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller").field("policy", &self.policy).finish_non_exhaustive()
    }
}
