//! What is written down of a server at work, so that another process can find it, ask for it and stop it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::{Error, OsProcess, Product, Result};

/// A server that was started in a folder. It may have ended since: [`OsProcess::is_alive`] knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What it is.
    pub product: Product,
    /// Its process.
    pub process: OsProcess,
    /// Its port on loopback.
    pub port: u16,
}

impl State {
    /// Of the server in the folder `home`; nothing if none was started there, or it was stopped in order.
    pub fn read(home: &Path) -> Result<Option<Self>> {
        let path = file(home);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(Error::io(path.display()))?,
        };
        let state = parse(&text).ok_or_else(|| Error::Damaged {
            path,
            reason: "not what a start writes: see by `ps` whether a server runs, then remove the file".to_owned(),
        })?;
        Ok(Some(state))
    }

    /// Written whole or not at all.
    pub(crate) fn write(&self, home: &Path) -> Result<()> {
        let path = file(home);
        let new = path.with_extension("new");
        fs::write(&new, self.to_string()).map_err(Error::io(new.display()))?;
        fs::rename(&new, &path).map_err(Error::io(path.display()))
    }

    /// Forgets the server: it was stopped.
    pub(crate) fn remove(home: &Path) -> Result<()> {
        match fs::remove_file(file(home)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(file(home).display())(error)),
            _ => Ok(()),
        }
    }

    /// Stops the server in order and forgets it. One that does not stop within a minute is killed: an error.
    pub fn stop(&self, home: &Path) -> Result<()> {
        let stopped = self.process.stop();
        if !self.process.is_alive() {
            Self::remove(home)?;
        }
        stopped
    }

    /// Its URL.
    pub fn url(&self, database: &str) -> String {
        self.product.url(self.port, database)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { product, process, port } = self;
        write!(f, "product={product}\npid={}\nstarted={}\nport={port}\n", process.pid(), process.started())
    }
}

fn file(home: &Path) -> PathBuf {
    home.join("state")
}

fn parse(text: &str) -> Option<State> {
    let field = |name: &str| {
        text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    Some(State {
        product: Product::by_name(field("product")?)?,
        process: OsProcess::remembered(field("pid")?.parse().ok()?, field("started")?),
        port: field("port")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_forgotten_on_removal() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(State::read(home.path()).unwrap(), None);
        let process = OsProcess::of(std::process::id()).unwrap();
        let state = State { product: Product::MariaDb, process, port: 13_306 };
        state.write(home.path()).unwrap();
        let again = State::read(home.path()).unwrap().unwrap();
        assert_eq!(again, state);
        assert!(again.process.is_alive());
        State::remove(home.path()).unwrap();
        State::remove(home.path()).unwrap();
        assert_eq!(State::read(home.path()).unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_guessed_at() {
        let home = tempfile::tempdir().unwrap();
        for text in ["", "product=mysql\npid=12\n", "product=mysql\npid=x\nstarted=a:1\nport=1\n"] {
            fs::write(file(home.path()), text).unwrap();
            assert!(State::read(home.path()).unwrap_err().to_string().contains("remove the file"), "{text:?}");
        }
    }
}
