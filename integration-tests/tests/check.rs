//! `sixfold check` and `sixfold graph`, on trees as they lie in a repository and on images: what is
//! printed, and the exit codes that a Dockerfile builds on.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sixfold_integration_tests::{
    Finished, Line, Process, Stream, Streams, Tree, binary, run_to_end, sample_tree,
};

const SOURCES: &str = "/etc/s6-overlay/s6-rc.d";

fn run(words: &[&str]) -> Finished {
    run_to_end(binary().to_str().expect("the path is text"), words)
}

/// Runs a command on the tree.
fn on(tree: &Tree, command: &str, more: &[&str]) -> Finished {
    let root = tree.path();
    let mut words = vec![command, "--root", root.to_str().expect("the path is text")];
    words.extend(more);
    run(&words)
}

/// What it wrote to one of its streams, with the tree's own place left out of the paths.
fn written(tree: &Tree, finished: &Finished, stream: Stream) -> Vec<String> {
    let root = tree.path().display().to_string();
    let lines = finished.output.lines();
    let lines = lines.iter().filter(|line| line.stream == stream);
    lines.map(|line| line.text().replace(&root, "")).collect()
}

/// All that it wrote, for a message.
fn all(finished: &Finished) -> String {
    let lines = finished.output.lines();
    let lines: Vec<String> = lines.iter().map(Line::text).collect();
    lines.join("\n")
}

fn report(tree: &Tree, finished: &Finished) -> Vec<String> {
    written(tree, finished, Stream::Stdout)
}

/// A source file of s6-rc.
fn source(tree: &Tree, path: &str, content: &str) {
    tree.file(&format!("{SOURCES}/{path}"), 0o644, content);
}

/// A oneshot that starts after the base.
fn oneshot(tree: &Tree, name: &str, up: &str) {
    source(tree, &format!("{name}/type"), "oneshot\n");
    source(tree, &format!("{name}/up"), up);
    source(tree, &format!("{name}/dependencies.d/base"), "");
    source(tree, &format!("user/contents.d/{name}"), "");
}

/// A longrun that starts after the base.
fn longrun(tree: &Tree, name: &str) {
    source(tree, &format!("{name}/type"), "longrun\n");
    source(
        tree,
        &format!("{name}/run"),
        "#!/command/with-contenv sh\nexec sleep 9\n",
    );
    source(tree, &format!("{name}/dependencies.d/base"), "");
    source(tree, &format!("user/contents.d/{name}"), "");
}

#[test]
fn a_clean_tree_is_clean() {
    let tree = Tree::new();
    longrun(&tree, "web");
    oneshot(&tree, "init", "/etc/s6-overlay/scripts/init");
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(
        report(&tree, &finished),
        ["sixfold: 0 errors, 0 warnings; 5 services of s6-rc would start"]
    );
    let root = sample_tree();
    let finished = run(&["check", "--root", root.to_str().expect("the path is text")]);
    assert_eq!(finished.code, Some(0), "{}", all(&finished));
}

#[test]
fn the_machine_itself_is_read_without_a_root() {
    let finished = run(&["check"]);
    assert!(matches!(finished.code, Some(0 | 1)), "{}", all(&finished));
    assert_eq!(run(&["graph"]).code, Some(0));
}

#[test]
fn warnings_alone_are_clean() {
    let tree = Tree::new();
    longrun(&tree, "web");
    source(&tree, "web/down", "");
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(0));
    let report = report(&tree, &finished);
    assert_eq!(
        report[0],
        "sixfold: warning: /etc/s6-overlay/s6-rc.d/web/down: no effect: s6-rc starts web \
         nevertheless (remove it, and take web out of the bundles that hold it if it is not to \
         start)"
    );
    assert_eq!(report.len(), 2);
}

