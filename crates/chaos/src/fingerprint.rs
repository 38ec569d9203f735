//! How the journal knows keys, requests and its own order, computed here from their definitions.

use sha2::{Digest, Sha256};

use crate::{history::Fingerprint, place::Place};

/// How `key` of `caller` for `customer` stands in the journal: the first 16 bytes of a SHA-256 over all three, the first
/// six of them replaced by the milliseconds of a UUIDv7.
pub fn key_digest(key: &str, caller: &str, customer: Place) -> Fingerprint {
    let mut hasher = Sha256::new();
    hasher.update(b"hwan key 1\0");
    hasher.update((caller.len() as u64).to_be_bytes());
    hasher.update(caller.as_bytes());
    hasher.update(customer.0.to_be_bytes());
    hasher.update(key.as_bytes());
    let mut digest = first_16(&hasher.finalize());
    if let Ok(uuid) = uuid::Uuid::try_parse(key)
        && uuid.get_version_num() == 7
    {
        for (slot, byte) in digest.iter_mut().zip(uuid.as_bytes().iter().take(6)) {
            *slot = *byte;
        }
    }
    digest
}

/// How a request stands in the journal.
pub fn request_digest(path: &str, body: &str) -> Fingerprint {
    first_16(&Sha256::new().chain_update(format!("POST {path}\n{body}")).finalize())
}

/// The chain's link at a record: SHA-256 over the link before it and the record's text.
pub fn link(before: &[u8; 32], text: &str) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(text).finalize().into()
}

/// SHA-256 of an answer.
pub fn of_body(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// Reads 16 bytes from hexadecimal.
pub fn of_hex(text: &str) -> Option<Fingerprint> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

fn first_16(digest: &[u8]) -> Fingerprint {
    let mut first = [0; 16];
    for (slot, byte) in first.iter_mut().zip(digest) {
        *slot = *byte;
    }
    first
}
