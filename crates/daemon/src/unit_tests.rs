//! Units with real processes, in an event loop of one thread as in the daemon.

use std::collections::VecDeque;
use std::fs;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sixfold_engine::{Command, Effect, Engine, Moment, Policy};
use sixfold_model::{ServiceSpec, Settings};
use sixfold_sys::{fds, fifo, files};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinHandle, LocalSet};

use super::*;
use crate::subscriber::Format;
use crate::world::tests::plain;

const DEADLINE: Duration = Duration::from_secs(30);

/// Runs that an engine has given out, and the node of the first: the engine alone makes them.
fn runs(count: usize) -> (NodeId, Vec<RunId>) {
    let specs = |count: usize| -> Vec<ServiceSpec> {
        let names = (0..count).map(|number| format!("service-{number}"));
        names.map(|name| ServiceSpec::new(name, "/")).collect()
    };
    let mut engine = Engine::new(Policy::new(&Settings::default(), Vec::new(), false));
    let mut inputs = VecDeque::from([Input::Boot]);
    let mut spawned = Vec::new();
    while let Some(input) = inputs.pop_front() {
        let mut effects = Vec::new();
        engine.handle(Moment::at(Duration::ZERO), input, &mut effects);
        for effect in effects {
            if let Effect::List { node, .. } = effect {
                let steps = Vec::new();
                inputs.push_back(Input::Listed { node, steps });
            } else if effect == Effect::ListServices {
                let specs = specs(count);
                inputs.push_back(Input::Services { specs });
            } else if let Effect::Adopt { node, spec, .. } = effect {
                inputs.push_back(Input::Supervised { node, spec });
            } else if let Effect::Spawn { node, run, .. } = effect {
                spawned.push((node, run));
            }
        }
    }
    assert_eq!(spawned.len(), count);
    (spawned[0].0, spawned.iter().map(|(_, run)| *run).collect())
}

/// A unit, and the dispatcher's side of it.
pub(super) struct Bench {
    world: Rc<World>,
    pub(super) node: NodeId,
    place: Option<Place>,
    pub(super) runs: Vec<RunId>,
    pub(super) orders: futures_channel::mpsc::UnboundedSender<Order>,
    reports: UnboundedReceiver<Input>,
    phases: broadcast::Sender<Phase>,
    task: JoinHandle<()>,
    /// The other end of the log.
    log: OwnedFd,
}

impl Bench {
    fn new(format: Format, place: Option<Place>) -> Self {
        Self::of(plain(format), place)
    }

    pub(super) fn of(world: World, place: Option<Place>) -> Self {
        let world = Rc::new(world);
        let (log, writer) = fds::pipe().unwrap();
        fds::set_nonblocking(&log, true).unwrap();
        let console = fds::console(writer.as_raw_fd()).unwrap();
        world.outlet.write_through(console);
        let (node, runs) = runs(3);
        let (orders, receiver) = futures_channel::mpsc::unbounded();
        let (sender, reports) = mpsc::unbounded_channel();
        let (phases, phase) = broadcast::channel(8);
        let unit = Unit::new(Rc::clone(&world), node, "web".to_owned(), None, sender);
        let task = tokio::task::spawn_local(Box::new(unit).serve(receiver, phase));
        Self {
            world,
            node,
            place,
            runs,
            orders,
            reports,
            phases,
            task,
            log,
        }
    }

    /// Orders a shell with this script as the run of that number.
    fn shell(&self, run: usize, script: &str) {
        let argv = ["/bin/sh", "-c", script];
        self.spawn(
            run,
            Work::Cmd {
                argv: argv.map(Into::into).to_vec(),
            },
        );
    }

    pub(super) fn spawn(&self, run: usize, work: Work) {
        let run = self.runs[run];
        let place = self.place.clone().map(Box::new);
        self.order(Order::Spawn { run, work, place });
    }

    pub(super) fn signal(&self, run: usize, signal: Signal, target: Target) {
        let order = Order::Signal {
            run: self.runs[run],
            signal,
            target,
        };
        self.order(order);
    }

    pub(super) fn order(&self, order: Order) {
        self.orders.unbounded_send(order).unwrap();
    }

    pub(super) async fn next(&mut self) -> Input {
        let report = tokio::time::timeout(DEADLINE, self.reports.recv()).await;
        report.expect("a report in time").expect("the unit lives")
    }

    /// The report that the run of that number was started; its process.
    pub(super) async fn spawned(&mut self, run: usize) -> i32 {
        let report = self.next().await;
        let Input::Spawned { node, run: of, pid } = report else {
            panic!("{report:?} is no start");
        };
        assert_eq!((node, of), (self.node, self.runs[run]));
        pid
    }

    pub(super) async fn exited(&mut self, run: usize, exit: Exit) {
        let expected = Input::Exited {
            node: self.node,
            run: self.runs[run],
            exit,
        };
        assert_eq!(self.next().await, expected);
    }

    pub(super) async fn ready(&mut self, run: usize) {
        let expected = Input::Ready {
            node: self.node,
            run: self.runs[run],
        };
        assert_eq!(self.next().await, expected);
    }

