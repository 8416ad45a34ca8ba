//! `s6-instance-maker`: makes, before anything runs, the service directory of a service that has
//! instances, or the s6-rc definitions for one (s6-instance-maker(1)).

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sixfold_sys::files;

use super::instance;
use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::options::{Options, number};

pub(super) const NAME: &str = "s6-instance-maker";
const SYNOPSIS: &str = "s6-instance-maker [ -c max ] [ -u user ] [ -l loguser ] [ -L logdir ] [ -t stamptype ] [ -n nfiles ] [ -s filesize ] [ -S maxsize ] [ -P prefix ] [ -r service[/logger[/pipeline]] ] template dir";
/// Where execline's interpreter is looked for. The first is where it is in a container of ours.
const INTERPRETERS: [&str; 3] = ["/command/execlineb", "/usr/bin/execlineb", "/bin/execlineb"];

/// What is asked for.
struct Order {
    /// `-c`: how many instances there may be.
    most: u32,
    /// `-u`: who they are run by.
    user: OsString,
    /// `-L` and what goes with it.
    log: Option<Log>,
    /// `-r`: the names of the s6-rc definitions.
    names: Option<Names>,
    template: PathBuf,
    dir: PathBuf,
}

/// How the output is logged.
struct Log {
    /// `-L`
    dir: OsString,
    /// `-l`
    user: OsString,
    /// `-t`: by bit, with a TAI64N label and with the date.
    stamps: u8,
    /// `-n`
    files: u32,
    /// `-s`
    size: u64,
    /// `-S`
    total: u64,
    /// `-P`
    prefix: Option<OsString>,
}

/// The names of s6-rc definitions.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    service: OsString,
    logger: Option<OsString>,
    pipeline: Option<OsString>,
}

/// `s6-instance-maker [ options ] template dir`
pub(super) fn make(args: Vec<OsString>) -> ExitCode {
    let order = match read(args) {
        Ok(order) => order,
        Err(code) => return code,
    };
    if let Err(error) = fs::create_dir(&order.dir).and_then(|()| open_to_all(&order.dir)) {
        return failed("mkdir", &order.dir, &error);
    }
    let made = match &order.names {
        Some(names) => definitions(&order, names),
        None => service_dir(&order),
    };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => {
            // Half of it is nothing that could be supervised.
            let _ = fs::remove_dir_all(&order.dir);
            code
        }
    }
}

fn read(args: Vec<OsString>) -> Result<Order, ExitCode> {
    let usage = || complain::usage(NAME, SYNOPSIS);
    let wrong = |message: &str| Err(complain::fatal(NAME, message, USAGE));
    let mut options = Options::new(args, "u:l:L:c:t:n:s:S:P:r:");
    let (mut most, mut user, mut names) = (500, OsString::new(), None);
    let mut log = Log {
        dir: OsString::new(),
        user: OsString::new(),
        stamps: 1,
        files: 10,
        size: 1_000_000,
        total: 0,
        prefix: None,
    };
    while let Some(option) = options.next().map_err(|_| usage())? {
        let value = option.value;
        match option.letter {
            b'c' => most = number::<u32>(&value).ok_or_else(usage)?.clamp(2, 90_000),
            b'u' => user = value,
            b'l' => log.user = value,
            b'L' => log.dir = value,
            b't' => log.stamps = number(&value).ok_or_else(usage)?,
            b'n' => log.files = number(&value).ok_or_else(usage)?,
            b's' => log.size = number(&value).ok_or_else(usage)?,
            b'S' => log.total = number(&value).ok_or_else(usage)?,
            b'P' => log.prefix = Some(value),
            _ => names = Some(value),
        }
        if log.stamps > 3 {
            return wrong("stamptype must be 0, 1, 2 or 3");
        }
    }
    let mut rest = options.rest().into_iter();
    let (Some(template), Some(dir)) = (rest.next(), rest.next()) else {
        return Err(usage());
    };
    let is_logged = !log.dir.is_empty();
    if is_logged && !log.dir.as_bytes().starts_with(b"/") {
        return wrong("logdir must be absolute");
    }
    if user.as_bytes().iter().any(|byte| b" \t\n\r".contains(byte)) {
        return wrong("invalid user");
    }
    let names = match names.map(|names| split(&names)).transpose() {
        Ok(names) => names,
        Err(message) => return wrong(message),
    };
    match names.as_ref().map(|names| names.logger.is_some()) {
        Some(true) if !is_logged => {
            return wrong("logger specified (-r) but logdir not specified (-L)");
        }
        Some(false) if is_logged => {
            return wrong("logdir specified (-L) but logger name not specified (-r)");
        }
        Some(_) | None => {}
    }
    Ok(Order {
        most,
        user,
        log: is_logged.then_some(log),
        names,
        template: template.into(),
        dir: dir.into(),
    })
}

