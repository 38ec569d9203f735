//! The business date, seen and sent on by way of the façade.

use std::sync::Arc;

use hwan_domain::{
    business_day::BusinessDay,
    id::LaneId,
    record::{Event, Record},
    time::{BusinessDate, Timestamp},
};

use super::{
    command::{Caller, Delivery, Executed, KeyError, NotDone, Refusal},
    dates::roll_to,
    engine::Engine,
    lane::Sequence,
    travel::{RollBy, Work},
};

/// The business date as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateView {
    /// What the clock shows.
    pub clock: Timestamp,
    /// The date that this is by the schedule.
    pub clock_date: BusinessDate,
    /// The schedule.
    pub day: BusinessDay,
    /// The next roll by the schedule: to which date, and when.
    pub next: (BusinessDate, Timestamp),
    /// Whether the clock is not followed: it jumped ahead by more than a day.
    pub is_held_back: bool,
}

impl Engine {
    /// The clock, the schedule, the next roll. Where the lanes stand: [`Engine::lanes`].
    pub fn business_date(&self) -> DateView {
        let (common, clock) = (&self.0.common, self.0.common.clock.now());
        // A look of its own: what the lanes have just reached may be news to the watch.
        common.dates.due(clock);
        let day = common.dates.day();
        DateView {
            clock,
            clock_date: day.date_of(clock),
            day,
            next: day.next_roll(clock),
            is_held_back: common.dates.held_back().is_some(),
        }
    }

    /// Sends every lane on to a business date; returns once all of them have got there, durably, with the record by which the
    /// system lane did. Lanes that are there or further stay: a repeat changes nothing, and gets the same record.
    pub async fn roll_date(&self, caller: Caller, date: BusinessDate) -> Result<Executed, Refusal> {
        let rolled = self.by_the_board(caller, Work::RollDate(date, RollBy::Command)).await;
        let rolled = match rolled {
            Ok(executed) if executed.record.event == (Event::DateRolled { date }) => Some(executed),
            // Another command's key.
            Ok(_) => return Err(Refusal::Key(KeyError::Reused)),
            Err(Refusal::NotDone(_)) if self.stands_on(LaneId::SYSTEM, date) => None,
            Err(refusal) => return Err(refusal),
        };
        for slot in &self.0.slots {
            if let Some(link) = slot.link.load_full()
                && link.shared.date() < date
            {
                link.lane.do_send(Sequence(roll_to(date)));
            }
        }
        // A lane that is closed just now follows as soon as it is open again.
        let all_there =
            || self.lanes().iter().all(|lane| lane.business_date.is_some_and(|stands_on| stands_on >= date));
        let patience = self.0.common.limits.command_deadline;
        if tokio::time::timeout(patience, self.0.common.dates.until(all_there)).await.is_err() {
            return Err(Refusal::Unknown);
        }
        match rolled {
            Some(executed) => Ok(executed),
            None => Ok(Executed { record: self.first_since(date).await?, delivery: Delivery::First }),
        }
    }

    /// Whether a lane stands on a date or further, durable or not.
    fn stands_on(&self, lane: LaneId, date: BusinessDate) -> bool {
        self.slot(lane).and_then(|slot| slot.link.load_full()).is_some_and(|link| link.shared.date() >= date)
    }

    /// The system lane's first record of a date or of a later one, of those that its journal still has: found by halves, since
    /// dates never go back.
    async fn first_since(&self, date: BusinessDate) -> Result<Arc<Record>, Refusal> {
        let not_read = |_| Refusal::NotDone(NotDone::LaneClosed);
        let store = &self.0.common.store;
        let (begins, _) = store.journal_begins(LaneId::SYSTEM).await.map_err(not_read)?;
        let head = self.slot(LaneId::SYSTEM).map(|slot| slot.durable()).unwrap_or_default();
        let (mut low, mut high) = (begins.number() + 1, head.number());
        let mut found = None;
        while low <= high {
            let middle = low + (high - low) / 2;
            let seq = hwan_domain::id::Seq::new(middle).unwrap_or_default();
            let rows = store.journal(LaneId::SYSTEM, seq, 1).await.map_err(not_read)?;
            let Some(row) = rows.into_iter().next() else { break };
            if row.record.business_date >= date {
                high = middle - 1;
                found = Some(row.record);
            } else {
                low = middle + 1;
            }
        }
        found.ok_or(Refusal::NotDone(NotDone::LaneClosed))
    }
}
