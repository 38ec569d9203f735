//! The carrier to Kafka: one producer for all lanes, a partition for each.
//!
//! | room | what it is |
//! |---|---|
//! | [`settings`] | what can be set, and what the client is told |
//! | [`topic`] | the topic: made if it is missing, widened if it is narrow |
//! | `context` | what the client's thread tells: deliveries, errors, its log |
//! | `session` | a producer and the lines over it |
//! | [`carrier`] | opens lines; a producer that is broken is replaced |
//!
//! The producer is idempotent: within its life nothing is lost, doubled or out of order in a partition. A new one knows nothing
//! of that, so what was under way when the old one broke may stand twice, as it was; consumers drop what they have by seq and
//! hash. Only files whose path says kafka know the client library.

pub mod carrier;
mod context;
mod session;
pub mod settings;
pub mod topic;

use std::sync::Arc;

use super::{port::Follower, relay::Relay};
use carrier::KafkaCarrier;
use settings::{KafkaOptions, SettingsError};

/// The outbox to Kafka, for the engine. Nobody is connected to before the first lane is followed.
pub fn outbox(options: KafkaOptions) -> Result<Arc<dyn Follower>, SettingsError> {
    Ok(Arc::new(Relay::new(KafkaCarrier::new(options)?)))
}
