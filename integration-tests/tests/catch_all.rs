//! The catch-all logger (`S6_LOGGING`), and the loggers that images give their services
//! (`logutil-service`).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use serde_json::Value;
use sixfold_integration_tests::{Nest, Running, Stream, root_available};

const LOG: &str = "/run/uncaught-logs/current";
const FLOODER: &str = env!("CARGO_BIN_EXE_log-flooder");

fn talking() -> Nest {
    Nest::new()
        .cont_init("10-init", "echo init says; echo init warns >&2")
        .service("web", "echo web says; echo web warns >&2; exec sleep 1000")
        .cmd_sh("echo cmd says; exec sleep 1000")
}

fn log(nest: &Running) -> String {
    fs::read_to_string(nest.path(LOG)).unwrap_or_default()
}

fn wait_for(nest: &Running, texts: &[&str]) {
    for text in texts {
        nest.wait_until(text, |nest| log(nest).contains(text));
    }
}

const ALL: [&str; 6] = [
    "init says",
    "init warns",
    "web says",
    "web warns",
    "cmd says",
    "[services.d] done.",
];

/// Asserts that each line begins with the moment in local time and two spaces.
fn assert_stamped(log: &str) {
    for line in log.lines() {
        let (stamp, _) = line.split_once("  ").unwrap_or_else(|| panic!("{line:?}"));
        assert_eq!(stamp.len(), 29, "{line:?}");
        assert!(stamp.starts_with("20"), "{line:?}");
    }
}

#[test]
fn everything_goes_to_the_logger_and_to_standard_error() {
    if !root_available() {
        return;
    }
    let nest = talking().env("S6_LOGGING", "1").boot();
    wait_for(&nest, &ALL);
    assert_stamped(&log(&nest));
    let metadata = fs::metadata(nest.path("/run/uncaught-logs")).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o2750);
    let end = nest.terminate();
    end.assert_code(0).assert_within(Duration::from_secs(2));
    for text in ALL {
        end.assert_has(text);
    }
    assert_eq!(end.lines(Stream::Stdout), [""; 0]);
}

#[test]
fn the_logger_alone_has_all_if_that_is_wanted() {
    if !root_available() {
        return;
    }
    let nest = talking().env("S6_LOGGING", "2").boot();
    wait_for(&nest, &ALL);
    // What is written to PID 1's own streams is caught too.
    nest.exec(&["sh", "-c", "echo to the console > /proc/1/fd/1"])
        .assert_code(0);
    wait_for(&nest, &["to the console"]);
    let end = nest.terminate();
    end.assert_code(0);
    for text in ALL {
        end.assert_lacks(text);
    }
}

#[test]
fn with_json_the_console_has_records_and_the_logger_plain_lines() {
    if !root_available() {
        return;
    }
    let nest = talking().json().env("S6_LOGGING", "1").boot();
    wait_for(&nest, &ALL);
    assert_stamped(&log(&nest));
    let end = nest.terminate();
    end.assert_code(0);
    let messages: Vec<String> = end
        .lines(Stream::Stdout)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].to_string())
        .collect();
    for text in ["init says", "web warns", "cmd says"] {
        assert!(messages.iter().any(|it| it.contains(text)), "{text}: {end}");
    }
}

