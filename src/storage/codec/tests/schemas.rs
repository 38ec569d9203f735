//! What is published is what `docs/events` says: every record's text fits the schema of its type, and a reader of today survives
//! what will be added.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use jsonschema::Validator;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{any_record, encode, fixture};

const SUFFIX: &str = ".v1.schema.json";

static SCHEMAS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = files.filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.to_owned();
        let schema: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(schema["title"], format!("hwan.ledger.{name}.v1"));
        assert_eq!(schema["properties"]["type"]["const"], name.as_str());
        assert_eq!(schema["additionalProperties"], true, "{name} must allow what will be added");
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Some((name, options.build(&schema).unwrap()))
    });
    named.collect()
});

/// What does not fit about an event.
fn misfits(event: &Value) -> Vec<String> {
    let name = event["type"].as_str().unwrap();
    let schema = SCHEMAS.get(name).unwrap_or_else(|| panic!("docs/events has no schema of {name}"));
    schema.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn exchange() -> Value {
    serde_json::from_str(&encode(&fixture::exchange_of_scenario_s01())).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_record_fits_the_schema_of_its_type(record in any_record()) {
        let event: Value = serde_json::from_str(&encode(&record)).unwrap();
        let misfits = misfits(&event);
        prop_assert!(misfits.is_empty(), "{:?} in {}", misfits, event);
    }
}

#[test]
fn every_type_has_a_schema_and_stands_in_the_asyncapi_document_and_no_other() {
    let mut runner = TestRunner::deterministic();
    let mut types = BTreeSet::new();
    for _ in 0..2_000 {
        types.insert(any_record().new_tree(&mut runner).unwrap().current().event.name().to_owned());
    }
    assert_eq!(types, SCHEMAS.keys().cloned().collect());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events/asyncapi.yaml");
    let page = fs::read_to_string(page).unwrap();
    for name in &types {
        assert!(page.contains(&format!("name: hwan.ledger.{name}.v1")), "{name}");
        assert!(page.contains(&format!("$ref: ./{name}{SUFFIX}")), "{name}");
    }
    assert_eq!(page.matches(SUFFIX).count(), types.len());
}

#[test]
fn a_schema_finds_what_is_wrong() {
    assert_eq!(misfits(&exchange()), Vec::<String>::new());
    for (pointer, wrong) in [
        ("/seq", json!("7")),
        ("/at", json!("2026-11-23 01:00:00")),
        ("/debit/amount", json!(-135_050)),
        ("/debit/amount", json!("-1.3505e5")),
        ("/credit/account", json!("cus_0008000000003")),
        ("/terms/side", json!("swap")),
        ("/totals", json!({ "won": "1" })),
    ] {
        let mut event = exchange();
        *event.pointer_mut(pointer).unwrap() = wrong;
        assert!(!misfits(&event).is_empty(), "{pointer}");
    }
    let mut event = exchange();
    event.as_object_mut().unwrap().remove("credit");
    assert!(!misfits(&event).is_empty(), "an exchange has two legs");
}

/// A reader of today: it knows some fields and ignores the others.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct OldReader {
    lane: u16,
    seq: u64,
    r#type: String,
    debit: OldLeg,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct OldLeg {
    account: String,
    amount: String,
}

#[test]
fn a_reader_of_today_survives_a_field_of_tomorrow() {
    let mut event = exchange();
    let before = OldReader::deserialize(&event).unwrap();
    event["v"] = json!(3);
    event["channel_fee"] = json!({ "currency": "KRW", "amount": "0" });
    event["debit"]["valued_at"] = json!("2026-11-24");
    event["terms"]["venue"] = json!("overnight");
    assert_eq!(OldReader::deserialize(&event).unwrap(), before);
    assert_eq!(misfits(&event), Vec::<String>::new(), "the schema of v1 lets it pass");
}
