//! `/init`: the daemon.

use std::ffi::OsString;

use sixfold_daemon::Invocation;

use crate::applets;
use crate::complain::{ExitCode, SYSTEM, fatal};

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
