//! Random orders, deaths, announcements and time against s6-supervise's own table of states by
//! inputs, written down here once more and without a look at the engine: after every step, what was
//! told last must be what that table gives, letter by letter.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "an engine that breaks the table is a failed test"
)]

use std::time::Duration;

use proptest::prelude::*;
use sixfold_engine::{
    Command, Effect, Engine, Exit, Input, Moment, NodeId, Policy, Role, RunId, SpawnFailure,
    Standing, Target, Work,
};
use sixfold_model::{ServiceSpec, Settings, Signal};

const SECOND: u64 = 1000;
/// After a start that failed.
const RETRY: u64 = 60 * SECOND;

/// The states of s6-supervise, and its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Down,
    Up,
    Finish,
    LastUp,
    LastFinish,
    Gone,
}

/// s6-supervise by its table; and s6-svscan, which brings it back.
#[derive(Debug, Clone)]
struct Table {
    state: Named,
    want_up: bool,
    paused: bool,
    ready: bool,
    down_file: bool,
    has_finish: bool,
    comes_back: bool,
    /// How often the next starts fail.
    failing: u32,
    last_start: Option<u64>,
    /// When a service that is wanted up is started.
    start_at: u64,
    began: u64,
    back_at: Option<u64>,
    letters: String,
    now: u64,
}

impl Table {
    fn begin(&mut self) {
        self.state = Named::Down;
        self.want_up = !self.down_file;
        self.paused = true;
        self.ready = true;
        self.began = self.now;
        self.back_at = None;
        self.letters.push('s');
        // A new supervisor knows nothing of earlier starts.
        self.start_at = self.now;
        self.start_if_due();
    }

    fn start_if_due(&mut self) {
        if self.state == Named::Down && self.want_up && self.start_at <= self.now {
            self.start();
        }
    }

    fn start(&mut self) {
        if self.failing > 0 {
            self.failing -= 1;
            self.start_at = self.now + RETRY;
            return;
        }
        self.state = Named::Up;
        self.paused = false;
        self.ready = false;
        self.last_start = Some(self.now);
        self.letters.push('u');
    }

    fn leave(&mut self) {
        self.letters.push('x');
        self.state = Named::Gone;
        self.back_at = self.comes_back.then_some(self.now.max(self.began + SECOND));
    }

    /// The finish script is over, or there is none.
    fn over(&mut self, letters: &str) {
        let is_last = matches!(self.state, Named::LastUp | Named::LastFinish);
        self.letters.push_str(letters);
        self.ready = true;
        self.state = Named::Down;
        if is_last {
            self.leave();
            return;
        }
        // Wanted so: a service that had lived for a second is started again at once.
        self.start_at = self.last_start.map_or(self.now, |start| start + SECOND);
        self.start_if_due();
    }

    fn died(&mut self, code: i32) {
        match self.state {
            Named::Up | Named::LastUp => {
                self.paused = false;
                self.ready = false;
                if !self.has_finish {
                    self.over("dD");
                } else if self.failing > 0 {
                    self.failing -= 1;
                    self.over("dD");
                } else {
                    let is_last = self.state == Named::LastUp;
                    self.state = if is_last {
                        Named::LastFinish
                    } else {
                        Named::Finish
                    };
                    self.letters.push('d');
                }
            }
            Named::Finish | Named::LastFinish => {
                if code == 125 {
                    self.want_up = false;
                    self.over("OD");
                } else {
                    self.over("D");
                }
            }
            Named::Down | Named::Gone => panic!("nothing lives in {self:?}"),
        }
    }

    fn announced(&mut self) {
        if matches!(self.state, Named::Up | Named::LastUp) && !self.ready {
            self.ready = true;
            self.letters.push('U');
        }
    }

    fn obey(&mut self, command: Command) {
        if self.state == Named::Gone {
            return;
        }
        let is_up = matches!(self.state, Named::Up | Named::LastUp);
        match command {
            Command::Signal(..) | Command::Restart | Command::Reload => {}
            Command::Pause(_) => self.paused |= is_up,
            Command::Continue(_) => self.paused &= !is_up,
            Command::Up | Command::UpForGood | Command::Once => {
                if command == Command::UpForGood {
                    self.down_file = false;
                }
                self.want_up = command != Command::Once;
                if self.state == Named::Down {
                    self.start();
                }
            }
            Command::Down | Command::DownForGood => {
                self.down_file |= command == Command::DownForGood;
                self.want_up = false;
                // The down signal is followed by CONT.
                self.paused &= !is_up;
            }
            Command::NotAgain => self.want_up = false,
            Command::NotAgainForGood => {
                self.down_file = true;
                self.want_up = false;
            }
            Command::Leave => self.leave_when_down(),
            Command::Terminate => {
                self.want_up = false;
                self.paused &= !is_up;
                self.leave_when_down();
            }
            Command::Abandon | Command::Interrupt => self.leave(),
        }
    }

