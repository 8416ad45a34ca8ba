//! A world in virtual time that carries out the engine's effects: processes with lives of their
//! own, some deaf to TERM, starts that fail, late answers. KILL always works. It watches over what
//! the engine may never do, whatever the world does, and panics when it does it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sixfold_engine::{
    Effect, Engine, Event, Exit, Input, Listing, Moment, NodeId, Policy, RunId, SpawnFailure, Step,
    Work,
};
use sixfold_model::{ServiceSpec, Signal};

/// Every answer of the world comes within this.
pub(crate) const LATENCY: u64 = 5;
/// A process dies within this after a signal that it obeys.
pub(crate) const DYING: u64 = 100;
/// More firings than this at one moment mean that the engine does not get on.
const FIRINGS: u32 = 100;

/// What happens in the container, beside what the engine decides.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) policy: Policy,
    /// The services that each listing of services.d finds; the last one stays.
    pub(crate) services: Vec<Vec<ServiceSpec>>,
    /// How many scripts the hook, fix-attrs.d, cont-init.d and cont-finish.d have.
    pub(crate) scripts: [usize; 4],
    /// What comes from outside, and when, in ms. A stop is among it.
    pub(crate) outside: Vec<(u64, Input)>,
    /// The percentages of starts that fail, of deaf processes, and of runs that never get ready.
    pub(crate) failing: u64,
    pub(crate) deaf: u64,
    pub(crate) unready: u64,
    /// Processes that are nobody's children and hear KILL alone.
    pub(crate) strangers: bool,
    pub(crate) seed: u64,
}

/// One process that was asked for.
#[derive(Debug)]
struct Process {
    node: NodeId,
    work: Work,
    life: Life,
    deaf: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Asked,
    Alive,
    Over,
}

/// What is known of a service.
#[derive(Debug)]
struct Known {
    spec: ServiceSpec,
    logger: Option<NodeId>,
    started: Option<Moment>,
    reached: bool,
    asked: bool,
    failed: bool,
}

impl Known {
    /// Whether nobody has to wait for it: it got there, or never will.
    fn is_settled(&self) -> bool {
        self.reached || self.failed || self.spec.down || !self.spec.has_run
    }

    fn announces(&self) -> bool {
        self.spec.notification_fd.is_some()
    }
}

/// Something that the world does at a later moment.
#[derive(Debug)]
enum Happening {
    Tell(Input),
    Start(RunId),
    Ready(RunId),
    Die(RunId, Exit),
}

/// The world, its engine, and the record of both.
pub(crate) struct World {
    plan: Plan,
    engine: Engine,
    now: Moment,
    queue: BTreeMap<(Moment, u64), Happening>,
    tickets: u64,
    random: u64,
    processes: BTreeMap<RunId, Process>,
    services: HashMap<NodeId, Known>,
    listings: usize,
    /// What is told as soon as the effects of the present input are carried out.
    answers: Vec<Input>,
    strangers: bool,
    cont_init_done: bool,
    services_started: bool,
    timed_out: bool,
    grace_expired: bool,
    killing: bool,
    cmd_asked: bool,
    /// When the stop was asked for.
    pub(crate) stopped: Option<Moment>,
    /// When the engine said that it is over.
    pub(crate) ended: Option<Moment>,
    /// Every effect with its moment.
    pub(crate) trace: Vec<(Moment, Effect)>,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(plan: Plan) -> Self {
        let mut world = Self {
            engine: Engine::new(plan.policy.clone()),
            now: Moment::START,
            queue: BTreeMap::new(),
            tickets: 0,
            random: plan.seed | 1,
            processes: BTreeMap::new(),
            services: HashMap::new(),
            listings: 0,
            answers: Vec::new(),
            strangers: plan.strangers,
            cont_init_done: false,
            services_started: false,
            timed_out: false,
            grace_expired: false,
            killing: false,
            cmd_asked: false,
            stopped: None,
            ended: None,
            trace: Vec::new(),
            plan,
        };
        world.later(0, Happening::Tell(Input::Boot));
        for (ms, input) in world.plan.outside.clone() {
            world.later(ms, Happening::Tell(input));
        }
        world
    }

