//! Effects as lines that a person can read. Used by the tests of the machines, the scenarios and
//! the properties; whoever includes this file has the engine's types in its own root.

use std::collections::HashMap;
use std::time::Duration;

use super::{Cause, Effect, Event, Exit, NodeId, Origin, Standing, Target, Transition, Work};

/// What each node is called, as far as effects have told.
#[derive(Debug, Default)]
pub(crate) struct Names(pub(crate) HashMap<NodeId, String>);

impl Names {
    /// The node's name, or its number.
    pub(crate) fn of(&self, node: NodeId) -> String {
        self.0
            .get(&node)
            .cloned()
            .unwrap_or_else(|| format!("node{}", node.index()))
    }
}

/// One line for one effect.
pub(crate) fn effect(effect: &Effect, names: &Names) -> String {
    match effect {
        Effect::Adopt { node, logger, .. } => match logger {
            Some(logger) => format!("adopt {} | {}", names.of(*node), names.of(*logger)),
            None => format!("adopt {}", names.of(*node)),
        },
        Effect::Claim { node } => format!("claim {}", names.of(*node)),
        Effect::Tell {
            node,
            standing,
            letters,
        } => format!("tell {}{}", names.of(*node), told(standing, letters)),
        Effect::RecordDeath { node, exit, most } => {
            format!("record-death {} {} of {most}", names.of(*node), how(*exit))
        }
        Effect::MarkDown { node, down } => {
            let mark = if *down { "mark" } else { "unmark" };
            format!("{mark}-down {}", names.of(*node))
        }
        Effect::Leave {
            node,
            standing,
            letters,
        } => {
            let letters = format!("{letters}x");
            format!("leave {}{}", names.of(*node), told(standing, &letters))
        }
        Effect::Forget { node } => format!("forget {}", names.of(*node)),
        Effect::Spawn { node, work, .. } => format!("spawn {}", spawn(&names.of(*node), work)),
        Effect::Signal {
            node,
            signal,
            target,
            ..
        } => {
            let to = match target {
                Target::Process => "process",
                Target::Group => "group",
            };
            format!("signal {} {signal} {to}", names.of(*node))
        }
        Effect::CloseInput { node } => format!("close-input {}", names.of(*node)),
        Effect::List { listing, .. } => format!("list {}", listing.label()),
        Effect::ListDefinitions => "list-definitions".to_owned(),
        Effect::Redefine => "redefine".to_owned(),
        Effect::ChangeEnded(outcome) => format!("change-ended {outcome:?}").to_lowercase(),
        Effect::ListServices => "list-services".to_owned(),
        Effect::UnlistServices => "unlist-services".to_owned(),
        Effect::Rescan => "rescan".to_owned(),
        Effect::SignalAll(signal) => format!("signal-all {signal}"),
        Effect::Census => "census".to_owned(),
        Effect::RecordExitCode(code) => format!("record-exit-code {code}"),
        Effect::Sync => "sync".to_owned(),
        Effect::Log(event) => format!("log {}", self::event(event)),
        Effect::Exit => "exit".to_owned(),
    }
}

/// Letters, and what is out of the ordinary.
fn told(standing: &Standing, letters: &str) -> String {
    let mut text = String::new();
    if !letters.is_empty() {
        text = format!(" {letters}");
    }
    for (is_so, word) in [
        (standing.wanted_up, "wanted"),
        (standing.ready, "ready"),
        (standing.paused, "paused"),
        (standing.finishing, "finishing"),
    ] {
        if is_so {
            text += &format!(", {word}");
        }
    }
    if standing.pid != 0 {
        text += &format!(", pid {}", standing.pid);
    }
    text
}

fn spawn(name: &str, work: &Work) -> String {
    match work {
        Work::Run => format!("{name} run"),
        Work::Finish { exit, pgid } => {
            let (code, signal) = exit.finish_arguments();
            format!("{name} finish {code} {signal} pgid {pgid}")
        }
        Work::Step { listing, step } => format!("{} {}", listing.label(), step.name),
        Work::Oneshot { service, words } => {
            let words: Vec<_> = words
                .iter()
                .map(|word| String::from_utf8_lossy(word))
                .collect();
            format!("{service} {}", words.join(" "))
        }
        Work::Cmd { argv } => {
            let words: Vec<_> = argv.iter().map(|word| word.to_string_lossy()).collect();
            format!("{name} {}", words.join(" "))
        }
    }
}

