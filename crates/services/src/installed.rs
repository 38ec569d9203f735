//! A product that is there: it makes folders for servers, and starts servers in them.

use std::{
    fs::{self, OpenOptions},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    Error, Instance, Options, OsProcess, Product, Result, State, kafka,
    leash::Leash,
    mariadb, mysql,
    options::Profile,
    port::{free_port, is_free},
    product::{Origin, USER},
    redis,
    unpack::{program, remove_folder},
};

/// How often another free port is tried when somebody takes the first one between the choice and the start.
const PORTS_TRIED_MAX: usize = 5;
/// The longest path of a socket is 107 bytes; beyond this it lies in [`SHORT_FOLDER`].
const SOCKET_PATH_MAX: usize = 100;
/// Where a socket goes whose path would be too long.
const SHORT_FOLDER: &str = "/tmp";

/// A product that was fetched and unpacked, and runs here.
#[derive(Clone, Debug)]
pub struct Installed {
    product: Product,
    folder: PathBuf,
    version: String,
}

/// A server that was just started.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) state: State,
    pub(crate) child: Child,
    pub(crate) leash: Leash,
}

impl Installed {
    pub(crate) fn new(product: Product, folder: PathBuf, version: String) -> Self {
        Self { product, folder, version }
    }

    /// What it is.
    pub fn product(&self) -> Product {
        self.product
    }

    /// The product's name and version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Makes the data of a new server in the folder `home`, unless there are some: with the account `hwan`, which may do
    /// everything and has no password, and the empty database `hwan`, where the product knows such. Two servers never share an identity.
    pub fn init(&self, home: &Path) -> Result<()> {
        let data = home.join("data");
        if data.exists() {
            return Ok(());
        }
        let new = home.join("data.new");
        remove_folder(&new)?;
        match self.product {
            Product::MySql | Product::MariaDb => copy_folder(&self.template(), &new)?,
            Product::Redis => fs::create_dir_all(&new).map_err(Error::io(new.display()))?,
            Product::Kafka => kafka::make_data(&self.folder, &new)?,
        }
        fs::rename(&new, &data).map_err(Error::io(data.display()))
    }

