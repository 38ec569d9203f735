//! The bank's currency positions as they are looked at: each with its average rates, what it has earned, and how far it has
//! gone towards its limits. By the books and the newest rate of each pair; computed, never stored.

use std::collections::BTreeMap;

use hwan_domain::{
    board::Board,
    currency::{Currency, CurrencySet},
    ledger::{CurrencyPosition, Mark, PositionLimit, Valuation, positions},
    rate::Rate,
    round::RoundId,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::books::{Books, BooksError};

/// The most decimals of an average rate; it is rounded to them, half to even.
const AVERAGE_DECIMALS: u32 = 6;

/// How far each position may go, by what its open amount is worth in won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionLimits {
    usual: PositionLimit,
    single: BTreeMap<Currency, PositionLimit>,
}

impl PositionLimits {
    /// The same for all currencies, but for single ones.
    pub const fn new(usual: PositionLimit, single: BTreeMap<Currency, PositionLimit>) -> Self {
        Self { usual, single }
    }

    /// That of a currency, in won.
    pub fn of(&self, currency: Currency) -> PositionLimit {
        self.single.get(&currency).copied().unwrap_or(self.usual)
    }
}

/// A position with what there is to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionLine {
    /// What was bought and sold, and for how much.
    pub position: CurrencyPosition,
    /// How much of the currency a rate is for.
    pub unit: u32,
    /// The average rate at which the bank bought; `None` if it never did.
    pub bought_at: Option<Decimal>,
    /// The average rate at which it sold; `None` if it never did.
    pub sold_at: Option<Decimal>,
    /// Earned by what was both bought and sold, in won; `None` where it is beyond what can be computed exactly.
    pub realised_won: Option<i128>,
    /// The round that it is valued at: the newest of its pair that traded; `None` if none ever did.
    pub round: Option<RoundId>,
    /// What it is worth there; `None` without a round, or where it is beyond what can be computed exactly.
    pub valuation: Option<Valuation>,
    /// How far it may go, in won.
    pub limit: PositionLimit,
    /// How far it has gone; `None` where no round says.
    pub mark: Option<Mark>,
}

impl PositionLine {
    /// A position at the newest rate of its pair.
    pub fn of(position: CurrencyPosition, currencies: &CurrencySet, board: &Board, limits: &PositionLimits) -> Self {
        let currency = position.currency;
        let unit = currencies.spec(currency).map_or(1, |spec| spec.rate_unit);
        let round = board.pair(currency).and_then(|pair| pair.last_traded());
        let valued = round.map(|round| position.valued(round.mid));
        let limit = limits.of(currency);
        let mark = valued.map(|valued| match valued {
            Ok(valuation) => limit.mark(whole_won(valuation.open_won)),
            // What is too large to be valued is too large.
            Err(_) => Mark::Hard,
        });
        Self {
            unit,
            bought_at: average(position.won_paid, position.bought, currency, unit),
            sold_at: average(position.won_received, position.sold, currency, unit),
            realised_won: position.realised().ok(),
            round: round.map(|round| round.id),
            valuation: valued.and_then(Result::ok),
            limit,
            mark,
            position,
        }
    }

    /// The rate that it is valued at.
    pub fn mid(&self) -> Option<Rate> {
        self.valuation.map(|valuation| valuation.mid)
    }
}

/// Won without its fraction: enough for a mark, which is a whole number of won.
pub fn whole_won(won: Decimal) -> i128 {
    // A decimal's whole part has 96 bits at most.
    won.trunc().to_i128().unwrap_or(i128::MAX)
}

/// All positions of the books, by currency.
pub async fn read(
    books: &Books,
    currencies: &CurrencySet,
    board: &Board,
    limits: &PositionLimits,
) -> Result<Vec<PositionLine>, BooksError> {
    let balance = books.trial_balance(None).await?;
    let positions = positions(books.chart(), &balance);
    Ok(positions.into_iter().map(|position| PositionLine::of(position, currencies, board, limits)).collect())
}

