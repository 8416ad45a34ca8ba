//! Properties: random containers in virtual time. What must hold at every single effect is watched
//! by the world itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a world that breaks its own rules is a failed test"
)]

#[path = "support/world.rs"]
mod world;

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use sixfold_engine::{
    Command, Effect, Engine, Exit, Input, Listing, Moment, NodeId, Origin, Policy, Pulse, Role,
    RunId, SpawnFailure, Step, Target, Work,
};
use sixfold_model::settings::Behaviour;
use sixfold_model::{ServiceSpec, Settings, Signal};
use world::{LATENCY, Plan, World};

/// A scan directory that is read again every five seconds.
const SCAN: Role = Role::ScanDirectory {
    most: 6,
    rescan: Some(Duration::from_secs(5)),
};

/// Every order to a supervisor.
const COMMANDS: [Command; 18] = [
    Command::Signal(Signal::TERM, Target::Process),
    Command::Signal(Signal::KILL, Target::Group),
    Command::Pause(Target::Process),
    Command::Continue(Target::Process),
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
    Command::Up,
];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Limits from none at all over tight to generous.
fn limit() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 1..200_u64, 200..5000_u64]
}

prop_compose! {
    fn policy()(
        behaviour in prop_oneof![
            Just(Behaviour::Continue),
            Just(Behaviour::Warn),
            Just(Behaviour::Stop),
        ],
        boot in proptest::option::of(limit()),
        services in limit(),
        kill in limit(),
        finish in limit(),
        flags in any::<[bool; 6]>(),
    ) -> Policy {
        let words = if flags[0] { vec!["sh".into()] } else { Vec::new() };
        let mut policy = Policy::new(&Settings::default(), words, flags[1]);
        policy.behaviour = behaviour;
        policy.boot_maxtime = boot.map(ms);
        policy.services_gracetime = Some(ms(services));
        policy.kill_gracetime = ms(kill);
        policy.finish_maxtime = Some(ms(finish));
        policy.wait_for_services = flags[2];
        policy.cmd_receives_signals = flags[3];
        policy.has_hook = flags[4];
        policy.sync_disks = flags[5];
        policy
    }
}

prop_compose! {
    fn spec(name: String)(
        rarely in prop::array::uniform2(0..10_u8),
        finish: bool,
        announces: bool,
        timeout_finish in proptest::option::of(limit()),
        timeout_kill in proptest::option::of(limit()),
        name in Just(name),
    ) -> ServiceSpec {
        let mut spec = ServiceSpec::new(name.clone(), format!("/etc/services.d/{name}"));
        spec.has_run = rarely[0] > 0;
        spec.down = rarely[1] == 0;
        spec.has_finish = finish;
        spec.notification_fd = announces.then_some(3);
        spec.timeout_finish = timeout_finish.map(ms);
        spec.timeout_kill = timeout_kill.map(ms);
        spec
    }
}

/// A service of one of a few names, so that some are found twice.
fn service() -> impl Strategy<Value = ServiceSpec> {
    (0..5_u8).prop_flat_map(|number| {
        let name = format!("s{number}");
        let logger = proptest::option::of(spec(format!("{name}/log")));
        (spec(name), logger).prop_map(|(mut spec, logger)| {
            spec.log = logger.map(Box::new);
            spec
        })
    })
}

fn from_outside() -> impl Strategy<Value = Input> {
    let signal = prop_oneof![Just(Signal::TERM), Just(Signal::INT), Just(Signal::QUIT)];
    let origin = prop_oneof![Just(Origin::Outside), Just(Origin::Inside)];
    prop_oneof![
        2 => (signal, origin).prop_map(|(signal, origin)| Input::StopSignal { signal, origin }),
        1 => Just(Input::Stop { loggers: false }),
        2 => Just(Input::Rescan),
        1 => Just(Input::Timer),
    ]
}

prop_compose! {
    fn plan()(
        policy in policy(),
        services in proptest::collection::vec(proptest::collection::vec(service(), 0..4), 1..3),
        scripts in prop::array::uniform4(0..3_usize),
        mut outside in proptest::collection::vec((1..20_000_u64, from_outside()), 0..5),
        stop in prop_oneof![1..50_u64, 1..30_000_u64],
        failing in prop_oneof![Just(0_u64), 0..60_u64],
        deaf in prop_oneof![Just(0_u64), 0..100_u64],
        unready in 0..50_u64,
        strangers: bool,
        seed: u64,
    ) -> Plan {
        outside.push((stop, Input::Stop { loggers: false }));
        let services = each_as_first_seen(services);
        Plan {
            policy, services, scripts, outside, failing, deaf, unready, strangers, seed,
        }
    }
}

/// A directory does not change in these worlds: a name that is found again is the same service.
fn each_as_first_seen(listings: Vec<Vec<ServiceSpec>>) -> Vec<Vec<ServiceSpec>> {
    let mut first: HashMap<String, ServiceSpec> = HashMap::new();
    let mut as_first_seen = |spec: ServiceSpec| {
        let known = first.entry(spec.name.clone());
        known.or_insert(spec).clone()
    };
    listings
        .into_iter()
        .map(|listing| listing.into_iter().map(&mut as_first_seen).collect())
        .collect()
}

