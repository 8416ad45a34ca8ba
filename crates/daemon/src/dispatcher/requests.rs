//! What the commands of s6-rc ask of the dispatcher: what is up, changes of that, and other services
//! than those that are known. One change is at work at a time; who does not want to wait is told so.

use std::collections::BTreeSet;
use std::time::Duration;

use sixfold_engine::event::Transition;
use sixfold_engine::{ChangeOutcome, Event, Exit, Input, Role};
use sixfold_model::rc::database::{QueryError, Way, Wish};
use sixfold_protocol::live::{self as wire, Outcome, Reply, Request};
use tokio::sync::mpsc::UnboundedSender;

use super::Dispatcher;
use crate::live::{Live, is_own};
use crate::requests;
use crate::requests::Asked;

/// Who asked for the change at work.
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) replies: UnboundedSender<Reply>,
    /// Whether the change ends when the client goes away. One that has taken services down to make
    /// others of them goes on: what was up would stay down.
    pub(super) may_abort: bool,
    /// Those of s6-rc's own longruns that go down with it.
    pub(super) own_stop: Vec<String>,
}

impl Client {
    fn tell(&self, reply: Reply) {
        // A client that is gone has taken the change back.
        let _ = self.replies.send(reply);
    }
}

impl Dispatcher {
    /// Listens for requests, unless that is done already.
    pub(super) fn listen_for_requests(&mut self) {
        if self.is_listening {
            return;
        }
        match requests::listen(&self.world.scandir) {
            Ok(listener) => {
                self.is_listening = true;
                let served =
                    requests::serve(listener, self.asking.clone(), self.phases.subscribe());
                tokio::task::spawn_local(served);
            }
            Err(error) => tracing::warn!(
                event = "requests.failed",
                path = %self.world.scandir.join(sixfold_protocol::paths::REQUESTS).display(),
                error = %error,
                "the commands of s6-rc cannot be listened to"
            ),
        }
    }

    /// What follows from a request.
    pub(super) fn asked(&mut self, asked: Asked) -> Vec<Input> {
        if asked.request == Request::Abort {
            self.waiting
                .retain(|waiting| waiting.client != asked.client);
            let client = self.client.as_ref();
            let takes_back =
                client.is_some_and(|client| client.id == asked.client && client.may_abort);
            return if takes_back {
                vec![Input::AbortChange]
            } else {
                Vec::new()
            };
        }
        if self.may_change() {
            return self.serve_request(asked);
        }
        if blocks(&asked.request) && self.engine.is_alive() {
            self.waiting.push_back(asked);
        } else {
            end(&asked.replies, Outcome::Busy);
        }
        Vec::new()
    }

    /// The requests that have waited for the change at work, or for the boot.
    pub(super) fn asked_before(&mut self) -> Vec<Input> {
        if self.may_change()
            && let Some(asked) = self.waiting.pop_front()
        {
            return self.serve_request(asked);
        }
        Vec::new()
    }

    fn may_change(&self) -> bool {
        self.client.is_none() && self.engine.may_change()
    }

    fn serve_request(&mut self, mut asked: Asked) -> Vec<Input> {
        let world = std::rc::Rc::clone(&self.world);
        let mut live = world.live.borrow_mut();
        if let Request::Init {
            live: dir,
            compiled,
            prefix,
        } = &asked.request
        {
            if world.role == Role::Container || live.is_some() {
                end(&asked.replies, refused("s6-rc already runs here"));
                return Vec::new();
            }
            return self.begin_init(dir, compiled, prefix, &asked);
        }
        let Some(live) = live.as_mut() else {
            let reason = "there are no services of s6-rc here: s6-rc-init makes a live directory";
            end(&asked.replies, refused(reason));
            return Vec::new();
        };
        live.refresh();
        match &asked.request {
            Request::Status { .. } => {
                let _ = asked.replies.send(self.status(live));
                Vec::new()
            }
            Request::Change(change) => {
                let change = change.clone();
                *world.caller.borrow_mut() = asked.streams.take();
                let inputs = self.begin(live, &change, &asked);
                if inputs.is_empty() {
                    *world.caller.borrow_mut() = None;
                }
                inputs
            }
            Request::Update { .. } if world.role == Role::Container => {
                let reason = "the services of a container are read from their sources: change those, and call sixfold reload";
                end(&asked.replies, refused(reason));
                Vec::new()
            }
            Request::Update { .. } => self.begin_update(live, &asked),
            Request::Reload { .. } if world.role != Role::Container => {
                let reason = "these services come from a compiled database: see s6-rc-update";
                end(&asked.replies, refused(reason));
                Vec::new()
            }
            Request::Reload { simulate } => self.begin_reload(live, *simulate, &asked),
            Request::Init { .. } => Vec::new(),
            Request::Abort => Vec::new(),
        }
    }

    fn status(&self, live: &mut Live) -> Reply {
        let up = self.up(live);
        let wanted: BTreeSet<&str> = self.engine.wanted().collect();
        let services = live.database.services();
        let of = |is: &dyn Fn(&str) -> bool| -> Vec<String> {
            let those = services.clone().filter(|name| is(name));
            those.map(str::to_owned).collect()
        };
        Reply::Status {
            up: of(&|name| up.contains(name)),
            wanted: of(&|name| wanted.contains(name) || is_own(name) && up.contains(name)),
        }
    }

