//! The reads of reconciliation: a connection of its own, used on whatever runtime the reconciliation runs on.
//!
//! Of a day this store keeps what each account *began* it with ([`projections`](super::projections)). So what an account closed day D
//! with is what it began its first later day with; where the projections have not come to that day's first posting, what that posting
//! found; and without a later posting what it holds now. All three come from one snapshot of the server's (REPEATABLE READ), so they
//! belong together while trading goes on. Nothing is locked.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::{AccountId, LaneId, Position, Seq},
    money::Money,
    reconciliation::{Movement, PassbookSums, digest::ColumnSums},
    time::BusinessDate,
};
use sqlx::{
    AssertSqlSafe, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlRow},
};

use super::{
    balances,
    commit::packed,
    connect::{self, Purpose},
    errors::store_error,
    lanes::last_of,
    options::MysqlOptions,
    passbook::read_entry,
    reads::{chain_hash, get, read_money, read_position, read_seq},
    schema, settings,
};
use crate::storage::{
    codec::{self, Skimmer},
    port::{ChainHash, PassbookEntry, StoreError},
    reconciliation::port::{Held, JournalTexts, LaneStanding, ReconciliationReads, StandingPage, StandsAt},
};

/// What a record's text takes, about, in bytes.
const TEXT_BYTES: usize = 1_024;
/// How long one page may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Rows that one read of openings, or of the journal's tail, brings.
const ROWS_PER_READ: usize = 16_384;

type Place = (AccountId, Currency);

/// A consistent read under way.
struct Stand {
    lane: LaneId,
    /// What accounts began their first later day with.
    later: HashMap<Place, Money>,
    /// The last customer that was read.
    after: i64,
}

/// The reads on MySQL and MariaDB.
pub struct MysqlReconciliation {
    name: String,
    currencies: Arc<CurrencySet>,
    target: MySqlConnectOptions,
    connect_timeout: Duration,
    connection: Option<MySqlConnection>,
    stand: Option<Stand>,
}

impl MysqlReconciliation {
    /// Opens the ledger, beside a running engine or without one.
    pub async fn open(options: &MysqlOptions, currencies: Arc<CurrencySet>) -> Result<Self, StoreError> {
        let target = connect::target(options)?;
        let mut connection = connect::open(&target, options.connect_timeout, Purpose::Read).await?;
        schema::check_version(&mut connection).await?;
        schema::check_currencies(&mut connection, &currencies).await?;
        let name = settings::name(&mut connection).await?;
        let connect_timeout = options.connect_timeout;
        Ok(Self { name, currencies, target, connect_timeout, connection: Some(connection), stand: None })
    }

