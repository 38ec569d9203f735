//! Who may import whom, and what the house does not want: judged by reading the sources.
//!
//! [`judge_source`] and [`judge_manifest`] are pure, from (path, text) to findings; the first test applies them to the
//! whole workspace, the others plant a bad source for each rule and see it found. Strings never count, comments count
//! for unfinished work only.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "common/source.rs"]
mod source;

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use source::Source;

/// A breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    rule: &'static str,
    found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (found {})", self.path, self.rule, self.found)
    }
}

/// A word that only some paths may name: the word, how the paths that may begin, the rule.
const WORDS: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["src/storage/", "tests/store_", "tests/tamper", "crates/chaos/", "loadtest/src/baseline/"],
        "only src/storage, its tests, the crash tests and what the engine is compared with name sqlx",
    ),
    ("dashmap", &["src/actors/directory.rs"], "only src/actors/directory.rs names dashmap"),
    ("DashMap", &["src/actors/directory.rs"], "only src/actors/directory.rs names dashmap"),
];

/// A room, and what it may not import.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("api", &["storage", "outbox", "startup", "shutdown"], "api sees the actors' facade and the domain, no store"),
    (
        "actors",
        &["api", "startup", "shutdown"],
        "actors see the domain, the port of storage, and who follows the journal",
    ),
    ("actors", &["storage::sqlite", "storage::mysql"], "actors see the ports of storage, no store"),
    ("storage", &["api", "actors", "outbox", "startup", "shutdown"], "storage sees the domain"),
    ("projection", &["api", "actors", "startup", "shutdown"], "projections see the domain and the ports of storage"),
    ("outbox", &["api", "actors", "startup", "shutdown"], "the outbox sees the domain and the ports of storage"),
    (
        "closing",
        &["api", "actors", "startup", "shutdown"],
        "closing sees the domain, the books and the ports of storage",
    ),
    ("accounting", &["api", "actors", "startup", "shutdown"], "accounting sees the domain and the ports of storage"),
    ("reconciliation", &["api", "actors", "startup"], "reconciliation sees the domain and the ports of storage"),
    ("watch", &["api", "actors", "startup", "shutdown"], "the watch sees the domain and the ports of storage"),
    ("sealing", &["api", "actors", "startup", "shutdown"], "sealing sees the domain and the ports of storage"),
    ("access", &["api", "actors", "storage", "startup", "shutdown"], "access sees roles and callers, no money"),
    ("tls", &["api", "actors", "storage", "access", "startup"], "TLS sees files and sockets"),
    ("config", &["api", "startup", "shutdown"], "config is read by startup and sees no room that uses it"),
    (
        "telemetry",
        &["api", "actors", "storage", "outbox", "startup"],
        "telemetry is seen by the rooms, not the reverse",
    ),
    ("clock", &["api", "actors", "storage", "outbox", "startup"], "the clock sees the domain"),
];

/// What a room's name covers: its folder, or its file.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    inside.split_once('/').map(|(room, _)| room).or_else(|| inside.strip_suffix(".rs"))
}

