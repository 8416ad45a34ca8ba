//! Service directories and directories of them, and the findings.

use super::*;
use crate::text::LONGEST;
use crate::tree::File;
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

pub(super) fn file(content: &[u8]) -> Entry {
    Entry::File(File {
        mode: 0o755,
        size: content.len() as u64,
        head: content.to_vec(),
    })
}

pub(super) fn tree<const N: usize>(entries: [(&str, Entry); N]) -> Tree {
    let entries = entries.map(|(name, entry)| (OsString::from(name), entry));
    Tree {
        entries: entries.into(),
        identity: None,
    }
}

const SOURCE: &str = "/etc/services.d/web";

fn read_web(tree: &Tree) -> (ServiceSpec, Vec<Diagnostic>) {
    read("web", Path::new(SOURCE), tree)
}

/// A service with a run script and one more file, and the findings about it.
fn with(name: &str, content: &[u8]) -> (ServiceSpec, Vec<Diagnostic>) {
    read_web(&tree([
        ("run", file(b"#!/bin/sh\n")),
        (name, file(content)),
    ]))
}

/// The service, for a file with nothing wrong.
fn sound(name: &str, content: &[u8]) -> ServiceSpec {
    let (spec, diagnostics) = with(name, content);
    assert_eq!(diagnostics, Vec::new());
    spec
}

/// The one finding about a file, which must have left the defaults in place.
fn ignored(name: &str, content: &[u8]) -> Diagnostic {
    let (spec, diagnostics) = with(name, content);
    assert_eq!(spec, ServiceSpec::new("web", SOURCE), "{name}: {content:?}");
    one(diagnostics)
}

fn one(diagnostics: Vec<Diagnostic>) -> Diagnostic {
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    diagnostics.into_iter().next().unwrap()
}

#[test]
fn a_run_script_is_enough() {
    let (spec, diagnostics) = read_web(&tree([("run", file(b"")), ("data", Entry::Dir(tree([])))]));
    assert_eq!(spec, ServiceSpec::new("web", SOURCE));
    assert_eq!(diagnostics, Vec::new());
}

#[test]
fn every_file_is_read() {
    let (spec, diagnostics) = read_web(&tree([
        ("run", file(b"")),
        ("finish", file(b"")),
        ("down", file(b"")),
        ("notification-fd", file(b"3\n")),
        ("timeout-finish", file(b"0\n")),
        ("timeout-kill", file(b"20000")),
        ("down-signal", file(b"SIGQUIT\n")),
        ("max-death-tally", file(b"7 \t\nrest")),
        (
            "log",
            Entry::Dir(tree([("run", file(b"")), ("log", Entry::Dir(tree([])))])),
        ),
    ]));
    assert_eq!(diagnostics, Vec::new());
    let expected = ServiceSpec {
        has_finish: true,
        down: true,
        notification_fd: Some(3),
        timeout_finish: None,
        timeout_kill: Some(Duration::from_secs(20)),
        down_signal: Signal::QUIT,
        max_death_tally: 7,
        log: Some(Box::new(ServiceSpec::new(
            "web/log",
            "/etc/services.d/web/log",
        ))),
        ..ServiceSpec::new("web", SOURCE)
    };
    assert_eq!(spec, expected);
}

#[test]
fn without_run_the_service_is_broken() {
    let (spec, diagnostics) = read_web(&tree([("finish", file(b""))]));
    assert!(!spec.has_run);
    assert!(spec.has_finish);
    assert_eq!(
        one(diagnostics).to_string(),
        "/etc/services.d/web: service web has no run file (add an executable script \
         /etc/services.d/web/run, or remove the directory)"
    );
}

#[test]
fn what_is_no_run_script_is_named() {
    for (entry, words) in [
        (Entry::Dir(tree([])), "is a directory"),
        (Entry::Special, "is a FIFO, socket or device"),
        (Entry::Dangling, "is a link that leads nowhere"),
        (
            Entry::Unreadable("permission denied".into()),
            "cannot be read: permission denied",
        ),
    ] {
        let (spec, diagnostics) = read_web(&tree([("run", entry.clone())]));
        assert!(!spec.has_run);
        let diagnostic = one(diagnostics);
        assert_eq!(diagnostic.severity, Severity::Error);
        assert_eq!(diagnostic.path, Some(Path::new(SOURCE).join("run")));
        assert_eq!(diagnostic.message, format!("no script: it {words}"));

        let (spec, diagnostics) = read_web(&tree([("run", file(b"")), ("finish", entry)]));
        assert!(spec.has_run && !spec.has_finish);
        assert_eq!(one(diagnostics).severity, Severity::Warning);
    }
}