#[test]
fn the_script_is_that_of_the_variable() {
    if !root_available() {
        return;
    }
    let upper = "#!/bin/sh\nexec tr a-z A-Z\n";
    let nest = Nest::new()
        .env("S6_LOGGING", "2")
        .env("S6_LOGGING_SCRIPT", "-noise n3 s4096 !/upper t\n")
        .file("/upper", 0o755, upper)
        .program("/opt/flooder", FLOODER)
        .service(
            "web",
            "echo noise; /opt/flooder lines 2000; : > /tmp/done; exec sleep 1000",
        )
        .boot();
    nest.wait_file("/tmp/done");
    let files = |nest: &Running| -> Vec<(String, String)> {
        let dir = nest.path("/run/uncaught-logs");
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
        let of = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            // One may go while it is looked at.
            (name, fs::read_to_string(entry.path()).unwrap_or_default())
        };
        entries.map(of).collect()
    };
    nest.wait_until("all lines are there", |nest| {
        let files = files(nest);
        let is_kept = |name: &str| name.ends_with(".s");
        let has_last = files
            .iter()
            .any(|(_, text)| text.contains("line 1999") || text.contains("LINE 1999"));
        has_last && files.iter().any(|(name, _)| is_kept(name))
    });
    for (name, text) in files(&nest) {
        assert!(!text.to_lowercase().contains("noise"), "{name}: {text}");
        if name.ends_with(".s") {
            assert!(
                text.contains("LINE 1") && !text.contains("line"),
                "{name}: {text}"
            );
        }
        let is_stamped = text.lines().all(|line| line.starts_with("@4"));
        assert!(is_stamped, "{name}: {text}");
    }
    nest.terminate().assert_code(0);
}

#[test]
fn a_wrong_script_is_told_and_the_usual_one_taken() {
    if !root_available() {
        return;
    }
    let nest = talking()
        .env("S6_LOGGING", "1")
        .env("S6_LOGGING_SCRIPT", "n20 frob")
        .boot();
    nest.wait_line("S6_LOGGING_SCRIPT: syntax error at directive: frob");
    wait_for(&nest, &ALL);
    assert_stamped(&log(&nest));
    nest.terminate().assert_code(0);
}

#[test]
fn the_directory_belongs_to_the_user_that_is_named() {
    if !root_available() {
        return;
    }
    let nest = talking()
        .env("S6_LOGGING", "1")
        .env("S6_CATCHALL_USER", "nobody")
        .boot();
    wait_for(&nest, &ALL);
    let metadata = fs::metadata(nest.path("/run/uncaught-logs")).unwrap();
    assert_eq!(metadata.uid(), 65_534);
    nest.terminate().assert_code(0);
}

#[test]
fn a_user_who_is_not_there_is_an_error_and_no_hang() {
    if !root_available() {
        return;
    }
    let end = talking()
        .env("S6_LOGGING", "1")
        .env("S6_CATCHALL_USER", "nosuchuser")
        .run();
    end.assert_code(100)
        .assert_has("S6_CATCHALL_USER is nosuchuser and there is no such user")
        .assert_lacks("init says");
}

#[test]
fn a_full_disk_holds_up_who_writes_and_not_the_supervision() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .env("S6_LOGGING", "1")
        .env("S6_LOGGING_SCRIPT", "n20 s100000000 r1000")
        .run_options("mode=755,size=2m")
        .program("/opt/flooder", FLOODER)
        .service("flood", "exec /opt/flooder forever")
        .service("clock", "echo tick >> /tmp/ticks; exit 0")
        .boot();
    nest.wait_line("a log directory: unable to write to /run/uncaught-logs/current");
    let ticks = |nest: &Running| {
        fs::read_to_string(nest.path("/tmp/ticks")).map_or(0, |ticks| ticks.lines().count())
    };
    let before = ticks(&nest);
    nest.wait_until("the other service is restarted", |nest| {
        ticks(nest) > before
    });
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_secs(10));
}

#[test]
fn the_logger_of_a_service_runs_as_nobody_and_keeps_its_script() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .env("S6_LOGGING_SCRIPT", "n5 s5000 t")
        .cont_init("10", "mkdir -p /var/log/web; chown nobody /var/log/web")
        .service("web", "echo web says; exec sleep 1000")
        .logger("web", "exec logutil-service /var/log/web")
        .boot();
    let file = nest.path("/var/log/web/current");
    nest.wait_until("it is written", |_| {
        fs::read_to_string(&file).is_ok_and(|text| text.contains("web says"))
    });
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("@4"), "{text}");
    assert_eq!(fs::metadata(&file).unwrap().uid(), 65_534);
    nest.terminate().assert_code(0);
}

