//! A server of hwan as a target, over HTTP: exchange by exchange, in batches, with quotes taken first; and when its
//! projections have caught up.

mod batch;
mod caller;
mod orders;
mod quoted;
pub(crate) mod server;
pub(crate) mod settle;

pub(crate) use self::caller::{Customer, HttpTarget};
