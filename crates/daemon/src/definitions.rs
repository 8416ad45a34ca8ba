//! The services of s6-rc: reads their sources, and makes the directories in which its longruns are
//! supervised and its oneshots run.
//!
//! A longrun's directory is a real one, where its supervisor and its scripts may write; the files in
//! it are links to those of the image, so that nothing is copied, a root that is read-only and a
//! `/run` that is mounted noexec are no matter, and what is wrong is said of the file that somebody
//! wrote. Called from the dispatcher: at boot, and when services are defined anew.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use sixfold_engine::Definitions;
use sixfold_engine::definitions::{Definition, Nature};
use sixfold_model::rc::definition::Longrun;
use sixfold_model::rc::{self, Database, Graph};
use sixfold_model::tree::Identity;
use sixfold_model::{Diagnostic, ServiceSpec, Severity, service_dir};
use sixfold_protocol::paths;
use thiserror::Error;

use crate::live::{self, Live};
use crate::world::World;
use crate::{listing, refusal, snapshot, sources};

/// What a directory of a longrun cannot be made for.
#[derive(Debug, Error)]
#[error("{} cannot be made: {source}", path.display())]
struct LayError {
    /// What.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

fn lay_error(path: &Path) -> impl FnOnce(io::Error) -> LayError {
    let path = path.to_owned();
    move |source| LayError { path, source }
}

/// Reads what the image defines, reports everything that is wrong with it, and makes the directories
/// of what is sound. What needs a directory that cannot be made is broken, and nothing else.
pub(crate) fn read(world: &World) -> Definitions {
    let Sources {
        graph,
        unreadable,
        found,
    } = sources(world);
    world.report(&unreadable);
    world.report(&found);
    let mut definitions = take(world, &graph);
    // Nobody knows what is missing, so that boot has failed in any case.
    let errors = unreadable
        .iter()
        .filter(|it| it.severity == Severity::Error);
    let paths = errors.filter_map(|it| it.path.as_ref());
    let missing = paths.map(|path| Definition::broken(path.display().to_string()));
    definitions.all.extend(missing);
    definitions
}

/// What an image defines, and what is wrong with it.
pub(crate) struct Sources {
    /// The services.
    pub(crate) graph: Graph,
    /// The directories that cannot be read.
    pub(crate) unreadable: Vec<Diagnostic>,
    /// What is wrong with what is in the others.
    pub(crate) found: Vec<Diagnostic>,
}

/// Reads what the image defines.
pub(crate) fn sources(world: &World) -> Sources {
    let (layers, unreadable) = sources::layers(Path::new("/"), &world.settings);
    let (graph, found) = rc::read(&layers, &sources::command_syntax);
    Sources {
        graph,
        unreadable,
        found,
    }
}

/// Makes the directories of what is sound in `graph`, in the place of what was there before, and notes
/// it for the commands of s6-rc.
pub(crate) fn take(world: &World, graph: &Graph) -> Definitions {
    let before = world.live.take();
    let mut live = Live {
        dir: PathBuf::from(paths::RC),
        prefix: String::new(),
        database: Database::of(graph),
        boot: boot(graph),
        files: BTreeMap::new(),
        own: before.as_ref().and_then(|before| before.own.clone()),
        seen: 0,
        retired: HashSet::new(),
    };
    if let Err(error) = make_dir(Path::new(paths::RC_SERVICEDIRS)) {
        world.report(&[diagnostic(Path::new(paths::RC_SERVICEDIRS), &error)]);
    }
    let definitions = Definitions::of(graph, |name, longrun, is_wanted| {
        let spec = place(world, &live.directory(name), name, longrun, is_wanted);
        let spec = spec.map_err(|error| report(world, longrun, &error)).ok()?;
        let files = longrun.files.iter();
        let stamps = files.map(|(file, source)| (file.clone(), live::stamp(source)));
        live.files.insert(name.to_owned(), stamps.collect());
        listing::inspect_scripts(world, &spec);
        Some(spec)
    });
    let has_scripts = |nature: &Nature| match nature {
        Nature::Oneshot { up, down } => !(up.is_empty() && down.is_empty()),
        Nature::Longrun { .. } | Nature::Broken => false,
    };
    if definitions.all.iter().any(|it| has_scripts(&it.nature))
        && let Err(error) = make_dir(Path::new(paths::RC_ONESHOTS))
    {
        // Where they run instead is told by what starts them.
        world.report(&[diagnostic(Path::new(paths::RC_ONESHOTS), &error)]);
    }
    if let Some(before) = before {
        live.retire_what_is_gone(before);
    }
    if let Err(error) = write_database(&live.database) {
        world.report(&[diagnostic(Path::new(paths::RC), &error)]);
    }
    live.mark_seen();
    world.live.replace(Some(live));
    definitions
}

/// The services that the boot starts.
pub(crate) fn boot(graph: &Graph) -> BTreeSet<String> {
    let steps = graph.boot().steps.into_iter();
    steps.map(|step| graph.name(step.id).to_owned()).collect()
}

/// Writes down what is defined, for `s6-rc-db`, and where the scan directory is, for all of s6-rc.
fn write_database(database: &Database) -> Result<(), LayError> {
    let rc = Path::new(paths::RC);
    let dir = rc.join(paths::RC_COMPILED);
    make_dir(&dir)?;
    // Under its name at last, and whole: somebody may read it just now.
    let (path, fresh) = (dir.join(paths::RC_DATABASE), dir.join("db.new"));
    fs::write(&fresh, database.to_bytes())
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(lay_error(&path))?;
    let scandir = rc.join(paths::RC_SCANDIR);
    link(Path::new(paths::SCANDIR), &scandir)
}

fn report(world: &World, longrun: &Longrun, error: &LayError) {
    world.report(&[diagnostic(&longrun.service.source, error)]);
}

fn diagnostic(path: &Path, error: &LayError) -> Diagnostic {
    let mend = "make /run writable and large enough, or let `sixfold install` prepare the image";
    let mend = refusal::of_system(&error.source).unwrap_or(mend);
    Diagnostic::error(path, error.to_string(), mend)
}

/// Makes the directory of a longrun, puts it into the scan directory, and reads it as every other
/// service there is read.
fn place(
    world: &World,
    dir: &Path,
    name: &str,
    longrun: &Longrun,
    is_wanted: bool,
) -> Result<ServiceSpec, LayError> {
    lay(dir, longrun, is_wanted)?;
    let tree = snapshot::service(dir).map_err(lay_error(dir))?;
    let source = &longrun.service.source;
    let (spec, found) = service_dir::read(name, source, &tree);
    world.report(&found);
    if let Some(identity) = spec.identity {
        let mut longruns = world.longruns.borrow_mut();
        longruns.insert(identity, (dir.to_owned(), source.clone()));
    }
    link(dir, &world.live_directory(name))?;
    Ok(spec)
}

/// Makes the directory of a longrun, or makes it what its sources say now.
fn lay(dir: &Path, longrun: &Longrun, is_wanted: bool) -> Result<(), LayError> {
    match fs::create_dir(dir) {
        // It is s6-rc that starts a longrun, and not its supervisor.
        Ok(()) if is_wanted => {}
        Ok(()) => {
            let down = dir.join("down");
            File::create(&down).map_err(lay_error(&down))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => unlink(dir, longrun)?,
        Err(error) => return Err(lay_error(dir)(error)),
    }
    for (file, source) in &longrun.files {
        link(source, &dir.join(file))?;
    }
    Ok(())
}

/// Removes the links that lead elsewhere than what the sources say now. What its supervisor and its
/// scripts have made stays.
fn unlink(dir: &Path, longrun: &Longrun) -> Result<(), LayError> {
    for entry in fs::read_dir(dir).map_err(lay_error(dir))?.flatten() {
        let path = entry.path();
        let Ok(target) = fs::read_link(&path) else {
            continue;
        };
        if longrun.files.get(&entry.file_name()) != Some(&target) {
            fs::remove_file(&path).map_err(lay_error(&path))?;
        }
    }
    Ok(())
}

/// Makes a link, unless it is there.
fn link(target: &Path, path: &Path) -> Result<(), LayError> {
    match symlink(target, path) {
        Err(_) if fs::read_link(path).is_ok_and(|found| found == target) => Ok(()),
        made => made.map_err(lay_error(path)),
    }
}

fn make_dir(dir: &Path) -> Result<(), LayError> {
    fs::create_dir_all(dir).map_err(lay_error(dir))
}

impl World {
    /// The directory that the longrun of this directory was made as, and where it comes from;
    /// nothing, if it is no longrun of s6-rc.
    pub(crate) fn longrun(&self, identity: Option<Identity>) -> Option<(PathBuf, PathBuf)> {
        self.longruns.borrow().get(&identity?).cloned()
    }

    /// The same for what is at `place`.
    pub(crate) fn longrun_at(&self, place: &Path) -> Option<(PathBuf, PathBuf)> {
        if self.longruns.borrow().is_empty() {
            return None;
        }
        let metadata = fs::metadata(place).ok()?;
        self.longrun(Some(Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        }))
    }

    /// Removes what is left of a longrun whose supervisor is gone, if it was to go.
    pub(crate) fn forget_longrun(&self, name: &str) {
        let mut live = self.live.borrow_mut();
        let Some(live) = live.as_mut().filter(|live| live.retired.contains(name)) else {
            return;
        };
        live.retired.remove(name);
        let dir = live.directory(name);
        let link = self.scandir.join(live.called(name));
        let is_ours = fs::read_link(&link).is_ok_and(|target| target == dir);
        let removed = if is_ours {
            fs::remove_file(&link)
        } else {
            Ok(())
        };
        self.longruns.borrow_mut().retain(|_, (at, _)| *at != dir);
        if let Err(error) = removed.and_then(|()| fs::remove_dir_all(&dir)) {
            tracing::warn!(
                event = "rc.left_over",
                service = name,
                path = %dir.display(),
                error = %error,
                "the directory of a service that is gone could not be removed"
            );
        }
    }
}
