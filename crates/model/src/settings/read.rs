//! Reads environment variables into [`Settings`], with a finding for each that makes no sense.
//!
//! Never takes a value that is not what it must be: the default holds then, and the finding says
//! so. Called from the daemon at boot.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::{Behaviour, LogFormat, Logging, Settings};
use crate::Diagnostic;
use crate::text::{decimal, limit, milliseconds, nearest, quoted};

/// The variables that change something here.
const HONOURED: [&str; 24] = [
    "S6_BEHAVIOUR_IF_STAGE2_FAILS",
    "S6_CATCHALL_USER",
    "S6_CMD_ARG0",
    "S6_CMD_RECEIVE_SIGNALS",
    "S6_CMD_USE_TERMINAL",
    "S6_CMD_WAIT_FOR_SERVICES",
    "S6_CMD_WAIT_FOR_SERVICES_MAXTIME",
    "S6_FIX_ATTRS_HIDDEN",
    "S6_GLOBAL_PATH",
    "S6_KEEP_ENV",
    "S6_KILL_FINISH_MAXTIME",
    "S6_KILL_GRACETIME",
    "S6_LOGGING",
    "S6_LOGGING_SCRIPT",
    "S6_READ_ONLY_ROOT",
    "S6_RUNTIME_BUNDLEDIR",
    "S6_RUNTIME_PROFILE",
    "S6_SERVICES_GRACETIME",
    "S6_STAGE2_HOOK",
    "S6_SYNC_DISKS",
    "S6_VERBOSITY",
    "S6_WAIT_FOR_CLOSING_FD",
    "SIXFOLD_LOG_FORMAT",
    "SIXFOLD_SYSLOG",
];

/// What variables were called in s6-overlay v1, before 1.8.5 and in 1.18.1.4, and what they are
/// called since (overlay.md 2.1).
const RENAMED: [(&str, &str); 2] = [
    ("S6_ATTRS_FIX_HIDDEN", "S6_FIX_ATTRS_HIDDEN"),
    ("S6_USE_CATCHALL_LOGGER", "S6_LOGGING"),
];

/// The variables of s6-overlay that have nothing to change here: nothing is polled, so there is no
/// pause before the wait for readiness; a `/run` that anyone may write to is no reason to refuse.
const WITHOUT_EFFECT: [&str; 2] = [
    "S6_SERVICES_READYTIME",
    "S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES",
];

/// Variables that image builds use to choose a release, and one that s6-overlay v2 itself sets.
/// Never suggested: they mean nothing at run time.
const OF_THE_BUILD: [&str; 4] = [
    "S6_ARCH",
    "S6_OVERLAY_VERSION",
    "S6_STAGE2_EXITED",
    "S6_VERSION",
];

/// The upper bound of `S6_KILL_GRACETIME`, that of s6-linux-init-shutdownd.
const MAX_KILL_GRACETIME: u64 = 300_000;
/// The most that `S6_VERBOSITY` can ask for.
const MAX_VERBOSITY: u64 = 5;
/// How many letters a name may be off to be taken for a misspelling.
const MISSPELLING: usize = 2;

