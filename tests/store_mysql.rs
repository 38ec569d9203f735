//! The store on MySQL and MariaDB keeps the promises of a store: the one suite, on real servers.
//!
//! `HWAN_TEST_MYSQL_URL` and `HWAN_TEST_MARIADB_URL` say where they are; `cargo xtask test` brings them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "store_mysql/broken_servers.rs"]
mod broken_servers;
#[path = "store_mysql/database.rs"]
mod database;
#[path = "store_mysql/day_balances.rs"]
mod day_balances;
#[path = "store_mysql/documented.rs"]
mod documented;
#[path = "store_mysql/errors.rs"]
mod errors;
#[path = "store_mysql/failover.rs"]
mod failover;
#[path = "store_mysql/full_disk.rs"]
mod full_disk;
#[path = "store_mysql/lanes.rs"]
mod lanes;
#[path = "store_mysql/own_server.rs"]
mod own_server;
#[path = "store_mysql/retention.rs"]
mod retention;
#[path = "store_mysql/seen.rs"]
mod seen;
#[path = "store_mysql/server.rs"]
mod server;
#[path = "store_mysql/settings.rs"]
mod settings;
#[path = "store_mysql/views.rs"]
mod views;

mod mysql {
    use hwan::store_conformance;

    use super::database::{Database, Server};

    async fn make() -> Database {
        Database::create(Server::Mysql).await
    }

    store_conformance!(make);
}

mod mariadb {
    use hwan::store_conformance;

    use super::database::{Database, Server};

    async fn make() -> Database {
        Database::create(Server::Mariadb).await
    }

    store_conformance!(make);
}
