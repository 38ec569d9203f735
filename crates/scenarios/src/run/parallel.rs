//! Many requests at once: over as many connections as the client has, counted by their outcomes.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::{
    request,
    step::{Running, awaited},
    target::{CONNECTIONS_MAX, Exchanged},
};
use crate::{
    check::{Failure, count_outcomes, judge},
    language::{Action, CallPlan, Step},
};

/// Sends all requests of a parallel, then judges their answers and their number.
pub(super) async fn run(running: &mut Running<'_>, step: &Step, steps: &[Step]) -> Result<(), Failure> {
    let requests = interleaved(steps);
    let (target, values) = (running.target, &running.values);
    let sent = stream::iter(requests).map(|(inner, plan)| async move {
        let outgoing = request::outgoing(plan, values).map_err(|why| Failure::of("a request", why))?;
        let awaited = awaited(inner, values);
        let exchanged = target.send(inner.by.as_deref(), outgoing, awaited.as_deref()).await;
        Ok::<_, Failure>((inner, plan, exchanged.map_err(|why| Failure::of("an answer", why))?))
    });
    let answers: Vec<Result<_, Failure>> = sent.buffer_unordered(CONNECTIONS_MAX).collect().await;
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed = None;
    let mut samples: BTreeMap<String, Exchanged> = BTreeMap::new();
    let mut first: Option<Exchanged> = None;
    for answer in answers {
        let (inner, plan, exchanged) = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                failed = failed.or(Some(failure));
                continue;
            }
        };
        running.note(&exchanged);
        *outcomes.entry(exchanged.outcome()).or_default() += 1;
        samples.entry(exchanged.outcome()).or_insert_with(|| exchanged.clone());
        if let Some(name) = &inner.save_as {
            running.values.save(name, &exchanged);
        }
        let judged = judge(&inner.expect, &exchanged, plan.view, &running.values).err();
        let twin = first.get_or_insert_with(|| exchanged.clone());
        let differs = step.expect.one_answer && twin.answer.body != exchanged.answer.body;
        let differs = differs.then(|| {
            let (expected, got) = (body_text(twin), body_text(&exchanged));
            Failure {
                request: Some(Box::new(exchanged.clone())),
                ..Failure::of(format!("one answer: {expected}"), got)
            }
        });
        failed = failed.or(judged).or(differs);
    }
    // All answers are noted before any of them ends the step: the common ground is judged with all of them.
    let counted = step.expect.outcomes.as_deref().map_or(Ok(()), |expected| {
        count_outcomes(expected, &outcomes, &running.values).map_err(|(outcome, difference)| Failure {
            request: samples.remove(&outcome).map(Box::new),
            ..Failure::from(difference)
        })
    });
    failed.map_or(counted, Err)
}

/// Every request of every step, taking turns, so that buys and sells meet.
fn interleaved(steps: &[Step]) -> Vec<(&Step, &CallPlan)> {
    let longest = steps.iter().map(|step| step.times).max().unwrap_or_default();
    let calls = |turn: u32| {
        steps.iter().filter(move |step| turn < step.times).filter_map(|step| match &step.action {
            Action::Call(plan) => Some((step, &**plan)),
            _ => None,
        })
    };
    (0..longest).flat_map(calls).collect()
}

fn body_text(exchanged: &Exchanged) -> String {
    String::from_utf8_lossy(&exchanged.answer.body).into_owned()
}
