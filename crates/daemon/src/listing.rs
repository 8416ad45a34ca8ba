//! The answers to the engine's questions: which scripts a stage has, and which services there are.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use sixfold_engine::{Listing, Step};
use sixfold_model::tree::{Entry, Tree};
use sixfold_model::{Diagnostic, ServiceSpec, service_dir};
use sixfold_protocol::paths;

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
    let Some(tree) = read(world, &dir, 1) else {
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

/// The services of services.d, copied to where they run, and those that somebody put into the scan
/// directory. Everything that is wrong with any of them is reported.
pub(crate) fn services(world: &World) -> Vec<ServiceSpec> {
    report_unstarted(world);
    let dir = world.user_dir("services.d");
    let mut specs = Vec::new();
    if let Some(tree) = read(world, &dir, snapshot::SERVICES_DEPTH) {
        let (found, diagnostics) = service_dir::list(&dir, &tree);
        world.report(&diagnostics);
        for spec in &found {
            inspect_scripts(world, spec);
            if let Err(error) = layout::copy_service(OsStr::new(&spec.name), &spec.source) {
                world.report(&[Diagnostic::warning(
                    &spec.source,
                    format!("could not be copied to {}: {error}", paths::LEGACY_SERVICES),
                    "make /run writable and large enough; the service runs in its own directory",
                )]);
            }
        }
        specs = found;
    }
    let names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    specs.extend(
        scanned(world)
            .into_iter()
            .filter(|spec| !names.contains(&spec.name)),
    );
    specs
}

/// Says so when the image defines services of s6-rc, which are not started yet.
fn report_unstarted(world: &World) {
    let dir = world.user_dir("s6-overlay/s6-rc.d");
    let Some(tree) = read(world, &dir, 1) else {
        return;
    };
    let is_service = |name: &OsStr| name != "user" && name != "user2";
    let count = tree
        .entries
        .iter()
        .filter(|(name, entry)| is_service(name) && matches!(entry, Entry::Dir(_)))
        .count();
    if count > 0 {
        world.report(&[Diagnostic::error(
            &dir,
            format!(
                "{count} services of s6-rc are defined here, and this version starts none of them"
            ),
            "define them in services.d, and what they run once in cont-init.d",
        )]);
    }
}

/// The services in the scan directory, but for those that services.d put there.
pub(crate) fn scanned(world: &World) -> Vec<ServiceSpec> {
    let dir = Path::new(paths::SCANDIR);
    let Some(mut tree) = read(world, dir, snapshot::SERVICES_DEPTH) else {
        return Vec::new();
    };
    let legacy = Path::new(paths::LEGACY_SERVICES);
    tree.entries.retain(|name, entry| {
        let is_ours = fs::read_link(dir.join(name)).is_ok_and(|target| target.starts_with(legacy));
        !is_ours && matches!(entry, Entry::Dir(_))
    });
    let (specs, diagnostics) = service_dir::list(dir, &tree);
    world.report(&diagnostics);
    for spec in &specs {
        inspect_scripts(world, spec);
    }
    specs
}

fn inspect_scripts(world: &World, spec: &ServiceSpec) {
    for (is_there, name) in [(spec.has_run, "run"), (spec.has_finish, "finish")] {
        if is_there {
            // What is wrong is reported by it; whether it can be started is asked again then.
            let _ = launch::inspect(world, &spec.source.join(name));
        }
    }
    if let Some(log) = &spec.log {
        inspect_scripts(world, log);
    }
}

fn read(world: &World, dir: &Path, depth: usize) -> Option<Tree> {
    match snapshot::directory(dir, depth) {
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
