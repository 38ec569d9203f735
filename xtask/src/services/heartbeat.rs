//! A word every few seconds while something lasts.

use std::{
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// How long something may last in silence.
const SILENCE_MAX: Duration = Duration::from_secs(8);

/// Does the work, and says every few seconds that it goes on.
pub(crate) fn during<R>(name: &str, work: impl FnOnce() -> R) -> R {
    let (ended, end) = sync_channel::<()>(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            let started = Instant::now();
            while end.recv_timeout(SILENCE_MAX) == Err(RecvTimeoutError::Timeout) {
                println!("... {name}: {} s", started.elapsed().as_secs());
            }
        });
        let result = work();
        drop(ended);
        result
    })
}
