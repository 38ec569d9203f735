//! The shapes that all bodies are made of: objects that are objects, texts that are borrowed, times, ids.

use std::{borrow::Cow, fmt, str::FromStr};

use hwan_domain::time::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};

use super::problem::{ApiCode, Problem};

/// A text of a request; borrowed from its body unless it has escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in `field`.
    pub(super) fn id<T: FromStr<Err: fmt::Display>>(&self, field: &'static str) -> Result<T, Problem> {
        self.0.parse().map_err(|error: T::Err| Problem::at(ApiCode::MalformedId, field, error.to_string()))
    }

    /// The instant in `field`.
    pub(super) fn instant(&self, field: &'static str) -> Result<Timestamp, Problem> {
        Timestamp::parse_rfc3339(&self.0).ok_or_else(|| {
            let detail = "not a time: write RFC 3339 such as 2026-11-23T01:00:00.000000Z, at most six decimals";
            Problem::at(ApiCode::MalformedTime, field, detail)
        })
    }
}

/// A JSON object. The derived reader of a struct would take an array of its fields too, this one does not.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Visitor(std::marker::PhantomData)).map(Object)
    }
}

/// Anything as its text: ids, times, dates, rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair<'a> {
        #[serde(borrow)]
        left: Text<'a>,
        right: Option<Text<'a>>,
    }

    #[test]
    fn an_object_is_read_from_an_object_only_and_strictly() {
        let read = |text| serde_json::from_str::<Object<Pair<'_>>>(text).map(|pair| pair.0);
        let pair = read(r#"{"left":"a\u0062","right":null}"#).unwrap();
        assert_eq!((pair.left.as_str(), pair.right.is_none()), ("ab", true));
        let pair = read(r#"{"left":"ab"}"#).unwrap();
        assert!(matches!(pair.left.0, Cow::Borrowed("ab")));
        for bad in [
            r#"["ab","cd"]"#,
            r#"{"left":"a","left":"b"}"#,
            r#"{"left":"a","middle":"b"}"#,
            r#"{"left":1}"#,
            r#"{"left":"a"} {}"#,
            "{}",
            "null",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
