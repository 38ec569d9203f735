//! Pages: what lists have in common. Their order is stable, and a cursor says where a page ended by what stood there, so
//! that nothing is skipped or repeated by what is added meanwhile.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};

use super::{
    openapi::texts::{CursorText, InstantText, PageLimit},
    operation::{Parameter, Shape},
    problem::{ApiCode, Problem},
    query::Query,
};

/// How many items.
pub(super) const LIMIT: Parameter =
    Parameter { name: "limit", about: "How many items at most", shape: Shape::of::<PageLimit>(), example: "50" };
/// Where to go on.
pub(super) const CURSOR: Parameter = Parameter {
    name: "cursor",
    about: "The next_cursor of the page before; without one the first page",
    shape: Shape::of::<CursorText>(),
    example: "djEAAAAAAAAABw",
};
/// From when on.
pub(super) const FROM: Parameter = Parameter {
    name: "from",
    about: "Only what was sequenced at this instant or later",
    shape: Shape::of::<InstantText>(),
    example: "2026-11-23T00:00:00Z",
};
/// Until when.
pub(super) const TO: Parameter = Parameter {
    name: "to",
    about: "Only what was sequenced before this instant",
    shape: Shape::of::<InstantText>(),
    example: "2026-11-24T00:00:00Z",
};

/// What begins every cursor: its form's version.
const MARK: &[u8] = b"v1";

/// Where a page ended: two numbers whose meaning is the list's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor(pub(super) u64, pub(super) u64);

impl Cursor {
    /// The one that came with a query.
    pub(super) fn of(query: &Query<'_>) -> Result<Option<Self>, Problem> {
        let parse = |text: &str| {
            Self::parse(text).ok_or_else(|| {
                Problem::at(ApiCode::MalformedCursor, CURSOR.name, "pass on the next_cursor of the page before")
            })
        };
        query.text(&CURSOR).map(parse).transpose()
    }

    /// As it is answered.
    pub(super) fn text(self) -> String {
        let bytes = [MARK, &self.0.to_be_bytes(), &self.1.to_be_bytes()].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (first, second) = bytes.strip_prefix(MARK)?.split_first_chunk::<8>()?;
        let second: [u8; 8] = second.try_into().ok()?;
        Some(Self(u64::from_be_bytes(*first), u64::from_be_bytes(second)))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let text = serde_json::to_string(&Cursor(7, u64::MAX)).unwrap();
        assert_eq!(Cursor::parse(text.trim_matches('"')), Some(Cursor(7, u64::MAX)));
        for bad in ["", "v1", "djEAAAAAAAAABw", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "é", "dj=="] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }
}
