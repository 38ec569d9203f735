//! How accounts ended a business date: of each currency the newest daily row of it or before it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hwan_domain::{
    currency::Currency,
    id::{AccountId, LaneId, Position, Seq},
    money::Money,
    time::BusinessDate,
};

use super::{
    SqliteStore,
    errors::store_error,
    lanes::last_of,
    projections::read_position,
    reads::{get, read_money},
};
use crate::storage::{
    port::StoreError,
    sealing::port::{DayBalance, DayBalancePage, DayBalances},
};

/// Of each account of the page the newest row up to the date, and the newest before it.
const PAGE: &str = "\
    SELECT d.account, d.currency, d.business_date, d.amount_minor FROM daily_balance d \
    WHERE d.account > ?1 AND d.account <= ?2 AND d.business_date <= ?3 \
      AND NOT EXISTS (SELECT 1 FROM daily_balance n WHERE n.account = d.account AND n.currency = d.currency \
                      AND n.business_date > d.business_date AND n.business_date < ?3) \
    ORDER BY d.account, d.currency, d.business_date";
/// The last account of the page, whether it had rows by then or not.
const LAST: &str = "\
    SELECT max(account) AS last, count(*) AS accounts FROM (SELECT DISTINCT account FROM daily_balance \
    WHERE account > ?1 AND account <= ?2 ORDER BY account LIMIT ?3)";

#[async_trait]
impl DayBalances for SqliteStore {
    async fn day_balances(
        &self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<DayBalancePage, StoreError> {
        let first = after.map_or(Position::new(lane, Seq::ZERO), AccountId::position).packed();
        let limit = i64::try_from(limit.max(1)).unwrap_or(i64::MAX);
        let failed = |error: sqlx::Error| store_error(&error);
        let mut reader = self.passbook.readers().lend().await?;
        let end = sqlx::query(LAST).bind(first).bind(last_of(lane).packed()).bind(limit);
        let end = end.fetch_one(reader.connection()).await.map_err(failed)?;
        // Accounts up to this one are the page, whatever comes meanwhile: what a day's end was does not change.
        let Some(last) = get::<Option<i64>>(&end, "last")? else {
            reader.give_back();
            return Ok(DayBalancePage::default());
        };
        let rows = sqlx::query(PAGE).bind(first).bind(last).bind(date.days());
        let rows = rows.fetch_all(reader.connection()).await.map_err(failed)?;
        reader.give_back();
        let mut held: BTreeMap<(AccountId, Currency), (Option<Money>, Option<Money>)> = BTreeMap::new();
        for row in &rows {
            let account = AccountId::at(read_position(get(row, "account")?)?);
            let amount = read_money(&self.currencies, get(row, "currency")?, get(row, "amount_minor")?)?;
            let (opening, closing) = held.entry((account, amount.currency())).or_default();
            if get::<i32>(row, "business_date")? < date.days() {
                *opening = Some(amount);
            } else {
                *closing = Some(amount);
            }
        }
        let balances = held
            .into_iter()
            .map(|((account, currency), (opening, closing))| {
                let opening = opening.unwrap_or(Money::zero(currency));
                DayBalance { account, opening, closing: closing.unwrap_or(opening) }
            })
            .collect();
        let is_full = get::<i64>(&end, "accounts")? >= limit;
        let next = is_full.then(|| read_position(last).map(AccountId::at)).transpose()?;
        Ok(DayBalancePage { balances, next })
    }
}
