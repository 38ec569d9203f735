//! A message as a delivered record, or as what is none.

use rdkafka::{
    Message,
    message::{BorrowedMessage, Headers},
};

use super::assignment::lane_of;
use crate::outbox::event::Envelope;

/// What a message is.
#[derive(Debug)]
pub struct Received {
    /// Its offset.
    pub offset: i64,
    /// Its envelope, or why it is no record of its lane.
    pub envelope: Result<Envelope, String>,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
}

impl Received {
    /// Reads a message.
    pub fn of(message: &BorrowedMessage<'_>) -> Self {
        Self {
            offset: message.offset(),
            envelope: envelope(message),
            body: message.payload().unwrap_or_default().to_vec(),
        }
    }
}

/// What the headers say; of another lane than the partition's it is no record of this one.
fn envelope(message: &BorrowedMessage<'_>) -> Result<Envelope, String> {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let envelope = Envelope::read(headers.map(|header| (header.key, header.value)))?;
    if lane_of(message.partition()) != Some(envelope.position.lane()) {
        return Err(format!("it is record {:?} in partition {}", envelope.position, message.partition()));
    }
    Ok(envelope)
}
