//! What the machine must have for a test to mean something. Called first in every test; without
//! the requirement the test ends early and says why, or fails when `CI=true`, where a skipped test
//! would pass for a passed one.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Whether this process is root, which private namespaces and mounts need.
///
/// # Panics
///
/// When it is not and `CI=true`.
pub fn root_available() -> bool {
    nix::unistd::geteuid().is_root() || missing("root")
}

/// Whether a Docker engine answers. Asked once per test process.
///
/// # Panics
///
/// When none does and `CI=true`.
pub fn docker_available() -> bool {
    static ANSWERS: OnceLock<bool> = OnceLock::new();
    let answers = *ANSWERS.get_or_init(|| {
        Command::new("docker")
            .arg("info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    answers || missing("a Docker engine that answers `docker info`")
}

/// Whether Debian's s6 is installed, which ours is compared with.
///
/// # Panics
///
/// When it is not and `CI=true`.
pub fn s6_available() -> bool {
    Path::new("/usr/bin/s6-supervise").exists() || missing("the Debian package s6")
}

/// Whether Debian's execline is installed, which ours is compared with.
///
/// # Panics
///
/// When it is not and `CI=true`.
pub fn execline_available() -> bool {
    Path::new("/usr/lib/execline/bin/execlineb").exists() || missing("the Debian package execline")
}

/// Whether strace(1) is installed and may trace.
///
/// # Panics
///
/// When it is not or may not and `CI=true`.
pub fn strace_available() -> bool {
    static TRACES: OnceLock<bool> = OnceLock::new();
    let traces = *TRACES.get_or_init(|| {
        Command::new("strace")
            .args(["--output", "/dev/null", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    traces || missing("strace, and the permission to trace (ptrace)")
}

fn missing(what: &str) -> bool {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "this test needs {what}, and CI=true allows no skipping"
    );
    eprintln!("skipped: this test needs {what}");
    false
}