/// Everything in a source that the house does not want.
fn judge_source(path: &str, text: &str) -> Vec<Finding> {
    let source = Source::read(text);
    let mut findings = Vec::new();
    let mut found = |rule, found: String| findings.push(Finding { path: path.to_owned(), rule, found });
    if !text.starts_with("//!") {
        found("a source begins with its header (//!)", text.lines().next().unwrap_or_default().to_owned());
    }
    for (word, allowed, rule) in WORDS {
        if source.names(word) && !allowed.iter().any(|prefix| path.starts_with(prefix)) {
            found(rule, (*word).to_owned());
        }
    }
    if source.names("rdkafka") && !path.contains("kafka") {
        found("only the Kafka files name rdkafka", "rdkafka".to_owned());
    }
    let of_loadtest = path.starts_with("loadtest/") && path != "loadtest/src/in_process.rs";
    for word in ["hwan", "hwan_domain"].into_iter().filter(|word| of_loadtest && source.names(word)) {
        found("the load generator knows the engine by its API, but for in_process.rs, which runs it", word.to_owned());
    }
    let may_read_environment =
        ["src/config/", "src/config.rs", "tests/", "xtask/"].iter().any(|prefix| path.starts_with(prefix))
            || path.ends_with("build.rs");
    if !may_read_environment {
        for read in source.environment_reads() {
            found("only src/config reads the environment", read);
        }
    }
    for word in ["todo", "unimplemented"] {
        if source.calls_macro(word) {
            found("nothing is left unfinished", format!("{word}!"));
        }
    }
    for word in ["TODO", "FIXME", "XXX"] {
        if source.comments_name(word) || source.names(word) {
            found("nothing is left unfinished", word.to_owned());
        }
    }
    if path.starts_with("crates/domain/") {
        for word in ["f32", "f64"].into_iter().filter(|word| source.names(word)) {
            found("no float in the domain", word.to_owned());
        }
        for word in ["hwan", "tokio", "actix", "serde", "chrono"].into_iter().filter(|word| source.names(word)) {
            found("the domain is pure and imports nothing of ours", word.to_owned());
        }
    }
    let imports = source.imports(path);
    for (_, forbidden, rule) in ROOMS.iter().filter(|(room, ..)| Some(*room) == room_of(path)) {
        for import in &imports {
            if forbidden.iter().any(|room| import == room || import.starts_with(&format!("{room}::"))) {
                found(rule, import.clone());
            }
        }
    }
    findings
}

/// What the manifests of the crates beside the root may list: crate, section, names.
const MANIFESTS: &[(&str, &str, &[&str])] = &[
    ("crates/domain/Cargo.toml", "dependencies", &["rust_decimal", "smallvec", "thiserror", "time"]),
    ("crates/domain/Cargo.toml", "dev-dependencies", &["proptest"]),
    ("crates/domain/Cargo.toml", "build-dependencies", &[]),
    ("crates/client/Cargo.toml", "dependencies", &["serde", "serde_json", "thiserror", "tokio", "tokio-rustls"]),
    ("xtask/Cargo.toml", "dependencies", &["hwan-services"]),
    ("crates/services/Cargo.toml", "dependencies", &[]),
];

/// Features that would let the domain read a clock or serialize itself: dependency, feature.
const IMPURE_FEATURES: &[(&str, &[&str])] = &[
    ("time", &["std", "default", "local-offset", "serde", "serde-human-readable", "serde-well-known"]),
    ("rust_decimal", &["serde", "serde-float", "serde-str", "serde-with-str", "serde-with-float"]),
    ("smallvec", &["serde"]),
];

/// Everything in a manifest that the house does not want.
fn judge_manifest(path: &str, text: &str) -> Vec<Finding> {
    let manifest: toml::Table = toml::from_str(text).unwrap();
    let mut findings = Vec::new();
    let mut found = |rule, found: String| findings.push(Finding { path: path.to_owned(), rule, found });
    let names = |section: &str| -> Vec<String> {
        manifest
            .get(section)
            .and_then(toml::Value::as_table)
            .map_or_else(Vec::new, |table| table.keys().cloned().collect())
    };
    for (_, section, allowed) in MANIFESTS.iter().filter(|(manifest, ..)| *manifest == path) {
        for name in names(section).into_iter().filter(|name| !allowed.contains(&name.as_str())) {
            found("this crate's dependencies are a closed list", format!("{section}: {name}"));
        }
    }
    if manifest.contains_key("target") && MANIFESTS.iter().any(|(manifest, ..)| *manifest == path) {
        found("this crate's dependencies are a closed list", "target".to_owned());
    }
    if path == "crates/scenarios/Cargo.toml" {
        for name in names("dependencies").into_iter().filter(|name| name.starts_with("hwan") && name != "hwan-client") {
            found("the scenarios know the engine by its API alone", name);
        }
    }
    for (dependency, impure) in IMPURE_FEATURES {
        let declared = manifest
            .get("workspace")
            .and_then(|workspace| workspace.get("dependencies"))
            .or_else(|| manifest.get("dependencies").filter(|_| path == "crates/domain/Cargo.toml"))
            .and_then(|dependencies| dependencies.get(*dependency));
        let Some(declared) = declared else { continue };
        let of_workspace = declared.get("workspace").is_some();
        if !of_workspace
            && declared.get("default-features").and_then(toml::Value::as_bool) != Some(false)
            && *dependency == "time"
        {
            found("the domain reads no clock", format!("{dependency}: default features"));
        }
        let features = declared.get("features").and_then(toml::Value::as_array);
        for feature in features.into_iter().flatten().filter_map(toml::Value::as_str) {
            if impure.contains(&feature) {
                found("the domain reads no clock and serializes nothing", format!("{dependency}: {feature}"));
            }
        }
    }
    findings
}