#[test]
fn all_errors_are_in_one_report() {
    let tree = Tree::new();
    longrun(&tree, "web");
    source(&tree, "web/dependencies.d/init-ngnix", "");
    oneshot(&tree, "init-nginx", "if [ -f /x ]; then\n  rm /x\nfi\n");
    oneshot(&tree, "crlf", "");
    source(&tree, "crlf/type", "oneshot\r\n");
    oneshot(&tree, "a", "");
    source(&tree, "a/dependencies.d/b", "");
    oneshot(&tree, "b", "");
    source(&tree, "b/dependencies.d/a", "");
    tree.file(
        "/etc/services.d/old/finish",
        0o755,
        "#!/command/with-contenv sh\n",
    );
    tree.file("/etc/fix-attrs.d/01", 0o644, "/data maybe www 0644 0755\n");
    tree.file("/etc/cont-init.d/01", 0o644, "#!/command/with-contenv sh\n");
    tree.directory("/etc/cont-finish.d/sub", 0o755);
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(1));
    let report = report(&tree, &finished);
    for start in [
        "sixfold: warning: /etc/cont-finish.d/sub: skipped: it is a directory",
        "sixfold: warning: /etc/cont-init.d/01: not executable; run by its interpreter",
        "sixfold: error: /etc/fix-attrs.d/01:1: ",
        "sixfold: error: /etc/s6-overlay/s6-rc.d/a/dependencies.d/b: a waits for itself: a -> b -> a",
        "sixfold: error: /etc/s6-overlay/s6-rc.d/crlf/type:1: CRLF line end",
        "sixfold: error: /etc/s6-overlay/s6-rc.d/init-nginx/up:1: \"if\" without a block in braces",
        "sixfold: error: /etc/s6-overlay/s6-rc.d/web/dependencies.d/init-ngnix: web depends on \
         init-ngnix, which is not defined; did you mean init-nginx",
        "sixfold: error: /etc/services.d/old: service old has no run file",
        "sixfold: a would not start: it is broken",
        "sixfold: legacy-services would not start: it needs ",
        "sixfold: 6 errors, 2 warnings; 2 services of s6-rc would start",
    ] {
        assert!(
            report.iter().any(|line| line.starts_with(start)),
            "{start}\n{report:#?}"
        );
    }
}

#[test]
fn json_is_one_object_in_a_line_and_a_summary() {
    let tree = Tree::new();
    longrun(&tree, "web");
    source(&tree, "web/dependencies", "nosuch\n");
    fs::remove_dir_all(
        tree.path()
            .join("etc/s6-overlay/s6-rc.d/web/dependencies.d"),
    )
    .expect("it was made");
    let finished = on(&tree, "check", &["--json"]);
    assert_eq!(finished.code, Some(1));
    let lines: Vec<Value> = report(&tree, &finished)
        .iter()
        .map(|line| serde_json::from_str(line).expect("every line is an object"))
        .collect();
    let [finding, summary] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(finding["type"], "finding");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["path"], format!("{SOURCES}/web/dependencies"));
    assert_eq!(finding["line"], 1);
    assert_eq!(
        finding["message"],
        "web depends on nosuch, which is not defined"
    );
    assert_eq!(finding["mend"], "define nosuch, or remove the line");
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["errors"], 1);
    assert_eq!(summary["warnings"], 0);
    assert_eq!(summary["started"], 2);
    assert_eq!(summary["left_out"][0]["name"], "web");
    assert_eq!(summary["left_out"][0]["needs"], Value::Null);
    assert_eq!(summary["left_out"][1]["name"], "legacy-services");
    assert_eq!(summary["left_out"][1]["needs"], "web");
}

#[test]
fn wrong_usage_is_told_from_errors() {
    for words in [
        &["check", "--nothing"][..],
        &["check", "--root"],
        &["check", "--root", "/nonexistent"],
        &["check", "word"],
        &["check", "--json=1"],
        &["graph", "--format"],
        &["graph", "--format", "png"],
        &["graph", "--json"],
        &["graph", "--root", "/nonexistent"],
    ] {
        let finished = run(words);
        assert_eq!(finished.code, Some(2), "{words:?}: {}", all(&finished));
    }
    for command in ["check", "graph"] {
        let finished = run(&[command, "--help"]);
        assert_eq!(finished.code, Some(0));
        assert!(all(&finished).contains(&format!("Usage: sixfold {command} ")));
    }
}

