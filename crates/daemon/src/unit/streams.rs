//! Where the streams of a unit's processes come from and lead to.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use sixfold_engine::{CATCH_ALL, Listing, Role, Work};
use sixfold_sys::spawn::Stream;

use super::Unit;
use crate::capture::Capture;
use crate::launch::Streams;
use crate::record;
use crate::subscriber::Format;
use crate::world::World;

impl Unit {
    /// What a new process reads and where it writes.
    pub(super) fn streams(
        &mut self,
        work: &Work,
        notification: Option<(OwnedFd, i32)>,
    ) -> io::Result<Streams> {
        let world = Rc::clone(&self.world);
        if let (Work::Oneshot { .. }, Some(caller)) = (work, world.caller.borrow().as_ref()) {
            let [stdin, stdout, stderr] = caller;
            return Ok(Streams {
                stdin: Stream::Fd(stdin.try_clone()?),
                stdout: Stream::Fd(stdout.try_clone()?),
                stderr: Stream::Fd(stderr.try_clone()?),
                notification,
            });
        }
        let pipes = world.pipes.borrow();
        let input = pipes.get(&self.node).map(|pipe| Rc::clone(&pipe.reader));
        let output = self
            .reader
            .and_then(|reader| pipes.get(&reader))
            .and_then(|pipe| pipe.writer.clone());
        drop(pipes);
        let stdin = match (work, input) {
            (Work::Run | Work::Finish { .. }, Some(input)) => Stream::Fd(input.try_clone()?),
            (Work::Run | Work::Finish { .. }, None) if world.role != Role::Container => {
                Stream::Inherit
            }
            (Work::Cmd { .. }, _) => Stream::Inherit,
            (Work::Step { listing, .. }, _) if *listing != Listing::ContFinish => Stream::Inherit,
            (Work::Run | Work::Finish { .. } | Work::Step { .. } | Work::Oneshot { .. }, _) => {
                Stream::Null
            }
        };
        let on_terminal = is_on_terminal(&world, work);
        let stderr = match (&world.console_holder, self.name.as_str()) {
            (Some(holder), CATCH_ALL) => Stream::Fd(holder.try_clone()?),
            (Some(_) | None, _) => self.output(record::Stream::Stderr, on_terminal)?,
        };
        let stdout = match output {
            Some(output) => Stream::Fd(output.try_clone()?),
            None => self.output(record::Stream::Stdout, on_terminal)?,
        };
        Ok(Streams {
            stdin,
            stdout,
            stderr,
            notification,
        })
    }

    /// Where a stream leads: to the container's own in text mode and for a CMD on a terminal, else
    /// into a pipe whose lines become records.
    fn output(&mut self, stream: record::Stream, on_terminal: bool) -> io::Result<Stream> {
        if self.world.format == Format::Text && !self.world.catches_all() {
            return Ok(Stream::Inherit);
        }
        let (slot, number) = match stream {
            record::Stream::Stdout => (&mut self.stdout, 0),
            record::Stream::Stderr => (&mut self.stderr, 1),
        };
        if on_terminal {
            let own = self
                .world
                .console
                .as_ref()
                .and_then(|console| console.get(number));
            if let Some(own) = own {
                return Ok(Stream::Fd(own.try_clone()?));
            }
        }
        let capture = match slot {
            Some(capture) => capture,
            None => slot.insert(Capture::new(stream, self.world.outlet.clone())?),
        };
        Ok(Stream::Fd(capture.writer()?))
    }
}

/// Whether `work` is a CMD with the container's terminal.
pub(super) fn is_on_terminal(world: &World, work: &Work) -> bool {
    world.has_terminal && matches!(work, Work::Cmd { .. })
}
