//! A scenario played on an engine: inputs as text, the effects that they have under each of them.
//! The words are explained in `scenarios.rs`.

#[path = "render.rs"]
mod render;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use sixfold_engine::definitions::{Definition, Definitions, Nature, Need};
use sixfold_engine::{
    Cause, Command, Effect, Engine, Event, Exit, Input, Moment, NodeId, Origin, Policy, Pulse,
    Role, RunId, SpawnFailure, Standing, Step, Target, Transition, Work,
};
use sixfold_model::rc::definition::Timeouts;
use sixfold_model::settings::Behaviour;
use sixfold_model::{ServiceSpec, Settings, Signal};

/// More firings than this at one moment mean that the engine does not get on.
const FIRINGS: u32 = 1000;

/// Plays the inputs of a scenario and returns its text with the effects that they have.
pub(crate) fn play(text: &str, file: &str) -> String {
    let mut stage = None;
    let mut out = String::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        if let Some(rules) = line.strip_prefix("policy") {
            let gives = !rules.contains("claims=asked");
            stage = Some(Stage::new(policy(rules, &place), gives));
            writeln!(out, "{line}").unwrap();
        } else if let Some(input) = line.strip_prefix("> ") {
            writeln!(out, "{line}").unwrap();
            stage
                .as_mut()
                .unwrap_or_else(|| panic!("{place}: no policy line yet"))
                .play(input, &place, &mut out);
        } else if line.is_empty() || line.starts_with('#') {
            writeln!(out, "{line}").unwrap();
        }
    }
    out
}

/// An engine, and what is known of it from its effects.
struct Stage {
    engine: Engine,
    names: render::Names,
    runs: HashMap<NodeId, RunId>,
    specs: HashMap<NodeId, ServiceSpec>,
    /// Directories are given in charge as soon as that is asked for.
    gives: bool,
    now: Moment,
}

impl Stage {
    fn new(policy: Policy, gives: bool) -> Self {
        Self {
            gives,
            specs: HashMap::new(),
            engine: Engine::new(policy),
            names: render::Names::default(),
            runs: HashMap::new(),
            now: Moment::START,
        }
    }

    fn play(&mut self, input: &str, place: &str, out: &mut String) {
        let words: Vec<&str> = input.split_whitespace().collect();
        let input = match words.as_slice() {
            ["boot"] => Input::Boot,
            ["stop"] => Input::Stop { loggers: false },
            ["stop-loggers"] => Input::Stop { loggers: true },
            ["abort"] => Input::Abort,
            ["rescan"] => Input::Rescan,
            ["prune"] => Input::Prune { loggers: false },
            ["prune-loggers"] => Input::Prune { loggers: true },
            ["control", name, order] => Input::Control {
                node: self.node(name, place),
                command: command(order, place),
            },
            ["control-all", order] => Input::ControlAll {
                command: command(order, place),
            },
            ["supervised", name] => {
                let node = self.node(name, place);
                let spec = Box::new(self.specs[&node].clone());
                Input::Supervised { node, spec }
            }
            ["refused", name] => Input::Refused {
                node: self.node(name, place),
            },
            ["reread", words] => {
                let fresh = spec(words, place);
                Input::Reread {
                    node: self.node(&fresh.name, place),
                    spec: Box::new(fresh),
                }
            }
            ["after", wait] => return self.wait(millis(wait.trim_end_matches("ms"), place), out),
            ["deadline"] => {
                match self.engine.next_timeout() {
                    Some(at) => writeln!(out, "at {}ms", at.elapsed().as_millis()).unwrap(),
                    None => writeln!(out, "none").unwrap(),
                }
                return;
            }
            ["listed", node, names @ ..] => Input::Listed {
                node: self.node(node, place),
                steps: names.iter().map(|name| step(name)).collect(),
            },
            ["definitions", words @ ..] => Input::Definitions(definitions(words, place)),
            ["change", words @ ..] => change(words, place),
            ["abort-change"] => Input::AbortChange,
            ["services", specs @ ..] => Input::Services {
                specs: specs.iter().map(|words| spec(words, place)).collect(),
            },
            ["spawned", name] => {
                let (node, run) = self.run(name, place);
                let pid = 100 + i32::try_from(run.number()).unwrap();
                Input::Spawned { node, run, pid }
            }
            ["unspawned", name, why] => {
                let (node, run) = self.run(name, place);
                let failure = match *why {
                    "not-found" => SpawnFailure::NotFound,
                    "not-runnable" => SpawnFailure::NotRunnable,
                    other => panic!("{place}: unknown failure {other}"),
                };
                Input::SpawnFailed { node, run, failure }
            }
            ["ready", name] => {
                let (node, run) = self.run(name, place);
                Input::Ready { node, run }
            }
            ["alive", name] => {
                let (node, run) = self.run(name, place);
                let pulse = Pulse::Alive;
                Input::Pulse { node, run, pulse }
            }
            ["extend", name, wait] => {
                let (node, run) = self.run(name, place);
                let pulse = Pulse::Extend(millis(wait.trim_end_matches("ms"), place));
                Input::Pulse { node, run, pulse }
            }
            ["exited", name, "code", code] => {
                let (node, run) = self.run(name, place);
                let exit = Exit::Code(code.parse().unwrap());
                Input::Exited { node, run, exit }
            }
            ["exited", name, "signal", name_of_signal] => {
                let (node, run) = self.run(name, place);
                let exit = Exit::Signal(signal(name_of_signal, place).number());
                Input::Exited { node, run, exit }
            }
            ["signal", name, origin] => Input::StopSignal {
                signal: signal(name, place),
                origin: match *origin {
                    "outside" => Origin::Outside,
                    "inside" => Origin::Inside,
                    other => panic!("{place}: unknown origin {other}"),
                },
            },
            ["census", left] => Input::Census {
                left: match *left {
                    "left" => true,
                    "none" => false,
                    other => panic!("{place}: unknown census {other}"),
                },
            },
            other => panic!("{place}: unknown input {other:?}"),
        };
        for effect in self.feed(input) {
            writeln!(out, "{}", render::effect(&effect, &self.names)).unwrap();
        }
    }