#[test]
fn programs_are_looked_for_in_whole_images_only() {
    let tree = Tree::new();
    oneshot(&tree, "init", "/scripts/init");
    oneshot(&tree, "more", "#!/bin/sh\nexec /scripts/more\n");
    oneshot(&tree, "own", "/command/with-contenv sh -c true");
    longrun(&tree, "web");
    source(&tree, "web/run", "#!/usr/bin/python3\n");
    tree.file("/scripts/more", 0o644, "#!/bin/sh\n");
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(0), "{}", all(&finished));
    // With a shell it is an image.
    tree.file("/bin/sh", 0o755, "\x7fELF");
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(1));
    let report = report(&tree, &finished);
    for start in [
        "sixfold: warning: /etc/s6-overlay/s6-rc.d/init/up: /scripts/init does not exist",
        "sixfold: warning: /scripts/more: not executable",
        "sixfold: error: /etc/s6-overlay/s6-rc.d/web/run:1: the interpreter /usr/bin/python3 does not",
        "sixfold: 1 error, 2 warnings",
    ] {
        assert!(
            report.iter().any(|line| line.starts_with(start)),
            "{start}\n{report:#?}"
        );
    }
    assert_eq!(report.len(), 4, "{report:#?}");
}

#[test]
fn one_name_in_both_kinds_of_services_is_an_error() {
    let tree = Tree::new();
    longrun(&tree, "web");
    tree.file(
        "/etc/services.d/web/run",
        0o755,
        "#!/command/with-contenv sh\n",
    );
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        report(&tree, &finished)[0],
        "sixfold: error: /etc/services.d/web: web is a longrun in /etc/s6-overlay/s6-rc.d/web too, \
         and both would be /run/service/web (rename or remove one of the two)"
    );
}

#[test]
fn the_variables_count_as_at_boot() {
    let tree = Tree::new();
    let base = "/etc/cont-profile.d/dev";
    tree.file(
        &format!("{base}/s6-overlay/s6-rc.d/a/type"),
        0o644,
        "oneshot",
    );
    tree.file(&format!("{base}/s6-overlay/s6-rc.d/a/up"), 0o644, "");
    tree.file(
        &format!("{base}/s6-overlay/s6-rc.d/a/dependencies.d/base"),
        0o644,
        "",
    );
    tree.file("/bundles/user/contents.d/a", 0o644, "");
    tree.file(
        &format!("{base}/cont-init.d/01"),
        0o644,
        "#!/command/with-contenv sh\n",
    );
    let mut command = Command::new(binary());
    command
        .args(["check", "--root"])
        .arg(tree.path())
        .env("S6_RUNTIME_PROFILE", "dev")
        .env("S6_RUNTIME_BUNDLEDIR", "/bundles")
        .env("S6_VERBOSTY", "1");
    let finished = Process::spawn(command, Streams::Pipes).wait_exit();
    assert_eq!(finished.code, Some(0), "{}", all(&finished));
    let report = report(&tree, &finished);
    assert!(report[0].starts_with("sixfold: warning: unknown variable S6_VERBOSTY; did you mean"));
    assert!(report[1].starts_with("sixfold: warning: /etc/cont-profile.d/dev/cont-init.d/01: not"));
    assert_eq!(
        report[2],
        "sixfold: 0 errors, 2 warnings; 4 services of s6-rc would start"
    );
}

/// A tree with a pipeline, a bundle, something broken and names that are hard to write.
fn drawn() -> Tree {
    let tree = Tree::new();
    oneshot(&tree, "init", "");
    longrun(&tree, "web");
    longrun(&tree, "log");
    source(&tree, "web/producer-for", "log\n");
    source(&tree, "web/dependencies.d/init", "");
    source(&tree, "log/consumer-for", "web\n");
    source(&tree, "log/pipeline-name", "pipe\n");
    oneshot(&tree, "a\"b\\<c>", "");
    oneshot(&tree, "bad", "");
    source(&tree, "bad/type", "x");
    oneshot(&tree, "after", "");
    source(&tree, "after/dependencies.d/bad", "");
    tree
}

