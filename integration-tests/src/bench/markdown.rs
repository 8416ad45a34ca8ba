//! The report as Markdown, which is also what is printed.

use std::fmt::Write as _;

use super::goals::{Goal, Verdict};
use super::peers::Peer;
use super::results::{Metric, Results};
use super::statistics::Summary;

/// The goals as a table.
pub fn goals(goals: &[Goal]) -> String {
    let rows = goals.iter().map(|goal| {
        let verdict = match goal.verdict {
            Verdict::NotMet => format!("**{}**", goal.verdict.text()),
            Verdict::Met | Verdict::Unknown => goal.verdict.text().to_owned(),
        };
        vec![goal.wanted.clone(), goal.found.clone(), verdict]
    });
    table(&["goal", "measured", ""], rows)
}

/// The whole report: goals, tables of all that was measured, what is missing and what failed.
pub fn report(results: &Results, judged: &[Goal]) -> String {
    let mut text = String::from("# Sixfold beside its peers\n\n## Goals\n\n");
    text += &goals(judged);
    text += &measurements(results);
    text += &left_out(results);
    let about = results
        .about
        .iter()
        .map(|(what, value)| vec![what.clone(), value.clone()]);
    text += "\n## About this run\n\n";
    text += &table(&["", ""], about);
    text
}

/// A table for each metric: medians with quartiles, and how many times Sixfold's they are.
pub fn measurements(results: &Results) -> String {
    let mut text = String::new();
    for metric in Metric::ALL {
        let cases = results.cases(metric);
        if cases.is_empty() {
            continue;
        }
        let unit = match metric.unit() {
            "" => String::new(),
            unit => format!(" ({unit})"),
        };
        let _ = write!(text, "\n## {}{unit}\n\n", metric.title());
        let mut head = vec![""];
        head.extend(&cases);
        let rows = results.peers(metric).into_iter().map(|peer| {
            let mut row = vec![peer.to_owned()];
            row.extend(cases.iter().map(|case| cell(results, metric, case, peer)));
            row
        });
        text += &table(&head, rows);
    }
    text
}

/// Who takes no part, and what could not be measured.
pub fn left_out(results: &Results) -> String {
    let mut text = String::new();
    if !results.missing.is_empty() {
        text += "\n## Missing\n\n";
        for missing in &results.missing {
            let _ = writeln!(text, "- {}: {}", missing.peer, missing.reason);
        }
    }
    if !results.failures.is_empty() {
        text += "\n## Failed\n\n";
        for failure in &results.failures {
            let _ = writeln!(
                text,
                "- {}, {}: {}",
                failure.peer,
                failure.scenario,
                failure.reason.replace('\n', " / ")
            );
        }
    }
    text
}

/// A number with as many digits as mean something.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The median with its quartiles.
pub fn with_spread(summary: &Summary) -> String {
    if summary.lower == summary.upper {
        return number(summary.median);
    }
    format!(
        "{} ({}..{})",
        number(summary.median),
        number(summary.lower),
        number(summary.upper)
    )
}

fn cell(results: &Results, metric: Metric, case: &str, peer: &str) -> String {
    let Some(summary) = results.summary(metric, case, peer) else {
        return "-".to_owned();
    };
    let mut text = with_spread(&summary);
    if peer != Peer::Sixfold.name()
        && let Some(ratio) = results.ratio(metric, case, peer, Peer::Sixfold.name())
    {
        let _ = write!(text, ", {}x", number(ratio.median));
    }
    text
}

/// A table whose columns are aligned, so that it can be read as text too.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|word| (*word).to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let width = |column: usize| {
        std::iter::once(&head)
            .chain(&rows)
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (column, width) in widths.iter().enumerate() {
            let cell = cells
                .get(column)
                .map_or("", String::as_str)
                .replace('|', "\\|");
            let _ = write!(text, "| {cell:width$} ");
        }
        text + "|\n"
    };
    let mut text = line(&head);
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    text += &line(&rules);
    for row in &rows {
        text += &line(row);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{number, report, table};
    use crate::bench::goals::judge;
    use crate::bench::results::{Metric, Missing, Results};

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let of = |value: f64| number(value);
        assert_eq!(
            [of(0.0), of(0.123), of(12.34), of(1234.5)],
            ["0", "0.12", "12.3", "1234"]
        );
    }

    #[test]
    fn columns_are_aligned() {
        let text = table(
            &["a", "bcde"],
            [vec!["long one".to_owned(), "1".to_owned()]],
        );
        assert_eq!(
            text,
            "| a        | bcde |\n| -------- | ---- |\n| long one | 1    |\n"
        );
    }

    #[test]
    fn a_report_tells_all() {
        let mut results = Results::default();
        for (round, (own, other)) in [(10.0, 20.0), (12.0, 30.0)].into_iter().enumerate() {
            results.add(Metric::Boot, "100", "sixfold", round, own);
            results.add(Metric::Boot, "100", "s6", round, other);
        }
        results.add(Metric::Boot, "1", "sixfold", 0, 1.0);
        results.missing.push(Missing {
            peer: "runit".to_owned(),
            reason: "not installed: apt-get install runit".to_owned(),
        });
        results.fail("boot, 1", "s6", "it did not\nend");
        results.about.push(("kernel".to_owned(), "6.18".to_owned()));
        let text = report(&results, &judge(&results));
        assert!(
            text.contains("| s6      | 25.0 (22.5..27.5), 2.25x | -    |"),
            "{text}"
        );
        assert!(text.contains("- runit: not installed"), "{text}");
        assert!(text.contains("- s6, boot, 1: it did not / end"), "{text}");
        assert!(text.contains("| kernel | 6.18 |"), "{text}");
        assert!(text.contains("(ms)"), "{text}");
    }
}
