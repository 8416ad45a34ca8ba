//! A thousand services with dependencies: how long `sixfold check` takes to read, check and plan them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::Metric;

use crate::Bench;
use crate::image::{made, said};
use crate::machine::{awaited, milliseconds, now};
use crate::trees::{plain, script};

const SERVICES: usize = 1000;
/// So many services have the same dependencies: those of the layer before.
const LAYER: usize = 20;
const NEEDS: usize = 3;
/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Checks the same tree again and again: from the second time, its files are in memory.
pub(crate) fn run(bench: &mut Bench) {
    eprintln!("peers: a graph of {SERVICES} services");
    let measured = rounds(bench);
    bench.note("graph", Peer::Sixfold, measured);
}

fn rounds(bench: &mut Bench) -> Result<(), String> {
    let root = bench.work().join("graph");
    write(&root)?;
    for round in 0..=bench.options.rounds * 2 {
        let took = check(&bench.sixfold, &root)?;
        if round > 0 {
            let case = format!("{SERVICES} services");
            bench.add(Metric::Graph, &case, Peer::Sixfold, round, took);
        }
    }
    Ok(())
}

/// How long one check takes, in milliseconds.
fn check(sixfold: &Path, root: &Path) -> Result<f64, String> {
    let begun = now();
    let child = Command::new(sixfold)
        .args(["check", "--root"])
        .arg(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run sixfold: {error}"))?;
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"));
    match awaited(child).recv_timeout(PATIENCE) {
        Ok((ended, Ok(status))) if status.success() => Ok(milliseconds(begun, ended)),
        Ok((_, status)) => Err(format!("sixfold check: {status:?}")),
        Err(_) => {
            let _ = kill(pid, Signal::SIGKILL);
            Err(format!("sixfold check takes longer than {PATIENCE:?}"))
        }
    }
}

fn write(root: &Path) -> Result<(), String> {
    let sources = root.join("etc/s6-overlay/s6-rc.d");
    made(&root.join("bin"))?;
    fs::copy("/bin/sh", root.join("bin/sh")).map_err(said(root))?;
    plain(&sources.join("user/type"), "bundle\n")?;
    for number in 0..SERVICES {
        let service = sources.join(format!("svc-{number}"));
        plain(&service.join("type"), "longrun\n")?;
        script(&service.join("run"), "exec sleep 1000")?;
        plain(&service.join("dependencies.d/base"), "")?;
        if let Some(before) = (number / LAYER).checked_sub(1) {
            for step in 0..NEEDS {
                let need = before * LAYER + (number + step) % LAYER;
                plain(&service.join(format!("dependencies.d/svc-{need}")), "")?;
            }
        }
        plain(&sources.join(format!("user/contents.d/svc-{number}")), "")?;
    }
    Ok(())
}
