//! Rounds and halts as the watch follows them, and the rules of an exchange on its round.
//!
//! They come from the system lane, whose records may be read before or after those of customers' lanes. So everything is compared by
//! the times that the records bear, an exchange whose round is not known yet waits for it, and a round and a pair remember the last
//! exchange on them, for a void or a halt that is read later. What is forgotten is not judged.

use std::collections::{BTreeMap, VecDeque};

use rust_decimal::Decimal;

use super::{
    alert::{Alert, Subject},
    policy::WatchPolicy,
    rule::Rule,
};
use crate::{
    exchange::{Side, Terms},
    guard::Finding,
    id::{ExchangeId, Position},
    quote::QuoteId,
    rate::Rate,
    record::{Event, Record},
    round::{Round, RoundId, RoundStatus},
    time::{MICROS_PER_SECOND, Timestamp},
};

/// Halts of a pair that are remembered.
const HALTS_MAX: usize = 64;

/// When and where an exchange was.
pub type Traded = (Timestamp, Position);

/// A round as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundSeen {
    /// Its name.
    pub id: RoundId,
    /// Its middle rate.
    pub mid: Rate,
    /// What a customer buys at, and sells at.
    pub rates: [Option<Rate>; 2],
    /// It does not trade before.
    pub published_at: Timestamp,
    /// It does not trade from then on.
    pub valid_until: Timestamp,
    /// Whether the guard let it trade.
    pub trades: bool,
    /// When another followed it.
    pub followed_at: Option<Timestamp>,
    /// When it was voided.
    pub voided_at: Option<Timestamp>,
    /// The last exchange on it.
    pub traded: Option<Traded>,
}

/// A halt of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaltSeen {
    /// From when on.
    pub since: Timestamp,
    /// Until when, once it was resumed.
    pub until: Option<Timestamp>,
}

/// A pair as it is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairSeen {
    /// Its newest rounds, by date and number.
    pub rounds: VecDeque<RoundSeen>,
    /// Whether older ones were forgotten, or never seen.
    pub is_cut: bool,
    /// Its newest halts.
    pub halts: VecDeque<HaltSeen>,
    /// The last exchange.
    pub traded: Option<Traded>,
}

/// An exchange as its round judges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Its place.
    pub position: Position,
    /// Its time.
    pub at: Timestamp,
    /// Its terms.
    pub terms: Terms,
    /// The quote that it used.
    pub quote: Option<QuoteId>,
}

impl Trade {
    /// Of a record, if that is an exchange.
    pub fn of(record: &Record) -> Option<Self> {
        let Event::Exchanged { terms, quote, .. } = &record.event else { return None };
        Some(Self { position: record.position, at: record.at, terms: *terms, quote: *quote })
    }

    fn raise(&self, rule: Rule, expected: String, found: String, alerts: &mut Vec<Alert>) {
        alerts.push(alert(rule, (self.at, self.position), expected, found).of_pair(self.terms.currency));
    }
}

fn alert(rule: Rule, (at, position): Traded, expected: String, found: String) -> Alert {
    Alert::at_record(rule, Subject::Exchange(ExchangeId::at(position)), (position, at), expected, found)
}

/// What the guard refused, and why.
fn refused(subject: Subject, record: &Record, what: &str, findings: &[Finding]) -> Alert {
    let found: Vec<String> = findings.iter().map(Finding::to_string).collect();
    let here = (record.position, record.at);
    let found = format!("{what}: {}", found.join("; "));
    Alert::at_record(Rule::RoundRefused, subject, here, "a round that passes the guard", found)
}

/// Whether a round could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It could, or it is too old to be known.
    Done,
    /// Its round is not known: it may come.
    Unknown,
}

/// Every pair's rounds and halts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoundsSeen {
    pairs: BTreeMap<[u8; 3], PairSeen>,
    /// Whether the system lane was followed from its first record.
    is_cut: bool,
}

fn index_of(rounds: &VecDeque<RoundSeen>, id: RoundId) -> Result<usize, usize> {
    rounds.binary_search_by_key(&(id.date, id.number), |round| (round.id.date, round.id.number))
}

impl RoundsSeen {
    /// Followed from somewhere: older rounds than the first that comes are not known.
    pub fn cut() -> Self {
        Self { pairs: BTreeMap::new(), is_cut: true }
    }

    /// Pairs as they were put away.
    pub(super) fn restored(pairs: BTreeMap<[u8; 3], PairSeen>, is_cut: bool) -> Self {
        Self { pairs, is_cut }
    }

    /// Every pair, and whether the system lane was not followed from its first record.
    pub(super) fn parts(&self) -> (&BTreeMap<[u8; 3], PairSeen>, bool) {
        (&self.pairs, self.is_cut)
    }

