//! The result as one page: tables and plots, styled for light and dark, without a script and without anything to fetch.

use std::fmt::Write as _;

use super::{
    RunReport,
    plot::{Line, Plot, Scale},
};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6b7c;--line:#dfe5eb;--page:#fff;--panel:#f6f8fa;\
--c0:#0b6bcb;--c1:#d1495b;--c2:#2a9d5c;--c3:#b7791f;--c4:#7b4fc9;--c5:#0f8b8d}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#93a1b0;--line:#2b3540;--page:#0f151b;--panel:#161e26;\
--c0:#58a6ff;--c1:#ff7b89;--c2:#56d38a;--c3:#e3b341;--c4:#b392f0;--c5:#4fd1c5}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:940px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p.sub{color:var(--soft);margin:0 0 1rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}\
th{color:var(--soft);font-weight:500;white-space:nowrap}td.n,th.n{text-align:right}\
svg{width:100%;height:auto;background:var(--panel);border:1px solid var(--line);border-radius:6px;margin:.5rem 0}\
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .title{font-weight:600;fill:var(--ink)}\
svg .end{text-anchor:end}svg .middle{text-anchor:middle}svg .grid{stroke:var(--line)}svg .mark{stroke:var(--soft)}\
svg .line{fill:none;stroke-width:1.7;stroke-linejoin:round}svg .legend{font-weight:600}\
.bad{color:var(--c1)}.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}\
.line.c3{stroke:var(--c3)}.line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5)}\
svg text.c0,.dot.c0{fill:var(--c0)}svg text.c1,.dot.c1{fill:var(--c1)}svg text.c2,.dot.c2{fill:var(--c2)}\
svg text.c3,.dot.c3{fill:var(--c3)}svg text.c4,.dot.c4{fill:var(--c4)}svg text.c5,.dot.c5{fill:var(--c5)}";

/// A text as it stands between tags and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A page of a title, a line below it, and what is inside.
pub(crate) fn page(title: &str, below: &str, inside: &str) -> String {
    let (title, below) = (escaped(title), escaped(below));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\n\
         <style>{STYLE}</style></head>\n<body><h1>{title}</h1><p class=\"sub\">{below}</p>\n{inside}</body></html>\n"
    )
}

/// Rows of a table; the first cell of each is a heading, and so is the whole first row where `heading` has one.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = "<div class=\"wide\"><table>\n".to_owned();
    // A String takes everything.
    if !heading.is_empty() {
        let cells: Vec<String> = heading.iter().map(|cell| format!("<th>{}</th>", escaped(cell))).collect();
        let _ = writeln!(html, "<tr>{}</tr>", cells.concat());
    }
    for row in rows {
        let cell = |(place, cell): (usize, &String)| {
            let tag = if place == 0 { "th" } else { "td" };
            format!("<{tag}>{}</{tag}>", escaped(cell))
        };
        let _ = writeln!(html, "<tr>{}</tr>", row.iter().enumerate().map(cell).collect::<String>());
    }
    html + "</table></div>\n"
}

impl RunReport {
    /// One page that needs nothing beside it.
    pub(crate) fn html(&self, faults: &[String]) -> String {
        let rows: Vec<Vec<String>> =
            self.lines().into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        let faults: String =
            faults.iter().map(|fault| format!("<p class=\"bad\">not good: {}</p>\n", escaped(fault))).collect();
        let (p50, p99) =
            (over_time(self, "p50", |second| second.p50_us), over_time(self, "p99", |second| second.p99_us));
        let marks = marks_of_seconds(self.timeline.len());
        let latency = Plot {
            title: "latency over time, ms by seconds of the window".to_owned(),
            marks: marks.clone(),
            scale: Scale::Linear,
            lines: vec![p50, p99],
        };
        let inside = [
            faults,
            table(&[], &rows),
            "<h2>Latency</h2>\n".to_owned(),
            percentile_plot(&[self]),
            latency.svg(),
            "<h2>Throughput</h2>\n".to_owned(),
            throughput_plot(&[self]),
        ];
        page(&format!("{}: {} exchanges/s", self.target, self.exchanges_per_second), &self.how(), &inside.concat())
    }
}

