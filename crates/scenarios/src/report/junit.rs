//! The report for build servers: JUnit XML as they read it, a suite for each file and a case for each scenario.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::{
    outcome::{Counts, RunReport, ScenarioReport, Verdict},
    terminal::explain,
};

/// The whole run as one XML document.
pub(crate) fn junit(run: &RunReport) -> String {
    let counts = Counts::of(&run.scenarios);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"hwan scenarios\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
        counts.all(),
        counts.failed,
        counts.skipped,
        seconds(run.took)
    );
    let mut rest = run.scenarios.as_slice();
    while let Some(first) = rest.first() {
        let (suite, others) = rest.split_at(rest.iter().take_while(|scenario| scenario.file == first.file).count());
        suite_of(&mut xml, &first.file, suite);
        rest = others;
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite_of(xml: &mut String, file: &Path, scenarios: &[ScenarioReport]) {
    let counts = Counts::of(scenarios);
    let took = scenarios.iter().map(|scenario| scenario.took).sum();
    let name = escape(&file.display().to_string());
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
        counts.all(),
        counts.failed,
        counts.skipped,
        seconds(took)
    );
    let class = escape(&file.file_stem().unwrap_or_default().to_string_lossy());
    for scenario in scenarios {
        let _ = writeln!(
            xml,
            "    <testcase name=\"{}\" classname=\"scenarios.{class}\" file=\"{name}\" line=\"{}\" time=\"{}\">",
            escape(&scenario.title),
            scenario.line,
            seconds(scenario.took)
        );
        if let Verdict::Skipped(reason) = &scenario.verdict {
            let _ = writeln!(xml, "      <skipped message=\"{}\"/>", escape(reason));
        }
        failures(xml, scenario);
        let steps: Vec<String> =
            scenario.steps.iter().map(|step| format!("{} ({} ms)", step.title, step.took.as_millis())).collect();
        if !steps.is_empty() {
            let _ = writeln!(xml, "      <system-out>{}</system-out>", lines(&steps.join("\n")));
        }
        xml.push_str("    </testcase>\n");
    }
    xml.push_str("  </testsuite>\n");
}

/// One element for all failures of a case: consumers read the first alone.
fn failures(xml: &mut String, scenario: &ScenarioReport) {
    let mut message = None;
    let mut text = String::new();
    for (step, failure) in scenario.failures() {
        message.get_or_insert_with(|| format!("{}: expected {}, got {}", step.title, failure.expected, failure.got));
        let _ = writeln!(text, "step: {}\nat {}:{}", step.title, scenario.file.display(), step.line);
        let _ = writeln!(text, "{}", explain(failure).join("\n"));
    }
    if let Some(message) = message {
        let (message, text) = (escape(&message), lines(&text));
        let _ = writeln!(xml, "      <failure type=\"scenario\" message=\"{message}\">{text}</failure>");
    }
}

fn seconds(took: Duration) -> String {
    format!("{}.{:03}", took.as_secs(), took.subsec_millis())
}

/// A text of several lines, for an element: there a line's end stays one.
fn lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// A text as XML 1.0 can hold it: the five entities, line ends kept in attributes too, and no character that XML forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            letter if u32::from(letter) < 0x20 || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{super::terminal::tests::run, *};

    #[test]
    fn a_suite_for_each_file_and_a_case_for_each_scenario() {
        let xml = junit(&run());
        assert!(xml.contains("<testsuites name=\"hwan scenarios\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"2.000\">"), "{xml}");
        assert_eq!((xml.matches("<testsuite ").count(), xml.matches("<testcase ").count()), (1, 3));
        assert!(xml.contains("<skipped message=\"needs the clock\"/>"), "{xml}");
        assert!(xml.contains("expected won: 135050 KRW, got won: &lt;135051 &amp; more&gt;"), "{xml}");
        assert!(xml.contains("exchange &quot;a&quot;\u{fffd}") && !xml.contains('\u{1}'), "{xml}");
    }
}