    fn pair(&mut self, code: [u8; 3]) -> &mut PairSeen {
        let is_cut = self.is_cut;
        self.pairs.entry(code).or_insert_with(|| PairSeen { is_cut, ..PairSeen::default() })
    }

    /// Follows a record of the system lane; others change nothing.
    pub fn observe(&mut self, record: &Record, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        match &record.event {
            Event::RoundPublished { round, findings } => {
                let pair = self.pair(round.id.currency);
                pair.publish(round, findings.is_empty(), record, policy, alerts);
                if !findings.is_empty() {
                    pair.halt(record.at, policy, alerts);
                    let what = format!("{} per {}", round.mid.value(), round.mid.unit());
                    alerts.push(refused(Subject::Round(round.id), record, &what, findings).of_pair(round.currency));
                }
            }
            Event::RoundRefused { currency, mid, findings } => {
                let subject = Subject::Pair(*currency.code_bytes());
                alerts.push(refused(subject, record, &mid.to_string(), findings).of_pair(*currency));
                self.pair(*currency.code_bytes()).halt(record.at, policy, alerts);
            }
            Event::RoundVoided { round, .. } => {
                let pair = self.pair(round.currency);
                pair.void(*round, record.at, policy, alerts);
                pair.halt(record.at, policy, alerts);
            }
            Event::PairHalted { currency, .. } => {
                self.pair(*currency.code_bytes()).halt(record.at, policy, alerts);
            }
            Event::PairResumed { currency } => {
                if let Some(halt) = self.pair(*currency.code_bytes()).halts.back_mut() {
                    halt.until.get_or_insert(record.at);
                }
            }
            _ => {}
        }
    }

    /// Judges an exchange on its round.
    pub fn judge(&mut self, trade: &Trade, policy: &WatchPolicy, alerts: &mut Vec<Alert>) -> Judged {
        let pair = self.pair(trade.terms.round.currency);
        let Ok(index) = index_of(&pair.rounds, trade.terms.round) else {
            let oldest = pair.rounds.front().map(|round| (round.id.date, round.id.number));
            let named = (trade.terms.round.date, trade.terms.round.number);
            let is_forgotten = pair.is_cut && oldest.is_none_or(|oldest| named < oldest);
            return if is_forgotten { Judged::Done } else { Judged::Unknown };
        };
        if let Some(round) = pair.rounds.get_mut(index) {
            round.judge(trade, policy, alerts);
        }
        pair.judge_halts(trade, policy, alerts);
        Judged::Done
    }

    /// An exchange whose round did not come.
    pub fn never_came(trade: &Trade, alerts: &mut Vec<Alert>) {
        let (expected, found) = ("a round that was published".to_owned(), trade.terms.round.to_string());
        trade.raise(Rule::TradeOnUnknownRound, expected, found, alerts);
    }
}

fn later(at: Timestamp, by: Option<Traded>) -> bool {
    by.is_none_or(|(known, _)| known <= at)
}

impl PairSeen {
    fn publish(&mut self, round: &Round, passed: bool, record: &Record, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        let trades = passed && round.status == RoundStatus::Active;
        let Err(index) = index_of(&self.rounds, round.id) else { return };
        if trades {
            let before = self.rounds.iter().rev().find(|seen| seen.trades && seen.voided_at.is_none());
            if let Some((expected, found)) = before.and_then(|before| outside_band(before, round, policy)) {
                let subject = Subject::Round(round.id);
                let here = (record.position, record.at);
                alerts.push(
                    Alert::at_record(Rule::RoundOutsideBand, subject, here, expected, found).of_pair(round.currency),
                );
            }
            for seen in self.rounds.iter_mut().rev().take_while(|seen| !seen.trades || seen.followed_at.is_none()) {
                seen.followed_at.get_or_insert(record.at);
            }
        }
        let rates = [Side::Buy, Side::Sell].map(|side| Terms::of(round, side).ok().map(|terms| terms.rate));
        let seen = RoundSeen {
            id: round.id,
            mid: round.mid,
            rates,
            published_at: round.published_at,
            valid_until: round.valid_until,
            trades,
            followed_at: None,
            voided_at: None,
            traded: None,
        };
        self.rounds.insert(index, seen);
        while self.rounds.len() > policy.rounds_max.max(1) {
            self.rounds.pop_front();
            self.is_cut = true;
        }
    }

    fn void(&mut self, id: RoundId, at: Timestamp, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        let Ok(index) = index_of(&self.rounds, id) else { return };
        let Some(round) = self.rounds.get_mut(index) else { return };
        round.voided_at.get_or_insert(at);
        if let Some(traded) = round.traded.filter(|(traded, _)| *traded > at.plus_seconds(policy.board_grace_seconds)) {
            alerts.push(alert(Rule::TradeOnVoidedRound, traded, format!("none on {id}, voided at {at}"), "one".into()));
        }
    }

