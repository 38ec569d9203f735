//! Statements as text: many rows in one `INSERT`, several statements in one packet.
//!
//! Text costs the server what prepared statements cost, and needs one round trip where those need one a statement. Whole
//! numbers are written as such, bytes as hex, and text between quotes with the characters escaped that end a literal in
//! the one SQL mode that every session of ours is set to (`connect`).

use std::fmt::Write as _;

/// From this size on a statement of many rows ends and another begins, in bytes.
const STATEMENT_BYTES: usize = 1 << 20;
/// From this size on a packet ends and another begins, in bytes: far below the smallest `max_allowed_packet` that is
/// accepted (`settings`), whatever the last rows were.
const PACKET_BYTES: usize = 4 << 20;

/// Statements that travel together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Packet {
    /// Their text, with semicolons between.
    pub(super) sql: String,
    /// How many they are.
    pub(super) statements: usize,
}

/// Statements in packets.
#[derive(Debug, Default)]
pub(super) struct Script {
    full: Vec<Packet>,
    last: Packet,
}

impl Script {
    /// With room for about so many bytes in the first packet: a text that grows is copied again and again.
    pub(super) fn with_room(bytes: usize) -> Self {
        let sql = String::with_capacity(bytes.min(PACKET_BYTES + STATEMENT_BYTES));
        Self { full: Vec::new(), last: Packet { sql, statements: 0 } }
    }

    /// Adds a statement.
    pub(super) fn statement(&mut self, sql: &str) {
        self.begin();
        self.last.sql.push_str(sql);
    }

    /// Adds an `INSERT` of any number of rows: of what stands before the values and what stands after them.
    pub(super) fn insert<T>(
        &mut self,
        head: &str,
        tail: &str,
        rows: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Row<'_>, T),
    ) {
        let mut began_at = None;
        for row in rows {
            match began_at {
                Some(at) if self.last.sql.len() - at < STATEMENT_BYTES => self.last.sql.push(','),
                _ => {
                    if began_at.is_some() {
                        self.last.sql.push_str(tail);
                    }
                    self.begin();
                    began_at = Some(self.last.sql.len());
                    self.last.sql.push_str(head);
                    self.last.sql.push_str(" VALUES ");
                }
            }
            self.last.sql.push('(');
            write(&mut Row { text: &mut self.last.sql, is_first: true }, row);
            self.last.sql.push(')');
        }
        if began_at.is_some() {
            self.last.sql.push_str(tail);
        }
    }

    fn begin(&mut self) {
        if self.last.sql.len() >= PACKET_BYTES {
            self.full.push(std::mem::take(&mut self.last));
        }
        if self.last.statements > 0 {
            self.last.sql.push(';');
        }
        self.last.statements += 1;
    }

    /// The packets in order.
    pub(super) fn packets(mut self) -> Vec<Packet> {
        if self.last.statements > 0 {
            self.full.push(self.last);
        }
        self.full
    }
}

/// The values of one row.
#[derive(Debug)]
pub(super) struct Row<'a> {
    text: &'a mut String,
    is_first: bool,
}

impl Row<'_> {
    fn next(&mut self) -> &mut String {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        self.text
    }

    /// A whole number.
    pub(super) fn number(&mut self, number: impl Into<i64>) {
        let _ = write!(self.next(), "{}", number.into()); // a string takes every write
    }

    /// A whole number, or null.
    pub(super) fn number_or_null(&mut self, number: Option<impl Into<i64>>) {
        match number {
            Some(number) => self.number(number),
            None => self.next().push_str("NULL"),
        }
    }

    /// Bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        push_bytes(self.next(), bytes);
    }

    /// Bytes, or null.
    pub(super) fn bytes_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.next().push_str("NULL"),
        }
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        push_text(self.next(), text);
    }

    /// Text, or null.
    pub(super) fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.next().push_str("NULL"),
        }
    }
}

/// Bytes as a literal.
pub(super) fn push_bytes(sql: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(*DIGITS.get(usize::from(nibble & 15)).unwrap_or(&b'0'));
    sql.push_str("x'");
    for byte in bytes {
        sql.push(digit(byte >> 4));
        sql.push(digit(*byte));
    }
    sql.push('\'');
}

/// Text as a literal, in a session whose SQL mode takes backslashes for escapes. UTF-8 has no byte of a quote or a backslash
/// within another character, so that only these and NUL need care.
pub(super) fn push_text(sql: &mut String, text: &str) {
    sql.push('\'');
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '\\', '\0']) {
        let (plain, special) = rest.split_at(at);
        sql.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('\'') => sql.push_str("''"),
            Some('\\') => sql.push_str("\\\\"),
            _ => sql.push_str("\\0"),
        }
        rest = characters.as_str();
    }
    sql.push_str(rest);
    sql.push('\'');
}

/// Text as a literal.
pub(super) fn literal(text: &str) -> String {
    let mut sql = String::with_capacity(text.len() + 2);
    push_text(&mut sql, text);
    sql
}

/// Numbers with commas between.
pub(super) fn list(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut sql = String::new();
    for number in numbers {
        let _ = write!(sql, "{}{number}", if sql.is_empty() { "" } else { "," }); // a string takes every write
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_share_a_statement_and_statements_a_packet() {
        let mut script = Script::default();
        script.insert(
            "INSERT INTO t (a, b, c)",
            " ON DUPLICATE KEY UPDATE b = VALUES(b)",
            [1_i64, 2],
            |row, number| {
                row.number(number);
                row.bytes(&[0x0a, 0xff]);
                row.text_or_null((number == 1).then_some("it's"));
            },
        );
        script.insert("INSERT INTO u (a)", "", Vec::<i64>::new(), |row, number| row.number(number));
        script.statement("COMMIT");
        let sql = "INSERT INTO t (a, b, c) VALUES (1,x'0aff','it''s'),(2,x'0aff',NULL) ON DUPLICATE KEY UPDATE \
                   b = VALUES(b);COMMIT";
        assert_eq!(script.packets(), [Packet { sql: sql.to_owned(), statements: 2 }]);
    }

    #[test]
    fn what_is_long_becomes_several_statements_and_packets_in_order() {
        let mut script = Script::default();
        let text = "x".repeat(STATEMENT_BYTES / 4);
        script.insert("INSERT INTO t (a)", "", 0..40_i64, |row, number| {
            row.text(&format!("{number}{text}"));
        });
        script.statement("COMMIT");
        let packets = script.packets();
        assert!(packets.len() >= 2 && packets.iter().all(|packet| packet.sql.len() < 8 << 20));
        let statements = |packet: &Packet| packet.sql.split(';').count();
        assert!(packets.iter().all(|packet| packet.statements == statements(packet)));
        let whole: Vec<_> = packets.iter().map(|packet| packet.sql.as_str()).collect();
        let whole = whole.join(";");
        assert!(whole.ends_with(";COMMIT"));
        assert!((0..40).all(|number| whole.contains(&format!("('{number}x"))));
    }

    #[test]
    fn literals_end_where_they_should() {
        assert_eq!(literal("a'b\\c\0d\n\"é환"), "'a''b\\\\c\\0d\n\"é환'");
        assert_eq!(literal("\\"), "'\\\\'");
        assert_eq!(literal(""), "''");
        assert_eq!(list([3, -1]), "3,-1");
    }
}
