//! Every lie is found, of the right kind, and named.

use std::time::{Duration, Instant};

use hwan::{reconciliation::run::Plan, storage::conformance::fixture::money};
use hwan_domain::{
    anomaly::{LaneWatch, RoundsSeen, Rule, Sighting, WatchPolicy},
    closing::{Closing, LaneClosing, Seal},
    id::{LaneId, Seq},
    interest::Period,
    ledger::TrialBalance,
    reconciliation::{BreakKind, Check, Reconciliation},
};

use sha2::{Digest as _, Sha256};

use super::{
    bank::{Bank, Base, Kind, told},
    lies::{self, Lie, Named},
};

/// How long it may take to find one.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

fn says(result: &Reconciliation, (check, kind, named): &(Check, BreakKind, Named)) -> bool {
    result.breaks.kept().iter().any(|found| {
        let subject = &found.subject;
        let is_named = match named {
            Named::Account(account) => subject.account == Some(*account),
            Named::Record(record) => subject.record == Some(*record),
            Named::Ledger("") => true,
            Named::Ledger(name) => subject.ledger_account.is_some_and(|account| account.to_string() == *name),
        };
        (found.check, found.kind) == (*check, *kind) && is_named
    })
}

async fn is_found(bank: &Bank, lie: &Lie) {
    let began = Instant::now();
    let result = bank.reconcile(None).await;
    assert!(began.elapsed() < FOUND_WITHIN, "{}", lie.what);
    for expected in &lie.found {
        assert!(says(&result, expected), "{}: {expected:?} is not said\n{}", lie.what, told(&result));
    }
}

/// Of a bank that has never been reconciled, and of one whose first day was.
pub(crate) async fn lies_in_the_ledger(kind: Kind) {
    let count = lies::about_the_ledger(&Bank::with_days(kind).await).await.len();
    for number in 0..count {
        let bank = Bank::with_days(kind).await;
        let lie = lies::about_the_ledger(&bank).await.swap_remove(number);
        if number % 2 == 0 {
            assert!(bank.reconcile(Some(bank.days[0])).await.is_clean());
        }
        bank.lie(lie.base, &lie.sql).await;
        is_found(&bank, &lie).await;
    }
}

pub(crate) async fn lies_in_the_books(kind: Kind) {
    let count = lies::about_the_books(&Bank::with_days(kind).await).await.len();
    for number in 0..count {
        let bank = Bank::with_days(kind).await;
        let lie = lies::about_the_books(&bank).await.swap_remove(number);
        bank.lie(lie.base, &lie.sql).await;
        is_found(&bank, &lie).await;
    }
}

/// Bytes of a chunk, of a head, a chunk that is gone; and one whose digest was made anew, too.
pub(crate) async fn changed_snapshots(kind: Kind) {
    let flip = kind.pick(
        "UPDATE reconciliation_chunk SET body = CAST(substr(body, 1, length(body) - 2) || x'7f' || substr(body, -1) AS BLOB)",
        "UPDATE reconciliation_chunk SET body = CONCAT(SUBSTR(body, 1, LENGTH(body) - 2), x'7f', SUBSTR(body, -1))",
    );
    let head = kind.pick(
        "UPDATE reconciliation_snapshot SET digest = zeroblob(32)",
        "UPDATE reconciliation_snapshot SET digest = REPEAT(CHAR(7), 32)",
    );
    for lie in [flip, head, "DELETE FROM reconciliation_chunk"] {
        let bank = Bank::with_days(kind).await;
        assert!(bank.reconcile(Some(bank.days[0])).await.is_clean());
        bank.lie(Base::Books, lie).await;
        let result = bank.reconcile(None).await;
        assert!(result.breaks.of(Check::Snapshot) > 0, "{lie}\n{}", told(&result));
        assert_eq!(result.lanes[0].snapshot, None, "it is not used");
        assert_eq!(result.breaks.count(), result.breaks.of(Check::Snapshot), "{}", told(&result));
        if lie == flip {
            let named = result.breaks.kept().iter().filter_map(|found| found.subject.account).count();
            assert!(named > 0, "{}", told(&result));
        }
        // From the beginning all of it agrees, and writes the snapshots anew.
        let plan = Plan { begin: hwan::reconciliation::run::Begin::AtBeginning, rest_percent: 0, ..Plan::default() };
        assert!(bank.reconcile_by(&Plan { date: Some(bank.days[0]), ..plan.clone() }).await.unwrap().is_clean());
        assert!(bank.reconcile(None).await.is_clean());
    }
}

