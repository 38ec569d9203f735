//! What all accounts of each lane hold together: the balances themselves, added up.

use std::time::Duration;

use hwan_domain::{
    control::{ControlTotal, ControlTotals},
    id::LaneId,
};

use super::{
    reads::{chain_hash, get, read_currency, read_seq},
    store::Shared,
};
use crate::storage::port::{AccountSums, StoreError};

/// How long adding up may take: it unpacks every balance there is, about a million in some seconds.
const PATIENCE: Duration = Duration::from_secs(600);

/// One statement, so one state. Customers of a lane are a range of ids.
const SUMS: &str = "SELECT l.id AS lane, l.seq AS seq, l.hash AS hash, b.currency AS currency, \
    CAST(SUM(b.amount_minor) AS CHAR) AS total FROM lane l LEFT JOIN balance b ON b.customer \
    BETWEEN l.id * 281474976710656 AND l.id * 281474976710656 + 281474976710655 \
    GROUP BY l.id, l.seq, l.hash, b.currency ORDER BY l.id";

/// The sums of every lane.
pub(super) async fn account_sums(store: &Shared) -> Result<Vec<AccountSums>, StoreError> {
    let rows = store.sessions.rows_within(PATIENCE, SUMS.to_owned()).await?;
    let mut all: Vec<AccountSums> = Vec::new();
    for row in &rows {
        let number: i16 = get(row, "lane")?;
        let lane = u16::try_from(number).ok().and_then(LaneId::new);
        let lane = lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?;
        let code: Option<String> = get(row, "currency")?;
        let total = match code {
            None => None,
            Some(code) => {
                let text: String = get(row, "total")?;
                let wrong = |error| StoreError::Damaged(format!("a sum of balances, {text:?}: {error}"));
                let minor = text.parse().map_err(wrong)?;
                Some(ControlTotal { currency: read_currency(&store.currencies, &code)?, minor })
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
