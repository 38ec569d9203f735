//! `cargo xtask chaos`: builds hwan and the crash tests, then runs them. What follows goes to `hwan-chaos`.

use std::time::Duration;

use crate::{programs::Programs, step::Step};

/// How long one round may take; a campaign by `--minutes` has that on top.
const ROUND_MAX: Duration = Duration::from_secs(30 * 60);

/// A half of what can be struck.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Half {
    /// Engine and store.
    Ledger,
    /// Kafka, between the engine and the books.
    Pipeline,
}

/// One round of everything, as a part of the tests; whether every promise held.
pub(crate) fn run_as_test(half: Half) -> bool {
    let option = match half {
        Half::Ledger => "--ci",
        Half::Pipeline => "--pipeline",
    };
    match run(&[option.to_owned()]) {
        Ok(()) => true,
        Err(reason) => {
            println!("chaos: {reason}");
            false
        }
    }
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let programs = Programs::build()?;
    let (program, hwan, folder) = (programs.path("hwan-chaos")?, programs.path("hwan")?, programs.target()?);
    let mut given = vec!["--hwan", &hwan, "--target", &folder];
    given.extend(arguments.iter().map(String::as_str));
    let minutes = arguments.iter().skip_while(|argument| *argument != "--minutes").nth(1);
    let minutes: u64 = minutes.and_then(|minutes| minutes.parse().ok()).unwrap_or(0);
    let mut chaos = Step::of("chaos", &program, given);
    chaos.time_max = Some(ROUND_MAX + Duration::from_secs(60 * minutes));
    if chaos.run(|_, _| ())? {
        Ok(())
    } else {
        Err("the crash tests found something, or could not run: see above".to_owned())
    }
}
