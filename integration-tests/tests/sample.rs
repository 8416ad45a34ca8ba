//! The sample of `docker/sample`, as the README has it run: its exact words, its end, and what the
//! death of either service does.

use std::time::Duration;

use nix::sys::signal::Signal;
use sixfold_integration_tests::{Finished, Nest, Running, root_available, sample_tree};

/// What the stop must print after the two `exited` lines, exactly and in this order.
const LAST_LINES: [&str; 4] = [
    "[cont-finish.d] executing container finish scripts...",
    "[cont-finish.d] done.",
    "[s6-finish] sending all processes the TERM signal.",
    "[s6-finish] sending all processes the KILL signal and exiting.",
];
/// Far below the grace times (3000 ms), far above the milliseconds that a stop takes.
const AT_ONCE: Duration = Duration::from_millis(1000);

fn boot() -> Running {
    let nest = Nest::new().tree(&sample_tree()).boot();
    nest.wait_line("starting service1");
    nest.wait_line("starting service2");
    nest.wait_line("[services.d] done.");
    nest.wait_until("both services run", |nest| {
        nest.named("python3").len() == 1 && nest.named("sleep").len() == 1
    });
    nest
}

/// The lines of stderr after `[services.d] done.` and the services' own first words.
fn lines_of_the_stop(end: &Finished) -> Vec<String> {
    let mut lines = end.stderr();
    let boot_end = lines
        .iter()
        .rposition(|line| line == "[services.d] done." || line.starts_with("starting service"))
        .unwrap_or_else(|| panic!("it never booted;\n{end}"));
    lines.drain(..=boot_end);
    lines
}

fn assert_orderly_stop(end: &Finished, code1: &str, code2: &str) {
    let lines = lines_of_the_stop(end);
    assert_eq!(lines.len(), 6, "{end}");
    let mut exits = lines[..2].to_vec();
    exits.sort();
    let one = format!("service1 exited. code={code1}");
    let two = format!("service2 exited. code={code2}");
    assert_eq!(exits, [one, two], "{end}");
    assert_eq!(lines[2..], LAST_LINES, "{end}");
    end.assert_code(0);
}

/// Runs a command line inside that ends one service.
fn end_service(nest: &Running, name: &str, signal: &str) {
    let victim = nest
        .named(name)
        .first()
        .map(|process| process.pid.to_string());
    let victim = victim.expect("the service runs");
    nest.exec(&["kill", &format!("-{signal}"), &victim])
        .assert_asked();
}

#[test]
fn boot_prints_the_brackets_of_each_stage() {
    if !root_available() {
        return;
    }
    let nest = boot();
    let end = nest.terminate();
    let all = end.stderr();
    let boot: Vec<&String> = all
        .iter()
        .take_while(|line| !line.contains("exited."))
        .collect();
    let own: Vec<&str> = boot
        .iter()
        .filter(|line| line.starts_with('['))
        .map(|line| line.as_str())
        .collect();
    assert_eq!(
        own,
        [
            "[fix-attrs.d] applying ownership & permissions fixes...",
            "[fix-attrs.d] done.",
            "[cont-init.d] executing container initialization scripts...",
            "[cont-init.d] done.",
            "[services.d] starting services",
            "[services.d] done.",
        ],
        "{end}"
    );
    let position = |text: &str| boot.iter().position(|line| *line == text);
    let begun = position("[services.d] starting services");
    assert!(begun < position("starting service1"), "{end}");
    assert!(begun < position("starting service2"), "{end}");
}

#[test]
fn term_stops_it_with_the_exact_words_at_once() {
    if !root_available() {
        return;
    }
    let end = boot().terminate();
    assert_orderly_stop(&end, "256", "256");
    end.assert_within(AT_ONCE);
}

#[test]
fn nothing_of_sixfolds_own_goes_to_stdout_in_text_mode() {
    if !root_available() {
        return;
    }
    let end = boot().terminate();
    assert!(
        end.stdout().iter().all(|line| !line.starts_with('[')),
        "{end}"
    );
}

#[test]
fn service1_killed_takes_the_container_down() {
    if !root_available() {
        return;
    }
    let mut nest = boot();
    nest.mark();
    end_service(&nest, "python3", "KILL");
    let end = nest.wait_exit();
    assert_orderly_stop(&end, "256", "256");
    end.assert_within(AT_ONCE);
}

#[test]
fn service1_terminated_takes_the_container_down() {
    if !root_available() {
        return;
    }
    let mut nest = boot();
    nest.mark();
    end_service(&nest, "python3", "TERM");
    let end = nest.wait_exit();
    assert_orderly_stop(&end, "256", "256");
    end.assert_within(AT_ONCE);
}

