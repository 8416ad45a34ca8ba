//! Reads the single files of a service directory.
//!
//! Never decides what a file means for the service, only whether its content is what it must be.
//! Called from `service_dir` and `rc`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{fault, unusable};
use crate::text::{decimal, first_line, line_end_mend, quoted, trim_end};
use crate::tree::{Entry, Tree};
use crate::{Diagnostic, Severity, Signal};

/// The largest descriptor that a service may ask for; no process has more.
const MAX_DESCRIPTOR: u64 = 1_000_000;

/// A service directory, and where to put what is found wrong with it.
pub(crate) struct Directory<'a> {
    source: &'a Path,
    tree: &'a Tree,
    /// Where the files lie that are not in `source`.
    elsewhere: Option<&'a BTreeMap<OsString, PathBuf>>,
    /// How a value that is wrong counts. As an error it leaves the service broken, and nothing is
    /// taken instead.
    wrong: Severity,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Directory<'a> {
    pub(crate) fn new(
        source: &'a Path,
        tree: &'a Tree,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            source,
            tree,
            elsewhere: None,
            wrong: Severity::Warning,
            diagnostics,
        }
    }

    /// The same for a source directory of s6-rc, which refuses what s6-supervise takes for the
    /// default, and whose files may lie in several places.
    pub(crate) fn of_sources(mut self, places: &'a BTreeMap<OsString, PathBuf>) -> Self {
        self.elsewhere = Some(places);
        self.wrong = Severity::Error;
        self
    }

    /// Where the file `name` lies, or would.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.elsewhere
            .and_then(|places| places.get(OsStr::new(name)))
            .cloned()
            .unwrap_or_else(|| self.source.join(name))
    }

    /// The finding that the file at `path` holds something wrong: `found`, and what is done
    /// `instead`.
    fn wrong_value(&self, path: &Path, found: &str, instead: &str, mend: String) -> Diagnostic {
        match self.wrong {
            Severity::Warning => Diagnostic::warning(path, format!("{found}; {instead}"), mend),
            Severity::Error => Diagnostic::error(path, found, mend),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Whether anything of that name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.tree.entries.get(OsStr::new(name))
    }

    /// Whether there is a script of that name; reports, with `severity`, an entry that is none.
    pub(crate) fn script(&mut self, name: &str, severity: Severity) -> bool {
        match self.entry(name) {
            None => false,
            Some(Entry::File(_)) => true,
            Some(
                entry @ (Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_)),
            ) => {
                let mut diagnostic = unusable(&self.path(name), "script", entry);
                diagnostic.severity = severity;
                self.report(diagnostic);
                false
            }
        }
    }

    /// Whether an entry of that name is there, whatever it is. A link that leads nowhere is not,
    /// as access(2) sees it, and is reported.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.entry(name) {
            None => false,
            Some(Entry::Dangling) => {
                self.report(Diagnostic::warning(
                    &self.path(name),
                    "counts as absent: it is a link that leads nowhere",
                    "make it an empty file, or remove it",
                ));
                false
            }
            Some(Entry::File(_) | Entry::Dir(_) | Entry::Special | Entry::Unreadable(_)) => true,
        }
    }

    /// The number in the first line of the file, when it is one that is `accepted`; else reports
    /// what it `must` be and what is done `instead`.
    pub(crate) fn number(
        &mut self,
        name: &str,
        must: &str,
        instead: &str,
        accepted: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        self.value(name, must, instead, |line| {
            decimal(line).filter(|number| accepted(*number))
        })
    }

    /// The descriptor whose number the file holds.
    pub(crate) fn descriptor(&mut self, name: &str, instead: &str) -> Option<i32> {
        let must = "a descriptor from 1 to 1000000";
        self.number(name, must, instead, |number| {
            (1..=MAX_DESCRIPTOR).contains(&number)
        })
        .and_then(|number| i32::try_from(number).ok())
    }

    /// The signal that the file names. s6-rc does not look at it, so it is never an error.
    pub(crate) fn signal(&mut self, name: &str, instead: &str) -> Option<Signal> {
        let wrong = std::mem::replace(&mut self.wrong, Severity::Warning);
        let signal = self.value(name, "a signal's name or number", instead, |line| {
            std::str::from_utf8(line).ok().and_then(Signal::parse)
        });
        self.wrong = wrong;
        signal
    }

    /// Whether what has that name is a directory or a program, and so no file with a value: images
    /// have files of their own in service directories, and s6 leaves them alone.
    pub(crate) fn is_of_the_image(&self, name: &str) -> bool {
        match self.entry(name) {
            Some(Entry::Dir(_)) => true,
            Some(Entry::File(file)) => [&b"#!"[..], b"\x7fELF"]
                .iter()
                .any(|magic| file.head.starts_with(magic)),
            Some(Entry::Special | Entry::Dangling | Entry::Unreadable(_)) | None => false,
        }
    }

    /// Whether the file holds the word `wanted`. Anything else is an error everywhere.
    pub(crate) fn word(&mut self, name: &str, wanted: &str) -> bool {
        let wrong = std::mem::replace(&mut self.wrong, Severity::Error);
        let must = format!("the word {wanted}");
        let found = self.value(name, &must, "", |line| {
            (line == wanted.as_bytes()).then_some(())
        });
        self.wrong = wrong;
        found.is_some()
    }

    /// What `parse` makes of the first line of the file, without the blanks at its end; reports
    /// what the line `must` be and what is done `instead` when it makes nothing of it.
    pub(crate) fn value<T>(
        &mut self,
        name: &str,
        must: &str,
        instead: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entry(name)?;
        let path = self.path(name);
        let content = match entry {
            Entry::File(file) => &file.head,
            entry @ (Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_)) => {
                self.report(self.wrong_value(
                    &path,
                    &format!("it {} and must be a file", fault(entry)),
                    instead,
                    format!("make it a file that holds {must}"),
                ));
                return None;
            }
        };
        let line = first_line(content);
        let text = trim_end(line);
        let Some(value) = parse(text) else {
            self.report(
                self.wrong_value(
                    &path,
                    &format!("{} is not {must}", quoted(text)),
                    instead,
                    format!("write {must}, or remove the file"),
                )
                .at_line(1),
            );
            return None;
        };
        if line.len() != text.len() && line.contains(&b'\r') {
            let message = "CRLF line end; read without the carriage return";
            self.report(Diagnostic::warning(&path, message, line_end_mend(&path)).at_line(1));
        }
        Some(value)
    }

    /// Reports a `type` file that asks for what only a source definition of s6-rc can be.
    pub(crate) fn check_type(&mut self) {
        let Some(Entry::File(file)) = self.entry("type") else {
            return;
        };
        let kind = trim_end(first_line(&file.head));
        if kind == b"bundle" || kind == b"oneshot" {
            let kind = String::from_utf8_lossy(kind).into_owned();
            self.report(Diagnostic::warning(
                &self.path("type"),
                format!("type {kind} is not read here; the directory is a supervised service"),
                "move what runs once to /etc/cont-init.d, or remove the file",
            ));
        }
    }
}
