//! Sixfold as process 1 of a container, driven by the programs of Debian's s6 that its image
//! carries: what they write must be obeyed, and what they read must be there.
//!
//! Each case is a shell script that runs inside, with s6's own commands in PATH and none of ours; its
//! output must be what is written beside it.

use sixfold_integration_tests::{Nest, root_available, s6_available};

const PREAMBLE: &str = include_str!("compat/preamble.sh");

/// A service that notes the signals that it gets, in its working directory.
const WATCHER: &str = r#"for s in ALRM ABRT QUIT HUP USR1 USR2 WINCH; do trap "echo $s >> heard" $s; done
trap "echo TERM >> heard; exit 0" TERM
trap "echo INT >> heard; exit 0" INT
echo "run $1" >> runs
while ! test -e end; do sleep 0.02; done
"#;

fn nest() -> Nest {
    Nest::new()
        .service("web", WATCHER)
        .service("idle", "exec sleep 1000")
        .service_file("idle", "down", 0o644, "")
        .service(
            "ready",
            "while ! test -e /run/go; do sleep 0.02; done; echo >&3; exec sleep 1000",
        )
        .service_file("ready", "notification-fd", 0o644, "3\n")
        .service("logged", "while :; do echo line; sleep 0.02; done")
        .logger("logged", "exec cat > /run/out")
        .service("doomed", "exit 1")
        .service_file("doomed", "down", 0o644, "")
        .service_file("doomed", "notification-fd", 0o644, "3\n")
        .finish("doomed", "exit 125")
        .finish("web", "echo \"$@\" >> finished")
}

/// Boots, runs the script inside, and compares what it printed.
fn drive(script: &str, expected: &str) {
    if !root_available() || !s6_available() {
        return;
    }
    let script = format!("{PREAMBLE}S=/run/service\ncd $(mktemp -d)\n{script}\n");
    let nest = nest().file("/case.sh", 0o644, script).boot();
    nest.wait_line("[services.d] done.");
    let path = "PATH=/usr/bin:/bin";
    let done = nest.exec(&["env", path, "sh", "-c", "bash /case.sh 2>&1"]);
    let found = done.stdout().join("\n");
    assert_eq!(found, expected, "{done}");
    nest.terminate().assert_code(0);
}

