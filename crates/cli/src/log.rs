//! The commands that take, stamp and keep logs.

mod clock;
mod command;
mod filter;
mod logutil;
mod outputs;
mod session;
mod socklog;
mod tai64n;
mod ucspilogd;
mod watch;

use crate::applets::Applet;

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::compatible(
        command::NAME,
        "keep a log: select, stamp and write lines, begin new files",
        command::log,
    ),
    Applet::compatible(
        tai64n::TAI64N,
        "put a TAI64N label before each line",
        tai64n::tai64n,
    ),
    Applet::compatible(
        tai64n::TAI64NLOCAL,
        "make local time of the TAI64N labels of lines",
        tai64n::tai64nlocal,
    ),
    Applet::compatible(
        ucspilogd::NAME,
        "put lines of syslog into words",
        ucspilogd::ucspilogd,
    ),
    Applet::compatible(
        socklog::NAME,
        "write what programs send to /dev/log",
        socklog::socklog,
    ),
    Applet::compatible(
        logutil::SERVICE,
        "be the logger of a service, as nobody",
        logutil::service,
    ),
    Applet::compatible(logutil::MAIN, "the same without a FIFO", logutil::main),
    Applet::compatible(
        logutil::NEWFIFO,
        "make a FIFO for a logger",
        logutil::newfifo,
    ),
    Applet::compatible(
        watch::NAME,
        "write what comes into a log directory",
        watch::logwatch,
    ),
];
