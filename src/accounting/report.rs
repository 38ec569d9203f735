//! The books as a command prints them: a table for people, or JSON in which every number is an exact text.

use std::io::{self, Write};

use hwan_domain::{
    currency::Currency,
    ledger::{AccountCode, Chart, Mark, TrialBalance, Turnover},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    amount::Sum,
    books::{DeadLetter, DeadLetterKind},
    compare::{Compared, LaneProof},
    lag::LaneLag,
    positions::PositionLine,
    redelivery::Redelivered,
    table::{Align, Table},
};

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// The most of a dead letter's reason that a table shows, in characters.
const REASON_SHOWN_MAX: usize = 100;

fn sum(minor: i128, currency: Currency) -> String {
    Sum { minor, currency }.to_string()
}

fn name(chart: &Chart, code: AccountCode) -> &str {
    chart.find(code).map_or("", |account| account.name.as_str())
}

fn write_json(out: &mut impl Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// What stands for something that cannot be told.
fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Writes a trial balance; whether it balances.
pub fn trial_balance(balance: &TrialBalance, chart: &Chart, format: Format, out: &mut impl Write) -> io::Result<bool> {
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

/// Writes positions; whether all of them are below their hard marks.
pub fn positions(lines: &[PositionLine], format: Format, out: &mut impl Write) -> io::Result<bool> {
    let is_held = lines.iter().all(|line| line.mark != Some(Mark::Hard));
    if format == Format::Json {
        let line = |line: &PositionLine| {
            let (position, value) = (line.position, line.valuation);
            let side = |minor, won: i128, average: Option<_>| {
                let average = average.map(|rate: rust_decimal::Decimal| rate.to_string());
                json!({ "amount": sum(minor, position.currency), "won": won.to_string(), "average_rate": average })
            };
            json!({
                "currency": position.currency.code(),
                "unit": line.unit,
                "open": sum(position.open(), position.currency),
                "bought": side(position.bought, position.won_paid, line.bought_at),
                "sold": side(position.sold, position.won_received, line.sold_at),
                "mid": line.mid().map(|mid| mid.value().to_string()),
                "round": line.round.map(|round| round.to_string()),
                "open_won": value.map(|value| value.open_won.to_string()),
                "realised_won": line.realised_won.map(|won| won.to_string()),
                "unrealised_won": value.map(|value| value.unrealised.to_string()),
                "total_won": value.map(|value| value.total.to_string()),
                "soft_won": line.limit.soft().to_string(),
                "hard_won": line.limit.hard().to_string(),
                "mark": line.mark.map(Mark::as_str),
            })
        };
        write_json(out, &json!({ "positions": lines.iter().map(line).collect::<Vec<_>>() }))?;
        return Ok(is_held);
    }
    let mut table = Table::of(&[
        ("currency", Align::Left),
        ("open", Align::Right),
        ("bought", Align::Right),
        ("at", Align::Right),
        ("sold", Align::Right),
        ("at", Align::Right),
        ("mid", Align::Right),
        ("open in won", Align::Right),
        ("realised", Align::Right),
        ("unrealised", Align::Right),
        ("total", Align::Right),
        ("mark", Align::Left),
    ]);
    for line in lines {
        let (position, value) = (line.position, line.valuation);
        table.row([
            position.currency.to_string(),
            sum(position.open(), position.currency),
            sum(position.bought, position.currency),
            or_dash(line.bought_at),
            sum(position.sold, position.currency),
            or_dash(line.sold_at),
            or_dash(line.mid()),
            or_dash(value.map(|value| value.open_won)),
            or_dash(line.realised_won),
            or_dash(value.map(|value| value.unrealised)),
            or_dash(value.map(|value| value.total)),
            or_dash(line.mark.map(Mark::as_str)),
        ]);
    }
    table.write(out)?;
    Ok(is_held)
}

/// Writes how far the books are behind; whether no lane has stopped and nothing waits to be redelivered.
pub fn lag(lanes: &[LaneLag], now: Timestamp, format: Format, out: &mut impl Write) -> io::Result<bool> {
    let is_sound = lanes.iter().all(|lane| lane.stopped.is_none() && lane.dead_letters == 0);
    if format == Format::Json {
        let lane = |lane: &LaneLag| {
            json!({
                "lane": lane.lane.number(), "engine_seq": lane.engine.number(), "ledger_seq": lane.ledger.number(),
                "records": lane.records(), "seconds": seconds(lane.micros(now)),
                "posted_at": lane.posted_at.map(|at| at.to_string()), "stopped": lane.stopped,
                "dead_letters": lane.dead_letters,
            })
        };
        write_json(out, &json!({ "lanes": lanes.iter().map(lane).collect::<Vec<_>>() }))?;
        return Ok(is_sound);
    }
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("engine", Align::Right),
        ("ledger", Align::Right),
        ("records", Align::Right),
        ("seconds", Align::Right),
        ("posted up to", Align::Left),
        ("dead letters", Align::Right),
        ("", Align::Left),
    ]);
    for lane in lanes {
        let stopped = lane.stopped.as_ref().map(|reason| format!("STOPPED {reason}"));
        table.row([
            lane.lane.number().to_string(),
            lane.engine.number().to_string(),
            lane.ledger.number().to_string(),
            lane.records().to_string(),
            seconds(lane.micros(now)),
            or_dash(lane.posted_at),
            lane.dead_letters.to_string(),
            stopped.unwrap_or_default(),
        ]);
    }
    table.write(out)?;
    Ok(is_sound)
}

