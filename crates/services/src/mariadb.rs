//! What MariaDB needs to be told: where its files lie, how its first data come about, and how it is started.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Error, Result, bounded,
    installed::{buffer_pool_mib, user_argument},
    options::Profile,
    product::{DATABASE, USER},
    unpack::program,
};

/// How long the first data may take.
const FIRST_DATA_MAX: Duration = Duration::from_secs(300);
/// The statements that make the system's tables, in the order of the server's own installer.
const SYSTEM_TABLES: &[&str] = &[
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "mysql_sys_schema.sql",
];

/// Makes the data that every server begins with, in the folder `data` of the product's `folder`.
pub(crate) fn make_data(folder: &Path, data: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let root = folder.join("root");
    let statements = folder.join("first.sql");
    fs::write(&statements, first_statements(&root)?).map_err(Error::io(statements.display()))?;
    fs::create_dir_all(data).map_err(Error::io(data.display()))?;
    let mut server = program(&root, "mariadbd")?;
    server.arg("--no-defaults").args(paths(&root)).args(user_argument()).arg("--bootstrap");
    server.arg(format!("--datadir={}", data.display()));
    server.args(["--innodb-log-file-size=8M", "--innodb-fast-shutdown=0", "--skip-log-bin"]);
    let log = folder.join("first.log");
    bounded::run("mariadbd --bootstrap", &mut server, Some(&statements), &log, FIRST_DATA_MAX, progress)
}

fn first_statements(root: &Path) -> Result<String> {
    let mut all = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n".to_owned();
    for name in SYSTEM_TABLES {
        let path = shared(root).join(name);
        all.push_str(&fs::read_to_string(&path).map_err(Error::io(path.display()))?);
        all.push('\n');
    }
    all.push_str(&format!(
        "FLUSH PRIVILEGES;\nCREATE USER '{USER}'@'%';\n\
         GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\nCREATE DATABASE {DATABASE};\n"
    ));
    Ok(all)
}

/// How a server is started, with the durability that MySQL has by default and MariaDB when asked: every commit is flushed
/// in redo log and binary log.
pub(crate) fn arguments(root: &Path, data: &Path, socket: &Path, port: u16, profile: Profile) -> Vec<String> {
    let mut arguments = vec!["--no-defaults".to_owned()];
    arguments.extend(paths(root));
    arguments.extend(user_argument());
    arguments.extend([
        format!("--datadir={}", data.display()),
        format!("--socket={}", socket.display()),
        format!("--port={port}"),
        format!("--pid-file={}", data.join("mariadbd.pid").display()),
        format!("--innodb-buffer-pool-size={}M", buffer_pool_mib(profile)),
    ]);
    let logs: &[&str] = match profile {
        Profile::Test => &["--innodb-log-file-size=96M", "--max-binlog-size=32M", "--expire-logs-days=0.002"],
        Profile::Speed => &["--innodb-log-file-size=2G", "--max-binlog-size=256M", "--expire-logs-days=0.004"],
    };
    let always = [
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--server-id=1",
        "--log-bin=binlog",
        "--binlog-format=ROW",
        "--sync-binlog=1",
        "--innodb-flush-log-at-trx-commit=1",
        "--character-set-server=utf8mb4",
        "--max-connections=400",
        "--max-allowed-packet=64M",
        "--secure-file-priv=",
    ];
    arguments.extend(always.iter().chain(logs).map(|argument| (*argument).to_owned()));
    arguments
}

/// What is compiled in as `/usr/…`, told anew.
fn paths(root: &Path) -> Vec<String> {
    let usr = root.join("usr");
    vec![
        format!("--basedir={}", usr.display()),
        format!("--lc-messages-dir={}", shared(root).display()),
        format!("--character-sets-dir={}", shared(root).join("charsets").display()),
        format!("--plugin-dir={}", usr.join("lib/mysql/plugin").display()),
    ]
}

fn shared(root: &Path) -> PathBuf {
    root.join("usr/share/mysql")
}
