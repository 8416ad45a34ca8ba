//! The effects of the engine, carried out.

use sixfold_engine::{Effect, Event, Input};
use sixfold_model::Signal;
use sixfold_sys::{process, signals};
use tokio::task::LocalSet;

use super::Dispatcher;
use crate::phase::Phase;
use crate::unit::Order;
use crate::{definitions, layout, listing, report};

impl Dispatcher {
    /// Whether anything is left, if the engine wants to know.
    pub(super) fn census(&self) -> Vec<Input> {
        if self.engine.counts_processes() {
            vec![Input::Census {
                left: self.is_anyone_left(),
            }]
        } else {
            Vec::new()
        }
    }

    pub(super) fn is_anyone_left(&self) -> bool {
        if self.world.is_init {
            signals::anyone_left()
        } else {
            process::descendants().is_ok_and(|all| !all.is_empty())
        }
    }

    pub(super) fn apply(&mut self, effect: Effect, local: &LocalSet) -> Option<Input> {
        match effect {
            Effect::Adopt { node, spec, logger } => {
                self.adopt(node, *spec, logger, local);
                Some(self.claim(node))
            }
            Effect::Claim { node } => Some(self.claim(node)),
            Effect::Tell {
                node,
                standing,
                letters,
            } => {
                if let Some(charge) = self.charge(node) {
                    charge.tell(&standing, letters);
                }
                None
            }
            Effect::RecordDeath { node, exit, most } => {
                if let Some(charge) = self.charge(node) {
                    charge.record_death(exit, most);
                }
                None
            }
            Effect::MarkDown { node, down } => {
                if let Some(charge) = self.charge(node) {
                    charge.mark_down(down);
                }
                None
            }
            Effect::Leave {
                node,
                standing,
                letters,
            } => {
                self.order(node, Order::Listen(None));
                let service = self.services.get_mut(&node);
                if let Some(charge) = service.and_then(|service| service.charge.take()) {
                    charge.leave(&standing, letters);
                }
                None
            }
            Effect::Forget { node } => {
                if let Some(service) = self.services.remove(&node) {
                    self.world.forget_longrun(&service.spec.name);
                }
                self.units.remove(&node);
                self.world.pipes.borrow_mut().remove(&node);
                None
            }
            Effect::Spawn { node, run, work } => self.spawn(node, run, work, local),
            Effect::Signal {
                node,
                run,
                signal,
                target,
            } => {
                self.order(
                    node,
                    Order::Signal {
                        run,
                        signal,
                        target,
                    },
                );
                None
            }
            Effect::CloseInput { node } => {
                self.close_input(node);
                None
            }
            Effect::List { node, listing } => Some(Input::Listed {
                node,
                steps: listing::steps(&self.world, listing),
            }),
            Effect::ListDefinitions => Some(Input::Definitions(definitions::read(&self.world))),
            // The stage is over even when nothing could be listed.
            Effect::ListServices => Some(Input::Services {
                specs: listing::services(&self.world).unwrap_or_default(),
            }),
            Effect::UnlistServices => {
                layout::unlist_services();
                // Nothing but their absence matters where the directory cannot be read.
                Some(Input::Services {
                    specs: listing::scanned(&self.world).unwrap_or_default(),
                })
            }
            Effect::Rescan => {
                let specs = listing::scanned(&self.world)?;
                self.follow_renames(&specs);
                Some(Input::Services { specs })
            }
            Effect::SignalAll(signal) => {
                self.signal_all(signal);
                None
            }
            Effect::Census => Some(Input::Census {
                left: self.is_anyone_left(),
            }),
            Effect::RecordExitCode(code) => {
                self.exit_code.record(code);
                None
            }
            Effect::Sync => {
                process::sync();
                None
            }
            Effect::Redefine => Some(self.redefine()),
            Effect::ChangeEnded(outcome) => {
                self.end_change(outcome);
                None
            }
            Effect::Log(event) => {
                self.announce(&event);
                self.forward(&event);
                if !self.world.is_quiet() || report::is_told_by_s6(&event) {
                    report::report(&event);
                }
                None
            }
            Effect::Exit => {
                self.is_over = true;
                None
            }
        }
    }

    pub(super) fn announce(&self, event: &Event) {
        let phase = if matches!(event, Event::StopRequested(_)) {
            Phase::Stopping
        } else if matches!(event, Event::FinalKill) {
            Phase::Killing
        } else {
            return;
        };
        // Without a single task there is nobody to tell.
        let _ = self.phases.send(phase);
    }

    /// As PID 1, everything in the namespace; else only what descends from us, as the namespace is
    /// not ours.
    pub(super) fn signal_all(&self, signal: Signal) {
        if self.world.is_init {
            // Nobody being left is an error too, to kill(2).
            if let Err(error) = signals::send_all(signal.number())
                && self.is_anyone_left()
            {
                tracing::warn!(event = "signal.failed", error = %error, "not every process could be signalled");
            }
            return;
        }
        for pid in process::descendants().unwrap_or_default() {
            // It may be gone by now.
            let _ = signals::send(pid, signal.number());
        }
    }
}
