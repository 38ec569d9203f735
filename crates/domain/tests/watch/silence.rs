//! Nothing is found where nothing is wrong: a million exchanges of five thousand customers over two business days, in four
//! currencies, on changing rounds, with quotes, deposits, withdrawals, facts and reversals between them.

use hwan_domain::{
    anomaly::{RoundsSeen, SystemLane},
    check::Check,
    exchange::Side,
    money::Money,
};

use crate::bank::{Bank, Family, won};

/// A small generator of numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

const CUSTOMERS: u64 = 5_000;
const EXCHANGES: u64 = 1_000_000;

#[test]
fn a_million_clean_exchanges_raise_nothing() {
    let mut bank = Bank::open();
    let mut dice = Dice(11);
    let families: Vec<Family> = (0..CUSTOMERS).map(|_| bank.rich_family(50_000_000)).collect();
    // One in a hundred has something against him that leaves him his exchanges.
    for family in families.iter().step_by(100) {
        bank.fact(*family, family.won, Check::Seized, Some(won(1_000_000)));
    }
    let mut mids =
        [("USD", 135_057_i64, 3_000_u64), ("EUR", 148_025, 3_000), ("JPY", 93_406, 4_000), ("VND", 545, 500_000)];
    let mut rolled = false;
    for number in 0..EXCHANGES {
        bank.pass(100_000);
        if bank.now.seoul_date() > bank.date {
            bank.roll();
            rolled = true;
        }
        if number % 600 == 0 {
            for (code, mid, _) in &mut mids {
                *mid += i64::try_from(dice.below(5)).unwrap() - 2;
                bank.publish(code, &format!("{}.{:02}", *mid / 100, *mid % 100));
            }
        }
        let family = families[dice.below(CUSTOMERS) as usize];
        let (code, _, most) = mids[dice.below(4) as usize];
        let minor = i64::try_from(1 + dice.below(most)).unwrap() + if code == "VND" { 100 } else { 0 };
        let held = bank.held(family.foreign, bank.ccy(code));
        let sells = held >= minor && dice.below(2) == 0;
        match number % 1_000 {
            7 => drop(bank.deposit(family.won, won(1 + i64::try_from(dice.below(100_000)).unwrap()))),
            8 => {
                let record = bank.withdrawal(family.won, won(1_000));
                bank.show(&record);
            }
            9 => {
                let record = bank.quoted(family, code, minor, bank.now.plus_seconds(-3).max(bank.now));
                bank.show(&record);
            }
            10 => {
                let record = bank.buy(family, code, minor);
                bank.pass(50_000);
                let back = bank.reversal(&record, false);
                bank.show(&back);
            }
            _ => {
                let side = if sells { Side::Sell } else { Side::Buy };
                let record = bank.exchange(family, code, side, minor);
                bank.show(&record);
            }
        }
    }
    let Bank { lane, rounds, now, policy, alerts, .. } = &mut bank;
    lane.look_again(rounds, *now, SystemLane::CaughtUp, policy, alerts);
    assert_eq!(bank.alerts, []);
    assert!(rolled);
    assert_eq!(bank.lane.followed(), (2 * CUSTOMERS as usize, CUSTOMERS as usize));
}

#[test]
fn a_lane_whose_beginning_is_gone_is_learned_in_silence() {
    let mut bank = Bank::open();
    let families: Vec<Family> = (0..20).map(|_| bank.rich_family(50_000_000)).collect();
    for family in &families {
        bank.buy(*family, "USD", 10_000);
        bank.buy(*family, "JPY", 10_000);
    }
    // Somebody begins to watch here: nothing before was seen, of the system lane neither.
    let order = bank.lane.order().clone();
    bank.lane = hwan_domain::anomaly::LaneWatch::begin_after(bank.lane.lane(), order.seq, order.hash);
    bank.rounds = RoundsSeen::cut();
    for family in &families {
        bank.sell(*family, "USD", 1_000);
        bank.buy(*family, "EUR", 1_000);
        bank.deposit(family.foreign, Money::from_minor(5, bank.ccy("USD")).unwrap());
        bank.sell(*family, "JPY", 10_000);
    }
    assert_eq!(bank.alerts, []);
    assert_eq!(bank.lane.totals(), None);
}
