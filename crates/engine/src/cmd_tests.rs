//! Every state of the CMD by every input, written down as a table.

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
use crate::{Cause, Effect, NodeId, Origin, Policy, Standing, Transition};

const RUN: RunId = RunId(7);
const OTHER: RunId = RunId(3);
const GRACE: Duration = Duration::from_millis(3000);

/// The present moment of most inputs, in ms; deadlines of the states lie at 15 s.
const NOW: u64 = 10_000;
const DUE: u64 = 15_000;

const STATES: [&str; 10] = [
    "waiting",
    "starting",
    "starting, stop wanted",
    "starting, killed",
    "running",
    "running on a terminal",
    "running, told",
    "running, left behind",
    "running, killed",
    "done",
];

const INPUTS: [&str; 13] = [
    "start",
    "spawned",
    "late spawned",
    "spawned while killing",
    "spawn_failed",
    "late spawn_failed",
    "exited 3",
    "late exited",
    "forward",
    "stop",
    "kill",
    "early timer",
    "due timer",
];

fn at(ms: u64) -> Moment {
    Moment::at(Duration::from_millis(ms))
}

fn cmd(state: &str) -> Cmd {
    let terminal = state.contains("terminal");
    let mut cmd = Cmd::new(vec!["sh".into(), "-i".into()], terminal);
    let running = |stopping| State::Running {
        run: RUN,
        pid: 70,
        since: at(9500),
        stopping,
    };
    cmd.state = match state {
        "waiting" => State::Waiting,
        "starting" | "starting, stop wanted" | "starting, killed" => State::Starting { run: RUN },
        "running" | "running on a terminal" => running(None),
        "running, told" | "running, left behind" | "running, killed" => running(Some(at(DUE))),
        "done" => State::Done,
        other => panic!("no state {other}"),
    };
    cmd.stop_wanted = match state {
        "starting, stop wanted" => Some(GRACE),
        "starting, killed" => Some(Duration::ZERO),
        _ => None,
    };
    cmd.abandoned = state.contains("killed") || state.contains("left behind");
    cmd
}

fn show(cmd: &Cmd) -> String {
    let mut text = match &cmd.state {
        State::Waiting => "waiting".to_owned(),
        State::Starting { run } => format!("starting {}", run.0),
        State::Running {
            run, pid, stopping, ..
        } => {
            let until = stopping.map_or_else(String::new, |at| {
                format!(" until {}", at.elapsed().as_millis())
            });
            format!("running {} pid {pid}{until}", run.0)
        }
        State::Done => "done".to_owned(),
    };
    if let Some(grace) = cmd.stop_wanted {
        text += &format!(", stop wanted in {}", grace.as_millis());
    }
    if cmd.abandoned {
        text += ", abandoned";
    }
    text
}

fn act(state: &str, input: &str) -> String {
    let mut cmd = cmd(state);
    let before = show(&cmd);
    let mut effects = Vec::new();
    let mut last_run = 20;
    let mut context = Context {
        node: NodeId(0),
        now: at(if input == "due timer" { DUE } else { NOW }),
        rules: &Policy::new(&Settings::default(), Vec::new(), false),
        killing: input.ends_with("while killing"),
        last_run: &mut last_run,
        effects: &mut effects,
    };
    let context = &mut context;
    let mut code = None;
    match input {
        "start" => cmd.start(context),
        "spawned" | "spawned while killing" => cmd.spawned(RUN, 70, context),
        "late spawned" => cmd.spawned(OTHER, 70, context),
        "spawn_failed" => code = cmd.spawn_failed(RUN, SpawnFailure::NotFound, context),
        "late spawn_failed" => code = cmd.spawn_failed(OTHER, SpawnFailure::NotFound, context),
        "exited 3" => code = cmd.exited(RUN, Exit::Code(3), context),
        "late exited" => code = cmd.exited(OTHER, Exit::Code(3), context),
        "forward" => cmd.forward(Signal::USR1, context),
        "stop" => cmd.stop(GRACE, context),
        "kill" => cmd.kill(context),
        "early timer" | "due timer" => cmd.timer(context),
        other => panic!("no input {other}"),
    }
    let after = show(&cmd);
    let mut names = render::Names::default();
    names.0.insert(NodeId(0), "cmd".to_owned());
    let mut parts: Vec<_> = effects
        .iter()
        .map(|effect| render::effect(effect, &names))
        .collect();
    parts.extend(code.map(|code| format!("container's code {code}")));
    if before == after && parts.is_empty() {
        return String::new();
    }
    let state = if before == after {
        "stays".to_owned()
    } else {
        format!("-> {after}")
    };
    parts.insert(0, state);
    parts.join("; ")
}

