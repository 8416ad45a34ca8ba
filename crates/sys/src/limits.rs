//! Resource limits of this process, which a program that it becomes inherits (setrlimit(2)).

use std::io;

pub use nix::sys::resource::{RLIM_INFINITY, Resource};
use nix::sys::resource::{getrlimit, setrlimit};

/// Which of the two limits are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The soft one, which counts.
    Soft,
    /// The hard one, up to which the soft one can be raised.
    Hard,
    /// Both.
    Both,
}

/// Sets limits of `resource` to `value`; without one, to as much as there is: the soft limit to the
/// hard one, the hard limit to none. A soft limit is never set above the hard one.
///
/// # Errors
/// What getrlimit(2) and setrlimit(2) report: EPERM for raising a hard limit.
pub fn set(resource: Resource, which: Which, value: Option<u64>) -> io::Result<()> {
    let (mut soft, mut hard) = getrlimit(resource)?;
    if which != Which::Soft {
        hard = value.unwrap_or(RLIM_INFINITY);
    }
    if which != Which::Hard {
        soft = value.map_or(hard, |value| value.min(hard));
    }
    Ok(setrlimit(resource, soft, hard)?)
}
