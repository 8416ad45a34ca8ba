//! Waiting for services to get somewhere: what they are now, and then what their supervisors tell.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::path::Path;

use sixfold_protocol::paths;
use sixfold_protocol::service_control::event;
use sixfold_sys::fifodir::{self, Listener};
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::process;

use super::service;
use crate::complain::{self, ExitCode, FAILED, SYSTEM, TIMED_OUT, reason};

/// What is waited for: `-u`, `-U`, `-d`, `-D`, `-r`, `-R`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Goal {
    /// Up, or down.
    up: bool,
    /// Up and ready; or down and ready to be started.
    ready: bool,
    /// Down first, and then up.
    restart: bool,
}

impl Goal {
    /// What a letter stands for.
    pub(super) fn from_letter(letter: u8) -> Option<Self> {
        let (up, ready, restart) = match letter {
            b'u' => (true, false, false),
            b'U' => (true, true, false),
            b'd' => (false, false, false),
            b'D' => (false, true, false),
            b'r' => (true, false, true),
            b'R' => (true, true, true),
            _ => return None,
        };
        Some(Self { up, ready, restart })
    }

    /// The stages on the way to it, one after the other. `over`: the first one of a restart is that
    /// everything of the last run is over, not only that it died.
    fn stages(self, over: bool) -> Vec<Self> {
        let down = Self {
            up: false,
            ready: over,
            restart: false,
        };
        let last = Self {
            restart: false,
            ..self
        };
        if self.restart {
            vec![down, last]
        } else {
            vec![last]
        }
    }

    /// Whether it is waited for with a restart before it.
    pub(super) fn is_restart(self) -> bool {
        self.restart
    }

    /// Without what only a service that announces its readiness can get to.
    pub(super) fn without_readiness(self) -> Self {
        if self.up {
            Self {
                ready: false,
                ..self
            }
        } else {
            self
        }
    }

    /// Whether it takes an announcement of readiness.
    pub(super) fn awaits_readiness(self) -> bool {
        self.up && self.ready
    }
}

/// Where one service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    up: bool,
    ready: bool,
}

impl Place {
    fn is_at(self, goal: Goal) -> bool {
        self.up == goal.up && (!goal.ready || self.ready)
    }

    /// Where it is after a supervisor told `letter`, and whether that means that it will never get
    /// to `goal`; it then counts as if it had.
    fn after(self, letter: u8, goal: Goal) -> (Self, bool) {
        let there = Self {
            up: goal.up,
            ready: goal.ready,
        };
        let at = |up, ready| (Self { up, ready }, false);
        match letter {
            event::LEFT => (there, self != there),
            event::FAILED if goal.up => (there, true),
            event::DOWN => at(false, false),
            event::FINISHED => at(false, true),
            event::UP => at(true, false),
            event::READY => at(true, true),
            _ => (self, false),
        }
    }
}

/// Services that are listened to.
pub(super) struct Services {
    services: Vec<Followed>,
}

/// A service that is listened to.
struct Followed {
    listener: Listener,
    place: Place,
    /// What was heard and has not been looked at: a whole restart can be told at once, and each of
    /// its stages is waited for.
    letters: VecDeque<u8>,
}

impl Services {
    /// Begins to listen to the supervisors of the services in `dirs`, and looks where they are.
    /// What is told from now on is heard. Failures are reported in the name of the command `name`.
    pub(super) fn listen(name: &str, dirs: &[OsString]) -> Result<Self, ExitCode> {
        let mut services = Vec::new();
        for dir in dirs.iter().map(Path::new) {
            let events = dir.join(paths::EVENT);
            // It may be there, or be none of ours to make; listening will tell.
            let _ = fifodir::make(&events, Some(process::egid()), false);
            let listener = Listener::subscribe(&events).map_err(|error| {
                let dir = dir.display();
                let message = format!(
                    "unable to subscribe to events for {dir}: {}",
                    reason(&error)
                );
                complain::fatal(name, message, SYSTEM)
            })?;
            let status = service::status(dir).map_err(|error| {
                let message = format!("unable to s6_svstatus_read: {}", reason(&error));
                complain::fatal(name, message, SYSTEM)
            })?;
            services.push(Followed {
                listener,
                place: Place {
                    up: status.is_up(),
                    ready: status.ready,
                },
                letters: VecDeque::new(),
            });
        }
        Ok(Self { services })
    }

    /// Waits until all services are at `goal`, or any of them with `any`. Gives the number of those
    /// that will never get there. `over`: see [`Goal::stages`].
    pub(super) fn wait(
        &mut self,
        name: &str,
        goal: Goal,
        any: bool,
        over: bool,
        deadline: Deadline,
    ) -> Result<u32, ExitCode> {
        for stage in goal.stages(over) {
            let failures = self.wait_for_stage(name, stage, any, deadline)?;
            if failures > 0 {
                return Ok(failures);
            }
        }
        Ok(0)
    }

    fn wait_for_stage(
        &mut self,
        name: &str,
        goal: Goal,
        any: bool,
        deadline: Deadline,
    ) -> Result<u32, ExitCode> {
        let mut failures = 0;
        let system = |what: &str, error: &std::io::Error| {
            complain::fatal(name, format!("unable to {what}: {}", reason(error)), SYSTEM)
        };
        loop {
            failures += self.look(goal, any);
            if self.is_over(goal, any) {
                return Ok(failures);
            }
            let fds: Vec<_> = self.services.iter().map(|it| it.listener.as_fd()).collect();
            let ready =
                poll::wait_readable(&fds, deadline).map_err(|error| system("poll", &error))?;
            if !ready.contains(&true) {
                return Err(complain::fatal(name, "timed out", TIMED_OUT));
            }
            for service in &mut self.services {
                let letters = service.listener.heard();
                service
                    .letters
                    .extend(letters.map_err(|error| system("read", &error))?);
            }
        }
    }

