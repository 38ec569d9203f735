//! Reading the lanes' events from Kafka as a member of a group: what every such process shares.
//!
//! A partition is a lane. Where to go on in it is said by whoever reads, from a store of his own, not by Kafka: so an effect and its
//! place are one thing. What Kafka is told of offsets is for people and their tools.
//!
//! | room | what it is |
//! |---|---|
//! | [`assignment`] | which partitions this member has, and from where it reads them |
//! | [`message`] | a message as a delivered record, or as what is none |
//! | [`round`] | the messages of one round, by partition; pausing and seeking |
//! | [`running`] | a consumer on a thread of its own, and its end |
//!
//! Callers: `accounting`, `watch`, and the processes that run them.

pub mod assignment;
pub mod message;
pub mod round;
pub mod running;
