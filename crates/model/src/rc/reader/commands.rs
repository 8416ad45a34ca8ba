//! Reads `up`, `down` and `reload`: one command line of execline each, which must not be taken for
//! a shell script.

use super::super::definition::CommandLine;
use super::super::sources::Source;
use super::super::{CommandSyntax, shell};
use crate::Diagnostic;
use crate::service_dir::fault;
use crate::text::shell_word;
use crate::tree::Entry;

/// The command line in the file `name`; `None` if there is none that could be read.
pub(super) fn read(
    source: &Source<'_>,
    name: &str,
    syntax: &CommandSyntax<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CommandLine> {
    let (path, entry) = source.file(name)?;
    let file = match entry {
        Entry::File(file) => file,
        Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
            diagnostics.push(Diagnostic::error(
                &path,
                format!("it {} and must be a file", fault(entry)),
                "make it a file that holds the path of a script",
            ));
            return None;
        }
    };
    let read = u64::try_from(file.head.len()).unwrap_or(u64::MAX);
    if read < file.size {
        diagnostics.push(Diagnostic::error(
            &path,
            format!(
                "it has {} bytes, of which only {read} could be read",
                file.size
            ),
            "let it hold the path of a script, and be readable",
        ));
        return None;
    }
    let script = format!("/etc/s6-overlay/scripts/{}", source.name);
    let move_out = || {
        format!(
            "move it to an executable script, such as {script}, and let {} hold that path alone",
            shell_word(&path)
        )
    };
    match syntax(&file.head) {
        Err(error) => {
            // A shell script is seldom sound execline, and the quotes are not what is wrong with it.
            let diagnostic = match shell::signs(&file.head).into_iter().find(|it| it.is_error) {
                Some(sign) => Diagnostic::error(&path, sign.message, move_out()).at_line(sign.line),
                None => Diagnostic::error(
                    &path,
                    format!(
                        "{} in column {} of this execline command line",
                        error.message, error.column
                    ),
                    format!("correct it, or {}", move_out()),
                )
                .at_line(error.line),
            };
            diagnostics.push(diagnostic);
            None
        }
        Ok(words) => {
            for sign in shell::signs(&file.head) {
                let diagnostic = if sign.is_error {
                    Diagnostic::error(&path, sign.message, move_out())
                } else {
                    Diagnostic::warning(&path, sign.message, move_out())
                };
                diagnostics.push(diagnostic.at_line(sign.line));
            }
            Some(CommandLine { path, words })
        }
    }
}