/// Seconds with milliseconds, rounded up: a lag is never shown as none.
fn seconds(micros: i64) -> String {
    let millis = micros.max(0).unsigned_abs().div_ceil(1_000);
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

/// Writes what could not be posted; whether there is none.
pub fn dead_letters(letters: &[DeadLetter], format: Format, out: &mut impl Write) -> io::Result<bool> {
    let kind = |letter: &DeadLetter| match letter.kind {
        DeadLetterKind::Record => "record",
        DeadLetterKind::Stray => "stray",
    };
    if format == Format::Json {
        let letter = |letter: &DeadLetter| {
            json!({
                "lane": letter.position.lane().number(), "seq": letter.position.seq().number(), "kind": kind(letter),
                "reason": letter.reason, "since": letter.since.to_string(), "offset": letter.offset,
                "body": letter.text(),
            })
        };
        write_json(out, &json!({ "dead_letters": letters.iter().map(letter).collect::<Vec<_>>() }))?;
        return Ok(letters.is_empty());
    }
    if letters.is_empty() {
        writeln!(out, "no dead letters")?;
        return Ok(true);
    }
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("seq", Align::Right),
        ("kind", Align::Left),
        ("since", Align::Left),
        ("reason", Align::Left),
    ]);
    for letter in letters {
        let reason: String = letter.reason.chars().filter(|one| !one.is_control()).take(REASON_SHOWN_MAX).collect();
        table.row([
            letter.position.lane().number().to_string(),
            letter.position.seq().number().to_string(),
            kind(letter).to_owned(),
            letter.since.to_string(),
            reason,
        ]);
    }
    table.write(out)?;
    Ok(false)
}

/// Writes the proof that engine and books agree; whether they do.
pub fn proof(proofs: &[LaneProof], format: Format, out: &mut impl Write) -> io::Result<bool> {
    let agrees = proofs.iter().all(LaneProof::agrees);
    let lines = || proofs.iter().flat_map(|proof| proof.compared.iter().map(move |compared| (proof, compared)));
    if format == Format::Json {
        let lane = |proof: &LaneProof| {
            let compared = proof.compared.iter().map(|Compared { currency, customers, control }| {
                json!({
                    "currency": currency.code(), "customers": sum(*customers, *currency),
                    "control": sum(*control, *currency), "agrees": customers == control,
                })
            });
            json!({
                "lane": proof.lane.number(), "engine_seq": proof.engine_seq.number(),
                "ledger_seq": proof.ledger_seq.number(), "dead_letters": proof.dead_letters, "fault": proof.fault,
                "agrees": proof.agrees(), "compared": compared.collect::<Vec<_>>(),
            })
        };
        write_json(out, &json!({ "agrees": agrees, "lanes": proofs.iter().map(lane).collect::<Vec<_>>() }))?;
        return Ok(agrees);
    }
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("engine", Align::Right),
        ("ledger", Align::Right),
        ("currency", Align::Left),
        ("customers", Align::Right),
        ("control", Align::Right),
        ("", Align::Left),
    ]);
    for (proof, compared) in lines() {
        let Compared { currency, customers, control } = *compared;
        let verdict = if compared.agrees() {
            "agrees".to_owned()
        } else {
            format!("DIFFERS by {}", sum(control - customers, currency))
        };
        table.row([
            proof.lane.number().to_string(),
            proof.engine_seq.number().to_string(),
            proof.ledger_seq.number().to_string(),
            currency.to_string(),
            sum(customers, currency),
            sum(control, currency),
            verdict,
        ]);
    }
    table.write(out)?;
    for proof in proofs {
        if let Some(fault) = &proof.fault {
            writeln!(out, "lane {}: {fault}", proof.lane)?;
        }
        if proof.dead_letters > 0 {
            let waits = proof.dead_letters;
            writeln!(out, "lane {}: {waits} records wait to be redelivered, what they moved is missing", proof.lane)?;
        }
    }
    writeln!(out, "\n{}", if agrees { "engine and books agree" } else { "engine and books do NOT agree" })?;
    Ok(agrees)
}

