//! What the daemon knows of s6-rc's services beside the engine: the database by which the commands of
//! s6-rc ask, what the boot starts of it, and where the live directory is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sixfold_model::rc::Database;
use sixfold_model::rc::database::{Change, Difference, FDHOLDER, ONESHOT_RUNNER, Part, Type};
use sixfold_protocol::paths;

use crate::compiled;
use crate::world::World;

/// How many files in a directory of a longrun are looked at, at the most.
const MOST: usize = 1000;

/// The services of s6-rc, as they were last read.
pub(crate) struct Live {
    /// The live directory, absolute.
    pub(crate) dir: PathBuf,
    /// What is put before the names of longruns in the scan directory.
    pub(crate) prefix: String,
    /// What there is.
    pub(crate) database: Database,
    /// What the boot starts of it.
    pub(crate) boot: BTreeSet<String>,
    /// The files of each longrun as they were.
    pub(crate) files: BTreeMap<String, Stamps>,
    /// Those of s6-rc's own longruns that count as up, once that is known. There are no such processes
    /// here.
    pub(crate) own: Option<BTreeSet<String>>,
    /// What tells the file of the database from an earlier or later one.
    pub(crate) seen: u64,
    /// The longruns that are gone: their directories go with their supervisors.
    pub(crate) retired: HashSet<String>,
}

/// The files of a longrun, each with what tells it from an earlier or later one.
pub(crate) type Stamps = Vec<(OsString, u64)>;

impl Live {
    /// Where the directory of a longrun is.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.dir.join(paths::RC_DATABASE_SERVICES).join(name)
    }

    /// Reads the database again if somebody has changed its bundles (s6-rc-bundle). One with other
    /// services is not what is supervised here, and is left alone.
    pub(crate) fn refresh(&mut self) {
        let before = self.seen;
        self.mark_seen();
        if before == self.seen {
            return;
        }
        let dir = self.dir.join(paths::RC_COMPILED);
        match compiled::open(&dir) {
            Ok(fresh) if fresh.differences(&self.database).iter().all(is_of_bundle) => {
                self.database = fresh;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(
                event = "rc.database",
                "the database of s6-rc that somebody has written cannot be used: {error}"
            ),
        }
    }

    /// The database is the one that is in the live directory now.
    pub(crate) fn mark_seen(&mut self) {
        let file = self.dir.join(paths::RC_COMPILED).join(paths::RC_DATABASE);
        self.seen = stamp(&file);
    }

    /// Notes the longruns that were there before and are gone.
    pub(crate) fn retire_what_is_gone(&mut self, before: Self) {
        let known = before.files.into_keys().chain(before.retired);
        let gone = known.filter(|name| !self.files.contains_key(name));
        self.retired = gone.collect();
    }

    /// What a longrun is called in the scan directory.
    pub(crate) fn called(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Whether a difference is about bundles alone.
fn is_of_bundle(difference: &Difference) -> bool {
    match &difference.change {
        Change::Changed(parts) => parts.iter().all(|part| *part == Part::Contents),
        Change::Added(Type::Bundle) | Change::Removed(Type::Bundle) => true,
        Change::Added(_) | Change::Removed(_) => false,
    }
}

/// Whether that is one of s6-rc's own longruns, which have no processes here.
pub(crate) fn is_own(name: &str) -> bool {
    [ONESHOT_RUNNER, FDHOLDER].contains(&name)
}

impl World {
    /// Where oneshots run.
    pub(crate) fn oneshot_directory(&self) -> PathBuf {
        let live = self.live.borrow();
        let dir = live.as_ref().map(|live| live.directory(ONESHOT_RUNNER));
        dir.unwrap_or_else(|| PathBuf::from(paths::RC_ONESHOTS))
    }

    /// What a longrun is called in the scan directory.
    pub(crate) fn called(&self, name: &str) -> String {
        let live = self.live.borrow();
        let called = live.as_ref().map(|live| live.called(name));
        called.unwrap_or_else(|| name.to_owned())
    }
}

/// What tells the file or directory at `path` from what was or will be there: what it is, when it was
/// last changed, and the same of what is in it. 0 for nothing. Of a directory with very much in it, not
/// all counts: this must not hold up a boot.
pub(crate) fn stamp(path: &Path) -> u64 {
    let Ok(metadata) = fs::metadata(path) else {
        return 0;
    };
    let mut hasher = DefaultHasher::new();
    let mut left = MOST;
    let mut stack = vec![(path.to_owned(), metadata)];
    while let Some((path, metadata)) = stack.pop() {
        let of = |it: &Metadata| (it.dev(), it.ino(), it.size(), it.ctime(), it.ctime_nsec());
        of(&metadata).hash(&mut hasher);
        if !metadata.is_dir() {
            continue;
        }
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut inside: Vec<PathBuf> = entries.take(left).map(|entry| entry.path()).collect();
        left = left.saturating_sub(inside.len());
        inside.sort();
        for path in inside {
            // A link counts as what it is: it may lead anywhere, to what holds it for one.
            if let Ok(metadata) = fs::symlink_metadata(&path) {
                stack.push((path, metadata));
            }
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_same_stamp_until_it_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir_all(data.join("sub")).unwrap();
        fs::write(data.join("sub/file"), "one").unwrap();
        let before = stamp(&data);
        assert_eq!(stamp(&data), before);
        fs::write(data.join("sub/file"), "other").unwrap();
        let changed = stamp(&data);
        assert_ne!(changed, before);
        fs::remove_file(data.join("sub/file")).unwrap();
        assert_ne!(stamp(&data), changed);
        assert_eq!(stamp(&dir.path().join("nothing")), 0);
    }

    #[test]
    fn links_lead_nowhere_and_of_very_many_files_not_all_count() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink("/", data.join("root")).unwrap();
        std::os::unix::fs::symlink(".", data.join("again")).unwrap();
        for number in 0..2 * MOST {
            fs::write(data.join(format!("{number}")), "").unwrap();
        }
        assert_eq!(stamp(&data), stamp(&data));
    }
}
