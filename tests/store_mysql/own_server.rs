//! A MySQL server of a test's own: one that it may break.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::Path;

use hwan_services::{Installation, Installed, Instance, Options, Profile};
use tempfile::TempDir;

/// The database on it.
pub(crate) const DATABASE: &str = "hwan";
/// What config/mysql.toml says that hwan's user needs, and no more.
pub(crate) const RIGHTS: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, CREATE VIEW, ALTER, INDEX, DROP";
/// hwan's user, and its password.
pub(crate) const USER: (&str, &str) = ("hwan_app", "a word to pass");

/// A server that goes with its test.
pub(crate) struct OwnServer {
    pub(crate) instance: Instance,
    _home: TempDir,
}

fn installed() -> Installed {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/services");
    Installation::mysql(&root).install(&mut |line| eprintln!("mysql: {line}")).unwrap()
}

/// A folder for a server's data, on the disk where everything is built.
pub(crate) fn home() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn options(extra: &[&str]) -> Options {
    let extra = extra.iter().map(|option| (*option).to_owned()).collect();
    Options { profile: Profile::Test, extra, ..Options::default() }
}

impl OwnServer {
    /// A new server with these options of its own.
    pub(crate) fn start(extra: &[&str]) -> Self {
        let home = home();
        let instance = installed().start(home.path(), options(extra)).unwrap();
        let server = Self { instance, _home: home };
        let (user, password) = USER;
        server.sql(&format!(
            "CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'; GRANT {RIGHTS} ON {DATABASE}.* TO '{user}'@'%'"
        ));
        server
    }

    /// A server whose data lie in a folder that the caller has made, such as a small file system.
    pub(crate) fn start_in(data: &Path, extra: &[&str]) -> Instance {
        installed().start(data, options(extra)).unwrap()
    }

    /// Where hwan finds it, as its own user.
    pub(crate) fn url(&self) -> String {
        let (user, password) = USER;
        let password = password.replace(' ', "%20");
        format!("mysql://{user}:{password}@127.0.0.1:{}/{DATABASE}", self.instance.port())
    }

    /// Where a test finds it, as somebody who may do anything.
    pub(crate) fn url_of_operator(&self) -> String {
        self.instance.url(DATABASE)
    }

    /// Sends statements as somebody who may do anything.
    pub(crate) fn sql(&self, statements: &str) -> String {
        self.instance.query(statements).unwrap().trim().to_owned()
    }
}
