//! The commit: fence and order first, then the journal, then the values it leaves behind, in one transaction and two round trips.

use std::fmt::Write as _;

use hwan_domain::{
    account::AccountState,
    board::Halt,
    currency::Currency,
    customer::CustomerState,
    id::{LaneId, Position, Seq},
    record::KeyDigest,
    round::Round,
    time::BusinessDate,
};

use tokio::time::Instant;

use super::{
    balances,
    committer::{Committer, Failure},
    errors::{self, Cause, Stage},
    lanes, reads,
    script::{self, Script},
    store::Shared,
};
use crate::storage::{
    codec,
    consistency::{twice, wrong_batch},
    port::{ChainHash, CommitBatch, CommitError, Epoch, Holding, StateWrite},
    totals,
};

/// About what a row of the journal takes beside its body, and a holding, in bytes of SQL.
const JOURNAL_ROW_BYTES: usize = 240;
/// See [`JOURNAL_ROW_BYTES`].
const HOLDING_BYTES: usize = 200;

/// A batch as the server gets it.
struct Written {
    lane: LaneId,
    epoch: Epoch,
    from: Seq,
    to: Seq,
    hash: ChainHash,
    last_at: i64,
    last_date: i32,
    /// Digits, codes and punctuation only: it may stand in quotes.
    totals: String,
    rest: Script,
    keys: Vec<KeyDigest>,
}

/// Commits a batch.
pub(super) async fn commit(store: &Shared, batch: &CommitBatch) -> Result<(), CommitError> {
    if let Some(wrong) = wrong_batch(batch) {
        tracing::error!(lane = %batch.lane, from = %batch.from, wrong, "refused a batch that is not consistent");
        return Err(CommitError::NotDone(wrong));
    }
    // Written down on the caller's thread: the store's own threads only send and wait.
    let Some(written) = write(batch) else { return Err(CommitError::NotDone("the batch has no rows".into())) };
    let shared = store.clone();
    let committer = store.committer(batch.lane);
    store
        .sessions
        .run(async move { send(&shared, &committer, written).await })
        .await
        // Whether the work had begun is not known.
        .unwrap_or_else(|error| {
            if store.is_closed() {
                Err(CommitError::NotDone(error.to_string()))
            } else {
                Err(CommitError::Unknown(error.to_string()))
            }
        })
}

async fn send(store: &Shared, committer: &Committer, batch: Written) -> Result<(), CommitError> {
    let Written { lane, epoch, from, to, hash, last_at, last_date, totals, mut rest, keys } = batch;
    if store.is_lost() {
        return Err(errors::fenced(lane, epoch, from));
    }
    let mut turn = committer.turn().await.map_err(|error| CommitError::NotDone(error.to_string()))?;
    if let Err(error) = lanes::prepare(store, &mut turn, lane, epoch).await {
        return Err(CommitError::NotDone(error.to_string()));
    }
    let mut fence = String::with_capacity(320);
    let _ = write!(fence, "UPDATE lane SET seq = {}, hash = ", to.number()); // a string takes every write
    script::push_bytes(&mut fence, &hash.0);
    let _ = write!(
        fence,
        ", last_at = {last_at}, last_date = {last_date}, totals = '{totals}', connection = {}, \
         lease_until = NOW(6) + INTERVAL {} MICROSECOND WHERE id = {} AND epoch = {} AND seq = {}",
        turn.number,
        store.lease.as_micros(),
        lane.number(),
        epoch.0,
        from.number(),
    );
    // From when the server gets it, the lease counts.
    let sent = Instant::now();
    match turn.begin(&fence).await {
        Ok(true) => {}
        Ok(false) => {
            lanes::notice_another_owner(store, &mut turn, lane).await;
            turn.roll_back().await;
            return Err(errors::fenced(lane, epoch, from));
        }
        Err(failure) => {
            let error = errors::commit_error(Stage::Before, failure.error());
            match failure {
                Failure::Refused { .. } => turn.roll_back().await,
                Failure::Unanswered(_) => turn.give_up(),
            }
            return Err(error);
        }
    }
    rest.statement("COMMIT");
    let Err((stage, failure, turn)) = turn.finish(rest.packets()).await else {
        store.renewed(lane, epoch, sent);
        return Ok(());
    };
    match (stage, &failure) {
        (Stage::Before, Failure::Refused { .. }) => turn.roll_back().await,
        // The server ends what is open when it sees that the connection is gone.
        (Stage::Before, Failure::Unanswered(_)) | (Stage::Commit, _) => turn.give_up(),
    }
    let error = failure.error();
    if stage == Stage::Before && errors::cause(error) == Cause::Key {
        return Err(refused_key(store, lane, epoch, from, error, &keys).await);
    }
    Err(errors::commit_error(stage, error))
}

