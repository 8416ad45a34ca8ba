//! The one broadcast that reaches every task.

/// What is announced to every task. It announces; the order of stopping is the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The container stops.
    Stopping,
    /// Everything is being killed.
    Killing,
    /// Nothing is left: tasks pass on what they still have, and end.
    Gone,
}
