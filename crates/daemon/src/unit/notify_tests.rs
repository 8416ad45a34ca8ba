//! What real processes say on a unit's socket.

use std::future::Future;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sixfold_engine::Exit;
use sixfold_model::Signal;
use sixfold_sys::{fds, fifo};
use tokio::task::LocalSet;

use super::super::tests::{Bench, plain_service};
use super::super::{Order, Target};
use super::*;
use crate::subscriber::Format;
use crate::subscriber::tests::logged;
use crate::world::tests::plain;

/// What a process of [`speaker`] says, one datagram for each word; in words `+` stands for a newline.
const WORDS: &str = "SIXFOLD_TEST_WORDS";

/// No test, but what services run to say something: only programs have a pid to be known by.
#[test]
fn speaker() {
    let Ok(words) = std::env::var(WORDS) else {
        return;
    };
    let socket = UnixDatagram::unbound().unwrap();
    let path = std::env::var_os("NOTIFY_SOCKET").unwrap();
    for word in words.split(' ') {
        let said = word.replace('+', "\n");
        socket.send_to(said.as_bytes(), &path).unwrap();
    }
}

/// Shell text that says `words`.
fn says(words: &str) -> String {
    let program = std::env::current_exe().unwrap();
    let program = program.display();
    let test = "unit::notify::tests::speaker";
    format!("{WORDS}='{words}' {program} --exact {test} --nocapture >/dev/null")
}

/// A service with a socket, supervised where it lies.
fn service(dir: &Path, script: &str) -> Place {
    let mut place = plain_service(dir, script);
    place.spec.notify = true;
    place
}

fn bench(place: &Place) -> Bench {
    let mut world = plain(Format::Text);
    world.role = Role::Service;
    Bench::of(world, Some(place.clone()))
}

/// Runs a test in an event loop of one thread, and returns what was logged.
fn played(test: impl Future<Output = ()>) -> String {
    logged(Format::Json, 4, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(LocalSet::new().run_until(test));
    })
}

impl Bench {
    async fn pulse(&mut self, run: usize, pulse: Pulse) {
        let (node, run) = (self.node, self.runs[run]);
        assert_eq!(self.next().await, Input::Pulse { node, run, pulse });
    }
}

#[test]
fn what_a_service_says_is_passed_on_and_no_more_until_it_was_heard() {
    let dir = tempfile::tempdir().unwrap();
    let words = says("X=1 WATCHDOG=1+READY=1+WATCHDOG=1+WATCHDOG=1 READY=1 WATCHDOG=trigger");
    let place = service(dir.path(), &format!("{words}; exec sleep 600"));
    played(async {
        let mut bench = bench(&place);
        bench.spawn(0, Work::Run);
        bench.spawned(0).await;
        bench.pulse(0, Pulse::Alive).await;
        bench.ready(0).await;
        bench.pulse(0, Pulse::Alive).await;
        for _ in 0..3 {
            bench.order(Order::Heeded);
        }
        bench.pulse(0, Pulse::Trigger).await;
        // It is not heard meanwhile, nor does that keep the unit from anything.
        bench.signal(0, Signal::KILL, Target::Process);
        bench.exited(0, Exit::Signal(9)).await;
    });
}

#[test]
fn what_is_said_right_before_the_end_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("exec env {}", says("WATCHDOG=1 READY=1"));
    let place = service(dir.path(), &script);
    played(async {
        let mut bench = bench(&place);
        for run in 0..3 {
            bench.spawn(run, Work::Run);
            bench.spawned(run).await;
            let mut next = bench.next().await;
            // Whether this came before the end or with it.
            if matches!(next, Input::Pulse { .. }) {
                bench.order(Order::Heeded);
                next = bench.next().await;
            }
            let (node, run_id) = (bench.node, bench.runs[run]);
            assert_eq!(next, Input::Ready { node, run: run_id });
            bench.exited(run, Exit::Code(0)).await;
            assert!(!dir.path().join(paths::NOTIFY_HERE).exists());
        }
    });
}

