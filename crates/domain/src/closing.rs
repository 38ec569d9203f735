//! The closing of a business date: where each lane stood when it ended, and what the books said there.
//!
//! The last record of day D in a lane is the one before its first record of a later date. A day can be closed once every lane has a
//! later date, the books have posted up to there, and nothing of the day waits among the dead letters: from then on neither can
//! change what the day holds, so a closing that is drawn up again is the same, byte for byte. Days close in their order, each on top
//! of the one before: a closing names its predecessor's hash, and its own is a hash over its text.
//!
//! Two of them that differ are damage: something was entered after the close. [`Closing::differs`] says where.
//!
//! Pure: what the books hold and how a text is hashed are arguments. Callers: `closing`, `storage`, and who reads closings.

use std::fmt::{self, Write as _};

use crate::{
    currency::{Currency, CurrencySet},
    id::{LaneId, Seq},
    ledger::{AccountCode, LedgerAccount, TrialBalance, TrialLine, Turnover},
    time::BusinessDate,
};

/// The first line of a closing's text: what it is, and the version of its form.
const TITLE: &str = "hwan closing 1";

/// A SHA-256: of a closing's text, or a record's link in its lane's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seal(pub [u8; 32]);

impl Seal {
    /// What the first closing follows.
    pub const GENESIS: Seal = Seal([0; 32]);

    /// From 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where a lane stood at the end of a business date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneClosing {
    /// The lane.
    pub lane: LaneId,
    /// Its last record of that date or of an earlier one.
    pub seq: Seq,
    /// That record's link in the lane's chain.
    pub hash: Seal,
    /// What the books turned over by this lane up to then: every account that ever had a posting, in order.
    pub totals: TrialBalance,
}

/// A business date that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The date.
    pub business_date: BusinessDate,
    /// Every lane that had a record by then, in order.
    pub lanes: Vec<LaneClosing>,
    /// What the books turned over up to the end of this date, over all lanes.
    pub totals: TrialBalance,
    /// The hash of the closing before; [`Seal::GENESIS`] for the first.
    pub previous: Seal,
    /// SHA-256 over [`Closing::text`].
    pub hash: Seal,
}

impl Closing {
    /// Draws a closing up. Lanes without a record by then are left out: a lane that is added later changes no closing.
    pub fn draw_up(
        business_date: BusinessDate,
        previous: Seal,
        mut lanes: Vec<LaneClosing>,
        digest: impl FnOnce(&str) -> [u8; 32],
    ) -> Self {
        lanes.retain(|lane| lane.seq > Seq::ZERO);
        lanes.sort_by_key(|lane| lane.lane);
        for lane in &mut lanes {
            let lines = std::mem::take(&mut lane.totals.lines);
            lane.totals = TrialBalance::of(Some(business_date), lines);
            lane.totals.lines.retain(|line| line.turnover != Turnover::default());
        }
        let lines = lanes.iter().flat_map(|lane| lane.totals.lines.iter().copied());
        let totals = TrialBalance::of(Some(business_date), lines);
        let mut closing = Self { business_date, lanes, totals, previous, hash: Seal::GENESIS };
        closing.hash = Seal(digest(&closing.text()));
        closing
    }

    /// The canonical text: what the hash runs over, and what is stored. One line an account of a lane.
    pub fn text(&self) -> String {
        let mut text = format!("{TITLE}\nbusiness_date {}\nprevious {}\n", self.business_date, self.previous);
        for LaneClosing { lane, seq, hash, totals } in &self.lanes {
            // A string takes every write.
            let _ = writeln!(text, "lane {lane} {seq} {hash}");
            for TrialLine { account, currency, turnover } in &totals.lines {
                let of = account.of.as_ref().map_or("-", Currency::code);
                let Turnover { debit, credit } = turnover;
                let _ = writeln!(text, "account {} {of} {currency} {debit} {credit}", account.code);
            }
        }
        text
    }

