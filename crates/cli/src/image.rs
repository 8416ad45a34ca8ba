//! The image that `sixfold check` and `sixfold graph` look at: a root directory, the variables that
//! choose among its directories, and its services of s6-rc.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use sixfold_daemon::sources;
use sixfold_model::rc::{self, Graph};
use sixfold_model::{Diagnostic, Settings};

/// An image.
pub(crate) struct Image {
    /// The directory that is `/` in it.
    pub(crate) root: PathBuf,
    /// What the environment says.
    pub(crate) settings: Settings,
    /// Its services of s6-rc.
    pub(crate) graph: Graph,
    /// What is wrong with the variables and with the services of s6-rc.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Image {
    /// Reads the image at `root`.
    pub(crate) fn read(root: PathBuf) -> Self {
        let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let vars = env
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        let (settings, mut diagnostics) = Settings::from_env(vars);
        let (layers, found) = sources::layers(&root, &settings);
        diagnostics.extend(found);
        let (graph, found) = rc::read(&layers, &sources::command_syntax);
        diagnostics.extend(found);
        Self {
            root,
            settings,
            graph,
            diagnostics,
        }
    }

    /// Where `name` (`services.d`, `cont-init.d`, ...) lies in it: below `/etc`, or below the
    /// profile.
    pub(crate) fn user_dir(&self, name: &str) -> PathBuf {
        let base = match &self.settings.runtime_profile {
            Some(profile) => Path::new("/etc/cont-profile.d").join(profile),
            None => PathBuf::from("/etc"),
        };
        base.join(name)
    }

    /// The path of the image as this process and its user see it.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        sources::below(&self.root, path)
    }

    /// The same with the links in it followed inside the image.
    pub(crate) fn resolved(&self, path: &Path) -> PathBuf {
        sources::resolve(&self.root, path)
    }

    /// The path in the image of what this process sees at `shown`.
    pub(crate) fn inside(&self, shown: &Path) -> PathBuf {
        Path::new("/").join(shown.strip_prefix(&self.root).unwrap_or(shown))
    }
}

/// The options that both commands have.
pub(crate) enum Parsed {
    /// What to do.
    Options(Options),
    /// The help was asked for.
    Help,
    /// They make no sense.
    Wrong,
}

/// What the command line says.
pub(crate) struct Options {
    /// The directory that is `/` in the image.
    pub(crate) root: PathBuf,
    /// The value of the command's own option, or that it was given.
    pub(crate) own: Option<OsString>,
}

/// Reads `--root DIR` and one option more: `own`, which takes a value when `has_value` says so.
pub(crate) fn parse(args: Vec<OsString>, own: &str, has_value: bool) -> Parsed {
    let mut options = Options {
        root: PathBuf::from("/"),
        own: None,
    };
    let mut parser = lexopt::Parser::from_args(args);
    loop {
        match parser.next() {
            Ok(None) => return Parsed::Options(options),
            Ok(Some(lexopt::Arg::Long("root"))) => match parser.value() {
                Ok(value) if !value.is_empty() => options.root = value.into(),
                Ok(_) | Err(_) => return Parsed::Wrong,
            },
            Ok(Some(lexopt::Arg::Long(name))) if name == own && has_value => match parser.value() {
                Ok(value) => options.own = Some(value),
                Err(_) => return Parsed::Wrong,
            },
            Ok(Some(lexopt::Arg::Long(name))) if name == own => {
                options.own = Some(OsString::from(OsStr::new(own)));
            }
            Ok(Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h'))) => return Parsed::Help,
            Ok(Some(_)) | Err(_) => return Parsed::Wrong,
        }
    }
}
