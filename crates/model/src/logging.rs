//! What s6-log does, without doing it (s6.md B5): its script, which lines an action gets, where lines
//! end, what stands before them, and when a log directory begins a new file and which old ones go.
//!
//! Called by the command `s6-log` and its relatives, and by whatever else keeps a log directory.

mod lines;
mod rotation;
mod script;
mod selection;
mod stamp;
pub mod syslog;

pub use lines::{BLOCK, Lines, Piece};
pub use rotation::{Archive, Ending, Rotation, archive_name, is_archive, surplus};
pub use script::{
    Action, DirectoryAction, Processor, Rule, Script, ScriptError, ScriptErrorKind, Target,
};
pub use selection::{Matcher, Selection};
pub use stamp::{LOCAL_LENGTH, LocalTime, alerted, local_stamp, status};
