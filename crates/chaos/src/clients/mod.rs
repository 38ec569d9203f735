//! The clients: they exchange over HTTP, ask again under the same key until they know, and write everything down.
//!
//! A crew is some tasks that send one command at a time and some that send batches. Each has connections of its own, at
//! most one to each engine and one beside it; what it has in flight is one command or one batch. They end when told, once
//! what they have in flight is resolved, or at once when that is told.

mod answer;
mod call;
mod crew;
mod order;
mod pulse;
mod worker;

pub use call::Endpoint;
pub use crew::{Crew, CrewPlan, Phase, Town};
pub use order::{Customer, open_customers};
pub use pulse::Pulse;