#[test]
fn service2_killed_takes_the_container_down() {
    if !root_available() {
        return;
    }
    let nest = boot();
    end_service(&nest, "sleep", "KILL");
    assert_orderly_stop(&nest.wait_exit(), "256", "256");
}

#[test]
fn service2_terminated_takes_the_container_down() {
    if !root_available() {
        return;
    }
    let nest = boot();
    end_service(&nest, "sleep", "TERM");
    assert_orderly_stop(&nest.wait_exit(), "256", "256");
}

#[test]
fn service_that_exits_1_takes_the_container_down() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .tree(&sample_tree())
        .service(
            "service2",
            "echo >&2 'starting service2'; while [ ! -e /run/go ]; do sleep 0.02; done; exit 1",
        )
        .boot();
    nest.wait_line("starting service1");
    nest.wait_line("[services.d] done.");
    nest.wait_until("service1 runs", |nest| nest.named("python3").len() == 1);
    nest.write_file("/run/go", "");
    assert_orderly_stop(&nest.wait_exit(), "256", "1");
}

#[test]
fn port_of_the_environment_reaches_service1() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().tree(&sample_tree()).env("PORT", "9090").boot();
    nest.wait_until("the server runs", |nest| nest.named("python3").len() == 1);
    let server = nest.named("python3")[0].pid;
    let cmdline = nest.read(&format!("/proc/{server}/cmdline"));
    assert!(cmdline.contains("9090"), "{cmdline:?}");
    nest.terminate().assert_code(0);
}

#[test]
fn server_answers() {
    if !root_available() {
        return;
    }
    const ASK: &str = "
import fcntl, socket, struct, time, urllib.request
# A new network namespace has its loopback interface down.
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))
for attempt in range(400):
    try:
        print(urllib.request.urlopen('http://127.0.0.1:8080/', timeout=5).status)
        break
    except OSError:
        time.sleep(0.02)
";
    let nest = boot();
    nest.exec(&["/usr/bin/python3", "-c", ASK])
        .assert_code(0)
        .assert_has("200");
    nest.terminate().assert_code(0);
}

#[test]
fn without_finish_a_short_lived_service_starts_once_a_second_at_most() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().service("brief", "echo tick; exit 0").boot();
    let first = nest.wait_lines("tick", 1).at;
    let fourth = nest.wait_lines("tick", 4).at;
    let three_pauses = fourth - first;
    // A line is read a little after it was written, hence the slack below three seconds.
    assert!(
        three_pauses > Duration::from_millis(2800),
        "four starts within {three_pauses:?}\n{}",
        nest.output
    );
    nest.terminate().assert_code(0);
}

#[test]
fn without_finish_a_service_that_lived_a_second_restarts_at_once() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("steady", "echo tick; sleep 1.2; echo it-is-over")
        .boot();
    let over = nest.wait_line("it-is-over").at;
    let again = nest.wait_lines("tick", 2).at;
    let pause = again.saturating_duration_since(over);
    assert!(
        pause < Duration::from_millis(600),
        "restarted {pause:?} after its death\n{}",
        nest.output
    );
    nest.terminate().assert_code(0);
}

#[test]
fn killed_service_without_finish_is_restarted() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("victim", "echo tick; exec sleep 99999999")
        .boot();
    nest.wait_line("tick");
    nest.wait_until("it runs", |nest| nest.named("sleep").len() == 1);
    end_service(&nest, "sleep", "KILL");
    nest.wait_lines("tick", 2);
    nest.terminate().assert_code(0);
}

#[test]
fn finish_is_told_the_code_the_signal_and_the_name() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "coded",
            "[ -e /run/coded ] && exec sleep 1000; : > /run/coded; exit 3",
        )
        .finish("coded", "echo \"coded: $1 $2 $3\"")
        .service(
            "shot",
            "[ -e /run/shot ] && exec sleep 1000; : > /run/shot; kill -9 $$",
        )
        .finish("shot", "echo \"shot: $1 $2 $3\"")
        .boot();
    nest.wait_line("coded: 3 0 coded");
    nest.wait_line("shot: 256 9 shot");
    nest.wait_until("both run again", |nest| nest.named("sleep").len() == 2);
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("coded: 256 15 coded")
        .assert_has("shot: 256 15 shot");
}

#[test]
fn json_stop_of_the_sample_is_orderly_too() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().tree(&sample_tree()).json().boot();
    nest.wait_line("starting service1");
    nest.wait_line("starting service2");
    nest.wait_until("both services run", |nest| {
        nest.named("python3").len() == 1 && nest.named("sleep").len() == 1
    });
    nest.signal(Signal::SIGTERM);
    let end = nest.wait_exit();
    end.assert_code(0)
        .assert_has("service1 exited. code=256")
        .assert_has("service2 exited. code=256");
}
