//! The rules about source files. Each takes a file and returns what breaks it there.
//!
//! Nothing here reads a file, so that each rule is tested on bad text, too: a rule that cannot fail
//! keeps nothing. Called from `architecture.rs`.

use super::lexer::Kind;
use super::source::{CodePath, Finding, Source};

/// The crates that decide and touch nothing.
pub(crate) const PURE: [&str; 4] = ["model", "engine", "protocol", "execline"];
/// The crate that alone may do what the compiler cannot check.
const KERNEL: &str = "sys";
/// What of the daemon its callers call, and what that shares: there errors are for people.
const EDGE: [&str; 3] = [
    "crates/daemon/src/boot.rs",
    "crates/daemon/src/shell.rs",
    "crates/daemon/src/supervise.rs",
];
/// No file is longer.
const LINES: usize = 600;

/// What pure code may not name. The clock is among it: time is an argument.
const WORLD: [&[&str]; 10] = [
    &["tokio"],
    &["nix"],
    &["libc"],
    &["anyhow"],
    &["std", "*"],
    &["std", "fs"],
    &["std", "process"],
    &["std", "env"],
    &["std", "net"],
    &["std", "thread"],
];
const CLOCKS: [&str; 2] = ["SystemTime", "Instant"];
/// Methods of `Path` that ask the file system.
const QUESTIONS: [&str; 10] = [
    "exists",
    "try_exists",
    "is_file",
    "is_dir",
    "is_symlink",
    "canonicalize",
    "read_dir",
    "read_link",
    "metadata",
    "symlink_metadata",
];

/// Pure code reads no file, starts no process, looks at no variable and at no clock.
pub(crate) fn pure_code(source: &Source) -> Vec<Finding> {
    if !source.krate().is_some_and(|krate| PURE.contains(&krate)) {
        return Vec::new();
    }
    let is_world = |path: &CodePath| {
        WORLD.iter().any(|prefix| path.begins(prefix)) || CLOCKS.iter().any(|it| path.holds(&[it]))
    };
    let paths = source.paths().into_iter();
    let named = paths
        .filter(|path| !path.is_test && is_world(path))
        .map(|path| (path.line, path.segments.join("::")));
    let asked = QUESTIONS.iter().flat_map(|method| {
        source
            .occurrences_outside_tests([".", method, "("])
            .map(move |line| (line, format!("Path::{method}")))
    });
    named
        .chain(asked)
        .map(|(line, what)| {
            source.finding(
                line,
                format!("a pure crate touches nothing outside it: {what}"),
            )
        })
        .collect()
}

/// What starts a thread, or waits where nothing may wait.
const THREADS: [&[&str]; 13] = [
    &["thread", "spawn"],
    &["thread", "scope"],
    &["thread", "Builder"],
    &["thread", "sleep"],
    &["spawn_blocking"],
    &["block_in_place"],
    &["new_multi_thread"],
    &["tokio", "main"],
    &["tokio", "fs"],
    &["tokio", "io", "stdin"],
    &["tokio", "io", "stdout"],
    &["tokio", "io", "stderr"],
    &["tokio", "io", "*"],
];

/// One thread, which never blocks: no thread is started, and none sleeps. Tests may have threads,
/// and may not sleep either: they wait for what is to happen.
pub(crate) fn one_thread(source: &Source) -> Vec<Finding> {
    if source.krate().is_none() {
        return Vec::new();
    }
    let sleep: &[&str] = &["thread", "sleep"];
    source
        .paths()
        .into_iter()
        .filter(|path| {
            THREADS
                .iter()
                .any(|banned| path.holds(banned) && (!path.is_test || *banned == sleep))
        })
        .map(|path| {
            let what = path.segments.join("::");
            source.finding(path.line, format!("one thread that never blocks: {what}"))
        })
        .collect()
}

/// Nothing waits for a child beside its owner: `Command::status` and `output` would.
pub(crate) fn no_waiting_for_commands(source: &Source) -> Vec<Finding> {
    if source.krate().is_none() {
        return Vec::new();
    }
    ["status", "output"]
        .into_iter()
        .flat_map(|method| {
            let called = source.occurrences_outside_tests([".", method, "(", ")"]);
            let named = source.paths().into_iter();
            let named = named
                .filter(move |path| !path.is_test && path.holds(&["Command", method]))
                .map(|path| path.line);
            called.chain(named).map(move |line| {
                let rule = format!("a child is waited for by its unit alone: Command::{method}");
                source.finding(line, rule)
            })
        })
        .collect()
}

