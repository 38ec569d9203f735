//! As JSON for programs. Amounts are texts, names are the stable ones.

use hwan_domain::reconciliation::{Break, BreakKind, Reconciliation, Status, Summary};
use serde_json::{Value, json};

use crate::accounting::amount::Sum;

/// The whole report.
pub fn value(result: &Reconciliation) -> Value {
    let kinds: serde_json::Map<String, Value> =
        BreakKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), result.breaks.of_kind(*kind).into())).collect();
    json!({
        "id": result.id.to_string(),
        "business_date": result.business_date.to_string(),
        "status": if result.is_clean() { "clean" } else { "broken" },
        "started_at": result.id.started_at().to_rfc3339(),
        "finished_at": result.finished_at.to_rfc3339(),
        "duration_ms": result.micros() / 1_000,
        "stores": result.stores,
        "accounts": result.accounts(),
        "postings": result.postings(),
        "records": result.records(),
        "lanes": result.lanes.iter().map(|lane| json!({
            "lane": lane.lane.number(),
            "snapshot": lane.snapshot.map(|date| date.to_string()),
            "after_seq": lane.after.number(),
            "closes_at_seq": lane.closes_at.number(),
            "through_seq": lane.through.number(),
            "records": lane.records,
            "postings": lane.postings,
            "accounts": lane.accounts,
        })).collect::<Vec<_>>(),
        "currencies": result.currencies.iter().map(|sides| {
            let side = |summary: Summary| json!({
                "accounts": summary.count,
                "sum": Sum { minor: summary.sum, currency: sides.currency }.to_string(),
                "hash": format!("{:016x}", summary.hash),
            });
            json!({
                "currency": sides.currency.code(),
                "journal": side(sides.journal),
                "days": side(sides.days),
                "agrees": sides.journal == sides.days,
            })
        }).collect::<Vec<_>>(),
        "checks": result.outcomes.iter().map(|outcome| {
            let reason = match &outcome.status {
                Status::NotDone(reason) => Some(reason.as_str()),
                _ => None,
            };
            json!({
                "check": outcome.check.id(),
                "proves": outcome.check.proves(),
                "status": outcome.status.as_str(),
                "compared": outcome.compared,
                "breaks": result.breaks.of(outcome.check),
                "reason": reason,
            })
        }).collect::<Vec<_>>(),
        "breaks_total": result.breaks.count(),
        "breaks_by_kind": kinds,
        "breaks": result.breaks.kept().iter().map(of_break).collect::<Vec<_>>(),
    })
}

fn of_break(found: &Break) -> Value {
    let subject = &found.subject;
    json!({
        "kind": found.kind.as_str(),
        "check": found.check.id(),
        "subject": {
            "business_date": subject.date.map(|date| date.to_string()),
            "lane": subject.lane.map(|lane| lane.number()),
            "currency": subject.currency.map(|currency| currency.code().to_owned()),
            "bucket": subject.bucket,
            "account_id": subject.account.map(|account| account.to_string()),
            "record_seq": subject.record.map(|record| record.seq().number()),
            "ledger_account": subject.ledger_account.map(|account| account.to_string()),
        },
        "expected": found.expected,
        "found": found.found,
        "explanation": found.explanation,
    })
}
