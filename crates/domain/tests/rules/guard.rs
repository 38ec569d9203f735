//! The rate guard, case by case, and on any number that a feed could send.

use hwan_domain::{
    guard::{Finding, GuardPolicy, PERCENT_REPORTED_MAX, Proposal, judge},
    time::Timestamp,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::{dec, monday, round, spec};

fn found(code: &str, previous: Option<&str>, mid: &str, sources: &[&str]) -> Vec<Finding> {
    let now = monday("10:00:00");
    let proposal =
        Proposal { mid: dec(mid), observed_at: now, sources: sources.iter().map(|source| dec(source)).collect() };
    let previous = previous.map(|mid| round(code, mid));
    judge(&proposal, previous.as_ref(), &spec(code), &GuardPolicy::default(), now)
}

fn jump(percent: &str, percent_max: &str) -> Finding {
    Finding::Jump { percent: dec(percent), percent_max: dec(percent_max) }
}

fn deviation(percent: &str) -> Finding {
    Finding::Deviation { percent: dec(percent), percent_max: dec("1") }
}

#[test]
fn yen_at_half_its_price_does_not_trade() {
    assert_eq!(found("JPY", Some("934.06"), "472.23", &[]), vec![jump("49.4433", "3")]);
    let with_sources = found("JPY", Some("934.06"), "472.23", &["934.00", "934.10", "933.90"]);
    assert_eq!(with_sources, vec![jump("49.4433", "3"), deviation("49.4401")]);
    assert_eq!(found("JPY", None, "472.23", &["934.00", "934.10", "933.90"]), vec![deviation("49.4401")]);
}

#[test]
fn the_guard_judges_each_case_by_name() {
    let none = || vec![];
    type Row = (&'static str, &'static str, Option<&'static str>, &'static str, &'static [&'static str], Vec<Finding>);
    let rows: Vec<Row> = vec![
        ("a usual move", "USD", Some("1350.50"), "1350.57", &[], none()),
        ("the first round", "USD", None, "1350.50", &[], none()),
        ("exactly 2 % up", "USD", Some("1000.00"), "1020.00", &[], none()),
        ("exactly 2 % down", "USD", Some("1000.00"), "980.00", &[], none()),
        ("a hair above 2 %", "USD", Some("1000.00"), "1020.01", &[], vec![jump("2.001", "2")]),
        ("2.5 % of yen", "JPY", Some("1000.00"), "1025.00", &[], none()),
        ("a hair above 3 %", "JPY", Some("1000.00"), "969.99", &[], vec![jump("3.001", "3")]),
        ("sources agree", "USD", None, "1350.50", &["1350.00", "1351.00"], none()),
        ("exactly 1 % from them", "USD", None, "1010.00", &["1000.00"], none()),
        ("beyond 1 %", "USD", None, "1010.01", &["1000.00"], vec![deviation("1.001")]),
        ("one wild source of three", "USD", None, "1350.50", &["1.00", "1350.00", "1351.00"], none()),
        ("one negative source of three", "USD", None, "1350.50", &["-5", "1350.00", "1351.00"], none()),
        ("two wild of three", "USD", None, "1350.50", &["1000.00", "1000.00", "1351.00"], vec![deviation("35.05")]),
        ("a source that is zero", "USD", None, "1350.50", &["0"], vec![deviation("1000000")]),
        ("per 1 instead of per 100", "JPY", Some("934.06"), "9.34", &[], vec![Finding::Unit]),
        ("per 100 instead of per 1", "USD", Some("1350.50"), "135050.00", &[], vec![Finding::Unit]),
        ("unit by the sources alone", "JPY", None, "9.34", &["934.00"], vec![Finding::Unit]),
        ("unit against one of both", "JPY", Some("934.06"), "9.34", &["9.34"], vec![Finding::Unit]),
        ("40 times is a jump", "USD", Some("1000.00"), "40000.00", &[], vec![jump("3900", "2")]),
        ("50 times is the unit", "USD", Some("1000.00"), "50000.00", &[], vec![Finding::Unit]),
        ("200 times is the unit", "USD", Some("1000.00"), "200000.00", &[], vec![Finding::Unit]),
        ("above 200 times is a jump", "USD", Some("1000.00"), "200000.01", &[], vec![jump("19900.001", "2")]),
        ("zero", "USD", Some("1350.50"), "0", &["1350.50"], vec![Finding::Sign]),
        ("negative", "USD", Some("1350.50"), "-1350.50", &["1350.50"], vec![Finding::Sign]),
        ("three decimals", "USD", Some("1350.50"), "1350.505", &[], vec![Finding::Scale]),
        ("zeros at the end do not count", "USD", Some("1350.50"), "1350.5000000000", &[], none()),
        ("a billion", "USD", None, "1000000000", &[], vec![Finding::Scale]),
        ("negative and too fine", "USD", None, "-0.001", &[], vec![Finding::Sign, Finding::Scale]),
    ];
    for (name, code, previous, mid, sources, expected) in rows {
        assert_eq!(found(code, previous, mid, sources), expected, "{name}");
    }
}