    /// A closing from its text.
    ///
    /// # Errors
    ///
    /// [`ClosingTextError`] for a text that is not, to the byte, that of a closing.
    pub fn read(
        text: &str,
        currencies: &CurrencySet,
        digest: impl FnOnce(&str) -> [u8; 32],
    ) -> Result<Self, ClosingTextError> {
        let wrong = |line: &str| ClosingTextError(line.to_owned());
        let mut lines = text.lines();
        let mut head = |name: &str| {
            let line = lines.next().unwrap_or_default();
            line.strip_prefix(name).map(str::to_owned).ok_or_else(|| wrong(line))
        };
        if !head(TITLE)?.is_empty() {
            return Err(wrong(TITLE));
        }
        let (date, previous) = (head("business_date ")?, head("previous ")?);
        let date = BusinessDate::parse(&date).ok_or_else(|| wrong(&date))?;
        let previous = Seal::parse(&previous).ok_or_else(|| wrong(&previous))?;
        let mut lanes: Vec<LaneClosing> = Vec::new();
        for line in lines {
            if let Some(lane) = read_lane(line, date) {
                lanes.push(lane);
            } else {
                let read = read_line(line, currencies).ok_or_else(|| wrong(line))?;
                lanes.last_mut().ok_or_else(|| wrong(line))?.totals.lines.push(read);
            }
        }
        let closing = Self::draw_up(date, previous, lanes, digest);
        if closing.text() == text { Ok(closing) } else { Err(wrong("the text is not in canonical form")) }
    }

    /// Where this closing and another of the same date differ first; `None` where they are the same.
    pub fn differs(&self, other: &Closing) -> Option<ClosingDifference> {
        if self.previous != other.previous {
            return Some(ClosingDifference::Previous);
        }
        let numbers = |closing: &Closing| closing.lanes.iter().map(|lane| lane.lane).collect::<Vec<_>>();
        let (mine, others) = (numbers(self), numbers(other));
        if let Some(lane) =
            mine.iter().find(|lane| !others.contains(lane)).or_else(|| others.iter().find(|lane| !mine.contains(lane)))
        {
            return Some(ClosingDifference::Lane { lane: *lane });
        }
        for (one, two) in self.lanes.iter().zip(&other.lanes) {
            let lane = one.lane;
            if (one.seq, one.hash) != (two.seq, two.hash) {
                return Some(ClosingDifference::Place { lane, sealed: one.seq, found: two.seq });
            }
            if let Some((account, currency)) = first_difference(&one.totals, &two.totals) {
                return Some(ClosingDifference::Account { lane, account, currency });
            }
        }
        (self != other).then_some(ClosingDifference::Text)
    }
}

fn read_lane(line: &str, date: BusinessDate) -> Option<LaneClosing> {
    let mut words = line.strip_prefix("lane ")?.split(' ');
    let lane = LaneId::new(words.next()?.parse().ok()?)?;
    let seq = Seq::new(words.next()?.parse().ok()?)?;
    let hash = Seal::parse(words.next()?)?;
    let totals = TrialBalance { as_of: Some(date), lines: Vec::new() };
    words.next().is_none().then_some(LaneClosing { lane, seq, hash, totals })
}

fn read_line(line: &str, currencies: &CurrencySet) -> Option<TrialLine> {
    let mut words = line.strip_prefix("account ")?.split(' ');
    let code = AccountCode::new(words.next()?.parse().ok()?)?;
    let of = match words.next()? {
        "-" => None,
        code => Some(currencies.find(code)?),
    };
    let currency = currencies.find(words.next()?)?;
    let turnover = Turnover { debit: words.next()?.parse().ok()?, credit: words.next()?.parse().ok()? };
    words.next().is_none().then_some(TrialLine { account: LedgerAccount { code, of }, currency, turnover })
}

/// The first account on which two trial balances differ.
fn first_difference(one: &TrialBalance, two: &TrialBalance) -> Option<(LedgerAccount, Currency)> {
    let lacks = |line: &&TrialLine, other: &TrialBalance| !other.lines.contains(line);
    let missing = one.lines.iter().find(|line| lacks(line, two));
    let added = two.lines.iter().find(|line| lacks(line, one));
    let first = match (missing, added) {
        (Some(missing), Some(added)) if added.account < missing.account => added,
        (Some(line), _) | (None, Some(line)) => line,
        (None, None) => return None,
    };
    Some((first.account, first.currency))
}

