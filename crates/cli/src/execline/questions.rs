//! Commands that ask the system something: about users, files, patterns and expressions.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use sixfold_execline::command::control::Case;
use sixfold_execline::command::envfile;
use sixfold_execline::command::test::{Expression, FileComparison, FileTest, World};
use sixfold_execline::fault::{code, joined};
use sixfold_execline::{Environment, Fault, Step, Word, Words};
use sixfold_sys::pattern::{self, Comparison};
use sixfold_sys::regex::{self, Regex};
use sixfold_sys::users::Database;
use sixfold_sys::{fds, files, process};

use super::interpreter::{Interpreter, Next, fatal, print, report, told, warn};

/// `homeof`
pub(super) fn home_of(speaker: &str, user: &[u8]) -> Next {
    let home = std::str::from_utf8(user).ok().and_then(|name| {
        let users = Database::load(Path::new("/")).ok()?;
        users.user(name)
    });
    let Some(found) = home else {
        let text = joined(&[b"unable to get passwd entry for ", user, b": no such user"]);
        return Err(report(speaker, &Fault::fatal(text, code::SYSTEM)));
    };
    print(format!("{}\n", found.home).as_bytes())
        .map_err(|error| fatal(speaker, b"write to stdout", &error))?;
    Err(0)
}

/// `envfile`
pub(super) fn env_file(
    interpreter: &mut Interpreter,
    speaker: &str,
    file: &[u8],
    may_be_missing: bool,
    rest: Words,
) -> Next {
    let content = if file == b"-" {
        read_all(io::stdin().lock())
    } else {
        match fs::File::open(OsStr::from_bytes(file)) {
            Ok(file) => read_all(file),
            Err(error) if may_be_missing && error.kind() == ErrorKind::NotFound => {
                return Ok(Step::Become(rest));
            }
            Err(error) => return Err(fatal(speaker, &joined(&[b"open ", file]), &error)),
        }
    };
    let content =
        content.map_err(|error| fatal(speaker, &joined(&[b"read from ", file]), &error))?;
    match envfile::parse(&content) {
        Ok(variables) => {
            for (name, value) in variables {
                interpreter.env.set(name, value);
            }
            Ok(Step::Become(rest))
        }
        Err(line) => {
            let place = format!(": syntax error line {line}");
            let name = if file == b"-" {
                b"standard input"
            } else {
                file
            };
            let text = joined(&[b"in ", name, place.as_bytes()]);
            Err(report(speaker, &Fault::fatal(text, code::FAILED)))
        }
    }
}

/// More than an environment can hold is not read.
const MOST: u64 = 16 * 1024 * 1024;

fn read_all(source: impl io::Read) -> io::Result<Word> {
    let mut content = Word::new();
    source.take(MOST).read_to_end(&mut content)?;
    Ok(content)
}

/// `case`
pub(super) fn case(interpreter: &mut Interpreter, speaker: &str, it: Case) -> Next {
    let value = it.value.clone();
    let comparison = Comparison {
        no_escape: it.basic,
        period: it.insensitive,
        pathname: it.numbered,
    };
    let kind = regex::Kind {
        basic: it.basic,
        insensitive: it.insensitive,
    };
    let is_shell = it.is_shell;
    let mut warnings = Vec::new();
    let next = it.choose(&mut interpreter.env, &mut warnings, |pattern| {
        if is_shell {
            let is_match = pattern::matches(pattern, &value, comparison);
            let is_match = is_match.map_err(|error| error.to_string())?;
            return Ok(is_match.then(Vec::new));
        }
        let regex = Regex::new(pattern, kind)?;
        let found = regex.find(&value);
        // The first is the whole match.
        Ok(found.map(|parts| {
            parts
                .iter()
                .skip(1)
                .map(|part| Some(part.to_vec()))
                .collect()
        }))
    });
    warn(speaker, &warnings);
    told(speaker, next)
}

/// `eltest`
pub(super) fn test(interpreter: &Interpreter, speaker: &str, it: &Expression) -> Next {
    let system = System(&interpreter.env);
    let is_true = told(speaker, it.evaluate(&system))?;
    Err(if is_true { 0 } else { code::FAILED })
}

/// What expressions ask about: files, descriptors, variables.
struct System<'a>(&'a Environment);

impl World for System<'_> {
    fn file(&self, test: FileTest, path: &[u8]) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        let found = if test == FileTest::Link {
            fs::symlink_metadata(path)
        } else {
            fs::metadata(path)
        };
        let Ok(found) = found else { return false };
        let has_mode = |bit: u32| found.mode() & bit != 0;
        match test {
            FileTest::Exists => true,
            FileTest::Regular => found.is_file(),
            FileTest::Directory => found.is_dir(),
            FileTest::BlockDevice => found.file_type().is_block_device(),
            FileTest::CharacterDevice => found.file_type().is_char_device(),
            FileTest::Fifo => found.file_type().is_fifo(),
            FileTest::Socket => found.file_type().is_socket(),
            FileTest::Link => found.is_symlink(),
            FileTest::Readable => files::is_readable(path),
            FileTest::Writable => files::is_writable(path),
            FileTest::Executable => files::is_executable(path),
            FileTest::NotEmpty => found.len() > 0,
            FileTest::SetUid => has_mode(0o4000),
            FileTest::SetGid => has_mode(0o2000),
            FileTest::Sticky => has_mode(0o1000),
            FileTest::Owned => found.uid() == process::euid(),
            FileTest::GroupOwned => found.gid() == process::egid(),
            FileTest::Modified => {
                (found.mtime(), found.mtime_nsec()) > (found.atime(), found.atime_nsec())
            }
        }
    }

    fn compare(&self, comparison: FileComparison, one: &[u8], other: &[u8]) -> bool {
        let find = |path: &[u8]| fs::metadata(OsStr::from_bytes(path)).ok();
        let (one, other) = (find(one), find(other));
        let changed = |found: &fs::Metadata| (found.mtime(), found.mtime_nsec());
        match (comparison, one, other) {
            (FileComparison::Newer, Some(one), Some(other)) => changed(&one) > changed(&other),
            (FileComparison::Older, Some(one), Some(other)) => changed(&one) < changed(&other),
            (FileComparison::Newer, Some(_), None) | (FileComparison::Older, None, Some(_)) => true,
            (FileComparison::Same, Some(one), Some(other)) => {
                (one.dev(), one.ino()) == (other.dev(), other.ino())
            }
            (
                FileComparison::Newer | FileComparison::Older | FileComparison::Same,
                None | Some(_),
                None | Some(_),
            ) => false,
        }
    }

    fn is_terminal(&self, fd: i32) -> bool {
        fds::is_terminal(fd)
    }

    fn is_set(&self, var: &[u8]) -> bool {
        self.0.get(var).is_some()
    }

    fn matches(&self, text: &[u8], pattern: &[u8]) -> Result<bool, String> {
        Regex::new(pattern, regex::Kind::default()).map(|regex| regex.is_match(text))
    }
}
