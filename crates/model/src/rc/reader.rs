//! Reads the merged files of each definition into a [`Definition`].
//!
//! Never looks at other definitions: what names mean is resolved by `graph`. A definition with an
//! error in its own files is marked broken and kept, so that those who name it are not told that
//! there is no such thing.

mod commands;
mod types;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::CommandSyntax;
use super::definition::{Bundle, Definition, Kind, Longrun, Oneshot, Reference, Timeouts};
use super::references;
use super::sources::{Source, USER_BUNDLES};
use crate::service_dir::file::Directory;
use crate::service_dir::read_files;
use crate::text::{limit, nearest, shell_word};
use crate::tree::{Entry, Tree};
use crate::{Diagnostic, ServiceSpec, Severity};

/// How many letters a word may be off to be taken for a misspelling.
const MISSPELLING: usize = 2;
/// The files that end up in the service directory of a longrun.
const SERVICE_FILES: [&str; 16] = [
    "run",
    "finish",
    "notification-fd",
    "notify",
    "timeout-watchdog",
    "lock-fd",
    "timeout-kill",
    "timeout-finish",
    "max-death-tally",
    "down-signal",
    "reload-signal",
    "flag-newpidns",
    "flag-timeout-killpg",
    "data",
    "env",
    "template",
];
/// The other files that mean something, and whose names are long enough for a misspelling to be
/// told from a file of the image's own.
const LONG_NAMES: [&str; 11] = [
    "dependencies",
    "dependencies.d",
    "contents",
    "contents.d",
    "producer-for",
    "consumer-for",
    "pipeline-name",
    "timeout-up",
    "timeout-down",
    "flag-essential",
    "flag-recommended",
];

