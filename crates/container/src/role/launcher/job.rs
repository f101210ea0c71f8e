//! One process of the launcher: a container's init, an exec, or a store operation.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use ctr_cgroup::Group;
use ctr_spec::plan::{Namespace, OverlayUpper};
use nix::unistd::Pid;

use crate::protocol::{AppliedLayer, Enforcement, Failure};

/// Number of a client connection; Node's is 0.
pub(super) type ClientId = u64;

/// A process that the launcher cloned and will reap.
pub(super) struct Job {
    /// Who asked; `None` for the launcher's own clean-up.
    pub(super) client: Option<(ClientId, u64)>,
    /// Its pid in the launcher's namespace; `None` until a joining process has cloned it.
    pub(super) pid: Option<Pid>,
    /// Its pidfd.
    pub(super) pidfd: Option<OwnedFd>,
    /// Its reports, until their end.
    pub(super) report: Option<OwnedFd>,
    /// What it reported.
    pub(super) outcome: Outcome,
    /// Its terminal, once it has opened one.
    pub(super) terminal: Option<Terminal>,
    /// It was detached once: it has outlived a client, and outlives the next too.
    pub(super) detached: bool,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a job's reports said so far.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) ready: Option<Vec<Enforcement>>,
    pub(super) failure: Option<Failure>,
    pub(super) layer: Option<AppliedLayer>,
    /// The client was told that the program runs.
    pub(super) started: bool,
}

/// The owner's copy of a terminal's master.
pub(super) struct Terminal {
    pub(super) master: OwnedFd,
    /// Reading and dropping what it says, while no client does.
    pub(super) drain: Option<Drain>,
}

/// What draining holds.
pub(super) struct Drain {
    /// Key of the event loop.
    pub(super) source: u64,
    /// The slave side, held open: a terminal that all its processes have closed for now would
    /// otherwise report a hang-up for ever.
    pub(super) _peer: OwnedFd,
}

/// What a job is.
pub(super) enum Kind {
    Container(Box<Container>),
    Exec,
    Store,
}

/// What the launcher holds for a container as long as it lives.
pub(super) struct Container {
    pub(super) id: String,
    pub(super) namespaces: Vec<Namespace>,
    pub(super) group: Option<Group>,
    /// Held locked: the sign of a living owner.
    pub(super) lock: Option<OwnedFd>,
    pub(super) state_directory: PathBuf,
    pub(super) name_file: Option<PathBuf>,
    pub(super) upper: Option<OverlayUpper>,
    pub(super) keep: bool,
}

impl Job {
    /// A job whose process, when it is known, was just cloned.
    pub(super) fn new(client: Option<(ClientId, u64)>, report: OwnedFd, kind: Kind) -> Self {
        Self {
            client,
            pid: None,
            pidfd: None,
            report: Some(report),
            outcome: Outcome::default(),
            terminal: None,
            detached: false,
            kind,
        }
    }

    /// The same with its process.
    pub(super) fn of(self, pid: Pid, pidfd: OwnedFd) -> Self {
        Self {
            pid: Some(pid),
            pidfd: Some(pidfd),
            ..self
        }
    }

    /// The container of a container job.
    pub(super) fn container(&self) -> Option<&Container> {
        match &self.kind {
            Kind::Container(container) => Some(container),
            Kind::Exec | Kind::Store => None,
        }
    }
}
