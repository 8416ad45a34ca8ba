//! What strace(1) wrote, as numbers: how often each system call was made by the process that was
//! traced, and by its children before they became other programs. Pure; [`crate::Trace`] feeds it.
//!
//! A call counts when it returns. One that a process waits in has not returned, so what is counted
//! up to the moment at which a supervisor waits does not depend on how long it waits.

use std::collections::BTreeMap;

/// How often each system call was made, by its name.
pub type Tally = BTreeMap<String, i64>;

/// The calls of a traced process and of its children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Of the process itself.
    pub own: Tally,
    /// Of its children, each until its execve(2) succeeds. Children of children are taken for
    /// children: what is traced must not start processes of its own.
    pub children: Tally,
}

impl Calls {
    /// What was added since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            own: difference(&self.own, &before.own),
            children: difference(&self.children, &before.children),
        }
    }
}

/// `left` minus `right`, by name; names whose difference is zero are left out.
pub fn difference(left: &Tally, right: &Tally) -> Tally {
    let mut difference = left.clone();
    for (name, count) in right {
        *difference.entry(name.clone()).or_default() -= count;
    }
    difference.retain(|_, count| *count != 0);
    difference
}

/// Reads the output of `strace --follow-forks --output`, in pieces of any size.
#[derive(Debug)]
pub struct Reader {
    /// The process whose own calls count.
    traced: i32,
    calls: Calls,
    /// The call in which a process is, where strace has told of its beginning only.
    begun: BTreeMap<i32, String>,
    /// Whether a process is another program by now.
    executed: BTreeMap<i32, bool>,
    has_ended: bool,
    /// What came after the last newline.
    rest: String,
}

impl Reader {
    /// A reader that has read nothing, of what is told of `traced` and its children.
    pub fn new(traced: i32) -> Self {
        Self {
            traced,
            calls: Calls::default(),
            begun: BTreeMap::new(),
            executed: BTreeMap::new(),
            has_ended: false,
            rest: String::new(),
        }
    }

    /// Takes in what strace has written since the last time.
    pub fn feed(&mut self, text: &str) {
        self.rest.push_str(text);
        let whole = std::mem::take(&mut self.rest);
        let (lines, rest) = match whole.rfind('\n') {
            Some(at) => whole.split_at(at + 1),
            None => ("", whole.as_str()),
        };
        for line in lines.lines() {
            self.line(line);
        }
        rest.clone_into(&mut self.rest);
    }

    /// The calls that have returned.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The call that the traced process is in, if it is in one.
    pub fn inside(&self) -> Option<&str> {
        if let Some((pid, text)) = split(&self.rest)
            && pid == self.traced
            && let Some((name, _)) = text.split_once('(')
        {
            return Some(name);
        }
        self.begun.get(&self.traced).map(String::as_str)
    }

    /// Whether the traced process has ended.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn line(&mut self, line: &str) {
        let Some((pid, text)) = split(line) else {
            return;
        };
        if text.starts_with("+++") {
            self.begun.remove(&pid);
            self.executed.remove(&pid);
            self.has_ended |= pid == self.traced;
        } else if text.starts_with("---") {
            // A signal.
        } else if let Some(resumed) = text.strip_prefix("<... ") {
            if let Some(name) = self.begun.remove(&pid) {
                self.returned(pid, &name, result(resumed));
            }
        } else if let Some((name, _)) = text.split_once('(') {
            if text.ends_with("<unfinished ...>") {
                self.begun.insert(pid, name.to_owned());
            } else {
                self.returned(pid, name, result(text));
            }
        }
    }

    fn returned(&mut self, pid: i32, name: &str, result: &str) {
        let is_executed = name == "execve" && !result.starts_with('-');
        if pid == self.traced {
            if is_executed {
                // What it did as another program is no concern of ours.
                self.calls.own.clear();
            } else {
                *self.calls.own.entry(name.to_owned()).or_default() += 1;
            }
            return;
        }
        let executed = self.executed.entry(pid).or_default();
        *executed |= is_executed;
        if !*executed {
            *self.calls.children.entry(name.to_owned()).or_default() += 1;
        }
    }
}

/// `PID TEXT`, with blanks between them.
fn split(line: &str) -> Option<(i32, &str)> {
    let (pid, text) = line.split_once(' ')?;
    Some((pid.parse().ok()?, text.trim_start()))
}

