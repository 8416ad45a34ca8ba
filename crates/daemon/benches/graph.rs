//! How long it takes to read, check and plan the services of an image that has a thousand of them.
//!
//! `cargo bench --package sixfold-daemon --bench graph`. Fails when checking and planning take more than
//! 20 ms; what the file system takes to give the files is told beside it.

use std::fs;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sixfold_daemon::sources;
use sixfold_model::Settings;
use sixfold_model::rc::{self, Database};
use tempfile::TempDir;

const SERVICES: usize = 1000;
const ROUNDS: usize = 21;
/// What checking and planning may take.
const WANTED: Duration = Duration::from_millis(20);

/// An image with services in layers: each needs three of the layer before it, every third is a oneshot.
fn image() -> io::Result<TempDir> {
    let root = tempfile::tempdir()?;
    let base = root.path().join("etc/s6-overlay/s6-rc.d");
    let contents = base.join("user/contents.d");
    fs::create_dir_all(&contents)?;
    fs::write(base.join("user/type"), "bundle\n")?;
    for number in 0..SERVICES {
        let dir = base.join(format!("svc-{number}"));
        let needs = dir.join("dependencies.d");
        fs::create_dir_all(&needs)?;
        if number % 3 == 0 {
            fs::write(dir.join("type"), "oneshot\n")?;
            fs::write(dir.join("up"), "foreground { true } exit 0\n")?;
        } else {
            fs::write(dir.join("type"), "longrun\n")?;
            fs::write(dir.join("run"), "#!/bin/sh\nexec sleep 1000\n")?;
        }
        fs::write(needs.join("base"), "")?;
        for step in 1..=3 {
            if let Some(need) = (number / 10 * 10).checked_sub(step * 3) {
                fs::write(needs.join(format!("svc-{need}")), "")?;
            }
        }
        fs::write(contents.join(format!("svc-{number}")), "")?;
    }
    Ok(root)
}

/// The round that was disturbed least, and the median.
fn least_and_median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[0], times[times.len() / 2])
}

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark asks for the time, and tells people"
)]
fn main() -> io::Result<ExitCode> {
    let root = image()?;
    let settings = Settings::default();
    let (mut reading, mut planning, mut compiling) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let (layers, found) = sources::layers(root.path(), &settings);
        assert!(found.is_empty(), "{found:?}");
        reading.push(begun.elapsed());
        let begun = Instant::now();
        let (graph, found) = rc::read(&layers, &sources::command_syntax);
        let plan = graph.boot();
        planning.push(begun.elapsed());
        assert!(found.is_empty(), "{found:?}");
        assert!(plan.steps.len() > SERVICES && plan.left_out.is_empty());
        let begun = Instant::now();
        let bytes = Database::of(&graph).to_bytes();
        compiling.push(begun.elapsed());
        assert!(bytes.len() > SERVICES);
    }
    let (planned, _) = least_and_median(planning.clone());
    println!("{SERVICES} services, the least and the median of {ROUNDS} rounds:");
    for (what, times) in [
        ("read from the file system", reading),
        ("checked and planned", planning),
        ("database for s6-rc", compiling),
    ] {
        let (least, median) = least_and_median(times);
        println!("  {what:26} {least:10.2?} {median:10.2?}");
    }
    if planned > WANTED {
        println!("checking and planning should take {WANTED:?} at the most");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