#[test]
fn an_old_observation_is_stale_and_so_is_one_from_the_future() {
    let now = monday("10:00:00");
    for (observed_at, seconds) in [
        ("10:00:00", None),
        ("09:59:00", None),
        ("09:58:59.999999", Some(61)),
        ("09:58:59", Some(61)),
        ("00:00:00", Some(36_000)),
        ("10:01:00", None),
        ("10:01:00.000001", Some(-61)),
    ] {
        let proposal = Proposal { mid: dec("1350.50"), observed_at: monday(observed_at), sources: vec![] };
        let found = judge(&proposal, None, &spec("USD"), &GuardPolicy::default(), now);
        let expected: Vec<Finding> =
            seconds.map(|seconds| Finding::Stale { seconds, seconds_max: 60 }).into_iter().collect();
        assert_eq!(found, expected, "{observed_at}");
    }
    let stale_jump = Proposal { mid: dec("472.23"), observed_at: monday("09:00:00"), sources: vec![] };
    let found = judge(&stale_jump, Some(&round("JPY", "934.06")), &spec("JPY"), &GuardPolicy::default(), now);
    assert_eq!(found, vec![jump("49.4433", "3"), Finding::Stale { seconds: 3_600, seconds_max: 60 }]);
}

#[test]
fn a_previous_round_of_another_unit_is_compared_at_the_same_unit() {
    let now = monday("10:00:00");
    let proposal = Proposal { mid: dec("9.35"), observed_at: now, sources: vec![] };
    let per_one = hwan_domain::currency::CurrencySpec { rate_unit: 1, ..spec("JPY") };
    let previous = round("JPY", "934.06");
    assert_eq!(judge(&proposal, Some(&previous), &per_one, &GuardPolicy::default(), now), vec![]);
}

#[test]
fn findings_read_as_a_line() {
    assert_eq!(jump("49.4433", "3").to_string(), "jump of 49.4433 % against the previous round, at most 3 %");
    assert_eq!(Finding::Unit.to_string(), "off by about a factor of 100, quoted for another unit");
}

/// Any decimal at all, the largest and the smallest among them.
fn any_decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0_u32..=28)
            .prop_map(|(low, mid, high, negative, scale)| Decimal::from_parts(low, mid, high, negative, scale)),
        (1_i64..10_000_000, 0_u32..4).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)),
        prop::sample::select(vec![
            Decimal::MAX,
            Decimal::MIN,
            Decimal::ZERO,
            Decimal::new(1, 28),
            Decimal::new(-1, 28)
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_number_makes_the_guard_panic_and_no_report_is_endless(
        mid in any_decimal(),
        sources in prop::collection::vec(any_decimal(), 0..6),
        previous in 1_i64..99_999_999_999,
        observed in any::<i64>(),
        policy in (any_decimal(), any::<i64>()),
    ) {
        let previous = hwan_domain::round::Round {
            mid: hwan_domain::rate::Rate::new(Decimal::new(previous, 2), 1).unwrap(),
            ..round("USD", "1350.50")
        };
        let proposal = Proposal { mid, observed_at: Timestamp::from_micros(observed), sources };
        let policy = GuardPolicy { deviation_percent_max: policy.0, staleness_seconds_max: policy.1 };
        for finding in judge(&proposal, Some(&previous), &spec("USD"), &policy, monday("10:00:00")) {
            prop_assert!(finding.to_string().len() < 160);
            if let Finding::Jump { percent, .. } | Finding::Deviation { percent, .. } = finding {
                prop_assert!(percent <= PERCENT_REPORTED_MAX && percent > Decimal::ZERO || policy.deviation_percent_max < Decimal::ZERO);
            }
        }
    }

    #[test]
    fn what_passes_is_a_rate_within_the_tolerance_of_the_previous_one(before in 100_i64..10_000_000, now in 1_i64..20_000_000) {
        let before_value = Decimal::new(before, 2);
        let findings = found("USD", Some(&before_value.to_string()), &Decimal::new(now, 2).to_string(), &[]);
        // By integers: |now − before| × 100 ≤ before × 2.
        prop_assert_eq!(findings.is_empty(), (now - before).abs() * 100 <= before * 2);
    }
}
