//! Packages and all they depend on, fetched by this machine's apt with a state of its own.
//!
//! An empty list of installed packages makes apt's solver name the full closure; apt checks the signatures of the lists
//! and the hashes of what it fetches; nothing is installed, and no lock of the system's is taken. What was fetched stays
//! in `packages/` with its hashes in `packages/SHA256SUMS`, which is written last: with it the folder is whole, and a
//! later call needs no network. Without it, what is there already is not fetched again if its hash is right.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use crate::{
    Error, Result, bounded,
    product::Recipe,
    sources::{self, Suite},
};

/// How long apt may take for one step: the slowest mirror that is worth waiting for.
const STEP_MAX: Duration = Duration::from_secs(900);
/// How often an apt that was left behind is waited for.
const LOCK_TRIES_MAX: u32 = 30;
/// How long each time.
const LOCK_PAUSE: Duration = Duration::from_secs(4);

/// Apt with its state in a folder of ours.
pub(crate) struct Apt<'a> {
    folder: PathBuf,
    recipe: &'a Recipe,
}

/// A package file that is to be fetched.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    file: String,
    bytes: u64,
    sha256: String,
}

impl<'a> Apt<'a> {
    /// For what a product is made of, under that product's folder.
    pub(crate) fn new(folder: &Path, recipe: &'a Recipe) -> Self {
        Self { folder: folder.to_owned(), recipe }
    }

    /// Fetches what is not there yet. Gives the package files, each checked against its hash.
    pub(crate) fn fetch(&self, progress: &mut dyn FnMut(&str)) -> Result<Vec<PathBuf>> {
        let packages = self.folder.join("packages");
        let sums = packages.join("SHA256SUMS");
        if !sums.exists() {
            self.download(&packages, &sums, progress)?;
        }
        let checked = self.check(&packages, &sums, progress);
        if checked.is_err() {
            let _ = fs::remove_file(&sums); // the next call fetches anew what is damaged
        }
        checked?;
        let text = fs::read_to_string(&sums).map_err(Error::io(sums.display()))?;
        Ok(text.lines().filter_map(|line| line.split_once("  ")).map(|(_, file)| packages.join(file)).collect())
    }

    fn download(&self, packages: &Path, sums: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
        let lists = self.folder.join("apt");
        for folder in ["state", "lists/partial", "cache/archives/partial"] {
            let folder = lists.join(folder);
            fs::create_dir_all(&folder).map_err(Error::io(folder.display()))?;
        }
        fs::create_dir_all(packages).map_err(Error::io(packages.display()))?;
        let write = |name: &str, text: &str| {
            let path = lists.join(name);
            fs::write(&path, text).map_err(Error::io(path.display()))
        };
        write("sources.list", &sources::read(self.recipe.suite)?)?;
        write("status", "")?; // nothing is installed: dependencies are named to the last
        progress("reading the mirror's lists");
        self.apt("update", &["update"], progress)?;
        let solved = self.apt("solve", &[&["-y", "-s", "install"], self.recipe.packages].concat(), progress)?;
        let closure = closure(&solved, self.recipe.unneeded);
        let names: Vec<&str> = closure.iter().map(String::as_str).collect();
        let listed = self.apt("list", &[&["download", "--print-uris"], names.as_slice()].concat(), progress)?;
        let wanted = wanted(&listed);
        if wanted.is_empty() || wanted.len() != closure.len() {
            let reason = format!("apt names {} files for {} packages", wanted.len(), closure.len());
            return Err(Error::Damaged { path: lists.join("list.log"), reason });
        }
        let megabytes = wanted.iter().map(|wanted| wanted.bytes).sum::<u64>() / 1_000_000;
        progress(&format!("fetching {} packages, {megabytes} MB", wanted.len()));
        self.apt("download", &[&["download"], names.as_slice()].concat(), progress)?;
        remove_strangers(packages, &wanted)?;
        let text: String = wanted.iter().map(|wanted| format!("{}  {}\n", wanted.sha256, wanted.file)).collect();
        let new = packages.join("SHA256SUMS.new");
        fs::write(&new, text).map_err(Error::io(new.display()))?;
        fs::rename(&new, sums).map_err(Error::io(sums.display()))
    }

    fn check(&self, packages: &Path, sums: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
        let mut command = Command::new("sha256sum");
        command.args(["--quiet", "--strict", "-c"]).arg(sums).current_dir(packages);
        bounded::run("sha256sum", &mut command, None, &self.folder.join("check.log"), STEP_MAX, progress)
    }