#[test]
fn the_graph_as_text() {
    let tree = drawn();
    let finished = on(&tree, "graph", &[]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(
        report(&tree, &finished).join("\n"),
        r#"fix-attrs (oneshot)
  legacy-cont-init (oneshot) after fix-attrs
    init (oneshot) after base
    a\"b\\<c> (oneshot) after base
    log (longrun) after base
      web (longrun) after log, base, init

would not start:
  after (oneshot): needs bad
  legacy-services (oneshot): needs bad
  bad (unknown): broken

bundles:
  base: fix-attrs, legacy-cont-init
  top: base, legacy-services, user, user2
  user: a\"b\\<c>, after, bad, init, log, web
  user2: nothing
  pipe: log, web"#
    );
    assert_eq!(
        written(&tree, &finished, Stream::Stderr),
        ["sixfold graph: warning: errors in these definitions: 1 (see sixfold check)"]
    );
}

#[test]
fn the_graph_as_json() {
    let tree = drawn();
    let finished = on(&tree, "graph", &["--format", "json"]);
    let graph: Value =
        serde_json::from_str(&report(&tree, &finished).concat()).expect("it is an object");
    let order = [
        "fix-attrs",
        "legacy-cont-init",
        "init",
        "a\"b\\<c>",
        "log",
        "web",
    ];
    assert_eq!(graph["start_order"], Value::from(order.to_vec()));
    let node = |name: &str| {
        let nodes = graph["nodes"].as_array().expect("it is a list");
        let node = nodes.iter().find(|node| node["name"] == name);
        node.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let web = node("web");
    assert_eq!(web["type"], "longrun");
    assert_eq!(web["standing"], "sound");
    assert_eq!(web["producer_for"], "log");
    assert_eq!(web["dependencies"], Value::from(vec!["base", "init"]));
    assert_eq!(
        web["waits_for"],
        Value::from(vec!["log", "fix-attrs", "init", "legacy-cont-init"])
    );
    assert_eq!(web["level"], 3);
    assert_eq!(web["source"], format!("{SOURCES}/web"));
    assert_eq!(node("after")["blocked_by"], "bad");
    assert_eq!(node("bad")["standing"], "broken");
    assert_eq!(node("pipe")["type"], "pipeline");
    assert_eq!(node("pipe")["contents"], Value::from(vec!["log", "web"]));
}

#[test]
fn the_graph_for_programs_that_draw() {
    let tree = drawn();
    let mermaid = report(&tree, &on(&tree, "graph", &["--format", "mermaid"]));
    assert_eq!(mermaid[0], "flowchart BT");
    let label = |line: &str| mermaid.iter().any(|it| it == line);
    assert!(
        label("  n0[\"log\"]") && label("  n1[\"web\"]"),
        "{mermaid:#?}"
    );
    assert!(label("  n2([\"a#34;b#92;#60;c#62;\"])"), "{mermaid:#?}");
    assert!(label("  n1 ==> n0"), "a producer leads to its consumer");
    assert!(mermaid.iter().any(|line| line.ends_with(" broken")));
    assert!(mermaid.iter().any(|line| line.ends_with(" blocked")));

    let finished = on(&tree, "graph", &["--format", "dot"]);
    let dot = report(&tree, &finished);
    assert_eq!(dot.first().map(String::as_str), Some("digraph services {"));
    assert_eq!(dot.last().map(String::as_str), Some("}"));
    let has = |line: &str| dot.iter().any(|it| it == line);
    assert!(has("  n1 [label=\"web\", shape=box];"), "{dot:#?}");
    assert!(
        has("  n2 [label=\"a\\\"b\\\\<c>\", shape=oval];"),
        "{dot:#?}"
    );
    assert!(has("  n1 -> n0 [style=bold];"), "{dot:#?}");
}

#[test]
fn a_file_of_definitions_is_reported_and_nothing_is_written() {
    let tree = Tree::new();
    tree.file(SOURCES, 0o644, "not a directory");
    let before = fs::metadata(tree.path().join("etc/s6-overlay")).expect("it is there");
    let finished = on(&tree, "check", &[]);
    assert_eq!(finished.code, Some(1));
    assert!(report(&tree, &finished)[0].contains("/s6-rc.d: cannot be read: "));
    let after = fs::metadata(tree.path().join("etc/s6-overlay")).expect("it is there");
    assert_eq!(before.modified().ok(), after.modified().ok());
    assert!(!Path::new(&tree.path().join("run")).exists());
}
