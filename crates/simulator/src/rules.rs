//! The bank's rules once more, written from the page that states them and not from the domain's code: rounding, limit
//! windows, the table of checks, spreads, and what the guard refuses. Only types are shared with the domain.

use hwan_domain::{
    check::{Check, Fact},
    currency::{Currency, CurrencySpec},
    exchange::Side,
    money::Money,
    rejection::Code,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The won leg of a foreign amount: rounded against the customer.
pub(crate) fn won_leg(foreign: Money, rate: Decimal, unit: u32, side: Side) -> i64 {
    let amount =
        Decimal::from_i128_with_scale(i128::from(foreign.minor()), u32::from(foreign.currency().minor_digits()));
    let exact = amount * rate / Decimal::from(unit);
    let whole = match side {
        Side::Buy => exact.ceil(),
        Side::Sell => exact.floor(),
    };
    whole.to_i64().unwrap_or(i64::MAX)
}

/// The most of a currency that a budget pays for: found by trying, not by a formula.
pub(crate) fn most_for(budget: i64, currency: Currency, rate: Decimal, unit: u32) -> i64 {
    let cost = |minor: i64| Money::from_minor(minor, currency).map_or(i64::MAX, |m| won_leg(m, rate, unit, Side::Buy));
    largest(|minor| cost(minor) <= budget)
}

/// The least of a currency whose sale brings in this much won.
pub(crate) fn least_for(won: i64, currency: Currency, rate: Decimal, unit: u32) -> i64 {
    let worth =
        |minor: i64| Money::from_minor(minor, currency).map_or(i64::MAX, |m| won_leg(m, rate, unit, Side::Sell));
    largest(|minor| worth(minor) < won) + 1
}

/// The largest number from 0 on for which something that is true at first still is.
fn largest(holds: impl Fn(i64) -> bool) -> i64 {
    if !holds(0) {
        return -1;
    }
    let (mut low, mut step) = (0_i64, 1_i64);
    while step < 1 << 50 && holds(low + step) {
        low += step;
        step *= 2;
    }
    while step > 0 {
        if holds(low + step) {
            low += step;
        }
        step /= 2;
    }
    low
}

/// What an amount is worth in won for caps: rounded up.
pub(crate) fn worth(amount: Money, mid: Decimal, unit: u32) -> i64 {
    won_leg(amount, mid, unit, Side::Buy)
}

/// Which limit day an instant lies in. Nine in the morning in Seoul is midnight in UTC.
pub(crate) fn limit_day(at: Timestamp) -> i64 {
    at.micros().div_euclid(MICROS_PER_DAY)
}

/// Which limit month an instant lies in: year and month of UTC, by the civil calendar.
pub(crate) fn limit_month(at: Timestamp) -> (i64, i64) {
    let shifted = limit_day(at) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let year = year_of_era + era * 400 + i64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 })
}

/// The calendar day in Seoul.
pub(crate) fn seoul_day(at: Timestamp) -> BusinessDate {
    let day = (at.micros() + 9 * 3_600_000_000).div_euclid(MICROS_PER_DAY);
    BusinessDate::from_days(i32::try_from(day).unwrap_or(i32::MAX))
}

/// The code of a check that forbids every debit.
pub(crate) fn forbids_debit(check: Check) -> Option<Code> {
    Some(match check {
        Check::AccountClosed => Code::AccountClosed,
        Check::AccidentReported => Code::AccidentReported,
        Check::Deceased => Code::Deceased,
        Check::Dormant => Code::Dormant,
        Check::Suspended => Code::Suspended,
        Check::PaymentStopped => Code::PaymentStopped,
        Check::FraudReported => Code::FraudReported,
        Check::Pledged => Code::Pledged,
        Check::Minor => Code::Minor,
        Check::KycExpired => Code::KycExpired,
        Check::CredentialLocked => Code::CredentialLocked,
        Check::Bankrupt => Code::Bankrupt,
        Check::Sanctioned => Code::Sanctioned,
        Check::Seized | Check::LimitedAccount => return None,
    })
}

/// The code of a check that forbids every credit.
pub(crate) fn forbids_credit(check: Check) -> Option<Code> {
    Some(match check {
        Check::AccountClosed => Code::AccountClosed,
        Check::Dormant => Code::Dormant,
        Check::FraudReported => Code::FraudReported,
        Check::Minor => Code::Minor,
        Check::Sanctioned => Code::Sanctioned,
        _ => return None,
    })
}

