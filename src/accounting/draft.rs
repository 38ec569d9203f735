//! A step in the making: what came is judged, one by one, against where the lane's books would stand.
//!
//! Nothing here waits or writes. What the books hold in memory is a copy of what stands in their store, so a draft that is not taken
//! is simply dropped.

use std::collections::BTreeMap;

use hwan_domain::{
    control::{ControlTotal, ControlTotals},
    id::{Position, Seq},
    ledger::{Chart, EntrySide, Journal, LedgerAccount, LedgerEvent, Role, TrialBalance, TrialLine, Turnover, post},
    money::Money,
    time::{BusinessDate, Timestamp},
};

use super::{
    event_reader::EventReader,
    incoming::{Content, Delivered, Incoming},
    verdict::Verdict,
};
use crate::storage::{
    codec::chain_bytes,
    general_ledger::port::{DeadLetter, DeadLetterKind, LaneBooks, LaneCursor, Step},
    port::ChainHash,
};

/// A lane's books, in memory.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) cursor: LaneCursor,
    control: ControlTotals,
    /// Of the cursor's business date, with whether it was touched since the last step.
    today: BTreeMap<LedgerAccount, (TrialLine, bool)>,
}

impl Standing {
    pub(super) fn of(books: LaneBooks, chart: &Chart) -> Self {
        let LaneBooks { cursor, turnovers, today } = books;
        Self {
            cursor,
            control: TrialBalance::of(None, turnovers).control_totals(chart),
            today: today.into_iter().map(|line| (line.account, (line, false))).collect(),
        }
    }

    /// Posts a journal of the day that the books are on.
    fn post(&mut self, chart: &Chart, journal: &Journal) {
        let controls = [chart.code(Role::WonDeposits), chart.code(Role::ForeignDeposits)];
        for entry in &journal.entries {
            let (account, currency) = (entry.account, entry.amount.currency());
            let new = || (TrialLine { account, currency, turnover: Turnover::default() }, true);
            let (line, is_touched) = self.today.entry(account).or_insert_with(new);
            line.turnover = line.turnover.plus(journal.turnover(entry, chart));
            *is_touched = true;
            if controls.contains(&account.code) {
                self.control.post(match entry.side {
                    EntrySide::Credit => entry.amount,
                    EntrySide::Debit => entry.amount.negated(),
                });
            }
        }
    }

    /// The lines that were touched, as they stand.
    fn touched(&mut self) -> impl Iterator<Item = TrialLine> {
        self.today.values_mut().filter(|(_, is_touched)| *is_touched).map(|(line, is_touched)| {
            *is_touched = false;
            *line
        })
    }
}

/// What became of something that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is part of the draft.
    Taken,
    /// It was taken by an earlier step: its hash has to be looked up.
    Repeat(Position, ChainHash),
}

/// A step in the making.
#[derive(Debug)]
pub(super) struct Draft {
    /// Where the books would stand.
    pub(super) standing: Standing,
    /// How many records came again.
    pub(super) repeats: u64,
    from: Seq,
    offset: Option<i64>,
    journals: Vec<Journal>,
    turnovers: Vec<(BusinessDate, TrialLine)>,
    days: Vec<(BusinessDate, Seq)>,
    trail: Vec<ChainHash>,
    dead_letters: Vec<DeadLetter>,
}

/// By what things are judged.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) chart: &'a Chart,
    pub(super) reader: &'a EventReader,
    /// When it is now: for what is put aside.
    pub(super) now: Timestamp,
}

impl Draft {
    /// An empty step, from where the books stand.
    pub(super) fn new(standing: &Standing) -> Self {
        let standing = standing.clone();
        Self {
            repeats: 0,
            from: standing.cursor.seq,
            offset: standing.cursor.offset,
            standing,
            journals: Vec::new(),
            turnovers: Vec::new(),
            days: Vec::new(),
            trail: Vec::new(),
            dead_letters: Vec::new(),
        }
    }

    /// How many records it takes.
    pub(super) const fn records(&self) -> usize {
        self.trail.len()
    }

    /// How many things it puts aside.
    pub(super) const fn put_aside(&self) -> usize {
        self.dead_letters.len()
    }

    /// Whether there is anything to write.
    pub(super) fn is_empty(&self) -> bool {
        self.trail.is_empty() && self.dead_letters.is_empty() && self.offset == self.standing.cursor.offset
    }

    /// Judges what came. A verdict leaves the draft as it was.
    pub(super) fn judge(&mut self, incoming: &Incoming, rules: Rules<'_>) -> Result<Judged, Verdict> {
        let judged = match &incoming.content {
            Content::Record(delivered) => self.record(delivered, incoming.offset, rules)?,
            Content::Stray { body, reason } => {
                self.dead_letters.push(DeadLetter {
                    kind: DeadLetterKind::Stray,
                    position: Position::new(self.standing.cursor.lane, self.standing.cursor.seq),
                    offset: incoming.offset,
                    reason: reason.clone(),
                    since: rules.now,
                    body: body.clone(),
                });
                Judged::Taken
            }
        };
        if let Some(offset) = incoming.offset {
            self.offset = self.offset.max(Some(offset.saturating_add(1)));
        }
        Ok(judged)
    }