    /// Runs until the engine is over, or `limit` has come. `garbage` is told to the engine before
    /// everything that happens; it must not do anything.
    pub(crate) fn run(&mut self, limit: Moment, garbage: impl Fn(&Self, u64) -> Option<Input>) {
        let mut firings = 0;
        let mut turn = 0;
        while self.ended.is_none() {
            turn += 1;
            if let Some(input) = garbage(self, turn) {
                let shown = format!("{input:?}");
                let effects = self.handle(input);
                assert_eq!(effects, [], "{shown} at {:?}", self.now);
            }
            let timeout = self.engine.next_timeout();
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            // What has happened by the time of a deadline is told first.
            let is_timer = match (timeout, next) {
                (Some(timeout), Some(next)) => timeout < next,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => panic!("nothing will ever happen: {:?}", self.engine),
            };
            if is_timer {
                let at = timeout.unwrap();
                firings = if at > self.now { 0 } else { firings + 1 };
                assert!(
                    firings < FIRINGS,
                    "no progress at {at:?}: {:?}",
                    self.engine
                );
                self.now = self.now.max(at);
                self.tell(Input::Timer);
            } else {
                let ((at, _), happening) = self.queue.pop_first().unwrap();
                firings = if at > self.now { 0 } else { firings };
                self.now = self.now.max(at);
                self.happen(happening);
            }
            assert!(
                self.now <= limit,
                "not over at {:?}: {:?}",
                self.now,
                self.engine
            );
        }
    }

    /// A run that was asked for, and its node: the `index`th, counted round and round.
    pub(crate) fn any_run(&self, index: usize) -> Option<(NodeId, RunId, bool)> {
        let len = self.processes.len().max(1);
        let (run, process) = self.processes.iter().nth(index % len)?;
        Some((process.node, *run, process.life == Life::Over))
    }

