//! Users and groups as `/etc/passwd` and `/etc/group` have them.
//!
//! The C library is never asked: in a static program its lookup follows `nsswitch.conf` and either
//! finds nothing or loads the image's shared libraries into PID 1. Lines that make no sense, and
//! the `+` and `-` lines of NIS, are skipped, as the C library does. Of two entries with one name
//! the first counts. Called from the boot stages and the applets that change user.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the users and groups could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UsersError {
    /// The file exists and cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A line of `/etc/passwd` (passwd(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The id of the primary group.
    pub gid: u32,
    /// The home directory; may be empty.
    pub home: String,
    /// The login shell; may be empty.
    pub shell: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// The users and groups of one root file system, as they were when it was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Database {
    users: Vec<User>,
    groups: Vec<Group>,
}

impl Database {
    /// Reads `etc/passwd` and `etc/group` below `root` (normally `/`). A missing file is an empty
    /// one: images built from scratch have neither.
    ///
    /// # Errors
    /// [`UsersError::Read`] when a file is there and cannot be read.
    pub fn load(root: &Path) -> Result<Self, UsersError> {
        let passwd = read_or_empty(&root.join("etc/passwd"))?;
        let group = read_or_empty(&root.join("etc/group"))?;
        Ok(Self::from_bytes(&passwd, &group))
    }

    /// The same from the contents of the two files.
    #[must_use]
    pub fn from_bytes(passwd: &[u8], group: &[u8]) -> Self {
        Self {
            users: lines(passwd).filter_map(parse_user).collect(),
            groups: lines(group).filter_map(parse_group).collect(),
        }
    }

    /// The user of that name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<User> {
        self.users.iter().find(|user| user.name == name).cloned()
    }

    /// The first user with that id.
    #[must_use]
    pub fn user_by_id(&self, uid: u32) -> Option<User> {
        self.users.iter().find(|user| user.uid == uid).cloned()
    }

    /// The id of the group of that name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<u32> {
        self.groups
            .iter()
            .find(|group| group.name == name)
            .map(|group| group.gid)
    }

    /// The name of the first group with that id.
    #[must_use]
    pub fn group_by_id(&self, gid: u32) -> Option<String> {
        self.groups
            .iter()
            .find(|group| group.gid == gid)
            .map(|group| group.name.clone())
    }

    /// The groups that list that name as a member, in the order of the file, each once. Without the
    /// primary group, unless that lists the name too.
    #[must_use]
    pub fn memberships_of(&self, name: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        for group in &self.groups {
            if group.members.iter().any(|member| member == name) && !ids.contains(&group.gid) {
                ids.push(group.gid);
            }
        }
        ids
    }

    /// The groups that the user of that name is in: the primary one first, if there is such a user,
    /// then those that list the name, in the order of the file, each once.
    #[must_use]
    pub fn groups_of(&self, name: &str) -> Vec<u32> {
        let mut ids: Vec<u32> = self.user(name).map(|user| user.gid).into_iter().collect();
        for group in &self.groups {
            if group.members.iter().any(|member| member == name) && !ids.contains(&group.gid) {
                ids.push(group.gid);
            }
        }
        ids
    }
}

fn read_or_empty(path: &Path) -> Result<Vec<u8>, UsersError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Vec::new())
        }
        Err(source) => Err(UsersError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        (!line.starts_with(['#', '+', '-', ':']) && !line.is_empty()).then_some(line)
    })
}

fn parse_user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let (uid, gid) = (parse_id(fields.next()?)?, parse_id(fields.next()?)?);
    let _comment = fields.next();
    let home = fields.next().unwrap_or_default().to_owned();
    let shell = fields.next().unwrap_or_default().to_owned();
    Some(User {
        name: name.to_owned(),
        uid,
        gid,
        home,
        shell,
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let gid = parse_id(fields.next()?)?;
    let members = fields.next().unwrap_or_default().split(',').map(str::trim);
    let members = members
        .filter(|member| !member.is_empty())
        .map(str::to_owned)
        .collect();
    Some(Group {
        name: name.to_owned(),
        gid,
        members,
    })
}

/// Decimal digits only; the largest number means "no id" to the kernel.
fn parse_id(text: &str) -> Option<u32> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|id| *id != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n\
        # comment:x:1:1::/:\n\
        +@netgroup::::::\n+::::::\n-bad:x:9:9::/:\n\
        www:x:33:33\n\
        caf\xe9:x:50:50::/:\n\
        :x:51:51::/:\n\
        nouid:x::7::/:\n\
        minus:x:-1:7::/:\n\
        plus:x:+5:7::/:\n\
        huge:x:4294967295:7::/:\n\
        huger:x:99999999999:7::/:\n\
        short:x:5\n\
        root:x:1:1:second:/:/bin/sh\n\
        crlf:x:60:61:c:/home/crlf:/bin/sh\r\n\
        app:x:1000:1001:An App,,,:/home/app:/bin/sh";

    const GROUP: &[u8] = b"root:x:0:\n\
        www:x:33:app, root\n\
        broken\nworse:x:\n+:::\n\
        app:x:1001:app\n\
        audio:x:29:pulse,app\n\
        audio2:x:29:app\n\
        nomembers:x:77";

    fn database() -> Database {
        Database::from_bytes(PASSWD, GROUP)
    }

    #[test]
    fn good_lines_are_found_and_the_first_counts() {
        let root = database().user("root").unwrap();
        assert_eq!((root.uid, root.gid, root.home.as_str()), (0, 0, "/root"));
        assert_eq!(root.shell, "/bin/bash");
        let www = database().user("www").unwrap();
        assert_eq!((www.uid, www.gid, www.home.as_str()), (33, 33, ""));
        assert_eq!(database().user("crlf").unwrap().shell, "/bin/sh");
        assert_eq!(database().user_by_id(1000).unwrap().name, "app");
        assert_eq!(database().group("audio"), Some(29));
        assert_eq!(database().group("nomembers"), Some(77));
    }

    #[test]
    fn lines_that_make_no_sense_are_skipped() {
        let names: Vec<String> = database().users.into_iter().map(|user| user.name).collect();
        assert_eq!(names, ["root", "www", "root", "crlf", "app"]);
        for name in ["broken", "worse", "+", ""] {
            assert_eq!(database().group(name), None);
        }
        assert_eq!(database().user_by_id(u32::MAX), None);
    }

    #[test]
    fn groups_start_with_the_primary_one_and_come_once() {
        assert_eq!(database().groups_of("app"), [1001, 33, 29]);
        assert_eq!(database().groups_of("root"), [0, 33]);
        assert_eq!(
            database().groups_of("pulse"),
            [29],
            "a member without a passwd line"
        );
        assert!(database().groups_of("nobody-here").is_empty());
    }

    #[test]
    fn files_are_read_below_the_root_and_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Database::load(dir.path()).unwrap(), Database::default());
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/passwd"), PASSWD).unwrap();
        assert_eq!(Database::load(dir.path()).unwrap().users, database().users);
        std::fs::create_dir(dir.path().join("etc/group")).unwrap();
        let error = Database::load(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with("etc/group"), "{error}");
    }
}
