//! The container's environment: the PATH that everything gets, and the one-file-per-variable form
//! in which it lies in `/run/s6/container_environment`.
//!
//! Never reads an environment or a directory itself. Called from the daemon at boot, and from
//! `with-contenv` and `printcontenv`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::text::is_hidden;

/// The PATH of a container that was started with none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is put before the PATH when it is not in it, in the order in which it is put there.
const ADDED: [&str; 3] = ["/bin", "/usr/bin", "/command"];

/// The PATH of the whole tree, from the one that the container was started with (`None`: unset), or
/// from what `S6_GLOBAL_PATH` has in its place.
///
/// As s6-overlay's `/init` makes it (3.1.0.0 and later): an empty PATH is `/bin`, and `/bin`,
/// `/usr/bin` and `/command` are put before it, one after the other, where they are missing.
/// Where `/init` would have left an unset PATH to the image's shell, [`DEFAULT_PATH`] is the base.
pub fn search_path(container: Option<&OsStr>) -> OsString {
    let mut path = match container {
        None => OsString::from(DEFAULT_PATH),
        Some(empty) if empty.is_empty() => OsString::from("/bin"),
        Some(given) => given.to_owned(),
    };
    for directory in ADDED {
        let present = path
            .as_bytes()
            .split(|&byte| byte == b':')
            .any(|component| component == directory.as_bytes());
        if !present {
            let mut longer = OsString::from(directory);
            longer.push(":");
            longer.push(&path);
            path = longer;
        }
    }
    path
}

/// The content of the file that holds `value`: the value and one newline, as s6-linux-init writes
/// it since s6-overlay 3.2.2.0. With the newline an empty value differs from a removed variable.
pub fn dumped(value: &OsStr) -> Vec<u8> {
    let mut content = value.as_bytes().to_vec();
    content.push(b'\n');
    content
}

/// The value that a file with this content gives its variable; `None` when the file is empty,
/// which removes the variable.
///
/// As `s6-envdir -Lf` reads (s6-overlay 3.2.2.0 and later): exactly one newline is taken from the
/// end, further ones belong to the value, and NUL bytes become newlines.
pub fn loaded(content: &[u8]) -> Option<OsString> {
    if content.is_empty() {
        return None;
    }
    let value = content
        .strip_suffix(b"\n")
        .unwrap_or(content)
        .iter()
        .map(|&byte| if byte == 0 { b'\n' } else { byte })
        .collect();
    Some(OsString::from_vec(value))
}

/// Whether a file of that name stands for a variable: not hidden, not empty, without `=`, and one
/// component of a path. s6-envdir skips all others.
pub fn is_loadable_name(name: &OsStr) -> bool {
    !name.is_empty()
        && !is_hidden(name)
        && !name.as_bytes().iter().any(|b| matches!(b, b'=' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(container: &str) -> String {
        search_path(Some(OsStr::new(container)))
            .into_string()
            .unwrap()
    }

    #[test]
    fn what_is_missing_is_put_before_the_path() {
        assert_eq!(
            path("/usr/local/bin:/usr/bin"),
            "/command:/bin:/usr/local/bin:/usr/bin"
        );
        assert_eq!(path("/opt"), "/command:/usr/bin:/bin:/opt");
        assert_eq!(
            path("/opt:/command:/usr/bin:/bin"),
            "/opt:/command:/usr/bin:/bin"
        );
    }

    #[test]
    fn only_whole_components_count() {
        assert_eq!(
            path("/bin/x:/usr/bin/"),
            "/command:/usr/bin:/bin:/bin/x:/usr/bin/"
        );
        assert_eq!(path(":"), "/command:/usr/bin:/bin::");
    }

    #[test]
    fn unset_and_empty_differ() {
        assert_eq!(
            search_path(None),
            OsString::from(format!("/command:{DEFAULT_PATH}"))
        );
        assert_eq!(path(""), "/command:/usr/bin:/bin");
    }

    #[test]
    fn files_to_values() {
        let value = |content: &[u8]| loaded(content).map(OsStringExt::into_vec);
        assert_eq!(value(b""), None);
        assert_eq!(value(b"\n"), Some(Vec::new()));
        assert_eq!(value(b"val"), Some(b"val".to_vec()));
        assert_eq!(value(b"val\n"), Some(b"val".to_vec()));
        assert_eq!(value(b"val\n\n"), Some(b"val\n".to_vec()));
        assert_eq!(value(b"a\0b\0"), Some(b"a\nb\n".to_vec()));
        assert_eq!(value(b"  lead\r\n"), Some(b"  lead\r".to_vec()));
        assert_eq!(value(&[b'x'; 200_000]).map(|v| v.len()), Some(200_000));
    }

    #[test]
    fn names() {
        for good in ["A", "lower", "with blank", "a.b", "\u{e4}"] {
            assert!(is_loadable_name(OsStr::new(good)), "{good}");
        }
        for wrong in ["", ".hidden", ".", "..", "A=B", "=", "a/b"] {
            assert!(!is_loadable_name(OsStr::new(wrong)), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_dumped_is_loaded_again(value in prop::collection::vec(1_u8.., 0..200)) {
            let value = OsString::from_vec(value);
            prop_assert_eq!(loaded(&dumped(&value)), Some(value));
        }

        #[test]
        fn any_content_gives_a_value_without_nul(content: Vec<u8>) {
            if let Some(value) = loaded(&content) {
                prop_assert!(!value.as_bytes().contains(&0));
            }
            let _ = is_loadable_name(OsStr::from_bytes(&content));
        }

        #[test]
        fn the_path_is_complete_and_stable(container in "[/a-z:]{0,40}") {
            let once = search_path(Some(OsStr::new(&container)));
            let text = once.to_str().unwrap();
            for directory in ADDED {
                prop_assert!(text.split(':').any(|component| component == directory));
            }
            prop_assert!(text.ends_with(&container));
            prop_assert_eq!(search_path(Some(&once)), once);
        }
    }
}
