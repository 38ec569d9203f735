//! The business day: to which date an instant belongs, when a date begins, and how far a clock is believed.
//!
//! Which date a record bears is decided by its lane, by a record of its own (`DateRolled`); the schedule here says only when
//! the lanes are sent on. So a record that was sequenced before the roll belongs to the day before, whatever a clock says. The limit
//! day is another thing ([`limit`](crate::limit)): it begins at 09:00 Asia/Seoul and is not moved by this.
//!
//! A clock may be wrong. Back it never takes a lane, since dates never go back. Ahead, [`RollWatch`] lets it take the lanes one day
//! beyond what it showed so far, and no further, until a person says so or the clock comes back. Callers: `actors`, `config`.

use crate::{
    rejection::{Code, Violation},
    time::{BusinessDate, MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp},
};

/// Microseconds in a minute.
const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
/// Minutes in a day.
const MINUTES_PER_DAY: u16 = 1_440;

/// When business dates begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusinessDay {
    /// How far local time is ahead of UTC, in minutes.
    utc_offset: i16,
    /// At which minute of the local day the date turns.
    rolls_at: u16,
}

impl BusinessDay {
    /// Midnight in Asia/Seoul.
    pub const SEOUL: BusinessDay = BusinessDay { utc_offset: 540, rolls_at: 0 };

    /// Of a local time that is `utc_offset` minutes ahead of UTC (at most 14 hours to either side), turning at minute `rolls_at` of
    /// the local day. Before noon a date begins on its own calendar day, and the hours before it belong to the day before; from
    /// noon on it begins on the evening before. `None` beyond these bounds.
    pub const fn new(utc_offset: i16, rolls_at: u16) -> Option<Self> {
        if utc_offset >= -840 && utc_offset <= 840 && rolls_at < MINUTES_PER_DAY {
            Some(Self { utc_offset, rolls_at })
        } else {
            None
        }
    }

    /// How far local time is ahead of UTC, in minutes.
    pub const fn utc_offset(self) -> i16 {
        self.utc_offset
    }

    /// At which minute of the local day the date turns.
    pub const fn rolls_at(self) -> u16 {
        self.rolls_at
    }

    /// How long after 00:00 UTC of its own calendar day a date begins, in microseconds; negative before.
    fn begins_after(self) -> i64 {
        let rolls_at = i64::from(self.rolls_at);
        let turn = if self.rolls_at < MINUTES_PER_DAY / 2 { rolls_at } else { rolls_at - i64::from(MINUTES_PER_DAY) };
        (turn - i64::from(self.utc_offset)) * MICROS_PER_MINUTE
    }

    /// The business date that an instant belongs to.
    pub fn date_of(self, at: Timestamp) -> BusinessDate {
        let days = (at.micros() - self.begins_after()).div_euclid(MICROS_PER_DAY);
        BusinessDate::from_days(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// The instant at which a date begins.
    pub fn begins_at(self, date: BusinessDate) -> Timestamp {
        Timestamp::from_micros(i64::from(date.days()) * MICROS_PER_DAY + self.begins_after())
    }

    /// The next date that begins after an instant, and when.
    pub fn next_roll(self, at: Timestamp) -> (BusinessDate, Timestamp) {
        let next = self.date_of(at).next();
        (next, self.begins_at(next))
    }
}

impl Default for BusinessDay {
    fn default() -> Self {
        Self::SEOUL
    }
}

/// What a look at the clock says about the business date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollLook {
    /// How far lanes roll by themselves now. One that stands further stays there.
    pub until: BusinessDate,
    /// What date the clock shows, where it is not followed: it jumped ahead by more than a day.
    pub held_back: Option<BusinessDate>,
    /// Whether this look changed whether the clock is followed.
    pub is_news: bool,
}

/// Watches a clock that may jump, from a program's start on.
///
/// At a start the clock is believed whatever it says: a program that was down for days rolls over all of them. From then on it is
/// followed to the date after the latest that it showed, or would show had it gone on steadily. If it shows more, the lanes go that
/// one day, and then wait: until the date of the lanes has been brought there by command, or the clock comes back.
#[derive(Clone, Copy, Debug)]
pub struct RollWatch {
    day: BusinessDay,
    /// What the clock showed when it was believed last, moved on by steady time while it was not.
    believed: Timestamp,
    /// The latest date that was believed.
    latest: BusinessDate,
    /// How far lanes go by themselves while the clock is not followed.
    held_at: Option<BusinessDate>,
}

impl RollWatch {
    /// A program starts, or takes its first lane.
    pub fn begins(day: BusinessDay, now: Timestamp) -> Self {
        Self { day, believed: now, latest: day.date_of(now), held_at: None }
    }

