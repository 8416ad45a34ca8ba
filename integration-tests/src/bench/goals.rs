//! What Sixfold is meant to cost at most, and whether it was so in this run. Every goal is a ratio or a
//! difference within one run, or a number that no other program disturbs.

use super::peers::{Logger, Peer};
use super::results::{Metric, Results};

/// What came of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is met.
    Met,
    /// It is not met.
    NotMet,
    /// What it needs was not measured.
    Unknown,
}

impl Verdict {
    /// Its words in reports.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::Unknown => "not measured",
        }
    }
}

/// A goal, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// What is wanted.
    pub wanted: String,
    /// What was measured.
    pub found: String,
    /// Whether that is what is wanted.
    pub verdict: Verdict,
}

const SIXFOLD: &str = Peer::Sixfold.name();
const LIMIT: &str = Peer::Limit.name();
const OVERLAY: &str = Peer::S6Overlay.name();

/// Beyond what the services need, in milliseconds.
const STOP: f64 = 20.0;
/// Of private dirty memory, for each service and beside them, in KiB.
const SLOPE: f64 = 3.0;
const BASE: f64 = 350.0;
/// Of what `cat` moves, and in MB for each second of processor time.
const OF_CAT: f64 = 0.6;
const GIGABYTE: f64 = 1000.0;
/// For a thousand services, in milliseconds.
const GRAPH: f64 = 20.0;

/// All goals, judged by `results`.
pub fn judge(results: &Results) -> Vec<Goal> {
    let mut goals = vec![
        boot(results, "100", LIMIT, 1.15),
        boot(results, "100", Peer::S6.name(), 0.6),
        boot(results, "1", OVERLAY, 0.1),
        stop(results),
        slope(results, "100"),
        slope(results, "1000"),
        base(results),
        beside_overlay(results, "100"),
        beside_overlay(results, "1"),
        idle(results, Metric::IdleCalls, "no system call"),
        idle(results, Metric::IdleSwitches, "no wake-up"),
    ];
    goals.push(json_log(results));
    goals.push(stamped_log(results));
    goals.push(graph(results));
    goals
}

fn goal(wanted: String, found: Option<(bool, String)>) -> Goal {
    match found {
        Some((is_met, found)) => Goal {
            wanted,
            found,
            verdict: if is_met {
                Verdict::Met
            } else {
                Verdict::NotMet
            },
        },
        None => Goal {
            wanted,
            found: "-".to_owned(),
            verdict: Verdict::Unknown,
        },
    }
}

fn boot(results: &Results, case: &str, base: &str, most: f64) -> Goal {
    let services = if case == "1" { "service" } else { "services" };
    let ratio = results.ratio(Metric::Boot, case, SIXFOLD, base);
    goal(
        format!("boot of {case} {services}: at most {most} times {base}'s"),
        ratio.map(|ratio| {
            (
                ratio.median <= most,
                format!(
                    "{:.3} times ({:.3} to {:.3})",
                    ratio.median, ratio.lower, ratio.upper
                ),
            )
        }),
    )
}

/// In every case: the worst of them counts.
fn stop(results: &Results) -> Goal {
    let mut worst: Option<(f64, String)> = None;
    for case in results.cases(Metric::Stop) {
        let Some(beyond) = results.difference(Metric::Stop, case, SIXFOLD, LIMIT) else {
            continue;
        };
        if worst.as_ref().is_none_or(|(most, _)| beyond.median > *most) {
            let text = format!(
                "{:.1} ms ({:.1} to {:.1}) with {case}",
                beyond.median, beyond.lower, beyond.upper
            );
            worst = Some((beyond.median, text));
        }
    }
    goal(
        format!("stop of an idle tree: within {STOP} ms beyond what the services need"),
        worst.map(|(most, text)| (most <= STOP, text)),
    )
}

