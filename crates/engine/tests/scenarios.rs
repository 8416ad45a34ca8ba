//! Scenarios: what the engine does in answer to a story of inputs, as text.
//!
//! Each file in `scenarios/` holds a line `policy KEY=VALUE...`, inputs (`> boot`) and under each
//! input the effects that it must have, one per line, in order. `UPDATE=1 cargo test` writes the
//! effects that it has instead; read the difference before keeping it.
//!
//! `> after 1000ms` lets time pass: whatever falls due on the way happens at its own moment, which
//! is printed as `@ 250ms`. A census that is due meanwhile finds processes and is not printed,
//! as there is one every few milliseconds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a scenario that cannot be read is a failed test"
)]

#[path = "support/stage.rs"]
mod stage;

use std::fmt::Write as _;
use std::path::Path;

#[test]
fn every_scenario_has_the_effects_that_it_is_written_with() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let update = std::env::var_os("UPDATE").is_some();
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 15, "only {} scenarios", paths.len());
    let mut failures = String::new();
    for path in paths {
        let expected = std::fs::read_to_string(&path).unwrap();
        let got = stage::play(&expected, &path.display().to_string());
        if got == expected {
            continue;
        }
        if update {
            std::fs::write(&path, got).unwrap();
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy();
        let line = expected
            .lines()
            .zip(got.lines())
            .take_while(|(old, new)| old == new)
            .count();
        writeln!(
            failures,
            "{name}:{}: expected {:?}, got {:?}; all of it:\n{got}",
            line + 1,
            expected.lines().nth(line).unwrap_or("the end"),
            got.lines().nth(line).unwrap_or("the end"),
        )
        .unwrap();
    }
    assert!(failures.is_empty(), "{failures}");
}