    /// Runs apt-get with the private state; gives what it wrote. An apt of ours whose caller was killed may still hold the
    /// state's lock: its end is waited for.
    fn apt(&self, step: &str, arguments: &[&str], progress: &mut dyn FnMut(&str)) -> Result<String> {
        for _ in 0..LOCK_TRIES_MAX {
            match self.apt_once(step, arguments, progress) {
                Err(Error::Program { last_lines, .. }) if last_lines.contains("Could not get lock") => {
                    progress("an apt that was left behind still works here, waiting for it");
                    thread::sleep(LOCK_PAUSE);
                }
                done => return done,
            }
        }
        self.apt_once(step, arguments, progress)
    }

    fn apt_once(&self, step: &str, arguments: &[&str], progress: &mut dyn FnMut(&str)) -> Result<String> {
        let lists = self.folder.join("apt");
        let log = lists.join(format!("{step}.log"));
        let mut command = Command::new("apt-get");
        for (option, value) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::State", "state"),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
        ] {
            command.arg("-o").arg(format!("{option}={}", lists.join(value).display()));
        }
        for option in [
            "Dir::Etc::sourceparts=/dev/null",
            "Dir::Etc::preferences=/dev/null",
            "Dir::Etc::preferencesparts=/dev/null",
            "APT::Install-Recommends=0",
            "APT::Sandbox::User=root", // as its own user apt could not write below a home of somebody else's
            "Acquire::Languages=none",
            "Acquire::Retries=5",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
        ] {
            command.args(["-o", option]);
        }
        command.arg("-q").args(arguments).current_dir(self.folder.join("packages"));
        bounded::run(&format!("apt-get ({step})"), &mut command, None, &log, STEP_MAX, progress)?;
        fs::read_to_string(&log).map_err(Error::io(log.display()))
    }
}

/// `Inst NAME (VERSION …` of a simulated installation, as `NAME=VERSION`, without what is not needed.
fn closure(solved: &str, unneeded: &[&str]) -> Vec<String> {
    let is_unneeded = |name: &str| {
        unneeded.iter().any(|pattern| match pattern.split_once('*') {
            Some((start, end)) => name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
            None => *pattern == name,
        })
    };
    solved
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split_once(" ("))
        .filter(|(name, _)| !is_unneeded(name))
        .filter_map(|(name, rest)| Some(format!("{name}={}", rest.split_whitespace().next()?)))
        .collect()
}

/// `'ADDRESS' FILE BYTES SHA256:HASH`, a line for each package.
fn wanted(listed: &str) -> Vec<Wanted> {
    let line = |line: &str| {
        let mut words = line.strip_prefix('\'')?.split_whitespace().skip(1);
        let (file, bytes) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let sha256 = words.next()?.strip_prefix("SHA256:")?.to_owned();
        (!file.contains('/')).then_some(Wanted { file, bytes, sha256 })
    };
    listed.lines().filter_map(line).collect()
}

/// Removes package files of an earlier closure.
fn remove_strangers(packages: &Path, wanted: &[Wanted]) -> Result<()> {
    let known: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.file.as_str()).collect();
    for entry in fs::read_dir(packages).map_err(Error::io(packages.display()))?.flatten() {
        let name = entry.file_name();
        if name.to_str().is_none_or(|name| name.ends_with(".deb") && !known.contains(name)) {
            fs::remove_file(entry.path()).map_err(Error::io(entry.path().display()))?;
        }
    }
    Ok(())
}

impl Suite {
    /// How it is named to people.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Unstable => "Debian's unstable suite",
            Self::Release => "this machine's release",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closure_is_what_the_solver_installs_without_what_is_not_needed() {
        let solved = "Reading package lists...\nInst libc6 (2.41-1 Debian:unstable [amd64])\n\
                      Inst perl-base (5.40 Debian:unstable [amd64])\nInst libx-perl (1 Debian [all])\n\
                      Inst mysql-server-core (9.7.0-1 Debian:unstable [amd64])\nConf libc6 (2.41-1 Debian)\n";
        assert_eq!(closure(solved, &["perl*", "lib*-perl"]), ["libc6=2.41-1", "mysql-server-core=9.7.0-1"]);
    }

    #[test]
    fn a_listed_file_has_its_size_and_hash() {
        let listed = "Reading...\n'http://m.test/pool/a_1%3a1_amd64.deb' a_1%3a1_amd64.deb 7342 SHA256:bda8\n";
        let expected = Wanted { file: "a_1%3a1_amd64.deb".to_owned(), bytes: 7_342, sha256: "bda8".to_owned() };
        assert_eq!(wanted(listed), [expected]);
        assert_eq!(wanted("'http://m.test/x' ../x 1 SHA256:0\n"), [], "no file outside the folder");
    }
}
