//! Interest on what an account holds: the rates, what accrues over a run of days, and the tax that is withheld.
//!
//! | what | how |
//! |---|---|
//! | gross | floor(Σ of each day's closing × that day's annual rate / 365), cut once for the whole period |
//! | income tax | 14 % of gross, cut below 10 won |
//! | local tax | 10 % of *that* tax, cut below 10 won |
//! | net | gross less both |
//!
//! A day's closing is the balance after its last posting; a year has 365 days, leap years too. Who claims often gains no
//! gross by it: the parts of a period never add up to more than the whole, and to less by under one unit a part. But
//! each tax is cut anew, so two small payments may be taxed less than a large one: the rule says so.
//! Only won bears interest: taxes are withheld in won, and the chart keeps interest and tax in won.
//!
//! Everything is exact: whole minor units and whole ten-thousandths of a percent, every step checked.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    currency::Currency,
    id::AccountId,
    money::Money,
    record::{Event, Leg},
    time::BusinessDate,
};

/// Decimals that an annual rate in percent may have.
pub const RATE_DECIMALS_MAX: u32 = 4;
/// The highest annual rate, in percent.
pub const ANNUAL_PERCENT_MAX: Decimal = Decimal::ONE_HUNDRED;
/// Changes of a rate that the table may hold for one currency.
pub const RATE_CHANGES_MAX: usize = 1_000;

const RATE_UNITS_PER_PERCENT: i128 = 10_000;
const DAYS_A_YEAR: i128 = 365;
const INCOME_TAX_PERCENT: i64 = 14;
const LOCAL_TAX_PERCENT: i64 = 10;
/// A tax is withheld in whole tens of won.
const TAX_STEP_WON: i64 = 10;

/// An annual rate and the first day that it is good for: until the day before the currency's next line, or for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLine {
    /// Of which currency.
    pub currency: Currency,
    /// The first day.
    pub effective_from: BusinessDate,
    /// Percent a year.
    pub annual_percent: Decimal,
}

/// Why lines are no table of rates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateTableError {
    /// Not won.
    #[error("{0} cannot bear interest: taxes are withheld, and booked, in won; remove its lines")]
    NotWon(Currency),
    /// Below nothing, above [`ANNUAL_PERCENT_MAX`], or finer than [`RATE_DECIMALS_MAX`] decimals.
    #[error("{percent} % from {from}: a rate is 0 to {ANNUAL_PERCENT_MAX} % with at most {RATE_DECIMALS_MAX} decimals")]
    Rate {
        /// The first day of the line.
        from: BusinessDate,
        /// Its rate.
        percent: Decimal,
    },
    /// A line does not begin after the one before it.
    #[error(
        "the line from {after} follows the one from {before}: sort a currency's lines by their first day, one a day"
    )]
    Order {
        /// The line before.
        before: BusinessDate,
        /// The one that follows.
        after: BusinessDate,
    },
    /// More lines than [`RATE_CHANGES_MAX`].
    #[error("{0} has more than {RATE_CHANGES_MAX} lines")]
    TooMany(Currency),
}

/// The annual rates, by currency and first day. Before a currency's first line it bears nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateTable(BTreeMap<Currency, Vec<RateLine>>);

impl RateTable {
    /// A table of these lines; a currency's are sorted, and each day has one rate at most.
    pub fn new(lines: impl IntoIterator<Item = RateLine>) -> Result<Self, RateTableError> {
        let mut table: BTreeMap<Currency, Vec<RateLine>> = BTreeMap::new();
        for line in lines {
            let RateLine { currency, effective_from: from, annual_percent } = line;
            let percent = annual_percent.normalize();
            if !currency.is_home() {
                return Err(RateTableError::NotWon(currency));
            }
            if rate_units(percent).is_none() {
                return Err(RateTableError::Rate { from, percent });
            }
            let of_currency = table.entry(currency).or_default();
            if let Some(before) = of_currency.last().map(|line| line.effective_from).filter(|before| *before >= from) {
                return Err(RateTableError::Order { before, after: from });
            }
            if of_currency.len() >= RATE_CHANGES_MAX {
                return Err(RateTableError::TooMany(currency));
            }
            of_currency.push(RateLine { annual_percent: percent, ..line });
        }
        Ok(Self(table))
    }

    /// Whether a currency bears interest, on some day at least.
    pub fn offers(&self, currency: Currency) -> bool {
        !self.of(currency).is_empty()
    }

    /// The rate of a day, in percent a year; `None` before the first line.
    pub fn on(&self, currency: Currency, date: BusinessDate) -> Option<Decimal> {
        self.of(currency).iter().rev().find(|line| line.effective_from <= date).map(|line| line.annual_percent)
    }

    /// All lines, by currency and first day.
    pub fn lines(&self) -> impl Iterator<Item = &RateLine> {
        self.0.values().flatten()
    }

