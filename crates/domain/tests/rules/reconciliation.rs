//! Reconciliation as rules: what a walk over records finds, and what it leaves.

use hwan_domain::{
    control::ControlTotals,
    currency::{Currency, CurrencySet},
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    ledger::{Deal, LedgerEvent},
    money::Money,
    reconciliation::{
        AccountState, BreakKind, Check, LaneState, Movement, Tree, Walker,
        snapshot::{BalanceState, decode_chunk, encode_chunk},
    },
    record::Leg,
    time::{BusinessDate, Timestamp},
};
use smallvec::smallvec;

use super::support::currencies;

static DAY: std::sync::LazyLock<BusinessDate> = std::sync::LazyLock::new(|| BusinessDate::from_days(20_000));

fn place(seq: u64) -> Position {
    Position::new(LaneId::FIRST, Seq::new(seq).unwrap())
}

fn account(number: u64) -> AccountId {
    AccountId::at(place(number))
}

/// A deposit: its place, its day, to whom, how much, to which balance and version.
fn deposit(seq: u64, date: BusinessDate, to: u64, (amount, balance, version): (i64, i64, u64)) -> Movement {
    let credit = Leg {
        account: account(to),
        customer: CustomerId::at(place(1)),
        amount: Money::won(amount).unwrap(),
        balance_after: Money::won(balance).unwrap(),
        version,
    };
    let at = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(seq).unwrap());
    let event = LedgerEvent {
        position: place(seq),
        at,
        business_date: date,
        deal: Deal::Deposit(credit.amount),
        totals: smallvec![],
    };
    Movement { event, legs: smallvec![credit], rate: None, interest: None }
}

fn walk(movements: &[Movement]) -> Walker {
    let mut walker = Walker::new(LaneId::FIRST, *DAY, None);
    for movement in movements {
        walker.follow(movement, [7; 32], &mut |_| {});
    }
    walker
}

fn found(movements: &[Movement]) -> Vec<(Check, BreakKind, Option<AccountId>)> {
    let breaks = walk(movements).take_breaks();
    breaks.kept().iter().map(|found| (found.check, found.kind, found.subject.account)).collect()
}

#[test]
fn a_walk_over_records_that_follow_finds_nothing_and_stops_a_moment_at_the_days_end() {
    let next = DAY.next();
    let mut walker = walk(&[
        deposit(1, *DAY, 2, (1_000, 1_000, 1)),
        deposit(2, *DAY, 3, (5, 5, 1)),
        deposit(3, *DAY, 2, (500, 1_500, 2)),
        deposit(4, next, 2, (1, 1_501, 3)),
    ]);
    assert!(walker.take_breaks().is_empty());
    let frozen = walker.close();
    assert_eq!((frozen.state.seq.number(), frozen.state.accounts, frozen.state.postings), (3, 2, 3));
    assert_eq!(frozen.closings.currency(Currency::KRW).sum, 1_505);
    assert_eq!(frozen.state.totals.minor(Currency::KRW), 1_505);
    let closed = frozen.find(account(2), &currencies()).unwrap().unwrap();
    assert_eq!((closed.version, closed.balances[0].minor), (2, 1_500));
    assert_eq!(walker.balances().currency(Currency::KRW).sum, 1_506);
    assert_eq!(walker.accounts().find(account(2)).unwrap().version, 3);
}

#[test]
fn a_walk_from_a_snapshot_comes_to_the_same_as_one_from_the_beginning() {
    let next = DAY.next();
    let early = [deposit(1, *DAY, 2, (1_000, 1_000, 1)), deposit(2, *DAY, 3, (5, 5, 1))];
    let late = [deposit(3, next, 2, (500, 1_500, 2)), deposit(4, next.next(), 3, (1, 6, 2))];
    let mut first = walk(&early);
    let frozen = first.close().clone();
    let mut resumed = Walker::resume(frozen.state.clone(), next, None);
    for chunk in &frozen.chunks {
        decode_chunk(chunk, &currencies()).unwrap().iter().for_each(|state| resumed.restore(state));
    }
    let mut whole = Walker::new(LaneId::FIRST, next, None);
    early.iter().for_each(|movement| whole.follow(movement, [7; 32], &mut |_| {}));
    for movement in &late {
        resumed.follow(movement, [7; 32], &mut |_| {});
        whole.follow(movement, [7; 32], &mut |_| {});
    }
    let (resumed, whole) = (resumed.close().clone(), whole.close().clone());
    assert_eq!((&resumed.state, &resumed.chunks), (&whole.state, &whole.chunks));
    assert_eq!(resumed.closings.differing(&whole.closings), []);
    assert_eq!(resumed.openings, [(account(2), Currency::KRW, 1_000)]);
    assert_eq!(resumed.openings, whole.openings);
}

