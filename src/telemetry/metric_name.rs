//! Every metric by name, with its kind, unit and help: the one list that code, dashboards and alerts go by.
//!
//! A name ends with its unit (`_seconds`) or, for a counter, with `_total`; labels are few and of a closed set.

use metrics::Unit;

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only up, from zero at start.
    Counter,
    /// Up and down.
    Gauge,
    /// A distribution, in the given buckets.
    Histogram(Buckets),
}

/// The upper bounds of a histogram's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// 100 µs to 10 s, denser where an exchange's answer lies (1 to 50 ms).
    Latency,
    /// 1 to 1,024, by doubling.
    BatchRecords,
}

impl Buckets {
    /// The bounds, rising.
    pub const fn bounds(self) -> &'static [f64] {
        match self {
            Buckets::Latency => &[
                0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
                0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ],
            Buckets::BatchRecords => &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0],
        }
    }
}

macro_rules! metric_names {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $kind:expr, $unit:expr;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum MetricName { $($(#[doc = $doc])+ $name,)* }

        impl MetricName {
            /// All metrics.
            pub const ALL: &'static [MetricName] = &[$(MetricName::$name,)*];

            /// The name as it is scraped.
            pub const fn as_str(self) -> &'static str {
                match self { $(MetricName::$name => $text,)* }
            }

            /// What it tells, in a sentence.
            pub const fn help(self) -> &'static str {
                match self { $(MetricName::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// How it moves.
            pub const fn kind(self) -> MetricKind {
                match self { $(MetricName::$name => $kind,)* }
            }

            /// In what it is counted.
            pub const fn unit(self) -> Unit {
                match self { $(MetricName::$name => $unit,)* }
            }
        }
    };
}

metric_names! {
    /// Exchanges that were asked for, by outcome: executed, replayed, rejected, not_done, unknown, overloaded.
    Exchanges = "hwan_exchanges_total", MetricKind::Counter, Unit::Count;
    /// From an exchange's arrival at the engine to its answer, whatever the outcome.
    ExchangeSeconds = "hwan_exchange_seconds", MetricKind::Histogram(Buckets::Latency), Unit::Seconds;
    /// Records in one commit.
    BatchRecords = "hwan_commit_batch_records", MetricKind::Histogram(Buckets::BatchRecords), Unit::Count;
    /// From sending a batch to the store to its answer.
    CommitSeconds = "hwan_commit_seconds", MetricKind::Histogram(Buckets::Latency), Unit::Seconds;
    /// Commands that are under way in the engine.
    CommandsInFlight = "hwan_commands_in_flight", MetricKind::Gauge, Unit::Count;
    /// Customer actors alive.
    CustomersResident = "hwan_customers_resident", MetricKind::Gauge, Unit::Count;
    /// Account actors alive.
    AccountsResident = "hwan_accounts_resident", MetricKind::Gauge, Unit::Count;
    /// The newest durable record of a lane.
    LaneSeq = "hwan_lane_seq", MetricKind::Gauge, Unit::Count;
    /// Durable records of a lane that its projections have not followed yet.
    ProjectionLag = "hwan_projection_lag_records", MetricKind::Gauge, Unit::Count;
    /// Durable records of a lane that have not left by the outbox yet.
    OutboxBacklogRows = "hwan_outbox_backlog_rows", MetricKind::Gauge, Unit::Count;
    /// For how long the oldest record of a lane has waited to leave by the outbox.
    OutboxOldestUnpublished = "hwan_outbox_oldest_unpublished_seconds", MetricKind::Gauge, Unit::Seconds;
    /// What the bank's open position in a currency is worth at the newest rate, in won: above zero where it holds more than it owes.
    PositionWon = "hwan_position_won", MetricKind::Gauge, Unit::Count;
    /// How far the bank's open position in a currency has gone: 0 within its limits, 1 at the soft mark, 2 at the hard mark.
    PositionMark = "hwan_position_mark", MetricKind::Gauge, Unit::Count;
    /// The newest record of a lane that the books have taken.
    BooksSeq = "hwan_books_seq", MetricKind::Gauge, Unit::Count;
    /// How long ago the newest record that the books have taken was sequenced, when it was posted.
    BooksLag = "hwan_books_lag_seconds", MetricKind::Gauge, Unit::Seconds;
    /// Whether the books of a lane have stopped: 1, else 0.
    BooksStopped = "hwan_books_stopped", MetricKind::Gauge, Unit::Count;
    /// Records of a lane that could not be posted and wait to be redelivered.
    BooksDeadLetters = "hwan_books_dead_letters", MetricKind::Gauge, Unit::Count;
    /// Alerts of the watch that are new or open again, by rule and severity.
    WatchAlerts = "hwan_watch_alerts_total", MetricKind::Counter, Unit::Count;
    /// Alerts of the watch that nobody has resolved, by severity.
    WatchUnresolved = "hwan_watch_alerts_unresolved", MetricKind::Gauge, Unit::Count;
    /// The newest record of a lane that the watch has judged.
    WatchSeq = "hwan_watch_seq", MetricKind::Gauge, Unit::Count;
    /// How long ago the newest record that the watch has judged was sequenced, when it was judged.
    WatchLag = "hwan_watch_lag_seconds", MetricKind::Gauge, Unit::Seconds;
    /// Exchanges of a lane that the watch could not judge by their round since it began, because too many waited for one.
    WatchUnjudged = "hwan_watch_unjudged_exchanges", MetricKind::Gauge, Unit::Count;
    /// The business date of the newest reconciliation that was done, in days since 1970-01-01.
    ReconciliationDate = "hwan_reconciliation_business_day", MetricKind::Gauge, Unit::Count;
    /// How long the newest reconciliation took.
    ReconciliationTook = "hwan_reconciliation_took_seconds", MetricKind::Gauge, Unit::Seconds;
    /// Accounts that the newest reconciliation compared.
    ReconciliationAccounts = "hwan_reconciliation_accounts", MetricKind::Gauge, Unit::Count;
    /// Breaks that the newest reconciliation found, by kind: timing, missing, duplicate, amount, orphan.
    ReconciliationBreaks = "hwan_reconciliation_breaks", MetricKind::Gauge, Unit::Count;
    /// Reconciliations by outcome: clean, broken, failed.
    Reconciliations = "hwan_reconciliations_total", MetricKind::Counter, Unit::Count;
    /// Records of a lane that left by the outbox.
    OutboxPublished = "hwan_outbox_published_total", MetricKind::Counter, Unit::Count;
    /// How often what was given to the outbox's carrier was not delivered and was begun anew at the last delivered record.
    OutboxDeliveryErrors = "hwan_outbox_delivery_errors_total", MetricKind::Counter, Unit::Count;
    /// Whether the business date does not follow the clock, which jumped ahead by more than a day: 1, else 0.
    BusinessDateHeldBack = "hwan_business_date_held_back", MetricKind::Gauge, Unit::Count;
    /// The last business date that is closed, as the instant of its midnight in UTC.
    ClosedDate = "hwan_closed_business_date_seconds", MetricKind::Gauge, Unit::Seconds;
    /// How long ago the last business date that is closed ended, by the schedule.
    ClosingAge = "hwan_closing_age_seconds", MetricKind::Gauge, Unit::Seconds;
    /// Whether a stored closing is not what the books say now: 1, else 0.
    ClosingDamaged = "hwan_closing_damaged", MetricKind::Gauge, Unit::Count;
    /// How often a lane was taken again after a fault.
    LaneRetakes = "hwan_lane_retakes_total", MetricKind::Counter, Unit::Count;
    /// Requests that nobody is behind, by reason: missing, malformed, unknown_key, wrong_secret and so on.
    AccessRefused = "hwan_access_refused_total", MetricKind::Counter, Unit::Count;
    /// Requests answered 429, by whom: a caller beyond its allowance, or strangers beyond theirs.
    RateLimited = "hwan_rate_limited_total", MetricKind::Counter, Unit::Count;
    /// Lines of the audit trail by outcome: written, lost.
    AuditLines = "hwan_audit_lines_total", MetricKind::Counter, Unit::Count;
    /// Readings of the identity provider's key set by outcome: ok, failed.
    JwtKeySetReads = "hwan_jwt_key_set_reads_total", MetricKind::Counter, Unit::Count;
    /// From a request's head to its answer's head, by route.
    HttpSeconds = "hwan_http_seconds", MetricKind::Histogram(Buckets::Latency), Unit::Seconds;
    /// Answers by route and class of status: 2xx, 4xx, 5xx.
    HttpAnswers = "hwan_http_answers_total", MetricKind::Counter, Unit::Count;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_unique_and_ends_with_its_kind_or_unit() {
        let mut names: Vec<_> = MetricName::ALL.iter().map(|metric| metric.as_str()).collect();
        for metric in MetricName::ALL {
            let name = metric.as_str();
            assert!(name.starts_with("hwan_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind() == MetricKind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.unit() == Unit::Seconds, "{name}");
            assert!(metric.help().ends_with('.'), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MetricName::ALL.len());
    }

    #[test]
    fn bucket_bounds_rise() {
        for buckets in [Buckets::Latency, Buckets::BatchRecords] {
            assert!(buckets.bounds().is_sorted_by(|lower, upper| lower < upper));
        }
    }
}
