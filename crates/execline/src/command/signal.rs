//! Names of signals, as `trap` takes them.

use crate::options::number;

/// The signals of Linux that have names. Of several names for one, the first is the one it is called
/// by.
const NAMES: [(&str, u32); 34] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The number that a name, with or without `SIG` and in either case, or a decimal number stands for;
/// of a number it is not said that there is such a signal.
pub(super) fn read(word: &[u8]) -> Option<u32> {
    number(word).or_else(|| {
        let upper = word.to_ascii_uppercase();
        let name = upper.strip_prefix(b"SIG").unwrap_or(&upper);
        let known = NAMES.iter().find(|(known, _)| known.as_bytes() == name);
        known.map(|(_, signal)| *signal)
    })
}

/// What a signal is called, without `SIG`; `???` for one without a name.
pub(super) fn name(signal: u32) -> &'static str {
    let known = NAMES.iter().find(|(_, known)| *known == signal);
    known.map_or("???", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_by_name_and_number() {
        for (word, signal) in [
            ("TERM", Some(15)),
            ("sigterm", Some(15)),
            ("SigUsr1", Some(10)),
            ("15", Some(15)),
            ("015", Some(15)),
            ("99", Some(99)),
            ("IOT", Some(6)),
            ("POLL", Some(29)),
            ("SIGSIGTERM", None),
            ("SIG", None),
            ("", None),
            ("-1", None),
            ("4294967296", None),
            ("RTMIN", None),
        ] {
            assert_eq!(read(word.as_bytes()), signal, "{word}");
        }
        assert_eq!((name(9), name(17), name(32)), ("KILL", "CHLD", "???"));
    }
}
