//! Every state of a service by every input, written down as a table.

#[expect(
    clippy::duplicate_mod,
    reason = "each machine's tests stand for themselves"
)]
#[path = "../tests/support/render.rs"]
mod render;
#[expect(
    clippy::duplicate_mod,
    reason = "each machine's tests stand for themselves"
)]
#[path = "../tests/support/table.rs"]
mod table;

use sixfold_model::Settings;

use super::*;
use crate::{Cause, NodeId, Origin, Policy, Transition};

pub(super) const RUN: RunId = RunId(7);
pub(super) const OTHER: RunId = RunId(3);
const PID: i32 = 70;

/// The present moment of most inputs, in ms; deadlines of the states lie at 15 s.
pub(super) const NOW: u64 = 10_000;
const DUE: u64 = 15_000;

const STATES: [&str; 20] = [
    "claiming",
    "down",
    "waiting",
    "starting",
    "starting, unwanted",
    "up",
    "up, ready",
    "stopping",
    "finishing, not spawned",
    "finishing",
    "finishing, unwanted",
    "finishing after a second",
    "backoff",
    "failed",
    "broken",
    "left",
    "up, leaving",
    "logger backoff",
    "logger starting, unwanted",
    "logger up",
];

const INPUTS: [&str; 21] = [
    "supervised",
    "refused",
    "reread",
    "start",
    "give_up",
    "stop",
    "stop all",
    "kill",
    "spawned",
    "late spawned",
    "spawn_failed",
    "late spawn_failed",
    "ready",
    "late ready",
    "exited 1",
    "exited 125",
    "late exited",
    "early timer",
    "due timer",
    "spawned while killing",
    "exited while killing",
];

pub(super) fn at(ms: u64) -> Moment {
    Moment::at(Duration::from_millis(ms))
}

fn policy() -> Policy {
    Policy::new(&Settings::default(), Vec::new(), false)
}

fn spec() -> ServiceSpec {
    let mut spec = ServiceSpec::new("web", "/etc/services.d/web");
    spec.has_finish = true;
    spec.notification_fd = Some(3);
    spec.timeout_kill = Some(Duration::from_millis(2000));
    spec
}

/// A service in that state, half a second after the start of its run.
pub(super) fn service(state: &str) -> Service {
    let (is_logger, state) = match state.strip_prefix("logger ") {
        Some(state) => (true, state),
        None => (false, state),
    };
    let mut service = Service::new(spec(), is_logger, true);
    let life = |ready| Life {
        run: RUN,
        pid: PID,
        since: at(9500),
        ready,
    };
    let up = |ready| State::Up(life(ready));
    let starting = |ending| State::Starting { run: RUN, ending };
    let finishing = |pid| State::Finishing {
        run: RUN,
        pid,
        kill_at: Some(at(DUE)),
    };
    service.last_start = Some(at(9500));
    (service.state, service.want) = match state {
        "down" => (State::Down, Want::Down),
        "waiting" => (State::Waiting, Want::Up),
        "claiming" => (State::Claiming, Want::Up),
        "starting" => (starting(false), Want::Up),
        "starting, unwanted" => (starting(true), Want::Down),
        "up" => (up(false), Want::Up),
        "up, ready" => (up(true), Want::Up),
        "stopping" => {
            let state = State::Stopping {
                life: life(false),
                kill_at: Some(at(DUE)),
            };
            (state, Want::Down)
        }
        "finishing, not spawned" => (finishing(None), Want::Up),
        "finishing" => (finishing(Some(PID)), Want::Up),
        "finishing, unwanted" => (finishing(Some(PID)), Want::Down),
        "finishing after a second" => {
            service.last_start = Some(at(9000));
            (finishing(Some(PID)), Want::Up)
        }
        "backoff" => (State::Backoff { until: at(DUE) }, Want::Up),
        "up, leaving" => {
            service.is_leaving = true;
            (up(false), Want::Up)
        }
        "failed" => (State::Failed, Want::Down),
        "broken" => (State::Broken, Want::Up),
        "left" => {
            let back_at = Some(at(DUE));
            (State::Left { back_at }, Want::Up)
        }
        other => panic!("no state {other}"),
    };
    service.reached = state == "up, ready";
    service
}

