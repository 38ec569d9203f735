//! What was told, so that what lasts is not told at every look.
//!
//! Something single is told once. A condition is told when it begins, and again now and then for as long as it lasts, so that its last
//! sighting stays true; once it has passed and comes again, it is told anew. Forgotten at a restart: telling again is counted, no more.

use std::{collections::HashMap, time::Duration};

use hwan_domain::anomaly::{Alert, Nature};
use tokio::time::Instant;

/// How often a condition that lasts is told.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// When what is found now was told last.
#[derive(Debug, Default)]
pub(super) struct Told(HashMap<String, Instant>);

impl Told {
    /// Of all that is found now, what is due to be told; it counts as told.
    pub(super) fn due(&mut self, found: Vec<Alert>) -> Vec<Alert> {
        let ids: Vec<String> = found.iter().map(Alert::id).collect();
        self.0.retain(|id, _| ids.contains(id));
        let now = Instant::now();
        let is_due = |id: &String, alert: &Alert| match self.0.get(id) {
            None => true,
            Some(at) => alert.rule.nature() == Nature::Condition && at.elapsed() >= TOLD_EVERY,
        };
        let due: Vec<(String, Alert)> = ids.into_iter().zip(found).filter(|(id, alert)| is_due(id, alert)).collect();
        let told = |(id, alert): (String, Alert)| {
            self.0.insert(id, now);
            alert
        };
        due.into_iter().map(told).collect()
    }

    /// What was due could not be told: all of it is due again.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        anomaly::{Rule, Subject},
        id::LaneId,
        time::Timestamp,
    };

    use super::*;

    fn alert(rule: Rule) -> Alert {
        Alert::standing(rule, Subject::Lane(LaneId::FIRST), Timestamp::from_micros(1), "less", "more")
    }

    #[test]
    fn what_lasts_is_told_when_it_begins_and_anew_once_it_had_passed() {
        let mut told = Told::default();
        let both = || vec![alert(Rule::OutboxLag), alert(Rule::AgedSuspense)];
        assert_eq!(told.due(both()).len(), 2);
        assert_eq!(told.due(both()), []);
        assert_eq!(told.due(vec![alert(Rule::AgedSuspense)]), []);
        assert_eq!(told.due(both()), [alert(Rule::OutboxLag)]);
        told.forget();
        assert_eq!(told.due(both()).len(), 2);
    }
}
