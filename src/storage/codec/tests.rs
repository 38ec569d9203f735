//! Every record survives its text, and a text that is not exactly a record's is refused.

mod generated;
mod schemas;

use std::sync::Arc;

use hwan_domain::{
    check::{Check, Fact},
    currency::CurrencySet,
    id::{AccountId, CustomerId, ExchangeId, LaneId, Position, Seq},
    money::Money,
    record::{Event, Landing, Leg, Origin, Record},
    time::Timestamp,
};
use proptest::prelude::*;
use smallvec::SmallVec;

use self::generated::{any_date, any_decimal, any_instant, any_money, any_record};
use super::{chain, decode, decode_facts, encode, encode_facts, encode_into};
use crate::storage::{
    conformance::fixture,
    port::{ChainHash, StoreError},
};

fn currencies() -> Arc<CurrencySet> {
    fixture::currencies()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_record_survives_its_text(record in any_record()) {
        let text = encode(&record);
        let read = decode(&text, &currencies());
        prop_assert_eq!(read.as_ref().ok(), Some(&record), "{} {:?}", text, read);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value.get("type").and_then(|name| name.as_str()), Some(record.event.name()));
    }

    #[test]
    fn instants_and_dates_are_written_as_they_display(at in any_instant(), date in any_date()) {
        let mut text = super::text::Text::default();
        text.instant(at);
        text.date(date);
        prop_assert_eq!(text.finish(), format!("\"{at}\"\"{date}\""));
    }

    #[test]
    fn amounts_and_decimals_are_written_as_they_display(money in any_money(), decimal in any_decimal()) {
        let mut text = super::text::Text::default();
        text.amount(money);
        text.decimal(decimal);
        let decimal = if decimal.is_zero() { decimal.abs() } else { decimal };
        prop_assert_eq!(text.finish(), format!("\"{money}\"\"{decimal}\""));
    }

    #[test]
    fn a_text_with_any_byte_changed_is_another_record_or_damaged(record in any_record(), at in any::<prop::sample::Index>()) {
        let text = encode(&record);
        let mut bytes = text.clone().into_bytes();
        let slot = at.get_mut(&mut bytes);
        *slot = if *slot == b'7' { b'3' } else { b'7' };
        if let Ok(changed) = String::from_utf8(bytes)
            && let Ok(read) = decode(&changed, &currencies())
        {
            prop_assert_ne!(read, record);
        }
    }
}

fn wrong(text: &str) -> String {
    match decode(text, &currencies()) {
        Err(StoreError::Damaged(wrong)) => wrong,
        other => panic!("expected damage, found {other:?}"),
    }
}

#[test]
fn an_exchange_reads_like_this() {
    let text = encode(&fixture::exchange_of_scenario_s01());
    assert_eq!(
        text,
        concat!(
            r#"{"v":2,"lane":1,"seq":7,"type":"exchanged","at":"2026-11-23T01:00:00.000000Z","#,
            r#""business_date":"2026-11-23","caller":"branch-7","key":"0101010101010101010101010101010a","#,
            r#""request":"02020202020202020202020202020202","exchange":"exg_0008000000007","#,
            r#""terms":{"side":"buy","currency":"USD","round":"USD-20261123-1","mid":{"won":"1350.50","per":1},"#,
            r#""rate":{"won":"1350.50","per":1},"preference_percent":"100"},"#,
            r#""quote":"0000000000000000000000000000002a","#,
            r#""debit":{"account":"acc_0008000000002","customer":"cus_0008000000001","currency":"KRW","#,
            r#""amount":"-135050","balance_after":"864950","version":2},"#,
            r#""credit":{"account":"acc_0008000000003","customer":"cus_0008000000001","currency":"USD","#,
            r#""amount":"100.00","balance_after":"100.00","version":1},"#,
            r#""limits":{"charged_at":"2026-11-23T01:00:00.000000Z","day_won":"135050","month_won":"135050"},"totals":{"KRW":"864950","USD":"100.00"}}"#,
        )
    );
}