/// The names in `service/logger/pipeline`, of which the first is enough.
fn split(names: &OsStr) -> Result<Names, &'static str> {
    const FORM: &str =
        "argument to -r must be: service or service/logger or service/logger/pipeline";
    let bytes = names.as_bytes();
    if bytes.contains(&b'\n') {
        return Err("newlines are forbidden in s6-rc names");
    }
    if bytes.ends_with(b"/") && bytes.iter().filter(|byte| **byte == b'/').count() == 1 {
        return Err(FORM);
    }
    let mut parts = bytes.splitn(3, |byte| *byte == b'/').map(OsStr::from_bytes);
    let names = Names {
        service: parts.next().unwrap_or_default().to_owned(),
        logger: parts.next().map(OsStr::to_owned),
        pipeline: parts.next().map(OsStr::to_owned),
    };
    let is_empty = |name: &Option<OsString>| name.as_ref().is_some_and(|name| name.is_empty());
    if names.service.is_empty() {
        Err("service name cannot be empty")
    } else if is_empty(&names.logger) {
        Err("logger name cannot be empty")
    } else if is_empty(&names.pipeline) {
        Err("pipeline name cannot be empty")
    } else if names
        .pipeline
        .as_ref()
        .is_some_and(|name| name.as_bytes().contains(&b'/'))
    {
        Err("slashes are forbidden in s6-rc names")
    } else {
        Ok(names)
    }
}

/// Makes a service directory for s6-supervise.
fn service_dir(order: &Order) -> Result<(), ExitCode> {
    let dir = &order.dir;
    common(dir, &run(order), 0o777)?;
    copy(order, dir)?;
    for name in ["instance", "instances"] {
        make_dir(&dir.join(name))?;
    }
    if let Some(log) = &order.log {
        let dir = dir.join("log");
        make_dir(&dir)?;
        common(&dir, &log_run(log), 0o777)?;
    }
    Ok(())
}

/// Makes definition directories for s6-rc, which makes `instance` and `instances` itself and its
/// scripts executable.
fn definitions(order: &Order, names: &Names) -> Result<(), ExitCode> {
    let longrun = |dir: &Path, run: &[u8]| {
        make_dir(dir)?;
        common(dir, run, 0o666)?;
        write_line(&dir.join("type"), OsStr::new("longrun"))
    };
    let dir = order.dir.join(&names.service);
    longrun(&dir, &run(order))?;
    copy(order, &dir)?;
    if let (Some(logger), Some(log)) = (&names.logger, &order.log) {
        write_line(&dir.join("producer-for"), logger)?;
        let dir = order.dir.join(logger);
        longrun(&dir, &log_run(log))?;
        write_line(&dir.join("consumer-for"), &names.service)?;
        if let Some(pipeline) = &names.pipeline {
            write_line(&dir.join("pipeline-name"), pipeline)?;
        }
    }
    Ok(())
}

/// What both kinds have, service and logger.
fn common(dir: &Path, run: &[u8], mode: u32) -> Result<(), ExitCode> {
    write_line(&dir.join("notification-fd"), OsStr::new("3"))?;
    write(&dir.join("run"), run, mode)
}