/// All sources and manifests of the workspace, relative to its root.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "data"].contains(&name) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") || name == "Cargo.toml" {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((relative, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

#[test]
fn the_whole_workspace_keeps_the_rules_of_the_house() {
    let files = files();
    let seen: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    for expected in ["src/lib.rs", "src/main.rs", "crates/domain/Cargo.toml", "tests/house_imports.rs"] {
        assert!(seen.contains(expected), "{expected} was not read: the walk is wrong");
    }
    let findings: Vec<String> = files
        .iter()
        .flat_map(
            |(path, text)| if path.ends_with(".rs") { judge_source(path, text) } else { judge_manifest(path, text) },
        )
        .map(|finding| finding.to_string())
        .collect();
    assert!(findings.is_empty(), "the house rules are broken:\n{}", findings.join("\n"));
}

fn rules(path: &str, code: &str) -> Vec<&'static str> {
    judge_source(path, &format!("//! A header.\n{code}")).into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_planted_source_is_found_in_the_wrong_room_and_not_in_the_right_one() {
    // code, a path where it is wrong, a path where it is right
    let planted = [
        ("use sqlx::Row;", "src/actors/lane.rs", "src/storage/sqlite/mod.rs"),
        ("fn f() { sqlx::query(q) }", "src/api/router.rs", "src/storage/sqlite/commit.rs"),
        ("use dashmap::DashMap;", "src/actors/lane.rs", "src/actors/directory.rs"),
        ("use dashmap as m;", "src/storage/port.rs", "src/actors/directory.rs"),
        ("use rdkafka::producer::ThreadedProducer;", "src/outbox/relay.rs", "src/outbox/kafka.rs"),
        ("fn f() { std::env::var(\"A\"); }", "src/startup.rs", "src/config/mod.rs"),
        ("use std::env; fn f() { env :: var_os(\"A\"); }", "src/main.rs", "xtask/src/main.rs"),
        ("use std::env::{self, vars};", "crates/client/src/lib.rs", "tests/any.rs"),
        ("use crate::storage::port::Epoch;", "src/api/exchanges.rs", "src/actors/lane.rs"),
        ("use crate::{clock::Clock, storage::{port, codec}};", "src/api/exchanges.rs", "src/actors/lane.rs"),
        ("fn f(e: crate::storage::port::Epoch) {}", "src/api/exchanges.rs", "src/startup.rs"),
        ("use super::super::storage::port::Epoch;", "src/api/exchanges.rs", "src/actors/lane.rs"),
        ("use super::storage as s;", "src/api/mod.rs", "src/actors/mod.rs"),
        ("use crate::storage::sqlite::SqliteStore;", "src/actors/lane.rs", "src/startup.rs"),
        ("use crate::api::router;", "src/actors/lane.rs", "src/startup.rs"),
        ("use crate::api::router;", "src/storage/port.rs", "src/startup.rs"),
        ("use crate::api::router;", "src/outbox/relay.rs", "src/startup.rs"),
        ("use crate::actors::engine::Engine;", "src/storage/port.rs", "src/api/router.rs"),
        ("use crate::startup;", "src/api/router.rs", "src/main.rs"),
        ("use hwan::startup;", "loadtest/src/run.rs", "loadtest/src/in_process.rs"),
        ("use sqlx::MySqlConnection;", "loadtest/src/run.rs", "loadtest/src/baseline/row_lock.rs"),
        ("const RATE: f64 = 1.0;", "crates/domain/src/rate.rs", "loadtest/src/run.rs"),
        ("use hwan::clock::Clock;", "crates/domain/src/time.rs", "crates/simulator/src/lib.rs"),
        ("use serde::Serialize;", "crates/domain/src/money.rs", "crates/client/src/money.rs"),
    ];
    for (code, wrong, right) in planted {
        assert_eq!(rules(wrong, code).len().min(1), 1, "{code} must be found in {wrong}");
        assert_eq!(rules(right, code), [""; 0], "{code} is fine in {right}");
    }
}

