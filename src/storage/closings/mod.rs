//! Closings in the books' database: the days that are closed, and what closing them is judged by.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | what closing asks of the store of the books |
//! | `columns` | a closing as its columns hold it |
//! | `conformance` | the suite that every store must pass (feature `testing`) |

pub(in crate::storage) mod columns;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod port;
