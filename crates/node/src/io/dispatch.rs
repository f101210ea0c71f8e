//! Work for an owner: checked on arrival, reserved and sent when the owner is ready.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ctr_container::protocol::{Launch, Request};
use ctr_container::state::{Config, Reservation, StateRoot};

use super::connection::{Connection, Kind, Pending, Signal};
use super::engine::Engine;
use super::prepare::{self, Container, Layer, Process, Tree};
use super::{Command, foreign};
use crate::event::{self, Address, Event};
use crate::fault::Fault;
use crate::stdio::TerminalEnd;

/// What our launcher is to do.
#[derive(Debug)]
pub(super) enum Task {
    Ready,
    Launch(Box<Container>),
    Layer(Layer),
    Tree(Tree),
}

/// A task, who asked for it, and a signal that came before it began.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) address: Address,
    pub(super) task: Task,
    pub(super) signal: Option<Signal>,
}

impl Engine {
    /// Check a command and submit it. Nothing is started for one that is wrong.
    pub(super) fn prepare(&mut self, command: Command) -> Result<(), Fault> {
        let work = match command {
            Command::Ready { address } => Work::new(address, Task::Ready),
            Command::Launch {
                address,
                request,
                stdio,
            } => {
                let container = prepare::container(&request, stdio, &self.filters)?;
                Work::new(address, Task::Launch(Box::new(container)))
            }
            Command::Exec {
                address,
                request,
                stdio,
            } => {
                let process = prepare::process(&request, stdio, &self.filters)?;
                return self.exec(address, process);
            }
            Command::Attach {
                address,
                request,
                stdio,
            } => return self.attach(address, &request, stdio),
            Command::ApplyLayer {
                address,
                blob,
                directory,
                options,
            } => Work::new(
                address,
                Task::Layer(prepare::layer(&blob, &directory, &options)?),
            ),
            Command::RemoveTree { address, path } => {
                Work::new(address, Task::Tree(prepare::tree(&path)?))
            }
            _ => return Err(Fault::internal("prepare a command that needs none")),
        };
        self.submit(work);
        Ok(())
    }

    /// Hand work to our launcher, which is ready.
    pub(super) fn dispatch(&mut self, work: Work) {
        let address = work.address;
        let Some((key, hello)) = self.own() else {
            return;
        };
        let result = match work.task {
            Task::Ready => {
                let (uid_map, gid_map) = (hello.uid_map.clone(), hello.gid_map.clone());
                event::emit(address, &Event::Ready { uid_map, gid_map });
                Ok(())
            }
            Task::Launch(container) => self.launch(key, address, work.signal, *container),
            Task::Layer(Layer {
                blob,
                directory,
                lowers,
                options,
            }) => self.send(key, Kind::Store, (address, None), None, |token| {
                let request = Request::ApplyLayer {
                    token,
                    lowers: lowers.len(),
                    options,
                };
                let mut descriptors = vec![blob, directory];
                descriptors.extend(lowers);
                (request, descriptors)
            }),
            Task::Tree(Tree { parent, name }) => {
                self.send(key, Kind::Store, (address, None), None, |token| {
                    (Request::RemoveTree { token, name }, vec![parent])
                })
            }
        };
        if let Err(fault) = result {
            event::fail(address, fault);
        }
    }

