//! What one definition of s6-rc says: the value that `reader` makes of its files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::ServiceSpec;

/// One service or bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name, which no other has.
    pub name: String,
    /// Its directory; of several the one that counts most.
    pub source: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// `flag-essential`: it is not stopped by a plain `s6-rc -d`. That of a bundle is said of all it
    /// holds.
    pub essential: bool,
    /// `flag-recommended`. That of a bundle is said of all it holds.
    pub recommended: bool,
    /// s6-overlay brings it, and no other layer adds to it.
    pub is_stock: bool,
    /// Something in its own files is wrong, so it cannot be started.
    pub is_broken: bool,
}

/// What a definition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// What runs once on the way up, and once on the way down.
    Oneshot(Oneshot),
    /// A supervised service.
    Longrun(Box<Longrun>),
    /// A name for a set of others.
    Bundle(Bundle),
    /// Its type is missing or wrong: it is broken, and still a name that others may have meant.
    Unknown,
}

impl Kind {
    /// The word that a `type` file has for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Oneshot(_) => "oneshot",
            Self::Longrun(_) => "longrun",
            Self::Bundle(_) => "bundle",
            Self::Unknown => "unknown",
        }
    }
}

/// A name in one definition that means another, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: String,
    /// The file: `dependencies.d/NAME`, `dependencies`, `producer-for`, ...
    pub path: PathBuf,
    /// The line in it, counted from 1, where it has lines.
    pub line: Option<u32>,
}

/// How long a transition may take; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// `timeout-up`.
    pub up: Option<Duration>,
    /// `timeout-down`.
    pub down: Option<Duration>,
}

/// What a oneshot says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Oneshot {
    /// What runs on the way up.
    pub up: CommandLine,
    /// What runs on the way down; nothing without it.
    pub down: Option<CommandLine>,
    /// What runs when it is asked to read its configuration again.
    pub reload: Option<CommandLine>,
    /// How long `up` and `down` may take.
    pub timeouts: Timeouts,
    /// What must be up before, as written.
    pub dependencies: Vec<Reference>,
}

/// A command line of execline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// The file it is written in.
    pub path: PathBuf,
    /// Its words; none is a success with nothing run.
    pub words: Vec<Vec<u8>>,
}

/// What a longrun says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longrun {
    /// The service as its supervisor sees it. It has no logger, and a `down` file does not count:
    /// s6-rc takes neither from a source directory.
    pub service: ServiceSpec,
    /// Where each file and directory of the service directory lies: `run`, `finish`, `data`, `env`,
    /// `template`, ... They may come from several layers.
    pub files: BTreeMap<OsString, PathBuf>,
    /// How long it may take to be up and down.
    pub timeouts: Timeouts,
    /// What must be up before, as written.
    pub dependencies: Vec<Reference>,
    /// The longrun that reads what this one writes.
    pub producer_for: Option<Reference>,
    /// The longruns whose output this one reads.
    pub consumer_for: Vec<Reference>,
    /// On the last consumer of a pipeline: the bundle of all its parts.
    pub pipeline_name: Option<Reference>,
}

/// What a bundle says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// What it holds, as written.
    pub contents: Vec<Reference>,
    /// It is not written anywhere but in the `pipeline-name` of a consumer.
    pub is_pipeline: bool,
}
