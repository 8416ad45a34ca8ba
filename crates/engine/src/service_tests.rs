//! Every state of a service by every input, written down as a table.

#[path = "../tests/support/render.rs"]
mod render;
#[path = "../tests/support/table.rs"]
mod table;

use sixfold_model::{Settings, Signal};

use super::*;
use crate::{Cause, Listing, NodeId, Origin, Policy};

const RUN: RunId = RunId(7);
const OTHER: RunId = RunId(3);
const PID: i32 = 70;

/// The present moment of most inputs, in ms; deadlines of the states lie at 15 s.
const NOW: u64 = 10_000;
const DUE: u64 = 15_000;

const STATES: [&str; 14] = [
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
];

const INPUTS: [&str; 17] = [
    "wake",
    "start",
    "give_up",
    "stop",
    "kill",
    "spawned",
    "spawned, other run",
    "spawn_failed",
    "spawn_failed, other run",
    "ready",
    "ready, other run",
    "exited 1",
    "exited 125",
    "exited, other run",
    "timer, early",
    "timer, due",
    "timer, while killing",
];

fn at(ms: u64) -> Moment {
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
fn service(state: &str) -> Service {
    let mut service = Service::new(spec(), false, true);
    let up = |ready| State::Up {
        run: RUN,
        pid: PID,
        since: at(9500),
        ready,
    };
    let finishing = |pid| State::Finishing {
        run: RUN,
        pid,
        kill_at: Some(at(DUE)),
    };
    service.last_start = Some(at(9500));
    (service.state, service.want) = match state {
        "down" => (State::Down, Want::Down),
        "waiting" => (State::Waiting, Want::Up),
        "starting" => (State::Starting { run: RUN }, Want::Up),
        "starting, unwanted" => (State::Starting { run: RUN }, Want::Down),
        "up" => (up(false), Want::Up),
        "up, ready" => (up(true), Want::Up),
        "stopping" => {
            let state = State::Stopping {
                run: RUN,
                pid: PID,
                since: at(9500),
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
        "failed" => (State::Failed, Want::Down),
        "broken" => (State::Broken, Want::Down),
        other => panic!("no state {other}"),
    };
    service.reached = state == "up, ready";
    service
}

fn show(service: &Service) -> String {
    let ms = |at: &Moment| at.elapsed().as_millis();
    let kill = |at: &Option<Moment>| match at {
        Some(at) => format!(" until {}", ms(at)),
        None => String::new(),
    };
    let state = match &service.state {
        State::Down => "down".to_owned(),
        State::Waiting => "waiting".to_owned(),
        State::Starting { run } => format!("starting {}", run.0),
        State::Up {
            run,
            pid,
            since,
            ready,
        } => {
            let ready = if *ready { " ready" } else { "" };
            format!("up {} pid {pid} since {}{ready}", run.0, ms(since))
        }
        State::Stopping { run, kill_at, .. } => format!("stopping {}{}", run.0, kill(kill_at)),
        State::Finishing { run, pid, kill_at } => {
            let pid = pid.map_or_else(String::new, |pid| format!(" pid {pid}"));
            format!("finishing {}{pid}{}", run.0, kill(kill_at))
        }
        State::Backoff { until } => format!("backoff until {}", ms(until)),
        State::Failed => "failed".to_owned(),
        State::Broken => "broken".to_owned(),
    };
    let want = match service.want {
        Want::Up => "wanted",
        Want::Down => "unwanted",
    };
    let reached = if service.reached { ", reached" } else { "" };
    format!("{state}, {want}{reached}")
}

/// Lets `act` happen at `now` and returns the effects as text.
fn apply(
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
    names.learn(&Effect::Adopt {
        node: NodeId(0),
        spec: Box::new(spec()),
        logger: None,
    });
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
        "timer, due" => (DUE, false),
        "timer, while killing" => (DUE, true),
        _ => (NOW, false),
    };
    let effects = apply(&mut service, now, killing, |service, context| match input {
        "wake" => service.wake(),
        "start" => service.start(context),
        "give_up" => service.give_up(),
        "stop" => service.stop(context),
        "kill" => service.kill(context),
        "spawned" => service.spawned(RUN, PID, context),
        "spawned, other run" => service.spawned(OTHER, PID, context),
        "spawn_failed" => service.spawn_failed(RUN, context),
        "spawn_failed, other run" => service.spawn_failed(OTHER, context),
        "ready" => service.ready(RUN, context),
        "ready, other run" => service.ready(OTHER, context),
        "exited 1" => service.exited(RUN, Exit::Code(1), context),
        "exited 125" => service.exited(RUN, Exit::Code(125), context),
        "exited, other run" => service.exited(OTHER, Exit::Code(1), context),
        "timer, early" | "timer, due" | "timer, while killing" => service.timer(context),
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

const TABLE: &str = "";
