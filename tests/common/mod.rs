//! What the crash tests share: the engine as a process, clients that record, the judge of what they recorded.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

pub(crate) mod drive;
pub(crate) mod engine_process;
pub(crate) mod history;
pub(crate) mod load;
