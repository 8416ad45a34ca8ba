//! `sixfold check [--root DIR] [--json]`: everything that is wrong with the services of an image, at
//! the time it is built. `RUN sixfold check` in a Dockerfile fails the build where the container
//! would lack a service.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use sixfold_daemon::snapshot;
use sixfold_model::rc::definition::{CommandLine, Kind};
use sixfold_model::rc::{Node, Standing};
use sixfold_model::tree::{File, Tree};
use sixfold_model::{Diagnostic, ServiceSpec, Severity, fix_attrs, script, service_dir};

use crate::applets;
use crate::complain::{self, ExitCode, FAILED, say};
use crate::image::{self, Image, Parsed};

const NAME: &str = "sixfold check";
const SYNOPSIS: &str = "sixfold check [ --root DIR ] [ --json ]";
/// The exit code for wrong usage: that of the checkers people know, not that of s6's commands.
const WRONG_USAGE: u8 = 2;

/// The command.
pub(crate) fn check(args: Vec<OsString>) -> ExitCode {
    let options = match image::parse(args, "json", false) {
        Parsed::Options(options) => options,
        Parsed::Help => return help(),
        Parsed::Wrong => {
            let _ = complain::usage(NAME, SYNOPSIS);
            return ExitCode::from(WRONG_USAGE);
        }
    };
    if !options.root.is_dir() {
        let message = format!("{} is not a directory", options.root.display());
        return complain::fatal(NAME, message, WRONG_USAGE);
    }
    let image = Image::read(options.root);
    let findings = findings(&image);
    let report = Report::new(&image, &findings);
    if options.own.is_some() {
        report.print_json(&findings);
    } else {
        report.print(&findings);
    }
    if report.errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}

/// Everything that is wrong with the image, by path.
fn findings(image: &Image) -> Vec<Diagnostic> {
    let mut checker = Checker {
        image,
        has_programs: has_programs(image),
        diagnostics: image.diagnostics.clone(),
    };
    checker.check_definitions();
    checker.check_services();
    for stage in ["cont-init.d", "cont-finish.d"] {
        for path in checker.list(stage) {
            checker.check_script(&path, false);
        }
    }
    checker.check_attributes();
    let mut seen = BTreeSet::new();
    let mut findings = checker.diagnostics;
    // The same file may be named by several.
    findings.retain(|it| seen.insert((it.path.clone(), it.line, it.message.clone())));
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    findings
}

/// Whether the programs of the image are there too. A tree that a Dockerfile copies over a base image
/// has none, and the shell is no less there when it runs.
fn has_programs(image: &Image) -> bool {
    let probes = ["/bin/sh", "/usr/bin/env", "/etc/passwd", "/etc/os-release"];
    let is_there = |path| image.resolved(Path::new(path)).exists();
    image.root == Path::new("/") || probes.into_iter().any(is_there)
}

