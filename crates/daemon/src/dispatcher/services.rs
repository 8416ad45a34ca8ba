//! What the dispatcher does about services beside their processes: taking charge of their
//! directories, reading them anew, and the pipes between them.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::{fs, iter};

use sixfold_engine::{CATCH_ALL, Input, NodeId};
use sixfold_model::ServiceSpec;
use sixfold_model::tree::Identity;
use sixfold_protocol::paths;
use sixfold_sys::fds;
use tokio::task::LocalSet;

use super::{Dispatcher, Supervised};
use crate::charge::{Charge, ChargeError};
use crate::launch::Place;
use crate::listing;
use crate::unit::Order;
use crate::world::Pipe;

impl Dispatcher {
    /// Takes note of a new service, and makes the pipe to what reads its output, unless others
    /// write there already. The reader was adopted before, and starts later than this.
    pub(super) fn adopt(
        &mut self,
        node: NodeId,
        spec: ServiceSpec,
        reader: Option<NodeId>,
        local: &LocalSet,
    ) {
        if let Some(reader) = reader {
            self.connect(&spec.name, reader);
        }
        let name = spec.name.clone();
        let is_longrun = self.world.longrun(spec.identity).is_some();
        let called = if is_longrun {
            self.world.called(&name)
        } else {
            name.clone()
        };
        self.services.insert(
            node,
            Supervised {
                spec,
                called,
                reader,
                charge: None,
            },
        );
        self.unit(node, &name, local);
    }

    fn connect(&self, name: &str, reader: NodeId) {
        let mut pipes = self.world.pipes.borrow_mut();
        if pipes.contains_key(&reader) {
            return;
        }
        match fds::pipe() {
            Ok((read_end, write_end)) => {
                let pipe = Pipe {
                    reader: Rc::new(read_end),
                    writer: Some(Rc::new(write_end)),
                };
                pipes.insert(reader, pipe);
            }
            Err(error) => tracing::error!(
                event = "pipe.failed",
                service = name,
                error = %error,
                mend = "raise the limit of open files (docker run --ulimit nofile=...)",
                "no pipe could be made between a service and what reads its output"
            ),
        }
    }

