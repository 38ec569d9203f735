//! The reads of reconciliation: two connections of its own, one to the ledger, one to the passbook.
//!
//! A consistent read is a transaction that only reads: it sees the file as it was when it began, while commits go on. It holds back
//! the reuse of the write-ahead log meanwhile, so it is short: as long as it takes to read every balance once.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::{AccountId, LaneId, Position, Seq},
    reconciliation::{PassbookSums, digest::ColumnSums},
    time::BusinessDate,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteRow};

use super::{
    connect::{self, StoreFile},
    errors::store_error,
    lanes::{last_of, read_seq},
    passbook::read_entry,
    projections::read_position,
    reads::{chain_hash, get, read_money},
    schema,
    store::version,
};
use crate::storage::{
    port::{ChainHash, PassbookEntry, StoreError},
    reconciliation::port::{Held, JournalTexts, LaneStanding, ReconciliationReads, StandingPage, StandsAt},
};

/// What a record's text takes, about, in bytes.
const TEXT_BYTES: usize = 1_024;

const BALANCES: &str = "SELECT account, currency, amount_minor, version FROM balance \
    WHERE (account, currency) > (?1, ?2) AND account <= ?3 ORDER BY account, currency LIMIT ?4";
/// SQLite takes the other columns from the row that has the maximum.
const CLOSINGS: &str = "SELECT account, currency, max(business_date) AS day, amount_minor, version FROM daily_balance \
    WHERE (account, currency) > (?1, ?2) AND account <= ?3 AND business_date <= ?4 \
    GROUP BY account, currency ORDER BY account, currency LIMIT ?5";
const OPENINGS: &str = "SELECT d.account, d.currency, p.amount_minor, p.version FROM daily_balance d \
    JOIN daily_balance p ON p.account = d.account AND p.currency = d.currency AND p.business_date = ( \
      SELECT max(e.business_date) FROM daily_balance e \
      WHERE e.account = d.account AND e.currency = d.currency AND e.business_date < ?4) \
    WHERE d.business_date = ?4 AND (d.account, d.currency) > (?1, ?2) AND d.account <= ?3 \
    ORDER BY d.account, d.currency LIMIT ?5";
/// Columns whose sum may be beyond 64 bits are added up in two halves.
const PASSBOOKS: &str = "SELECT account, count(*) AS entries, max(version) AS newest, sum(version) AS versions, \
    sum(record >> 32) AS record_above, sum(record & 4294967295) AS record_rest, sum(kind) AS kinds, \
    coalesce(sum(unicode(currency) * 65536 + unicode(substr(currency, 2)) * 256 + unicode(substr(currency, 3))), 0) \
      AS currencies, \
    sum(amount_minor >> 32) AS amount_above, sum(amount_minor & 4294967295) AS amount_rest, \
    sum(balance_minor >> 32) AS balance_above, sum(balance_minor & 4294967295) AS balance_rest, \
    sum(at >> 32) AS at_above, sum(at & 4294967295) AS at_rest, sum(business_date) AS dates, \
    sum((version % 1024) * (amount_minor % 1000000007)) AS by_amount, \
    sum((version % 1024) * (balance_minor % 1000000007)) AS by_balance \
    FROM passbook WHERE account > ?1 AND account <= ?2 AND business_date <= ?3 GROUP BY account ORDER BY account LIMIT ?4";

/// Where a consistent read has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Balances,
    Closings,
}

/// The reads on the embedded store.
pub struct SqliteReconciliation {
    name: String,
    currencies: Arc<CurrencySet>,
    ledger: SqliteConnection,
    passbook: SqliteConnection,
    phase: Phase,
    lane: LaneId,
    date: BusinessDate,
    after: (i64, String),
}

impl SqliteReconciliation {
    /// Opens the ledger of a data directory, beside a running engine or without one.
    pub async fn open(data_dir: &Path, currencies: Arc<CurrencySet>) -> Result<Self, StoreError> {
        let open = async |file| {
            let mut connection =
                connect::reader(data_dir, file).connect().await.map_err(|error| store_error(&error))?;
            schema::check_version(&mut connection, file).await?;
            Ok::<_, StoreError>(connection)
        };
        let mut ledger = open(StoreFile::Ledger).await?;
        schema::check_currencies(&mut ledger, &currencies).await?;
        let name = version(&mut ledger).await?;
        let passbook = open(StoreFile::Passbook).await?;
        let (lane, date) = (LaneId::SYSTEM, BusinessDate::from_days(0));
        Ok(Self { name, currencies, ledger, passbook, phase: Phase::Idle, lane, date, after: (-1, String::new()) })
    }

    async fn end(&mut self) {
        if self.phase != Phase::Idle {
            self.phase = Phase::Idle;
            for connection in [&mut self.ledger, &mut self.passbook] {
                if let Err(error) = sqlx::query("COMMIT").execute(connection).await {
                    tracing::debug!(%error, "a consistent read did not end cleanly");
                }
            }
        }
    }