/// A text that is not that of a closing; the line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the text of a closing: {0:?}")]
pub struct ClosingTextError(String);

/// Where two closings of one date differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClosingDifference {
    /// They follow different closings.
    #[error("it follows another closing of the day before")]
    Previous,
    /// One of them has a lane that the other has not.
    #[error("lane {lane} had no record in one of them")]
    Lane {
        /// Which.
        lane: LaneId,
    },
    /// A lane's day ends with another record.
    #[error("lane {lane} was closed at record {sealed}, and its day ends at record {found} now, or with another hash")]
    Place {
        /// Which.
        lane: LaneId,
        /// Where it was closed.
        sealed: Seq,
        /// Where its day ends.
        found: Seq,
    },
    /// An account turned over something else.
    #[error("entry after close in lane {lane}: account {account} in {currency} is not what it was")]
    Account {
        /// In which lane.
        lane: LaneId,
        /// Which account.
        account: LedgerAccount,
        /// In which currency it is counted.
        currency: Currency,
    },
    /// Something else.
    #[error("their hashes differ")]
    Text,
}

/// A lane as the books have it, against the end of a business date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneDay {
    /// The lane.
    pub lane: LaneId,
    /// The first record of a later date and that date; `None` where the books have not seen one.
    pub passed: Option<(BusinessDate, Seq)>,
    /// To which date the books have come; `None` where they have seen no record.
    pub stands_on: Option<BusinessDate>,
    /// Records of that date or before that could not be posted and were not redelivered; where the lane has not passed, all of its.
    pub dead_letters: u64,
}

impl LaneDay {
    /// The lane's last record of that date or before.
    pub fn last(&self) -> Option<Seq> {
        self.passed.and_then(|(_, first)| Seq::new(first.number().saturating_sub(1)))
    }
}

/// Why a business date cannot be closed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The books have no record of a lane.
    #[error("lane {lane}: the books have no record of it yet")]
    NoRecord {
        /// Which.
        lane: LaneId,
    },
    /// The books of a lane have not passed the end of the date.
    #[error("lane {lane}: the books have come to {stands_on}, no later date yet")]
    NotPassed {
        /// Which.
        lane: LaneId,
        /// Where it stands.
        stands_on: BusinessDate,
    },
    /// Records of it, or of an earlier date, wait to be redelivered.
    #[error("lane {lane}: {count} records up to then could not be posted: hwan ledger redeliver")]
    DeadLetters {
        /// Which.
        lane: LaneId,
        /// How many.
        count: u64,
    },
}

/// What is missing before a date can be closed: nothing, where it can. `expected` are the lanes that the engine has.
pub fn missing(expected: &[LaneId], days: &[LaneDay]) -> Vec<Missing> {
    let mut missing = Vec::new();
    for lane in expected.iter().filter(|lane| !days.iter().any(|day| day.lane == **lane)) {
        missing.push(Missing::NoRecord { lane: *lane });
    }
    for LaneDay { lane, passed, stands_on, dead_letters } in days {
        match (passed, stands_on) {
            (None, Some(stands_on)) => missing.push(Missing::NotPassed { lane: *lane, stands_on: *stands_on }),
            // A partition that no lane uses has a cursor at its beginning.
            (None, None) if expected.contains(lane) => missing.push(Missing::NoRecord { lane: *lane }),
            _ => {}
        }
        if *dead_letters > 0 {
            missing.push(Missing::DeadLetters { lane: *lane, count: *dead_letters });
        }
    }
    missing
}

/// The date that is to be closed next: after the last that is, or the first that the books know.
pub fn next_to_close(last: Option<BusinessDate>, first: Option<BusinessDate>) -> Option<BusinessDate> {
    last.map(BusinessDate::next).or(first)
}