/// Nothing is left for later, no test is switched off, no lint is silenced for good.
pub(crate) fn nothing_unfinished(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ["todo", "unimplemented"] {
        for open in ["(", "[", "{"] {
            for at in source.occurrences(&[name, "!", open]) {
                let rule = format!("nothing is left for later: {name}!");
                findings.push(source.finding(source.tokens[at].line, rule));
            }
        }
    }
    for (start, end) in attributes(source) {
        for at in start..end {
            let line = source.tokens[at].line;
            if source.is_at(at, &["ignore"]) {
                findings.push(source.finding(line, "no test is switched off: #[ignore]"));
            }
            if source.is_at(at, &["allow", "("]) {
                let rule = "a lint is lifted by #[expect(lint, reason = \"...\")]: #[allow]";
                findings.push(source.finding(line, rule));
            }
        }
    }
    findings
}

/// Where attributes are: from `#` to behind `]`.
fn attributes(source: &Source) -> Vec<(usize, usize)> {
    let outer = source.occurrences(&["#", "["]).map(|at| (at, at + 2));
    let inner = source.occurrences(&["#", "!", "["]).map(|at| (at, at + 3));
    outer
        .chain(inner)
        .map(|(start, mut at)| {
            let mut depth = 1_usize;
            while depth > 0 && at < source.tokens.len() {
                depth += usize::from(source.is_at(at, &["["]));
                depth -= usize::from(source.is_at(at, &["]"]));
                at += 1;
            }
            (start, at)
        })
        .collect()
}

/// Only the kernel layer has code that the compiler does not check, or lifts the ban on it, which
/// it does in its `lib.rs`.
pub(crate) fn unsafe_in_kernel_layer_only(source: &Source) -> Vec<Finding> {
    let in_kernel = source.krate() == Some(KERNEL);
    let is_list = in_kernel && source.path.ends_with("src/lib.rs");
    let code = source.occurrences(&["unsafe"]).filter(|_| !in_kernel);
    let lift = source.occurrences(&["unsafe_code"]).filter(|_| !is_list);
    code.map(|at| (at, "only crates/sys has unsafe code"))
        .chain(lift.map(|at| {
            (
                at,
                "only the list in crates/sys/src/lib.rs lifts unsafe_code",
            )
        }))
        .map(|(at, rule)| source.finding(source.tokens[at].line, rule))
        .collect()
}

/// Each module of the kernel layer that has unsafe code is listed in `list`, its `lib.rs`, with an
/// `expect` and a reason.
pub(crate) fn unsafe_modules_are_listed(list: &Source, sources: &[Source]) -> Vec<Finding> {
    let entries = lifted_modules(list);
    let mut findings = Vec::new();
    for (line, module, reason) in &entries {
        if reason.trim().is_empty() {
            let rule = format!("a module with unsafe code has a reason: {module}");
            findings.push(list.finding(*line, rule));
        }
    }
    for source in sources {
        let Ok(inside) = source.path.strip_prefix("crates/sys/src") else {
            continue;
        };
        let first = inside.iter().next().map(std::path::Path::new);
        let module = first
            .and_then(|first| first.file_stem())
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if entries.iter().any(|(_, listed, _)| listed == module) {
            continue;
        }
        // What a macro makes where it is used is not code here.
        let is_code = |at: &usize| !source.is_at(*at, &["unsafe", "(", "no_mangle"]);
        if let Some(at) = source.occurrences(&["unsafe"]).find(is_code) {
            let rule = format!(
                "a module with unsafe code is listed in crates/sys/src/lib.rs with an expect: {module}"
            );
            findings.push(source.finding(source.tokens[at].line, rule));
        }
    }
    findings
}

/// The modules for which `list` lifts the ban: line, name, reason.
fn lifted_modules(list: &Source) -> Vec<(usize, String, String)> {
    let attributes = attributes(list).into_iter();
    attributes
        .filter_map(|(start, end)| {
            let lifts = (start..end).any(|at| list.is_at(at, &["expect", "(", "unsafe_code"]));
            let behind = list.tokens.get(end..)?;
            let at = behind
                .iter()
                .position(|token| token.text == "mod" && token.kind == Kind::Word)
                .filter(|at| *at <= MOST_BEFORE_MOD)?;
            let module = behind.get(at + 1)?;
            let reason = (start..end)
                .find(|at| list.is_at(*at, &["reason", "="]))
                .and_then(|at| list.tokens.get(at + 2))
                .filter(|token| token.kind == Kind::Literal)
                .map(|token| token.text.clone());
            lifts.then(|| (module.line, module.text.clone(), reason.unwrap_or_default()))
        })
        .collect()
}

