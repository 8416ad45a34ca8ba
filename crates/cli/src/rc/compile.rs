//! `s6-rc-compile [ -v verbosity ] [ -h fdholder_user ] [ -b ] destdir sources...`
//!
//! Everything that is wrong with the sources is printed, in the words that `sixfold check` has for
//! it, and at last one line about the first of it in those of s6-rc-compile. The database is one
//! file; beside it are the service directories of the longruns, where other programs look for them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sixfold_daemon::sources::{self, command_syntax};
use sixfold_model::rc::definition::{Kind, Longrun};
use sixfold_model::rc::{self, Cause, Database, Graph, Layer, Origin};
use sixfold_model::tree::Entry;
use sixfold_model::{Diagnostic, Severity};
use sixfold_protocol::paths::{RC_DATABASE, RC_DATABASE_SERVICES};
use sixfold_sys::files;

use crate::complain::{self, ExitCode, FAILED, SYSTEM, reason};
use crate::control::copy_tree;
use crate::options::{Options, WrongUsage, number};

pub(super) const NAME: &str = "s6-rc-compile";
const SYNOPSIS: &str =
    "s6-rc-compile [ -v verbosity ] [ -h fdholder_user ] [ -b ] destdir sources...";
/// From here on warnings are printed.
const WARNINGS: u32 = 1;
/// From here on it is said what is done.
const PROGRESS: u32 = 2;

/// What the command line says.
struct Order {
    verbosity: u32,
    target: PathBuf,
    sources: Vec<PathBuf>,
}

/// The command.
pub(super) fn compile(args: Vec<OsString>) -> ExitCode {
    let Ok(order) = read_order(args) else {
        return complain::usage(NAME, SYNOPSIS);
    };
    let mut layers = Vec::with_capacity(order.sources.len());
    for dir in &order.sources {
        if order.verbosity >= PROGRESS {
            complain::info(NAME, format_args!("adding sources from {}", dir.display()));
        }
        match sources::definitions(Path::new("/"), dir) {
            Ok(tree) => {
                let layer = Layer {
                    origin: Origin::Image,
                    dir: dir.clone(),
                    tree,
                };
                if is_empty(&layer) && order.verbosity >= WARNINGS {
                    complain::warn(NAME, format_args!("source {} is empty", dir.display()));
                }
                layers.push(layer);
            }
            Err(error) => return failed("opendir", dir, &error),
        }
    }
    let (graph, diagnostics) = rc::read(&layers, &command_syntax);
    for diagnostic in &diagnostics {
        print(diagnostic, order.verbosity);
    }
    if let Some(verdict) = rc::verdict(&layers, &graph, &diagnostics, &command_syntax) {
        let code = match verdict.cause {
            Cause::Sources => FAILED,
            Cause::System => SYSTEM,
        };
        return complain::fatal(NAME, verdict.message, code);
    }
    match write(&order.target, &graph) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

fn read_order(args: Vec<OsString>) -> Result<Order, WrongUsage> {
    let mut options = Options::new(args, "v:h:b");
    let mut verbosity = WARNINGS;
    while let Some(option) = options.next()? {
        // Who holds the pipes is no user's process here (-h), and nothing locks a database (-b).
        if option.letter == b'v' {
            verbosity = number(&option.value).ok_or(WrongUsage)?;
        }
    }
    let mut rest = options.rest().into_iter().map(PathBuf::from);
    let target = rest.next().ok_or(WrongUsage)?;
    let sources: Vec<PathBuf> = rest.collect();
    if sources.is_empty() {
        return Err(WrongUsage);
    }
    Ok(Order {
        verbosity,
        target,
        sources,
    })
}

/// Whether nothing in it could be a definition.
fn is_empty(layer: &Layer) -> bool {
    let is_definition = |(name, entry): (&OsString, &Entry)| match entry {
        Entry::Dir(_) | Entry::Dangling | Entry::Unreadable(_) => {
            !name.as_encoded_bytes().starts_with(b".")
        }
        Entry::File(_) | Entry::Special => false,
    };
    !layer.tree.entries.iter().any(is_definition)
}

fn print(diagnostic: &Diagnostic, verbosity: u32) {
    match diagnostic.severity {
        Severity::Error => complain::error(NAME, diagnostic),
        Severity::Warning if verbosity >= WARNINGS => complain::warn(NAME, diagnostic),
        Severity::Warning => {}
    }
}

/// Makes the database of `graph` in a new directory `target`; nothing is left of it when that fails.
fn write(target: &Path, graph: &Graph) -> Result<(), ExitCode> {
    DirBuilder::new()
        .mode(0o755)
        .create(target)
        .map_err(|error| failed("mkdir", target, &error))?;
    let written = files::chmod(target, 0o755)
        .map_err(|error| failed("chmod", target, &error))
        .and_then(|()| fill(target, graph));
    if written.is_err() {
        let _ = fs::remove_dir_all(target);
    }
    written
}

fn fill(target: &Path, graph: &Graph) -> Result<(), ExitCode> {
    let services = target.join(RC_DATABASE_SERVICES);
    make_dir(&services)?;
    for (_, node) in graph.nodes() {
        match &node.definition.kind {
            Kind::Longrun(longrun) => fill_service(&services.join(node.name()), longrun)?,
            Kind::Oneshot(_) | Kind::Bundle(_) | Kind::Unknown => {}
        }
    }
    super::files::write(target, &Database::of(graph))
        .map_err(|error| failed("write", &target.join(RC_DATABASE), &error))
}

/// Makes the service directory of a longrun.
fn fill_service(dir: &Path, longrun: &Longrun) -> Result<(), ExitCode> {
    make_dir(dir)?;
    for (name, source) in &longrun.files {
        let target = dir.join(name);
        copy(name, source, &target).map_err(|error| {
            let message = format!(
                "unable to copy {} to {}: {}",
                source.display(),
                target.display(),
                reason(&error)
            );
            complain::fatal(NAME, message, SYSTEM)
        })?;
    }
    if longrun.files.contains_key(OsStr::new("template")) {
        // Where s6-instance-create puts what it makes of the template.
        for name in ["instance", "instances"] {
            make_dir(&dir.join(name))?;
        }
    }
    Ok(())
}

/// Copies a file or directory of a definition, which may be a link to it.
fn copy(name: &OsStr, source: &Path, target: &Path) -> io::Result<()> {
    copy_tree(&fs::canonicalize(source)?, target)?;
    if name == "run" || name == "finish" {
        // s6-rc-compile makes them so, and images have them otherwise.
        files::chmod(target, 0o755)?;
    }
    Ok(())
}

fn make_dir(dir: &Path) -> Result<(), ExitCode> {
    files::make_dir(dir, 0o755).map_err(|error| failed("mkdir", dir, &error))
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> ExitCode {
    let message = format!("unable to {verb} {}: {}", path.display(), reason(error));
    complain::fatal(NAME, message, SYSTEM)
}
