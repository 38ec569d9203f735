//! The catalogue of rejections: its order, its texts, and the page that lists it.

use std::collections::HashSet;

use hwan_domain::rejection::{Code, Rejection, Violation, Violations};

/// Code and meaning of each row of the page, in its order.
fn rows_of_the_page() -> Vec<(String, String)> {
    let page = include_str!("../../../../docs/rejections.md");
    page.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| {
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            assert_eq!(cells.len(), 4, "code, meaning, when, what to do: {row}");
            assert!(cells.iter().all(|cell| !cell.trim().is_empty()), "{row}");
            (cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned())
        })
        .collect()
}

#[test]
fn the_page_lists_every_code_with_its_meaning_in_order_of_precedence() {
    let codes: Vec<(String, String)> =
        Code::ALL.iter().map(|code| (code.as_str().to_owned(), code.meaning().to_owned())).collect();
    assert_eq!(rows_of_the_page(), codes);
}

#[test]
fn a_code_is_a_stable_word_and_a_meaning_a_sentence() {
    let texts: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), Code::ALL.len(), "no text stands twice");
    assert!(Code::ALL.is_sorted());
    for code in Code::ALL {
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
        let meaning = code.meaning();
        assert!(meaning.ends_with('.') && !meaning.starts_with(' ') && !meaning.contains('|'), "{meaning}");
    }
}

#[test]
fn the_first_by_precedence_is_the_main_code_and_none_is_lost() {
    let found: Violations = [Code::InsufficientBalance, Code::Seized, Code::AccountClosed, Code::Seized]
        .into_iter()
        .map(|code| Violation::new(code, "detail"))
        .collect();
    let rejection = Rejection::of(found).unwrap();
    assert_eq!(rejection.code(), Code::AccountClosed);
    let codes: Vec<Code> = rejection.violations().iter().map(|violation| violation.code).collect();
    assert_eq!(codes, vec![Code::AccountClosed, Code::Seized, Code::InsufficientBalance]);
    assert_eq!(rejection.to_string(), "account_closed: detail; seized: detail; insufficient_balance: detail");
    assert_eq!(Rejection::of(Violations::new()), None);
    assert_eq!(Rejection::one(Code::QuoteUsed, "x").code(), Code::QuoteUsed);
}
