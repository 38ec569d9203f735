//! The other half under fire: a real Kafka between the engine and the books, killed, held and fed with what does not belong there.
//!
//! | room | what it is |
//! |---|---|
//! | [`site`] | mysqld, Kafka, the engine with its relay, up to two processes of accounting, clients |
//! | [`bookkeeper`] | `hwan accounting` as a process |
//! | [`faults`] | what strikes, and when it is over |
//! | [`kafka_topic`] | the topic as anybody may read it, and what is put into it that does not belong there |
//! | [`evidence`] | journal, books and topic, read by plain means |
//! | [`judge`] | pure: evidence in, broken promises out |
//! | [`campaign`] | how often each fault strikes, and the verdict |

pub mod bookkeeper;
pub mod campaign;
pub mod evidence;
pub mod faults;
pub mod judge;
pub mod kafka_topic;
pub mod site;
