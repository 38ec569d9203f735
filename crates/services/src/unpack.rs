//! Package files unpacked into a folder that stands for the root of a system, and the programs inside it.
//!
//! A program is run through the folder's own dynamic loader with the folder's own libraries, so that it does not matter
//! how old the system's are.

use std::{
    env::consts::ARCH,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Error, Result};

/// What a server never reads.
const LEFT_OUT: &[&str] = &["./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*"];

/// Unpacks `packages` into `root`, which appears whole or not at all.
pub(crate) fn unpack(packages: &[PathBuf], root: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let new = root.with_extension("new");
    remove_folder(&new)?;
    // Some packages ship /lib and others /usr/lib: links laid first bring both into one place.
    for name in ["bin", "sbin", "lib", "lib64"] {
        let folder = new.join("usr").join(name);
        fs::create_dir_all(&folder).map_err(Error::io(folder.display()))?;
        let link = new.join(name);
        symlink(Path::new("usr").join(name), &link).map_err(Error::io(link.display()))?;
    }
    progress(&format!("unpacking {} packages", packages.len()));
    for package in packages {
        unpack_one(package, &new)?;
    }
    remove_folder(root)?;
    fs::rename(&new, root).map_err(Error::io(root.display()))
}

fn unpack_one(package: &Path, root: &Path) -> Result<()> {
    let mut files = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Error::io("dpkg-deb"))?;
    let archive = files.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let unpacked = Command::new("tar")
        .args(["-x", "--keep-directory-symlink", "--no-same-owner", "-C"])
        .arg(root)
        .args(LEFT_OUT.iter().map(|pattern| format!("--exclude={pattern}")))
        .stdin(archive)
        .output()
        .map_err(Error::io("tar"))?;
    let read = files.wait().map_err(Error::io("dpkg-deb"))?;
    if unpacked.status.success() && read.success() {
        return Ok(());
    }
    Err(Error::Program {
        program: format!("unpacking {}", package.display()),
        status: format!("dpkg-deb {read}, tar {}", unpacked.status),
        last_lines: String::from_utf8_lossy(&unpacked.stderr).into_owned(),
    })
}

/// Removes a folder and all in it; that it is not there is fine.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder.display())(error)),
        _ => Ok(()),
    }
}

/// A program of the unpacked packages, ready to be given arguments.
pub(crate) fn program(root: &Path, name: &str) -> Result<Command> {
    let (loader, libraries) = match ARCH {
        "x86_64" => ("usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu"),
        "aarch64" => ("usr/lib/ld-linux-aarch64.so.1", "usr/lib/aarch64-linux-gnu"),
        other => return Err(Error::Unsupported(format!("no servers for the architecture {other}: give a URL"))),
    };
    // In release 12 the loader in lib64 is a link to /lib/…, which would leave the folder.
    let loader = [root.join(loader), root.join(libraries).join(loader.rsplit('/').next().unwrap_or(loader))]
        .into_iter()
        .find(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file()))
        .ok_or_else(|| missing(root, "the dynamic loader"))?;
    let program = ["usr/sbin", "usr/bin"]
        .into_iter()
        .map(|folder| root.join(folder).join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| missing(root, name))?;
    let mut command = Command::new(loader);
    command.arg("--library-path").arg(root.join(libraries)).arg(program);
    Ok(command)
}

fn missing(root: &Path, what: &str) -> Error {
    Error::Damaged { path: root.to_owned(), reason: format!("{what} is missing: `cargo xtask services reset`") }
}
