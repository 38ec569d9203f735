//! The business dates of all lanes together: how far they go by the clock, and how far the furthest has gone.
//!
//! | who | what |
//! |---|---|
//! | a keeper | asks at every look where its lane should stand, and rolls it if it stands before |
//! | the sequencing lanes | say what is durable: no lane stays behind the furthest |
//! | the command | takes the system lane there; all others follow |
//!
//! So a roll that came half way, as in a crash between two lanes, is finished by whoever looks next. How far a clock is believed is
//! the domain's ([`RollWatch`]).

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use hwan_domain::{
    business_day::{BusinessDay, RollLook, RollWatch},
    rejection::Violations,
    time::{BusinessDate, Timestamp},
};
use tokio::{sync::Notify, time::Instant};

use super::{
    command::Viewer,
    home::lock,
    travel::{Holds, Pins, Reply, RollBy, Travel, Work},
};
use crate::telemetry::metrics::DateMetrics;

/// How often a keeper compares its lane's date with the clock's at least: clocks may jump. The instant of the next roll is met exactly.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(100);
/// And at most.
const LOOKED_AT_AFTER: Duration = Duration::from_millis(1);
/// Stands in for "none" where the date that the clock shows is not held back.
const NONE: i32 = i32::MIN;

/// The business dates of all lanes.
#[derive(Debug)]
pub struct Dates {
    day: BusinessDay,
    watch: Mutex<(RollWatch, Instant)>,
    /// The date of the furthest durable record of any lane, in days.
    furthest: AtomicI32,
    /// What the clock shows while it is not followed, in days.
    held_back: AtomicI32,
    moved: Notify,
    metrics: DateMetrics,
}

impl Dates {
    /// A program starts.
    pub fn new(day: BusinessDay, now: Timestamp) -> Self {
        Self {
            day,
            watch: Mutex::new((RollWatch::begins(day, now), Instant::now())),
            furthest: AtomicI32::new(BusinessDate::from_days(i32::MIN).days()),
            held_back: AtomicI32::new(NONE),
            moved: Notify::new(),
            metrics: DateMetrics::new(),
        }
    }

    /// The schedule.
    pub const fn day(&self) -> BusinessDay {
        self.day
    }

    /// The first lane is about to be taken: whatever the clock shows is believed.
    pub fn begins(&self, now: Timestamp) {
        *lock(&self.watch) = (RollWatch::begins(self.day, now), Instant::now());
    }

    /// A lane's durable records have come to this date.
    pub fn reached(&self, date: BusinessDate) {
        if self.furthest.fetch_max(date.days(), Ordering::AcqRel) < date.days() {
            tracing::info!(business_date = %date, "the business date is rolled");
        }
    }

    /// Wakes who waits for lanes to reach a date.
    pub fn moved(&self) {
        self.moved.notify_waiters();
    }

    /// Returns once `is_there` holds; it is asked again whenever a lane has moved.
    pub async fn until(&self, is_there: impl Fn() -> bool) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Before looking: what moves meanwhile is not missed.
            moved.as_mut().enable();
            if is_there() {
                return;
            }
            moved.await;
        }
    }

    /// The furthest durable date of any lane.
    fn furthest(&self) -> BusinessDate {
        BusinessDate::from_days(self.furthest.load(Ordering::Acquire))
    }

    /// What the clock shows, while it is not followed.
    pub fn held_back(&self) -> Option<BusinessDate> {
        Some(self.held_back.load(Ordering::Acquire)).filter(|days| *days != NONE).map(BusinessDate::from_days)
    }

    /// Where every lane should stand now; one that stands further stays there.
    pub fn due(&self, now: Timestamp) -> BusinessDate {
        let furthest = self.furthest();
        let look = {
            let mut watch = lock(&self.watch);
            let at = Instant::now();
            let steady = at.saturating_duration_since(std::mem::replace(&mut watch.1, at));
            watch.0.look(now, i64::try_from(steady.as_micros()).unwrap_or(i64::MAX), furthest)
        };
        self.tell(&look);
        look.until.max(furthest)
    }

    /// How long until a keeper looks again: no later than the next roll.
    pub fn until_looked(&self, now: Timestamp) -> Duration {
        let (_, next) = self.day.next_roll(now);
        let left = Duration::from_micros(next.micros_since(now).max(0).unsigned_abs());
        left.clamp(LOOKED_AT_AFTER, LOOKED_AT_EVERY)
    }

    fn tell(&self, look: &RollLook) {
        self.held_back.store(look.held_back.map_or(NONE, BusinessDate::days), Ordering::Release);
        if !look.is_news {
            return;
        }
        self.metrics.is_held_back(look.held_back.is_some());
        match look.held_back {
            Some(clock) => tracing::error!(
                clock = %clock,
                until = %look.until,
                "the clock has jumped ahead by more than a day: the business date goes no further by itself; set the clock right, \
                 or send it on by POST /v1/business-date"
            ),
            None => tracing::info!(business_date = %look.until, "the business date follows the clock again"),
        }
    }
}

/// The command that passes a lane on to a business date, as the schedule says or because other lanes are further.
pub(super) fn roll_to(date: BusinessDate) -> Box<Travel> {
    let (reply, _nobody_waits) = Reply::channel();
    Box::new(Travel {
        work: Work::RollDate(date, RollBy::Schedule),
        who: Viewer::of_all(Arc::from("engine")),
        key: None,
        deadline: Instant::now() + Duration::from_secs(60),
        reply,
        violations: Violations::new(),
        holds: Holds::default(),
        pins: Pins::default(),
        passage: None,
    })
}
