//! The small tools. Debian has no package with the originals, so what is written under each case was
//! recorded from a build of s6-portable-utils 2.3.0.2 and s6-linux-utils 2.6.1.2. Where such a build is
//! at hand in [`ORIGINALS`], the cases are run with it too: see [`sixfold_integration_tests::compare`].

use std::path::Path;
use std::sync::OnceLock;

use sixfold_integration_tests::case_groups;
use sixfold_integration_tests::compare::{self, Comparison};
use tempfile::TempDir;

/// Where the originals would be.
const ORIGINALS: &str = "/opt/skarnet/bin";

const TOOLS: Comparison = Comparison {
    preamble: include_str!("preamble.sh"),
    is_installed: has_originals,
    theirs: "/opt/skarnet/bin:/usr/bin:/bin",
    ours,
};

/// Every command that is found by its name.
const COMMANDS: &str = "s6-basename s6-cat s6-chmod s6-chown s6-chroot s6-cut s6-dirname s6-dumpenv \
    s6-echo s6-env s6-expr s6-false s6-format-filter s6-grep s6-head s6-hiercopy s6-hostname \
    s6-linkname s6-ln s6-ls s6-maximumtime s6-mkdir s6-mkfifo s6-mount s6-nice s6-pause s6-printenv \
    s6-quote s6-quote-filter s6-rename s6-rmrf s6-seq s6-sleep s6-sort s6-sync s6-tail s6-touch \
    s6-true s6-umount s6-uniquename s6-unquote s6-unquote-filter s6-update-symlinks with-retries";

case_groups!(TOOLS, originals: print, files, lines, quoting, run);

/// Nobody has to have them.
fn has_originals() -> bool {
    Path::new(ORIGINALS).join("s6-echo").exists()
}

#[test]
fn every_command_has_cases() {
    let all = [
        include_str!("print.cases"),
        include_str!("files.cases"),
        include_str!("lines.cases"),
        include_str!("quoting.cases"),
        include_str!("run.cases"),
    ]
    .concat();
    for command in COMMANDS.split_whitespace() {
        assert!(all.contains(&format!("{command} ")), "{command}");
    }
    assert!(count() >= 75, "{} cases", count());
}

/// The path with our commands.
fn ours(_script: &str) -> String {
    static LINKS: OnceLock<TempDir> = OnceLock::new();
    let dir = LINKS.get_or_init(|| compare::links(COMMANDS.split_whitespace()));
    format!("{}:/usr/bin:/bin", dir.path().display())
}
