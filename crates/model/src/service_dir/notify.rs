//! Reads the two files of a service directory that s6 does not have: `notify` and `timeout-watchdog`.
//!
//! Never looks at what is announced; that is `protocol::notify`. Called from `service_dir`.

use super::file::Directory;
use crate::text::limit;
use crate::{Diagnostic, ServiceSpec};

const NOTIFY: &str = "notify";
const WATCHDOG: &str = "timeout-watchdog";

/// Reads into `spec` what the service announces on a socket. Whoever asks for a protocol that is not
/// spoken here would wait for a readiness that nobody hears: that is an error, and `has_run` is false
/// after it.
pub(super) fn read(spec: &mut ServiceSpec, files: &mut Directory<'_>) {
    if files.is_of_the_image(NOTIFY) {
        files.report(Diagnostic::warning(
            &files.path(NOTIFY),
            "no effect: it is a program or a directory, and no file that holds the word systemd",
            "rename it, so that it is not mistaken for one",
        ));
    } else {
        spec.notify = files.word(NOTIFY, "systemd");
        spec.has_run &= spec.notify || !files.has(NOTIFY);
    }
    let milliseconds = "a number of milliseconds in decimal digits";
    let watchdog = files
        .number(WATCHDOG, milliseconds, "no watchdog", |_| true)
        .and_then(limit);
    if watchdog.is_some() && !files.has(NOTIFY) {
        files.report(Diagnostic::warning(
            &files.path(WATCHDOG),
            "no effect: without a file notify there is no socket to say WATCHDOG=1 on",
            "write systemd to a file notify beside it, or remove it",
        ));
    }
    spec.watchdog = watchdog.filter(|_| spec.notify);
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::service_dir::read;
    use crate::service_dir::tests::{file, tree};
    use crate::tree::{Entry, Tree};

    fn web(entries: Vec<(&str, Entry)>) -> (ServiceSpec, Vec<String>) {
        let mut files = tree([("run", file(b"#!/bin/sh\n"))]);
        let entries = entries.into_iter();
        files
            .entries
            .extend(entries.map(|(name, entry)| (name.into(), entry)));
        let (spec, found) = read("web", Path::new("/s/web"), &files);
        let line = |it: &Diagnostic| format!("{:?}: {it}", it.severity);
        (spec, found.iter().map(line).collect())
    }

    #[test]
    fn systemd_is_the_word() {
        for content in [
            &b"systemd"[..],
            b"systemd\n",
            b"systemd \t\n",
            b"systemd\nmore",
        ] {
            let (spec, found) = web(vec![(NOTIFY, file(content))]);
            assert!(spec.has_run && spec.notify && spec.announces_readiness());
            assert_eq!((spec.watchdog, found), (None, vec![]));
        }
        let (spec, found) = web(vec![]);
        assert!(!spec.notify && !spec.announces_readiness());
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn another_word_is_an_error_and_nothing_is_started() {
        for (content, shown) in [
            (&b"sytemd\n"[..], "sytemd"),
            (b"", ""),
            (b"\nsystemd", ""),
            (b" systemd", " systemd"),
            (b"Systemd", "Systemd"),
            (b"s6", "s6"),
            (b"3\n", "3"),
        ] {
            let (spec, found) = web(vec![(NOTIFY, file(content)), (WATCHDOG, file(b"500"))]);
            assert!(!spec.has_run && !spec.notify, "{content:?}");
            assert_eq!(spec.watchdog, None);
            let error = format!(
                "Error: /s/web/notify:1: \"{shown}\" is not the word systemd (write the word systemd, \
                 or remove the file)"
            );
            assert_eq!(found, [error]);
        }
        let (spec, found) = web(vec![(NOTIFY, Entry::Dangling)]);
        assert!(!spec.has_run);
        assert_eq!(
            found,
            [
                "Error: /s/web/notify: it is a link that leads nowhere and must be a file (make it a \
                 file that holds the word systemd)"
            ]
        );
    }

    #[test]
    fn a_file_of_the_image_s_own_is_left_alone() {
        for entry in [
            file(b"#!/bin/sh\necho x\n"),
            file(b"\x7fELF\x02"),
            Entry::Dir(Tree::default()),
        ] {
            let (spec, found) = web(vec![(NOTIFY, entry)]);
            assert!(spec.has_run && !spec.notify);
            assert_eq!(
                found,
                [
                    "Warning: /s/web/notify: no effect: it is a program or a directory, and no file \
                     that holds the word systemd (rename it, so that it is not mistaken for one)"
                ]
            );
        }
    }

    #[test]
    fn a_watchdog_has_an_interval_and_a_socket() {
        let with =
            |content: &[u8]| web(vec![(NOTIFY, file(b"systemd")), (WATCHDOG, file(content))]);
        let (spec, found) = with(b"1500\n");
        assert_eq!(spec.watchdog, Some(Duration::from_millis(1500)));
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(with(b"0").0.watchdog, None);
        let (spec, found) = with(b"5s");
        assert!(spec.has_run && spec.watchdog.is_none());
        assert!(found[0].contains("\"5s\" is not a number of milliseconds"));
        assert!(found[0].contains("; no watchdog"));

        let (spec, found) = web(vec![(WATCHDOG, file(b"500"))]);
        assert!(spec.has_run && spec.watchdog.is_none());
        assert_eq!(
            found,
            [
                "Warning: /s/web/timeout-watchdog: no effect: without a file notify there is no socket \
                 to say WATCHDOG=1 on (write systemd to a file notify beside it, or remove it)"
            ]
        );
    }
}
