//! The report for programs.

use serde_json::{Value, json};

use super::goals::{Goal, Verdict};
use super::results::Results;
use super::statistics::Summary;

/// The whole report: every value of every round with its summary, the goals, what is missing and what
/// failed. Units are those of [`super::results::Metric::unit`].
pub fn report(results: &Results, goals: &[Goal]) -> Value {
    let series: Vec<Value> = results
        .series()
        .iter()
        .map(|series| {
            let values: Vec<f64> = series.values.iter().map(|(_, value)| *value).collect();
            let rounds: Vec<usize> = series.values.iter().map(|(round, _)| *round).collect();
            json!({
                "metric": series.metric.name(),
                "unit": series.metric.unit(),
                "case": series.case,
                "peer": series.peer,
                "rounds": rounds,
                "values": values,
                "summary": Summary::of(values.iter().copied()).map(|it| json!({
                    "least": it.least,
                    "lower_quartile": it.lower,
                    "median": it.median,
                    "upper_quartile": it.upper,
                    "greatest": it.greatest,
                })),
            })
        })
        .collect();
    let goals: Vec<Value> = goals
        .iter()
        .map(|goal| {
            let is_met = match goal.verdict {
                Verdict::Met => Value::Bool(true),
                Verdict::NotMet => Value::Bool(false),
                Verdict::Unknown => Value::Null,
            };
            json!({"wanted": goal.wanted, "found": goal.found, "met": is_met})
        })
        .collect();
    let missing: Vec<Value> = results
        .missing
        .iter()
        .map(|missing| json!({"peer": missing.peer, "reason": missing.reason}))
        .collect();
    let failures: Vec<Value> = results
        .failures
        .iter()
        .map(|it| json!({"scenario": it.scenario, "peer": it.peer, "reason": it.reason}))
        .collect();
    let about: serde_json::Map<String, Value> = results
        .about
        .iter()
        .map(|(what, value)| (what.clone(), Value::String(value.clone())))
        .collect();
    json!({
        "about": about,
        "goals": goals,
        "series": series,
        "missing": missing,
        "failures": failures,
    })
}

#[cfg(test)]
mod tests {
    use super::report;
    use crate::bench::goals::judge;
    use crate::bench::results::{Metric, Results};

    #[test]
    fn values_and_summaries_are_told() {
        let mut results = Results::default();
        results.add(Metric::Stop, "10", "sixfold", 0, 4.0);
        results.add(Metric::Stop, "10", "sixfold", 2, 8.0);
        let told = report(&results, &judge(&results));
        let series = &told["series"][0];
        assert_eq!(series["metric"], "stop");
        assert_eq!(series["unit"], "ms");
        assert_eq!(series["rounds"], serde_json::json!([0, 2]));
        assert_eq!(series["summary"]["median"], 6.0);
        assert!(told["goals"][0]["met"].is_null());
    }
}
