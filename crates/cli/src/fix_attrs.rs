//! `fix-attrs [--hidden] FILE`: applies one file of fix-attrs.d. It runs as a process of its own,
//! since walking a large volume takes a while and PID 1 may not wait.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use sixfold_model::Severity;
use sixfold_model::fix_attrs::{Accounts, Rule, parse};
use sixfold_sys::files;
use sixfold_sys::users::Database;

use crate::complain::{self, ExitCode, FAILED, SYSTEM, reason};

const NAME: &str = "fix-attrs";

/// Applies every rule of the file. One that fails does not keep the others from being applied;
/// the exit code is then 1.
pub(crate) fn fix_attrs(args: Vec<OsString>) -> ExitCode {
    let (with_hidden, file) = match args.as_slice() {
        [file] => (false, file),
        [flag, file] if flag == "--hidden" => (true, file),
        _ => return complain::usage(NAME, "fix-attrs [ --hidden ] FILE"),
    };
    let file = Path::new(file);
    let content = match fs::read(file) {
        Ok(content) => content,
        Err(error) => {
            let message = format!("unable to read {}: {}", file.display(), reason(&error));
            return complain::fatal(NAME, message, SYSTEM);
        }
    };
    let database = match Database::load(Path::new("/")) {
        Ok(database) => database,
        Err(error) => return complain::fatal(NAME, error, SYSTEM),
    };
    let (rules, diagnostics) = parse(file, &content);
    let mut walk = Walk {
        with_hidden,
        failures: 0,
        seen: HashSet::new(),
    };
    for diagnostic in &diagnostics {
        complain::warn(NAME, diagnostic);
        walk.failures += usize::from(diagnostic.severity == Severity::Error);
    }
    for rule in &rules {
        walk.apply(file, rule, &Known(&database));
    }
    if walk.failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    }
}

/// The container's users and groups, as the rules ask for them.
struct Known<'a>(&'a Database);

impl Accounts for Known<'_> {
    fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.0.user(name).map(|user| (user.uid, user.gid))
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.0.group(name)
    }
}

/// What one run keeps in mind.
struct Walk {
    with_hidden: bool,
    failures: usize,
    /// Directories that were walked for the present rule: links can lead in circles.
    seen: HashSet<(u64, u64)>,
}

impl Walk {
    fn apply(&mut self, file: &Path, rule: &Rule, accounts: &dyn Accounts) {
        let ids = match rule.account.resolve(accounts) {
            Ok(ids) => ids,
            Err(error) => {
                self.fail(format!(
                    "{}:{}: {error} (correct the name, or add a fallback: NAME,UID:GID)",
                    file.display(),
                    rule.line
                ));
                return;
            }
        };
        self.seen.clear();
        for path in self.expand(file, rule) {
            self.visit(&path, rule, ids);
        }
    }

    /// The paths that the rule's pattern stands for; none if nothing matches.
    fn expand(&mut self, file: &Path, rule: &Rule) -> Vec<PathBuf> {
        let place = format!("{}:{}", file.display(), rule.line);
        let Some(pattern) = rule.pattern.to_str() else {
            // A name that is no UTF-8 can only be meant literally.
            return vec![PathBuf::from(&rule.pattern)];
        };
        let options = MatchOptions {
            require_literal_leading_dot: true,
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        match glob::glob_with(pattern, options) {
            Ok(paths) => {
                let mut found = Vec::new();
                for path in paths {
                    match path {
                        Ok(path) => found.push(path),
                        Err(error) => self.fail(format!("{place}: {error}")),
                    }
                }
                found
            }
            Err(error) => {
                self.fail(format!("{place}: {pattern} is no pattern: {error}"));
                Vec::new()
            }
        }
    }

    /// Owner first, then mode: changing the owner clears the set-id bits.
    fn visit(&mut self, path: &Path, rule: &Rule, ids: (u32, u32)) {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                return self.fail(format!(
                    "unable to stat {}: {}",
                    path.display(),
                    reason(&error)
                ));
            }
        };
        let is_dir = metadata.is_dir();
        if is_dir && !self.seen.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        if let Err(error) = files::chown(path, Some(ids.0), Some(ids.1)) {
            self.fail(format!(
                "unable to chown {}: {}",
                path.display(),
                reason(&error)
            ));
        }
        let mode = if is_dir {
            rule.dir_mode
        } else {
            rule.file_mode
        };
        if let Some(mode) = mode
            && let Err(error) = files::chmod(path, mode)
        {
            self.fail(format!(
                "unable to chmod {}: {}",
                path.display(),
                reason(&error)
            ));
        }
        if is_dir && rule.recurse {
            self.descend(path, rule, ids);
        }
    }

    fn descend(&mut self, dir: &Path, rule: &Rule, ids: (u32, u32)) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                return self.fail(format!(
                    "unable to read {}: {}",
                    dir.display(),
                    reason(&error)
                ));
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let is_hidden = entry.file_name().as_bytes().starts_with(b".");
                    let path = entry.path();
                    // A link that leads nowhere has nothing to be changed.
                    if (self.with_hidden || !is_hidden) && path.exists() {
                        self.visit(&path, rule, ids);
                    }
                }
                Err(error) => self.fail(format!(
                    "unable to read {}: {}",
                    dir.display(),
                    reason(&error)
                )),
            }
        }
    }

    fn fail(&mut self, message: String) {
        self.failures += 1;
        complain::warn(NAME, message);
    }
}

#[cfg(test)]
#[path = "fix_attrs_tests.rs"]
mod tests;