#[test]
fn every_state_by_every_input() {
    let table = table::table(&STATES, &INPUTS, act);
    assert_eq!(table, TABLE, "{table}");
}

#[test]
fn the_stop_waits_for_it_until_it_is_left_behind() {
    for state in STATES {
        let down = matches!(
            state,
            "starting, killed" | "running, left behind" | "running, killed" | "done"
        );
        assert_eq!(cmd(state).is_down(), down, "{state}");
        let deadline = (state == "running, told").then_some(at(DUE));
        assert_eq!(cmd(state).next_timeout(), deadline, "{state}");
        let signalled = matches!(state, "starting" | "running" | "running on a terminal");
        assert_eq!(cmd(state).is_running(), signalled, "{state}");
    }
}

const TABLE: &str = "
waiting
  start: -> starting 21; spawn cmd sh -i
  stop: -> done
  kill: -> done, abandoned
  nothing: spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 3 | late exited | forward | early timer | due timer
starting
  spawned: -> running 7 pid 70; log cmd sh started pid 70
  spawned while killing: -> running 7 pid 70 until 10000, abandoned; log cmd sh started pid 70; signal cmd SIGKILL group
  spawn_failed: -> done; log cmd sh exited code 127 0ms without a pid; container's code 127
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  stop: -> starting 7, stop wanted in 3000
  kill: -> starting 7, stop wanted in 0, abandoned
  nothing: start | late spawned | late spawn_failed | exited 3 | late exited | early timer | due timer
starting, stop wanted
  spawned: -> running 7 pid 70 until 13000, stop wanted in 3000; log cmd sh started pid 70; signal cmd SIGTERM group; signal cmd SIGCONT group
  spawned while killing: -> running 7 pid 70 until 10000, stop wanted in 3000, abandoned; log cmd sh started pid 70; signal cmd SIGKILL group
  spawn_failed: -> done, stop wanted in 3000; log cmd sh exited code 127 0ms without a pid; container's code 127
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  kill: -> starting 7, stop wanted in 0, abandoned
  nothing: start | late spawned | late spawn_failed | exited 3 | late exited | stop | early timer | due timer
starting, killed
  spawned: -> running 7 pid 70 until 10000, stop wanted in 0, abandoned; log cmd sh started pid 70; signal cmd SIGTERM group; signal cmd SIGCONT group
  spawned while killing: -> running 7 pid 70 until 10000, stop wanted in 0, abandoned; log cmd sh started pid 70; signal cmd SIGKILL group
  spawn_failed: -> done, stop wanted in 0, abandoned; log cmd sh exited code 127 0ms without a pid; container's code 127
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  stop: -> starting 7, stop wanted in 3000, abandoned
  nothing: start | late spawned | late spawn_failed | exited 3 | late exited | kill | early timer | due timer
running
  exited 3: -> done; log cmd sh exited code 3 500ms; container's code 3
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  stop: -> running 7 pid 70 until 13000; signal cmd SIGTERM group; signal cmd SIGCONT group
  kill: -> running 7 pid 70 until 10000, abandoned; signal cmd SIGKILL group
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | late exited | early timer | due timer
running on a terminal
  exited 3: -> done; log cmd sh exited code 3 500ms; container's code 3
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  stop: -> running 7 pid 70 until 13000; signal cmd SIGTERM group; signal cmd SIGHUP group; signal cmd SIGCONT group
  kill: -> running 7 pid 70 until 10000, abandoned; signal cmd SIGKILL group
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | late exited | early timer | due timer
running, told
  exited 3: -> done; log cmd sh exited code 3 500ms
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  kill: -> running 7 pid 70 until 10000, abandoned; signal cmd SIGKILL group
  due timer: -> running 7 pid 70 until 15000, abandoned; log grace expired: sh
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | late exited | stop | early timer
running, left behind
  exited 3: -> done, abandoned; log cmd sh exited code 3 500ms
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  kill: -> running 7 pid 70 until 10000, abandoned; signal cmd SIGKILL group
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | late exited | stop | early timer | due timer
running, killed
  exited 3: -> done, abandoned; log cmd sh exited code 3 500ms
  forward: stays; log cmd signalled SIGUSR1; signal cmd SIGUSR1 process
  kill: -> running 7 pid 70 until 10000, abandoned; signal cmd SIGKILL group
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | late exited | stop | early timer | due timer
done
  kill: -> done, abandoned
  nothing: start | spawned | late spawned | spawned while killing | spawn_failed | late spawn_failed | exited 3 | late exited | forward | stop | early timer | due timer
";
