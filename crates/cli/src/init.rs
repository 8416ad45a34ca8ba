//! `/init`: the daemon.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use sixfold_daemon::Invocation;

use crate::applets;
use crate::complain::{ExitCode, SYSTEM, fatal, usage};

/// What `/init` of s6-overlay becomes at its end, below `/package/admin/s6-overlay-VERSION/libexec`.
const STAGE0: &str = "stage0";

/// Boots the container. All words are the CMD, those that look like options too.
pub(crate) fn init(cmd: Vec<OsString>) -> ExitCode {
    let invocation = Invocation {
        cmd,
        applets: applets::names(),
    };
    match sixfold_daemon::run(invocation) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fatal("sixfold", format_args!("{error:#}"), SYSTEM),
    }
}

/// `s6-overlay-suexec { root_block... } normal_init...`, which images call that have an `/init` of their
/// own, made after s6-overlay's (overlay.md 1.2, 1.3): boots the container. The block, in which
/// s6-overlay prepares `/run` as root, is not run: that is done here. No version is looked for.
pub(crate) fn suexec(words: Vec<OsString>) -> ExitCode {
    let mut rest = words.into_iter().skip_while(|word| !word.is_empty());
    // The end of the block.
    rest.next();
    let is_stage0 = |word: &OsString| Path::new(word).file_name() == Some(OsStr::new(STAGE0));
    if rest.next().as_ref().is_some_and(is_stage0) {
        init(rest.collect())
    } else {
        usage("s6-overlay-suexec", "{ preinit } stage0 [ cmd... ]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complain::USAGE;

    #[test]
    fn only_stage0_boots() {
        for words in [&[][..], &["", "true"], &[" stage0", " "], &["stage0"]] {
            let words = words.iter().map(OsString::from).collect();
            assert_eq!(suexec(words).number(), USAGE);
        }
    }
}
