//! The rules about manifests: which crate may depend on which, and on what of others.
//!
//! Reads the few forms of a manifest that this workspace uses: tables, and one key a line. Called
//! from `architecture.rs`.

use std::path::{Path, PathBuf};

use super::rules::PURE;
use super::source::Finding;

/// What each crate may import of ours, from the lowest floor to the highest. A crate that is not
/// here has no place in the building yet.
const LAYERS: [(&str, &[&str]); 8] = [
    ("crates/model", &[]),
    ("crates/execline", &[]),
    ("crates/protocol", &[]),
    ("crates/engine", &["model"]),
    ("crates/sys", &[]),
    (
        "crates/daemon",
        &["model", "execline", "protocol", "engine", "sys"],
    ),
    (
        "crates/cli",
        &["model", "execline", "protocol", "engine", "sys", "daemon"],
    ),
    ("integration-tests", &[]),
];
/// What a pure crate may import of others: nothing that can touch the world.
const HARMLESS: [&str; 3] = ["thiserror", "serde", "serde_json"];
/// What the names of our crates begin with.
const OURS: &str = "sixfold-";

/// A manifest, read.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// One key.
#[derive(Debug)]
struct Entry {
    line: usize,
    /// The table it stands in.
    table: String,
    key: String,
    value: String,
}

/// What a crate depends on.
struct Dependency<'a> {
    line: usize,
    name: &'a str,
    /// For tests only.
    is_dev: bool,
}

impl Manifest {
    /// The manifest with this text, which lies at `path` in the workspace.
    pub(crate) fn read(path: impl Into<PathBuf>, text: &str) -> Self {
        let mut entries = Vec::new();
        let mut table = String::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let number = index + 1;
            if let Some(header) = line.strip_prefix('[') {
                let end = header.rfind(']').unwrap_or(header.len());
                table = header[..end].trim_matches(['[', ']', ' ']).to_owned();
                // A table of its own for one dependency, which may be empty.
                if let Some((outer, key)) = table.rsplit_once("dependencies.") {
                    entries.push(Entry {
                        line: number,
                        table: format!("{outer}dependencies"),
                        key: unquoted(key),
                        value: String::new(),
                    });
                }
            } else if let Some((key, value)) = line.split_once('=')
                && !line.starts_with('#')
            {
                entries.push(Entry {
                    line: number,
                    table: table.clone(),
                    key: unquoted(key),
                    value: value.trim().to_owned(),
                });
            }
        }
        Self {
            path: path.into(),
            entries,
        }
    }

    fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn dependencies(&self) -> impl Iterator<Item = Dependency<'_>> {
        self.entries.iter().filter_map(|entry| {
            let table = entry.table.rsplit('.').next().unwrap_or_default();
            let (is_dependency, is_dev) = match table {
                "dependencies" | "build-dependencies" => {
                    (entry.table != "workspace.dependencies", false)
                }
                "dev-dependencies" => (true, true),
                _ => (false, false),
            };
            let key = entry.key.split('.').next().unwrap_or_default();
            let renamed = entry.value.split_once("package = \"");
            let renamed = renamed.and_then(|(_, name)| name.split('"').next());
            is_dependency.then_some(Dependency {
                line: entry.line,
                name: renamed.unwrap_or(key),
                is_dev,
            })
        })
    }

    fn finding(&self, line: usize, rule: String) -> Finding {
        Finding {
            file: self.path.clone(),
            line,
            rule,
        }
    }
}

fn unquoted(key: &str) -> String {
    key.trim().trim_matches(['"', '\'']).to_owned()
}

/// Each crate imports what its floor may import, of ours and of others.
pub(crate) fn keeps_to_its_floor(manifest: &Manifest) -> Vec<Finding> {
    if manifest.dir() == Path::new("") {
        return Vec::new();
    }
    let layer = LAYERS
        .iter()
        .find(|(dir, _)| manifest.dir() == Path::new(dir));
    let Some((dir, allowed)) = layer else {
        let rule = "a new crate gets its line in the table of layers".to_owned();
        return vec![manifest.finding(1, rule)];
    };
    let krate = dir.trim_start_matches("crates/");
    manifest
        .dependencies()
        .filter_map(|dependency| {
            let rule = objection(krate, allowed, &dependency)?;
            Some(manifest.finding(dependency.line, rule))
        })
        .collect()
}

fn objection(krate: &str, allowed: &[&str], dependency: &Dependency<'_>) -> Option<String> {
    let name = dependency.name;
    if let Some(own) = name.strip_prefix(OURS) {
        let rule = format!("{krate} may not import {name} (table of layers)");
        return (!allowed.contains(&own)).then_some(rule);
    }
    let is_pure = PURE.contains(&krate);
    let is_loop = name == "tokio" || name.starts_with("tokio-");
    if is_pure && !dependency.is_dev && !HARMLESS.contains(&name) {
        Some(format!(
            "a pure crate imports nothing that can touch the world: {name}"
        ))
    } else if (is_pure || krate == "sys") && is_loop {
        Some(format!("below the daemon there is no event loop: {name}"))
    } else if name == "anyhow" && krate != "cli" && krate != "daemon" {
        Some("anyhow is for crates/cli and crates/daemon alone".to_owned())
    } else {
        None
    }
}

/// The workspace's lints hold in each crate.
pub(crate) fn takes_the_lints(manifest: &Manifest) -> Vec<Finding> {
    let takes = manifest.entries.iter().any(|entry| {
        let (table, key) = (entry.table.as_str(), entry.key.as_str());
        let names_it =
            (table, key) == ("lints", "workspace") || (table, key) == ("", "lints.workspace");
        names_it && entry.value == "true"
    });
    let rule = "a crate has the workspace's lints: [lints] workspace = true".to_owned();
    (manifest.dir().starts_with("crates") && !takes)
        .then(|| manifest.finding(1, rule))
        .into_iter()
        .collect()
}

