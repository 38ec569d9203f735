//! YAML as the scenario language uses it: a tree in which every node knows its line and column.
//!
//! Values keep the text that stands in the file: an amount never becomes a float. Anchors, aliases and tags are refused,
//! so that a small file cannot grow large; size, nesting and number of nodes are bounded.

mod fields;
mod node;
mod place;

pub(crate) use fields::Fields;
pub(crate) use node::{Key, Node, Value, documents};
pub(crate) use place::Mistake;
pub(crate) use place::{FileError, Place};
