//! What Sixfold costs, and what its peers cost, side by side in one run.
//!
//! `cargo bench --package sixfold-integration-tests --bench peers -- --help` says how it is called. Each
//! peer is PID 1 of namespaces of its own, with the same work; peers take turns in rounds. The numbers,
//! the goals and the reports are made in `sixfold_integration_tests::bench`, which touches nothing.

mod graph;
mod idle;
mod image;
mod life;
mod logs;
mod machine;
mod orphans;
mod packages;
mod processes;
mod requirements;
mod size;
mod trees;
mod upkeep;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::{env, fs};

use sixfold_integration_tests::bench::dpkg::Packages;
use sixfold_integration_tests::bench::goals::{self, Goal, Verdict};
use sixfold_integration_tests::bench::options::{Asked, HELP, Options, Part, parse};
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::{Metric, Results};
use sixfold_integration_tests::bench::{html, json, markdown};
use sixfold_integration_tests::repository;
use tempfile::TempDir;

use crate::image::{Layers, made, said};
use crate::machine::Machine;
use crate::trees::Tree;

/// What the directories of machines are called, before the process id of who made them.
const WORK: &str = "work-";

/// One run of the benchmark.
pub(crate) struct Bench {
    /// What is asked for.
    pub(crate) options: Options,
    /// All that was measured so far.
    pub(crate) results: Results,
    /// Who takes part.
    pub(crate) peers: Vec<Peer>,
    /// The executable that is measured.
    pub(crate) sixfold: PathBuf,
    /// Debian's packages.
    pub(crate) packages: Packages,
    /// The roots of the peers.
    pub(crate) layers: Layers,
    /// Where machines are made; removed at the end.
    work: TempDir,
}

impl Bench {
    /// Whether a part is asked for.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.options.parts.contains(&part)
    }

    /// Who takes part, beginning with another one in each round: who comes first or after whom must not
    /// matter.
    pub(crate) fn in_turn(&self, round: usize) -> Vec<Peer> {
        let mut peers = self.peers.clone();
        let first = round % peers.len().max(1);
        peers.rotate_left(first);
        peers
    }

    /// Boots a peer; standard output and error go to a file.
    pub(crate) fn boot(&self, peer: Peer, tree: &Tree) -> Result<Machine, String> {
        self.boot_to(peer, tree, None)
    }

    /// Boots a peer with standard output as given.
    pub(crate) fn boot_with(
        &self,
        peer: Peer,
        tree: &Tree,
        output: Stdio,
    ) -> Result<Machine, String> {
        self.boot_to(peer, tree, Some(output))
    }

    fn boot_to(&self, peer: Peer, tree: &Tree, output: Option<Stdio>) -> Result<Machine, String> {
        let disk = self.options.disk;
        Machine::boot(self.work(), &self.layers, peer, tree, disk, output)
    }

    /// A directory that is removed at the end.
    pub(crate) fn work(&self) -> &Path {
        self.work.path()
    }

    /// Takes in one value.
    pub(crate) fn add(&mut self, metric: Metric, case: &str, peer: Peer, round: usize, value: f64) {
        self.results.add(metric, case, peer.name(), round, value);
    }

    /// Notes the reason when something could not be measured.
    pub(crate) fn note(&mut self, scenario: &str, peer: Peer, outcome: Result<(), String>) {
        if let Err(reason) = outcome {
            eprintln!("peers: {}, {scenario}: {reason}", peer.name());
            self.results.fail(scenario, peer.name(), reason);
        }
    }

    /// Whether a peer has failed in a scenario: it is not tried again, as each try may take long.
    pub(crate) fn has_failed(&self, scenario: &str, peer: Peer) -> bool {
        let mut failures = self.results.failures.iter();
        failures.any(|it| it.scenario == scenario && it.peer == peer.name())
    }
}

fn main() -> ExitCode {
    let options = match parse(env::args().skip(1)) {
        Ok(Asked::Run(options)) => options,
        Ok(Asked::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("peers: {error}");
            return ExitCode::from(2);
        }
    };
    let is_checked = options.check;
    match run(options) {
        Ok(goals) => {
            let is_missed = goals.iter().any(|goal| goal.verdict == Verdict::NotMet);
            ExitCode::from(u8::from(is_checked && is_missed))
        }
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: Options) -> Result<Vec<Goal>, String> {
    let out = match &options.out {
        // Not from where it was called: cargo calls it in its own package.
        Some(out) => repository().join(out),
        None => repository().join("target/bench"),
    };
    made(&out)?;
    let out = out.canonicalize().map_err(said(&out))?;
    let mut results = Results::default();
    let found = requirements::look(&options, &out, &mut results)?;
    remove_left(&out);
    let prefix = format!("{WORK}{}-", std::process::id());
    let work = TempDir::with_prefix_in(prefix, &out).map_err(said(&out))?;
    let dir = work.path().join("layers");
    made(&dir)?;
    eprintln!("peers: making the roots in {}", work.path().display());
    let overlay = found.overlay_root.as_deref();
    let layers = Layers::make(&dir, &found.peers, &found.packages, &found.sixfold, overlay)?;
    let mut bench = Bench {
        options,
        results,
        peers: found.peers,
        sixfold: found.sixfold,
        packages: found.packages,
        layers,
        work,
    };
    let begun = machine::now();
    measure(&mut bench);
    let took = machine::milliseconds(begun, machine::now()) / 1000.0;
    let run = if bench.options.disk {
        "on the disk"
    } else {
        "in memory"
    };
    let about = &mut bench.results.about;
    about.push(("/run".to_owned(), run.to_owned()));
    about.push(("duration".to_owned(), format!("{took:.0} s")));
    about.push(("load at the end".to_owned(), requirements::load()));
    let goals = goals::judge(&bench.results);
    write(&out, &bench.results, &goals)?;
    print!("{}", markdown::report(&bench.results, &goals));
    println!(
        "\nreports: {}/report.html, report.md, report.json",
        out.display()
    );
    Ok(goals)
}

/// Removes what runs that were killed have left in `out`: the roots of one run are large.
fn remove_left(out: &Path) {
    for entry in fs::read_dir(out).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let of = name
            .strip_prefix(WORK)
            .and_then(|rest| rest.split('-').next());
        let is_left = of.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if is_left && let Err(error) = fs::remove_dir_all(entry.path()) {
            eprintln!("peers: {}: {error}", entry.path().display());
        }
    }
}

/// Measures one part, and notes what came of it.
type Run = fn(&mut Bench);

fn measure(bench: &mut Bench) {
    let lives = [Part::Boot, Part::Memory, Part::Stop];
    if lives.iter().any(|part| bench.wants(*part)) {
        life::run(bench);
    }
    let parts: [(Part, Run); 7] = [
        (Part::Restart, upkeep::restart),
        (Part::Crash, upkeep::crash),
        (Part::Orphans, orphans::run),
        (Part::Idle, idle::run),
        (Part::Logs, logs::run),
        (Part::Size, size::run),
        (Part::Graph, graph::run),
    ];
    for (part, run) in parts {
        if bench.wants(part) {
            run(bench);
        }
    }
}

fn write(out: &Path, results: &Results, goals: &[Goal]) -> Result<(), String> {
    let reports = [
        ("report.md", markdown::report(results, goals)),
        ("report.html", html::report(results, goals)),
        (
            "report.json",
            format!("{:#}\n", json::report(results, goals)),
        ),
    ];
    for (name, text) in reports {
        let file = out.join(name);
        fs::write(&file, text).map_err(said(&file))?;
    }
    Ok(())
}