#[test]
fn a_reversal_reads_like_this_and_says_where_the_money_landed() {
    let exchange = fixture::exchange_of_scenario_s01();
    let Event::Exchanged { terms, debit, credit, .. } = &exchange.event else { panic!() };
    let reversed = |landing| Record {
        position: Position::new(exchange.position.lane(), Seq::new(9).unwrap()),
        origin: Origin { caller: "branch-7".into(), key: None },
        event: Event::Reversed {
            exchange: ExchangeId::at(exchange.position),
            reason: "wrong \"rate\"".into(),
            terms: *terms,
            debit: Leg {
                amount: credit.amount.negated(),
                balance_after: fixture::money("0.00", "USD"),
                version: 2,
                ..*credit
            },
            landing,
            limits: None,
            limited_won: None,
        },
        totals: SmallVec::new(),
        ..exchange.clone()
    };
    let head = concat!(
        r#"{"v":1,"lane":1,"seq":9,"type":"reversed","at":"2026-11-23T01:00:00.000000Z","#,
        r#""business_date":"2026-11-23","caller":"branch-7","reversal":"rev_0008000000009","#,
        r#""exchange":"exg_0008000000007","reason":"wrong \"rate\"","#,
        r#""terms":{"side":"buy","currency":"USD","round":"USD-20261123-1","mid":{"won":"1350.50","per":1},"#,
        r#""rate":{"won":"1350.50","per":1},"preference_percent":"100"},"#,
        r#""debit":{"account":"acc_0008000000003","customer":"cus_0008000000001","currency":"USD","#,
        r#""amount":"-100.00","balance_after":"0.00","version":2},"#,
    );
    let won = fixture::money("135050", "KRW");
    let on_account = Leg { amount: won, balance_after: fixture::money("1000000", "KRW"), version: 3, ..*debit };
    for (landing, tail) in [
        (
            Landing::Account(on_account),
            concat!(
                r#""credit":{"account":"acc_0008000000002","customer":"cus_0008000000001","currency":"KRW","#,
                r#""amount":"135050","balance_after":"1000000","version":3}}"#,
            ),
        ),
        (Landing::Suspense(won), r#""suspense":{"currency":"KRW","amount":"135050"}}"#),
    ] {
        let record = reversed(landing);
        let text = encode(&record);
        assert_eq!(text, format!("{head}{tail}"));
        assert_eq!(decode(&text, &currencies()).unwrap(), record);
    }
    let text = encode(&reversed(Landing::Suspense(won)));
    for (from, to, what) in [
        ("exg_0008000000007", "acc_0008000000007", "1/9: exchange: "),
        ("rev_0008000000009", "rev_0008000000008", "1/9: the text is not in its canonical form"),
        ("\"suspense\"", "\"credit\"", "unknown position"),
        (",\"suspense\":{\"currency\":\"KRW\",\"amount\":\"135050\"}", "", "1/9: credit: missing"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = wrong(&text.replacen(from, to, 1));
        assert!(wrong.contains(what), "{from} -> {to}: {wrong}");
    }
}

#[test]
fn interest_reads_like_this_and_says_what_it_accrued_on() {
    let at = |seq| Position::new(LaneId::FIRST, Seq::new(seq).unwrap());
    let record = Record {
        position: at(9),
        origin: Origin { caller: "branch-7".into(), key: None },
        event: fixture::interest_of_scenario_s37(AccountId::at(at(2)), CustomerId::at(at(1))),
        totals: SmallVec::new(),
        ..fixture::exchange_of_scenario_s01()
    };
    let text = encode(&record);
    assert_eq!(
        text,
        concat!(
            r#"{"v":1,"lane":1,"seq":9,"type":"interest_paid","at":"2026-11-23T01:00:00.000000Z","#,
            r#""business_date":"2026-11-23","caller":"branch-7","transaction":"txn_0008000000009","#,
            r#""account":"acc_0008000000002","customer":"cus_0008000000001","from":"2026-11-18","through":"2026-11-22","#,
            r#""accruals":[{"from":"2026-11-18","through":"2026-11-22","annual_percent":"2","closings":"38000000"}],"#,
            r#""gross":"2082","income_tax":"290","local_tax":"20","#,
            r#""credit":{"account":"acc_0008000000002","customer":"cus_0008000000001","currency":"KRW","#,
            r#""amount":"1772","balance_after":"4001772","version":3}}"#,
        )
    );
    assert_eq!(decode(&text, &currencies()).unwrap(), record);
    assert_eq!(hwan_domain::invariant::balanced(&record), Ok(()));
    for (from, to, what) in [
        (
            r#""from":"2026-11-18","through":"2026-11-22","annual"#,
            r#""from":"2026-11-23","through":"2026-11-22","annual"#,
            "1/9: accruals: ends before",
        ),
        (r#""closings":"38000000""#, r#""closings":"3800000.0""#, "1/9: the text is not in its canonical form"),
        (r#","gross":"2082""#, "", "1/9: gross: missing"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = wrong(&text.replacen(from, to, 1));
        assert!(wrong.contains(what), "{from} -> {to}: {wrong}");
    }
}

#[test]
fn an_opening_names_a_channel_only_where_it_is_not_the_caller_s_own_so_that_old_texts_stay_as_they_are() {
    let old = concat!(
        r#"{"v":1,"lane":1,"seq":1,"type":"customer_opened","at":"2026-11-23T01:00:00.000000Z","#,
        r#""business_date":"2026-11-23","caller":"branch-7","customer":"cus_0008000000001","reference":"a"}"#,
    );
    let record = decode(old, &currencies()).unwrap();
    assert_eq!(record.event, Event::CustomerOpened { reference: Some("a".into()), channel: None });
    let event = Event::CustomerOpened { reference: Some("a".into()), channel: Some("app".into()) };
    let text = encode(&Record { event, ..record });
    assert_eq!(text, old.replace(r#""reference":"a""#, r#""reference":"a","channel":"app""#));
}

#[test]
fn a_closing_reads_like_this() {
    let at = |seq| Position::new(LaneId::FIRST, Seq::new(seq).unwrap());
    let record = Record {
        position: at(9),
        origin: Origin { caller: "branch-7".into(), key: None },
        event: Event::AccountClosed { account: AccountId::at(at(2)), customer: CustomerId::at(at(1)) },
        totals: SmallVec::new(),
        ..fixture::exchange_of_scenario_s01()
    };
    assert_eq!(
        encode(&record),
        concat!(
            r#"{"v":1,"lane":1,"seq":9,"type":"account_closed","at":"2026-11-23T01:00:00.000000Z","#,
            r#""business_date":"2026-11-23","caller":"branch-7","change":"chg_0008000000009","#,
            r#""account":"acc_0008000000002","customer":"cus_0008000000001"}"#,
        )
    );
}

#[test]
fn a_text_that_is_not_canonical_is_damaged_and_says_where() {
    let text = encode(&fixture::exchange_of_scenario_s01());
    for (from, to, what) in [
        ("\"v\":2", "\"v\":3", "1/7: v: version 3 is not known"),
        ("\"v\":2", "\"v\":1", "1/7: the text is not in its canonical form"),
        ("\"USD\":\"100.00\"", "\"XAU\":\"100.00\"", "1/7: totals: \"XAU\" is not among the configured currencies"),
        ("exchanged", "exchanging", "1/7: type: \"exchanging\" is not known"),
        ("\"USD\",\"amount\"", "\"XAU\",\"amount\"", "1/7: credit: \"XAU\" is not among the configured currencies"),
        ("\"100.00\"", "\"100.0\"", "1/7: credit: USD has 2 decimals"),
        ("\"100.00\"", "100.00", "unknown position"),
        ("\"seq\":7", "\"seq\":8", "1/8: the text is not in its canonical form"),
        ("\"seq\":7", "\"seq\": 7", "1/7: the text is not in its canonical form"),
        ("\"864950\"", "\"+864950\"", "1/7: debit: amount"),
        ("\"caller\"", "\"cellar\"", "unknown position"),
        ("\"side\":\"buy\"", "\"side\":\"lend\"", "1/7: terms.side"),
        ("2026-11-23T01:00:00.000000Z\",\"b", "2026-11-23T01:00:00Z\",\"b", "1/7: the text is not in its canonical"),
        ("010a\"", "010A\"", "1/7: the text is not in its canonical form"),
        (",\"quote\"", ",\"date\":\"2026-11-23\",\"quote\"", "1/7: the text is not in its canonical form"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = wrong(&text.replacen(from, to, 1));
        assert!(wrong.contains(what), "{from} -> {to}: {wrong}");
    }
    assert!(wrong("").contains("unknown position"));
}

#[test]
fn the_chain_depends_on_the_predecessor_and_on_every_byte() {
    let first = chain(ChainHash::GENESIS, "a");
    // printf '\0%.0s' {1..32} | cat - <(printf a) | sha256sum
    assert_eq!(format!("{first:?}"), "41a0370c3d9f4277");
    assert_ne!(first, chain(ChainHash::GENESIS, "b"));
    assert_ne!(chain(first, "a"), first);
    assert_eq!(first, chain(ChainHash::GENESIS, "a"));
}

#[test]
fn a_buffer_is_appended_to() {
    let record = fixture::exchange_of_scenario_s01();
    let mut buffer = String::from("> ");
    encode_into(&record, &mut buffer);
    assert_eq!(buffer, format!("> {}", encode(&record)));
}

#[test]
fn facts_survive_their_text_and_none_takes_no_text() {
    let mut facts = hwan_domain::check::FactSheet::default();
    assert_eq!(encode_facts(&facts), None);
    let at = Timestamp::from_micros(1);
    let amount = Some(Money::won(5).unwrap());
    facts.state(Fact { check: Check::Seized, effective_from: at, effective_to: None, amount }, at);
    facts.state(
        Fact { check: Check::Deceased, effective_from: at, effective_to: Some(Timestamp::MAX), amount: None },
        at,
    );
    let text = encode_facts(&facts);
    assert_eq!(decode_facts(text.as_deref(), &currencies()).unwrap(), facts);
    assert!(decode_facts(Some("[{}]"), &currencies()).is_err());
}
