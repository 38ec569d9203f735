//! One answer against what the step expects of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    matching::{Difference, compare, within},
    view::view,
};
use crate::{
    language::{Expect, Matcher, Template, View, Wanted},
    run::{Exchanged, Values, shown},
};

/// Why a step failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) expected: String,
    pub(crate) got: String,
    /// The request that it is about, where it is about one.
    pub(crate) request: Option<Box<Exchanged>>,
}

impl Failure {
    /// Something that stood in the way before there was an answer.
    pub(crate) fn of(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { expected: expected.into(), got: got.into(), request: None }
    }

    fn about(difference: Difference, exchanged: &Exchanged) -> Self {
        let Difference { expected, got } = difference;
        Self { expected, got, request: Some(Box::new(exchanged.clone())) }
    }
}

impl From<Difference> for Failure {
    fn from(Difference { expected, got }: Difference) -> Self {
        Self { expected, got, request: None }
    }
}

/// Judges an answer by everything that `expect` says.
pub(crate) fn judge(expect: &Expect, exchanged: &Exchanged, shape: View, values: &Values) -> Result<(), Failure> {
    let failure = |difference| Failure::about(difference, exchanged);
    outcome(expect, exchanged, values).map_err(failure)?;
    if let Some(replayed) = expect.replayed {
        let found = exchanged.answer.header("idempotency-replayed") == Some("true");
        differ(found == replayed, format!("replayed: {replayed}"), format!("replayed: {found}")).map_err(failure)?;
    }
    if let Some(name) = &expect.same_as {
        let same = values.bytes(name) == exchanged.answer.body;
        let (wanted, found) =
            (String::from_utf8_lossy(values.bytes(name)), String::from_utf8_lossy(&exchanged.answer.body));
        differ(same, format!("the very answer of {name}: {wanted}"), found.into_owned()).map_err(failure)?;
    }
    for (name, matcher) in &expect.headers {
        let found = exchanged.answer.header(name).map(Value::from);
        compare(matcher, found.as_ref(), values).map_err(|difference| failure(within(name, difference)))?;
    }
    let body = exchanged.body.clone().unwrap_or_default();
    judge_fields(expect, &view(&body, shape), values).map_err(failure)
}

/// Judges the fields of an answer alone.
pub(crate) fn judge_fields(expect: &Expect, body: &Value, values: &Values) -> Result<(), Difference> {
    expect.fields.iter().try_for_each(|field| {
        // `body` is the whole of it, for answers that have no names of their own.
        let found = match field.name.as_str() {
            "body" => body.get("body").or(Some(body)),
            name => body.get(name),
        };
        compare(&field.matcher, found, values).map_err(|difference| within(&field.name, difference))
    })
}

fn differ(holds: bool, expected: String, got: String) -> Result<(), Difference> {
    if holds { Ok(()) } else { Err(Difference { expected, got }) }
}

/// Completed, or rejected as expected, with the expected status.
fn outcome(expect: &Expect, exchanged: &Exchanged, values: &Values) -> Result<(), Difference> {
    let got = || describe(exchanged);
    if let Some(status) = expect.status {
        differ(exchanged.status == status, format!("status {status}"), got())?;
    }
    match &expect.wanted {
        Wanted::Any => Ok(()),
        Wanted::Completed => differ(exchanged.status < 400, "completed".to_owned(), got()),
        Wanted::Rejected { code, also } => {
            let text = |template: &Template| {
                values.text(template).map_err(|missing| Difference { expected: missing, got: got() })
            };
            let wanted = text(code)?;
            let also = also.iter().map(text).collect::<Result<BTreeSet<String>, Difference>>()?;
            let found: BTreeSet<String> = codes(exchanged).filter(|code| *code != wanted).collect();
            let expected = || {
                let besides = if also.is_empty() { String::new() } else { format!(", also {}", listed(&also)) };
                format!("rejected: {wanted}{besides}")
            };
            differ(exchanged.status >= 400 && exchanged.outcome() == wanted && found == also, expected(), got())
        }
    }
}

/// The codes of all violations.
fn codes(exchanged: &Exchanged) -> impl Iterator<Item = String> {
    let violations = exchanged.body.as_ref().and_then(|body| body.get("violations")?.as_array());
    violations.into_iter().flatten().filter_map(|violation| violation.get("code").map(shown))
}

fn listed(codes: &BTreeSet<String>) -> String {
    codes.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What came back, in one line.
fn describe(exchanged: &Exchanged) -> String {
    let status = exchanged.status;
    if status < 400 {
        return format!("completed ({status})");
    }
    let all: BTreeSet<String> = codes(exchanged).collect();
    let detail = exchanged.body.as_ref().and_then(|body| body.get("detail")).map(shown).unwrap_or_default();
    let besides = if all.len() > 1 { format!(" (all: {})", listed(&all)) } else { String::new() };
    format!("{status} {}{besides}: {detail}", exchanged.outcome())
}

/// Judges how often each outcome occurred in a parallel: those that are not named must not occur. Names the outcome that
/// is wrong.
pub(crate) fn count_outcomes(
    expected: &[(String, Matcher)],
    found: &BTreeMap<String, u64>,
    values: &Values,
) -> Result<(), (String, Difference)> {
    let all = || found.iter().map(|(outcome, count)| format!("{outcome}: {count}")).collect::<Vec<_>>().join(", ");
    let unexpected = found.keys().find(|outcome| !expected.iter().any(|(name, _)| name == *outcome));
    if let Some(outcome) = unexpected {
        return Err((outcome.clone(), Difference { expected: format!("no {outcome}"), got: all() }));
    }
    for (outcome, matcher) in expected {
        let count = Value::from(found.get(outcome).copied().unwrap_or_default());
        compare(matcher, Some(&count), values).map_err(|difference| {
            let expected = format!("{outcome}: {}", difference.expected);
            (outcome.clone(), Difference { expected, got: all() })
        })?;
    }
    Ok(())
}
