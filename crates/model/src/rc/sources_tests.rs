//! Layers laid over each other, and what is wrong with the layers themselves.

use super::super::fixture::*;
use super::*;
use crate::rc::{Kind, SyntaxError};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fn merged(layers: &[Layer]) -> (Vec<Source<'_>>, Vec<String>) {
    let mut diagnostics = Vec::new();
    let sources = merge(layers, &mut diagnostics);
    (sources, lines(&diagnostics))
}

#[test]
fn places_by_profile_and_variable() {
    let paths = |profile: Option<&str>, bundles: Option<&str>| {
        let (image, bundles) = places(profile.map(OsStr::new), bundles.map(OsStr::new));
        (image.display().to_string(), bundles.display().to_string())
    };
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    assert_eq!(
        paths(None, None),
        pair("/etc/s6-overlay/s6-rc.d", "/etc/s6-overlay/user-bundles.d")
    );
    assert_eq!(
        paths(Some("dev"), None),
        pair(
            "/etc/cont-profile.d/dev/s6-overlay/s6-rc.d",
            "/etc/cont-profile.d/dev/s6-overlay/user-bundles.d"
        )
    );
    assert_eq!(paths(Some("dev"), Some("/b")).1, "/b");
}

#[test]
fn the_first_layer_has_the_file_that_counts() {
    let layers = [
        layer(Origin::Image, "/one", "a/up first\n a/dependencies.d/x"),
        layer(
            Origin::Stock,
            "/two",
            "a/up second\n a/type oneshot\n a/dependencies.d/y",
        ),
    ];
    let (sources, found) = merged(&layers);
    assert_eq!(found, Vec::<String>::new());
    let [source] = sources.as_slice() else {
        panic!("{sources:?}");
    };
    assert_eq!(source.file("up").unwrap().0, path("/one/a/up"));
    assert_eq!(source.file("type").unwrap().0, path("/two/a/type"));
    let all: Vec<PathBuf> = source
        .all("dependencies.d")
        .map(|(path, _, _)| path)
        .collect();
    assert_eq!(
        all,
        [path("/one/a/dependencies.d"), path("/two/a/dependencies.d")]
    );
    assert!(!source.is_stock());
}

#[test]
fn a_name_in_two_layers_counts_once() {
    let layers = [
        layer(Origin::Image, "/one", "user/contents a\\na\\n"),
        layer(
            Origin::Image,
            "/two",
            "user/contents.d/a\n a/type oneshot\n a/up\n a/dependencies.d/base",
        ),
    ];
    let (graph, diagnostics) = graph_of(&layers);
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    let [edge] = node(&graph, "user").edges.as_slice() else {
        panic!("{:?}", node(&graph, "user").edges);
    };
    assert_eq!(
        (edge.path.as_path(), edge.line),
        (path("/one/user/contents"), Some(1))
    );
}

