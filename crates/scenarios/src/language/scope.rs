//! Which names are known at a place: customers, and the answers of earlier steps.

use std::collections::BTreeSet;

/// The names so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    customers: BTreeSet<String>,
    answers: BTreeSet<String>,
}

impl Scope {
    pub(crate) fn add_customer(&mut self, name: &str) {
        self.customers.insert(name.to_owned());
    }

    pub(crate) fn add_answer(&mut self, name: &str) {
        self.answers.insert(name.to_owned());
    }

    /// Whether a reference may name it; else what to say.
    pub(crate) fn known(&self, name: &str) -> Result<(), String> {
        if self.customers.contains(name) || self.answers.contains(name) {
            return Ok(());
        }
        let known: BTreeSet<&str> = self.customers.iter().chain(&self.answers).map(String::as_str).collect();
        Err(unknown(&format!("`${name}` is not known here"), known))
    }

    /// Whether it is a customer; else what to say.
    pub(crate) fn customer(&self, name: &str) -> Result<(), String> {
        if self.customers.contains(name) {
            return Ok(());
        }
        Err(unknown(&format!("no customer `{name}` is given"), self.customers.iter().map(String::as_str)))
    }

    /// Whether it is an answer of an earlier step; else what to say.
    pub(crate) fn answer(&self, name: &str) -> Result<(), String> {
        if self.answers.contains(name) {
            return Ok(());
        }
        Err(unknown(&format!("no earlier step has `as: {name}`"), self.answers.iter().map(String::as_str)))
    }

    /// Whether a new name can be this one; else what to say.
    pub(crate) fn free(&self, name: &str) -> Result<(), String> {
        let letters = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !letters(name) {
            return Err(format!("a name is a small letter, then letters, digits and _, found `{name}`"));
        }
        if self.customers.contains(name) {
            return Err(format!("`{name}` is a customer already"));
        }
        Ok(())
    }
}

fn unknown<'a>(what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() { format!("{what}, nor any other") } else { format!("{what}: known are {}", known.join(", ")) }
}