    fn of(&self, currency: Currency) -> &[RateLine] {
        self.0.get(&currency).map_or(&[], Vec::as_slice)
    }
}

/// A rate in ten-thousandths of a percent; `None` where it is no rate that a table may hold.
fn rate_units(percent: Decimal) -> Option<i128> {
    let percent = percent.normalize();
    if percent.is_sign_negative() && !percent.is_zero() || percent > ANNUAL_PERCENT_MAX {
        return None;
    }
    let missing = RATE_DECIMALS_MAX.checked_sub(percent.scale())?;
    percent.mantissa().checked_mul(10_i128.checked_pow(missing)?)
}

/// A run of business dates, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: BusinessDate,
    through: BusinessDate,
}

impl Period {
    /// From a day through another; `None` if that one is earlier.
    pub fn new(from: BusinessDate, through: BusinessDate) -> Option<Self> {
        (from <= through).then_some(Self { from, through })
    }

    /// What an account may claim on `today`: from the day after the last one paid for, or from the day on which it was
    /// opened, through yesterday; `None` where that is no day at all.
    pub fn due(paid_through: Option<BusinessDate>, opened: BusinessDate, today: BusinessDate) -> Option<Self> {
        let from = paid_through.map_or(opened, BusinessDate::next);
        let yesterday = BusinessDate::from_days(today.days().checked_sub(1)?);
        Self::new(from, yesterday)
    }

    /// The first day.
    pub const fn from(self) -> BusinessDate {
        self.from
    }

    /// The last day.
    pub const fn through(self) -> BusinessDate {
        self.through
    }

    /// How many days.
    pub fn days(self) -> u32 {
        self.through.days().abs_diff(self.from.days()).saturating_add(1)
    }
}

/// What an account held at the end of a day, and of every day after it until the next closing in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyClosing {
    /// The day.
    pub date: BusinessDate,
    /// The balance after its last posting.
    pub amount: Money,
}

/// A run of days at one rate, and what their closings add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accrual {
    /// The days.
    pub period: Period,
    /// The rate, in percent a year.
    pub annual_percent: Decimal,
    /// The sum of the days' closings, in minor units.
    pub closings_minor: i128,
}

/// What accrued over a period, and what of it is withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// For which days.
    pub period: Period,
    /// Days of one rate together, in order; days without a rate are absent.
    pub accruals: Vec<Accrual>,
    /// Before tax.
    pub gross: Money,
    /// Withheld for the state.
    pub income_tax: Money,
    /// Withheld for the municipality.
    pub local_tax: Money,
    /// What the account gets.
    pub net: Money,
}

impl Interest {
    /// The event of paying it, with the credit of what is left after tax.
    pub fn paid(&self, credit: Leg) -> Event {
        Event::InterestPaid {
            account: credit.account,
            customer: credit.customer,
            from: self.period.from,
            through: self.period.through,
            accruals: self.accruals.clone(),
            gross: self.gross,
            income_tax: self.income_tax,
            local_tax: self.local_tax,
            credit,
        }
    }
}

/// Why no interest could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterestError {
    /// A closing below nothing, of another currency, or before the one that it follows: what was read is damaged.
    #[error("the closing of {0} cannot be: it is negative, in another currency or out of order")]
    Closing(BusinessDate),
    /// Beyond what can be reckoned, or what money can be.
    #[error("the interest is beyond what an amount can be")]
    Overflow,
    /// Runs of days that no table gives: out of order, outside the period, or at a rate that cannot be.
    #[error("the accrual from {0} cannot be: it is out of order, outside its period, or its rate or sum cannot be")]
    Accrual(BusinessDate),
}

/// What accrues over a period: closings are in order, each good until the next; before the first one nothing was there.
pub fn accrue(
    table: &RateTable,
    currency: Currency,
    period: Period,
    closings: &[DailyClosing],
) -> Result<Interest, InterestError> {
    let mut accruals: Vec<Accrual> = Vec::new();
    for run in table_runs(table, currency, period) {
        let Some((run, annual_percent)) = run else { continue };
        accruals.push(Accrual { period: run, annual_percent, closings_minor: sum(currency, run, closings)? });
    }
    reckon(currency, period, accruals)
}

/// The runs of a period at one rate each; `None` for a run without a rate.
fn table_runs(
    table: &RateTable,
    currency: Currency,
    period: Period,
) -> impl Iterator<Item = Option<(Period, Decimal)>> {
    let lines = table.of(currency);
    lines.iter().enumerate().map(move |(place, line)| {
        let last = match lines.get(place.saturating_add(1)) {
            Some(next) => BusinessDate::from_days(next.effective_from.days().saturating_sub(1)),
            None => period.through,
        };
        let run = Period::new(line.effective_from.max(period.from), last.min(period.through))?;
        Some((run, line.annual_percent))
    })
}