    /// Lets time pass; what falls due on the way happens at its moment.
    fn wait(&mut self, wait: Duration, out: &mut String) {
        let end = self.now.after(wait);
        let mut firings = 0;
        while let Some(at) = self.engine.next_timeout().filter(|at| *at <= end) {
            firings += if at > self.now { 0 } else { 1 };
            assert!(firings < FIRINGS, "the engine fires without end at {at:?}");
            self.now = self.now.max(at);
            let effects = self.feed(Input::Timer);
            if effects == [Effect::Census] {
                let found = self.feed(Input::Census { left: true });
                assert_eq!(found, [], "a census that finds processes changes nothing");
                continue;
            }
            if !effects.is_empty() {
                writeln!(out, "@ {}ms", self.now.elapsed().as_millis()).unwrap();
            }
            for effect in effects {
                writeln!(out, "{}", render::effect(&effect, &self.names)).unwrap();
            }
        }
        self.now = end;
    }

    fn feed(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.engine.handle(self.now, input, &mut effects);
        let mut answers = Vec::new();
        for effect in &effects {
            learn(&mut self.names, effect);
            if let Effect::Spawn { node, run, .. } = effect {
                self.runs.insert(*node, *run);
            }
            if let Effect::Adopt { node, spec, .. } = effect {
                self.specs.insert(*node, (**spec).clone());
            }
            if let Effect::Adopt { node, .. } | Effect::Claim { node } = effect
                && self.gives
            {
                let spec = Box::new(self.specs[node].clone());
                answers.push(Input::Supervised { node: *node, spec });
            }
        }
        for answer in answers {
            effects.extend(self.feed(answer));
        }
        // What is written down again and again is no news.
        effects.retain(|effect| !matches!(effect, Effect::Tell { letters: "", .. }));
        effects
    }

    fn node(&self, name: &str, place: &str) -> NodeId {
        let name = if name == "cont-finish.d" {
            "cont-init.d"
        } else {
            name
        };
        let known = self.names.0.iter().find(|(_, known)| *known == name);
        known
            .map(|(node, _)| *node)
            .unwrap_or_else(|| panic!("{place}: no node {name} yet"))
    }

    fn run(&self, name: &str, place: &str) -> (NodeId, RunId) {
        let node = self.node(name, place);
        let run = self.runs.get(&node);
        (
            node,
            *run.unwrap_or_else(|| panic!("{place}: {name} was not spawned yet")),
        )
    }
}

