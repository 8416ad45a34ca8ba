//! The services.d stage: it lists the services, and is open once they are started, or ready where
//! that is waited for.

use crate::context::Context;
use crate::effect::Effect;
use crate::event::Event;
use crate::moment::Moment;

/// What the stage is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for what it depends on.
    Waiting,
    /// The services were asked for.
    Listing,
    /// The services are known and on their way up.
    Filling,
    /// All services got there, or cannot.
    Open,
    /// Not wanted, or over.
    Closed,
    /// Something that it needs has failed: services.d is not started.
    Blocked,
}

/// The services.d stage.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    state: State,
}

impl Gate {
    /// A stage that waits for its time.
    pub fn new() -> Self {
        Self {
            state: State::Waiting,
        }
    }

    /// What it is doing.
    pub fn state(self) -> State {
        self.state
    }

    /// Whether those who depend on it may start.
    pub fn is_up(self) -> bool {
        self.state == State::Open
    }

    /// Whether boot has to wait for it.
    pub fn is_pending(self) -> bool {
        match self.state {
            State::Waiting | State::Listing | State::Filling => true,
            State::Open | State::Closed | State::Blocked => false,
        }
    }

    /// Whether it will never be open.
    pub fn has_failed(self) -> bool {
        self.state == State::Blocked
    }

    /// Something that it needs has failed.
    pub fn block(&mut self) {
        if self.state == State::Waiting {
            self.state = State::Blocked;
        }
    }

    /// Whether nothing is left of it to close.
    pub fn is_closed(self) -> bool {
        self.state == State::Closed
    }

    /// Whether services that are found now are wanted.
    pub fn admits(self) -> bool {
        match self.state {
            State::Listing | State::Filling | State::Open => true,
            // What is put into the scan directory is supervised all the same.
            State::Blocked => true,
            State::Waiting | State::Closed => false,
        }
    }

    /// What it depends on is up: ask for the services.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Waiting {
            self.state = State::Listing;
            context.log(Event::ServicesStarting);
            context.emit(Effect::ListServices);
        }
    }

    /// The services are known.
    pub fn filled(&mut self) {
        if self.state == State::Listing {
            self.state = State::Filling;
        }
    }

    /// Looks at the services: opens when none of `count` is `pending`.
    pub fn look(&mut self, pending: bool, count: usize, booted: Moment, context: &mut Context<'_>) {
        if self.state == State::Filling && !pending {
            self.state = State::Open;
            let duration = context.now.since(booted);
            context.log(Event::ServicesStarted { count, duration });
        }
    }

    /// The stop, or a boot that took too long.
    pub fn close(&mut self) {
        self.state = State::Closed;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
