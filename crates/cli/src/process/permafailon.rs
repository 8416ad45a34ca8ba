//! `s6-permafailon`: giving up on a service that died too often in the same way (s6-permafailon(1)).

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sixfold_model::Signal;
use sixfold_protocol::death_tally::{self, Death};
use sixfold_protocol::{Tai64n, paths};

use crate::complain::{self, ExitCode, USAGE, reason};
use crate::exec;
use crate::options::number;

pub(super) const NAME: &str = "s6-permafailon";
const SYNOPSIS: &str = "s6-permafailon seconds deathcount statuslist prog...";
/// What a finish script exits with to say that the service will never work.
const PERMANENT_FAILURE: u8 = 125;
/// No more deaths than this are ever remembered.
const MOST: usize = 4096;

/// The deaths that count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Causes {
    /// Exit codes, from and to.
    codes: Vec<(u8, u8)>,
    signals: Vec<i32>,
}

impl Causes {
    /// Reads exit codes, ranges of them, and signals by name, separated by commas, semicolons or
    /// blanks; or says what is wrong.
    fn parse(list: &str) -> Result<Self, &'static str> {
        let mut causes = Self::default();
        let is_separator = |c: char| matches!(c, ',' | ';') || c.is_ascii_whitespace();
        if list.starts_with(is_separator) {
            return Err("invalid status list specification");
        }
        for word in list.split(is_separator).filter(|word| !word.is_empty()) {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                let (from, to) = word.split_once('-').unwrap_or((word, word));
                let code = |text: &str| text.parse::<u8>().map_err(|_| "invalid exit code");
                if !to.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err("invalid interval specification");
                }
                if [from, to]
                    .iter()
                    .any(|code| code.contains(|c: char| !c.is_ascii_digit()))
                {
                    return Err("invalid status list specification");
                }
                let (from, to) = (code(from)?, code(to)?);
                if to < from {
                    return Err("invalid interval");
                }
                causes.codes.push((from, to));
            } else {
                let signal = Signal::parse(word).ok_or("invalid status list specification")?;
                causes.signals.push(signal.number());
            }
        }
        Ok(causes)
    }

    fn contains(&self, death: Death) -> bool {
        let has_code = |(from, to): &(u8, u8)| (*from..=*to).contains(&death.code);
        self.codes.iter().any(has_code) || self.signals.contains(&i32::from(death.signal))
    }
}

/// The death with which there were `count` since `earliest` for one of the `causes`.
fn last_straw(deaths: &[Death], causes: &Causes, count: usize, earliest: Tai64n) -> Option<Death> {
    deaths
        .iter()
        .copied()
        .filter(|death| death.at >= earliest && causes.contains(*death))
        .nth(count.saturating_sub(1))
}

/// `s6-permafailon seconds deathcount statuslist prog...`
pub(super) fn permafailon(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(NAME, SYNOPSIS);
    let [seconds, count, list, words @ ..] = args.as_slice() else {
        return usage();
    };
    let (Some(seconds), Some(count)) = (number::<u32>(seconds), number::<usize>(count)) else {
        return usage();
    };
    if count == 0 {
        return usage();
    }
    let causes = match Causes::parse(&list.to_string_lossy()) {
        Ok(causes) => causes,
        Err(wrong) => return complain::fatal(NAME, wrong, USAGE),
    };
    let count = count.min(MOST);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let earliest = Tai64n::from_unix(now.saturating_sub(Duration::from_secs(seconds.into())));
    if let Some(death) = last_straw(&deaths(), &causes, count, earliest) {
        let cause = match death.signal {
            0 => format!("exit code {}", death.code),
            signal => format!("signal {signal}"),
        };
        let message = format!(
            "PERMANENT FAILURE triggered after {count} events involving {cause} in the last {seconds} seconds"
        );
        complain::info(NAME, message);
        return ExitCode::from(PERMANENT_FAILURE);
    }
    exec::words(NAME, words)
}

/// The deaths of the service in whose directory this runs; none, and a warning, if they are not to
/// be had.
fn deaths() -> Vec<Death> {
    match fs::read(Path::new(paths::DEATH_TALLY)) {
        Ok(content) => death_tally::unpack(&content).unwrap_or_else(|| {
            complain::warn(NAME, format_args!("invalid {}", paths::DEATH_TALLY));
            Vec::new()
        }),
        Err(error) => {
            let message = format!("unable to stat {}: {}", paths::DEATH_TALLY, reason(&error));
            complain::warn(NAME, message);
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(second: u64, code: u8, signal: u8) -> Death {
        Death {
            at: Tai64n::from_unix(Duration::from_secs(second)),
            code,
            signal,
        }
    }

    #[test]
    fn lists_hold_codes_ranges_and_signals() {
        let causes = Causes::parse("1-5,SIGABRT; 9 hup").unwrap();
        assert_eq!(causes.codes, [(1, 5), (9, 9)]);
        assert_eq!(causes.signals, [6, 1]);
        assert!(causes.contains(death(0, 5, 0)) && causes.contains(death(0, 134, 6)));
        assert!(!causes.contains(death(0, 6, 0)) && !causes.contains(death(0, 137, 9)));
        assert_eq!(Causes::parse("").unwrap(), Causes::default());
        for wrong in ["256", "1-", "5-1", "1-300", "SIGNOPE", "1x"] {
            assert!(Causes::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn enough_of_them_in_time_are_too_many() {
        let causes = Causes::parse("1").unwrap();
        let deaths = [
            death(1, 1, 0),
            death(5, 1, 0),
            death(6, 2, 0),
            death(7, 1, 0),
        ];
        let since = |second| Tai64n::from_unix(Duration::from_secs(second));
        assert_eq!(last_straw(&deaths, &causes, 3, since(0)), Some(deaths[3]));
        assert_eq!(last_straw(&deaths, &causes, 3, since(2)), None);
        assert_eq!(last_straw(&deaths, &causes, 2, since(5)), Some(deaths[3]));
        assert_eq!(last_straw(&[], &causes, 1, since(0)), None);
    }
}
