//! The answers to the engine's questions: which scripts a stage has, and which services there are.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sixfold_engine::{Listing, Role, Step};
use sixfold_model::tree::{Entry, Tree};
use sixfold_model::{Diagnostic, ServiceSpec, service_dir};
use sixfold_protocol::paths;

use crate::charge::Charge;
use crate::world::World;
use crate::{launch, layout, snapshot};

/// The scripts of a stage, in order.
pub(crate) fn steps(world: &World, listing: Listing) -> Vec<Step> {
    if listing == Listing::Hook {
        // The hook is one command; its arguments are put together when it is started.
        return world
            .settings
            .stage2_hook
            .first()
            .map_or_else(Vec::new, |program| {
                vec![Step {
                    name: program.to_string_lossy().into_owned(),
                    path: program.into(),
                }]
            });
    }
    let dir = world.user_dir(listing.label());
    let Some(tree) = read(world, &dir, snapshot::directory) else {
        return Vec::new();
    };
    let (scripts, diagnostics) = service_dir::scripts(&dir, &tree);
    world.report(&diagnostics);
    scripts
        .into_iter()
        .map(|path| Step {
            name: path
                .file_name()
                .unwrap_or(OsStr::new(""))
                .to_string_lossy()
                .into_owned(),
            path,
        })
        .collect()
}

/// Puts the services of services.d where they run and into the scan directory, and lists that.
/// Everything that is wrong with any of them is reported.
pub(crate) fn services(world: &World) -> Option<Vec<ServiceSpec>> {
    let dir = world.user_dir("services.d");
    let names = read(world, &dir, snapshot::directory).unwrap_or_default();
    for (name, entry) in names.entries {
        if name.as_encoded_bytes().starts_with(b".") || matches!(entry, Entry::File(_)) {
            continue;
        }
        let source = dir.join(&name);
        if world.longrun_at(&world.scandir.join(&name)).is_some() {
            world.report(&[Diagnostic::error(
                &source,
                "not started: there is a service of s6-rc of the same name",
                "rename one of the two",
            )]);
            continue;
        }
        if let Err(error) = layout::place_service(&name, &source, &entry) {
            world.report(&[Diagnostic::error(
                &source,
                format!("could not be put into {}: {error}", paths::SCANDIR),
                "make /run writable and large enough",
            )]);
        }
    }
    scanned(world)
}

/// The services in the scan directory; nothing, if it cannot be read. Everything that is wrong with
/// any of them is reported.
pub(crate) fn scanned(world: &World) -> Option<Vec<ServiceSpec>> {
    let dir = world.scandir.as_path();
    let tree = read(world, dir, snapshot::services)?;
    let longest = world.longest_name;
    let (specs, diagnostics) = service_dir::list_from(&tree, longest, |name| source(world, name));
    world.report(&diagnostics);
    for spec in &specs {
        inspect_scripts(world, spec);
    }
    Some(specs)
}

/// Where the service called `name` in the scan directory comes from, for messages: what was put
/// there from services.d is named by what somebody wrote.
fn source(world: &World, name: &OsStr) -> PathBuf {
    let place = world.scandir.join(name);
    if world.role != Role::Container {
        return place;
    }
    if let Some((_, source)) = world.longrun_at(&place) {
        return source;
    }
    let dir = world.user_dir("services.d");
    let Ok(target) = fs::read_link(&place) else {
        return place;
    };
    let original = dir.join(name);
    let is_copy = target.starts_with(paths::LEGACY_SERVICES) && original.is_dir();
    if is_copy || target.starts_with(&dir) {
        original
    } else {
        place
    }
}

/// What the directory of a service in our charge says now. `known` is what it said before.
pub(crate) fn reread(world: &World, known: &ServiceSpec, charge: &Charge) -> Option<ServiceSpec> {
    let mut tree = charge
        .read()
        .inspect_err(|error| {
            world.report(&[Diagnostic::warning(
                &charge.path(),
                format!("cannot be read again: {error}"),
                "let it be a directory that this user may read",
            )]);
        })
        .ok()?;
    if world.role == Role::Service {
        // A logger is s6-svscan's business, and so is what looks like one.
        tree.entries.remove(OsStr::new("log"));
    }
    let (spec, diagnostics) = service_dir::read(&known.name, &known.source, &tree);
    world.report(&diagnostics);
    Some(spec)
}

/// Reports what is wrong with the scripts of a service.
pub(crate) fn inspect_scripts(world: &World, spec: &ServiceSpec) {
    let longrun = world.longrun(spec.identity);
    for (is_there, name) in [(spec.has_run, "run"), (spec.has_finish, "finish")] {
        if !is_there {
            continue;
        }
        // What is wrong is reported by it; whether it can be started is asked again then.
        let _ = match &longrun {
            Some((dir, _)) => launch::inspect_longrun(world, &launch::linked(&dir.join(name))),
            None => launch::inspect(world, &spec.source.join(name)),
        };
    }
    if let Some(log) = &spec.log {
        inspect_scripts(world, log);
    }
}

fn read(
    world: &World,
    dir: &Path,
    snapshot: impl FnOnce(&Path) -> io::Result<Option<Tree>>,
) -> Option<Tree> {
    match snapshot(dir) {
        Ok(tree) => tree,
        Err(error) => {
            world.report(&[Diagnostic::error(
                dir,
                format!("cannot be read: {error}"),
                "make it a directory that this user may read",
            )]);
            None
        }
    }
}
