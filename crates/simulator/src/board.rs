//! The naive rate board: a list of rounds per pair and who halted it, as the system lane's journal tells it.

use std::{collections::BTreeMap, sync::Arc};

use hwan_domain::{
    board::Publication,
    currency::Currency,
    exchange::{Ask, Side, Terms},
    money::Money,
    record::{Event, Record},
    rejection::Code,
    round::{Round, RoundId},
    time::Timestamp,
};
use rust_decimal::Decimal;

use crate::{rules, world};

/// A round and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct NaiveRound {
    pub(crate) round: Round,
    /// Whether the guard let it trade.
    pub(crate) traded: bool,
    pub(crate) voided: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct NaivePair {
    pub(crate) rounds: Vec<NaiveRound>,
    pub(crate) halted_by: Option<Arc<str>>,
}

/// Every pair, after some record of the system lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct NaiveBoard {
    pub(crate) pairs: BTreeMap<Currency, NaivePair>,
}

/// An order to the board.
#[derive(Clone, Debug)]
pub(crate) enum BoardAct {
    Publish(Publication),
    Void(RoundId),
    Halt(Currency),
    Resume(Currency),
}

impl NaiveBoard {
    pub(crate) fn round(&self, id: RoundId) -> Option<&NaiveRound> {
        self.pairs.values().flat_map(|pair| &pair.rounds).find(|known| known.round.id == id)
    }

    /// The newest round that traded and was not voided.
    pub(crate) fn last_traded(&self, currency: Currency) -> Option<&Round> {
        let pair = self.pairs.get(&currency)?;
        pair.rounds.iter().rev().find(|known| known.traded && !known.voided).map(|known| &known.round)
    }

    /// The middle rate and unit to value holdings at.
    pub(crate) fn mid(&self, currency: Currency) -> Option<(Decimal, u32)> {
        self.last_traded(currency).map(|round| (round.mid.value(), round.mid.unit()))
    }

    /// The round that trades at `at`, or why none does.
    pub(crate) fn current(&self, currency: Currency, at: Timestamp) -> Result<&Round, Code> {
        let pair = self.pairs.get(&currency).ok_or(Code::RateUnavailable)?;
        if pair.halted_by.is_some() {
            return Err(Code::PairHalted);
        }
        // What was published last decides, even if it was voided since.
        let newest = pair.rounds.iter().rev().find(|known| known.traded).filter(|known| !known.voided);
        newest
            .map(|known| &known.round)
            .filter(|round| round.published_at <= at && at < round.valid_until)
            .ok_or(Code::RateUnavailable)
    }

    /// Whether a round that was current or quoted may still trade.
    pub(crate) fn admits(&self, id: RoundId) -> Result<(), Code> {
        let pair = self.pairs.iter().find(|(currency, _)| *currency.code_bytes() == id.currency).map(|(_, pair)| pair);
        if pair.is_some_and(|pair| pair.halted_by.is_some()) {
            return Err(Code::PairHalted);
        }
        match self.round(id) {
            None => Err(Code::RoundNotFound),
            Some(known) if known.voided => Err(Code::RoundVoided),
            Some(known) if !known.traded => Err(Code::RateUnavailable),
            Some(_) => Ok(()),
        }
    }

    /// The code with which an order has to be rejected, if it has to.
    pub(crate) fn judge(&self, act: &BoardAct, by: &str, at: Timestamp) -> Option<Code> {
        let halted = |currency| self.pairs.get(&currency).and_then(|pair: &NaivePair| pair.halted_by.clone());
        match act {
            BoardAct::Publish(publication) => (publication.valid_until <= at).then_some(Code::RoundInvalid),
            BoardAct::Void(id) => match self.round(*id) {
                Some(known) if known.voided => Some(Code::RoundVoided),
                Some(known) if known.traded => None,
                _ => Some(Code::RoundNotFound),
            },
            BoardAct::Halt(currency) => halted(*currency).map(|_| Code::HaltRefused),
            BoardAct::Resume(currency) => match halted(*currency) {
                Some(halter) if &*halter != by => None,
                _ => Some(Code::HaltRefused),
            },
        }
    }

    /// What is wrong with this record as the outcome of this order, if anything is.
    pub(crate) fn disagrees(&self, act: &BoardAct, record: &Record) -> Option<String> {
        if let Some(code) = self.judge(act, &record.origin.caller, record.at) {
            return Some(format!("should have been rejected: {code}"));
        }
        let fits = match (act, &record.event) {
            (BoardAct::Publish(publication), Event::RoundPublished { round, findings }) => {
                return self.wrong_round(publication, record, round, findings.is_empty());
            }
            (BoardAct::Publish(publication), Event::RoundRefused { currency, mid, .. }) => {
                publication.currency == *currency && *mid == publication.proposal.mid && *mid <= Decimal::ZERO
            }
            (BoardAct::Void(asked), Event::RoundVoided { round, .. }) => asked == round,
            (BoardAct::Halt(asked), Event::PairHalted { currency, .. })
            | (BoardAct::Resume(asked), Event::PairResumed { currency }) => asked == currency,
            _ => false,
        };
        (!fits).then(|| "is not what was asked for".into())
    }

