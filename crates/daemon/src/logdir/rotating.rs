//! From a full `current` to a file that is kept.
//!
//! The order of the steps is what makes a kill between any two of them harmless: see [`super::opening`]
//! for what each leaves.

use std::io::{self, ErrorKind};

use sixfold_model::logging::Ending;

use super::{
    CURRENT, LogDir, NEW_STATE, Now, PREVIOUS, PROCESSED, ProcessorFiles, STATE, Stage, Trouble,
    WHOLE, archives, mark,
};

impl LogDir {
    /// Does what the present stage is about, and goes to the next.
    ///
    /// # Errors
    /// What failed; the stage is still the same.
    pub(super) fn rotate(
        &mut self,
        now: Now,
        report: &mut dyn FnMut(Trouble),
    ) -> Result<(), Trouble> {
        self.stage = match self.stage {
            Stage::Renaming => {
                self.rename()?;
                Stage::Beginning
            }
            Stage::Beginning => {
                self.begin(now)?;
                Stage::Marking
            }
            Stage::Marking => {
                self.mark_previous()?;
                if self.has_processor {
                    self.processor_at = Some(now.running);
                    Stage::Waiting
                } else {
                    Stage::Keeping
                }
            }
            Stage::Keeping => {
                self.keep(PREVIOUS, now, report)?;
                Stage::Writing
            }
            Stage::Finishing => {
                self.finish(now, report)?;
                Stage::Writing
            }
            Stage::Writing | Stage::Waiting | Stage::Processing => self.stage,
        };
        Ok(())
    }

    /// The files of a processor that is to be run now. [`LogDir::processed`] takes its end; until
    /// then there is no other.
    ///
    /// # Errors
    /// When one cannot be opened; it is tried again later.
    pub fn processor(&mut self, now: Now) -> Result<Option<ProcessorFiles>, Trouble> {
        let is_due = self.processor_at.is_none_or(|moment| moment <= now.running);
        if self.stage != Stage::Waiting || !is_due {
            return Ok(None);
        }
        self.processor_at = Some(now.running.saturating_add(self.rotation.retry));
        let open = |name, opened: io::Result<std::fs::File>| match opened {
            Ok(file) => Ok(file.into()),
            Err(error) => Err(Trouble::Open(self.path.clone(), name, error)),
        };
        let directory = &self.directory;
        let state = match directory.open_to_read(STATE) {
            // Somebody took it away: the next processor finds an empty one.
            Err(error) if error.kind() == ErrorKind::NotFound => directory
                .empty(STATE, 0o666)
                .and_then(|_| directory.open_to_read(STATE)),
            opened => opened,
        };
        let files = ProcessorFiles {
            previous: open(PREVIOUS, directory.open_to_read(PREVIOUS))?,
            processed: open(PROCESSED, directory.empty(PROCESSED, 0o666))?,
            state: open(STATE, state)?,
            new_state: open(NEW_STATE, directory.empty(NEW_STATE, 0o666))?,
        };
        self.stage = Stage::Processing;
        Ok(Some(files))
    }

    /// The processor has ended, with exit code 0 or not; or could not be started.
    pub fn processed(&mut self, is_well: bool, now: Now, report: &mut dyn FnMut(Trouble)) {
        if self.stage != Stage::Processing {
            return;
        }
        // What it has made takes the place of what it was made of: it has to be there.
        let is_there = || self.directory.exists(PROCESSED).unwrap_or(true);
        if is_well && is_there() {
            self.stage = Stage::Finishing;
        } else {
            report(Trouble::Processor(self.path.clone()));
            self.processor_at = Some(now.running.saturating_add(self.rotation.retry));
            self.stage = Stage::Waiting;
        }
    }

    fn rename(&self) -> Result<(), Trouble> {
        // Its content and its size: more is not needed to read it again.
        let synced = self.current.sync_data();
        synced.map_err(|error| self.sync_failed(CURRENT, error))?;
        self.move_to(CURRENT, PREVIOUS)
    }

    fn begin(&mut self, now: Now) -> Result<(), Trouble> {
        let current = self.directory.append(CURRENT, 0o666);
        self.current = current.map_err(|error| self.open_failed(CURRENT, error))?;
        self.size = 0;
        self.begun = now.running;
        Ok(())
    }

    fn mark_previous(&self) -> Result<(), Trouble> {
        let previous = self.directory.open_to_read(PREVIOUS);
        let previous = previous.map_err(|error| self.open_failed(PREVIOUS, error))?;
        let marked = mark(&previous, self.mode | WHOLE);
        marked.map_err(|error| Trouble::Mark(self.path.clone(), PREVIOUS, error))
    }

    /// All but the last step can be done again.
    fn finish(&mut self, now: Now, report: &mut dyn FnMut(Trouble)) -> Result<(), Trouble> {
        let processed = self.directory.open_to_read(PROCESSED);
        let processed = processed.map_err(|error| self.open_failed(PROCESSED, error))?;
        let synced = processed.sync_data();
        synced.map_err(|error| self.sync_failed(PROCESSED, error))?;
        let marked = mark(&processed, self.mode | WHOLE);
        marked.map_err(|error| Trouble::Mark(self.path.clone(), PROCESSED, error))?;
        drop(processed);
        let removed = self.directory.remove(PREVIOUS);
        removed.map_err(|error| Trouble::Remove(self.path.clone(), PREVIOUS.to_owned(), error))?;
        match self.directory.open_to_read(NEW_STATE) {
            Ok(state) => {
                let synced = state.sync_data();
                synced.map_err(|error| self.sync_failed(NEW_STATE, error))?;
                self.move_to(NEW_STATE, STATE)?;
            }
            // It was renamed, and what comes after that has failed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(self.open_failed(NEW_STATE, error)),
        }
        self.keep(PROCESSED, now, report)
    }

    fn keep(
        &mut self,
        name: &'static str,
        now: Now,
        report: &mut dyn FnMut(Trouble),
    ) -> Result<(), Trouble> {
        let last = &mut self.last;
        archives::keep(&self.directory, name, Ending::Whole, now.wall, last)
            .map_err(|(to, error)| Trouble::Rename(self.path.clone(), name, to, error))?;
        archives::trim(&self.directory, &self.path, &self.rotation, report);
        Ok(())
    }

    fn move_to(&self, from: &'static str, to: &str) -> Result<(), Trouble> {
        let moved = self.directory.rename(from, to);
        moved.map_err(|error| Trouble::Rename(self.path.clone(), from, to.to_owned(), error))
    }

    fn open_failed(&self, name: &'static str, error: io::Error) -> Trouble {
        Trouble::Open(self.path.clone(), name, error)
    }

    fn sync_failed(&self, name: &'static str, error: io::Error) -> Trouble {
        Trouble::Sync(self.path.clone(), name, error)
    }
}
