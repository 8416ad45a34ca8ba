//! What a child finds when it starts, and what the parent learns when it cannot.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use sixfold_sys::directory::Visit;
use sixfold_sys::spawn::{self, Kit, Session, Stream};
use sixfold_sys::wait::Exit;
use sixfold_sys::{fds, process, signals, terminal, wait};

use crate::{Test, capture, capture_with, have_root, read_all, shell, start, start_with};

pub(crate) const TESTS: &[Test] = &[
    ("spawn_resets_mask_and_dispositions", mask_and_dispositions),
    ("spawn_ignores_what_is_to_be_ignored", ignored_signals),
    ("spawn_gives_the_limit_of_descriptors", limit_of_descriptors),
    (
        "spawn_gives_a_script_without_a_first_line_to_the_shell",
        by_shell,
    ),
    ("spawn_with_a_kit_leaves_all_descriptors_behind", light),
    ("spawn_in_a_new_pid_namespace", new_pid_namespace),
    ("spawn_gives_exactly_the_environment", environment),
    ("spawn_sets_directory_and_name", directory_and_name),
    ("spawn_sets_session_and_group", session_and_group),
    ("spawn_takes_the_terminal", foreground),
    ("spawn_places_the_extra_descriptor", extra_at_free_numbers),
    (
        "spawn_places_the_extra_descriptor_where_it_is",
        extra_at_its_own_number,
    ),
    (
        "spawn_places_the_extra_descriptor_over_another",
        extra_at_taken_numbers,
    ),
    (
        "spawn_places_the_extra_descriptor_as_a_stream",
        extra_as_stream,
    ),
    ("spawn_refuses_impossible_numbers", impossible_numbers),
    (
        "spawn_reports_failures_with_an_extra_descriptor",
        failures_are_reported,
    ),
];

/// The ways to start a process: with a kit, and by a fork.
fn ways(kit: &Kit) -> [Option<&Kit>; 2] {
    [Some(kit), None]
}

/// As execvp(3) does.
fn by_shell() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    std::fs::write(&script, "echo \"$0 $#: $*\"\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kit = Kit::new().unwrap();
    for kit in ways(&kit) {
        for args in [&[][..], &["one", "t w o"]] {
            let mut plan = shell("");
            plan.program = script.clone().into();
            plan.args = args.iter().map(Into::into).collect();
            plan.session = Session::New;
            let (_, text) = capture_with(kit, plan);
            let (name, count) = (script.display(), args.len());
            assert_eq!(
                text,
                format!("{name} {count}: {}\n", args.join(" ")),
                "with a kit: {}",
                kit.is_some()
            );
        }
    }
}

