//! What dpkg and apt-get do for the benchmark, and how commands of the host are run.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sixfold_integration_tests::bench::dpkg::{FORMAT, Packages};

/// Seconds: far above what copying or installing takes.
const PATIENCE: &str = "600";

/// Asks dpkg for all packages.
///
/// # Errors
///
/// When dpkg-query cannot be run.
pub(crate) fn installed() -> Result<Packages, String> {
    let text = output(Command::new("dpkg-query").args(["--show", "--showformat", FORMAT]))?;
    Ok(Packages::parse(&text))
}

/// The paths of regular files and links that the packages have, without documentation.
///
/// # Errors
///
/// When dpkg-query cannot be run.
pub(crate) fn files(packages: &BTreeSet<String>) -> Result<Vec<PathBuf>, String> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let listed = output(Command::new("dpkg-query").arg("--listfiles").args(packages))?;
    let paths: BTreeSet<PathBuf> = listed
        .lines()
        .filter(|line| line.starts_with('/') && !is_documentation(line))
        .map(PathBuf::from)
        .filter(|path| path.symlink_metadata().is_ok_and(|it| !it.is_dir()))
        .collect();
    Ok(paths.into_iter().collect())
}

/// Installs packages with apt-get, one after the other: one that cannot be had must not keep the others
/// away. Returns those, each with the reason.
pub(crate) fn install(packages: &[&str]) -> Vec<(String, String)> {
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        output(&mut command)
    };
    if let Err(error) = apt(&["update", "--quiet"]) {
        eprintln!("peers: {error}");
    }
    let words = ["install", "--yes", "--quiet", "--no-install-recommends"];
    let mut failed = Vec::new();
    for package in packages {
        if let Err(error) = apt(&[&words[..], &[*package]].concat()) {
            failed.push(((*package).to_owned(), error));
        }
    }
    failed
}

/// Runs a command to its end, and returns what it wrote. No command of this program takes longer than
/// [`PATIENCE`], and one that does is killed.
///
/// # Errors
///
/// When it cannot be run or fails, with what it wrote to standard error.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut bounded = Command::new("timeout");
    bounded.args(["--kill-after=5", PATIENCE]).arg(&name);
    bounded.args(command.get_args()).stdin(Stdio::null());
    for (variable, value) in command.get_envs() {
        if let Some(value) = value {
            bounded.env(variable, value);
        }
    }
    if let Some(dir) = command.get_current_dir() {
        bounded.current_dir(dir);
    }
    let output = bounded
        .output()
        .map_err(|error| format!("cannot run timeout {name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!("{name}: {}: {}", output.status, last.join(" / ")))
}

fn is_documentation(path: &str) -> bool {
    [
        "/usr/share/doc/",
        "/usr/share/man/",
        "/usr/share/locale/",
        "/usr/share/lintian/",
    ]
    .iter()
    .any(|dir| path.starts_with(dir))
}
