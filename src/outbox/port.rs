//! The event publisher port.

use std::sync::Arc;

use crate::storage::port::CommitBatch;

/// Told of every batch that has become durable, in lane order, by the lane itself.
///
/// Must not block and must not fail: what it can't take now it finds in the journal later, by a
/// [`Tail`](super::feed::Tail). The journal row is the message; this is only the word that it is there. After a restart,
/// and after a commit whose outcome had to be looked up, a publisher begins from its own cursor.
pub trait EventPublisher: Send + Sync + 'static {
    /// A batch is durable.
    fn committed(&self, batch: &Arc<CommitBatch>);
}
