//! Whether somebody who speaks on a service's socket belongs to the service.
//!
//! The socket is open to every user, as a service may have dropped its privileges, so only the kernel's
//! word on who sent a datagram counts. What that word is worth: the process is looked up after it has
//! sent, and may be gone by then, as `systemd-notify` is; its parent may be gone, and it an orphan of
//! PID 1 like any other; and a number can belong to another process by now, though numbers are given out
//! in turn. A process that can be looked up is judged by its parents and its session. One that cannot
//! be is believed if it had the user of the service, or root's: who has that can do worse to the service
//! than to speak for it.

use std::collections::HashSet;

use sixfold_sys::notify::Sender;
use sixfold_sys::process::{self, Kin};

/// More ancestors than this are not looked at: no service has them.
const MOST: usize = 256;

/// How a process belongs to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belonging {
    /// It is the service's process, or descends from it.
    Own,
    /// That cannot be told any more: it is gone, or was left behind by a parent that is.
    Lost,
    /// It belongs to something else.
    Stranger,
}

/// What is known of the service whose process is `pid`.
pub(super) struct Service<'a> {
    /// Its process, the leader of its session.
    pub(super) pid: i32,
    /// The user of that process, as last seen.
    pub(super) user: u32,
    /// The processes that we have started for something.
    pub(super) owned: &'a HashSet<i32>,
}

impl Service<'_> {
    /// Whether what `sender` says is said by the service.
    pub(super) fn is_spoken_for_by(&self, sender: Sender) -> bool {
        match self.belonging(sender.pid) {
            Belonging::Own => true,
            Belonging::Lost => sender.uid == 0 || sender.uid == self.user,
            Belonging::Stranger => false,
        }
    }

    /// How the process `pid` belongs to the service, as far as `/proc` tells now.
    pub(super) fn belonging(&self, pid: i32) -> Belonging {
        self.belonging_by(pid, process::own_pid(), process::kin)
    }

    fn belonging_by(&self, pid: i32, own: i32, kin: impl Fn(i32) -> Option<Kin>) -> Belonging {
        let mut next = pid;
        for _ in 0..MOST {
            if next == self.pid {
                return Belonging::Own;
            }
            // We ourselves, or somebody outside of the pid namespace.
            if next == own || next <= 0 {
                return Belonging::Stranger;
            }
            let Some(kin) = kin(next) else {
                return Belonging::Lost;
            };
            if kin.session == self.pid {
                return Belonging::Own;
            }
            if kin.parent == own && !self.owned.contains(&next) {
                return Belonging::Lost;
            }
            next = kin.parent;
        }
        Belonging::Stranger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// We are 1; the service is 10, another one is 20.
    const PROCESSES: [(i32, i32, i32); 10] = [
        (10, 1, 10),
        (11, 10, 10),
        (12, 11, 12),
        (13, 1, 10),
        (14, 1, 14),
        (15, 14, 14),
        (16, 99, 16),
        (20, 1, 20),
        (21, 20, 21),
        (30, 0, 30),
    ];

    fn of_service<T>(ask: impl Fn(&Service<'_>) -> T) -> T {
        ask(&Service {
            pid: 10,
            user: 5,
            owned: &HashSet::from([10, 20]),
        })
    }

    fn kin(pid: i32) -> Option<Kin> {
        let mut all = PROCESSES.iter();
        let (_, parent, session) = all.find(|(known, ..)| *known == pid)?;
        Some(Kin {
            parent: *parent,
            session: *session,
        })
    }

    #[test]
    fn parents_and_sessions_tell_who_belongs() {
        for (pid, belonging, why) in [
            (10, Belonging::Own, "it is the service"),
            (11, Belonging::Own, "a child"),
            (12, Belonging::Own, "a grandchild in a session of its own"),
            (13, Belonging::Own, "an orphan in the session"),
            (14, Belonging::Lost, "an orphan in a session of its own"),
            (15, Belonging::Lost, "a child of that"),
            (16, Belonging::Lost, "its parent is gone"),
            (99, Belonging::Lost, "it is gone"),
            (20, Belonging::Stranger, "another service"),
            (21, Belonging::Stranger, "a child of that"),
            (30, Belonging::Stranger, "it came from outside"),
            (1, Belonging::Stranger, "that is us"),
            (0, Belonging::Stranger, "it is outside"),
            (-1, Belonging::Stranger, "no process has that number"),
        ] {
            let found = of_service(|it| it.belonging_by(pid, 1, kin));
            assert_eq!(found, belonging, "{why}");
        }
    }

    #[test]
    fn parents_that_go_round_come_to_an_end() {
        let round = |pid| {
            Some(Kin {
                parent: 100 + (pid + 1) % 7,
                session: 3,
            })
        };
        let found = of_service(|it| it.belonging_by(100, 1, round));
        assert_eq!(found, Belonging::Stranger);
    }

    #[test]
    fn the_gone_are_believed_if_they_had_the_user() {
        let gone = |uid| Sender { pid: i32::MAX, uid };
        let outside = Sender { pid: 0, uid: 0 };
        for (sender, is_believed) in [
            (gone(5), true),
            (gone(0), true),
            (gone(6), false),
            (outside, false),
        ] {
            assert_eq!(of_service(|it| it.is_spoken_for_by(sender)), is_believed);
        }
    }
}
