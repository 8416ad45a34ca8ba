//! The supervisor's decisions, without any IO.
//!
//! [`Engine::handle`] takes one [`Input`] at a time with the moment at which it happened, and
//! appends the [`Effect`]s that the daemon has to carry out, in order. Time is an argument, there
//! are no timers beside [`Engine::next_timeout`], and nothing here touches the world: the same
//! inputs always give the same effects.
//!
//! Everything that a container does is a node of one graph: the stages of boot are [`Sequence`]s
//! of scripts, the long-running programs are [`Service`]s, the services.d stage is a [`Gate`] that
//! is open once its services are up, and the CMD comes last. Nodes start when what they depend on
//! is up, and stop when nothing that depends on them is left.
//!
//! [`Sequence`]: sequence::Sequence
//! [`Service`]: service::Service
//! [`Gate`]: gate::Gate

pub mod cmd;
mod context;
pub mod definitions;
pub mod effect;
mod engine;
pub mod event;
pub mod gate;
mod graph;
pub mod input;
pub mod moment;
pub mod oneshot;
pub mod policy;
pub mod sequence;
pub mod service;
mod shutdown;

pub use definitions::Definitions;
pub use effect::{ChangeOutcome, Effect, Target, Work};
pub use engine::{CATCH_ALL, Engine};
pub use event::{Cause, Event, Transition};
pub use input::{Exit, Input, Listing, NodeId, Origin, RunId, SpawnFailure, Step};
pub use moment::Moment;
pub use policy::{Policy, Role};
pub use service::{Command, Pulse, Standing};
