//! What leaves the journal. A store makes records durable; who follows them is told here.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | who takes a lane's durable records out of the engine, never in the way |
//! | [`feed`] | a lane's newest batches in memory, and the tail by which a follower in this process reads its journal |
//! | [`event`] | what a record is called outside: type, key, headers |
//! | [`relay`] | the loop of a lane: journal, check, window, carrier, cursor |
//! | `passage`, `window` | a lane on its way over one line; what is under way, bounded |
//! | [`delivered`] | how far a carrier has come with a lane |
//! | [`both`] | a follower that feeds two, of which one counts |
//! | [`kafka`] | the carrier to Kafka |

pub mod both;
pub mod delivered;
pub mod event;
pub mod feed;
pub mod kafka;
mod passage;
pub mod port;
pub mod relay;
mod window;
