//! The report as one page that needs nothing else: charts, goals and tables, readable in light and dark.

use std::fmt::Write as _;

use super::chart::{Bar, Line, bars, class, escaped, lines};
use super::goals::{Goal, Verdict};
use super::markdown::{number, with_spread};
use super::peers::{Logger, Peer};
use super::results::{Metric, Results};

/// What is drawn as lines over the number of services.
const LINES: [Metric; 4] = [
    Metric::Boot,
    Metric::Pss,
    Metric::PrivateDirty,
    Metric::Stop,
];

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn report(results: &Results, goals: &[Goal]) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Sixfold beside its peers</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<main>\n\
         <h1>Sixfold beside its peers</h1>\n\
         <p>One run on one machine; peers take turns in rounds. Numbers are medians, with quartiles in \
         brackets; how many times Sixfold\u{2019}s a number is stands below it, as the median of the \
         rounds\u{2019} ratios.</p>\n",
        colours()
    );
    page += &judged(goals);
    for metric in LINES {
        page += &figure(metric, &lines(metric.unit(), &lines_of(results, metric)));
    }
    for case in results.cases(Metric::LogCore) {
        let chart = bars(
            Metric::LogCore.unit(),
            &bars_of(results, Metric::LogCore, case),
        );
        let _ = write!(
            page,
            "<figure><figcaption>{}, {}</figcaption>\n{chart}</figure>\n",
            escaped(Metric::LogCore.title()),
            escaped(case)
        );
    }
    page += "<h2>All measurements</h2>\n";
    for metric in Metric::ALL {
        page += &table(results, metric);
    }
    page += &left_out(results);
    page += "<h2>About this run</h2>\n<table class=\"about\">\n";
    for (what, value) in &results.about {
        let _ = writeln!(
            page,
            "<tr><th>{}</th><td>{}</td></tr>",
            escaped(what),
            escaped(value)
        );
    }
    page += "</table>\n<dl>\n";
    for peer in Peer::ALL {
        let _ = writeln!(
            page,
            "<dt>{}</dt><dd>{}</dd>",
            peer.name(),
            escaped(peer.description())
        );
    }
    page + "</dl>\n</main>\n</body>\n</html>\n"
}

/// Each peer keeps its colour wherever it stands.
fn colours() -> String {
    let peers = Peer::ALL.map(|peer| (peer.name(), peer));
    let loggers = Logger::ALL.map(|logger| (logger.name(), logger.peer()));
    let mut style = String::new();
    for (name, peer) in peers.into_iter().chain(loggers) {
        let colour = if name == Logger::Cat.name() {
            Peer::Limit.name()
        } else {
            peer.name()
        };
        let _ = writeln!(style, ".{} {{ --own: var(--{colour}); }}", class(name));
    }
    style
}

fn judged(goals: &[Goal]) -> String {
    let mut text = String::from(
        "<h2>Goals</h2>\n<table>\n<thead><tr><th>goal</th><th>measured</th><th></th></tr></thead>\n<tbody>\n",
    );
    for goal in goals {
        let kind = match goal.verdict {
            Verdict::Met => "met",
            Verdict::NotMet => "missed",
            Verdict::Unknown => "unknown",
        };
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td class=\"{kind}\">{}</td></tr>",
            escaped(&goal.wanted),
            escaped(&goal.found),
            goal.verdict.text()
        );
    }
    text + "</tbody>\n</table>\n"
}

fn figure(metric: Metric, chart: &str) -> String {
    if chart.is_empty() {
        return String::new();
    }
    let title = escaped(metric.title());
    format!("<figure><figcaption>{title}</figcaption>\n{chart}</figure>\n")
}

/// The cases that are a number of services.
fn lines_of(results: &Results, metric: Metric) -> Vec<Line> {
    let cases = results.cases(metric);
    let line = |peer: &str| Line {
        name: peer.to_owned(),
        points: cases
            .iter()
            .filter_map(|case| Some((case.parse().ok()?, results.summary(metric, case, peer)?)))
            .collect(),
    };
    in_order(results, metric).into_iter().map(line).collect()
}