/// The longest that a stop may take by the rules: the services, a boot script or the CMD, the
/// final TERM, each script of cont-finish.d; and two seconds for all that takes no time by itself.
fn longest_stop(plan: &Plan) -> Duration {
    let policy = &plan.policy;
    let scripts = u32::try_from(plan.scripts[3]).unwrap();
    policy.services_gracetime.unwrap()
        + policy.kill_gracetime * 2
        + (policy.finish_maxtime.unwrap() + ms(4 * LATENCY)) * scripts
        + ms(2000)
}

/// Plays a plan to its end.
fn play(plan: &Plan) -> World {
    let mut world = World::new(plan.clone());
    let limit = Moment::at(ms(40_000)).after(longest_stop(plan));
    world.run(limit, |_, _| None);
    world
}

/// Ids that only [`make_foreign_ids`]'s engine knows.
static FOREIGN: LazyLock<(Vec<NodeId>, Vec<RunId>)> = LazyLock::new(make_foreign_ids);

/// An engine with plenty of nodes and runs: what ids it gives, others do not know.
fn make_foreign_ids() -> (Vec<NodeId>, Vec<RunId>) {
    let mut engine = Engine::new(Policy::new(&Settings::default(), Vec::new(), false));
    let mut effects = Vec::new();
    engine.handle(Moment::START, Input::Boot, &mut effects);
    for _ in 0..2 {
        for effect in std::mem::take(&mut effects) {
            if let Effect::List { node, .. } = effect {
                let steps = Vec::new();
                engine.handle(Moment::START, Input::Listed { node, steps }, &mut effects);
            }
        }
    }
    let specs = (0..2000).map(|number| ServiceSpec::new(format!("x{number}"), "/x"));
    let specs = specs.collect();
    engine.handle(Moment::START, Input::Services { specs }, &mut effects);
    for effect in std::mem::take(&mut effects) {
        if let Effect::Adopt { node, spec, .. } = effect {
            let input = Input::Supervised { node, spec };
            engine.handle(Moment::START, input, &mut effects);
        }
    }
    let spawned = effects.iter().filter_map(|effect| {
        if let Effect::Spawn { node, run, .. } = effect {
            Some((*node, *run))
        } else {
            None
        }
    });
    let (nodes, runs): (Vec<_>, Vec<_>) = spawned.unzip();
    assert_eq!(runs.len(), 2000, "{effects:?}");
    (nodes[1000..].to_vec(), runs[1500..].to_vec())
}

/// The kind of [`about`] that names no run.
const LISTED: u64 = 8;