#[test]
fn a_broken_logger_is_reported_and_the_service_kept() {
    let (spec, diagnostics) = read_web(&tree([("run", file(b"")), ("log", Entry::Dir(tree([])))]));
    assert!(spec.has_run);
    assert!(spec.log.is_some_and(|log| !log.has_run));
    assert!(
        one(diagnostics)
            .message
            .contains("service web/log has no run")
    );

    for entry in [file(b""), Entry::Dangling, Entry::Special] {
        let (spec, diagnostics) = read_web(&tree([("run", file(b"")), ("log", entry)]));
        assert_eq!(spec.log, None);
        assert_eq!(one(diagnostics).severity, Severity::Warning);
    }
}

#[test]
fn any_kind_of_down_counts_but_a_dangling_link() {
    for (entry, down) in [
        (Entry::Dir(tree([])), true),
        (Entry::Special, true),
        (Entry::Unreadable("x".into()), true),
        (Entry::Dangling, false),
    ] {
        let (spec, diagnostics) = read_web(&tree([("run", file(b"")), ("down", entry)]));
        assert_eq!(spec.down, down);
        assert_eq!(diagnostics.is_empty(), down);
    }
}

#[test]
fn numbers_in_range() {
    for (content, descriptor) in [
        (&b"1"[..], 1),
        (b"2\n", 2),
        (b"003 \n", 3),
        (b"10\nrest", 10),
        (b"1000000", 1_000_000),
    ] {
        let spec = sound("notification-fd", content);
        assert_eq!(spec.notification_fd, Some(descriptor));
    }
    assert_eq!(sound("timeout-kill", b"0\n").timeout_kill, None);
    let forever = sound("timeout-finish", b"99999999999999999999999");
    assert_eq!(forever.timeout_finish, Some(LONGEST));
    assert_eq!(sound("max-death-tally", b"0").max_death_tally, 0);
    assert_eq!(sound("max-death-tally", b"4096").max_death_tally, 4096);
    assert_eq!(sound("max-death-tally", b"4097").max_death_tally, 4096);
    let many = sound("max-death-tally", b"99999999999");
    assert_eq!(many.max_death_tally, MAX_DEATH_TALLY);
}

#[test]
fn numbers_that_make_no_sense() {
    for content in [
        &b"0\n"[..],
        b"1000001",
        b"x",
        b"",
        b"\n3",
        b" 3",
        b"-3",
        b"3 4",
        b"3\0",
    ] {
        let diagnostic = ignored("notification-fd", content);
        assert_eq!(diagnostic.severity, Severity::Warning);
        assert!(diagnostic.message.ends_with("; readiness is not awaited"));
    }
    assert_eq!(
        ignored("timeout-finish", b"5s\n").to_string(),
        "/etc/services.d/web/timeout-finish:1: \"5s\" is not a number of milliseconds in decimal \
         digits; taken as 5000 (write a number of milliseconds in decimal digits, or remove the \
         file)"
    );
    ignored("timeout-kill", b"1.5");
    assert!(
        ignored("max-death-tally", b"many")
            .message
            .ends_with("; taken as 100")
    );
}

#[test]
fn a_number_file_that_is_no_file() {
    let (spec, diagnostics) = read_web(&tree([
        ("run", file(b"")),
        ("timeout-kill", Entry::Dangling),
    ]));
    assert_eq!(spec, ServiceSpec::new("web", SOURCE));
    assert_eq!(
        one(diagnostics).message,
        "it is a link that leads nowhere and must be a file; run is never killed"
    );
}

#[test]
fn a_carriage_return_is_a_warning() {
    let (spec, diagnostics) = with("notification-fd", b"3\r\n");
    assert_eq!(spec.notification_fd, Some(3));
    let diagnostic = one(diagnostics);
    assert!(diagnostic.message.starts_with("CRLF line end"));
    assert!(
        diagnostic
            .mend
            .contains("/etc/services.d/web/notification-fd")
    );
}

