//! Conservation: whatever a household does, no money appears or disappears, every record balances and follows its
//! predecessor, and the passbooks can be derived from the records alone.

use std::collections::HashMap;

use hwan_domain::{
    account::{AccountBook, AccountKind, Credit, Debit, Moment},
    check::Direction,
    exchange::{Ask, Side, Terms},
    id::{AccountId, CustomerId},
    invariant,
    limit::LimitPolicy,
    money::Money,
    record::{Event, Leg, Origin, Record},
    rejection::Violations,
};
use proptest::prelude::*;
use smallvec::SmallVec;

use crate::support::{account, ccy, monday, place, terms};

#[derive(Clone, Debug)]
enum Step {
    Deposit(i64),
    Withdraw(i64),
    Buy(Ask),
    Sell(Ask),
}

fn step() -> impl Strategy<Value = Step> {
    let usd = |minor| Ask::Foreign(Money::from_minor(minor, ccy("USD")).unwrap());
    let ask = move || {
        prop_oneof![
            (0_i64..5_000).prop_map(usd),
            (0_i64..100_000).prop_map(|won| Ask::Won(Money::won(won).unwrap())),
            (0_i64..100_000).prop_map(|won| Ask::WonBudget(Money::won(won).unwrap())),
        ]
    };
    prop_oneof![
        (1_i64..200_000).prop_map(Step::Deposit),
        (1_i64..100_000).prop_map(Step::Withdraw),
        ask().prop_map(Step::Buy),
        ask().prop_map(Step::Sell),
    ]
}

/// One household: a won and a dollar account.
struct Household {
    won: AccountBook,
    foreign: AccountBook,
    records: Vec<Record>,
}

impl Household {
    fn judged(book: &AccountBook, amount: Money, debit: bool) -> bool {
        let policy = LimitPolicy::default();
        let at = monday("10:00:00");
        let moment = Moment { at, date: at.seoul_date(), policy: &policy };
        let mut violations = Violations::new();
        if debit {
            book.judge_debit(Debit { amount, won: 0 }, moment, &mut violations);
        } else {
            book.judge_credit(Credit { amount, direction: Direction::Credit, cap: None }, moment, &mut violations);
        }
        violations.is_empty()
    }

    fn record(&mut self, event: Event) {
        let seq = u64::try_from(self.records.len()).unwrap() + 1;
        let at = monday("10:00:00").plus_seconds(i64::try_from(seq).unwrap());
        let origin = Origin { caller: "test".into(), key: None };
        self.records.push(Record {
            position: place(seq),
            at,
            business_date: at.seoul_date(),
            origin,
            event,
            totals: SmallVec::new(),
        });
    }

    fn exchange(&mut self, terms: Terms, ask: Ask) {
        let Ok(priced) = terms.price(ask) else { return };
        let (debit, credit) = match terms.side {
            Side::Buy => (priced.won, priced.foreign),
            Side::Sell => (priced.foreign, priced.won),
        };
        let (from, to) = match terms.side {
            Side::Buy => (&mut self.won, &mut self.foreign),
            Side::Sell => (&mut self.foreign, &mut self.won),
        };
        if !Self::judged(from, debit, true) || !Self::judged(to, credit, false) {
            return;
        }
        let (debit, credit) = (from.post(debit.negated()).unwrap(), to.post(credit).unwrap());
        self.record(Event::Exchanged { terms, quote: None, debit, credit, limits: None, limited_won: None });
    }

    fn act(&mut self, step: Step) {
        let won = |minor| Money::won(minor).unwrap();
        match step {
            Step::Deposit(minor) => {
                let credit = self.won.post(won(minor)).unwrap();
                self.record(Event::Deposited { credit });
            }
            Step::Withdraw(minor) => {
                if Self::judged(&self.won, won(minor), true) {
                    let debit = self.won.post(won(-minor)).unwrap();
                    self.record(Event::Withdrawn { debit, limited_won: None });
                }
            }
            Step::Buy(ask) => self.exchange(terms("USD", "1350.57", Side::Buy), ask),
            Step::Sell(ask) => self.exchange(terms("USD", "1350.57", Side::Sell), ask),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn money_is_conserved_per_currency_and_every_record_balances(steps in prop::collection::vec(step(), 1..60)) {
        let mut house =
            Household { won: account(AccountKind::Won, &[], &[]), foreign: account(AccountKind::Foreign, &[], &[]), records: vec![] };
        for step in steps {
            house.act(step);
        }
        for pair in house.records.windows(2) {
            prop_assert_eq!(invariant::follows(&pair[0], &pair[1]), Ok(()));
        }
        // From the records alone: the customer's balances, and the bank's position against them.
        let (mut customer, mut bank, mut outside) = (HashMap::new(), HashMap::new(), 0_i64);
        let mut chains: HashMap<AccountId, (u64, HashMap<String, Money>)> = HashMap::new();
        for record in &house.records {
            prop_assert_eq!(invariant::balanced(record), Ok(()));
            for leg in record.event.legs() {
                let (version, balances) = chains.entry(leg.account).or_default();
                let before = balances.get(leg.amount.currency().code()).copied().unwrap_or(Money::zero(leg.amount.currency()));
                prop_assert_eq!(invariant::continues(leg, *version, before), Ok(()));
                *version = leg.version;
                balances.insert(leg.amount.currency().code().to_owned(), leg.balance_after);
                *customer.entry(leg.amount.currency().code().to_owned()).or_insert(0_i64) += leg.amount.minor();
                match record.event {
                    Event::Exchanged { .. } => *bank.entry(leg.amount.currency().code().to_owned()).or_insert(0_i64) -= leg.amount.minor(),
                    _ => outside -= leg.amount.minor(),
                }
            }
        }
        let total = |map: &HashMap<String, i64>, code: &str| map.get(code).copied().unwrap_or(0);
        prop_assert_eq!(total(&customer, "KRW") + total(&bank, "KRW") + outside, 0);
        prop_assert_eq!(total(&customer, "USD") + total(&bank, "USD"), 0);
        prop_assert_eq!(house.won.state().booked(ccy("KRW")).minor(), total(&customer, "KRW"));
        prop_assert_eq!(house.foreign.state().booked(ccy("USD")).minor(), total(&customer, "USD"));
        // The bank never loses by rounding: won it took for the dollars that are out, at mid, less than one won each time.
        let exchanges = house.records.iter().filter(|record| matches!(record.event, Event::Exchanged { .. })).count();
        let gained = i128::from(total(&bank, "KRW")) * 10_000 + i128::from(total(&bank, "USD")) * 135_057;
        prop_assert!((0..=i128::try_from(exchanges).unwrap() * 10_000).contains(&gained), "gained {}", gained);
    }
}

#[test]
fn legs_name_the_account_and_its_owner() {
    let mut house = Household {
        won: account(AccountKind::Won, &[], &[]),
        foreign: account(AccountKind::Foreign, &[], &[]),
        records: vec![],
    };
    house.act(Step::Deposit(200_000));
    house.act(Step::Buy(Ask::WonBudget(Money::won(100_000).unwrap())));
    let legs: Vec<&Leg> = house.records[1].event.legs().collect();
    assert_eq!(legs.len(), 2);
    assert!(legs[0].amount.is_negative() && !legs[1].amount.is_negative(), "the debit comes first");
    assert_eq!(house.records[1].event.customer(), Some(CustomerId::at(place(crate::support::CUSTOMER))));
    assert_eq!(house.won.state().booked(ccy("KRW")).minor(), 200_000 - 99_997);
}