#[test]
fn names_that_cannot_be_services() {
    let mut image = image("ok/type oneshot\n s6-rc-a/type oneshot\n s6rc-/type oneshot");
    image.tree.entries.insert(
        OsString::from_vec(b"a\xff".to_vec()),
        Entry::Dir(Tree::default()),
    );
    image
        .tree
        .entries
        .insert("b\nc".into(), Entry::Dir(Tree::default()));
    image
        .tree
        .entries
        .insert("l".repeat(252).into(), Entry::Dir(Tree::default()));
    image.tree.entries.insert("link".into(), Entry::Dangling);
    image.tree.entries.insert(
        "locked".into(),
        Entry::Unreadable("permission denied".into()),
    );
    image.tree.entries.insert("fifo".into(), Entry::Special);
    let layers = [image];
    let (sources, found) = merged(&layers);
    let names: Vec<&str> = sources.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["ok", "s6-rc-a", "s6rc-"]);
    for (line, start) in found.iter().zip([
        "error: a\u{fffd}: not a name for a service: \"a\u{fffd}\" is not UTF-8 (rename",
        "error: b\nc: not a name for a service: \"b\\nc\" holds a newline",
        "error: link: no definition: it is a link that leads nowhere",
        "error: lll",
        "error: locked: no definition: it cannot be read: permission denied",
        "error: s6-rc-a: s6-rc-a begins with s6-rc-, which is reserved for the services of s6-rc \
         itself (rename it: mv s6-rc-a a)",
        "error: s6rc-: s6rc- begins with s6rc-, which is reserved for the services of s6-rc itself \
         (rename it: mv s6rc- service)",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(found.len(), 7);
}

#[test]
fn a_bundle_in_two_places_is_taken_together() {
    let image = image(
        "a/type oneshot\n a/up\n a/dependencies.d/base\n b/type oneshot\n b/up
        b/dependencies.d/base\n user/type bundle\n user/contents.d/a",
    );
    let bundles = |text| layer(Origin::Bundles, "/etc/s6-overlay/user-bundles.d", text);
    let more = bundles("user/type bundle\n user/contents.d/a\n user/contents.d/b");
    let (graph, diagnostics) = graph_of(&[image.clone(), more]);
    assert_eq!(
        lines(&diagnostics),
        [
            "warning: /etc/s6-overlay/user-bundles.d/user/contents.d: taken together with user; \
             s6-overlay ignores this directory then, and b with it (keep the bundle in one of the \
             two places)"
        ]
    );
    assert!(started(&graph).contains(&"b"));
    // What a fresh installation has there is nothing to speak of.
    for text in [
        "user/type bundle\n user/contents.d/",
        "user/type bundle\n user/contents.d/a",
    ] {
        let (_, diagnostics) = graph_of(&[image.clone(), bundles(text)]);
        let found = lines(&diagnostics);
        assert!(
            found
                .iter()
                .all(|line| line.contains("nothing starts oneshot b")),
            "{found:?}"
        );
    }
}

#[test]
fn types_that_differ_are_an_error() {
    let (graph, diagnostics) = graph("base/type oneshot\n base/up");
    assert_eq!(
        lines(&diagnostics)[0],
        "error: base/type: base is a oneshot here and a bundle in \
         /package/admin/s6-overlay/etc/s6-rc/sources/base/type (give one of the two another name, \
         or remove base/type)"
    );
    assert_eq!(node(&graph, "base").definition.kind, Kind::Unknown);
    assert_eq!(started(&graph), Vec::<&str>::new());
}

#[test]
fn types_that_agree_are_a_warning() {
    let (graph, diagnostics) = graph("legacy-services/type oneshot\n legacy-services/up /mine");
    assert_eq!(
        lines(&diagnostics),
        [
            "warning: legacy-services/type: legacy-services is defined here and in \
             /package/admin/s6-overlay/etc/s6-rc/sources/legacy-services/type, which s6-overlay \
             refuses; the files of both are taken together, those of this directory first (remove \
             legacy-services/type if it only adds to the other definition, or rename it)"
        ]
    );
    let Kind::Oneshot(oneshot) = &node(&graph, "legacy-services").definition.kind else {
        panic!("no oneshot");
    };
    assert_eq!(oneshot.up.words, [b"/mine"]);
    assert_eq!(
        oneshot.up.path,
        path("/etc/s6-overlay/s6-rc.d/legacy-services/up")
    );
    assert!(oneshot.down.is_some());
}

#[test]
fn an_error_of_syntax_has_its_place() {
    let syntax = |text: &[u8]| match text {
        b"bad" => Err(SyntaxError {
            line: 3,
            column: 7,
            message: "unmatched {".into(),
        }),
        _ => any_syntax(text),
    };
    let layers = [image("a/type oneshot\n a/up bad\n a/down ok")];
    let (graph, diagnostics) = crate::rc::read(&layers, &syntax);
    assert_eq!(
        lines(&diagnostics),
        [
            "error: a/up:3: unmatched { in column 7 of this execline command line (correct it, or \
             move it to an executable script, such as /etc/s6-overlay/scripts/a, and let a/up hold \
             that path alone)"
        ]
    );
    assert!(node(&graph, "a").definition.is_broken);
}