    fn leave_when_down(&mut self) {
        match self.state {
            Named::Down => self.leave(),
            Named::Up => self.state = Named::LastUp,
            Named::Finish => self.state = Named::LastFinish,
            Named::LastUp | Named::LastFinish | Named::Gone => {}
        }
    }

    /// Lets time pass, up to `end`.
    fn pass(&mut self, end: u64) {
        loop {
            let due = match self.state {
                Named::Down if self.want_up => Some(self.start_at),
                Named::Gone => self.back_at,
                Named::Down | Named::Up | Named::Finish | Named::LastUp | Named::LastFinish => None,
            };
            let Some(due) = due.filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            if self.state == Named::Gone {
                self.begin();
            } else {
                self.start();
            }
        }
    }
}

/// The engine with everything answered at once.
struct Real {
    engine: Engine,
    spec: ServiceSpec,
    node: Option<NodeId>,
    live: Option<(RunId, bool)>,
    failing: u32,
    letters: String,
    last: Option<Standing>,
    now: u64,
    last_start: Option<u64>,
    was_ordered: bool,
}

impl Real {
    fn handle(&mut self, input: Input) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let input = inputs.remove(0);
            let mut effects = Vec::new();
            let now = Moment::at(Duration::from_millis(self.now));
            self.engine.handle(now, input, &mut effects);
            for effect in effects {
                inputs.extend(self.answer(effect));
            }
        }
    }

    fn answer(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Rescan => Some(Input::Services {
                specs: vec![self.spec.clone()],
            }),
            Effect::Adopt { node, .. } | Effect::Claim { node } => {
                self.node = Some(node);
                self.last_start = None;
                let spec = Box::new(self.spec.clone());
                Some(Input::Supervised { node, spec })
            }
            Effect::Spawn { node, run, work } => {
                assert_eq!(self.live, None, "started beside another");
                if self.failing > 0 {
                    self.failing -= 1;
                    let failure = SpawnFailure::NotFound;
                    return Some(Input::SpawnFailed { node, run, failure });
                }
                let is_run = work == Work::Run;
                if is_run {
                    let early = self.last_start.is_some_and(|last| self.now < last + SECOND);
                    assert!(!early || self.was_ordered, "started twice within a second");
                    self.last_start = Some(self.now);
                }
                self.live = Some((run, is_run));
                let pid = 100 + i32::try_from(run.number()).unwrap();
                Some(Input::Spawned { node, run, pid })
            }
            Effect::Tell {
                standing, letters, ..
            } => {
                self.letters.push_str(letters);
                self.last = Some(standing);
                None
            }
            Effect::MarkDown { down, .. } => {
                self.spec.down = down;
                None
            }
            Effect::Leave {
                standing, letters, ..
            } => {
                self.letters.push_str(letters);
                self.letters.push('x');
                self.last = Some(standing);
                // What runs is nobody's now.
                self.live = None;
                None
            }
            Effect::Signal { run, .. } => {
                // Late ones are of no harm; others name what runs.
                assert!(self.live.is_none_or(|(live, _)| live == run));
                None
            }
            Effect::RecordDeath { .. }
            | Effect::Forget { .. }
            | Effect::CloseInput { .. }
            | Effect::List { .. }
            | Effect::ListDefinitions
            | Effect::Redefine
            | Effect::ChangeEnded(_)
            | Effect::ListServices
            | Effect::UnlistServices
            | Effect::SignalAll(_)
            | Effect::Census
            | Effect::RecordExitCode(_)
            | Effect::Sync
            | Effect::Log(_)
            | Effect::Exit => None,
        }
    }

    fn pass(&mut self, end: u64) {
        while let Some(at) = self.engine.next_timeout() {
            let at = u64::try_from(at.elapsed().as_millis()).unwrap();
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.handle(Input::Timer);
        }
        self.now = end;
    }
}

#[derive(Debug, Clone)]
enum Action {
    Order(Command),
    Die(i32),
    Announce,
    Pass(u64),
    FailStarts(u32),
}

