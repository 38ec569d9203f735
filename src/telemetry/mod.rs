//! What an operator sees: logs and metrics.
//!
//! Logs tell of starts, stops and faults; nothing is logged per request above debug, because a line costs more than an
//! exchange's arithmetic. What happens thousands of times a second is a metric, recorded through a kept handle.

pub mod log;
pub mod metric_name;
pub mod metrics;
