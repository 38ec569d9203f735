//! Who owns a lane: a process, by a name under which no other ever runs, and from which another process on the same machine
//! can tell that this one has ended.

use std::{fs, path::PathBuf};

/// The name of a process: machine, process number and when it began, and a random part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner(String);

impl Owner {
    /// This process, as one holder of lanes among others that it may have.
    pub(super) fn here() -> Self {
        let mut random = [0_u8; 8];
        // Without the system's randomness the process number and its beginning still tell processes apart.
        let _left_as_zeros = getrandom::fill(&mut random);
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let (machine, pid) = (machine(), std::process::id());
        Self(format!("{machine}/{pid}/{}/{random}", began(pid).unwrap_or_default()))
    }

    /// As it stands in the lane's row.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is known that this owner's process has ended: it ran on this machine, and does not any more.
    pub(super) fn has_ended(name: &str) -> bool {
        let mut parts = name.split('/');
        let (Some(of), Some(pid), Some(began_then)) = (parts.next(), parts.next(), parts.next()) else { return false };
        let Ok(pid) = pid.parse::<u32>() else { return false };
        let here = machine();
        if here.is_empty() || of != here || began_then.is_empty() {
            return false;
        }
        began(pid).as_deref() != Some(began_then)
    }
}

/// The machine since its last start, and the space in which process numbers count; empty where the system does not say.
fn machine() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_else(|_| PathBuf::new());
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    if boot.is_empty() || space.is_empty() { String::new() } else { format!("{}-{space}", boot.trim()) }
}

/// When a running process began, in the system's ticks; `None` if it has ended. One that has ended and waits for its parent
/// commits nothing any more.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything: fields count from behind it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned) // field 22, "starttime"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_not_ended_and_one_that_ended_has() {
        let here = Owner::here();
        assert!(!Owner::has_ended(here.as_str()));
        assert_ne!(here, Owner::here(), "two holders in one process are two");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let name = format!("{}/{}/{}/00", machine(), child.id(), began(child.id()).unwrap());
        assert!(!Owner::has_ended(&name));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Owner::has_ended(&name));
    }

    #[test]
    fn of_another_machine_or_a_strange_name_nothing_is_known() {
        for name in ["", "x", "another-machine/1/2/3", "a/b/c/d", "//"] {
            assert!(!Owner::has_ended(name), "{name}");
        }
    }
}
