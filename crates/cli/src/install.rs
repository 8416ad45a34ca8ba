//! `sixfold install [--root DIR]`: makes an image boot with Sixfold.
//!
//! The executable goes to `/command/sixfold`, and links to it go wherever images look for init and
//! for the commands that Sixfold has. What an s6-overlay installation left at those places is
//! replaced; everything else of it is left alone. The sources of s6-rc that s6-overlay brings are put
//! there too, as images edit them.

mod sources;

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sixfold_protocol::paths;
use sixfold_sys::files;

use crate::applets::{self, Applet, Kind};
use crate::complain::{self, ExitCode, FAILED, USAGE, say};

const NAME: &str = "sixfold install";
const SYNOPSIS: &str = "sixfold install [ --root DIR ]";

/// The command.
pub(crate) fn install(args: Vec<OsString>) -> ExitCode {
    let mut root = PathBuf::from("/");
    let mut parser = lexopt::Parser::from_args(args);
    loop {
        match parser.next() {
            Ok(None) => break,
            Ok(Some(lexopt::Arg::Long("root"))) => match parser.value() {
                Ok(value) => root = value.into(),
                Err(_) => return complain::usage(NAME, SYNOPSIS),
            },
            Ok(Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h'))) => {
                say(format_args!("Usage: {SYNOPSIS}\n"));
                say(
                    "Puts /init, /command/* and the names in /usr/bin and /bin that images use into the\nimage at DIR (default /), in place of s6-overlay's. In a Dockerfile:\n",
                );
                say(
                    "  COPY sixfold /command/sixfold\n  RUN [\"/command/sixfold\", \"install\"]\n  ENTRYPOINT [\"/init\"]",
                );
                return ExitCode::SUCCESS;
            }
            Ok(Some(_)) | Err(_) => return complain::usage(NAME, SYNOPSIS),
        }
    }
    if !root.is_dir() {
        let message = format!("{} is not a directory", root.display());
        return complain::fatal(NAME, message, USAGE);
    }
    match into(&root, Path::new("/proc/self/exe"), Demand::Everything) {
        Ok(count) => {
            say(format_args!(
                "installed {}/command/sixfold and {count} links to it",
                root.display().to_string().trim_end_matches('/')
            ));
            ExitCode::SUCCESS
        }
        Err(error) => complain::fatal(NAME, format_args!("{error:#}"), FAILED),
    }
}

/// What an installation has to achieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Every link.
    Everything,
    /// `/init` and `/command`. In a namespace of an ordinary user, the host's own directories
    /// cannot be written to; the daemon stands in for interpreters that are missing there.
    Core,
}

/// Installs the executable at `exe` into the image at `root`, and returns how many links it made.
pub(crate) fn into(root: &Path, exe: &Path, demand: Demand) -> Result<usize> {
    let command = root.join("command");
    fs::create_dir_all(&command).with_context(|| format!("cannot make {}", command.display()))?;
    place(exe, &command.join("sixfold"))?;
    link(Path::new("command/sixfold"), &root.join("init"))?;
    let mut count = 1;
    let bin_is_usr_bin =
        fs::symlink_metadata(root.join("bin")).is_ok_and(|found| found.is_symlink());
    let outside = if bin_is_usr_bin {
        vec![("usr/bin", "../../command")]
    } else {
        vec![("usr/bin", "../../command"), ("bin", "../command")]
    };
    let is_installed = |kind| matches!(kind, Kind::Compatible | Kind::Language);
    for applet in applets::all().filter(|applet| is_installed(applet.kind)) {
        link(Path::new("sixfold"), &command.join(applet.name))?;
        count += 1;
        for (dir, target) in &outside {
            if is_kept(&root.join(dir), &applet) {
                continue;
            }
            match link_in(&root.join(dir), Path::new(target), applet.name) {
                Ok(()) => count += 1,
                Err(error) if demand == Demand::Everything => return Err(error),
                Err(_) => {}
            }
        }
    }
    prepare_run(root)?;
    if demand == Demand::Everything {
        sources::put(root)?;
    }
    Ok(count)
}

