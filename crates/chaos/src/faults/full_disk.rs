//! A server whose disk is full: a site on a small file system of its own.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use rand::rngs::StdRng;

use super::{Struck, pause};
use crate::site::{Judgement, Site, SitePlan};

/// Room for the server's files as it starts, and some more.
const BYTES: &str = "420m";
/// Written at once to fill what is left.
const BALLAST_BYTES: usize = 64 * 1024;
/// How long the server may take to end by itself once its disk is full, if it does.
const ENDS_WITHIN: Duration = Duration::from_millis(500);

/// A file system in memory, for as long as this lives.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one; the reason if this user may not.
    fn mount(at: &Path) -> anyhow::Result<Result<Self, String>> {
        fs::create_dir_all(at)?;
        let size = format!("size={BYTES}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).stdin(Stdio::null()).output();
        Ok(match mount {
            Ok(output) if output.status.success() => Ok(Self { at: at.to_owned() }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("mount: {error}")),
        })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that was just killed may have a file open still.
        let _ = Command::new("umount").arg("-l").arg(&self.at).stdin(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Puts a site up on a small disk, fills it, makes room again, and judges. Nothing where no disk can be mounted.
pub async fn full_disk(plan: SitePlan, random: &mut StdRng) -> anyhow::Result<(Struck, Option<Judgement>)> {
    let disk = match SmallDisk::mount(&plan.folder.join("disk"))? {
        Ok(disk) => disk,
        Err(reason) => {
            let skipped = Some(format!("no small disk can be mounted here: {reason}"));
            return Ok((Struck { skipped, ..Struck::default() }, None));
        }
    };
    let mysqld_folder = Some(disk.at.join("mysqld"));
    let mut site = Site::open(SitePlan { mysqld_folder, ..plan }).await?;
    pause(random, 300..600).await;
    let since = site.clock.now();
    let ballast = disk.at.join("ballast");
    fill(&ballast).context("the disk cannot be filled")?;
    pause(random, 2_000..3_000).await;
    fill(&ballast).context("the disk cannot be filled")?; // what the server gave back meanwhile
    pause(random, 500..1_000).await;
    fs::remove_file(&ballast)?;
    let mended = site.clock.now();
    tokio::time::sleep(ENDS_WITHIN).await;
    if !site.mysqld.is_running() {
        site.mysqld.restart()?; // some of its writes have no way to wait for room
    }
    let once_mended = site.recovered(mended).await?;
    let struck = Struck::lasted(once_mended + Duration::from_micros(mended - since), once_mended);
    let judgement = site.close().await?;
    drop(disk);
    Ok((struck, Some(judgement)))
}

/// Writes until nothing more goes.
fn fill(ballast: &Path) -> anyhow::Result<()> {
    let mut file = File::options().create(true).append(true).open(ballast)?;
    let bytes = vec![7_u8; BALLAST_BYTES];
    let mut step = bytes.len();
    loop {
        match file.write(bytes.get(..step).unwrap_or_default()) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull && step > 1 => step /= 2,
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
