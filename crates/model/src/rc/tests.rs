//! What images rely on, point by point: section 12 of the survey of real images, as far as it is
//! about the sources of s6-rc.

use super::fixture::*;
use super::*;
use crate::tree::{Entry, File, Tree};
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

const WEB: &str = "
    web/type longrun\\n
    web/run #!/bin/sh\\n
    web/dependencies.d/base
    user/contents.d/web
";

#[test]
fn an_image_of_one_service() {
    let (graph, diagnostics) = graph(WEB);
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    assert_eq!(
        started(&graph),
        ["fix-attrs", "legacy-cont-init", "web", "legacy-services"]
    );
    assert_eq!(needs(&graph, "web"), ["fix-attrs", "legacy-cont-init"]);
}

#[test]
fn nothing_but_the_stock_is_sound() {
    let (graph, diagnostics) = graph_of(&[]);
    assert_eq!(diagnostics, Vec::new());
    assert_eq!(
        started(&graph),
        ["fix-attrs", "legacy-cont-init", "legacy-services"]
    );
    assert!(read(&[], &any_syntax).0.is_empty());
}

#[test]
fn a_layer_adds_files_to_a_service_that_another_one_owns() {
    let base = layer(
        Origin::Image,
        "/base",
        "init/type oneshot\\n
         init/up /base/init
         init/dependencies.d/base
         end/type oneshot\\n
         end/up
         end/dependencies.d/init
         user/contents.d/end",
    );
    let application = layer(
        Origin::Image,
        "/app",
        "more/type oneshot\\n
         more/up /app/more
         more/dependencies.d/init
         end/dependencies.d/more",
    );
    let (graph, diagnostics) = graph_of(&[application, base]);
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    let order = started(&graph);
    assert_eq!(
        order,
        [
            "fix-attrs",
            "legacy-cont-init",
            "init",
            "more",
            "end",
            "legacy-services"
        ]
    );
    let edge = node(&graph, "end")
        .edges
        .iter()
        .find(|edge| edge.to == graph.find("more").unwrap());
    assert_eq!(edge.unwrap().path, path("/app/end/dependencies.d/more"));
}

#[test]
fn stock_sources_can_be_added_to_and_thinned_out() {
    // As found in an image that deleted a file of `base`, and put a service before cont-init.d.
    let stock = layer(
        Origin::Stock,
        "/package/admin/s6-overlay/etc/s6-rc/sources",
        "base/type bundle\\n
         base/contents.d/legacy-cont-init
         legacy-cont-init/type oneshot\\n
         legacy-cont-init/up /mine",
    );
    let image = image(
        "early/type oneshot\\n
         early/up
         legacy-cont-init/dependencies.d/early
         user/contents.d/.keep",
    );
    let rest = stock::layer(|name| name == "base" || name == "legacy-cont-init");
    let (graph, diagnostics) = read(&[image, stock, rest], &any_syntax);
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    assert_eq!(
        started(&graph),
        ["early", "legacy-cont-init", "legacy-services"]
    );
    let Kind::Oneshot(init) = &node(&graph, "legacy-cont-init").definition.kind else {
        panic!("no oneshot");
    };
    assert_eq!(init.up.words, [b"/mine"]);
}

#[test]
fn both_layouts_of_the_user_bundles() {
    let services = "
        one/type oneshot
        one/up
        one/dependencies.d/base
        two/type oneshot
        two/up
        two/dependencies.d/legacy-services
    ";
    let bundles = "
        user/type bundle
        user/contents.d/one
        user2/type bundle
        user2/contents.d/two
    ";
    let order = [
        "fix-attrs",
        "legacy-cont-init",
        "one",
        "legacy-services",
        "two",
    ];
    let old = image(&format!("{services}{bundles}"));
    let without_type = image(&format!(
        "{services} user/contents.d/one\n user2/contents.d/two"
    ));
    let new = [
        image(services),
        layer(Origin::Bundles, "/etc/s6-overlay/user-bundles.d", bundles),
    ];
    for layers in [vec![old], vec![without_type], new.to_vec()] {
        let (graph, diagnostics) = graph_of(&layers);
        assert_eq!(lines(&diagnostics), Vec::<String>::new());
        assert_eq!(started(&graph), order);
    }
}

