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
    /// The services are taken down, though the container goes on.
    Closing {
        /// It is known which services those are.
        is_known: bool,
        /// Until when they are waited for.
        until: Option<Moment>,
    },
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
            State::Open | State::Closing { .. } | State::Closed | State::Blocked => false,
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

    /// It is to be open as soon as what it needs is up, though it was held back at boot.
    pub fn want_up(&mut self) {
        match self.state {
            State::Blocked | State::Closed => self.state = State::Waiting,
            State::Waiting
            | State::Listing
            | State::Filling
            | State::Open
            | State::Closing { .. } => {}
        }
    }

    /// Whether it counts as up for s6-rc, or as down; nothing while it is on its way.
    pub fn rests_up(self) -> Option<bool> {
        match self.state {
            State::Open => Some(true),
            State::Closed | State::Blocked => Some(false),
            State::Waiting | State::Listing | State::Filling | State::Closing { .. } => None,
        }
    }

    /// Takes the services of services.d out of the scan directory, for them to be stopped, though the
    /// container goes on. They are waited for as long as at a stop.
    pub fn take_down(&mut self, context: &mut Context<'_>) {
        if self.state == State::Open {
            let grace = context.rules.services_gracetime;
            self.state = State::Closing {
                is_known: false,
                until: grace.map(|grace| context.now.after(grace)),
            };
            context.emit(Effect::UnlistServices);
        }
    }

    /// The scan directory was listed without the services that are to be taken down. Whether that was
    /// waited for.
    pub fn emptied(&mut self) -> bool {
        match &mut self.state {
            State::Closing { is_known, .. } => !std::mem::replace(is_known, true),
            State::Waiting
            | State::Listing
            | State::Filling
            | State::Open
            | State::Closed
            | State::Blocked => false,
        }
    }

    /// Whether it waits for services that are known to start.
    pub fn is_filling(self) -> bool {
        self.state == State::Filling
    }

    /// Whether it waits for the last of the services that are taken down.
    pub fn is_closing(self) -> bool {
        matches!(self.state, State::Closing { is_known: true, .. })
    }

    /// Does what is due by now: services that take too long are not waited for.
    pub fn timer(&mut self, context: &Context<'_>) {
        if self
            .next_timeout()
            .is_some_and(|until| until <= context.now)
        {
            self.state = State::Closed;
        }
    }

    /// When [`Gate::timer`] has something to do next.
    pub fn next_timeout(self) -> Option<Moment> {
        match self.state {
            State::Closing { until, .. } => until,
            State::Waiting
            | State::Listing
            | State::Filling
            | State::Open
            | State::Closed
            | State::Blocked => None,
        }
    }

    /// Whether nothing is left of it to close.
    pub fn is_closed(self) -> bool {
        self.state == State::Closed
    }

    /// Whether services that are found now are wanted.
    pub fn admits(self) -> bool {
        match self.state {
            State::Listing | State::Filling | State::Open | State::Closing { .. } => true,
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