fn bars_of(results: &Results, metric: Metric, case: &str) -> Vec<Bar> {
    let bar = |peer: &str| {
        Some(Bar {
            name: peer.to_owned(),
            value: results.summary(metric, case, peer)?,
        })
    };
    let peers = in_order(results, metric);
    peers.into_iter().filter_map(bar).collect()
}

/// Who was measured, in the order that all tables and charts have.
fn in_order(results: &Results, metric: Metric) -> Vec<&str> {
    let mut peers = results.peers(metric);
    let place =
        |name: &str| Peer::named(name).and_then(|it| Peer::ALL.iter().position(|p| *p == it));
    peers.sort_by_key(|name| place(name));
    peers
}

fn table(results: &Results, metric: Metric) -> String {
    let cases = results.cases(metric);
    if cases.is_empty() {
        return String::new();
    }
    let unit = match metric.unit() {
        "" => String::new(),
        unit => format!(" ({unit})"),
    };
    let mut text = format!(
        "<h3>{}{}</h3>\n<div class=\"wide\"><table>\n<thead><tr><th></th>",
        escaped(metric.title()),
        escaped(&unit)
    );
    for case in &cases {
        let _ = write!(text, "<th>{}</th>", escaped(case));
    }
    text += "</tr></thead>\n<tbody>\n";
    for peer in in_order(results, metric) {
        let _ = write!(text, "<tr><th>{}</th>", escaped(peer));
        for case in &cases {
            text += &cell(results, metric, case, peer);
        }
        text += "</tr>\n";
    }
    text + "</tbody>\n</table></div>\n"
}

fn cell(results: &Results, metric: Metric, case: &str, peer: &str) -> String {
    let Some(summary) = results.summary(metric, case, peer) else {
        return "<td>-</td>".to_owned();
    };
    let own = Peer::Sixfold.name();
    let ratio = (peer != own)
        .then(|| results.ratio(metric, case, peer, own))
        .flatten()
        .map_or(String::new(), |ratio| {
            format!("<small>{}\u{d7}</small>", number(ratio.median))
        });
    format!(
        "<td title=\"{} to {}, {} rounds\">{}{ratio}</td>",
        number(summary.least),
        number(summary.greatest),
        summary.count,
        with_spread(&summary)
    )
}

fn left_out(results: &Results) -> String {
    let mut text = String::new();
    if !results.missing.is_empty() {
        text += "<h2>Missing</h2>\n<ul>\n";
        for missing in &results.missing {
            let reason = escaped(&missing.reason);
            let _ = writeln!(text, "<li>{}: {reason}</li>", escaped(&missing.peer));
        }
        text += "</ul>\n";
    }
    if !results.failures.is_empty() {
        text += "<h2>Failed</h2>\n<ul>\n";
        for failure in &results.failures {
            let _ = writeln!(
                text,
                "<li>{}, {}: {}</li>",
                escaped(&failure.peer),
                escaped(&failure.scenario),
                escaped(&failure.reason)
            );
        }
        text += "</ul>\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::report;
    use crate::bench::goals::judge;
    use crate::bench::results::{Metric, Results};

    #[test]
    fn a_page_needs_nothing_else() {
        let mut results = Results::default();
        for case in ["1", "100", "1, after 20 scripts"] {
            for (peer, value) in [("sixfold", 3.0), ("s6", 9.0)] {
                results.add(Metric::Boot, case, peer, 0, value);
            }
        }
        results.add(Metric::LogCore, "1 service", "cat", 0, 900.0);
        results.fail("boot, <1>", "runit", "it failed & died");
        let page = report(&results, &judge(&results));
        assert!(page.contains("<svg"), "a chart is drawn");
        assert!(
            page.contains("<small>3.00\u{d7}</small>"),
            "ratios are told"
        );
        assert!(page.contains("boot, &lt;1&gt;: it failed &amp; died"));
        for outside in ["http://", "https://", "<script", "<link"] {
            assert!(!page.contains(outside), "{outside} leads out of the page");
        }
        assert_eq!(
            page.matches("<table").count(),
            page.matches("</table>").count()
        );
    }
}