#[test]
fn a_final_newline_is_not_needed() {
    let (graph, diagnostics) = graph(
        "init/type oneshot
         init/up /etc/s6-overlay/scripts/init
         init/dependencies.d/base
         user/type bundle
         user/contents.d/init",
    );
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    assert!(started(&graph).contains(&"init"));
}

#[test]
fn every_kind_of_up_that_images_have() {
    for up in [
        "/etc/s6-overlay/scripts/init",
        "",
        "# nothing to do\\n",
        "#!/bin/sh\\nexec /etc/s6-overlay/scripts/init\\n",
        "#!/command/execlineb -P\\n/etc/s6-overlay/scripts/init --now\\n",
        "background { bash -e /scripts/init }\\n",
        "if { mkdir -p /run/x } if { chown www /run/x } chmod 0755 /run/x\\n",
        "/bin/sh -c \"echo $HOME && exec /scripts/init\"",
        "with-contenv\\nbash /scripts/init",
        "foreground { rm -f /run/x.pid }\\nexit 0",
        "importas -u HOME HOME\\ncd ${HOME}\\n/scripts/init",
        "find /data -exec chown www {} ;",
        "s6-setuidgid www\\n/scripts/init.sh",
    ] {
        let text = format!(
            "init/type oneshot\n init/up {up}\n init/dependencies.d/base\n user/contents.d/init"
        );
        assert_eq!(found(&text), Vec::<String>::new(), "{up}");
    }
}

#[test]
fn a_down_file_does_not_keep_a_longrun_down() {
    let (graph, diagnostics) = graph(&format!("{WEB} web/down"));
    assert_eq!(
        lines(&diagnostics),
        [
            "warning: web/down: no effect: s6-rc starts web nevertheless (remove it, and take web \
             out of the bundles that hold it if it is not to start)"
        ]
    );
    assert!(!longrun(&graph, "web").service.down);
    assert!(started(&graph).contains(&"web"));
}

#[test]
fn dot_files_are_skipped_everywhere() {
    let (graph, diagnostics) = graph(&format!(
        "{WEB}
         .git/type nonsense
         user/contents.d/.gitkeep
         web/dependencies.d/.keep
         README.md text"
    ));
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    assert_eq!(
        graph
            .nodes()
            .filter(|(_, it)| !it.definition.is_stock)
            .count(),
        2
    );
}

#[test]
fn notification_descriptors_that_images_take() {
    for fd in [3, 4, 736, 867] {
        let (graph, diagnostics) = graph(&format!("{WEB} web/notification-fd {fd}\\n"));
        assert_eq!(lines(&diagnostics), Vec::<String>::new());
        assert_eq!(longrun(&graph, "web").service.notification_fd, Some(fd));
    }
}

#[test]
fn files_of_the_images_own_are_let_alone() {
    let more = "web/branding x\n web/up.real x\n web/run.sh x\n web/data/check x\n web/00-all.sh x";
    assert_eq!(found(&format!("{WEB}{more}")), Vec::<String>::new());
}

