//! Who is compared: what each peer is called, which Debian package has it, and what it can do. How it is
//! booted is the benchmark's own business.

/// One of those that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A bare loop that starts the same processes and stops them: what the work itself costs.
    Limit,
    /// Sixfold as it is by default: JSON lines.
    Sixfold,
    /// Sixfold with `SIXFOLD_LOG_FORMAT=text`, where services keep the container's output.
    SixfoldText,
    /// `s6-svscan` of Debian, with its scan directory in `/run`.
    S6,
    /// A root with s6-overlay v3, by its own `/init`.
    S6Overlay,
    /// `runsvdir` of runit.
    Runit,
    /// `runsvdir` of busybox.
    Busybox,
    /// `supervisord`.
    Supervisor,
    /// `tini`: one command.
    Tini,
    /// `dumb-init`: one command.
    DumbInit,
}

impl Peer {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 10] = [
        Self::Limit,
        Self::Sixfold,
        Self::SixfoldText,
        Self::S6,
        Self::S6Overlay,
        Self::Runit,
        Self::Busybox,
        Self::Supervisor,
        Self::Tini,
        Self::DumbInit,
    ];

    /// Its name in options and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Sixfold => "sixfold",
            Self::SixfoldText => "sixfold-text",
            Self::S6 => "s6",
            Self::S6Overlay => "s6-overlay",
            Self::Runit => "runit",
            Self::Busybox => "busybox",
            Self::Supervisor => "supervisor",
            Self::Tini => "tini",
            Self::DumbInit => "dumb-init",
        }
    }

    /// One line for a report's reader.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Limit => {
                "a bare loop of posix_spawn, and of kill and wait at the stop: what the work itself costs"
            }
            Self::Sixfold => "Sixfold, by default: JSON lines",
            Self::SixfoldText => "Sixfold, SIXFOLD_LOG_FORMAT=text",
            Self::S6 => "s6-svscan alone",
            Self::S6Overlay => "s6-overlay v3, a root given by --overlay-root",
            Self::Runit => "runsvdir of runit (its HUP does not wait for the services)",
            Self::Busybox => "runsvdir of busybox",
            Self::Supervisor => "supervisord",
            Self::Tini => "tini, one command",
            Self::DumbInit => "dumb-init, one command",
        }
    }

    /// The Debian package that has it, if one has.
    pub const fn package(self) -> Option<&'static str> {
        match self {
            Self::S6 => Some("s6"),
            Self::Runit => Some("runit"),
            Self::Busybox => Some("busybox-static"),
            Self::Supervisor => Some("supervisor"),
            Self::Tini => Some("tini"),
            Self::DumbInit => Some("dumb-init"),
            Self::Limit | Self::Sixfold | Self::SixfoldText | Self::S6Overlay => None,
        }
    }

    /// Whether it supervises more than one service.
    pub const fn has_services(self) -> bool {
        !matches!(self, Self::Tini | Self::DumbInit)
    }

    /// Whether it restarts a service that has died.
    pub const fn restarts(self) -> bool {
        self.has_services() && !matches!(self, Self::Limit)
    }

    /// Whether it knows `cont-init.d` and the services of s6-rc.
    pub const fn has_stages(self) -> bool {
        matches!(self, Self::Sixfold | Self::SixfoldText | Self::S6Overlay)
    }

    /// The peer of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|peer| peer.name() == name)
    }
}

/// A way that the output of services goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logger {
    /// `cat` as the logger of each service, under `s6-svscan`: no more than moving the bytes.
    Cat,
    /// Sixfold's records, from its PID 1.
    Json,
    /// Sixfold's text mode: services write to the container's output themselves.
    Text,
    /// `s6-log t` of Sixfold as the logger of each service, with rotation, under Sixfold.
    OwnS6Log,
    /// `s6-log t` of Debian, under `s6-svscan`.
    S6Log,
    /// `svlogd -tt`, under `runsvdir`.
    Svlogd,
}

impl Logger {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 6] = [
        Self::Cat,
        Self::Json,
        Self::Text,
        Self::OwnS6Log,
        Self::S6Log,
        Self::Svlogd,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cat => "cat",
            Self::Json => "sixfold, JSON",
            Self::Text => "sixfold, text",
            Self::OwnS6Log => "sixfold, s6-log t",
            Self::S6Log => "s6, s6-log t",
            Self::Svlogd => "runit, svlogd -tt",
        }
    }

    /// Who supervises.
    pub const fn peer(self) -> Peer {
        match self {
            Self::Cat | Self::S6Log => Peer::S6,
            Self::Json | Self::OwnS6Log => Peer::Sixfold,
            Self::Text => Peer::SixfoldText,
            Self::Svlogd => Peer::Runit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn names_lead_back() {
        for peer in Peer::ALL {
            assert_eq!(Peer::named(peer.name()), Some(peer));
        }
        assert_eq!(Peer::named("systemd"), None);
    }

    #[test]
    fn what_has_stages_has_services() {
        for peer in Peer::ALL {
            assert!(peer.has_services() || !peer.has_stages(), "{peer:?}");
            assert!(peer.has_services() || !peer.restarts(), "{peer:?}");
        }
    }
}