/// Whether a fact of this kind is about a customer, not about an account.
pub(crate) fn is_about_customer(check: Check) -> bool {
    matches!(
        check,
        Check::Deceased
            | Check::Minor
            | Check::KycExpired
            | Check::CredentialLocked
            | Check::Bankrupt
            | Check::Sanctioned
    )
}

/// The facts in force at an instant, of statements in the order in which they were made: in each timeline (a check, and
/// for seizures a currency or the whole) the newest statement whose beginning has come decides.
pub(crate) fn in_force(statements: &[Fact], at: Timestamp) -> Vec<Fact> {
    let timeline = |fact: &Fact| (fact.check, fact.amount.map(|amount| *amount.currency().code_bytes()));
    let mut deciding: Vec<Fact> = Vec::new();
    for fact in statements.iter().filter(|fact| fact.effective_from <= at) {
        deciding.retain(|other| timeline(other) != timeline(fact));
        deciding.push(*fact);
    }
    deciding.retain(|fact| fact.effective_to.is_none_or(|to| at < to));
    deciding
}

/// The spread in won that a mid, a percentage and a number of decimals make: cut, not rounded.
pub(crate) fn spread(mid: Decimal, percent: Decimal, decimals: u32) -> Decimal {
    (mid * percent / Decimal::ONE_HUNDRED).trunc_with_scale(decimals)
}

/// The customer's rate.
pub(crate) fn customer_rate(mid: Decimal, spread: Decimal, preference_percent: Decimal, side: Side) -> Decimal {
    let kept = spread * (Decimal::ONE_HUNDRED - preference_percent) / Decimal::ONE_HUNDRED;
    match side {
        Side::Buy => mid + kept,
        Side::Sell => mid - kept,
    }
}

/// Whether the guard has to hold something against a rate.
pub(crate) fn guard_objects(
    mid: Decimal,
    sources: &[Decimal],
    age_micros: i64,
    last_traded: Option<Decimal>,
    spec: &CurrencySpec,
) -> bool {
    if mid <= Decimal::ZERO || mid.normalize().scale() > spec.rate_decimals || mid >= Decimal::from(1_000_000_000) {
        return true;
    }
    let off = |reference: Decimal, percent: Decimal| {
        reference <= Decimal::ZERO || (mid - reference).abs() * Decimal::ONE_HUNDRED > percent * reference
    };
    let mut sorted = sources.to_vec();
    sorted.sort_unstable();
    let middle = match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[n / 2]),
        n => Some((sorted[n / 2 - 1] + sorted[n / 2]) / Decimal::TWO),
    };
    last_traded.is_some_and(|before| off(before, spec.jump_percent_max))
        || middle.is_some_and(|middle| off(middle, Decimal::ONE))
        || age_micros.abs() > 60_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_page_s_examples_come_out() {
        let usd = crate::world::currency("USD");
        let (rate, jpy) = ("1350.57".parse().unwrap(), crate::world::currency("JPY"));
        let dollars = Money::from_minor(3_333, usd).unwrap();
        assert_eq!(won_leg(dollars, rate, 1, Side::Buy), 45_015);
        assert_eq!(won_leg(dollars, rate, 1, Side::Sell), 45_014);
        let yen = Money::from_minor(12_345, jpy).unwrap();
        assert_eq!(won_leg(yen, "934.06".parse().unwrap(), 100, Side::Buy), 115_310);
        assert_eq!(most_for(100_000, usd, rate, 1), 7_404);
        assert_eq!(most_for(13, usd, rate, 1), 0);
        assert_eq!(least_for(45_014, usd, rate, 1), 3_333);
    }

    #[test]
    fn the_limit_month_begins_at_nine_in_seoul() {
        assert_eq!(limit_month(at("2026-12-01T08:59:59.999999+09:00")), (2026, 11));
        assert_eq!(limit_month(at("2026-12-01T09:00:00+09:00")), (2026, 12));
        assert_eq!(limit_month(at("2028-02-29T12:00:00Z")), (2028, 2));
        assert_eq!(limit_month(at("1970-01-01T00:00:00Z")), (1970, 1));
    }
}
