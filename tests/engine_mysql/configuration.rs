//! The example configuration is one that hwan takes.

use std::path::{Path, PathBuf};

use hwan::config::{Config, Overrides, store::StoreKind};

use crate::own_server::{RIGHTS, USER};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mysql.toml")
}

#[test]
fn the_example_for_mysql_is_a_configuration_and_names_every_field_of_its_section() {
    let config = Config::load(&Overrides { file: Some(example()), ..Overrides::default() }).unwrap();
    assert_eq!(config.store.kind, StoreKind::Mysql);
    let fields = |text: &str| -> Vec<String> {
        let section = text.split("[store.mysql]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let names = section.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
        let mut names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    };
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let (example, default) = (read(&example()), read(&example().with_file_name("default.toml")));
    assert_eq!(fields(&example), fields(&default));
}

#[test]
fn the_rights_in_the_example_are_the_ones_that_the_tests_run_with() {
    let text = std::fs::read_to_string(example()).unwrap();
    let grant = format!("GRANT {RIGHTS} ON hwan.* TO '{}'@", USER.0);
    assert!(text.contains(&grant), "config/mysql.toml does not say: {grant}");
}