    /// The schedule.
    pub const fn day(&self) -> BusinessDay {
        self.day
    }

    /// Looks at the clock, `steady_micros` of steady time after the last look, while the furthest lane stands on `furthest`.
    pub fn look(&mut self, now: Timestamp, steady_micros: i64, furthest: BusinessDate) -> RollLook {
        let shown = self.day.date_of(now);
        let expected = self.believed.plus_micros(steady_micros.max(0));
        let was_held = self.held_at.is_some();
        let reach = match self.held_at {
            Some(held_at) => held_at.max(furthest),
            None => self.latest.max(self.day.date_of(expected)).next(),
        };
        if shown <= reach {
            self.believed = now;
            self.latest = self.latest.max(shown);
            self.held_at = None;
            return RollLook { until: shown, held_back: None, is_news: was_held };
        }
        let until = *self.held_at.get_or_insert(reach);
        self.believed = expected;
        RollLook { until, held_back: Some(shown), is_news: !was_held }
    }
}

/// Whether lanes may be sent on to `date` by command while the clock shows `now`: up to the clock's date where they are behind it, and
/// one day beyond it, which closes the day early. Lanes that are there or further stay where they are.
///
/// # Errors
///
/// [`Code::BusinessDateTooFar`] for a date beyond that.
pub fn judge_roll(day: BusinessDay, now: Timestamp, date: BusinessDate) -> Result<(), Violation> {
    let latest = day.date_of(now).next();
    if date <= latest {
        return Ok(());
    }
    Err(Violation::new(Code::BusinessDateTooFar, format!("{date}; the latest that lanes are sent to now is {latest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn date(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    #[test]
    fn seoul_turns_at_midnight_as_the_calendar_does() {
        for text in
            ["2026-11-23T14:59:59.999999Z", "2026-11-23T15:00:00Z", "1970-01-01T00:00:00Z", "2028-02-29T15:00:00Z"]
        {
            assert_eq!(BusinessDay::SEOUL.date_of(at(text)), at(text).seoul_date(), "{text}");
        }
        assert_eq!(BusinessDay::SEOUL.begins_at(date("2026-11-24")), date("2026-11-24").begins_at());
        assert_eq!(BusinessDay::new(540, 0), Some(BusinessDay::default()));
    }

    #[test]
    fn a_date_begins_on_its_own_day_or_on_the_evening_before() {
        for (offset, rolls_at, instant, expected) in [
            (540, 0, "2026-11-23T15:00:00Z", "2026-11-24"),
            (540, 360, "2026-11-23T20:59:59.999999Z", "2026-11-23"),
            (540, 360, "2026-11-23T21:00:00Z", "2026-11-24"),
            (-300, 1_020, "2026-11-23T21:59:59.999999Z", "2026-11-23"),
            (-300, 1_020, "2026-11-23T22:00:00Z", "2026-11-24"),
            (0, 719, "2026-11-23T11:58:59.999999Z", "2026-11-22"),
            (0, 720, "2026-11-23T12:00:00Z", "2026-11-24"),
            (345, 0, "2026-11-23T18:15:00Z", "2026-11-24"),
        ] {
            let day = BusinessDay::new(offset, rolls_at).unwrap();
            assert_eq!(day.date_of(at(instant)), date(expected), "{offset} {rolls_at} {instant}");
        }
    }

    #[test]
    fn each_date_begins_where_the_one_before_ends() {
        for (offset, rolls_at) in [(540, 0), (-840, 1_439), (840, 719), (-300, 1_020), (330, 30)] {
            let day = BusinessDay::new(offset, rolls_at).unwrap();
            let begins = day.begins_at(date("2026-11-24"));
            assert_eq!(day.date_of(begins), date("2026-11-24"));
            assert_eq!(day.date_of(begins.plus_micros(-1)), date("2026-11-23"));
            assert_eq!(day.next_roll(begins.plus_micros(-1)), (date("2026-11-24"), begins));
            assert_eq!(day.next_roll(begins).0, date("2026-11-25"));
        }
        for (offset, rolls_at) in [(841, 0), (-841, 0), (0, 1_440)] {
            assert_eq!(BusinessDay::new(offset, rolls_at), None);
        }
    }

    /// A day of steady time.
    const DAY: i64 = MICROS_PER_DAY;

    /// Looks at a clock in Seoul: what it shows, after how much steady time, where the furthest lane stands; then until where lanes
    /// roll, and whether the clock is held back.
    fn looks(start: &str, steps: &[(&str, i64, &str, &str, bool)]) {
        let mut watch = RollWatch::begins(BusinessDay::SEOUL, at(start));
        for (now, steady, furthest, until, is_held) in steps {
            let look = watch.look(at(now), *steady, date(furthest));
            assert_eq!((look.until, look.held_back.is_some()), (date(until), *is_held), "{now}");
        }
    }

    #[test]
    fn midnight_is_followed_and_a_clock_that_goes_back_takes_nobody_back() {
        looks(
            "2026-11-23T14:59:00Z",
            &[
                ("2026-11-23T14:59:59.999999Z", 0, "2026-11-23", "2026-11-23", false),
                ("2026-11-23T15:00:00Z", 0, "2026-11-23", "2026-11-24", false),
                ("2026-11-20T15:00:00Z", 0, "2026-11-24", "2026-11-21", false),
                ("2026-11-23T15:00:01Z", 0, "2026-11-24", "2026-11-24", false),
                ("2026-11-24T15:00:00Z", 0, "2026-11-24", "2026-11-25", false),
            ],
        );
    }

    #[test]
    fn a_clock_that_jumps_days_ahead_is_followed_for_one_day_and_then_waited_for() {
        looks(
            "2026-11-23T03:00:00Z",
            &[
                ("2026-11-28T03:00:00Z", 0, "2026-11-23", "2026-11-24", true),
                ("2026-11-28T03:00:01Z", 0, "2026-11-24", "2026-11-24", true),
                // The clock is right, as after a long pause of the machine: the command brings the lanes there, day by day.
                ("2026-11-28T03:00:02Z", 0, "2026-11-25", "2026-11-24", true),
                ("2026-11-28T03:00:03Z", 0, "2026-11-28", "2026-11-28", false),
                ("2026-11-28T15:00:00Z", 0, "2026-11-28", "2026-11-29", false),
                // And again, wrong this time: it is set back.
                ("2027-11-28T15:00:00Z", 0, "2026-11-29", "2026-11-30", true),
                ("2026-11-28T15:00:01Z", 0, "2026-11-30", "2026-11-29", false),
                ("2026-11-30T15:00:00Z", 0, "2026-11-30", "2026-11-30", true),
            ],
        );
    }

    #[test]
    fn days_that_passed_while_nobody_looked_are_no_jump() {
        looks(
            "2026-11-23T03:00:00Z",
            &[
                ("2026-11-26T03:00:00Z", 3 * DAY, "2026-11-23", "2026-11-26", false),
                ("2026-11-30T03:00:00Z", 2 * DAY, "2026-11-26", "2026-11-29", true),
                // While it is held back, steady time goes on, and lanes still wait.
                ("2026-12-01T03:00:00Z", DAY, "2026-11-29", "2026-11-29", true),
            ],
        );
    }

    #[test]
    fn by_command_lanes_go_up_to_the_day_after_the_clocks() {
        let now = at("2026-11-23T03:00:00Z");
        for day in ["2026-11-01", "2026-11-23", "2026-11-24"] {
            assert_eq!(judge_roll(BusinessDay::SEOUL, now, date(day)), Ok(()));
        }
        let refused = judge_roll(BusinessDay::SEOUL, now, date("2026-11-25")).unwrap_err();
        assert_eq!(refused.code, Code::BusinessDateTooFar);
        assert_eq!(refused.detail, "2026-11-25; the latest that lanes are sent to now is 2026-11-24");
    }
}