macro_rules! cases {
    ($($name:ident: $script:expr => $expected:expr;)*) => {
        $(#[test] fn $name() { drive($script, $expected); })*
    };
}

cases! {
    the_programs_are_those_of_s6: "file -L $(command -v s6-svc) | grep -c dynamically"
        => "1";
    supervision_is_seen: "s6-svok $S/web; echo $?; s6-svok $S/logged/log; echo $?; s6-svok $S/nope; echo $?"
        => "0\n0\n1";
    status_is_read: "want $S/web up true; s6-svstat $S/web | mask; s6-svstat -o up,wantedup,normallyup,ready $S/idle"
        => "up (pid N) N seconds\nfalse false false false";
    status_under_the_old_name: "want /var/run/s6/services/web up true; s6-svstat -o up /var/run/s6/services/web"
        => "true";
    pids_are_those_of_the_services: "want $S/ready up true; cat /proc/$(s6-svstat -o pid $S/ready)/cmdline | tr '\\0' ' '"
        => "/bin/sh ./run ready ";
    down_and_up: "want $S/web up true; s6-svc -wD -d $S/web; echo $? $(s6-svstat -o up,wantedup,exitcode $S/web); cat $S/web/finished | mask; s6-svc -wu -u $S/web; echo $? $(s6-svstat -o up,wantedup $S/web)"
        => "0 false false 0\nN N web N\n0 true true";
    restart: "lines $S/web/runs 1; P=$(s6-svstat -o pid $S/web); s6-svc -wr -r $S/web; echo $?; [ $P != $(s6-svstat -o pid $S/web) ] && echo another"
        => "0\nanother";
    signals_in_order: "lines $S/web/runs 1; s6-svc -abqh12y $S/web; lines $S/web/heard 7; sort $S/web/heard | tr '\\n' ' '"
        => "ABRT ALRM HUP QUIT USR1 USR2 WINCH ";
    pause_and_continue: "lines $S/web/runs 1; s6-svc -p $S/web; want $S/web paused true; s6-svc -c $S/web; want $S/web paused false; echo ok"
        => "ok";
    kill_and_interrupt: "lines $S/web/runs 1; s6-svc -O $S/web; s6-svc -wd -k $S/web; s6-svstat -o signal $S/web; s6-svc -wu -o $S/web; lines $S/web/runs 2; s6-svc -wd -i $S/web; tail -n 1 $S/web/heard"
        => "SIGKILL\nINT";
    once: "s6-svc -wu -o $S/idle; s6-svstat -o up,wantedup $S/idle; s6-svc -wd -k $S/idle; s6-svstat -o up,wantedup,signal $S/idle"
        => "true false\nfalse false SIGKILL";
    for_good: "s6-svc -wu -U $S/idle; [ -e $S/idle/down ] || echo gone; s6-svc -wd -D $S/idle; [ -e $S/idle/down ] && echo there; s6-svc -wu -u $S/idle; rm $S/idle/down; s6-svc -Q $S/idle; want $S/idle wantedup false; s6-svstat -o up $S/idle; [ -e $S/idle/down ] && echo there"
        => "gone\nthere\ntrue\nthere";
    readiness_is_waited_for: "s6-svwait -U -t 200 $S/ready; echo $?; touch /run/go; s6-svwait -U -t 9000 $S/ready; echo $? $(s6-svstat -o ready $S/ready)"
        => "s6-svwait: fatal: timed out\n99\n0 true";
    waiting_for_many: "touch /run/go; s6-svwait -u -t 9000 $S/web $S/ready $S/logged $S/logged/log; echo $?; s6-svwait -D -o -t 9000 $S/web $S/idle; echo $?"
        => "0\n0";
    permanent_failure: "s6-svc -wU -T 9000 -u $S/doomed 2>&1 | sed 's/.*fatal/fatal/'; want $S/doomed wantedup false; s6-svstat -o up,wantedup $S/doomed"
        => "fatal: /run/service/doomed failed permanently or its supervisor died\nfalse false";
    deaths_are_remembered: "lines $S/web/runs 1; s6-svc -wD -k $S/web; want $S/web up true; s6-svc -wD -d $S/web; s6-svdt $S/web | sed 's/@[0-9a-f]*/@T/'; s6-svdt-clear $S/web; s6-svdt $S/web | wc -l"
        => "@T signal SIGKILL\n@T exitcode 0\n0";
    events_are_heard: "want $S/web up true; s6-ftrig-listen1 -t 9000 $S/web/event 'dDu' s6-svc -r $S/web; echo $?"
        => "u\n0";
    a_logger_outlives_its_service: "lines /run/out 1; P=$(s6-svstat -o pid $S/logged/log); s6-svc -wr -k $S/logged; N=$(wc -l < /run/out); lines /run/out $((N + 3)); [ $P = $(s6-svstat -o pid $S/logged/log) ] && echo same"
        => "same";
    permissions: "s6-svperms $S/web; s6-svperms -G daemon -e $S/web; stat -c '%a %G' $S/web/supervise $S/web/supervise/control $S/web/event"
        => "/run/service/web status: owner\n/run/service/web control: owner\n/run/service/web events: group root\n710 daemon\n620 daemon\n1733 root";
    a_service_is_added: "mk $S/new 'exec sleep 1000'; s6-svscanctl -a $S; want $S/new up true; echo ok"
        => "ok";
    a_service_is_pruned: "P=$(s6-svstat -o pid $S/logged); D=$(readlink -f $S/logged); rm $S/logged; s6-svscanctl -a $S; kill -0 $P && echo running; s6-svscanctl -n $S; until_ok gone $P; until_ok not s6-svok $D; until_ok not s6-svok $D/log; echo pruned"
        => "running\npruned";
    hup_rescans_and_prunes: "mk $S/new 'exec sleep 1000'; D=$(readlink -f $S/web); rm $S/web; kill -HUP 1; want $S/new up true; until_ok not s6-svok $D; echo ok"
        => "ok";
    linked_and_unlinked: "mk /run/other 'exec sleep 1000'; s6-svlink $S /run/other; echo $?; want $S/other up true; s6-svunlink $S other; echo $?; s6-svok /run/other; echo $?"
        => "0\n0\n1";
    a_supervisor_that_leaves_comes_back: "want $S/web up true; P=$(s6-svstat -o pid $S/web); s6-svc -xd $S/web; until_ok gone $P; want $S/web up true; echo back"
        => "back";
    the_scan_directory_is_taken: "s6-svscan $S; echo $?; s6-supervise $S/web; echo $?"
        => "s6-svscan: fatal: another instance of s6-svscan is already running on the same directory\n100\ns6-supervise /run/service/web: fatal: another instance of s6-supervise is already running\n100";
    garbage_is_survived: "head -c 70000 /dev/urandom | tr 'abqhkti12pcyrlPCKoduDUxOQ' Z > $S/web/supervise/control; printf '\\000\\377?' > $S/.s6-svscan/control; s6-svc -wd -T 9000 -d $S/web; echo $?"
        => "0";
    what_is_replaced_is_made_anew: "want $S/web up true; rm $S/web/supervise/status; mkfifo $S/web/supervise/status.new; s6-svc -O $S/web; until_ok test -s $S/web/supervise/status; s6-svc -wd -T 9000 -d $S/web; echo $? $(s6-svstat -o up $S/web)"
        => "0 false";
    a_directory_that_is_gone: "D=$(readlink -f $S/web); P=$(s6-svstat -o pid $S/web); rm -r $D; s6-svscanctl -an $S; until_ok gone $P; s6-svc -wd -T 9000 -d $S/ready; echo $?"
        => "0";
    files_are_read_when_they_are_needed: "lines $S/web/runs 1; echo USR1 > $S/web/down-signal; s6-svc -r $S/web; lines $S/web/heard 1; cat $S/web/heard; printf '#!/bin/sh\\necho other >> runs\\nexec sleep 1000\\n' > $S/web/run; s6-svc -wr -k $S/web; lines $S/web/runs 2; cat $S/web/runs"
        => "USR1\nrun web\nother";
}

#[test]
fn every_byte_of_a_control_fifo_is_harmless_to_process_1() {
    if !root_available() || !s6_available() {
        return;
    }
    let script = "for i in $(seq 0 255); do printf \"\\\\$(printf %o $i)\" > /run/service/idle/supervise/control; done; echo done";
    drive(script, "done");
}
