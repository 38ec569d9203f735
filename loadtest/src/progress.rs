//! That it lives: a bar on a terminal, a line every few seconds elsewhere.

use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A progress display of `length` steps.
pub(crate) struct Progress {
    what: &'static str,
    length: u64,
    bar: Option<ProgressBar>,
    last: Instant,
}

impl Progress {
    /// Begins.
    pub(crate) fn start(what: &'static str, length: u64) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(length).with_style(style).with_message(what)
        });
        Self { what, length, bar, last: Instant::now() }
    }

    /// Shows that it stands at `position`; `remark` says more.
    pub(crate) fn show(&mut self, position: u64, remark: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(format!("{} {remark}", self.what));
        } else if self.last.elapsed() >= HEARTBEAT {
            self.last = Instant::now();
            eprintln!("... {} {position}/{} {remark}", self.what, self.length);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
