//! What s6-rc-compile says while it reads the directories, before it looks at what names mean.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use super::Verdict;
use crate::rc::definition::Kind;
use crate::rc::sources::reserved_prefix;
use crate::rc::{CommandSyntax, Graph, Layer};
use crate::text::is_hidden;
use crate::tree::{Entry, Tree};
use crate::{Diagnostic, Severity};

const NO_SUCH_FILE: &str = "No such file or directory";
/// The files of a longrun that hold a number, a signal or a word; the second and the third are our own.
const VALUES: [&str; 9] = [
    "notification-fd",
    "notify",
    "timeout-watchdog",
    "lock-fd",
    "timeout-kill",
    "timeout-finish",
    "max-death-tally",
    "down-signal",
    "reload-signal",
];
const TIMEOUTS: [&str; 2] = ["timeout-up", "timeout-down"];

/// The first thing that is wrong with the files of one definition or another.
pub(super) fn verdict(
    layers: &[Layer],
    graph: &Graph,
    diagnostics: &[Diagnostic],
    syntax: &CommandSyntax<'_>,
) -> Option<Verdict> {
    let mut known: BTreeMap<&OsStr, &'static str> = BTreeMap::new();
    for layer in layers {
        for (name, entry) in &layer.tree.entries {
            if is_hidden(name) {
                continue;
            }
            let path = layer.dir.join(name);
            let tree = match entry {
                Entry::Dir(tree) => tree,
                Entry::File(_) | Entry::Special => continue,
                Entry::Dangling | Entry::Unreadable(_) => {
                    return Some(unable("stat", &path, entry));
                }
            };
            let Some(text) = name.to_str() else {
                continue;
            };
            if reserved_prefix(text).is_some() {
                let source = layer.dir.display();
                return Some(Verdict::sources(format!(
                    "in {source}: identifier {text} starts with reserved prefix"
                )));
            }
            let kind = match read_type(&path, tree) {
                Ok(kind) => kind,
                Err(verdict) => return Some(verdict),
            };
            if let Some(before) = known.insert(name, kind) {
                return Some(duplicate(text, &layer.dir, before));
            }
            let definition = Definition {
                name: text,
                path: &path,
                tree,
                graph,
                diagnostics,
            };
            let wrong = match kind {
                "longrun" => definition.longrun(),
                "oneshot" => definition.oneshot(syntax),
                _ => definition.bundle(),
            };
            if wrong.is_some() {
                return wrong;
            }
        }
    }
    None
}

/// That something of that name is there already, and is a `kind`.
pub(super) fn duplicate(name: &str, source: &Path, kind: &str) -> Verdict {
    Verdict::sources(format!(
        "duplicate service definition: {name} defined in {} is already defined and has type {kind}",
        source.display()
    ))
}

fn read_type(dir: &Path, tree: &Tree) -> Result<&'static str, Verdict> {
    let path = dir.join("type");
    match tree.entries.get(OsStr::new("type")) {
        Some(Entry::File(file)) => {
            if file.head.is_empty() && file.size > 0 {
                let message = format!("unable to read {}: Permission denied", path.display());
                return Err(Verdict::system(message));
            }
            let line = file.head.strip_suffix(b"\n").unwrap_or(&file.head);
            let kinds = ["oneshot", "longrun", "bundle"];
            kinds
                .into_iter()
                .find(|kind| kind.as_bytes() == line)
                .ok_or_else(|| {
                    Verdict::sources(format!(
                        "invalid {}: must be oneshot, longrun, or bundle",
                        path.display()
                    ))
                })
        }
        Some(entry @ (Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_))) => {
            Err(unable("read", &path, entry))
        }
        None => Err(unable("read", &path, &Entry::Dangling)),
    }
}

/// That `verb` does not go with what is at `path`.
fn unable(verb: &str, path: &Path, entry: &Entry) -> Verdict {
    let why = match entry {
        Entry::Dangling => NO_SUCH_FILE,
        Entry::Dir(_) => "Is a directory",
        Entry::File(_) | Entry::Special => "Invalid argument",
        Entry::Unreadable(reason) => reason.split(" (os error ").next().unwrap_or_default(),
    };
    Verdict::system(format!("unable to {verb} {}: {why}", path.display()))
}

