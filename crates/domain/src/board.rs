//! The rate board: every pair's rounds and halts, as a state that events change. The actor around it only carries it.
//!
//! | phase | what happens |
//! |---|---|
//! | decide | `publish`, `void`, `halt`, `resume` say which event would be right now, or reject; nothing changes |
//! | apply | [`Board::apply`] changes the board, once the event is sequenced; the same event again changes nothing |
//!
//! A round that the guard refuses is remembered with its status but never trades, and halts its pair; while a pair is
//! halted it trades neither at its current round nor on quotes of earlier ones. Rounds may be published meanwhile:
//! they trade once another person than who halted the pair has resumed it. A pair remembers a bounded number of
//! rounds; a quote on a forgotten one is refused.

use std::{collections::BTreeMap, sync::Arc};

use rust_decimal::Decimal;

use crate::{
    currency::{Currency, CurrencySet, is_percentage},
    exchange::{Side, Terms},
    guard::{self, Finding, GuardPolicy, Proposal},
    rate::Rate,
    record::Event,
    rejection::{Code, Rejection, Violation},
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};

/// How many rounds of each pair the board remembers, so that quotes on them can be judged: the longest quote lives
/// five minutes, and a pair is published at most every second.
pub const ROUNDS_REMEMBERED_MAX: usize = 512;

/// How many independent sources a publication may name.
pub const SOURCES_MAX: usize = 32;

/// Why a pair does not trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Who or what halted it; someone else must resume it.
    pub by: Arc<str>,
    /// Why.
    pub reason: Box<str>,
    /// Since when.
    pub since: Timestamp,
}

/// One pair on the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The newest rounds, oldest first, whatever their status.
    pub rounds: Vec<Round>,
    /// Why the pair does not trade, if it does not.
    pub halt: Option<Halt>,
}

/// Every pair's rounds and halts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    pairs: BTreeMap<[u8; 3], Pair>,
}

/// What the publisher of a round says beside the rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The pair's foreign currency.
    pub currency: Currency,
    /// The rate and its sources.
    pub proposal: Proposal,
    /// It does not trade from this instant on.
    pub valid_until: Timestamp,
    /// Spread in percent of mid; the currency's own without.
    pub spread_percent: Option<Decimal>,
    /// Preference in percent; the currency's own without.
    pub preference_percent: Option<Decimal>,
}

impl Pair {
    /// The round that trades unless the pair is halted or the round has expired: the newest, if it was not voided.
    pub fn current(&self) -> Option<&Round> {
        self.rounds.iter().rev().find(|round| round.status == RoundStatus::Active)
    }

    /// The newest round that traded and still stands: what the guard measures a jump from.
    pub fn last_traded(&self) -> Option<&Round> {
        self.rounds.iter().rev().find(|round| traded(round))
    }

    /// Adds a round in its place; one that is known already changes nothing.
    fn remember(&mut self, round: Round) {
        let index = self.rounds.partition_point(|known| known.id < round.id);
        if self.rounds.get(index).is_some_and(|known| known.id == round.id) {
            return;
        }
        self.rounds.insert(index, round);
        self.settle();
    }

    /// One round is active at most: whatever was active before a round that traded is superseded by it, and stays so
    /// when that one is voided. Then forgets the oldest rounds, but never the last that traded: a pair that is flooded
    /// with refused rounds must not lose what the guard measures by.
    fn settle(&mut self) {
        let mut followed = false;
        for round in self.rounds.iter_mut().rev() {
            if followed && round.status == RoundStatus::Active {
                round.status = RoundStatus::Superseded;
            }
            followed |= round.status != RoundStatus::Halted;
        }
        while self.rounds.len() > ROUNDS_REMEMBERED_MAX {
            let kept = self.rounds.iter().rposition(traded);
            self.rounds.remove(usize::from(kept == Some(0)));
        }
    }

    /// Halts the pair. Who halted it first stays the one who may not resume it: a refused round that follows must not
    /// free them of that.
    fn halt(&mut self, by: &Arc<str>, reason: impl Into<Box<str>>, since: Timestamp) {
        self.halt.get_or_insert_with(|| Halt { by: Arc::clone(by), reason: reason.into(), since });
    }
}

fn traded(round: &Round) -> bool {
    matches!(round.status, RoundStatus::Active | RoundStatus::Superseded)
}

impl Board {
    /// Of pairs as stored.
    pub fn new(pairs: impl IntoIterator<Item = (Currency, Pair)>) -> Self {
        let mut board = Self::default();
        for (currency, mut pair) in pairs {
            pair.rounds.sort_by_key(|round| round.id);
            pair.settle();
            board.pairs.insert(key(currency), pair);
        }
        board
    }

    /// The pair, if any round or halt of it is known.
    pub fn pair(&self, currency: Currency) -> Option<&Pair> {
        self.pairs.get(&key(currency))
    }

