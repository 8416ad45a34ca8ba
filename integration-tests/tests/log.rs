//! `s6-log` under fire: random scripts, random bytes in random pieces, and kills at random moments.
//! What is in its directories is what was selected, in order: nothing twice, and nothing lost but what
//! it had in memory.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sixfold_integration_tests::{binary, s6_available};
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

/// What a killed one has left in its directory: the modes of its files, where they are there.
#[derive(Debug, Clone, Copy)]
struct Left {
    current: Option<u32>,
    previous: Option<u32>,
    processed: Option<u32>,
    has_state: bool,
    has_new_state: bool,
    /// The file that has an archive's name already, and its own still.
    linked: Option<&'static str>,
}

/// The mode of a file that was written to the end, and that of one that was not.
const WHOLE: u32 = 0o744;
const CUT: u32 = 0o644;

/// Every combination. s6-log gives a file an archive's name when it is whole, or `previous`, or not
/// whole and `current`.
fn all_left() -> Vec<Left> {
    let modes = [None, Some(CUT), Some(WHOLE)];
    let mut all = Vec::new();
    for number in 0..27 * 4 {
        let left = Left {
            current: modes[number % 3],
            previous: modes[number / 3 % 3],
            processed: modes[number / 9 % 3],
            has_state: number / 27 % 2 == 1,
            has_new_state: number / 54 == 1,
            linked: None,
        };
        let may_be_linked = [
            (left.current == Some(CUT)).then_some("current"),
            left.previous.map(|_| "previous"),
            (left.processed == Some(WHOLE)).then_some("processed"),
        ];
        all.push(left);
        let linked = may_be_linked.into_iter().flatten();
        all.extend(linked.map(|name| Left {
            linked: Some(name),
            ..left
        }));
    }
    all
}

impl Left {
    fn make(self, dir: &Path) {
        let log = dir.join("log");
        fs::create_dir(&log).unwrap();
        let file = |name: &str, mode: Option<u32>| {
            if let Some(mode) = mode {
                fs::write(log.join(name), format!("the {name}\n")).unwrap();
                fs::set_permissions(log.join(name), fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        file("current", self.current);
        file("previous", self.previous);
        file("processed", self.processed);
        file("state", self.has_state.then_some(CUT));
        file("newstate", self.has_new_state.then_some(CUT));
        if self.has_state {
            fs::write(log.join("lock"), "").unwrap();
        }
        if let Some(name) = self.linked {
            let letter = if name == "current" { 'u' } else { 's' };
            let archive = format!("@400000005000000000000000.{letter}");
            fs::hard_link(log.join(name), log.join(archive)).unwrap();
        }
    }

    /// What `program` makes of it, given one more line: each file with its mode, number of names and
    /// content, the archives without the moments in their names.
    fn taken_over(self, program: &Path, words: &[&str]) -> Vec<(String, u32, u64, String)> {
        let dir = TempDir::with_prefix("sixfold-log-").unwrap();
        self.make(dir.path());
        let run = || {
            let mut command = Command::new(program);
            command.arg0("s6-log").args(words).arg("./log");
            command.current_dir(dir.path()).stdin(Stdio::piped());
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            // It may have failed already.
            let _ = child.stdin.take().unwrap().write_all(b"new\n");
            child.wait().unwrap().code()
        };
        // 2.11 wants to give two files the same name, and then needs another start.
        let code = match run() {
            Some(111) if program != binary() => run(),
            code => code,
        };
        assert_eq!(code, Some(0), "{self:?}");
        let log = dir.path().join("log");
        let mut names: Vec<String> = fs::read_dir(&log)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        let files = names.into_iter().map(|name| {
            let found = fs::metadata(log.join(&name)).unwrap();
            let content = fs::read_to_string(log.join(&name)).unwrap();
            let name = match name.strip_prefix('@') {
                Some(archive) => format!("@{}", &archive[24..]),
                None => name,
            };
            (name, found.mode() & 0o7777, found.nlink(), content)
        });
        files.collect()
    }
}

#[test]
fn what_is_left_of_a_rotation_is_taken_over_as_by_debians() {
    if !s6_available() {
        return;
    }
    let theirs = Path::new("/usr/bin/s6-log");
    for words in [&[][..], &["?cat"]] {
        for left in all_left() {
            let found = left.taken_over(binary(), words);
            let is_more = left.previous.is_some() || left.processed.is_some();
            let expected = if left.current == Some(WHOLE) && is_more {
                // Debian's looks no further then: what else is there stays until the next rotation
                // writes over it. Here it is kept, as if there were no `current`.
                let current = None;
                let mut others = Left { current, ..left }.taken_over(theirs, words);
                let current = others.iter_mut().find(|(name, ..)| name == "current");
                current.unwrap().3.insert_str(0, "the current\n");
                others
            } else {
                left.taken_over(theirs, words)
            };
            assert_eq!(found, expected, "{left:?} {words:?}");
        }
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