/// The tokens of `pub(in a::b)`, the longest that usually stands between an attribute and `mod`.
const MOST_BEFORE_MOD: usize = 8;

/// Right above each unsafe block, or above the statement that holds it, stands why it is sound.
pub(crate) fn unsafe_is_explained(source: &Source) -> Vec<Finding> {
    source
        .occurrences(&["unsafe"])
        .filter(|at| source.is_at(at + 1, &["{"]) || source.is_at(at + 1, &["impl"]))
        .filter(|at| {
            let line = source.tokens[*at].line;
            !is_explained(source, line) && !is_explained(source, statement_line(source, *at))
        })
        .map(|at| {
            let rule = "right above an unsafe block stands a SAFETY comment";
            source.finding(source.tokens[at].line, rule)
        })
        .collect()
}

/// The line in which the statement begins that holds the token at `at`.
fn statement_line(source: &Source, at: usize) -> usize {
    let before = &source.tokens[..at];
    let is_edge = |index: &usize| {
        [";", "{", "}"]
            .iter()
            .any(|edge| source.is_at(*index, &[edge]))
            || source.is_at(index.saturating_sub(1), &["=", ">"])
    };
    let start = (0..before.len()).rev().find(is_edge).map_or(0, |at| at + 1);
    source.tokens[start].line
}

/// Whether the comment that ends in the line before `line` says `SAFETY:`.
fn is_explained(source: &Source, line: usize) -> bool {
    let mut above = line;
    for comment in source.comments.iter().rev() {
        if comment.last_line + 1 == above {
            if comment.text.contains("SAFETY:") {
                return true;
            }
            above = comment.line;
        }
    }
    false
}

/// A file begins with what it is for.
pub(crate) fn begins_with_documentation(source: &Source) -> Vec<Finding> {
    let begins = source.text.starts_with("//! ");
    let rule = "a file begins with //! and what it is for";
    (!begins)
        .then(|| source.finding(1, rule))
        .into_iter()
        .collect()
}

/// A long file has a second job.
pub(crate) fn is_short(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let rule = format!("no file of crates has more than {LINES} lines: {lines}");
    (source.krate().is_some() && lines > LINES)
        .then(|| source.finding(LINES + 1, rule))
        .into_iter()
        .collect()
}

/// Errors have types; only the commands and the daemon's way in hand on whatever came up.
pub(crate) fn anyhow_at_the_edge(source: &Source) -> Vec<Finding> {
    let at_edge = source.krate() == Some("cli")
        || EDGE.iter().any(|file| source.path.ends_with(file))
        || source.path.ends_with("crates/daemon/src/lib.rs");
    source
        .occurrences(&["anyhow"])
        .filter(|_| source.krate().is_some() && !at_edge)
        .map(|at| {
            let rule = "anyhow is for crates/cli and for the daemon's edge alone";
            source.finding(source.tokens[at].line, rule)
        })
        .collect()
}

/// The black-box tests see what a user sees.
pub(crate) fn black_box(source: &Source) -> Vec<Finding> {
    let is_outside = source.path.starts_with("integration-tests");
    let paths = source.paths().into_iter();
    paths
        .filter(|path| {
            let first = path
                .segments
                .first()
                .map(String::as_str)
                .unwrap_or_default();
            let is_ours = first.starts_with("sixfold_") && first != "sixfold_integration_tests";
            is_outside && is_ours
        })
        .map(|path| {
            let what = path.segments.join("::");
            let rule = format!("black-box tests link to none of our crates: {what}");
            source.finding(path.line, rule)
        })
        .collect()
}

impl Source {
    /// The lines in which `texts` stand one behind the other outside test code.
    fn occurrences_outside_tests<const N: usize>(
        &self,
        texts: [&str; N],
    ) -> impl Iterator<Item = usize> {
        (0..self.tokens.len())
            .filter(move |at| self.is_at(*at, &texts) && !self.is_test(*at))
            .map(|at| self.tokens[at].line)
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
