//! One owner as its client sees it: what is pending, and what each reply means.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use ctr_container::protocol::{Reply, Request};
use ctr_container::state::{Running, start_time, write_state};
use ctr_spec::plan::IdMap;
use ctr_sys::pidfd;
use nix::unistd::Pid;

use super::pid;
use super::terminal::Opened;
use crate::channel::Channel;
use crate::event::{Address, Event};
use crate::fault::Fault;
use crate::stdio::TerminalEnd;

/// The one signal that works on a process in any state.
pub(super) const SIGKILL: i32 = nix::sys::signal::Signal::SIGKILL as i32;

/// A signal asked for, and whether descendants get it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signal {
    pub(super) number: i32,
    pub(super) tree: bool,
}

/// What a request was for.
#[derive(Debug)]
pub(super) enum Kind {
    Container {
        id: String,
        state_root: PathBuf,
        directory: PathBuf,
        directory_fd: OwnedFd,
        keep: bool,
    },
    Process,
    /// A container of which only the terminal is ours.
    Attached,
    Store,
}

/// A request whose end has not come.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) address: Address,
    pub(super) kind: Kind,
    /// Of the program, once it runs.
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) started: bool,
    /// Asked for before the program ran.
    pub(super) signal: Option<Signal>,
    /// Where the bytes of its terminal will go.
    pub(super) terminal: Option<TerminalEnd>,
}

/// What our own launcher said of itself.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) uid_map: Vec<IdMap>,
    pub(super) gid_map: Vec<IdMap>,
}

/// A connection to an owner.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) channel: Channel,
    /// Where the owner listens.
    pub(super) owner_socket: PathBuf,
    pub(super) pending: HashMap<u64, Pending>,
    /// Whether epoll watches for room to write.
    pub(super) blocked: bool,
    /// Terminals that came with the last reply.
    pub(super) opened: Vec<Opened>,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, owner_socket: PathBuf) -> Self {
        Self {
            channel: Channel::new(socket),
            owner_socket,
            pending: HashMap::new(),
            blocked: false,
            opened: Vec::new(),
        }
    }

    /// Apply a reply that names a token. `None` for one nobody waits for.
    pub(super) fn reply(
        &mut self,
        reply: Reply,
        descriptors: Vec<OwnedFd>,
    ) -> Option<(Address, Event)> {
        match reply {
            // The engine reads these.
            Reply::Hello { .. } | Reply::Unsupported(_) => None,
            Reply::Started { token, enforcement } => {
                let mut descriptors = descriptors.into_iter();
                let pidfd = descriptors.next();
                let pid = pidfd.as_ref().map_or(0, pid::of);
                let pending = self.pending.get_mut(&token)?;
                pending.started = true;
                pending.pidfd = pidfd;
                pending.record(pid);
                let address = pending.address;
                if let (Some(master), Some(end)) = (descriptors.next(), pending.terminal.take()) {
                    self.opened.push(Opened {
                        address,
                        master,
                        end,
                        attached: matches!(pending.kind, Kind::Attached),
                    });
                }
                if let Some(signal) = pending.signal.take() {
                    self.signal(token, signal);
                }
                Some((address, Event::Started { pid, enforcement }))
            }
            Reply::Failed { token, failure } => {
                let pending = self.pending.remove(&token)?;
                Some((
                    pending.address,
                    Event::Failed {
                        error: failure.into(),
                    },
                ))
            }
            Reply::Exited { token, exit } => {
                let pending = self.pending.remove(&token)?;
                Some((pending.address, Event::Exited { exit, reason: None }))
            }
            Reply::Detached { token } => {
                let pending = self.pending.remove(&token)?;
                Some((pending.address, Event::Detached))
            }
            Reply::DetachFailed { token, failure } => {
                let pending = self.pending.get(&token)?;
                let error = failure.into();
                Some((pending.address, Event::DetachFailed { error }))
            }
            Reply::Done { token, layer } => {
                let pending = self.pending.remove(&token)?;
                let result = serde_json::to_value(layer).unwrap_or_default();
                Some((pending.address, Event::Done { result }))
            }
        }
    }

    /// Signal what a token started, now or as soon as it runs.
    pub(super) fn signal(&mut self, token: u64, signal: Signal) {
        let Some(pending) = self.pending.get_mut(&token) else {
            return;
        };
        if !pending.started {
            pending.signal = Some(signal);
            // A program that cannot be reached yet cannot hang yet either, but its init can: in
            // a mount that does not answer. Only the owner reaches that.
            if signal.number == SIGKILL {
                self.ask(token, signal);
            }
            return;
        }
        let direct = !signal.tree
            && pending
                .pidfd
                .as_ref()
                .is_some_and(|fd| pidfd::send_signal(fd.as_fd(), signal.number).is_ok());
        if !direct {
            self.ask(token, signal);
        }
    }

    fn ask(&mut self, token: u64, signal: Signal) {
        let request = Request::Signal {
            token,
            signal: signal.number,
            tree: signal.tree,
        };
        // A few integers always fit.
        let _ = self.channel.push(&request, Vec::new());
    }

    /// What everyone hears when the owner is gone.
    pub(super) fn lost(&mut self) -> Vec<(Address, Event)> {
        let event = |pending: &Pending| {
            if pending.started {
                Event::lost()
            } else {
                Event::Failed {
                    error: Fault::lost(),
                }
            }
        };
        self.pending
            .drain()
            .map(|(_, pending)| (pending.address, event(&pending)))
            .collect()
    }

    /// The token of a running container of this owner.
    pub(super) fn runs(&self, container: &str) -> bool {
        self.pending.values().any(|pending| {
            pending.started
                && matches!(&pending.kind, Kind::Container { id, .. } if id == container)
        })
    }
}

impl Pending {
    pub(super) fn new(address: Address, kind: Kind, signal: Option<Signal>) -> Self {
        Self {
            address,
            kind,
            pidfd: None,
            started: false,
            signal,
            terminal: None,
        }
    }

    /// Note the process of a container that runs, for other processes to see.
    fn record(&self, pid: i32) {
        let Kind::Container {
            directory,
            directory_fd,
            ..
        } = &self.kind
        else {
            return;
        };
        if let Some(start_time) = start_time(Pid::from_raw(pid)).filter(|_| pid > 0) {
            // A full disk hides from others that it runs, no more; it is no reason to fail a
            // container that does.
            let _ = write_state(directory_fd, directory, &Running { pid, start_time });
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
