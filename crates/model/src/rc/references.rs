//! Reads the lists of names in a definition: directories like `dependencies.d`, in which the names
//! of the entries count, and files like `dependencies`, with a name in each line.
//!
//! Never asks whether there is anything of such a name: `graph` does. Called from `reader`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use super::definition::Reference;
use super::sources::Source;
use crate::Diagnostic;
use crate::service_dir::fault;
use crate::text::{is_hidden, line_end_mend, quoted, shell_word};
use crate::tree::{Entry, File};

/// The names in all directories called `NAME.d`, and in the file `NAME` of each layer that has no
/// such directory; `None` if there is neither.
pub(super) fn list(
    source: &Source<'_>,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<Reference>> {
    let directory = format!("{name}.d");
    if !source.has(&directory) && !source.has(name) {
        return None;
    }
    let mut references: Vec<Reference> = Vec::new();
    for place in &source.places {
        let entry = |name: &str| place.tree.entries.get(OsStr::new(name));
        let (file, path) = (entry(name), place.dir.join(name));
        match (entry(&directory), file) {
            (Some(entry), file) => {
                let directory = place.dir.join(&directory);
                let names = read_directory(&directory, entry, diagnostics);
                if let Some(Entry::File(file)) = file {
                    diagnostics.extend(ignored_lines(&path, file, &directory, &names));
                }
                references.extend(names);
            }
            (None, Some(entry)) => references.extend(read_file(&path, entry, diagnostics)),
            (None, None) => {}
        }
    }
    let mut known = BTreeSet::new();
    references.retain(|reference| known.insert(reference.name.clone()));
    Some(references)
}

/// The names in the file `name`; none if there is none.
pub(super) fn lines(
    source: &Source<'_>,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Reference> {
    source
        .file(name)
        .map(|(path, entry)| read_file(&path, entry, diagnostics))
        .unwrap_or_default()
}

fn read_file(path: &Path, entry: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Vec<Reference> {
    match entry {
        Entry::File(file) => {
            let (references, found) = read_lines(path, file);
            diagnostics.extend(found);
            references
        }
        Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
            diagnostics.push(Diagnostic::error(
                path,
                format!("it {} and must be a file", fault(entry)),
                "make it a file with a name in each line",
            ));
            Vec::new()
        }
    }
}

fn read_directory(
    directory: &Path,
    entry: &Entry,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Reference> {
    match entry {
        Entry::Dir(tree) => tree
            .entries
            .keys()
            .filter(|name| !is_hidden(name))
            .map(|name| Reference {
                name: name.to_string_lossy().into_owned(),
                path: directory.join(name),
                line: None,
            })
            .collect(),
        Entry::File(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
            diagnostics.push(Diagnostic::error(
                directory,
                format!("it {} and must be a directory", fault(entry)),
                "make it a directory that holds an empty file for each name",
            ));
            Vec::new()
        }
    }
}

/// The finding that a file of names is not looked at, because there is a directory.
fn ignored_lines(
    path: &Path,
    file: &File,
    directory: &Path,
    taken: &[Reference],
) -> Option<Diagnostic> {
    let (references, _) = read_lines(path, file);
    let lost: Vec<String> = references
        .into_iter()
        .filter(|reference| !taken.iter().any(|other| other.name == reference.name))
        .map(|reference| reference.name)
        .collect();
    (!lost.is_empty()).then(|| {
        Diagnostic::warning(
            path,
            format!(
                "not read, because there is {}; {} counts for nothing here",
                directory.display(),
                lost.join(", ")
            ),
            format!(
                "add what is missing to {}, and remove the file",
                shell_word(directory)
            ),
        )
    })
}

fn read_lines(path: &Path, file: &File) -> (Vec<Reference>, Vec<Diagnostic>) {
    let mut references = Vec::new();
    let mut diagnostics = Vec::new();
    let mut known = BTreeSet::new();
    if u64::try_from(file.head.len()).is_ok_and(|read| read < file.size) {
        diagnostics.push(Diagnostic::error(
            path,
            format!(
                "it has {} bytes, of which only {} could be read",
                file.size,
                file.head.len()
            ),
            "let it hold a name in each line, and be readable",
        ));
    }
    let mut has_crlf = false;
    for (index, line) in file.head.split(|&byte| byte == b'\n').enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let line = line.trim_ascii_start();
        let name = line.trim_ascii_end();
        if name.is_empty() || name.starts_with(b"#") {
            continue;
        }
        let is_crlf = line.ends_with(b"\r");
        if line.len() != name.len() && !(is_crlf && has_crlf) {
            has_crlf |= is_crlf;
            let (message, mend) = if is_crlf {
                (
                    format!("CRLF line end, which is part of the name {}", quoted(line)),
                    line_end_mend(path),
                )
            } else {
                (
                    format!("blanks at the end are part of the name {}", quoted(line)),
                    format!("remove them: sed -i 's/[ \\t]*$//' {}", shell_word(path)),
                )
            };
            diagnostics.push(Diagnostic::error(path, message, mend).at_line(number));
        }
        // Whatever is wrong with the end of the line: it is clear what was meant, and the rest of
        // the report is about that.
        let name = String::from_utf8_lossy(name).into_owned();
        if known.insert(name.clone()) {
            references.push(Reference {
                name,
                path: path.to_owned(),
                line: Some(number),
            });
        }
    }
    (references, diagnostics)
}
