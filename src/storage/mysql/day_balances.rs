//! How accounts ended a business date: with what they began their first later day, or, without one, with what they hold.
//!
//! What they hold is read first, with where lane and projections stood at that moment. Openings are read afterwards: one that has
//! come meanwhile says only more, since an opening is written once and for good. A later day's first posting that the projections have
//! not reached is in what is held but has no opening yet: it is among the journal's records from where the projections stood to
//! where the lane stood, and the balance before it is what the day ended with.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hwan_domain::{
    currency::Currency,
    id::{AccountId, LaneId, Seq},
    money::Money,
    time::BusinessDate,
};

use super::{
    balances,
    commit::packed,
    lanes::last_of,
    reads::{self, get, read_money, read_position, read_seq},
    store::{MysqlStore, Shared},
};
use crate::storage::{
    port::StoreError,
    sealing::port::{DayBalance, DayBalancePage, DayBalances},
};

/// Records that one read of the journal brings.
const READ_RECORDS_MAX: usize = 4_096;

type Held = BTreeMap<(AccountId, Currency), Money>;

/// What the accounts of a page hold, and where lane and projections stood then.
struct Page {
    held: Held,
    last: i64,
    accounts: usize,
    projected: Seq,
    head: Seq,
}

#[async_trait]
impl DayBalances for MysqlStore {
    async fn day_balances(
        &self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<DayBalancePage, StoreError> {
        let store = self.shared();
        let first = after.map_or(packed(lane, Seq::ZERO), |after| after.position().packed());
        let limit = limit.max(1);
        let Some(page) = held(store, lane, first, limit).await? else { return Ok(DayBalancePage::default()) };
        let unprojected = before_unprojected(store, lane, &page).await?;
        let openings = openings(store, first, page.last, date).await?;
        let mut found: BTreeMap<(AccountId, Currency), (Money, Money)> = BTreeMap::new();
        for (key, now) in &page.held {
            let at_end = unprojected.get(key).unwrap_or(now);
            found.insert(*key, (*at_end, *at_end));
        }
        for (key, day, amount) in openings {
            let Some((opening, closing)) = found.get_mut(&key) else {
                if amount.is_zero() {
                    continue; // its first posting of all came after what was held was read
                }
                return Err(StoreError::Damaged(format!(
                    "account {} began a day with {amount} {} and holds none",
                    key.0, key.1
                )));
            };
            if day > date.days() {
                *closing = amount;
                // Unless the date has an opening of its own, which comes after this.
                *opening = amount;
            } else {
                *opening = amount;
            }
        }
        let balances = found
            .into_iter()
            .map(|((account, _), (opening, closing))| DayBalance { account, opening, closing })
            .collect();
        let next = (page.accounts >= limit).then(|| read_position(page.last).map(AccountId::at)).transpose()?;
        Ok(DayBalancePage { balances, next })
    }
}

/// One statement, so one state.
async fn held(store: &Shared, lane: LaneId, after: i64, limit: usize) -> Result<Option<Page>, StoreError> {
    let sql = format!(
        "SELECT a.id AS account, h.balances, l.seq AS head, p.seq AS projected FROM account a \
         JOIN holding h ON h.customer = a.customer JOIN lane l ON l.id = {number} JOIN projection p ON p.lane = {number} \
         WHERE a.id > {after} AND a.id <= {} ORDER BY a.id LIMIT {limit}",
        last_of(lane),
        number = lane.number()
    );
    let rows = store.sessions.rows(sql).await?;
    let (Some(one), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
    let mut page = Page {
        held: Held::new(),
        last: get(last, "account")?,
        accounts: rows.len(),
        projected: read_seq(get(one, "projected")?)?,
        head: read_seq(get(one, "head")?)?,
    };
    for row in &rows {
        let account = AccountId::at(read_position(get(row, "account")?)?);
        // What a customer holds is one column: of it what is this account's.
        for (of, balance) in balances::read(get(row, "balances")?, &store.currencies)? {
            if of == account {
                page.held.insert((account, balance.amount.currency()), balance.amount);
            }
        }
    }
    Ok(Some(page))
}

/// What accounts held before their first posting that the projections have not reached.
async fn before_unprojected(store: &Shared, lane: LaneId, page: &Page) -> Result<Held, StoreError> {
    let mut before = Held::new();
    let mut from = page.projected.next();
    while let Some(first) = from.filter(|first| *first <= page.head) {
        let rows = reads::journal(store, lane, first, READ_RECORDS_MAX).await?;
        from = rows.last().and_then(|row| row.record.position.seq().next());
        for row in rows.iter().filter(|row| row.record.position.seq() <= page.head) {
            for leg in row.record.event.legs() {
                let key = (leg.account, leg.amount.currency());
                if page.held.contains_key(&key) && !before.contains_key(&key) {
                    let amount = leg.balance_after.checked_sub(leg.amount).map_err(|error| {
                        StoreError::Damaged(format!("record {:?}: the balance before it: {error}", row.record.position))
                    })?;
                    before.insert(key, amount);
                }
            }
        }
    }
    Ok(before)
}

/// The opening of the date itself, and the first later one, of each account and currency; the later one first.
async fn openings(
    store: &Shared,
    after: i64,
    last: i64,
    date: BusinessDate,
) -> Result<Vec<((AccountId, Currency), i32, Money)>, StoreError> {
    let day = date.days();
    let sql = format!(
        "SELECT o.account, o.currency, o.business_date, o.amount_minor FROM daily_opening o \
         WHERE o.account > {after} AND o.account <= {last} AND o.business_date >= {day} \
         AND NOT EXISTS (SELECT 1 FROM daily_opening e WHERE e.account = o.account AND e.currency = o.currency \
                         AND e.business_date > {day} AND e.business_date < o.business_date) \
         ORDER BY o.account, o.currency, o.business_date DESC"
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter()
        .map(|row| {
            let account = AccountId::at(read_position(get(row, "account")?)?);
            let amount = read_money(&store.currencies, get(row, "currency")?, get(row, "amount_minor")?)?;
            Ok(((account, amount.currency()), get(row, "business_date")?, amount))
        })
        .collect()
}