/// The files of one definition.
struct Definition<'a> {
    name: &'a str,
    path: &'a Path,
    tree: &'a Tree,
    graph: &'a Graph,
    diagnostics: &'a [Diagnostic],
}

impl Definition<'_> {
    fn entry(&self, file: &str) -> Option<&Entry> {
        self.tree.entries.get(OsStr::new(file))
    }

    fn bundle(&self) -> Option<Verdict> {
        let has_contents = ["contents", "contents.d"]
            .iter()
            .any(|file| self.entry(file).is_some());
        (!has_contents).then(|| unable("open", &self.path.join("contents"), &Entry::Dangling))
    }

    fn oneshot(&self, syntax: &CommandSyntax<'_>) -> Option<Verdict> {
        if matches!(self.entry("up"), None | Some(Entry::Dangling)) {
            return Some(unable("open", &self.path.join("up"), &Entry::Dangling));
        }
        ["up", "down", "reload"]
            .iter()
            .find_map(|file| self.command_line(file, syntax))
            .or_else(|| self.timeouts())
    }

    fn command_line(&self, file: &str, syntax: &CommandSyntax<'_>) -> Option<Verdict> {
        let Some(Entry::File(content)) = self.entry(file) else {
            return None;
        };
        let error = syntax(&content.head).err()?;
        let what = if error.message.starts_with("unmatched") {
            format!(": {}", error.message)
        } else {
            String::new()
        };
        let path = self.path.join(file);
        Some(Verdict::sources(format!(
            "syntax error in {}{what}",
            path.display()
        )))
    }

    fn longrun(&self) -> Option<Verdict> {
        let run = self.path.join("run");
        match self.entry("run") {
            None | Some(Entry::Dangling) => {
                let message = format!("unable to find a run script in {}", run.display());
                return Some(Verdict::sources(message));
            }
            Some(Entry::Dir(_) | Entry::Special) => {
                let message = format!("{} is not a regular file", run.display());
                return Some(Verdict::sources(message));
            }
            Some(entry @ Entry::Unreadable(_)) => return Some(unable("stat", &run, entry)),
            Some(Entry::File(_)) => {}
        }
        if self.has_one_descriptor() {
            return Some(Verdict::sources(format!(
                "longrun {} has the same value for notification-fd and lock-fd",
                self.name
            )));
        }
        if let Some(file) = VALUES.iter().find(|file| self.has_error(file)) {
            let path = self.path.join(file);
            return Some(Verdict::system(format!("invalid {}", path.display())));
        }
        self.timeouts().or_else(|| {
            let single = ["producer-for", "pipeline-name"];
            let file = single.iter().find(|file| self.names_several(file))?;
            let path = self.path.join(file);
            Some(Verdict::sources(format!(
                "{} should only contain one service name",
                path.display()
            )))
        })
    }

    fn timeouts(&self) -> Option<Verdict> {
        let file = TIMEOUTS.iter().find(|file| self.has_error(file))?;
        let path = self.path.join(file);
        Some(Verdict::sources(format!("invalid {}", path.display())))
    }

    /// Whether there is an error about that file.
    fn has_error(&self, file: &str) -> bool {
        let path = self.path.join(file);
        let is_about = |it: &Diagnostic| it.path.as_ref() == Some(&path);
        let mut errors = self
            .diagnostics
            .iter()
            .filter(|it| it.severity == Severity::Error);
        errors.any(is_about)
    }

    /// Whether it announces its readiness on the descriptor that holds its lock.
    fn has_one_descriptor(&self) -> bool {
        let node = self.graph.find(self.name).and_then(|id| self.graph.get(id));
        match node.map(|node| &node.definition.kind) {
            Some(Kind::Longrun(longrun)) => {
                let service = &longrun.service;
                service.lock_fd.is_some() && service.lock_fd == service.notification_fd
            }
            Some(Kind::Oneshot(_) | Kind::Bundle(_) | Kind::Unknown) | None => false,
        }
    }

    fn names_several(&self, file: &str) -> bool {
        let Some(Entry::File(content)) = self.entry(file) else {
            return false;
        };
        let lines = content.head.split(|byte| *byte == b'\n');
        let is_name = |line: &&[u8]| {
            let line = line.trim_ascii_start();
            !line.is_empty() && !line.starts_with(b"#")
        };
        lines.filter(is_name).count() > 1
    }
}
