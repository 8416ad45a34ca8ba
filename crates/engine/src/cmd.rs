//! The machine of the CMD: one program that runs once; its end is the container's end.

use std::ffi::OsString;
use std::time::Duration;

use sixfold_model::Signal;

use crate::context::Context;
use crate::effect::{Target, Work};
use crate::event::Event;
use crate::input::{Exit, RunId, SpawnFailure};
use crate::moment::Moment;

/// What the CMD is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for the end of boot.
    Waiting,
    /// The daemon has been asked to start it.
    Starting {
        /// The run asked for.
        run: RunId,
    },
    /// It runs.
    Running {
        /// Which run.
        run: RunId,
        /// Its process id.
        pid: i32,
        /// Since when.
        since: Moment,
        /// Whether it was asked to end, and from when on nobody waits for it.
        stopping: Option<Moment>,
    },
    /// It is over, or was never started.
    Done,
}

/// The CMD.
#[derive(Debug, Clone)]
pub struct Cmd {
    argv: Vec<OsString>,
    has_terminal: bool,
    state: State,
    stop_wanted: Option<Duration>,
    abandoned: bool,
}

impl Cmd {
    /// A CMD that waits for its time. `argv` is not empty.
    pub fn new(argv: Vec<OsString>, has_terminal: bool) -> Self {
        Self {
            argv,
            has_terminal,
            state: State::Waiting,
            stop_wanted: None,
            abandoned: false,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether it runs, or is being started, and can be sent a signal.
    pub fn is_running(&self) -> bool {
        match self.state {
            State::Starting { .. } => self.stop_wanted.is_none(),
            State::Running { stopping: None, .. } => true,
            State::Running {
                stopping: Some(_), ..
            }
            | State::Waiting
            | State::Done => false,
        }
    }

    /// Whether the stop need not wait for it (any longer).
    pub fn is_down(&self) -> bool {
        self.state == State::Done || self.abandoned
    }

    /// Whether it has not been started yet.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Boot is over: start it.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Waiting {
            let run = context.spawn(Work::Cmd {
                argv: self.argv.clone(),
            });
            self.state = State::Starting { run };
        }
    }

    /// It was started.
    pub fn spawned(&mut self, started: RunId, pid: i32, context: &mut Context<'_>) {
        match self.state {
            State::Starting { run } if run == started => {
                let since = context.now;
                self.state = State::Running {
                    run,
                    pid,
                    since,
                    stopping: None,
                };
                context.log(Event::CmdStarted {
                    pid,
                    program: self.program(),
                });
                if context.killing {
                    self.kill(context);
                } else if let Some(grace) = self.stop_wanted {
                    self.stop(grace, context);
                }
            }
            State::Starting { .. } | State::Waiting | State::Running { .. } | State::Done => {}
        }
    }

    /// It could not be started. Returns the exit code that the container stops with.
    pub fn spawn_failed(
        &mut self,
        failed: RunId,
        failure: SpawnFailure,
        context: &mut Context<'_>,
    ) -> Option<i32> {
        match self.state {
            State::Starting { run } if run == failed => {
                let exit = Exit::Code(failure.code());
                self.end(None, exit, Duration::ZERO, false, context)
            }
            State::Starting { .. } | State::Waiting | State::Running { .. } | State::Done => None,
        }
    }

    /// It ended. Returns the exit code that the container stops with, unless it was asked to end.
    pub fn exited(&mut self, of: RunId, exit: Exit, context: &mut Context<'_>) -> Option<i32> {
        match self.state {
            State::Running {
                run,
                pid,
                since,
                stopping,
            } if run == of => {
                let duration = context.now.since(since);
                self.end(Some(pid), exit, duration, stopping.is_some(), context)
            }
            State::Running { .. } | State::Waiting | State::Starting { .. } | State::Done => None,
        }
    }

    /// Passes a stop signal on (`S6_CMD_RECEIVE_SIGNALS`).
    pub fn forward(&mut self, signal: Signal, context: &mut Context<'_>) {
        match self.state {
            // What is being started gets it as soon as it is there.
            State::Starting { run } | State::Running { run, .. } => {
                context.log(Event::CmdSignalled { signal });
                context.signal(run, signal, Target::Process);
            }
            State::Waiting | State::Done => {}
        }
    }

    /// The stop: asks it to end. After `grace` the stop goes on without it, and the final TERM and
    /// KILL are its end. A shell on a terminal ignores TERM, so there it is hung up as well.
    pub fn stop(&mut self, grace: Duration, context: &mut Context<'_>) {
        match &mut self.state {
            State::Waiting => self.state = State::Done,
            State::Starting { .. } => self.stop_wanted = Some(grace),
            State::Running { run, stopping, .. } => {
                if stopping.is_some() {
                    return;
                }
                *stopping = Some(context.now.after(grace));
                let run = *run;
                context.signal(run, Signal::TERM, Target::Group);
                if self.has_terminal {
                    context.signal(run, Signal::HUP, Target::Group);
                }
                context.signal(run, Signal::CONT, Target::Group);
            }
            State::Done => {}
        }
    }

    /// Kills it.
    pub fn kill(&mut self, context: &mut Context<'_>) {
        self.abandoned = true;
        match &mut self.state {
            State::Waiting => self.state = State::Done,
            State::Starting { .. } => self.stop_wanted = Some(Duration::ZERO),
            State::Running { run, stopping, .. } => {
                *stopping = Some(context.now);
                let run = *run;
                context.signal(run, Signal::KILL, Target::Group);
            }
            State::Done => {}
        }
    }

    /// Does what is due by now: a CMD that does not end is left behind.
    pub fn timer(&mut self, context: &mut Context<'_>) {
        if self.next_timeout().is_some_and(|at| at <= context.now) {
            self.abandoned = true;
            context.log(Event::GraceExpired {
                services: vec![self.program()],
            });
        }
    }

    /// When [`Cmd::timer`] has something to do next.
    pub fn next_timeout(&self) -> Option<Moment> {
        match self.state {
            State::Running { stopping, .. } if !self.abandoned => stopping,
            State::Running { .. } | State::Waiting | State::Starting { .. } | State::Done => None,
        }
    }

    fn program(&self) -> String {
        self.argv
            .first()
            .map_or_else(String::new, |word| word.to_string_lossy().into_owned())
    }

    fn end(
        &mut self,
        pid: Option<i32>,
        exit: Exit,
        duration: Duration,
        asked: bool,
        context: &mut Context<'_>,
    ) -> Option<i32> {
        self.state = State::Done;
        context.log(Event::CmdExited {
            program: self.program(),
            pid,
            exit,
            duration,
        });
        (!asked).then(|| exit.shell_code())
    }
}

#[cfg(test)]
#[path = "cmd_tests.rs"]
mod tests;
