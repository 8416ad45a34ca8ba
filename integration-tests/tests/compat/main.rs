//! The supervision of s6, twice: see [`sixfold_integration_tests::compare`].

mod matrix;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use sixfold_integration_tests::compare::{self, Comparison};
use sixfold_integration_tests::{binary, case_groups, s6_available};
use tempfile::TempDir;

const S6: Comparison = Comparison {
    preamble: include_str!("preamble.sh"),
    is_installed: s6_available,
    theirs: "/usr/bin:/bin",
    ours,
};

case_groups!(S6, s6: svstat, svc, supervise, scan, chain, fifodir, instance, local, log);

#[test]
fn there_are_enough_cases() {
    let all = count() + matrix::count();
    assert!(all >= 150, "{all} cases");
}

/// The path with our commands, as they are listed by our help. None of s6's own may be taken in
/// their place.
fn ours(script: &str) -> String {
    static LINKS: OnceLock<TempDir> = OnceLock::new();
    let dir = LINKS.get_or_init(|| {
        let help = Command::new(binary()).arg("--help").output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let names = help
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        compare::links(names.filter(|name| name.starts_with("s6-") || *name == "ucspilogd"))
    });
    let words = script.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '/'));
    for word in words.filter(|word| word.starts_with("s6-")) {
        let is_program = Path::new("/usr/bin").join(word).exists();
        let is_ours = dir.path().join(word).exists();
        assert!(!is_program || is_ours, "there is no {word} of ours");
    }
    format!("{}:/usr/bin:/bin", dir.path().display())
}