/// Remembers the name that an effect gives to its node.
fn learn(names: &mut render::Names, effect: &Effect) {
    match effect {
        Effect::Adopt { node, spec, .. } => {
            names.0.insert(*node, spec.name.clone());
        }
        // cont-finish.d is the way down of the stage that is known as cont-init.d.
        Effect::List { node, listing } => {
            let name = names.0.entry(*node);
            name.or_insert_with(|| listing.label().to_owned());
        }
        Effect::Spawn { node, work, .. } => {
            if let Work::Cmd { .. } = work {
                names.0.insert(*node, "cmd".to_owned());
            }
            if let Work::Oneshot { service, .. } = work {
                names.0.insert(*node, service.clone());
            }
        }
        Effect::Claim { .. }
        | Effect::Tell { .. }
        | Effect::RecordDeath { .. }
        | Effect::MarkDown { .. }
        | Effect::Leave { .. }
        | Effect::Forget { .. }
        | Effect::Signal { .. }
        | Effect::CloseInput { .. }
        | Effect::ListDefinitions
        | Effect::Redefine
        | Effect::ChangeEnded(_)
        | Effect::ListServices
        | Effect::UnlistServices
        | Effect::Rescan
        | Effect::SignalAll(_)
        | Effect::Census
        | Effect::RecordExitCode(_)
        | Effect::Sync
        | Effect::Log(_)
        | Effect::Exit => {}
    }
}

fn step(name: &str) -> Step {
    Step {
        name: name.to_owned(),
        path: Path::new("/etc/stage").join(name),
    }
}

/// The rules on a `policy` line; what is not named has its default.
fn policy(text: &str, place: &str) -> Policy {
    let mut policy = Policy::new(&Settings::default(), Vec::new(), false);
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "claims" => {}
            "role" => {
                policy.role = match value {
                    "scan" => Role::ScanDirectory {
                        most: 4,
                        rescan: None,
                    },
                    "service" => Role::Service,
                    other => panic!("{place}: unknown role {other}"),
                };
                policy.services_gracetime = None;
            }
            "cmd" => policy.cmd = value.split('_').map(Into::into).collect(),
            "behaviour" => {
                policy.behaviour = match value {
                    "0" => Behaviour::Continue,
                    "1" => Behaviour::Warn,
                    "2" => Behaviour::Stop,
                    other => panic!("{place}: unknown behaviour {other}"),
                }
            }
            "boot-maxtime" => policy.boot_maxtime = Some(millis(value, place)),
            "services-gracetime" => policy.services_gracetime = limit(value, place),
            "kill-gracetime" => policy.kill_gracetime = millis(value, place),
            "finish-maxtime" => policy.finish_maxtime = limit(value, place),
            "wait-for-services" => policy.wait_for_services = true,
            "receive-signals" => policy.cmd_receives_signals = true,
            "terminal" => policy.cmd_has_terminal = true,
            "hook" => policy.has_hook = true,
            "rc" => policy.has_definitions = true,
            "sync" => policy.sync_disks = true,
            other => panic!("{place}: unknown rule {other}"),
        }
    }
    policy
}

/// Services of s6-rc, each as `NAME=NATURE:WORD,WORD`: `oneshot` with `up` and `down` for command
/// lines, `longrun` with the words of a service, `broken`; `needs=NAME`, `timeout-up`,
/// `timeout-down`, `into=NAME` for its reader, `unwanted` if boot does not start it. Names in `needs` are services or the stages `fix-attrs`,
/// `cont-init` and `services`. A last word `services=NAME+NAME` tells what services.d needs.
fn definitions(words: &[&str], place: &str) -> Definitions {
    let mut definitions = Definitions::default();
    let is_service = |word: &&&str| !word.starts_with("services=");
    let names: Vec<&str> = words
        .iter()
        .filter(is_service)
        .map(|word| word.split('=').next().unwrap())
        .collect();
    let place_of = |name: &str| {
        let at = names.iter().position(|known| *known == name);
        at.unwrap_or_else(|| panic!("{place}: no service {name}"))
    };
    let need = |name: &str| match name {
        "fix-attrs" => Need::FixAttrs,
        "cont-init" => Need::ContInit,
        "services" => Need::Services,
        name => Need::Service(place_of(name)),
    };
    for word in words {
        let (name, rest) = word.split_once('=').unwrap();
        if name == "services" {
            definitions.services_need = rest.split('+').map(need).collect();
            continue;
        }
        let (nature, about) = rest.split_once(':').unwrap_or((rest, ""));
        let mut timeouts = Timeouts::default();
        let mut needs = Vec::new();
        let (mut up, mut down, mut reader) = (Vec::new(), Vec::new(), None);
        let mut spec = ServiceSpec::new(name, Path::new("/run/s6-rc").join(name));
        let mut is_wanted = true;
        for word in about.split(',').filter(|word| !word.is_empty()) {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match key {
                "up" => up = vec![b"up".to_vec()],
                "down" => down = vec![b"down".to_vec()],
                "needs" => needs.extend(value.split('+').map(need)),
                "timeout-up" => timeouts.up = limit(value, place),
                "timeout-down" => timeouts.down = limit(value, place),
                "into" => reader = Some(place_of(value)),
                "unwanted" => is_wanted = false,
                _ => describe(&mut spec, word, place),
            }
        }
        spec.down |= !is_wanted;
        let nature = match nature {
            "oneshot" => Nature::Oneshot { up, down },
            "longrun" => Nature::Longrun {
                spec: Box::new(spec),
                reader,
            },
            "broken" => Nature::Broken,
            other => panic!("{place}: unknown nature {other}"),
        };
        definitions.all.push(Definition {
            name: name.to_owned(),
            nature,
            needs,
            timeouts,
            is_wanted,
        });
    }
    definitions
}