    fn halt(&mut self, since: Timestamp, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        if self.halts.back().is_some_and(|halt| halt.until.is_none()) {
            return;
        }
        if self.halts.len() >= HALTS_MAX {
            self.halts.pop_front();
        }
        self.halts.push_back(HaltSeen { since, until: None });
        if let Some(traded) = self.traded.filter(|(at, _)| *at > since.plus_seconds(policy.board_grace_seconds)) {
            alerts.push(alert(Rule::TradeOnHaltedPair, traded, format!("none: halted at {since}"), "one".into()));
        }
    }

    fn judge_halts(&mut self, trade: &Trade, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        if later(trade.at, self.traded) {
            self.traded = Some((trade.at, trade.position));
        }
        let of = self.halts.iter().rev().find(|halt| {
            halt.since.plus_seconds(policy.board_grace_seconds) < trade.at
                && halt.until.is_none_or(|until| trade.at < until)
        });
        if let Some(halt) = of {
            let expected = format!("no exchange while halted since {}", halt.since);
            trade.raise(Rule::TradeOnHaltedPair, expected, format!("one at {}", trade.at), alerts);
        }
    }
}

/// Whether a round that trades is too far from the one before it.
pub fn outside_band(before: &RoundSeen, round: &Round, policy: &WatchPolicy) -> Option<(String, String)> {
    let percent_max = policy.band(round.currency);
    let (was, is) = (before.mid.value(), round.mid.value());
    let per_unit = is.checked_mul(Decimal::from(before.mid.unit()))?.checked_div(Decimal::from(round.mid.unit()))?;
    let percent = per_unit.checked_sub(was)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(was)?.abs();
    (percent > percent_max).then(|| {
        let found = format!("{} after {}: {} %", round.mid, before.mid, percent.round_dp(4).normalize());
        (format!("within {percent_max} % of {}", before.id), found)
    })
}

/// The milliseconds of its making that a quote's name begins with.
fn made_at(quote: QuoteId) -> Timestamp {
    let millis = i64::try_from(quote.0 >> 80).unwrap_or(i64::MAX);
    Timestamp::from_micros(millis.saturating_mul(MICROS_PER_SECOND / 1_000))
}

impl RoundSeen {
    /// Judges an exchange on this round, and notes it as its last.
    pub fn judge(&mut self, trade: &Trade, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        let grace = policy.board_grace_seconds;
        let rate = match trade.terms.side {
            Side::Buy => self.rates.first(),
            Side::Sell => self.rates.last(),
        };
        let rate = rate.copied().flatten();
        if trade.terms.mid != self.mid || Some(trade.terms.rate) != rate {
            let rate = rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
            let expected = format!("rate {rate}, mid {}, of {}", self.mid, self.id);
            let found = format!("rate {}, mid {}", trade.terms.rate, trade.terms.mid);
            trade.raise(Rule::TermsOffRound, expected, found, alerts);
        }
        if !self.trades {
            let expected = format!("none on {}, which the guard refused", self.id);
            trade.raise(Rule::TradeOnVoidedRound, expected, "one".into(), alerts);
        } else if let Some(voided) = self.voided_at.filter(|voided| trade.at > voided.plus_seconds(grace)) {
            let expected = format!("none on {}, voided at {voided}", self.id);
            trade.raise(Rule::TradeOnVoidedRound, expected, format!("one at {}", trade.at), alerts);
        }
        match trade.quote {
            None => {
                let followed = self.followed_at.map(|followed| followed.plus_seconds(grace));
                let until = followed.map_or(self.valid_until, |followed| followed.min(self.valid_until));
                if trade.at < self.published_at || trade.at >= until {
                    let expected = format!("from {} to {until} on {}", self.published_at, self.id);
                    trade.raise(Rule::TradeOnExpiredRound, expected, format!("at {}", trade.at), alerts);
                }
            }
            Some(quote) => {
                let made = made_at(quote);
                let until = made.plus_seconds(policy.quote_lifetime_seconds_max);
                if trade.at > until {
                    let expected = format!("until {until}: the quote was made at {made}");
                    trade.raise(Rule::TradeOnExpiredQuote, expected, format!("at {}", trade.at), alerts);
                }
                // The name's time is in milliseconds.
                if made.plus_seconds(1) < self.published_at || made >= self.valid_until.plus_seconds(1) {
                    let expected = format!("a quote made from {} to {}", self.published_at, self.valid_until);
                    trade.raise(Rule::TradeOnExpiredRound, expected, format!("made at {made}"), alerts);
                }
            }
        }
        if later(trade.at, self.traded) {
            self.traded = Some((trade.at, trade.position));
        }
    }
}