#[test]
fn down_signals() {
    for (content, signal) in [
        (&b"SIGINT\n"[..], Signal::INT),
        (b"quit", Signal::QUIT),
        (b"10 \n", Signal::USR1),
    ] {
        assert_eq!(sound("down-signal", content).down_signal, signal);
    }
    assert_eq!(sound("down-signal", b"RTMIN+3").down_signal.number(), 37);
    for content in [&b"SIGNOPE"[..], b"", b"0", b"99", b"\xff"] {
        assert!(
            ignored("down-signal", content)
                .message
                .ends_with("; taken as TERM")
        );
    }
}

#[test]
fn files_of_newer_versions() {
    assert_eq!(sound("lock-fd", b"9\n").lock_fd, Some(9));
    assert_eq!(sound("reload-signal", b"USR1").reload_signal.number(), 10);
    assert!(sound("flag-newpidns", b"").new_pid_namespace);
    assert!(sound("flag-timeout-killpg", b"").kills_group);
    for content in [&b"0"[..], b"", b"-1", b"x"] {
        assert!(
            ignored("lock-fd", content)
                .message
                .ends_with("; nothing is locked")
        );
    }
    assert!(
        ignored("reload-signal", b"SIGNOPE")
            .message
            .ends_with("; taken as HUP")
    );
}

#[test]
fn one_descriptor_cannot_be_two() {
    let (spec, diagnostics) = read_web(&tree([
        ("run", file(b"#!/bin/sh\n")),
        ("notification-fd", file(b"3")),
        ("lock-fd", file(b"3")),
    ]));
    assert!(!spec.has_run);
    let error = one(diagnostics);
    assert_eq!(error.severity, Severity::Error);
    assert_eq!(
        error.path.as_deref(),
        Some(Path::new("/etc/services.d/web/lock-fd"))
    );
}

#[test]
fn a_service_is_known_by_its_directory() {
    let mut tree = tree([("run", file(b""))]);
    tree.identity = Some(crate::tree::Identity {
        device: 1,
        inode: 2,
    });
    let (known, _) = read_web(&tree);
    let (renamed, _) = read("other", Path::new("/other"), &tree);
    assert!(known.is_same(&renamed));
    tree.identity = Some(crate::tree::Identity {
        device: 1,
        inode: 3,
    });
    let (replaced, _) = read_web(&tree);
    assert!(!known.is_same(&replaced));
    let unknown = ServiceSpec::new("web", SOURCE);
    assert!(known.is_same(&unknown) && unknown.is_same(&known));
}

#[test]
fn files_of_other_uses() {
    for kind in [&b"bundle\n"[..], b"oneshot"] {
        assert!(ignored("type", kind).mend.contains("/etc/cont-init.d"));
    }
    sound("type", b"longrun\n");
    sound("unknown", b"\0\xff");
}

#[test]
fn services_are_listed() {
    let service = || Entry::Dir(tree([("run", file(b""))]));
    let (specs, diagnostics) = list(
        Path::new("/etc/services.d"),
        &tree([
            ("b", service()),
            ("a b", service()),
            ("Z", service()),
            (".hidden", service()),
            ("README", file(b"")),
            ("fifo", Entry::Special),
            ("gone", Entry::Dangling),
            ("secret", Entry::Unreadable("permission denied".into())),
            ("broken", Entry::Dir(tree([]))),
        ]),
    );
    let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["Z", "a b", "b", "broken"]);
    assert_eq!(specs[1].source, Path::new("/etc/services.d/a b"));
    let paths: Vec<_> = diagnostics
        .iter()
        .map(|d| d.path.clone().unwrap())
        .collect();
    assert_eq!(
        paths,
        ["broken", "gone", "secret"].map(|name| Path::new("/etc/services.d").join(name))
    );
    assert!(diagnostics.iter().all(|d| d.severity == Severity::Error));
}