/// Which key of a batch, or what else is used once, was refused, and by which record.
async fn refused_key(
    store: &Shared,
    lane: LaneId,
    epoch: Epoch,
    from: Seq,
    error: &sqlx::Error,
    keys: &[KeyDigest],
) -> CommitError {
    if error.to_string().contains("PRIMARY") {
        // The journal is ahead of its lane: whoever takes the lane finds the damage and says so.
        tracing::error!(%lane, %from, %error, "the journal is ahead of its lane");
        return errors::fenced(lane, epoch, from);
    }
    match reads::key_positions(store, keys).await {
        Err(error) => CommitError::NotDone(format!("a key was used before, by which record is not known: {error}")),
        Ok(used) => match used.first() {
            Some((key, used_by)) => CommitError::DuplicateKey { key: *key, used_by: *used_by },
            None => errors::key_twice(twice(keys)),
        },
    }
}

fn write(batch: &CommitBatch) -> Option<Written> {
    let last = batch.rows.last()?;
    let bodies: usize = batch.rows.iter().map(|row| row.body.len() + JOURNAL_ROW_BYTES).sum();
    let mut rest = Script::with_room(bodies + batch.holdings.len() * HOLDING_BYTES + 1_024);
    rest.insert(
        "INSERT INTO journal (id, kind, customer, key_digest, used_once, at, business_date, body, hash)",
        "",
        &batch.rows,
        |row, written| {
            let record = &written.record;
            row.number(record.position.packed());
            row.text(record.event.name());
            row.number_or_null(record.event.customer().map(|customer| customer.position().packed()));
            row.bytes_or_null(record.key().as_ref().map(|key| &key.0[..]));
            row.bytes_or_null(record.used_once().as_ref().map(|used| &used.0[..]));
            row.number(record.at.micros());
            row.number(record.business_date.days());
            row.text(&written.body);
            row.bytes(&written.hash.0);
        },
    );
    hold(&mut rest, &batch.holdings);
    leave_behind(&mut rest, &batch.writes);
    Some(Written {
        lane: batch.lane,
        epoch: batch.epoch,
        from: batch.from,
        to: last.record.position.seq(),
        hash: last.hash,
        last_at: last.record.at.micros(),
        last_date: last.record.business_date.days(),
        totals: totals::write(&batch.totals),
        rest,
        keys: batch.rows.iter().flat_map(|row| [row.record.key(), row.record.used_once()]).flatten().collect(),
    })
}

/// What customers hold after the last row, by customer: neighbours share pages.
fn hold(script: &mut Script, holdings: &[Holding]) {
    let mut holdings: Vec<&Holding> = holdings.iter().collect();
    holdings.sort_unstable_by_key(|holding| holding.customer);
    script.insert(
        "INSERT INTO holding (customer, charged_at, day_won, month_won, balances)",
        " ON DUPLICATE KEY UPDATE charged_at = VALUES(charged_at), day_won = VALUES(day_won), \
         month_won = VALUES(month_won), balances = VALUES(balances)",
        holdings,
        |row, holding| {
            row.number(holding.customer.position().packed());
            row.number(holding.limits.charged_at.micros());
            row.number(holding.limits.day_won);
            row.number(holding.limits.month_won);
            row.text(&balances::write(&holding.balances));
        },
    );
}

