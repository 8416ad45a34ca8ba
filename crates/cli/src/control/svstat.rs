//! `s6-svstat`: what a service is doing, for people and for scripts (s6-svstat(1)).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sixfold_model::Signal;
use sixfold_protocol::{Status, Tai64n};

use super::service;
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason};
use crate::options::{Options, WrongUsage};

pub(super) const NAME: &str = "s6-svstat";
const SYNOPSIS: &str = "s6-svstat [ -uwNrpgest | -o up,wantedup,normallyup,ready,paused,pid,pgid,exitcode,signal,signum,updownsince,readysince,updownfor,readyfor ] [ -n ] servicedir";
/// A field: its name, its letter or 0, and what it shows.
type Field = (&'static str, u8, fn(&View) -> String);
/// All of them.
const FIELDS: [Field; 14] = [
    ("up", b'u', |view| view.status.is_up().to_string()),
    ("wantedup", b'w', |view| view.status.wanted_up.to_string()),
    ("normallyup", b'N', |view| view.normally_up.to_string()),
    ("ready", b'r', |view| {
        (view.status.pid != 0 && view.status.ready).to_string()
    }),
    ("paused", 0, |view| {
        (view.status.pid != 0 && view.status.paused).to_string()
    }),
    ("pid", b'p', View::pid),
    // A supervisor gives each run a process group of its own, which has its number.
    ("pgid", b'g', View::pid),
    ("exitcode", b'e', |view| or_minus_one(view.code())),
    ("signal", b's', |view| {
        view.signal().map_or_else(|| "NA".to_owned(), signal_name)
    }),
    ("signum", 0, |view| or_minus_one(view.signal())),
    ("updownsince", 0, |view| label(view.status.changed)),
    ("readysince", 0, |view| label(view.status.ready_since)),
    ("updownfor", b't', |view| view.seconds(view.status.changed)),
    ("readyfor", 0, |view| view.seconds(view.status.ready_since)),
];

/// What there is to show.
struct View {
    status: Status,
    normally_up: bool,
    /// The time since the beginning of 1970.
    now: Duration,
}

/// `s6-svstat [ fields ] [ -n ] servicedir`: prints one line about the service.
pub(super) fn svstat(args: Vec<OsString>) -> ExitCode {
    match line(args) {
        Ok(line) => {
            complain::say(line);
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

fn line(args: Vec<OsString>) -> Result<String, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::new(args, "no:uwNrpgest");
    let mut fields: Vec<&Field> = Vec::new();
    let mut is_numeric = false;
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'n' => is_numeric = true,
            b'o' => fields.extend(named_fields(&option.value)?),
            letter => fields.extend(FIELDS.iter().find(|field| field.1 == letter)),
        }
    }
    let rest = options.rest();
    let dir = rest.first().ok_or(WrongUsage).map_err(usage)?;
    let view = look(Path::new(dir))?;
    if fields.is_empty() {
        return Ok(view.sentence(is_numeric));
    }
    let values: Vec<String> = fields.iter().map(|field| field.2(&view)).collect();
    Ok(values.join(" "))
}

fn named_fields(value: &OsStr) -> Result<Vec<&'static Field>, ExitCode> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let names = value.to_string_lossy();
    let names = names.strip_suffix(',').unwrap_or(&names);
    names
        .split(',')
        .map(|name| {
            if name.is_empty() {
                return Err(complain::fatal(NAME, "invalid null option field", USAGE));
            }
            FIELDS.iter().find(|field| field.0 == name).ok_or_else(|| {
                complain::fatal(NAME, format_args!("invalid option field: {name}"), USAGE)
            })
        })
        .collect()
}

fn look(dir: &Path) -> Result<View, ExitCode> {
    let shown = dir.display();
    let system = |what: &str, error: &std::io::Error| {
        let message = format!("unable to {what} {shown}: {}", reason(error));
        complain::fatal(NAME, message, SYSTEM)
    };
    if !service::is_supervised(dir).map_err(|error| system("check", &error))? {
        let message = format!("unable to read status for {shown}: s6-supervise not running");
        return Err(complain::fatal(NAME, message, FAILED));
    }
    let status = service::status(dir).map_err(|error| system("read status for", &error))?;
    let normally_up = match fs::metadata(dir.join("down")) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(system("access the down file of", &error)),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(View {
        status,
        normally_up,
        now: now.unwrap_or_default(),
    })
}