#[test]
fn names_that_cannot_be_services() {
    let long = "x".repeat(252);
    let longest = "x".repeat(251);
    let mut directory = tree([
        (long.as_str(), Entry::Dir(tree([]))),
        (longest.as_str(), Entry::Dir(tree([("run", file(b""))]))),
        ("a\nb", Entry::Dir(tree([]))),
    ]);
    directory
        .entries
        .insert(OsString::from_vec(vec![b'a', 0xff]), Entry::Dir(tree([])));
    let (specs, diagnostics) = list(Path::new("/s"), &directory);
    assert_eq!(specs.len(), 1);
    assert_eq!(specs[0].name, longest);
    let messages: Vec<_> = diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "not a name for a service: \"a\\nb\" holds a newline",
            "not a name for a service: \"a\u{fffd}\" is not UTF-8",
            "not a name for a service: longer than 251 bytes",
        ]
    );
}

#[test]
fn scripts_in_bytewise_order() {
    let (paths, diagnostics) = scripts(
        Path::new("/etc/cont-init.d"),
        &tree([
            ("zz", file(b"")),
            ("a-f", file(b"")),
            ("A-e", file(b"")),
            ("10-d", file(b"")),
            ("00-a", file(b"")),
            (".gitignore", file(b"")),
            ("sub", Entry::Dir(tree([]))),
            ("gone", Entry::Dangling),
            ("fifo", Entry::Special),
            ("secret", Entry::Unreadable("permission denied".into())),
        ]),
    );
    assert_eq!(
        paths,
        ["00-a", "10-d", "A-e", "a-f", "zz"].map(|name| Path::new("/etc/cont-init.d").join(name))
    );
    let found: Vec<_> = diagnostics
        .iter()
        .map(|d| (d.severity, d.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Severity::Error, "no script: it is a FIFO, socket or device"),
            (
                Severity::Error,
                "no script: it is a link that leads nowhere"
            ),
            (
                Severity::Error,
                "no script: it cannot be read: permission denied"
            ),
            (Severity::Warning, "skipped: it is a directory"),
        ]
    );
}

/// Directories with the names that are read, and any content.
fn any_tree() -> impl Strategy<Value = Tree> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "run",
            "finish",
            "down",
            "notification-fd",
            "timeout-finish",
            "timeout-kill",
            "down-signal",
            "max-death-tally",
            "log",
            "lock-fd",
            "notify",
            "timeout-watchdog",
            "type",
        ])
        .prop_map(OsString::from),
        prop::collection::vec(1_u8.., 1..8).prop_map(OsString::from_vec),
    ];
    let leaf = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|content| file(&content)),
        4 => "[0-9]{0,12}[ \r\n]{0,3}".prop_map(|text| file(text.as_bytes())),
        1 => Just(Entry::Special),
        1 => Just(Entry::Dangling),
        1 => Just(Entry::Unreadable("reason".into())),
    ];
    crate::tree::any::any_tree(name, leaf, 32)
}

proptest! {
    #[test]
    fn any_directory_gives_a_service(tree in any_tree()) {
        let (spec, diagnostics) = read_web(&tree);
        prop_assert!(spec.max_death_tally <= MAX_DEATH_TALLY);
        prop_assert!(spec.notification_fd.is_none_or(|fd| fd >= 1));
        prop_assert_ne!(spec.timeout_finish, Some(Duration::ZERO));
        prop_assert_ne!(spec.timeout_kill, Some(Duration::ZERO));
        prop_assert!(spec.log.as_ref().is_none_or(|log| log.log.is_none()));
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let broken = usize::from(!spec.has_run)
            + usize::from(spec.log.is_some_and(|log| !log.has_run));
        // A service without run may have a wrong word in notify too.
        prop_assert!(errors >= broken);
        prop_assert_eq!(errors == 0, broken == 0);
    }

    #[test]
    fn any_directory_can_be_listed(tree in any_tree()) {
        let (specs, _) = list(Path::new("/s"), &tree);
        prop_assert!(specs.is_sorted_by(|a, b| a.name < b.name));
        let (paths, diagnostics) = scripts(Path::new("/s"), &tree);
        let hidden = tree.entries.keys().filter(|name| is_hidden(name)).count();
        prop_assert_eq!(paths.len() + diagnostics.len() + hidden, tree.entries.len());
    }
}