/// The other values after the last row. Balances and charges stand in the holdings.
fn leave_behind(script: &mut Script, writes: &[StateWrite]) {
    let mut customers: Vec<&CustomerState> = Vec::new();
    let mut accounts: Vec<&AccountState> = Vec::new();
    let mut rounds: Vec<&Round> = Vec::new();
    let mut halts: Vec<(Currency, Option<&Halt>)> = Vec::new();
    for write in writes {
        match write {
            StateWrite::Customer(customer) => customers.push(customer),
            StateWrite::Charged(_) | StateWrite::Balance { .. } => {}
            StateWrite::Account(account) => accounts.push(account),
            StateWrite::Round(round) => rounds.push(round),
            StateWrite::Halt(currency, halt) => halts.push((*currency, halt.as_ref())),
        }
    }
    // The sort is stable: of several values of one key the last one stands.
    customers.sort_by_key(|customer| customer.id);
    accounts.sort_by_key(|account| account.id);
    script.insert(
        "INSERT INTO customer (id, channel, reference, facts)",
        // Channel and reference never change: what indexes stand on is left alone.
        " ON DUPLICATE KEY UPDATE facts = VALUES(facts)",
        customers,
        |row, customer| {
            row.number(customer.id.position().packed());
            row.text(&customer.channel);
            row.text_or_null(customer.reference.as_deref());
            row.text_or_null(codec::encode_facts(&customer.facts).as_deref());
        },
    );
    script.insert(
        "INSERT INTO account (id, customer, kind, facts, limited_date, limited_won, paid_through)",
        " ON DUPLICATE KEY UPDATE facts = VALUES(facts), limited_date = VALUES(limited_date), \
         limited_won = VALUES(limited_won), paid_through = VALUES(paid_through)",
        accounts,
        |row, account| {
            row.number(account.id.position().packed());
            row.number(account.customer.position().packed());
            row.text(account.kind.as_str());
            row.text_or_null(codec::encode_facts(&account.facts).as_deref());
            row.number_or_null(account.limited.map(|limited| limited.date.days()));
            row.number_or_null(account.limited.map(|limited| limited.won));
            row.number_or_null(account.paid_through.map(BusinessDate::days));
        },
    );
    leave_board(script, &rounds, &halts);
}

fn leave_board(script: &mut Script, rounds: &[&Round], halts: &[(Currency, Option<&Halt>)]) {
    script.insert(
        "INSERT INTO round (currency, business_date, number, mid, unit, spread, preference_percent, published_at, \
         valid_until, status)",
        " ON DUPLICATE KEY UPDATE mid = VALUES(mid), unit = VALUES(unit), spread = VALUES(spread), \
         preference_percent = VALUES(preference_percent), published_at = VALUES(published_at), \
         valid_until = VALUES(valid_until), status = VALUES(status)",
        rounds,
        |row, round| {
            row.text(round.currency.code());
            row.number(round.id.date.days());
            row.number(round.id.number);
            row.text(&round.mid.value().to_string());
            row.number(round.mid.unit());
            row.text(&round.spread.to_string());
            row.text(&round.preference_percent.to_string());
            row.number(round.published_at.micros());
            row.number(round.valid_until.micros());
            row.text(codec::round_status(round.status));
        },
    );
    for (currency, halt) in halts {
        let code = script::literal(currency.code());
        match halt {
            None => script.statement(&format!("DELETE FROM pair_halt WHERE currency = {code}")),
            Some(halt) => script.statement(&format!(
                "REPLACE INTO pair_halt (currency, halted_by, reason, since) VALUES ({code}, {}, {}, {})",
                script::literal(&halt.by),
                script::literal(&halt.reason),
                halt.since.micros()
            )),
        }
    }
}

/// A position's number as its column holds it.
pub(super) fn packed(lane: LaneId, seq: Seq) -> i64 {
    Position::new(lane, seq).packed()
}
