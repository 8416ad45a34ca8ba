//! What every part of the daemon needs to know about the container it runs.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sixfold_engine::{NodeId, Role};
use sixfold_model::settings::Logging;
use sixfold_model::tree::Identity;
use sixfold_model::{Diagnostic, Settings, Severity};
use sixfold_protocol::paths;
use sixfold_sys::fds;
use sixfold_sys::process::DescriptorLimit;
use sixfold_sys::signals::Ignored;
use sixfold_sys::spawn::Kit;

use crate::live::Live;
use crate::outlet::Outlet;
use crate::subscriber::Format;

/// The container's fixed facts, and the little that its parts share.
pub(crate) struct World {
    /// What is supervised.
    pub(crate) role: Role,
    /// The scan directory, absolute.
    pub(crate) scandir: PathBuf,
    /// How many bytes the name of a service may have.
    pub(crate) longest_name: usize,
    /// The settings.
    pub(crate) settings: Settings,
    /// How logs are written.
    pub(crate) format: Format,
    /// Where they go.
    pub(crate) outlet: Outlet,
    /// Whether this process is PID 1 of its namespace.
    pub(crate) is_init: bool,
    /// Whether standard input is a terminal, which the CMD then gets.
    pub(crate) has_terminal: bool,
    /// This executable.
    pub(crate) exe: PathBuf,
    /// The commands that this executable is when it is called by their names.
    pub(crate) applets: &'static [&'static str],
    /// Where the container was started (WORKDIR).
    pub(crate) workdir: PathBuf,
    /// `PATH` for everything.
    pub(crate) path: OsString,
    /// The container's whole environment, which the CMD gets.
    pub(crate) full_env: Vec<(OsString, OsString)>,
    /// The container's standard output and error, when 1 and 2 are pipes of ours.
    pub(crate) console: Option<[OwnedFd; 2]>,
    /// The limit of descriptors that children get: the one we were started with.
    pub(crate) descriptor_limit: Option<DescriptorLimit>,
    /// What processes are started with, where the system is new enough.
    pub(crate) kit: Option<Kit>,
    /// The signals that children ignore, as whoever started us has asked for.
    pub(crate) ignored: Ignored,
    /// The descriptor that the catch-all logger gets as its standard error (s6-svscan -X).
    pub(crate) console_holder: Option<OwnedFd>,
    /// The children that belong to a unit, and which the reaper must leave alone.
    pub(crate) owned: RefCell<HashSet<i32>>,
    /// The CMD, while it runs in the foreground of the container's terminal.
    pub(crate) foreground: Cell<Option<i32>>,
    /// The pipes into services that read what others write, by the reader.
    pub(crate) pipes: RefCell<HashMap<NodeId, Pipe>>,
    /// The longruns of s6-rc: the directory that each was made as, and the one of its `run` in the
    /// image.
    pub(crate) longruns: RefCell<HashMap<Identity, (PathBuf, PathBuf)>>,
    /// The services of s6-rc, once they are read.
    pub(crate) live: RefCell<Option<Live>>,
    /// The standard streams of who asked for the change at work: those of the oneshots that it moves.
    pub(crate) caller: RefCell<Option<[OwnedFd; 3]>>,
    /// What has been reported already.
    pub(crate) reported: RefCell<HashSet<Diagnostic>>,
    /// What else has been said that need not be said twice.
    pub(crate) said: RefCell<HashSet<String>>,
}

/// The pipe between a service and its logger, or between those who follow each other in a pipeline.
/// It is held open here, so that no side's restart loses anything.
pub(crate) struct Pipe {
    /// The end of the one who reads.
    pub(crate) reader: Rc<OwnedFd>,
    /// The end of all who write; gone once the reader is to see the end.
    pub(crate) writer: Option<Rc<OwnedFd>>,
}

impl World {
    /// The environment of services and scripts: in a container PATH alone, unless `S6_KEEP_ENV` asks
    /// for all.
    pub(crate) fn base_env(&self) -> Vec<(OsString, OsString)> {
        if self.settings.keep_env || self.role != Role::Container {
            self.full_env.clone()
        } else {
            vec![("PATH".into(), self.path.clone())]
        }
    }

    /// Whether what is written goes to the catch-all logger.
    pub(crate) fn catches_all(&self) -> bool {
        self.settings.logging != Logging::Console
    }

    /// Where `name` (`services.d`, `cont-init.d`, ...) lies: below `/etc`, or below the profile.
    pub(crate) fn user_dir(&self, name: &str) -> PathBuf {
        match &self.settings.runtime_profile {
            Some(profile) => Path::new(paths::PROFILES).join(profile).join(name),
            None => Path::new(paths::ETC).join(name),
        }
    }

    /// Whether this executable can stand in for `interpreter`.
    pub(crate) fn applet_of(&self, interpreter: &Path) -> Option<&'static str> {
        let name = interpreter.file_name()?.to_str()?;
        self.applets.iter().find(|applet| **applet == name).copied()
    }

    /// Where the service that is called `name` in the scan directory lives.
    pub(crate) fn live_directory(&self, name: &str) -> PathBuf {
        self.scandir.join(name)
    }

    /// Whether only that is said which the programs of s6 say: those who call them read what they
    /// print.
    pub(crate) fn is_quiet(&self) -> bool {
        self.role != Role::Container && self.format == Format::Text
    }

    /// Whether something is said for the first time.
    pub(crate) fn is_news(&self, text: &str) -> bool {
        self.said.borrow_mut().insert(text.to_owned())
    }

    /// Stops writing to what the logger of all reads: this process's own streams lead to the console
    /// from now on, if there is one, or nowhere.
    pub(crate) fn leave_console(&self) -> io::Result<()> {
        if self.format == Format::Json {
            // They are pipes into the log then.
            return Ok(());
        }
        let open = || match &self.console_holder {
            Some(holder) => holder.try_clone(),
            None => Ok(File::options().write(true).open("/dev/null")?.into()),
        };
        fds::replace(1, open()?)?;
        fds::replace(2, open()?)?;
        self.outlet.release(Some(fds::console(2)?));
        Ok(())
    }

    /// Reports what is wrong, each finding once.
    pub(crate) fn report(&self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            if self.reported.borrow_mut().insert(diagnostic.clone()) {
                report(diagnostic);
            }
        }
    }
}

/// Reports one finding.
pub(crate) fn report(diagnostic: &Diagnostic) {
    let path = diagnostic
        .path
        .as_deref()
        .map(|path| path.display().to_string());
    let path = path.as_deref();
    let (line, mend) = (diagnostic.line, diagnostic.mend.as_str());
    let prefix = match diagnostic.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let text = format!("sixfold: {prefix}: {diagnostic}");
    let (message, text) = (diagnostic.message.as_str(), text.as_str());
    match diagnostic.severity {
        Severity::Warning => {
            tracing::warn!(event = "diagnostic", path, line, mend, text, "{message}");
        }
        Severity::Error => {
            tracing::error!(event = "diagnostic", path, line, mend, text, "{message}");
        }
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
pub(crate) mod tests;
