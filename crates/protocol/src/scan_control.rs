//! The bytes that s6-svscanctl writes into `.s6-svscan/control` (s6-svscanctl(8); s6 before 2.10
//! had other letters too, which old images still use).

/// What one control byte asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanCommand {
    /// `z`: reap. There is nothing to do, it happens by itself.
    Reap,
    /// `a`: read the scan directory again.
    Scan,
    /// `n`: stop services that are no longer in the scan directory, but not their loggers.
    Prune,
    /// `N`: the same, loggers included.
    PruneLoggers,
    /// `h`: scan, then prune.
    ScanAndPrune,
    /// `t`, `i` and, before s6 2.10, `0 6 7 8 p r s`: stop in order.
    Stop,
    /// `q`: stop in order, loggers too.
    StopLoggers,
    /// `b`: leave now.
    Abort,
}

impl ScanCommand {
    /// The meaning of one byte; `None` for bytes that s6-svscan does not know.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'z' => Some(Self::Reap),
            b'a' => Some(Self::Scan),
            b'n' => Some(Self::Prune),
            b'N' => Some(Self::PruneLoggers),
            b'h' => Some(Self::ScanAndPrune),
            b't' | b'i' | b'0' | b'6' | b'7' | b'8' | b'p' | b'r' | b's' => Some(Self::Stop),
            b'q' => Some(Self::StopLoggers),
            b'b' => Some(Self::Abort),
            _ => None,
        }
    }

    /// Whether it ends the container.
    pub fn is_stop(self) -> bool {
        match self {
            Self::Stop | Self::StopLoggers | Self::Abort => true,
            Self::Reap | Self::Scan | Self::Prune | Self::PruneLoggers | Self::ScanAndPrune => {
                false
            }
        }
    }
}

/// The byte that asks the supervisor of a scan directory to open the socket of the commands of s6-rc
/// ([`crate::paths::REQUESTS`]), which only those need. It is none of s6's, whose s6-svscan says that it
/// does not know it.
pub const LISTEN: u8 = b'R';

/// The letters that `s6-svscanctl` takes as options: those of today and those of s6 before 2.10.
pub const OPTION_LETTERS: &str = "zabhitqnN0678prs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_letter_means_something() {
        for letter in OPTION_LETTERS.bytes() {
            assert!(
                ScanCommand::from_byte(letter).is_some(),
                "{}",
                letter as char
            );
        }
        assert_eq!(ScanCommand::from_byte(b'x'), None);
        assert_eq!(ScanCommand::from_byte(b'\n'), None);
        assert_eq!(ScanCommand::from_byte(0), None);
    }

    #[test]
    fn what_stops() {
        for letter in *b"tiqb0678prs" {
            assert!(ScanCommand::from_byte(letter).is_some_and(ScanCommand::is_stop));
        }
        for letter in *b"zanNh" {
            assert!(!ScanCommand::from_byte(letter).is_some_and(ScanCommand::is_stop));
        }
    }
}
