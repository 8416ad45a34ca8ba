//! PID 1: a tokio runtime of one thread around the engine.
//!
//! [`boot::run`] prepares the container and hands over to the dispatcher, which turns everything
//! that happens into one [`sixfold_engine::Input`] at a time and carries out the effects. Each
//! process that is ours belongs to a [`unit`], a task that owns the `tokio::process::Child`; the
//! [`reaper`] takes what is nobody's. Nothing here may block, start a thread, or die.

pub mod boot;
mod capture;
mod catch_all;
mod charge;
mod clock;
mod compiled;
pub mod contenv;
mod control;
mod definitions;
mod dispatcher;
mod diversion;
mod exit_code;
mod launch;
mod layout;
mod listing;
mod live;
pub mod logdir;
mod outlet;
mod phase;
mod reaper;
mod record;
mod refusal;
mod reload;
mod report;
mod requests;
mod scandir;
mod shell;
mod signals;
pub mod snapshot;
pub mod sources;
mod subscriber;
pub mod supervise;
mod syslog;
mod unit;
mod watch;
mod world;

pub use boot::{Invocation, run};
pub use supervise::{Ending, ScanOptions};
