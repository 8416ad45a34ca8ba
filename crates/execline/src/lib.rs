//! The execline language without IO: what a script's bytes mean as an argument vector, what the
//! blocks and references in it mean, and what each command of the language asks for by its words
//! and environment alone.
//!
//! A command is planned ([`plan`]): its words and the environment go in, a [`Step`] comes out, which
//! says what has to be done outside (run this child, open that file) and what follows. Whoever
//! carries it out (the applets of the executable) decides nothing. Nothing here reads a file, asks
//! for the time, or panics on any input.

pub mod block;
pub mod command;
pub mod environment;
pub mod fault;
pub mod lexer;
pub mod options;
pub mod status;
pub mod step;
pub mod strict;
pub mod substitution;
pub mod transform;

pub use command::{Command, plan};
pub use environment::Environment;
pub use fault::Fault;
pub use status::Ended;
pub use step::Step;

/// A word of an argument vector: any bytes but NUL.
pub type Word = Vec<u8>;
/// An argument vector, or a part of one.
pub type Words = Vec<Word>;
