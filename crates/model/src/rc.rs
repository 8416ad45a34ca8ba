//! Services of s6-rc: from the source directories of an image to a graph that can be started.
//!
//! [`read`] does all of it: it merges the layers of sources (`sources`), reads each definition
//! (`definition`) and resolves what they say of each other (`graph`). It never gives up: what is
//! wrong becomes a diagnostic, all of them at once, what is sound stays, and what needs something
//! broken is marked. What s6-rc-compile refuses is an error here, what it takes and nobody can have
//! meant is a warning. Nothing recurses: the depth of a graph is the image's choice.
//!
//! Called from the daemon at boot, and from `sixfold check`, `sixfold graph` and `s6-rc-compile`.

pub mod database;
pub mod definition;
pub mod graph;
mod reader;
mod references;
mod shell;
pub mod sources;
pub mod stock;
mod verdict;

pub use database::Database;
pub use definition::{Definition, Kind};
pub use graph::{Graph, Id, Node, Standing};
pub use sources::{Layer, Origin};
pub use verdict::{Cause, Verdict, verdict};

use crate::Diagnostic;

/// What is wrong with a command line of execline, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: u32,
    /// The byte in the line, counted from 1.
    pub column: u32,
    /// What is wrong: a few lower-case words.
    pub message: String,
}

/// What reads the text of an `up` or `down` file into the words of its command line, of which there
/// are none in a text of comments. The language has a crate of its own, which this one must not
/// import.
pub type CommandSyntax<'a> = dyn Fn(&[u8]) -> Result<Vec<Vec<u8>>, SyntaxError> + 'a;

/// The graph of all services that `layers` define, the first of which counts most, and everything
/// that is wrong with them.
pub fn read(layers: &[Layer], syntax: &CommandSyntax<'_>) -> (Graph, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let sources = sources::merge(layers, &mut diagnostics);
    let definitions = reader::read(&sources, syntax, &mut diagnostics);
    let graph = Graph::resolve(definitions, &mut diagnostics);
    (graph, diagnostics)
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
