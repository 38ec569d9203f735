//! Answers as they come over HTTP, to outcomes as the history has them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    fingerprint,
    history::{Acknowledgement, Effect, Meaning, Outcome, Posting, RetryAfter},
    money::{Currency, Decimal},
    place::Place,
};

/// The code of a refusal that cannot say whether it happened.
const OUTCOME_UNKNOWN: &str = "outcome_unknown";

#[derive(Deserialize)]
struct Done<'a> {
    #[serde(borrow)]
    id: &'a str,
    postings: Vec<PostingText<'a>>,
    #[serde(borrow)]
    at: &'a str,
    business_date: &'a str,
}

#[derive(Deserialize)]
struct PostingText<'a> {
    #[serde(borrow)]
    account_id: &'a str,
    amount: MoneyText<'a>,
    balance_after: MoneyText<'a>,
    version: u64,
}

#[derive(Deserialize)]
struct MoneyText<'a> {
    #[serde(borrow)]
    amount: &'a str,
    currency: &'a str,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    code: &'a str,
    retryable: bool,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

/// What became of one exchange of a batch.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    pub(super) key: &'a str,
    pub(super) status: u16,
    pub(super) replayed: bool,
    #[serde(borrow)]
    pub(super) body: &'a RawValue,
}

/// A whole answer as an outcome; an answer that is none of hwan's is a bug to be seen, so it is an error.
pub(super) fn outcome(status: u16, replayed: bool, retry_after: RetryAfter, body: &[u8]) -> anyhow::Result<Outcome> {
    let context =
        || format!("status {status}: {}", String::from_utf8_lossy(body).chars().take(500).collect::<String>());
    if status >= 300 {
        let problem: Problem<'_> =
            serde_json::from_slice(body).map_err(|error| anyhow::anyhow!("{error} in {}", context()))?;
        let meaning = match (problem.code, problem.retryable) {
            (OUTCOME_UNKNOWN, _) => Meaning::Unknown,
            (_, true) => Meaning::NotDone,
            (_, false) => Meaning::Rejected,
        };
        return Ok(Outcome::Refused { status, code: problem.code.into(), meaning, retry_after });
    }
    let done: Done<'_> = serde_json::from_slice(body).map_err(|error| anyhow::anyhow!("{error} in {}", context()))?;
    let effect = effect(&done).ok_or_else(|| anyhow::anyhow!("ids or amounts that cannot be read in {}", context()))?;
    let body = fingerprint::of_body(body);
    Ok(Outcome::Acknowledged(Acknowledgement { replayed, body, effect: Arc::new(effect) }))
}

/// The items of a batch's answer.
pub(super) fn items(body: &[u8]) -> anyhow::Result<Vec<Item<'_>>> {
    Ok(serde_json::from_slice::<Batch<'_>>(body)?.items)
}

fn effect(done: &Done<'_>) -> Option<Effect> {
    let minor = |money: &MoneyText<'_>| i64::try_from(Decimal::of(money.amount)?.digits).ok();
    let posting = |text: &PostingText<'_>| {
        Some(Posting {
            account: Place::of_id(text.account_id)?,
            currency: Currency::of_code(text.amount.currency)
                .filter(|_| text.amount.currency == text.balance_after.currency)?,
            amount: minor(&text.amount)?,
            balance_after: minor(&text.balance_after)?,
            version: text.version,
        })
    };
    Some(Effect {
        id: Place::of_id(done.id)?,
        postings: done.postings.iter().map(posting).collect::<Option<_>>()?,
        at: done.at.into(),
        business_date: done.business_date.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_by_what_they_leave_known() {
        let meaning = |code: &str, retryable: bool| {
            let body = format!(r#"{{"code":"{code}","retryable":{retryable},"detail":"a \"quote\""}}"#);
            match outcome(503, false, RetryAfter::Told, body.as_bytes()).unwrap() {
                Outcome::Refused { meaning, .. } => meaning,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(meaning("outcome_unknown", true), Meaning::Unknown);
        assert_eq!(meaning("lane_closed", true), Meaning::NotDone);
        assert_eq!(meaning("insufficient_balance", false), Meaning::Rejected);
        assert!(outcome(503, false, RetryAfter::Told, b"<html>").is_err());
    }
}
