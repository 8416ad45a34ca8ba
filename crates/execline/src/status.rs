//! How a child ended, as the two kinds of numbers that execline makes of it.

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(u8),
    /// This signal killed it.
    Signal(u8),
}

impl Ended {
    /// Whether it exited with 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The exit code that tells this end: codes from 128 on become 128, a signal 128 plus its number.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Code(code) => code.min(128),
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }

    /// The value of the variable `?`: the code unchanged, or 256 plus the signal's number.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Code(code) => u16::from(code),
            Self::Signal(signal) => u16::from(signal) + 256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_collapse_and_signals_are_told_apart() {
        for (ended, exit_code, number) in [
            (Ended::Code(0), 0, 0),
            (Ended::Code(127), 127, 127),
            (Ended::Code(200), 128, 200),
            (Ended::Signal(9), 137, 265),
            (Ended::Signal(64), 192, 320),
        ] {
            assert_eq!((ended.exit_code(), ended.number()), (exit_code, number));
        }
    }
}
