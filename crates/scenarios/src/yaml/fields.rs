//! A map read field by field: what is missing, what nobody asked for.

use super::{
    node::{Key, Node},
    place::{Mistake, Place},
};

/// Names that differ in at most so many letters are taken for misspelt.
const NEAR_MAX: usize = 2;

/// The fields of one map. Whoever reads asks for each by name; [`Fields::finish`] refuses what was not asked for.
pub(crate) struct Fields<'a> {
    what: &'static str,
    at: Place,
    rest: Vec<&'a (Key, Node)>,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Of a map; `what` names it in errors, such as "an exchange".
    pub(crate) fn of(node: &'a Node, what: &'static str) -> Result<Self, Mistake> {
        let entries = node.map(&format!("{what}: a map of its fields"))?;
        Ok(Self { what, at: node.at, rest: entries.iter().collect(), asked: Vec::new() })
    }

    /// Where the map stands.
    pub(crate) const fn at(&self) -> Place {
        self.at
    }

    /// Whether a field is there and not yet read.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.rest.iter().any(|(key, _)| key.text == name)
    }

    /// A field that may be left out.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<&'a Node> {
        self.asked.push(name);
        let index = self.rest.iter().position(|(key, _)| key.text == name)?;
        Some(&self.rest.swap_remove(index).1)
    }

    /// A field that has to be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<&'a Node, Mistake> {
        let (what, at) = (self.what, self.at);
        if let Some(node) = self.optional(name) {
            return Ok(node);
        }
        // A misspelt field is missing too: its misspelling says more.
        let misspelt = self.rest.iter().find(|(key, _)| distance(&key.text, name) <= NEAR_MAX);
        Err(match misspelt {
            Some((key, _)) => unknown(key, what, &[name]),
            None => Mistake::at(at, format!("{what} needs the field `{name}`")),
        })
    }

    /// Names that are fields too, read by [`Fields::matching`]: for the error that lists what is expected.
    pub(crate) fn known(&mut self, names: &[&'static str]) {
        self.asked.extend_from_slice(names);
    }

    /// The fields whose key `takes`, in the order of the file.
    pub(crate) fn matching(&mut self, takes: impl Fn(&str) -> bool) -> Vec<&'a (Key, Node)> {
        let (mut taken, rest): (Vec<_>, Vec<_>) = self.rest.drain(..).partition(|(key, _)| takes(&key.text));
        self.rest = rest;
        taken.sort_by_key(|(key, _)| key.at);
        taken
    }

    /// Refuses the first field that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), Mistake> {
        let Some((key, _)) = self.rest.iter().min_by_key(|(key, _)| key.at) else { return Ok(()) };
        Err(unknown(key, self.what, &self.asked))
    }
}

/// The mistake of a key that is none of `known`.
fn unknown(key: &Key, what: &str, known: &[&str]) -> Mistake {
    let near =
        known.iter().filter(|name| distance(&key.text, name) <= NEAR_MAX).min_by_key(|name| distance(&key.text, name));
    let message = match near {
        Some(near) => format!("{what} has no field `{}`: did you mean `{near}`?", key.text),
        None if known.is_empty() => format!("{what} has no field `{}`", key.text),
        None => format!("{what} has no field `{}`, expected one of {}", key.text, known.join(", ")),
    };
    Mistake::at(key.at, message)
}

/// How many letters differ (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((other, diagonal), above) in right.iter().zip(&row).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or(index + 1);
            next.push((diagonal + usize::from(letter != *other)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::documents, *};

    fn read(text: &str) -> Result<(), Mistake> {
        let documents = documents(text).unwrap();
        let mut fields = Fields::of(&documents[0], "a visit")?;
        fields.required("customer")?;
        fields.optional("side");
        fields.finish()
    }

    #[test]
    fn missing_and_unknown_fields_are_named() {
        assert_eq!(read("customer: kim\nside: buy"), Ok(()));
        assert_eq!(read("side: buy").unwrap_err().message, "a visit needs the field `customer`");
        let mistake = read("customer: kim\nsied: buy").unwrap_err();
        assert_eq!((mistake.at.line, mistake.at.column), (2, 1));
        assert_eq!(mistake.message, "a visit has no field `sied`: did you mean `side`?");
        let mistake = read("customer: kim\nwonderful: 1").unwrap_err();
        assert_eq!(mistake.message, "a visit has no field `wonderful`, expected one of customer, side");
        assert_eq!(read("- a").unwrap_err().message, "expected a visit: a map of its fields, found a list");
    }
}
