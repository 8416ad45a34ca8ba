//! What names mean, what cannot start, and in which order the rest does.

use super::super::fixture::*;
use super::*;

/// A oneshot that needs the base, and what is given.
fn oneshot(name: &str, needs: &[&str]) -> String {
    let needs: String = needs
        .iter()
        .map(|need| format!("{name}/dependencies.d/{need}\n"))
        .collect();
    format!("{name}/type oneshot\n{name}/up\n{name}/dependencies.d/base\n{needs}")
}

fn user(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("user/contents.d/{name}\n"))
        .collect()
}

#[test]
fn bundles_are_resolved_in_dependencies() {
    let text = [
        oneshot("a", &[]),
        oneshot("b", &[]),
        oneshot("c", &["outer"]),
        "inner/type bundle\n inner/contents.d/a\n inner/contents.d/b\n".into(),
        "outer/type bundle\n outer/contents.d/inner\n outer/contents.d/b\n".into(),
        user(&["c"]),
    ];
    let (graph, diagnostics) = graph(&text.concat());
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    assert_eq!(
        needs(&graph, "c"),
        ["a", "b", "fix-attrs", "legacy-cont-init"]
    );
    let users = &node(&graph, "a").needed_by;
    let users: Vec<&str> = users.iter().map(|id| graph.name(*id)).collect();
    assert_eq!(users, ["c"]);
    let outer = graph.find("outer").unwrap();
    let atomics: Vec<&str> = graph
        .atomics(outer)
        .iter()
        .map(|id| graph.name(*id))
        .collect();
    assert_eq!(atomics, ["a", "b"]);
    assert_eq!(
        started(&graph),
        [
            "fix-attrs",
            "legacy-cont-init",
            "b",
            "a",
            "c",
            "legacy-services"
        ]
    );
}

#[test]
fn nodes_are_in_the_order_of_s6_rc() {
    let (graph, _) = graph(
        "b/type oneshot\n b/up\n a/type longrun\n a/run\n c/type longrun\n c/run\n d/type x\n
         user/contents.d/a",
    );
    let names: Vec<&str> = graph.nodes().map(|(_, node)| node.name()).collect();
    assert_eq!(
        names,
        [
            "a",
            "c",
            "b",
            "fix-attrs",
            "legacy-cont-init",
            "legacy-services",
            "d",
            "base",
            "top",
            "user",
            "user2"
        ]
    );
    assert_eq!(graph.len(), names.len());
    assert_eq!(graph.find("c").unwrap().index(), 1);
    assert_eq!(graph.find("nosuch"), None);
}

#[test]
fn unknown_names_and_what_may_have_been_meant() {
    for (name, mend) in [
        (
            "svc-ngnix",
            "c depends on svc-ngnix, which is not defined; did you mean svc-nginx (rename it: mv c/dependencies.d/svc-ngnix c/dependencies.d/svc-nginx)",
        ),
        (
            "bsae",
            "c depends on bsae, which is not defined; did you mean base (rename it: mv c/dependencies.d/bsae c/dependencies.d/base)",
        ),
        (
            "nope",
            "c depends on nope, which is not defined (define nope, or rm c/dependencies.d/nope)",
        ),
    ] {
        let text = [
            oneshot("c", &[name]),
            oneshot("svc-nginx", &[]),
            user(&["c", "svc-nginx"]),
        ];
        assert_eq!(
            found(&text.concat()),
            [format!("error: c/dependencies.d/{name}: {mend}")]
        );
    }
    let in_file =
        "c/type oneshot\n c/up\n c/dependencies base\\nbaes\\nnope x\\n\n user/contents.d/c";
    assert_eq!(
        found(in_file),
        [
            "error: c/dependencies:2: c depends on baes, which is not defined; did you mean base \
             (write base, or define baes)",
            "error: c/dependencies:3: c depends on \"nope x\", which is not defined (define \"nope \
             x\", or remove the line)"
        ]
    );
    let contents = "b/type bundle\n b/contents.d/nope\n user/contents.d/b";
    assert_eq!(
        found(contents),
        [
            "error: b/contents.d/nope: b contains nope, which is not defined (define nope, or rm \
             b/contents.d/nope)"
        ]
    );
}

