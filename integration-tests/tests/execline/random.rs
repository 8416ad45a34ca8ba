//! Scripts that nobody wrote: random bytes for the lexer, and random commands in one another. Both
//! interpreters must give the same words, output and exit code. The seed is fixed, so that a failure
//! comes again.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sixfold_integration_tests::{execline_available, root_available};
use tempfile::TempDir;

/// How many scripts of each kind are run.
const SCRIPTS: u32 = 400;

/// What a script comes to.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    code: Option<i32>,
    stdout: String,
    /// What the lexer says, without the file and the place, which only ours tells.
    complaint: Option<String>,
}

/// Runs the script in the file with the programs in `path`.
fn run(path: &str, file: &Path) -> Verdict {
    let output = Command::new("execlineb")
        .arg("-P")
        .arg(file)
        .current_dir("/")
        .env_clear()
        .env("PATH", path)
        .envs([("A", "one"), ("B", "x y  z "), ("E", "")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let complaint = stderr.lines().find_map(|line| {
        let text = line.strip_prefix("execlineb: fatal: ")?;
        let end = text.find(" in file").unwrap_or(text.len());
        Some(text[..end].to_owned())
    });
    Verdict {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaint,
    }
}

/// Runs scripts that `strategy` makes with both.
fn compare(strategy: impl Strategy<Value = Vec<u8>>) {
    if !root_available() || !execline_available() {
        return;
    }
    let ours = super::ours("");
    let theirs = super::EXECLINE.theirs;
    let dir = TempDir::with_prefix("sixfold-random-").unwrap();
    let file = dir.path().join("script");
    let config = Config {
        cases: SCRIPTS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&strategy, |script| {
        fs::write(&file, &script).unwrap();
        let (theirs, ours) = (run(theirs, &file), run(&ours, &file));
        prop_assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&script));
        Ok(())
    });
    result.unwrap();
}

#[test]
fn bytes() {
    let byte = prop_oneof![
        8 => prop::sample::select(&b" \n\t\r{}\"\\#"[..]),
        4 => prop::sample::select(&b"ab0x1789$@;"[..]),
        1 => prop::sample::select(&[0, 1, 0x7f, 0xc3, 0xff][..]),
    ];
    let script = prop::collection::vec(byte, 0..40).prop_map(|bytes| {
        let mut script = b"printf <%s> ".to_vec();
        for byte in bytes {
            // What the original makes of a brace before a backslash is an accident of its tables.
            let is_accident = byte == b'\\' && matches!(script.last(), Some(b'{' | b'}'));
            // It takes an open quote for closed, if a numeric escape is before the end.
            if byte == 0 {
                script.push(b'\n');
            }
            script.push(if is_accident { b'a' } else { byte });
        }
        script.push(b'\n');
        script
    });
    compare(script);
}

#[test]
fn commands() {
    compare(command().prop_map(String::into_bytes));
}

/// A word, with references to the names that commands define.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(
        &[
            "a",
            "b",
            "$a",
            "${b}",
            "x${a}y",
            "${a}-${b}",
            "\\$a",
            "\\\\$a",
            "\"$a $b\"",
            "\"\"",
            "\"p q\"",
            "$c",
            "\"${c} \"",
            "\"\\n\"",
            "{}",
            "1",
            "0",
        ][..],
    )
    .prop_map(str::to_owned)
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 0..4).prop_map(|words| words.join(" "))
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", "c"][..])
}

/// A command line with others in it and behind it.
fn command() -> impl Strategy<Value = String> {
    let variable = || prop::sample::select(&["A", "B", "E", "NONE", "a"][..]);
    let flags =
        || prop::sample::select(&["", "-s", "-n", "-sn", "-C", "-sC", "-s -d x", "-sCn"][..]);
    let leaf = prop_oneof![
        4 => words().prop_map(|words| format!("printf <%s> {words}")),
        1 => (0..4_u8).prop_map(|code| format!("exit {code}")),
        1 => variable().prop_map(|name| format!("printenv {name}")),
        1 => (word(), word()).prop_map(|(one, other)| format!("eltest {one} = {other}")),
    ];
    leaf.prop_recursive(6, 24, 3, move |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner);
        prop_oneof![
            (flags(), name(), word(), one.clone()).prop_map(|(flags, name, value, rest)| format!(
                "define {flags} {name} {value} {rest}"
            )),
            (flags(), name(), variable(), one.clone()).prop_map(
                |(flags, name, var, rest)| format!("importas {flags} {name} {var} {rest}")
            ),
            (word(), name(), variable(), one.clone()).prop_map(|(value, name, var, rest)| format!(
                "importas -D {value} {name} {var} {rest}"
            )),
            (word(), one.clone())
                .prop_map(|(value, rest)| format!("multidefine {value} {{ a b }} {rest}")),
            (word(), word(), one.clone()).prop_map(|(x, y, rest)| format!(
                "multisubstitute {{ define a {x} define -s b {y} importas c B }} {rest}"
            )),
            (variable(), word(), one.clone())
                .prop_map(|(var, value, rest)| format!("export {var} {value} {rest}")),
            (variable(), one.clone()).prop_map(|(var, rest)| format!("unexport {var} {rest}")),
            two.clone()
                .prop_map(|(one, rest)| format!("foreground {{ {one} }} {rest}")),
            two.clone()
                .prop_map(|(one, rest)| format!("if {{ {one} }} {rest}")),
            two.clone()
                .prop_map(|(one, rest)| format!("if -n -x 7 {{ {one} }} {rest}")),
            two.clone()
                .prop_map(|(one, rest)| format!("backtick -I a {{ {one} }} {rest}")),
            two.clone()
                .prop_map(|(one, rest)| format!("backtick -D d -E a {{ {one} }} {rest}")),
            two.clone()
                .prop_map(|(one, rest)| format!("tryexec {{ {one} }} {rest}")),
            (words(), one.clone())
                .prop_map(|(words, body)| format!("forx -E a {{ {words} }} {body}")),
            (words(), one.clone()).prop_map(|(words, body)| format!(
                "forx -x 1,2 a {{ {words} }} importas b a {body}"
            )),
            three
                .clone()
                .prop_map(|(one, two, three)| format!("ifelse {{ {one} }} {{ {two} }} {three}")),
            three.prop_map(|(one, two, three)| format!("ifte {{ {one} }} {{ {two} }} {three}")),
            one.clone()
                .prop_map(|one| format!("pipeline {{ {one} }} cat")),
            (word(), one.clone()).prop_map(|(text, rest)| format!("heredoc 0 {text} {rest}")),
            one.prop_map(|rest| format!("redirfd -r 0 /dev/null fdmove -c 5 1 fdclose 5 {rest}")),
        ]
    })
}