    fn launch(
        &mut self,
        key: u64,
        address: Address,
        signal: Option<Signal>,
        mut container: Container,
    ) -> Result<(), Fault> {
        if let (Some(cgroup), Some(layout)) = (&mut container.cgroup, &self.layout) {
            // One process decides: the launcher and `prune` take the place from here.
            cgroup.path = layout.resolve(&cgroup.path);
        }
        let state = StateRoot::open(&container.state_root)?;
        let reservation = state.reserve(&container.id, container.name.as_deref())?;
        if let Err(fault) = self.describe(key, &reservation, &container) {
            reservation.cancel();
            return Err(fault);
        }
        let Reservation {
            directory,
            directory_fd,
            lock,
            name_file,
        } = reservation;
        let Container {
            id,
            state_root,
            keep,
            namespaces,
            id_maps,
            cgroup,
            upper,
            plan,
            stdio,
            ..
        } = container;
        let kind = Kind::Container {
            id: id.clone(),
            state_root,
            directory: directory.clone(),
            directory_fd,
            keep,
        };
        let (streams, terminal) = stdio.split();
        let has_terminal = terminal.is_some();
        let sent = self.send(key, kind, (address, signal), terminal, |token| {
            let launch = Launch {
                token,
                id,
                namespaces,
                id_maps,
                cgroup,
                state_directory: text(&directory),
                name_file: name_file.as_deref().map(text),
                terminal: has_terminal,
                upper,
                keep,
            };
            (
                Request::Launch(Box::new(launch)),
                prepare::descriptors(plan, streams, Some(lock)),
            )
        });
        if sent.is_err() {
            ctr_container::state::release(&directory, name_file.as_deref());
        }
        sent
    }

    /// Write what others can know of a container before it exists.
    fn describe(
        &self,
        key: u64,
        reservation: &Reservation,
        container: &Container,
    ) -> Result<(), Fault> {
        let group = container.cgroup.as_ref().zip(self.layout.as_ref());
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let config = Config {
            name: container.name.clone(),
            request: container.request.clone(),
            record: container.record.clone(),
            created_at: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            cgroup_directories: group.map_or_else(Vec::new, |(cgroup, layout)| {
                layout.directories(&cgroup.path)
            }),
            owner_socket: self
                .connections
                .get(&key)
                .map(|connection| connection.owner_socket.clone()),
            keep: container.keep,
        };
        Ok(reservation.write_config(&config)?)
    }

    /// Start a process in a container of ours, or of another owner.
    fn exec(&mut self, address: Address, process: Process) -> Result<(), Fault> {
        let ours = self.own().map(|(key, _)| key);
        let ours = ours.filter(|key| {
            self.connections
                .get(key)
                .is_some_and(|own| own.runs(&process.id))
        });
        let (key, id) = match ours {
            Some(key) => (key, process.id),
            None => {
                let found = foreign::find(&process.state_root, &process.id)?;
                (self.connection_to(&found.owner_socket)?, found.id)
            }
        };
        let Process { plan, stdio, .. } = process;
        let (streams, end) = stdio.split();
        let terminal = end.is_some();
        self.send(key, Kind::Process, (address, None), end, |token| {
            (
                Request::Exec {
                    token,
                    id,
                    terminal,
                },
                prepare::descriptors(plan, streams, None),
            )
        })
    }

    /// A connection to an owner: the one that is open, or a new one.
    pub(super) fn connection_to(&mut self, owner_socket: &Path) -> Result<u64, Fault> {
        let open = self
            .connections
            .iter()
            .find(|(_, connection)| connection.owner_socket == owner_socket);
        if let Some((key, _)) = open {
            return Ok(*key);
        }
        let socket = foreign::reach(owner_socket)?;
        let key = self.key();
        self.watch(&socket, key)?;
        self.connections
            .insert(key, Connection::new(socket, owner_socket.to_path_buf()));
        Ok(key)
    }

    /// Queue a request under a new token and remember who waits for it, with a signal that came
    /// before it and where the bytes of its terminal go.
    pub(super) fn send(
        &mut self,
        key: u64,
        kind: Kind,
        (address, signal): (Address, Option<Signal>),
        terminal: Option<TerminalEnd>,
        request: impl FnOnce(u64) -> (Request, Vec<std::os::fd::OwnedFd>),
    ) -> Result<(), Fault> {
        let token = self.key();
        let connection = self.connections.get_mut(&key).ok_or_else(Fault::lost)?;
        let (request, descriptors) = request(token);
        connection.channel.push(&request, descriptors)?;
        let pending = Pending {
            terminal,
            ..Pending::new(address, kind, None)
        };
        connection.pending.insert(token, pending);
        if let Some(signal) = signal {
            connection.signal(token, signal);
        }
        Ok(())
    }
}

/// State paths come from JSON and identifiers, so they are UTF-8.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