/// Writes what was redelivered; whether nothing is left.
pub fn redelivered(redelivered: &Redelivered, out: &mut impl Write) -> io::Result<bool> {
    let Redelivered { posted, left } = redelivered;
    for place in posted {
        writeln!(out, "lane {} seq {}: posted", place.lane(), place.seq())?;
    }
    for (place, reason) in left {
        writeln!(out, "lane {} seq {}: left: {reason}", place.lane(), place.seq())?;
    }
    writeln!(out, "{} posted, {} left", posted.len(), left.len())?;
    Ok(left.is_empty())
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        id::{LaneId, Position, Seq},
        ledger::{LedgerAccount, Role, TrialLine},
        time::BusinessDate,
    };

    use super::*;
    use crate::config::{chart, currencies};

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

    fn printed(write: impl FnOnce(&mut Vec<u8>) -> io::Result<bool>) -> (bool, String) {
        let mut out = Vec::new();
        let is_fine = write(&mut out).unwrap();
        (is_fine, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_trial_balance_shows_each_account_and_that_the_sides_of_each_currency_are_equal() {
        let chart = chart::built_in().unwrap();
        let (is_fine, text) = printed(|out| trial_balance(&balance(&chart, 0), &chart, Format::Table, out));
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
        let (is_fine, text) = printed(|out| trial_balance(&balance(&chart, 1), &chart, Format::Table, out));
        assert!(
            !is_fine && text.contains("1269950  1269949  NOT balanced") && text.ends_with("\nNOT balanced\n"),
            "{text}"
        );
        let (is_fine, text) = printed(|out| trial_balance(&balance(&chart, 1), &chart, Format::Json, out));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(!is_fine);
        assert_eq!((&value["balanced"], &value["sums"][1]["balanced"]), (&json!(false), &json!(true)));
        assert_eq!(value["lines"][3]["balance"], "-150");
    }

    #[test]
    fn a_lane_that_stopped_and_a_record_that_waits_are_findings_and_a_lag_is_none() {
        let behind = LaneLag {
            lane: LaneId::FIRST,
            engine: Seq::new(9).unwrap(),
            ledger: Seq::new(7).unwrap(),
            posted_at: Timestamp::parse_rfc3339("2026-11-23T01:00:00Z"),
            waits_since: Timestamp::parse_rfc3339("2026-11-23T01:00:01Z"),
            stopped: None,
            dead_letters: 0,
        };
        let now = Timestamp::parse_rfc3339("2026-11-23T01:00:01.000001Z").unwrap();
        let (is_fine, text) = printed(|out| lag(std::slice::from_ref(&behind), now, Format::Table, out));
        assert!(
            is_fine && text.contains("   1       9       7        2    0.001  2026-11-23T01:00:00.000000Z"),
            "{text}"
        );
        let stopped = LaneLag { stopped: Some("seq 9 after 7".into()), ..behind };
        let (is_fine, text) = printed(|out| lag(&[stopped], now, Format::Table, out));
        assert!(!is_fine && text.contains("STOPPED seq 9 after 7"), "{text}");
        let letter = DeadLetter {
            kind: DeadLetterKind::Record,
            position: Position::new(LaneId::FIRST, Seq::new(8).unwrap()),
            offset: None,
            reason: "unbalanced".into(),
            since: now,
            body: b"{}".to_vec(),
        };
        assert!(!printed(|out| dead_letters(&[letter], Format::Table, out)).0);
        assert_eq!(printed(|out| dead_letters(&[], Format::Table, out)), (true, "no dead letters\n".to_owned()));
    }
}
