//! The command line of the benchmark `peers`.

use std::path::PathBuf;

use super::peers::Peer;

/// What `--help` prints.
pub const HELP: &str = "\
What Sixfold costs, and what its peers cost, in one run.

usage: cargo bench --package sixfold-integration-tests --bench peers -- [OPTION...]

  --quick             few services and few rounds, to see that it works (under a minute)
  --only NAME,...     only these parts: boot, memory, stop, restart, crash, orphans, idle, logs,
                      size, graph
  --peers NAME,...    only these peers beside sixfold and the limit: sixfold-text, s6, s6-overlay,
                      runit, busybox, supervisor, tini, dumb-init
  --rounds N          rounds of each case (default 9; fewer where a case is long)
  --out DIR           where the reports go, from the repository on (default target/bench); on a disk,
                      not in memory
  --install           installs Debian packages that are missing, with apt-get
  --overlay-root DIR  a root that holds s6-overlay v3 (/init, /package, /command), as one more peer
  --sixfold PATH      the executable to measure (default: cargo builds it; also SIXFOLD_BINARY)
  --disk              /run on the disk, as Docker has it by default, and not in memory
  --check             exit code 1 when a goal is not met
  --help              this text

It needs root, and Debian with util-linux. The reports are report.html, report.md and report.json.
";

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// How long the boot takes.
    Boot,
    /// What the supervision holds in memory.
    Memory,
    /// How long the stop takes.
    Stop,
    /// How long a restart takes.
    Restart,
    /// What services that die at once cost.
    Crash,
    /// A storm of orphans.
    Orphans,
    /// What is done while nothing happens.
    Idle,
    /// What the services' output costs.
    Logs,
    /// What an image gains.
    Size,
    /// How long a thousand services take to be read, checked and planned.
    Graph,
}

impl Part {
    /// All of them, in the order in which they are run.
    pub const ALL: [Self; 10] = [
        Self::Boot,
        Self::Memory,
        Self::Stop,
        Self::Restart,
        Self::Crash,
        Self::Orphans,
        Self::Idle,
        Self::Logs,
        Self::Size,
        Self::Graph,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Memory => "memory",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Crash => "crash",
            Self::Orphans => "orphans",
            Self::Idle => "idle",
            Self::Logs => "logs",
            Self::Size => "size",
            Self::Graph => "graph",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Small cases and few rounds.
    pub quick: bool,
    /// The parts to run.
    pub parts: Vec<Part>,
    /// Who takes part.
    pub peers: Vec<Peer>,
    /// Rounds of each case.
    pub rounds: usize,
    /// Where the reports go.
    pub out: Option<PathBuf>,
    /// Whether to install what is missing.
    pub install: bool,
    /// The root of s6-overlay.
    pub overlay_root: Option<PathBuf>,
    /// The executable to measure.
    pub sixfold: Option<PathBuf>,
    /// Whether /run is on the disk.
    pub disk: bool,
    /// Whether a goal that is not met is an error.
    pub check: bool,
}

/// What a command line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The help text.
    Help,
    /// A run.
    Run(Options),
}

/// Understands the words of a command line, without the program's name.
///
/// # Errors
///
/// One sentence for people, which names the word that makes no sense.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut rounds = None;
    let mut options = Options {
        quick: false,
        parts: Part::ALL.to_vec(),
        peers: Peer::ALL.to_vec(),
        rounds: 0,
        out: None,
        install: false,
        overlay_root: None,
        sixfold: None,
        disk: false,
        check: false,
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                (name.to_owned(), Some(value.to_owned()))
            }
            Some(_) | None => (word, None),
        };
        let mut value = |what: &str| {
            attached
                .clone()
                .or_else(|| words.next())
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("{name} needs {what}"))
        };
        match name.as_str() {
            "--only" => options.parts = parts(&value("the names of parts")?)?,
            "--peers" => options.peers = peers(&value("the names of peers")?)?,
            "--rounds" => rounds = Some(count(&value("a number of rounds")?)?),
            "--out" => options.out = Some(value("a directory")?.into()),
            "--overlay-root" => options.overlay_root = Some(value("a directory")?.into()),
            "--sixfold" => options.sixfold = Some(value("an executable")?.into()),
            _ if attached.is_some() => {
                return Err(format!("{name} is unknown, or takes no value; see --help"));
            }
            // Cargo's own word for a benchmark.
            "--bench" => {}
            "--quick" => options.quick = true,
            "--install" => options.install = true,
            "--disk" => options.disk = true,
            "--check" => options.check = true,
            "--help" | "-h" => return Ok(Asked::Help),
            _ => return Err(format!("{name} is not an option; see --help")),
        }
    }
    options.rounds = rounds.unwrap_or(if options.quick { 1 } else { 9 });
    Ok(Asked::Run(options))
}