/// Nothing of ours runs while it is built. `files` are all files of the workspace.
pub(crate) fn has_no_build_script(manifest: &Manifest, files: &[PathBuf]) -> Vec<Finding> {
    let named = manifest.entries.iter();
    let named = named
        .filter(|entry| entry.table == "package" && entry.key == "build" && entry.value != "false")
        .map(|entry| entry.line);
    let script = manifest.dir().join("build.rs");
    let lies_there = files.contains(&script).then_some(1);
    named
        .chain(lies_there)
        .map(|line| manifest.finding(line, "no crate of ours has a build script".to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(dir: &str, text: &str) -> Vec<(usize, String)> {
        let manifest = Manifest::read(Path::new(dir).join("Cargo.toml"), text);
        keeps_to_its_floor(&manifest)
            .into_iter()
            .map(|finding| (finding.line, finding.rule))
            .collect()
    }

    fn lines(dir: &str, text: &str) -> Vec<usize> {
        findings(dir, text)
            .into_iter()
            .map(|(line, _)| line)
            .collect()
    }

    #[test]
    fn a_floor_may_not_reach_up_or_sideways() {
        for (dir, dependency) in [
            ("crates/model", "sixfold-engine.workspace = true"),
            ("crates/model", "sixfold-protocol.workspace = true"),
            ("crates/engine", "sixfold-sys = { path = \"../sys\" }"),
            (
                "crates/engine",
                "machine = { package = \"sixfold-daemon\", path = \"../daemon\" }",
            ),
            ("crates/sys", "sixfold-model.workspace = true"),
            ("crates/daemon", "sixfold-cli.workspace = true"),
            ("integration-tests", "sixfold-model.workspace = true"),
        ] {
            for table in [
                "dependencies",
                "dev-dependencies",
                "build-dependencies",
                "target.'cfg(unix)'.dependencies",
            ] {
                let text = format!("[package]\nname = \"x\"\n\n[{table}]\n{dependency}\n");
                assert_eq!(lines(dir, &text), [5], "{dir} {table} {dependency}");
            }
        }
        let allowed = "[dependencies]\nsixfold-model.workspace = true\n";
        for dir in ["crates/engine", "crates/daemon", "crates/cli"] {
            assert!(lines(dir, allowed).is_empty(), "{dir}");
        }
        let own_table = "[dependencies.sixfold-sys]\nworkspace = true\n";
        assert_eq!(lines("crates/engine", own_table), [1]);
    }

    #[test]
    fn the_world_stays_outside_the_pure_crates() {
        for name in ["tokio", "tokio-stream", "nix", "libc", "anyhow", "tracing"] {
            let text = format!("[dependencies]\nthiserror.workspace = true\n{name} = \"1\"\n");
            for krate in PURE {
                assert_eq!(
                    lines(&format!("crates/{krate}"), &text),
                    [3],
                    "{krate} {name}"
                );
            }
            assert!(lines("crates/daemon", &text).is_empty());
        }
        let dev = "[dev-dependencies]\nproptest.workspace = true\ntokio.workspace = true\n";
        assert_eq!(lines("crates/model", dev), [3]);
    }

    #[test]
    fn the_kernel_layer_has_no_event_loop_and_typed_errors() {
        let text = "[dependencies]\nlibc = \"1\"\nnix.workspace = true\ntokio.workspace = true\ntokio-util = \"1\"\nanyhow.workspace = true\n";
        assert_eq!(lines("crates/sys", text), [4, 5, 6]);
        let edge = "[dependencies]\nanyhow.workspace = true\n";
        assert!(lines("crates/cli", edge).is_empty());
        assert_eq!(lines("integration-tests", edge), [2]);
    }

    #[test]
    fn what_is_no_dependency_is_none() {
        let text = "# sixfold-engine = 1\n[package]\nname = \"sixfold-model\"\n[features]\ntokio = []\n[lints]\nworkspace = true\n[dependencies]\n";
        assert!(lines("crates/model", text).is_empty());
        let root = "[workspace.dependencies]\nsixfold-model = { path = \"crates/model\" }\n";
        assert!(lines("", root).is_empty());
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        let found = findings("crates/attic", "[package]\n");
        assert!(found[0].1.contains("table of layers"), "{found:?}");
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        let takes = |text: &str| takes_the_lints(&Manifest::read("crates/x/Cargo.toml", text));
        assert_eq!(takes("[package]\nname = \"x\"\n").len(), 1);
        assert_eq!(takes("[lints]\nworkspace = false\n").len(), 1);
        assert!(takes("[package]\n[lints]\nworkspace = true\n").is_empty());
        let elsewhere = Manifest::read("integration-tests/Cargo.toml", "[package]\n");
        assert!(takes_the_lints(&elsewhere).is_empty());
    }

    #[test]
    fn a_build_script_is_found() {
        let manifest = |text| Manifest::read("crates/x/Cargo.toml", text);
        let plain = manifest("[package]\nname = \"x\"\n");
        let script = [PathBuf::from("crates/x/build.rs")];
        let module = [PathBuf::from("crates/x/src/build.rs")];
        assert_eq!(has_no_build_script(&plain, &script).len(), 1);
        assert!(has_no_build_script(&plain, &module).is_empty());
        let named = manifest("[package]\nbuild = \"make.rs\"\n");
        assert_eq!(has_no_build_script(&named, &[])[0].line, 2);
        let none = manifest("[package]\nbuild = false\n");
        assert!(has_no_build_script(&none, &[]).is_empty());
    }
}