fn dirty_per_service(results: &Results, case: &str) -> Option<f64> {
    let many: f64 = case.parse().ok()?;
    let dirty = |case| results.median(Metric::PrivateDirty, case, SIXFOLD);
    Some((dirty(case)? - dirty("1")?) / (many - 1.0))
}

fn slope(results: &Results, case: &str) -> Goal {
    goal(
        format!("private dirty memory: under {SLOPE} KiB a service, from 1 to {case}"),
        dirty_per_service(results, case)
            .map(|slope| (slope < SLOPE, format!("{slope:.2} KiB a service"))),
    )
}

fn base(results: &Results) -> Goal {
    let found = dirty_per_service(results, "100").and_then(|slope| {
        let base = results.median(Metric::PrivateDirty, "1", SIXFOLD)? - slope;
        Some((base <= BASE, format!("{base:.0} KiB")))
    });
    goal(
        format!("private dirty memory without services: at most {BASE} KiB"),
        found,
    )
}

fn beside_overlay(results: &Results, case: &str) -> Goal {
    let services = if case == "1" { "service" } else { "services" };
    let pss = |peer| results.median(Metric::Pss, case, peer);
    let found = pss(SIXFOLD)
        .zip(pss(OVERLAY))
        .map(|(own, other)| (own <= other, format!("{own:.0} KiB beside {other:.0} KiB")));
    goal(
        format!("PSS with {case} {services}: no more than {OVERLAY}'s"),
        found,
    )
}

fn idle(results: &Results, metric: Metric, what: &str) -> Goal {
    let cases = results.cases(metric);
    let found = cases
        .iter()
        .find_map(|case| Some((case, results.median(metric, case, SIXFOLD)?)));
    goal(
        format!("idle: {what}"),
        found.map(|(case, count)| (count == 0.0, format!("{count:.0} {case}"))),
    )
}

/// In every case: the worst of them counts.
fn json_log(results: &Results) -> Goal {
    let mut worst: Option<(f64, String)> = None;
    for case in results.cases(Metric::LogCore) {
        let rate = |logger: Logger| results.median(Metric::LogCore, case, logger.name());
        let (Some(json), Some(cat)) = (rate(Logger::Json), rate(Logger::Cat)) else {
            continue;
        };
        let least = (OF_CAT * cat).min(GIGABYTE);
        if worst.as_ref().is_none_or(|(most, _)| json / least < *most) {
            let text = format!("{json:.0} MB/s of {least:.0} wanted (cat: {cat:.0}) with {case}");
            worst = Some((json / least, text));
        }
    }
    goal(
        format!("JSON log, on one core: {OF_CAT} times what cat moves, or 1 GB/s"),
        worst.map(|(part, text)| (part >= 1.0, text)),
    )
}

/// In every case: the worst of them counts.
fn stamped_log(results: &Results) -> Goal {
    let mut worst: Option<(f64, String)> = None;
    for case in results.cases(Metric::LogCore) {
        let (own, other) = (Logger::OwnS6Log.name(), Logger::S6Log.name());
        let Some(ratio) = results.ratio(Metric::LogCore, case, own, other) else {
            continue;
        };
        if worst
            .as_ref()
            .is_none_or(|(least, _)| ratio.median < *least)
        {
            let text = format!("{:.2} times with {case}", ratio.median);
            worst = Some((ratio.median, text));
        }
    }
    goal(
        "stamped lines (s6-log t), on one core: at least twice s6's s6-log".to_owned(),
        worst.map(|(least, text)| (least >= 2.0, text)),
    )
}