/// With a kit a child has its three streams and nothing else, whatever we have open; and nothing of it
/// stays with us.
fn light() {
    let kit = Kit::new().unwrap();
    let before = fds::count_open();
    let others: Vec<File> = (0..300).map(|_| File::open("/dev/null").unwrap()).collect();
    let (reader, leaky) = fds::pipe().unwrap();
    let no_flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
    nix::fcntl::fcntl(&leaky, no_flags).unwrap();
    let list = || {
        let mut plan = shell("echo \"$*\"; exec ls /proc/self/fd");
        plan.args.extend(["sh", "one", "two"].map(Into::into));
        plan.session = Session::New;
        plan
    };
    for _ in 0..3 {
        // All that was written is read: no writer is left in a place.
        let (_, text) = capture_with(Some(&kit), list());
        // The last is the directory that is listed.
        assert_eq!(text, "one two\n0\n1\n2\n3\n");
        let mut missing = list();
        missing.program = "/no/such/program".into();
        let error = missing.spawn(Some(&kit), |mut command| command.spawn());
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
    let mut plan = shell("cat; echo err >&2");
    let (input, writer) = fds::pipe().unwrap();
    let (errors, error_writer) = fds::pipe().unwrap();
    fds::write(&writer, b"from there").unwrap();
    drop(writer);
    plan.stdin = Stream::Fd(input);
    plan.stderr = Stream::Fd(error_writer);
    plan.session = Session::New;
    assert_eq!(capture_with(Some(&kit), plan).1, "from there");
    assert_eq!(read_all(errors), "err\n");
    drop((others, leaky, reader));
    assert_eq!(fds::count_open(), before);
    assert_eq!(wait::peek().unwrap(), wait::Peek::NoChildren);
}

/// The child has the limit that is asked for, and we have ours, however many descriptors are open.
fn limit_of_descriptors() {
    let kit = Kit::new().unwrap();
    let given = process::raise_descriptor_limit().unwrap();
    let resource = nix::sys::resource::Resource::RLIMIT_NOFILE;
    let (_, hard) = nix::sys::resource::getrlimit(resource).unwrap();
    nix::sys::resource::setrlimit(resource, 100, hard).unwrap();
    let low = process::raise_descriptor_limit().unwrap();
    let held: Vec<File> = (0..120).map(|_| File::open("/dev/null").unwrap()).collect();
    for (limit, expected) in [
        (Some(low), "100".to_owned()),
        (Some(given), String::new()),
        (None, hard.to_string()),
    ] {
        for kit in ways(&kit) {
            let mut plan = shell("ulimit -n");
            plan.session = Session::New;
            plan.descriptor_limit = limit;
            let (_, text) = capture_with(kit, plan);
            if !expected.is_empty() {
                assert_eq!(text.trim(), expected, "with a kit: {}", kit.is_some());
            }
            let own = nix::sys::resource::getrlimit(resource).unwrap();
            assert_eq!(own, (hard, hard), "with a kit: {}", kit.is_some());
        }
    }
    drop(held);
}

fn mask_and_dispositions() {
    signals::block_all().unwrap();
    // 13 is SIGPIPE, which Rust has ignored already; 37 and 64 are real-time signals. Not SIGCHLD:
    // the kernel collects the children of who ignores it.
    for signal in [1, 2, 10, 13, 15, 37, 64] {
        signals::ignore(signal).unwrap();
    }
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    assert!(
        !status_field(&own, "SigIgn")
            .trim_start_matches('0')
            .is_empty()
    );
    let kit = Kit::new().unwrap();
    for kit in ways(&kit) {
        // The very process that was spawned: a shell blocks signals while it starts another.
        let mut plan = shell("exec cat /proc/self/status");
        plan.session = Session::New;
        let (_pid, text) = capture_with(kit, plan);
        for field in ["SigBlk", "SigIgn"] {
            let found = status_field(&text, field);
            assert_eq!(
                found,
                "0000000000000000",
                "{field}, with a kit: {}",
                kit.is_some()
            );
        }
    }
}

/// What was ignored when we were started is listened to by us, and ignored by children still.
fn ignored_signals() {
    let (int, usr1) = (2, 10);
    // Whoever runs the tests may ignore some: nohup(1) does, and shells for what is in the background.
    let (hup, quit) = (1, 3);
    for signal in [hup, int, quit] {
        signals::heed(signal).unwrap();
    }
    for signal in [int, usr1] {
        signals::ignore(signal).unwrap();
    }
    let ignored = signals::take_ignored().unwrap();
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    // 32 and 33 are the C library's own.
    let own = u64::from_str_radix(status_field(&own, "SigIgn:"), 16).unwrap() & !(3 << 31);
    assert_eq!(own, 1 << 12, "SIGPIPE alone");
    let mut plan = shell("exec cat /proc/self/status");
    plan.ignored = ignored;
    let (_, status) = capture(plan);
    assert_eq!(status_field(&status, "SigIgn:"), "0000000000000202");
    let (_, status) = capture(shell("exec cat /proc/self/status"));
    assert_eq!(status_field(&status, "SigIgn:"), "0000000000000000");
    assert_eq!(
        signals::take_ignored().unwrap(),
        signals::Ignored::default()
    );
}

/// Process 1 of a namespace of its own; and the next child is born into ours again, even if the
/// first could not be started.
fn new_pid_namespace() {
    if !have_root() {
        return;
    }
    let missing = spawn::in_new_pid_namespace(|| {
        let mut plan = shell("");
        plan.program = "/no/such/program".into();
        plan.spawn(None, |mut command| command.spawn())
    });
    assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    let (reader, writer) = fds::pipe().unwrap();
    let child = spawn::in_new_pid_namespace(|| {
        let mut plan = shell("echo $$");
        plan.stdout = Stream::Fd(writer);
        plan.spawn(None, |mut command| command.spawn())
    });
    let pid = i32::try_from(child.unwrap().id()).unwrap();
    assert_eq!(read_all(reader), "1\n");
    assert_ne!(pid, 1, "it has a number here, too");
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Code(0));
    let (pid, text) = capture(shell("echo $$"));
    assert_eq!(text, format!("{pid}\n"));
}

fn status_field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.trim_start_matches(':').trim()
}

