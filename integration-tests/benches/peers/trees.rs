//! What a machine has to do: the services, in the form that each peer reads, and the words of its PID 1.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sixfold_integration_tests::bench::peers::Peer;

use crate::image::{made, said};
use crate::machine::STAMPS;

const SERVICES: &str = "etc/services.d";
const SOURCES: &str = "etc/s6-overlay/s6-rc.d";

/// What the services depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing: they are services of `services.d`.
    Flat,
    /// Each on the one before it; services of s6-rc.
    Chain,
    /// All on the first; services of s6-rc.
    Fan,
}

/// The services of a machine.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// How many there are.
    pub(crate) count: usize,
    /// The text of each one's script.
    pub(crate) run: String,
    /// The text of its logger's script, if it has one.
    pub(crate) log: Option<String>,
    /// How many scripts cont-init.d has.
    pub(crate) scripts: usize,
    /// What they depend on.
    pub(crate) shape: Shape,
}

impl Tree {
    /// Services that tell when they begin and then wait.
    pub(crate) fn services(count: usize) -> Self {
        Self {
            count,
            run: format!("exec /usr/local/bin/bench-service service {STAMPS}"),
            log: None,
            scripts: 0,
            shape: Shape::Flat,
        }
    }

    /// Writes them below the root `to`, and returns the words of PID 1.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub(crate) fn write(&self, peer: Peer, to: &Path) -> Result<Vec<String>, String> {
        let dir = match self.shape {
            Shape::Flat => SERVICES,
            Shape::Chain | Shape::Fan => SOURCES,
        };
        for number in 0..self.count {
            let service = to.join(dir).join(name(number));
            script(&service.join("run"), &self.run)?;
            if let Some(log) = &self.log {
                script(&service.join("log/run"), log)?;
            }
            self.dependencies(number, to, &service)?;
        }
        for number in 0..self.scripts {
            let file = to.join(format!("etc/cont-init.d/script-{number:02}"));
            script(&file, "exit 0")?;
        }
        let words: Vec<String> = match peer {
            Peer::Limit => words(&["/usr/local/bin/bench-helper", "limit", "/etc/services.d"]),
            Peer::Sixfold | Peer::SixfoldText | Peer::S6Overlay => words(&["/init"]),
            Peer::S6 => {
                // With loggers, a service is two; the default is 500.
                let most = (self.count * 2).max(500).to_string();
                words(&["/usr/bin/s6-svscan", "-c", &most, "/run/service"])
            }
            Peer::Runit => words(&["/usr/bin/runsvdir", "-P", "/run/service"]),
            Peer::Busybox => words(&["/usr/local/bin/runsvdir", "-P", "/run/service"]),
            Peer::Supervisor => {
                plain(&to.join("etc/supervisord.conf"), &self.supervisord())?;
                words(&["/usr/bin/supervisord", "-n", "-c", "/etc/supervisord.conf"])
            }
            Peer::Tini => words(&["/usr/bin/tini", "--", &run_of(0)]),
            Peer::DumbInit => words(&["/usr/bin/dumb-init", "--", &run_of(0)]),
        };
        Ok(words)
    }

    fn dependencies(&self, number: usize, to: &Path, service: &Path) -> Result<(), String> {
        let before = match self.shape {
            Shape::Flat => return Ok(()),
            Shape::Chain => number.checked_sub(1),
            Shape::Fan => (number > 0).then_some(0),
        };
        plain(&service.join("type"), "longrun\n")?;
        plain(&service.join("dependencies.d/base"), "")?;
        if let Some(before) = before {
            plain(&service.join("dependencies.d").join(name(before)), "")?;
        }
        let user = to.join(SOURCES).join("user");
        plain(&user.join("type"), "bundle\n")?;
        plain(&user.join("contents.d").join(name(number)), "")
    }

    fn supervisord(&self) -> String {
        // As images have it: all output goes to the container's.
        let mut text = String::from(
            "[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\n\
             pidfile=/run/supervisord.pid\nminfds=10000\n",
        );
        for number in 0..self.count {
            let _ = write!(
                text,
                "[program:{}]\ncommand={}\nautorestart=true\n\
                 stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n\
                 stderr_logfile=/dev/fd/2\nstderr_logfile_maxbytes=0\n",
                name(number),
                run_of(number)
            );
        }
        text
    }
}

fn name(number: usize) -> String {
    format!("svc-{number:04}")
}

fn run_of(number: usize) -> String {
    format!("/{SERVICES}/{}/run", name(number))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Writes a script of `/bin/sh`.
pub(crate) fn script(path: &Path, text: &str) -> Result<(), String> {
    plain(path, &format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(said(path))
}

/// Writes a file, with the directories that lead to it.
pub(crate) fn plain(path: &Path, text: &str) -> Result<(), String> {
    if let Some(dir) = path.parent() {
        made(dir)?;
    }
    fs::write(path, text).map_err(said(path))
}
