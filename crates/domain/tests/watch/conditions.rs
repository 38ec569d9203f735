//! Conditions last as long as they last: just below their thresholds there is nothing.

use hwan_domain::{
    anomaly::{
        Measure, MeasurePolicy, Nature, Rule, WatchPolicy,
        standing::{self, ControlSeen, LagSeen, SagaSeen, SagaState},
    },
    currency::Currency,
    id::{ExchangeId, LaneId},
    time::{BusinessDate, Timestamp},
};

use crate::bank::{Bank, place};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-23T10:00:00+09:00").unwrap()
}

#[test]
fn a_lag_is_told_by_its_age_and_by_its_length() {
    let policy = WatchPolicy { lag_seconds_max: 60, lag_records_max: 100, ..WatchPolicy::default() };
    for (records, waited, told) in [
        (0, None, false),
        (0, Some(900), false),
        (1, Some(60), false),
        (1, Some(61), true),
        (100, None, false),
        (101, None, true),
    ] {
        let since = waited.map(|seconds: i64| now().plus_seconds(-seconds));
        let lag = LagSeen { lane: LaneId::FIRST, records, since, stopped: None, dead_letters: 0 };
        assert_eq!(standing::lag(&lag, now(), &policy).is_some(), told, "{records} {waited:?}");
        assert_eq!((standing::stopped(&lag, now()), standing::dead_letters(&lag, now())), (None, None));
    }
}

#[test]
fn a_saga_is_late_then_stuck_and_settled_it_is_neither() {
    let policy = WatchPolicy::default();
    for (seconds, state, rule) in [
        (59, SagaState::Withdrawn, None),
        (60, SagaState::Withdrawn, Some(Rule::SagaLate)),
        (599, SagaState::Canceling, Some(Rule::SagaLate)),
        (600, SagaState::Depositing, Some(Rule::SagaStuck)),
        (9_999, SagaState::Completed, None),
        (9_999, SagaState::ManualReview, None),
    ] {
        let saga = SagaSeen { exchange: ExchangeId::at(place(1, 5)), since: now().plus_seconds(-seconds), state };
        let found = standing::saga(&saga, now(), &policy);
        assert_eq!(found.as_ref().map(|alert| alert.rule), rule, "{seconds} {state:?}");
        // Whoever has resolved it has driven it to its end: it is not opened again.
        assert!(found.is_none_or(|alert| alert.rule.nature() == Nature::Event));
    }
}

#[test]
fn control_accounts_are_told_by_lane_and_date() {
    let seen = ControlSeen { lane: LaneId::FIRST, currency: Currency::KRW, control: 5, entries: 5 };
    let date = BusinessDate::from_days(20_000);
    assert_eq!(standing::control(&seen, date, now()), None);
    let alert = standing::control(&ControlSeen { control: 6, ..seen }, date, now()).unwrap();
    assert_eq!(alert.id(), "control_off_subledger.lane-1.2024-10-04");
}

#[test]
fn a_policy_acts_on_what_it_names_and_only_while_it_is_fresh() {
    let mut bank = Bank::open();
    bank.publish("JPY", "472.23");
    let jpy = bank.ccy("JPY");
    let alert = &bank.alerts[0];
    let policy = MeasurePolicy::default();
    let of =
        |policy: &MeasurePolicy, seconds| policy.measures(alert, alert.at.plus_seconds(seconds)).collect::<Vec<_>>();
    assert_eq!(of(&policy, 300), [Measure::HaltPair(jpy)]);
    assert_eq!(of(&policy, 301), []);
    assert_eq!(of(&MeasurePolicy { halt_pair: vec![], ..policy }, 0), []);
}
