//! What comes to the books, from wherever it comes: a lane's records in their order, perhaps with repeats, perhaps with things
//! between them that are none.

use std::sync::Arc;

use hwan_domain::{id::Position, record::Record};

use crate::storage::port::{ChainHash, JournalRow};

/// Something that came.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its offset, where it came as a message.
    pub offset: Option<i64>,
    /// What it is.
    pub content: Content,
}

/// What came.
#[derive(Clone, Debug)]
pub enum Content {
    /// A record, or what says that it is one.
    Record(Delivered),
    /// What does not even say so: it is put aside, and the lane goes on.
    Stray {
        /// What came, byte for byte.
        body: Vec<u8>,
        /// What is wrong with it.
        reason: String,
    },
}

/// A record as it was delivered.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its place, as its envelope says.
    pub position: Position,
    /// The hash of the record before it, where the envelope says.
    pub previous: Option<ChainHash>,
    /// Its own hash.
    pub hash: ChainHash,
    /// Its text, byte for byte: what the hash runs over.
    pub body: Arc<[u8]>,
    /// The record itself, where it came from this process and need not be read.
    pub record: Option<Arc<Record>>,
}

impl From<JournalRow> for Incoming {
    fn from(row: JournalRow) -> Self {
        let JournalRow { record, body, hash } = row;
        let delivered =
            Delivered { position: record.position, previous: None, hash, body: body.into(), record: Some(record) };
        Self { offset: None, content: Content::Record(delivered) }
    }
}
