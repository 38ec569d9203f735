//! What all accounts of each lane hold together: the balances themselves, added up.

use hwan_domain::{
    control::{ControlTotal, ControlTotals},
    currency::CurrencySet,
    id::LaneId,
};

use super::{
    errors::store_error,
    lanes::read_seq,
    readers::Readers,
    reads::{chain_hash, get, read_currency},
};
use crate::storage::port::{AccountSums, StoreError};

/// One statement, so one state. A sum of amounts may be more than a number of SQLite's can be: it comes in two.
const SUMS: &str = "SELECT l.id AS lane, l.seq AS seq, l.hash AS hash, b.currency AS currency, \
    sum(b.amount_minor / 1000000000) AS above, sum(b.amount_minor % 1000000000) AS rest \
    FROM lane l LEFT JOIN balance b ON b.account BETWEEN l.id << 48 AND (l.id << 48) | 281474976710655 \
    GROUP BY l.id, b.currency ORDER BY l.id";

/// The sums of every lane.
pub(super) async fn account_sums(readers: &Readers, currencies: &CurrencySet) -> Result<Vec<AccountSums>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(SUMS).fetch_all(reader.connection()).await.map_err(|error| store_error(&error))?;
    reader.give_back();
    let mut all: Vec<AccountSums> = Vec::new();
    for row in &rows {
        let number: i64 = get(row, "lane")?;
        let lane = u16::try_from(number).ok().and_then(LaneId::new);
        let lane = lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?;
        let code: Option<&str> = get(row, "currency")?;
        let total = match code {
            None => None,
            Some(code) => {
                let (above, rest): (i64, i64) = (get(row, "above")?, get(row, "rest")?);
                let minor = i128::from(above) * 1_000_000_000 + i128::from(rest);
                Some(ControlTotal { currency: read_currency(currencies, code)?, minor })
            }
        };
        match all.last_mut().filter(|last| last.lane == lane) {
            Some(last) => last.totals = ControlTotals::of(last.totals.iter().copied().chain(total)),
            None => all.push(AccountSums {
                lane,
                seq: read_seq(get(row, "seq")?)?,
                hash: chain_hash(row)?,
                totals: ControlTotals::of(total),
            }),
        }
    }
    Ok(all)
}