/// Every definition, in the order of the names.
pub(super) fn read(
    sources: &[Source<'_>],
    syntax: &CommandSyntax<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Definition> {
    sources
        .iter()
        .map(|source| {
            let mut found = Vec::new();
            let kind = read_kind(source, syntax, &mut found);
            let has_error = found.iter().any(|it| it.severity == Severity::Error);
            diagnostics.append(&mut found);
            Definition {
                name: source.name.clone(),
                source: source.dir(),
                is_broken: has_error || source.is_reserved || matches!(kind, Kind::Unknown),
                kind,
                essential: source.has("flag-essential"),
                recommended: source.has("flag-recommended"),
                is_stock: source.is_stock(),
            }
        })
        .collect()
}

fn read_kind(
    source: &Source<'_>,
    syntax: &CommandSyntax<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Kind {
    let word = types::read(source, diagnostics);
    report_misspelt_files(source, diagnostics);
    match word {
        Some("oneshot") => Kind::Oneshot(read_oneshot(source, syntax, diagnostics)),
        Some("longrun") => Kind::Longrun(Box::new(read_longrun(source, diagnostics))),
        Some(_) => Kind::Bundle(read_bundle(source, diagnostics)),
        None => Kind::Unknown,
    }
}

fn report_misspelt_files(source: &Source<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let known = || SERVICE_FILES.into_iter().chain(LONG_NAMES);
    for (name, dir) in source.names() {
        let Some(text) = name.to_str().filter(|text| text.len() > 6) else {
            continue;
        };
        if known().any(|known| known == text) || text.starts_with('.') {
            continue;
        }
        let long = known().filter(|known| known.len() > 6);
        if let Some(meant) = nearest(text, long, MISSPELLING).filter(|meant| !source.has(meant)) {
            let path = dir.join(name);
            diagnostics.push(Diagnostic::warning(
                &path,
                format!("no file of that name means anything; did you mean {meant}"),
                format!(
                    "rename it: mv {} {}",
                    shell_word(&path),
                    shell_word(&dir.join(meant))
                ),
            ));
        }
    }
}

fn read_bundle(source: &Source<'_>, diagnostics: &mut Vec<Diagnostic>) -> Bundle {
    let contents = references::list(source, "contents", diagnostics);
    if contents.is_none() && !USER_BUNDLES.contains(&source.name.as_str()) {
        let dir = source.dir();
        diagnostics.push(Diagnostic::error(
            &dir,
            format!("bundle {} has no contents.d", source.name),
            format!(
                "mkdir {} and put an empty file into it for each service",
                shell_word(&dir.join("contents.d"))
            ),
        ));
    }
    report_useless(
        source,
        "a bundle",
        &["dependencies", "dependencies.d", "run", "up"],
        diagnostics,
    );
    Bundle {
        contents: contents.unwrap_or_default(),
        is_pipeline: false,
    }
}

fn read_oneshot(
    source: &Source<'_>,
    syntax: &CommandSyntax<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Oneshot {
    let up = commands::read(source, "up", syntax, diagnostics);
    if !source.has("up") {
        let path = source.dir().join("up");
        diagnostics.push(Diagnostic::error(
            &source.dir(),
            format!("oneshot {} has no up file", source.name),
            format!(
                "write the path of a script to {}, or leave that file empty",
                shell_word(&path)
            ),
        ));
    }
    report_useless(
        source,
        "a oneshot",
        &[
            "contents",
            "contents.d",
            "producer-for",
            "consumer-for",
            "pipeline-name",
            "notification-fd",
            "notify",
        ],
        diagnostics,
    );
    Oneshot {
        up: up.unwrap_or_default(),
        down: commands::read(source, "down", syntax, diagnostics),
        reload: commands::read(source, "reload", syntax, diagnostics),
        timeouts: with_directory(source, diagnostics, read_timeouts),
        dependencies: dependencies(source, diagnostics),
    }
}

fn read_longrun(source: &Source<'_>, diagnostics: &mut Vec<Diagnostic>) -> Longrun {
    let run = source.file("run").map(|(path, _)| path);
    let dir = run
        .as_deref()
        .and_then(Path::parent)
        .map_or_else(|| source.dir(), Path::to_owned);
    let (service, timeouts) = with_directory(source, diagnostics, |files| {
        (read_files(&source.name, &dir, files), read_timeouts(files))
    });
    report_streams(source, &service, diagnostics);
    report_ignored(source, diagnostics);
    let files = SERVICE_FILES.iter().filter_map(|name| {
        let (path, _) = source.file(name)?;
        Some((OsString::from(name), path))
    });
    let files = files.collect();
    let producer_for = single(source, "producer-for", diagnostics);
    let pipeline_name = single(source, "pipeline-name", diagnostics);
    Longrun {
        service,
        files,
        timeouts,
        dependencies: dependencies(source, diagnostics),
        producer_for,
        consumer_for: references::lines(source, "consumer-for", diagnostics),
        pipeline_name,
    }
}

/// Reports descriptors that a service has for something else already.
fn report_streams(source: &Source<'_>, service: &ServiceSpec, diagnostics: &mut Vec<Diagnostic>) {
    for (file, fd, effect) in [
        (
            "notification-fd",
            service.notification_fd,
            "the first line that it writes makes it ready",
        ),
        ("lock-fd", service.lock_fd, "it writes into the lock"),
    ] {
        let (Some(fd @ 1..=2), Some((path, _))) = (fd, source.file(file)) else {
            continue;
        };
        let stream = if fd == 1 { "output" } else { "error" };
        diagnostics.push(
            Diagnostic::warning(
                &path,
                format!("{file} is {fd}, the standard {stream} of the service: {effect}"),
                "take 3 or more, unless that is meant",
            )
            .at_line(1),
        );
    }
}

/// Reports the files of a service directory that s6-rc does not take from a source directory.
fn report_ignored(source: &Source<'_>, diagnostics: &mut Vec<Diagnostic>) {
    if let Some((path, _)) = source.file("down") {
        diagnostics.push(Diagnostic::warning(
            &path,
            format!("no effect: s6-rc starts {} nevertheless", source.name),
            format!(
                "remove it, and take {} out of the bundles that hold it if it is not to start",
                source.name
            ),
        ));
    }
    if let Some((path, Entry::Dir(_))) = source.file("log") {
        diagnostics.push(Diagnostic::warning(
            &path,
            "no effect: a longrun of s6-rc has no logger of its own",
            format!(
                "define the logger as a longrun with consumer-for, and name it in {}",
                shell_word(&path.with_file_name("producer-for"))
            ),
        ));
    }
    let files = ["contents", "contents.d", "up"];
    report_useless(source, "a longrun", &files, diagnostics);
}

/// Reports the files that mean something, but nothing for `kind`.
fn report_useless(
    source: &Source<'_>,
    kind: &str,
    files: &[&str],
    diagnostics: &mut Vec<Diagnostic>,
) {
    for file in files {
        if let Some((path, _)) = source.file(file) {
            diagnostics.push(Diagnostic::warning(
                &path,
                format!("no effect: {} is {kind}", source.name),
                "remove it, or correct the type",
            ));
        }
    }
}

fn dependencies(source: &Source<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Reference> {
    references::list(source, "dependencies", diagnostics).unwrap_or_default()
}

/// The one name in a file.
fn single(source: &Source<'_>, name: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Reference> {
    let mut references = references::lines(source, name, diagnostics);
    if let [_, second, ..] = references.as_slice() {
        let mut diagnostic = Diagnostic::error(
            &second.path,
            format!("it names {} services and may name one", references.len()),
            "leave one line in it",
        );
        diagnostic.line = second.line;
        diagnostics.push(diagnostic);
    }
    if references.is_empty()
        && let Some((path, Entry::File(_))) = source.file(name)
    {
        diagnostics.push(Diagnostic::error(
            &path,
            "it names nothing",
            "write a name to it, or remove it",
        ));
    }
    (!references.is_empty()).then(|| references.swap_remove(0))
}

fn read_timeouts(files: &mut Directory<'_>) -> Timeouts {
    let must = "a number of milliseconds in decimal digits";
    let mut read = |name| {
        files
            .number(name, must, "without limit", |_| true)
            .and_then(limit)
    };
    Timeouts {
        up: read("timeout-up"),
        down: read("timeout-down"),
    }
}

/// What `read` makes of the files that a supervisor reads, as if they were in one directory.
fn with_directory<T>(
    source: &Source<'_>,
    diagnostics: &mut Vec<Diagnostic>,
    read: impl FnOnce(&mut Directory<'_>) -> T,
) -> T {
    let mut tree = Tree::default();
    let mut places: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for name in SERVICE_FILES
        .into_iter()
        .chain(["timeout-up", "timeout-down"])
    {
        if let Some((path, entry)) = source.file(name) {
            // What is in its directories is no concern of the reader's, and can be much.
            let entry = match entry {
                Entry::Dir(_) => Entry::Dir(Tree::default()),
                Entry::File(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
                    entry.clone()
                }
            };
            tree.entries.insert(name.into(), entry);
            places.insert(name.into(), path);
        }
    }
    let dir = source.dir();
    let mut files = Directory::new(&dir, &tree, diagnostics).of_sources(&places);
    read(&mut files)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
