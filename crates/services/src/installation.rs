//! Fetching and unpacking a product, once for a project.
//!
//! Everything lies in a folder of the product's below the root that is given: `packages/` is the cache of downloads,
//! `root/` what was unpacked. Two that install at the same time wait for each other.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Error, Installed, Product, Result,
    apt::Apt,
    kafka,
    product::Origin,
    sources::{self, Suite},
    unpack::{program, unpack},
};

/// How often it is said that somebody else is waited for.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// How often the lock is tried.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// A product that may have been fetched, or not yet.
#[derive(Clone, Debug)]
pub struct Installation {
    product: Product,
    folder: PathBuf,
}

impl Installation {
    /// A product in a folder of its own below `root`, such as `target/services`.
    pub fn new(product: Product, root: &Path) -> Self {
        Self { product, folder: root.join(product.name()) }
    }

    /// MySQL 9 below `root`.
    pub fn mysql(root: &Path) -> Self {
        Self::new(Product::MySql, root)
    }

    /// MariaDB below `root`.
    pub fn mariadb(root: &Path) -> Self {
        Self::new(Product::MariaDb, root)
    }

    /// Redis below `root`.
    pub fn redis(root: &Path) -> Self {
        Self::new(Product::Redis, root)
    }

    /// Kafka below `root`.
    pub fn kafka(root: &Path) -> Self {
        Self::new(Product::Kafka, root)
    }

    /// Whether this machine can fetch servers at all, or why not.
    pub fn is_possible() -> Result<()> {
        if !cfg!(target_os = "linux") {
            return Err(Error::Unsupported("servers of the project's own need Linux: give a URL".to_owned()));
        }
        sources::read(Suite::Release).map(|_| ())
    }

    /// Whether this machine can fetch and run Kafka, or why not.
    pub fn is_possible_for_kafka() -> Result<()> {
        kafka::is_possible()
    }

    /// Where everything of the product lies, servers in folders of their own besides.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fetches and unpacks what is not there yet; takes milliseconds when everything is. `progress` hears of each step,
    /// and every few seconds that it goes on.
    pub fn install(&self, progress: &mut dyn FnMut(&str)) -> Result<Installed> {
        fs::create_dir_all(&self.folder).map_err(Error::io(self.folder.display()))?;
        let folder = self.folder.canonicalize().map_err(Error::io(self.folder.display()))?;
        let _lock = lock(&folder, progress)?;
        let root = folder.join("root");
        let version = match self.version(&root) {
            Some(version) => version,
            None => self.bring(&folder, &root, progress)?,
        };
        let installed = Installed::new(self.product, folder, version);
        installed.prepare(progress)?;
        Ok(installed)
    }

    fn bring(&self, folder: &Path, root: &Path, progress: &mut dyn FnMut(&str)) -> Result<String> {
        let started = Instant::now();
        match self.product.origin() {
            Origin::Debian(recipe) => {
                Self::is_possible()?;
                progress(&format!("bringing {} from {}", self.product, recipe.suite.described()));
                let packages = Apt::new(folder, &recipe).fetch(progress)?;
                unpack(&packages, root, progress)?;
            }
            Origin::Maven => {
                progress(&format!("bringing {} by Maven", self.product));
                kafka::fetch(folder, root, progress)?;
            }
        }
        let version = self.version(root).ok_or_else(|| Error::Damaged {
            path: root.to_owned(),
            reason: format!("{} was unpacked but does not run here: see by hand why", self.product),
        })?;
        progress(&format!("{version}, after {} s", started.elapsed().as_secs()));
        Ok(version)
    }

    /// What the server says of itself, if it is there and runs.
    fn version(&self, root: &Path) -> Option<String> {
        let Origin::Debian(recipe) = self.product.origin() else { return kafka::version(root) };
        let output = program(root, recipe.server).ok()?.arg("--version").stdin(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // The first word is where the program lies.
        let words: Vec<&str> = text.lines().next()?.split_whitespace().skip(1).take(2).collect();
        Some(format!("{} {}", self.product, words.join(" ")))
    }
}

/// Waits until nobody else installs here. The lock goes with the file, and with the process that holds it.
fn lock(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(Error::io(path.display()))?;
    let started = Instant::now();
    let mut said = started;
    while let Err(refusal) = file.try_lock() {
        if let fs::TryLockError::Error(source) = refusal {
            return Err(Error::io(path.display())(source));
        }
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            progress(&format!("somebody else installs here, waiting for {} s", started.elapsed().as_secs()));
        }
        thread::sleep(TRY_EVERY);
    }
    Ok(file)
}