struct Checker<'a> {
    image: &'a Image,
    /// Whether a program that is missing is missing.
    has_programs: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    /// What is wrong with the scripts that definitions of s6-rc have or name.
    fn check_definitions(&mut self) {
        let image = self.image;
        for (_, node) in image
            .graph
            .nodes()
            .filter(|(_, it)| !it.definition.is_stock)
        {
            match &node.definition.kind {
                Kind::Longrun(longrun) => {
                    let service = &longrun.service;
                    for (is_there, name) in
                        [(service.has_run, "run"), (service.has_finish, "finish")]
                    {
                        if let Some(path) = longrun.files.get(OsStr::new(name))
                            && is_there
                        {
                            // s6-rc makes them executable.
                            self.check_script(&image.inside(path), true);
                        }
                    }
                }
                Kind::Oneshot(oneshot) => {
                    let commands = [Some(&oneshot.up), oneshot.down.as_ref()];
                    for command in commands.into_iter().flatten() {
                        self.check_command(command);
                    }
                }
                Kind::Bundle(_) | Kind::Unknown => {}
            }
        }
    }

    /// What is wrong with the program that a command line names by its path.
    fn check_command(&mut self, command: &CommandLine) {
        let mut words = command.words.iter().skip_while(|word| *word == b"exec");
        let Some(word) = words.next().filter(|word| word.starts_with(b"/")) else {
            return;
        };
        if word.iter().any(|byte| b"\"\\$".contains(byte)) {
            return;
        }
        let program = Path::new(OsStr::from_bytes(word));
        // Only where `sixfold install` puts them: a script of the image may be called `init`.
        let dir = program.parent().unwrap_or(program);
        let is_ours = ["/command", "/usr/bin", "/bin"]
            .iter()
            .any(|place| dir == Path::new(place))
            && is_command(program);
        match snapshot::file(&self.image.resolved(program)) {
            Err(error)
                if error.kind() == ErrorKind::NotFound && (is_ours || !self.has_programs) => {}
            Err(error) => {
                let reason = if error.kind() == ErrorKind::NotFound {
                    "does not exist".to_owned()
                } else {
                    format!("cannot be read: {error}")
                };
                self.diagnostics.push(Diagnostic::warning(
                    &command.path,
                    format!("{} {reason}", program.display()),
                    "correct the path, unless something makes that file at boot",
                ));
            }
            Ok(file) => self.check_file(program, &file),
        }
    }

    /// What is wrong with services.d, and with the scripts in it.
    fn check_services(&mut self) {
        let dir = self.image.user_dir("services.d");
        let Some(tree) = self.read(&dir, snapshot::services) else {
            return;
        };
        let (specs, found) = service_dir::list(&self.image.shown(&dir), &tree);
        self.diagnostics.extend(found);
        for spec in &specs {
            self.check_service(spec);
            let longrun = self.image.graph.find(&spec.name);
            let longrun = longrun.and_then(|id| self.image.graph.get(id));
            if let Some(Node { definition, .. }) = longrun
                && matches!(definition.kind, Kind::Longrun(_))
            {
                self.diagnostics.push(Diagnostic::error(
                    &spec.source,
                    format!(
                        "{} is a longrun in {} too, and both would be /run/service/{}",
                        spec.name,
                        definition.source.display(),
                        spec.name
                    ),
                    "rename or remove one of the two",
                ));
            }
        }
    }

    fn check_service(&mut self, spec: &ServiceSpec) {
        for (is_there, name) in [(spec.has_run, "run"), (spec.has_finish, "finish")] {
            if is_there {
                self.check_script(&self.image.inside(&spec.source.join(name)), false);
            }
        }
        if let Some(log) = &spec.log {
            self.check_service(log);
        }
    }

    /// What is wrong with the rules of fix-attrs.d.
    fn check_attributes(&mut self) {
        for path in self.list("fix-attrs.d") {
            match std::fs::read(self.image.resolved(&path)) {
                Ok(content) => {
                    let (_, found) = fix_attrs::parse(&self.image.shown(&path), &content);
                    self.diagnostics.extend(found);
                }
                Err(error) => self.report_unreadable(&path, &error),
            }
        }
    }

    /// The files of a directory like cont-init.d, as paths of the image.
    fn list(&mut self, name: &str) -> Vec<PathBuf> {
        let dir = self.image.user_dir(name);
        let Some(tree) = self.read(&dir, snapshot::directory) else {
            return Vec::new();
        };
        let (paths, found) = service_dir::scripts(&self.image.shown(&dir), &tree);
        self.diagnostics.extend(found);
        paths.iter().map(|path| self.image.inside(path)).collect()
    }

    /// What is wrong with the script at `path` of the image. `is_made_executable` tells that it does
    /// not need the permission.
    fn check_script(&mut self, path: &Path, is_made_executable: bool) {
        match snapshot::file(&self.image.resolved(path)) {
            Ok(mut file) => {
                if is_made_executable {
                    file.mode |= 0o111;
                }
                self.check_file(path, &file);
            }
            Err(error) => self.report_unreadable(path, &error),
        }
    }

    fn check_file(&mut self, path: &Path, file: &File) {
        let shown = self.image.shown(path);
        let inspection = script::inspect(&shown, file);
        self.diagnostics.extend(inspection.diagnostics);
        if let Some(interpreter) = inspection.interpreter.filter(|it| it.is_absolute()) {
            // The daemon stands in for a command of ours wherever a script looks for it.
            if self.has_programs
                && !is_command(&interpreter)
                && !self.image.resolved(&interpreter).exists()
            {
                let missing = script::missing_interpreter(&shown, &interpreter);
                self.diagnostics.push(missing);
            }
        }
    }

    fn read(
        &mut self,
        dir: &Path,
        snapshot: impl FnOnce(&Path) -> io::Result<Option<Tree>>,
    ) -> Option<Tree> {
        match snapshot(&self.image.resolved(dir)) {
            Ok(tree) => tree,
            Err(error) => {
                self.report_unreadable(dir, &error);
                None
            }
        }
    }

    fn report_unreadable(&mut self, path: &Path, error: &io::Error) {
        self.diagnostics.push(Diagnostic::error(
            &self.image.shown(path),
            format!("cannot be read: {error}"),
            "let this user read it",
        ));
    }
}

