//! Terminals in the loop of the io thread: relays start and end, windows change, owners change.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use ctr_container::protocol::Request;
use ctr_sys::terminal::{WindowSize, set_window_size, window_size};
use nix::sys::epoll::{EpollEvent, EpollFlags};
use serde::Deserialize;

use super::connection::Kind;
use super::dispatch::Task;
use super::engine::Engine;
use super::relay::Relay;
use super::{foreign, prepare};
use crate::event::{self, Address, Event};
use crate::fault::Fault;
use crate::stdio::{ChildEnds, TerminalEnd};

/// `TerminalRequest` of addon.ts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TerminalRequest {
    state_root: PathBuf,
    id: String,
}

/// A terminal whose program runs now.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) address: Address,
    pub(super) master: OwnedFd,
    pub(super) end: TerminalEnd,
    /// Somebody held it before us.
    pub(super) attached: bool,
}

/// A relay, whose it is, and how epoll watches it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) address: Address,
    relay: Relay,
    master: Watch,
    socket: Watch,
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    key: u64,
    /// What it waits for now; nothing: it is not registered.
    flags: EpollFlags,
}

impl Engine {
    /// Begin to carry a terminal's bytes.
    pub(super) fn start_relay(&mut self, opened: Opened) {
        let Opened {
            address,
            master,
            end,
            attached,
        } = opened;
        if attached {
            redraw(&master, end.size);
        } else if end.resized {
            // One that has ended already needs no size.
            let _ = set_window_size(master.as_fd(), end.size);
        }
        let mut watch = || Watch {
            key: self.key(),
            flags: EpollFlags::empty(),
        };
        let watched = Watched {
            address,
            relay: Relay::new(master, end.socket),
            master: watch(),
            socket: watch(),
        };
        let (key, socket_key) = (watched.master.key, watched.socket.key);
        self.relays.insert(key, watched);
        self.relay_sockets.insert(socket_key, key);
        self.turn_relay(key);
    }

    /// An event of a relay's descriptor. False when the key is none.
    pub(super) fn relay_ready(&mut self, key: u64, events: EpollFlags) -> bool {
        let hang_up = events.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        if let Some(watched) = self.relays.get_mut(&key) {
            if hang_up {
                watched.relay.hung_up();
            }
            self.turn_relay(key);
            return true;
        }
        let Some(master) = self.relay_sockets.get(&key).copied() else {
            return false;
        };
        self.turn_relay(master);
        true
    }

    /// A process has ended: its terminal ends when all that it said is delivered.
    pub(super) fn finish_relay(&mut self, address: Address) {
        let found = self
            .relays
            .iter_mut()
            .find(|(_, watched)| watched.address == address);
        if let Some((key, watched)) = found {
            watched.relay.finish();
            let key = *key;
            self.turn_relay(key);
        }
    }

    fn turn_relay(&mut self, key: u64) {
        let Some(watched) = self.relays.get_mut(&key) else {
            return;
        };
        if watched.relay.turn() {
            self.end_relay(key);
            return;
        }
        let (on_master, on_socket) = watched.relay.wanted();
        let epoll = &self.epoll;
        let Watched {
            relay,
            master,
            socket,
            ..
        } = watched;
        let outcome = rewatch(epoll, relay.master(), master, on_master)
            .and_then(|()| rewatch(epoll, relay.socket(), socket, on_socket));
        if outcome.is_err() {
            // Out of memory or watches: an end is better than a terminal that says nothing.
            self.end_relay(key);
        }
    }

    fn end_relay(&mut self, key: u64) {
        let Some(watched) = self.relays.remove(&key) else {
            return;
        };
        self.relay_sockets.remove(&watched.socket.key);
        // The launcher holds the same file, and epoll knows it by that: closing is not enough.
        if !watched.master.flags.is_empty() {
            let _ = self.epoll.delete(watched.relay.master());
        }
    }

