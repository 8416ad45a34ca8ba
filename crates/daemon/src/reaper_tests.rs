//! Real orphans. They come to a child subreaper, so each test runs once more in a process of its
//! own: this one has the children of other tests.

use std::io::Read as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::*;
use crate::subscriber::Format;
use crate::world::tests::plain;

const DEADLINE: Duration = Duration::from_secs(30);
/// Names the test that a process is for.
const ROLE: &str = "SIXFOLD_TEST_IN_OWN_PROCESS";

/// Whether this process is there for the test `name` alone, and a subreaper. Elsewhere, it starts
/// such a process and waits for its success.
fn in_own_process(name: &str) -> bool {
    let test = format!("reaper::tests::{name}");
    if std::env::var_os(ROLE).is_some_and(|role| role == *test) {
        process::become_subreaper().unwrap();
        return true;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env(ROLE, &test)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let has_run = output.status.success() && out.contains("1 passed");
    assert!(has_run, "{}\n{out}\n{err}", output.status);
    false
}

/// Waits until `condition` holds, looking anew at each death of a child.
async fn until(deaths: &mut Signal, mut condition: impl FnMut() -> bool) {
    tokio::time::timeout(DEADLINE, async {
        while !condition() {
            deaths.recv().await.unwrap();
        }
    })
    .await
    .expect("it happened in time");
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap()
}

/// A child with an owner that has ended with code 7, and whose owner has not looked yet.
async fn dead_child(deaths: &mut Signal) -> Child {
    let mut command = Command::new("/bin/sh");
    let child = command.args(["-c", "exit 7"]).spawn().unwrap();
    let own = pid(&child);
    until(deaths, || wait::peek().unwrap() == Peek::Child(own)).await;
    child
}

/// Orphans of ours that live until the other value is dropped, and then end all at once.
fn orphans(count: usize) -> (HashSet<i32>, ChildStdin) {
    let script = format!(
        "exec 3<&0; n=0; while [ $n -lt {count} ]; do (read line <&3) & echo $!; n=$((n+1)); done"
    );
    let mut shell = Command::new("/bin/sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let life = shell.stdin.take().unwrap();
    let mut text = String::new();
    // The orphans hold this pipe too: its end would never come.
    let mut stdout = shell.stdout.take().unwrap();
    while text.lines().count() < count || !text.ends_with('\n') {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        text.push(char::from(byte[0]));
    }
    assert!(shell.wait().unwrap().success());
    let pids = text.lines().map(|line| line.parse().unwrap()).collect();
    (pids, life)
}

async fn until_all_are_zombies(deaths: &mut Signal, orphans: &HashSet<i32>) {
    until(deaths, || {
        let zombies = process::zombies_of_self().unwrap();
        orphans.iter().all(|pid| zombies.contains(pid))
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn orphans_are_reaped_from_behind_an_owned_child() {
    if !in_own_process("orphans_are_reaped_from_behind_an_owned_child") {
        return;
    }
    let mut deaths = signal(SignalKind::child()).unwrap();
    let mut child = dead_child(&mut deaths).await;
    let owned = HashSet::from([pid(&child)]);
    let (pids, life) = orphans(3);
    drop(life);
    until_all_are_zombies(&mut deaths, &pids).await;

    let mut has_proc = true;
    assert_eq!(reap_front(&owned), (0, Head::Owned(pid(&child))));
    assert_eq!(reap_behind(&owned, 2, &mut has_proc), 2);
    assert_eq!(reap_front(&owned), (0, Head::Owned(pid(&child))));
    assert_eq!(reap_behind(&owned, 2, &mut has_proc), 1);
    assert_eq!(reap_behind(&owned, 2, &mut has_proc), 0);
    assert!(has_proc);
    assert_eq!(process::zombies_of_self().unwrap(), [pid(&child)]);
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(reap_front(&owned), (0, Head::Clear), "nobody is left");
}

#[tokio::test(flavor = "current_thread")]
async fn without_proc_nothing_behind_is_touched() {
    if !in_own_process("without_proc_nothing_behind_is_touched") {
        return;
    }
    let mut deaths = signal(SignalKind::child()).unwrap();
    let mut child = dead_child(&mut deaths).await;
    let owned = HashSet::from([pid(&child)]);
    let (pids, life) = orphans(1);
    drop(life);
    until_all_are_zombies(&mut deaths, &pids).await;
    assert_eq!(reap_behind(&owned, BATCH, &mut false), 0);
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(reap_front(&HashSet::new()), (1, Head::Clear));
}

#[tokio::test(flavor = "current_thread")]
async fn the_task_reaps_more_than_a_turn_takes_and_leaves_the_owned_alone() {
    if !in_own_process("the_task_reaps_more_than_a_turn_takes_and_leaves_the_owned_alone") {
        return;
    }
    const MANY: usize = BATCH + 44;
    let mut deaths = signal(SignalKind::child()).unwrap();
    let mut child = dead_child(&mut deaths).await;
    let world = Rc::new(plain(Format::Text));
    world.owned.borrow_mut().insert(pid(&child));
    let (pids, life) = orphans(MANY);
    drop(life);
    until_all_are_zombies(&mut deaths, &pids).await;
    // No news of a death is left to wake the task once more.
    let deaths = signal(SignalKind::child()).unwrap();
    let local = LocalSet::new();
    let (news, mut reaped) = mpsc::unbounded_channel();
    local.spawn_local(serve(Rc::clone(&world), deaths, news));
    let counted = local.run_until(async {
        let mut total = 0;
        while total < MANY {
            let count = reaped.recv().await.unwrap();
            assert!(count <= BATCH, "{count} in one turn");
            total += count;
        }
        total
    });
    let total = tokio::time::timeout(DEADLINE, counted).await;
    assert_eq!(total.expect("all were reaped in time"), MANY);
    assert_eq!(process::zombies_of_self().unwrap(), [pid(&child)]);
    assert_eq!(child.wait().unwrap().code(), Some(7));
}
