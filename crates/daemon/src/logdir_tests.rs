//! Log directories on a real file system: what each step leaves, and that a kill between any two of
//! them loses nothing that was written, and writes nothing twice.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The moment `seconds` after the beginning, by both clocks.
fn at(seconds: u64) -> Now {
    Now {
        wall: Duration::from_secs(1_700_000_000 + seconds),
        running: Duration::from_secs(seconds),
    }
}

/// A directory that begins a new file after 4096 bytes.
fn small(keep: u32) -> Rotation {
    let mut rotation = Rotation::default();
    rotation.keep = keep;
    rotation.set_size(4096);
    assert!(rotation.set_tolerance(0));
    rotation
}

fn fails(trouble: Trouble) {
    panic!("{trouble}");
}

fn open(path: &Path, rotation: Rotation, has_processor: bool, now: Now) -> LogDir {
    LogDir::open(path, rotation, has_processor, now, &mut fails).unwrap()
}

/// The files that were kept, oldest first.
fn archives(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with('@')).collect();
    names.sort_unstable();
    names
}

/// All that the directory holds, in order.
fn content(path: &Path) -> Vec<u8> {
    let names = archives(path).into_iter().chain([CURRENT.to_owned()]);
    names
        .flat_map(|name| fs::read(path.join(name)).unwrap_or_default())
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A processor that changes nothing, and counts in its state how often it was run.
fn pass(log: &mut LogDir, now: Now, is_well: bool) {
    let Some(files) = log.processor(now).unwrap() else {
        return;
    };
    let (mut text, mut state) = (Vec::new(), String::new());
    File::from(files.previous).read_to_end(&mut text).unwrap();
    File::from(files.state).read_to_string(&mut state).unwrap();
    File::from(files.processed).write_all(&text).unwrap();
    File::from(files.new_state)
        .write_all(format!("{state}x").as_bytes())
        .unwrap();
    log.processed(is_well, now, &mut |_| {});
}

#[test]
fn a_full_file_is_kept_whole_and_the_rest_goes_on() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    let mut log = open(&path, small(2), false, at(0));
    assert_eq!(mode(&path) & 0o777, 0o700);
    assert_eq!(mode(&path.join(CURRENT)) & WHOLE, 0);
    for second in 0..4 {
        log.buffer().extend(std::iter::repeat_n(b'a', 4095));
        log.buffer().push(b'\n');
        log.end_block();
        log.buffer().extend_from_slice(b"next\n");
        log.end_block();
        log.work(at(second), &mut fails);
    }
    assert!(log.is_done());
    let kept = archives(&path);
    assert_eq!(kept.len(), 2, "{kept:?}");
    for name in kept {
        assert!(name.ends_with(".s"));
        assert_eq!(fs::read(path.join(&name)).unwrap().len(), 4101);
        assert_eq!(mode(&path.join(name)) & WHOLE, WHOLE);
    }
    assert_eq!(fs::read(path.join(CURRENT)).unwrap(), b"next\n");
    log.close().unwrap();
    assert_eq!(mode(&path.join(CURRENT)) & WHOLE, WHOLE);
    // One that was closed is written on.
    let log = open(&path, small(2), false, at(9));
    assert_eq!((log.size, archives(&path).len()), (5, 2));
}

#[test]
fn one_at_a_time_goes_through_a_processor() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small(9), true, at(0));
    let full = [&[b'a'; 4095][..], b"\n"].concat();
    for _ in 0..2 {
        log.buffer().extend_from_slice(&full);
        log.end_block();
        log.work(at(0), &mut fails);
    }
    // The second waits until the first is through.
    assert_eq!(log.stage, Stage::Waiting);
    assert!(log.is_overdue && !log.is_done());
    pass(&mut log, at(1), false);
    assert_eq!(log.deadline(), Some(at(3).running), "it is tried again");
    pass(&mut log, at(2), true);
    assert_eq!(log.stage, Stage::Waiting, "not before that");
    pass(&mut log, at(3), true);
    log.work(at(3), &mut fails);
    assert_eq!((archives(dir.path()).len(), log.stage), (1, Stage::Waiting));
    pass(&mut log, at(4), true);
    log.work(at(4), &mut fails);
    assert!(log.is_done());
    assert_eq!(archives(dir.path()).len(), 2);
    assert_eq!(fs::read(dir.path().join(STATE)).unwrap(), b"xx");
    assert_eq!(content(dir.path()), full.repeat(2));
}

