//! What the commands of s6-rc and a supervisor say to each other: over a socket in the scan directory
//! ([`crate::paths::REQUESTS`]), values of JSON, one a line. The client asks one thing, and reads
//! replies until the one that ends it; meanwhile it may take back what it asked for.
//!
//! With the first line may come three descriptors: the standard streams of whoever asks, which the
//! scripts of oneshots get (s6-rc(1)).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest line: a selection of thousands of long names fits.
pub const MOST: usize = 1024 * 1024;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// What is up. Answered by [`Reply::Status`].
    Status {
        /// Wait for a change at work instead of being told that there is one.
        block: bool,
    },
    /// Bring services up or take them down. Answered by what becomes of each and [`Reply::Ended`].
    Change(Change),
    /// What was asked for last is no longer wanted: nothing more is begun.
    Abort,
    /// Read the sources of s6-rc again and apply what differs; in a container only. Answered by
    /// differences, what becomes of each service, and [`Reply::Ended`].
    Reload {
        /// Only tell what differs.
        simulate: bool,
    },
    /// Take the services of a compiled database into the supervised scan directory, all of them down;
    /// around a scan directory of its own only. Answered by [`Reply::Ended`].
    Init {
        /// The live directory to make, absolute.
        live: PathBuf,
        /// The compiled database, absolute.
        compiled: PathBuf,
        /// What is put before the names in the scan directory.
        prefix: String,
    },
    /// Go over to another compiled database. Answered as a reload is.
    Update {
        /// The compiled database, absolute.
        compiled: PathBuf,
        /// How long it may take, in milliseconds; 0 is without limit.
        timeout: u64,
        /// Wait for a change at work instead of being told that there is one.
        block: bool,
        /// Only tell what would be stopped and started.
        simulate: bool,
        /// What became of services that have another name now: the old one, and the new.
        renamed: Vec<(String, String)>,
        /// Services, by their old names, that are stopped and started though they did not change.
        #[serde(default)]
        restarted: Vec<String>,
        /// Services that are essential are stopped too, where they would be if they were not.
        #[serde(default)]
        essential: bool,
    },
}

/// Which services to move, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Services and bundles.
    pub names: Vec<String>,
    /// Everything that is up as well (`-a`).
    pub all: bool,
    /// Down, and not up (`-d`).
    pub down: bool,
    /// Those that are essential too (`-D`).
    pub essential: bool,
    /// Exactly these: all others the other way (`-p`).
    pub prune: bool,
    /// How long it may take, in milliseconds; 0 is without limit (`-t`).
    pub timeout: u64,
    /// Wait for a change at work instead of being told that there is one (`-b`).
    pub block: bool,
}

/// Which way a service goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// It is brought up.
    Start,
    /// It is taken down.
    Stop,
}

/// What a supervisor answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// What is up.
    Status {
        /// The services that s6-rc counts as up, in the order of the database.
        up: Vec<String>,
        /// The longruns that their supervisors want up, in the same order.
        wanted: Vec<String>,
    },
    /// A service begins to move.
    Begun {
        /// Its name.
        service: String,
        /// Which way.
        transition: Transition,
    },
    /// It got there.
    Done {
        /// Its name.
        service: String,
        /// Which way.
        transition: Transition,
    },
    /// It did not.
    Failed {
        /// Its name.
        service: String,
        /// Which way.
        transition: Transition,
        /// The exit code of what moved it, as s6-rc has it, or nothing if a signal ended that.
        code: Option<i32>,
        /// The number of that signal.
        signal: Option<i32>,
    },
    /// It is essential, so that it is not stopped.
    Kept {
        /// Its name.
        service: String,
    },
    /// A service differs from what was known of it.
    Differs {
        /// Its name.
        service: String,
        /// In what way.
        how: Difference,
        /// What differs of it: files, or `dependencies`, `timeouts`, ...
        what: Vec<String>,
    },
    /// Something is wrong with the sources, or worth knowing.
    Said {
        /// Whether it is wrong.
        is_error: bool,
        /// What, with its file and how to mend it.
        text: String,
    },
    /// That was all.
    Ended {
        /// How it ended.
        outcome: Outcome,
    },
}

impl Reply {
    /// Whether nothing follows it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        match self {
            Self::Status { .. } | Self::Ended { .. } => true,
            Self::Begun { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Kept { .. }
            | Self::Differs { .. }
            | Self::Said { .. } => false,
        }
    }
}

/// In what way a service differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one now.
    Changed,
}

/// How what was asked for ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// All was done.
    Done,
    /// Some service did not get where it should.
    Failed,
    /// It took too long.
    TimedOut,
    /// Another change is at work, or the container boots or stops.
    Busy,
    /// There is no such name.
    Unknown {
        /// The name.
        name: String,
    },
    /// It cannot be done at all.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_clients_in_other_languages_write_them() {
        let change = Change {
            names: vec!["a".to_owned()],
            all: false,
            down: true,
            essential: false,
            prune: false,
            timeout: 0,
            block: true,
        };
        let line = r#"{"request":"change","names":["a"],"all":false,"down":true,"essential":false,"prune":false,"timeout":0,"block":true}"#;
        let request = Request::Change(change);
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
        assert_eq!(serde_json::from_str::<Request>(line).unwrap(), request);
        let ended = r#"{"reply":"ended","outcome":{"outcome":"unknown","name":"x"}}"#;
        let reply: Reply = serde_json::from_str(ended).unwrap();
        let outcome = Outcome::Unknown {
            name: "x".to_owned(),
        };
        assert_eq!(reply, Reply::Ended { outcome });
    }
}
