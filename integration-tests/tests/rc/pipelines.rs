//! Longruns that read what others write.

use sixfold_integration_tests::{Nest, root_available};

use super::{Services as _, assert_order};

/// A line of services, each of which reads what the one before it writes.
fn line(nest: Nest, services: &[(&str, &str)]) -> Nest {
    let mut nest = nest;
    for (place, (name, run)) in services.iter().enumerate() {
        nest = nest.longrun(name, run, &["base"]);
        if let Some((next, _)) = services.get(place + 1) {
            nest = nest.rc(name, "producer-for", &format!("{next}\n"));
            nest = nest.rc(next, "consumer-for", &format!("{name}\n"));
        }
    }
    nest
}

const SOURCE: &str = "echo source runs >&2; i=0; while :; do \
                      [ -e /tmp/go ] && { i=$((i+1)); echo line $i; rm /tmp/go; : > /tmp/gone; }; \
                      sleep 0.01; done";
const MIDDLE: &str = "echo middle runs as $$ >&2; : > /tmp/middle.$$; echo $$ > /tmp/middle; \
                      while read -r x; do echo \"<$x>\"; done";
const SINK: &str = "echo sink runs >&2; while read -r x; do echo \"sink has $x\" >&2; done; \
                    echo sink sees the end >&2";

#[test]
fn a_pipeline_outlives_its_middle() {
    if !root_available() {
        return;
    }
    let services = [("source", SOURCE), ("middle", MIDDLE), ("sink", SINK)];
    let nest = line(Nest::new(), &services).boot();
    nest.wait_line("source runs");
    nest.wait_line("middle runs as");
    nest.write_file("/tmp/go", "");
    nest.wait_line("sink has <line 1>");
    let middle = nest.read("/tmp/middle").trim().to_owned();
    // Until it is gone it may still take the beginning of the next line with it.
    let kill = format!("kill -KILL {middle}; while kill -0 {middle}; do sleep 0.01; done");
    nest.exec(&["sh", "-c", &kill]);
    nest.wait_file("/tmp/gone");
    nest.write_file("/tmp/go", "");
    nest.wait_line("sink has <line 2>");
    nest.wait_lines("middle runs as", 2);
    let end = nest.terminate();
    end.assert_code(0).assert_lacks("sink sees the end");
    assert_order(
        &end,
        &[
            "service sink: starting",
            "service middle: starting",
            "service source: starting",
        ],
    );
    assert_order(
        &end,
        &[
            "service source: stopping",
            "service middle: stopping",
            "service sink: stopping",
        ],
    );
}

#[test]
fn several_producers_may_have_one_consumer() {
    if !root_available() {
        return;
    }
    let says = |name: &str| format!("echo from {name}; exec sleep 1000");
    let nest = Nest::new()
        .longrun("one", &says("one"), &[])
        .rc("one", "producer-for", "sink")
        .longrun("two", &says("two"), &[])
        .rc("two", "producer-for", "sink")
        .longrun("sink", SINK, &[])
        .rc("sink", "consumer-for", "one\ntwo\n")
        .rc("sink", "pipeline-name", "all\n")
        .boot();
    nest.wait_line("sink has from one");
    nest.wait_line("sink has from two");
    nest.terminate().assert_code(0);
}

#[test]
fn in_json_only_the_last_of_a_pipeline_writes_to_the_log() {
    if !root_available() {
        return;
    }
    let services = [
        ("source", "echo words; echo aside >&2; exec sleep 1000"),
        ("sink", "while read -r x; do echo \"sink has $x\"; done"),
    ];
    let nest = line(Nest::new().json(), &services).boot();
    nest.wait_line("sink has words");
    nest.wait_line("aside");
    let end = nest.terminate();
    end.assert_code(0);
    let lines = end.stdout();
    let words: Vec<&String> = lines.iter().filter(|line| line.contains("words")).collect();
    assert_eq!(words.len(), 1, "{end}");
    assert!(words[0].contains("\"service\":\"sink\""), "{end}");
}
