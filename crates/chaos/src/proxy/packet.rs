//! As much of MySQL's wire protocol as it takes to see a COMMIT go by and its answer come back.
//!
//! A packet is three bytes of length, one of number, and the payload. A command begins with number 0; its payload's first
//! byte says which. Answers to a packet of several statements are several results; each but the last one says that more
//! follow. Bounds: a client's packet is held whole, at most 16 MiB.

const HEADER: usize = 4;
const COM_QUERY: u8 = 3;
const MORE_RESULTS: u16 = 8;

/// Cuts a stream of bytes into whole packets, headers included.
#[derive(Debug, Default)]
pub(super) struct Packets {
    buffer: Vec<u8>,
}

impl Packets {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(*self.buffer.first()?)
            | usize::from(*self.buffer.get(1)?) << 8
            | usize::from(*self.buffer.get(2)?) << 16;
        let whole = HEADER + length;
        if self.buffer.len() < whole {
            return None;
        }
        let rest = self.buffer.split_off(whole);
        Some(std::mem::replace(&mut self.buffer, rest))
    }
}

/// Whose transaction a COMMIT ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// One that appends to the journal.
    Ledger,
    /// One that moves a projection on.
    Projection,
    /// Any other, such as that which takes a lane.
    Other,
}

/// Follows a client's commands and tells those that end in COMMIT.
#[derive(Debug, Default)]
pub(super) struct Commits {
    open: Option<Transaction>,
}

impl Commits {
    /// Whether this packet of the client's asks for a COMMIT, and of what.
    pub(super) fn see(&mut self, packet: &[u8]) -> Option<Transaction> {
        let [_, _, _, 0, COM_QUERY, sql @ ..] = packet else { return None };
        if sql.starts_with(b"START TRANSACTION") || sql.starts_with(b"BEGIN") {
            self.open = Some(Transaction::Other);
        }
        if contains(sql, b"INSERT INTO journal") {
            self.open = Some(Transaction::Ledger);
        } else if contains(sql, b"UPDATE projection SET seq") || contains(sql, b"INTO passbook") {
            self.open = Some(Transaction::Projection);
        }
        ends_in_commit(sql).then(|| self.open.take().unwrap_or(Transaction::Other))
    }
}

/// Whether the last word is COMMIT, as a statement of its own.
fn ends_in_commit(sql: &[u8]) -> bool {
    let sql = sql.trim_ascii_end();
    let sql = sql.strip_suffix(b";").unwrap_or(sql).trim_ascii_end();
    let Some((rest, word)) = sql.len().checked_sub(6).and_then(|at| sql.split_at_checked(at)) else { return false };
    let alone = rest.trim_ascii_end().last().is_none_or(|byte| *byte == b';');
    alone && word.eq_ignore_ascii_case(b"COMMIT")
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

/// Whether a server's packet ends the answer to a command that brings no rows: an error, or an OK that is the last.
pub(super) fn ends_answer(packet: &[u8]) -> bool {
    match packet.get(HEADER..) {
        Some([0xff, ..]) => true,
        Some([0x00, rest @ ..]) => {
            let status = skip_number(rest).and_then(skip_number).and_then(|rest| rest.first_chunk::<2>());
            status.is_none_or(|status| u16::from_le_bytes(*status) & MORE_RESULTS == 0)
        }
        _ => false,
    }
}

/// What stands behind a length-encoded number.
fn skip_number(bytes: &[u8]) -> Option<&[u8]> {
    let skipped = match bytes.first()? {
        0xfc => 3,
        0xfd => 4,
        0xfe => 9,
        _ => 1,
    };
    bytes.get(skipped..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(number: u8, sql: &str) -> Vec<u8> {
        let length = (sql.len() + 1) as u32;
        let mut packet = length.to_le_bytes()[..3].to_vec();
        packet.extend([number, COM_QUERY]);
        packet.extend(sql.as_bytes());
        packet
    }

    #[test]
    fn packets_are_cut_wherever_the_bytes_are() {
        let (one, two) = (query(0, "SELECT 1"), query(0, "COMMIT"));
        let all = [one.clone(), two.clone()].concat();
        for step in 1..all.len() {
            let mut packets = Packets::default();
            let mut found = Vec::new();
            for bytes in all.chunks(step) {
                packets.push(bytes);
                found.extend(std::iter::from_fn(|| packets.next()));
            }
            assert_eq!(found, [one.clone(), two.clone()], "{step}");
        }
    }

    #[test]
    fn a_commit_is_told_by_its_transaction() {
        let mut commits = Commits::default();
        assert_eq!(commits.see(&query(0, "START TRANSACTION;UPDATE lane SET seq = 2")), None);
        assert_eq!(commits.see(&query(0, "INSERT INTO journal VALUES (1);COMMIT")), Some(Transaction::Ledger));
        assert_eq!(commits.see(&query(0, "START TRANSACTION;UPDATE projection SET seq = 2")), None);
        assert_eq!(commits.see(&query(0, "INSERT INTO passbook VALUES (1);COMMIT ;")), Some(Transaction::Projection));
        assert_eq!(commits.see(&query(0, "START TRANSACTION;SELECT epoch FROM lane FOR UPDATE")), None);
        assert_eq!(commits.see(&query(0, "commit")), Some(Transaction::Other));
        assert_eq!(commits.see(&query(1, "COMMIT")), None, "a part of the handshake is no command");
        assert_eq!(commits.see(&query(0, "SELECT 'COMMIT'")), None);
    }

    #[test]
    fn the_last_of_several_results_ends_an_answer() {
        let ok = |status: u16| [&[7, 0, 0, 1, 0, 1, 0][..], &status.to_le_bytes(), &[0, 0]].concat();
        assert!(ends_answer(&ok(2)));
        assert!(!ends_answer(&ok(2 | MORE_RESULTS)));
        assert!(ends_answer(&[3, 0, 0, 1, 0xff, 0x15, 0x04]));
        assert!(!ends_answer(&[1, 0, 0, 1, 2]), "a result with rows goes on");
        let many = [&[9, 0, 0, 1, 0, 0xfc, 0, 2, 0][..], &10_u16.to_le_bytes(), &[0, 0]].concat();
        assert!(!ends_answer(&many), "512 rows inserted, and more to come");
    }
}