impl View {
    /// The line for people.
    fn sentence(&self, is_numeric: bool) -> String {
        let status = &self.status;
        let mut line = if status.is_up() {
            format!("up (pid {0} pgid {0}) ", status.pid)
        } else if status.is_fresh() {
            "down (not started yet) ".to_owned()
        } else if let Some(signal) = status.exit.signal() {
            let signal = if is_numeric {
                signal.to_string()
            } else {
                signal_name(signal)
            };
            format!("down (signal {signal}) ")
        } else {
            format!(
                "down (exitcode {}) ",
                status.exit.code().unwrap_or_default()
            )
        };
        if !status.is_fresh() {
            line += &format!("{} seconds", self.seconds(status.changed));
        }
        for (is_so, words) in [
            (status.is_up() && !self.normally_up, ", normally down"),
            (!status.is_up() && self.normally_up, ", normally up"),
            (status.is_up() && status.paused, ", paused"),
            (!status.is_up() && status.wanted_up, ", want up"),
            (status.is_up() && !status.wanted_up, ", want down"),
        ] {
            if is_so {
                line += words;
            }
        }
        if status.ready && !status.is_fresh() {
            line += &format!(", ready {} seconds", self.seconds(status.ready_since));
        }
        line
    }

    fn pid(&self) -> String {
        or_minus_one(self.status.is_up().then_some(self.status.pid))
    }

    fn has_ended(&self) -> bool {
        !self.status.is_up() && !self.status.is_fresh()
    }

    fn code(&self) -> Option<u8> {
        self.status.exit.code().filter(|_| self.has_ended())
    }

    fn signal(&self) -> Option<u8> {
        self.status.exit.signal().filter(|_| self.has_ended())
    }

    /// How long ago that was; nothing, if the clock was set back since.
    fn seconds(&self, since: Tai64n) -> String {
        let ago = self.now.saturating_sub(since.to_unix());
        ago.as_secs().to_string()
    }
}

fn or_minus_one<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-1".to_owned(), |value| value.to_string())
}

fn label(moment: Tai64n) -> String {
    format!("@{}", moment.label())
}

/// The name of a signal, `SIG` included.
pub(super) fn signal_name(number: u8) -> String {
    Signal::from_number(i32::from(number))
        .map_or_else(|| format!("SIG{number}"), |signal| signal.to_string())
}

#[cfg(test)]
mod tests {
    use sixfold_protocol::status::WaitStatus;

    use super::*;

    fn view(status: Status) -> View {
        let ago = |seconds: u64| Tai64n::from_unix(Duration::from_secs(1000 - seconds));
        View {
            status: Status {
                changed: ago(7),
                ready_since: ago(5),
                ..status
            },
            normally_up: true,
            now: Duration::from_secs(1000),
        }
    }

    fn up() -> Status {
        Status {
            pid: 42,
            wanted_up: true,
            ..Status::default()
        }
    }

    #[test]
    fn people_are_told_what_is_out_of_the_ordinary() {
        assert_eq!(view(up()).sentence(false), "up (pid 42 pgid 42) 7 seconds");
        let mut odd = view(Status {
            paused: true,
            wanted_up: false,
            ready: true,
            ..up()
        });
        odd.normally_up = false;
        assert_eq!(
            odd.sentence(false),
            "up (pid 42 pgid 42) 7 seconds, normally down, paused, want down, ready 5 seconds"
        );
        let dead = Status {
            exit: WaitStatus::killed(15),
            wanted_up: true,
            ready: true,
            ..Status::default()
        };
        assert_eq!(
            view(dead).sentence(false),
            "down (signal SIGTERM) 7 seconds, normally up, want up, ready 5 seconds"
        );
        assert!(view(dead).sentence(true).starts_with("down (signal 15) 7"));
        let fresh = Status {
            paused: true,
            ready: true,
            ..Status::default()
        };
        assert_eq!(
            view(fresh).sentence(false),
            "down (not started yet) , normally up"
        );
    }

    #[test]
    fn fields_are_those_of_s6() {
        let value = |name: &str, status| {
            let field = FIELDS.iter().find(|field| field.0 == name).unwrap();
            field.2(&view(status))
        };
        for (name, wanted) in [
            ("up", "true"),
            ("pid", "42"),
            ("pgid", "42"),
            ("exitcode", "-1"),
            ("signal", "NA"),
            ("signum", "-1"),
            ("updownfor", "7"),
            ("readyfor", "5"),
            ("ready", "false"),
            ("updownsince", "@400000000000040600000000"),
        ] {
            assert_eq!(value(name, up()), wanted, "{name}");
        }
        let finishing = Status {
            finishing: true,
            exit: WaitStatus::exited(3),
            ..up()
        };
        for (name, wanted) in [("up", "false"), ("pid", "-1"), ("exitcode", "3")] {
            assert_eq!(value(name, finishing), wanted, "{name}");
        }
    }

    #[test]
    fn names_of_fields_are_whole_words() {
        let names = |value: &str| named_fields(OsStr::new(value)).map(|fields| fields.len());
        assert_eq!(names("up,pid,up").unwrap(), 3);
        assert_eq!(names("").unwrap(), 0);
        assert_eq!(names("up,").unwrap(), 1);
        assert!(names("u").is_err() && names("up,,pid").is_err());
    }
}