/// Whether a name outside `/command` is left as it is: the programs of s6 and execline that an image
/// has there do their work on our services too, and a script that names one by its path means it; so
/// do the `cd`, `umask` and the like that some distributions have for POSIX.
/// What s6-overlay itself left there is replaced, and so is a link to what is in `/command` now.
fn is_kept(dir: &Path, applet: &Applet) -> bool {
    let path = dir.join(applet.name);
    let is_of_s6 = applet.kind == Kind::Language
        || applet.name.starts_with("s6-") && !applet.name.starts_with("s6-overlay");
    let leads_to_ours = fs::read_link(&path)
        .is_ok_and(|target| target.parent().is_some_and(|dir| dir.ends_with("command")));
    is_of_s6 && fs::symlink_metadata(&path).is_ok() && !leads_to_ours
}

/// Copies the executable to its place, unless it lies there.
fn place(exe: &Path, target: &Path) -> Result<()> {
    let is_there = match (fs::metadata(exe), fs::metadata(target)) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    };
    if !is_there {
        // Another name first: a running executable cannot be written to.
        let fresh = target.with_extension("new");
        fs::copy(exe, &fresh).with_context(|| format!("cannot write {}", fresh.display()))?;
        fs::rename(&fresh, target).with_context(|| format!("cannot write {}", target.display()))?;
    }
    files::chmod(target, 0o755)
        .with_context(|| format!("cannot make {} executable", target.display()))
}

/// Makes a link to the command `name` in a directory that may have to be made.
fn link_in(dir: &Path, target: &Path, name: &str) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    link(&target.join(name), &dir.join(name))
}

/// Makes a link, in place of whatever file or link is there.
fn link(target: &Path, path: &Path) -> Result<()> {
    let replace = || -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) => fs::remove_file(path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        symlink(target, path)
    };
    replace().with_context(|| format!("cannot link {} to {}", path.display(), target.display()))
}

/// The directories that boot needs, open to any user: so `docker run --user` works without a
/// set-uid program. As root, boot closes them again; as another user, everything in the container
/// is that user.
fn prepare_run(root: &Path) -> Result<()> {
    for path in [paths::STATE, paths::SCANDIR, paths::RESULTS, paths::RC] {
        let dir = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(&dir)
            .and_then(|()| files::chmod(&dir, 0o1777))
            .with_context(|| format!("cannot make {}", dir.display()))?;
    }
    let var_run = root.join("var/run");
    if fs::symlink_metadata(&var_run).is_err() {
        fs::create_dir_all(root.join("var")).with_context(|| "cannot make /var".to_owned())?;
        link(Path::new("/run"), &var_run)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_gets_everything_and_loses_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        fs::write(root.join("usr/bin/with-contenv"), "old").unwrap();
        fs::write(root.join("usr/bin/halt"), "the distribution's").unwrap();
        fs::write(root.join("init"), "old").unwrap();
        fs::write(root.join("usr/bin/s6-svscan"), "the distribution's").unwrap();
        fs::write(root.join("usr/bin/execlineb"), "the distribution's").unwrap();
        symlink("/command/s6-supervise", root.join("usr/bin/s6-supervise")).unwrap();
        let exe = root.join("built");
        fs::write(&exe, "program").unwrap();
        for _ in 0..2 {
            assert!(into(root, &exe, Demand::Everything).unwrap() > 3);
            for path in [
                "init",
                "command/with-contenv",
                "usr/bin/with-contenv",
                "bin/s6-svscanctl",
                "command/execlineb",
                "usr/bin/importas",
            ] {
                assert_eq!(fs::read(root.join(path)).unwrap(), b"program", "{path}");
            }
            for path in ["usr/bin/halt", "usr/bin/s6-svscan", "usr/bin/execlineb"] {
                let content = fs::read(root.join(path)).unwrap();
                assert_eq!(content, b"the distribution's", "{path}");
            }
            let link = fs::read_link(root.join("usr/bin/s6-supervise")).unwrap();
            assert_eq!(link, Path::new("../../command/s6-supervise"));
            let own = fs::read(root.join("command/s6-svscan")).unwrap();
            assert_eq!(own, b"program");
            assert!(root.join("bin").is_symlink());
            let mode = fs::metadata(root.join("run/s6")).unwrap().mode();
            assert_eq!(mode & 0o7777, 0o1777);
        }
    }
}
