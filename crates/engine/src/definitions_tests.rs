//! Graphs of s6-rc as a boot takes them.

use std::path::Path;

use sixfold_model::rc::{self, Layer, Origin};
use sixfold_model::tree::{Entry, File, Tree};

use super::*;

/// A layer of sources from paths with contents.
fn layer(files: &[(&str, &str)]) -> Layer {
    let mut tree = Tree::default();
    for (path, content) in files {
        let mut at = &mut tree;
        let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
        for dir in dirs.split('/').filter(|dir| !dir.is_empty()) {
            let entry = at.entries.entry(dir.into());
            let entry = entry.or_insert_with(|| Entry::Dir(Tree::default()));
            let Entry::Dir(inner) = entry else {
                panic!("{path}")
            };
            at = inner;
        }
        let file = File {
            mode: 0o755,
            size: content.len() as u64,
            head: content.as_bytes().to_vec(),
        };
        at.entries.insert(name.into(), Entry::File(file));
    }
    Layer {
        origin: Origin::Image,
        dir: "/etc/s6-overlay/s6-rc.d".into(),
        tree,
    }
}

fn definitions(files: &[(&str, &str)]) -> Definitions {
    let layers = [layer(files), stock::layer(|_| false)];
    let words = |text: &[u8]| {
        let words = text.split(|byte| byte.is_ascii_whitespace());
        Ok(words
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    };
    let (graph, _) = rc::read(&layers, &words);
    Definitions::of(&graph, |name, _, _| {
        let is_made = name != "unmade";
        is_made.then(|| ServiceSpec::new(name, Path::new("/run/s6-rc/servicedirs").join(name)))
    })
}

/// One of them, with its needs by name.
fn named<'a>(all: &'a Definitions, name: &str) -> (&'a Nature, Vec<String>) {
    let found = all.all.iter().find(|it| it.name == name).unwrap();
    (&found.nature, names(all, &found.needs))
}

fn names(all: &Definitions, needs: &[Need]) -> Vec<String> {
    let mut names: Vec<String> = needs
        .iter()
        .map(|need| match need {
            Need::Service(place) => all.all[*place].name.clone(),
            Need::FixAttrs => "fix-attrs".to_owned(),
            Need::ContInit => "cont-init".to_owned(),
            Need::Services => "services".to_owned(),
        })
        .collect();
    names.sort();
    names
}

#[test]
fn an_image_without_services_of_its_own_has_none() {
    assert_eq!(definitions(&[]), Definitions::default());
}

#[test]
fn what_the_user_bundle_holds_is_before_services_d() {
    let all = definitions(&[
        ("one/type", "oneshot"),
        ("one/up", "make it"),
        ("one/dependencies.d/base", ""),
        ("web/type", "longrun"),
        ("web/run", "#!/bin/sh"),
        ("web/dependencies.d/one", ""),
        ("late/type", "oneshot"),
        ("late/up", ""),
        ("late/down", "undo"),
        ("late/dependencies.d/legacy-services", ""),
        ("other/type", "oneshot"),
        ("other/up", ""),
        ("user/contents.d/web", ""),
        ("user/type", "bundle"),
        ("user2/type", "bundle"),
        ("user2/contents.d/late", ""),
    ]);
    let (nature, needs) = named(&all, "one");
    let words = |text: &str| {
        vec![
            text.split(' ')
                .map(|word| word.as_bytes().to_vec())
                .collect(),
        ]
    };
    let up: Vec<Vec<Vec<u8>>> = words("make it");
    let Nature::Oneshot { up: found, .. } = nature else {
        panic!("{nature:?}")
    };
    assert_eq!(*found, up[0]);
    assert_eq!(needs, ["cont-init", "fix-attrs"]);
    assert!(matches!(named(&all, "web").0, Nature::Longrun { .. }));
    assert_eq!(named(&all, "web").1, ["one"]);
    assert_eq!(named(&all, "late").1, ["services"]);
    // What no bundle pulls in is there, and not started.
    let wanted = all.all.iter().filter(|it| it.is_wanted);
    let wanted: Vec<&str> = wanted.map(|it| it.name.as_str()).collect();
    assert_eq!(wanted, ["web", "late", "one"]);
    assert!(all.all.iter().any(|it| it.name == "other"));
    assert_eq!(names(&all, &all.services_need), ["web"]);
}

#[test]
fn what_is_broken_is_there_so_that_what_needs_it_is_not_started() {
    let all = definitions(&[
        ("bad/type", "longrun"),
        ("unmade/type", "longrun"),
        ("unmade/run", "#!/bin/sh"),
        ("next/type", "oneshot"),
        ("next/up", ""),
        ("next/dependencies.d/bad", ""),
        ("user/type", "bundle"),
        ("user/contents.d/next", ""),
        ("user/contents.d/unmade", ""),
    ]);
    for name in ["bad", "unmade", "next"] {
        assert_eq!(*named(&all, name).0, Nature::Broken, "{name}");
    }
    assert_eq!(named(&all, "next").1, ["bad"]);
}

#[test]
fn a_broken_bundle_is_there_too_and_stops_the_stages_that_need_it() {
    let all = definitions(&[
        ("fine/type", "oneshot"),
        ("fine/up", ""),
        ("user/type", "bundle"),
        ("user/contents.d/fine", ""),
        ("user/contents.d/missing", ""),
        ("user2/type", "bundle"),
        ("user2/contents.d/user2", ""),
    ]);
    for name in ["user", "user2"] {
        assert_eq!(*named(&all, name).0, Nature::Broken, "{name}");
    }
    assert!(matches!(named(&all, "fine").0, Nature::Oneshot { .. }));
    assert_eq!(names(&all, &all.services_need), ["fine", "user"]);
}

#[test]
fn a_stage_with_an_error_of_its_own_does_not_start() {
    let all = definitions(&[("legacy-cont-init/dependencies.d/missing", "")]);
    assert_eq!(names(&all, &all.cont_init_needs), ["legacy-cont-init"]);
    assert_eq!(*named(&all, "legacy-cont-init").0, Nature::Broken);
}

#[test]
fn a_producer_knows_its_reader() {
    let all = definitions(&[
        ("a/type", "longrun"),
        ("a/run", "#!/bin/sh"),
        ("a/producer-for", "b"),
        ("b/type", "longrun"),
        ("b/run", "#!/bin/sh"),
        ("b/consumer-for", "a"),
        ("b/pipeline-name", "both"),
        ("user/type", "bundle"),
        ("user/contents.d/both", ""),
    ]);
    let Nature::Longrun {
        reader: Some(reader),
        ..
    } = named(&all, "a").0
    else {
        panic!("{all:?}")
    };
    assert_eq!(all.all[*reader].name, "b");
    assert_eq!(named(&all, "a").1, ["b"]);
}