    /// Tells the engine something at this moment and returns what it wants done, undone.
    pub(crate) fn handle(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.engine.handle(self.now, input, &mut effects);
        effects
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tell(input) => self.tell(input),
            Happening::Start(run) => self.start(run),
            Happening::Ready(run) => {
                let process = &self.processes[&run];
                if process.life == Life::Alive {
                    let node = process.node;
                    let known = self.services.get_mut(&node).unwrap();
                    known.reached = true;
                    self.tell(Input::Ready { node, run });
                }
            }
            Happening::Die(run, exit) => {
                let process = self.processes.get_mut(&run).unwrap();
                if process.life == Life::Alive {
                    process.life = Life::Over;
                    let node = process.node;
                    self.tell(Input::Exited { node, run, exit });
                    self.count();
                }
            }
        }
    }

    fn tell(&mut self, input: Input) {
        let effects = self.handle(input);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            assert_eq!(self.ended, None, "{effect:?} after the end");
            self.trace.push((self.now, effect.clone()));
            self.perform(effect);
        }
        for answer in std::mem::take(&mut self.answers) {
            self.tell(answer);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Adopt { node, spec, logger } => {
                let known = Known {
                    spec: *spec,
                    logger,
                    started: None,
                    reached: false,
                    asked: false,
                    failed: false,
                };
                let spec = Box::new(known.spec.clone());
                assert!(self.services.insert(node, known).is_none(), "adopted twice");
                self.answers.push(Input::Supervised { node, spec });
            }
            Effect::Claim { node } => panic!("{node:?} was never left"),
            Effect::Tell { node, .. } | Effect::RecordDeath { node, .. } => {
                assert!(self.services.contains_key(&node), "nobody knows {node:?}");
            }
            Effect::MarkDown { .. } | Effect::Forget { .. } => {
                panic!("nobody has asked for it: {effect:?}")
            }
            Effect::Leave { node, .. } => {
                assert!(self.stopped.is_some(), "left before the stop");
                assert!(!self.is_alive(node), "left alone");
            }
            Effect::Spawn { node, run, work } => self.spawn(node, run, work),
            Effect::Signal {
                node, run, signal, ..
            } => {
                let process = self.processes.get(&run).expect("a run that was asked for");
                assert_eq!(process.node, node);
                self.signal(run, signal);
            }
            Effect::CloseInput { node } => self.close_input(node),
            Effect::List { node, listing } => self.list(node, listing),
            Effect::ListDefinitions
            | Effect::Redefine
            | Effect::UnlistServices
            | Effect::ChangeEnded(_) => {
                panic!("there is no s6-rc in this world")
            }
            Effect::ListServices | Effect::Rescan => {
                let last = self.plan.services.len() - 1;
                let specs = self.plan.services[self.listings.min(last)].clone();
                self.listings += 1;
                let wait = self.below(LATENCY);
                self.later(wait, Happening::Tell(Input::Services { specs }));
            }
            Effect::SignalAll(signal) => {
                let runs: Vec<_> = self.processes.keys().copied().collect();
                for run in runs {
                    self.signal(run, signal);
                }
                if signal == Signal::KILL {
                    self.strangers = false;
                }
            }
            Effect::Census => {
                let left = self.is_anything_left();
                self.tell(Input::Census { left });
            }
            Effect::RecordExitCode(code) => assert!(code > 0 || self.cmd_asked),
            Effect::Sync => assert!(self.plan.policy.sync_disks),
            Effect::Log(event) => self.note(&event),
            Effect::Exit => self.ended = Some(self.now),
        }
    }

    /// Looks at what is asked for, and arranges the answer.
    fn spawn(&mut self, node: NodeId, run: RunId, work: Work) {
        assert!(!self.killing, "{work:?} is started while all is killed");
        for process in self.processes.values() {
            let free = process.node != node || process.life == Life::Over;
            assert!(free, "{work:?} is started beside {process:?}");
        }
        if let Some((last, _)) = self.processes.last_key_value() {
            assert!(run > *last, "{run:?} is not new");
        }
        match &work {
            Work::Run => self.look_at_run(node),
            Work::Finish { .. } => assert!(self.services[&node].spec.has_finish),
            Work::Step { listing, .. } => match listing {
                Listing::ContFinish => {
                    assert!(self.stopped.is_some());
                    assert!(self.grace_expired || !self.is_any_service_alive());
                }
                Listing::Hook | Listing::FixAttrs => {}
                Listing::ContInit => {
                    assert_eq!(self.stopped, None, "{work:?} is started after the stop");
                }
            },
            Work::Oneshot { .. } => panic!("there is no s6-rc in this world"),
            Work::Cmd { .. } => {
                assert!(!self.cmd_asked, "the CMD is started twice");
                assert_eq!(self.stopped, None, "the CMD is started after the stop");
                let up = self.services.values().all(Known::is_settled);
                assert!(
                    self.services_started && up || self.timed_out,
                    "the CMD is early"
                );
                self.cmd_asked = true;
            }
        }
        let deaf = self.chance(self.plan.deaf);
        let process = Process {
            node,
            work,
            life: Life::Asked,
            deaf,
        };
        self.processes.insert(run, process);
        let wait = self.below(LATENCY);
        self.later(wait, Happening::Start(run));
    }

    fn look_at_run(&mut self, node: NodeId) {
        assert!(self.cont_init_done, "a service before cont-init.d is done");
        let now = self.now;
        let logger = self.services[&node].logger;
        if let Some(logger) = logger {
            let logger = &self.services[&logger];
            assert!(
                logger.is_settled() || self.timed_out,
                "started before {logger:?}"
            );
        }
        let known = self.services.get_mut(&node).unwrap();
        assert!(known.spec.has_run && !known.spec.down, "{known:?}");
        if let Some(started) = known.started {
            assert!(
                now.since(started) >= Duration::from_secs(1),
                "{} is started at {now:?} and at {started:?}",
                known.spec.name
            );
        }
        assert!(!known.asked, "{} was told to stop", known.spec.name);
    }

    fn start(&mut self, run: RunId) {
        let fails = self.chance(self.plan.failing);
        let process = self.processes.get_mut(&run).unwrap();
        let node = process.node;
        let is_run = process.work == Work::Run;
        assert_eq!(process.life, Life::Asked, "answered twice");
        let wait_for_services = self.plan.policy.wait_for_services;
        if fails {
            process.life = Life::Over;
            // Only readiness is worth waiting for, where it is announced.
            if let Some(known) = self.services.get_mut(&node) {
                known.reached |= is_run && !(known.announces() && wait_for_services);
            }
            let failure = if self.chance(50) {
                SpawnFailure::NotFound
            } else {
                SpawnFailure::NotRunnable
            };
            self.tell(Input::SpawnFailed { node, run, failure });
            return;
        }
        process.life = Life::Alive;
        if is_run {
            let now = self.now;
            let known = self.services.get_mut(&node).unwrap();
            known.started = Some(now);
            let announces = known.announces();
            known.reached |= !(announces && wait_for_services);
            if announces && !self.chance(self.plan.unready) {
                let wait = self.below(500);
                self.later(wait, Happening::Ready(run));
            }
        }
        let life = match self.below(4) {
            0 => self.below(3),
            1 => self.below(3000),
            2 => self.below(20_000),
            _ => u64::MAX,
        };
        let exit = match self.below(8) {
            0 => Exit::Code(125),
            1 => Exit::Code(1),
            2 => Exit::Signal(11),
            3 => Exit::Code(100),
            _ => Exit::Code(0),
        };
        if life < u64::MAX {
            self.later(life, Happening::Die(run, exit));
        }
        let pid = 1000 + i32::try_from(run.number()).unwrap();
        self.tell(Input::Spawned { node, run, pid });
    }

    fn signal(&mut self, run: RunId, signal: Signal) {
        let process = &self.processes[&run];
        if process.life != Life::Alive || signal == Signal::CONT {
            return;
        }
        if signal == Signal::KILL {
            let wait = self.below(LATENCY);
            self.later(wait, Happening::Die(run, Exit::Signal(9)));
        } else if !process.deaf {
            let wait = self.below(DYING);
            self.later(wait, Happening::Die(run, Exit::Signal(signal.number())));
        }
    }

    /// A logger reads what is left and ends, unless it is deaf for that too.
    fn close_input(&mut self, logger: NodeId) {
        for (node, known) in &self.services {
            if known.logger == Some(logger) {
                let alive = self.is_alive(*node);
                assert!(
                    !alive || self.grace_expired,
                    "{} lost its logger",
                    known.spec.name
                );
            }
        }
        self.services.get_mut(&logger).unwrap().asked = true;
        let runs: Vec<_> = self
            .processes
            .iter()
            .filter(|(_, process)| process.node == logger && !process.deaf)
            .map(|(run, _)| *run)
            .collect();
        for run in runs {
            let wait = LATENCY + self.below(DYING);
            self.later(wait, Happening::Die(run, Exit::Code(0)));
        }
    }

    fn list(&mut self, node: NodeId, listing: Listing) {
        let index = match listing {
            Listing::Hook => 0,
            Listing::FixAttrs => 1,
            Listing::ContInit => 2,
            Listing::ContFinish => 3,
        };
        let steps = (0..self.plan.scripts[index])
            .map(|number| Step {
                name: format!("{number:02}"),
                path: format!("/etc/{}/{number:02}", listing.label()).into(),
            })
            .collect();
        let wait = self.below(LATENCY);
        self.later(wait, Happening::Tell(Input::Listed { node, steps }));
    }

    fn note(&mut self, event: &Event) {
        if let Event::StopRequested(_) = event {
            assert_eq!(self.stopped, None, "the stop is requested twice");
            self.stopped = Some(self.now);
        } else if let Event::StageDone(Listing::ContInit) = event {
            self.cont_init_done = true;
        } else if let Event::ServicesStarted { .. } = event {
            self.services_started = true;
        } else if let Event::BootTimedOut { .. } = event {
            self.timed_out = true;
        } else if let Event::GraceExpired { .. } = event {
            self.grace_expired = true;
        } else if let Event::FinalKill = event {
            assert!(self.stopped.is_some());
            self.killing = true;
        } else if let Event::ServiceStopping { service, .. } = event {
            self.known(service).asked = true;
        } else if let Event::ServiceFailed { service } = event {
            self.known(service).failed = true;
        } else {
            assert_ne!(*event, Event::Unkillable, "KILL works here");
        }
    }

    fn known(&mut self, name: &str) -> &mut Known {
        let mut all = self.services.values_mut();
        all.find(|known| known.spec.name == name).unwrap()
    }

    /// The daemon's census after each end of a process, where the engine wants it.
    fn count(&mut self) {
        if self.ended.is_none() && self.engine.counts_processes() {
            let left = self.is_anything_left();
            self.tell(Input::Census { left });
        }
    }

    fn is_anything_left(&self) -> bool {
        let mut processes = self.processes.values();
        self.strangers || processes.any(|process| process.life == Life::Alive)
    }

    fn is_any_service_alive(&self) -> bool {
        self.services.keys().any(|node| self.is_alive(*node))
    }

    fn is_alive(&self, node: NodeId) -> bool {
        let mut processes = self.processes.values();
        processes.any(|process| process.node == node && process.life != Life::Over)
    }

    fn later(&mut self, ms: u64, happening: Happening) {
        self.tickets += 1;
        let at = self.now.after(Duration::from_millis(ms));
        self.queue.insert((at, self.tickets), happening);
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number below `limit` (xorshift64*: the same seed always gives the same world).
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}