#[test]
fn unfinished_work_is_found_in_code_and_comments() {
    for code in ["fn f() { todo!() }", "fn f() { unimplemented !(\"x\") }", "// TODO: later", "/* FIXME */", "/// XXX"]
    {
        assert_eq!(rules("src/actors/lane.rs", code), ["nothing is left unfinished"], "{code}");
    }
}

#[test]
fn strings_and_comments_name_nothing() {
    let code = r##"
        // sqlx decodes by a parse that rounds; std::env::var is for config; crate::storage too
        /* dashmap /* nested */ rdkafka */
        const A: &str = "use sqlx; \" TODO crate::storage::port";
        const B: &str = r#"dashmap " todo!() "#;
        const C: char = '"';
        fn f<'a>(x: &'a str) -> &'a str { x }
        const D: &[u8] = b"f64 sqlx";
    "##;
    assert_eq!(rules("src/api/router.rs", code), [""; 0]);
    // What follows a quote in a character literal is code again.
    assert_eq!(rules("src/api/router.rs", "const C: char = '\"'; use sqlx::Row; const D: char = '\"';").len(), 1);
    assert_eq!(rules("src/api/router.rs", r"const C: char = '\''; use sqlx::Row;").len(), 1);
}

#[test]
fn a_source_without_a_header_is_found() {
    assert_eq!(judge_source("src/clock.rs", "use std::fmt;\n").len(), 1);
    assert_eq!(judge_source("src/clock.rs", "\n//! Late.\n").len(), 1);
    assert_eq!(judge_source("src/clock.rs", "//! The clock.\nuse std::fmt;\n"), []);
}

#[test]
fn a_planted_dependency_is_found() {
    let domain = "crates/domain/Cargo.toml";
    for (path, manifest) in [
        (domain, "[dependencies]\ntokio = \"1\""),
        (domain, "[dependencies]\nserde.workspace = true"),
        (domain, "[dependencies]\nhwan.workspace = true"),
        (domain, "[dev-dependencies]\nsqlx = \"0.9\""),
        (domain, "[build-dependencies]\ncc = \"1\""),
        (domain, "[target.'cfg(unix)'.dependencies]\nlibc = \"1\""),
        (domain, "[dependencies]\ntime = { workspace = true, features = [\"std\"] }"),
        (domain, "[dependencies]\nrust_decimal = { workspace = true, features = [\"serde\"] }"),
        (
            "Cargo.toml",
            "[workspace.dependencies]\ntime = { version = \"0.3\", default-features = false, features = [\"std\"] }",
        ),
        ("Cargo.toml", "[workspace.dependencies]\ntime = \"0.3\""),
        ("crates/client/Cargo.toml", "[dependencies]\nhwan-domain.workspace = true"),
        ("crates/scenarios/Cargo.toml", "[dependencies]\nhwan-domain.workspace = true"),
        ("xtask/Cargo.toml", "[dependencies]\nclap.workspace = true"),
    ] {
        assert_eq!(judge_manifest(path, manifest).len(), 1, "{path}: {manifest}");
    }
    let good =
        "[dependencies]\ntime.workspace = true\nrust_decimal.workspace = true\n[dev-dependencies]\nproptest = \"1\"";
    assert_eq!(judge_manifest(domain, good), []);
}
