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
