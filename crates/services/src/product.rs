//! The servers there are, and what each is made of.

use std::fmt;

use crate::sources::Suite;

/// A server that can be fetched and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// MySQL 9.
    MySql,
    /// MariaDB, in the version of this machine's Debian release: 10.11 in release 12.
    MariaDb,
    /// Redis, in the version of this machine's Debian release.
    Redis,
    /// Kafka 4, one broker that is its own controller.
    Kafka,
}

/// Where a product comes from.
pub(crate) enum Origin {
    /// Packages of Debian's.
    Debian(Recipe),
    /// Jars by Maven.
    Maven,
}

/// What a product is made of that comes in packages.
pub(crate) struct Recipe {
    /// Where the packages come from.
    pub(crate) suite: Suite,
    /// The packages that are wanted; their dependencies come along.
    pub(crate) packages: &'static [&'static str],
    /// Dependencies that the server never loads. A closing `*` stands for anything.
    pub(crate) unneeded: &'static [&'static str],
    /// The server's program.
    pub(crate) server: &'static str,
    /// The program that sends it statements.
    pub(crate) client: &'static str,
}

/// Wanted by scripts of the packages that are not run here, or by their installation.
const SCRIPTS: &[&str] = &[
    "perl*",
    "libperl*",
    "libgdbm*",
    "libdb5*",
    "lib*-perl",
    "gcc-*-base",
    "libc-gconv-modules-extra",
    "libtirpc-common",
    "openssl-provider-legacy",
    "debconf*",
    "adduser",
    "passwd",
    "init-system-helpers",
    "sysvinit-utils",
    "psmisc",
    "rsync",
    "libpam*",
    "libaudit*",
    "procps",
    "libproc2*",
    "iproute2",
    "lsof",
    "gawk",
    "socat",
];

impl Product {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::MySql, Self::MariaDb, Self::Redis, Self::Kafka];

    /// As it is written on a command line, and what its folder is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
            Self::Redis => "redis",
            Self::Kafka => "kafka",
        }
    }

    /// By its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.name() == name)
    }

    /// The URL of a server on this port of loopback; of a database of that name where the product has named databases. Kafka's
    /// servers are known by their address alone.
    pub fn url(self, port: u16, database: &str) -> String {
        match self {
            // MariaDB speaks MySQL's protocol, and clients know it by MySQL's name.
            Self::MySql | Self::MariaDb => format!("mysql://{USER}@127.0.0.1:{port}/{database}"),
            Self::Redis => format!("redis://127.0.0.1:{port}/"),
            Self::Kafka => format!("127.0.0.1:{port}"),
        }
    }

    pub(crate) fn origin(self) -> Origin {
        let recipe = match self {
            Self::Kafka => return Origin::Maven,
            Self::MySql => Recipe {
                suite: Suite::Unstable,
                packages: &["mysql-server-core", "mysql-client-core"],
                unneeded: SCRIPTS,
                server: "mysqld",
                client: "mysql",
            },
            Self::MariaDb => Recipe {
                suite: Suite::Release,
                packages: &["mariadb-server-core", "mariadb-client-core"],
                unneeded: SCRIPTS,
                server: "mariadbd",
                client: "mariadb",
            },
            Self::Redis => Recipe {
                suite: Suite::Release,
                packages: &["redis-server", "redis-tools"],
                unneeded: SCRIPTS,
                server: "redis-server",
                client: "redis-cli",
            },
        };
        Origin::Debian(recipe)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The account that every database server here has: no password, all rights.
pub(crate) const USER: &str = "hwan";
/// The database that every database server here has.
pub(crate) const DATABASE: &str = "hwan";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_user_loopback_port_and_database() {
        assert_eq!(Product::MySql.url(13_306, "hwan"), "mysql://hwan@127.0.0.1:13306/hwan");
        assert_eq!(Product::MariaDb.url(13_307, ""), "mysql://hwan@127.0.0.1:13307/");
        assert_eq!(Product::Redis.url(16_379, "ignored"), "redis://127.0.0.1:16379/");
        assert_eq!(Product::Kafka.url(19_092, "ignored"), "127.0.0.1:19092");
    }

    #[test]
    fn every_product_is_found_by_its_name() {
        for product in Product::ALL {
            assert_eq!(Product::by_name(product.name()), Some(product));
        }
        assert_eq!(Product::by_name("oracle"), None);
    }
}