/// The percentile curves of loads, one line each.
pub(crate) fn percentile_plot(reports: &[&RunReport]) -> String {
    let lines = reports.iter().map(|report| {
        let points = report.percentiles.iter().map(|point| (nines(point.percentile), Some(millis(point.latency_us))));
        Line { name: report.target.clone(), points: points.collect() }
    });
    let marks = ["0", "50", "90", "99", "99.9", "99.99", "99.999"].map(|text| (nines(text), text.to_owned()));
    let marks = marks.into_iter().chain([(nines("100"), "max".to_owned())]).collect();
    let title = "latency by percentile, ms".to_owned();
    Plot { title, marks, scale: Scale::Logarithmic, lines: lines.collect() }.svg()
}

/// The exchanges of each second of loads, one line each.
pub(crate) fn throughput_plot(reports: &[&RunReport]) -> String {
    let lines = reports.iter().map(|report| {
        let points = report.timeline.iter().map(|second| (seconds(second.second), Some(count(second.executed))));
        Line { name: report.target.clone(), points: points.collect() }
    });
    let longest = reports.iter().map(|report| report.timeline.len()).max().unwrap_or(0);
    Plot {
        title: "exchanges a second, by seconds of the window".to_owned(),
        marks: marks_of_seconds(longest),
        scale: Scale::Linear,
        lines: lines.collect(),
    }
    .svg()
}

fn over_time(report: &RunReport, name: &str, of: impl Fn(&crate::tally::Second) -> Option<u64>) -> Line {
    let points = report.timeline.iter().map(|second| (seconds(second.second), of(second).map(millis)));
    Line { name: name.to_owned(), points: points.collect() }
}

fn marks_of_seconds(length: usize) -> Vec<(f64, String)> {
    let step = (length / 6).max(1);
    let step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].into_iter().find(|round| *round >= step).unwrap_or(1_200);
    (0..length).step_by(step).map(|second| (seconds(second), format!("{second} s"))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52, and a place on a picture")]
fn seconds(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a place on a picture")]
fn count(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::float_arithmetic, reason = "a place on a picture")]
fn millis(micros: u64) -> f64 {
    count(micros) / 1_000.0
}

/// Where a percentile stands: 90, 99 and 99.9 are as far apart as they are rare.
#[expect(clippy::float_arithmetic, reason = "a place on a picture")]
fn nines(percentile: &str) -> f64 {
    const LAST: f64 = 5.6;
    match percentile.parse::<f64>() {
        Ok(percent) if percent < 100.0 => -(1.0 - percent / 100.0).log10(),
        _ => LAST,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::report, *};

    #[test]
    fn a_page_needs_nothing_beside_it() {
        let html = report().html(&["p99 50 ms, above <45>".to_owned()]);
        assert_eq!(html.matches("<svg").count(), 2, "nothing has a latency over time here: {html}");
        assert!(html.contains("above &lt;45&gt;") && html.contains("11500 exchanges/s"));
        for fetched in ["<script", "http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!html.contains(fetched), "{fetched}");
        }
    }

    #[test]
    fn what_stands_between_tags_is_escaped() {
        assert_eq!(escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
        let html = table(&["<x>"], &[vec!["a&b".to_owned(), "<script>".to_owned()]]);
        assert!(html.contains("<th>&lt;x&gt;</th>") && html.contains("<th>a&amp;b</th><td>&lt;script&gt;</td>"));
    }

    #[test]
    fn percentiles_are_as_far_apart_as_they_are_rare() {
        assert!((nines("90") - 1.0).abs() < 1e-9 && (nines("99.9") - 3.0).abs() < 1e-9);
        assert!(nines("0").abs() < 1e-9 && nines("100") > nines("99.999"));
    }

    #[test]
    fn seconds_are_marked_a_few_times() {
        for length in [1, 7, 30, 60, 300, 3_600] {
            let marks = marks_of_seconds(length).len();
            assert!((1..=8).contains(&marks), "{length} s: {marks}");
        }
    }
}
