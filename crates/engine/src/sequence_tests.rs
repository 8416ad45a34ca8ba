//! Every state of a stage by every input, written down as a table. The stage is cont-init.d with
//! cont-finish.d as its way down, and a limit of 4 s for each of the latter's scripts.

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
use crate::{Cause, NodeId, Origin, Policy, Standing, Transition};

const RUN: RunId = RunId(7);
const OTHER: RunId = RunId(3);
const GRACE: Duration = Duration::from_millis(3000);

/// The present moment of most inputs, in ms; deadlines of the states lie at 15 s.
const NOW: u64 = 10_000;
const DUE: u64 = 15_000;

const STATES: [&str; 19] = [
    "down",
    "waiting",
    "listing up",
    "listing up, stop wanted",
    "listing up, killed",
    "running up, not spawned",
    "running up, not spawned, interrupted",
    "running up",
    "running up, last script",
    "running up, last script, earlier failure",
    "running up, interrupted",
    "running up, given up",
    "listing down",
    "running down, not spawned",
    "running down",
    "running down, last script",
    "running down, killed",
    "up",
    "failed",
];

const INPUTS: [&str; 17] = [
    "start",
    "listed two",
    "listed none",
    "spawned",
    "late spawned",
    "spawned while killing",
    "spawn_failed",
    "late spawn_failed",
    "exited 0",
    "exited 3",
    "late exited",
    "stop",
    "stop without grace",
    "give_up",
    "kill",
    "early timer",
    "due timer",
];

fn at(ms: u64) -> Moment {
    Moment::at(Duration::from_millis(ms))
}

fn policy() -> Policy {
    let mut policy = Policy::new(&Settings::default(), Vec::new(), false);
    policy.behaviour = Behaviour::Stop;
    policy.finish_maxtime = Some(Duration::from_millis(4000));
    policy.kill_gracetime = GRACE;
    policy
}

fn step(name: &str) -> Step {
    Step {
        name: name.to_owned(),
        path: std::path::Path::new("/etc/stage").join(name),
    }
}

fn sequence(state: &str) -> Sequence {
    let mut sequence = Sequence::new(Listing::ContInit, Some(Listing::ContFinish));
    let script = |pid, kill_at, interrupted| Script {
        run: RUN,
        name: "one".to_owned(),
        pid,
        since: at(9500),
        kill_at,
        interrupted,
    };
    let plain = script(Some(70), None, false);
    let limited = script(Some(70), Some(at(DUE)), false);
    let told = script(Some(70), Some(at(DUE)), true);
    sequence.steps.push_back(step("two"));
    sequence.state = match state {
        "down" => State::Down,
        "waiting" => State::Waiting,
        "up" => State::Up,
        "failed" => State::Failed,
        "listing down" => State::Listing(Direction::Down),
        state if state.starts_with("listing up") => State::Listing(Direction::Up),
        "running up, not spawned" => State::Running(Direction::Up, script(None, None, false)),
        "running up, not spawned, interrupted" => {
            State::Running(Direction::Up, script(None, None, true))
        }
        "running up" | "running up, last script" | "running up, last script, earlier failure" => {
            State::Running(Direction::Up, plain)
        }
        "running up, interrupted" | "running up, given up" => State::Running(Direction::Up, told),
        "running down, not spawned" => State::Running(Direction::Down, script(None, None, false)),
        "running down" | "running down, last script" => State::Running(Direction::Down, limited),
        "running down, killed" => State::Running(Direction::Down, told),
        other => panic!("no state {other}"),
    };
    match sequence.state {
        State::Running(..) if !state.contains("last script") && !state.contains("killed") => {}
        State::Running(..)
        | State::Listing(_)
        | State::Down
        | State::Waiting
        | State::Up
        | State::Failed => sequence.steps.clear(),
    }
    sequence.stop_wanted = matches!(
        state,
        "listing up, stop wanted"
            | "listing up, killed"
            | "running up, not spawned, interrupted"
            | "running up, interrupted"
            | "running down, killed"
    );
    sequence.skip_down = state.contains("killed");
    sequence.given_up = state.contains("given up");
    if state.contains("earlier failure") {
        sequence.failures.push(1);
    }
    sequence
}

