//! The watch's shell: follows every lane, has the rules of the domain judge each record, and tells what they find.
//!
//! It never stands in an exchange's way: it reads what is durable, at its own pace. What it knows of a lane is put away now and then
//! and taken back after a restart; an alert is named by what it is about, so that what is judged twice is told once. Bounds: the
//! state of a lane (the domain's), records of one turn, alerts that wait to be told.
//!
//! | room | what it is |
//! |---|---|
//! | [`watcher`] | what all lanes share, and the turns of a lane |
//! | [`lane_state`] | a lane's state, with what waits to be told; put away and taken back |
//! | [`follower`] | the watch in the engine's own process |
//! | [`kafka`] | the watch from Kafka, and alerts to Kafka |
//! | [`teller`] | alerts into the store, the log and the metrics; what a policy does about them |
//! | [`hand`] | by whom a policy acts: the port to the engine |
//! | [`conditions`] | what is looked at every few seconds: lag, dead letters, control accounts, closed days |
//! | `told` | what was told, so that what lasts is not told at every look |
//! | [`desk`] | alerts as people see them, and what they say to them |

pub mod conditions;
pub mod desk;
pub mod follower;
pub mod hand;
pub mod kafka;
pub mod lane_state;
pub mod teller;
#[cfg(test)]
mod tests;
mod told;
pub mod watcher;