    fn record(&mut self, delivered: &Delivered, offset: Option<i64>, rules: Rules<'_>) -> Result<Judged, Verdict> {
        let Delivered { position, previous, hash, body, .. } = delivered;
        let (position, came) = (*position, *hash);
        let LaneCursor { lane, seq, hash: before, .. } = self.standing.cursor;
        if position.lane() != lane {
            return Err(Verdict::WrongLane { lane, position });
        }
        if position.seq() <= seq {
            return self.repeat(position, came);
        }
        let expected = seq.next().unwrap_or(seq);
        if position.seq() != expected {
            return Err(Verdict::Gap { expected, found: position.seq() });
        }
        if previous.is_some_and(|previous| previous != before) || chain_bytes(before, body) != came {
            return Err(Verdict::BrokenChain { position, before, came });
        }
        match self.post(delivered, rules) {
            Ok(()) => {}
            Err(Unposted::Verdict(verdict)) => return Err(verdict),
            Err(Unposted::Reason(reason)) => {
                self.standing.cursor.dead_letters += 1;
                self.dead_letters.push(DeadLetter {
                    kind: DeadLetterKind::Record,
                    position,
                    offset,
                    reason,
                    since: rules.now,
                    body: body.to_vec(),
                });
            }
        }
        self.trail.push(came);
        (self.standing.cursor.seq, self.standing.cursor.hash) = (position.seq(), came);
        Ok(Judged::Taken)
    }

    /// A record that was taken before: the same, or a lane that has two histories.
    fn repeat(&mut self, position: Position, came: ChainHash) -> Result<Judged, Verdict> {
        let within = position.seq().number().checked_sub(self.from.number() + 1);
        let taken = match within.and_then(|index| usize::try_from(index).ok()) {
            Some(index) => self.trail.get(index).copied(),
            None if position.seq() == self.from && self.trail.is_empty() => Some(self.standing.cursor.hash),
            None => None,
        };
        match taken {
            Some(taken) if taken != came => Err(Verdict::AnotherHash { position, taken, came }),
            Some(_) => {
                self.repeats += 1;
                Ok(Judged::Taken)
            }
            None => Ok(Judged::Repeat(position, came)),
        }
    }

    /// Posts a record in its place; nothing is changed where it cannot be.
    fn post(&mut self, delivered: &Delivered, rules: Rules<'_>) -> Result<(), Unposted> {
        let event = match &delivered.record {
            Some(record) => LedgerEvent::from(record.as_ref()),
            None => rules.reader.read(&delivered.body).map_err(|error| Unposted::Reason(error.to_string()))?,
        };
        if event.position != delivered.position {
            return Err(Unposted::Reason(format!("the text is that of {:?}", event.position)));
        }
        if self.standing.cursor.business_date.is_some_and(|date| event.business_date < date) {
            return Err(Unposted::Reason(format!("the business date goes back to {}", event.business_date)));
        }
        let journal = post(rules.chart, &event).map_err(|error| Unposted::Reason(error.to_string()))?;
        self.compare(&event, journal.as_ref(), rules.chart)?;
        self.turn_to(event.business_date, delivered.position.seq());
        if let Some(journal) = journal {
            self.standing.post(rules.chart, &journal);
            self.journals.push(journal);
        }
        self.standing.cursor.at = Some(event.at);
        Ok(())
    }

    /// The control accounts after a journal against what the engine says. Not while a journal is missing.
    fn compare(&self, event: &LedgerEvent, journal: Option<&Journal>, chart: &Chart) -> Result<(), Unposted> {
        if self.standing.cursor.dead_letters > 0 {
            return Ok(());
        }
        for ControlTotal { currency, minor: engine } in &event.totals {
            let control = chart.control(*currency);
            let entries = journal.iter().flat_map(|journal| &journal.entries).filter(|entry| entry.account == control);
            let mut moved = Turnover::default();
            entries.for_each(|entry| moved.post(entry.side, Money::minor(entry.amount)));
            let ledger = self.standing.control.minor(*currency) + moved.credit_balance();
            if ledger != *engine {
                let (position, currency, engine) = (event.position, *currency, *engine);
                return Err(Unposted::Verdict(Verdict::ControlMismatch { position, currency, ledger, engine }));
            }
        }
        Ok(())
    }

    /// Goes over to another business date.
    fn turn_to(&mut self, date: BusinessDate, seq: Seq) {
        let before = self.standing.cursor.business_date;
        if before == Some(date) {
            return;
        }
        if let Some(before) = before {
            self.turnovers.extend(self.standing.touched().map(|line| (before, line)));
        }
        self.standing.today.clear();
        self.days.push((date, seq));
        self.standing.cursor.business_date = Some(date);
    }

    /// The step, and where the books stand once it is taken.
    pub(super) fn finish(mut self) -> (Step, Standing) {
        if let Some(date) = self.standing.cursor.business_date {
            self.turnovers.extend(self.standing.touched().map(|line| (date, line)));
        }
        let cursor = &mut self.standing.cursor;
        (cursor.offset, cursor.stopped) = (self.offset, None);
        let step = Step {
            lane: cursor.lane,
            from: self.from,
            revision: cursor.revision,
            seq: cursor.seq,
            hash: cursor.hash,
            at: cursor.at,
            business_date: cursor.business_date,
            offset: cursor.offset,
            journals: self.journals,
            turnovers: self.turnovers,
            days: self.days,
            trail: self.trail,
            dead_letters: self.dead_letters,
        };
        (step, self.standing)
    }
}

/// Why a record was not posted.
enum Unposted {
    /// It cannot be, whatever is done: it is put aside.
    Reason(String),
    /// The lane stops before it.
    Verdict(Verdict),
}
