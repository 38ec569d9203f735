//! For a terminal.

use std::io::{self, Write};

use hwan_domain::reconciliation::{BreakKind, Reconciliation, Status, tree::Differing};

use super::{amount, grouped, path, seconds};
use crate::accounting::report::table::{Align, Table};

/// Writes it.
pub fn write(result: &Reconciliation, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Reconciliation {} of {}", result.id, result.business_date)?;
    for store in &result.stores {
        writeln!(out, "  {store}")?;
    }
    writeln!(
        out,
        "  {} accounts, {} postings in {} records, {}\n",
        grouped(result.accounts()),
        grouped(result.postings()),
        grouped(result.records()),
        seconds(result.micros())
    )?;
    lanes(result).write(out)?;
    writeln!(out)?;
    currencies(result).write(out)?;
    writeln!(out)?;
    let mut table =
        Table::of(&[("check", Align::Left), ("", Align::Left), ("compared", Align::Right), ("", Align::Left)]);
    for outcome in &result.outcomes {
        let (verdict, rest) = match &outcome.status {
            Status::Clean => ("clean".to_owned(), String::new()),
            Status::Broken(count) => (format!("BROKEN {}", grouped(*count)), outcome.check.proves().to_owned()),
            Status::NotDone(reason) => ("not done".to_owned(), reason.clone()),
        };
        table.row([outcome.check.id().to_owned(), verdict, grouped(outcome.compared), rest]);
    }
    table.write(out)?;
    breaks(result, out)
}

fn lanes(result: &Reconciliation) -> Table {
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("begins at", Align::Left),
        ("after", Align::Right),
        ("day ends at", Align::Right),
        ("read to", Align::Right),
        ("accounts", Align::Right),
    ]);
    for lane in &result.lanes {
        table.row([
            lane.lane.to_string(),
            lane.snapshot.map_or_else(|| "the beginning".to_owned(), |date| format!("snapshot of {date}")),
            lane.after.to_string(),
            lane.closes_at.to_string(),
            lane.through.to_string(),
            grouped(lane.accounts),
        ]);
    }
    table
}

fn currencies(result: &Reconciliation) -> Table {
    let mut table = Table::of(&[
        ("currency", Align::Left),
        ("accounts", Align::Right),
        ("by the journal", Align::Right),
        ("by the days", Align::Right),
        ("", Align::Left),
    ]);
    for sides in &result.currencies {
        let same = sides.journal == sides.days;
        let differing = Differing { currency: sides.currency, bucket: 0, one: sides.journal, other: sides.days };
        table.row([
            sides.currency.to_string(),
            grouped(sides.journal.count),
            amount(sides.journal.sum, sides.currency),
            amount(sides.days.sum, sides.currency),
            if same { "agrees".to_owned() } else { difference(&differing) },
        ]);
    }
    table
}

fn difference(sides: &Differing) -> String {
    match sides.other.sum - sides.one.sum {
        0 => "DIFFERS by account".to_owned(),
        by => format!("DIFFERS by {}", amount(by, sides.currency)),
    }
}

fn breaks(result: &Reconciliation, out: &mut impl Write) -> io::Result<()> {
    let count = result.breaks.count();
    if count == 0 {
        return writeln!(out, "\n{} agrees: nothing breaks", result.business_date);
    }
    writeln!(out, "\n{} breaks", grouped(count))?;
    for kind in BreakKind::ALL {
        let of_kind = result.breaks.of_kind(kind);
        if of_kind > 0 {
            writeln!(out, "  {:<10} {}", kind.as_str(), grouped(of_kind))?;
        }
    }
    for found in result.breaks.kept() {
        writeln!(out, "\n{} [{}] {}", found.kind.as_str().to_uppercase(), found.check.id(), path(&found.subject))?;
        writeln!(out, "  expected  {}", found.expected)?;
        writeln!(out, "  found     {}", found.found)?;
        writeln!(out, "  {}", found.explanation)?;
    }
    let kept = result.breaks.kept().len() as u64;
    if kept < count {
        writeln!(out, "\n{} more of the same checks are counted, not shown", grouped(count - kept))?;
    }
    writeln!(
        out,
        "\n{} does NOT agree: keep the stores as they are, docs/operations.md says what to do",
        result.business_date
    )
}