    fn held(&self, row: &SqliteRow) -> Result<Held, StoreError> {
        let account = AccountId::at(read_position(get(row, "account")?)?);
        let amount = read_money(&self.currencies, get(row, "currency")?, get(row, "amount_minor")?)?;
        let version: i64 = get(row, "version")?;
        Ok(Held { account, amount, version: u64::try_from(version).unwrap_or(0) })
    }

    /// The place after which the next page begins.
    fn turn(&mut self, held: &[Held]) {
        if let Some(last) = held.last() {
            self.after = (last.account.position().packed(), last.amount.currency().code().to_owned());
        }
    }
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn first_of(lane: LaneId) -> i64 {
    Position::new(lane, Seq::ZERO).packed()
}

#[async_trait]
impl ReconciliationReads for SqliteReconciliation {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn lanes(&mut self) -> Result<Vec<LaneStanding>, StoreError> {
        self.end().await;
        let failed = |error: sqlx::Error| store_error(&error);
        // The projections first: they are never ahead of what is read afterwards.
        let projected: Vec<(i64, i64)> =
            sqlx::query_as("SELECT lane, seq FROM projection").fetch_all(&mut self.passbook).await.map_err(failed)?;
        let rows = sqlx::query(
            "SELECT l.id, l.seq, l.hash, l.last_date, coalesce(r.seq, 0) AS relayed, r.hash AS relayed_hash \
             FROM lane l LEFT JOIN relay r ON r.lane = l.id ORDER BY l.id",
        )
        .fetch_all(&mut self.ledger)
        .await
        .map_err(failed)?;
        let mut lanes = Vec::with_capacity(rows.len());
        for row in &rows {
            let number: i64 = get(row, "id")?;
            let lane = u16::try_from(number).ok().and_then(LaneId::new);
            let date: Option<i32> = get(row, "last_date")?;
            let followed = projected.iter().find(|(of, _)| *of == number).map_or(0, |(_, seq)| *seq);
            let (relayed, relayed_hash) =
                (read_seq(get(row, "relayed")?)?, get::<Option<Vec<u8>>>(row, "relayed_hash")?);
            let relayed_hash = relayed_hash.and_then(|bytes| bytes.try_into().ok()).map(ChainHash);
            lanes.push(LaneStanding {
                lane: lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?,
                seq: read_seq(get(row, "seq")?)?,
                hash: chain_hash(row)?,
                date: date.map(BusinessDate::from_days),
                projected: read_seq(followed)?,
                begins: (Seq::ZERO, ChainHash::GENESIS),
                published: relayed_hash.filter(|_| relayed > Seq::ZERO).map(|hash| (relayed, hash)),
            });
        }
        Ok(lanes)
    }

    async fn first_date(&mut self, lane: LaneId) -> Result<Option<BusinessDate>, StoreError> {
        self.end().await;
        let date: Option<i32> =
            sqlx::query_scalar("SELECT business_date FROM journal WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1")
                .bind(first_of(lane))
                .bind(last_of(lane).packed())
                .fetch_optional(&mut self.ledger)
                .await
                .map_err(|error| store_error(&error))?;
        Ok(date.map(BusinessDate::from_days))
    }

    async fn journal(
        &mut self,
        lane: LaneId,
        after: Seq,
        through: Seq,
        limit: usize,
    ) -> Result<JournalTexts, StoreError> {
        let rows = sqlx::query("SELECT id, body, hash FROM journal WHERE id > ? AND id <= ? ORDER BY id LIMIT ?")
            .bind(Position::new(lane, after).packed())
            .bind(Position::new(lane, through).packed())
            .bind(limit_of(limit))
            .fetch_all(&mut self.ledger)
            .await
            .map_err(|error| store_error(&error))?;
        let mut texts = JournalTexts::with_capacity(rows.len(), rows.len() * TEXT_BYTES);
        for row in &rows {
            texts.push(read_position(get(row, "id")?)?, chain_hash(row)?, get(row, "body")?);
        }
        Ok(texts)
    }

    async fn stand(&mut self, lane: LaneId, date: BusinessDate) -> Result<StandsAt, StoreError> {
        self.end().await;
        (self.lane, self.date, self.phase) = (lane, date, Phase::Balances);
        self.after = (first_of(lane), String::new());
        let failed = |error: sqlx::Error| store_error(&error);
        for connection in [&mut self.ledger, &mut self.passbook] {
            sqlx::query("BEGIN").execute(connection).await.map_err(failed)?;
        }
        let number = i64::from(lane.number());
        let projected: Option<i64> = sqlx::query_scalar("SELECT seq FROM projection WHERE lane = ?")
            .bind(number)
            .fetch_optional(&mut self.passbook)
            .await
            .map_err(failed)?;
        let seq: i64 = sqlx::query_scalar("SELECT seq FROM lane WHERE id = ?")
            .bind(number)
            .fetch_one(&mut self.ledger)
            .await
            .map_err(failed)?;
        Ok(StandsAt { seq: read_seq(seq)?, projected: read_seq(projected.unwrap_or(0))? })
    }