#[test]
fn what_a_kill_leaves_is_brought_to_an_end() {
    let leave = |files: &[(&str, &str, u32)]| {
        let dir = TempDir::new().unwrap();
        for (name, text, mode) in files {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
        }
        drop(open(dir.path(), small(9), false, at(0)));
        let kept = archives(dir.path()).into_iter().map(|name| {
            let text = fs::read_to_string(dir.path().join(&name)).unwrap();
            format!("{}{text}", name.chars().next_back().unwrap())
        });
        let kept: Vec<String> = kept.collect();
        for name in [PREVIOUS, PROCESSED, NEW_STATE] {
            assert!(!dir.path().join(name).exists(), "{name}");
        }
        let current = fs::read_to_string(dir.path().join(CURRENT)).unwrap();
        (kept.join(" "), current)
    };
    let left = |kept: &str, current: &str| (kept.to_owned(), current.to_owned());
    let current = (CURRENT, "c", 0o644);
    assert_eq!(leave(&[]), left("", ""));
    assert_eq!(leave(&[current]), left("uc", ""));
    assert_eq!(leave(&[(CURRENT, "c", 0o744)]), left("", "c"));
    let previous = (PREVIOUS, "p", 0o744);
    assert_eq!(leave(&[previous]), left("up", ""));
    // s6-log 2.11 gives both one name, and fails.
    assert_eq!(leave(&[previous, current]), left("up uc", ""));
    let half = [
        previous,
        current,
        (PROCESSED, "x", 0o644),
        (NEW_STATE, "n", 0o644),
    ];
    assert_eq!(leave(&half), left("up uc", ""));
    let whole = [
        previous,
        current,
        (PROCESSED, "P", 0o744),
        (NEW_STATE, "n", 0o644),
    ];
    assert_eq!(leave(&whole), left("sP uc", ""));
    // It is not lost either where `current` is whole.
    assert_eq!(leave(&[previous, (CURRENT, "c", 0o744)]), left("up", "c"));
}

#[test]
fn a_file_that_has_its_name_already_is_not_kept_twice() {
    for (name, mode) in [(PREVIOUS, 0o644), (CURRENT, 0o644), (PROCESSED, 0o744)] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, "p").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let kept = dir.path().join("@400000006553f1250000000a.s");
        fs::hard_link(path, &kept).unwrap();
        drop(open(dir.path(), small(9), false, at(0)));
        assert_eq!(archives(dir.path()).len(), 1, "{name}");
        assert_eq!(content(dir.path()), b"p", "{name}");
    }
}

#[test]
fn what_fails_is_told_and_tried_again() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small(9), false, at(0));
    let obstacle = dir.path().join(PREVIOUS).join("sub");
    fs::create_dir_all(&obstacle).unwrap();
    log.buffer().extend_from_slice(b"a\n");
    log.cut();
    let mut told = Vec::new();
    let mut tell = |trouble: Trouble| told.push(trouble.to_string());
    for second in [0, 1, 2] {
        log.work(at(second), &mut tell);
    }
    let path = dir.path().display();
    let expected = format!("unable to rename {path}/current to {path}/previous");
    assert_eq!(told, [expected.clone(), expected], "at 0 and at 2 seconds");
    assert_eq!(log.deadline(), Some(at(4).running));
    fs::remove_dir_all(dir.path().join(PREVIOUS)).unwrap();
    log.work(at(4), &mut fails);
    assert_eq!(archives(dir.path()).len(), 1);
}

#[test]
fn files_are_begun_by_the_clock_and_on_demand_but_never_empty() {
    let dir = TempDir::new().unwrap();
    let mut rotation = small(9);
    rotation.interval = Some(Duration::from_secs(60));
    let mut log = open(dir.path(), rotation, false, at(0));
    log.cut();
    log.work(at(100), &mut fails);
    assert_eq!((archives(dir.path()).len(), log.deadline()), (0, None));
    log.buffer().extend_from_slice(b"a\n");
    log.work(at(100), &mut fails);
    assert_eq!(archives(dir.path()).len(), 1);
    log.buffer().extend_from_slice(b"b\n");
    log.work(at(102), &mut fails);
    assert_eq!(log.deadline(), Some(at(160).running));
    log.cut();
    log.cut();
    log.work(at(103), &mut fails);
    assert_eq!(archives(dir.path()).len(), 2);
}

