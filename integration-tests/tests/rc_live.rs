//! `s6-rc` and what is around it, with the services of a compiled database in the scan directory of
//! `s6-svscan`: the scenarios that the specification of s6-rc's behaviour has.
//!
//! Each case is a shell script that runs inside; what it prints must be what is written beside it.

use std::time::Duration;

use sixfold_integration_tests::{Nest, root_available};

const SOURCES: &str = include_str!("rc_live/sources.sh");
/// What every case begins with. `rc` is `s6-rc`: what scripts print comes first, as they and s6-rc write
/// at the same time; then what s6-rc says, and its exit code if that is not 0. `took` tells whether
/// something took at least and at most so many tenths of a second.
const PREAMBLE: &str = r#"
PATH=/command:$PATH
L=/run/live
cd /run
rc() {
    said=$(mktemp)
    s6-rc -l $L "$@" 2> $said
    code=$?
    cat $said
    test $code = 0 || echo "rc $code"
}
up() { echo up: $(s6-rc -l $L -a list); }
busy() { s6-rc -l $L -a list 2>&1 | grep -q "unable to take locks"; }
took() {
    least=$1 most=$2 begun=$(date +%s%N)
    shift 2
    "$@"
    tenths=$((($(date +%s%N) - begun) / 100000000))
    test $tenths -ge $least && test $tenths -le $most || echo "took $tenths tenths"
}
"#;
const INIT: &str = "s6-rc-init -l $L -c /run/db /scan\n";

/// Makes the services, runs the script and compares what it printed.
fn run(init: &str, script: &str, expected: &str) {
    if !root_available() {
        return;
    }
    let script = format!("{PREAMBLE}{SOURCES}{init}{script}\n");
    let nest = Nest::new()
        .entry(&["/command/s6-svscan", "/scan"])
        .directory("/scan", 0o755)
        .env("FOO", "of the tree")
        .file("/case.sh", 0o644, script)
        .boot();
    nest.wait_file("/scan/.s6-svscan/control");
    let done = nest.exec(&["sh", "-c", "FOO=of-the-caller exec sh /case.sh 2>&1"]);
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    let expected: Vec<&str> = expected.into_iter().filter(|it| !it.is_empty()).collect();
    let found = done.stdout();
    let found: Vec<&str> = found.iter().map(|it| it.trim()).collect();
    assert_eq!(found, expected, "{done}");
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_secs(5));
}

