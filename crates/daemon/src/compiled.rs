//! The services of a compiled database around a scan directory (s6-rc-init, s6-rc-update): makes the
//! live directory, and in it the directories of the longruns, which are copies.
//!
//! A container has no such database: its services are read from their sources (`definitions`). Called
//! from the dispatcher.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sixfold_engine::Definitions;
use sixfold_model::rc::Database;
use sixfold_model::rc::database::{Selection, Type};
use sixfold_model::{Diagnostic, ServiceSpec, service_dir};
use sixfold_protocol::paths::{
    RC_COMPILED, RC_DATABASE, RC_DATABASE_SERVICES, RC_ONESHOT_RUNNER, RC_PREFIX, RC_SCANDIR,
};

use crate::layout::copy_tree;
use crate::live::{Live, is_own};
use crate::refusal;
use crate::snapshot;
use crate::world::World;

/// What a service directory holds that is not its author's.
const KEPT: [&str; 5] = ["supervise", "event", "down", "instance", "instances"];
/// How many names are tried for a live directory.
const TRIES: u32 = 1000;

/// A database to be used.
pub(crate) struct Compiled {
    /// Where it is, absolute.
    pub(crate) dir: PathBuf,
    /// What it says.
    pub(crate) database: Database,
    /// The live directory, absolute.
    pub(crate) live: PathBuf,
    /// What is put before the names in the scan directory.
    pub(crate) prefix: String,
}

/// Reads the database in `dir`.
///
/// # Errors
/// What is wrong with it, in words for who asked.
pub(crate) fn open(dir: &Path) -> Result<Database, String> {
    let path = dir.join(RC_DATABASE);
    // Somebody else names the file: one that has to be waited for would hold up everything.
    let found = fs::metadata(&path).and_then(|found| {
        if found.is_file() {
            fs::read(&path)
        } else {
            Err(io::Error::other("not a regular file"))
        }
    });
    let bytes = found.map_err(|error| format!("{}: {error}", path.display()))?;
    Database::from_bytes(&bytes).map_err(|error| format!("{}: {error}", dir.display()))
}

/// Makes the directories of its longruns, in the place of what was there before, and notes it for the
/// commands of s6-rc. What cannot be made is broken, and reported.
pub(crate) fn take(world: &World, compiled: Compiled) -> Definitions {
    let before = world.live.take();
    if let Err(error) = make_live(world, &compiled, before.is_some()) {
        world.report(&[diagnostic(&compiled.live, &error)]);
    }
    let mut live = Live {
        dir: compiled.live,
        prefix: compiled.prefix,
        database: compiled.database,
        boot: BTreeSet::new(),
        files: BTreeMap::new(),
        own: Some(
            before
                .as_ref()
                .and_then(|it| it.own.clone())
                .unwrap_or_default(),
        ),
        seen: 0,
        retired: HashSet::new(),
    };
    for name in live.database.list(Selection::Longruns) {
        if !is_own(name) {
            live.files.insert(name.to_owned(), Vec::new());
        }
    }
    if let Some(before) = before {
        live.retire_what_is_gone(before);
    }
    let definitions = Definitions::of_database(&live.database, |name| {
        let source = compiled.dir.join(RC_DATABASE_SERVICES).join(name);
        let spec = place(world, &live, name, &source);
        let spec = spec.inspect_err(|error| world.report(&[diagnostic(&source, error)]));
        spec.ok()
    });
    live.mark_seen();
    world.live.replace(Some(live));
    definitions
}

/// Makes the live directory: a link, as other programs know it, to a directory of a name of its own.
fn make_live(world: &World, compiled: &Compiled, is_there: bool) -> io::Result<()> {
    let link = &compiled.live;
    if !is_there {
        let real = make_unique(link)?;
        match fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        symlink(&real, link)?;
        fs::write(link.join(RC_PREFIX), &compiled.prefix)?;
        symlink(&world.scandir, link.join(RC_SCANDIR))?;
        let services = link.join(RC_DATABASE_SERVICES);
        fs::create_dir_all(services.join(RC_ONESHOT_RUNNER))?;
    }
    let fresh = link.join("compiled.new");
    let _ = fs::remove_file(&fresh);
    symlink(&compiled.dir, &fresh)?;
    fs::rename(&fresh, link.join(RC_COMPILED))
}

/// A directory beside the link that will lead to it.
fn make_unique(link: &Path) -> io::Result<PathBuf> {
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let mut tries = 0;
    loop {
        let unique = format!("{name}:s6-rc-init:{:06x}", std::process::id() + tries);
        let dir = link.with_file_name(unique);
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {
                tries += 1;
            }
            made => return made.map(|()| dir),
        }
    }
}

/// Makes the directory of a longrun, or what it is by the new database, and puts it into the scan
/// directory.
fn place(world: &World, live: &Live, name: &str, source: &Path) -> io::Result<ServiceSpec> {
    let dir = live.directory(name);
    let is_new = !dir.exists();
    if !is_new {
        clear(&dir)?;
    }
    copy_tree(source, &dir)?;
    if is_new {
        // It is s6-rc that starts a longrun, and not its supervisor.
        File::create(dir.join("down"))?;
    }
    let tree = snapshot::service(&dir)?;
    let (spec, found) = service_dir::read(name, &dir, &tree);
    world.report(&found);
    if let Some(identity) = spec.identity {
        let mut longruns = world.longruns.borrow_mut();
        longruns.insert(identity, (dir.clone(), dir.clone()));
    }
    let link = world.scandir.join(live.called(name));
    match symlink(&dir, &link) {
        Err(_) if fs::read_link(&link).is_ok_and(|found| found == dir) => {}
        made => made?,
    }
    Ok(spec)
}

/// Removes what its author has put there.
fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if KEPT.iter().any(|kept| entry.file_name() == *kept) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn diagnostic(path: &Path, error: &io::Error) -> Diagnostic {
    let mend = "make the directory writable, and the disk large enough";
    let mend = refusal::of_system(error).unwrap_or(mend);
    Diagnostic::error(
        path,
        format!("cannot be taken into the live directory: {error}"),
        mend,
    )
}

/// What going over to `fresh` makes necessary to be restarted: as for s6-rc, what is gone, what is of
/// another type, and what needs or feeds others than before.
pub(crate) fn restarts(old: &Database, fresh: &Database) -> BTreeSet<String> {
    use sixfold_model::rc::database::{Change, Part};
    let is_other = |change: &Change| match change {
        Change::Added(_) => false,
        Change::Removed(_) => true,
        Change::Changed(parts) => parts.iter().any(|part| match part {
            Part::Type | Part::Consumer | Part::Dependencies => true,
            Part::Up | Part::Down | Part::Timeouts | Part::Flags | Part::Contents => false,
        }),
    };
    let differences = old.differences(fresh).into_iter();
    let restarts = differences.filter(|it| is_other(&it.change));
    let is_service = |name: &String| !matches!(old.type_of(name), Ok(Type::Bundle));
    restarts.map(|it| it.name).filter(is_service).collect()
}
