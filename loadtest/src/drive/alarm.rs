//! A timer that is exact to microseconds, where the runtime's own goes by whole milliseconds: at a p50 of 2 ms that
//! would be half of what is measured.

use std::{io, time::Instant};

#[cfg(target_os = "linux")]
pub(super) use self::linux::Alarm;
#[cfg(not(target_os = "linux"))]
pub(super) use self::portable::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::net::unix::pipe;

    use super::{Instant, io};

    /// A timer of the kernel, which is read like a pipe: eight bytes once it has expired, and nothing before.
    #[derive(Debug)]
    pub(in crate::drive) struct Alarm {
        timer: pipe::Receiver,
    }

    impl Alarm {
        /// On the runtime that this is called on.
        pub(in crate::drive) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self { timer: pipe::Receiver::from_owned_fd_unchecked(timer)? })
        }

        /// Waits until `instant`; not at all if it has passed.
        pub(in crate::drive) async fn wait_until(&mut self, instant: Instant) -> io::Result<()> {
            let left = instant.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Timespec::try_from(left).map_err(io::Error::other)?;
            let once = Itimerspec { it_interval: zero, it_value: value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            loop {
                self.timer.readable().await?;
                match self.timer.try_read(&mut [0; 8]) {
                    Err(early) if early.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read.map(drop),
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use super::{Instant, io};

    /// The runtime's timer.
    #[derive(Debug)]
    pub(in crate::drive) struct Alarm;

    impl Alarm {
        /// On any runtime.
        pub(in crate::drive) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits until `instant`, up to a millisecond longer.
        pub(in crate::drive) async fn wait_until(&mut self, instant: Instant) -> io::Result<()> {
            tokio::time::sleep_until(instant.into()).await;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_alarm_is_never_early() {
        let mut alarm = Alarm::new().unwrap();
        for micros in [0, 50, 300, 1_700] {
            let until = Instant::now() + Duration::from_micros(micros);
            alarm.wait_until(until).await.unwrap();
            assert!(Instant::now() >= until);
        }
    }
}
