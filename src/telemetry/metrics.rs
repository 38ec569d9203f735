//! Metrics: one recorder for the whole program, and handles that are kept.
//!
//! The recorder is installed once, by `startup`, before the engine starts; a handle made earlier records nothing.
//! A kept handle costs 5 ns a sample, the macros with labels twelve times that: so the engine keeps [`HotMetrics`] and
//! [`LaneMetrics`], the API keeps [`RouteMetrics`], and nobody uses the macros. Histogram samples queue in memory until
//! a scrape or [`upkeep`] drains them, so the upkeep task must run.

use std::{
    sync::{Mutex, OnceLock},
    time::Duration,
};

use hwan_domain::reconciliation::{BreakKind, Reconciliation};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, with_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::metric_name::{MetricKind, MetricName};

/// How often samples are drained: at 20,000 exchanges a second some 100,000 samples wait by then.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
static INSTALLING: Mutex<()> = Mutex::new(());

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The exporter refused its set-up.
    #[error("metrics cannot be set up: {0}")]
    Setup(#[from] metrics_exporter_prometheus::BuildError),
    /// Another recorder is at work in this program.
    #[error("another metrics recorder is installed already")]
    Taken,
}

/// Installs the recorder and describes every metric; a further call changes nothing.
pub fn install() -> Result<(), MetricsError> {
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let mut builder = PrometheusBuilder::new();
    for metric in MetricName::ALL {
        if let MetricKind::Histogram(buckets) = metric.kind() {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.as_str().into()), buckets.bounds())?;
        }
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Taken)?;
    for metric in MetricName::ALL {
        let (name, unit, help) = (metric.as_str().into(), Some(metric.unit()), metric.help().into());
        with_recorder(|recorder| match metric.kind() {
            MetricKind::Counter => recorder.describe_counter(name, unit, help),
            MetricKind::Gauge => recorder.describe_gauge(name, unit, help),
            MetricKind::Histogram(_) => recorder.describe_histogram(name, unit, help),
        });
    }
    // Nobody else sets it: the lock is held.
    RECORDER.set(handle).map_err(|_| MetricsError::Taken)
}

