//! What the export of sealed days asks of the store of record beside the journal.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | the port |

pub mod port;