fn show(sequence: &Sequence) -> String {
    let way = |direction: &Direction| match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    };
    let mut text = match &sequence.state {
        State::Down => "down".to_owned(),
        State::Waiting => "waiting".to_owned(),
        State::Up => "up".to_owned(),
        State::Failed => "failed".to_owned(),
        State::Listing(direction) => format!("listing {}", way(direction)),
        State::Running(direction, script) => {
            let mut text = format!(
                "running {} {} {}",
                way(direction),
                script.run.0,
                script.name
            );
            if let Some(pid) = script.pid {
                text += &format!(" pid {pid} since {}", script.since.elapsed().as_millis());
            }
            if let Some(kill_at) = script.kill_at {
                text += &format!(" until {}", kill_at.elapsed().as_millis());
            }
            if script.interrupted {
                text += " interrupted";
            }
            text
        }
    };
    for (is, word) in [
        (sequence.stop_wanted, ", stop wanted"),
        (sequence.given_up, ", given up"),
        (sequence.skip_down, ", no way down"),
    ] {
        text += if is { word } else { "" };
    }
    for step in &sequence.steps {
        text += &format!(", then {}", step.name);
    }
    text
}

/// Lets `act` happen at `now` and returns the effects as text, with the outcome if there is one.
fn apply(
    sequence: &mut Sequence,
    policy: &Policy,
    now: u64,
    killing: bool,
    act: impl FnOnce(&mut Sequence, &mut Context<'_>) -> Outcome,
) -> String {
    let mut effects = Vec::new();
    let mut last_run = 20;
    let mut context = Context {
        node: NodeId(0),
        now: at(now),
        rules: policy,
        killing,
        last_run: &mut last_run,
        effects: &mut effects,
    };
    let outcome = act(sequence, &mut context);
    let mut names = render::Names::default();
    names.0.insert(NodeId(0), "stage".to_owned());
    let mut lines: Vec<_> = effects
        .iter()
        .map(|effect| render::effect(effect, &names))
        .collect();
    if let Outcome::Fatal(code) = outcome {
        lines.push(format!("fatal {code}"));
    }
    lines.join("; ")
}

fn act(state: &str, input: &str) -> String {
    let mut sequence = sequence(state);
    let before = show(&sequence);
    let now = if input == "due timer" { DUE } else { NOW };
    let killing = input.ends_with("while killing");
    let effects = apply(
        &mut sequence,
        &policy(),
        now,
        killing,
        |sequence, context| {
            match input {
                "listed two" => return sequence.listed(vec![step("a"), step("b")], context),
                "listed none" => return sequence.listed(Vec::new(), context),
                "spawn_failed" => {
                    return sequence.spawn_failed(RUN, SpawnFailure::NotFound, context);
                }
                "late spawn_failed" => {
                    return sequence.spawn_failed(OTHER, SpawnFailure::NotFound, context);
                }
                "exited 0" => return sequence.exited(RUN, Exit::Code(0), context),
                "exited 3" => return sequence.exited(RUN, Exit::Code(3), context),
                "late exited" => return sequence.exited(OTHER, Exit::Code(3), context),
                "start" => sequence.start(context),
                "spawned" | "spawned while killing" => sequence.spawned(RUN, 70, context),
                "late spawned" => sequence.spawned(OTHER, 70, context),
                "stop" => sequence.stop(GRACE, context),
                "stop without grace" => sequence.stop(Duration::ZERO, context),
                "give_up" => sequence.give_up(GRACE, context),
                "kill" => sequence.kill(context),
                "early timer" | "due timer" => sequence.timer(context),
                other => panic!("no input {other}"),
            }
            Outcome::Fine
        },
    );
    let after = show(&sequence);
    match (before == after, effects.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("stays; {effects}"),
        (false, true) => format!("-> {after}"),
        (false, false) => format!("-> {after}; {effects}"),
    }
}

#[test]
fn every_state_by_every_input() {
    let table = table::table(&STATES, &INPUTS, act);
    assert_eq!(table, TABLE, "{table}");
}

/// What the end of the last script leads to, where an earlier one failed with code 9.
fn end(up: Listing, behaviour: Behaviour) -> String {
    let mut policy = policy();
    policy.behaviour = behaviour;
    let mut sequence = sequence("running up, last script");
    sequence.up = up;
    sequence.failures.push(9);
    let effects = apply(&mut sequence, &policy, NOW, false, |sequence, context| {
        sequence.exited(RUN, Exit::Code(0), context)
    });
    let (_, ending) = effects.split_once("; ").unwrap_or_default();
    format!("{} -> {}", ending, show(&sequence))
}

#[test]
fn failures_by_behaviour() {
    let done = "log cont-init.d done -> up";
    assert_eq!(end(Listing::ContInit, Behaviour::Continue), done);
    assert_eq!(
        end(Listing::ContInit, Behaviour::Warn),
        "log cont-init.d failed, 1 failures; log cont-init.d done -> up"
    );
    assert_eq!(
        end(Listing::ContInit, Behaviour::Stop),
        "log cont-init.d failed, 1 failures, fatal; fatal 1 -> failed"
    );
    assert_eq!(
        end(Listing::Hook, Behaviour::Stop),
        "log stage2-hook failed, 1 failures, fatal; fatal 9 -> failed"
    );
}

#[test]
fn a_stage_without_a_way_down_is_down_at_once() {
    for state in ["waiting", "up"] {
        let mut sequence = sequence(state);
        sequence.down = None;
        let effects = apply(&mut sequence, &policy(), NOW, false, |sequence, context| {
            sequence.stop(GRACE, context);
            Outcome::Fine
        });
        assert_eq!((show(&sequence).as_str(), effects.as_str()), ("down", ""));
        assert!(sequence.is_down());
    }
}

#[test]
fn deadlines_are_those_of_the_script() {
    for state in STATES {
        let expected = match state {
            "running up, interrupted"
            | "running up, given up"
            | "running down"
            | "running down, last script"
            | "running down, killed" => Some(at(DUE)),
            _ => None,
        };
        assert_eq!(sequence(state).next_timeout(), expected, "{state}");
    }
}

const TABLE: &str = "
down
  kill: -> down, no way down
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | stop | stop without grace | give_up | early timer | due timer
waiting
  start: -> listing up; log cont-init.d started; list cont-init.d
  stop: -> down
  stop without grace: -> down
  give_up: -> failed
  kill: -> down, no way down
  nothing: listed two | listed none | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | early timer | due timer
listing up
  listed two: -> running up 21 a, then b; log cont-init.d a started; spawn cont-init.d a
  listed none: -> up; log cont-init.d done
  stop: -> listing up, stop wanted
  stop without grace: -> listing up, stop wanted
  give_up: -> listing up, given up
  kill: -> listing up, stop wanted, no way down
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | early timer | due timer
listing up, stop wanted
  listed two: -> listing down, stop wanted; log cont-finish.d started; list cont-finish.d
  listed none: -> listing down, stop wanted; log cont-finish.d started; list cont-finish.d
  give_up: -> listing up, stop wanted, given up
  kill: -> listing up, stop wanted, no way down
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | stop | stop without grace | early timer | due timer
listing up, killed
  listed two: -> down, stop wanted, no way down
  listed none: -> down, stop wanted, no way down
  give_up: -> listing up, stop wanted, given up, no way down
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | stop | stop without grace | kill | early timer | due timer
running up, not spawned
  spawned: -> running up 7 one pid 70 since 10000, then two
  spawned while killing: -> running up 7 one pid 70 since 10000, then two
  spawn_failed: -> running up 21 two; log cont-init.d one exited code 127 500ms without a pid; log cont-init.d two started; spawn cont-init.d two
  exited 0: -> running up 21 two; log cont-init.d one exited code 0 500ms without a pid; log cont-init.d two started; spawn cont-init.d two
  exited 3: -> running up 21 two; log cont-init.d one exited code 3 500ms without a pid; log cont-init.d two started; spawn cont-init.d two
  stop: -> running up 7 one interrupted, stop wanted, then two
  stop without grace: -> running up 7 one interrupted, stop wanted, then two
  give_up: -> running up 7 one interrupted, given up, then two
  kill: -> running up 7 one until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  nothing: start | listed two | listed none | late spawned | late spawn_failed | late exited | early timer | due timer
running up, not spawned, interrupted
  spawned: -> running up 7 one pid 70 since 10000 until 13000 interrupted, stop wanted, then two; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  spawned while killing: -> running up 7 one pid 70 since 10000 until 10000 interrupted, stop wanted, then two; log cont-init.d one interrupted SIGKILL; signal stage SIGKILL group; signal stage SIGCONT group
  spawn_failed: -> listing down, stop wanted; log cont-init.d one exited code 127 500ms without a pid; log cont-finish.d started; list cont-finish.d
  exited 0: -> listing down, stop wanted; log cont-init.d one exited code 0 500ms without a pid; log cont-finish.d started; list cont-finish.d
  exited 3: -> listing down, stop wanted; log cont-init.d one exited code 3 500ms without a pid; log cont-finish.d started; list cont-finish.d
  give_up: -> running up 7 one interrupted, stop wanted, given up, then two
  kill: -> running up 7 one until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  nothing: start | listed two | listed none | late spawned | late spawn_failed | late exited | stop | stop without grace | early timer | due timer
running up
  spawn_failed: -> running up 21 two; log cont-init.d one exited code 127 500ms; log cont-init.d two started; spawn cont-init.d two
  exited 0: -> running up 21 two; log cont-init.d one exited code 0 500ms; log cont-init.d two started; spawn cont-init.d two
  exited 3: -> running up 21 two; log cont-init.d one exited code 3 500ms; log cont-init.d two started; spawn cont-init.d two
  stop: -> running up 7 one pid 70 since 9500 until 13000 interrupted, stop wanted, then two; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  stop without grace: -> running up 7 one pid 70 since 9500 until 10000 interrupted, stop wanted, then two; log cont-init.d one interrupted SIGKILL; signal stage SIGKILL group; signal stage SIGCONT group
  give_up: -> running up 7 one pid 70 since 9500 until 13000 interrupted, given up, then two; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  kill: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | early timer | due timer
running up, last script
  spawn_failed: -> failed; log cont-init.d one exited code 127 500ms; log cont-init.d failed, 1 failures, fatal; fatal 1
  exited 0: -> up; log cont-init.d one exited code 0 500ms; log cont-init.d done
  exited 3: -> failed; log cont-init.d one exited code 3 500ms; log cont-init.d failed, 1 failures, fatal; fatal 1
  stop: -> running up 7 one pid 70 since 9500 until 13000 interrupted, stop wanted; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  stop without grace: -> running up 7 one pid 70 since 9500 until 10000 interrupted, stop wanted; log cont-init.d one interrupted SIGKILL; signal stage SIGKILL group; signal stage SIGCONT group
  give_up: -> running up 7 one pid 70 since 9500 until 13000 interrupted, given up; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  kill: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | early timer | due timer
running up, last script, earlier failure
  spawn_failed: -> failed; log cont-init.d one exited code 127 500ms; log cont-init.d failed, 2 failures, fatal; fatal 1
  exited 0: -> failed; log cont-init.d one exited code 0 500ms; log cont-init.d failed, 1 failures, fatal; fatal 1
  exited 3: -> failed; log cont-init.d one exited code 3 500ms; log cont-init.d failed, 2 failures, fatal; fatal 1
  stop: -> running up 7 one pid 70 since 9500 until 13000 interrupted, stop wanted; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  stop without grace: -> running up 7 one pid 70 since 9500 until 10000 interrupted, stop wanted; log cont-init.d one interrupted SIGKILL; signal stage SIGKILL group; signal stage SIGCONT group
  give_up: -> running up 7 one pid 70 since 9500 until 13000 interrupted, given up; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  kill: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | early timer | due timer
running up, interrupted
  spawn_failed: -> listing down, stop wanted; log cont-init.d one exited code 127 500ms; log cont-finish.d started; list cont-finish.d
  exited 0: -> listing down, stop wanted; log cont-init.d one exited code 0 500ms; log cont-finish.d started; list cont-finish.d
  exited 3: -> listing down, stop wanted; log cont-init.d one exited code 3 500ms; log cont-finish.d started; list cont-finish.d
  give_up: -> running up 7 one pid 70 since 9500 until 13000 interrupted, stop wanted, given up, then two; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  kill: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  due timer: -> running up 7 one pid 70 since 9500 until 20000 interrupted, stop wanted, then two; log cont-init.d one interrupted SIGKILL; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | stop | stop without grace | early timer
running up, given up
  spawn_failed: -> failed, given up; log cont-init.d one exited code 127 500ms
  exited 0: -> failed, given up; log cont-init.d one exited code 0 500ms
  exited 3: -> failed, given up; log cont-init.d one exited code 3 500ms
  stop: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, given up, then two
  stop without grace: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, given up, then two
  give_up: -> running up 7 one pid 70 since 9500 until 13000 interrupted, given up, then two; log cont-init.d one interrupted SIGTERM; signal stage SIGTERM group; signal stage SIGCONT group
  kill: -> running up 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, given up, no way down; signal stage SIGKILL group
  due timer: -> running up 7 one pid 70 since 9500 until 20000 interrupted, given up, then two; log cont-init.d one interrupted SIGKILL; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | early timer
listing down
  listed two: -> running down 21 a, then b; log cont-finish.d a started; spawn cont-finish.d a
  listed none: -> down; log cont-finish.d done
  kill: -> listing down, stop wanted, no way down
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | stop | stop without grace | give_up | early timer | due timer
running down, not spawned
  spawned: -> running down 7 one pid 70 since 10000 until 14000, then two
  spawned while killing: -> running down 7 one pid 70 since 10000 until 14000, then two
  spawn_failed: -> running down 21 two; log cont-finish.d one exited code 127 500ms without a pid; log cont-finish.d two started; spawn cont-finish.d two
  exited 0: -> running down 21 two; log cont-finish.d one exited code 0 500ms without a pid; log cont-finish.d two started; spawn cont-finish.d two
  exited 3: -> running down 21 two; log cont-finish.d one exited code 3 500ms without a pid; log cont-finish.d two started; spawn cont-finish.d two
  kill: -> running down 7 one until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  nothing: start | listed two | listed none | late spawned | late spawn_failed | late exited | stop | stop without grace | give_up | early timer | due timer
running down
  spawn_failed: -> running down 21 two; log cont-finish.d one exited code 127 500ms; log cont-finish.d two started; spawn cont-finish.d two
  exited 0: -> running down 21 two; log cont-finish.d one exited code 0 500ms; log cont-finish.d two started; spawn cont-finish.d two
  exited 3: -> running down 21 two; log cont-finish.d one exited code 3 500ms; log cont-finish.d two started; spawn cont-finish.d two
  kill: -> running down 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  due timer: -> running down 7 one pid 70 since 9500 until 20000, then two; log cont-finish.d one interrupted SIGKILL; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | stop | stop without grace | give_up | early timer
running down, last script
  spawn_failed: -> down; log cont-finish.d one exited code 127 500ms; log cont-finish.d done
  exited 0: -> down; log cont-finish.d one exited code 0 500ms; log cont-finish.d done
  exited 3: -> down; log cont-finish.d one exited code 3 500ms; log cont-finish.d done
  kill: -> running down 7 one pid 70 since 9500 until 15000 interrupted, stop wanted, no way down; signal stage SIGKILL group
  due timer: -> running down 7 one pid 70 since 9500 until 20000; log cont-finish.d one interrupted SIGKILL; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | stop | stop without grace | give_up | early timer
running down, killed
  spawn_failed: -> down, stop wanted, no way down; log cont-finish.d one exited code 127 500ms; log cont-finish.d done
  exited 0: -> down, stop wanted, no way down; log cont-finish.d one exited code 0 500ms; log cont-finish.d done
  exited 3: -> down, stop wanted, no way down; log cont-finish.d one exited code 3 500ms; log cont-finish.d done
  kill: stays; signal stage SIGKILL group
  due timer: -> running down 7 one pid 70 since 9500 until 20000 interrupted, stop wanted, no way down; log cont-finish.d one interrupted SIGKILL; signal stage SIGKILL group
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | late spawn_failed | late exited | stop | stop without grace | give_up | early timer
up
  stop: -> listing down; log cont-finish.d started; list cont-finish.d
  stop without grace: -> listing down; log cont-finish.d started; list cont-finish.d
  kill: -> down, no way down
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | give_up | early timer | due timer
failed
  kill: -> failed, no way down
  nothing: start | listed two | listed none | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 0 | exited 3 | late exited | stop | stop without grace | give_up | early timer | due timer
";
