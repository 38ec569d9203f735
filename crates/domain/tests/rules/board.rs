//! The rate board: publishing, halting, voiding, resuming, and what trades meanwhile.

use std::sync::Arc;

use hwan_domain::{
    board::{Board, Halt, Pair, Publication, ROUNDS_REMEMBERED_MAX, SOURCES_MAX},
    currency::{Currency, CurrencySet, CurrencySpec},
    exchange::Side,
    guard::{Finding, GuardPolicy, Proposal},
    record::Event,
    rejection::{Code, Rejection},
    round::{Round, RoundId, RoundStatus},
    time::Timestamp,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::{ccy, currencies, date, dec, monday, round, spec};

/// A board with a day, whose callers have names.
struct Desk {
    board: Board,
    day: &'static str,
    now: Timestamp,
}

impl Desk {
    fn open() -> Self {
        Self { board: Board::default(), day: "2026-11-23", now: monday("10:00:00") }
    }

    fn publication(&self, code: &str, mid: &str) -> Publication {
        Publication {
            currency: ccy(code),
            proposal: Proposal { mid: dec(mid), observed_at: self.now, sources: vec![] },
            valid_until: self.now.plus_seconds(60),
            spread_percent: None,
            preference_percent: None,
        }
    }

    fn decide(&self, publication: &Publication) -> Result<Event, Rejection> {
        self.board.publish(publication, &currencies(), &GuardPolicy::default(), date(self.day), self.now)
    }

    fn apply(&mut self, event: &Event, by: &str) {
        self.board.apply(event, &Arc::from(by), self.now);
    }

    /// Publishes and applies; the round, and whether it may trade.
    fn publish(&mut self, code: &str, mid: &str) -> (RoundId, bool) {
        let event = self.decide(&self.publication(code, mid)).unwrap();
        self.apply(&event, "feed");
        match event {
            Event::RoundPublished { round, findings } => (round.id, findings.is_empty()),
            other => panic!("{other:?}"),
        }
    }

    fn void(&mut self, id: RoundId, by: &str) -> Result<(), Code> {
        let event = self.board.void(id, "wrong feed").map_err(|rejection| rejection.code())?;
        self.apply(&event, by);
        Ok(())
    }

    fn halt(&mut self, code: &str, by: &str) -> Result<(), Code> {
        let event = self.board.halt(ccy(code), "news").map_err(|rejection| rejection.code())?;
        self.apply(&event, by);
        Ok(())
    }

    fn resume(&mut self, code: &str, by: &str) -> Result<(), Code> {
        let event = self.board.resume(ccy(code), by).map_err(|rejection| rejection.code())?;
        self.apply(&event, by);
        Ok(())
    }

    fn trades(&self, code: &str) -> Result<String, Code> {
        self.trades_at(code, self.now)
    }

    fn trades_at(&self, code: &str, at: Timestamp) -> Result<String, Code> {
        let terms = self.board.terms(ccy(code), Side::Buy, at).map_err(|violation| violation.code)?;
        Ok(terms.rate.value().to_string())
    }

    fn quotes(&self, id: RoundId) -> Result<(), Code> {
        self.board.admits_quote_on(id).map_err(|violation| violation.code)
    }

    fn status(&self, id: RoundId) -> RoundStatus {
        self.board.round(id).unwrap().status
    }

    fn halted_by(&self, code: &str) -> Option<String> {
        self.board.pair(ccy(code))?.halt.as_ref().map(|halt| halt.by.to_string())
    }
}

#[test]
fn the_newest_round_trades_while_it_is_valid() {
    let mut desk = Desk::open();
    assert_eq!(desk.trades("USD"), Err(Code::RateUnavailable));
    let (first, _) = desk.publish("USD", "1350.50");
    assert_eq!(first.to_string(), "USD-20261123-1");
    assert_eq!(desk.trades("USD"), Ok("1350.50".into()));
    assert_eq!(desk.trades_at("USD", desk.now.plus_micros(-1)), Err(Code::RateUnavailable));
    assert_eq!(desk.trades_at("USD", monday("10:00:59.999999")), Ok("1350.50".into()));
    assert_eq!(desk.trades_at("USD", monday("10:01:00")), Err(Code::RateUnavailable));
    assert_eq!(desk.trades("KRW"), Err(Code::RateUnavailable));

    desk.now = monday("10:00:30");
    let (second, _) = desk.publish("USD", "1350.57");
    assert_eq!(second.number, 2);
    assert_eq!((desk.status(first), desk.status(second)), (RoundStatus::Superseded, RoundStatus::Active));
    assert_eq!(desk.trades("USD"), Ok("1350.57".into()));
    assert_eq!((desk.quotes(first), desk.quotes(second)), (Ok(()), Ok(())), "a superseded round's quotes stay good");
}

#[test]
fn numbers_begin_anew_with_each_business_date_and_each_pair_has_its_own() {
    let mut desk = Desk::open();
    desk.publish("USD", "1350.50");
    assert_eq!(desk.publish("USD", "1350.51").0.number, 2);
    assert_eq!(desk.publish("JPY", "934.06").0.number, 1);
    desk.day = "2026-11-24";
    assert_eq!(desk.publish("USD", "1350.52").0.to_string(), "USD-20261124-1");
    assert_eq!(desk.publish("USD", "1350.53").0.number, 2);
}

#[test]
fn a_refused_round_is_kept_with_its_verdict_and_halts_its_pair_alone() {
    let mut desk = Desk::open();
    let (good, _) = desk.publish("JPY", "934.06");
    desk.publish("USD", "1350.50");
    let (bad, passed) = desk.publish("JPY", "472.23");
    assert!(!passed);
    assert_eq!((desk.status(good), desk.status(bad)), (RoundStatus::Active, RoundStatus::Halted));
    assert_eq!(desk.trades("JPY"), Err(Code::PairHalted));
    assert_eq!(desk.quotes(good), Err(Code::PairHalted), "quotes on earlier rounds wait too");
    assert_eq!(desk.trades("USD"), Ok("1350.50".into()));
    let halt = desk.board.pair(ccy("JPY")).unwrap().halt.clone().unwrap();
    assert_eq!((&*halt.by, halt.since), ("feed", desk.now));
    assert_eq!(
        &*halt.reason,
        "the guard refused JPY-20261123-2: jump of 49.4433 % against the previous round, at most 3 %"
    );

    // The same number again is refused again: a refused round is never the reference.
    assert!(!desk.publish("JPY", "472.23").1);
    assert_eq!(desk.resume("JPY", "feed"), Err(Code::HaltRefused));
    assert_eq!(desk.resume("JPY", " "), Err(Code::HaltRefused), "nobody is not a person");
    assert_eq!(desk.resume("JPY", "kim"), Ok(()));
    assert_eq!(desk.trades("JPY"), Ok("934.06".into()));
    assert_eq!((desk.quotes(good), desk.quotes(bad)), (Ok(()), Err(Code::RateUnavailable)));
    assert!(!desk.publish("JPY", "472.23").1, "resuming does not teach the guard a wrong price");
}

#[test]
fn a_market_that_truly_jumped_is_followed_in_steps_while_the_pair_is_halted() {
    let mut desk = Desk::open();
    desk.publish("USD", "1350.00");
    assert!(!desk.publish("USD", "1420.00").1);
    for mid in ["1377.00", "1404.00", "1420.00"] {
        assert!(desk.publish("USD", mid).1, "{mid}");
        assert_eq!(desk.trades("USD"), Err(Code::PairHalted));
    }
    desk.resume("USD", "kim").unwrap();
    assert_eq!(desk.trades("USD"), Ok("1420.00".into()));
}

#[test]
fn a_number_that_is_no_rate_is_recorded_as_it_came_and_halts_the_pair() {
    for (mid, finding) in [
        (dec("0"), Finding::Sign),
        (dec("-1350.50"), Finding::Sign),
        (dec("1000000000"), Finding::Scale),
        (dec("1350.123456789"), Finding::Scale),
        (Decimal::MAX, Finding::Scale),
    ] {
        let mut desk = Desk::open();
        let (good, _) = desk.publish("USD", "1350.50");
        let mut publication = desk.publication("USD", "1");
        publication.proposal.mid = mid;
        let event = desk.decide(&publication).unwrap();
        assert_eq!(event, Event::RoundRefused { currency: ccy("USD"), mid, findings: vec![finding] });
        desk.apply(&event, "feed");
        assert_eq!((desk.trades("USD"), desk.quotes(good)), (Err(Code::PairHalted), Err(Code::PairHalted)));
        assert_eq!(desk.board.pair(ccy("USD")).unwrap().rounds.len(), 1, "it gets no number");
        assert_eq!(desk.halted_by("USD").as_deref(), Some("feed"));
        desk.resume("USD", "kim").unwrap();
        assert_eq!(desk.publish("USD", "1350.51").0.number, 2);
    }
}

#[test]
fn halting_and_resuming_take_two_people() {
    let mut desk = Desk::open();
    let (id, _) = desk.publish("USD", "1350.50");
    assert_eq!(desk.resume("USD", "lee"), Err(Code::HaltRefused), "it is not halted");
    assert_eq!(desk.halt("USD", "kim"), Ok(()));
    assert_eq!((desk.trades("USD"), desk.quotes(id)), (Err(Code::PairHalted), Err(Code::PairHalted)));
    assert_eq!(desk.halt("USD", "lee"), Err(Code::HaltRefused), "it is halted already");
    assert_eq!(desk.resume("USD", "kim"), Err(Code::HaltRefused));
    assert!(!desk.publish("USD", "1500.00").1);
    assert_eq!(desk.halted_by("USD").as_deref(), Some("kim"), "a refused round does not take the halt over");
    assert_eq!(desk.resume("USD", "kim"), Err(Code::HaltRefused));
    assert_eq!(desk.resume("USD", "lee"), Ok(()));
    assert_eq!((desk.trades("USD"), desk.quotes(id)), (Ok("1350.50".into()), Ok(())));
    assert_eq!(desk.halt("KRW", "kim"), Err(Code::PairNotFound));
    assert_eq!(desk.halt("EUR", "kim"), Ok(()), "a pair may be halted before its first round");
    assert_eq!(desk.trades("EUR"), Err(Code::PairHalted));
}

#[test]
fn a_voided_round_never_trades_again_and_halts_its_pair() {
    let mut desk = Desk::open();
    let (first, _) = desk.publish("USD", "1350.50");
    let (second, _) = desk.publish("USD", "1360.00");
    assert_eq!(desk.void(second, "kim"), Ok(()));
    assert_eq!(desk.status(second), RoundStatus::Voided);
    assert_eq!((desk.trades("USD"), desk.quotes(first)), (Err(Code::PairHalted), Err(Code::PairHalted)));
    assert_eq!(desk.void(second, "kim"), Err(Code::RoundVoided), "it is voided once");
    assert_eq!(desk.resume("USD", "kim"), Err(Code::HaltRefused));
    desk.resume("USD", "lee").unwrap();
    assert_eq!(desk.quotes(second), Err(Code::RoundVoided));
    assert_eq!(desk.quotes(first), Ok(()));
    assert_eq!(desk.trades("USD"), Err(Code::RateUnavailable), "an older round does not come back");
    // The jump is measured from the last round that still stands: 1350.50, not 1360.00.
    assert!(!desk.publish("USD", "1379.00").1);
    desk.resume("USD", "lee").unwrap();
    assert!(desk.publish("USD", "1351.00").1);
    assert_eq!(desk.trades("USD"), Ok("1351.00".into()));

    let (refused, _) = desk.publish("USD", "2000.00");
    assert_eq!(desk.void(refused, "kim"), Err(Code::RoundNotFound), "what never traded cannot be voided");
    assert_eq!(desk.void("USD-20261123-99".parse().unwrap(), "kim"), Err(Code::RoundNotFound));
    assert_eq!(desk.void("EUR-20261123-1".parse().unwrap(), "kim"), Err(Code::RoundNotFound));
}

#[test]
fn voiding_a_superseded_round_leaves_the_current_one_in_place() {
    let mut desk = Desk::open();
    let (first, _) = desk.publish("USD", "1350.50");
    desk.publish("USD", "1350.60");
    desk.void(first, "kim").unwrap();
    desk.resume("USD", "lee").unwrap();
    assert_eq!(desk.trades("USD"), Ok("1350.60".into()));
    assert_eq!(desk.quotes(first), Err(Code::RoundVoided));
}

#[test]
fn the_spread_is_that_percentage_of_mid_cut_to_the_currencys_decimals() {
    let desk = Desk::open();
    for (code, mid, percent, spread) in [
        ("USD", "1350.50", "1", "13.5"),
        ("USD", "1350.57", "1.75", "23.6"),
        ("JPY", "934.06", "1.75", "16.34"),
        ("VND", "5.45", "11.8", "0.64"),
        ("USD", "1350.50", "0", "0.0"),
        ("USD", "1350.50", "0.000001", "0.0"),
        ("USD", "999.99", "50", "499.9"),
    ] {
        let publication = Publication { spread_percent: Some(dec(percent)), ..desk.publication(code, mid) };
        match desk.decide(&publication).unwrap() {
            Event::RoundPublished { round, .. } => assert_eq!(round.spread, dec(spread), "{code} {mid} {percent}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_published_preference_takes_the_place_of_the_currencys_own() {
    let mut desk = Desk::open();
    let publication = Publication { preference_percent: Some(dec("50")), ..desk.publication("USD", "1350.50") };
    let event = desk.decide(&publication).unwrap();
    desk.apply(&event, "feed");
    assert_eq!(desk.trades("USD"), Ok("1357.25".into()));
}

#[test]
fn a_publication_that_cannot_be_a_round_is_refused_by_name() {
    let desk = Desk::open();
    let base = || desk.publication("USD", "1350.50");
    let refused = |publication: Publication| desk.decide(&publication).map_err(|rejection| rejection.code());
    assert!(refused(base()).is_ok());
    let foreign_set = CurrencySet::new(vec![spec("KRW"), CurrencySpec { code: "XTS".into(), ..spec("USD") }]).unwrap();
    let three_digits = CurrencySet::new(vec![spec("KRW"), CurrencySpec { minor_digits: 3, ..spec("USD") }]).unwrap();
    for (name, publication, code) in [
        ("the won", Publication { currency: Currency::KRW, ..base() }, Code::PairNotFound),
        (
            "another bank's currency",
            Publication { currency: foreign_set.find("XTS").unwrap(), ..base() },
            Code::PairNotFound,
        ),
        ("another scale", Publication { currency: three_digits.find("USD").unwrap(), ..base() }, Code::PairNotFound),
        ("over at once", Publication { valid_until: desk.now, ..base() }, Code::RoundInvalid),
        ("over long ago", Publication { valid_until: Timestamp::from_micros(0), ..base() }, Code::RoundInvalid),
        ("negative spread", Publication { spread_percent: Some(dec("-1")), ..base() }, Code::RoundInvalid),
        ("spread beyond 100", Publication { spread_percent: Some(dec("100.01")), ..base() }, Code::RoundInvalid),
        ("endless spread", Publication { spread_percent: Some(Decimal::MAX), ..base() }, Code::RoundInvalid),
        ("too fine a spread", Publication { spread_percent: Some(dec("0.0000001")), ..base() }, Code::RoundInvalid),
        ("negative preference", Publication { preference_percent: Some(dec("-0.1")), ..base() }, Code::RoundInvalid),
        ("preference beyond 100", Publication { preference_percent: Some(dec("101")), ..base() }, Code::RoundInvalid),
        (
            "nothing left to sell at",
            Publication {
                spread_percent: Some(dec("100")),
                preference_percent: Some(dec("0")),
                ..desk.publication("USD", "1350.00")
            },
            Code::RoundInvalid,
        ),
        ("too fine a rate", Publication { preference_percent: Some(dec("33.333333")), ..base() }, Code::RoundInvalid),
        (
            "too many sources",
            Publication {
                proposal: Proposal { sources: vec![dec("1350.50"); SOURCES_MAX + 1], ..base().proposal },
                ..base()
            },
            Code::RoundInvalid,
        ),
    ] {
        assert_eq!(refused(publication), Err(code), "{name}");
    }
    let several = Publication { valid_until: desk.now, spread_percent: Some(dec("-1")), ..base() };
    let text = desk.decide(&several).unwrap_err().to_string();
    assert!(text.contains("valid_until") && text.contains("spread_percent"), "{text}");
}

#[test]
fn rounds_are_forgotten_but_never_the_last_that_traded() {
    let mut desk = Desk::open();
    let (good, _) = desk.publish("JPY", "934.06");
    for _ in 0..ROUNDS_REMEMBERED_MAX + 10 {
        assert!(!desk.publish("JPY", "472.23").1);
    }
    let pair = desk.board.pair(ccy("JPY")).unwrap();
    assert_eq!(pair.rounds.len(), ROUNDS_REMEMBERED_MAX);
    assert_eq!(pair.last_traded().unwrap().id, good, "a flood of wrong rounds does not make the guard forget");
    assert_eq!(desk.quotes("JPY-20261123-2".parse().unwrap()), Err(Code::PairHalted));
    desk.resume("JPY", "kim").unwrap();
    assert_eq!(desk.quotes("JPY-20261123-2".parse().unwrap()), Err(Code::RoundNotFound));
    for _ in 0..ROUNDS_REMEMBERED_MAX + 10 {
        desk.publish("JPY", "934.06");
    }
    assert_eq!(desk.board.pair(ccy("JPY")).unwrap().rounds.len(), ROUNDS_REMEMBERED_MAX);
    assert_eq!(desk.board.round(good), None);
}

#[test]
fn a_board_of_stored_pairs_stands_as_it_did() {
    let numbered = |number, status| Round {
        id: RoundId { number, ..round("USD", "1350.50").id },
        status,
        ..round("USD", "1350.50")
    };
    use RoundStatus::{Active, Halted, Superseded, Voided};
    let halt = Halt { by: Arc::from("kim"), reason: "news".into(), since: monday("10:00:00") };
    // Out of order, and with rounds whose successors' rows alone were written.
    let rounds = vec![numbered(3, Halted), numbered(1, Active), numbered(2, Active), numbered(4, Voided)];
    let board = Board::new([(ccy("USD"), Pair { rounds, halt: Some(halt.clone()) })]);
    let pair = board.pair(ccy("USD")).unwrap();
    let found: Vec<_> = pair.rounds.iter().map(|round| (round.id.number, round.status)).collect();
    assert_eq!(found, vec![(1, Superseded), (2, Superseded), (3, Halted), (4, Voided)]);
    assert_eq!((pair.current(), pair.halt.as_ref()), (None, Some(&halt)), "a voided round's predecessor stays down");
    assert_eq!(board.pairs().count(), 1);
}

#[test]
fn applying_an_event_again_changes_nothing() {
    let mut desk = Desk::open();
    let first = desk.decide(&desk.publication("USD", "1350.50")).unwrap();
    desk.apply(&first, "feed");
    desk.publish("USD", "1350.60");
    let bad = desk.decide(&desk.publication("USD", "2000.00")).unwrap();
    desk.apply(&bad, "feed");
    let before = desk.board.clone();
    desk.apply(&first, "feed");
    desk.apply(&bad, "feed");
    desk.apply(&Event::DateRolled { date: date("2026-11-24") }, "engine");
    assert_eq!(desk.board, before);
}

/// What may happen at a desk.
#[derive(Clone, Debug)]
enum Step {
    Publish(Decimal),
    Void(usize),
    Halt(usize),
    Resume(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (130_000_i64..140_000).prop_map(|mid| Step::Publish(Decimal::new(mid, 2))),
        1 => (-10_i64..1_000_000_000_000, 0_u32..10).prop_map(|(mid, scale)| Step::Publish(Decimal::new(mid, scale))),
        1 => (0_usize..8).prop_map(Step::Void),
        1 => (0_usize..3).prop_map(Step::Halt),
        2 => (0_usize..3).prop_map(Step::Resume),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_at_the_desk_only_a_good_round_trades(steps in prop::collection::vec(any_step(), 1..40)) {
        const PEOPLE: [&str; 3] = ["feed", "kim", "lee"];
        let mut desk = Desk::open();
        for step in steps {
            let before = desk.board.clone();
            match step {
                Step::Publish(mid) => {
                    let mut publication = desk.publication("USD", "1");
                    publication.proposal.mid = mid;
                    if let Ok(event) = desk.decide(&publication) {
                        desk.apply(&event, "feed");
                    }
                }
                Step::Void(index) => {
                    let rounds = desk.board.pair(ccy("USD")).map(|pair| pair.rounds.clone()).unwrap_or_default();
                    if let Some(round) = rounds.iter().rev().nth(index) {
                        let _ = desk.void(round.id, "kim");
                    }
                }
                Step::Halt(who) => { let _ = desk.halt("USD", PEOPLE[who]); }
                Step::Resume(who) => {
                    let halted_by = desk.halted_by("USD");
                    let resumed = desk.resume("USD", PEOPLE[who]);
                    prop_assert_eq!(resumed.is_ok(), halted_by.is_some_and(|by| by != PEOPLE[who]));
                }
            }
            let Some(pair) = desk.board.pair(ccy("USD")) else { continue };
            prop_assert!(pair.rounds.iter().map(|round| round.id).is_sorted());
            prop_assert!(pair.rounds.iter().filter(|round| round.status == RoundStatus::Active).count() <= 1);
            match desk.trades("USD") {
                Ok(_) => prop_assert!(pair.halt.is_none() && pair.current().is_some()),
                Err(code) => prop_assert_eq!(code, if pair.halt.is_some() { Code::PairHalted } else { Code::RateUnavailable }),
            }
            // A round that was refused or voided stays so.
            for old in before.pair(ccy("USD")).map_or(&[][..], |pair| &pair.rounds) {
                if matches!(old.status, RoundStatus::Halted | RoundStatus::Voided) {
                    prop_assert_eq!(desk.status(old.id), old.status);
                    prop_assert!(desk.quotes(old.id).is_err());
                }
            }
            // What is stored and read back is the same board.
            prop_assert_eq!(&Board::new([(ccy("USD"), pair.clone())]), &desk.board);
        }
    }

    #[test]
    fn no_publication_makes_the_board_panic(mid in any::<i64>(), scale in 0_u32..=28, spread in any::<i64>(), preference in any::<i64>(), percent_scale in 0_u32..=28, until in any::<i64>()) {
        let mut desk = Desk::open();
        desk.publish("USD", "1350.50");
        let mut publication = desk.publication("USD", "1");
        publication.proposal.mid = Decimal::new(mid, scale);
        publication.spread_percent = Some(Decimal::new(spread, percent_scale));
        publication.preference_percent = Some(Decimal::new(preference, percent_scale));
        publication.valid_until = Timestamp::from_micros(until);
        if let Ok(event) = desk.decide(&publication) {
            desk.apply(&event, "feed");
        }
        let _ = desk.trades("USD");
    }
}
