//! Runs one step: sends, judges, keeps the answer.

use std::pin::Pin;

use serde_json::{Value, json};

use super::{
    clock, parallel, request,
    target::{Exchanged, Outgoing, Target},
    values::Values,
};
use crate::{
    check::{Acknowledged, Failure, balances, judge, judge_fields},
    language::{Action, CallPlan, ExpectedField, Step, Wanted, minor_digits},
};

/// A scenario while it runs.
pub(super) struct Running<'t> {
    pub(super) target: &'t Target,
    pub(super) values: Values,
    pub(super) acknowledged: Acknowledged,
    /// The accounts that its steps opened.
    pub(super) accounts: Vec<String>,
}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

impl<'t> Running<'t> {
    pub(super) fn new(target: &'t Target) -> Self {
        let (values, acknowledged) = (Values::default(), Acknowledged::default());
        Self { target, values, acknowledged, accounts: Vec::new() }
    }

    /// Runs a step and, in a repeat, those within it.
    pub(super) fn run<'a>(&'a mut self, step: &'a Step) -> Done<'a> {
        Box::pin(async move {
            match &step.action {
                Action::Call(plan) => self.call(step, plan).await,
                Action::Balances { customer } => self.balances(step, customer).await,
                Action::Clock(movement) => {
                    let moved = clock::shift(self.target, *movement).await;
                    moved.map(drop).map_err(|why| Failure::of("the clock moves", why))
                }
                Action::Parallel(steps) => parallel::run(self, step, steps).await,
                Action::Repeat { times, steps } => {
                    for turn in 1..=*times {
                        for inner in steps {
                            self.run(inner).await.map_err(|failure| Failure {
                                expected: format!("turn {turn}, {}: {}", inner.title, failure.expected),
                                ..failure
                            })?;
                        }
                    }
                    Ok(())
                }
            }
        })
    }

    /// Takes note of what an answer acknowledges.
    pub(super) fn note(&mut self, exchanged: &Exchanged) {
        let Some(body) = exchanged.body.as_ref().filter(|_| exchanged.status < 400) else { return };
        self.acknowledged.note(body);
        if exchanged.status == 201 && exchanged.outgoing.path == "/v1/accounts" {
            self.accounts.extend(body.get("id").and_then(Value::as_str).map(str::to_owned));
        }
    }

    async fn call(&mut self, step: &Step, plan: &CallPlan) -> Result<(), Failure> {
        let outgoing = request::outgoing(plan, &self.values).map_err(|why| Failure::of("a request", why))?;
        let awaited = awaited(step, &self.values);
        let exchanged = self.target.send(step.by.as_deref(), outgoing, awaited.as_deref()).await;
        let exchanged = exchanged.map_err(|why| Failure::of("an answer", why))?;
        self.note(&exchanged);
        if let Some(name) = &step.save_as {
            self.values.save(name, &exchanged);
        }
        judge(&step.expect, &exchanged, plan.view, &self.values)
    }

    async fn balances(&mut self, step: &Step, customer: &str) -> Result<(), Failure> {
        let (mut answers, mut requests) = (Vec::new(), Vec::new());
        for kind in ["won", "foreign"] {
            let Ok(id) = self.values.of_customer(customer, kind) else { continue };
            let outgoing = Outgoing::get(format!("/v1/accounts/{id}/balances"));
            let exchanged = self.target.send(step.by.as_deref(), outgoing, None).await;
            let exchanged = exchanged.map_err(|why| Failure::of("balances", why))?;
            judge(&crate::language::Expect::success(), &exchanged, crate::language::View::Plain, &self.values)?;
            answers.extend(exchanged.body.clone());
            requests.push(exchanged);
        }
        let mut shown = balances(&answers);
        fill_zeros(&mut shown, &step.expect.fields);
        if let Some(name) = &step.save_as {
            self.values.save_value(name, shown.clone());
        }
        judge_fields(&step.expect, &shown, &self.values).map_err(|difference| {
            // The won account was asked first.
            let of_won = difference.expected.starts_with("KRW");
            let request = if of_won { requests.into_iter().next() } else { requests.into_iter().next_back() };
            Failure { request: request.map(Box::new), ..Failure::from(difference) }
        })
    }
}

/// What was never held is zero.
fn fill_zeros(shown: &mut Value, fields: &[ExpectedField]) {
    let Value::Object(held) = shown else { return };
    for field in fields {
        if let Some(decimals) = minor_digits(&field.name) {
            let zero = if decimals == 0 { "0".to_owned() } else { format!("0.{}", "0".repeat(decimals)) };
            held.entry(field.name.clone()).or_insert_with(|| json!(zero));
        }
    }
}

/// The code that a step waits for, so that it is not taken for a busy server.
pub(super) fn awaited(step: &Step, values: &Values) -> Option<String> {
    match &step.expect.wanted {
        Wanted::Rejected { code, .. } => values.text(code).ok(),
        Wanted::Completed | Wanted::Any => None,
    }
}