    async fn next_page(&mut self, limit: usize) -> Result<Option<StandingPage>, StoreError> {
        let mut page = StandingPage::default();
        let last = last_of(self.lane).packed();
        let failed = |error: sqlx::Error| store_error(&error);
        if self.phase == Phase::Balances {
            let rows = sqlx::query(BALANCES)
                .bind(self.after.0)
                .bind(self.after.1.clone())
                .bind(last)
                .bind(limit_of(limit))
                .fetch_all(&mut self.ledger)
                .await
                .map_err(failed)?;
            page.now = rows.iter().map(|row| self.held(row)).collect::<Result<_, _>>()?;
            self.turn(&page.now);
            if page.now.len() < limit {
                (self.phase, self.after) = (Phase::Closings, (first_of(self.lane), String::new()));
            }
            return Ok(Some(page));
        }
        if self.phase == Phase::Closings {
            let rows = sqlx::query(CLOSINGS)
                .bind(self.after.0)
                .bind(self.after.1.clone())
                .bind(last)
                .bind(self.date.days())
                .bind(limit_of(limit))
                .fetch_all(&mut self.passbook)
                .await
                .map_err(failed)?;
            page.closing = rows.iter().map(|row| self.held(row)).collect::<Result<_, _>>()?;
            self.turn(&page.closing);
            if page.closing.len() < limit {
                self.end().await;
            }
            return Ok(Some(page));
        }
        Ok(None)
    }

    async fn openings(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<(AccountId, Currency)>,
        limit: usize,
    ) -> Result<Vec<Held>, StoreError> {
        self.end().await;
        let (account, code) = after.map_or((first_of(lane), String::new()), |(account, currency)| {
            (account.position().packed(), currency.code().to_owned())
        });
        let rows = sqlx::query(OPENINGS)
            .bind(account)
            .bind(code)
            .bind(last_of(lane).packed())
            .bind(date.days())
            .bind(limit_of(limit))
            .fetch_all(&mut self.passbook)
            .await
            .map_err(|error| store_error(&error))?;
        rows.iter().map(|row| self.held(row)).collect()
    }

    async fn passbooks(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<PassbookSums>, StoreError> {
        self.end().await;
        let rows = sqlx::query(PASSBOOKS)
            .bind(after.map_or(first_of(lane), |account| account.position().packed()))
            .bind(last_of(lane).packed())
            .bind(date.days())
            .bind(limit_of(limit))
            .fetch_all(&mut self.passbook)
            .await
            .map_err(|error| store_error(&error))?;
        rows.iter().map(read_sums).collect()
    }

    async fn entries(
        &mut self,
        account: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError> {
        let rows = sqlx::query("SELECT * FROM passbook WHERE account = ? AND version > ? ORDER BY version LIMIT ?")
            .bind(account.position().packed())
            .bind(i64::try_from(after_version).unwrap_or(i64::MAX))
            .bind(limit_of(limit))
            .fetch_all(&mut self.passbook)
            .await
            .map_err(|error| store_error(&error))?;
        rows.iter().map(|row| read_entry(row, &self.currencies)).collect()
    }

    async fn close(&mut self) {
        self.end().await;
        for connection in [&mut self.ledger, &mut self.passbook] {
            // What it cached goes with it when it is dropped.
            if let Err(error) = connection.clear_cached_statements().await {
                tracing::debug!(%error, "a reading connection did not close cleanly");
            }
        }
    }
}

fn read_sums(row: &SqliteRow) -> Result<PassbookSums, StoreError> {
    let number = |name| get::<i64>(row, name);
    let whole = |name| number(name).map(i128::from);
    let halves = |above, rest| Ok::<_, StoreError>((i128::from(number(above)?) << 32) + i128::from(number(rest)?));
    let sums = ColumnSums {
        version: whole("versions")?,
        record: halves("record_above", "record_rest")?,
        kind: whole("kinds")?,
        currency: whole("currencies")?,
        amount: halves("amount_above", "amount_rest")?,
        balance: halves("balance_above", "balance_rest")?,
        at: halves("at_above", "at_rest")?,
        date: whole("dates")?,
        version_by_amount: whole("by_amount")?,
        version_by_balance: whole("by_balance")?,
    };
    let natural = |name| number(name).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(PassbookSums {
        account: AccountId::at(read_position(number("account")?)?),
        count: natural("entries")?,
        version: natural("newest")?,
        digest: sums.digest(),
    })
}