#[test]
fn each_break_of_a_chain_is_of_its_kind_and_found_once() {
    let good = deposit(1, *DAY, 2, (1_000, 1_000, 1));
    let then = |movement| [good.clone(), movement, deposit(3, *DAY, 2, (1, 1_502, 3))];
    assert_eq!(found(&then(deposit(2, *DAY, 2, (501, 1_501, 2)))), []);
    let of_account = |kind| (Check::AccountChain, kind, Some(account(2)));
    assert_eq!(found(&then(deposit(2, *DAY, 2, (500, 1_501, 2)))), [of_account(BreakKind::Amount)]);
    assert_eq!(found(&[good.clone(), deposit(2, *DAY, 2, (9, 2_000, 4))]), [of_account(BreakKind::Missing)]);
    assert_eq!(found(&[good.clone(), deposit(2, *DAY, 2, (9, 1_009, 1))]), [of_account(BreakKind::Duplicate)]);
    assert_eq!(
        found(&[good.clone(), deposit(3, *DAY, 3, (9, 9, 1))]),
        [(Check::JournalChain, BreakKind::Missing, None)]
    );
    assert_eq!(
        found(&[good.clone(), deposit(1, *DAY, 3, (9, 9, 1))]),
        [(Check::JournalChain, BreakKind::Duplicate, None)]
    );
    let before = BusinessDate::from_days(DAY.days() - 1);
    assert_eq!(found(&[good, deposit(2, before, 3, (9, 9, 1))]), [(Check::JournalChain, BreakKind::Amount, None)]);
    let backwards = found(&[deposit(1, *DAY, 2, (-5, -5, 1))]);
    assert_eq!(backwards, [(Check::Conservation, BreakKind::Amount, None), of_account(BreakKind::Amount)]);
}

#[test]
fn what_is_packed_comes_back_and_nothing_else_is_taken_for_it() {
    let set: std::sync::Arc<CurrencySet> = currencies().into();
    let usd = set.find("USD").unwrap();
    let state = |number: u64, minor| AccountState {
        account: account(number),
        version: number * 3,
        digest: number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        balances: smallvec![
            BalanceState { currency: Currency::KRW, minor, version: 1 },
            BalanceState { currency: usd, minor: -minor, version: number * 3 },
        ],
    };
    let accounts: Vec<AccountState> = (2..100).map(|number| state(number * number, i64::MAX - 7)).collect();
    let bytes = encode_chunk(&accounts);
    assert_eq!(decode_chunk(&bytes, &set).unwrap(), accounts);
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(decode_chunk(&bytes[..cut], &set).is_err(), "{cut}");
    }
    assert!(decode_chunk(&[bytes.as_slice(), &[0]].concat(), &set).is_err());
    let mut totals = ControlTotals::default();
    totals.post(Money::won(-7).unwrap());
    let lane = LaneState { seq: Seq::new(9).unwrap(), totals, ..LaneState::empty(LaneId::FIRST, *DAY) };
    assert_eq!(LaneState::decode(&lane.encode(), &set), Ok(lane.clone()));
    assert!(LaneState::decode(&lane.encode()[1..], &set).is_err());
}

#[test]
fn a_tree_of_several_lanes_is_the_tree_of_all_their_accounts() {
    let (mut one, mut other, mut both) = (Tree::default(), Tree::default(), Tree::default());
    one.add(account(1), Currency::KRW, 5, 0);
    other.add(account(2), Currency::KRW, 7, 0);
    both.add(account(2), Currency::KRW, 7, 0);
    both.add(account(1), Currency::KRW, 5, 0);
    one.extend(&other);
    assert_eq!(one.differing(&both), []);
}
