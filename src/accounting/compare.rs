//! The full proof that engine and ledger agree: Σ over the customers' accounts, rolled back to where the books stand by the
//! journal's legs, equals the control accounts to the unit, lane by lane and currency by currency.
//!
//! It shares nothing with what the poster compares at every record: it adds up the balances themselves, and takes back what the
//! journal's legs moved since. Trading goes on meanwhile. By command; it reads every balance there is.

use hwan_domain::{
    control::{ControlTotal, ControlTotals},
    currency::Currency,
    id::{LaneId, Seq},
    ledger::{Chart, TrialBalance},
};

use super::books::BooksError;
use crate::storage::{
    general_ledger::port::{GeneralLedger, LaneBooks},
    port::{AccountSums, LedgerStore},
};

/// Records that one read of the journal brings.
const READ_RECORDS_MAX: usize = 4_096;

/// One currency of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The currency.
    pub currency: Currency,
    /// What the customers' accounts held where the books stand, in minor units.
    pub customers: i128,
    /// What the control account stands at, in minor units.
    pub control: i128,
}

impl Compared {
    /// Whether both are the same.
    pub const fn agrees(&self) -> bool {
        self.customers == self.control
    }
}

/// A lane, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneProof {
    /// The lane.
    pub lane: LaneId,
    /// Where the lane stood when its accounts were added up.
    pub engine_seq: Seq,
    /// Where the books stand.
    pub ledger_seq: Seq,
    /// How many records wait to be redelivered: what they moved is missing in the control accounts.
    pub dead_letters: u64,
    /// What cannot be compared, and why.
    pub fault: Option<String>,
    /// Every currency of either side.
    pub compared: Vec<Compared>,
}

impl LaneProof {
    /// Whether engine and ledger agree on this lane.
    pub fn agrees(&self) -> bool {
        self.fault.is_none() && self.compared.iter().all(Compared::agrees)
    }
}

/// Compares every lane.
pub async fn compare(
    store: &dyn LedgerStore,
    ledger: &dyn GeneralLedger,
    chart: &Chart,
) -> Result<Vec<LaneProof>, BooksError> {
    // The books first: they are never ahead of what is read of the engine afterwards.
    let mut books = Vec::new();
    for cursor in ledger.cursors().await? {
        books.extend(ledger.look(cursor.lane).await?);
    }
    let sums = store.account_sums().await?;
    let mut proofs = Vec::new();
    for sums in &sums {
        let of_lane = books.iter().position(|books| books.cursor.lane == sums.lane).map(|at| books.swap_remove(at));
        proofs.push(prove(store, sums, of_lane, chart).await?);
    }
    for LaneBooks { cursor, .. } in books {
        proofs.push(LaneProof {
            lane: cursor.lane,
            engine_seq: Seq::ZERO,
            ledger_seq: cursor.seq,
            dead_letters: cursor.dead_letters,
            fault: (cursor.seq > Seq::ZERO).then(|| "the engine has no such lane".to_owned()),
            compared: Vec::new(),
        });
    }
    proofs.sort_by_key(|proof| proof.lane);
    Ok(proofs)
}

async fn prove(
    store: &dyn LedgerStore,
    sums: &AccountSums,
    books: Option<LaneBooks>,
    chart: &Chart,
) -> Result<LaneProof, BooksError> {
    let (seq, hash, dead_letters, control) = match books {
        None => (Seq::ZERO, None, 0, ControlTotals::default()),
        Some(LaneBooks { cursor, turnovers, .. }) => {
            let control = TrialBalance::of(None, turnovers).control_totals(chart);
            (cursor.seq, Some(cursor.hash), cursor.dead_letters, control)
        }
    };
    let mut proof = LaneProof {
        lane: sums.lane,
        engine_seq: sums.seq,
        ledger_seq: seq,
        dead_letters,
        fault: None,
        compared: Vec::new(),
    };
    if seq > sums.seq {
        proof.fault = Some(format!("the books stand at {seq}, the lane at {}: its store went back", sums.seq));
        return Ok(proof);
    }
    let (rolled_back, end) = match roll_back(store, sums, seq).await? {
        Ok(rolled_back) => rolled_back,
        Err(fault) => {
            proof.fault = Some(fault);
            return Ok(proof);
        }
    };
    if end.is_some_and(|end| Some(end) != hash && seq > Seq::ZERO) {
        proof.fault = Some(format!("record {seq} of the lane has another hash than the one that was posted"));
        return Ok(proof);
    }
    let currencies = ControlTotals::of(rolled_back.iter().chain(control.iter()).copied());
    proof.compared = currencies
        .iter()
        .map(|ControlTotal { currency, .. }| Compared {
            currency: *currency,
            customers: rolled_back.minor(*currency),
            control: control.minor(*currency),
        })
        .collect();
    Ok(proof)
}

type RolledBack = (ControlTotals, Option<crate::storage::port::ChainHash>);

/// What the accounts held after record `to`: what they hold, less what the legs after it moved. With it the hash of that record,
/// where the journal still has it; or what is missing.
async fn roll_back(
    store: &dyn LedgerStore,
    sums: &AccountSums,
    to: Seq,
) -> Result<Result<RolledBack, String>, BooksError> {
    let mut totals = sums.totals.clone();
    let mut hash = (to == sums.seq).then_some(sums.hash);
    let mut at = to;
    // From the record itself on, so that its hash is seen; none at the beginning.
    let mut from = if to == Seq::ZERO { to.next().unwrap_or(to) } else { to };
    while at < sums.seq {
        let rows = store.journal(sums.lane, from, READ_RECORDS_MAX).await?;
        let before = at;
        for row in &rows {
            let seq = row.record.position.seq();
            if seq == to {
                hash = Some(row.hash);
            } else if Some(seq) == at.next() && seq <= sums.seq {
                row.record.event.legs().for_each(|leg| totals.post(leg.amount.negated()));
                at = seq;
            }
        }
        from = at.next().unwrap_or(at);
        if at == before && at < sums.seq && rows.last().is_none_or(|row| row.record.position.seq() > to) {
            return Ok(Err(format!("the journal has no record {from}: it cannot be rolled back to {to}")));
        }
    }
    Ok(Ok((totals, hash)))
}