fn parts(list: &str) -> Result<Vec<Part>, String> {
    list.split(',')
        .map(|name| {
            let found = Part::ALL.into_iter().find(|part| part.name() == name);
            found.ok_or_else(|| {
                let names = Part::ALL.map(Part::name).join(", ");
                format!("there is no part {name:?}; there are {names}")
            })
        })
        .collect()
}

/// The named ones, and those that everything is compared with.
fn peers(list: &str) -> Result<Vec<Peer>, String> {
    let mut named = vec![Peer::Limit, Peer::Sixfold];
    for name in list.split(',') {
        named.push(Peer::named(name).ok_or_else(|| {
            let names = Peer::ALL.map(Peer::name).join(", ");
            format!("there is no peer {name:?}; there are {names}")
        })?);
    }
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (1..=1000).contains(count))
        .ok_or_else(|| format!("--rounds takes a number from 1 to 1000, and not {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::{Asked, Options, Part, Peer, parse};

    fn run(words: &[&str]) -> Options {
        match parse(words.iter().map(|word| (*word).to_owned())).unwrap() {
            Asked::Run(options) => options,
            Asked::Help => panic!("no help was asked for"),
        }
    }

    fn error(words: &[&str]) -> String {
        parse(words.iter().map(|word| (*word).to_owned())).unwrap_err()
    }

    #[test]
    fn nothing_asks_for_everything() {
        let options = run(&["--bench"]);
        assert_eq!(options.parts, Part::ALL);
        assert_eq!(options.peers, Peer::ALL);
        assert_eq!(options.rounds, 9);
        assert!(!options.quick && !options.check && !options.install && !options.disk);
    }

    #[test]
    fn values_stand_apart_or_attached() {
        let options = run(&["--only", "boot,stop", "--rounds=3", "--out=x=y"]);
        assert_eq!(options.parts, [Part::Boot, Part::Stop]);
        assert_eq!(options.rounds, 3);
        assert_eq!(options.out.unwrap().to_str(), Some("x=y"));
    }

    #[test]
    fn the_limit_and_sixfold_always_take_part() {
        let options = run(&["--peers", "runit,sixfold"]);
        assert_eq!(options.peers, [Peer::Limit, Peer::Sixfold, Peer::Runit]);
    }

    #[test]
    fn quick_has_fewer_rounds_unless_told() {
        assert_eq!(run(&["--quick"]).rounds, 1);
        assert_eq!(run(&["--rounds", "5", "--quick"]).rounds, 5);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        assert!(error(&["--fast"]).contains("--fast is not an option"));
        assert!(error(&["boot"]).contains("boot is not an option"));
        assert!(error(&["--quick=yes"]).contains("takes no value"));
        assert!(error(&["--rounds"]).contains("needs a number"));
        assert!(error(&["--rounds", "0"]).contains("1 to 1000"));
        assert!(error(&["--only", "boot,speed"]).contains("no part \"speed\""));
        assert!(error(&["--peers", "systemd"]).contains("no peer \"systemd\""));
    }

    #[test]
    fn help_wins() {
        let words = ["--quick", "--help", "--nonsense"].map(str::to_owned);
        assert_eq!(parse(words), Ok(Asked::Help));
    }
}
