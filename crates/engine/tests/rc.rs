//! Random services of s6-rc in virtual time: nothing starts before what it needs is up, nothing that
//! needs a failure starts at all, everything else gets up, and the stop is the reverse.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test reports by panicking"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use sixfold_engine::definitions::{Definition, Definitions, Nature, Need};
use sixfold_engine::{
    ChangeOutcome, Effect, Engine, Event, Exit, Input, Moment, NodeId, Origin, Policy, RunId,
    Transition, Work,
};
use sixfold_model::rc::definition::Timeouts;
use sixfold_model::{ServiceSpec, Settings, Signal};

/// One service: whether it is a longrun, announces its readiness, fails, and what it needs.
#[derive(Debug, Clone)]
struct Plan {
    is_longrun: bool,
    announces: bool,
    fails: bool,
    /// Its way down fails.
    stays: bool,
    needs: Vec<usize>,
    /// How long each of its processes takes, in ms.
    takes: u64,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let one = (
        any::<bool>(),
        any::<bool>(),
        (prop::bool::weighted(0.1), prop::bool::weighted(0.1)),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        0..200_u64,
    );
    prop::collection::vec(one, 1..40).prop_map(|plans| {
        let plans = plans.into_iter().enumerate();
        plans
            .map(
                |(place, (is_longrun, announces, (fails, stays), needs, takes))| {
                    // Only what comes before: there are no cycles.
                    let mut needs: Vec<usize> = needs
                        .iter()
                        .filter(|_| place > 0)
                        .map(|index| index.index(place))
                        .collect();
                    needs.sort_unstable();
                    needs.dedup();
                    Plan {
                        is_longrun,
                        announces,
                        fails: fails && !is_longrun,
                        stays: stays && !is_longrun,
                        needs,
                        takes,
                    }
                },
            )
            .collect()
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Before,
    Starting,
    Up,
    Stopping,
    Down,
    Failed,
}

struct World {
    engine: Engine,
    now: Moment,
    plans: Vec<Plan>,
    standing: Vec<Standing>,
    places: HashMap<String, usize>,
    nodes: HashMap<NodeId, usize>,
    queue: BTreeMap<(Moment, u64), Input>,
    tickets: u64,
    /// How the last change ended.
    ended: Option<ChangeOutcome>,
    /// The container stops.
    stops: bool,
    is_over: bool,
}

impl World {
    fn new(plans: Vec<Plan>) -> Self {
        let mut policy = Policy::new(&Settings::default(), Vec::new(), false);
        policy.has_definitions = true;
        let places = (0..plans.len()).map(|place| (name(place), place));
        Self {
            engine: Engine::new(policy),
            now: Moment::START,
            standing: vec![Standing::Before; plans.len()],
            places: places.collect(),
            nodes: HashMap::new(),
            queue: BTreeMap::new(),
            tickets: 0,
            ended: None,
            stops: false,
            is_over: false,
            plans,
        }
    }

    fn definitions(&self) -> Definitions {
        let all = self.plans.iter().enumerate().map(|(place, plan)| {
            let name = name(place);
            let nature = if plan.is_longrun {
                let mut spec = ServiceSpec::new(&name, Path::new("/run").join(&name));
                spec.notification_fd = plan.announces.then_some(3);
                Nature::Longrun {
                    spec: Box::new(spec),
                    reader: None,
                }
            } else {
                Nature::Oneshot {
                    up: vec![b"up".to_vec()],
                    down: vec![b"down".to_vec()],
                }
            };
            Definition {
                name,
                nature,
                needs: plan.needs.iter().copied().map(Need::Service).collect(),
                timeouts: Timeouts::default(),
                is_wanted: true,
            }
        });
        Definitions {
            all: all.collect(),
            ..Definitions::default()
        }
    }

    fn later(&mut self, ms: u64, input: Input) {
        self.tickets += 1;
        let at = self.now.after(Duration::from_millis(ms));
        self.queue.insert((at, self.tickets), input);
    }

    /// Runs until nothing is left to happen by itself.
    fn settle(&mut self) {
        while let Some(((at, _), input)) = self.queue.pop_first() {
            self.now = self.now.max(at);
            self.tell(input);
        }
    }

    /// Everything that is up, or comes to be, and needs one of these.
    fn users(&self, of: &[usize]) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = of.iter().copied().collect();
        for (place, plan) in self.plans.iter().enumerate() {
            if plan.needs.iter().any(|need| found.contains(need)) {
                found.insert(place);
            }
        }
        found.retain(|place| self.standing[*place] == Standing::Up);
        found
    }

    /// These, and everything that they need.
    fn needs(&self, of: &[usize]) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = of.iter().copied().collect();
        for (place, plan) in self.plans.iter().enumerate().rev() {
            if found.contains(&place) {
                found.extend(&plan.needs);
            }
        }
        found
    }

