//! What a process costs, read from /proc: CPU time and resident memory.
//!
//! Linux only. The kernel gives CPU time in ticks of 10 ms to user space, whatever its own clock is.

use std::fs;

use anyhow::{Context, Result};

/// Microseconds of a tick in /proc/PID/stat.
const TICK_US: u64 = 10_000;

/// CPU time that the process has taken, in microseconds: user and system, all threads.
pub(crate) fn cpu_us(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read: does the process live?"))?;
    parse_cpu_us(&text).with_context(|| format!("{path} has another form than expected"))
}

/// Resident memory of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Now, in KiB.
    pub(crate) now_kib: u64,
    /// The most so far, in KiB.
    pub(crate) peak_kib: u64,
}

/// Reads the resident memory of the process.
pub(crate) fn resident(pid: u32) -> Result<Resident> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read: does the process live?"))?;
    parse_resident(&text).with_context(|| format!("{path} has another form than expected"))
}

/// CPU time that all processes together have taken, the kernel's own work and what a hypervisor took away included, in
/// microseconds over all cores; and the number of cores.
pub(crate) fn machine_cpu_us() -> Result<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat cannot be read")?;
    parse_machine_cpu_us(&text).context("/proc/stat has another form than expected")
}

fn parse_machine_cpu_us(stat: &str) -> Option<(u64, u64)> {
    let cores = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    // user, nice, system, idle, iowait, irq, softirq, steal
    let ticks: Vec<u64> = fields.map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let [user, nice, system, _, _, irq, softirq, steal] = ticks.as_slice() else { return None };
    let busy = [user, nice, system, irq, softirq, steal].into_iter().sum::<u64>();
    Some((busy.checked_mul(TICK_US)?, u64::try_from(cores).ok()?))
}

/// The machine in a line: cores, processor, memory, kernel; as much as /proc says.
pub(crate) fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    parse_machine(&read("/proc/cpuinfo"), &read("/proc/meminfo"), &read("/proc/sys/kernel/osrelease"))
}

fn parse_machine(cpuinfo: &str, meminfo: &str, osrelease: &str) -> String {
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let memory_kib = value(meminfo, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let mut parts = vec![format!("{cores} cores")];
    parts.extend(value(cpuinfo, "model name"));
    parts.extend(memory_kib.map(|kib| format!("{} MiB", kib / 1_024)));
    parts.push(format!("Linux {}", osrelease.trim()));
    parts.join(", ")
}

fn parse_cpu_us(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses, which may hold anything: count from its end.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)?.checked_mul(TICK_US)
}

fn parse_resident(status: &str) -> Option<Resident> {
    let field = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some(Resident { now_kib: field("VmRSS:")?, peak_kib: field("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_even_with_an_odd_program_name() {
        let stat = "42 (a ) b) S 1 1 1 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 8 0 100 1000 10";
        assert_eq!(parse_cpu_us(stat), Some(2_000_000));
        assert_eq!(parse_cpu_us("42 (x) S"), None);
    }

    #[test]
    fn resident_memory_is_read_by_name() {
        let status = "Name:\thwan\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(parse_resident(status), Some(Resident { now_kib: 1_024, peak_kib: 2_048 }));
        assert_eq!(parse_resident("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn a_machine_is_described_in_a_line() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A CPU\nprocessor\t: 1\nmodel name\t: A CPU\n";
        assert_eq!(parse_machine(cpuinfo, "MemTotal:  2048 kB\n", "6.1.0\n"), "2 cores, A CPU, 2 MiB, Linux 6.1.0");
        assert_eq!(parse_machine("", "", ""), "0 cores, Linux ");
    }

    #[test]
    fn a_machine_is_busy_with_all_but_idling() {
        let stat = "cpu  100 1 50 9000 77 2 3 4 0 0\ncpu0 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1\nintr 5\n";
        assert_eq!(parse_machine_cpu_us(stat), Some((1_600_000, 2)));
        assert_eq!(parse_machine_cpu_us("cpu  1 2 3\n"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        assert!(cpu_us(std::process::id()).is_ok());
        assert!(resident(std::process::id()).unwrap().now_kib > 0);
    }
}
