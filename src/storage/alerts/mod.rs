//! Where alerts and the watch's own state are kept: in the books' database, behind a port of their own.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | what the watch asks of it |
//! | `columns` | an alert as columns hold it |
//! | `conformance` | the suite that every store of alerts must pass (feature `testing`) |

pub(in crate::storage) mod columns;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod port;
