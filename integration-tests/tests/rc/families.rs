//! Images in the manner of the large families: a base layer with its own chain of oneshots, an
//! application's layer that hangs on it, some thirty services. Each service's script writes when it
//! began, was up or ready, and ended; these moments are held against the dependencies.

use std::collections::BTreeMap;

use sixfold_integration_tests::{Finished, Nest, Stream, root_available};

use super::{Services as _, says};

/// What a service does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Runs once, and is undone once.
    Oneshot,
    /// Announces its readiness a while after its start.
    Announcing,
    /// Is up as soon as it runs.
    Plain,
}

use Kind::{Announcing, Oneshot, Plain};

/// A service with what it needs.
type Line = (&'static str, Kind, &'static [&'static str]);

/// What a base image brings: its users, its hooks for additions, and marks between its phases.
const BASE_LAYER: &[Line] = &[
    ("init-migrations", Oneshot, &["base"]),
    ("init-envfile", Oneshot, &["base"]),
    (
        "init-adduser",
        Oneshot,
        &["init-migrations", "init-envfile"],
    ),
    ("init-crontab-config", Oneshot, &["init-os-end"]),
    ("init-device-perms", Oneshot, &["init-adduser"]),
    (
        "init-os-end",
        Oneshot,
        &["init-adduser", "init-device-perms"],
    ),
    ("init-config", Oneshot, &["init-os-end"]),
    (
        "init-config-end",
        Oneshot,
        &["init-config", "init-crontab-config"],
    ),
    ("init-mods", Oneshot, &["init-config-end"]),
    ("init-mods-package-install", Oneshot, &["init-mods"]),
    ("init-mods-end", Oneshot, &["init-mods-package-install"]),
    ("init-custom-files", Oneshot, &["init-mods-end"]),
    ("init-services", Oneshot, &["init-custom-files"]),
    ("svc-cron", Plain, &["init-services"]),
];

/// What an application adds: its own configuration between the phases of the base, and its servers.
const APPLICATION_LAYER: &[Line] = &[
    ("init-folders-config", Oneshot, &["init-config"]),
    ("init-require-url", Oneshot, &["init-folders-config"]),
    ("init-samples-config", Oneshot, &["init-folders-config"]),
    (
        "init-nginx-config",
        Oneshot,
        &["init-samples-config", "init-require-url"],
    ),
    ("init-php-config", Oneshot, &["init-nginx-config"]),
    ("init-keygen-config", Oneshot, &["init-nginx-config"]),
    (
        "init-certbot-config",
        Oneshot,
        &["init-keygen-config", "init-php-config"],
    ),
    ("init-outdated-config", Oneshot, &["init-certbot-config"]),
    (
        "init-permissions-config",
        Oneshot,
        &["init-outdated-config"],
    ),
    ("init-fail2ban-config", Oneshot, &["init-folders-config"]),
    ("svc-redis", Announcing, &["init-services"]),
    (
        "svc-php-fpm",
        Announcing,
        &["init-services", "svc-redis", "init-php-config"],
    ),
    (
        "svc-nginx",
        Announcing,
        &["svc-php-fpm", "init-permissions-config"],
    ),
    (
        "svc-fail2ban",
        Plain,
        &["svc-nginx", "init-fail2ban-config"],
    ),
    ("svc-worker-1", Plain, &["svc-redis"]),
    ("svc-worker-2", Plain, &["svc-redis"]),
    ("svc-worker-3", Announcing, &["svc-redis"]),
    ("svc-auto-reload", Plain, &["svc-nginx"]),
    ("ready-check", Oneshot, &["svc-nginx", "svc-worker-3"]),
];

fn layers() -> impl Iterator<Item = &'static Line> {
    BASE_LAYER.iter().chain(APPLICATION_LAYER)
}

/// Shell text that writes down that `name` is at `event` now.
fn mark(name: &str, event: &str) -> String {
    format!("echo trace {name} {event} $(date +%s%N) >&2")
}

fn image(lines: impl Iterator<Item = &'static Line>) -> Nest {
    let mut nest = Nest::new();
    for (name, kind, needs) in lines {
        let (begin, up) = (mark(name, "begin"), mark(name, "up"));
        nest = match kind {
            Oneshot => nest
                .oneshot(name, &says(&format!("{begin}; {up}")), needs)
                .rc(name, "down", &says(&mark(name, "down"))),
            Announcing | Plain => {
                let ready = if *kind == Announcing {
                    format!("sleep 0.02; {up}; echo >&3")
                } else {
                    String::from(":")
                };
                // It ends a while after it is told to.
                let end = mark(name, "down");
                let run = format!(
                    "trap 'sleep 0.02; {end}; exit' TERM\n{begin}; : > /tmp/begun-{name}\n{ready}\nwhile :; do sleep 1000 & wait; done"
                );
                nest.longrun(name, &run, needs)
            }
        };
        if *kind == Announcing {
            nest = nest.rc(name, "notification-fd", "3\n");
        }
    }
    nest
}

/// Shell text for a CMD that begins to end once so many longruns run: only then can they tell of
/// their end.
fn after_longruns(count: usize) -> String {
    let begin = mark("cmd", "begin");
    format!("{begin}; while set -- /tmp/begun-*; [ $# -lt {count} ]; do sleep 0.01; done")
}

/// When each event of each service was, in nanoseconds.
struct Trace(BTreeMap<(String, String), u128>);

impl Trace {
    fn of(end: &Finished) -> Self {
        let lines = end.lines(Stream::Stderr);
        let marks = lines.iter().filter_map(|line| {
            let mut words = line.strip_prefix("trace ")?.split(' ');
            let (name, event) = (words.next()?, words.next()?);
            let time = words.next()?.parse().ok()?;
            Some(((name.to_owned(), event.to_owned()), time))
        });
        Self(marks.collect())
    }

    fn at(&self, name: &str, event: &str) -> Option<u128> {
        self.0.get(&(name.to_owned(), event.to_owned())).copied()
    }

    /// Asserts that one event was before another, and that both were.
    fn assert_before(&self, one: (&str, &str), other: (&str, &str)) {
        let (first, second) = (self.at(one.0, one.1), self.at(other.0, other.1));
        assert!(
            first
                .zip(second)
                .is_some_and(|(first, second)| first <= second),
            "{one:?} at {first:?}, {other:?} at {second:?}"
        );
    }
}

/// The dependencies between services of the layers, as who needs whom.
fn edges() -> impl Iterator<Item = (&'static Line, &'static Line)> {
    layers().flat_map(|user| {
        let needed = |need: &&Line| user.2.contains(&need.0);
        layers().filter(needed).map(move |need| (user, need))
    })
}

#[test]
fn thirty_services_of_two_layers_come_up_and_go_down_by_their_dependencies() {
    if !root_available() {
        return;
    }
    assert!(layers().count() > 30);
    let longruns = layers().filter(|(_, kind, _)| *kind != Oneshot).count();
    let end = image(layers())
        .cont_init("10", &mark("cont-init", "begin"))
        .service(
            "legacy",
            &format!(
                "{}; : > /tmp/begun-legacy; exec sleep 1000",
                mark("legacy", "begin")
            ),
        )
        .cmd_sh(&after_longruns(longruns + 1))
        .run();
    end.assert_code(0);
    assert_eq!(end.count("successfully started"), layers().count(), "{end}");
    assert_eq!(end.count("successfully stopped"), layers().count(), "{end}");
    let trace = Trace::of(&end);
    for (user, need) in edges() {
        // Who announces nothing is up as soon as its process is there, and may not have begun.
        if need.1 != Plain {
            trace.assert_before((need.0, "up"), (user.0, "begin"));
        }
        trace.assert_before((user.0, "down"), (need.0, "down"));
    }
    for first in ["init-migrations", "init-envfile"] {
        trace.assert_before(("cont-init", "begin"), (first, "begin"));
    }
    for last in ["ready-check", "svc-nginx"] {
        trace.assert_before((last, "up"), ("legacy", "begin"));
        trace.assert_before((last, "up"), ("cmd", "begin"));
    }
    // What has nothing to do with each other overlaps.
    trace.assert_before(("svc-worker-3", "begin"), ("svc-php-fpm", "up"));
    trace.assert_before(("svc-php-fpm", "begin"), ("svc-worker-3", "up"));
}

#[test]
fn a_failure_in_the_base_layer_keeps_down_what_hangs_on_it_and_nothing_else() {
    if !root_available() {
        return;
    }
    let longruns = layers().filter(|(_, kind, _)| *kind != Oneshot).count();
    let end = image(layers())
        .rc(
            "init-nginx-config",
            "up",
            &says(&format!("{}; exit 4", mark("init-nginx-config", "begin"))),
        )
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "0")
        .cmd_sh(&after_longruns(longruns - 4))
        .run();
    end.assert_has("unable to start service init-nginx-config: command exited 4");
    let trace = Trace::of(&end);
    let down = [
        "init-php-config",
        "init-keygen-config",
        "init-certbot-config",
        "init-outdated-config",
        "init-permissions-config",
        "svc-php-fpm",
        "svc-nginx",
        "svc-fail2ban",
        "svc-auto-reload",
        "ready-check",
    ];
    for (name, ..) in layers().filter(|(name, ..)| *name != "init-nginx-config") {
        let has_begun = trace.at(name, "begin").is_some();
        assert_eq!(has_begun, !down.contains(name), "{name}: {end}");
        assert_eq!(trace.at(name, "down").is_some(), has_begun, "{name}: {end}");
    }
    assert!(trace.at("cmd", "begin").is_some(), "{end}");
}

