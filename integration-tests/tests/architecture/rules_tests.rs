//! Each rule on text that breaks it, and on text that only looks so.

use super::*;

type Rule = fn(&Source) -> Vec<Finding>;

/// The lines that break the rule.
fn broken(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    let findings = rule(&Source::new(path, text, false));
    let mut lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn breaks(rule: Rule, path: &str, text: &str) {
    assert!(!broken(rule, path, text).is_empty(), "{path}: {text}");
}

fn passes(rule: Rule, path: &str, text: &str) {
    assert_eq!(broken(rule, path, text), [0; 0], "{path}: {text}");
}

#[test]
fn a_finding_names_file_line_and_rule() {
    let source = Source::new("crates/model/src/x.rs", "\n\nuse std::fs;", false);
    let findings = pure_code(&source);
    assert_eq!(
        findings[0].to_string(),
        "crates/model/src/x.rs:3: a pure crate touches nothing outside it: std::fs"
    );
}

#[test]
fn pure_code_cannot_touch_the_world() {
    for bad in [
        "use tokio::sync::mpsc;",
        "use nix::unistd;",
        "fn f() { libc::getpid() }",
        "use anyhow::Result;",
        "use std::fs::File;",
        "use std::{io, fs as files};",
        "use std::{io::{self, Read}, collections::*, process};",
        "use std::*;",
        "use ::std::env;",
        "fn f() { let x = ::std::env::var(\"A\"); }",
        "use std::net::TcpStream;",
        "use std::thread;",
        "use std::time::{Duration, Instant};",
        "fn f() -> time::SystemTime { time::SystemTime::now() }",
        "fn f(p: &Path) -> bool { p.exists() }",
        "fn f(p: &Path) { p.join(\"a\").canonicalize() }",
        "macro_rules! m { () => { std::fs::read(\"a\") } }",
    ] {
        for krate in PURE {
            breaks(pure_code, &format!("crates/{krate}/src/x.rs"), bad);
        }
        passes(pure_code, "crates/daemon/src/x.rs", bad);
    }
    for good in [
        "//! No tokio, no std::fs, no Instant.",
        "/// See `std::env`.\nfn f() { let a = \"std::fs::read\"; /* nix::x */ }",
        "use std::path::{Path, PathBuf}; use std::time::Duration;",
        "#[cfg(test)] mod tests { use std::fs; fn t() { Instant::now(); p.exists() } }",
        "struct Environment { exists: bool, instant: u8 }",
    ] {
        passes(pure_code, "crates/engine/src/x.rs", good);
    }
}

#[test]
fn there_is_one_thread_that_never_blocks() {
    for bad in [
        "fn f() { std::thread::spawn(g); }",
        "use std::thread; fn f() { thread::spawn(g); }",
        "use std::thread::{self, sleep};",
        "fn f() { thread::Builder::new() }",
        "fn f() { thread::scope(g) }",
        "use tokio::task::spawn_blocking;",
        "fn f() { handle.spawn_blocking(g) }",
        "fn f() { tokio::task::block_in_place(g) }",
        "fn f() { Builder::new_multi_thread() }",
        "#[tokio::main] async fn main() {}",
        "use tokio::{fs, sync::mpsc};",
        "async fn f() { tokio::fs::read(p).await }",
        "use tokio::io::{AsyncRead, stdout};",
    ] {
        breaks(one_thread, "crates/daemon/src/x.rs", bad);
        passes(one_thread, "integration-tests/src/x.rs", bad);
    }
    let test = "#[cfg(test)] mod tests { fn t() { thread::spawn(g); thread::scope(h); } }";
    passes(one_thread, "crates/sys/src/x.rs", test);
    let sleepy = "#[cfg(test)] mod tests { fn t() { thread::sleep(x); } }";
    breaks(one_thread, "crates/sys/src/x.rs", sleepy);
    passes(
        one_thread,
        "crates/daemon/src/x.rs",
        "// thread::spawn\nfn f() { tokio::task::spawn_local(g); LocalSet::new(); x(\"tokio::fs\") }",
    );
}

#[test]
fn commands_are_not_waited_for() {
    for bad in [
        "fn f() { Command::new(\"a\").status() }",
        "fn f() { command\n.output()\n.unwrap() }",
        "fn f() { x.map(std::process::Command::output) }",
        "fn f() { tokio::process::Command::status(&mut c) }",
    ] {
        breaks(no_waiting_for_commands, "crates/daemon/src/x.rs", bad);
        passes(no_waiting_for_commands, "integration-tests/src/x.rs", bad);
        let test = format!("#[cfg(test)] mod tests {{ {bad} }}");
        passes(no_waiting_for_commands, "crates/sys/src/x.rs", &test);
    }
    let good = "fn f() { self.output(stream, true); self.status; exit.status(1); \".status()\" }";
    passes(no_waiting_for_commands, "crates/daemon/src/x.rs", good);
}

#[test]
fn unfinished_things_are_found_everywhere() {
    for bad in [
        "fn f() { todo!() }",
        "fn f() { todo!(\"later\") }",
        "fn f() { unimplemented![] }",
        "#[cfg(test)] mod t { fn f() { todo!{} } }",
        "#[test] #[ignore] fn f() {}",
        "#[ignore = \"slow\"] fn f() {}",
        "#[cfg_attr(miri, ignore)] fn f() {}",
        "#[allow(dead_code)] fn f() {}",
        "#![allow(dead_code)]",
        "#[cfg_attr(test, allow(dead_code))] fn f() {}",
    ] {
        breaks(nothing_unfinished, "crates/daemon/src/x.rs", bad);
        breaks(nothing_unfinished, "integration-tests/tests/x.rs", bad);
    }
    for good in [
        "// todo!() and #[allow(x)] and #[ignore]",
        "fn f() { \"todo!()\"; let todo = 1; if todo != (2) {} }",
        "fn f() { signals::ignore(13); gate.allow(x); }",
        "#[expect(dead_code, reason = \"not allow(dead_code)\")] fn f() {}",
    ] {
        passes(nothing_unfinished, "crates/daemon/src/x.rs", good);
    }
}

#[test]
fn unsafe_code_is_found_outside_the_kernel_layer() {
    for bad in [
        "fn f() { unsafe { g() } }",
        "unsafe impl Send for X {}",
        "#![expect(unsafe_code, reason = \"a\")]",
    ] {
        for path in [
            "crates/daemon/src/x.rs",
            "crates/engine/tests/x.rs",
            "integration-tests/src/x.rs",
        ] {
            breaks(unsafe_in_kernel_layer_only, path, bad);
        }
    }
    let lift = "#[expect(unsafe_code, reason = \"a\")] mod a;";
    breaks(unsafe_in_kernel_layer_only, "crates/sys/src/x.rs", lift);
    passes(unsafe_in_kernel_layer_only, "crates/sys/src/lib.rs", lift);
    let code = "fn f() { unsafe { g() } }";
    passes(unsafe_in_kernel_layer_only, "crates/sys/src/x.rs", code);
    let words = "// unsafe\nfn f() { \"unsafe\" }";
    passes(unsafe_in_kernel_layer_only, "crates/cli/src/x.rs", words);
}

#[test]
fn unsafe_modules_have_to_be_listed_with_a_reason() {
    let list = Source::new(
        "crates/sys/src/lib.rs",
        "pub mod plain;\n#[expect(unsafe_code, reason = \"raw calls\",)]\npub(crate) mod raw;\n#[expect(unsafe_code)]\nmod bare;\n#[expect(dead_code, reason = \"x\")]\nmod other;",
        false,
    );
    let file = |path: &str| Source::new(path, "\nfn f() { unsafe { g() } }", false);
    let findings = unsafe_modules_are_listed(
        &list,
        &[
            file("crates/sys/src/raw.rs"),
            file("crates/sys/src/raw/inner.rs"),
            file("crates/sys/src/plain.rs"),
            file("crates/sys/src/other/inner.rs"),
            Source::new("crates/sys/src/safe.rs", "// unsafe", false),
            file("crates/sys/tests/kernel/main.rs"),
        ],
    );
    let places: Vec<(String, usize)> = findings
        .iter()
        .map(|finding| (finding.file.display().to_string(), finding.line))
        .collect();
    assert_eq!(
        places,
        [
            ("crates/sys/src/lib.rs".to_owned(), 5),
            ("crates/sys/src/plain.rs".to_owned(), 2),
            ("crates/sys/src/other/inner.rs".to_owned(), 2),
        ]
    );
}

#[test]
fn unsafe_blocks_have_to_be_explained() {
    for bad in [
        "fn f() { unsafe { g() } }",
        "fn f() {\n    // Sound.\n    unsafe { g() }\n}",
        "fn f() {\n    // SAFETY: far away.\n\n    unsafe { g() }\n}",
        "// SAFETY: for the function.\nfn f() {\n    let x = 1;\n    unsafe { g() }\n}",
        "fn f() {\n    // SAFETY: one.\n    unsafe { g() };\n    unsafe { h() };\n}",
        "unsafe impl Send for X {}",
        "fn f() {\n    match x {\n        // SAFETY: one.\n        1 => unsafe { g() },\n        _ => unsafe { h() },\n    }\n}",
    ] {
        breaks(unsafe_is_explained, "crates/sys/src/x.rs", bad);
    }
    for good in [
        "fn f() {\n    // SAFETY: sound.\n    unsafe { g() }\n}",
        "fn f() {\n    // SAFETY: sound, for a reason\n    // of two lines.\n    let x =\n        retry(|| unsafe { g() });\n}",
        "fn f() {\n    a(); /* SAFETY: sound. */\n    unsafe { g() }\n}",
        "// SAFETY: sound.\nunsafe impl Send for X {}",
        "unsafe fn f() {}",
        "fn f() { \"unsafe {\" } // unsafe { }",
    ] {
        passes(unsafe_is_explained, "crates/sys/src/x.rs", good);
    }
    let two = "fn f() {\n    unsafe { g() };\n    // SAFETY: x\n    unsafe { g() };\n    unsafe { g() };\n}";
    assert_eq!(
        broken(unsafe_is_explained, "crates/sys/src/x.rs", two),
        [2, 5]
    );
}

#[test]
fn files_have_to_say_what_they_are_for() {
    for bad in [
        "",
        "use a;",
        "\n//! Late.",
        "// A comment.",
        "#![expect(x)]\n//! Late.",
    ] {
        breaks(begins_with_documentation, "crates/cli/src/x.rs", bad);
    }
    passes(
        begins_with_documentation,
        "crates/cli/src/x.rs",
        "//! Something.\nuse a;",
    );
}

#[test]
fn files_may_not_grow_for_ever() {
    let text = |lines: usize| "//! x\n".repeat(lines);
    assert_eq!(broken(is_short, "crates/cli/src/x.rs", &text(601)), [601]);
    passes(is_short, "crates/cli/src/x.rs", &text(600));
    passes(is_short, "integration-tests/src/x.rs", &text(601));
}

#[test]
fn anyhow_stays_at_the_edge() {
    let text = "use anyhow::Context as _;";
    for path in ["crates/daemon/src/unit.rs", "crates/sys/src/fds.rs"] {
        breaks(anyhow_at_the_edge, path, text);
    }
    for path in ["crates/daemon/src/boot.rs", "crates/cli/src/install.rs"] {
        passes(anyhow_at_the_edge, path, text);
    }
    passes(anyhow_at_the_edge, "crates/sys/src/fds.rs", "// anyhow");
}

#[test]
fn black_box_tests_link_to_nothing_of_ours() {
    let path = "integration-tests/tests/x.rs";
    breaks(black_box, path, "use sixfold_engine::Engine;");
    breaks(black_box, path, "fn f() { sixfold_sys::wait::peek() }");
    passes(
        black_box,
        path,
        "use sixfold_integration_tests::{Nest, binary};",
    );
    passes(
        black_box,
        "crates/daemon/src/x.rs",
        "use sixfold_engine::Engine;",
    );
}
