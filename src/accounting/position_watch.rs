//! Watches the bank's positions: says in metrics how large each one is, and in the log when one passes a mark.
//!
//! It refuses nothing: a position is covered by people. It is told of once when a mark is passed, and again only after it
//! was left. Bounds: one trial balance at each look; the metrics of a currency once it was seen. Caller: `startup`, which
//! gives it a reader of the rate board, because the accounting knows no engine.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hwan_domain::{
    board::Board,
    currency::{Currency, CurrencySet},
    ledger::Mark,
};
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    books::Books,
    positions::{self, PositionLimits, PositionLine, whole_won},
};
use crate::telemetry::metrics::PositionMetrics;

/// How often it is said that they cannot be read.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// What it goes by.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The books.
    pub books: Books,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
    /// How far each position may go.
    pub limits: Arc<PositionLimits>,
    /// How often it looks.
    pub every: Duration,
}

/// Looks again and again, at the rates as `board` gives them; never ends by itself.
pub async fn run(watched: Watched, board: impl Fn() -> Arc<Board>) {
    let mut seen = Seen::default();
    let mut said: Option<Instant> = None;
    let mut look = tokio::time::interval(watched.every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        match positions::read(&watched.books, &watched.currencies, &board(), &watched.limits).await {
            Ok(lines) => lines.iter().for_each(|line| seen.note(line)),
            Err(error) if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) => {
                said = Some(Instant::now());
                tracing::warn!(%error, "the positions cannot be read, looking again later");
            }
            Err(_) => {}
        }
    }
}

/// What was seen of each currency.
#[derive(Debug, Default)]
struct Seen(BTreeMap<Currency, (PositionMetrics, Mark)>);

impl Seen {
    /// Shows a position; tells where it has passed a mark since the last look.
    fn note(&mut self, line: &PositionLine) {
        let Some(mark) = line.mark else { return };
        let currency = line.position.currency;
        let before = {
            let (metrics, seen) =
                self.0.entry(currency).or_insert_with(|| (PositionMetrics::new(currency.code()), Mark::Within));
            let open = line.valuation.map(|valuation| whole_won(valuation.open_won));
            metrics.stands(open, level(mark));
            std::mem::replace(seen, mark)
        };
        if before == mark {
            return;
        }
        let open = super::amount::Sum { minor: line.position.open(), currency };
        let open_won = line.valuation.map(|valuation| valuation.open_won.to_string()).unwrap_or_default();
        let (soft_won, hard_won) = (line.limit.soft(), line.limit.hard());
        match mark {
            Mark::Hard => tracing::error!(
                %currency, %open, open_won, soft_won, hard_won,
                "a position has reached its hard mark: cover it in the market now"
            ),
            Mark::Soft if before == Mark::Within => tracing::warn!(
                %currency, %open, open_won, soft_won, hard_won,
                "a position has reached its soft mark: time to cover it in the market"
            ),
            Mark::Soft => tracing::info!(%currency, %open, open_won, "a position is below its hard mark again"),
            Mark::Within => tracing::info!(%currency, %open, open_won, "a position is below its soft mark again"),
        }
    }
}

/// A mark as a number.
const fn level(mark: Mark) -> u8 {
    match mark {
        Mark::Within => 0,
        Mark::Soft => 1,
        Mark::Hard => 2,
    }
}