#[test]
fn strangers_are_not_heard() {
    let dir = tempfile::tempdir().unwrap();
    let go = dir.path().join("go");
    fifo::make(&go, 0o600).unwrap();
    let go_on = fifo::open_reader(&go).unwrap();
    let script = format!(
        "read line < go; {}; exec sleep 600",
        says("MAINPID=1 READY=1")
    );
    let place = service(dir.path(), &script);
    let log = played(async {
        let mut bench = bench(&place);
        bench.spawn(0, Work::Run);
        bench.spawned(0).await;
        // This process has started the service, and is no part of it.
        let socket = UnixDatagram::unbound().unwrap();
        let path = dir.path().join(paths::NOTIFY_HERE);
        for said in ["READY=1", "WATCHDOG=trigger", "STATUS=forged"] {
            socket.send_to(said.as_bytes(), &path).unwrap();
        }
        fds::write(&go_on, b"go on\n").unwrap();
        bench.ready(0).await;
        bench.signal(0, Signal::KILL, Target::Process);
        bench.exited(0, Exit::Signal(9)).await;
    });
    assert_eq!(
        log.matches("\"event\":\"notify.refused\"").count(),
        1,
        "{log}"
    );
    let own = format!("\"sender\":{}", std::process::id());
    assert!(log.contains(&own), "{log}");
    assert!(
        log.contains("\"event\":\"notify.main_pid_refused\""),
        "{log}"
    );
    assert!(!log.contains("forged"), "{log}");
}

#[test]
fn people_are_told_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let words = "STATUS=one STATUS=one READY=1 STATUS=two RELOADING=1 RELOADING=1 READY=1 READY=1 \
                 ERRNO=2 ERRNO=2 STOPPING=1 STOPPING=1";
    let place = service(dir.path(), &says(words));
    let log = played(async {
        let mut bench = bench(&place);
        bench.spawn(0, Work::Run);
        let pid = bench.spawned(0).await;
        assert!(pid > 1);
        bench.ready(0).await;
        bench.exited(0, Exit::Code(0)).await;
    });
    let events: Vec<String> = log
        .lines()
        // The script itself is a finding: it is not executable.
        .filter(|line| !line.contains("\"event\":\"diagnostic\""))
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["service"], "web");
            let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", field("event"), field("message"))
        })
        .collect();
    assert_eq!(
        events,
        [
            "service.status service status: one",
            "service.status service status: two",
            "service.reloading service reloads its configuration",
            "service.ready service ready again",
            "service.errno service reports an error: No such file or directory (os error 2)",
            "service.ending service says that it is about to end",
        ]
    );
}

#[test]
fn too_much_at_once_is_not_heard() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("READY=1+STATUS={}", "x".repeat(words::MOST));
    let place = service(
        dir.path(),
        &says(&format!("{long} {long} WATCHDOG=trigger+READY=1")),
    );
    let log = played(async {
        let mut bench = bench(&place);
        bench.spawn(0, Work::Run);
        bench.spawned(0).await;
        let next = bench.next().await;
        if matches!(next, Input::Pulse { .. }) {
            bench.ready(0).await;
        }
        bench.exited(0, Exit::Code(0)).await;
    });
    assert_eq!(
        log.matches("\"event\":\"notify.too_long\"").count(),
        1,
        "{log}"
    );
}

#[test]
fn the_service_is_told_where_to_speak_and_how_often() {
    let dir = tempfile::tempdir().unwrap();
    let script = "[ -S \"$NOTIFY_SOCKET\" ] && [ \"$WATCHDOG_USEC\" = 1500000 ] \
                  && [ -z \"$WATCHDOG_PID\" ] && exit 7";
    let mut place = service(dir.path(), script);
    place.spec.watchdog = Some(Duration::from_millis(1500));
    played(async {
        let mut world = plain(Format::Text);
        world.role = Role::Service;
        for (name, value) in [("NOTIFY_SOCKET", "/outer"), ("WATCHDOG_PID", "1")] {
            world.full_env.push((name.into(), value.into()));
        }
        let mut bench = Bench::of(world, Some(place));
        bench.spawn(0, Work::Run);
        bench.spawned(0).await;
        bench.exited(0, Exit::Code(7)).await;
    });
}

#[test]
fn without_a_socket_nothing_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("x".repeat(100));
    std::fs::create_dir(&deep).unwrap();
    let place = service(&deep, "exit 0");
    let log = played(async {
        let mut bench = bench(&place);
        bench.spawn(0, Work::Run);
        let failure = Input::SpawnFailed {
            node: bench.node,
            run: bench.runs[0],
            failure: SpawnFailure::NotRunnable,
        };
        assert_eq!(bench.next().await, failure);
    });
    assert!(log.contains("no socket could be made there"), "{log}");
    assert!(log.contains("no longer than 107 bytes"), "{log}");
}
