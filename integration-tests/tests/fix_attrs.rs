//! fix-attrs.d with the semantics that s6-overlay documents: owners with fallbacks, modes of files
//! and directories, recursion, hidden files, and what happens on an error.

use std::os::unix::fs::MetadataExt;

use sixfold_integration_tests::{Nest, Running, Stream, root_available};

fn owner_and_mode(nest: &Running, path: &str) -> (u32, u32, u32) {
    let data = nest.path(path).metadata().expect("the path is there");
    (data.uid(), data.gid(), data.mode() & 0o7777)
}

#[test]
fn fix_attrs_changes_owner_and_modes() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file("/srv/one/file", 0o600, "")
        .file("/srv/deep/a", 0o600, "")
        .file("/srv/deep/two words", 0o600, "")
        .file("/srv/deep/sub/b", 0o600, "")
        .file("/srv/deep/sub/.hidden", 0o600, "")
        .file("/srv/star/x1", 0o600, "")
        .file("/srv/star/x2", 0o600, "")
        .file("/srv/last", 0o600, "")
        .fix_attrs(
            "10-all",
            "# a comment\n\
             \n\
             /srv/one false daemon 0640 0750\n\
             /srv/deep true 11111:22222 0644 0711\n\
             /srv/star/x* false daemon:33333 0604 0755\n\
             /srv/last\tfalse\tnosuchuser,3:4\t0606\t0755",
        )
        .service("idle", "echo is-up; exec sleep 1000")
        .boot();
    nest.wait_line("is-up");
    assert_eq!(owner_and_mode(&nest, "/srv/one"), (1, 1, 0o750));
    // Not recursive: what is inside is left alone.
    assert_eq!(owner_and_mode(&nest, "/srv/one/file"), (0, 0, 0o600));
    for directory in ["/srv/deep", "/srv/deep/sub"] {
        assert_eq!(owner_and_mode(&nest, directory), (11111, 22222, 0o711));
    }
    for file in ["/srv/deep/a", "/srv/deep/two words", "/srv/deep/sub/b"] {
        assert_eq!(owner_and_mode(&nest, file), (11111, 22222, 0o644), "{file}");
    }
    assert_eq!(
        owner_and_mode(&nest, "/srv/deep/sub/.hidden"),
        (0, 0, 0o600)
    );
    for file in ["/srv/star/x1", "/srv/star/x2"] {
        assert_eq!(owner_and_mode(&nest, file), (1, 33333, 0o604), "{file}");
    }
    // The last line has no newline, and its user is replaced by the fallback.
    assert_eq!(owner_and_mode(&nest, "/srv/last"), (3, 4, 0o606));
    nest.terminate().assert_code(0);
}

#[test]
fn fix_attrs_hidden_includes_dot_files() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file("/srv/deep/.hidden", 0o600, "")
        .fix_attrs("10", "/srv/deep true daemon 0644 0711\n")
        .env("S6_FIX_ATTRS_HIDDEN", "1")
        .service("idle", "echo is-up; exec sleep 1000")
        .boot();
    nest.wait_line("is-up");
    assert_eq!(owner_and_mode(&nest, "/srv/deep/.hidden"), (1, 1, 0o644));
    nest.terminate().assert_code(0);
}

#[test]
fn fix_attrs_of_an_unknown_user_is_reported_and_the_rest_done() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file("/srv/a", 0o600, "")
        .file("/srv/b", 0o600, "")
        .fix_attrs(
            "10-mixed",
            "/srv/a false nosuchuser 0644 0755\n/srv/b false daemon 0644 0755\n",
        )
        .service("idle", "echo is-up; exec sleep 1000")
        .boot();
    nest.wait_line("is-up");
    assert_eq!(owner_and_mode(&nest, "/srv/b"), (1, 1, 0o644));
    let end = nest.terminate();
    let report = end
        .lines(Stream::Stderr)
        .into_iter()
        .find(|line| line.contains("nosuchuser"))
        .unwrap_or_else(|| panic!("the unknown user is not reported;\n{end}"));
    assert!(report.contains("10-mixed"), "no file is named: {report}");
    end.assert_code(0);
}
