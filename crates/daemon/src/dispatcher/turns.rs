//! Going over to other services than those that are known: what a reload, `s6-rc-init` and
//! `s6-rc-update` ask of the dispatcher.

use std::collections::BTreeSet;
use std::path::Path;

use sixfold_engine::Input;
use sixfold_model::rc::Graph;
use sixfold_model::rc::database::Present;
use sixfold_protocol::live::{self as wire, Outcome, Reply, Request};
use tokio::sync::mpsc::UnboundedSender;

use super::Dispatcher;
use super::requests::{Client, end, refused};
use crate::compiled::{self, Compiled};
use crate::live::{Live, is_own};
use crate::requests::Asked;
use crate::{definitions, reload};

/// What the services are to be.
pub(super) enum Fresh {
    /// What the sources of an image say.
    Sources(Graph),
    /// What a compiled database says.
    Compiled(Compiled),
}

impl Dispatcher {
    pub(super) fn begin_reload(
        &mut self,
        live: &mut Live,
        simulate: bool,
        asked: &Asked,
    ) -> Vec<Input> {
        let up = self.up(live);
        let failed: BTreeSet<&str> = self.engine.failed().collect();
        let reload = reload::prepare(&self.world, live, &|name| up.contains(name), &|name| {
            failed.contains(name)
        });
        for reply in reload.replies {
            let _ = asked.replies.send(reply);
        }
        if !reload.lost.is_empty() {
            let names: Vec<String> = reload.lost.into_iter().collect();
            let names = names.join(", ");
            let reason = format!(
                "nothing was changed, as these would be lost: {names}; mend what is said above"
            );
            end(&asked.replies, refused(&reason));
            return Vec::new();
        }
        let turn = reload.turn;
        let is_done = simulate || !reload.is_news && turn.stop.is_empty() && turn.start.is_empty();
        if is_done {
            if simulate {
                tell_all(&asked.replies, &turn.stop, wire::Transition::Stop);
                tell_all(&asked.replies, &turn.start, wire::Transition::Start);
            }
            end(&asked.replies, Outcome::Done);
            return Vec::new();
        }
        tracing::info!(
            event = "rc.reload",
            stop = turn.stop.join(", "),
            start = turn.start.join(", "),
            text = "sixfold: info: services of s6-rc are read again",
            "services of s6-rc are read again"
        );
        self.fresh = Some(Fresh::Sources(reload.graph));
        self.move_services(live, turn.stop, turn.start, true, 0, asked)
    }

    pub(super) fn begin_init(
        &mut self,
        live: &Path,
        compiled: &Path,
        prefix: &str,
        asked: &Asked,
    ) -> Vec<Input> {
        let database = match compiled::open(compiled) {
            Ok(database) => database,
            Err(reason) => {
                end(&asked.replies, refused(&reason));
                return Vec::new();
            }
        };
        self.fresh = Some(Fresh::Compiled(Compiled {
            dir: compiled.to_owned(),
            database,
            live: live.to_owned(),
            prefix: prefix.to_owned(),
        }));
        self.client = Some(Client {
            id: asked.client,
            replies: asked.replies.clone(),
            may_abort: false,
            own_stop: Vec::new(),
        });
        vec![Input::Change {
            stop: Vec::new(),
            start: Vec::new(),
            redefine: true,
            timeout: None,
        }]
    }

    pub(super) fn begin_update(&mut self, live: &mut Live, asked: &Asked) -> Vec<Input> {
        let Request::Update {
            compiled,
            timeout,
            simulate,
            renamed,
            restarted,
            essential,
            block: _,
        } = &asked.request
        else {
            return Vec::new();
        };
        let database = match compiled::open(compiled) {
            Ok(database) => database,
            Err(reason) => {
                end(&asked.replies, refused(&reason));
                return Vec::new();
            }
        };
        let up = self.up(live);
        let mut restart = compiled::restarts(&live.database, &database);
        restart.extend(restarted.iter().cloned());
        // Who has another name now is another one, and up if the old one was.
        restart.extend(renamed.iter().map(|(old, _)| old.clone()));
        let anew = renamed.iter().filter(|(old, _)| up.contains(old));
        let anew = anew.map(|(_, new)| new.clone()).collect();
        let mut turn = live.database.turn(
            &database,
            &Present {
                is_up: &|name| up.contains(name),
                has_failed: &|_| false,
                restart: &restart,
                boot: [&BTreeSet::new(), &anew],
            },
        );
        if !essential {
            let is_essential = |name: &str| live.database.flags(name).is_ok_and(|it| it & 1 != 0);
            for name in turn.stop.extract_if(.., |name| is_essential(name)) {
                turn.start.retain(|other| *other != name);
                let _ = asked.replies.send(Reply::Kept { service: name });
            }
        }
        if *simulate {
            tell_all(&asked.replies, &turn.stop, wire::Transition::Stop);
            tell_all(&asked.replies, &turn.start, wire::Transition::Start);
            end(&asked.replies, Outcome::Done);
            return Vec::new();
        }
        self.fresh = Some(Fresh::Compiled(Compiled {
            dir: compiled.clone(),
            database,
            live: live.dir.clone(),
            prefix: live.prefix.clone(),
        }));
        self.move_services(live, turn.stop, turn.start, true, *timeout, asked)
    }

    /// The services are to be what was read for the change at work.
    pub(super) fn redefine(&mut self) -> Input {
        Input::Definitions(match self.fresh.take() {
            Some(Fresh::Sources(graph)) => definitions::take(&self.world, &graph),
            Some(Fresh::Compiled(compiled)) => compiled::take(&self.world, compiled),
            None => {
                tracing::error!(
                    event = "dispatcher.panicked",
                    "a bug in Sixfold: nobody knows what services are to be"
                );
                return Input::AbortChange;
            }
        })
    }
}

/// Tells which services would move.
fn tell_all(replies: &UnboundedSender<Reply>, names: &[String], transition: wire::Transition) {
    for name in names.iter().filter(|name| !is_own(name)) {
        let service = name.clone();
        let _ = replies.send(Reply::Begun {
            service,
            transition,
        });
    }
}