    /// Takes charge of a service's directory.
    pub(super) fn claim(&mut self, node: NodeId) -> Input {
        let refused = Input::Refused { node };
        let Some(service) = self.services.get(&node) else {
            return refused;
        };
        let dir = self.world.live_directory(&service.called);
        let taken = if self.is_in_charge_of(&dir) {
            Err(ChargeError::Taken)
        } else {
            Charge::take(&dir, self.clock)
        };
        let (charge, fifo) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                self.report_refusal(&service.spec, &error);
                self.refusal = Some(error.code());
                return refused;
            }
        };
        self.order(node, Order::Listen(Some(fifo)));
        if let Some(service) = self.services.get_mut(&node) {
            service.charge = Some(Rc::new(charge));
        }
        self.reread(node);
        match self.services.get(&node) {
            Some(service) => Input::Supervised {
                node,
                spec: Box::new(service.spec.clone()),
            },
            None => refused,
        }
    }

    /// Whether the service directory `dir` is in our charge already, under another name or with a
    /// `supervise` that leads to the same place. The lock does not tell us, as it is our own; and
    /// opening it once more would drop it.
    fn is_in_charge_of(&self, dir: &Path) -> bool {
        let Ok(lock) = fs::metadata(dir.join(paths::LOCK)) else {
            return false;
        };
        let mut charges = self.services.values().filter_map(|it| it.charge.as_ref());
        charges.any(|charge| charge.holds(&lock))
    }

    /// Notes what each directory is called now: a supervisor that left comes back to its directory,
    /// and not to what has its old name. Of several names, the known one stays.
    pub(super) fn follow_renames(&mut self, specs: &[ServiceSpec]) {
        let mut names: HashMap<Identity, Vec<&str>> = HashMap::new();
        for spec in specs
            .iter()
            .flat_map(|it| iter::once(it).chain(it.log.as_deref()))
        {
            if let Some(identity) = spec.identity {
                names.entry(identity).or_default().push(&spec.name);
            }
        }
        for service in self.services.values_mut() {
            let names = service.spec.identity.and_then(|it| names.get(&it));
            if let Some(names) = names
                && !names.contains(&service.called.as_str())
                && let Some(name) = names.first()
            {
                service.called = (*name).to_owned();
            }
        }
    }

    fn report_refusal(&self, spec: &ServiceSpec, error: &ChargeError) {
        use std::error::Error as _;
        let name = spec.name.as_str();
        let reason = error.source().map(|source| {
            let source = source.to_string();
            let end = source.rfind(" (os error ").unwrap_or(source.len());
            format!(": {}", source.get(..end).unwrap_or_default())
        });
        let reason = reason.unwrap_or_default();
        let text = format!("s6-supervise {name}: fatal: {error}{reason}");
        if self.world.is_news(&text) {
            let text = text.as_str();
            tracing::error!(
                event = "supervise.refused",
                service = name,
                text,
                "{error}{reason}"
            );
        }
    }

    /// The unit of a service was lost, and with it the FIFO that it listened to.
    pub(super) fn listen_again(&mut self, node: NodeId, local: &LocalSet) {
        let Some(service) = self.services.get(&node) else {
            return;
        };
        let fifo = service.charge.as_ref().and_then(|charge| charge.listen());
        let name = service.spec.name.clone();
        self.unit(node, &name, local);
        self.order(node, Order::Listen(fifo));
    }

    /// The directory of a service, while it is in our charge.
    pub(super) fn charge(&self, node: NodeId) -> Option<&Charge> {
        self.services.get(&node)?.charge.as_deref()
    }

    /// A service's directory as it is now.
    pub(super) fn place(&mut self, node: NodeId) -> Option<Place> {
        self.reread(node);
        let service = self.services.get(&node)?;
        let dir = match &service.charge {
            // Where it is when something is started is asked then.
            Some(charge) => charge.known_path(),
            None => self.world.live_directory(&service.called),
        };
        Some(Place {
            spec: service.spec.clone(),
            dir,
            charge: service.charge.clone(),
        })
    }

    /// What the engine has to know anew before it decides about `input`: s6-supervise reads each
    /// file of a service directory at the moment when it needs it.
    pub(super) fn reread_before(&mut self, input: &Input) -> Vec<Input> {
        let nodes: Vec<NodeId> = match input {
            Input::Exited { node, .. } | Input::Control { node, .. } => vec![*node],
            Input::StopSignal { .. }
            | Input::Stop { .. }
            | Input::Prune { .. }
            | Input::ControlAll { .. }
                if self.engine.is_alive() =>
            {
                self.services.keys().copied().collect()
            }
            Input::StopSignal { .. }
            | Input::Stop { .. }
            | Input::Prune { .. }
            | Input::ControlAll { .. }
            | Input::Boot
            | Input::Timer
            | Input::Abort
            | Input::Rescan
            | Input::Listed { .. }
            | Input::Definitions(_)
            | Input::Change { .. }
            | Input::AbortChange
            | Input::Services { .. }
            | Input::Supervised { .. }
            | Input::Refused { .. }
            | Input::Reread { .. }
            | Input::Spawned { .. }
            | Input::SpawnFailed { .. }
            | Input::Ready { .. }
            | Input::Pulse { .. }
            | Input::Census { .. } => Vec::new(),
        };
        nodes
            .into_iter()
            .filter_map(|node| {
                self.reread(node);
                let spec = Box::new(self.services.get(&node)?.spec.clone());
                Some(Input::Reread { node, spec })
            })
            .collect()
    }

    fn reread(&mut self, node: NodeId) {
        let Some(service) = self.services.get_mut(&node) else {
            return;
        };
        // Who is not in charge knows no better than before.
        let Some(charge) = &service.charge else {
            return;
        };
        if let Some(spec) = listing::reread(&self.world, &service.spec, charge) {
            service.spec = spec;
        }
    }

    /// Lets a logger see the end of its input. The one that reads what all write sees it when we no
    /// longer write there ourselves.
    pub(super) fn close_input(&self, node: NodeId) {
        if let Some(pipe) = self.world.pipes.borrow_mut().get_mut(&node) {
            pipe.writer = None;
        }
        let is_catch_all = self
            .services
            .get(&node)
            .is_some_and(|service| service.spec.name == CATCH_ALL);
        if is_catch_all && let Err(error) = self.world.leave_console() {
            tracing::warn!(
                event = "console.failed",
                error = %error,
                "standard output could not be taken from the logger of all"
            );
        }
    }
}
