//! Signals that arrive, children that end, and what only PID 1 may do.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sixfold_sys::sandbox::{SandboxPlan, run};
use sixfold_sys::signals::{Received, SignalFd};
use sixfold_sys::spawn::{Plan, Stream};
use sixfold_sys::wait::{Exit, Peek};
use sixfold_sys::{fds, process, signals, wait};

use crate::{Test, again, capture, have_root, shell, start};

pub(crate) const TESTS: &[Test] = &[
    ("wait_peeks_and_reaps_real_time_ends", peek_and_reap),
    ("signals_arrive_through_the_descriptor", received),
    ("signals_mask_is_reset_for_applets", applet),
    ("process_finds_descendants_and_orphans", descendants),
    ("signals_to_all_as_init", to_all),
];

pub(crate) const INNER: &[Test] = &[("inner_init", as_init)];

/// Waits for the next signal, at most ten seconds.
fn next(signals: &SignalFd) -> Received {
    loop {
        if let Some(received) = signals.read().unwrap() {
            return received;
        }
        let mut polled = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        assert_eq!(
            poll(&mut polled, PollTimeout::from(10_000_u16)).unwrap(),
            1,
            "no signal came"
        );
    }
}

fn peek_and_reap() {
    signals::block_all().unwrap();
    let ends = SignalFd::new(&[17]).unwrap();
    assert_eq!(wait::peek().unwrap(), Peek::NoChildren);
    assert!(wait::reap(process::parent()).is_err(), "no child of ours");
    let cases = [
        ("exit 7", Exit::Code(7)),
        ("kill -35 $$", Exit::Signal(35)),
        ("kill -64 $$", Exit::Signal(64)),
        ("kill -9 $$", Exit::Signal(9)),
    ];
    for (script, expected) in cases {
        let (reader, writer) = fds::pipe().unwrap();
        let mut plan = shell(&format!("read line; {script}"));
        plan.stdin = Stream::Fd(reader);
        let pid = start(plan);
        assert_eq!(wait::peek().unwrap(), Peek::NoneReady);
        assert_eq!(wait::reap(pid).unwrap(), None);
        fds::write(&writer, b"go\n").unwrap();
        assert_eq!(next(&ends).signal, 17);
        assert_eq!(wait::peek().unwrap(), Peek::Child(pid), "{script}");
        assert_eq!(
            wait::peek().unwrap(),
            Peek::Child(pid),
            "looking takes nothing away"
        );
        assert_eq!(process::zombies_of_self().unwrap(), [pid]);
        assert_eq!(wait::reap(pid).unwrap(), Some(expected));
        assert!(process::zombies_of_self().unwrap().is_empty());
        assert_eq!(wait::peek().unwrap(), Peek::NoChildren);
    }
}

fn received() {
    signals::block_all().unwrap();
    let descriptor = SignalFd::new(&[15, 36, 64]).unwrap();
    assert_eq!(descriptor.read().unwrap(), None);
    for signal in [15, 36, 64] {
        let (pid, _text) = capture(shell(&format!("kill -{signal} $PPID")));
        let expected = Received {
            signal,
            sender: pid,
            from_kernel: false,
        };
        assert_eq!(next(&descriptor), expected);
    }
    assert_eq!(descriptor.read().unwrap(), None);
    let own = i32::try_from(std::process::id()).unwrap();
    signals::send(own, 36).unwrap();
    assert_eq!(next(&descriptor).sender, own);
}

fn applet() {
    signals::block(&[10]).unwrap();
    let before = signals::block_all().unwrap();
    signals::unblock(&[15, 40]).unwrap();
    let mask = |name: &str| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .to_owned();
        u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
    };
    let blocked = mask("SigBlk");
    assert_eq!(blocked & (1 << 14 | 1 << 39), 0);
    for signal in [1, 2, 13, 17, 34, 41, 64] {
        assert_ne!(blocked & (1 << (signal - 1)), 0, "signal {signal}");
    }
    before.restore().unwrap();
    assert_eq!(mask("SigBlk"), 1 << 9);
    signals::clear_mask().unwrap();
    assert_eq!(mask("SigBlk"), 0);
}

fn descendants() {
    signals::block_all().unwrap();
    process::become_subreaper().unwrap();
    let (reader, writer) = fds::pipe().unwrap();
    // The middle shell waits on its stdin, then leaves its own child behind.
    let mut plan = shell("sleep 1000 >/dev/null & echo $!; read line");
    let (go_reader, go) = fds::pipe().unwrap();
    plan.stdin = Stream::Fd(go_reader);
    plan.stdout = Stream::Fd(writer);
    let middle = start(plan);
    let mut buffer = [0; 32];
    let length = fds::read(&reader, &mut buffer).unwrap();
    let orphan: i32 = std::str::from_utf8(&buffer[..length])
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert_eq!(process::descendants().unwrap(), [middle, orphan]);
    assert_eq!(process::children(middle).unwrap(), [orphan]);
    drop(go);
    assert!(matches!(wait::wait_for(middle).unwrap(), Exit::Code(_)));
    let own = i32::try_from(std::process::id()).unwrap();
    assert_eq!(
        process::children(own).unwrap(),
        [orphan],
        "a subreaper inherits orphans"
    );
    signals::send(orphan, 50).unwrap();
    assert_eq!(wait::wait_for(orphan).unwrap(), Exit::Signal(50));
    assert!(process::descendants().unwrap().is_empty());
}

fn to_all() {
    if !have_root() {
        return;
    }
    let plan = SandboxPlan {
        lower: Vec::new(),
        dir: "/".into(),
        setup: &|_root| Ok(()),
        command: again("inner_init"),
    };
    let pid = run(plan).unwrap();
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Code(0));
}

/// As PID 1 of a namespace of its own.
fn as_init() {
    assert!(process::is_init());
    assert_eq!(process::parent(), 0);
    signals::block_all().unwrap();
    assert!(!signals::anyone_left());
    assert_eq!(
        signals::send_all(15).unwrap_err().raw_os_error(),
        Some(libc::ESRCH)
    );
    let sleep = || -> Plan { shell("exec sleep 1000") };
    let pids = [start(sleep()), start(sleep())];
    assert!(signals::anyone_left());
    signals::send_all(45).unwrap();
    for pid in pids {
        assert_eq!(wait::wait_for(pid).unwrap(), Exit::Signal(45));
    }
    assert!(!signals::anyone_left());
}
