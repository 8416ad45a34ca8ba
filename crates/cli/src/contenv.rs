//! `with-contenv` and `printcontenv`: the container's environment for scripts that were started
//! with a bare one. They depend on no PATH, so they work from `docker exec` too.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use sixfold_daemon::contenv::load;
use sixfold_model::{Settings, environment};
use sixfold_protocol::notify::{SOCKET_VARIABLE, WATCHDOG_PID_VARIABLE, WATCHDOG_VARIABLE};
use sixfold_protocol::paths::{CONTAINER_ENVIRONMENT, NOTIFY};

use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason};
use crate::exec;

const WITH_CONTENV: &str = "with-contenv";
const PRINTCONTENV: &str = "printcontenv";

/// `with-contenv prog...`: executes prog with the container's environment instead of its own, of
/// which only PATH is kept where the container has none, and what Sixfold tells a service about its
/// socket, which is no variable of the container. With `S6_KEEP_ENV` the own one is it.
pub(crate) fn with_contenv(args: Vec<OsString>) -> ExitCode {
    let Some((program, args)) = args.split_first() else {
        return complain::usage(WITH_CONTENV, "with-contenv prog...");
    };
    let mut command = Command::new(program);
    command.args(args);
    if !keeps_environment() {
        let loaded = match load(Path::new(CONTAINER_ENVIRONMENT)) {
            Ok(loaded) => loaded,
            Err(error) => {
                let message = format!("{error}: {}", reason(&error.source));
                return complain::fatal(WITH_CONTENV, message, SYSTEM);
            }
        };
        let kept = announcement();
        for (name, _) in std::env::vars_os().filter(|(name, _)| name != "PATH") {
            command.env_remove(name);
        }
        command.envs(loaded);
        if !kept.is_empty() {
            // The container's own are about whoever supervises the container.
            command
                .env_remove(WATCHDOG_VARIABLE)
                .env_remove(WATCHDOG_PID_VARIABLE);
        }
        command.envs(kept);
    }
    let path = command.get_envs().find(|(name, _)| *name == "PATH");
    let path = match path {
        Some((_, path)) => path.map(OsStr::to_owned),
        None => std::env::var_os("PATH"),
    };
    exec::this_from(WITH_CONTENV, path, command)
}

/// `printcontenv NAME`: prints the variable and a newline; exits 1 in silence if there is none.
pub(crate) fn printcontenv(args: Vec<OsString>) -> ExitCode {
    let Some(name) = args.first() else {
        return complain::fatal(PRINTCONTENV, "too few arguments", USAGE);
    };
    let value = if keeps_environment() {
        std::env::var_os(name).filter(|value| !value.is_empty())
    } else if environment::is_loadable_name(name) {
        fs::read(Path::new(CONTAINER_ENVIRONMENT).join(name))
            .ok()
            .map(|content| environment::loaded(&content).unwrap_or_default())
    } else {
        None
    };
    let Some(value) = value else {
        return ExitCode::from(FAILED);
    };
    let mut line = value.as_bytes().to_vec();
    line.push(b'\n');
    match io::stdout().write_all(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain::fatal(
            PRINTCONTENV,
            format!("unable to write: {}", reason(&error)),
            SYSTEM,
        ),
    }
}

/// What a service was told of its socket; nothing, where the socket is none of ours.
fn announcement() -> Vec<(&'static str, OsString)> {
    let socket = std::env::var_os(SOCKET_VARIABLE);
    if !socket.is_some_and(|socket| Path::new(&socket).starts_with(NOTIFY)) {
        return Vec::new();
    }
    [SOCKET_VARIABLE, WATCHDOG_VARIABLE]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect()
}

/// `S6_KEEP_ENV`, read as the daemon reads it.
fn keeps_environment() -> bool {
    let name = OsStr::new("S6_KEEP_ENV");
    let value = std::env::var_os(name).unwrap_or_default();
    Settings::from_env([(name, value.as_os_str())]).0.keep_env
}
