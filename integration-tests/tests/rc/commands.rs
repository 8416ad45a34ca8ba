//! What `up` and `down` may say.

use sixfold_integration_tests::{Nest, root_available};

use super::Services as _;

/// Boots with a oneshot of this `up`, and gives the end.
fn up(nest: Nest, text: &str) -> sixfold_integration_tests::Finished {
    let end = nest
        .oneshot("it", text, &["base"])
        .cmd_sh("echo cmd runs")
        .run();
    end.assert_code(0).assert_has("cmd runs");
    end
}

const UP: &str = "s6-rc: info: service it successfully started";

#[test]
fn a_command_line_is_words_and_no_script() {
    if !root_available() {
        return;
    }
    up(Nest::new(), "#!/bin/sh\necho one\necho $HOME \"a b\"\n")
        .assert_has(UP)
        .assert_has("one echo $HOME a b");
    up(Nest::new(), "# nothing\n\n  # at all\n").assert_has(UP);
    up(Nest::new(), "").assert_has(UP);
    up(Nest::new(), "#!/bin/sh\nexec /bin/echo executed")
        .assert_has("executed")
        .assert_has(UP);
}

#[test]
fn blocks_of_execline_work_without_execline() {
    if !root_available() {
        return;
    }
    let text = "if -n { test -e /nosuch } foreground { echo in a block } \
                importas -u who RC_NAME\n define x 7 echo after ${who} ${x}\n";
    let end = up(Nest::new(), text);
    end.assert_has("in a block")
        .assert_has("after it 7")
        .assert_has(UP);
}

#[test]
fn a_script_gets_the_words_after_it() {
    if !root_available() {
        return;
    }
    let script =
        "#!/bin/sh\necho got $1-$2 as $RC_NAME in $(pwd) HOME=$HOME\nread x || echo no input\n";
    let end = up(
        Nest::new().file("/opt/script", 0o755, script),
        "/opt/script a b",
    );
    end.assert_has("got a-b as it in /run/s6-rc/servicedirs/s6rc-oneshot-runner HOME=")
        .assert_lacks("HOME=/root")
        .assert_has("no input")
        .assert_has(UP);
}

#[test]
fn a_script_whose_meaning_is_clear_runs() {
    if !root_available() {
        return;
    }
    let end = up(
        Nest::new().file("/opt/script", 0o644, "#!/bin/sh\necho got $1\n"),
        "/opt/script a",
    );
    end.assert_has("got a").assert_has(UP);
    end.assert_has("/opt/script: not executable; run by its interpreter nevertheless");
    let end = up(
        Nest::new().file("/opt/script", 0o755, "#!/bin/sh\r\necho got $1\r\n"),
        "/opt/script a",
    );
    end.assert_has("got a").assert_has(UP).assert_has("CRLF");
    let with_contenv = "#!/command/with-contenv sh\necho got $1 of $MINE\n";
    let nest = Nest::new()
        .env("MINE", "me")
        .file("/opt/script", 0o755, with_contenv);
    up(nest, "/opt/script a")
        .assert_has("got a of me")
        .assert_has(UP);
}

#[test]
fn a_program_that_is_not_there_is_a_failure_with_a_reason() {
    if !root_available() {
        return;
    }
    for (text, reason) in [
        (
            "nosuch-program x\n",
            "nosuch-program: cannot be run for oneshot it",
        ),
        ("/opt/nosuch x\n", "/opt/nosuch: cannot be read"),
    ] {
        up(Nest::new(), text)
            .assert_has(reason)
            .assert_has("s6-rc: warning: unable to start service it: command exited 127");
    }
    let missing = Nest::new().file("/opt/script", 0o755, "#!/nosuch/interpreter\n");
    up(missing, "/opt/script")
        .assert_has("/nosuch/interpreter")
        .assert_has("unable to start service it: command exited 127");
}
