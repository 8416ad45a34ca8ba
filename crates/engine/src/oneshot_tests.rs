//! Every state of a oneshot by every input, written down as a table. It has command lines for both
//! ways, 5 s for each, and processes get 3 s between TERM and KILL.

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
use crate::{Cause, Effect, NodeId, Origin, Policy, Standing};

const RUN: RunId = RunId(7);
const OTHER: RunId = RunId(3);
/// The present moment of most inputs, in ms; deadlines of the states lie at 15 s.
const NOW: u64 = 10_000;
const DUE: u64 = 15_000;

const STATES: [&str; 14] = [
    "down",
    "waiting",
    "starting, not spawned",
    "starting, not spawned, told",
    "starting",
    "starting, told",
    "starting, late",
    "starting, late, up again",
    "stopping",
    "stopping, late",
    "stopping, last",
    "stopping, late, last",
    "up",
    "failed",
];

const INPUTS: [&str; 18] = [
    "want_up",
    "want_no_more",
    "take_down",
    "abandon",
    "start",
    "block",
    "spawned",
    "late spawned",
    "spawn_failed",
    "exited 0",
    "exited 3",
    "exited by TERM",
    "late exited",
    "stop",
    "give_up",
    "kill",
    "early timer",
    "due timer",
];

fn at(ms: u64) -> Moment {
    Moment::at(Duration::from_millis(ms))
}

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

fn oneshot(state: &str) -> Oneshot {
    let limit = Some(Duration::from_secs(5));
    let timeouts = Timeouts {
        up: limit,
        down: limit,
    };
    let mut oneshot = Oneshot::new(
        "one".to_owned(),
        words("make it"),
        words("undo it"),
        timeouts,
    );
    let is_told = state.contains("told") || state.contains("late");
    let script = |is_started: bool| Script {
        run: RUN,
        is_started,
        due: is_started.then_some(at(DUE)),
        is_late: state.contains("late"),
        is_told,
    };
    oneshot.state = match state {
        "down" => State::Down,
        "waiting" => State::Waiting,
        "up" => State::Up,
        "failed" => State::Failed,
        state if state.starts_with("starting") => {
            State::Running(Transition::Start, script(!state.contains("not spawned")))
        }
        _ => State::Running(Transition::Stop, script(true)),
    };
    oneshot.stop_wanted = state.contains("told");
    oneshot.up_again = state.contains("up again");
    oneshot.is_last_way_down = state.contains("last");
    oneshot
}

fn show(oneshot: &Oneshot) -> String {
    let mut text = match &oneshot.state {
        State::Down => "down".to_owned(),
        State::Waiting => "waiting".to_owned(),
        State::Up => "up".to_owned(),
        State::Failed => "failed".to_owned(),
        State::Running(transition, script) => {
            let way = match transition {
                Transition::Start => "starting",
                Transition::Stop => "stopping",
            };
            let mut text = format!("{way} {}", script.run.0);
            for (is_so, word) in [
                (!script.is_started, ", not spawned"),
                (script.is_told, ", told"),
                (script.is_late, ", late"),
            ] {
                text += if is_so { word } else { "" };
            }
            if let Some(due) = script.due {
                text += &format!(", due {}", due.elapsed().as_millis());
            }
            text
        }
    };
    if oneshot.stop_wanted {
        text += ", stop wanted";
    }
    for (is_so, word) in [
        (oneshot.is_killed, ", killed"),
        (oneshot.up_again, ", up again"),
        (oneshot.is_last_way_down, ", last"),
    ] {
        text += if is_so { word } else { "" };
    }
    text
}

