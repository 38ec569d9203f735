//! A store in memory whose faults are scripted: for tests of what the engine does when a store fails.
//!
//! It fences, refuses used keys, keeps states and projections exactly as a real store does, and passes the same
//! conformance suite; what it adds is a [`Plan`] for each commit and a view of what is in its journal. It is cheap to
//! create: a model check makes tens of thousands.
//!
//! | room | what |
//! |---|---|
//! | [`script`] | what happens to a commit, and when |
//! | `world` | what is stored |

pub mod script;
mod store;
mod world;

pub use script::{Gate, Outage, Outcome, Plan, Wait};
pub use store::FakeStore;