/// An input about `node` and `run`.
fn about(kind: u64, node: NodeId, run: RunId) -> Input {
    let step = Step {
        name: "garbage".to_owned(),
        path: "/garbage".into(),
    };
    match kind {
        0 => Input::Spawned { node, run, pid: 66 },
        1 => Input::Ready { node, run },
        2 => Input::Exited {
            node,
            run,
            exit: Exit::Code(125),
        },
        3 => Input::Exited {
            node,
            run,
            exit: Exit::Signal(9),
        },
        4 => Input::SpawnFailed {
            node,
            run,
            failure: SpawnFailure::NotFound,
        },
        5 => Input::Pulse {
            node,
            run,
            pulse: Pulse::Trigger,
        },
        6 => Input::Pulse {
            node,
            run,
            pulse: Pulse::Every(Some(ms(1))),
        },
        7 => Input::Pulse {
            node,
            run,
            pulse: Pulse::Extend(ms(5000)),
        },
        _ => Input::Listed {
            node,
            steps: vec![step],
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// One live run per service, no start before what it needs, starts a second apart, no start
    /// after the stop, signals to known runs only, one `Exit` and nothing after it (the world's own
    /// rules); and the end within the sum of the graces.
    #[test]
    fn a_stop_comes_to_its_end_within_the_graces(plan in plan()) {
        let world = play(&plan);
        let took = world.ended.unwrap().since(world.stopped.unwrap());
        prop_assert!(took <= longest_stop(&plan), "{took:?} of {:?}", longest_stop(&plan));
        let exits = world.trace.iter().filter(|(_, effect)| *effect == Effect::Exit);
        prop_assert_eq!(exits.count(), 1);
        prop_assert_eq!(&world.trace.last().unwrap().1, &Effect::Exit);
    }

    /// Where everything obeys at once, no grace is ever waited for.
    #[test]
    fn obedient_processes_are_not_waited_for(mut plan in plan()) {
        plan.deaf = 0;
        plan.strangers = false;
        plan.policy.kill_gracetime = ms(100_000);
        plan.policy.services_gracetime = Some(ms(100_000));
        plan.policy.finish_maxtime = Some(ms(100));
        plan.services.iter_mut().flatten().for_each(|spec| {
            // These have lives of their own of up to 20 s, which only a limit ends.
            spec.timeout_finish = Some(ms(100));
            if let Some(logger) = &mut spec.log {
                logger.timeout_finish = Some(ms(100));
            }
        });
        let world = play(&plan);
        let took = world.ended.unwrap().since(world.stopped.unwrap());
        prop_assert!(took <= ms(1500), "{took:?}");
    }

    /// A stop during boot stops the boot: no script of its stages is started after it.
    #[test]
    fn no_stage_of_boot_goes_on_after_the_stop(plan in plan()) {
        let world = play(&plan);
        for (at, effect) in &world.trace {
            if let Effect::Spawn { work: Work::Step { listing, .. }, .. } = effect {
                let is_way_down = *listing == Listing::ContFinish;
                prop_assert!(is_way_down || *at <= world.stopped.unwrap(), "{at:?} {effect:?}");
            }
        }
    }

    /// The same inputs have the same effects.
    #[test]
    fn the_same_world_again_is_the_same(plan in plan()) {
        prop_assert_eq!(play(&plan).trace, play(&plan).trace);
    }

    /// What names a run or a node that is not, or is no longer, does nothing: not at once, and not
    /// later.
    #[test]
    fn garbage_changes_nothing(plan in plan(), salt: u64) {
        let (nodes, runs) = &*FOREIGN;
        let mut world = World::new(plan.clone());
        let limit = Moment::at(ms(40_000)).after(longest_stop(&plan));
        world.run(limit, |world, turn| {
            let dice = turn.wrapping_add(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
            let index = usize::try_from(dice >> 8).unwrap();
            let node = nodes[index % nodes.len()];
            let run = runs[index % runs.len()];
            let kind = dice % LISTED; // not that, where the node is known
            match (dice / LISTED % 4, world.any_run(index)) {
                (0, Some((known, _, _))) => Some(about(kind, known, run)),
                (1, Some((_, known, _))) => Some(about(dice % (LISTED + 1), node, known)),
                (2, Some((node, run, true))) => Some(about(kind, node, run)),
                (3, _) => Some(about(dice % (LISTED + 1), node, run)),
                _ => None,
            }
        });
        prop_assert_eq!(world.trace, play(&plan).trace);
    }

    /// Any inputs at all, in any order: no panic, and the firing of timers comes to an end.
    #[test]
    fn any_inputs_are_survived(
        policy in policy(),
        inputs in proptest::collection::vec((0..3000_u64, 0..24_u64, 0..40_usize, service()), 0..60),
        role in prop_oneof![Just(Role::Container), Just(Role::Service), Just(SCAN)],
    ) {
        let (nodes, runs) = &*FOREIGN;
        let mut engine = Engine::new(Policy { role, ..policy });
        let mut now = Moment::START;
        let mut known: Vec<(NodeId, RunId)> = vec![(nodes[0], runs[0])];
        let mut lists = vec![nodes[0]];
        let mut effects = Vec::new();
        engine.handle(now, Input::Boot, &mut effects);
        for (wait, kind, index, spec) in inputs {
            now = now.after(ms(wait));
            let (node, run) = known[index % known.len()];
            let input = match kind {
                0..LISTED => about(kind, node, run),
                LISTED | 9 => about(LISTED, lists[lists.len() - 1 - index % lists.len()], run),
                10 => Input::Timer,
                11 => Input::Census { left: index % 2 == 0 },
                12 | 13 => Input::Services { specs: vec![spec] },
                14 => Input::Rescan,
                15 => Input::Prune { loggers: index % 2 == 0 },
                16 | 17 => Input::Supervised { node, spec: Box::new(spec) },
                18 => Input::Refused { node },
                19 => Input::Reread { node, spec: Box::new(spec) },
                20 | 21 => Input::Control { node, command: COMMANDS[index % COMMANDS.len()] },
                22 => Input::ControlAll { command: COMMANDS[index % COMMANDS.len()] },
                _ => Input::StopSignal {
                    signal: Signal::TERM,
                    origin: if index % 2 == 0 { Origin::Outside } else { Origin::Inside },
                },
            };
            engine.handle(now, input, &mut effects);
            for effect in effects.drain(..) {
                if let Effect::Spawn { node, run, .. } = effect {
                    known.push((node, run));
                } else if let Effect::Adopt { node, .. } = effect {
                    known.push((node, runs[index % runs.len()]));
                } else if let Effect::List { node, .. } = effect {
                    lists.push(node);
                }
            }
            // What is due now is done after a few firings; a census is answered.
            let mut firings = 0;
            while engine.next_timeout().is_some_and(|at| at <= now) {
                engine.handle(now, Input::Timer, &mut effects);
                if effects.contains(&Effect::Census) {
                    engine.handle(now, Input::Census { left: true }, &mut effects);
                }
                for effect in effects.drain(..) {
                    if let Effect::Spawn { node, run, .. } = effect {
                        known.push((node, run));
                    }
                }
                firings += 1;
                prop_assert!(firings < 100, "{engine:?}");
            }
        }
    }
}