    async fn rows(&mut self, sql: String) -> Result<Vec<MySqlRow>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect::open(&self.target, self.connect_timeout, Purpose::Read).await?,
        };
        let read = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection);
        let done = tokio::time::timeout(PATIENCE, read).await;
        let done =
            done.map_err(|_| StoreError::Unavailable(format!("a read took more than {} s", PATIENCE.as_secs())))?;
        // After anything but an answer nobody knows what state the connection is in; a consistent read ends with it.
        match done {
            Ok(rows) => {
                self.connection = Some(connection);
                Ok(rows)
            }
            Err(error) => {
                self.stand = None;
                Err(store_error(&error))
            }
        }
    }

    async fn end(&mut self) -> Result<(), StoreError> {
        if self.stand.take().is_some() {
            self.rows("COMMIT".to_owned()).await?;
        }
        Ok(())
    }

    /// What accounts of a lane began their first day after `date` with, as far as it is projected.
    async fn projected_openings(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        later: &mut HashMap<Place, Money>,
    ) -> Result<(), StoreError> {
        let mut after = (packed(lane, Seq::ZERO), String::new(), 0);
        loop {
            let sql = format!(
                "SELECT account, currency, business_date, amount_minor FROM daily_opening \
                 WHERE account >= {from} AND account <= {last} AND business_date > {day} \
                 AND (account > {from} OR currency > '{code}' OR (currency = '{code}' AND business_date > {seen})) \
                 ORDER BY account, currency, business_date LIMIT {ROWS_PER_READ}",
                from = after.0,
                last = last_of(lane),
                day = date.days(),
                code = after.1,
                seen = after.2,
            );
            let rows = self.rows(sql).await?;
            for row in &rows {
                let (account, code): (i64, &str) = (get(row, "account")?, get(row, "currency")?);
                let amount = read_money(&self.currencies, code, get(row, "amount_minor")?)?;
                // They come by their dates: the first one counts.
                later.entry((AccountId::at(read_position(account)?), amount.currency())).or_insert(amount);
                after = (account, code.to_owned(), get(row, "business_date")?);
            }
            if rows.len() < ROWS_PER_READ {
                return Ok(());
            }
        }
    }

    /// The same of the records that are not projected yet.
    async fn unprojected_openings(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        (mut at, through): (Seq, Seq),
        later: &mut HashMap<Place, Money>,
    ) -> Result<(), StoreError> {
        let mut skimmer = Skimmer::new(&self.currencies);
        while at < through {
            let page = self.texts(lane, at, through, ROWS_PER_READ).await?;
            let Some(last) = page.last() else { return Ok(()) };
            at = last.position.seq();
            for (_, text) in page.iter() {
                // A text that cannot be read is found by whoever walks the journal.
                let movement = skimmer
                    .read(text)
                    .or_else(|| codec::decode(text, &self.currencies).ok().map(|record| Movement::from(&record)));
                let Some(movement) = movement.filter(|movement| movement.event.business_date > date) else { continue };
                for leg in &movement.legs {
                    if let Entry::Vacant(vacant) = later.entry((leg.account, leg.amount.currency()))
                        && let Ok(before) = leg.balance_after.checked_sub(leg.amount)
                    {
                        vacant.insert(before);
                    }
                }
            }
        }
        Ok(())
    }

    async fn texts(
        &mut self,
        lane: LaneId,
        after: Seq,
        through: Seq,
        limit: usize,
    ) -> Result<JournalTexts, StoreError> {
        let sql = format!(
            "SELECT id, body, hash FROM journal WHERE id > {} AND id <= {} ORDER BY id LIMIT {limit}",
            packed(lane, after),
            packed(lane, through)
        );
        let rows = self.rows(sql).await?;
        let mut texts = JournalTexts::with_capacity(rows.len(), rows.len() * TEXT_BYTES);
        for row in &rows {
            texts.push(read_position(get(row, "id")?)?, chain_hash(row)?, get(row, "body")?);
        }
        Ok(texts)
    }
}

