//! The catalogue of rules: its ids, and the page that lists them.

use std::collections::BTreeSet;

use hwan_domain::anomaly::{Rule, Severity};

#[test]
fn every_rule_has_an_id_of_its_own_and_is_found_by_it() {
    let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert_eq!(Rule::parse(rule.as_str()), Some(*rule));
        assert!(rule.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{rule}");
        assert!(rule.explanation().ends_with('.'), "{rule}");
    }
    for severity in Severity::ALL {
        assert_eq!(Severity::parse(severity.as_str()), Some(severity));
    }
    assert_eq!((Rule::parse("sneezed"), Severity::parse("fatal")), (None, None));
}

/// Rule, severity, nature and meaning of each row of the page, in its order.
fn rows_of_the_page() -> Vec<Vec<String>> {
    let page = include_str!("../../../../docs/watch.md");
    let rules = page.split("## Rules").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = rules.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<String> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect();
        assert!(cells.len() == 5 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
        cells[..4].to_vec()
    })
    .collect()
}

#[test]
fn the_page_lists_exactly_the_rules_with_what_they_mean() {
    let rules: Vec<Vec<String>> = Rule::ALL
        .iter()
        .map(|rule| {
            let nature = format!("{:?}", rule.nature()).to_lowercase();
            [rule.as_str(), rule.severity().as_str(), &nature, rule.explanation()].map(str::to_owned).to_vec()
        })
        .collect();
    assert_eq!(rows_of_the_page(), rules);
}
