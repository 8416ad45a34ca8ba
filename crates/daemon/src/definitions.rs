//! The services of s6-rc: reads their sources, and makes the directories in which its longruns are
//! supervised and its oneshots run.
//!
//! A longrun's directory is a real one, where its supervisor and its scripts may write; the files in
//! it are links to those of the image, so that nothing is copied, a root that is read-only and a
//! `/run` that is mounted noexec are no matter, and what is wrong is said of the file that somebody
//! wrote. Called from the dispatcher, once for each boot.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use sixfold_engine::Definitions;
use sixfold_engine::definitions::{Definition, Nature};
use sixfold_model::rc::definition::Longrun;
use sixfold_model::rc::{self, Database, Graph, Kind, Node};
use sixfold_model::tree::Identity;
use sixfold_model::{Diagnostic, ServiceSpec, Severity, service_dir};
use sixfold_protocol::paths;
use thiserror::Error;

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
    let (layers, unreadable) = sources::layers(Path::new("/"), &world.settings);
    world.report(&unreadable);
    let (graph, found) = rc::read(&layers, &sources::command_syntax);
    world.report(&found);
    let mut definitions = Definitions::of(&graph, |name, longrun| {
        let spec = place(world, name, longrun);
        let spec = spec.map_err(|error| report(world, longrun, &error)).ok()?;
        listing::inspect_scripts(world, &spec);
        Some(spec)
    });
    // Nobody knows what is missing, so that boot has failed in any case.
    let errors = unreadable
        .iter()
        .filter(|it| it.severity == Severity::Error);
    let paths = errors.filter_map(|it| it.path.as_ref());
    let missing = paths.map(|path| Definition::broken(path.display().to_string()));
    definitions.all.extend(missing);
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
    lay_rest(world, &graph);
    if let Err(error) = write_database(&graph) {
        world.report(&[diagnostic(Path::new(paths::RC), &error)]);
    }
    definitions
}

/// Writes down what is defined, for `s6-rc-db`.
fn write_database(graph: &Graph) -> Result<(), LayError> {
    let dir = Path::new(paths::RC).join(paths::RC_COMPILED);
    make_dir(&dir)?;
    let path = dir.join(paths::RC_DATABASE);
    fs::write(&path, Database::of(graph).to_bytes()).map_err(lay_error(&path))
}

/// Makes the directories of the longruns that nothing starts at boot, but somebody may by hand.
fn lay_rest(world: &World, graph: &Graph) {
    let is_sound = |node: &Node| node.is_sound();
    for (_, node) in graph.nodes().filter(|(_, node)| is_sound(node)) {
        if let Kind::Longrun(longrun) = &node.definition.kind
            && !directory(node.name()).exists()
            && let Err(error) = lay(node.name(), longrun)
        {
            report(world, longrun, &error);
        }
    }
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
fn place(world: &World, name: &str, longrun: &Longrun) -> Result<ServiceSpec, LayError> {
    let dir = lay(name, longrun)?;
    let tree = snapshot::service(&dir).map_err(lay_error(&dir))?;
    let source = &longrun.service.source;
    let (spec, found) = service_dir::read(name, source, &tree);
    world.report(&found);
    if let Some(identity) = spec.identity {
        let mut longruns = world.longruns.borrow_mut();
        longruns.insert(identity, (dir.clone(), source.clone()));
    }
    let link = world.live_directory(name);
    symlink(&dir, &link).map_err(lay_error(&link))?;
    Ok(spec)
}

/// Where the directory of the longrun `name` is.
fn directory(name: &str) -> PathBuf {
    Path::new(paths::RC_SERVICEDIRS).join(name)
}

fn lay(name: &str, longrun: &Longrun) -> Result<PathBuf, LayError> {
    let dir = directory(name);
    make_dir(&dir)?;
    for (file, source) in &longrun.files {
        let link = dir.join(file);
        symlink(source, &link).map_err(lay_error(&link))?;
    }
    // It is s6-rc that starts a longrun, and not its supervisor.
    let down = dir.join("down");
    File::create(&down).map_err(lay_error(&down))?;
    Ok(dir)
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
        let metadata = fs::metadata(place).ok()?;
        self.longrun(Some(Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        }))
    }
}
