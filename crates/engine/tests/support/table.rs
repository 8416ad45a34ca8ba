//! A machine as a table: what each input does in each state, every pair written down. Used by the
//! unit tests of the machines.

use std::fmt::Write as _;

/// The table of a machine: under each state, what each input leads to, and at last the inputs that
/// do nothing in it. `apply` returns what an input does in a state, empty for nothing.
pub(crate) fn table(
    states: &[&str],
    inputs: &[&str],
    apply: impl Fn(&str, &str) -> String,
) -> String {
    let mut text = String::from("\n");
    for state in states {
        writeln!(text, "{state}").unwrap();
        let mut idle = Vec::new();
        for input in inputs {
            let result = apply(state, input);
            if result.is_empty() {
                idle.push(*input);
            } else {
                writeln!(text, "  {input}: {result}").unwrap();
            }
        }
        writeln!(text, "  nothing: {}", idle.join(" | ")).unwrap();
    }
    text
}
