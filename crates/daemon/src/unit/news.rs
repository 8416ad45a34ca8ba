//! What a unit's process has to tell: that it is ready, and that it ended.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use sixfold_engine::Work;
use sixfold_sys::fds;
use tokio::io::unix::AsyncFd;

use super::Running;
use crate::launch::Place;
use crate::watch;

/// The pipe on which `run` announces its readiness.
pub(super) fn notification(
    work: &Work,
    place: Option<&Place>,
) -> io::Result<Option<(OwnedFd, (OwnedFd, i32))>> {
    let number = place.and_then(|place| place.spec.notification_fd);
    match (work, number) {
        (Work::Run, Some(number)) => {
            let (reader, writer) = fds::pipe()?;
            fds::set_nonblocking(&reader, true)?;
            Ok(Some((reader, (writer, number))))
        }
        (
            Work::Run
            | Work::Finish { .. }
            | Work::Step { .. }
            | Work::Oneshot { .. }
            | Work::Cmd { .. },
            _,
        ) => Ok(None),
    }
}

/// What a process has to tell.
pub(super) enum News {
    /// It ended.
    Ended(io::Result<ExitStatus>),
    /// It is ready.
    Ready,
}

/// The next news of the process; never, while there is none.
pub(super) async fn news(running: &mut Option<Running>) -> News {
    match running {
        Some(Running {
            child, readiness, ..
        }) => tokio::select! {
            biased;
            () = ready(readiness) => News::Ready,
            status = child.wait() => News::Ended(status),
        },
        None => std::future::pending().await,
    }
}

/// The announcement of readiness, once for each process; never, if there is none to come.
async fn ready(readiness: &mut Option<AsyncFd<OwnedFd>>) {
    loop {
        let Some(reader) = readiness else {
            return std::future::pending().await;
        };
        let announced = match watch::ready(reader).await {
            Ok(mut guard) => guard.try_io(|reader| announcement(reader.get_ref())),
            Err(_) => Ok(Err(io::ErrorKind::NotConnected.into())),
        };
        match announced {
            Ok(Ok(true)) => {
                *readiness = None;
                return;
            }
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(_)) => *readiness = None,
        }
    }
}

/// Whether what can be read ends the announcement. The end of the pipe is an error: none will come.
fn announcement(reader: &OwnedFd) -> io::Result<bool> {
    let mut buffer = [0; 256];
    match fds::read(reader, &mut buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(buffer.get(..count).unwrap_or_default().contains(&b'\n')),
    }
}
