//! What s6-rc-compile would say of the sources: one line about the first thing that is wrong, in its
//! words, since scripts and people know them.
//!
//! The diagnostics say everything, and better. This knows no finding of its own but for what
//! s6-overlay mends before it compiles, and s6-rc-compile alone refuses: a name that two directories
//! define, and a bundle without its `type`. Called from the command of that name.

mod files;
mod names;

use super::{CommandSyntax, Graph, Layer};
use crate::{Diagnostic, Severity};

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What s6-rc-compile says of it.
    pub message: String,
    /// Whose fault it is, which decides the exit code.
    pub cause: Cause,
}

/// Why s6-rc-compile fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// What is written in the sources.
    Sources,
    /// The system, or a file that is not there, or a number that is none.
    System,
}

impl Verdict {
    fn sources(message: String) -> Self {
        Self {
            message,
            cause: Cause::Sources,
        }
    }

    fn system(message: String) -> Self {
        Self {
            message,
            cause: Cause::System,
        }
    }
}

/// What s6-rc-compile says of `layers`, of which `graph` and `diagnostics` are what [`super::read`]
/// gave; `None` if it takes them.
pub fn verdict(
    layers: &[Layer],
    graph: &Graph,
    diagnostics: &[Diagnostic],
    syntax: &CommandSyntax<'_>,
) -> Option<Verdict> {
    files::verdict(layers, graph, diagnostics, syntax)
        .or_else(|| names::verdict(graph).map(Verdict::sources))
        .or_else(|| {
            let mut errors = diagnostics.iter();
            let first = errors.find(|it| it.severity == Severity::Error)?;
            let place = match (&first.path, first.line) {
                (Some(path), Some(line)) => format!("{}:{line}: ", path.display()),
                (Some(path), None) => format!("{}: ", path.display()),
                (None, _) => String::new(),
            };
            Some(Verdict::sources(format!("{place}{}", first.message)))
        })
}

#[cfg(test)]
mod tests;
