//! What MySQL needs to be told: where its files lie, how its first data come about, and how it is started.

use std::{fs, path::Path, time::Duration};

use crate::{
    Error, Result, bounded,
    installed::{buffer_pool_mib, user_argument},
    options::Profile,
    product::{DATABASE, USER},
    unpack::program,
};

/// How long the first data may take.
const FIRST_DATA_MAX: Duration = Duration::from_secs(300);
/// The identity of a server, which copies must not share.
const IDENTITY: &str = "auto.cnf";

/// Makes the data that every server begins with, in the folder `data` of the product's `folder`.
pub(crate) fn make_data(folder: &Path, data: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let root = folder.join("root");
    let statements = folder.join("first.sql");
    fs::write(&statements, first_statements()).map_err(Error::io(statements.display()))?;
    let mut server = program(&root, "mysqld")?;
    server.arg("--no-defaults").args(paths(&root)).args(user_argument()).arg("--initialize-insecure");
    server.arg(format!("--datadir={}", data.display())).arg(format!("--init-file={}", statements.display()));
    server.args(["--innodb-redo-log-capacity=8M", "--skip-log-bin"]);
    bounded::run("mysqld --initialize", &mut server, None, &folder.join("first.log"), FIRST_DATA_MAX, progress)?;
    let identity = data.join(IDENTITY);
    fs::remove_file(&identity).map_err(Error::io(identity.display()))
}

/// The account and the database, each statement on its line as an init file wants it.
fn first_statements() -> String {
    format!(
        "CREATE USER '{USER}'@'%';\nGRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n\
         CREATE DATABASE {DATABASE};\n"
    )
}

/// How a server is started. What is not said is the server's own default: every commit is flushed in redo log and binary
/// log.
pub(crate) fn arguments(root: &Path, data: &Path, socket: &Path, port: u16, profile: Profile) -> Vec<String> {
    let mut arguments = vec!["--no-defaults".to_owned()];
    arguments.extend(paths(root));
    arguments.extend(user_argument());
    arguments.extend([
        format!("--datadir={}", data.display()),
        format!("--socket={}", socket.display()),
        format!("--port={port}"),
        format!("--pid-file={}", data.join("mysqld.pid").display()),
        format!("--innodb-buffer-pool-size={}M", buffer_pool_mib(profile)),
    ]);
    let logs: &[&str] = match profile {
        Profile::Test => &[
            "--innodb-redo-log-capacity=96M",
            "--innodb-log-buffer-size=8M",
            "--max-binlog-size=32M",
            "--binlog-expire-logs-seconds=120",
        ],
        Profile::Speed => {
            &["--innodb-redo-log-capacity=2G", "--max-binlog-size=256M", "--binlog-expire-logs-seconds=300"]
        }
    };
    let always = [
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--mysqlx=OFF",
        "--max-connections=400",
        "--max-allowed-packet=64M",
        "--innodb-log-writer-threads=OFF", // on few cores its threads cost more than they bring
        "--performance-schema=OFF",
        "--secure-file-priv=NULL",
    ];
    arguments.extend(always.iter().chain(logs).map(|argument| (*argument).to_owned()));
    arguments
}

/// What is compiled in as `/usr/…`, told anew.
fn paths(root: &Path) -> Vec<String> {
    let usr = root.join("usr");
    let shared = usr.join("share/mysql");
    vec![
        format!("--basedir={}", usr.display()),
        format!("--lc-messages-dir={}", shared.display()),
        format!("--character-sets-dir={}", shared.join("charsets").display()),
        format!("--plugin-dir={}", usr.join("lib/mysql/plugin").display()),
    ]
}
