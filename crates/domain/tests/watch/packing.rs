//! A state that was put away goes on as if it never had been; bytes that are not a state are refused.

use hwan_domain::{
    anomaly::{
        LaneWatch, Rule,
        pack::{pack_lane, pack_rounds, unpack_lane, unpack_rounds},
    },
    check::Check,
    exchange::Side,
};

use crate::bank::{Bank, won};

/// A bank in which everything has happened that a state holds.
fn eventful() -> Bank {
    let mut bank = Bank::open();
    let family = bank.rich_family(9_000_000);
    bank.fact(family, family.won, Check::Seized, Some(won(5)));
    let first = bank.buy(family, "USD", 100);
    bank.buy(family, "VND", 100_000);
    let back = bank.reversal(&first, true);
    bank.show(&back);
    let currency = bank.ccy("EUR");
    bank.write(0, hwan_domain::record::Event::PairHalted { currency, reason: "odd".into() });
    let waits = crate::bank::change(bank.exchange(family, "JPY", Side::Buy, 100), |event| {
        let hwan_domain::record::Event::Exchanged { terms, .. } = event else { unreachable!() };
        terms.round.number = 9;
    });
    bank.show(&waits);
    bank
}

fn restored(lane: &LaneWatch, bank: &Bank) -> LaneWatch {
    unpack_lane(&pack_lane(lane), &bank.currencies).unwrap()
}

#[test]
fn a_state_goes_on_where_it_was_put_away() {
    let mut bank = eventful();
    let again = restored(&bank.lane, &bank);
    assert_eq!(restored(&again, &bank), again);
    assert_eq!(again.followed(), bank.lane.followed());
    assert_eq!(again.totals(), bank.lane.totals());
    let rounds = unpack_rounds(&pack_rounds(&bank.rounds), &bank.currencies).unwrap();
    assert_eq!(rounds, bank.rounds);
    bank.lane = again;
    let family = bank.rich_family(1_000_000);
    bank.buy(family, "USD", 100);
    let record = bank.withdrawal(family.won, won(5));
    bank.show(&record);
    assert_eq!(bank.alerts, []);
    let record = bank.withdrawal(family.won, won(5_000_000));
    bank.show(&record);
    assert_eq!(bank.broken(), [Rule::NegativeBalance]);
}

#[test]
fn bytes_that_are_no_state_are_refused() {
    let bank = eventful();
    let bytes = pack_lane(&bank.lane);
    for length in 0..bytes.len() {
        assert_eq!(unpack_lane(&bytes[..length], &bank.currencies), None, "{length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(unpack_lane(&longer, &bank.currencies), None);
    let mut of_another_version = bytes;
    of_another_version[0] += 1;
    assert_eq!(unpack_lane(&of_another_version, &bank.currencies), None);
    assert_eq!(unpack_rounds(&[], &bank.currencies), None);
}

#[test]
fn an_account_takes_about_a_hundred_bytes() {
    let mut bank = Bank::open();
    for _ in 0..1_000 {
        let family = bank.rich_family(1_000_000);
        bank.buy(family, "USD", 100);
    }
    let bytes = pack_lane(&bank.lane).len();
    assert!(bytes < 2_000 * 150, "{bytes}");
    let (account, customer) = (
        size_of::<hwan_domain::anomaly::accounts::AccountSeen>(),
        size_of::<hwan_domain::anomaly::conduct::CustomerSeen>(),
    );
    assert!(account <= 120 && customer <= 168, "{account} {customer}");
}