#[test]
fn the_services_of_s6_rc_itself_must_not_be_named() {
    let text = [oneshot("a", &["s6rc-oneshot-runner"]), user(&["a"])];
    assert_eq!(
        found(&text.concat()),
        [
            "error: a/dependencies.d/s6rc-oneshot-runner: a depends on s6rc-oneshot-runner, which \
             s6-rc keeps for itself (remove it: s6-rc adds what a service needs of its own)"
        ]
    );
}

#[test]
fn whole_cycles_are_printed() {
    let text = [
        oneshot("a", &["b"]),
        oneshot("b", &["c"]),
        oneshot("c", &["a"]),
        oneshot("d", &["d"]),
        oneshot("e", &["a"]),
        user(&["d", "e"]),
    ];
    let (graph, diagnostics) = graph(&text.concat());
    assert_eq!(
        lines(&diagnostics),
        [
            "error: a/dependencies.d/b: a waits for itself: a -> b -> c -> a (remove one of \
             a/dependencies.d/b, b/dependencies.d/c, c/dependencies.d/a)",
            "error: d/dependencies.d/d: d waits for itself: d -> d (remove d/dependencies.d/d)"
        ]
    );
    for name in ["a", "b", "c", "d"] {
        assert_eq!(node(&graph, name).standing, Standing::Broken);
    }
    assert_eq!(
        node(&graph, "e").standing,
        Standing::Blocked { by: "a".into() }
    );
}

#[test]
fn a_cycle_may_lead_through_bundles() {
    let text = [
        oneshot("b", &["legacy-services"]),
        oneshot("c", &[]),
        user(&["b", "c"]),
    ];
    let (graph, diagnostics) = graph(&text.concat());
    assert_eq!(
        lines(&diagnostics),
        [
            "error: b/dependencies.d/legacy-services: b waits for itself: b -> legacy-services -> \
             user -> b (remove one of b/dependencies.d/legacy-services, \
             /package/admin/s6-overlay/etc/s6-rc/sources/legacy-services/dependencies.d/user, \
             user/contents.d/b)"
        ]
    );
    assert_eq!(started(&graph), ["fix-attrs", "legacy-cont-init", "c"]);
}

#[test]
fn several_cycles_through_one_service_are_all_printed() {
    let text = [
        oneshot("a", &["b", "c"]),
        oneshot("b", &["a"]),
        oneshot("c", &["a"]),
        user(&["a"]),
    ];
    let found = found(&text.concat());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("a -> b -> a") && found[1].contains("c -> a -> c"),
        "{found:?}"
    );
    // When there is no end of them, the rest is counted.
    let leaves: Vec<String> = (0..30).map(|index| format!("leaf{index:02}")).collect();
    let names: Vec<&str> = leaves.iter().map(String::as_str).collect();
    let mut text = oneshot("a", &names);
    for leaf in &names {
        text += &oneshot(leaf, &["a"]);
    }
    let found = super::super::fixture::found(&(text + &user(&["a"])));
    assert_eq!(found.len(), 11);
    assert!(
        found
            .iter()
            .any(|line| line.contains("20 more are in cycles with these: leaf10, leaf11")),
        "{found:?}"
    );
}

#[test]
fn bundles_that_contain_themselves() {
    let text = [
        "g/type bundle\n g/contents.d/h\n g/contents.d/a\n h/type bundle\n h/contents.d/g\n".into(),
        "i/type bundle\n i/contents.d/i\n".into(),
        oneshot("a", &[]),
        oneshot("b", &["g"]),
        user(&["g", "i", "b"]),
    ];
    let (graph, diagnostics) = graph(&text.concat());
    assert_eq!(
        lines(&diagnostics),
        [
            "error: g/contents.d/h: bundle g contains itself: g -> h -> g (remove one of \
             g/contents.d/h, h/contents.d/g)",
            "error: i/contents.d/i: bundle i contains itself: i -> i (remove i/contents.d/i)"
        ]
    );
    // What they hold is not to blame, and starts.
    assert!(node(&graph, "a").is_sound());
    assert_eq!(
        node(&graph, "b").standing,
        Standing::Blocked { by: "g".into() }
    );
    assert_eq!(started(&graph), ["fix-attrs", "legacy-cont-init", "a"]);
}

