//! Signals by number and by name, the real-time ones included (1 to 64).

use std::fmt;

/// A signal number between 1 and 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// The names that Linux gives to the classic signals, by number from 1.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The first real-time signal that a program may use (glibc and musl keep 32 to 34 and 33).
const RTMIN: u8 = 34;
const RTMAX: u8 = 64;

impl Signal {
    /// Hang-up: rescan, for PID 1.
    pub const HUP: Self = Self(1);
    /// Interrupt, as from ^C.
    pub const INT: Self = Self(2);
    /// Quit, as from ^\.
    pub const QUIT: Self = Self(3);
    /// The signal that cannot be caught.
    pub const KILL: Self = Self(9);
    /// Abort: an error that the program found in itself.
    pub const ABRT: Self = Self(6);
    /// First user signal.
    pub const USR1: Self = Self(10);
    /// Second user signal.
    pub const USR2: Self = Self(12);
    /// Alarm clock: rescan, for PID 1.
    pub const ALRM: Self = Self(14);
    /// The polite request to end.
    pub const TERM: Self = Self(15);
    /// Continue, if stopped.
    pub const CONT: Self = Self(18);
    /// The stop that cannot be caught.
    pub const STOP: Self = Self(19);
    /// The terminal's size changed.
    pub const WINCH: Self = Self(28);
    /// Power failure.
    pub const PWR: Self = Self(30);

    /// The signal of that number, if it is one (1 to 64).
    pub fn from_number(number: i32) -> Option<Self> {
        match u8::try_from(number) {
            Ok(n @ 1..=64) => Some(Self(n)),
            Ok(_) | Err(_) => None,
        }
    }

    /// The signal of that name or number: `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+2`,
    /// `SIGRTMAX-1`; also the aliases `CLD`, `POLL` and `IOT`.
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.trim().to_ascii_uppercase();
        if let Ok(number) = upper.parse::<i32>() {
            return Self::from_number(number);
        }
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            return u8::try_from(index + 1).ok().map(Self);
        }
        match name {
            "CLD" => Some(Self(17)),
            "POLL" => Some(Self(29)),
            "IOT" => Some(Self(6)),
            "RTMIN" => Some(Self(RTMIN)),
            "RTMAX" => Some(Self(RTMAX)),
            other => real_time(other).map(Self),
        }
    }

    /// The number, 1 to 64.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }
}

/// `RTMIN+N` and `RTMAX-N`, within the range that programs may use.
fn real_time(name: &str) -> Option<u8> {
    let number = if let Some(offset) = name.strip_prefix("RTMIN+") {
        RTMIN.checked_add(offset.parse().ok()?)?
    } else {
        RTMAX.checked_sub(name.strip_prefix("RTMAX-")?.parse().ok()?)?
    };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
}

impl fmt::Display for Signal {
    /// The name with its prefix, as s6-svstat prints it: `SIGTERM`, `SIGRTMIN+2`; the two numbers
    /// that the C library keeps for itself print as `SIG32` and `SIG33`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RTMIN => f.write_str("SIGRTMIN"),
            n if n > RTMIN => write!(f, "SIGRTMIN+{}", n - RTMIN),
            n => match NAMES.get(usize::from(n).wrapping_sub(1)) {
                Some(name) => write!(f, "SIG{name}"),
                None => write!(f, "SIG{n}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for number in 1..=64 {
            let signal = Signal::from_number(number).unwrap();
            assert_eq!(signal.number(), number);
            if !(32..=33).contains(&number) {
                assert_eq!(Signal::parse(&signal.to_string()), Some(signal));
            }
            assert_eq!(Signal::parse(&number.to_string()), Some(signal));
        }
    }

    #[test]
    fn spellings() {
        assert_eq!(Signal::parse("SIGQUIT"), Some(Signal::QUIT));
        assert_eq!(Signal::parse("quit\n"), Some(Signal::QUIT));
        assert_eq!(Signal::parse("RTMIN+1").map(Signal::number), Some(35));
        assert_eq!(Signal::parse("SIGRTMAX-64"), None);
        for wrong in ["", "0", "65", "-1", "SIGNOPE", "RTMIN+31", "9x"] {
            assert_eq!(Signal::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn classic_names() {
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
        assert_eq!(Signal::WINCH.number(), 28);
        assert_eq!(Signal::PWR.to_string(), "SIGPWR");
        assert_eq!(Signal::CONT.to_string(), "SIGCONT");
    }
}