fn environment() {
    let mut plan = shell("");
    plan.program = "env".into();
    plan.args = Vec::new();
    plan.env = vec![
        ("PATH".into(), "/nowhere:/usr/bin:/bin".into()),
        ("TWICE".into(), "first".into()),
        ("EMPTY".into(), "".into()),
        ("TWICE".into(), "last = really".into()),
    ];
    let (_pid, text) = capture(plan);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "EMPTY=",
            "PATH=/nowhere:/usr/bin:/bin",
            "TWICE=last = really"
        ]
    );
}

fn directory_and_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = shell("pwd -P; tr '\\0' '|' </proc/$$/cmdline");
    plan.arg0 = Some("renamed".into());
    let expected = dir.path().canonicalize().unwrap();
    let own = std::env::current_dir().unwrap();
    let visit = Visit::to(&expected).unwrap();
    let (_pid, text) = capture(plan);
    visit.end().unwrap();
    let (pwd, command) = text.split_once('\n').unwrap();
    assert_eq!(pwd, expected.to_str().unwrap());
    assert!(command.starts_with("renamed|-c|"), "{command}");
    assert_eq!(std::env::current_dir().unwrap(), own);
    assert!(Visit::to(&expected.join("missing")).is_err());
    assert_eq!(std::env::current_dir().unwrap(), own);
}

/// Group and session of the shell, by /proc.
fn group_and_session(session: Session, kit: Option<&Kit>) -> (i32, i32, i32) {
    let mut plan = shell("cat /proc/$$/stat");
    plan.session = session;
    let (pid, text) = capture_with(kit, plan);
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    (pid, fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

fn session_and_group() {
    let own_group = nix::unistd::getpgrp().as_raw();
    let own_session = nix::unistd::getsid(None).unwrap().as_raw();
    let kit = Kit::new().unwrap();
    for kit in [None, Some(&kit)] {
        let (pid, group, session) = group_and_session(Session::New, kit);
        assert_eq!((group, session), (pid, pid));
    }
    let (_pid, group, session) = group_and_session(Session::Same, None);
    assert_eq!((group, session), (own_group, own_session));
    let (pid, group, session) = group_and_session(Session::Foreground, None);
    assert_eq!((group, session), (pid, own_session));
}

fn foreground() {
    // The terminal hangs up on its session leader when this test closes it.
    signals::ignore(1).unwrap();
    // A session leader's first terminal becomes its controlling one. As a child of the main test
    // process this one leads no group, so that it may make a session.
    nix::unistd::setsid().unwrap();
    let pty = nix::pty::openpty(None, None).unwrap();
    let name = nix::unistd::ttyname(&pty.slave).unwrap();
    let terminal = open(&name, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    let own = nix::unistd::getpgrp().as_raw();
    terminal::set_foreground(terminal.as_raw_fd(), own).unwrap();
    let mut plan = shell("echo started; read line");
    plan.stdin = Stream::Fd(terminal.try_clone().unwrap());
    plan.session = Session::Foreground;
    let (reader, writer) = fds::pipe().unwrap();
    plan.stdout = Stream::Fd(writer);
    let pid = start(plan);
    assert_eq!(terminal::foreground(terminal.as_raw_fd()), Some(pid));
    assert!(fds::is_terminal(terminal.as_raw_fd()));
    // We are in the background now, and must not be stopped for taking the terminal back.
    terminal::set_foreground(terminal.as_raw_fd(), own).unwrap();
    assert_eq!(terminal::foreground(terminal.as_raw_fd()), Some(own));
    signals::send_group(pid, 9).unwrap();
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Signal(9));
    drop(reader);
    assert_eq!(
        terminal::foreground(pty.master.as_raw_fd().saturating_add(500)),
        None
    );
    assert!(terminal::set_foreground(terminal.as_raw_fd(), 0).is_err());
}

/// Spawns a shell that writes to descriptor `number`, which is `writer`, and checks what arrives
/// and that nothing but this descriptor came with it.
fn check_extra(reader: OwnedFd, writer: OwnedFd, number: i32, kit: Option<&Kit>) {
    let before = fds::count_open();
    // dash takes no redirection to numbers above 9.
    let mut plan = shell(&format!(
        "echo to {number} >/proc/self/fd/{number}; ls /proc/$$/fd >&2"
    ));
    let (errors, error_writer) = fds::pipe().unwrap();
    plan.stderr = Stream::Fd(error_writer);
    plan.extra = Some((writer, number));
    plan.session = Session::New;
    let pid = start_with(kit, plan);
    assert_eq!(read_all(reader), format!("to {number}\n"));
    let listed = read_all(errors);
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Code(0));
    let mut numbers: Vec<i32> = listed.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers.retain(|fd| *fd > 2 && *fd != 10 || *fd == number);
    assert_eq!(numbers, [number], "what else is open in the child");
    assert_eq!(
        fds::count_open(),
        before - 2,
        "the pipe's two ends are closed, nothing was leaked"
    );
}

fn extra_at_free_numbers() {
    let kit = Kit::new().unwrap();
    for kit in ways(&kit) {
        for number in [30, 31, 736, 867] {
            let (reader, writer) = fds::pipe().unwrap();
            check_extra(reader, writer, number, kit);
        }
    }
}

fn extra_at_its_own_number() {
    let kit = Kit::new().unwrap();
    for kit in ways(&kit).repeat(2) {
        let (reader, writer) = fds::pipe().unwrap();
        let number = writer.as_raw_fd();
        check_extra(reader, writer, number, kit);
    }
}

/// 3 and 4 are the most used numbers, and taken here by other things of ours.
fn extra_at_taken_numbers() {
    let others: Vec<File> = (0..6).map(|_| File::open("/dev/null").unwrap()).collect();
    for number in [3, 4, 5, 6] {
        assert!(fds::is_open(number));
        let (reader, writer) = fds::pipe().unwrap();
        assert!(writer.as_raw_fd() != number);
        check_extra(reader, writer, number, None);
    }
    drop(others);
    // And free again, next to the numbers that std's own pipe will take.
    for number in [3, 4, 5, 6, 7, 8] {
        let (reader, writer) = fds::pipe().unwrap();
        check_extra(reader, writer, number, None);
    }
    // The first of them are what a kit has, its places among them.
    let kit = Kit::new().unwrap();
    for number in 3..=9 {
        let (reader, writer) = fds::pipe().unwrap();
        check_extra(reader, writer, number, Some(&kit));
    }
}

fn extra_as_stream() {
    let (reader, writer) = fds::pipe().unwrap();
    let mut plan = shell("echo out; echo err >&2");
    plan.stderr = Stream::Null;
    plan.extra = Some((writer, 1));
    let pid = start(plan);
    assert_eq!(read_all(reader), "out\n");
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Code(0));
}