fn graph(results: &Results) -> Goal {
    let cases = results.cases(Metric::Graph);
    let found = cases
        .first()
        .and_then(|case| results.summary(Metric::Graph, case, SIXFOLD));
    goal(
        format!("1,000 services read, checked and planned: under {GRAPH} ms"),
        found.map(|time| {
            (
                // The round that was disturbed least: there is nothing in it to be taken for good luck.
                time.least < GRAPH,
                format!("{:.1} ms (median {:.1})", time.least, time.median),
            )
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::{Goal, Verdict, judge};
    use crate::bench::results::{Metric, Results};

    fn found<'a>(goals: &'a [Goal], wanted: &str) -> &'a Goal {
        goals
            .iter()
            .find(|goal| goal.wanted.contains(wanted))
            .unwrap_or_else(|| panic!("no goal has {wanted:?}: {goals:?}"))
    }

    #[test]
    fn nothing_measured_is_nothing_judged() {
        for goal in judge(&Results::default()) {
            assert_eq!(goal.verdict, Verdict::Unknown, "{}", goal.wanted);
        }
    }

    #[test]
    fn boot_is_judged_by_ratios() {
        let mut results = Results::default();
        for (peer, time) in [("sixfold", 60.0), ("limit", 55.0), ("s6", 90.0)] {
            results.add(Metric::Boot, "100", peer, 0, time);
        }
        let goals = judge(&results);
        assert_eq!(found(&goals, "times limit's").verdict, Verdict::Met);
        let beside_s6 = found(&goals, "times s6's");
        assert_eq!(beside_s6.verdict, Verdict::NotMet);
        assert!(beside_s6.found.starts_with("0.667 times"), "{beside_s6:?}");
        assert_eq!(
            found(&goals, "times s6-overlay's").verdict,
            Verdict::Unknown
        );
    }

    #[test]
    fn the_worst_stop_counts() {
        let mut results = Results::default();
        for (case, own, limit) in [("1", 5.0, 2.0), ("1000", 80.0, 50.0)] {
            results.add(Metric::Stop, case, "sixfold", 0, own);
            results.add(Metric::Stop, case, "limit", 0, limit);
        }
        let goals = judge(&results);
        let stop = found(&goals, "stop of an idle tree");
        assert_eq!(stop.verdict, Verdict::NotMet);
        assert!(stop.found.contains("with 1000"), "{stop:?}");
    }

    #[test]
    fn memory_is_judged_by_its_slope() {
        let mut results = Results::default();
        for (case, dirty) in [("1", 302.0), ("100", 500.0), ("1000", 4000.0)] {
            results.add(Metric::PrivateDirty, case, "sixfold", 0, dirty);
        }
        let goals = judge(&results);
        assert_eq!(found(&goals, "from 1 to 100").found, "2.00 KiB a service");
        assert_eq!(found(&goals, "from 1 to 100").verdict, Verdict::Met);
        assert_eq!(found(&goals, "from 1 to 1000").verdict, Verdict::NotMet);
        assert_eq!(found(&goals, "without services").found, "300 KiB");
    }

    #[test]
    fn a_gigabyte_is_enough_for_the_log() {
        let mut results = Results::default();
        results.add(Metric::LogCore, "1 service", "cat", 0, 5000.0);
        results.add(Metric::LogCore, "1 service", "sixfold, JSON", 0, 1001.0);
        let goals = judge(&results);
        assert_eq!(found(&goals, "JSON log").verdict, Verdict::Met);
        results.add(Metric::LogCore, "20 services", "cat", 0, 1500.0);
        results.add(Metric::LogCore, "20 services", "sixfold, JSON", 0, 800.0);
        let goals = judge(&results);
        assert_eq!(found(&goals, "JSON log").verdict, Verdict::NotMet);
    }

    #[test]
    fn idle_allows_nothing() {
        let mut results = Results::default();
        results.add(Metric::IdleCalls, "in 10 s", "sixfold", 0, 0.0);
        results.add(Metric::IdleSwitches, "in 10 s", "sixfold", 0, 1.0);
        let goals = judge(&results);
        assert_eq!(found(&goals, "no system call").verdict, Verdict::Met);
        assert_eq!(found(&goals, "no wake-up").verdict, Verdict::NotMet);
    }
}