/// A day's closing that is what its records give, and one that is not.
pub(crate) async fn seals(kind: Kind) {
    for lie in [0, 1] {
        let bank = Bank::with_days(kind).await;
        let date = bank.days[0];
        let day = bank.books.lane_days(date).await.unwrap().swap_remove(0);
        let seq = day.last().unwrap();
        let hash = bank.books.trail(day.lane, seq, 1).await.unwrap()[0].1;
        let mut lines = bank.books.turnovers(Some(date), Some(day.lane)).await.unwrap();
        let control = |line: &&mut hwan_domain::ledger::TrialLine| line.account.to_string() == "2010";
        lines.iter_mut().find(control).unwrap().turnover.credit += lie;
        let totals = TrialBalance::of(Some(date), lines);
        let lane = LaneClosing { lane: day.lane, seq, hash: Seal(hash.0), totals };
        let digest = |text: &str| Sha256::digest(text).into();
        bank.books.seal(&Closing::draw_up(date, Seal::GENESIS, vec![lane], digest)).await.unwrap();
        let result = bank.reconcile(Some(date)).await;
        assert_eq!(result.breaks.of(Check::Seals), u64::try_from(lie).unwrap(), "{}", told(&result));
        assert_eq!(result.is_clean(), lie == 0, "{}", told(&result));
    }
}

/// A forgery that nothing else could tell: the same payment of interest once more, as the engine would have written it, in its place
/// in the chain, with entries and books following it. Only the days say that they were paid for.
pub(crate) async fn doubled_interest(kind: Kind) {
    let mut bank = Bank::with_days(kind).await;
    let account = lies::still(&bank).won;
    let period = Period::new(bank.days[0], bank.days[0]).unwrap();
    bank.scribe.pay_interest(account, period, money("10000000", "KRW"));
    bank.commit().await;
    let mut forger = bank.scribe.clone();
    forger.pay_interest(account, period, money("10000000", "KRW"));
    let forged = forger.batch().rows.pop().unwrap();
    let record = &forged.record;
    let hash: String = forged.hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let row = format!(
        "INSERT INTO journal (id, kind, at, business_date, body, hash) VALUES ({}, 'interest_paid', {}, {}, '{}', x'{hash}')",
        record.position.packed(),
        record.at.micros(),
        record.business_date.days(),
        forged.body,
    );
    bank.lie(Base::Ledger, &row).await;
    let seq = record.position.seq();
    bank.lie(Base::Ledger, &format!("UPDATE lane SET seq = {seq}, hash = x'{hash}' WHERE id = 1")).await;
    bank.follow().await;
    let lie = Lie {
        what: "interest was paid twice",
        base: Base::Ledger,
        sql: row,
        found: vec![(Check::Interest, BreakKind::Duplicate, Named::Account(account))],
    };
    is_found(&bank, &lie).await;
    // The watch, which reads the same records as they come.
    let (mut watch, mut alerts) = (LaneWatch::begin(LaneId::FIRST), Vec::new());
    let (mut rounds, policy) = (RoundsSeen::default(), WatchPolicy::default());
    for row in bank.store.journal(LaneId::FIRST, Seq::new(1).unwrap(), 10_000).await.unwrap() {
        let sighting = Sighting { record: &row.record, hash: row.hash.0, computed: Some(row.hash.0), epoch: None };
        watch.observe(&sighting, &mut rounds, &policy, &mut alerts);
    }
    let told: Vec<_> = alerts.iter().filter(|alert| alert.rule == Rule::InterestOverlap).collect();
    assert!(told.len() == 1 && told[0].account == Some(account), "{alerts:?}");
}
