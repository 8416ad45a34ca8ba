//! Descriptors by number, which belong to the whole process.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use sixfold_sys::fds;

use crate::{Test, read_all};

pub(crate) const TESTS: &[Test] = &[
    ("fds_are_opened_where_closed", ensure_std),
    ("fds_are_marked_close_on_exec", close_others),
    ("fds_stdout_is_replaced", replace),
    ("fds_are_counted", count),
];

fn ensure_std() {
    nix::unistd::close(0).unwrap();
    nix::unistd::close(1).unwrap();
    assert!(!fds::is_open(0) && !fds::is_open(1) && fds::is_open(2));
    let errors = std::fs::read_link("/proc/self/fd/2").unwrap();
    fds::ensure_std().unwrap();
    for fd in [0, 1] {
        let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        assert_eq!(path.to_str(), Some("/dev/null"));
    }
    assert_eq!(
        std::fs::read_link("/proc/self/fd/2").unwrap(),
        errors,
        "open ones are left alone"
    );
    assert_eq!(fds::write_fd(1, b"into nothing").unwrap(), 12);
}

fn close_others() {
    let file = File::open("/dev/null").unwrap();
    let flags = |fd: &File| fcntl(fd.as_fd(), FcntlArg::F_GETFD).unwrap();
    fcntl(file.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    assert_eq!(flags(&file), 0);
    fds::close_others_on_exec();
    assert_eq!(flags(&file), FdFlag::FD_CLOEXEC.bits());
    let errors = fcntl(std::io::stderr(), FcntlArg::F_GETFD).unwrap();
    assert_eq!(
        errors & FdFlag::FD_CLOEXEC.bits(),
        0,
        "the standard streams are kept"
    );
}

fn replace() {
    let (reader, writer) = fds::pipe().unwrap();
    fds::replace(1, writer).unwrap();
    assert_eq!(
        fcntl(std::io::stdout(), FcntlArg::F_GETFD).unwrap(),
        0,
        "children inherit it"
    );
    assert_eq!(fds::write_fd(1, b"through").unwrap(), 7);
    let console = fds::console(1).unwrap();
    assert!(console.as_raw_fd() > 2);
    assert_eq!(console.write(b" and through").unwrap(), 12);
    drop(console);
    fds::replace(
        1,
        File::options()
            .write(true)
            .open("/dev/null")
            .unwrap()
            .into(),
    )
    .unwrap();
    assert_eq!(read_all(reader), "through and through");
}

fn count() {
    let before = fds::count_open();
    let pipe = fds::pipe().unwrap();
    assert_eq!(fds::count_open(), before + 2);
    drop(pipe);
    assert_eq!(fds::count_open(), before);
}
