//! The files that were kept: how one gets its name, and how the oldest go.

use std::io;
use std::path::Path;
use std::time::Duration;

use sixfold_model::logging::{self, Archive, Ending, Rotation};
use sixfold_protocol::tai::Tai64n;
use sixfold_sys::directory::Directory;

use super::Trouble;

/// The least by which names differ.
const TICK: Duration = Duration::from_nanos(1);

/// Keeps `name` under a name of its own, which tells the moment `now`, or the one after `last` if that
/// is later; `last` becomes the moment told. One call gives the name: at no moment has the file none,
/// or two.
///
/// # Errors
/// What fstatat(2) and renameat(2) report, with the name.
pub(super) fn keep(
    directory: &Directory,
    name: &str,
    ending: Ending,
    now: Duration,
    last: &mut Duration,
) -> Result<(), (String, io::Error)> {
    let mut moment = now.max(last.saturating_add(TICK));
    loop {
        let digits = Tai64n::from_unix(moment).digits();
        let kept = logging::archive_name(&digits, ending);
        // Nobody else makes names here, as long as the lock is held.
        let is_taken = [Ending::Whole, Ending::Interrupted]
            .map(|ending| directory.exists(&logging::archive_name(&digits, ending)));
        match is_taken {
            [Ok(false), Ok(false)] => {}
            [Ok(_), Ok(_)] => {
                moment = moment.saturating_add(TICK);
                continue;
            }
            [Err(error), _] | [_, Err(error)] => return Err((kept, error)),
        }
        return match directory.rename(name, &kept) {
            Ok(()) => {
                *last = moment;
                Ok(())
            }
            Err(error) => Err((kept, error)),
        };
    }
}

/// Removes those that are too many. What cannot be removed is reported, and stays until the next
/// time.
pub(super) fn trim(
    directory: &Directory,
    path: &Path,
    rotation: &Rotation,
    report: &mut dyn FnMut(Trouble),
) {
    let archives = match list(directory) {
        Ok(archives) => archives,
        Err(error) => return report(Trouble::Trim(path.to_owned(), error)),
    };
    let archives = archives.into_iter().map(|(archive, _)| archive).collect();
    for archive in logging::surplus(archives, rotation) {
        if let Err(error) = directory.remove(&archive.name) {
            report(Trouble::Remove(path.to_owned(), archive.name, error));
        }
    }
}

/// The moment in the name of the newest.
///
/// # Errors
/// As [`list`].
pub(super) fn newest(directory: &Directory) -> io::Result<Option<Duration>> {
    let moment = |(archive, _): (Archive, u64)| {
        let digits = archive.name.as_bytes().get(1..25)?;
        Some(Tai64n::from_digits(digits)?.to_unix())
    };
    Ok(list(directory)?.into_iter().filter_map(moment).max())
}

/// Whether the file with this inode is among them.
///
/// # Errors
/// As [`list`].
pub(super) fn has(directory: &Directory, inode: u64) -> io::Result<bool> {
    let archives = list(directory)?;
    Ok(archives.iter().any(|(_, found)| *found == inode))
}

/// All of them, with their inodes.
///
/// # Errors
/// What getdents(2) and fstatat(2) report; what goes meanwhile is none.
fn list(directory: &Directory) -> io::Result<Vec<(Archive, u64)>> {
    let mut archives = Vec::new();
    for name in directory.names()? {
        let Some(name) = name.to_str() else { continue };
        if !logging::is_archive(name.as_bytes()) {
            continue;
        }
        if let Some(found) = directory.find(name)? {
            let archive = Archive {
                name: name.to_owned(),
                size: found.size,
            };
            archives.push((archive, found.inode));
        }
    }
    Ok(archives)
}