#[test]
fn all_mistakes_are_in_one_report() {
    let (graph, diagnostics) = graph(
        "a/type longrun\\r\\n
         a/run
         b/type oneshoot
         b/up
         c/type longrun
         c/dependencies.d/bsae
         d/type oneshot
         d/up if [ -f /x ]; then
         e/type oneshot
         e/up
         e/dependencies.d/f
         f/type oneshot
         f/up
         f/dependencies.d/e
         g/type oneshot
         g/up
         g/dependencies.d/base
         g/dependencies.d/d
         s6rc-h/type bundle
         s6rc-h/contents.d/
         ok/type oneshot
         ok/up
         ok/dependencies.d/base
         user/contents.d/a
         user/contents.d/b
         user/contents.d/c
         user/contents.d/e
         user/contents.d/g
         user/contents.d/nosuch
         user/contents.d/ok",
    );
    assert_eq!(
        lines(&diagnostics),
        [
            "error: a/type:1: CRLF line end: the type is \"longrun\\r\" and not longrun (save it \
             with LF line ends: sed -i 's/\\r$//' a/type)",
            "error: b/type:1: the type is \"oneshoot\" and must be oneshot, longrun or bundle, with \
             one newline at the most; did you mean oneshot (echo oneshot > b/type)",
            "error: c/dependencies.d/bsae: c depends on bsae, which is not defined; did you mean base \
             (rename it: mv c/dependencies.d/bsae c/dependencies.d/base)",
            "error: c: service c has no run file (add an executable script c/run, or remove the \
             directory)",
            "error: d/up:1: \"if\" without a block in braces is shell, and this is a command line of \
             execline (move it to an executable script, such as /etc/s6-overlay/scripts/d, and let \
             d/up hold that path alone)",
            "error: e/dependencies.d/f: e waits for itself: e -> f -> e (remove one of \
             e/dependencies.d/f, f/dependencies.d/e)",
            "error: s6rc-h: s6rc-h begins with s6rc-, which is reserved for the services of s6-rc \
             itself (rename it: mv s6rc-h h)",
            "error: user/contents.d/nosuch: user contains nosuch, which is not defined (define \
             nosuch, or rm user/contents.d/nosuch)",
        ]
    );
    // What is sound starts; what is broken and what needs it does not.
    assert_eq!(started(&graph), ["fix-attrs", "legacy-cont-init", "ok"]);
    for name in ["a", "b", "c", "d", "e", "f", "s6rc-h", "user"] {
        assert_eq!(node(&graph, name).standing, Standing::Broken, "{name}");
    }
    assert_eq!(
        node(&graph, "g").standing,
        Standing::Blocked { by: "d".into() }
    );
    assert!(matches!(
        node(&graph, "legacy-services").standing,
        Standing::Blocked { .. }
    ));
}

/// Any tree: names that mean something and names that do not, any bytes.
fn any_tree() -> impl Strategy<Value = Tree> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![
            "type", "up", "down", "run", "dependencies", "dependencies.d", "contents", "contents.d",
            "producer-for", "consumer-for", "pipeline-name", "timeout-up", "notification-fd",
            "lock-fd", "user", "base", "top", "a", "b", "s6rc-x", "flag-essential", "log", "data",
        ]).prop_map(OsString::from),
        1 => prop::collection::vec(1_u8.., 0..6).prop_map(OsString::from_vec),
    ];
    let content = prop_oneof![
        prop::sample::select(vec![
            "oneshot",
            "longrun\n",
            "bundle\n",
            "longrun\r\n",
            "a\n",
            "a\nb\n#c\n d \n",
            "3\n",
            "x y",
            "/bin/true\n",
            "if [ -f x ]; then",
            "\"",
            "'",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let leaf = prop_oneof![
        6 => (content, 0_u64..80).prop_map(|(head, size)| Entry::File(File { mode: 0o755, size, head })),
        1 => Just(Entry::Special),
        1 => Just(Entry::Dangling),
        1 => Just(Entry::Unreadable("no".into())),
        1 => Just(Entry::Dir(Tree::default())),
    ];
    crate::tree::any::any_tree(name, leaf, 64)
}

proptest! {
    #[test]
    fn no_tree_is_too_much(image in any_tree(), bundles in any_tree(), stock in any_tree()) {
        let layers = [
            (Origin::Image, image),
            (Origin::Bundles, bundles),
            (Origin::Stock, stock),
        ];
        let layers = layers.map(|(origin, tree)| Layer { origin, dir: "/x".into(), tree });
        let (graph, _) = read(&layers, &any_syntax);
        let plan = graph.boot();
        prop_assert!(plan.steps.iter().all(|step| graph.get(step.id).unwrap().is_sound()));
        let (graph, _) = graph_of(&layers);
        graph.boot();
    }
}
