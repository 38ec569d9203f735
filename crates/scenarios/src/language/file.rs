//! Files: their documents, and the rows of examples that make one document into many scenarios.

use std::{fs, path::Path};

use super::{
    given::read_given,
    model::Scenario,
    scalar,
    scope::Scope,
    step::{Order, read_steps},
};
use crate::yaml::{self, Fields, FileError, Key, Mistake, Node, Place, Value};

/// The most scenarios of one file, examples included.
const SCENARIOS_MAX: usize = 500;

/// Reads a file. All mistakes that can be found are returned, not the first alone.
pub(crate) fn read_file(path: &Path) -> Result<Vec<Scenario>, Vec<FileError>> {
    let error = |mistake: Mistake| FileError { path: path.to_owned(), at: mistake.at, message: mistake.message };
    let unreadable =
        |cause: std::io::Error| vec![error(Mistake::at(Place::default(), format!("cannot be read: {cause}")))];
    let text = fs::read_to_string(path).map_err(unreadable)?;
    read_text(&text).map_err(|mistakes| mistakes.into_iter().map(error).collect())
}

pub(crate) fn read_text(text: &str) -> Result<Vec<Scenario>, Vec<Mistake>> {
    let mut scenarios = Vec::new();
    let mut mistakes = Vec::new();
    for document in yaml::documents(text).map_err(|mistake| vec![mistake])? {
        if document.is_empty() {
            continue; // such as a file that begins with a comment and a `---`
        }
        match rows(&document) {
            Ok(rows) => {
                for row in rows {
                    match read_scenario(&row) {
                        Ok(scenario) => scenarios.push(scenario),
                        Err(found) => mistakes.extend(found),
                    }
                }
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() && scenarios.is_empty() {
        mistakes.push(Mistake::at(Place { line: 1, column: 1 }, "the file holds no scenario"));
    }
    if scenarios.len() > SCENARIOS_MAX {
        let message = format!("{} scenarios in one file, at most {SCENARIOS_MAX}: split it", scenarios.len());
        mistakes.push(Mistake::at(Place { line: 1, column: 1 }, message));
    }
    for (index, scenario) in scenarios.iter().enumerate() {
        if scenarios.iter().take(index).any(|other| other.title == scenario.title) {
            let message = format!("two scenarios are called `{}`: reports could not tell them apart", scenario.title);
            mistakes.push(Mistake::at(scenario.at, message));
        }
    }
    mistakes.sort_by_key(|mistake| mistake.at);
    mistakes.dedup(); // the rows of examples share their mistakes
    if mistakes.is_empty() { Ok(scenarios) } else { Err(mistakes) }
}

/// The document once for each row of its examples, with the row's values in place of `<name>`.
fn rows(document: &Node) -> Result<Vec<Node>, Mistake> {
    let entries = document.map("a scenario: a map of scenario, given, steps")?;
    let Some((_, examples)) = entries.iter().find(|(key, _)| key.text == "examples") else {
        return Ok(vec![document.clone()]);
    };
    let rows = examples.list("a list of rows, each a map of values")?;
    let rest: Vec<(Key, Node)> = entries.iter().filter(|(key, _)| key.text != "examples").cloned().collect();
    let rest = Node { at: document.at, value: Value::Map(rest) };
    if rows.is_empty() {
        return Err(Mistake::at(examples.at, "examples need at least one row"));
    }
    rows.iter()
        .map(|row| {
            let row = row.map("a row: a map of values")?;
            Ok(fill(&rest, row))
        })
        .collect()
}

/// A copy with `<name>` replaced wherever it stands; a text that is nothing else becomes the value itself. Depth is
/// that of the file, so bounded.
fn fill(node: &Node, row: &[(Key, Node)]) -> Node {
    let value = match &node.value {
        Value::Scalar { text, quoted } => {
            let whole = |(key, _): &&(Key, Node)| *text == format!("<{}>", key.text);
            if let Some((_, value)) = row.iter().find(whole) {
                return Node { at: node.at, value: value.value.clone() };
            }
            let text = row.iter().fold(text.clone(), |text, (key, value)| match &value.value {
                Value::Scalar { text: with, .. } => text.replace(&format!("<{}>", key.text), with),
                Value::List(_) | Value::Map(_) => text,
            });
            Value::Scalar { text, quoted: *quoted }
        }
        Value::List(nodes) => Value::List(nodes.iter().map(|node| fill(node, row)).collect()),
        Value::Map(entries) => Value::Map(entries.iter().map(|(key, node)| (key.clone(), fill(node, row))).collect()),
    };
    Node { at: node.at, value }
}

fn read_scenario(document: &Node) -> Result<Scenario, Vec<Mistake>> {
    let one = |mistake: Mistake| vec![mistake];
    let mut fields = Fields::of(document, "a scenario").map_err(one)?;
    let title = fields.required("scenario").and_then(title).map_err(one)?;
    let about = fields.optional("about").map(|node| node.text("a text").map(str::to_owned)).transpose().map_err(one)?;
    let alone = fields.optional("alone").map(scalar::truth).transpose().map_err(one)?.unwrap_or(false);
    let mut scope = Scope::default();
    let (rates, customers) = match fields.optional("given") {
        Some(node) => read_given(node, &mut scope).map_err(one)?,
        None => Default::default(),
    };
    let steps = fields.required("steps").map_err(one)?;
    fields.finish().map_err(one)?;
    let steps = read_steps(steps, &mut scope, Order::Sequence)?;
    Ok(Scenario { title, at: document.at, about, rates, customers, steps, alone })
}

fn title(node: &Node) -> Result<String, Mistake> {
    let title = node.text("the scenario's title")?;
    if title.contains(['<', '>']) {
        return Err(Mistake::at(node.at, format!("`{title}` names a value that no row of the examples has")));
    }
    Ok(title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUY: &str = "scenario: S01 buy
given:
  rates: { USD: \"1350.50\" }
  customers:
    kim: { KRW: \"1000000\" }
steps:
  - exchange: { customer: kim, side: buy, foreign: \"100.00 USD\" }
    as: b1
    expect: { won: \"135050 KRW\" }
  - balances: kim
    expect: { KRW: \"864950\", USD: \"100.00\" }
";

    fn mistakes(text: &str) -> Vec<String> {
        let mistakes = read_text(text).err().unwrap_or_default();
        mistakes.into_iter().map(|found| format!("{}:{}: {}", found.at.line, found.at.column, found.message)).collect()
    }

    #[test]
    fn the_first_scenario_reads() {
        let scenarios = read_text(BUY).unwrap();
        assert_eq!(scenarios[0].title, "S01 buy");
        assert_eq!(scenarios[0].rates["USD"].mid, "1350.50");
        assert_eq!(scenarios[0].customers[0].money, [("1000000".to_owned(), "KRW".to_owned())]);
        assert_eq!(scenarios[0].steps.len(), 2);
        assert_eq!(scenarios[0].steps[0].title, "exchange customer=kim side=buy foreign=100.00 USD");
    }

    #[test]
    fn mistakes_of_several_steps_are_all_found_with_line_and_column() {
        let text = BUY.replace("side: buy", "sied: buy").replace("balances: kim", "balances: lee");
        assert_eq!(
            mistakes(&text),
            [
                "7:32: an exchange has no field `sied`: did you mean `side`?",
                "10:15: no customer `lee` is given: known are kim",
            ]
        );
    }

    #[test]
    fn what_is_wrong_in_a_file_is_said_where_it_stands() {
        let cases = [
            ("\"100.00 USD\"", "\"100.0 USD\"", "7:52: USD has 2 decimals, found `100.0`"),
            ("1000000", "1000000.5", "5:17: KRW has 0 decimals, found `1000000.5`"),
            ("\"1350.50\"", "high", "3:17: expected a rate such as \"1350.50\", found `high`"),
            ("won:", "wom:", "9:15: the answer to exchange has no field `wom`: did you mean `won`?"),
            ("as: b1", "as: kim", "8:9: `kim` is a customer already"),
            ("as: b1", "ass: b1", "8:5: a step has no field `ass`: did you mean `as`?"),
            ("side: buy", "side: by", "7:38: expected buy or sell, found `by`"),
            ("side: buy, ", "", "7:15: an exchange needs the field `side`"),
            ("exchange:", "exchnge:", "7:5: a step has no field `exchnge`: did you mean `exchange`?"),
            ("steps:", "stesp:", "6:1: "),
            (
                "balances: kim",
                "balances: kim\n    deposit: {}",
                "10:5: a step does one thing, found balances and deposit",
            ),
        ];
        for (good, bad, expected) in cases {
            let found = mistakes(&BUY.replacen(good, bad, 1));
            let starts = found.iter().any(|found| found.starts_with(expected));
            assert!(starts || expected.ends_with(": ") && !found.is_empty(), "{bad}: {found:?}, expected {expected}");
        }
        assert_eq!(mistakes(""), ["1:1: the file holds no scenario"]);
        assert!(mistakes(&format!("{BUY}---\n{BUY}"))[0].contains("two scenarios are called"));
    }

    #[test]
    fn examples_make_one_scenario_of_each_row() {
        let text = BUY.replace("S01 buy", "S01 buy <much>").replace("100.00 USD", "<much> USD")
            + "examples:\n  - { much: \"100.00\" }\n  - { much: \"5.00\" }\n";
        let titles: Vec<String> = read_text(&text).unwrap().into_iter().map(|scenario| scenario.title).collect();
        assert_eq!(titles, ["S01 buy 100.00", "S01 buy 5.00"]);
        assert!(mistakes(&text.replace("much: ", "many: "))[0].contains("no row of the examples"));
    }

    /// What the documentation calls a yaml block.
    fn documented() -> Vec<String> {
        let page = include_str!("../../../../docs/scenarios.md");
        page.split("```yaml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
    }

    #[test]
    fn every_example_of_the_documentation_reads() {
        let examples = documented();
        assert_eq!(examples.len(), 3);
        for example in examples {
            assert_eq!(mistakes(&example), [""; 0], "{example}");
        }
    }

    #[test]
    fn the_documentation_names_every_action() {
        let page = include_str!("../../../../docs/scenarios.md");
        for action in crate::language::action::ACTIONS {
            assert!(page.contains(&format!("`{action}`")), "{action} is not explained");
        }
    }
}
