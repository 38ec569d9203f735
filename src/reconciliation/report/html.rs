//! As one page for a browser: everything in one file, nothing fetched, no script.

use std::fmt::Write as _;

use hwan_domain::reconciliation::{Reconciliation, Status};

use super::{amount, grouped, path, seconds};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bad:#cf222e;--dim:#777}\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
p.sum{color:var(--dim);margin:.25rem 0}.verdict{font-weight:600;font-size:1.1rem;margin:1rem 0}\
.good{color:var(--good)}.bad{color:var(--bad)}.dim{color:var(--dim)}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);\
vertical-align:top}th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
code{font-size:.9em}details{border:1px solid var(--line);border-radius:6px;padding:.5rem .75rem;margin:.5rem 0}\
summary{cursor:pointer}dl{display:grid;grid-template-columns:6rem 1fr;gap:.2rem 1rem;margin:.5rem 0 0}dt{color:var(--dim)}dd{margin:0}";

/// The page.
pub fn page(result: &Reconciliation) -> String {
    let mut page = String::with_capacity(16_384);
    let (verdict, class) = match result.breaks.count() {
        0 => ("Everything agrees: nothing breaks.".to_owned(), "good"),
        count => (format!("{} breaks.", grouped(count)), "bad"),
    };
    // A string takes every write.
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Reconciliation of {date}</title><style>{STYLE}</style><h1>Reconciliation of {date}</h1>\
         <p class=\"sum\"><code>{}</code> · begun {} · {} · {} accounts · {} postings in {} records</p>\
         <p class=\"sum\">{}</p><p class=\"verdict {class}\">{verdict}</p>",
        result.id,
        result.id.started_at(),
        seconds(result.micros()),
        grouped(result.accounts()),
        grouped(result.postings()),
        grouped(result.records()),
        escaped(&result.stores.join(" · ")),
        date = result.business_date,
    );
    checks(result, &mut page);
    currencies(result, &mut page);
    lanes(result, &mut page);
    breaks(result, &mut page);
    page.push_str("</html>\n");
    page
}

fn checks(result: &Reconciliation, page: &mut String) {
    page.push_str("<h2>Checks</h2><table><tr><th>Check<th>Result<th class=\"n\">Compared<th>What it proves");
    for outcome in &result.outcomes {
        let (verdict, class) = match &outcome.status {
            Status::Clean => ("clean".to_owned(), "good"),
            Status::Broken(count) => (format!("broken {}", grouped(*count)), "bad"),
            Status::NotDone(reason) => (format!("not done: {}", escaped(reason)), "dim"),
        };
        let _ = write!(
            page,
            "<tr><td><code>{}</code><td class=\"{class}\">{verdict}<td class=\"n\">{}<td>{}",
            outcome.check.id(),
            grouped(outcome.compared),
            escaped(outcome.check.proves())
        );
    }
    page.push_str("</table>");
}

fn currencies(result: &Reconciliation, page: &mut String) {
    page.push_str(
        "<h2>Closing balances</h2><table><tr><th>Currency<th class=\"n\">Accounts<th class=\"n\">By the journal\
         <th class=\"n\">By the days<th>",
    );
    for sides in &result.currencies {
        let (verdict, class) = if sides.journal == sides.days { ("agrees", "good") } else { ("differs", "bad") };
        let _ = write!(
            page,
            "<tr><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"{class}\">{verdict}",
            sides.currency,
            grouped(sides.journal.count),
            amount(sides.journal.sum, sides.currency),
            amount(sides.days.sum, sides.currency),
        );
    }
    page.push_str("</table>");
}

fn lanes(result: &Reconciliation, page: &mut String) {
    page.push_str(
        "<h2>Lanes</h2><table><tr><th class=\"n\">Lane<th>Begins at<th class=\"n\">After<th class=\"n\">Day ends at\
         <th class=\"n\">Read to<th class=\"n\">Accounts",
    );
    for lane in &result.lanes {
        let begins = lane.snapshot.map_or_else(|| "the beginning".to_owned(), |date| format!("snapshot of {date}"));
        let _ = write!(
            page,
            "<tr><td class=\"n\">{}<td>{begins}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}",
            lane.lane,
            lane.after,
            lane.closes_at,
            lane.through,
            grouped(lane.accounts)
        );
    }
    page.push_str("</table>");
}

fn breaks(result: &Reconciliation, page: &mut String) {
    if result.is_clean() {
        return;
    }
    page.push_str("<h2>Breaks</h2>");
    for found in result.breaks.kept() {
        let _ = write!(
            page,
            "<details open><summary><b class=\"bad\">{}</b> <code>{}</code> {}</summary><dl><dt>expected<dd>{}<dt>found<dd>{}\
             <dt>meaning<dd>{}</dl></details>",
            found.kind.as_str(),
            found.check.id(),
            escaped(&path(&found.subject)),
            escaped(&found.expected),
            escaped(&found.found),
            escaped(&found.explanation)
        );
    }
    let kept = result.breaks.kept().len() as u64;
    if kept < result.breaks.count() {
        let more = grouped(result.breaks.count() - kept);
        let _ = write!(page, "<p class=\"dim\">{more} more of the same checks are counted, not shown.</p>");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
