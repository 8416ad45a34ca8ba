//! What Sixfold may cost, as counts: a recorded value for each, and how much above it a measurement
//! may lie. Pure; `tests/budget.rs` measures, and keeps the record in `budget.json`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

/// One count that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The entry of the budget that it belongs to.
    pub name: String,
    /// How many.
    pub value: f64,
    /// Of what it is the sum, by the name of the system call, where it is one.
    pub calls: BTreeMap<String, f64>,
}

/// One count that is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What is counted, in a word or two.
    pub unit: String,
    /// What was measured when it was recorded.
    pub recorded: f64,
    /// How much more is allowed.
    pub slack: f64,
    /// In a sentence, what is counted.
    pub counts: String,
    /// The recorded value by the name of the system call.
    pub calls: BTreeMap<String, f64>,
}

/// What a measurement says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has changed by more than the slack.
    Kept,
    /// It is more than the budget allows.
    Worse,
    /// It is less than what was recorded, by more than the slack.
    Better,
}

impl Measured {
    /// A value that is no sum of system calls.
    pub fn of(name: &str, value: f64) -> Self {
        Self {
            name: name.to_owned(),
            value: rounded(value),
            calls: BTreeMap::new(),
        }
    }

    /// A number of system calls for each of `share` things.
    pub fn calls(name: &str, tally: &crate::calls::Tally, share: f64) -> Self {
        let each = |count: i64| as_float(count) / share;
        let calls = tally.iter();
        Self {
            name: name.to_owned(),
            value: rounded(each(tally.values().sum())),
            calls: calls
                .map(|(call, count)| (call.clone(), rounded(each(*count))))
                .collect(),
        }
    }
}

impl Entry {
    /// What `measured` says of this entry.
    pub fn verdict(&self, measured: &Measured) -> Verdict {
        if measured.value > self.recorded + self.slack {
            Verdict::Worse
        } else if measured.value < self.recorded - self.slack {
            Verdict::Better
        } else {
            Verdict::Kept
        }
    }

    /// How much more than recorded it is.
    pub fn excess(&self, measured: &Measured) -> f64 {
        rounded(measured.value - self.recorded)
    }

    /// The system calls of which there are more or fewer than recorded, one a line.
    pub fn changes(&self, measured: &Measured) -> String {
        let mut text = String::new();
        let names = self.calls.keys().chain(measured.calls.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let count = |calls: &BTreeMap<String, f64>| calls.get(name).copied().unwrap_or(0.0);
            let (was, is) = (count(&self.calls), count(&measured.calls));
            // A turn of the loop more or less among many is not what is looked for.
            if (was - is).abs() > 0.05 {
                let _ = writeln!(
                    text,
                    "    {name:20} {was:>9} -> {is:<9} ({:+})",
                    rounded(is - was)
                );
            }
        }
        text
    }
}

/// The entries of a budget file.
///
/// # Errors
///
/// With what is wrong in it.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries = file.as_array().ok_or("it is not a list of entries")?;
    entries.iter().map(entry).collect()
}

fn entry(value: &Value) -> Result<Entry, String> {
    let text = |key: &str| {
        let text = value[key].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("an entry has no {key:?}: {value}"))
    };
    let number = |key: &str| {
        let number = value[key].as_f64();
        number.ok_or_else(|| format!("an entry has no number {key:?}: {value}"))
    };
    let mut calls = BTreeMap::new();
    if let Some(recorded) = value["calls"].as_object() {
        for (name, count) in recorded {
            let count = count
                .as_f64()
                .ok_or_else(|| format!("{name} is no number"))?;
            calls.insert(name.clone(), count);
        }
    }
    Ok(Entry {
        name: text("name")?,
        unit: text("unit")?,
        recorded: number("recorded")?,
        slack: number("slack")?,
        counts: text("counts")?,
        calls,
    })
}

/// The text of a budget file: what [`parse`] reads, in an order that people read.
pub fn write(entries: &[Entry]) -> String {
    let entries: Vec<String> = entries.iter().map(written).collect();
    format!("[\n{}\n]\n", entries.join(",\n"))
}

fn written(entry: &Entry) -> String {
    let Entry {
        name,
        unit,
        recorded,
        slack,
        counts,
        calls,
    } = entry;
    let quoted = |text: &str| Value::from(text).to_string();
    let mut text = format!(
        "  {{\n    \"name\": {},\n    \"unit\": {},\n    \"recorded\": {recorded},\n    \
         \"slack\": {slack},\n    \"counts\": {}",
        quoted(name),
        quoted(unit),
        quoted(counts),
    );
    if !calls.is_empty() {
        let calls: Vec<String> = calls
            .iter()
            .map(|(name, count)| format!("      {}: {count}", quoted(name)))
            .collect();
        let _ = write!(text, ",\n    \"calls\": {{\n{}\n    }}", calls.join(",\n"));
    }
    text.push_str("\n  }");
    text
}