pub(super) fn show(service: &Service) -> String {
    let ms = |at: &Moment| at.elapsed().as_millis();
    let kill = |at: &Option<Moment>| match at {
        Some(at) => format!(" until {}", ms(at)),
        None => String::new(),
    };
    let state = match &service.state {
        State::Down => "down".to_owned(),
        State::Waiting => "waiting".to_owned(),
        State::Claiming => "claiming".to_owned(),
        State::Starting { run, ending } => {
            let ending = if *ending { " to end" } else { "" };
            format!("starting {}{ending}", run.0)
        }
        State::Up(Life {
            run,
            pid,
            since,
            ready,
        }) => {
            let ready = if *ready { " ready" } else { "" };
            format!("up {} pid {pid} since {}{ready}", run.0, ms(since))
        }
        State::Stopping { life, kill_at } => {
            let ready = if life.ready { " ready" } else { "" };
            format!("stopping {}{ready}{}", life.run.0, kill(kill_at))
        }
        State::Finishing { run, pid, kill_at } => {
            let pid = pid.map_or_else(String::new, |pid| format!(" pid {pid}"));
            format!("finishing {}{pid}{}", run.0, kill(kill_at))
        }
        State::Backoff { until } => format!("backoff until {}", ms(until)),
        State::Failed => "failed".to_owned(),
        State::Broken => "broken".to_owned(),
        State::Left { back_at } => format!("left{}", kill(back_at)),
    };
    let want = match service.want {
        Want::Up => "wanted",
        Want::Down => "unwanted",
    };
    let reached = if service.reached { ", reached" } else { "" };
    let leaving = if service.is_leaving { ", leaving" } else { "" };
    format!("{state}, {want}{reached}{leaving}")
}

