//! docs/api.md is true: every shell line of it is run, in order, against a server of its own, and every answer that the
//! page shows is compared with the answer that came.
//!
//! On the page, a block marked `sh` is run; a `json` or `text` block after it is what it printed. Blocks without a mark
//! are not run. What differs from run to run is matched by its shape: ids (one id of the page is one id of the run,
//! wherever it stands), times, dates, request ids; `…` stands for any text, as a last item for further items, as a key
//! for further fields. Everything else has to be equal: a field more or less is a difference. Of a text, the shown lines
//! have to be there in this order.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "docs_api/page.rs"]
mod page;
#[path = "docs_api/shown.rs"]
mod shown;
#[path = "docs_api/walk.rs"]
mod walk;

use page::{Answer, Block};
use shown::Names;

const PAGE: &str = include_str!("../docs/api.md");

#[test]
fn every_line_of_the_customers_day_does_what_the_page_says() {
    let blocks = page::blocks(PAGE).unwrap();
    let outputs = walk::run(&blocks);
    let mut names = Names::default();
    let mut differences = Vec::new();
    for (block, output) in blocks.iter().zip(&outputs) {
        let compared = match &block.answer {
            Answer::Unshown => Ok(()),
            Answer::Json(expected) => shown::compare_json(expected, output, &mut names),
            Answer::Text(lines) => shown::compare_text(lines, output, &mut names),
        };
        if let Err(difference) = compared {
            differences.push(format!(
                "docs/api.md:{}: {difference}\n--- run:\n{}\n--- printed:\n{output}",
                block.line, block.script
            ));
        }
    }
    assert!(differences.is_empty(), "{} differences\n\n{}", differences.len(), differences.join("\n\n"));
}

#[test]
fn the_page_shows_what_most_of_its_lines_answer() {
    let blocks = page::blocks(PAGE).unwrap();
    let shown = blocks.iter().filter(|block| !matches!(block.answer, Answer::Unshown)).count();
    assert!(shown >= 25 && shown * 2 > blocks.len(), "{shown} of {} blocks", blocks.len());
    // Nothing may hide from the run: what asks the server stands in a block that is run.
    let unrun: Vec<&str> = page::unmarked(PAGE).into_iter().filter(|text| text.contains("curl ")).collect();
    assert_eq!(unrun, Vec::<&str>::new());
}

#[test]
fn a_page_is_taken_apart_into_what_is_run_and_what_it_answers() {
    let text = "# A\n```sh\nX=1\necho $X\n```\nsays\n```json\n{\"a\":1}\n{\"b\":2}\n```\n```\nnot run\n```\n```sh\ntrue\n```\n";
    let blocks = page::blocks(text).unwrap();
    assert_eq!((blocks.len(), blocks[0].line, blocks[0].script.as_str()), (2, 2, "X=1\necho $X\n"));
    assert!(matches!(&blocks[0].answer, Answer::Json(values) if values.len() == 2));
    assert!(matches!(blocks[1], Block { answer: Answer::Unshown, .. }));
    assert_eq!(page::unmarked(text), ["not run\n"]);
    for bad in ["```json\n{}\n```\n", "```sh\ntrue\n", "```sh\ntrue\n```\n```json\n{\n```\n", "```python\n1\n```\n"] {
        assert!(page::blocks(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_differs_from_run_to_run_is_matched_by_shape_and_nothing_else() {
    let same = |shown: &str, found: &str| {
        let shown: Vec<serde_json::Value> = vec![serde_json::from_str(shown).unwrap()];
        shown::compare_json(&shown, found, &mut Names::default()).is_ok()
    };
    let at = |at: &str| format!(r#"{{"id":"exg_0008000000006","at":"{at}","n":1}}"#);
    assert!(same(&at("2026-11-23T01:00:00.000000Z"), &at("2027-01-02T03:04:05.678901Z")));
    assert!(!same(&at("2026-11-23T01:00:00.000000Z"), &at("2027-01-02T03:04:05Z")), "not of the same precision");
    assert!(!same(r#"{"n":1}"#, r#"{"n":2}"#));
    assert!(!same(r#"{"n":1}"#, r#"{"n":1,"m":2}"#), "a field more");
    assert!(same(r#"{"n":1,"…":"…"}"#, r#"{"n":1,"m":2}"#));
    assert!(!same(r#"{"n":1,"m":2}"#, r#"{"n":1}"#), "a field less");
    assert!(same(r#"["a","…"]"#, r#"["a","b","c"]"#));
    assert!(!same(r#"["a"]"#, r#"["a","b"]"#));
    assert!(same(r#""used by acc_0008000000001 at …""#, r#""used by acc_000800000000z at 7""#));
    assert!(!same(r#""cus_0008000000001""#, r#""acc_0008000000001""#), "another kind of id");
    assert!(same(r#""USD-20261123-1""#, r#""USD-20270101-1""#));
    assert!(!same(r#""USD-20261123-1""#, r#""USD-20270101-2""#));
    assert!(same(r#""req-b7b14439-e""#, r#""req-00000000-1f""#));
}

#[test]
fn one_id_of_the_page_is_one_id_of_the_run() {
    let same = |shown: &str, found: &str| {
        let shown: Vec<serde_json::Value> = vec![serde_json::from_str(shown).unwrap()];
        shown::compare_json(&shown, found, &mut Names::default()).is_ok()
    };
    let pair = |one: &str, other: &str| format!(r#"["acc_{one:0>13}","acc_{other:0>13}"]"#);
    assert!(same(&pair("1", "2"), &pair("8", "9")));
    assert!(same(&pair("1", "1"), &pair("8", "8")));
    assert!(!same(&pair("1", "1"), &pair("8", "9")));
    assert!(!same(&pair("1", "2"), &pair("8", "8")));
}

#[test]
fn shown_lines_stand_in_their_order() {
    let compare = |shown: &[&str], found: &str| {
        let shown: Vec<String> = shown.iter().map(|line| (*line).to_owned()).collect();
        shown::compare_text(&shown, found, &mut Names::default()).is_ok()
    };
    assert!(compare(&["HTTP/1.1 304 …", "etag: \"3\""], "HTTP/1.1 304 Not Modified\r\ndate: x\r\netag: \"3\"\r\n"));
    assert!(!compare(&["b", "a"], "a\nb\n"));
}