/// What the closings of a run's days add up to.
fn sum(currency: Currency, run: Period, closings: &[DailyClosing]) -> Result<i128, InterestError> {
    let mut total: i128 = 0;
    for (place, closing) in closings.iter().enumerate() {
        let next = closings.get(place.saturating_add(1)).map(|next| next.date);
        let is_wrong = closing.amount.is_negative()
            || closing.amount.currency() != currency
            || next.is_some_and(|next| next <= closing.date);
        if is_wrong {
            return Err(InterestError::Closing(closing.date));
        }
        let last = next.map_or(run.through, |next| BusinessDate::from_days(next.days().saturating_sub(1)));
        if let Some(good_for) = Period::new(closing.date.max(run.from), last.min(run.through)) {
            let days = i128::from(good_for.days());
            let added = i128::from(closing.amount.minor()).checked_mul(days).ok_or(InterestError::Overflow)?;
            total = total.checked_add(added).ok_or(InterestError::Overflow)?;
        }
    }
    Ok(total)
}

/// What these accruals of a period come to: the one formula, for what is paid and for what is checked afterwards.
pub fn reckon(currency: Currency, period: Period, accruals: Vec<Accrual>) -> Result<Interest, InterestError> {
    let mut weighted: i128 = 0;
    let mut before: Option<BusinessDate> = None;
    for accrual in &accruals {
        let (from, through) = (accrual.period.from, accrual.period.through);
        let wrong = InterestError::Accrual(from);
        let follows = before.is_none_or(|before| before < from);
        if !follows || from < period.from || through > period.through || accrual.closings_minor < 0 {
            return Err(wrong);
        }
        let units = rate_units(accrual.annual_percent).ok_or(wrong)?;
        let added = accrual.closings_minor.checked_mul(units).ok_or(InterestError::Overflow)?;
        weighted = weighted.checked_add(added).ok_or(InterestError::Overflow)?;
        before = Some(through);
    }
    // Percent a year: a hundredth of it, by the days of a year. Nothing is below zero, so the division cuts.
    let gross = weighted / (100 * DAYS_A_YEAR * RATE_UNITS_PER_PERCENT);
    let gross = i64::try_from(gross).map_err(|_| InterestError::Overflow)?;
    let (income_tax, local_tax) = taxes(gross)?;
    let net = gross.checked_sub(income_tax).and_then(|rest| rest.checked_sub(local_tax));
    let money = |minor| Money::from_minor(minor, currency).map_err(|_| InterestError::Overflow);
    Ok(Interest {
        period,
        accruals,
        gross: money(gross)?,
        income_tax: money(income_tax)?,
        local_tax: money(local_tax)?,
        net: money(net.ok_or(InterestError::Overflow)?)?,
    })
}

/// A payment as its record says it, in whole won: for whoever judges it afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The account.
    pub account: AccountId,
    /// The first day.
    pub from: BusinessDate,
    /// The last day.
    pub through: BusinessDate,
    /// What the closings and rates that it names come to; nothing where they are none of such days.
    pub accrued: i64,
    /// Before taxes.
    pub gross: i64,
    /// Income tax.
    pub income_tax: i64,
    /// Local tax.
    pub local_tax: i64,
    /// What was credited.
    pub net: i64,
}

impl Payment {
    /// The payment that an event is, where it is one.
    pub fn of(event: &Event) -> Option<Self> {
        let Event::InterestPaid { account, from, through, accruals, gross, income_tax, local_tax, credit, .. } = event
        else {
            return None;
        };
        let accrued = Period::new(*from, *through)
            .and_then(|period| reckon(gross.currency(), period, accruals.clone()).ok())
            .map_or(0, |interest| interest.gross.minor());
        Some(Self {
            account: *account,
            from: *from,
            through: *through,
            accrued,
            gross: gross.minor(),
            income_tax: income_tax.minor(),
            local_tax: local_tax.minor(),
            net: credit.amount.minor(),
        })
    }

    /// The taxes that follow from its gross amount: income tax, local tax. Nothing of what is too large to be taxed.
    pub fn taxes(&self) -> (i64, i64) {
        taxes(self.gross).unwrap_or_default()
    }
}

/// Income tax and local tax that are withheld of a gross amount, in won.
pub fn taxes(gross_won: i64) -> Result<(i64, i64), InterestError> {
    let income = tax(gross_won, INCOME_TAX_PERCENT)?;
    Ok((income, tax(income, LOCAL_TAX_PERCENT)?))
}

/// So many percent, cut to whole tens of won.
fn tax(of_won: i64, percent: i64) -> Result<i64, InterestError> {
    let hundredths = of_won.checked_mul(percent).ok_or(InterestError::Overflow)?;
    Ok(hundredths / 100 / TAX_STEP_WON * TAX_STEP_WON)
}