/// Won per `unit` of the currency, for so many minor units; `None` for none, or beyond what can be computed.
fn average(won: i128, minor: i128, currency: Currency, unit: u32) -> Option<Decimal> {
    let decimals = u32::from(currency.minor_digits()).checked_add(AVERAGE_DECIMALS)?;
    let scaled = won.checked_mul(10_i128.checked_pow(decimals)?)?.checked_mul(unit.into())?;
    let doubled = scaled.checked_mul(2)?;
    let divisor = minor.checked_mul(2)?;
    let (mut nearest, rest) = (scaled.checked_div(minor)?, doubled.checked_rem(divisor)?);
    // Both are positive: a rest of more than half goes up, of exactly half to the even side.
    if rest > minor || (rest == minor && nearest % 2 != 0) {
        nearest = nearest.checked_add(1)?;
    }
    Decimal::try_from_i128_with_scale(nearest, AVERAGE_DECIMALS).ok().map(|rate| rate.normalize())
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        board::Pair,
        ledger::Turnover,
        round::{Round, RoundStatus},
        time::{BusinessDate, Timestamp},
    };

    use super::*;
    use crate::config::currencies;

    fn line(code: &str, mid: Option<&str>, debit: (i128, i128), credit: (i128, i128)) -> PositionLine {
        let set = currencies::built_in().unwrap();
        let currency = set.find(code).unwrap();
        let unit = set.spec(currency).unwrap().rate_unit;
        let round = mid.map(|mid| Round {
            id: RoundId { currency: *currency.code_bytes(), date: BusinessDate::from_days(20_000), number: 1 },
            currency,
            mid: Rate::new(mid.parse().unwrap(), unit).unwrap(),
            spread: Decimal::ZERO,
            preference_percent: Decimal::ONE_HUNDRED,
            published_at: Timestamp::from_micros(0),
            valid_until: Timestamp::from_micros(1),
            status: RoundStatus::Active,
        });
        let board = Board::new([(currency, Pair { rounds: round.into_iter().collect(), halt: None })]);
        let position = CurrencyPosition::of(
            currency,
            Turnover { debit: debit.0, credit: credit.0 },
            Turnover { debit: debit.1, credit: credit.1 },
        );
        let limit = |soft, hard| PositionLimit::new(soft, hard).unwrap();
        let limits = PositionLimits::new(limit(1_000, 2_000), [(currency, limit(135_050, 270_100))].into());
        PositionLine::of(position, &set, &board, &limits)
    }

    #[test]
    fn a_position_is_shown_at_average_rates_per_unit_and_marked_by_its_worth_in_won() {
        // Customers bought 100.00 USD for 135,050 won, and 33.33 for 45,015; the bank covered nothing.
        let dollars = line("USD", Some("1350.50"), (13_333, 0), (0, 180_065));
        assert_eq!(dollars.sold_at.unwrap().to_string(), "1350.521263");
        assert_eq!((dollars.bought_at, dollars.realised_won), (None, Some(0)));
        assert_eq!(dollars.mark, Some(Mark::Soft));
        assert_eq!(dollars.valuation.unwrap().open_won.to_string(), "-180062.165");
        let yen = line("JPY", Some("934.06"), (10_000, 0), (0, 93_406));
        assert_eq!((yen.sold_at.unwrap().to_string(), yen.unit), ("934.06".to_owned(), 100));
        assert_eq!(yen.mark, Some(Mark::Within));
    }

    #[test]
    fn a_mark_is_reached_by_the_whole_won_and_is_unknown_without_a_rate() {
        assert_eq!(line("USD", Some("1350.50"), (9_999, 0), (0, 1)).mark, Some(Mark::Within));
        assert_eq!(line("USD", Some("1350.50"), (10_000, 0), (0, 1)).mark, Some(Mark::Soft));
        assert_eq!(line("USD", Some("1350.50"), (0, 1), (20_000, 0)).mark, Some(Mark::Hard));
        let unknown = line("USD", None, (10_000, 0), (0, 135_050));
        assert_eq!((unknown.mark, unknown.valuation, unknown.round), (None, None, None));
    }

    #[test]
    fn what_is_too_large_to_be_valued_is_beyond_its_hard_mark() {
        let huge = line("USD", Some("1350.50"), (i128::MAX / 4, 0), (0, 1));
        assert_eq!((huge.mark, huge.valuation, huge.sold_at), (Some(Mark::Hard), None, Some(Decimal::ZERO)));
    }

    #[test]
    fn an_average_is_rounded_half_to_even() {
        let average = |won, minor| average(won, minor, Currency::KRW, 1).unwrap().to_string();
        assert_eq!(average(1, 3), "0.333333");
        assert_eq!(average(2, 3), "0.666667");
        assert_eq!(average(1, 2_000_000), "0");
        assert_eq!(average(3, 2_000_000), "0.000002");
    }
}
