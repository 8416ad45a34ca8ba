//! The harness of the black-box tests: it boots the release binary as PID 1, in namespaces
//! ([`Nest`]) or in a container ([`Container`]), and looks at it from outside.
//!
//! Nothing here links to Sixfold: what a test sees is what a user sees. Every wait is for an event
//! (a line, the end of a process) and has a hard deadline that panics with all the output so far.

pub mod bench;
mod binary;
pub mod budget;
pub mod calls;
pub mod compare;
mod container;
mod nest;
mod output;
mod process;
mod requirements;
mod running;
mod trace;
mod tree;

pub use binary::{binary, repository, sample_tree};
pub use container::{Container, Image, build_sample};
pub use nest::Nest;
pub use output::{Line, Output, Stream};
pub use process::{DEADLINE, Finished, Process, Streams, run_to_end};
pub use requirements::{
    docker_available, execline_available, root_available, s6_available, strace_available,
};
pub use running::{NestedProcess, Running, children};
pub use trace::Trace;
pub use tree::Tree;