#[async_trait]
impl ReconciliationReads for MysqlReconciliation {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn lanes(&mut self) -> Result<Vec<LaneStanding>, StoreError> {
        self.end().await?;
        let sql = "SELECT l.id, l.seq, l.hash, l.last_date, COALESCE(p.seq, 0) AS projected, COALESCE(r.seq, 0) AS relayed, \
            r.hash AS relayed_hash, COALESCE(c.begins_seq, 0) AS begins, c.begins_hash FROM lane l \
            LEFT JOIN projection p ON p.lane = l.id LEFT JOIN relay r ON r.lane = l.id \
            LEFT JOIN checkpoint c ON c.lane = l.id ORDER BY l.id";
        let rows = self.rows(sql.to_owned()).await?;
        let hash_of = |row: &MySqlRow, name: &str| -> Result<Option<ChainHash>, StoreError> {
            let bytes: Option<Vec<u8>> = get(row, name)?;
            Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(ChainHash))
        };
        let mut lanes = Vec::with_capacity(rows.len());
        for row in &rows {
            let number: i16 = get(row, "id")?;
            let lane = u16::try_from(number).ok().and_then(LaneId::new);
            let date: Option<i32> = get(row, "last_date")?;
            let (relayed, begins) = (read_seq(get(row, "relayed")?)?, read_seq(get(row, "begins")?)?);
            let begins_hash = hash_of(row, "begins_hash")?.unwrap_or(ChainHash::GENESIS);
            lanes.push(LaneStanding {
                lane: lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?,
                seq: read_seq(get(row, "seq")?)?,
                hash: chain_hash(row)?,
                date: date.map(BusinessDate::from_days),
                projected: read_seq(get(row, "projected")?)?,
                begins: (begins, begins_hash),
                published: hash_of(row, "relayed_hash")?.filter(|_| relayed > Seq::ZERO).map(|hash| (relayed, hash)),
            });
        }
        Ok(lanes)
    }

    async fn first_date(&mut self, lane: LaneId) -> Result<Option<BusinessDate>, StoreError> {
        self.end().await?;
        let sql = format!(
            "SELECT business_date FROM journal WHERE id BETWEEN {} AND {} ORDER BY id LIMIT 1",
            packed(lane, Seq::ZERO),
            last_of(lane)
        );
        let rows = self.rows(sql).await?;
        rows.first().map(|row| get(row, "business_date").map(BusinessDate::from_days)).transpose()
    }

    async fn journal(
        &mut self,
        lane: LaneId,
        after: Seq,
        through: Seq,
        limit: usize,
    ) -> Result<JournalTexts, StoreError> {
        self.end().await?;
        self.texts(lane, after, through, limit).await
    }

    async fn stand(&mut self, lane: LaneId, date: BusinessDate) -> Result<StandsAt, StoreError> {
        self.end().await?;
        self.rows("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned()).await?;
        self.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT".to_owned()).await?;
        self.stand = Some(Stand { lane, later: HashMap::new(), after: packed(lane, Seq::ZERO) });
        let rows = self
            .rows(format!(
                "SELECT l.seq, COALESCE(p.seq, 0) AS projected FROM lane l LEFT JOIN projection p ON p.lane = l.id \
                 WHERE l.id = {}",
                lane.number()
            ))
            .await?;
        let row = rows.first().ok_or_else(|| StoreError::Damaged(format!("lane {lane} has gone")))?;
        let (seq, projected) = (read_seq(get(row, "seq")?)?, read_seq(get(row, "projected")?)?);
        let mut later = HashMap::new();
        self.projected_openings(lane, date, &mut later).await?;
        self.unprojected_openings(lane, date, (projected, seq), &mut later).await?;
        if let Some(stand) = &mut self.stand {
            stand.later = later;
        }
        // As far as closings go, the tail stands in for what is not projected.
        Ok(StandsAt { seq, projected: seq })
    }

    async fn next_page(&mut self, limit: usize) -> Result<Option<StandingPage>, StoreError> {
        let Some(stand) = &self.stand else { return Ok(None) };
        let sql = format!(
            "SELECT customer, balances FROM holding WHERE customer > {} AND customer <= {} ORDER BY customer LIMIT {limit}",
            stand.after,
            last_of(stand.lane)
        );
        let rows = self.rows(sql).await?;
        let Some(mut stand) = self.stand.take() else { return Ok(None) };
        let mut page = StandingPage::default();
        for row in &rows {
            stand.after = get(row, "customer")?;
            for (account, balance) in balances::read(get(row, "balances")?, &self.currencies)? {
                let amount = balance.amount;
                page.now.push(Held { account, amount, version: balance.version });
                let closed = stand.later.remove(&(account, amount.currency())).unwrap_or(amount);
                page.closing.push(Held { account, amount: closed, version: 0 });
            }
        }
        if rows.len() < limit {
            // Of accounts that hold nothing of what they held: their row was lost.
            let lost = stand.later.drain().map(|((account, _), amount)| Held { account, amount, version: 0 });
            page.closing.extend(lost);
            self.rows("COMMIT".to_owned()).await?;
        } else {
            self.stand = Some(stand);
        }
        Ok(Some(page))
    }

    async fn openings(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<(AccountId, Currency)>,
        limit: usize,
    ) -> Result<Vec<Held>, StoreError> {
        self.end().await?;
        let (account, code) = after.map_or((packed(lane, Seq::ZERO), String::new()), |(account, currency)| {
            (account.position().packed(), currency.code().to_owned())
        });
        let sql = format!(
            "SELECT account, currency, amount_minor FROM daily_opening WHERE account >= {account} AND account <= {} \
             AND business_date = {} AND (account > {account} OR currency > '{code}') \
             ORDER BY account, currency LIMIT {limit}",
            last_of(lane),
            date.days()
        );
        let rows = self.rows(sql).await?;
        let held = |row: &MySqlRow| {
            let account = AccountId::at(read_position(get(row, "account")?)?);
            let amount = read_money(&self.currencies, get(row, "currency")?, get(row, "amount_minor")?)?;
            Ok(Held { account, amount, version: 0 })
        };
        rows.iter().map(held).collect()
    }

    async fn passbooks(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<PassbookSums>, StoreError> {
        self.end().await?;
        // Sums are decimals, so none overflows; all of an account travel as one text.
        let sql = format!(
            "SELECT account, CAST(CONCAT_WS(' ', COUNT(*), MAX(version), SUM(version), SUM(record), SUM(kind), \
             SUM(ASCII(currency) * 65536 + ASCII(SUBSTR(currency, 2)) * 256 + ASCII(SUBSTR(currency, 3))), \
             SUM(amount_minor), SUM(balance_minor), SUM(at), SUM(business_date), \
             SUM((version % 1024) * (amount_minor % 1000000007)), SUM((version % 1024) * (balance_minor % 1000000007))) \
             AS CHAR) AS sums FROM passbook WHERE account > {} AND account <= {} AND business_date <= {} \
             GROUP BY account ORDER BY account LIMIT {limit}",
            after.map_or(packed(lane, Seq::ZERO), |account| account.position().packed()),
            last_of(lane),
            date.days()
        );
        let rows = self.rows(sql).await?;
        rows.iter().map(read_sums).collect()
    }

    async fn entries(
        &mut self,
        account: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError> {
        self.end().await?;
        let sql = format!(
            "SELECT * FROM passbook WHERE account = {} AND version > {} ORDER BY version LIMIT {limit}",
            account.position().packed(),
            i64::try_from(after_version).unwrap_or(i64::MAX)
        );
        let rows = self.rows(sql).await?;
        rows.iter().map(|row| read_entry(row, &self.currencies)).collect()
    }

    async fn close(&mut self) {
        self.stand = None;
        if let Some(connection) = self.connection.take() {
            connect::close(connection).await;
        }
    }
}

fn read_sums(row: &MySqlRow) -> Result<PassbookSums, StoreError> {
    let text: String = get(row, "sums")?;
    let mut numbers = text.split(' ').map(|number| number.parse::<i128>().ok());
    let mut next = || {
        let number = numbers.next().flatten();
        number.ok_or_else(|| StoreError::Damaged(format!("sums of a passbook, {text:?}")))
    };
    let (count, version) = (next()?, next()?);
    let sums = ColumnSums {
        version: next()?,
        record: next()?,
        kind: next()?,
        currency: next()?,
        amount: next()?,
        balance: next()?,
        at: next()?,
        date: next()?,
        version_by_amount: next()?,
        version_by_balance: next()?,
    };
    let position: Position = read_position(get(row, "account")?)?;
    Ok(PassbookSums {
        account: AccountId::at(position),
        count: u64::try_from(count).unwrap_or(0),
        version: u64::try_from(version).unwrap_or(0),
        digest: sums.digest(),
    })
}