/// The script of the service. Commands have no path: the first of their name in PATH is the one
/// that belongs to the supervisor.
fn run(order: &Order) -> Vec<u8> {
    let mut script = script();
    // What the instances complain about goes where the rest of their output goes.
    script.extend(b"fdmove -c 2 1\n");
    script.extend(setuidgid(&order.user));
    script.extend(format!("s6-svscan -d3 -C{} -- instance\n", order.most).as_bytes());
    script
}

/// The script of the logger.
fn log_run(log: &Log) -> Vec<u8> {
    let mut script = script();
    script.extend(setuidgid(&log.user));
    script.extend(b"s6-log -bd3 --");
    if log.stamps & 1 != 0 {
        script.extend(b" t");
    }
    if log.stamps & 2 != 0 {
        script.extend(b" T");
    }
    script.extend(format!(" n{} s{}", log.files, log.size).as_bytes());
    if log.total != 0 {
        script.extend(format!(" S{}", log.total).as_bytes());
    }
    if let Some(prefix) = &log.prefix {
        let directive = [b"p", prefix.as_bytes()].concat();
        script.push(b' ');
        script.extend(quoted(&OsString::from_vec(directive)));
    }
    script.push(b' ');
    script.extend(quoted(&log.dir));
    script.push(b'\n');
    script
}

/// The first line of a script.
fn script() -> Vec<u8> {
    let [ours, ..] = INTERPRETERS;
    let there = INTERPRETERS.iter().find(|path| Path::new(path).exists());
    format!("#!{} -P\n", there.unwrap_or(&ours)).into_bytes()
}

fn setuidgid(user: &OsStr) -> Vec<u8> {
    if user.is_empty() {
        return Vec::new();
    }
    [b"s6-setuidgid ", quoted(user).as_slice(), b"\n"].concat()
}

/// A word as execline reads it back.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in word.as_bytes() {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b'\n' => text.extend(b"\\n"),
            _ => text.push(*byte),
        }
    }
    text.push(b'"');
    text
}

fn copy(order: &Order, dir: &Path) -> Result<(), ExitCode> {
    let (from, to) = (&order.template, dir.join("template"));
    instance::copy(from, &to).map_err(|error| {
        let message = format!(
            "unable to copy file hierarchy from {} to {}: {}",
            from.display(),
            to.display(),
            reason(&error)
        );
        complain::fatal(NAME, message, SYSTEM)
    })
}

fn make_dir(dir: &Path) -> Result<(), ExitCode> {
    let made = fs::create_dir(dir).and_then(|()| open_to_all(dir));
    made.map_err(|error| failed("mkdir", dir, &error))
}

/// Gives a directory the mode that it has whatever the umask.
fn open_to_all(dir: &Path) -> io::Result<()> {
    files::chmod(dir, 0o755)
}

fn write_line(path: &Path, line: &OsStr) -> Result<(), ExitCode> {
    write(path, &[line.as_bytes(), b"\n"].concat(), 0o666)
}

/// Writes a file with what the umask leaves of `mode`.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), ExitCode> {
    let mut options = OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(content));
    written.map_err(|error| failed("write to", path, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> ExitCode {
    let message = format!("unable to {what} {}: {}", path.display(), reason(error));
    complain::fatal(NAME, message, SYSTEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_so_that_execline_reads_them_back() {
        let text = |word: &str| String::from_utf8(quoted(OsStr::new(word))).unwrap();
        assert_eq!(text("a b"), r#""a b""#);
        assert_eq!(text("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(text("$x {é}"), r#""$x {é}""#);
    }

    #[test]
    fn names_are_one_two_or_three() {
        let names = |text: &str| split(OsStr::new(text));
        let all = names("a/b/c").unwrap();
        assert_eq!(all.service, "a");
        assert_eq!(all.logger.as_deref(), Some(OsStr::new("b")));
        assert_eq!(all.pipeline.as_deref(), Some(OsStr::new("c")));
        let one = names("a").unwrap();
        assert!(one.logger.is_none() && one.pipeline.is_none());
        for wrong in ["", "a/", "/b", "a//c", "a/b/", "a/b/c/d", "a\nb"] {
            assert!(names(wrong).is_err(), "{wrong:?}");
        }
    }
}
