//! Reads the single files of a service directory.
//!
//! Never decides what a file means for the service, only whether its content is what it must be.
//! Called from `service_dir`.

use std::ffi::OsStr;
use std::path::Path;

use super::{fault, unusable};
use crate::text::{decimal, first_line, line_end_mend, quoted, trim_end};
use crate::tree::{Entry, Tree};
use crate::{Diagnostic, Severity, Signal};

/// The largest descriptor that a service may ask for; no process has more.
const MAX_DESCRIPTOR: u64 = 1_000_000;

/// A service directory, and where to put what is found wrong with it.
pub(super) struct Directory<'a> {
    source: &'a Path,
    tree: &'a Tree,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Directory<'a> {
    pub(super) fn new(
        source: &'a Path,
        tree: &'a Tree,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            source,
            tree,
            diagnostics,
        }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.tree.entries.get(OsStr::new(name))
    }

    /// Whether there is a script of that name; reports, with `severity`, an entry that is none.
    pub(super) fn script(&mut self, name: &str, severity: Severity) -> bool {
        match self.entry(name) {
            None => false,
            Some(Entry::File(_)) => true,
            Some(
                entry @ (Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_)),
            ) => {
                let mut diagnostic = unusable(&self.source.join(name), "script", entry);
                diagnostic.severity = severity;
                self.report(diagnostic);
                false
            }
        }
    }

    /// Whether an entry of that name is there, whatever it is. A link that leads nowhere is not,
    /// as access(2) sees it, and is reported.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.entry(name) {
            None => false,
            Some(Entry::Dangling) => {
                self.report(Diagnostic::warning(
                    &self.source.join(name),
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
    pub(super) fn number(
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
    pub(super) fn descriptor(&mut self, name: &str, instead: &str) -> Option<i32> {
        let must = "a descriptor from 1 to 1000000";
        self.number(name, must, instead, |number| {
            (1..=MAX_DESCRIPTOR).contains(&number)
        })
        .and_then(|number| i32::try_from(number).ok())
    }

    /// The signal that the file names.
    pub(super) fn signal(&mut self, name: &str, instead: &str) -> Option<Signal> {
        self.value(name, "a signal's name or number", instead, |line| {
            std::str::from_utf8(line).ok().and_then(Signal::parse)
        })
    }

    /// What `parse` makes of the first line of the file, without the blanks at its end; reports
    /// what the line `must` be and what is done `instead` when it makes nothing of it.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        must: &str,
        instead: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let path = self.source.join(name);
        let content = match self.entry(name)? {
            Entry::File(file) => &file.head,
            entry @ (Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_)) => {
                self.report(Diagnostic::warning(
                    &path,
                    format!("it {} and must be a file; {instead}", fault(entry)),
                    format!("make it a file that holds {must}"),
                ));
                return None;
            }
        };
        let line = first_line(content);
        let text = trim_end(line);
        let Some(value) = parse(text) else {
            self.report(
                Diagnostic::warning(
                    &path,
                    format!("{} is not {must}; {instead}", quoted(text)),
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
    pub(super) fn check_type(&mut self) {
        let Some(Entry::File(file)) = self.entry("type") else {
            return;
        };
        let kind = trim_end(first_line(&file.head));
        if kind == b"bundle" || kind == b"oneshot" {
            let kind = String::from_utf8_lossy(kind).into_owned();
            self.report(Diagnostic::warning(
                &self.source.join("type"),
                format!("type {kind} is not read here; the directory is a supervised service"),
                "move what runs once to /etc/cont-init.d, or remove the file",
            ));
        }
    }
}