#[test]
fn pipelines_start_from_the_end() {
    let (graph, diagnostics) = graph(
        "p1/type longrun\n p1/run\n p1/producer-for p2\\n\n p1/dependencies.d/base
         p2/type longrun\n p2/run\n p2/producer-for p3\\n\n p2/consumer-for p1\\n\n p2/dependencies.d/base
         q/type longrun\n q/run\n q/producer-for p3\n q/dependencies.d/base
         p3/type longrun\n p3/run\n p3/consumer-for p2\\nq\\n\n p3/pipeline-name pipe\\n\n p3/dependencies.d/base
         user/contents.d/pipe",
    );
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    let order: Vec<&str> = started(&graph).into_iter().skip(2).collect();
    assert_eq!(order, ["p3", "q", "p2", "p1", "legacy-services"]);
    let pipe = node(&graph, "pipe");
    assert!(pipe.is_bundle());
    let Kind::Bundle(bundle) = &pipe.definition.kind else {
        panic!("no bundle");
    };
    assert!(bundle.is_pipeline);
    let held: Vec<&str> = bundle.contents.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(held, ["p1", "p2", "p3", "q"]);
    assert_eq!(
        pipe.definition.source,
        path("/etc/s6-overlay/s6-rc.d/p3/pipeline-name")
    );
}

#[test]
fn producers_and_consumers_that_do_not_match() {
    let web = "web/type longrun\n web/run\n web/dependencies.d/base\n user/contents.d/web\n";
    let log = "log/type longrun\n log/run\n log/dependencies.d/base\n user/contents.d/log\n";
    let init = oneshot("init", &[]) + &user(&["init"]);
    for (files, finding) in [
        (
            "web/producer-for log",
            "error: web/producer-for:1: web declares that it is a producer for log, which does not \
             declare it back (add the line web to log/consumer-for)",
        ),
        (
            "log/consumer-for web",
            "error: log/consumer-for:1: log declares that it is a consumer for web, which does not \
             declare it back (add the line log to web/producer-for)",
        ),
        (
            "web/producer-for init",
            "error: web/producer-for:1: web is a producer for init, which is of type oneshot and \
             not a longrun (name a longrun, or remove web/producer-for)",
        ),
        (
            "web/producer-for lgo",
            "error: web/producer-for:1: web is a producer for lgo, which is not defined; did you \
             mean log (write log, or define lgo)",
        ),
        (
            "web/pipeline-name pipe",
            "warning: web/pipeline-name:1: no effect: web is not the last consumer of a pipeline \
             (move it to the directory of the last consumer, or remove it)",
        ),
        (
            "web/producer-for log\n log/consumer-for web\n log/pipeline-name init",
            "error: log/pipeline-name:1: the pipeline of log is called init, which is the name of \
             the oneshot init too (give the pipeline another name)",
        ),
        (
            "web/producer-for log\n log/consumer-for web\n log/pipeline-name s6rc-x",
            "error: log/pipeline-name:1: the pipeline of log is called s6rc-x, which begins with a \
             prefix that s6-rc keeps for itself (give the pipeline another name)",
        ),
        (
            "web/producer-for log\n log/consumer-for web\n web/pipeline-name pipe",
            "warning: web/pipeline-name:1: no effect: web is not the last consumer of a pipeline \
             (move it to the directory of the last consumer, or remove it)",
        ),
    ] {
        assert_eq!(
            found(&format!("{web}{log}{init}{files}")),
            [finding],
            "{files}"
        );
    }
    // One that has its consumer elsewhere.
    let more =
        "b/type longrun\n b/run\n b/dependencies.d/base\n b/consumer-for web\n user/contents.d/b
        web/producer-for log\n log/consumer-for web";
    assert_eq!(
        found(&format!("{web}{log}{init}{more}")),
        [
            "error: b/consumer-for:1: b declares that it is a consumer for web, which does not \
             declare it back (a longrun has one consumer: correct web/producer-for, or remove web \
             here)"
        ]
    );
    // Two that write to each other.
    let circle =
        "web/producer-for log\n web/consumer-for log\n log/producer-for web\n log/consumer-for web";
    let found = found(&format!("{web}{log}{circle}"));
    assert_eq!(
        found,
        [
            "error: log/producer-for:1: log waits for itself: log -> web -> log (remove one of line \
             1 of log/producer-for, line 1 of web/producer-for)"
        ]
    );
}

