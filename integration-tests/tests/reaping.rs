//! Reaping: ten thousand orphans and ten thousand children of Sixfold's own in one run. No status
//! is lost or taken for another's, no zombie stays, no descriptor leaks.

use std::time::Duration;

use sixfold_integration_tests::{Nest, Running, root_available};

const ORPHAN_MAKER: &str = env!("CARGO_BIN_EXE_orphan-maker");
const MANY: usize = 10_000;
/// Twenty thousand processes on two busy cores.
const LONG: Duration = Duration::from_secs(150);

fn assert_no_zombies(nest: &Running) {
    nest.wait_until("every zombie is reaped", |nest| {
        nest.processes().iter().all(|process| process.state != 'Z')
    });
}

fn boot_idle() -> Running {
    let nest = Nest::new()
        .program("/opt/orphan-maker", ORPHAN_MAKER)
        .service("idle", "echo idle is up; exec sleep 1000")
        .boot();
    nest.wait_line("idle is up");
    nest.wait_line("[services.d] done.");
    nest
}

#[test]
fn ten_thousand_orphans_leave_neither_zombie_nor_descriptor() {
    if !root_available() {
        return;
    }
    let nest = boot_idle();
    let before = nest.open_descriptors();
    // Entered from outside: what it leaves behind becomes PID 1's.
    for _ in 0..10 {
        nest.exec(&["/opt/orphan-maker", &(MANY / 10).to_string()])
            .assert_code(0);
    }
    assert_no_zombies(&nest);
    assert_eq!(nest.open_descriptors(), before);
    assert_eq!(nest.named("sleep").len(), 1, "the service is another one");
    let end = nest.terminate();
    end.assert_code(0);
    assert_eq!(end.count("idle is up"), 1, "{end}");
}

#[test]
fn ten_thousand_children_beside_ten_thousand_orphans_keep_their_statuses() {
    if !root_available() {
        return;
    }
    let idle = boot_idle();
    let descriptors = idle.open_descriptors();
    idle.terminate().assert_code(0);

    let mut nest = Nest::new()
        .program("/opt/orphan-maker", ORPHAN_MAKER)
        .cont_init(
            "00000",
            &format!("setsid /opt/orphan-maker {MANY} & exit 0"),
        )
        .service("idle", "echo idle is up; exec sleep 1000");
    // Two kinds of end, so that a status given to the wrong child shows.
    for number in 1..=MANY {
        let program = if number % 3 == 0 {
            "/bin/false"
        } else {
            "/bin/true"
        };
        nest = nest.link(&format!("/etc/cont-init.d/{number:05}"), program);
    }
    let nest = nest.boot();
    nest.wait_lines_within("idle is up", 1, LONG);
    nest.wait_lines_within(&format!("made {MANY} orphans"), 1, LONG);
    assert_no_zombies(&nest);
    assert_eq!(nest.open_descriptors(), descriptors);
    let end = nest.terminate();
    end.assert_code(0);

    let reports: Vec<String> = end
        .stderr()
        .into_iter()
        .filter(|line| line.contains(": exited "))
        .collect();
    let expected: Vec<String> = (0..=MANY)
        .map(|number| {
            let code = u8::from(number > 0 && number % 3 == 0);
            format!("[cont-init.d] {number:05}: exited {code}.")
        })
        .collect();
    assert_eq!(reports.len(), expected.len(), "statuses were lost");
    let wrong = reports
        .iter()
        .zip(&expected)
        .find(|(is, should)| is != should);
    assert_eq!(wrong, None);
}

#[test]
fn orphans_of_a_restarting_service_do_not_disturb_it() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .program("/opt/orphan-maker", ORPHAN_MAKER)
        .service("maker", "/opt/orphan-maker 200; exit 3")
        .finish("maker", "echo \"finished $1 $2\"")
        .boot();
    nest.wait_lines("finished ", 4);
    assert_no_zombies(&nest);
    let end = nest.terminate();
    end.assert_code(0);
    let wrong: Vec<String> = end
        .stdout()
        .into_iter()
        .filter(|line| line.starts_with("finished ") && !line.starts_with("finished 3 0"))
        .collect();
    // The stop may have hit it while it ran.
    assert!(
        wrong.iter().all(|line| line.starts_with("finished 256 15")),
        "{end}"
    );
}

#[test]
fn zombie_of_a_service_that_does_not_wait_is_left_to_it() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "careless",
            "#!/usr/bin/python3 -u\nimport subprocess, sys, time\n\
             child = subprocess.Popen(['/bin/sh', '-c', 'exit 5'])\n\
             while open(f'/proc/{child.pid}/stat').read().split()[2] != 'Z':\n    time.sleep(0.01)\n\
             print('is a zombie')\ntime.sleep(0.3)\nprint('code', child.wait())\ntime.sleep(1000)\n",
        )
        .boot();
    nest.wait_line("is a zombie");
    nest.wait_line("code 5");
    assert_no_zombies(&nest);
    nest.terminate().assert_code(0);
}
