//! Latencies as a report has them: percentiles of a histogram, and the points of its curve.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Percentiles of latency, of requests that executed an exchange: in a closed loop from just before sending to the whole
/// answer, in an open loop from when the request was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Latency {
    pub(crate) min: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) p9999: u64,
    pub(crate) max: u64,
}

/// A point of the percentile curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Percentile {
    /// Such as 99.9.
    pub(crate) percentile: &'static str,
    pub(crate) latency_us: u64,
}

/// The points of the percentile curve: quantile, and percentile as text.
const CURVE: [(f64, &str); 16] = [
    (0.0, "0"),
    (0.25, "25"),
    (0.5, "50"),
    (0.75, "75"),
    (0.9, "90"),
    (0.95, "95"),
    (0.975, "97.5"),
    (0.99, "99"),
    (0.995, "99.5"),
    (0.9975, "99.75"),
    (0.999, "99.9"),
    (0.9995, "99.95"),
    (0.99975, "99.975"),
    (0.9999, "99.99"),
    (0.99999, "99.999"),
    (1.0, "100"),
];

impl Latency {
    /// Of a histogram.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self {
            min: histogram.min(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: histogram.max(),
        }
    }
}

/// The points of the curve; none where nothing was recorded.
pub(super) fn percentiles(histogram: &Histogram<u64>) -> Vec<Percentile> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let point = |(quantile, percentile)| Percentile { percentile, latency_us: histogram.value_at_quantile(quantile) };
    CURVE.into_iter().map(point).collect()
}