/// Whether a program of that name is one of Sixfold's commands.
fn is_command(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default();
    applets::names().iter().any(|applet| name == *applet)
}

/// What is said at the end.
struct Report {
    errors: usize,
    warnings: usize,
    /// How many services of s6-rc the boot starts.
    started: usize,
    /// What the boot would start and cannot, and why.
    left_out: Vec<(String, Option<String>)>,
}

impl Report {
    fn new(image: &Image, findings: &[Diagnostic]) -> Self {
        let errors = findings
            .iter()
            .filter(|it| it.severity == Severity::Error)
            .count();
        let plan = image.graph.boot();
        let left_out = plan.left_out.iter().filter_map(|id| {
            let node = image.graph.get(*id)?;
            let by = match &node.standing {
                Standing::Blocked { by } => Some(by.clone()),
                Standing::Broken | Standing::Sound => None,
            };
            Some((node.name().to_owned(), by))
        });
        Self {
            errors,
            warnings: findings.len().saturating_sub(errors),
            started: plan.steps.len(),
            left_out: left_out.collect(),
        }
    }

    fn print(&self, findings: &[Diagnostic]) {
        for finding in findings {
            say(format_args!("sixfold: {}: {finding}", word(finding)));
        }
        for (name, by) in &self.left_out {
            match by {
                Some(by) => say(format_args!(
                    "sixfold: {name} would not start: it needs {by}"
                )),
                None => say(format_args!(
                    "sixfold: {name} would not start: it is broken"
                )),
            }
        }
        say(format_args!(
            "sixfold: {}, {}; {} of s6-rc would start",
            count(self.errors, "error"),
            count(self.warnings, "warning"),
            count(self.started, "service")
        ));
    }

    fn print_json(&self, findings: &[Diagnostic]) {
        for finding in findings {
            say(json!({
                "type": "finding",
                "severity": word(finding),
                "path": finding.path.as_ref().map(|path| path.to_string_lossy()),
                "line": finding.line,
                "message": finding.message,
                "mend": finding.mend,
            }));
        }
        let left_out = self
            .left_out
            .iter()
            .map(|(name, by)| json!({ "name": name, "needs": by }));
        say(json!({
            "type": "summary",
            "errors": self.errors,
            "warnings": self.warnings,
            "started": self.started,
            "left_out": left_out.collect::<Vec<_>>(),
        }));
    }
}

fn word(finding: &Diagnostic) -> &'static str {
    match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

fn help() -> ExitCode {
    say(format_args!("Usage: {SYNOPSIS}\n"));
    say(
        "Reads what the image at DIR (default /) would boot: the services of s6-rc in /etc/s6-overlay,\n\
         services.d, cont-init.d, cont-finish.d and fix-attrs.d, and prints everything that is wrong\n\
         with them, one finding in a line, with what to do about it. Nothing is changed. The S6_*\n\
         variables of the environment count as they do at boot. Programs are looked for when DIR is\n\
         a whole image. In a Dockerfile:\n",
    );
    say("  RUN [\"/command/sixfold\", \"check\"]\n");
    say(
        "With --json each line is an object, and the last one has the numbers. Exits 0 when there is\n\
         no error (warnings are none), 1 when there is one, 2 on wrong usage.",
    );
    ExitCode::SUCCESS
}