    /// What stands in the log now.
    fn logged(&self) -> Vec<Value> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = fds::read(&self.log, &mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        let lines = bytes.split(|byte| *byte == b'\n');
        lines
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }
}

/// A service in `dir` with this script, which announces its readiness on descriptor `number`.
/// Tests run in one process: each takes a number of its own. The script is not executable, so that
/// its interpreter is started: a script that another test's child still has open for writing, as it
/// was forked at that moment, would be refused (ETXTBSY).
fn service(dir: &Path, number: i32, script: &str) -> Place {
    let mut place = plain_service(dir, script);
    place.spec.notification_fd = Some(number);
    place
}

/// A service in `dir` with this script, which announces nothing.
pub(super) fn plain_service(dir: &Path, script: &str) -> Place {
    let run = dir.join("run");
    fs::write(&run, format!("#!/bin/sh\n{script}\n")).unwrap();
    files::chmod(&run, 0o644).unwrap();
    let spec = ServiceSpec::new("web", dir);
    let dir = dir.to_owned();
    let charge = None;
    Place { spec, dir, charge }
}

#[tokio::test(flavor = "current_thread")]
async fn orders_through_the_fifo_are_passed_on_in_order() {
    let test = async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        fifo::make(&path, 0o600).unwrap();
        let mut bench = Bench::new(Format::Text, None);
        let reader = fifo::open_reader(&path).unwrap();
        bench.order(Order::Listen(Some(reader)));
        fifo::write_control(&path, b"d\0?\xffu").unwrap();
        for command in [Command::Down, Command::Up] {
            let node = bench.node;
            assert_eq!(bench.next().await, Input::Control { node, command });
        }
        // Nothing more is read until these are obeyed.
        fifo::write_control(&path, b"x").unwrap();
        bench.shell(1, "exit 0");
        bench.spawned(1).await;
        bench.exited(1, Exit::Code(0)).await;
        for _ in 0..2 {
            bench.order(Order::Obeyed);
        }
        let (node, command) = (bench.node, Command::Leave);
        assert_eq!(bench.next().await, Input::Control { node, command });
        bench.order(Order::Listen(None));
        // What is ordered next comes after that.
        bench.shell(0, "exit 0");
        bench.spawned(0).await;
        // A child that another test is just starting may hold our end for a moment.
        let nobody = loop {
            match fifo::write_control(&path, b"d") {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        assert_eq!(nobody.raw_os_error(), Some(6), "ENXIO: nobody listens");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn starts_and_ends_are_reported_in_order() {
    let test = async {
        let mut bench = Bench::new(Format::Text, None);
        for (run, script, exit) in [
            (0, "exit 0", Exit::Code(0)),
            (1, "exit 255", Exit::Code(255)),
            (2, "kill -9 $$", Exit::Signal(9)),
            // A real-time signal.
            (0, "kill -35 $$", Exit::Signal(35)),
        ] {
            bench.shell(run, script);
            let pid = bench.spawned(run).await;
            assert!(pid > 1, "{pid}");
            bench.exited(run, exit).await;
            assert!(bench.world.owned.borrow().is_empty(), "{script}");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_live_process_is_owned() {
    let test = async {
        let mut bench = Bench::new(Format::Text, None);
        bench.shell(0, "exec sleep 600");
        let pid = bench.spawned(0).await;
        assert_eq!(*bench.world.owned.borrow(), [pid].into());
        bench.signal(0, Signal::KILL, Target::Process);
        bench.exited(0, Exit::Signal(9)).await;
        assert!(bench.world.owned.borrow().is_empty());
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn last_words_come_before_the_news_of_the_death() {
    let test = async {
        let mut bench = Bench::new(Format::Json, None);
        for run in [0, 1] {
            bench.shell(run, "echo one; echo two >&2; printf three; exit 4");
            let pid = bench.spawned(run).await;
            bench.exited(run, Exit::Code(4)).await;
            let mut words: Vec<(String, String)> = bench
                .logged()
                .iter()
                .map(|record| {
                    assert_eq!(record["pid"], pid, "{record}");
                    assert_eq!(record["service"], "web");
                    let text = |key: &str| record[key].as_str().unwrap().to_owned();
                    (text("stream"), text("message"))
                })
                .collect();
            words.sort();
            let expected = [("stderr", "two"), ("stdout", "one"), ("stdout", "three")];
            let expected = expected.map(|(stream, line)| (stream.to_owned(), line.to_owned()));
            assert_eq!(words, expected);
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_descendant_that_keeps_the_pipe_holds_nobody_up() {
    let test = async {
        let mut bench = Bench::new(Format::Json, None);
        bench.shell(0, "sleep 600 & echo $!");
        bench.spawned(0).await;
        bench.exited(0, Exit::Code(0)).await;
        let logged = bench.logged();
        let descendant = logged[0]["message"].as_str().unwrap().parse().unwrap();
        // It is still there, or this would fail.
        signals::send(descendant, Signal::KILL.number()).unwrap();
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_signal_for_a_run_that_is_over_reaches_nobody() {
    let test = async {
        let mut bench = Bench::new(Format::Text, None);
        bench.signal(0, Signal::KILL, Target::Process);
        bench.shell(0, "exit 0");
        bench.spawned(0).await;
        bench.exited(0, Exit::Code(0)).await;
        bench.signal(0, Signal::KILL, Target::Group);
        bench.shell(1, "exec sleep 600");
        bench.spawned(1).await;
        // KILL would win over TERM if it came.
        bench.signal(0, Signal::KILL, Target::Process);
        bench.signal(0, Signal::KILL, Target::Group);
        bench.signal(2, Signal::KILL, Target::Process);
        bench.signal(1, Signal::TERM, Target::Process);
        bench.exited(1, Exit::Signal(15)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_group_is_signalled_with_all_its_members() {
    let dir = tempfile::tempdir().unwrap();
    // Were the shell alone signalled, it would wait for its child for ten minutes.
    let script = "trap : TERM; (echo > /proc/self/fd/201; exec sleep 600); exit 3";
    let place = service(dir.path(), 201, script);
    let test = async {
        let mut bench = Bench::new(Format::Text, Some(place));
        bench.spawn(0, Work::Run);
        bench.spawned(0).await;
        bench.ready(0).await;
        bench.signal(0, Signal::TERM, Target::Group);
        bench.exited(0, Exit::Code(3)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn readiness_is_one_newline_and_reported_once_for_each_run() {
    let dir = tempfile::tempdir().unwrap();
    let fifo_path = dir.path().join("fifo");
    fifo::make(&fifo_path, 0o600).unwrap();
    let go_on = fifo::open_reader(&fifo_path).unwrap();
    let script = "printf abc >&$FD; printf 'd\ne\n' >&$FD; read line < fifo; echo >&$FD; exit 4";
    let script = script.replace("&$FD", "/proc/self/fd/202");
    let place = service(dir.path(), 202, &script);
    let test = async {
        let mut bench = Bench::new(Format::Text, Some(place));
        for run in [0, 1] {
            bench.spawn(run, Work::Run);
            bench.spawned(run).await;
            bench.ready(run).await;
            fds::write(&go_on, b"go on\n").unwrap();
            // Our end is closed, as s6-supervise closes its own; a child that another test is just
            // starting may hold it for a moment, so how this ends is not certain.
            let end = bench.next().await;
            assert!(matches!(end, Input::Exited { .. }), "{end:?}");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_pipe_that_is_closed_without_a_newline_is_no_readiness() {
    let dir = tempfile::tempdir().unwrap();
    let script = "printf abc > /proc/self/fd/203; exit 5";
    let place = service(dir.path(), 203, script);
    let test = async {
        let mut bench = Bench::new(Format::Text, Some(place));
        bench.spawn(0, Work::Run);
        bench.spawned(0).await;
        bench.exited(0, Exit::Code(5)).await;
        let work = Work::Finish {
            exit: Exit::Code(5),
            pgid: 7,
        };
        bench.spawn(1, work);
        let failure = Input::SpawnFailed {
            node: bench.node,
            run: bench.runs[1],
            failure: SpawnFailure::NotFound,
        };
        assert_eq!(bench.next().await, failure, "there is no finish script");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_started_is_reported_and_the_unit_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let locked = dir.path().join("locked");
    fs::write(&locked, "#!/bin/sh\n").unwrap();
    files::chmod(&locked, 0o644).unwrap();
    let test = async {
        let mut bench = Bench::new(Format::Json, None);
        for (run, program, expected) in [
            (0, Path::new("/no/such/program"), SpawnFailure::NotFound),
            (1, Path::new("no-such-program"), SpawnFailure::NotFound),
            (2, &locked, SpawnFailure::NotRunnable),
        ] {
            let argv = vec![program.into()];
            bench.spawn(run, Work::Cmd { argv });
            let failure = Input::SpawnFailed {
                node: bench.node,
                run: bench.runs[run],
                failure: expected,
            };
            assert_eq!(bench.next().await, failure);
            assert!(bench.world.owned.borrow().is_empty());
        }
        bench.shell(0, "exit 6");
        bench.spawned(0).await;
        bench.exited(0, Exit::Code(6)).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_unit_serves_until_everything_is_gone() {
    let test = async {
        let mut bench = Bench::new(Format::Text, None);
        for phase in [Phase::Stopping, Phase::Killing] {
            bench.phases.send(phase).unwrap();
        }
        bench.shell(0, "exit 0");
        bench.spawned(0).await;
        bench.exited(0, Exit::Code(0)).await;
        bench.phases.send(Phase::Gone).unwrap();
        let ended = tokio::time::timeout(DEADLINE, bench.task).await;
        ended.expect("it ends in time").expect("without a panic");

        let bench = Bench::new(Format::Json, None);
        drop(bench.orders);
        let ended = tokio::time::timeout(DEADLINE, bench.task).await;
        ended.expect("it ends in time").expect("without a panic");
    };
    LocalSet::new().run_until(test).await;
}