    /// What is up after a change, by the simplest rule there is, and whether all is where it should be.
    fn after_from(
        &self,
        before: &BTreeSet<usize>,
        stop: &BTreeSet<usize>,
        start: &BTreeSet<usize>,
    ) -> (BTreeSet<usize>, bool) {
        let mut up = before.clone();
        let mut stuck = BTreeSet::new();
        for place in stop.iter().rev() {
            let users = |user: &usize| self.plans[*user].needs.contains(place);
            if self.plans[*place].stays || stuck.iter().any(users) {
                stuck.insert(*place);
            } else {
                up.remove(place);
            }
        }
        if !stuck.is_empty() {
            return (up, false);
        }
        for place in start {
            let plan = &self.plans[*place];
            if !plan.fails && plan.needs.iter().all(|need| up.contains(need)) {
                up.insert(*place);
            }
        }
        let is_done = start.iter().all(|place| up.contains(place));
        (up, is_done)
    }

    fn up(&self) -> BTreeSet<usize> {
        let places = (0..self.plans.len()).filter(|it| self.standing[*it] == Standing::Up);
        places.collect()
    }

    fn change(&mut self, change: &Change) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let places = |chosen: &[prop::sample::Index]| -> Vec<usize> {
            chosen
                .iter()
                .map(|index| index.index(self.plans.len()))
                .collect()
        };
        let stop = self.users(&places(&change.stop));
        let mut start = self.needs(&places(&change.start));
        start.retain(|place| self.standing[*place] != Standing::Up || stop.contains(place));
        let names = |places: &BTreeSet<usize>| places.iter().map(|place| name(*place)).collect();
        self.ended = None;
        let input = Input::Change {
            stop: names(&stop),
            start: names(&start),
            redefine: change.redefines,
            timeout: None,
        };
        self.tell(input);
        (stop, start)
    }

    fn tell(&mut self, input: Input) {
        self.stops |= matches!(input, Input::StopSignal { .. });
        let mut effects = Vec::new();
        self.engine.handle(self.now, input, &mut effects);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::ListDefinitions => self.later(1, Input::Definitions(self.definitions())),
            Effect::List { node, .. } => self.later(
                1,
                Input::Listed {
                    node,
                    steps: Vec::new(),
                },
            ),
            Effect::ListServices | Effect::UnlistServices | Effect::Rescan => {
                self.later(1, Input::Services { specs: Vec::new() });
            }
            Effect::Adopt { node, spec, .. } => {
                self.nodes.insert(node, self.places[&spec.name]);
                self.later(1, Input::Supervised { node, spec });
            }
            Effect::Spawn { node, run, work } => self.spawn(node, run, &work),
            Effect::Signal {
                node, run, signal, ..
            } => {
                if signal == Signal::TERM {
                    let exit = Exit::Signal(signal.number());
                    self.later(3, Input::Exited { node, run, exit });
                }
            }
            Effect::Log(event) => self.note(&event),
            Effect::Census => self.later(1, Input::Census { left: false }),
            Effect::Redefine => self.later(1, Input::Definitions(self.definitions())),
            Effect::ChangeEnded(outcome) => {
                assert_eq!(self.ended.replace(outcome), None);
            }
            Effect::Exit => self.is_over = true,
            Effect::Claim { .. }
            | Effect::Tell { .. }
            | Effect::RecordDeath { .. }
            | Effect::MarkDown { .. }
            | Effect::Leave { .. }
            | Effect::Forget { .. }
            | Effect::CloseInput { .. }
            | Effect::SignalAll(_)
            | Effect::RecordExitCode(_)
            | Effect::Sync => {}
        }
    }

    fn spawn(&mut self, node: NodeId, run: RunId, work: &Work) {
        let pid = 100 + i32::try_from(run.number()).unwrap();
        self.later(1, Input::Spawned { node, run, pid });
        match work {
            Work::Oneshot { service, words } => {
                let plan = &self.plans[self.places[service]];
                let is_up = words == &[b"up".to_vec()];
                let fails = if is_up { plan.fails } else { plan.stays };
                let exit = Exit::Code(i32::from(fails));
                self.later(2 + plan.takes, Input::Exited { node, run, exit });
            }
            Work::Run => {
                let plan = &self.plans[self.nodes[&node]];
                if plan.announces {
                    self.later(2 + plan.takes, Input::Ready { node, run });
                }
            }
            other @ (Work::Finish { .. } | Work::Step { .. } | Work::Cmd { .. }) => {
                panic!("nobody has asked for {other:?}")
            }
        }
    }

    fn note(&mut self, event: &Event) {
        let (Event::RcBegun {
            service,
            transition,
        }
        | Event::RcDone {
            service,
            transition,
        }
        | Event::RcFailed {
            service,
            transition,
            ..
        }) = event
        else {
            return;
        };
        let place = self.places[service];
        let is_begun = matches!(event, Event::RcBegun { .. });
        let is_failed = matches!(event, Event::RcFailed { .. });
        let standing = self.standing[place];
        let (before, after) = match (transition, is_begun) {
            // What is down, or has failed, may be asked for again.
            (Transition::Start, true) if standing == Standing::Up => {
                panic!("{event:?} while it is up")
            }
            (Transition::Start, true) => (standing, Standing::Starting),
            (Transition::Start, false) if is_failed => (Standing::Starting, Standing::Failed),
            (Transition::Start, false) => (Standing::Starting, Standing::Up),
            (Transition::Stop, true) => (Standing::Up, Standing::Stopping),
            (Transition::Stop, false) if is_failed && !self.stops => {
                (Standing::Stopping, Standing::Up)
            }
            (Transition::Stop, false) => (Standing::Stopping, Standing::Down),
        };
        // The stop may come while it is on its way up.
        let is_cut_short = after == Standing::Stopping && standing == Standing::Starting;
        assert!(
            is_cut_short || standing == before,
            "{event:?} while {standing:?}"
        );
        if after == Standing::Starting {
            for need in &self.plans[place].needs {
                assert_eq!(self.standing[*need], Standing::Up, "{event:?} needs {need}");
            }
        }
        if after == Standing::Stopping {
            for (user, plan) in self.plans.iter().enumerate() {
                let is_there = matches!(
                    self.standing[user],
                    Standing::Starting | Standing::Up | Standing::Stopping
                );
                assert!(
                    !(plan.needs.contains(&place) && is_there),
                    "{event:?} before {user}"
                );
            }
        }
        self.standing[place] = after;
    }
}

