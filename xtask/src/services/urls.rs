//! The URLs of servers: the variables that tests read, and the file of them.

use std::{fs, path::PathBuf};

use hwan_services::Product;

use super::{
    bring::{Brought, Source},
    place::Place,
};

/// The variable that says where a server is.
pub(crate) fn variable(product: Product) -> &'static str {
    match product {
        Product::MySql => "HWAN_TEST_MYSQL_URL",
        Product::MariaDb => "HWAN_TEST_MARIADB_URL",
        Product::Redis => "HWAN_TEST_REDIS_URL",
        Product::Kafka => "HWAN_TEST_KAFKA_BOOTSTRAP",
    }
}

/// Writes what runs to `target/services/env`, a `KEY=value` line each. A URL that was given is in the environment already,
/// and may hold a password: it is not written anywhere.
pub(crate) fn write(place: &Place, running: &[Brought]) -> Result<PathBuf, String> {
    let file = place.root().join("env");
    let new = place.root().join("env.new");
    let lines: String = running
        .iter()
        .filter(|brought| brought.source != Source::Given)
        .map(|brought| format!("{}={}\n", variable(brought.product), brought.url))
        .collect();
    fs::create_dir_all(place.root())
        .and_then(|()| fs::write(&new, lines))
        .and_then(|()| fs::rename(&new, &file))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}
