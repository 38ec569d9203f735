//! Closings as `hwan close` prints them: one in full, several as a list; what is missing for the next day.

use std::io::{self, Write};

use hwan_domain::{
    closing::{Closing, LaneClosing},
    ledger::Chart,
};
use serde_json::{Value, json};

use super::closer::NextDay;
use crate::accounting::report::{
    shown::{Format, sum, write_json},
    table::{Align, Table},
    trial_balance,
};

/// Writes what is closed, and what the next day waits for.
pub fn write(
    closings: &[Closing],
    next: Option<&NextDay>,
    chart: &Chart,
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    if format == Format::Json {
        let closings: Vec<Value> = closings.iter().map(|closing| to_json(closing, chart)).collect();
        let next = next.map(|next| {
            let missing: Vec<String> = next.missing.iter().map(ToString::to_string).collect();
            json!({ "business_date": next.business_date.to_string(), "missing": missing })
        });
        return write_json(out, &json!({ "closings": closings, "next": next }));
    }
    match closings {
        [] => writeln!(out, "no business date was closed")?,
        [closing] => write_one(closing, chart, out)?,
        several => write_several(several, out)?,
    }
    if let Some(next) = next {
        writeln!(out, "\nnext: {}", next.business_date)?;
        for missing in &next.missing {
            writeln!(out, "  {missing}")?;
        }
    }
    Ok(())
}

fn write_one(closing: &Closing, chart: &Chart, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "closing of {}\n", closing.business_date)?;
    writeln!(out, "hash      {}\nprevious  {}\n", closing.hash, closing.previous)?;
    let mut table = Table::of(&[("lane", Align::Right), ("last record", Align::Right), ("hash", Align::Left)]);
    for LaneClosing { lane, seq, hash, .. } in &closing.lanes {
        table.row([lane.to_string(), seq.to_string(), hash.to_string()]);
    }
    table.write(out)?;
    writeln!(out)?;
    trial_balance::write(&closing.totals, chart, Format::Table, out).map(|_| ())
}

fn write_several(closings: &[Closing], out: &mut impl Write) -> io::Result<()> {
    let columns = [("business date", Align::Left), ("lanes", Align::Right), ("", Align::Left), ("hash", Align::Left)];
    let mut table = Table::of(&columns);
    for closing in closings {
        let verdict = if closing.totals.unbalanced().is_empty() { "balanced" } else { "NOT balanced" };
        let (date, lanes) = (closing.business_date.to_string(), closing.lanes.len().to_string());
        table.row([date, lanes, verdict.to_owned(), closing.hash.to_string()]);
    }
    table.write(out)
}

fn to_json(closing: &Closing, chart: &Chart) -> Value {
    let lanes: Vec<Value> = closing
        .lanes
        .iter()
        .map(|lane| json!({ "lane": lane.lane.number(), "seq": lane.seq.number(), "hash": lane.hash.to_string() }))
        .collect();
    let customers: Vec<Value> = closing
        .totals
        .control_totals(chart)
        .iter()
        .map(|total| json!({ "currency": total.currency.code(), "amount": sum(total.minor, total.currency) }))
        .collect();
    json!({
        "business_date": closing.business_date.to_string(),
        "hash": closing.hash.to_string(),
        "previous": closing.previous.to_string(),
        "balanced": closing.totals.unbalanced().is_empty(),
        "customers": customers,
        "lanes": lanes,
    })
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        closing::{Missing, Seal},
        currency::Currency,
        id::{LaneId, Seq},
        ledger::{Role, TrialBalance, TrialLine, Turnover},
        time::BusinessDate,
    };

    use super::*;
    use crate::{config::chart, storage::codec::digest};

    fn date(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    fn printed(closings: &[Closing], next: Option<&NextDay>, format: Format) -> String {
        let mut out = Vec::new();
        write(closings, next, &chart::built_in().unwrap(), format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn closing() -> Closing {
        let chart = chart::built_in().unwrap();
        let line = |role, debit, credit| TrialLine {
            account: chart.account(role),
            currency: Currency::KRW,
            turnover: Turnover { debit, credit },
        };
        let lines = vec![line(Role::WonReserves, 1_000, 0), line(Role::WonDeposits, 0, 1_000)];
        let totals = TrialBalance::of(None, lines);
        let lane = LaneClosing { lane: LaneId::FIRST, seq: Seq::new(7).unwrap(), hash: Seal([1; 32]), totals };
        Closing::draw_up(date("2026-11-23"), Seal::GENESIS, vec![lane], digest)
    }

    #[test]
    fn a_closing_is_printed_with_its_lanes_and_its_balances_and_several_as_a_list() {
        let closing = closing();
        let text = printed(std::slice::from_ref(&closing), None, Format::Table);
        for line in [
            "closing of 2026-11-23",
            &format!("hash      {}", closing.hash),
            &format!("   1            7  {}", "01".repeat(32)),
            "2010     Won deposits (control)  KRW           0    1000  1000 Cr",
            "balanced",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line:?} is missing in:\n{text}");
        }
        let text = printed(&[closing.clone(), closing.clone()], None, Format::Table);
        assert_eq!(text.lines().count(), 3, "{text}");
        let value: Value = serde_json::from_str(&printed(&[closing], None, Format::Json)).unwrap();
        assert_eq!(value["closings"][0]["customers"][0], json!({ "currency": "KRW", "amount": "1000" }));
        assert_eq!(value["next"], Value::Null);
    }

    #[test]
    fn what_the_next_day_waits_for_is_said() {
        let missing = vec![Missing::NotPassed { lane: LaneId::FIRST, stands_on: date("2026-11-24") }];
        let next = NextDay { business_date: date("2026-11-24"), missing };
        let text = printed(&[], Some(&next), Format::Table);
        assert_eq!(
            text,
            "no business date was closed\n\nnext: 2026-11-24\n  lane 1: the books have come to 2026-11-24, no later date yet\n"
        );
        let value: Value = serde_json::from_str(&printed(&[], Some(&next), Format::Json)).unwrap();
        assert_eq!(value["next"]["business_date"], "2026-11-24");
    }
}
