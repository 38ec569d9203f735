//! The trial balance, printed.

use std::io::{self, Write};

use hwan_domain::ledger::{Chart, TrialBalance, Turnover};
use serde_json::{Value, json};

use super::{
    shown::{Format, name, sum, write_json},
    table::{Align, Table},
};

/// Writes a trial balance; whether it balances.
pub fn write(balance: &TrialBalance, chart: &Chart, format: Format, out: &mut impl Write) -> io::Result<bool> {
    let is_balanced = balance.unbalanced().is_empty();
    let sums = balance.sums();
    if format == Format::Json {
        let sides = |Turnover { debit, credit }, currency| {
            (sum(debit, currency), sum(credit, currency), sum(debit - credit, currency))
        };
        let lines = balance.lines.iter().map(|line| {
            let (debit, credit, balance) = sides(line.turnover, line.currency);
            json!({
                "account": line.account.to_string(), "name": name(chart, line.account.code),
                "currency": line.currency.code(), "debit": debit, "credit": credit, "balance": balance,
            })
        });
        let sums = sums.iter().map(|(currency, turnover)| {
            let (debit, credit, _) = sides(*turnover, *currency);
            let balanced = turnover.debit == turnover.credit;
            json!({ "currency": currency.code(), "debit": debit, "credit": credit, "balanced": balanced })
        });
        let as_of = balance.as_of.map(|date| date.to_string());
        let (lines, sums): (Vec<Value>, Vec<Value>) = (lines.collect(), sums.collect());
        write_json(out, &json!({ "as_of": as_of, "balanced": is_balanced, "sums": sums, "lines": lines }))?;
        return Ok(is_balanced);
    }
    match balance.as_of {
        Some(date) => writeln!(out, "trial balance as of {date}\n")?,
        None => writeln!(out, "trial balance of everything that is posted\n")?,
    }
    let mut table = Table::of(&[
        ("account", Align::Left),
        ("name", Align::Left),
        ("currency", Align::Left),
        ("debit", Align::Right),
        ("credit", Align::Right),
        ("balance", Align::Right),
    ]);
    for line in &balance.lines {
        let Turnover { debit, credit } = line.turnover;
        // A balance stands on one of two sides: it is said, not signed.
        let (side, left) = match line.turnover.debit_balance() {
            0 => ("", 0),
            left if left > 0 => (" Dr", left),
            left => (" Cr", -left),
        };
        table.row([
            line.account.to_string(),
            name(chart, line.account.code).to_owned(),
            line.currency.to_string(),
            sum(debit, line.currency),
            sum(credit, line.currency),
            format!("{}{side:<3}", sum(left, line.currency)),
        ]);
    }
    table.write(out)?;
    let mut totals =
        Table::of(&[("total", Align::Left), ("debit", Align::Right), ("credit", Align::Right), ("", Align::Left)]);
    for (currency, Turnover { debit, credit }) in sums {
        let verdict = if debit == credit { "balanced" } else { "NOT balanced" };
        totals.row([currency.to_string(), sum(debit, currency), sum(credit, currency), verdict.to_owned()]);
    }
    writeln!(out)?;
    totals.write(out)?;
    writeln!(out, "\n{}", if is_balanced { "balanced" } else { "NOT balanced" })?;
    Ok(is_balanced)
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        currency::Currency,
        ledger::{LedgerAccount, Role, TrialLine},
        time::BusinessDate,
    };

    use super::*;
    use crate::{
        accounting::report::shown::printed,
        config::{chart, currencies},
    };

    /// A deposit of 1,000,000 won, 100.00 USD bought for 135,050 and covered for 134,900; `lost` won do not arrive.
    fn balance(chart: &Chart, lost: i128) -> TrialBalance {
        let usd = currencies::built_in().unwrap().find("USD").unwrap();
        let line = |account: LedgerAccount, currency, debit, credit| TrialLine {
            account,
            currency,
            turnover: Turnover { debit, credit },
        };
        let home = |role, debit, credit| line(chart.account(role), Currency::KRW, debit, credit);
        let lines = [
            home(Role::WonReserves, 1_000_000, 134_900),
            home(Role::WonDeposits, 135_050, 1_000_000 - lost),
            line(chart.account_of(Role::PositionEquivalent, usd), Currency::KRW, 134_900, 135_050),
            line(chart.account_of(Role::Position, usd), usd, 10_000, 10_000),
            line(chart.account_of(Role::Nostro, usd), usd, 10_000, 0),
            line(chart.account_of(Role::ForeignDeposits, usd), usd, 0, 10_000),
        ];
        TrialBalance::of(BusinessDate::parse("2026-11-23"), lines)
    }

    #[test]
    fn a_trial_balance_shows_each_account_and_that_the_sides_of_each_currency_are_equal() {
        let chart = chart::built_in().unwrap();
        let (is_fine, text) = printed(|out| write(&balance(&chart, 0), &chart, Format::Table, out));
        assert!(is_fine);
        let expected = "\
trial balance as of 2026-11-23

account    name                                     currency    debit   credit    balance
1010       Won reserves                             KRW       1000000   134900  865100 Dr
1110[USD]  Nostro                                   USD        100.00     0.00  100.00 Dr
1900[USD]  Currency position                        USD        100.00   100.00    0.00
1901[USD]  Won equivalent of the currency position  KRW        134900   135050     150 Cr
2010       Won deposits (control)                   KRW        135050  1000000  864950 Cr
2110[USD]  Foreign currency deposits (control)      USD          0.00   100.00  100.00 Cr

total    debit   credit
KRW    1269950  1269950  balanced
USD     200.00   200.00  balanced

balanced
";
        assert_eq!(text, expected);
    }

    #[test]
    fn sides_that_differ_are_said_aloud() {
        let chart = chart::built_in().unwrap();
        let (is_fine, text) = printed(|out| write(&balance(&chart, 1), &chart, Format::Table, out));
        assert!(
            !is_fine && text.contains("1269950  1269949  NOT balanced") && text.ends_with("\nNOT balanced\n"),
            "{text}"
        );
        let (is_fine, text) = printed(|out| write(&balance(&chart, 1), &chart, Format::Json, out));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(!is_fine);
        assert_eq!((&value["balanced"], &value["sums"][1]["balanced"]), (&json!(false), &json!(true)));
        assert_eq!(value["lines"][3]["balance"], "-150");
    }
}