#[test]
fn a_fifo_is_made_for_a_logger_that_reads_it() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .cont_init(
            "10",
            "mkdir -p /var/log/it; chown nobody /var/log/it; logutil-newfifo -m 0622 -o nobody /tmp/fifo",
        )
        .service("log", "exec logutil-service -f /tmp/fifo /var/log/it")
        .cmd_sh("echo through the fifo > /tmp/fifo; exec sleep 1000")
        .boot();
    let file = nest.path("/var/log/it/current");
    nest.wait_until("it is written", |_| {
        fs::read_to_string(&file).is_ok_and(|text| text.contains("through the fifo"))
    });
    let metadata = fs::metadata(nest.path("/tmp/fifo")).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.uid()), (0o622, 65_534));
    nest.terminate().assert_code(0);
}

/// Sends a line to `/dev/log`, as logger(1) does.
fn send(nest: &Running, line: &str) {
    let script = format!(
        "import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect('/dev/log'); s.send(b'{line}')"
    );
    nest.exec(&["/usr/bin/python3", "-c", &script])
        .assert_code(0);
}

/// A `/dev` of the machine's own.
const OWN_DEV: &str = "mount -t tmpfs dev \"$root/dev\"; for f in null zero random urandom tty; do : > \"$root/dev/$f\"; mount --bind /dev/$f \"$root/dev/$f\"; done";

fn with_syslog() -> Nest {
    Nest::new()
        .env("SIXFOLD_SYSLOG", "1")
        .prepare(OWN_DEV)
        .cmd_sh("echo cmd runs; exec sleep 1000")
}

#[test]
fn lines_of_syslog_become_records() {
    if !root_available() {
        return;
    }
    let nest = with_syslog().json().boot();
    nest.wait_line("cmd runs");
    send(&nest, "<11>Nov 26 12:00:00 app[7]: it broke\\n");
    let line = nest.wait_line("it broke");
    let record: Value = serde_json::from_str(&line.text()).unwrap();
    assert_eq!(record["service"], "syslog");
    assert_eq!(record["facility"], "user");
    assert_eq!(record["severity"], "err");
    assert_eq!(record["program"], "app");
    assert_eq!(record["pid"], 7);
    assert_eq!(record["level"], "ERROR");
    nest.terminate().assert_code(0);
}

#[test]
fn lines_of_syslog_are_kept_in_directories_in_text_mode() {
    if !root_available() {
        return;
    }
    let nest = with_syslog().boot();
    nest.wait_line("cmd runs");
    send(&nest, "<30>Nov 26 12:00:00 daemon: it works");
    send(&nest, "<38>sshd[3]: somebody came");
    let text = |name: &str| {
        let path = nest.path(&format!("/var/log/syslogd/{name}/current"));
        fs::read_to_string(path).unwrap_or_default()
    };
    nest.wait_until("both are kept", |_| {
        text("daemon").contains("daemon.info: Nov 26 12:00:00 daemon: it works\n")
            && text("secure").contains("auth.info: sshd[3]: somebody came\n")
    });
    assert!(text("everything").contains("it works") && !text("everything").contains("somebody"));
    nest.terminate().assert_code(0).assert_lacks("it works");
}

#[test]
fn a_socket_that_somebody_reads_is_left_to_them() {
    if !root_available() {
        return;
    }
    let reader = "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])\nwhile True: print('the other got', s.recv(99).decode(), flush=True)";
    let prepare = format!(
        "{OWN_DEV}; python3 -c \"{reader}\" \"$root/dev/log\" & until [ -S \"$root/dev/log\" ]; do sleep 0.02; done"
    );
    let nest = with_syslog().prepare(&prepare).boot();
    let told = nest.wait_line("/dev/log: cannot be read as syslog").text();
    assert!(told.contains("let no other syslogd read it"), "{told}");
    nest.wait_line("cmd runs");
    send(&nest, "<14>app: hello");
    nest.wait_line("the other got <14>app: hello");
    nest.terminate().assert_code(0);
}
