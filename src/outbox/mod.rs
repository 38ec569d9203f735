//! What leaves the journal. A store makes records durable; who follows them is told here.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | the event publisher: told of every durable batch, in lane order, never in the way |
//! | [`feed`] | a lane's newest batches in memory, and the tail by which a follower in this process reads its journal |

pub mod feed;
pub mod port;
