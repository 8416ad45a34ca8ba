//! How strictly words that should be in a block are looked at (`EXECLINE_STRICT`).

use crate::Environment;

/// The variable's name.
pub const NAME: &[u8] = b"EXECLINE_STRICT";

/// What is done about words in a block that are not quoted by a blank, and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// Unset, or no number: nothing.
    Unset,
    /// 0: nothing, and less is said elsewhere too.
    Silent,
    /// 1: a warning.
    Warn,
    /// 2, or more: the end, with exit code 100.
    Fatal,
}

impl Strict {
    /// What the environment says.
    #[must_use]
    pub fn of(env: &Environment) -> Self {
        let level: Option<u32> = env.get(NAME).and_then(crate::options::number);
        match level {
            None => Self::Unset,
            Some(0) => Self::Silent,
            Some(1) => Self::Warn,
            Some(2..) => Self::Fatal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_a_number() {
        for (value, wanted) in [
            ("", Strict::Unset),
            ("x", Strict::Unset),
            ("-1", Strict::Unset),
            ("4294967296", Strict::Unset),
            ("0", Strict::Silent),
            ("00", Strict::Silent),
            ("01", Strict::Warn),
            ("2", Strict::Fatal),
            ("3", Strict::Fatal),
        ] {
            let env = Environment::new([(NAME.to_vec(), value.into())]);
            assert_eq!(Strict::of(&env), wanted, "{value}");
        }
        assert_eq!(Strict::of(&Environment::default()), Strict::Unset);
    }
}
