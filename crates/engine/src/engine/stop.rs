//! The way down: stop requests, the order of stopping, and the last signals.

use sixfold_model::Signal;

use super::Engine;
use crate::effect::Effect;
use crate::event::{Cause, Event};
use crate::graph::Kind;
use crate::input::{NodeId, Origin};
use crate::moment::Moment;
use crate::policy::Role;
use crate::shutdown::{CENSUS_INTERVAL, Grace, Phase, UNKILLABLE_AFTER};

impl Engine {
    pub(super) fn stop_signal(
        &mut self,
        now: Moment,
        signal: Signal,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        if self.policy.cmd_receives_signals
            && self.phase.is_alive()
            && let Some(cmd) = self.cmd.filter(|cmd| self.is_running_cmd(*cmd))
        {
            self.with(cmd, now, effects, |kind, context| {
                if let Kind::Cmd(cmd) = kind {
                    cmd.forward(signal, context);
                }
            });
            return;
        }
        match origin {
            Origin::Inside => {}
            Origin::Outside => {
                self.stop_signals = self.stop_signals.saturating_add(1);
                if self.stop_signals > 1 && !self.phase.is_alive() {
                    self.kill_now(now, effects);
                    return;
                }
            }
        }
        self.stop(now, Cause::Signal { signal, origin }, effects);
    }

    pub(super) fn is_running_cmd(&self, id: NodeId) -> bool {
        match self.graph.get(id).map(|node| &node.kind) {
            Some(Kind::Cmd(cmd)) => cmd.is_running(),
            Some(Kind::Service(_) | Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_))
            | None => false,
        }
    }

    /// The daemon is to leave at once what it supervises, which runs on without it.
    pub(super) fn abort(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match self.policy.role {
            Role::Container => self.stop(now, Cause::Command, effects),
            Role::ScanDirectory { .. } | Role::Service => self.end(effects),
        }
    }

    pub(super) fn stop(&mut self, now: Moment, cause: Cause, effects: &mut Vec<Effect>) {
        if !self.phase.is_alive() {
            return;
        }
        effects.push(Effect::Log(Event::StopRequested(cause)));
        self.drop_change(effects);
        self.phase = Phase::Stopping {
            grace: Grace::NotBegun,
        };
        // What waits for something will not get it now; only what was begun has to be undone.
        self.pass_on_stop(now, effects);
    }

    /// Tells every node to stop that nothing needs any longer.
    pub(super) fn pass_on_stop(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let grace = self.policy.kill_gracetime;
        let services_gracetime = self.policy.services_gracetime;
        let signal_loggers = self.signal_loggers;
        let is_container = self.policy.role == Role::Container;
        loop {
            let mut told = false;
            for id in self.graph.ids() {
                let due = self.graph.get(id).is_some_and(|node| !node.stop_told)
                    && self.graph.may_stop(id);
                if !due {
                    continue;
                }
                told = true;
                if let Some(node) = self.graph.get_mut(id) {
                    node.stop_told = true;
                }
                let is_service = self.with(id, now, effects, |kind, context| match kind {
                    Kind::Service(service) => {
                        service.stop(signal_loggers, context);
                        !service.is_longrun()
                    }
                    Kind::Oneshot(oneshot) if is_container => {
                        oneshot.stop(context);
                        false
                    }
                    Kind::Oneshot(oneshot) => {
                        oneshot.abandon();
                        false
                    }
                    Kind::Sequence(sequence) => {
                        sequence.stop(grace, context);
                        false
                    }
                    Kind::Gate(gate) => {
                        gate.close();
                        false
                    }
                    Kind::Cmd(cmd) => {
                        cmd.stop(grace, context);
                        false
                    }
                });
                // The grace time of the services begins when the first of them is told.
                let not_begun = Phase::Stopping {
                    grace: Grace::NotBegun,
                };
                if is_service && self.phase == not_begun {
                    let grace = services_gracetime.map(|grace| Grace::Until(now.after(grace)));
                    self.phase = Phase::Stopping {
                        grace: grace.unwrap_or(Grace::Unlimited),
                    };
                }
            }
            if !told {
                return;
            }
        }
    }

    /// The grace time of the services is over: the stop goes on without those that are left.
    pub(super) fn leave_behind(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Stopping { grace: Grace::Over };
        let mut services = Vec::new();
        for id in self.graph.ids() {
            // Those of s6-rc have limits of their own.
            if let Some(node) = self.graph.get_mut(id)
                && let Kind::Service(service) = &node.kind
                && !service.is_longrun()
                && !node.kind.is_down()
            {
                node.abandoned = true;
                services.push(node.kind.name().to_owned());
            }
        }
        if !services.is_empty() {
            effects.push(Effect::Log(Event::GraceExpired { services }));
        }
    }

    /// The graph is down. What else lives in a container is told to end; around a scan directory it
    /// is none of ours.
    pub(super) fn graph_is_down(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match self.policy.role {
            Role::Container => self.terminate(now, effects),
            Role::ScanDirectory { .. } | Role::Service => self.end(effects),
        }
    }

    fn terminate(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(Event::FinalTerm));
        effects.push(Effect::SignalAll(Signal::TERM));
        // Interactive shells, as from docker exec, ignore TERM; s6-overlay v2 hung them up as well.
        effects.push(Effect::SignalAll(Signal::HUP));
        effects.push(Effect::SignalAll(Signal::CONT));
        let kill_at = now.after(self.policy.kill_gracetime);
        self.phase = Phase::Terminating {
            kill_at,
            look_at: now.after(CENSUS_INTERVAL),
        };
        effects.push(Effect::Census);
    }

    pub(super) fn final_kill(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(Event::FinalKill));
        self.phase = Phase::Killing {
            until: now.after(UNKILLABLE_AFTER),
            look_at: now.after(CENSUS_INTERVAL),
        };
        for id in self.graph.ids() {
            self.with(id, now, effects, |kind, context| kind.kill(context));
        }
        effects.push(Effect::SignalAll(Signal::KILL));
        effects.push(Effect::Census);
    }

    pub(super) fn kill_now(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if !self.phase.is_killing() {
            effects.push(Effect::Log(Event::KillRequested));
            self.final_kill(now, effects);
        }
    }

    pub(super) fn census(&mut self, now: Moment, left: bool, effects: &mut Vec<Effect>) {
        match (&mut self.phase, left) {
            (Phase::Terminating { .. }, false) => self.final_kill(now, effects),
            (Phase::Killing { .. }, false) => self.end(effects),
            (Phase::Terminating { look_at, .. } | Phase::Killing { look_at, .. }, true) => {
                *look_at = now.after(CENSUS_INTERVAL);
            }
            (Phase::Booting { .. } | Phase::Running | Phase::Stopping { .. } | Phase::Over, _) => {}
        }
    }

    pub(super) fn end(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Over;
        if self.policy.sync_disks {
            effects.push(Effect::Sync);
        }
        effects.push(Effect::Exit);
    }
}
