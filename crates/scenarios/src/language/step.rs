//! Steps: one action each, and the fields beside it.

use super::{
    action::{ACTIONS, read_action},
    expect::read_expect,
    model::{Action, Step, Wanted},
    scalar,
    scope::Scope,
};
use crate::yaml::{Fields, Mistake, Node};

/// How often a step may be repeated, or done at once.
pub(super) const TIMES_MAX: u32 = 20_000;
/// The longest title of a step, in characters.
const TITLE_LEN_MAX: usize = 120;

/// What the steps of a list are to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// One after the other.
    Sequence,
    /// All at once.
    Parallel,
}

/// Reads a list of steps in their order; each sees the names of those before it. All mistakes are found.
pub(super) fn read_steps(node: &Node, scope: &mut Scope, order: Order) -> Result<Vec<Step>, Vec<Mistake>> {
    let nodes = node.list("a list of steps").map_err(|mistake| vec![mistake])?;
    if nodes.is_empty() {
        return Err(vec![Mistake::at(node.at, "expected at least one step")]);
    }
    let (mut steps, mut mistakes) = (Vec::new(), Vec::new());
    for node in nodes {
        match read_step(node, scope, order) {
            Ok(step) => steps.push(step),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(steps) } else { Err(mistakes) }
}

fn read_step(node: &Node, scope: &mut Scope, order: Order) -> Result<Step, Vec<Mistake>> {
    let one = |mistake: Mistake| vec![mistake];
    let mut fields = Fields::of(node, "a step").map_err(one)?;
    let save_as = fields.optional("as");
    let name = |node: &Node| -> Result<String, Mistake> {
        let name = node.text("a name such as b1")?;
        scope.free(name).map_err(|message| Mistake::at(node.at, message))?;
        Ok(name.to_owned())
    };
    // The name is of use to the steps that follow, even if this one is wrong: one mistake, not many.
    let name = save_as.map(name).transpose();
    let outcome = read_fields(&mut fields, node, scope, order);
    if let Ok(Some(name)) = &name {
        scope.add_answer(name);
    }
    let finished = fields.finish();
    let mut step = outcome.map_err(|mut mistakes| {
        mistakes.extend(finished.clone().err());
        // A wrong action's name is both an unknown field and a step without an action: the first says more.
        if finished.is_err() {
            mistakes.retain(|mistake| !mistake.message.starts_with(NO_ACTION));
        }
        mistakes
    })?;
    finished.map_err(one)?;
    step.save_as = name.map_err(one)?;
    Ok(step)
}

const NO_ACTION: &str = "a step does one thing";

fn read_fields(fields: &mut Fields<'_>, node: &Node, scope: &mut Scope, order: Order) -> Result<Step, Vec<Mistake>> {
    let one = |mistake: Mistake| vec![mistake];
    let text = |node: Option<&Node>, what: &str| -> Result<Option<String>, Vec<Mistake>> {
        node.map(|node| node.text(what).map(str::to_owned)).transpose().map_err(one)
    };
    let note = text(fields.optional("note"), "a text")?;
    let by = text(fields.optional("by"), "the name of a token")?;
    let times = match (fields.optional("times"), order) {
        (None, _) => 1,
        (Some(node), Order::Parallel) => scalar::whole(node, "a number of times", 1..=TIMES_MAX).map_err(one)?,
        (Some(node), Order::Sequence) => {
            return Err(one(Mistake::at(node.at, "`times` is for the steps of a parallel; use repeat here")));
        }
    };
    let expect = fields.optional("expect");
    let expect_is_said = expect.is_some();
    fields.known(ACTIONS);
    let found = fields.matching(|key| ACTIONS.contains(&key));
    let [(key, argument)] = found.as_slice() else {
        let names: Vec<&str> = found.iter().map(|(key, _)| key.text.as_str()).collect();
        let found = if names.is_empty() { "nothing to do".to_owned() } else { names.join(" and ") };
        return Err(vec![Mistake::at(node.at, format!("{NO_ACTION}, found {found}"))]);
    };
    let (action, expectable) = read_action(key, argument, scope)?;
    let mut expect = read_expect(expect, &key.text, expectable, scope).map_err(one)?;
    if order == Order::Parallel && !expect_is_said {
        expect.wanted = Wanted::Any; // the parallel counts the outcomes
    }
    if order == Order::Parallel && !matches!(action, Action::Call(_)) {
        return Err(one(Mistake::at(key.at, format!("a parallel takes requests only, not {}", key.text))));
    }
    let title = note.unwrap_or_else(|| title(&key.text, argument));
    Ok(Step { at: node.at, title, by, save_as: None, times, action, expect })
}

fn title(action: &str, argument: &Node) -> String {
    let argument = match argument.value {
        crate::yaml::Value::List(ref steps) if action == "parallel" || action == "batch" => {
            format!("of {}", steps.len())
        }
        _ => argument.in_a_line(),
    };
    let title = format!("{action} {argument}");
    match title.char_indices().nth(TITLE_LEN_MAX) {
        Some((end, _)) => format!("{}…", title.get(..end).unwrap_or_default()),
        None => title,
    }
}