impl Settings {
    /// The settings that these variables (name and value each) ask for, and a finding about each
    /// variable that makes no sense, has another name or looks misspelt, ordered by name.
    ///
    /// As in s6-overlay 3.2: numbers are decimal digits only; a flag is off for 0 and on for any
    /// other number; an empty value is as good as an unset variable; of a name that occurs twice
    /// the first counts, as for getenv(3). Where s6-overlay takes a wrong value in silence, or
    /// breaks on it, the default is taken and reported here. Other variables, of whatever name,
    /// are the image's own.
    pub fn from_env<'a>(
        vars: impl IntoIterator<Item = (&'a OsStr, &'a OsStr)>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut ours = BTreeMap::new();
        for (name, value) in vars {
            if let Some(name) = name.to_str()
                && (name.starts_with("S6_") || name.starts_with("SIXFOLD_"))
            {
                ours.entry(name).or_insert(value);
            }
        }
        let mut settings = Self::default();
        let mut diagnostics = Vec::new();
        for (name, value) in ours {
            if !value.is_empty() {
                let variable = Variable { name, value };
                diagnostics.extend(settings.take(&variable));
            }
        }
        (settings, diagnostics)
    }

    /// Stores what one variable says, or returns what is wrong with it.
    fn take(&mut self, variable: &Variable<'_>) -> Option<Diagnostic> {
        match variable.name {
            "S6_KEEP_ENV" => variable.flag(&mut self.keep_env),
            "S6_CMD_USE_TERMINAL" => variable.flag(&mut self.cmd_use_terminal),
            "S6_CMD_RECEIVE_SIGNALS" => variable.flag(&mut self.cmd_receive_signals),
            "S6_CMD_WAIT_FOR_SERVICES" => variable.flag(&mut self.cmd_wait_for_services),
            "S6_FIX_ATTRS_HIDDEN" => variable.flag(&mut self.fix_attrs_hidden),
            "S6_READ_ONLY_ROOT" => variable.flag(&mut self.read_only_root),
            "S6_SYNC_DISKS" => variable.flag(&mut self.sync_disks),
            "SIXFOLD_SYSLOG" => variable.flag(&mut self.syslog),
            "S6_KILL_FINISH_MAXTIME" => variable.limit(&mut self.kill_finish_maxtime),
            "S6_SERVICES_GRACETIME" => variable.limit(&mut self.services_gracetime),
            "S6_CMD_WAIT_FOR_SERVICES_MAXTIME" => variable.limit(&mut self.boot_maxtime),
            "S6_KILL_GRACETIME" => variable.grace(&mut self.kill_gracetime),
            "S6_VERBOSITY" => variable.verbosity(&mut self.verbosity),
            "S6_BEHAVIOUR_IF_STAGE2_FAILS" => variable.behaviour(&mut self.behaviour),
            "S6_RUNTIME_PROFILE" => variable.profile(&mut self.runtime_profile),
            "SIXFOLD_LOG_FORMAT" => variable.log_format(&mut self.log_format),
            "S6_GLOBAL_PATH" => {
                self.global_path = Some(variable.value.to_owned());
                None
            }
            "S6_WAIT_FOR_CLOSING_FD" => variable.descriptor(&mut self.wait_for_closing_fd),
            "S6_RUNTIME_BUNDLEDIR" => {
                self.runtime_bundledir = Some(variable.value.to_owned());
                None
            }
            "S6_LOGGING" => variable.logging(&mut self.logging),
            "S6_LOGGING_SCRIPT" => {
                self.logging_script = words(variable.value);
                None
            }
            "S6_CATCHALL_USER" => {
                self.catchall_user = Some(variable.value.to_owned());
                None
            }
            "S6_CMD_ARG0" => {
                self.cmd_arg0 = words(variable.value);
                None
            }
            "S6_STAGE2_HOOK" => {
                self.stage2_hook = words(variable.value);
                None
            }
            "S6_SERVICES_READYTIME" => variable.number(MILLISECONDS, "it has no effect").err(),
            name if WITHOUT_EFFECT.contains(&name) || OF_THE_BUILD.contains(&name) => None,
            name => misspelt(name),
        }
    }
}

/// What a variable that holds a time must be.
const MILLISECONDS: &str = "a number of milliseconds in decimal digits";

/// One variable with a value that is not empty.
struct Variable<'a> {
    name: &'a str,
    value: &'a OsStr,
}

