//! The tree of a document, built from the parser's events without recursion.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::place::{Mistake, Place};

/// The largest file, in bytes.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// The deepest nesting. A step in a repeat in a parallel takes about twelve.
const DEPTH_MAX: usize = 32;
/// The most nodes of one file.
const NODES_MAX: usize = 100_000;

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) at: Place,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text, a number, a truth value: as it is written. `quoted` tells `"10"` from `10`.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) value: Value,
}

impl Node {
    /// What kind of value it is, for an error.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Whether nothing is written there.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The text, or the mistake of not being one; `what` says what was expected.
    pub(crate) fn text(&self, what: &str) -> Result<&str, Mistake> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_empty() => Ok(text),
            Value::Scalar { .. } => Err(Mistake::at(self.at, format!("expected {what}, found nothing"))),
            _ => Err(Mistake::at(self.at, format!("expected {what}, found {}", self.kind()))),
        }
    }

    /// The elements, or the mistake of not being a list.
    pub(crate) fn list(&self, what: &str) -> Result<&[Node], Mistake> {
        match &self.value {
            Value::List(nodes) => Ok(nodes),
            _ => Err(Mistake::at(self.at, format!("expected {what}, found {}", self.kind()))),
        }
    }

    /// The entries, or the mistake of not being a map.
    pub(crate) fn map(&self, what: &str) -> Result<&[(Key, Node)], Mistake> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            _ if self.is_empty() => Ok(&[]),
            _ => Err(Mistake::at(self.at, format!("expected {what}, found {}", self.kind()))),
        }
    }

    /// In one line, for the title of a step.
    pub(crate) fn in_a_line(&self) -> String {
        match &self.value {
            Value::Scalar { text, .. } => text.clone(),
            Value::List(nodes) => nodes.iter().map(Node::in_a_line).collect::<Vec<_>>().join(", "),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, node)| match node.value {
                    Value::Scalar { .. } => format!("{}={}", key.text, node.in_a_line()),
                    Value::List(_) | Value::Map(_) => format!("{}=({})", key.text, node.in_a_line()),
                })
                .collect::<Vec<_>>()
                .join(" "),
        }
    }
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

/// A collection that is still open.
enum Open {
    List(Place, Vec<Node>),
    /// With the key whose value comes next.
    Map(Place, Vec<(Key, Node)>, Option<Key>),
}

/// Reads all documents of a file.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Mistake> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read: split it", text.len());
        return Err(Mistake::at(Place { line: 1, column: 1 }, message));
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| Mistake::at(place(error.marker()), format!("not yaml: {}", error.info())))?;
        builder.take(event, place(&span.start))?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), Mistake> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some(), at)?;
                let quoted = style != ScalarStyle::Plain;
                self.add(Node { at, value: Value::Scalar { text: text.into_owned(), quoted } })
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some(), at)?;
                self.begin(Open::List(at, Vec::new()), at)
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some(), at)?;
                self.begin(Open::Map(at, Vec::new(), None), at)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(at, nodes)) => self.add(Node { at, value: Value::List(nodes) }),
                Some(Open::Map(at, entries, _)) => self.add(Node { at, value: Value::Map(entries) }),
                None => Err(Mistake::at(at, "not yaml: an end without a beginning")),
            },
            Event::Alias(_) => Err(Mistake::at(at, "aliases are not part of the language: write it out")),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn begin(&mut self, open: Open, at: Place) -> Result<(), Mistake> {
        if let Some(Open::Map(_, _, None)) = self.open.last() {
            return Err(Mistake::at(at, "a key must be a text"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Mistake::at(at, format!("nested deeper than {DEPTH_MAX}")));
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), Mistake> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Mistake::at(node.at, format!("more than {NODES_MAX} values in one file: split it")));
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map(_, entries, next)) => match next.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let Value::Scalar { text, .. } = node.value else {
                        return Err(Mistake::at(node.at, "a key must be a text"));
                    };
                    if let Some((first, _)) = entries.iter().find(|(key, _)| key.text == text) {
                        let message = format!("key `{text}` stands twice, first in line {}", first.at.line);
                        return Err(Mistake::at(node.at, message));
                    }
                    *next = Some(Key { text, at: node.at });
                }
            },
        }
        Ok(())
    }
}

fn plain(anchor: usize, tagged: bool, at: Place) -> Result<(), Mistake> {
    match (anchor, tagged) {
        (0, false) => Ok(()),
        (0, true) => Err(Mistake::at(at, "tags are not part of the language: write the value alone")),
        _ => Err(Mistake::at(at, "anchors are not part of the language: write it out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> (usize, usize, String) {
        let Mistake { at, message } = documents(text).unwrap_err();
        (at.line, at.column, message)
    }

    #[test]
    fn every_node_knows_its_place_and_keeps_its_text() {
        let documents = documents("a: 1.50\nb:\n  - \"x\"\n  - {c: d}\n---\nsecond: 1").unwrap();
        assert_eq!(documents.len(), 2);
        let entries = documents[0].map("a map").unwrap();
        assert_eq!(entries[0].1.value, Value::Scalar { text: "1.50".into(), quoted: false });
        let list = entries[1].1.list("a list").unwrap();
        assert_eq!(list[0].value, Value::Scalar { text: "x".into(), quoted: true });
        assert_eq!((list[1].at.line, list[1].at.column), (4, 5));
        assert_eq!(documents[0].in_a_line(), "a=1.50 b=(x, c=d)");
    }

    #[test]
    fn what_could_grow_or_deceive_is_refused_with_its_place() {
        assert_eq!(mistake("a: 1\nb: 2\na: 3"), (3, 1, "key `a` stands twice, first in line 1".into()));
        assert_eq!(mistake("a: &x 1\nb: *x").2, "anchors are not part of the language: write it out");
        assert_eq!(mistake("a: !!int 1").2, "tags are not part of the language: write the value alone");
        assert_eq!(mistake("[a, b]: c").2, "a key must be a text");
        assert!(mistake(&"[".repeat(100)).2.starts_with("nested deeper"));
        assert!(mistake(&"[".repeat(100_000)).2.contains("recursion limit"));
        assert!(mistake(&"- - ".repeat(5_000)).2.starts_with("nested deeper"));
        assert!(mistake(&"a".repeat(FILE_BYTES_MAX + 1)).2.starts_with("the file has"));
        assert!(mistake(&"- a\n".repeat(NODES_MAX + 1)).2.starts_with("more than"));
        assert!(mistake("a: [1\nb: 2").2.starts_with("not yaml"));
    }
}
