//! Values with references: `$b1.id`, `/v1/exchanges/$b1.id`, `$kim.won`. `$$` is a dollar.

use super::scope::Scope;
use crate::yaml::{Mistake, Node, Place, Value};

/// A value that is complete once its references are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    Null,
    Bool(bool),
    /// A number as JSON writes it.
    Number(String),
    Text(Vec<Piece>),
    List(Vec<Template>),
    Map(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    /// A saved answer or a customer, and the way to the value in it.
    Reference {
        name: String,
        path: Vec<String>,
    },
    /// An idempotency key: a new one, or the one that this name stands for.
    Key(Option<String>),
}

impl Template {
    /// A text without references.
    pub(crate) fn literal(text: impl Into<String>) -> Self {
        Self::Text(vec![Piece::Literal(text.into())])
    }

    /// A value of a customer that the file names, such as the id of its won account.
    pub(crate) fn of_customer(customer: &str, field: &str) -> Self {
        Self::Text(vec![Piece::Reference { name: customer.to_owned(), path: vec![field.to_owned()] }])
    }

    /// Money as the API takes it.
    pub(crate) fn money(amount: &str, currency: &str) -> Self {
        Self::Map(vec![("amount".to_owned(), Self::literal(amount)), ("currency".to_owned(), Self::literal(currency))])
    }

    /// This text, then that.
    pub(crate) fn join(parts: impl IntoIterator<Item = Template>) -> Self {
        let pieces = parts.into_iter().flat_map(|part| match part {
            Self::Text(pieces) => pieces,
            Self::Number(text) => vec![Piece::Literal(text)],
            Self::Null | Self::Bool(_) | Self::List(_) | Self::Map(_) => Vec::new(),
        });
        Self::Text(pieces.collect())
    }

    /// A text of a file.
    pub(crate) fn text(node: &Node, what: &str, scope: &Scope) -> Result<Self, Mistake> {
        Ok(Self::Text(pieces(node.text(what)?, node.at, scope)?))
    }

    /// Any value of a file, as JSON: what is quoted is a text; `true`, `null`, and numbers are what they look like.
    pub(crate) fn json(node: &Node, scope: &Scope) -> Result<Self, Mistake> {
        Ok(match &node.value {
            Value::Scalar { text, quoted: false } => match text.as_str() {
                "" | "~" | "null" => Self::Null,
                "true" => Self::Bool(true),
                "false" => Self::Bool(false),
                number if serde_json::from_str::<serde_json::Number>(number).is_ok() => Self::Number(number.to_owned()),
                text => Self::Text(pieces(text, node.at, scope)?),
            },
            Value::Scalar { text, .. } => Self::Text(pieces(text, node.at, scope)?),
            Value::List(nodes) => {
                Self::List(nodes.iter().map(|node| Self::json(node, scope)).collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let entry = |(key, node): &(crate::yaml::Key, Node)| Ok((key.text.clone(), Self::json(node, scope)?));
                Self::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
        })
    }
}

fn of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Cuts a text at its references and checks that each names something known.
fn pieces(text: &str, at: Place, scope: &Scope) -> Result<Vec<Piece>, Mistake> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        literal.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            literal.push('$');
            rest = after;
            continue;
        }
        let end = after.find(|letter| !of_a_name(letter)).unwrap_or(after.len());
        let (name, mut tail) = after.split_at(end);
        if name.is_empty() {
            return Err(Mistake::at(at, "a `$` begins a reference such as $b1.id; write `$$` for a dollar"));
        }
        scope.known(name).map_err(|message| Mistake::at(at, message))?;
        let mut path = Vec::new();
        while let Some(after) = tail.strip_prefix('.').filter(|after| after.starts_with(of_a_name)) {
            let end = after.find(|letter| !of_a_name(letter)).unwrap_or(after.len());
            let (segment, after) = after.split_at(end);
            path.push(segment.to_owned());
            tail = after;
        }
        if path.is_empty() {
            return Err(Mistake::at(
                at,
                format!("`${name}` is a whole answer: name a field of it, such as ${name}.id"),
            ));
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Reference { name: name.to_owned(), path });
        rest = tail;
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Piece>, String> {
        let mut scope = Scope::default();
        scope.add_customer("kim");
        scope.add_answer("b1");
        pieces(text, Place::default(), &scope).map_err(|mistake| mistake.message)
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let reference = |name: &str, path: &[&str]| Piece::Reference {
            name: name.into(),
            path: path.iter().map(|segment| (*segment).to_owned()).collect(),
        };
        let literal = |text: &str| Piece::Literal(text.into());
        assert_eq!(read("$b1.won.amount").unwrap(), [reference("b1", &["won", "amount"])]);
        assert_eq!(
            read("/v1/exchanges/$b1.id/reversal").unwrap(),
            [literal("/v1/exchanges/"), reference("b1", &["id"]), literal("/reversal")]
        );
        assert_eq!(read("$kim.id.").unwrap(), [reference("kim", &["id"]), literal(".")]);
        assert_eq!(read("costs $$5").unwrap(), [literal("costs $5")]);
        assert_eq!(read("").unwrap(), [literal("")]);
    }

    #[test]
    fn a_reference_to_nothing_is_a_mistake() {
        assert_eq!(read("$b2.id").unwrap_err(), "`$b2` is not known here: known are b1, kim");
        assert!(read("$b1").unwrap_err().contains("name a field"));
        assert!(read("5 $").unwrap_err().contains("$$"));
    }
}
