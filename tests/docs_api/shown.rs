//! Whether what came is what is shown.

use std::collections::HashMap;

use serde_json::Value;

/// Which id of the run each id of the page is, and the reverse.
#[derive(Clone, Default)]
pub(crate) struct Names {
    found: HashMap<String, String>,
    shown: HashMap<String, String>,
}

impl Names {
    fn are(&mut self, shown: &str, found: &str) -> bool {
        let as_found = self.found.entry(shown.to_owned()).or_insert_with(|| found.to_owned());
        let as_shown = self.shown.entry(found.to_owned()).or_insert_with(|| shown.to_owned());
        as_found == found && as_shown == shown
    }
}

/// Compares JSON values, one after the other.
pub(crate) fn compare_json(shown: &[Value], found: &str, names: &mut Names) -> Result<(), String> {
    let found: Vec<Value> = serde_json::Deserializer::from_str(found)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| format!("what was printed is no json: {error}"))?;
    if shown.len() != found.len() {
        return Err(format!("{} values are shown, {} were printed", shown.len(), found.len()));
    }
    shown.iter().zip(&found).try_for_each(|(shown, found)| compare(shown, found, "$", names))
}

fn compare(shown: &Value, found: &Value, at: &str, names: &mut Names) -> Result<(), String> {
    let differs = || Err(format!("at {at}: shown {shown}, found {found}"));
    match (shown, found) {
        (Value::Object(fields), Value::Object(others)) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "…") {
                let Some(other) = others.get(name) else { return Err(format!("at {at}: {name} is missing")) };
                compare(value, other, &format!("{at}.{name}"), names)?;
            }
            match others.keys().find(|name| !fields.contains_key(*name)) {
                Some(name) if !fields.contains_key("…") => Err(format!("at {at}: {name} is not shown")),
                _ => Ok(()),
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            let is_open = items.last().is_some_and(|item| item == "…");
            let items = if is_open { &items[..items.len() - 1] } else { items };
            if others.len() < items.len() || (others.len() > items.len() && !is_open) {
                return Err(format!("at {at}: {} items are shown, {} found", items.len(), others.len()));
            }
            let mut pairs = items.iter().zip(others).enumerate();
            pairs.try_for_each(|(index, (item, other))| compare(item, other, &format!("{at}[{index}]"), names))
        }
        (Value::String(text), Value::String(other)) if text_is(text, other, names) => Ok(()),
        (shown, found) if shown == found => Ok(()),
        _ => differs(),
    }
}

/// Whether the shown lines are there, in their order.
pub(crate) fn compare_text(shown: &[String], found: &str, names: &mut Names) -> Result<(), String> {
    let mut found = found.lines().map(str::trim_end);
    for line in shown {
        if !found.any(|other| text_is(line, other, names)) {
            return Err(format!("no such line, in this order: {line}"));
        }
    }
    Ok(())
}

/// A piece of a shown text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    /// As it stands.
    Same(char),
    /// An id of this shape.
    Id(&'a str),
    /// Digits where digits are shown, everything else as it stands.
    Digits(&'a str),
    /// `req-`, hexadecimal digits, `-`, hexadecimal digits.
    Request,
    /// Anything.
    Any,
}

fn text_is(shown: &str, found: &str, names: &mut Names) -> bool {
    let mut matched = names.clone();
    let is = matches(&pieces(shown), found, &mut matched);
    if is {
        *names = matched;
    }
    is
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut before = ' ';
    while let Some(next) = text.chars().next() {
        let begins = !before.is_ascii_alphanumeric();
        let (piece, bytes) = if next == '…' {
            (Piece::Any, next.len_utf8())
        } else if let Some(bytes) = id_bytes(text).filter(|_| begins) {
            (Piece::Id(&text[..bytes]), bytes)
        } else if let Some(bytes) = date_bytes(text).filter(|_| begins) {
            (Piece::Digits(&text[..bytes]), bytes)
        } else if let Some(bytes) = request_bytes(text).filter(|_| begins) {
            (Piece::Request, bytes)
        } else {
            (Piece::Same(next), next.len_utf8())
        };
        before = text[..bytes].chars().next_back().unwrap_or(' ');
        pieces.push(piece);
        text = &text[bytes..];
    }
    pieces
}

fn matches(pieces: &[Piece<'_>], found: &str, names: &mut Names) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return found.is_empty() };
    match piece {
        Piece::Same(shown) => found.strip_prefix(*shown).is_some_and(|found| matches(rest, found, names)),
        Piece::Id(shown) => id_bytes(found)
            .filter(|bytes| *bytes == shown.len() && found[..3] == shown[..3] && names.are(shown, &found[..*bytes]))
            .is_some_and(|bytes| matches(rest, &found[bytes..], names)),
        Piece::Digits(shown) => found
            .get(..shown.len())
            .filter(|found| {
                shown.chars().zip(found.chars()).all(|(a, b)| a == b || (a.is_ascii_digit() && b.is_ascii_digit()))
            })
            .is_some_and(|_| matches(rest, &found[shown.len()..], names)),
        Piece::Request => request_bytes(found).is_some_and(|bytes| matches(rest, &found[bytes..], names)),
        Piece::Any => {
            let ends = found.char_indices().map(|(at, _)| at).chain([found.len()]);
            ends.into_iter().any(|end| {
                let mut tried = names.clone();
                let is = matches(rest, &found[end..], &mut tried);
                if is {
                    *names = tried;
                }
                is
            })
        }
    }
}

/// `acc_` and 13 characters, `qte_` and 32.
fn id_bytes(text: &str) -> Option<usize> {
    let (prefix, rest) = text.split_once('_')?;
    let bytes = match prefix {
        "cus" | "acc" | "exg" | "txn" | "rev" | "chg" => 13,
        "qte" => 32,
        _ => return None,
    };
    let of_an_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let end = rest.bytes().position(|byte| !of_an_id(byte)).unwrap_or(rest.len());
    (end == bytes).then_some(prefix.len() + 1 + bytes)
}

/// `2026-11-23`, with or without `T01:00:00.000000Z`; `USD-20261123-`.
fn date_bytes(text: &str) -> Option<usize> {
    let like = |form: &str| {
        let is = |(shown, found): (u8, u8)| match shown {
            b'0' => found.is_ascii_digit(),
            b'A' => found.is_ascii_uppercase(),
            other => other == found,
        };
        (text.len() >= form.len() && form.bytes().zip(text.bytes()).all(is)).then_some(form.len())
    };
    like("0000-00-00T00:00:00.000000Z")
        .or_else(|| like("0000-00-00T00:00:00Z"))
        .or_else(|| like("0000-00-00"))
        .or_else(|| like("AAA-00000000-"))
}

/// `req-b7b14439-e`
fn request_bytes(text: &str) -> Option<usize> {
    let hex = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let rest = text.strip_prefix("req-")?;
    let first = hex(rest);
    let second = hex(rest.get(first..)?.strip_prefix('-')?);
    (first > 0 && second > 0).then_some("req-".len() + first + 1 + second)
}
