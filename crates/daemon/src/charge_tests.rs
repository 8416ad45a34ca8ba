//! What a supervisor leaves in a service directory.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};

use sixfold_sys::fds;
use sixfold_sys::fifodir::Listener;

use super::*;

fn standing() -> Standing {
    Standing {
        changed: Moment::START,
        ready_since: Moment::START,
        pid: 7,
        exit: Some(Exit::Signal(15)),
        paused: false,
        finishing: false,
        wanted_up: true,
        ready: true,
    }
}

fn take(path: &Path) -> (Charge, OwnedFd) {
    Charge::take(path, Clock::start()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn the_directory_has_what_s6_makes_there() {
    let dir = tempfile::tempdir().unwrap();
    let (charge, control) = take(dir.path());
    charge.tell(&standing(), "s");
    assert_eq!(mode(&dir.path().join("event")), 0o3730);
    assert_eq!(mode(&dir.path().join("supervise")), 0o700);
    let fifo = dir.path().join(paths::CONTROL);
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    assert_eq!(mode(&fifo), 0o600);
    assert_eq!(fs::read(dir.path().join(paths::DEATH_TALLY)).unwrap(), b"");
    let status = fs::read(dir.path().join(paths::STATUS)).unwrap();
    let status = Status::unpack(&status).unwrap();
    assert_eq!((status.pid, status.exit.signal()), (7, Some(15)));
    assert!(status.wanted_up && status.ready && !status.paused);
    sixfold_sys::fifo::write_control(&fifo, b"du").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(fds::read(&control, &mut buffer).unwrap(), 2);
}

#[test]
fn who_listens_is_told_and_the_status_is_there_first() {
    let dir = tempfile::tempdir().unwrap();
    let (charge, _control) = take(dir.path());
    let listener = Listener::subscribe(&dir.path().join("event")).unwrap();
    charge.tell(&standing(), "u");
    assert_eq!(listener.heard().unwrap(), b"u");
    charge.tell(&standing(), "");
    assert_eq!(listener.heard().unwrap(), b"");
}

#[test]
fn a_moment_keeps_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let (charge, _control) = take(dir.path());
    let read = || Status::unpack(&fs::read(dir.path().join(paths::STATUS)).unwrap()).unwrap();
    charge.tell(&standing(), "");
    let first = read();
    charge.tell(&standing(), "");
    assert_eq!(read().changed, first.changed);
    let later = Standing {
        changed: charge.clock.now(),
        ..standing()
    };
    charge.tell(&later, "");
    assert!(read().changed > first.changed);
    assert_eq!(read().ready_since, first.ready_since);
}

#[test]
fn everything_follows_a_directory_that_is_renamed() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    fs::create_dir(&old).unwrap();
    let (charge, _control) = take(&old);
    fs::rename(&old, &new).unwrap();
    charge.tell(&standing(), "u");
    charge.mark_down(true);
    charge.record_death(Exit::Code(3), 2);
    assert!(new.join("down").exists() && new.join(paths::STATUS).exists());
    let tally = fs::read(new.join(paths::DEATH_TALLY)).unwrap();
    assert_eq!(tally[12..], [3, 0]);
    charge.mark_down(false);
    charge.mark_down(false);
    assert!(!new.join("down").exists());
    assert_eq!(charge.path(), new.canonicalize().unwrap());
    assert!(!old.exists());
}

#[test]
fn what_takes_the_place_of_a_deleted_directory_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("run"), "old").unwrap();
    let (charge, _control) = take(&place);
    assert_eq!(charge.path(), place);
    fs::remove_dir_all(&place).unwrap();
    assert!(!charge.path().join("run").exists());
    fs::create_dir(&place).unwrap();
    fs::write(place.join("run"), "new").unwrap();
    assert!(!charge.path().join("run").exists());
}

#[test]
fn deaths_are_remembered_up_to_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let (charge, _control) = take(dir.path());
    let tally = || fs::read(dir.path().join(paths::DEATH_TALLY)).unwrap();
    charge.record_death(Exit::Signal(9), 0);
    assert_eq!(tally(), b"");
    for code in 0..5 {
        charge.record_death(Exit::Code(code), 3);
    }
    charge.record_death(Exit::Signal(9), 3);
    let deaths = death_tally::unpack(&tally()).unwrap();
    let ends: Vec<(u8, u8)> = deaths.iter().map(|it| (it.code, it.signal)).collect();
    assert_eq!(ends, [(3, 0), (4, 0), (137, 9)]);
    fs::write(dir.path().join(paths::DEATH_TALLY), "garbage").unwrap();
    charge.record_death(Exit::Code(1), 3);
    assert_eq!(death_tally::unpack(&tally()).unwrap().len(), 1);
}

#[test]
fn what_somebody_put_in_the_way_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let supervise = dir.path().join("supervise");
    fs::create_dir(&supervise).unwrap();
    fs::write(supervise.join("control"), "no FIFO").unwrap();
    sixfold_sys::fifo::make(&supervise.join("status.new"), 0o600).unwrap();
    symlink("/nowhere", supervise.join("status")).unwrap();
    let (charge, _control) = take(dir.path());
    charge.tell(&standing(), "s");
    assert!(
        fs::metadata(supervise.join("control"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
    assert!(Status::unpack(&fs::read(supervise.join("status")).unwrap()).is_some());
}

#[test]
fn what_leads_elsewhere_is_made_there_and_modes_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let service = dir.path().join("service");
    fs::create_dir(&service).unwrap();
    symlink(dir.path().join("state"), service.join("supervise")).unwrap();
    fs::create_dir(service.join("event")).unwrap();
    sixfold_sys::files::chmod(&service.join("event"), 0o1733).unwrap();
    let (_charge, _control) = take(&service);
    assert!(dir.path().join("state/control").exists());
    assert_eq!(mode(&service.join("event")), 0o1733);
}

#[test]
fn what_cannot_be_is_an_error_that_says_what() {
    let dir = tempfile::tempdir().unwrap();
    let error = Charge::take(&dir.path().join("missing"), Clock::start()).unwrap_err();
    assert_eq!(error.to_string(), "unable to open the service directory");
    fs::write(dir.path().join("event"), "").unwrap();
    let error = Charge::take(dir.path(), Clock::start()).unwrap_err();
    assert_eq!(error.to_string(), "event exists and is not a directory");
}
