//! Requests and replies over a socket that the test itself listens at.

use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use super::*;

/// A live directory, and what listens in its scan directory.
fn listening() -> (tempfile::TempDir, UnixListener) {
    let dir = tempfile::tempdir().unwrap();
    let scandir = dir.path().join(RC_SCANDIR);
    let socket = scandir.join(REQUESTS);
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    (dir, listener)
}

fn soon() -> Deadline {
    Deadline::after(Some(Duration::from_millis(10)))
}

#[test]
fn a_request_brings_streams_and_replies_come_in_pieces() {
    let (dir, listener) = listening();
    let mut live = Live::connect(dir.path()).unwrap();
    let (mut theirs, _) = listener.accept().unwrap();
    live.ask(&Request::Abort, true).unwrap();
    let mut buffer = [0; 256];
    let (count, streams) = passing::receive(&theirs, &mut buffer).unwrap();
    assert_eq!(&buffer[..count], b"{\"request\":\"abort\"}\n");
    assert_eq!(streams.len(), 3);

    assert_eq!(live.hear(None, soon()).unwrap(), Heard::TimedOut);
    let end = r#"{"reply":"ended","outcome":{"outcome":"done"}}"#;
    let kept = r#"{"reply":"kept","service":"x"}"#;
    theirs.write_all(&kept.as_bytes()[..9]).unwrap();
    assert_eq!(live.hear(None, soon()).unwrap(), Heard::TimedOut);
    theirs.write_all(&kept.as_bytes()[9..]).unwrap();
    write!(theirs, "\n{end}\n{end}\n").unwrap();
    let replies: Vec<Reply> = live.replies().map(Result::unwrap).collect();
    let service = "x".to_owned();
    let outcome = Outcome::Done;
    assert_eq!(replies, [Reply::Kept { service }, Reply::Ended { outcome }]);
}

#[test]
fn what_is_no_reply_ends_them() {
    let (dir, listener) = listening();
    let mut live = Live::connect(dir.path()).unwrap();
    let (mut theirs, _) = listener.accept().unwrap();
    theirs.write_all(b"{\"reply\":\"later\"}\n").unwrap();
    let mut replies = live.replies();
    assert!(matches!(replies.next(), Some(Err(LiveError::Garbage(_)))));
    assert!(replies.next().is_none());
}

#[test]
fn who_goes_away_is_told_from_who_was_never_there() {
    let (dir, listener) = listening();
    let mut live = Live::connect(dir.path()).unwrap();
    drop(listener.accept().unwrap());
    assert!(matches!(live.replies().next(), Some(Err(LiveError::Gone))));
    drop(listener);
    let error = Live::connect(dir.path()).unwrap_err().to_string();
    let socket = dir.path().join("scandir/.s6-svscan/requests");
    let begin = format!(
        "unable to take locks: nobody listens at {}: Connection refused (",
        socket.display()
    );
    assert!(error.starts_with(&begin), "{error}");
    let error = Live::connect(&dir.path().join("none")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unable to take locks: No such file or directory"
    );
}

#[test]
fn the_address_may_be_longer_than_sockets_allow() {
    let (dir, listener) = listening();
    let deep = dir.path().join("x".repeat(120));
    std::os::unix::fs::symlink(dir.path(), &deep).unwrap();
    Live::connect(&deep).unwrap();
    listener.accept().unwrap();
}

#[test]
fn another_descriptor_is_heard_of_first() {
    let (dir, listener) = listening();
    let mut live = Live::connect(dir.path()).unwrap();
    let (mut theirs, _) = listener.accept().unwrap();
    theirs
        .write_all(b"{\"reply\":\"kept\",\"service\":\"x\"}\n")
        .unwrap();
    let (ready, writer) = sixfold_sys::fds::pipe().unwrap();
    sixfold_sys::fds::write(&writer, b"x").unwrap();
    assert_eq!(
        live.hear(Some(ready.as_fd()), soon()).unwrap(),
        Heard::Other
    );
}
