//! The documents say what is there: links lead somewhere, paths exist, every room is on the map, fields are explained,
//! commands and routes that are shown exist. Judged by reading.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All pages of the workspace, relative to its root.
fn pages() -> Vec<PathBuf> {
    let mut folders = vec![root().to_path_buf()];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let (path, name) = (entry.path(), entry.file_name().to_str().unwrap().to_owned());
            if path.is_dir() && !name.starts_with('.') && !["target", "data"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    assert!(pages.iter().any(|page| page == Path::new("docs/operations.md")), "the walk is wrong: {pages:?}");
    pages
}

/// The lines of a page's fenced blocks, each with what the fence says.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for line in page.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(kind), None) => fence = Some(kind),
            (None, Some(kind)) => lines.push((kind, line)),
            (None, None) => {}
        }
    }
    assert_eq!(fence, None, "a block is not closed");
    lines
}

/// What stands between single backticks outside of blocks.
fn quoted(page: &str) -> Vec<&str> {
    let mut in_block = false;
    page.lines()
        .filter(|line| {
            let fence = line.starts_with("```");
            in_block ^= fence;
            !in_block && !fence
        })
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// Links of a page without their anchors, of other sites too.
fn links(page: &str) -> Vec<&str> {
    page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(page.to_str().unwrap());
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap_or_default();
            if !root().join(page.parent().unwrap()).join(target).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_path_that_is_named_exists() {
    const FOLDERS: [&str; 10] =
        ["src/", "crates/", "tests/", "benches/", "config/", "docs/", "loadtest/", "xtask/", "migrations/", ".ci/"];
    let mut missing = Vec::new();
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/operations.md", "docs/rejections.md"] {
        for path in quoted(&read(page)) {
            let is_path = FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.contains([' ', '*', '<']);
            if is_path && !root().join(path).exists() {
                missing.push(format!("{page}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_room_and_every_crate_is_on_the_map() {
    let architecture = read("ARCHITECTURE.md");
    let map = architecture.split("## Code map").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: BTreeSet<&str> = quoted(map).into_iter().map(|path| path.trim_end_matches('/')).collect();
    let mut expected: Vec<String> =
        ["loadtest", "xtask", "config", "migrations/sqlite", "benches", "tests"].map(str::to_owned).to_vec();
    for folder in ["src", "crates", "src/storage"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_str().unwrap().to_owned();
            // Of the storage's rooms the folders; of the others what a module is.
            if folder != "src/storage" || entry.path().is_dir() {
                expected.push(format!("{folder}/{name}"));
            }
        }
    }
    let missing: Vec<&String> = expected.iter().filter(|path| !named.contains(path.as_str())).collect();
    assert!(missing.is_empty(), "not on the map: {missing:?}");
    for entry in fs::read_dir(root().join("src/actors")).unwrap() {
        let name = entry.unwrap().file_name().to_str().unwrap().to_owned();
        assert!(named.contains(name.as_str()), "src/actors/{name} is not on the map");
    }
}

#[test]
fn every_invariant_of_the_architecture_names_its_guard() {
    let architecture = read("ARCHITECTURE.md");
    let invariants: Vec<&str> =
        architecture.split("\n\n").filter(|paragraph| paragraph.starts_with("Architecture invariant: ")).collect();
    assert!(invariants.len() >= 12, "{} invariants", invariants.len());
    for invariant in invariants {
        assert!(invariant.contains('(') && !quoted(invariant).is_empty(), "no guard is named: {invariant}");
    }
}

#[test]
fn no_actor_answers_a_message() {
    for entry in fs::read_dir(root().join("src/actors")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.trim_start().starts_with("#[rtype")) {
            assert_eq!(line.trim(), "#[rtype(result = \"()\")]", "{}", path.display());
        }
    }
}

#[test]
fn every_field_of_the_configuration_is_explained() {
    let text = read("config/default.toml");
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
        assert!(pair[0].starts_with("# "), "no line above explains {:?}", pair[1]);
    }
}

#[test]
fn the_fields_that_pages_name_exist() {
    let defaults: toml::Table = toml::from_str(&read("config/default.toml")).unwrap();
    for page in ["README.md", "ARCHITECTURE.md", "docs/operations.md", "docs/rejections.md"] {
        let text = read(page);
        for name in quoted(&text).into_iter().map(|name| name.split(" = ").next().unwrap_or_default()) {
            let Some((section, field)) = name.split_once('.') else { continue };
            let Some(section) = defaults.get(section) else { continue };
            let file_name = ["rs", "lock", "log"].iter().any(|end| field.starts_with(end));
            let found = field.split('.').try_fold(section, |value, part| value.get(part));
            assert!(file_name || found.is_some(), "{page}: {name} is not a field of the configuration");
        }
    }
}

#[test]
fn every_metric_is_on_the_page_of_operations_and_no_other() {
    let page = read("docs/operations.md");
    let named: BTreeSet<&str> = quoted(&page).into_iter().filter(|name| name.starts_with("hwan_")).collect();
    let known: BTreeSet<&str> =
        hwan::telemetry::metric_name::MetricName::ALL.iter().map(|metric| metric.as_str()).collect();
    assert_eq!(named, known);
}

/// The routes: method and pattern.
fn routes() -> BTreeSet<(String, String)> {
    let operations = hwan::api::router::operations();
    let route = |operation: &&hwan::api::operation::Operation| {
        (operation.verb.as_str().to_owned(), format!("/v1{}", operation.path))
    };
    operations.iter().map(route).collect()
}

fn fits(path: &str, pattern: &str) -> bool {
    let (path, pattern): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), pattern.split('/').collect());
    path.len() == pattern.len()
        && path.iter().zip(pattern).all(|(part, expected)| *part == expected || expected.starts_with('{'))
}

#[test]
fn every_route_that_is_called_exists() {
    let routes = routes();
    let mut called = 0;
    for page in ["README.md", "docs/operations.md"] {
        let text = read(page);
        let commands = blocks(&text).into_iter().map(|(_, line)| line).filter(|line| line.starts_with("curl "));
        for line in commands {
            let url = line.split(' ').find(|word| word.starts_with("$H/") || word.starts_with("http://")).unwrap();
            let path = url.trim_start_matches("$H").trim_start_matches("http://127.0.0.1:8080");
            let method = if line.contains("-X POST") { "POST" } else { "GET" };
            assert!(
                routes.iter().any(|(of, pattern)| of == method && fits(path, pattern)),
                "{page}: no route for {method} {path}"
            );
            called += 1;
        }
    }
    assert!(called >= 10, "{called} calls were read");
    for (page, name) in [("docs/rejections.md", "GET /v1/currencies"), ("docs/rejections.md", "GET /v1/rates")] {
        assert!(quoted(&read(page)).contains(&name), "{page} names {name}");
    }
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hwan")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_that_is_shown_exists() {
    let xtask = read("xtask/src/main.rs");
    let loadtest: String =
        ["baseline", "compare", "load", "mod", "run"].map(|room| read(&format!("loadtest/src/cli/{room}.rs"))).concat();
    let mut shown = 0;
    for page in ["README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/performance.md"] {
        let text = read(page);
        let commands = blocks(&text).into_iter().map(|(_, line)| line).chain(quoted(&text));
        for line in commands {
            let line = line.split("  #").next().unwrap_or_default().trim();
            let words: Vec<&str> = line.split_whitespace().collect();
            let of_hwan = match words.as_slice() {
                ["cargo", "xtask", rest @ ..] => {
                    let command = rest.first().copied().unwrap_or("--help");
                    assert!(xtask.contains(&format!("\"{command}\"")), "{page}: {line}");
                    shown += 1;
                    continue;
                }
                ["cargo", "run", "--release", "-p", "hwan-loadtest", "--", rest @ ..] => {
                    for flag in rest.iter().filter_map(|word| word.strip_prefix("--")).filter(|flag| *flag != "help") {
                        let field = format!(" {}:", flag.replace('-', "_"));
                        assert!(loadtest.contains(&field), "{page}: --{flag} in {line}");
                    }
                    shown += 1;
                    continue;
                }
                ["cargo", "bench", "--bench", bench] => {
                    assert!(root().join(format!("benches/{bench}.rs")).exists(), "{page}: {line}");
                    shown += 1;
                    continue;
                }
                ["cargo", "test", "--test", test, ..] => {
                    assert!(root().join(format!("tests/{test}.rs")).exists(), "{page}: {line}");
                    shown += 1;
                    continue;
                }
                ["cargo", "run", "--release", "--", rest @ ..] | ["cargo", "run", "--release", rest @ ..] => rest,
                // A command line, not a sentence or an output that begins with the name.
                ["hwan"] => &[],
                ["hwan", first, rest @ ..]
                    if first.starts_with("--") || rest.is_empty() || rest[0].starts_with("--") =>
                {
                    &words[1..]
                }
                _ => continue,
            };
            let mut command: Vec<&str> = Vec::new();
            let mut help = help(&command);
            // As deep as its words name commands; what follows are arguments and flags.
            for word in of_hwan.iter().take_while(|word| !word.starts_with("--")) {
                if !help.contains(&format!("\n  {word}")) {
                    break;
                }
                command.push(*word);
                help = self::help(&command);
            }
            let names_a_command = of_hwan.first().is_some_and(|first| !first.starts_with("--"));
            assert!(!names_a_command || !command.is_empty(), "{page}: no such command in {line}");
            for flag in of_hwan.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(*flag), "{page}: {flag} in {line}");
            }
            shown += 1;
        }
    }
    assert!(shown >= 10, "{shown} commands were read");
}

#[test]
fn the_pages_require_the_rust_of_the_manifest() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let version = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert!(read("README.md").contains(&format!("stable Rust ({version} or newer)")));
}