    fn wrong_round(&self, asked: &Publication, record: &Record, round: &Round, traded: bool) -> Option<String> {
        let set = world::currencies();
        let spec = set.spec(asked.currency)?;
        let mid = asked.proposal.mid;
        let before = self.last_traded(asked.currency).map(|round| round.mid.value());
        let age = record.at.micros() - asked.proposal.observed_at.micros();
        let objection = rules::guard_objects(mid, &asked.proposal.sources, age, before, spec);
        let of_day = self
            .pairs
            .get(&asked.currency)
            .map_or(0, |pair| pair.rounds.iter().filter(|known| known.round.id.date == record.business_date).count());
        let percent = asked.spread_percent.unwrap_or(spec.spread_percent);
        let checks = [
            (objection != traded, "the guard's verdict"),
            (round.currency == asked.currency && round.mid.value() == mid, "the rate"),
            (round.id.date == record.business_date && round.id.number as usize == of_day + 1, "the number"),
            (round.spread == rules::spread(mid, percent, spec.spread_decimals), "the spread"),
            (round.preference_percent == asked.preference_percent.unwrap_or(spec.preference_percent), "the preference"),
            (round.published_at == record.at && round.valid_until == asked.valid_until, "the validity"),
        ];
        checks.into_iter().find(|(good, _)| !good).map(|(_, what)| format!("{what} of the round is wrong"))
    }

    /// Changes the board as a record says.
    pub(crate) fn apply(&mut self, record: &Record) {
        let by = &record.origin.caller;
        let mut halt = |currency: Currency| {
            self.pairs.entry(currency).or_default().halted_by.get_or_insert_with(|| Arc::clone(by));
        };
        match &record.event {
            Event::RoundPublished { round, findings } => {
                if !findings.is_empty() {
                    halt(round.currency);
                }
                let known = NaiveRound { round: round.clone(), traded: findings.is_empty(), voided: false };
                self.pairs.entry(round.currency).or_default().rounds.push(known);
            }
            Event::RoundRefused { currency, .. } | Event::PairHalted { currency, .. } => halt(*currency),
            Event::RoundVoided { round, currency, .. } => {
                halt(*currency);
                let rounds = &mut self.pairs.entry(*currency).or_default().rounds;
                rounds.iter_mut().filter(|known| known.round.id == *round).for_each(|known| known.voided = true);
            }
            Event::PairResumed { currency } => self.pairs.entry(*currency).or_default().halted_by = None,
            _ => {}
        }
    }
}

/// Foreign and won amount of an order at a rate, or why there is none.
pub(crate) fn price(ask: Ask, currency: Currency, side: Side, rate: Decimal, unit: u32) -> Result<(i64, i64), Code> {
    let (given, expected) = match ask {
        Ask::Foreign(foreign) => (foreign.currency(), currency),
        Ask::Won(won) | Ask::WonBudget(won) => (won.currency(), Currency::KRW),
    };
    if given != expected {
        return Err(Code::AccountNotFound);
    }
    let won_of = |minor| Money::from_minor(minor, currency).map_or(i64::MAX, |m| rules::won_leg(m, rate, unit, side));
    let (foreign, won) = match (ask, side) {
        (Ask::Foreign(foreign), _) => (foreign.minor(), won_of(foreign.minor())),
        (Ask::WonBudget(_), Side::Sell) => return Err(Code::WonAmountNotExact),
        (Ask::WonBudget(won), Side::Buy) => {
            let foreign = rules::most_for(won.minor(), currency, rate, unit);
            (foreign, won_of(foreign))
        }
        (Ask::Won(won), _) => {
            let foreign = match side {
                Side::Buy => rules::most_for(won.minor(), currency, rate, unit),
                Side::Sell => rules::least_for(won.minor(), currency, rate, unit),
            };
            if won_of(foreign) != won.minor() {
                return Err(Code::WonAmountNotExact);
            }
            (foreign, won.minor())
        }
    };
    if foreign <= 0 || won <= 0 { Err(Code::AmountTooSmall) } else { Ok((foreign, won)) }
}

/// The rate that a round gives to a customer on this side.
pub(crate) fn rate_of(round: &Round, side: Side) -> Decimal {
    rules::customer_rate(round.mid.value(), round.spread, round.preference_percent, side)
}

/// Whether terms are exactly those of a round.
pub(crate) fn are_of(terms: &Terms, round: &Round) -> bool {
    terms.round == round.id
        && terms.currency == round.currency
        && terms.mid == round.mid
        && terms.rate.unit() == round.mid.unit()
        && terms.rate.value() == rate_of(round, terms.side)
        && terms.preference_percent == round.preference_percent
}