impl Variable<'_> {
    /// The finding that the value is not what it `must` be, and what is `taken` instead.
    fn wrong(&self, must: &str, taken: &str) -> Diagnostic {
        let name = self.name;
        let value = quoted(self.value.as_bytes());
        Diagnostic::variable(
            format!("{name} is {value} and must be {must}; {taken}"),
            format!("correct {name} or leave it unset"),
        )
    }

    /// The value as a number, or the finding that it is none.
    fn number(&self, must: &str, taken: &str) -> Result<u64, Diagnostic> {
        decimal(self.value.as_bytes()).ok_or_else(|| self.wrong(must, taken))
    }

    /// Stores the value as a flag.
    fn flag(&self, setting: &mut bool) -> Option<Diagnostic> {
        let default = if *setting { "taken as 1" } else { "taken as 0" };
        match self.number("0 (off) or another number (on)", default) {
            Ok(number) => {
                *setting = number != 0;
                None
            }
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Stores the value as a time that 0 makes limitless.
    fn limit(&self, setting: &mut Option<Duration>) -> Option<Diagnostic> {
        let default = setting.map_or(0, |time| time.as_millis());
        let without = if default == 0 { ", without limit" } else { "" };
        match self.number(MILLISECONDS, &format!("taken as {default}{without}")) {
            Ok(number) => {
                *setting = limit(number);
                None
            }
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Stores the value as a time of five minutes at the most.
    fn grace(&self, setting: &mut Duration) -> Option<Diagnostic> {
        let default = setting.as_millis();
        match self.number(MILLISECONDS, &format!("taken as {default}")) {
            Ok(number) => {
                *setting = milliseconds(number.min(MAX_KILL_GRACETIME));
                (number > MAX_KILL_GRACETIME).then(|| {
                    self.wrong(
                        &format!("{MAX_KILL_GRACETIME} milliseconds at the most"),
                        &format!("taken as {MAX_KILL_GRACETIME}"),
                    )
                })
            }
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Stores the value as a verbosity; more than the most is the most.
    fn verbosity(&self, setting: &mut u8) -> Option<Diagnostic> {
        match self.number("a number from 0 to 5", &format!("taken as {setting}")) {
            Ok(number) => {
                *setting = u8::try_from(number.min(MAX_VERBOSITY)).unwrap_or(*setting);
                None
            }
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Stores the value as what a failed boot leads to.
    fn behaviour(&self, setting: &mut Behaviour) -> Option<Diagnostic> {
        let must = "0 (go on), 1 (go on with a warning) or 2 (stop)";
        match self.number(must, "taken as 0") {
            Ok(number) => {
                *setting = match number {
                    0 => Behaviour::Continue,
                    1 => Behaviour::Warn,
                    _ => Behaviour::Stop,
                };
                None
            }
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Stores the value as where everything goes that is written.
    fn logging(&self, setting: &mut Logging) -> Option<Diagnostic> {
        let must =
            "0 (to the container's streams), 1 (to the catch-all logger too) or 2 (to it alone)";
        match self.number(must, "taken as 0") {
            Ok(number) => {
                *setting = match number {
                    0 => Logging::Console,
                    1 => Logging::Both,
                    _ => Logging::CatchAll,
                };
                None
            }
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Stores the value as the name of a directory.
    fn profile(&self, setting: &mut Option<OsString>) -> Option<Diagnostic> {
        let bytes = self.value.as_bytes();
        if bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
            let must = "the name of a directory below /etc/cont-profile.d, without a slash";
            return Some(self.wrong(must, "taken as unset"));
        }
        *setting = Some(self.value.to_owned());
        None
    }

    /// Stores the value as a log format.
    fn log_format(&self, setting: &mut LogFormat) -> Option<Diagnostic> {
        let bytes = self.value.as_bytes();
        *setting = if bytes.eq_ignore_ascii_case(b"auto") {
            LogFormat::Auto
        } else if bytes.eq_ignore_ascii_case(b"json") {
            LogFormat::Json
        } else if bytes.eq_ignore_ascii_case(b"text") {
            LogFormat::Text
        } else {
            return Some(self.wrong("auto, json or text", "taken as auto"));
        };
        None
    }

    /// Stores the value as the number of a descriptor that is none of the standard streams.
    fn descriptor(&self, setting: &mut Option<i32>) -> Option<Diagnostic> {
        let must = "0 (none) or the number of a descriptor from 3 up";
        let number = decimal(self.value.as_bytes()).and_then(|number| i32::try_from(number).ok());
        match number {
            Some(0) => None,
            Some(number @ 3..) => {
                *setting = Some(number);
                None
            }
            Some(_) | None => Some(self.wrong(must, "taken as 0")),
        }
    }
}

/// `value` split at blanks, tabs and newlines; no quotes, no patterns.
fn words(value: &OsStr) -> Vec<OsString> {
    value
        .as_bytes()
        .split(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect()
}

/// The finding that an unknown name is a former one, or looks like a known one, if it does.
fn misspelt(name: &str) -> Option<Diagnostic> {
    let former = RENAMED.iter().find(|(former, _)| *former == name);
    let meant = former.map(|(_, meant)| *meant).or_else(|| {
        let known = HONOURED.iter().chain(&WITHOUT_EFFECT);
        nearest(name, known.copied(), MISSPELLING)
    })?;
    Some(Diagnostic::variable(
        format!("unknown variable {name}; did you mean {meant}"),
        format!("rename it to {meant}, or leave it unset"),
    ))
}

#[cfg(test)]
mod tests;