    /// Set a window's size now, or note it until there is a terminal.
    pub(super) fn resize(&mut self, address: Address, size: WindowSize) {
        let mut relays = self.relays.values();
        if let Some(watched) = relays.find(|watched| watched.address == address) {
            // Hung up at this moment: it has no window any more.
            let _ = set_window_size(watched.relay.master().as_fd(), size);
            return;
        }
        let pending = self
            .connections
            .values_mut()
            .flat_map(|connection| connection.pending.values_mut())
            .filter(|pending| pending.address == address)
            .find_map(|pending| pending.terminal.as_mut());
        let waiting = self
            .waiting
            .iter_mut()
            .filter(|work| work.address == address)
            .find_map(|work| match &mut work.task {
                Task::Launch(container) => container.stdio.terminal(),
                _ => None,
            });
        if let Some(end) = pending.or(waiting) {
            end.size = size;
            end.resized = true;
        }
    }

    /// Ask the owner to keep a process.
    pub(super) fn detach(&mut self, address: Address) {
        for connection in self.connections.values_mut() {
            let found = connection
                .pending
                .iter()
                .find(|(_, pending)| pending.address == address && pending.started);
            if let Some((token, _)) = found {
                let request = Request::Detach { token: *token };
                if let Err(error) = connection.channel.push(&request, Vec::new()) {
                    event::emit(address, &Event::DetachFailed { error });
                }
                return;
            }
        }
        let error = Fault::new(
            "CONTAINER_NOT_RUNNING",
            "detach from the process: it does not run",
        );
        event::emit(address, &Event::DetachFailed { error });
    }

    /// The owner keeps the process: what it says from now on is no longer ours to read.
    pub(super) fn detached(&mut self, address: Address) {
        let found = self
            .relays
            .iter_mut()
            .find(|(_, watched)| watched.address == address);
        if let Some((key, watched)) = found {
            watched.relay.turn();
            let key = *key;
            self.end_relay(key);
        }
    }

    /// Connect to the terminal of a container, wherever its owner is.
    pub(super) fn attach(
        &mut self,
        address: Address,
        request: &str,
        stdio: ChildEnds,
    ) -> Result<(), Fault> {
        let TerminalRequest { state_root, id } = prepare::parse(request, "a terminal request")?;
        let ChildEnds::Terminal(end) = stdio else {
            return Err(Fault::new(
                "INVALID_REQUEST",
                "attach to a terminal: its stdio is three streams",
            ));
        };
        let found = foreign::find(&state_root, &id)?;
        let key = self.connection_to(&found.owner_socket)?;
        let id = found.id;
        let attach = |token| (Request::Attach { token, id }, Vec::new());
        self.send(key, Kind::Attached, (address, None), Some(end), attach)
    }

    /// Let go of the terminals an ended environment had attached to, or was about to: requests of
    /// one connection are answered in their order, so an attach that is refused leaves nothing to
    /// let go of, and the owner's refusal of that nobody to hear it.
    pub(super) fn let_go(&mut self, sink: u32) {
        for connection in self.connections.values_mut() {
            let attached = connection.pending.iter().filter(|(_, pending)| {
                pending.address.sink == sink && matches!(pending.kind, Kind::Attached)
            });
            let tokens: Vec<u64> = attached.map(|(token, _)| *token).collect();
            for token in tokens {
                // A number always fits, and whose environment has ended hears of no failure.
                let _ = connection
                    .channel
                    .push(&Request::Detach { token }, Vec::new());
            }
        }
    }
}

/// Make a program that was attached to draw its screen again: it does so when its window changes,
/// and a window of the same size does not.
fn redraw(master: &OwnedFd, size: WindowSize) {
    if window_size(master.as_fd()).is_ok_and(|now| now == size) {
        let columns = size.columns.checked_sub(1).filter(|columns| *columns > 0);
        let other = WindowSize {
            columns: columns.unwrap_or(size.columns.saturating_add(1)),
            ..size
        };
        let _ = set_window_size(master.as_fd(), other);
    }
    // One that has ended already needs no size.
    let _ = set_window_size(master.as_fd(), size);
}

fn rewatch(
    epoll: &nix::sys::epoll::Epoll,
    fd: &OwnedFd,
    watch: &mut Watch,
    wanted: EpollFlags,
) -> nix::Result<()> {
    if watch.flags == wanted {
        return Ok(());
    }
    let mut event = EpollEvent::new(wanted, watch.key);
    if wanted.is_empty() {
        epoll.delete(fd)?;
    } else if watch.flags.is_empty() {
        epoll.add(fd, event)?;
    } else {
        epoll.modify(fd, &mut event)?;
    }
    watch.flags = wanted;
    Ok(())
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
