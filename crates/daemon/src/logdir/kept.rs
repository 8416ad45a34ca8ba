//! A log directory together with the processor of its full files, whose process is started and waited
//! for here.

use std::path::Path;
use std::process::Child;

use sixfold_model::logging::{DirectoryAction, Processor};

use super::{LogDir, Now, OpenError, Trouble, processor};

/// A log directory, what its full files go through, and the process that does so now.
#[derive(Debug)]
pub struct Kept {
    log: LogDir,
    processor: Option<Processor>,
    child: Option<Child>,
}

impl Kept {
    /// Takes over the log directory at `path` for the action of a script.
    ///
    /// # Errors
    /// See [`LogDir::open`].
    pub fn open(
        path: &Path,
        action: &DirectoryAction,
        now: Now,
        report: &mut dyn FnMut(Trouble),
    ) -> Result<Self, OpenError> {
        let has_processor = action.processor.is_some();
        let log = LogDir::open(path, action.rotation, has_processor, now, report)?;
        Ok(Self {
            log,
            processor: action.processor.clone(),
            child: None,
        })
    }

    /// The directory.
    #[must_use]
    pub fn log(&self) -> &LogDir {
        &self.log
    }

    /// The directory, to put lines in.
    pub fn log_mut(&mut self) -> &mut LogDir {
        &mut self.log
    }

    /// The process that a full file goes through now.
    #[must_use]
    pub fn child(&self) -> Option<&Child> {
        self.child.as_ref()
    }

    /// Does what can be done now, and starts a processor where a full file waits for one.
    pub fn work(&mut self, now: Now, report: &mut dyn FnMut(Trouble)) {
        self.log.work(now, report);
        let Some(processor) = &self.processor else {
            return;
        };
        let files = match self.log.processor(now) {
            Ok(Some(files)) => files,
            Ok(None) => return,
            Err(trouble) => return report(trouble),
        };
        match processor::start(processor, self.log.path(), files) {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                report(Trouble::Spawn(error));
                self.log.processed(false, now, report);
            }
        }
    }

    /// Looks whether the processor has ended.
    pub fn reap(&mut self, now: Now, report: &mut dyn FnMut(Trouble)) {
        let Some(child) = &mut self.child else { return };
        let is_well = match child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) => status.success(),
            // Somebody else has taken its end: it has to be done again.
            Err(_) => false,
        };
        self.child = None;
        self.log.processed(is_well, now, report);
    }

    /// The end, once all is done.
    ///
    /// # Errors
    /// See [`LogDir::close`].
    pub fn close(self) -> Result<(), Trouble> {
        self.log.close()
    }
}
