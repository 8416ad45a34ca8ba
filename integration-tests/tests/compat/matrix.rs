//! Every state of s6-supervise by every control byte (A2.2): what the status says afterwards, what
//! the service has heard, which letters were told, and what became of the `down` file.

use sixfold_integration_tests::compare::{self, Case, Subject};

use crate::S6;

const MATRIX: &str = include_str!("matrix.txt");

/// How each state is reached, and how its case ends.
const STATES: [(&str, &str); 7] = [
    (
        "DOWN",
        "watcher a; touch a/down; fin a 'exit 0'; ear a; sup a; heard 1 > /dev/null",
    ),
    (
        "WAITING",
        "mk a 'echo run >> runs; exit 1'; ear a; sup a; heard 4 > /dev/null",
    ),
    (
        "UP",
        "watcher a; ear a; sup a; lines a/runs 1; heard 2 > /dev/null",
    ),
    (
        "READY",
        "watcher a; echo 3 > a/notification-fd; ear a; sup a; want a ready true; lines a/runs 1; heard 3 > /dev/null",
    ),
    (
        "STOPPED",
        "watcher a; ear a; sup a; lines a/runs 1; s6-svc -p a; want a paused true; heard 2 > /dev/null",
    ),
    (
        "FINISH",
        "mk a 'echo run >> runs; exit 1'; fin a 'echo fin >> runs; while ! test -e end; do sleep 0.02; done'; ear a; sup a; lines a/runs 2; heard 3 > /dev/null",
    ),
    (
        "LASTUP",
        "watcher a; ear a; sup a; lines a/runs 1; s6-svc -x a; heard 2 > /dev/null",
    ),
];

/// What is looked at afterwards. A signal that leaves the status alone is waited for where it is to
/// be heard, before the service can end for other reasons. The end brings everything to its end in
/// any state. Once the supervisor is gone, all letters are in the FIFO: a newline of our own ends them.
const REST: &str = r#"
printf "$BYTE" > a/supervise/control
look() { s6-svstat -o up,wantedup,paused a 2> /dev/null || echo left; }
settled() { [ "$(look)" = "$1" ]; }
until_ok settled "$STATUS" || look
for signal in $AWAITED; do until_ok grep -q "$signal" a/heard; done
s6-svc -O a 2> /dev/null
# That it is obeyed shows that the byte before it is.
unwanted() { [ "$(s6-svstat -o wantedup a 2> /dev/null || echo false)" = false ]; }
until_ok unwanted
s6-svc -x a 2> /dev/null
touch a/end
s6-svc -c a 2> /dev/null
s6-svc -C a 2> /dev/null
until_ok gone $SUP
# Whoever told them has gone, so all of them are in the pipe.
echo >&7
read -r LETTERS <&7
HEARD=$(grep -v CONT a/heard 2> /dev/null | sort -u | tr '\n' ' ')
echo "$LETTERS | ${HEARD% } | $(test -e a/down && echo down)" | sed 's/ *$//'
"#;

/// The cases, from lines `STATE BYTE: status => letters | heard | down`.
fn read() -> Vec<Case> {
    let mut text = String::new();
    for line in MATRIX.lines().filter(|line| !line.starts_with('#')) {
        let (head, rest) = line.split_once(": ").unwrap();
        let (state, byte) = head.split_once(' ').unwrap();
        let (status, output) = rest.split_once(" => ").unwrap();
        let setup = STATES.iter().find(|(name, _)| *name == state).unwrap().1;
        let heard = output.split('|').nth(1).unwrap().trim();
        // One that is stopped hears nothing before it goes on.
        let awaited = if state == "STOPPED" { "" } else { heard };
        text += &format!(
            "== {state} by {byte} (A2.2)\n{setup}\nBYTE={byte} STATUS='{status}' AWAITED='{awaited}'{REST}> {output}\n"
        );
    }
    compare::read(&text)
}

/// How many there are.
pub(crate) fn count() -> usize {
    read().len()
}

fn run(subject: Subject, bytes: impl Fn(&str) -> bool) {
    let is_wanted = |case: &Case| {
        let byte = case.title.split_whitespace().nth(2);
        byte.is_some_and(&bytes)
    };
    let cases: Vec<Case> = read().into_iter().filter(is_wanted).collect();
    assert!(!cases.is_empty());
    S6.check(subject, &cases);
}

/// Bytes that s6 2.11 does not know.
fn is_new(byte: &str) -> bool {
    ["P", "C", "K", "l"].contains(&byte)
}

#[test]
fn s6_by_the_table() {
    run(Subject::Debian, |byte| !is_new(byte));
}

#[test]
fn ours_by_the_table() {
    run(Subject::Sixfold, |_| true);
}
