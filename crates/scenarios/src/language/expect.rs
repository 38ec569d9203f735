//! What a step expects: read strictly, so that a misspelt field fails before anything is sent.

use super::{
    action::Expectable,
    model::{Expect, ExpectedField, Matcher, Wanted},
    scalar,
    scope::Scope,
    template::Template,
};
use crate::yaml::{Fields, Mistake, Node, Value};

/// What a problem has; and `body`, the whole of any answer.
const PROBLEM: &[&str] = &["body", "code", "detail", "title", "retryable", "violations", "request_id", "type"];

/// Words that, alone in a map, say how a value is compared.
const OPERATORS: &[&str] =
    &["count", "absent", "present", "at_least", "at_most", "contains", "starts_with", "any_of", "not"];

impl Expect {
    /// The expectation of a step that says nothing: it succeeds.
    pub(crate) const fn success() -> Self {
        Self {
            wanted: Wanted::Completed,
            status: None,
            replayed: None,
            same_as: None,
            headers: Vec::new(),
            fields: Vec::new(),
            outcomes: None,
            one_answer: false,
        }
    }
}

/// Reads `expect`, for an action of this name.
pub(super) fn read_expect(
    node: Option<&Node>,
    action: &str,
    expectable: Expectable,
    scope: &Scope,
) -> Result<Expect, Mistake> {
    let mut expect = Expect::success();
    let Some(node) = node else { return Ok(expect) };
    let mut fields = Fields::of(node, "what is expected")?;
    let (names, problem) = match expectable {
        Expectable::Nothing => return Err(Mistake::at(node.at, format!("{action} has no answer to expect of"))),
        Expectable::Outcomes => {
            outcomes(&mut expect, fields, scope)?;
            return Ok(expect);
        }
        Expectable::Balances(names) => (names, &[][..]),
        Expectable::Fields(names) => {
            answered(&mut expect, &mut fields, scope)?;
            (names, PROBLEM)
        }
    };
    let currencies = matches!(expectable, Expectable::Balances(_));
    let takes = |key: &str| names.contains(&key) || problem.contains(&key) || currencies && scalar::is_currency(key);
    for (key, node) in fields.matching(takes) {
        if let (true, Value::Scalar { text, .. }) = (scalar::is_currency(&key.text), &node.value)
            && let Some(message) = scalar::amount_mistake(text, &key.text)
        {
            return Err(Mistake::at(node.at, message));
        }
        expect.fields.push(ExpectedField { name: key.text.clone(), matcher: matcher(node, scope)? });
    }
    fields.known(names);
    fields.finish().map_err(|mistake| {
        let message = mistake.message.replacen("what is expected", &format!("the answer to {action}"), 1);
        Mistake::at(mistake.at, message)
    })?;
    Ok(expect)
}

/// What may be said of any answer.
fn answered(expect: &mut Expect, fields: &mut Fields<'_>, scope: &Scope) -> Result<(), Mistake> {
    if let Some(node) = fields.optional("rejected") {
        expect.wanted = Wanted::Rejected { code: Template::text(node, "a code", scope)?, also: Vec::new() };
    }
    if let Some(node) = fields.optional("also") {
        let Wanted::Rejected { also, .. } = &mut expect.wanted else {
            return Err(Mistake::at(node.at, "`also` lists what stands beside `rejected`"));
        };
        for node in node.list("a list of codes")? {
            also.push(Template::text(node, "a code", scope)?);
        }
    }
    // A number is the answer's HTTP status, a word the status of what it shows: a rate, a quote, an account.
    let number = |node: &&Node| matches!(&node.value, Value::Scalar { text, .. } if text.parse::<u16>().is_ok());
    let status = fields.optional("status");
    if let Some(node) = status.filter(|node| !number(node)) {
        expect.fields.push(ExpectedField { name: "status".to_owned(), matcher: matcher(node, scope)? });
    }
    if let Some(node) = status.filter(number) {
        expect.status = u16::try_from(scalar::whole(node, "a status", 100..=599)?).ok();
        if expect.wanted == Wanted::Completed {
            expect.wanted = Wanted::Any;
        }
    }
    expect.replayed = fields.optional("replayed").map(scalar::truth).transpose()?;
    if let Some(node) = fields.optional("same_as") {
        let name = node.text("the name of an earlier step")?;
        scope.answer(name).map_err(|message| Mistake::at(node.at, message))?;
        expect.same_as = Some(name.to_owned());
    }
    let headers = fields.optional("headers");
    for (key, node) in headers.map_or(Ok(&[][..]), |node| node.map("headers: a map from name to value"))? {
        expect.headers.push((key.text.to_ascii_lowercase(), matcher(node, scope)?));
    }
    Ok(())
}

fn outcomes(expect: &mut Expect, mut fields: Fields<'_>, scope: &Scope) -> Result<(), Mistake> {
    expect.one_answer = fields.optional("one_answer").map(scalar::truth).transpose()?.unwrap_or(false);
    let code = |key: &str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let counts = fields.matching(code);
    let counts = counts.iter().map(|(key, node)| Ok((key.text.clone(), matcher(node, scope)?)));
    expect.outcomes = Some(counts.collect::<Result<_, _>>()?);
    fields.finish()
}

/// What a value must be.
fn matcher(node: &Node, scope: &Scope) -> Result<Matcher, Mistake> {
    Ok(match &node.value {
        Value::Scalar { .. } if node.is_empty() => Matcher::Null,
        Value::Scalar { .. } => Matcher::Is(Template::text(node, "a value", scope)?),
        Value::List(nodes) => Matcher::List(nodes.iter().map(|node| matcher(node, scope)).collect::<Result<_, _>>()?),
        Value::Map(entries) => match entries.as_slice() {
            [(key, node)] if OPERATORS.contains(&key.text.as_str()) => operator(&key.text, node, scope)?,
            entries => Matcher::Map(
                entries
                    .iter()
                    .map(|(key, node)| Ok((key.text.clone(), matcher(node, scope)?)))
                    .collect::<Result<_, Mistake>>()?,
            ),
        },
    })
}

fn operator(name: &str, node: &Node, scope: &Scope) -> Result<Matcher, Mistake> {
    let text = || Template::text(node, "a value", scope);
    Ok(match name {
        "count" => Matcher::Count(Box::new(matcher(node, scope)?)),
        "absent" | "present" => match (name, scalar::truth(node)?) {
            ("absent", true) | ("present", false) => Matcher::Absent,
            _ => Matcher::Present,
        },
        "at_least" => Matcher::AtLeast(text()?),
        "at_most" => Matcher::AtMost(text()?),
        "contains" => Matcher::Contains(text()?),
        "starts_with" => Matcher::StartsWith(text()?),
        "any_of" => {
            let nodes = node.list("a list of values")?;
            Matcher::AnyOf(nodes.iter().map(|node| matcher(node, scope)).collect::<Result<_, _>>()?)
        }
        _ => Matcher::Not(Box::new(matcher(node, scope)?)),
    })
}
