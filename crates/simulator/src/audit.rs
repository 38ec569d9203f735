//! A store's journals through the naive bank, without knowing who asked for what: for scenarios with a story of their own.

use std::collections::BTreeMap;

use hwan::storage::fake::FakeStore;
use hwan_domain::{id::LaneId, limit::LimitPolicy, quote::Quote};

use crate::{
    board::NaiveBoard,
    ledger::{Ledger, Surroundings},
};

/// Replays every lane; what a single-threaded bank would not have done otherwise.
pub fn audit(store: &FakeStore, policy: LimitPolicy, quotes: &[Quote]) -> Result<(), String> {
    let quotes: BTreeMap<u128, Quote> = quotes.iter().map(|quote| (quote.id.0, *quote)).collect();
    let (mut board, mut system) = (NaiveBoard::default(), Ledger::new(LaneId::SYSTEM));
    for row in store.rows(LaneId::SYSTEM) {
        system.follow(&row)?;
        board.apply(&row.record);
    }
    let rounds =
        board.pairs.values().flat_map(|pair| &pair.rounds).map(|known| (known.round.id, known.clone())).collect();
    let around = Surroundings { policy, rounds: &rounds, quotes: &quotes };
    for lane in store.lanes().into_iter().filter(|lane| *lane != LaneId::SYSTEM) {
        let mut ledger = Ledger::new(lane);
        store.rows(lane).iter().try_for_each(|row| ledger.apply(row, &around))?;
    }
    Ok(())
}