    /// Looks at what was heard, letter by letter, until all is at `goal`; the rest is left for what is
    /// waited for next. Gives the number of services that will never get there.
    fn look(&mut self, goal: Goal, any: bool) -> u32 {
        let mut failures = 0;
        for place in 0..self.services.len() {
            while !self.is_over(goal, any)
                && let Some(service) = self.services.get_mut(place)
                && let Some(letter) = service.letters.pop_front()
            {
                let (after, failed) = service.place.after(letter, goal);
                service.place = after;
                failures += u32::from(failed);
            }
        }
        failures
    }

    fn is_over(&self, goal: Goal, any: bool) -> bool {
        let mut services = self.services.iter();
        if any {
            services.any(|it| it.place.is_at(goal))
        } else {
            services.all(|it| it.place.is_at(goal))
        }
    }
}

/// The exit code for that many services that will never get there: their number (s6-svwait(1)).
pub(super) fn failed(name: &str, failures: u32) -> ExitCode {
    if failures == 0 {
        return ExitCode::SUCCESS;
    }
    let message = "some services reported permanent failure or their supervisor died";
    complain::fatal(name, message, u8::try_from(failures).unwrap_or(u8::MAX))
}

/// The exit code for one service that will never get there.
pub(super) fn one_failed(name: &str, dir: &Path) -> ExitCode {
    let message = format!(
        "{} failed permanently or its supervisor died",
        dir.display()
    );
    complain::fatal(name, message, FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: &[u8] = b"suUdDOx";

    fn goal(letter: u8) -> Goal {
        Goal::from_letter(letter).unwrap()
    }

    fn places() -> [Place; 4] {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(up, ready)| Place { up, ready })
    }

    #[test]
    fn where_a_service_is_decides() {
        for (letter, wanted) in [
            (b'd', [true, true, false, false]),
            (b'D', [false, true, false, false]),
            (b'u', [false, false, true, true]),
            (b'U', [false, false, false, true]),
        ] {
            assert_eq!(places().map(|place| place.is_at(goal(letter))), wanted);
        }
        assert_eq!(Goal::from_letter(b'x'), None);
    }

    #[test]
    fn letters_move_a_service_wherever_it_was() {
        for place in places() {
            for goal in b"uUdD".map(goal) {
                for (letter, up, ready) in [
                    (b'u', true, false),
                    (b'U', true, true),
                    (b'd', false, false),
                    (b'D', false, true),
                ] {
                    assert_eq!(place.after(letter, goal), (Place { up, ready }, false));
                }
                assert_eq!(place.after(b's', goal), (place, false));
            }
        }
    }

    #[test]
    fn a_supervisor_that_leaves_ends_the_wait() {
        for place in places() {
            for goal in b"uUdD".map(goal) {
                let (after, failed) = place.after(b'x', goal);
                assert!(after.is_at(goal));
                let exactly = Place {
                    up: goal.up,
                    ready: goal.ready,
                };
                assert_eq!(failed, place != exactly);
            }
        }
    }

    #[test]
    fn a_permanent_failure_ends_only_the_wait_for_up() {
        for place in places() {
            for letter in *b"uU" {
                let (after, failed) = place.after(b'O', goal(letter));
                assert!(failed && after.is_at(goal(letter)));
            }
            for letter in *b"dD" {
                assert_eq!(place.after(b'O', goal(letter)), (place, false));
            }
        }
    }

    #[test]
    fn every_pair_of_letters_leaves_a_place() {
        for place in places() {
            for goal in b"uUdD".map(goal) {
                for one in LETTERS {
                    for other in LETTERS {
                        let (after, _) = place.after(*one, goal).0.after(*other, goal);
                        assert!(places().contains(&after));
                    }
                }
            }
        }
    }

    #[test]
    fn a_restart_that_is_told_at_once_is_heard_whole() {
        let dir = tempfile::tempdir().unwrap();
        let events = dir.path().join("event");
        fifodir::make(&events, None, false).unwrap();
        for (letters, letter) in [(&b"dDu"[..], b'r'), (b"dDuU", b'R'), (b"dD", b'D')] {
            let mut services = Services {
                services: vec![Followed {
                    listener: Listener::subscribe(&events).unwrap(),
                    place: Place {
                        up: true,
                        ready: true,
                    },
                    letters: VecDeque::new(),
                }],
            };
            assert_eq!(fifodir::notify(&events, letters).unwrap(), 1);
            let soon = Deadline::after(Some(std::time::Duration::from_secs(5)));
            let failures = services.wait("test", goal(letter), false, true, soon);
            assert!(matches!(failures, Ok(0)), "{letters:?}");
        }
    }

    #[test]
    fn a_restart_is_a_death_and_a_start() {
        assert_eq!(goal(b'R').stages(true), [goal(b'D'), goal(b'U')]);
        assert_eq!(goal(b'r').stages(false), [goal(b'd'), goal(b'u')]);
        assert_eq!(goal(b'D').stages(true), [goal(b'D')]);
    }
}
