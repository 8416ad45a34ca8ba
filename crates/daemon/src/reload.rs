//! What a reload of s6-rc's services comes to: what the sources say now, in what it differs from what is
//! known, and which services have to move for that. Only what changed is restarted; nothing is touched
//! where a service that is there would be lost to a mistake.
//!
//! Called from the dispatcher. Nothing is changed here but what is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use sixfold_model::rc::database::{self, Change, Part, Present, Turn, Type};
use sixfold_model::rc::{Database, Graph, Kind, stock};
use sixfold_model::{Diagnostic, Severity};
use sixfold_protocol::live::{Difference, Reply};

use crate::definitions::{self, Sources};
use crate::live::{self, Live, Stamps};
use crate::world::World;

/// The files of a service directory that are read whenever they are needed: a change of one takes
/// effect by itself.
const READ_WHEN_NEEDED: [&str; 9] = [
    "finish",
    "timeout-kill",
    "timeout-finish",
    "max-death-tally",
    "down-signal",
    "reload-signal",
    "flag-timeout-killpg",
    "timeout-up",
    "timeout-down",
];

/// What the sources say now.
pub(crate) struct Reload {
    /// The services.
    pub(crate) graph: Graph,
    /// What is wrong, and what differs, for who asked.
    pub(crate) replies: Vec<Reply>,
    /// The services that are there and would be lost, as something is wrong with them now.
    pub(crate) lost: BTreeSet<String>,
    /// Whether anything differs.
    pub(crate) is_news: bool,
    /// What has to move.
    pub(crate) turn: Turn,
}

/// Reads the sources again. `is_up` tells of each service that is known whether it is up, `has_failed`
/// whether it could not be brought up.
pub(crate) fn prepare(
    world: &World,
    live: &Live,
    is_up: &dyn Fn(&str) -> bool,
    has_failed: &dyn Fn(&str) -> bool,
) -> Reload {
    let Sources {
        graph,
        unreadable,
        found,
    } = definitions::sources(world);
    let mut replies: Vec<Reply> = unreadable.iter().chain(&found).map(said).collect();
    let database = Database::of(&graph);
    let mut lost = lost(live, &graph);
    lost.extend(
        unreadable
            .iter()
            .filter(|it| it.severity == Severity::Error)
            .map(shown),
    );
    let mut differences: BTreeMap<String, (Difference, BTreeSet<String>)> = BTreeMap::new();
    let mut restart = BTreeSet::new();
    let differing = live.database.differences(&database).into_iter();
    for it in differing.filter(|it| !follows(it)) {
        if it.change.needs_restart() {
            restart.insert(it.name.clone());
        }
        differences.insert(it.name, shape(it.change));
    }
    for (name, parts) in changed_files(live, &graph) {
        let is_waiting = |part: &String| READ_WHEN_NEEDED.contains(&part.as_str());
        if !parts.iter().all(is_waiting) {
            restart.insert(name.clone());
        }
        let known = differences.entry(name);
        known
            .or_insert((Difference::Changed, BTreeSet::new()))
            .1
            .extend(parts);
    }
    let boot = definitions::boot(&graph);
    let turn = live.database.turn(
        &database,
        &Present {
            is_up,
            has_failed,
            restart: &restart,
            boot: [&live.boot, &boot],
        },
    );
    let is_news = !differences.is_empty() || boot != live.boot;
    // Where nothing is changed for it, it would only hide why.
    let told = differences.into_iter().filter(|_| lost.is_empty());
    replies.extend(told.map(|(service, (how, what))| Reply::Differs {
        service,
        how,
        what: what.into_iter().collect(),
    }));
    Reload {
        graph,
        replies,
        lost,
        is_news,
        turn,
    }
}

/// Whether it only follows from what differs elsewhere: what s6-overlay's own services need, and what
/// its bundles hold, is what the image's bundles do.
fn follows(it: &database::Difference) -> bool {
    let stock = [
        stock::TOP,
        stock::BASE,
        stock::FIX_ATTRS,
        stock::CONT_INIT,
        stock::SERVICES,
    ];
    let is_derived = |part: &Part| match part {
        Part::Dependencies | Part::Contents => true,
        Part::Type | Part::Up | Part::Down | Part::Consumer | Part::Timeouts | Part::Flags => false,
    };
    match &it.change {
        Change::Changed(parts) => stock.contains(&it.name.as_str()) && parts.iter().all(is_derived),
        Change::Added(_) | Change::Removed(_) => false,
    }
}

fn shape(change: Change) -> (Difference, BTreeSet<String>) {
    match change {
        Change::Added(_) => (Difference::Added, BTreeSet::new()),
        Change::Removed(_) => (Difference::Removed, BTreeSet::new()),
        Change::Changed(parts) => {
            let words = parts.into_iter().map(|part| part.word().to_owned());
            (Difference::Changed, words.collect())
        }
    }
}

/// What is known and still defined, but broken now or in need of something broken.
fn lost(live: &Live, graph: &Graph) -> BTreeSet<String> {
    let nodes = graph.nodes().map(|(_, node)| node);
    let is_known = |name: &str| {
        let known = live.database.type_of(name);
        matches!(known, Ok(Type::Longrun | Type::Oneshot))
    };
    let broken = nodes.filter(|node| !node.is_sound() && is_known(node.name()));
    broken.map(|node| node.name().to_owned()).collect()
}

/// The files of longruns that were there before and are others now, by service.
fn changed_files<'a>(
    live: &'a Live,
    graph: &'a Graph,
) -> impl Iterator<Item = (String, Vec<String>)> + 'a {
    graph.nodes().filter_map(|(_, node)| {
        let Kind::Longrun(longrun) = &node.definition.kind else {
            return None;
        };
        let before = live.files.get(node.name())?;
        let now: Stamps = longrun
            .files
            .iter()
            .map(|(file, source)| (file.clone(), live::stamp(source)))
            .collect();
        let changed = changed(before, &now);
        (!changed.is_empty()).then(|| (node.name().to_owned(), changed))
    })
}

/// The files that only one of them has, or that differ.
fn changed(before: &Stamps, now: &Stamps) -> Vec<String> {
    let of = |stamps: &Stamps| -> BTreeMap<OsString, u64> { stamps.iter().cloned().collect() };
    let (before, now) = (of(before), of(now));
    let names: BTreeSet<&OsString> = before.keys().chain(now.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name));
    changed
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

fn said(diagnostic: &Diagnostic) -> Reply {
    Reply::Said {
        is_error: diagnostic.severity == Severity::Error,
        text: diagnostic.to_string(),
    }
}

fn shown(diagnostic: &Diagnostic) -> String {
    let path = diagnostic.path.as_deref().unwrap_or(Path::new("/"));
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_came_went_or_changed_are_named() {
        let stamps = |all: &[(&str, u64)]| -> Stamps {
            all.iter()
                .map(|(name, stamp)| ((*name).into(), *stamp))
                .collect()
        };
        let before = stamps(&[("data", 1), ("finish", 2), ("run", 3)]);
        assert_eq!(changed(&before, &before), [""; 0]);
        let now = stamps(&[("data", 1), ("env", 5), ("run", 4)]);
        assert_eq!(changed(&before, &now), ["env", "finish", "run"]);
    }
}
