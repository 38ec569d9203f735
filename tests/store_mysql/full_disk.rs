//! A disk without room, on a small file system of the test's own. Mounting one takes root: without it these tests fail and say
//! so; `--skip full_disk` leaves them out.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use hwan::storage::{
    conformance::fixture::money,
    mysql::MysqlOptions,
    port::{CommitError, LedgerStore},
};
use hwan_services::Instance;
use sqlx::{Connection, MySqlConnection};
use tempfile::TempDir;

use super::{
    own_server::{DATABASE, OwnServer, home},
    seen::{LANE, Ledger, seen},
};

/// A small file system in memory.
struct SmallDisk {
    at: TempDir,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Self {
        let at = home();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0700"), "tmpfs"])
            .arg(at.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(
            mounted.status.success(),
            "a small file system cannot be mounted ({}): run this test as root, or leave it out by --skip full_disk",
            said.trim()
        );
        Self { at }
    }

    fn ballast(&self) -> PathBuf {
        self.at.path().join("ballast")
    }

    /// Leaves no byte.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        let mut step = 1 << 20;
        while step > 0 {
            if ballast.write_all(&vec![1; step]).is_err() {
                step /= 2;
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server that used it may be going yet.
        let _left_to_the_system = Command::new("umount").arg("-l").arg(self.at.path()).status();
    }
}

fn options(instance: &Instance) -> MysqlOptions {
    MysqlOptions {
        lease: Duration::from_secs(2),
        commit_timeout: Duration::from_secs(3),
        ..MysqlOptions::at(instance.url(DATABASE))
    }
}

fn log_bin(at: &Path) -> String {
    format!("--log-bin={}", at.join("binlog").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_of_the_tables_is_not_done_and_goes_on_when_there_is_room() {
    let (disk, logs) = (SmallDisk::mount(320), home());
    let instance = OwnServer::start_in(disk.at.path(), &[&log_bin(logs.path())]);
    let mut ledger = Ledger::begin(&options(&instance)).await;
    let mut beside = MySqlConnection::connect(&instance.url(DATABASE)).await.unwrap();
    disk.fill();
    let (mut won, mut stands) = (1_000_u64, 4_u64);
    let batch = loop {
        assert!(stands < 200_000, "the disk never filled");
        for _ in 0..2_000 {
            ledger.scribe.deposit(ledger.family.won, money("1", "KRW"));
        }
        let batch = ledger.scribe.batch();
        match ledger.commit(&batch).await {
            Ok(()) => (won, stands) = (won + 2_000, stands + 2_000),
            Err(CommitError::NotDone(why)) => {
                assert!(why.contains("free space on the server's disk"), "{why}");
                break batch;
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(seen(&mut beside).await, format!("{stands}/{stands}/{won}"));
    let why = ledger.not_done(&batch).await;
    assert!(why.contains("free space on the server's disk"), "{why}");
    disk.free();
    ledger.take_again(Duration::from_secs(20)).await;
    ledger.commit_again(&batch, Duration::from_secs(20)).await;
    assert_eq!(seen(&mut beside).await, format!("{0}/{0}/{1}", stands + 2_000, won + 2_000));
    drop(instance);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_of_the_binary_log_leaves_a_commit_unknown_until_there_is_room() {
    let (disk, data) = (SmallDisk::mount(64), home());
    let mut instance = OwnServer::start_in(data.path(), &[&log_bin(disk.at.path())]);
    let mut ledger = Ledger::begin(&options(&instance)).await;
    disk.fill();
    // The server neither refuses nor commits: it waits for room, and looks once a minute. The log's last page may hold some yet.
    let mut stands = 4_u64;
    let batch = loop {
        assert!(stands < 100, "the disk never filled");
        let (batch, begun) = (ledger.next(), Instant::now());
        match ledger.commit(&batch).await {
            Ok(()) => stands += 1,
            Err(CommitError::Unknown(_)) => {
                assert!(begun.elapsed() < Duration::from_secs(5), "it has a deadline: {:?}", begun.elapsed());
                break batch;
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    disk.free();
    let freed = Instant::now();
    while let Err(error) = ledger.store.take_lane(LANE).await {
        assert!(freed.elapsed() < Duration::from_secs(100), "{error}");
        // Whoever runs the server starts it again if it has ended over this.
        if !instance.is_running() {
            eprintln!("the server ended by itself {:?} after there was room", freed.elapsed());
            instance.restart().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!("the lane was taken {:?} after there was room", freed.elapsed());
    let taken = ledger.take_again(Duration::from_secs(20)).await;
    let whole = |stands: u64| format!("{stands}/{stands}/{}", 1_000 + 234 * (stands - 4));
    let mut beside = MySqlConnection::connect(&instance.url(DATABASE)).await.unwrap();
    assert_eq!(seen(&mut beside).await, whole(taken.seq.number()));
    if taken.seq.number() == stands {
        ledger.commit_again(&batch, Duration::from_secs(20)).await;
    }
    assert_eq!(seen(&mut beside).await, whole(stands + 1));
    drop(instance);
}