/// Lets `act` happen at `now` and returns the effects as text.
fn apply(
    oneshot: &mut Oneshot,
    now: u64,
    act: impl FnOnce(&mut Oneshot, &mut Context<'_>),
) -> String {
    let mut effects: Vec<Effect> = Vec::new();
    let mut last_run = 20;
    let policy = Policy::new(&Settings::default(), Vec::new(), false);
    let mut context = Context {
        node: NodeId(0),
        now: at(now),
        rules: &policy,
        killing: false,
        last_run: &mut last_run,
        effects: &mut effects,
    };
    act(oneshot, &mut context);
    let mut names = render::Names::default();
    names.0.insert(NodeId(0), "one".to_owned());
    let lines: Vec<_> = effects
        .iter()
        .map(|effect| render::effect(effect, &names))
        .collect();
    lines.join("; ")
}

fn act(state: &str, input: &str) -> String {
    let mut oneshot = oneshot(state);
    let before = show(&oneshot);
    let now = if input == "due timer" { DUE } else { NOW };
    let effects = apply(&mut oneshot, now, |oneshot, context| match input {
        "want_up" => oneshot.want_up(),
        "want_no_more" => oneshot.want_no_more(),
        "take_down" => oneshot.take_down(context),
        "abandon" => oneshot.abandon(),
        "start" => oneshot.start(context),
        "block" => oneshot.block(),
        "spawned" => oneshot.spawned(RUN, context),
        "late spawned" => oneshot.spawned(OTHER, context),
        "spawn_failed" => oneshot.spawn_failed(RUN, SpawnFailure::NotFound, context),
        "exited 0" => oneshot.exited(RUN, Exit::Code(0), context),
        "exited 3" => oneshot.exited(RUN, Exit::Code(3), context),
        "exited by TERM" => oneshot.exited(RUN, Exit::Signal(15), context),
        "late exited" => oneshot.exited(OTHER, Exit::Code(0), context),
        "stop" => oneshot.stop(context),
        "give_up" => oneshot.give_up(context),
        "kill" => oneshot.kill(context),
        "early timer" | "due timer" => oneshot.timer(context),
        other => panic!("no input {other}"),
    });
    let after = show(&oneshot);
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

#[test]
fn what_is_empty_is_done_at_once() {
    let timeouts = Timeouts::default();
    let mut oneshot = Oneshot::new("one".to_owned(), Vec::new(), Vec::new(), timeouts);
    oneshot.want_up();
    let up = apply(&mut oneshot, NOW, Oneshot::start);
    assert_eq!(up, "log one starting; log one is up");
    assert!(oneshot.is_up() && !oneshot.is_pending());
    let down = apply(&mut oneshot, NOW, Oneshot::stop);
    assert_eq!(down, "log one stopping; log one is down");
    assert!(oneshot.is_down());
}

#[test]
fn what_is_broken_has_failed() {
    let mut oneshot = Oneshot::broken("one".to_owned());
    oneshot.want_up();
    assert!(oneshot.has_failed() && oneshot.is_down() && !oneshot.is_pending());
}

#[test]
fn who_is_late_is_waited_for_by_nobody() {
    for state in ["starting, late", "stopping, late"] {
        let oneshot = oneshot(state);
        assert!(oneshot.is_down() && !oneshot.is_pending(), "{state}");
    }
    assert!(oneshot("starting, late").has_failed());
    assert!(!oneshot("starting").has_failed() && oneshot("starting").is_pending());
    assert!(!oneshot("starting, late, up again").has_failed());
}

#[test]
fn what_s6_rc_counts_as_up_is_known_of_what_does_not_move() {
    for (state, is_up) in [
        ("down", Some(false)),
        ("waiting", None),
        ("starting", None),
        ("starting, late", Some(false)),
        ("starting, late, up again", None),
        ("up", Some(true)),
        ("stopping", None),
        ("stopping, late", Some(true)),
        ("failed", Some(false)),
    ] {
        assert_eq!(oneshot(state).rests_up(), is_up, "{state}");
    }
}

const TABLE: &str = "
down
  want_up: -> waiting
  stop: -> down, last
  kill: -> down, killed, last
  nothing: want_no_more | take_down | abandon | start | block | spawned | late spawned | spawn_failed | exited 0 | exited 3 | exited by TERM | late exited | give_up | early timer | due timer
waiting
  want_no_more: -> down
  abandon: -> down
  start: -> starting 21, not spawned; log one starting; spawn one make it
  block: -> failed
  stop: -> down, last
  give_up: -> failed
  kill: -> down, killed, last
  nothing: want_up | take_down | spawned | late spawned | spawn_failed | exited 0 | exited 3 | exited by TERM | late exited | early timer | due timer
starting, not spawned
  abandon: -> starting 7, not spawned, late
  spawned: -> starting 7, due 15000
  spawn_failed: -> failed; log one failed to start, code 127
  exited 0: -> up; log one is up
  exited 3: -> failed; log one failed to start, code 3
  exited by TERM: -> failed; log one failed to start, signal 15
  stop: -> starting 7, not spawned, told, stop wanted, last
  give_up: -> starting 7, not spawned, told, late; log one failed to start, code 111
  kill: -> starting 7, not spawned, told, due 15000, stop wanted, killed, last; signal one SIGKILL group
  nothing: want_up | want_no_more | take_down | start | block | late spawned | late exited | early timer | due timer
starting, not spawned, told
  abandon: -> starting 7, not spawned, told, late, stop wanted
  spawned: -> starting 7, told, due 13000, stop wanted; signal one SIGTERM group; signal one SIGCONT group
  spawn_failed: -> down, stop wanted; log one failed to start, code 127
  exited 0: -> stopping 21, not spawned, stop wanted; log one is up; log one stopping; spawn one undo it
  exited 3: -> down, stop wanted; log one failed to start, code 3
  exited by TERM: -> down, stop wanted; log one failed to start, signal 15
  stop: -> starting 7, not spawned, told, stop wanted, last
  give_up: -> starting 7, not spawned, told, late, stop wanted; log one failed to start, code 111
  kill: -> starting 7, not spawned, told, due 15000, stop wanted, killed, last; signal one SIGKILL group
  nothing: want_up | want_no_more | take_down | start | block | late spawned | late exited | early timer | due timer
starting
  abandon: -> starting 7, late, due 15000
  spawn_failed: -> failed; log one failed to start, code 127
  exited 0: -> up; log one is up
  exited 3: -> failed; log one failed to start, code 3
  exited by TERM: -> failed; log one failed to start, signal 15
  stop: -> starting 7, told, due 13000, stop wanted, last; signal one SIGTERM group; signal one SIGCONT group
  give_up: -> starting 7, told, late, due 13000; log one failed to start, code 111; signal one SIGTERM group; signal one SIGCONT group
  kill: -> starting 7, told, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> starting 7, told, late, due 18000; log one failed to start, code 111; signal one SIGTERM group; signal one SIGCONT group
  nothing: want_up | want_no_more | take_down | start | block | spawned | late spawned | late exited | early timer
starting, told
  abandon: -> starting 7, told, late, due 15000, stop wanted
  spawn_failed: -> down, stop wanted; log one failed to start, code 127
  exited 0: -> stopping 21, not spawned, stop wanted; log one is up; log one stopping; spawn one undo it
  exited 3: -> down, stop wanted; log one failed to start, code 3
  exited by TERM: -> down, stop wanted; log one failed to start, signal 15
  stop: -> starting 7, told, due 15000, stop wanted, last
  give_up: -> starting 7, told, late, due 15000, stop wanted; log one failed to start, code 111
  kill: -> starting 7, told, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> starting 7, told, due 20000, stop wanted; signal one SIGKILL group
  nothing: want_up | want_no_more | take_down | start | block | spawned | late spawned | late exited | early timer
starting, late
  want_up: -> starting 7, told, late, due 15000, up again
  spawn_failed: -> failed
  exited 0: -> failed
  exited 3: -> failed
  exited by TERM: -> failed
  stop: -> starting 7, told, late, due 15000, stop wanted, last
  kill: -> starting 7, told, late, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> starting 7, told, late, due 20000; signal one SIGKILL group
  nothing: want_no_more | take_down | abandon | start | block | spawned | late spawned | late exited | give_up | early timer
starting, late, up again
  want_no_more: -> starting 7, told, late, due 15000
  abandon: -> starting 7, told, late, due 15000
  spawn_failed: -> waiting
  exited 0: -> waiting
  exited 3: -> waiting
  exited by TERM: -> waiting
  stop: -> starting 7, told, late, due 15000, stop wanted, last
  kill: -> starting 7, told, late, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> starting 7, told, late, due 20000, up again; signal one SIGKILL group
  nothing: want_up | take_down | start | block | spawned | late spawned | late exited | give_up | early timer
stopping
  abandon: -> stopping 7, late, due 15000
  spawn_failed: -> up; log one failed to stop, code 127
  exited 0: -> down; log one is down
  exited 3: -> up; log one failed to stop, code 3
  exited by TERM: -> up; log one failed to stop, signal 15
  stop: -> stopping 7, due 15000, last
  give_up: -> stopping 7, told, late, due 13000; log one failed to stop, code 111; signal one SIGTERM group; signal one SIGCONT group
  kill: -> stopping 7, told, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> stopping 7, told, late, due 18000; log one failed to stop, code 111; signal one SIGTERM group; signal one SIGCONT group
  nothing: want_up | want_no_more | take_down | start | block | spawned | late spawned | late exited | early timer
stopping, late
  spawn_failed: -> up
  exited 0: -> up
  exited 3: -> up
  exited by TERM: -> up
  stop: -> stopping 7, told, late, due 15000, last
  kill: -> stopping 7, told, late, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> stopping 7, told, late, due 20000; signal one SIGKILL group
  nothing: want_up | want_no_more | take_down | abandon | start | block | spawned | late spawned | late exited | give_up | early timer
stopping, last
  abandon: -> stopping 7, late, due 15000, last
  spawn_failed: -> down, last; log one failed to stop, code 127
  exited 0: -> down, last; log one is down
  exited 3: -> down, last; log one failed to stop, code 3
  exited by TERM: -> down, last; log one failed to stop, signal 15
  give_up: -> stopping 7, told, late, due 13000, last; log one failed to stop, code 111; signal one SIGTERM group; signal one SIGCONT group
  kill: -> stopping 7, told, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> stopping 7, told, late, due 18000, last; log one failed to stop, code 111; signal one SIGTERM group; signal one SIGCONT group
  nothing: want_up | want_no_more | take_down | start | block | spawned | late spawned | late exited | stop | early timer
stopping, late, last
  spawn_failed: -> down, last
  exited 0: -> down, last
  exited 3: -> down, last
  exited by TERM: -> down, last
  kill: -> stopping 7, told, late, due 15000, stop wanted, killed, last; signal one SIGKILL group
  due timer: -> stopping 7, told, late, due 20000, last; signal one SIGKILL group
  nothing: want_up | want_no_more | take_down | abandon | start | block | spawned | late spawned | late exited | stop | give_up | early timer
up
  take_down: -> stopping 21, not spawned; log one stopping; spawn one undo it
  abandon: -> down
  stop: -> stopping 21, not spawned, last; log one stopping; spawn one undo it
  kill: -> down, killed, last
  nothing: want_up | want_no_more | start | block | spawned | late spawned | spawn_failed | exited 0 | exited 3 | exited by TERM | late exited | give_up | early timer | due timer
failed
  want_up: -> waiting
  stop: -> failed, last
  kill: -> failed, killed, last
  nothing: want_no_more | take_down | abandon | start | block | spawned | late spawned | spawn_failed | exited 0 | exited 3 | exited by TERM | late exited | give_up | early timer | due timer
";
