//! The commit: fence and order first, then the journal, then the values it leaves behind, in one transaction.

use std::sync::{Arc, LazyLock};

use hwan_domain::{
    account::AccountState,
    board::Halt,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, LaneId, Position, Seq},
    money::Money,
    record::KeyDigest,
    round::Round,
    time::BusinessDate,
};
use sqlx::SqliteConnection;

use super::{
    SqliteStore,
    errors::{self, Cause, Stage},
    reads,
    statements::ManyRows,
};
use crate::storage::{
    codec,
    consistency::{twice, wrong_batch},
    port::{CommitBatch, CommitError, JournalRow, StateWrite},
    totals,
};

// `OR ROLLBACK`: a refused row ends the transaction, as it would anyway; without it SQLite copies every page that a
// statement of many rows touches, to undo that statement alone.
static JOURNAL: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO journal (id, kind, customer, key_digest, used_once, at, business_date, body, hash)",
        9,
        "",
    )
});
static CUSTOMER: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO customer (id, channel, reference, facts, limit_at, limit_day_won, limit_month_won)",
        7,
        // Channel and reference never change: what indexes stand on is left alone.
        "ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, limit_at = excluded.limit_at, limit_day_won = excluded.limit_day_won, \
         limit_month_won = excluded.limit_month_won",
    )
});
static ACCOUNT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO account (id, customer, kind, facts, limited_date, limited_won, paid_through)",
        7,
        "ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, limited_date = excluded.limited_date, \
         limited_won = excluded.limited_won, paid_through = excluded.paid_through",
    )
});
static BALANCE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO balance (account, currency, amount_minor, version)",
        4,
        "ON CONFLICT (account, currency) DO UPDATE SET amount_minor = excluded.amount_minor, \
         version = excluded.version",
    )
});
static ROUND: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO round (currency, business_date, number, mid, unit, spread, preference_percent, published_at, \
         valid_until, status)",
        10,
        "ON CONFLICT (currency, business_date, number) DO UPDATE SET mid = excluded.mid, unit = excluded.unit, \
         spread = excluded.spread, preference_percent = excluded.preference_percent, \
         published_at = excluded.published_at, valid_until = excluded.valid_until, status = excluded.status",
    )
});

/// Why a batch was not written; its transaction is still open then.
enum Refusal {
    Fenced,
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Refusal::Failed(error)
    }
}

/// Commits a batch.
pub(super) async fn commit(store: &SqliteStore, batch: &CommitBatch) -> Result<(), CommitError> {
    if let Some(wrong) = wrong_batch(batch) {
        tracing::error!(lane = %batch.lane, from = %batch.from, wrong, "refused a batch that is not consistent");
        return Err(CommitError::NotDone(wrong));
    }
    let not_done = |error: &dyn std::fmt::Display| CommitError::NotDone(error.to_string());
    let writer = store.ledger.writer().map_err(|error| not_done(&error))?;
    let mut transaction = writer.begin().await.map_err(|error| not_done(&error))?;
    let connection = transaction.connection().map_err(|error| not_done(&error))?;
    let refusal = match write(connection, batch).await {
        Ok(()) => {
            transaction.commit().await?;
            let bodies = batch.rows.iter().map(|row| row.body.len()).sum();
            store.ledger.grown(batch.rows.len().saturating_add(batch.writes.len()), bodies);
            return Ok(());
        }
        Err(refusal) => refusal,
    };
    let fenced = errors::fenced(batch.lane, batch.epoch, batch.from);
    transaction.roll_back().await;
    let error = match refusal {
        Refusal::Fenced => return Err(fenced),
        Refusal::Failed(error) => error,
    };
    match errors::cause(&error) {
        Cause::Unique => Err(duplicate(store, batch).await),
        // The journal is ahead of its lane: whoever takes the lane finds the damage and says so.
        Cause::PrimaryKey => {
            tracing::error!(lane = %batch.lane, from = %batch.from, %error, "the journal is ahead of its lane");
            Err(fenced)
        }
        _ => Err(errors::commit_error(Stage::Before, &error)),
    }
}

async fn write(connection: &mut SqliteConnection, batch: &CommitBatch) -> Result<(), Refusal> {
    fence(connection, batch).await?;
    JOURNAL
        .insert(connection, &batch.rows, |bindings, JournalRow { record, body, hash }| {
            bindings.add(record.position.packed());
            bindings.add(record.event.name());
            bindings.add(record.event.customer().map(|customer| customer.position().packed()));
            bindings.add(record.key().map(|key| key.0.to_vec()));
            bindings.add(record.used_once().map(|used| used.0.to_vec()));
            bindings.add(record.at.micros());
            bindings.add(record.business_date.days());
            bindings.add(Arc::clone(body));
            bindings.add(hash.0.to_vec());
        })
        .await?;
    leave_behind(connection, &batch.writes).await?;
    Ok(())
}

