//! The invariants of the architecture, read out of the sources: what keeps the pure crates pure,
//! the kernel layer the only one with unsafe code, and the daemon a process of one thread.
//!
//! Lints keep most of them too; these tests see what lints do not (a crate that is imported, a
//! reason that is missing), and fail with the file, the line and the rule. No test here runs
//! anything. What the rules cannot tell from the text alone, the review has to.

#[path = "architecture/lexer.rs"]
mod lexer;
#[path = "architecture/manifest.rs"]
mod manifest;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use manifest::Manifest;
use source::{Finding, Source};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every source file. Without the files that are known to be there, the rules would hold for
/// nothing at all.
fn sources() -> Vec<Source> {
    let sources = source::read_workspace(root());
    for expected in [
        "crates/model/src/lib.rs",
        "crates/sys/src/lib.rs",
        "crates/daemon/src/boot.rs",
        "crates/cli/src/main.rs",
        "integration-tests/tests/architecture.rs",
    ] {
        let is_there = |source: &Source| source.path == Path::new(expected);
        assert!(sources.iter().any(is_there), "{expected} was not read");
    }
    sources
}

fn manifests(files: &[PathBuf]) -> Vec<Manifest> {
    let manifests: Vec<Manifest> = files
        .iter()
        .filter(|path| path.ends_with("Cargo.toml"))
        // Fuzz targets need a nightly compiler, so they are a workspace of their own.
        .filter(|path| !path.iter().any(|part| part == "fuzz"))
        .map(|path| {
            let text = fs::read_to_string(root().join(path));
            Manifest::read(path, &text.expect("a manifest can be read"))
        })
        .collect();
    assert!(manifests.len() > 7, "{} manifests", manifests.len());
    manifests
}

fn assert_none(findings: impl IntoIterator<Item = Finding>) {
    let lines: Vec<String> = findings.into_iter().map(|it| it.to_string()).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

fn assert_everywhere(rule: fn(&Source) -> Vec<Finding>) {
    assert_none(sources().iter().flat_map(rule));
}

#[test]
fn pure_crates_touch_nothing() {
    assert_everywhere(rules::pure_code);
}

#[test]
fn there_is_one_thread() {
    assert_everywhere(rules::one_thread);
}

#[test]
fn only_owners_wait_for_children() {
    assert_everywhere(rules::no_waiting_for_commands);
}

#[test]
fn nothing_is_unfinished() {
    assert_everywhere(rules::nothing_unfinished);
}

#[test]
fn unsafe_code_is_in_the_kernel_layer_alone() {
    assert_everywhere(rules::unsafe_in_kernel_layer_only);
}

#[test]
fn modules_with_unsafe_code_are_listed() {
    let sources = sources();
    let list = Path::new("crates/sys/src/lib.rs");
    let list = sources.iter().find(|source| source.path == list);
    let list = list.expect("the kernel layer has a lib.rs");
    assert_none(rules::unsafe_modules_are_listed(list, &sources));
}

#[test]
fn unsafe_blocks_are_explained() {
    assert_everywhere(rules::unsafe_is_explained);
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_everywhere(rules::begins_with_documentation);
}

#[test]
fn no_file_is_too_long() {
    assert_everywhere(rules::is_short);
}

#[test]
fn errors_are_typed_below_the_edge() {
    assert_everywhere(rules::anyhow_at_the_edge);
}

#[test]
fn black_box_tests_are_black_box_tests() {
    assert_everywhere(rules::black_box);
}

#[test]
fn each_crate_keeps_to_its_floor() {
    let manifests = manifests(&source::files(root()));
    assert_none(manifests.iter().flat_map(manifest::keeps_to_its_floor));
}

#[test]
fn each_crate_takes_the_lints() {
    let manifests = manifests(&source::files(root()));
    assert_none(manifests.iter().flat_map(manifest::takes_the_lints));
}

#[test]
fn no_crate_has_a_build_script() {
    let files = source::files(root());
    let manifests = manifests(&files);
    let scripts = |it| manifest::has_no_build_script(it, &files);
    assert_none(manifests.iter().flat_map(scripts));
}
