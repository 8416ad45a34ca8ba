//! `s6-ipcserver-socketbinder`: a local socket that programs can connect to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sixfold_sys::local::{self, Kind};
use sixfold_sys::lock;
use sixfold_sys::{fds, files};

use crate::complain::{SYSTEM, reason};
use crate::tools::{Call, Failure, Outcome, decimal, octal};

/// Its name.
pub(super) const NAME: &str = "s6-ipcserver-socketbinder";
/// Device or resource busy.
const EBUSY: i32 = 16;

/// What the socket is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding {
    /// Of streams, or of datagrams.
    pub(super) kind: Kind,
    /// A socket that is there is replaced, if nobody else who does that serves it.
    pub(super) replaces: bool,
    /// Who may connect.
    pub(super) mode: u32,
    /// How many may wait; with none, it is not listened to.
    pub(super) backlog: u32,
    /// Whether who accepts has to wait.
    pub(super) blocks: bool,
}

impl Default for Binding {
    fn default() -> Self {
        Self {
            kind: Kind::Stream,
            replaces: true,
            mode: 0o777,
            backlog: 4096,
            blocks: false,
        }
    }
}

impl Binding {
    /// Makes the socket.
    pub(super) fn make(self, path: &OsStr) -> Result<OwnedFd, Failure> {
        let failed = |what: &str, error: &io::Error| {
            let message = format!("unable to {what}: {}", reason(error));
            Failure::Fatal(message, SYSTEM)
        };
        let shown = path.display();
        let socket = local::socket(self.kind, self.blocks)
            .map_err(|error| failed("create socket", &error))?;
        self.bind(&socket, Path::new(path))
            .map_err(|error| failed(&format!("bind to {shown}"), &error))?;
        if self.backlog > 0 {
            local::listen(&socket, self.backlog)
                .map_err(|error| failed(&format!("listen to {shown}"), &error))?;
        }
        Ok(socket)
    }

    fn bind(self, socket: &OwnedFd, path: &Path) -> io::Result<()> {
        // As ever, only until the socket is there: whoever comes next may take its place.
        let _lock = if self.replaces {
            let lock = locked(path)?;
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            Some(lock)
        } else {
            None
        };
        // The socket has its mode from the first moment.
        let before = files::umask();
        files::set_umask(!self.mode & 0o777);
        let bound = local::bind(socket, path);
        files::set_umask(before);
        bound
    }
}

/// Takes the lock beside the socket: who has it may replace the socket.
fn locked(path: &Path) -> io::Result<File> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(name)?;
    if lock::try_lock(&file, lock::Kind::Exclusive)? {
        Ok(file)
    } else {
        Err(io::Error::from_raw_os_error(EBUSY))
    }
}

/// `s6-ipcserver-socketbinder [ -d | -D ] [ -b backlog ] [ -M | -m ] [ -a perms ] [ -B ] path prog...`
pub(super) fn socketbinder(mut call: Call) -> Outcome {
    let (given, words) = call.options("DdMmBb:a:")?;
    let mut binding = Binding::default();
    for option in given {
        match option.letter {
            b'D' => binding.replaces = false,
            b'd' => binding.replaces = true,
            b'M' => binding.kind = Kind::Stream,
            b'm' => binding.kind = Kind::Datagram,
            b'B' => binding.blocks = true,
            b'b' => binding.backlog = decimal(&option.value)?,
            _ => binding.mode = octal(&option.value)?,
        }
    }
    let (path, words) = words.split_first().ok_or(Failure::Usage)?;
    if words.is_empty() {
        return Err(Failure::Usage);
    }
    let socket = binding.make(path)?;
    fds::replace(0, socket).map_err(|error| Failure::unable("create socket", &error))?;
    call.becomes(words)
}
