//! Reads `type`, the file that makes a directory a definition.

use std::path::{Path, PathBuf};

use super::super::sources::{Source, USER_BUNDLES};
use super::MISSPELLING;
use crate::Diagnostic;
use crate::service_dir::fault;
use crate::text::{line_end_mend, nearest, quoted, shell_word};
use crate::tree::Entry;

/// The words that a `type` file may hold.
const TYPES: [&str; 3] = ["oneshot", "longrun", "bundle"];

/// The word in the `type` file. Several layers may have one, as long as they agree.
pub(super) fn read(source: &Source<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<&'static str> {
    let is_user_bundle = USER_BUNDLES.contains(&source.name.as_str());
    let mut found: Vec<(&'static str, PathBuf)> = Vec::new();
    let mut has_wrong = false;
    for (path, entry, _) in source.all("type") {
        match read_type_file(source, &path, entry) {
            Ok(word) => found.push((word, path)),
            Err(diagnostic) => {
                has_wrong = true;
                diagnostics.push(diagnostic);
            }
        }
    }
    let Some((word, path)) = found.first() else {
        if has_wrong {
            return None;
        }
        if is_user_bundle {
            // s6-overlay itself writes this file where an image has none.
            return Some("bundle");
        }
        diagnostics.push(missing_type(source));
        return None;
    };
    for (other, elsewhere) in found.iter().skip(1) {
        if other != word {
            diagnostics.push(Diagnostic::error(
                path,
                format!(
                    "{} is a {word} here and a {other} in {}",
                    source.name,
                    elsewhere.display()
                ),
                format!(
                    "give one of the two another name, or remove {}",
                    shell_word(path)
                ),
            ));
            return None;
        }
        if !is_user_bundle {
            diagnostics.push(Diagnostic::warning(
                path,
                format!(
                    "{} is defined here and in {}, which s6-overlay refuses; the files of both are \
                     taken together, those of this directory first",
                    source.name,
                    elsewhere.display()
                ),
                format!(
                    "remove {} if it only adds to the other definition, or rename it",
                    shell_word(path)
                ),
            ));
        }
    }
    (!has_wrong).then_some(*word)
}

fn read_type_file(
    source: &Source<'_>,
    path: &Path,
    entry: &Entry,
) -> Result<&'static str, Diagnostic> {
    let content = match entry {
        Entry::File(file) => file.head.as_slice(),
        Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
            return Err(Diagnostic::error(
                path,
                format!("it {} and must be a file", fault(entry)),
                "make it a file that holds oneshot, longrun or bundle",
            ));
        }
    };
    let line = content.strip_suffix(b"\n").unwrap_or(content);
    if let Some(word) = TYPES.iter().find(|word| word.as_bytes() == line) {
        return Ok(word);
    }
    let text = String::from_utf8_lossy(line).trim().to_ascii_lowercase();
    let exact = TYPES.iter().find(|word| **word == text).copied();
    if exact.is_some() && line.ends_with(b"\r") {
        return Err(Diagnostic::error(
            path,
            format!("CRLF line end: the type is {} and not {text}", quoted(line)),
            line_end_mend(path),
        )
        .at_line(1));
    }
    let meant = exact.or_else(|| nearest(&text, TYPES, MISSPELLING));
    let suggestion = meant.map_or_else(String::new, |word| format!("; did you mean {word}"));
    let word = meant.or_else(|| looks_like(source)).unwrap_or("longrun");
    Err(Diagnostic::error(
        path,
        format!(
            "the type is {} and must be oneshot, longrun or bundle, with one newline at the most\
             {suggestion}",
            quoted(line)
        ),
        format!("echo {word} > {}", shell_word(path)),
    )
    .at_line(1))
}

fn missing_type(source: &Source<'_>) -> Diagnostic {
    let dir = source.dir();
    let name = &source.name;
    let path = dir.join("type");
    match looks_like(source) {
        Some(word) => Diagnostic::error(
            &dir,
            format!("{name} has no type file"),
            format!("echo {word} > {}", shell_word(&path)),
        ),
        None if source.has("dependencies.d") => Diagnostic::error(
            &dir,
            format!("{name} has no type file: it adds dependencies to something that is not there"),
            format!("define {name}, or remove the directory"),
        ),
        None => Diagnostic::error(
            &dir,
            format!("{name} has no type file"),
            format!(
                "write oneshot, longrun or bundle to {}, or remove the directory",
                shell_word(&path)
            ),
        ),
    }
}

/// The type that the other files speak for.
fn looks_like(source: &Source<'_>) -> Option<&'static str> {
    if source.has("contents.d") || source.has("contents") {
        Some("bundle")
    } else if source.has("up") {
        Some("oneshot")
    } else if source.has("run") {
        Some("longrun")
    } else {
        None
    }
}