/// All metrics as Prometheus text; empty until [`install`].
pub fn render() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Drains samples forever, so that a late scrape does not stall on millions of them.
pub async fn upkeep() {
    let mut every = tokio::time::interval(UPKEEP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Some(recorder) = RECORDER.get() {
            recorder.run_upkeep();
        }
    }
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

fn key(metric: MetricName, labels: Vec<Label>) -> Key {
    Key::from_parts(metric.as_str(), labels)
}

fn counter(metric: MetricName, labels: Vec<Label>) -> Counter {
    with_recorder(|recorder| recorder.register_counter(&key(metric, labels), &METADATA))
}

fn gauge(metric: MetricName, labels: Vec<Label>) -> Gauge {
    with_recorder(|recorder| recorder.register_gauge(&key(metric, labels), &METADATA))
}

fn histogram(metric: MetricName, labels: Vec<Label>) -> Histogram {
    with_recorder(|recorder| recorder.register_histogram(&key(metric, labels), &METADATA))
}

/// The engine's handles. Clones record into the same metrics, and so do further ones made by [`HotMetrics::new`].
#[derive(Clone, Debug)]
pub struct HotMetrics {
    /// Exchanges that took effect.
    pub exchanges_executed: Counter,
    /// Exchanges that an earlier request with the same key had made.
    pub exchanges_replayed: Counter,
    /// Exchanges refused by a rule or for their key: nothing happened.
    pub exchanges_rejected: Counter,
    /// Exchanges not done: safe to retry.
    pub exchanges_not_done: Counter,
    /// Exchanges whose outcome was not known when they were answered.
    pub exchanges_unknown: Counter,
    /// Exchanges turned away at the door.
    pub exchanges_overloaded: Counter,
    /// From arrival at the engine to the answer, in seconds.
    pub exchange_seconds: Histogram,
    /// Records in a commit.
    pub batch_records: Histogram,
    /// From sending a batch to the store to its answer, in seconds.
    pub commit_seconds: Histogram,
    /// Commands under way.
    pub commands_in_flight: Gauge,
    /// Customer actors alive.
    pub customers_resident: Gauge,
    /// Account actors alive.
    pub accounts_resident: Gauge,
}

impl HotMetrics {
    /// Registers with the recorder that is installed by then.
    #[expect(clippy::new_without_default, reason = "registering is an effect that a default should not have")]
    pub fn new() -> Self {
        let exchanges =
            |outcome: &'static str| counter(MetricName::Exchanges, vec![Label::from_static_parts("outcome", outcome)]);
        Self {
            exchanges_executed: exchanges("executed"),
            exchanges_replayed: exchanges("replayed"),
            exchanges_rejected: exchanges("rejected"),
            exchanges_not_done: exchanges("not_done"),
            exchanges_unknown: exchanges("unknown"),
            exchanges_overloaded: exchanges("overloaded"),
            exchange_seconds: histogram(MetricName::ExchangeSeconds, vec![]),
            batch_records: histogram(MetricName::BatchRecords, vec![]),
            commit_seconds: histogram(MetricName::CommitSeconds, vec![]),
            commands_in_flight: gauge(MetricName::CommandsInFlight, vec![]),
            customers_resident: gauge(MetricName::CustomersResident, vec![]),
            accounts_resident: gauge(MetricName::AccountsResident, vec![]),
        }
    }
}

/// What leaves a lane by the outbox.
#[derive(Clone, Debug)]
pub struct OutboxMetrics {
    /// Records that left.
    pub published: Counter,
    /// How often it was begun anew at the last delivered record.
    pub delivery_errors: Counter,
}

impl OutboxMetrics {
    /// Registers lane number `lane` with the recorder that is installed by then.
    pub fn new(lane: u16) -> Self {
        let labels = || vec![Label::new("lane", lane.to_string())];
        Self {
            published: counter(MetricName::OutboxPublished, labels()),
            delivery_errors: counter(MetricName::OutboxDeliveryErrors, labels()),
        }
    }
}

/// One lane's handles.
#[derive(Clone, Debug)]
pub struct LaneMetrics {
    /// The newest durable record; set it by [`LaneMetrics::committed`].
    pub lane_seq: Gauge,
    /// Durable records that the projections have not followed yet; set it by [`LaneMetrics::lags`].
    pub projection_lag: Gauge,
    /// Durable records that have not left by the outbox; set it by [`LaneMetrics::waits_for_outbox`].
    pub outbox_backlog: Gauge,
    /// For how long the oldest of them has waited, in seconds.
    pub outbox_oldest: Gauge,
    /// How often the lane was taken again after a fault.
    pub lane_retakes: Counter,
}

impl LaneMetrics {
    /// Registers lane number `lane` with the recorder that is installed by then.
    pub fn new(lane: u16) -> Self {
        let labels = || vec![Label::new("lane", lane.to_string())];
        Self {
            lane_seq: gauge(MetricName::LaneSeq, labels()),
            projection_lag: gauge(MetricName::ProjectionLag, labels()),
            outbox_backlog: gauge(MetricName::OutboxBacklogRows, labels()),
            outbox_oldest: gauge(MetricName::OutboxOldestUnpublished, labels()),
            lane_retakes: counter(MetricName::LaneRetakes, labels()),
        }
    }

    /// The lane is durable up to `seq`.
    pub fn committed(&self, seq: u64) {
        self.lane_seq.set(gauge_value(seq));
    }

    /// The projections are `records` behind.
    pub fn lags(&self, records: u64) {
        self.projection_lag.set(gauge_value(records));
    }

    /// So many records wait to leave by the outbox, the oldest for so long.
    pub fn waits_for_outbox(&self, records: u64, oldest: Duration) {
        self.outbox_backlog.set(gauge_value(records));
        self.outbox_oldest.set(oldest.as_secs_f64());
    }
}

/// The business date's handles.
#[derive(Clone, Debug)]
pub struct DateMetrics {
    held_back: Gauge,
}

impl DateMetrics {
    /// Registers with the recorder that is installed by then.
    #[expect(clippy::new_without_default, reason = "registering is an effect that a default should not have")]
    pub fn new() -> Self {
        let held_back = gauge(MetricName::BusinessDateHeldBack, vec![]);
        held_back.set(0.0);
        Self { held_back }
    }

    /// Whether the clock is not followed.
    pub fn is_held_back(&self, is_held_back: bool) {
        self.held_back.set(f64::from(u8::from(is_held_back)));
    }
}

/// The closings' handles.
#[derive(Clone, Debug)]
pub struct ClosingMetrics {
    closed_date: Gauge,
    age: Gauge,
    damaged: Gauge,
}

impl ClosingMetrics {
    /// Registers with the recorder that is installed by then.
    #[expect(clippy::new_without_default, reason = "registering is an effect that a default should not have")]
    pub fn new() -> Self {
        Self {
            closed_date: gauge(MetricName::ClosedDate, vec![]),
            age: gauge(MetricName::ClosingAge, vec![]),
            damaged: gauge(MetricName::ClosingDamaged, vec![]),
        }
    }

    /// The last date that is closed, in days since 1970, and how long ago it ended.
    pub fn closed(&self, days: i32, age: Duration) {
        let begins = Duration::from_secs(u64::try_from(days).unwrap_or(0).saturating_mul(86_400));
        self.closed_date.set(begins.as_secs_f64());
        self.age.set(age.as_secs_f64());
    }

    /// Whether a stored closing is not what the books say now.
    pub fn is_damaged(&self, is_damaged: bool) {
        self.damaged.set(f64::from(u8::from(is_damaged)));
    }
}

/// The gate's handles.
#[derive(Clone, Debug)]
pub struct AccessMetrics {
    refused: Vec<(&'static str, Counter)>,
    /// Requests of a caller beyond its allowance.
    pub callers_limited: Counter,
    /// Refusals beyond the allowance that all strangers share.
    pub strangers_limited: Counter,
    /// Readings of the identity provider's key set.
    pub key_set_read: Counter,
    /// Readings that failed.
    pub key_set_failed: Counter,
}

impl AccessMetrics {
    /// Registers one counter for each of `reasons`.
    pub fn new(reasons: &[&'static str]) -> Self {
        let labelled = |metric, name: &'static str, value: &'static str| {
            counter(metric, vec![Label::from_static_parts(name, value)])
        };
        let of_reason = |reason: &&'static str| (*reason, labelled(MetricName::AccessRefused, "reason", reason));
        Self {
            refused: reasons.iter().map(of_reason).collect(),
            callers_limited: labelled(MetricName::RateLimited, "whom", "caller"),
            strangers_limited: labelled(MetricName::RateLimited, "whom", "stranger"),
            key_set_read: labelled(MetricName::JwtKeySetReads, "outcome", "ok"),
            key_set_failed: labelled(MetricName::JwtKeySetReads, "outcome", "failed"),
        }
    }

    /// Counts a refusal by its reason.
    pub fn refused(&self, reason: &'static str) {
        if let Some((_, counter)) = self.refused.iter().find(|(known, _)| *known == reason) {
            counter.increment(1);
        }
    }
}

/// The audit trail's handles.
#[derive(Clone, Debug)]
pub struct AuditMetrics {
    /// Lines written.
    pub written: Counter,
    /// Lines lost: the channel was full, or the disk.
    pub lost: Counter,
}

impl AuditMetrics {
    /// Registers with the recorder that is installed by then.
    #[expect(clippy::new_without_default, reason = "registering is an effect that a default should not have")]
    pub fn new() -> Self {
        let lines =
            |outcome: &'static str| counter(MetricName::AuditLines, vec![Label::from_static_parts("outcome", outcome)]);
        Self { written: lines("written"), lost: lines("lost") }
    }
}

/// The handles of the bank's position in one currency.
#[derive(Clone, Debug)]
pub struct PositionMetrics {
    won: Gauge,
    mark: Gauge,
}

impl PositionMetrics {
    /// Registers a currency by its code.
    pub fn new(currency: &str) -> Self {
        let labels = || vec![Label::new("currency", currency.to_owned())];
        Self { won: gauge(MetricName::PositionWon, labels()), mark: gauge(MetricName::PositionMark, labels()) }
    }

    /// The position as it stands: its worth in won where that can be told, and its mark as a number.
    pub fn stands(&self, won: Option<i128>, mark: u8) {
        if let Some(won) = won {
            self.won.set(won as f64); // a gauge holds a float: to 16 digits
        }
        self.mark.set(f64::from(mark));
    }
}

/// The books of one lane.
#[derive(Clone, Debug)]
pub struct BooksMetrics {
    seq: Gauge,
    lag: Gauge,
    stopped: Gauge,
    dead_letters: Gauge,
}

impl BooksMetrics {
    /// Registers a lane by its number.
    pub fn new(lane: u16) -> Self {
        let labels = || vec![Label::new("lane", lane.to_string())];
        Self {
            seq: gauge(MetricName::BooksSeq, labels()),
            lag: gauge(MetricName::BooksLag, labels()),
            stopped: gauge(MetricName::BooksStopped, labels()),
            dead_letters: gauge(MetricName::BooksDeadLetters, labels()),
        }
    }

    /// The books stand at `seq`, whose record is so old, with so many dead letters.
    pub fn stand(&self, seq: u64, lag: Duration, dead_letters: u64) {
        self.seq.set(gauge_value(seq));
        self.lag.set(lag.as_secs_f64());
        self.dead_letters.set(gauge_value(dead_letters));
        self.stopped.set(0.0);
    }

    /// They have stopped.
    pub fn stop(&self) {
        self.stopped.set(1.0);
    }
}

/// The watch's handles: a counter for each rule, a gauge for each severity.
#[derive(Clone, Debug)]
pub struct WatchMetrics {
    raised: Vec<(&'static str, Counter)>,
    unresolved: Vec<(&'static str, Gauge)>,
}

impl WatchMetrics {
    /// Registers rules with their severities.
    pub fn new(rules: impl Iterator<Item = (&'static str, &'static str)>) -> Self {
        let (mut raised, mut unresolved) = (Vec::new(), Vec::new());
        for (rule, severity) in rules {
            let of_severity = Label::from_static_parts("severity", severity);
            let labels = vec![Label::from_static_parts("rule", rule), of_severity.clone()];
            raised.push((rule, counter(MetricName::WatchAlerts, labels)));
            if unresolved.iter().all(|(known, _)| *known != severity) {
                unresolved.push((severity, gauge(MetricName::WatchUnresolved, vec![of_severity])));
            }
        }
        Self { raised, unresolved }
    }

    /// An alert of a rule is new, or open again.
    pub fn raised(&self, rule: &str) {
        self.raised.iter().filter(|(of, _)| *of == rule).for_each(|(_, counter)| counter.increment(1));
    }

    /// How many alerts of a severity nobody has resolved.
    pub fn unresolved(&self, severity: &str, count: u64) {
        self.unresolved.iter().filter(|(of, _)| *of == severity).for_each(|(_, gauge)| gauge.set(gauge_value(count)));
    }
}

/// What the watch says of one lane.
#[derive(Clone, Debug)]
pub struct WatchLaneMetrics {
    seq: Gauge,
    lag: Gauge,
    unjudged: Gauge,
}

impl WatchLaneMetrics {
    /// Registers a lane by its number.
    pub fn new(lane: u16) -> Self {
        let labels = || vec![Label::new("lane", lane.to_string())];
        Self {
            seq: gauge(MetricName::WatchSeq, labels()),
            lag: gauge(MetricName::WatchLag, labels()),
            unjudged: gauge(MetricName::WatchUnjudged, labels()),
        }
    }

    /// It has judged up to `seq`, whose record is so old, but for so many exchanges' rounds.
    pub fn stand(&self, seq: u64, lag: Duration, unjudged: u64) {
        self.seq.set(gauge_value(seq));
        self.lag.set(lag.as_secs_f64());
        self.unjudged.set(gauge_value(unjudged));
    }
}

/// The reconciliations of this process.
#[derive(Clone, Debug)]
pub struct ReconciliationMetrics {
    date: Gauge,
    took: Gauge,
    accounts: Gauge,
    breaks: [Gauge; BreakKind::ALL.len()],
    clean: Counter,
    broken: Counter,
    failed: Counter,
}

impl ReconciliationMetrics {
    /// Registers them.
    pub fn new() -> Self {
        let outcome = |name| counter(MetricName::Reconciliations, vec![Label::from_static_parts("outcome", name)]);
        let kind = |kind: BreakKind| {
            gauge(MetricName::ReconciliationBreaks, vec![Label::from_static_parts("kind", kind.as_str())])
        };
        Self {
            date: gauge(MetricName::ReconciliationDate, Vec::new()),
            took: gauge(MetricName::ReconciliationTook, Vec::new()),
            accounts: gauge(MetricName::ReconciliationAccounts, Vec::new()),
            breaks: BreakKind::ALL.map(kind),
            clean: outcome("clean"),
            broken: outcome("broken"),
            failed: outcome("failed"),
        }
    }

    /// One was done.
    pub fn done(&self, result: &Reconciliation) {
        self.date.set(f64::from(result.business_date.days()));
        self.took.set(Duration::from_micros(u64::try_from(result.micros()).unwrap_or(0)).as_secs_f64());
        self.accounts.set(gauge_value(result.accounts()));
        for (gauge, kind) in self.breaks.iter().zip(BreakKind::ALL) {
            gauge.set(gauge_value(result.breaks.of_kind(kind)));
        }
        if result.is_clean() { &self.clean } else { &self.broken }.increment(1);
    }

    /// One could not be done.
    pub fn failed(&self) {
        self.failed.increment(1);
    }
}

impl Default for ReconciliationMetrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A gauge holds a float: exact up to 2^53, and a sequence number has 48 bits.
const fn gauge_value(count: u64) -> f64 {
    count as f64
}

/// One HTTP route's handles.
#[derive(Clone, Debug)]
pub struct RouteMetrics {
    /// From a request's head to its answer's head, in seconds.
    pub seconds: Histogram,
    succeeded: Counter,
    refused: Counter,
    failed: Counter,
}

impl RouteMetrics {
    /// Registers a route by its pattern, such as `/v1/exchanges`.
    pub fn new(route: &'static str) -> Self {
        let label = Label::from_static_parts("route", route);
        let answers = |class: &'static str| {
            counter(MetricName::HttpAnswers, vec![label.clone(), Label::from_static_parts("status", class)])
        };
        Self {
            seconds: histogram(MetricName::HttpSeconds, vec![label.clone()]),
            succeeded: answers("2xx"),
            refused: answers("4xx"),
            failed: answers("5xx"),
        }
    }

    /// Counts an answer by its status.
    pub fn answered(&self, status: u16, elapsed: Duration) {
        self.seconds.record(elapsed);
        match status {
            ..400 => self.succeeded.increment(1),
            400..500 => self.refused.increment(1),
            _ => self.failed.increment(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_through_a_handle_is_rendered_with_its_help() {
        install().unwrap();
        install().unwrap();
        HotMetrics::new().exchanges_executed.increment(3);
        HotMetrics::new().exchange_seconds.record(Duration::from_millis(4));
        LaneMetrics::new(7).committed(1 << 47);
        let text = render();
        for line in [
            "# TYPE hwan_exchanges_total counter",
            "# HELP hwan_lane_seq The newest durable record of a lane.",
            "hwan_exchanges_total{outcome=\"executed\"} 3",
            "hwan_exchange_seconds_bucket{le=\"0.005\"} 1",
            "hwan_lane_seq{lane=\"7\"} 140737488355328",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}