/// One line for one event.
pub(crate) fn event(event: &Event) -> String {
    match event {
        Event::StageStarted(listing) => format!("{} started", listing.label()),
        Event::ScriptStarted { listing, name } => {
            format!("{} {name} started", listing.label())
        }
        Event::ScriptExited {
            listing,
            name,
            pid,
            exit,
            duration,
        } => format!(
            "{} {name} exited {} {}{}",
            listing.label(),
            how(*exit),
            ms(*duration),
            not_run(*pid)
        ),
        Event::ScriptInterrupted {
            listing,
            name,
            signal,
        } => format!("{} {name} interrupted {signal}", listing.label()),
        Event::StageFailed {
            listing,
            failures,
            fatal,
        } => format!(
            "{} failed, {failures} failures{}",
            listing.label(),
            fatally(*fatal)
        ),
        Event::StageDone(listing) => format!("{} done", listing.label()),
        Event::ServicesStarting => "services starting".to_owned(),
        Event::ServicesStarted { count, duration } => {
            format!("services started, {count} in {}", ms(*duration))
        }
        Event::BootTimedOut { waiting, fatal } => format!(
            "boot timed out, waiting for {}{}",
            waiting.join(" "),
            fatally(*fatal)
        ),
        Event::ServiceStarted {
            service,
            pid,
            repeated,
        } => {
            let again = if *repeated { " again" } else { "" };
            format!("{service} started pid {pid}{again}")
        }
        Event::ServiceReady {
            service, duration, ..
        } => format!("{service} ready {}", ms(*duration)),
        Event::ServiceExited {
            service,
            exit,
            duration,
            asked,
            repeated,
            ..
        } => format!(
            "{service} exited {} {}{}{}",
            how(*exit),
            ms(*duration),
            if *asked { " asked" } else { "" },
            if *repeated { " repeated" } else { "" }
        ),
        Event::ServiceFlapping {
            service,
            deaths,
            exit,
        } => format!("{service} flapping, {deaths} deaths, {}", how(*exit)),
        Event::ServiceUnstartable {
            service,
            tries,
            retry,
        } => format!("{service} unstartable, try {tries}, retry {}", ms(*retry)),
        Event::FinishExited { service, exit, .. } => {
            format!("{service} finish exited {}", how(*exit))
        }
        Event::FinishTimedOut { service } => format!("{service} finish timed out"),
        Event::ServiceStopping {
            service, signal, ..
        } => format!("{service} stopping {signal}"),
        Event::ServiceKilled { service, .. } => format!("{service} killed"),
        Event::ServiceWatchdog {
            service, silent, ..
        } => match silent {
            Some(silent) => format!("{service} silent for {}", ms(*silent)),
            None => format!("{service} triggered its watchdog"),
        },
        Event::ServiceFailed { service } => format!("{service} failed"),
        Event::TooManyServices { service } => format!("{service} is one too many"),
        Event::RcBegun {
            service,
            transition,
        } => format!("{service} {}", way(*transition, "starting", "stopping")),
        Event::RcDone {
            service,
            transition,
        } => format!("{service} {}", way(*transition, "is up", "is down")),
        Event::RcFailed {
            service,
            transition,
            exit,
        } => format!(
            "{service} failed to {}, {}",
            way(*transition, "start", "stop"),
            how(*exit)
        ),
        Event::RcIncomplete { services, fatal } => {
            format!("not up: {}{}", services.join(" "), fatally(*fatal))
        }
        Event::GraceExpired { services } => format!("grace expired: {}", services.join(" ")),
        Event::CmdStarted { pid, program } => format!("cmd {program} started pid {pid}"),
        Event::CmdExited {
            program,
            pid,
            exit,
            duration,
        } => format!(
            "cmd {program} exited {} {}{}",
            how(*exit),
            ms(*duration),
            not_run(*pid)
        ),
        Event::CmdSignalled { signal } => format!("cmd signalled {signal}"),
        Event::StopRequested(cause) => format!("stop requested: {}", self::cause(cause)),
        Event::KillRequested => "kill requested".to_owned(),
        Event::FinalTerm => "final TERM".to_owned(),
        Event::FinalKill => "final KILL".to_owned(),
        Event::Unkillable => "unkillable".to_owned(),
    }
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Signal { signal, origin } => match origin {
            Origin::Outside => format!("{signal} from outside"),
            Origin::Inside => format!("{signal} from inside"),
        },
        Cause::Command => "command".to_owned(),
        Cause::CmdEnded => "cmd ended".to_owned(),
        Cause::BootFailed => "boot failed".to_owned(),
    }
}

fn way(transition: Transition, up: &'static str, down: &'static str) -> &'static str {
    match transition {
        Transition::Start => up,
        Transition::Stop => down,
    }
}

fn how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
    }
}

fn ms(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

fn not_run(pid: Option<i32>) -> &'static str {
    if pid.is_some() { "" } else { " without a pid" }
}

fn fatally(fatal: bool) -> &'static str {
    if fatal { ", fatal" } else { "" }
}