macro_rules! cases {
    ($($name:ident: $script:expr => $expected:expr;)*) => {
        $(#[test] fn $name() { run(INIT, $script, $expected); })*
    };
}

cases! {
    lists_are_in_the_order_of_the_database: "
        rc list ok nest; echo --; rc listall lready; echo --; rc -d listall a; echo --
        rc -a list; echo --; rc -e list nest; rc list nope
    " => "
        ess\n lr\n lready\n a\n b\n indep\n --
        s6rc-oneshot-runner\n lr\n lready\n a\n --
        lr\n lready\n a\n afterfail\n b\n --\n --
        lr\n lready\n a\n b\n indep
        s6-rc: fatal: nope is not a recognized identifier in /run/live/resolve.cdb
        rc 3
    ";

    services_start_after_what_they_need: "
        rc -v2 -u change lready; up; rc -v3 change lr
    " => "
        up-a
        s6-rc: info: service s6rc-oneshot-runner: starting
        s6-rc: info: service s6rc-oneshot-runner successfully started
        s6-rc: info: service a: starting
        s6-rc: info: service a successfully started
        s6-rc: info: service lr: starting
        s6-rc: info: service lr successfully started
        s6-rc: info: service lready: starting
        s6-rc: info: service lready successfully started
        up: s6rc-oneshot-runner lr lready a
        s6-rc: info: bringing selected services up
        s6-rc: info: service s6rc-oneshot-runner: already up
        s6-rc: info: service a: already up
        s6-rc: info: service lr: already up
    ";

    services_stop_after_what_needs_them: "
        rc change lready; rc -v2 -d change a; up; rc stop a; up
    " => "
        up-a
        down-a
        s6-rc: info: service lready: stopping
        s6-rc: info: service lready successfully stopped
        s6-rc: info: service lr: stopping
        s6-rc: info: service lr successfully stopped
        s6-rc: info: service a: stopping
        s6-rc: info: service a successfully stopped
        up: s6rc-oneshot-runner
        up: s6rc-oneshot-runner
    ";

    a_oneshot_has_the_streams_of_who_asks_and_the_environment_of_the_tree: "
        echo something | rc change tells | sed s,:s6-rc-init:[^/]*,,
    " => "
        /run/live/servicedirs/s6rc-oneshot-runner
        sh 0
        FOO=of the tree
        read something
    ";

    what_fails_is_told_and_what_needs_it_is_not_tried: "
        rc -v2 change fail; up; rc change afterfail indep | sort; up; rc -v0 change fail
    " => "
        failing
        s6-rc: info: service s6rc-oneshot-runner: starting
        s6-rc: info: service s6rc-oneshot-runner successfully started
        s6-rc: info: service fail: starting
        s6-rc: warning: unable to start service fail: command exited 42
        rc 1
        up: s6rc-oneshot-runner
        failing
        rc 1
        s6-rc: warning: unable to start service fail: command exited 42
        up-a
        up: s6rc-oneshot-runner a b indep
        failing
        rc 1
    ";

    times_are_kept: "
        took 5 200 rc change slow1; took 30 200 rc change never; took 3 200 rc -t 300 change slow1; up
        s6-svstat -o up,wantedup $L/servicedirs/never
    " => "
        s6-rc: warning: unable to start service slow1: command exited 111
        rc 1
        s6-rc: warning: unable to start service never: command exited 99
        rc 1
        s6-rc: fatal: timed out
        rc 2
        up: s6rc-oneshot-runner
        false false
    ";

    a_longrun_may_fail_for_good: "
        took 0 200 rc change perm; up
    " => "
        s6-rc: warning: unable to start service perm: command exited 1
        rc 1
        up:
    ";

    pipelines_start_with_their_end: "
        rc -v2 change pipe; while ! test -s piped; do sleep 0.05; done; head -n 1 piped
        rc -v2 -d change p3
    " => "
        s6-rc: info: service s6rc-fdholder: starting
        s6-rc: info: service s6rc-fdholder successfully started
        s6-rc: info: service p3: starting
        s6-rc: info: service p3 successfully started
        s6-rc: info: service p2: starting
        s6-rc: info: service p2 successfully started
        s6-rc: info: service p1: starting
        s6-rc: info: service p1 successfully started
        line
        s6-rc: info: service p1: stopping
        s6-rc: info: service p1 successfully stopped
        s6-rc: info: service p2: stopping
        s6-rc: info: service p2 successfully stopped
        s6-rc: info: service p3: stopping
        s6-rc: info: service p3 successfully stopped
    ";

    one_change_at_a_time: "
        rc change never > first & until busy; do sleep 0.01; done; rc -a list; rc change indep; rc -b change indep; up; wait; cat first
    " => "
        s6-rc: fatal: unable to take locks: Device or resource busy
        rc 111
        s6-rc: fatal: unable to take locks: Device or resource busy
        rc 111
        up: s6rc-oneshot-runner indep
        s6-rc: warning: unable to start service never: command exited 99
        rc 1
    ";

    what_is_essential_stays_unless_it_is_insisted: "
        rc change ess indep; rc -d change ess; up; rc -da change | sort; up; rc -Da change; up
    " => "
        s6-rc: warning: service ess is marked as essential, not stopping it
        up: s6rc-oneshot-runner ess indep
        s6-rc: warning: service ess is marked as essential, not stopping it
        s6-rc: warning: service s6rc-oneshot-runner is marked as essential, not stopping it
        up: s6rc-oneshot-runner ess
        up:
    ";

    the_down_file_says_what_a_restart_of_the_supervisor_would_do: "
        D=$L/servicedirs/ess; ls $D | grep down; rc change ess; ls $D | grep down; rc -D change ess; ls $D | grep down
    " => "
        down
        down
    ";

    only_what_is_chosen_stays: "
        rc change ess lr indep; rc -v2 -p change indep; up; rc change dfail; rc -p change a; up
        rc -v2 -pe change indep | LC_ALL=C sort; up
    " => "
        up-a
        down-a
        s6-rc: warning: service ess is marked as essential, not stopping it
        s6-rc: info: service lr: stopping
        s6-rc: info: service lr successfully stopped
        s6-rc: info: service a: stopping
        s6-rc: info: service a successfully stopped
        up: s6rc-oneshot-runner ess indep
        s6-rc: warning: service ess is marked as essential, not stopping it
        s6-rc: warning: unable to stop service dfail: command exited 3
        rc 1
        up: s6rc-oneshot-runner ess dfail
        rc 1
        s6-rc: info: service dfail: stopping
        s6-rc: info: service ess successfully stopped
        s6-rc: info: service ess: stopping
        s6-rc: warning: unable to stop service dfail: command exited 3
        up: s6rc-oneshot-runner dfail
    ";

    what_somebody_moved_by_hand_differs: "
        rc change lr; s6-svc -wD -d $L/servicedirs/lr; rc diff; s6-svc -wu -u $L/servicedirs/ess; rc diff
    " => "
        up-a
        -lr
        rc 1
        +ess
        -lr
        rc 1
    ";

    a_second_init_finds_the_first: "
        s6-rc-init -l $L -c /run/db /scan; echo $?; mkdir /other
        s6-rc-init -l /run/other -c /run/db /other; echo $?; rc list ess
        s6-rc-init -l $L -c /run/nope /scan; echo $?
    " => "
        s6-rc-init: info: s6-rc already running on /run/live
        0
        s6-rc-init: fatal: s6-svscan is not running on /other
        100
        ess
        s6-rc-init: fatal: existing livedir at /run/live uses bootdb at /run/db rather than /run/nope
        102
    ";

    a_dry_run_moves_nothing: "
        rc -n 0 change p3; rc -n 0 -t 5000 change slow1 | sed 's/-T 4[0-9]*/-T 5000/'; up; rc change p3; rc -n 0 -v2 -d change p3; up
    " => "
        s6-rc-dryrun: s6-svc -uwU -T 0 -- /run/live/servicedirs/s6rc-fdholder
        s6-rc-dryrun: s6-svc -uwu -T 0 -- /run/live/servicedirs/p3
        s6-rc-dryrun: s6-svc -uwU -T 5000 -- /run/live/servicedirs/s6rc-oneshot-runner
        s6-rc-dryrun: s6-sudo -el0 -t 30000 -T 500 -- /run/live/servicedirs/s6rc-oneshot-runner/s up 17  # slow1
        up:
        s6-rc-dryrun: s6-svc -dwD -T 0 -- /run/live/servicedirs/p3
        s6-rc: info: service p3: stopping
        s6-rc: info: simulation: service p3 successfully stopped
        up: s6rc-fdholder p3
    ";

    a_change_can_be_taken_back: "
        s6-rc -v2 -l $L change never 2>&1 & until busy; do sleep 0.01; done; kill -TERM $!; wait $!; echo $?; up
    " => "
        s6-rc: info: service never: starting
        s6-rc: warning: received TERM, aborting pending processes and exiting asap
        s6-rc: warning: unable to start service never: command crashed with signal 15
        1
        up:
    ";

    what_cannot_be_stopped_stays_in_the_list: "
        rc change stub; until test -e /run/deaf; do sleep 0.01; done; took 4 200 rc -d change stub; up; echo 300 > $L/servicedirs/stub/timeout-kill
        s6-svc -k $L/servicedirs/stub; sleep 1.2; rc -d change stub; up
    " => "
        s6-rc: warning: unable to stop service stub: command exited 99
        rc 1
        up: stub
        up:
    ";

    longruns_read_their_configuration_again: "
        rc reload lr; rc change lr; rc -v2 reload lr; rc reload a
    " => "
        s6-rc: fatal: unable to reload service lr: it is not up (start it: s6-rc start lr)
        rc 1
        up-a
        s6-rc: info: service lr successfully reloaded
        s6-rc: fatal: unable to reload service a: the reload scripts of oneshots are not run yet (run what its reload file says, or: s6-rc stop a && s6-rc start a)
        rc 1
    ";

    an_update_keeps_what_did_not_change: "
        rc change ess lr indep
        pid() { s6-svstat -o pid $L/servicedirs/$1; }
        before=$(pid ess); other=$(pid lr)
        rm -r s/indep s/ok/contents.d/indep; : > s/lr/dependencies.d/b
        s6-rc-compile db2 s
        s6-rc-update -n -l $L /run/db2; up
        s6-rc-update -l $L /run/db2; echo $?; up
        test $(pid ess) = $before && echo kept; test $(pid lr) = $other || echo restarted
    " => "
        up-a
        s6-rc-dryrun: s6-rc -v 1 -t 0 -l /run/live -d -- change indep lr
        s6-rc-dryrun: s6-rc -v 1 -t 0 -l /run/live -u -- change lr
        up: s6rc-oneshot-runner ess lr a indep
        0
        up: s6rc-oneshot-runner ess lr a b
        kept
        restarted
    ";

    an_update_may_be_told_of_new_names: "
        rc change ess indep
        mv s/indep s/apart; mv s/ok/contents.d/indep s/ok/contents.d/apart; s6-rc-compile db2 s
        echo 'nope restart' > conv; s6-rc-update -f conv -l $L /run/db2; echo $?
        echo 'ok -> apart' > conv; s6-rc-update -f conv -l $L /run/db2; echo $?
        printf 'indep\\nindep\\n' > conv; s6-rc-update -f conv -l $L /run/db2; echo $?
        echo 'indep -> apart restart' > conv; s6-rc-update -f conv -l $L /run/db2; echo $?; up
    " => "
        s6-rc-update: fatal: unknown identifier in /run/live/compiled/resolve.cdb: nope
        3
        s6-rc-update: fatal: identifier ok does not represent an atomic service in /run/live/compiled
        5
        s6-rc-update: fatal: service indep appears more than once in conversion file
        6
        0
        up: s6rc-oneshot-runner ess apart
    ";
}

#[test]
fn a_prefix_is_put_before_the_names_in_the_scan_directory() {
    run(
        "s6-rc-init -l $L -c /run/db -p x- /scan\n",
        "rc change ess; test -e /scan/x-ess && echo there; s6-svstat -o up /scan/x-ess; rc -a list",
        "there\ntrue\ness",
    );
}