#[test]
fn a_directory_belongs_to_one() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("missing").join("log");
    let error = LogDir::open(&path, small(9), false, at(0), &mut fails).unwrap_err();
    let shown = path.display();
    assert_eq!(error.to_string(), format!("unable to mkdir {shown}"));
    let log = open(dir.path(), small(9), false, at(0));
    assert!(log.is_at(dir.path()) && !log.is_at(Path::new("/")));
}

/// What happens to a directory.
#[derive(Debug, Clone)]
enum Deed {
    /// A line of this length comes.
    Line(usize),
    /// A block ends.
    Block,
    /// A new file is asked for.
    Cut,
    /// So much is done, and the clock goes on, or back.
    Steps(usize, i64),
    /// The processor runs, and succeeds or not.
    Processor(bool),
    /// The process is killed, and there is another.
    Kill,
    /// It ends in order, and there is another.
    Close,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => prop_oneof![0..50_usize, 2000..5000_usize].prop_map(Deed::Line),
        4 => Just(Deed::Block),
        1 => Just(Deed::Cut),
        6 => (0..6_usize, -2..5_i64).prop_map(|(steps, seconds)| Deed::Steps(steps, seconds)),
        3 => any::<bool>().prop_map(Deed::Processor),
        1 => Just(Deed::Kill),
        1 => Just(Deed::Close),
    ];
    proptest::collection::vec(deed, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var("CI").is_ok() { 200 } else { 60 }))]

    /// Whatever happens and whenever it is killed: what is kept is what came, in order, but for what
    /// was in memory only.
    #[test]
    fn nothing_is_lost_and_nothing_is_twice(deeds in deeds(), has_processor in any::<bool>()) {
        let dir = TempDir::new().unwrap();
        let path = dir.path();
        let (mut number, mut seconds, mut wall) = (0_usize, 0_u64, 1_000_000_i64);
        let now = |seconds: u64, wall: i64| Now {
            wall: Duration::from_secs(u64::try_from(wall).unwrap()),
            running: Duration::from_secs(seconds),
        };
        let mut log = open(path, small(1000), has_processor, now(seconds, wall));
        let mut expected = Vec::new();
        for deed in deeds {
            match deed {
                Deed::Line(length) => {
                    number += 1;
                    let line = format!("{number}{}\n", "x".repeat(length));
                    log.buffer().extend_from_slice(line.as_bytes());
                    expected.extend_from_slice(line.as_bytes());
                }
                Deed::Block => log.end_block(),
                Deed::Cut => log.cut(),
                Deed::Steps(steps, by) => {
                    seconds += by.unsigned_abs();
                    wall += by;
                    for _ in 0..steps {
                        let step = log.step(now(seconds, wall), &mut fails);
                        prop_assert!(step.is_ok(), "{step:?}");
                    }
                }
                Deed::Processor(is_well) => pass(&mut log, now(seconds, wall), is_well),
                Deed::Kill => {
                    expected.truncate(expected.len() - log.unwritten());
                    drop(log);
                    log = open(path, small(1000), has_processor, now(seconds, wall));
                    prop_assert_eq!(&content(path), &expected);
                }
                Deed::Close => {
                    end(&mut log, &mut seconds, wall);
                    log.close().unwrap();
                    prop_assert_eq!(&content(path), &expected);
                    log = open(path, small(1000), has_processor, now(seconds, wall));
                }
            }
        }
        end(&mut log, &mut seconds, wall);
        log.close().unwrap();
        prop_assert_eq!(content(path), expected);
    }
}

fn end(log: &mut LogDir, seconds: &mut u64, wall: i64) {
    while !log.is_done() {
        *seconds += 3;
        let now = Now {
            wall: Duration::from_secs(u64::try_from(wall).unwrap()),
            running: Duration::from_secs(*seconds),
        };
        log.work(now, &mut fails);
        pass(log, now, true);
    }
}
