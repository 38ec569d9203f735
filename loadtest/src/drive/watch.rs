//! While a load runs: live progress, and the CPU of the processes that take part.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{Phases, Plan, Shared};
use crate::{number, procfs, progress::Progress, report::CpuTaken};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Reads the CPU of the processes that take part, from the opening of the window on.
#[derive(Debug)]
pub(crate) struct CpuReader {
    server: Option<u32>,
    store: Option<u32>,
    at_start: Option<CpuTaken>,
}

impl CpuReader {
    /// Of the server and the store if their processes are known, and of this process.
    pub(crate) fn new(server: Option<u32>, store: Option<u32>) -> Self {
        Self { server, store, at_start: None }
    }

    fn read(&self) -> Result<CpuTaken> {
        let (machine_us, cores) = procfs::machine_cpu_us()?;
        Ok(CpuTaken {
            server_us: self.server.map(procfs::cpu_us).transpose()?,
            store_us: self.store.map(procfs::cpu_us).transpose()?,
            client_us: procfs::cpu_us(std::process::id())?,
            machine_us,
            cores,
        })
    }

    /// Taken since the window opened; nothing if it did not.
    pub(crate) fn taken(&self) -> Result<CpuTaken> {
        let now = self.read()?;
        Ok(self.at_start.map_or(CpuTaken::default(), |start| now.since(start)))
    }
}

/// Shows progress until the window closes.
pub(super) fn until_the_window_closes(
    plan: &Plan,
    phases: Phases,
    threads: &[Arc<Shared>],
    answered: &AtomicU64,
    cpu: &mut CpuReader,
) -> Result<()> {
    let mut progress = Progress::start("seconds", (plan.ramp + plan.warmup + plan.duration).as_secs());
    let mut shown = (Instant::now(), 0);
    let mut show_until = |until: Instant| {
        while let left = until.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            thread::sleep(left.min(LOOK_EVERY));
            let total = answered.load(Ordering::Relaxed);
            let since_us = u64::try_from(shown.0.elapsed().as_micros()).unwrap_or(u64::MAX);
            let rate = number::grouped(number::per_second(total - shown.1, since_us)); // whatever became of them
            let phase = match Instant::now() {
                now if now < phases.begun + plan.ramp => "ramp, ",
                now if now < phases.from => "warming up, ",
                _ => "",
            };
            let latency = last_p99_us(phases, threads).map_or(String::new(), |p99| {
                format!(", p99 {} ms", number::millis(p99)) //
            });
            progress.show(phases.begun.elapsed().as_secs(), &format!("{phase}{rate} exchanges/s{latency}"));
            shown = (Instant::now(), total);
        }
    };
    show_until(phases.from);
    cpu.at_start = Some(cpu.read()?);
    show_until(phases.to);
    Ok(())
}

/// The worst of the threads' 99th percentiles in the last whole second of the window.
fn last_p99_us(phases: Phases, threads: &[Arc<Shared>]) -> Option<u64> {
    let second = phases.second(Instant::now())?.checked_sub(1)?;
    threads.iter().filter_map(|thread| thread.tally().timeline.p99_us(second)).max()
}
