//! Waiting for something to happen in a directory: inotify(7).
//!
//! What has happened is not told: whoever waits looks again. Called from applets.

use std::io;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// A directory whose changes are waited for.
#[derive(Debug)]
pub struct Watch(Inotify);

impl Watch {
    /// Watches the directory at `path`: files that are made, renamed, removed or written to.
    ///
    /// # Errors
    /// What inotify_init(2) and inotify_add_watch(2) report.
    pub fn new(path: &Path) -> io::Result<Self> {
        let watch = Inotify::init(InitFlags::IN_CLOEXEC)?;
        let what = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        watch.add_watch(path, what)?;
        Ok(Self(watch))
    }

    /// Waits until something has happened since the last call, or since this was made.
    ///
    /// # Errors
    /// What read(2) reports.
    pub fn wait(&self) -> io::Result<()> {
        Ok(self.0.read_events().map(drop)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_even_before_they_are_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch::new(dir.path()).unwrap();
        std::fs::write(dir.path().join("current"), "a").unwrap();
        watch.wait().unwrap();
        std::fs::rename(dir.path().join("current"), dir.path().join("other")).unwrap();
        watch.wait().unwrap();
        assert!(Watch::new(&dir.path().join("missing")).is_err());
    }
}
