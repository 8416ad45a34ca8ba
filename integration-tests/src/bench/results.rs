//! All that was measured in one run: values by what was measured, in which case, of whom, in which round.
//! Values of one round belong together: ratios are taken within rounds, so that a machine that is busy
//! for a while disturbs both sides alike.

use super::statistics::Summary;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// From the exec of PID 1 to the first instruction of the last service, in milliseconds.
    Boot,
    /// The processor time of the supervision until it is at rest after its boot, in milliseconds.
    BootCpu,
    /// From the stop signal to the end of PID 1, in milliseconds.
    Stop,
    /// The proportional set size of the supervision's processes, in KiB.
    Pss,
    /// Their private dirty pages, in KiB.
    PrivateDirty,
    /// How many processes they are.
    Processes,
    /// Their threads.
    Threads,
    /// Their open descriptors.
    Descriptors,
    /// From the kill of a service to the first instruction of the next run, in milliseconds.
    Restart,
    /// The processor time of the supervision while services die at once, in milliseconds a second.
    CrashCpu,
    /// How many starts a second there were meanwhile, of all services together.
    CrashStarts,
    /// From the beginning of a storm of orphans until none is left, in milliseconds.
    Orphans,
    /// The processor time of the supervision for it, in milliseconds.
    OrphansCpu,
    /// The processor time of the supervision while nothing happens, in microseconds.
    IdleCpu,
    /// Its context switches meanwhile.
    IdleSwitches,
    /// Its system calls meanwhile.
    IdleCalls,
    /// What was logged, in MB of the services' output a second.
    LogRate,
    /// What was logged, in thousands of lines a second.
    LogLines,
    /// What was logged, in MB for each second of processor time of the supervision and loggers.
    LogCore,
    /// The processor time of the supervision and loggers for a gigabyte, in seconds.
    LogCpu,
    /// How many files an image gains.
    SizeFiles,
    /// How many bytes an image gains, in kB.
    SizeBytes,
    /// How long it takes to read, check and plan a thousand services, in milliseconds.
    Graph,
}

