//! The watch from Kafka, and alerts to Kafka.
//!
//! | room | what it is |
//! |---|---|
//! | [`consumer`] | the loop: polls, judges, tells; a lane whose alerts cannot be told waits |
//! | [`publisher`] | alerts as events of a topic of their own |

pub mod consumer;
pub mod publisher;