fn action() -> impl Strategy<Value = Action> {
    let plain = Target::Process;
    let command = prop::sample::select(vec![
        Command::Signal(Signal::USR1, plain),
        Command::Signal(Signal::KILL, Target::Group),
        Command::Pause(plain),
        Command::Continue(Target::Group),
        Command::Restart,
        Command::Reload,
        Command::Up,
        Command::Once,
        Command::NotAgain,
        Command::Down,
        Command::UpForGood,
        Command::DownForGood,
        Command::NotAgainForGood,
        Command::Leave,
        Command::Terminate,
        Command::Abandon,
        Command::Interrupt,
    ]);
    prop_oneof![
        8 => command.prop_map(Action::Order),
        6 => prop::sample::select(vec![0, 1, 125]).prop_map(Action::Die),
        2 => Just(Action::Announce),
        6 => prop_oneof![0..1500_u64, Just(1000_u64), Just(70_000_u64)].prop_map(Action::Pass),
        1 => (1..3_u32).prop_map(Action::FailStarts),
    ]
}

fn play(role: Role, has_finish: bool, down: bool, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut spec = ServiceSpec::new("web", "/run/service/web");
    spec.has_finish = has_finish;
    spec.timeout_finish = None;
    spec.notification_fd = Some(3);
    spec.down = down;
    let comes_back = role != Role::Service;
    let mut table = Table {
        state: Named::Gone,
        want_up: false,
        paused: false,
        ready: false,
        down_file: down,
        has_finish,
        comes_back,
        failing: 0,
        last_start: None,
        start_at: 0,
        began: 0,
        back_at: None,
        letters: String::new(),
        now: 0,
    };
    let policy = Policy {
        role,
        ..Policy::new(&Settings::default(), Vec::new(), false)
    };
    let mut real = Real {
        engine: Engine::new(policy),
        spec: spec.clone(),
        node: None,
        live: None,
        failing: 0,
        letters: String::new(),
        last: None,
        now: 0,
        last_start: None,
        was_ordered: false,
    };
    real.handle(Input::Boot);
    if role == Role::Service {
        real.handle(Input::Services { specs: vec![spec] });
    }
    table.begin();
    for action in actions {
        let Some(node) = real.node else { break };
        real.was_ordered = matches!(action, Action::Order(_));
        match action {
            Action::Order(command) => {
                let command = *command;
                real.handle(Input::Control { node, command });
                table.obey(command);
            }
            Action::Die(code) => {
                let Some((run, is_run)) = real.live.take() else {
                    continue;
                };
                let code = if is_run { 1 } else { *code };
                let exit = Exit::Code(code);
                real.handle(Input::Exited { node, run, exit });
                table.died(code);
            }
            Action::Announce => {
                if let Some((run, true)) = real.live {
                    real.handle(Input::Ready { node, run });
                    table.announced();
                }
            }
            Action::Pass(wait) => {
                real.pass(real.now + wait);
                table.pass(table.now + wait);
            }
            Action::FailStarts(count) => {
                real.failing = *count;
                table.failing = *count;
            }
        }
        prop_assert_eq!(
            &real.letters,
            &table.letters,
            "after {:?}: {:?}",
            action,
            &table
        );
        let told = real.last.unwrap();
        let is_finishing = matches!(table.state, Named::Finish | Named::LastFinish);
        let is_up = matches!(table.state, Named::Up | Named::LastUp);
        if table.state != Named::Gone {
            let shown = (
                told.wanted_up,
                told.paused,
                told.ready,
                told.finishing,
                told.pid != 0,
            );
            let wanted = (
                table.want_up,
                table.paused,
                table.ready,
                is_finishing,
                is_finishing || is_up,
            );
            prop_assert_eq!(shown, wanted, "after {:?}: {:?}", action, &table);
        }
        prop_assert_eq!(real.spec.down, table.down_file);
        prop_assert_eq!(real.failing, table.failing);
        if !comes_back {
            prop_assert_eq!(real.engine.is_over(), table.state == Named::Gone);
        }
    }
    Ok(())
}

const SCAN: Role = Role::ScanDirectory {
    most: 1000,
    rescan: None,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_what_the_table_allows(
        actions in proptest::collection::vec(action(), 1..40),
        has_finish: bool,
        down: bool,
    ) {
        play(Role::Service, has_finish, down, &actions)?;
        play(SCAN, has_finish, down, &actions)?;
    }
}

/// The one difference from s6 that is wanted.
#[test]
fn a_service_that_had_run_for_a_second_is_started_again_at_once() {
    let actions = [Action::Pass(1000), Action::Die(0), Action::Pass(0)];
    play(SCAN, false, false, &actions).unwrap();
}