impl Metric {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 23] = [
        Self::Boot,
        Self::BootCpu,
        Self::Stop,
        Self::Pss,
        Self::PrivateDirty,
        Self::Processes,
        Self::Threads,
        Self::Descriptors,
        Self::Restart,
        Self::CrashCpu,
        Self::CrashStarts,
        Self::Orphans,
        Self::OrphansCpu,
        Self::IdleCpu,
        Self::IdleSwitches,
        Self::IdleCalls,
        Self::LogRate,
        Self::LogLines,
        Self::LogCore,
        Self::LogCpu,
        Self::SizeFiles,
        Self::SizeBytes,
        Self::Graph,
    ];

    /// Its name in `report.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::BootCpu => "boot_cpu",
            Self::Stop => "stop",
            Self::Pss => "pss",
            Self::PrivateDirty => "private_dirty",
            Self::Processes => "processes",
            Self::Threads => "threads",
            Self::Descriptors => "descriptors",
            Self::Restart => "restart",
            Self::CrashCpu => "crash_cpu",
            Self::CrashStarts => "crash_starts",
            Self::Orphans => "orphans",
            Self::OrphansCpu => "orphans_cpu",
            Self::IdleCpu => "idle_cpu",
            Self::IdleSwitches => "idle_switches",
            Self::IdleCalls => "idle_calls",
            Self::LogRate => "log_rate",
            Self::LogLines => "log_lines",
            Self::LogCore => "log_core",
            Self::LogCpu => "log_cpu",
            Self::SizeFiles => "size_files",
            Self::SizeBytes => "size_bytes",
            Self::Graph => "graph",
        }
    }

    /// Its unit, as it stands behind a number.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Boot
            | Self::BootCpu
            | Self::Stop
            | Self::Restart
            | Self::Orphans
            | Self::OrphansCpu
            | Self::Graph => "ms",
            Self::Pss | Self::PrivateDirty => "KiB",
            Self::CrashCpu => "ms/s",
            Self::CrashStarts => "1/s",
            Self::IdleCpu => "us",
            Self::LogRate => "MB/s",
            Self::LogLines => "1000 lines/s",
            Self::LogCore => "MB per CPU second",
            Self::LogCpu => "CPU s/GB",
            Self::SizeBytes => "kB",
            Self::Processes
            | Self::Threads
            | Self::Descriptors
            | Self::IdleSwitches
            | Self::IdleCalls
            | Self::SizeFiles => "",
        }
    }

    /// What it is, for a report's reader.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Boot => "Boot: from exec of PID 1 to the first instruction of the last service",
            Self::BootCpu => "Boot: processor time of the supervision, until it is at rest",
            Self::Stop => "Stop: from the signal to the end of PID 1",
            Self::Pss => "Memory: proportional set size of the supervision",
            Self::PrivateDirty => "Memory: private dirty pages of the supervision",
            Self::Processes => "Processes of the supervision",
            Self::Threads => "Threads of the supervision",
            Self::Descriptors => "Open descriptors of the supervision",
            Self::Restart => "Restart: from kill -9 of a service to its next first instruction",
            Self::CrashCpu => "Crash loop: processor time of the supervision",
            Self::CrashStarts => "Crash loop: starts of all services together",
            Self::Orphans => "Orphan storm: until none is left",
            Self::OrphansCpu => "Orphan storm: processor time of PID 1",
            Self::IdleCpu => "Idle: processor time of the supervision",
            Self::IdleSwitches => "Idle: context switches of the supervision",
            Self::IdleCalls => "Idle: system calls of the supervision",
            Self::LogRate => "Logs: output of services that is taken in",
            Self::LogLines => "Logs: lines that are taken in",
            Self::LogCore => "Logs: output taken in, on one core",
            Self::LogCpu => "Logs: processor time",
            Self::SizeFiles => "Size: files that an image gains",
            Self::SizeBytes => "Size: what an image gains",
            Self::Graph => "A graph of 1,000 services: read, checked and planned (sixfold check)",
        }
    }
}

/// The values of one peer for one metric in one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What was measured.
    pub metric: Metric,
    /// In which case, such as the number of services.
    pub case: String,
    /// Of whom.
    pub peer: String,
    /// The round, and the value in it.
    pub values: Vec<(usize, f64)>,
}

/// Something that could not be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which part of the benchmark, and which case of it.
    pub scenario: String,
    /// Of whom.
    pub peer: String,
    /// Why.
    pub reason: String,
}

/// A peer that takes no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its name.
    pub peer: String,
    /// Why, and the command that mends it.
    pub reason: String,
}

/// All results of one run.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// Facts about the run: the machine, the versions.
    pub about: Vec<(String, String)>,
    /// Peers that take no part.
    pub missing: Vec<Missing>,
    /// What could not be measured.
    pub failures: Vec<Failure>,
    series: Vec<Series>,
}

impl Results {
    /// Takes in one value.
    pub fn add(&mut self, metric: Metric, case: &str, peer: &str, round: usize, value: f64) {
        let found = self
            .series
            .iter_mut()
            .find(|series| series.metric == metric && series.case == case && series.peer == peer);
        match found {
            Some(series) => series.values.push((round, value)),
            None => self.series.push(Series {
                metric,
                case: case.to_owned(),
                peer: peer.to_owned(),
                values: vec![(round, value)],
            }),
        }
    }

    /// Takes in a failure.
    pub fn fail(&mut self, scenario: &str, peer: &str, reason: impl Into<String>) {
        self.failures.push(Failure {
            scenario: scenario.to_owned(),
            peer: peer.to_owned(),
            reason: reason.into(),
        });
    }

    /// All series, in the order in which they began.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The cases of a metric, in the order in which they began.
    pub fn cases(&self, metric: Metric) -> Vec<&str> {
        let mut cases = Vec::new();
        for series in self.series.iter().filter(|it| it.metric == metric) {
            if !cases.contains(&series.case.as_str()) {
                cases.push(&series.case);
            }
        }
        cases
    }

