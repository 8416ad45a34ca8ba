//! `s6-log` under fire: random scripts, random bytes in random pieces, and kills at random moments.
//! What is in its directories is what was selected, in order: nothing twice, and nothing lost but what
//! it had in memory.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sixfold_integration_tests::binary;
use tempfile::TempDir;

/// How many histories are lived through.
const HISTORIES: u32 = 16;

/// What one process goes through.
#[derive(Debug, Clone)]
struct Life {
    /// Lines, each in pieces of at most this many bytes.
    lines: Vec<Vec<u8>>,
    piece: usize,
    /// It is killed after that; else its input ends.
    is_killed: bool,
}

/// How the directory is kept.
#[derive(Debug, Clone)]
struct Script {
    words: Vec<String>,
    /// Which lines are selected.
    selected: Option<u8>,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    // Letters often enough that selections find something, and all other bytes but ends of lines.
    let byte =
        prop_oneof![4 => b'a'..b'f', 1 => (1..=255_u8).prop_filter("ends", |byte| *byte != b'\n')];
    let line = prop_oneof![
        8 => proptest::collection::vec(byte.clone(), 0..80),
        1 => proptest::collection::vec(byte, 5000..9000),
    ];
    let life = (
        proptest::collection::vec(line, 0..200),
        200..20_000_usize,
        any::<bool>(),
    );
    let life = life.prop_map(|(lines, piece, is_killed)| Life {
        lines,
        piece,
        is_killed,
    });
    proptest::collection::vec(life, 1..6)
}

fn script() -> impl Strategy<Value = Script> {
    let selection = proptest::option::of(b'a'..b'f');
    let processor = prop_oneof![Just(None), Just(Some("!cat")), Just(Some("?cat"))];
    (
        selection,
        processor,
        4096..20_000_u32,
        0..2048_u32,
        any::<bool>(),
    )
        .prop_map(|(selected, processor, size, tolerance, blocks)| {
            let mut words = vec!["-l0".to_owned()];
            words.extend(blocks.then(|| "-b".to_owned()));
            words.push("--".to_owned());
            if let Some(letter) = selected {
                words.push("-".to_owned());
                words.push(format!("+{}", char::from(letter)));
            }
            words.extend([
                "n10000".to_owned(),
                format!("s{size}"),
                format!("l{tolerance}"),
            ]);
            words.push("r10".to_owned());
            words.extend(processor.map(str::to_owned));
            words.push("./log".to_owned());
            Script { words, selected }
        })
}

fn start(dir: &Path, script: &Script) -> Child {
    let mut command = Command::new(binary());
    command
        .arg0("s6-log")
        .args(&script.words)
        .current_dir(dir)
        .stdin(Stdio::piped());
    command.spawn().unwrap()
}

/// All that the directory holds, in order.
fn content(dir: &Path) -> Vec<u8> {
    let log = dir.join("log");
    let Ok(names) = fs::read_dir(&log) else {
        return Vec::new();
    };
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with('@')).collect();
    names.sort_unstable();
    names.push("current".to_owned());
    let files = names.into_iter();
    files
        .flat_map(|name| fs::read(log.join(name)).unwrap_or_default())
        .collect()
}

/// Who reads may be dead already.
fn write(stdin: &mut ChildStdin, bytes: &[u8], piece: usize) {
    for piece in bytes.chunks(piece) {
        if stdin.write_all(piece).is_err() {
            return;
        }
    }
}

fn live(dir: &Path, script: &Script, lives: &[Life]) -> Result<(), TestCaseError> {
    let mut expected: Vec<u8> = Vec::new();
    for life in lives {
        let mut child = start(dir, script);
        let mut stdin = child.stdin.take().unwrap();
        let text: Vec<u8> = life
            .lines
            .iter()
            .flat_map(|line| [line, &b"\n"[..]].concat())
            .collect();
        write(&mut stdin, &text, life.piece);
        if life.is_killed {
            child.kill().unwrap();
        }
        drop(stdin);
        let status = child.wait().unwrap();
        prop_assert!(life.is_killed || status.success());
        let is_selected =
            |line: &&Vec<u8>| script.selected.is_none_or(|letter| line.contains(&letter));
        let selected = life.lines.iter().filter(is_selected);
        let selected: Vec<u8> = selected
            .flat_map(|line| [line, &b"\n"[..]].concat())
            .collect();
        if life.is_killed {
            // The next one brings to an end what it has left, and adds nothing.
            let mut next = start(dir, script);
            drop(next.stdin.take());
            prop_assert!(next.wait().unwrap().success());
            let found = content(dir);
            prop_assert!(found.starts_with(&expected), "what was there is there");
            let new = &found[expected.len()..];
            prop_assert!(selected.starts_with(new), "what came is there, in order");
            expected = found;
        } else {
            expected.extend(selected);
            prop_assert_eq!(content(dir), expected.clone());
        }
    }
    Ok(())
}

#[test]
fn what_comes_is_kept_whatever_is_killed() {
    let config = Config {
        cases: HISTORIES,
        max_shrink_iters: 50,
        failure_persistence: None,
        ..Config::default()
    };
    // The seed is fixed, so that a failure comes again as far as the moment of a kill can.
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[6; 32]);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let run = runner.run(&(script(), lives()), |(script, lives)| {
        let dir = TempDir::with_prefix("sixfold-log-").unwrap();
        live(dir.path(), &script, &lives)
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}

/// Where hardly anything but rotations happens, each kill hits one.
#[test]
fn a_kill_in_the_middle_of_a_rotation_costs_nothing() {
    for processor in ["!", "?cat"] {
        let dir = TempDir::with_prefix("sixfold-log-").unwrap();
        let script = Script {
            words: ["-b", "n100000", "s4096", "l2048", "r10", processor, "./log"]
                .map(str::to_owned)
                .to_vec(),
            selected: None,
        };
        let lines = (0..2000).map(|number| format!("{number} {}", "x".repeat(100)).into_bytes());
        let life = Life {
            lines: lines.collect(),
            piece: 2100,
            is_killed: true,
        };
        live(dir.path(), &script, &vec![life; 15]).unwrap();
    }
}

/// Reads lines until one is `last`, and gives all of them.
fn lines_up_to(output: &mut impl BufRead, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line| line != last) {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "after {lines:?}");
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Debian has no `s6-logwatch` to compare it with.
#[test]
fn a_directory_is_followed_from_file_to_file() {
    let dir = TempDir::with_prefix("sixfold-log-").unwrap();
    let script = Script {
        words: vec!["./log".to_owned()],
        selected: None,
    };
    let mut log = start(dir.path(), &script);
    let mut stdin = log.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    while content(dir.path()) != b"one\n" {
        std::thread::yield_now();
    }
    let mut watch = Command::new(binary())
        .args(["s6-logwatch", "log"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(watch.stdout.take().unwrap());
    assert_eq!(lines_up_to(&mut output, "one"), ["one"]);
    let pid = nix::unistd::Pid::from_raw(log.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGALRM).unwrap();
    stdin.write_all(b"two\nthree\n").unwrap();
    assert_eq!(lines_up_to(&mut output, "three"), ["two", "three"]);
    drop(stdin);
    assert!(log.wait().unwrap().success());
    watch.kill().unwrap();
    watch.wait().unwrap();
}