fn name(place: usize) -> String {
    format!("s{place}")
}

/// A change of s6-rc: what is asked to go down, and to come up.
#[derive(Debug, Clone)]
struct Change {
    stop: Vec<prop::sample::Index>,
    start: Vec<prop::sample::Index>,
    redefines: bool,
    /// When it is taken back, if it is.
    abort: Option<u64>,
}

fn changes(may_abort: bool) -> impl Strategy<Value = Vec<Change>> {
    let chosen = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let abort = (any::<bool>(), 0..300_u64);
    let abort = abort.prop_map(move |(does, after)| (does && may_abort).then_some(after));
    let one = (chosen(), chosen(), prop::bool::weighted(0.2), abort);
    let change = one.prop_map(|(stop, start, redefines, abort)| Change {
        stop,
        start,
        redefines,
        abort,
    });
    prop::collection::vec(change, 1..8)
}

proptest! {
    #[test]
    fn services_go_up_and_down_in_order(plans in plans()) {
        let mut world = World::new(plans);
        world.tell(Input::Boot);
        world.settle();
        // What is to be, by the simplest rule there is: they are in an order already.
        let mut wanted: Vec<Standing> = Vec::new();
        for plan in &world.plans {
            let has_all = plan.needs.iter().all(|need| wanted[*need] == Standing::Up);
            wanted.push(match (has_all, plan.fails) {
                (false, _) => Standing::Before,
                (true, true) => Standing::Failed,
                (true, false) => Standing::Up,
            });
        }
        prop_assert_eq!(&world.standing, &wanted);
        world.tell(Input::StopSignal { signal: Signal::TERM, origin: Origin::Outside });
        world.settle();
        prop_assert!(world.is_over);
        for (standing, wanted) in world.standing.iter().zip(wanted) {
            let wanted = if wanted == Standing::Up { Standing::Down } else { wanted };
            prop_assert_eq!(*standing, wanted);
        }
    }

    #[test]
    fn changes_lead_where_a_naive_solver_says(plans in plans(), changes in changes(false)) {
        let mut world = World::new(plans);
        world.tell(Input::Boot);
        world.settle();
        for change in changes {
            let before = world.up();
            let (stop, start) = world.change(&change);
            let (mut up, is_done) = world.after_from(&before, &stop, &start);
            world.settle();
            let outcome = if is_done { ChangeOutcome::Done } else { ChangeOutcome::Failed };
            prop_assert_eq!(world.ended, Some(outcome));
            if change.redefines && !is_done && stop.iter().any(|place| world.up().contains(place)) {
                // What went down for nothing comes back, unless it fails now.
                up = world.up();
            }
            prop_assert_eq!(world.up(), up);
            prop_assert!(world.engine.may_change());
        }
    }

    #[test]
    fn a_change_that_is_taken_back_ends_and_breaks_no_order(plans in plans(), changes in changes(true)) {
        let mut world = World::new(plans);
        world.tell(Input::Boot);
        world.settle();
        for change in changes {
            world.change(&change);
            if let Some(after) = change.abort {
                world.later(after, Input::AbortChange);
            }
            world.settle();
            prop_assert!(world.ended.is_some() && world.engine.may_change());
        }
        world.tell(Input::StopSignal { signal: Signal::TERM, origin: Origin::Outside });
        world.settle();
        prop_assert!(world.is_over);
    }

    #[test]
    fn a_stop_at_any_moment_takes_down_what_is_up(plans in plans(), after in 0..400_u64) {
        let mut world = World::new(plans);
        world.tell(Input::Boot);
        let stop = Input::StopSignal { signal: Signal::TERM, origin: Origin::Outside };
        world.later(after, stop);
        world.settle();
        prop_assert!(world.is_over);
        let is_left = |standing: &&Standing| {
            matches!(standing, Standing::Up | Standing::Stopping)
        };
        prop_assert_eq!(world.standing.iter().find(is_left), None);
    }
}

#[test]
fn a_thousand_services_in_a_row_and_at_once() {
    let plan = |needs: Vec<usize>| Plan {
        is_longrun: true,
        announces: false,
        fails: false,
        stays: false,
        needs,
        takes: 0,
    };
    for is_chain in [true, false] {
        let needs = |place: usize| {
            if is_chain && place > 0 {
                vec![place - 1]
            } else {
                Vec::new()
            }
        };
        let mut world = World::new((0..1000).map(|place| plan(needs(place))).collect());
        world.tell(Input::Boot);
        world.settle();
        assert!(world.standing.iter().all(|it| *it == Standing::Up));
        world.tell(Input::StopSignal {
            signal: Signal::TERM,
            origin: Origin::Outside,
        });
        world.settle();
        assert!(world.is_over);
    }
}
