//! Midnight under load, as a part of the tests: short, on the embedded store and on MySQL. No exchange may fail by the turn of the
//! date, and both days must reconcile; how long exchanges take is told and judged elsewhere, by a release build.

use std::time::Duration;

use crate::{programs::Programs, step::Step};

/// How long one store may take.
const TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// What a debug build carries beside everything else on two cores.
const LOAD: [&str; 12] =
    ["--customers", "500", "--rate", "200", "--warmup", "2s", "--before", "10s", "--after", "10s", "--around", "3s"];

/// Whether midnight passed as it shall, on the embedded store and, where one is given, on a MySQL server.
pub(crate) fn run_as_test(mysql: Option<&str>) -> bool {
    match run(mysql) {
        Ok(()) => true,
        Err(reason) => {
            println!("midnight: {reason}");
            false
        }
    }
}

fn run(mysql: Option<&str>) -> Result<(), String> {
    let programs = Programs::build()?;
    let (generator, hwan) = (programs.path("hwan-loadtest")?, programs.path("hwan")?);
    let midnight = |store: &str, more: &[&str]| {
        let arguments = ["midnight", "--start-server", &hwan].iter().chain(&LOAD).chain(more).copied().collect();
        let mut step = Step::of("midnight", &generator, arguments);
        step.time_max = Some(TIME_MAX);
        if step.run(|_, _| ())? { Ok(()) } else { Err(format!("it did not pass as it shall on {store}: see above")) }
    };
    midnight("the embedded store", &[])?;
    mysql.map_or(Ok(()), |url| midnight("MySQL", &["--mysql-url", url]))
}
