//! The commands that talk to a supervisor, or look at what it says (s6's `s6-sv*` and fifodir
//! commands).

mod ftrig;
mod instance;
mod link;
mod maker;
mod service;
mod svc;
mod svdt;
mod svperms;
mod svstat;
mod svwait;
mod waiting;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use sixfold_execline::Words;
use sixfold_execline::block::Args;
use sixfold_execline::strict::Strict;

use crate::applets::Applet;
use crate::options::number;

pub(crate) use instance::copy as copy_tree;

/// No such device or address: what opening a FIFO for writing gives when nobody reads it.
pub(crate) const ENXIO: i32 = 6;

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::compatible(svc::NAME, "give orders to a service's supervisor", svc::svc),
    Applet::compatible(svstat::NAME, "tell what a service is doing", svstat::svstat),
    Applet::compatible(
        svwait::SVWAIT,
        "wait until services are up, ready or down",
        svwait::svwait,
    ),
    Applet::compatible(
        svwait::SVLISTEN1,
        "start a program and wait for a service",
        svwait::svlisten1,
    ),
    Applet::compatible(
        svwait::SVLISTEN,
        "start a program and wait for services",
        svwait::svlisten,
    ),
    Applet::compatible(
        svdt::SVOK,
        "tell whether a service is supervised",
        svdt::svok,
    ),
    Applet::compatible(svdt::SVDT, "tell how a service died", svdt::svdt),
    Applet::compatible(
        svdt::SVDT_CLEAR,
        "forget how a service died",
        svdt::svdt_clear,
    ),
    Applet::compatible(
        link::SVLINK,
        "put a service into a scan directory",
        link::svlink,
    ),
    Applet::compatible(
        link::SVUNLINK,
        "take a service out of a scan directory",
        link::svunlink,
    ),
    Applet::compatible(
        svperms::NAME,
        "show or change who may control a service",
        svperms::svperms,
    ),
    Applet::compatible(ftrig::MKFIFODIR, "make a fifodir", ftrig::mkfifodir),
    Applet::compatible(
        ftrig::CLEANFIFODIR,
        "remove dead FIFOs from a fifodir",
        ftrig::cleanfifodir,
    ),
    Applet::compatible(ftrig::NOTIFY, "tell something in a fifodir", ftrig::notify),
    Applet::compatible(
        ftrig::WAIT,
        "wait for something told in a fifodir",
        ftrig::ftrig_wait,
    ),
    Applet::compatible(
        ftrig::LISTEN1,
        "start a program and wait for what is told",
        ftrig::ftrig_listen1,
    ),
    Applet::compatible(
        ftrig::LISTEN,
        "the same for many fifodirs",
        ftrig::ftrig_listen,
    ),
    Applet::compatible(
        instance::CONTROL,
        "s6-svc for an instance of a service",
        instance::control,
    ),
    Applet::compatible(
        instance::STATUS,
        "s6-svstat for an instance of a service",
        instance::status,
    ),
    Applet::compatible(
        maker::NAME,
        "make the service directory of a service with instances",
        maker::make,
    ),
    Applet::compatible(
        instance::CREATE,
        "make an instance of a service",
        instance::create,
    ),
    Applet::compatible(
        instance::DELETE,
        "remove an instance of a service",
        instance::delete,
    ),
    Applet::compatible(
        instance::LIST,
        "list the instances of a service",
        instance::list,
    ),
];

/// A time in milliseconds, of which 0 is without end; `None` if it is none. What does not fit into 32
/// bits is none for s6 either.
fn timeout(value: &OsStr) -> Option<Option<Duration>> {
    let timeout = Duration::from_millis(number::<u32>(value)?.into());
    Some(Some(timeout).filter(|timeout| !timeout.is_zero()))
}

/// The words of the block that `words` begin with, and what follows it; `None` if it does not end.
fn block(words: Vec<OsString>) -> Option<(Vec<OsString>, Vec<OsString>)> {
    use std::os::unix::ffi::OsStringExt;
    let words = words.into_iter().map(OsStringExt::into_vec).collect();
    let mut args = Args::new(words, Strict::Unset);
    let block = args.block("").ok()?;
    let of_system = |words: Words| words.into_iter().map(OsString::from_vec).collect();
    Some((of_system(block), of_system(args.finish().0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_with_an_empty_word() {
        let words = |text: &[&str]| text.iter().map(OsString::from).collect::<Vec<_>>();
        let (inside, rest) = block(words(&[" a", "  b", "", "prog", ""])).unwrap();
        assert_eq!(inside, words(&["a", " b"]));
        assert_eq!(rest, words(&["prog", ""]));
        let (inside, rest) = block(words(&["a", ""])).unwrap();
        assert_eq!((inside, rest), (words(&["a"]), vec![]));
        assert!(block(words(&["a", "b"])).is_none());
    }

    #[test]
    fn no_time_is_without_end() {
        assert_eq!(timeout(OsStr::new("0")), Some(None));
        assert_eq!(
            timeout(OsStr::new("15")),
            Some(Some(Duration::from_millis(15)))
        );
        assert_eq!(timeout(OsStr::new("1s")), None);
        assert_eq!(timeout(OsStr::new("4294967296")), None);
    }
}