/// A change of s6-rc: `stop=NAME+NAME`, `start=NAME+NAME`, `redefine`, `timeout=MS`.
fn change(words: &[&str], place: &str) -> Input {
    let (mut stop, mut start) = (Vec::new(), Vec::new());
    let (mut redefine, mut timeout) = (false, None);
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let names = || value.split('+').map(str::to_owned).collect();
        match key {
            "stop" => stop = names(),
            "start" => start = names(),
            "redefine" => redefine = true,
            "timeout" => timeout = limit(value, place),
            other => panic!("{place}: unknown word {other} about a change"),
        }
    }
    Input::Change {
        stop,
        start,
        redefine,
        timeout,
    }
}

/// A service as `NAME:WORD,WORD`; a word that begins with `log-` is about its logger.
fn spec(text: &str, place: &str) -> ServiceSpec {
    let (name, words) = text.split_once(':').unwrap_or((text, ""));
    let mut spec = ServiceSpec::new(name, Path::new("/etc/services.d").join(name));
    for word in words.split(',').filter(|word| !word.is_empty()) {
        let logger_name = format!("{name}/log");
        let source = spec.source.join("log");
        if word == "log" || word.starts_with("log-") {
            let logger = spec
                .log
                .get_or_insert_with(|| Box::new(ServiceSpec::new(logger_name, source)));
            if let Some(word) = word.strip_prefix("log-") {
                describe(logger, word, place);
            }
        } else {
            describe(&mut spec, word, place);
        }
    }
    spec
}

fn describe(spec: &mut ServiceSpec, word: &str, place: &str) {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    match key {
        "finish" => spec.has_finish = true,
        "no-run" => spec.has_run = false,
        "down" => spec.down = true,
        "notify" => spec.notification_fd = Some(3),
        "socket" => spec.notify = true,
        "timeout-watchdog" => spec.watchdog = limit(value, place),
        "timeout-finish" => spec.timeout_finish = limit(value, place),
        "timeout-kill" => spec.timeout_kill = limit(value, place),
        "killpg" => spec.kills_group = true,
        "down-signal" => spec.down_signal = signal(value, place),
        other => panic!("{place}: unknown word {other} about {}", spec.name),
    }
}

/// An order by the letter of s6-svc, or by the signal that s6-supervise gets.
fn command(order: &str, place: &str) -> Command {
    match order {
        "u" => Command::Up,
        "d" => Command::Down,
        "o" => Command::Once,
        "O" => Command::NotAgain,
        "U" => Command::UpForGood,
        "D" => Command::DownForGood,
        "Q" => Command::NotAgainForGood,
        "r" => Command::Restart,
        "l" => Command::Reload,
        "p" => Command::Pause(Target::Process),
        "C" => Command::Continue(Target::Group),
        "k" => Command::Signal(Signal::KILL, Target::Process),
        "x" | "HUP" => Command::Leave,
        "TERM" => Command::Terminate,
        "QUIT" => Command::Abandon,
        "INT" => Command::Interrupt,
        other => panic!("{place}: unknown order {other}"),
    }
}

fn signal(name: &str, place: &str) -> Signal {
    Signal::parse(name).unwrap_or_else(|| panic!("{place}: unknown signal {name}"))
}

fn limit(value: &str, place: &str) -> Option<Duration> {
    (value != "none").then(|| millis(value, place))
}

fn millis(value: &str, place: &str) -> Duration {
    Duration::from_millis(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{place}: {value} is no number of milliseconds")),
    )
}