    /// Starts a server in the folder `home`, with new data if there are none, and waits until it answers. It is killed
    /// when the instance is dropped, unless it is let go before.
    pub fn start(&self, home: &Path, options: Options) -> Result<Instance> {
        fs::create_dir_all(home).map_err(Error::io(home.display()))?;
        let home = home.canonicalize().map_err(Error::io(home.display()))?;
        self.init(&home)?;
        let mut tried = 0;
        loop {
            let port = match options.port {
                Some(port) => port,
                None => free_port()?,
            };
            let fixed = Options { port: Some(port), ..options.clone() };
            let spawned = self.spawn(&home, &fixed)?;
            let mut instance = Instance::new(self.clone(), home.clone(), fixed, spawned);
            tried += 1;
            match instance.wait_ready() {
                Ok(()) => return Ok(instance),
                Err(error) if options.port.is_some() || tried >= PORTS_TRIED_MAX || instance.is_running() => {
                    return Err(error);
                }
                // It ended, and the port that was free is not: somebody else was faster.
                Err(error) if is_free(port) => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// The server that runs in the folder `home`, started by whomever; nothing if none does. Dropping it leaves it
    /// running. Starting it again needs its `options`.
    pub fn find(&self, home: &Path, options: Options) -> Result<Option<Instance>> {
        let state = State::read(home)?.filter(|state| state.process.is_alive() && state.product == self.product);
        Ok(state.map(|state| {
            let options = Options { port: Some(state.port), ..options };
            Instance::found(self.clone(), home.to_owned(), options, state)
        }))
    }

    /// The program that sends statements to the server on this port of loopback, ready to be given arguments. Kafka has none.
    pub fn client(&self, port: u16) -> Result<Command> {
        let Origin::Debian(recipe) = self.product.origin() else {
            let reason = format!("{} has no client here: speak its protocol", self.product);
            return Err(Error::Unsupported(reason));
        };
        let mut command = program(&self.root(), recipe.client)?;
        match self.product {
            Product::MySql | Product::MariaDb => {
                command.args(["--no-defaults", "--protocol=TCP", "--host=127.0.0.1", "--user", USER]);
                command.arg(format!("--port={port}")).args(["--batch", "--skip-column-names"]);
            }
            Product::Redis | Product::Kafka => {
                command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
            }
        }
        Ok(command)
    }

    /// Another program of the packages, such as `mysqldump`, ready to be given arguments.
    pub fn program(&self, name: &str) -> Result<Command> {
        program(&self.root(), name)
    }

    /// Makes what all servers of the product begin with, if it is not there.
    pub(crate) fn prepare(&self, progress: &mut dyn FnMut(&str)) -> Result<()> {
        if self.product == Product::Kafka {
            if let Err(error) = kafka::archive_classes(&self.folder, progress) {
                progress(&format!("servers will start slowly: {error}"));
            }
            return Ok(());
        }
        let template = self.template();
        if self.product == Product::Redis || template.exists() {
            return Ok(());
        }
        progress("making the data that every server begins with");
        let new = self.folder.join("template.new");
        remove_folder(&new)?;
        match self.product {
            Product::MySql => mysql::make_data(&self.folder, &new, progress)?,
            Product::MariaDb => mariadb::make_data(&self.folder, &new, progress)?,
            Product::Redis | Product::Kafka => {}
        }
        fs::rename(&new, &template).map_err(Error::io(template.display()))
    }

    pub(crate) fn spawn(&self, home: &Path, options: &Options) -> Result<Spawned> {
        if let Some(state) = State::read(home)?.filter(|state| state.process.is_alive()) {
            return Err(Error::Running { home: home.to_owned(), pid: state.process.pid() });
        }
        let port = options.port.map_or_else(free_port, Ok)?;
        let socket = socket(home);
        // Left over by a server that was killed. It would take a stranger with its number for that server.
        for left in [socket.clone(), socket.with_extension("sock.lock")] {
            let _ = fs::remove_file(left); // it is hardly ever there
        }
        let data = home.join("data");
        let arguments = match self.product {
            Product::MySql => mysql::arguments(&self.root(), &data, &socket, port, options.profile),
            Product::MariaDb => mariadb::arguments(&self.root(), &data, &socket, port, options.profile),
            Product::Redis => redis::arguments(&data, port),
            Product::Kafka => kafka::arguments(home, &data, port)?,
        };
        let log = log(home);
        let out = OpenOptions::new().create(true).append(true).open(&log).map_err(Error::io(log.display()))?;
        let err = out.try_clone().map_err(Error::io(log.display()))?;
        let mut program = match self.product.origin() {
            Origin::Debian(recipe) => program(&self.root(), recipe.server)?,
            Origin::Maven => kafka::program(&self.folder, options.profile)?,
        };
        let mut child = program
            .args(arguments)
            .args(&options.extra)
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0) // Ctrl-C in a terminal is for who started it: it is stopped in order, or stays
            .spawn()
            .map_err(Error::io(self.product))?;
        let written = OsProcess::of(child.id())
            .ok_or_else(|| crate::instance::ended(self.product, &log, "ended at once"))
            .map(|process| State { product: self.product, process, port })
            .and_then(|state| state.write(home).map(|()| state))
            .and_then(|state| Leash::tie(&state.process).map(|leash| (state, leash)));
        match written {
            Ok((state, leash)) => Ok(Spawned { state, child, leash }),
            Err(error) => {
                let _ = child.kill(); // it may have ended already
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn template(&self) -> PathBuf {
        self.folder.join("template")
    }
}

/// What database servers must be told when root runs them: they refuse it otherwise.
pub(crate) fn user_argument() -> Option<String> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    is_root.then(|| "--user=root".to_owned())
}

/// Megabytes of buffer pool.
pub(crate) fn buffer_pool_mib(profile: Profile) -> u32 {
    match profile {
        Profile::Test => 128,
        Profile::Speed => 1_024,
    }
}

/// Where a server in `home` logs.
pub(crate) fn log(home: &Path) -> PathBuf {
    home.join("log")
}

fn socket(home: &Path) -> PathBuf {
    let inside = home.join("server.sock");
    if inside.as_os_str().len() <= SOCKET_PATH_MAX {
        return inside;
    }
    // FNV-1a: the same folder has the same socket in every process.
    let hash = home
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    Path::new(SHORT_FOLDER).join(format!("hwan-{hash:016x}.sock"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(Error::io(to.display()))?;
    for entry in fs::read_dir(from).map_err(Error::io(from.display()))? {
        let entry = entry.map_err(Error::io(from.display()))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(Error::io(target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_socket_is_never_too_long() {
        let deep = PathBuf::from("/").join("a-long-name-of-a-folder/".repeat(9));
        assert!(socket(&deep).as_os_str().len() <= SOCKET_PATH_MAX);
        assert_eq!(socket(&deep), socket(&deep));
        assert_ne!(socket(&deep), socket(&deep.join("another")));
        assert_eq!(socket(Path::new("/short")), Path::new("/short/server.sock"));
    }
}
