//! Which scenarios run together. Customers are a scenario's own; rates, halts and the clock are the bank's.
//!
//! Scenarios whose rates agree share a turn. Those that publish, void, halt, lift or move the clock have a turn of their
//! own, the clock last, since it never goes back.

use std::collections::BTreeMap;

use hwan_client::Method;

use crate::language::{Action, CallPlan, GivenRate, Piece, Scenario, Step, Template};

/// One turn of a run.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// The rates that stand before it begins.
    pub(crate) rates: BTreeMap<String, GivenRate>,
    /// Indexes into the list that was planned.
    pub(crate) scenarios: Vec<usize>,
}

/// The turns of a run.
pub(crate) fn plan(scenarios: &[&Scenario]) -> Vec<Turn> {
    let mut shared: Vec<Turn> = Vec::new();
    let (mut alone, mut clocked) = (Vec::new(), Vec::new());
    for (index, scenario) in scenarios.iter().enumerate() {
        let turn = || Turn { rates: scenario.rates.clone(), scenarios: vec![index] };
        if moves_clock(scenario) {
            clocked.push(turn());
        } else if scenario.alone || changes_market(scenario) {
            alone.push(turn());
        } else if let Some(turn) = shared.iter_mut().find(|turn| agree(&turn.rates, &scenario.rates)) {
            turn.rates.extend(scenario.rates.clone());
            turn.scenarios.push(index);
        } else {
            shared.push(turn());
        }
    }
    shared.into_iter().chain(alone).chain(clocked).collect()
}

/// Whether a scenario needs the clock's port.
pub(crate) fn moves_clock(scenario: &Scenario) -> bool {
    any_step(&scenario.steps, &|step| matches!(step.action, Action::Clock(_)))
}

/// Whether a scenario publishes, voids, halts or lifts.
pub(crate) fn changes_market(scenario: &Scenario) -> bool {
    any_step(&scenario.steps, &changes_a_pair)
}

/// The names of the callers that a scenario needs beside the default one.
pub(crate) fn callers(scenario: &Scenario) -> Vec<String> {
    let mut names: Vec<String> = scenario.customers.iter().filter_map(|customer| customer.by.clone()).collect();
    let names_of = std::cell::RefCell::new(&mut names);
    any_step(&scenario.steps, &|step| {
        names_of.borrow_mut().extend(step.by.clone());
        false
    });
    names.sort();
    names.dedup();
    names
}

fn agree(left: &BTreeMap<String, GivenRate>, right: &BTreeMap<String, GivenRate>) -> bool {
    right.iter().all(|(currency, rate)| left.get(currency).is_none_or(|known| known == rate))
}

/// Whether any step, of a repeat or a parallel too, is as asked.
fn any_step(steps: &[Step], holds: &impl Fn(&Step) -> bool) -> bool {
    steps.iter().any(|step| {
        holds(step)
            || match &step.action {
                Action::Parallel(steps) | Action::Repeat { steps, .. } => any_step(steps, holds),
                _ => false,
            }
    })
}

fn changes_a_pair(step: &Step) -> bool {
    let Action::Call(plan) = &step.action else { return false };
    let CallPlan { method: Method::Post, path: Template::Text(pieces), .. } = &**plan else { return false };
    let Some(Piece::Literal(path)) = pieces.first() else { return false };
    path.starts_with("/v1/rounds") || path.starts_with("/v1/halts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::read_text;

    const RATES: [&str; 3] = ["USD: \"1350.50\"", "USD: \"1350.57\"", "JPY: \"934.06\""];

    fn scenario(title: &str, rates: &str, step: &str) -> Scenario {
        let text = format!("scenario: {title}\ngiven: {{ rates: {{ {rates} }} }}\nsteps:\n  - {step}\n");
        read_text(&text).unwrap().remove(0)
    }

    #[test]
    fn scenarios_whose_rates_agree_share_a_turn_and_those_that_move_the_bank_do_not() {
        let read = "rates: USD";
        let scenarios = [
            scenario("a", RATES[0], read),
            scenario("b", RATES[1], read),
            scenario("clock", "", "clock: { advance: 1s }"),
            scenario("c", RATES[2], read),
            scenario("halt", RATES[0], "halt: { currency: USD }"),
            scenario("d", RATES[0], read),
            scenario("nested", RATES[0], "repeat: { times: 2, steps: [ { lift: USD, by: approver } ] }"),
        ];
        let turns = plan(&scenarios.iter().collect::<Vec<_>>());
        let indexes: Vec<&[usize]> = turns.iter().map(|turn| turn.scenarios.as_slice()).collect();
        assert_eq!(indexes, [&[0, 3, 5][..], &[1], &[4], &[6], &[2]]);
        assert_eq!(turns[0].rates.keys().collect::<Vec<_>>(), ["JPY", "USD"]);
        assert_eq!(callers(&scenarios[6]), ["approver"]);
        assert!(moves_clock(&scenarios[2]) && !moves_clock(&scenarios[0]));
    }
}