/// Lets `act` happen at `now` and returns the effects as text.
pub(super) fn apply(
    service: &mut Service,
    now: u64,
    killing: bool,
    act: impl FnOnce(&mut Service, &mut Context<'_>),
) -> String {
    let mut effects = Vec::new();
    let mut last_run = 20;
    let mut context = Context {
        node: NodeId(0),
        now: at(now),
        rules: &policy(),
        killing,
        last_run: &mut last_run,
        effects: &mut effects,
    };
    act(service, &mut context);
    let mut names = render::Names::default();
    names.0.insert(NodeId(0), "web".to_owned());
    let lines: Vec<_> = effects
        .iter()
        .map(|effect| render::effect(effect, &names))
        .collect();
    lines.join("; ")
}

fn step(state: &str, input: &str) -> String {
    let mut service = service(state);
    let before = show(&service);
    let (now, killing) = match input {
        "due timer" => (DUE, false),
        "spawned while killing" | "exited while killing" => (NOW, true),
        _ => (NOW, false),
    };
    let effects = apply(&mut service, now, killing, |service, context| match input {
        "supervised" => service.supervised(spec(), context),
        "refused" => service.refused(context),
        "reread" => service.reread(spec()),
        "start" => service.start(context),
        "give_up" => service.give_up(context),
        "stop" => service.stop(false, context),
        "stop all" => service.stop(true, context),
        "kill" => service.kill(context),
        "spawned" | "spawned while killing" => service.spawned(RUN, PID, context),
        "late spawned" => service.spawned(OTHER, PID, context),
        "spawn_failed" => service.spawn_failed(RUN, context),
        "late spawn_failed" => service.spawn_failed(OTHER, context),
        "ready" => service.ready(RUN, context),
        "late ready" => service.ready(OTHER, context),
        "exited 1" | "exited while killing" => service.exited(RUN, Exit::Code(1), context),
        "exited 125" => service.exited(RUN, Exit::Code(125), context),
        "late exited" => service.exited(OTHER, Exit::Code(1), context),
        "early timer" | "due timer" => service.timer(context),
        other => panic!("no input {other}"),
    });
    let after = show(&service);
    match (before == after, effects.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("stays; {effects}"),
        (false, true) => format!("-> {after}"),
        (false, false) => format!("-> {after}; {effects}"),
    }
}

#[test]
fn every_state_by_every_input() {
    let table = table::table(&STATES, &INPUTS, step);
    assert_eq!(table, TABLE, "{table}");
}

/// A service without finish script, without readiness, and with a run that died `lives` ms after
/// its start, at 10 s.
fn dead(spec: ServiceSpec, lives: u64) -> Service {
    let mut service = Service::new(spec.clone(), false, true);
    apply(&mut service, 0, false, |service, context| {
        service.supervised(spec, context);
        service.start(context);
    });
    let State::Starting { run, .. } = *service.state() else {
        panic!("not starting: {}", show(&service));
    };
    apply(&mut service, NOW - lives, false, |service, context| {
        service.spawned(run, PID, context);
    });
    apply(&mut service, NOW, false, |service, context| {
        service.exited(run, Exit::Signal(9), context);
    });
    service
}

#[test]
fn starts_are_a_second_apart() {
    let plain = || ServiceSpec::new("web", "/etc/services.d/web");
    for (lives, state) in [
        (0, "backoff until 11000, wanted, reached"),
        (999, "backoff until 10001, wanted, reached"),
        (1000, "starting 21, wanted, reached"),
        (9000, "starting 21, wanted, reached"),
    ] {
        assert_eq!(show(&dead(plain(), lives)), state, "lived {lives} ms");
    }
}

#[test]
fn without_readiness_a_start_is_enough() {
    let plain = || ServiceSpec::new("web", "/etc/services.d/web");
    let mut announcing = plain();
    announcing.notification_fd = Some(3);
    for (spec, await_ready, reached) in [
        (plain(), false, true),
        (plain(), true, true),
        (announcing.clone(), false, true),
        (announcing, true, false),
    ] {
        let mut service = Service::new(spec.clone(), false, await_ready);
        assert!(service.is_pending());
        apply(&mut service, NOW, false, |service, context| {
            service.supervised(spec, context);
            assert!(service.is_pending());
            service.start(context);
            service.spawned(RunId(21), PID, context);
        });
        assert_eq!(service.is_reached(), reached);
        assert_eq!(service.is_pending(), !reached);
    }
}

#[test]
fn deadlines_are_those_of_the_state() {
    for state in STATES {
        let expected = match state {
            "stopping"
            | "finishing"
            | "finishing, unwanted"
            | "finishing after a second"
            | "backoff"
            | "left"
            | "logger backoff" => Some(at(DUE)),
            _ => None,
        };
        assert_eq!(service(state).next_timeout(), expected, "{state}");
    }
}

#[test]
fn without_limits_nothing_is_ever_killed() {
    let mut service = service("up");
    service.spec.timeout_kill = None;
    service.spec.timeout_finish = None;
    apply(&mut service, NOW, false, |service, context| {
        service.stop(false, context);
    });
    assert_eq!(show(&service), "stopping 7, unwanted, leaving");
    assert_eq!(service.next_timeout(), None);
    apply(&mut service, NOW, false, |service, context| {
        service.exited(RUN, Exit::Code(0), context);
        service.spawned(RunId(21), PID, context);
    });
    assert_eq!(show(&service), "finishing 21 pid 70, unwanted, leaving");
    assert_eq!(service.next_timeout(), None);
}

const TABLE: &str = "
claiming
  supervised: -> waiting, wanted; tell web s, wanted, ready, paused
  refused: -> left until 11000, wanted
  give_up: -> claiming, wanted, reached
  stop: -> claiming, wanted, leaving
  stop all: -> claiming, wanted, leaving
  kill: -> claiming, unwanted
  nothing: reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | spawned while killing | exited while killing
down
  give_up: -> down, unwanted, reached
  stop: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  stop all: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  nothing: supervised | refused | reread | start | kill | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | spawned while killing | exited while killing
waiting
  start: -> starting 21, wanted; spawn web run
  give_up: -> down, unwanted, reached
  stop: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  stop all: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  kill: -> down, unwanted
  nothing: supervised | refused | reread | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | spawned while killing | exited while killing
starting
  give_up: -> starting 7, wanted, reached
  stop: -> starting 7 to end, unwanted, leaving; tell web
  stop all: -> starting 7 to end, unwanted, leaving; tell web
  kill: -> starting 7, unwanted
  spawned: -> up 7 pid 70 since 10000, wanted; log web started pid 70; tell web u, wanted, pid 70
  spawn_failed: -> backoff until 70000, wanted; log web unstartable, try 1, retry 60000ms
  spawned while killing: -> stopping 7 until 15000, unwanted; log web started pid 70; tell web u, wanted, pid 70; signal web SIGKILL process
  nothing: supervised | refused | reread | start | late spawned | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | exited while killing
starting, unwanted
  give_up: -> starting 7 to end, unwanted, reached
  stop: -> starting 7 to end, unwanted, leaving; tell web
  stop all: -> starting 7 to end, unwanted, leaving; tell web
  spawned: -> stopping 7 until 12000, unwanted; log web started pid 70; tell web u, pid 70; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process
  spawn_failed: -> down, unwanted
  spawned while killing: -> stopping 7 until 15000, unwanted; log web started pid 70; tell web u, pid 70; signal web SIGKILL process
  nothing: supervised | refused | reread | start | kill | late spawned | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | exited while killing
up
  give_up: -> up 7 pid 70 since 9500, wanted, reached
  stop: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70
  stop all: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70
  kill: -> stopping 7 until 15000, unwanted; signal web SIGKILL process
  ready: -> up 7 pid 70 since 9500 ready, wanted, reached; log web ready 500ms; tell web U, wanted, ready, pid 70
  exited 1: -> finishing 21 until 15000, wanted; log web exited code 1 500ms; record-death web code 1 of 100; spawn web finish 1 0 pgid 70
  exited 125: -> finishing 21 until 15000, wanted; log web exited code 125 500ms; record-death web code 125 of 100; spawn web finish 125 0 pgid 70
  exited while killing: -> down, wanted; log web exited code 1 500ms; record-death web code 1 of 100; tell web dD, wanted, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | late ready | late exited | early timer | due timer | spawned while killing
up, ready
  stop: -> stopping 7 ready until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, ready, pid 70
  stop all: -> stopping 7 ready until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, ready, pid 70
  kill: -> stopping 7 ready until 15000, unwanted; signal web SIGKILL process
  exited 1: -> finishing 21 until 15000, wanted, reached; log web exited code 1 500ms; record-death web code 1 of 100; spawn web finish 1 0 pgid 70
  exited 125: -> finishing 21 until 15000, wanted, reached; log web exited code 125 500ms; record-death web code 125 of 100; spawn web finish 125 0 pgid 70
  exited while killing: -> down, wanted, reached; log web exited code 1 500ms; record-death web code 1 of 100; tell web dD, wanted, ready
  nothing: supervised | refused | reread | start | give_up | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | late exited | early timer | due timer | spawned while killing
stopping
  give_up: -> stopping 7 until 15000, unwanted, reached
  stop: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70
  stop all: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70
  kill: stays; signal web SIGKILL process
  ready: -> stopping 7 ready until 15000, unwanted; log web ready 500ms; tell web U, ready, pid 70
  exited 1: -> finishing 21 until 15000, unwanted; log web exited code 1 500ms asked; record-death web code 1 of 100; spawn web finish 1 0 pgid 70
  exited 125: -> finishing 21 until 15000, unwanted; log web exited code 125 500ms asked; record-death web code 125 of 100; spawn web finish 125 0 pgid 70
  due timer: -> stopping 7 until 20000, unwanted; signal web SIGKILL process; signal web SIGCONT process; log web killed
  exited while killing: -> down, unwanted; log web exited code 1 500ms asked; record-death web code 1 of 100; tell web dD, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | late ready | late exited | early timer | spawned while killing
finishing, not spawned
  give_up: -> finishing 7 until 15000, wanted, reached
  stop: -> finishing 7 until 15000, unwanted, leaving; tell web
  stop all: -> finishing 7 until 15000, unwanted, leaving; tell web
  kill: -> finishing 7 until 15000, unwanted; signal web SIGKILL process
  spawned: -> finishing 7 pid 70 until 15000, wanted; tell web d, wanted, finishing, pid 70
  spawn_failed: -> backoff until 10500, wanted; tell web dD, wanted, ready
  exited 1: -> backoff until 10500, wanted; tell web d, wanted; tell web D, wanted, ready
  exited 125: -> failed, unwanted; tell web d, wanted; log web failed; tell web OD, ready
  spawned while killing: -> finishing 7 pid 70 until 15000, wanted; tell web d, wanted, finishing, pid 70; signal web SIGKILL process
  exited while killing: -> down, wanted; tell web d, wanted; tell web D, wanted, ready
  nothing: supervised | refused | reread | start | late spawned | late spawn_failed | ready | late ready | late exited | early timer | due timer
finishing
  give_up: -> finishing 7 pid 70 until 15000, wanted, reached
  stop: -> finishing 7 pid 70 until 15000, unwanted, leaving; tell web, finishing, pid 70
  stop all: -> finishing 7 pid 70 until 15000, unwanted, leaving; tell web, finishing, pid 70
  kill: -> finishing 7 pid 70 until 15000, unwanted; signal web SIGKILL process
  exited 1: -> backoff until 10500, wanted; log web finish exited code 1; tell web D, wanted, ready
  exited 125: -> failed, unwanted; log web finish exited code 125; log web failed; tell web OD, ready
  due timer: -> finishing 7 pid 70 until 20000, wanted; log web finish timed out; signal web SIGCONT process; signal web SIGKILL process
  exited while killing: -> down, wanted; log web finish exited code 1; tell web D, wanted, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | late exited | early timer | spawned while killing
finishing, unwanted
  give_up: -> finishing 7 pid 70 until 15000, unwanted, reached
  stop: -> finishing 7 pid 70 until 15000, unwanted, leaving; tell web, finishing, pid 70
  stop all: -> finishing 7 pid 70 until 15000, unwanted, leaving; tell web, finishing, pid 70
  kill: stays; signal web SIGKILL process
  exited 1: -> down, unwanted; log web finish exited code 1; tell web D, ready
  exited 125: -> failed, unwanted; log web finish exited code 125; log web failed; tell web OD, ready
  due timer: -> finishing 7 pid 70 until 20000, unwanted; log web finish timed out; signal web SIGCONT process; signal web SIGKILL process
  exited while killing: -> down, unwanted; log web finish exited code 1; tell web D, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | late exited | early timer | spawned while killing
finishing after a second
  give_up: -> finishing 7 pid 70 until 15000, wanted, reached
  stop: -> finishing 7 pid 70 until 15000, unwanted, leaving; tell web, finishing, pid 70
  stop all: -> finishing 7 pid 70 until 15000, unwanted, leaving; tell web, finishing, pid 70
  kill: -> finishing 7 pid 70 until 15000, unwanted; signal web SIGKILL process
  exited 1: -> starting 21, wanted; log web finish exited code 1; tell web D, wanted, ready; spawn web run
  exited 125: -> failed, unwanted; log web finish exited code 125; log web failed; tell web OD, ready
  due timer: -> finishing 7 pid 70 until 20000, wanted; log web finish timed out; signal web SIGCONT process; signal web SIGKILL process
  exited while killing: -> down, wanted; log web finish exited code 1; tell web D, wanted, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | late exited | early timer | spawned while killing
backoff
  give_up: -> backoff until 15000, wanted, reached
  stop: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  stop all: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  kill: -> down, unwanted
  due timer: -> starting 21, wanted; spawn web run
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | spawned while killing | exited while killing
failed
  give_up: -> failed, unwanted, reached
  stop: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  stop all: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  nothing: supervised | refused | reread | start | kill | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | spawned while killing | exited while killing
broken
  reread: -> waiting, wanted
  give_up: -> broken, wanted, reached
  stop: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  stop all: -> left, unwanted, leaving; tell web, ready; leave web x, ready
  kill: -> broken, unwanted
  nothing: supervised | refused | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | spawned while killing | exited while killing
left
  give_up: -> left until 15000, wanted, reached
  stop: -> left, wanted
  stop all: -> left, wanted
  kill: -> left, unwanted
  due timer: -> claiming, wanted; claim web
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | spawned while killing | exited while killing
up, leaving
  give_up: -> up 7 pid 70 since 9500, wanted, reached, leaving
  stop: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70
  stop all: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70
  kill: -> stopping 7 until 15000, unwanted, leaving; signal web SIGKILL process
  ready: -> up 7 pid 70 since 9500 ready, wanted, reached, leaving; log web ready 500ms; tell web U, wanted, ready, pid 70
  exited 1: -> finishing 21 until 15000, wanted, leaving; log web exited code 1 500ms asked; record-death web code 1 of 100; spawn web finish 1 0 pgid 70
  exited 125: -> finishing 21 until 15000, wanted, leaving; log web exited code 125 500ms asked; record-death web code 125 of 100; spawn web finish 125 0 pgid 70
  exited while killing: -> left until 10000, wanted, leaving; log web exited code 1 500ms asked; record-death web code 1 of 100; leave web dDx, wanted, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | late ready | late exited | early timer | due timer | spawned while killing
logger backoff
  give_up: -> backoff until 15000, wanted, reached
  stop: -> left, unwanted, leaving; close-input web; leave web x, ready
  stop all: -> left, unwanted, leaving; tell web, ready; close-input web; leave web x, ready
  kill: -> down, unwanted
  due timer: -> starting 21, wanted; spawn web run
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | spawned while killing | exited while killing
logger starting, unwanted
  give_up: -> starting 7 to end, unwanted, reached
  stop: -> starting 7 to end, unwanted, leaving; close-input web
  stop all: -> starting 7 to end, unwanted, leaving; tell web; close-input web
  spawned: -> stopping 7 until 12000, unwanted; log web started pid 70; tell web u, pid 70; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process
  spawn_failed: -> down, unwanted
  spawned while killing: -> stopping 7 until 15000, unwanted; log web started pid 70; tell web u, pid 70; signal web SIGKILL process
  nothing: supervised | refused | reread | start | kill | late spawned | late spawn_failed | ready | late ready | exited 1 | exited 125 | late exited | early timer | due timer | exited while killing
logger up
  give_up: -> up 7 pid 70 since 9500, wanted, reached
  stop: -> up 7 pid 70 since 9500, unwanted, leaving; close-input web
  stop all: -> stopping 7 until 12000, unwanted, leaving; log web stopping SIGTERM; signal web SIGTERM process; signal web SIGCONT process; tell web, pid 70; close-input web
  kill: -> stopping 7 until 15000, unwanted; signal web SIGKILL process
  ready: -> up 7 pid 70 since 9500 ready, wanted, reached; log web ready 500ms; tell web U, wanted, ready, pid 70
  exited 1: -> finishing 21 until 15000, wanted; log web exited code 1 500ms; record-death web code 1 of 100; spawn web finish 1 0 pgid 70
  exited 125: -> finishing 21 until 15000, wanted; log web exited code 125 500ms; record-death web code 125 of 100; spawn web finish 125 0 pgid 70
  exited while killing: -> down, wanted; log web exited code 1 500ms; record-death web code 1 of 100; tell web dD, wanted, ready
  nothing: supervised | refused | reread | start | spawned | late spawned | spawn_failed | late spawn_failed | late ready | late exited | early timer | due timer | spawned while killing
";
