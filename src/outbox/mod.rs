//! What leaves the journal. A store makes records durable; who follows them is told here.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | the event publisher: told of every durable batch, in lane order, never in the way |
//! | [`embedded`] | the publisher without a broker: followers in the same process, each with a tail of the journal |

pub mod embedded;
pub mod port;