/// The budget with what was measured as its record; slack and words stay.
///
/// # Errors
///
/// When the two do not name the same counts.
pub fn record(entries: &[Entry], measured: &[Measured]) -> Result<Vec<Entry>, String> {
    pair(entries, measured).map(|pairs| {
        pairs
            .into_iter()
            .map(|(entry, measured)| Entry {
                recorded: measured.value,
                calls: measured.calls.clone(),
                ..entry.clone()
            })
            .collect()
    })
}

/// Each entry with its measurement.
///
/// # Errors
///
/// When one has no other.
pub fn pair<'a>(
    entries: &'a [Entry],
    measured: &'a [Measured],
) -> Result<Vec<(&'a Entry, &'a Measured)>, String> {
    for measured in measured {
        if !entries.iter().any(|entry| entry.name == measured.name) {
            return Err(format!(
                "{} was measured ({}) and has no entry: write one, with its unit, its slack and a \
                 sentence",
                measured.name, measured.value
            ));
        }
    }
    let mut pairs = Vec::new();
    for entry in entries {
        let of = measured.iter().find(|measured| measured.name == entry.name);
        let of = of.ok_or_else(|| format!("{} has an entry and is not measured", entry.name))?;
        pairs.push((entry, of));
    }
    Ok(pairs)
}

/// Two digits behind the point: more is noise.
fn rounded(value: f64) -> f64 {
    // Not a minus before a zero.
    (value * 100.0).round() / 100.0 + 0.0
}

/// Counts are far below what a float holds exactly.
fn as_float(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(counts: &[(&str, f64)]) -> BTreeMap<String, f64> {
        let counts = counts.iter();
        counts
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    fn starts() -> Entry {
        Entry {
            name: "start".to_owned(),
            unit: "calls".to_owned(),
            recorded: 40.0,
            slack: 0.5,
            counts: "What a \"start\" costs.".to_owned(),
            calls: calls(&[("openat", 3.0), ("read", 37.0)]),
        }
    }

    #[test]
    fn one_more_is_worse_and_one_less_is_better() {
        let verdict = |value| starts().verdict(&Measured::of("start", value));
        assert_eq!(verdict(40.0), Verdict::Kept);
        assert_eq!(verdict(40.5), Verdict::Kept);
        assert_eq!(verdict(39.5), Verdict::Kept);
        assert_eq!(verdict(41.0), Verdict::Worse);
        assert_eq!(verdict(39.0), Verdict::Better);
    }

    #[test]
    fn tally_is_shared_among_what_it_counts() {
        let tally = [("openat".to_owned(), 7), ("read".to_owned(), -1)].into();
        let measured = Measured::calls("start", &tally, 3.0);
        assert_eq!(measured.value.to_string(), "2");
        assert_eq!(measured.calls, calls(&[("openat", 2.33), ("read", -0.33)]));
        assert_eq!(Measured::of("start", -0.001).value.to_string(), "0");
    }

    #[test]
    fn changes_name_the_calls_that_differ() {
        let measured = Measured {
            calls: calls(&[("close", 1.0), ("openat", 4.0), ("read", 37.02)]),
            ..Measured::of("start", 42.02)
        };
        let changes = starts().changes(&measured);
        let lines: Vec<Vec<&str>> = changes
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[0], ["close", "0", "->", "1", "(+1)"]);
        assert_eq!(lines[1], ["openat", "3", "->", "4", "(+1)"]);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let entries = [
            starts(),
            Entry {
                calls: BTreeMap::new(),
                recorded: 0.25,
                ..starts()
            },
        ];
        assert_eq!(parse(&write(&entries)).as_deref(), Ok(&entries[..]));
        assert!(parse("{}").is_err());
        let lacking = write(&entries).replace("slack", "slag");
        assert!(parse(&lacking).is_err_and(|why| why.contains("slack")));
    }

    #[test]
    fn recording_anew_changes_the_record_alone() {
        let measured = Measured {
            calls: calls(&[("read", 38.0)]),
            ..Measured::of("start", 38.0)
        };
        let recorded = record(&[starts()], std::slice::from_ref(&measured));
        let expected = Entry {
            recorded: 38.0,
            calls: measured.calls.clone(),
            ..starts()
        };
        assert_eq!(recorded, Ok(vec![expected]));
    }

    #[test]
    fn a_count_without_an_entry_and_an_entry_without_a_count_are_mistakes() {
        let entries = [starts()];
        let stop = [Measured::of("stop", 1.0)];
        let unknown = pair(&entries, &stop);
        assert!(unknown.is_err_and(|why| why.contains("stop was measured")));
        assert!(pair(&entries, &[]).is_err_and(|why| why.contains("not measured")));
        assert!(pair(&entries, &[Measured::of("start", 1.0)]).is_ok());
    }
}