/// What stands behind the last ` = `.
fn result(text: &str) -> &str {
    text.rsplit_once(" = ")
        .map_or("", |(_, result)| result.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &str = "\
7 read(0x0, 0x7ffd, 0x1) = 0x1
7 execve(0x55, 0x56, 0x57) = 0
7 brk(NULL) = 0x5555
7 openat(0xffffff9c, 0x55, 0x80000) = -1 ENOENT (No such file or directory)
7 clone(0x1200011, 0) = 2
8 set_robust_list(0x7f, 0x18 <unfinished ...>
7 read(0x4,  <unfinished ...>
8 <... set_robust_list resumed>) = 0
8 execve(0x55, 0x56, 0x57) = -1 ENOENT (No such file or directory)
8 execve(0x58, 0x56, 0x57 <unfinished ...>
7 <... read resumed>0x7ffd, 0x8) = 0
8 <... execve resumed>) = 0
8 brk(NULL) = 0x6666
7 epoll_wait(0x3, <unfinished ...>
7 <... epoll_wait resumed>0x7f, 0x400, 0xffffffff) = -1 EINTR (Interrupted system call)
7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
8 +++ exited with 0 +++
7 epoll_wait(0x3, ";

    fn tally(counts: &[(&str, i64)]) -> Tally {
        let pairs = counts.iter();
        pairs
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    fn read(pieces: &[&str]) -> Reader {
        let mut reader = Reader::new(7);
        for piece in pieces {
            reader.feed(piece);
        }
        reader
    }

    #[test]
    fn own_calls_and_those_of_children_before_they_are_programs() {
        let reader = read(&[BOOT]);
        let own = [
            ("brk", 1),
            ("openat", 1),
            ("clone", 1),
            ("read", 1),
            ("epoll_wait", 1),
        ];
        assert_eq!(reader.calls().own, tally(&own));
        let children = [("set_robust_list", 1), ("execve", 1)];
        assert_eq!(reader.calls().children, tally(&children));
        assert_eq!(reader.inside(), Some("epoll_wait"));
        assert!(!reader.has_ended());
    }

    #[test]
    fn pieces_of_any_size_say_the_same() {
        let whole = read(&[BOOT]);
        for at in 0..BOOT.len() {
            let (first, second) = BOOT.split_at(at);
            let reader = read(&[first, second]);
            assert_eq!(reader.calls(), whole.calls(), "cut at {at}");
            assert_eq!(reader.inside(), whole.inside(), "cut at {at}");
        }
    }

    #[test]
    fn process_is_inside_a_call_until_it_returns_whoever_else_is_told_of() {
        let mut reader = read(&["7 epoll_wait(0x3, <unfinished ...>\n8 brk(NULL) = 0x6\n"]);
        assert_eq!(reader.inside(), Some("epoll_wait"));
        reader.feed("8 read(0x0, ");
        assert_eq!(reader.inside(), Some("epoll_wait"));
        reader.feed(" <unfinished ...>\n7 <... epoll_wait resumed>0x7f) = 0x1\n");
        assert_eq!(reader.inside(), None);
        reader.feed("7 +++ exited with 0 +++\n");
        assert!(reader.has_ended());
    }

    #[test]
    fn a_call_without_a_result_counts_and_a_number_given_again_is_a_new_process() {
        let reader = read(&["8 execve(0x1, 0x2, 0x3) = 0\n8 exit_group(0) = ?\n\
             8 +++ exited with 0 +++\n8 setsid() = 8\n7 exit_group(0) = ?\n"]);
        assert_eq!(reader.calls().children, tally(&[("setsid", 1)]));
        assert_eq!(reader.calls().own, tally(&[("exit_group", 1)]));
    }

    #[test]
    fn difference_leaves_out_what_is_equal() {
        let before = Calls {
            own: tally(&[("read", 2), ("brk", 1)]),
            children: tally(&[("setsid", 1)]),
        };
        let after = Calls {
            own: tally(&[("read", 5), ("brk", 1)]),
            children: tally(&[("setsid", 1)]),
        };
        let added = after.since(&before);
        assert_eq!(added.own, tally(&[("read", 3)]));
        assert!(added.children.is_empty());
        let gone = difference(&before.own, &after.own);
        assert_eq!(gone, tally(&[("read", -3)]));
    }
}
