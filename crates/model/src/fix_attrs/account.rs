//! The account field of a fix-attrs line, and who it is on this system.
//!
//! Never reads `/etc/passwd` or `/etc/group`: the caller answers for them through [`Accounts`].
//! Called from `fix_attrs` to read, from the daemon to resolve.

use crate::text::decimal;

/// The users and groups of the system, by name.
pub trait Accounts {
    /// The user's id and primary group's id.
    fn user(&self, name: &str) -> Option<(u32, u32)>;
    /// The group's id.
    fn group(&self, name: &str) -> Option<u32>;
}

/// Why an account has no ids: a name that is not known, and no fallback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No user of that name.
    #[error("unknown user: {0}")]
    UnknownUser(String),
    /// No group of that name.
    #[error("unknown group: {0}")]
    UnknownGroup(String),
}

/// An owner and group, as a fix-attrs line writes them: `USER` or `USER:GROUP`, and after a comma,
/// as a fallback for what is not known on this system, `UID:GID`.
///
/// The semantics are those of `s6-envuidgid -nB`. Without a colon, `USER` is a name only, even
/// when it looks like a number, and stands for the user and its primary group. With one, each side
/// is a number or a name; an empty side, and each side that is not known, is the fallback's, or 0
/// for an empty one without fallback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    primary: Primary,
    fallback: Option<(u32, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Primary {
    /// A user's name.
    User(String),
    /// Both sides of a colon.
    Pair { user: Side, group: Side },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Side {
    Empty,
    Number(u32),
    Name(String),
}

impl Account {
    /// Reads an account field; `None` when it is not UTF-8 or empty, when the user or group has a
    /// colon in it, or when the fallback is not two numbers. Ids go up to 4294967294: the next one
    /// means "leave it" to chown(2).
    pub fn parse(field: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(field).ok()?;
        let (primary, fallback) = match text.split_once(',') {
            Some((primary, fallback)) => {
                let (user, group) = fallback.split_once(':')?;
                (primary, Some((id(user)?, id(group)?)))
            }
            None => (text, None),
        };
        let primary = match primary.split_once(':') {
            Some((_, group)) if group.contains(':') => return None,
            Some((user, group)) => Primary::Pair {
                user: Side::read(user),
                group: Side::read(group),
            },
            None if text.is_empty() => return None,
            None => Primary::User(primary.to_owned()),
        };
        Some(Self { primary, fallback })
    }

    /// The user's and the group's id.
    ///
    /// # Errors
    ///
    /// The first name that `db` does not know, when there is no fallback for it.
    pub fn resolve(&self, db: &dyn Accounts) -> Result<(u32, u32), AccountError> {
        let fallback_user = self.fallback.map(|(user, _)| user);
        let fallback_group = self.fallback.map(|(_, group)| group);
        match &self.primary {
            Primary::User(name) => db
                .user(name)
                .or(self.fallback)
                .ok_or_else(|| AccountError::UnknownUser(name.clone())),
            Primary::Pair { user, group } => {
                let user = user
                    .resolve(|name| db.user(name).map(|(user, _)| user), fallback_user)
                    .map_err(AccountError::UnknownUser)?;
                let group = group
                    .resolve(|name| db.group(name), fallback_group)
                    .map_err(AccountError::UnknownGroup)?;
                Ok((user, group))
            }
        }
    }
}

impl Side {
    fn read(text: &str) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        id(text).map_or_else(|| Self::Name(text.to_owned()), Self::Number)
    }

    /// The id, or the name that is not known.
    fn resolve(
        &self,
        known: impl Fn(&str) -> Option<u32>,
        fallback: Option<u32>,
    ) -> Result<u32, String> {
        match self {
            Self::Empty => Ok(fallback.unwrap_or(0)),
            Self::Number(number) => Ok(*number),
            Self::Name(name) => known(name).or(fallback).ok_or_else(|| name.clone()),
        }
    }
}

/// The number, when it can be a user's or group's id.
fn id(text: &str) -> Option<u32> {
    let number = u32::try_from(decimal(text.as_bytes())?).ok()?;
    (number != u32::MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `daemon` as a user (2:2) and a group (2), and a user with another primary group.
    struct Few;

    impl Accounts for Few {
        fn user(&self, name: &str) -> Option<(u32, u32)> {
            match name {
                "daemon" => Some((2, 2)),
                "web" => Some((33, 1000)),
                _ => None,
            }
        }

        fn group(&self, name: &str) -> Option<u32> {
            (name == "daemon").then_some(2)
        }
    }

    fn resolved(field: &str) -> Result<(u32, u32), AccountError> {
        Account::parse(field.as_bytes()).unwrap().resolve(&Few)
    }

    #[test]
    fn as_the_original_resolves() {
        for (field, ids) in [
            ("daemon", (2, 2)),
            ("daemon,3:4", (2, 2)),
            ("2:2,3:4", (2, 2)),
            ("daemon:daemon,3:4", (2, 2)),
            ("daemon:11111,3:4", (2, 11111)),
            ("11111:daemon,3:4", (11111, 2)),
            (":daemon", (0, 2)),
            ("daemon:", (2, 0)),
            ("daemon:unexisting,3:4", (2, 4)),
            ("unexisting:daemon,3:4", (3, 2)),
            ("unexisting:unexisting,3:4", (3, 4)),
            ("unexisting,3:4", (3, 4)),
            ("11111,3:4", (3, 4)),
            ("11111:11111,3:4", (11111, 11111)),
            (":daemon,3:4", (3, 2)),
            ("daemon:,3:4", (2, 4)),
        ] {
            assert_eq!(resolved(field), Ok(ids), "{field}");
        }
    }

    #[test]
    fn the_primary_group_is_the_users() {
        assert_eq!(resolved("web"), Ok((33, 1000)));
        assert_eq!(resolved("web:daemon"), Ok((33, 2)));
        assert_eq!(resolved(":"), Ok((0, 0)));
        assert_eq!(resolved(",5:6"), Ok((5, 6)));
    }

    #[test]
    fn unknown_names_without_fallback() {
        let user = |name: &str| Err(AccountError::UnknownUser(name.to_owned()));
        assert_eq!(resolved("nobody"), user("nobody"));
        assert_eq!(resolved("2"), user("2"));
        assert_eq!(resolved("nobody:nogroup"), user("nobody"));
        assert_eq!(resolved("4294967295:0"), user("4294967295"));
        assert_eq!(resolved("4294967294:0"), Ok((4_294_967_294, 0)));
        assert_eq!(
            resolved("daemon:web").unwrap_err().to_string(),
            "unknown group: web"
        );
    }

    #[test]
    fn what_is_no_account() {
        for wrong in [
            &b""[..],
            b"a,b",
            b"a,",
            b"a,1",
            b"a,1:",
            b"a,:1",
            b"a,1:2:3",
            b"a,1:2,3:4",
            b"a,4294967295:0",
            b"a,99999999999999999999999:0",
            b"a:b:c",
            b"\xff",
        ] {
            assert_eq!(Account::parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_fallback_always_resolves(
            primary in "[a-z0-9]{0,6}(:[a-z0-9]{0,6})?",
            user in 0_u32..u32::MAX,
            group in 0_u32..u32::MAX,
        ) {
            let field = format!("{primary},{user}:{group}");
            prop_assert!(resolved(&field).is_ok());
        }

        #[test]
        fn numbers_stand_for_themselves(user in 0_u32..u32::MAX, group in 0_u32..u32::MAX) {
            prop_assert_eq!(resolved(&format!("{user}:{group}")), Ok((user, group)));
        }

        #[test]
        fn any_bytes_are_read(field: Vec<u8>) {
            if let Some(account) = Account::parse(&field) {
                let _ = account.resolve(&Few);
            }
        }
    }
}
