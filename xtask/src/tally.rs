//! Counting tests by the lines that the test harness prints. Pure.

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Counts a line of the harness; every other line counts nothing.
    pub(crate) fn count(&mut self, line: &str) {
        self.add(parse(line).unwrap_or_default());
    }

    /// Takes over what was counted elsewhere.
    pub(crate) fn add(&mut self, more: Tally) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }

    /// The closing line, to which readers of the output hold.
    pub(crate) fn closing(self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Whether a test that is skipped counts as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skips {
    /// On a developer's machine.
    Tolerated,
    /// In CI.
    Fail,
}

/// Whether the whole run is good.
pub(crate) fn verdict(tally: Tally, skips: Skips) -> Result<(), &'static str> {
    if tally.failed > 0 {
        return Err("a test failed");
    }
    if tally.passed == 0 {
        return Err("no test ran");
    }
    if tally.skipped > 0 && skips == Skips::Fail {
        return Err("a test was skipped, which CI does not take");
    }
    Ok(())
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
fn parse(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number =
        |name: &str| counts.split(';').find_map(|part| part.trim().strip_suffix(name)?.trim().parse::<u64>().ok());
    Some(Tally { passed: number("passed")?, failed: number("failed")?, skipped: number("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s";
    const BAD: &str =
        "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";

    #[test]
    fn result_lines_add_up_and_other_lines_do_not_count() {
        let mut tally = Tally::default();
        for line in ["running 6 tests", OK, "test a ... ok", BAD, "note: test result: ok. 9 passed", "7 passed"] {
            tally.count(line);
        }
        assert_eq!(tally, Tally { passed: 8, failed: 2, skipped: 1 });
        assert_eq!(tally.closing(), "8 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_run_is_good_only_if_something_ran_and_nothing_failed() {
        let tally = |passed, failed, skipped| Tally { passed, failed, skipped };
        assert_eq!(verdict(tally(1, 0, 0), Skips::Fail), Ok(()));
        assert_eq!(verdict(tally(1, 0, 1), Skips::Tolerated), Ok(()));
        assert!(verdict(tally(1, 0, 1), Skips::Fail).is_err());
        assert!(verdict(tally(1, 1, 0), Skips::Tolerated).is_err());
        assert!(verdict(tally(0, 0, 0), Skips::Tolerated).is_err());
        assert!(verdict(tally(0, 0, 3), Skips::Tolerated).is_err());
    }
}
