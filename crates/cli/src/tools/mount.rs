//! `s6-mount`, `s6-umount`, `s6-hostname`: what concerns the namespace, or the machine.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use sixfold_sys::mount::{Flags, mount as mount_one, unmount};
use sixfold_sys::system;

use super::call::{Call, Failure, Outcome, first};
use super::stream::{self, Out};
use crate::complain::{FAILED, SYSTEM, reason};

const TABLE: &str = "/proc/mounts";
/// Device or resource busy.
const EBUSY: i32 = 16;

/// What `-o` says: flags, and what is for the file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Settings {
    flags: Flags,
    data: Vec<u8>,
}

impl Settings {
    /// Adds options, separated by commas.
    fn add(&mut self, options: &[u8]) {
        for option in options.split(|byte| *byte == b',') {
            if !option.is_empty() && !self.flags.change(option) {
                if !self.data.is_empty() {
                    self.data.push(b',');
                }
                self.data.extend_from_slice(option);
            }
        }
    }
}

/// `s6-mount -a [ -z fstab ]`, `s6-mount [ -n ] [ -t type ] [ -o option[,option...] ]... device
/// mountpoint`; without arguments, prints what is mounted.
pub(super) fn mount(mut call: Call) -> Outcome {
    let (given, words) = call.options("nz:arwt:o:")?;
    let mut settings = Settings::default();
    let (mut table, mut kind, mut is_all) =
        (OsString::from("/etc/fstab"), OsString::from("none"), false);
    for option in given {
        match option.letter {
            b'n' => {}
            b'z' => table = option.value,
            b'a' => is_all = true,
            b't' => kind = option.value,
            b'w' => settings.add(b"rw"),
            b'r' => settings.add(b"ro"),
            _ => settings.add(option.value.as_bytes()),
        }
    }
    if is_all {
        return mount_all(&call, table.as_ref());
    }
    let (device, place) = match words.as_slice() {
        [] => {
            let file = fs::File::open(TABLE)
                .map_err(|error| Failure::unable(format_args!("read {TABLE}"), &error))?;
            Out::new()?.copy(file)?;
            return Ok(0);
        }
        [_] => return Err(Failure::Usage),
        [device, place, ..] => (device, place),
    };
    mount_one(device, place, &kind, settings.flags, &settings.data).map_err(|error| {
        let is_busy = error.raw_os_error() == Some(EBUSY);
        let (device, place) = (device.display(), place.display());
        let message = format!("unable to mount {device} on {place}: {}", reason(&error));
        Failure::Fatal(message, if is_busy { FAILED } else { SYSTEM })
    })?;
    Ok(0)
}

/// Mounts what is in the table, and gives the number of failures.
fn mount_all(call: &Call, table: &Path) -> Outcome {
    let content = fs::read(table)
        .map_err(|error| Failure::unable(format_args!("open {}", table.display()), &error))?;
    let mut failures = 0_usize;
    for fields in rows(&content) {
        let [device, place, kind, options] = fields.map(OsString::from_vec);
        let mut settings = Settings::default();
        settings.add(options.as_bytes());
        let mounted = mount_one(&device, &place, &kind, settings.flags, &settings.data);
        if let Err(error) = mounted {
            failures += 1;
            let what = format_args!("mount {} on {}", device.display(), place.display());
            call.warn(what, &error);
        }
    }
    Ok(code_of(failures))
}

/// As exit(3) takes it.
fn code_of(failures: usize) -> u8 {
    u8::try_from(failures % 256).unwrap_or(u8::MAX)
}

/// The first four fields of each row of a table such as fstab(5); what is missing is empty.
fn rows(table: &[u8]) -> impl Iterator<Item = [Vec<u8>; 4]> {
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let mut fields = line.split(is_blank).filter(|field| !field.is_empty());
        let device = fields.next().filter(|field| !field.starts_with(b"#"))?;
        let mut field = || unescaped(fields.next().unwrap_or_default());
        Some([unescaped(device), field(), field(), field()])
    })
}

/// A field with its escapes (a backslash and three octal digits) read.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (
                b'\\',
                [
                    a @ b'0'..=b'3',
                    b @ b'0'..=b'7',
                    c @ b'0'..=b'7',
                    after @ ..,
                ],
            ) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

/// `s6-umount mountpoint`, `s6-umount -a`: with `-a`, everything, the last mounted first; the exit code
/// is the number of failures.
pub(super) fn umount(call: Call) -> Outcome {
    let place = first(&call.args)?;
    if place != "-a" {
        unmount(place)
            .map_err(|error| Failure::unable(format_args!("umount {}", place.display()), &error))?;
        return Ok(0);
    }
    let content =
        fs::read(TABLE).map_err(|error| Failure::unable(format_args!("open {TABLE}"), &error))?;
    let mut places: Vec<OsString> = rows(&content)
        .map(|[_, place, ..]| OsString::from_vec(place))
        .collect();
    places.reverse();
    let mut failures = 0;
    for place in places {
        if let Err(error) = unmount(&place) {
            failures += 1;
            call.warn(format_args!("umount {}", place.display()), &error);
        }
    }
    Ok(code_of(failures))
}

/// `s6-hostname [ hostname ]`
pub(super) fn hostname(call: Call) -> Outcome {
    match call.args.first() {
        Some(name) => {
            system::set_hostname(name).map_err(|error| Failure::unable("set hostname", &error))?;
        }
        None => {
            let name =
                system::hostname().map_err(|error| Failure::unable("get hostname", &error))?;
            stream::print(&[OsStr::as_bytes(&name), b"\n"])?;
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_flags_or_data() {
        let mut settings = Settings::default();
        settings.add(b"defaults,size=1m,ro,,mode=755");
        assert_eq!(settings.data, b"size=1m,mode=755");
        assert_ne!(settings.flags, Flags::default());
        settings.add(b"rw");
        assert_eq!(settings.flags, Flags::default());
    }

    #[test]
    fn tables_are_read() {
        let table = b"# comment\n\n/dev/x /a\\040b\text4 ro 0 1\ntmpfs /t\n";
        let rows: Vec<_> = rows(table).collect();
        let row = |fields: [&str; 4]| fields.map(|field| field.as_bytes().to_vec());
        assert_eq!(rows[0], row(["/dev/x", "/a b", "ext4", "ro"]));
        assert_eq!(rows[1], row(["tmpfs", "/t", "", ""]));
        assert_eq!(rows.len(), 2);
        assert_eq!(unescaped(b"\\04x\\"), b"\\04x\\");
    }
}