#[test]
fn a_server_that_is_not_ready_in_time_keeps_down_what_hangs_on_it() {
    if !root_available() {
        return;
    }
    let never = format!(
        "#!/bin/sh\n{}\nexec sleep 1000\n",
        mark("svc-redis", "begin")
    );
    let end = image(layers())
        .rc("svc-redis", "run", &never)
        .rc("svc-redis", "timeout-up", "300\n")
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "0")
        .cmd_sh(&mark("cmd", "begin"))
        .run();
    end.assert_has("unable to start service svc-redis: command exited 99");
    let trace = Trace::of(&end);
    for name in ["svc-php-fpm", "svc-worker-1", "svc-nginx", "ready-check"] {
        assert_eq!(trace.at(name, "begin"), None, "{name}: {end}");
    }
    for name in ["svc-cron", "init-permissions-config", "init-services"] {
        assert!(trace.at(name, "begin").is_some(), "{name}: {end}");
    }
    let waited = trace.at("cmd", "begin").zip(trace.at("svc-redis", "begin"));
    assert!(
        waited.is_some_and(|(cmd, redis)| cmd >= redis + 290_000_000),
        "the boot did not wait for it: {end}"
    );
}

#[test]
fn a_stop_in_the_middle_of_the_boot_undoes_what_was_done_in_reverse() {
    if !root_available() {
        return;
    }
    let nest = image(layers())
        .rc(
            "init-mods-package-install",
            "up",
            &says(&format!(
                "{}; sleep 1000",
                mark("init-mods-package-install", "begin")
            )),
        )
        .boot();
    nest.wait_line("trace init-mods-package-install begin");
    nest.wait_line("service init-permissions-config successfully started");
    let end = nest.terminate();
    let trace = Trace::of(&end);
    for (user, need) in edges() {
        let is_done = |name: &str| end.count(&format!("{name} successfully started")) > 0;
        if is_done(user.0) && is_done(need.0) {
            trace.assert_before((user.0, "down"), (need.0, "down"));
        }
    }
    assert_eq!(trace.at("init-services", "begin"), None, "{end}");
}
