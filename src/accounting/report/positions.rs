//! The positions, printed.

use std::io::{self, Write};

use hwan_domain::ledger::Mark;
use rust_decimal::Decimal;
use serde_json::json;

use super::{
    shown::{Format, or_dash, sum, write_json},
    table::{Align, Table},
};
use crate::accounting::positions::PositionLine;

/// Writes positions; whether all of them are below their hard marks.
pub fn write(lines: &[PositionLine], format: Format, out: &mut impl Write) -> io::Result<bool> {
    let is_held = lines.iter().all(|line| line.mark != Some(Mark::Hard));
    if format == Format::Json {
        let line = |line: &PositionLine| {
            let (position, value) = (line.position, line.valuation);
            let side = |minor, won: i128, average: Option<_>| {
                let average = average.map(|rate: Decimal| rate.to_string());
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