fn impossible_numbers() {
    let kit = Kit::new().unwrap();
    for kit in ways(&kit) {
        for number in [-1, i32::MAX] {
            let (_reader, writer) = fds::pipe().unwrap();
            let mut plan = shell("exit 0");
            plan.session = Session::New;
            plan.extra = Some((writer, number));
            let error = plan.spawn(kit, |mut command| command.spawn()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}

fn failures_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let not_executable = dir.path().join("run");
    std::fs::write(&not_executable, "#!/bin/sh\n").unwrap();
    let cases = [
        (dir.path().join("missing"), io::ErrorKind::NotFound),
        (not_executable, io::ErrorKind::PermissionDenied),
    ];
    let kit = Kit::new().unwrap();
    let before = fds::count_open();
    for occupied in [0, 4, 9] {
        let others: Vec<File> = (0..occupied)
            .map(|_| File::open("/dev/null").unwrap())
            .collect();
        for (program, expected) in &cases {
            for (number, kit) in (3..=12).flat_map(|number| ways(&kit).map(|way| (number, way))) {
                let (_reader, writer) = fds::pipe().unwrap();
                let mut plan = shell("");
                plan.program = program.clone().into();
                plan.session = Session::New;
                plan.extra = Some((writer, number));
                let error = plan.spawn(kit, |mut command| command.spawn()).unwrap_err();
                assert_eq!(error.kind(), *expected, "fd {number}, {occupied} occupied");
            }
        }
        drop(others);
    }
    assert_eq!(fds::count_open(), before);
    assert_eq!(wait::peek().unwrap(), wait::Peek::NoChildren);
    // An occupant that goes away before the spawn: refused, and that is reported.
    let occupant = File::open(&cases[1].0).unwrap();
    let number = occupant.as_raw_fd();
    let (_reader, writer) = fds::pipe().unwrap();
    let mut plan = shell("exit 0");
    plan.extra = Some((writer, number));
    let error = plan
        .spawn(None, |mut command| {
            drop(occupant);
            command.spawn()
        })
        .unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBUSY));
}