    /// Everything that counts as up. Of s6-rc's own longruns, those are at first that something up needs.
    pub(super) fn up(&self, live: &mut Live) -> BTreeSet<String> {
        let mut up: BTreeSet<String> = self.engine.up().map(str::to_owned).collect();
        let own = live.own.get_or_insert_with(|| {
            let known = up
                .iter()
                .filter(|name| live.database.number(name).is_some());
            let needed = live
                .database
                .dependencies(known.map(String::as_str), Way::Up);
            let needed = needed.unwrap_or_default().into_iter();
            needed
                .filter(|name| is_own(name))
                .map(str::to_owned)
                .collect()
        });
        up.extend(own.iter().cloned());
        up
    }

    fn begin(&mut self, live: &mut Live, change: &wire::Change, asked: &Asked) -> Vec<Input> {
        let up = self.up(live);
        let wish = Wish {
            names: &change.names,
            all: change.all,
            way: if change.down { Way::Down } else { Way::Up },
            essential: change.essential,
            prune: change.prune,
        };
        let course = match live.database.course(&|name| up.contains(name), &wish) {
            Ok(course) => course,
            Err(QueryError::Unknown { name } | QueryError::WrongType { name, .. }) => {
                end(&asked.replies, Outcome::Unknown { name });
                return Vec::new();
            }
        };
        for kept in &course.kept {
            let service = (*kept).to_owned();
            let _ = asked.replies.send(Reply::Kept { service });
        }
        let owned = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let (stop, start) = (owned(&course.stop), owned(&course.start));
        if stop.is_empty() && start.is_empty() {
            end(&asked.replies, Outcome::Done);
            return Vec::new();
        }
        self.move_services(live, stop, start, false, change.timeout, asked)
    }

    /// Lets the engine move services. Those of s6-rc's own, which are no processes here, are moved at
    /// once, or, on the way down, in the end.
    pub(super) fn move_services(
        &mut self,
        live: &mut Live,
        mut stop: Vec<String>,
        mut start: Vec<String>,
        redefine: bool,
        timeout: u64,
        asked: &Asked,
    ) -> Vec<Input> {
        let own_stop = stop.extract_if(.., |name| is_own(name)).collect();
        let own_start: Vec<String> = start.extract_if(.., |name| is_own(name)).collect();
        let client = Client {
            id: asked.client,
            replies: asked.replies.clone(),
            may_abort: !redefine,
            own_stop,
        };
        for name in own_start {
            move_own(&client, &name, wire::Transition::Start);
            live.own.get_or_insert_default().insert(name);
        }
        self.client = Some(client);
        vec![Input::Change {
            stop,
            start,
            redefine,
            timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
        }]
    }

    /// The change at work is over.
    pub(super) fn end_change(&mut self, outcome: ChangeOutcome) {
        *self.world.caller.borrow_mut() = None;
        self.fresh = None;
        let Some(client) = self.client.take() else {
            return;
        };
        if outcome == ChangeOutcome::Done
            && let Some(live) = self.world.live.borrow_mut().as_mut()
        {
            for name in &client.own_stop {
                move_own(&client, name, wire::Transition::Stop);
                live.own.get_or_insert_default().remove(name);
            }
        }
        end(
            &client.replies,
            match outcome {
                ChangeOutcome::Done => Outcome::Done,
                ChangeOutcome::Failed => Outcome::Failed,
                ChangeOutcome::TimedOut => Outcome::TimedOut,
            },
        );
    }

    /// Tells who asked for the change at work what becomes of it.
    pub(super) fn forward(&self, event: &Event) {
        if let Some(client) = &self.client
            && let Some(reply) = reply(event)
        {
            client.tell(reply);
        }
    }
}

/// What is said of an event to who asked for the change at work.
fn reply(event: &Event) -> Option<Reply> {
    if let Event::RcBegun {
        service,
        transition,
    } = event
    {
        return Some(Reply::Begun {
            service: service.clone(),
            transition: on_wire(*transition),
        });
    }
    if let Event::RcDone {
        service,
        transition,
    } = event
    {
        return Some(Reply::Done {
            service: service.clone(),
            transition: on_wire(*transition),
        });
    }
    if let Event::RcFailed {
        service,
        transition,
        exit,
    } = event
    {
        let (code, signal) = match exit {
            Exit::Code(code) => (Some(*code), None),
            Exit::Signal(signal) => (None, Some(*signal)),
        };
        return Some(Reply::Failed {
            service: service.clone(),
            transition: on_wire(*transition),
            code,
            signal,
        });
    }
    None
}

fn blocks(request: &Request) -> bool {
    match request {
        Request::Status { block } | Request::Update { block, .. } => *block,
        Request::Change(change) => change.block,
        Request::Abort | Request::Reload { .. } | Request::Init { .. } => false,
    }
}

fn on_wire(transition: Transition) -> wire::Transition {
    match transition {
        Transition::Start => wire::Transition::Start,
        Transition::Stop => wire::Transition::Stop,
    }
}

/// Ends a request.
pub(super) fn end(replies: &UnboundedSender<Reply>, outcome: Outcome) {
    // Who is gone needs no answer.
    let _ = replies.send(Reply::Ended { outcome });
}

/// Why it cannot be done at all.
pub(super) fn refused(reason: &str) -> Outcome {
    Outcome::Refused {
        reason: reason.to_owned(),
    }
}

fn move_own(client: &Client, name: &str, transition: wire::Transition) {
    let service = || name.to_owned();
    client.tell(Reply::Begun {
        service: service(),
        transition,
    });
    client.tell(Reply::Done {
        service: service(),
        transition,
    });
}