/// The first statement: the lane moves only from where the batch begins, and only for its owner.
async fn fence(connection: &mut SqliteConnection, batch: &CommitBatch) -> Result<(), Refusal> {
    let Some(last) = batch.rows.last() else { return Ok(()) };
    let moved = sqlx::query(
        "UPDATE lane SET seq = ?, hash = ?, last_at = ?, last_date = ?, totals = ? WHERE id = ? AND epoch = ? AND seq = ?",
    )
    .bind(packed_seq(last.record.position.seq()))
    .bind(last.hash.0.to_vec())
    .bind(last.record.at.micros())
    .bind(last.record.business_date.days())
    .bind(totals::write(&batch.totals))
    .bind(i64::from(batch.lane.number()))
    .bind(i64::try_from(batch.epoch.0).unwrap_or(i64::MAX))
    .bind(packed_seq(batch.from))
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(Refusal::Fenced) }
}

/// The values after the last row, sorted by key: neighbours share pages. The sort is stable, so of several values of
/// one key the last one stands.
async fn leave_behind(connection: &mut SqliteConnection, writes: &[StateWrite]) -> Result<(), sqlx::Error> {
    let mut customers: Vec<&CustomerState> = Vec::new();
    let mut accounts: Vec<&AccountState> = Vec::new();
    let mut balances: Vec<(AccountId, Money, u64)> = Vec::with_capacity(writes.len());
    let mut rounds: Vec<&Round> = Vec::new();
    let mut halts: Vec<(Currency, Option<&Halt>)> = Vec::new();
    for write in writes {
        match write {
            StateWrite::Customer(customer) | StateWrite::Charged(customer) => customers.push(customer),
            StateWrite::Account(account) => accounts.push(account),
            StateWrite::Balance { account, amount, version } => balances.push((*account, *amount, *version)),
            StateWrite::Round(round) => rounds.push(round),
            StateWrite::Halt(currency, halt) => halts.push((*currency, halt.as_ref())),
        }
    }
    customers.sort_by_key(|customer| customer.id);
    accounts.sort_by_key(|account| account.id);
    balances.sort_by_key(|(account, amount, _)| (*account, amount.currency()));
    CUSTOMER
        .insert(connection, &customers, |bindings, customer| {
            bindings.add(customer.id.position().packed());
            bindings.add(customer.channel.clone());
            bindings.add(customer.reference.clone());
            bindings.add(codec::encode_facts(&customer.facts));
            bindings.add(customer.limits.charged_at.micros());
            bindings.add(customer.limits.day_won);
            bindings.add(customer.limits.month_won);
        })
        .await?;
    ACCOUNT
        .insert(connection, &accounts, |bindings, account| {
            bindings.add(account.id.position().packed());
            bindings.add(account.customer.position().packed());
            bindings.add(account.kind.as_str());
            bindings.add(codec::encode_facts(&account.facts));
            bindings.add(account.limited.map(|limited| limited.date.days()));
            bindings.add(account.limited.map(|limited| limited.won));
            bindings.add(account.paid_through.map(BusinessDate::days));
        })
        .await?;
    BALANCE
        .insert(connection, &balances, |bindings, (account, amount, version)| {
            bindings.add(account.position().packed());
            bindings.add(amount.currency().code());
            bindings.add(amount.minor());
            bindings.add(i64::try_from(*version).unwrap_or(i64::MAX));
        })
        .await?;
    ROUND
        .insert(connection, &rounds, |bindings, round| {
            bindings.add(round.currency.code());
            bindings.add(round.id.date.days());
            bindings.add(i64::from(round.id.number));
            bindings.add(round.mid.value().to_string());
            bindings.add(i64::from(round.mid.unit()));
            bindings.add(round.spread.to_string());
            bindings.add(round.preference_percent.to_string());
            bindings.add(round.published_at.micros());
            bindings.add(round.valid_until.micros());
            bindings.add(codec::round_status(round.status));
        })
        .await?;
    for (currency, halt) in halts {
        write_halt(connection, currency, halt).await?;
    }
    Ok(())
}

async fn write_halt(
    connection: &mut SqliteConnection,
    currency: Currency,
    halt: Option<&Halt>,
) -> Result<(), sqlx::Error> {
    let query = match halt {
        None => sqlx::query("DELETE FROM pair_halt WHERE currency = ?").bind(currency.code().to_owned()),
        Some(halt) => sqlx::query(
            "INSERT INTO pair_halt (currency, by, reason, since) VALUES (?, ?, ?, ?) ON CONFLICT (currency) \
             DO UPDATE SET by = excluded.by, reason = excluded.reason, since = excluded.since",
        )
        .bind(currency.code().to_owned())
        .bind(halt.by.to_string())
        .bind(halt.reason.to_string())
        .bind(halt.since.micros()),
    };
    query.execute(connection).await.map(|_| ())
}

/// Which key of a batch, or what else is used once, was refused, and by which record.
async fn duplicate(store: &SqliteStore, batch: &CommitBatch) -> CommitError {
    let keys: Vec<KeyDigest> =
        batch.rows.iter().flat_map(|row| [row.record.key(), row.record.used_once()]).flatten().collect();
    match reads::key_positions(store.ledger.readers(), &keys).await {
        Err(error) => CommitError::NotDone(format!("a key was used before, by which record is not known: {error}")),
        Ok(used) => match used.first() {
            Some((key, used_by)) => CommitError::DuplicateKey { key: *key, used_by: *used_by },
            None => errors::key_twice(twice(&keys)),
        },
    }
}

/// A sequence number as its column holds it.
pub(super) fn packed_seq(seq: Seq) -> i64 {
    Position::new(LaneId::SYSTEM, seq).packed()
}