#[test]
fn what_nothing_starts() {
    let text = [
        oneshot("a", &["b"]),
        oneshot("b", &[]),
        oneshot("c", &[]),
        oneshot("used", &[]),
        "set/type bundle\n set/contents.d/c\n".into(),
        user(&["used"]),
    ];
    assert_eq!(
        found(&text.concat()),
        [
            "warning: a: nothing starts oneshot a: no bundle holds it, and no service needs it \
             (touch user/contents.d/a, or start it by hand: s6-rc -u change a)",
            "warning: set: nothing starts bundle set: no other bundle holds it (touch \
             user/contents.d/set, or start it by hand: s6-rc -u change set)"
        ]
    );
    // Where the image has no user bundle, it is made beside the service; a list in a file gets a line.
    let without = found(&oneshot("a", &[]));
    assert!(without[0].contains("(mkdir -p user/contents.d && touch user/contents.d/a,"));
    let in_file = [
        oneshot("a", &[]),
        oneshot("b", &[]),
        "user/contents b\\n".into(),
    ];
    let in_file = found(&in_file.concat());
    assert!(
        in_file[0].contains("(add the line a to user/contents,"),
        "{in_file:?}"
    );
    let base = "a/type oneshot\n a/up\n a/dependencies fix-attrs\n user/contents.d/a";
    assert!(found(base)[0].ends_with("(add the line base to a/dependencies)"));
}

#[test]
fn a_forgotten_dependency_on_the_base() {
    let without = "
        a/type oneshot\n a/up
        b/type oneshot\n b/up\n b/dependencies.d/a
        c/type oneshot\n c/up\n c/dependencies.d/legacy-cont-init
        early/type oneshot\n early/up
        half/type oneshot\n half/up\n half/dependencies.d/fix-attrs
        base/contents.d/early
        user/contents.d/b\n user/contents.d/c\n user/contents.d/half
    ";
    let (graph, diagnostics) = graph(without);
    assert_eq!(
        lines(&diagnostics),
        [
            "warning: a: a does not depend on base: it starts while the scripts of cont-init.d still \
             run (mkdir -p a/dependencies.d && touch a/dependencies.d/base)",
            "warning: c: c does not depend on base: it starts while the scripts of cont-init.d still \
             run (touch c/dependencies.d/base)",
            "warning: half: half does not depend on base: it starts while the scripts of cont-init.d \
             still run (touch half/dependencies.d/base)"
        ]
    );
    assert_eq!(graph.boot().left_out, []);
}

#[test]
fn flags_of_bundles_are_those_of_what_they_hold() {
    let text = [
        oneshot("a", &[]),
        oneshot("b", &[]),
        "inner/type bundle\n inner/contents.d/a\n outer/type bundle\n outer/contents.d/inner\n \
         outer/flag-essential\n inner/flag-recommended\n"
            .into(),
    ];
    let (graph, _) = graph(&text.concat());
    let flags = |name| (node(&graph, name).essential, node(&graph, name).recommended);
    assert_eq!(flags("a"), (true, true));
    assert_eq!(flags("b"), (false, false));
    assert_eq!(flags("inner"), (true, true));
}

#[test]
fn a_plan_of_a_part() {
    let text = [
        oneshot("a", &[]),
        oneshot("b", &["a"]),
        oneshot("c", &["nosuch"]),
    ];
    let (graph, _) = graph(&text.concat());
    let plan = graph.plan([graph.find("b").unwrap(), graph.find("c").unwrap()]);
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|it| (graph.name(it.id), it.level))
        .collect();
    assert_eq!(
        steps,
        [
            ("fix-attrs", 0),
            ("legacy-cont-init", 1),
            ("a", 2),
            ("b", 3)
        ]
    );
    assert_eq!(plan.left_out, [graph.find("c").unwrap()]);
    assert_eq!(Graph::default().boot(), Plan::default());
}
