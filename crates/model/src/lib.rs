//! What a service is: the specs that the engine works from, and the pure code that reads them out
//! of directory snapshots, script heads and environment variables.
//!
//! Nothing here does IO or asks for the time; nothing here panics on any input.
//! Whatever is wrong with the input becomes a [`Diagnostic`] beside the value, never a lost value.

pub mod diagnostic;
pub mod environment;
pub mod exit_code;
pub mod fix_attrs;
pub mod logging;
pub mod rc;
pub mod script;
pub mod service;
pub mod service_dir;
pub mod settings;
pub mod signal;
mod text;
pub mod tree;

pub use diagnostic::{Diagnostic, Severity};
pub use rc::Graph;
pub use script::{Inspection, Launch};
pub use service::ServiceSpec;
pub use settings::{LogFormat, Settings};
pub use signal::Signal;