    /// Who has values for a metric, in the order in which they began.
    pub fn peers(&self, metric: Metric) -> Vec<&str> {
        let mut peers = Vec::new();
        for series in self.series.iter().filter(|it| it.metric == metric) {
            if !peers.contains(&series.peer.as_str()) {
                peers.push(&series.peer);
            }
        }
        peers
    }

    /// The summary of one series.
    pub fn summary(&self, metric: Metric, case: &str, peer: &str) -> Option<Summary> {
        Summary::of(
            self.find(metric, case, peer)?
                .iter()
                .map(|(_, value)| *value),
        )
    }

    /// The median of one series.
    pub fn median(&self, metric: Metric, case: &str, peer: &str) -> Option<f64> {
        self.summary(metric, case, peer)
            .map(|summary| summary.median)
    }

    /// How many times `base`'s value `peer`'s is, round by round.
    pub fn ratio(&self, metric: Metric, case: &str, peer: &str, base: &str) -> Option<Summary> {
        self.paired(metric, case, peer, base, |own, other| own / other)
    }

    /// By how much `peer`'s value is above `base`'s, round by round, in the metric's unit.
    pub fn difference(
        &self,
        metric: Metric,
        case: &str,
        peer: &str,
        base: &str,
    ) -> Option<Summary> {
        self.paired(metric, case, peer, base, |own, other| own - other)
    }

    fn paired(
        &self,
        metric: Metric,
        case: &str,
        peer: &str,
        base: &str,
        of: impl Fn(f64, f64) -> f64,
    ) -> Option<Summary> {
        let own = self.find(metric, case, peer)?;
        let others = self.find(metric, case, base)?;
        Summary::of(own.iter().filter_map(|(round, value)| {
            let (_, other) = others.iter().find(|(other, _)| other == round)?;
            Some(of(*value, *other))
        }))
    }

    fn find(&self, metric: Metric, case: &str, peer: &str) -> Option<&[(usize, f64)]> {
        self.series
            .iter()
            .find(|series| series.metric == metric && series.case == case && series.peer == peer)
            .map(|series| series.values.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::{Metric, Results};

    fn results() -> Results {
        let mut results = Results::default();
        for (round, (own, other)) in [(10.0, 20.0), (50.0, 100.0), (12.0, 24.0)]
            .into_iter()
            .enumerate()
        {
            results.add(Metric::Boot, "100", "sixfold", round, own);
            results.add(Metric::Boot, "100", "s6", round, other);
        }
        results
    }

    #[test]
    fn ratios_are_those_of_rounds() {
        let ratio = results()
            .ratio(Metric::Boot, "100", "sixfold", "s6")
            .unwrap();
        // The disturbed round disturbs both alike.
        assert_eq!((ratio.least, ratio.greatest), (0.5, 0.5));
    }

    #[test]
    fn a_round_of_one_alone_has_no_ratio() {
        let mut results = results();
        results.add(Metric::Boot, "100", "sixfold", 3, 1e9);
        let ratio = results.ratio(Metric::Boot, "100", "sixfold", "s6").unwrap();
        assert_eq!(ratio.count, 3);
        assert_eq!(results.ratio(Metric::Boot, "1", "sixfold", "s6"), None);
    }

    #[test]
    fn differences_are_those_of_rounds() {
        let results = results();
        let above = results.difference(Metric::Boot, "100", "s6", "sixfold");
        assert_eq!(above.unwrap().median, 12.0);
    }

    #[test]
    fn cases_and_peers_keep_their_order() {
        let mut results = results();
        results.add(Metric::Boot, "10", "runit", 0, 1.0);
        assert_eq!(results.cases(Metric::Boot), ["100", "10"]);
        assert_eq!(results.peers(Metric::Boot), ["sixfold", "s6", "runit"]);
        assert!(results.cases(Metric::Stop).is_empty());
    }

    #[test]
    fn names_are_all_different() {
        let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