    /// All pairs, by currency code.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8; 3], &Pair)> {
        self.pairs.iter()
    }

    /// A remembered round.
    pub fn round(&self, id: RoundId) -> Option<&Round> {
        let rounds = &self.pairs.get(&id.currency)?.rounds;
        rounds.get(rounds.binary_search_by_key(&id, |round| round.id).ok()?)
    }

    /// The terms at which the pair trades at `at`, or why it does not: `rate_unavailable`, `pair_halted`.
    pub fn terms(&self, currency: Currency, side: Side, at: Timestamp) -> Result<Terms, Violation> {
        let unavailable = || {
            Violation::new(Code::RateUnavailable, format!("no round of {currency} is valid at {at}: try again later"))
        };
        let pair = self.pair(currency).ok_or_else(unavailable)?;
        not_halted(currency.code(), pair)?;
        let round = pair.current().filter(|round| round.published_at <= at && at < round.valid_until);
        Terms::of(round.ok_or_else(unavailable)?, side)
    }

    /// Whether a quote on this round may still trade: the pair is not halted and the round is not voided.
    /// A superseded round's quotes stay good.
    pub fn admits_quote_on(&self, round: RoundId) -> Result<(), Violation> {
        let code = std::str::from_utf8(&round.currency).unwrap_or("???");
        if let Some(pair) = self.pairs.get(&round.currency) {
            not_halted(code, pair)?;
        }
        match self.round(round).map(|round| round.status) {
            Some(RoundStatus::Active | RoundStatus::Superseded) => Ok(()),
            Some(RoundStatus::Halted) => {
                Err(Violation::new(Code::RateUnavailable, format!("round {round} never traded: ask for a new quote")))
            }
            Some(RoundStatus::Voided) => {
                Err(Violation::new(Code::RoundVoided, format!("round {round} was voided: ask for a new quote")))
            }
            None => {
                Err(Violation::new(Code::RoundNotFound, format!("round {round} is not known: ask for a new quote")))
            }
        }
    }

    /// What publishing would do at `now`: a `RoundPublished` whose round is active, or, with findings, halted; or a
    /// `RoundRefused` where the proposed number is no rate at all. Numbers restart at 1 on each business date.
    /// Refused: `pair_not_found`, `round_invalid`.
    pub fn publish(
        &self,
        publication: &Publication,
        currencies: &CurrencySet,
        policy: &GuardPolicy,
        date: BusinessDate,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        let currency = publication.currency;
        let known = currencies.find(currency.code()) == Some(currency) && !currency.is_home();
        let spec = currencies.spec(currency).filter(|_| known).ok_or_else(|| no_pair(currency))?;
        let spread_percent = publication.spread_percent.unwrap_or(spec.spread_percent);
        let preference_percent = publication.preference_percent.unwrap_or(spec.preference_percent);
        let proposal = &publication.proposal;
        let number = self.next_number(currency, date);
        let checks = [
            (publication.valid_until > now, "valid_until must lie in the future"),
            (is_percentage(spread_percent), "spread_percent must be 0 to 100 with at most 6 decimals"),
            (is_percentage(preference_percent), "preference_percent must be 0 to 100 with at most 6 decimals"),
            (proposal.sources.len() <= SOURCES_MAX, "at most 32 sources"),
            (number.is_some(), "no round number is left on this business date"),
        ];
        let wrong: Vec<&str> = checks.iter().filter(|(good, _)| !good).map(|(_, what)| *what).collect();
        let number = number.filter(|_| wrong.is_empty()).ok_or_else(|| invalid(wrong.join("; ")))?;

        let previous = self.pair(currency).and_then(Pair::last_traded);
        let findings = guard::judge(proposal, previous, spec, policy, now);
        let mid = if proposal.mid.scale() > spec.rate_decimals { proposal.mid.normalize() } else { proposal.mid };
        let Ok(rate) = Rate::new(mid, spec.rate_unit) else {
            // Whatever is no rate has failed by its sign or its scale.
            return Ok(Event::RoundRefused { currency, mid: proposal.mid, findings });
        };
        let round = Round {
            id: RoundId { currency: key(currency), date, number },
            currency,
            mid: rate,
            spread: spread(mid, spread_percent, spec.spread_decimals)
                .ok_or_else(|| invalid("the spread cannot be computed"))?,
            preference_percent,
            published_at: now,
            valid_until: publication.valid_until,
            status: if findings.is_empty() { RoundStatus::Active } else { RoundStatus::Halted },
        };
        if findings.is_empty() {
            // A round that trades gives a rate to both sides: found here, not by the first customer.
            for side in [Side::Buy, Side::Sell] {
                Terms::of(&round, side).map_err(|_| {
                    invalid("mid, spread and preference give no rate on one side: lower the spread or its decimals")
                })?;
            }
        }
        Ok(Event::RoundPublished { round, findings })
    }

    /// The number that the next round of this date gets.
    fn next_number(&self, currency: Currency, date: BusinessDate) -> Option<u32> {
        let rounds = self.pair(currency).map_or(&[][..], |pair| &pair.rounds);
        let last = rounds.iter().filter(|round| round.id.date == date).map(|round| round.id.number).max();
        last.unwrap_or(0).checked_add(1)
    }

    /// What voiding a round would do: a `RoundVoided`; its pair is halted by it.
    /// Refused: `round_voided` before, `round_not_found` or not one that ever traded.
    pub fn void(&self, round: RoundId, reason: &str) -> Result<Event, Rejection> {
        match self.round(round) {
            Some(found) if traded(found) => {
                Ok(Event::RoundVoided { round, currency: found.currency, reason: reason.into() })
            }
            Some(found) if found.status == RoundStatus::Voided => {
                Err(Rejection::one(Code::RoundVoided, format!("round {round} was voided before")))
            }
            Some(_) => Err(Rejection::one(
                Code::RoundNotFound,
                format!("round {round} was refused by the guard and never traded: there is nothing to void"),
            )),
            None => Err(Rejection::one(Code::RoundNotFound, format!("round {round} is not known"))),
        }
    }

    /// What halting a pair would do. Refused: `pair_not_found` for the won, `halt_refused` where it is halted already.
    pub fn halt(&self, currency: Currency, reason: &str) -> Result<Event, Rejection> {
        if currency.is_home() {
            return Err(no_pair(currency));
        }
        match self.pair(currency).and_then(|pair| pair.halt.as_ref()) {
            None => Ok(Event::PairHalted { currency, reason: reason.into() }),
            Some(halt) => Err(Rejection::one(
                Code::HaltRefused,
                format!("{currency} is halted by {} since {}", halt.by, halt.since),
            )),
        }
    }

    /// What resuming a pair would do; `by` must not be who halted it.
    /// Refused: `halt_refused` where the pair is not halted, or `by` is nobody or who halted it.
    pub fn resume(&self, currency: Currency, by: &str) -> Result<Event, Rejection> {
        let refused = |detail: String| Err(Rejection::one(Code::HaltRefused, detail));
        match self.pair(currency).and_then(|pair| pair.halt.as_ref()) {
            None => refused(format!("{currency} is not halted")),
            Some(_) if by.trim().is_empty() => refused(format!("{currency} is resumed by a named person only")),
            Some(halt) if *halt.by == *by => {
                refused(format!("{currency} was halted by {by}: another person must resume it"))
            }
            Some(_) => Ok(Event::PairResumed { currency }),
        }
    }

    /// Applies an event that was decided here; events of other kinds change nothing.
    pub fn apply(&mut self, event: &Event, by: &Arc<str>, at: Timestamp) {
        match event {
            Event::RoundPublished { round, findings } => {
                let pair = self.pairs.entry(key(round.currency)).or_default();
                pair.remember(round.clone());
                if !findings.is_empty() {
                    pair.halt(by, refusal(&round.id.to_string(), findings), at);
                }
            }
            Event::RoundRefused { currency, mid, findings } => {
                let pair = self.pairs.entry(key(*currency)).or_default();
                pair.halt(by, refusal(&format!("{mid} as a rate"), findings), at);
            }
            Event::RoundVoided { round, reason, .. } => {
                let pair = self.pairs.entry(round.currency).or_default();
                for known in pair.rounds.iter_mut().filter(|known| known.id == *round) {
                    known.status = RoundStatus::Voided;
                }
                pair.halt(by, format!("round {round} was voided: {reason}"), at);
            }
            Event::PairHalted { currency, reason } => {
                self.pairs.entry(key(*currency)).or_default().halt(by, reason.clone(), at);
            }
            Event::PairResumed { currency } => {
                if let Some(pair) = self.pairs.get_mut(&key(*currency)) {
                    pair.halt = None;
                }
            }
            _ => {}
        }
    }
}

fn key(currency: Currency) -> [u8; 3] {
    *currency.code_bytes()
}

fn no_pair(currency: Currency) -> Rejection {
    Rejection::one(Code::PairNotFound, format!("{currency} is not traded against the won here"))
}

fn invalid(detail: impl Into<String>) -> Rejection {
    Rejection::one(Code::RoundInvalid, detail)
}

fn not_halted(code: &str, pair: &Pair) -> Result<(), Violation> {
    match &pair.halt {
        None => Ok(()),
        Some(halt) => {
            Err(Violation::new(Code::PairHalted, format!("{code} is halted since {}: try again later", halt.since)))
        }
    }
}

/// What a halt says of a refused round.
fn refusal(what: &str, findings: &[Finding]) -> String {
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!("the guard refused {what}: {}", findings.join("; "))
}

/// The spread in won: that percentage of mid, cut to `decimals`. Exact: at most 17 digits by at most 9.
fn spread(mid: Decimal, percent: Decimal, decimals: u32) -> Option<Decimal> {
    Some(mid.checked_mul(percent.normalize())?.checked_div(Decimal::ONE_HUNDRED)?.trunc_with_scale(decimals))
}
