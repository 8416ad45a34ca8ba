//! The language of execline and its commands, twice: see [`sixfold_integration_tests::compare`].

mod random;

use std::sync::OnceLock;

use sixfold_integration_tests::compare::{self, Comparison};
use sixfold_integration_tests::{case_groups, execline_available};
use tempfile::TempDir;

const EXECLINE: Comparison = Comparison {
    preamble: include_str!("preamble.sh"),
    is_installed: execline_available,
    theirs: "/usr/lib/execline/bin:/usr/bin:/bin",
    ours,
};

/// Every command that is found by its name, those of older versions at the end.
const COMMANDS: &str = "background backtick case cd define dollarat elgetopt elgetpositionals elglob \
    eltest emptyenv envfile exec execline-cd execline-umask execlineb exit export export-array \
    fdblock fdclose fdmove fdreserve fdswap forbacktickx foreground forstdin forx getcwd getpid \
    heredoc homeof if ifelse ifte ifthenelse importas loopwhilex multidefine multisubstitute \
    pipeline piperw posix-cd posix-umask redirfd runblock shift trap tryexec umask unexport wait \
    withstdinas import s6-test";

case_groups!(
    EXECLINE, debian:
    lexer, blocks, execlineb, substitute, define, environ, process, sequence, remainder, case,
    positional, trap, loops, capture, fds, eltest, older, hostile, checklist, traps, inherited,
);

#[test]
fn there_are_enough_cases() {
    let all = count();
    assert!(all >= 300, "{all} cases");
}

/// The path with our commands. Debian's `execlineb` in `/usr/bin` comes after ours, and the directory
/// of its other commands is not in it at all.
fn ours(_script: &str) -> String {
    static LINKS: OnceLock<TempDir> = OnceLock::new();
    let dir = LINKS.get_or_init(|| compare::links(COMMANDS.split_whitespace()));
    format!("{}:/usr/bin:/bin", dir.path().display())
}
