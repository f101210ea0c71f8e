//! The loop of the io thread: what is open, what is ready, who hears of it.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;

use ctr_cgroup::Layout;
use ctr_container::protocol::Reply;
use ctr_seccomp::Cache;
use ctr_sys::pidfd;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;

use super::connection::{Connection, Hello, Kind, SIGKILL, Signal};
use super::dispatch::{Task, Work};
use super::role::Role;
use super::terminal::Watched;
use super::{Command, launcher, pid, tidy};
use crate::channel::{Flushed, Received};
use crate::event::{self, Address, Event};
use crate::fault::Fault;

/// How long to wait when too many descriptors are in flight; nothing wakes us when they arrive.
const CROWDED_MS: u8 = 5;

/// What an epoll key stands for, beside connections.
#[derive(Debug)]
enum Source {
    Wake,
    /// The process that was spawned; it clones the launcher and exits.
    Stub {
        child: Child,
        _pidfd: OwnedFd,
    },
    /// A launcher: a child that sends no signal, so only its pidfd tells of its end.
    Launcher(OwnedFd),
}

/// Our own launcher.
#[derive(Debug)]
struct Own {
    connection: u64,
    hello: Option<Hello>,
    pidfd: Option<OwnedFd>,
    pid: i32,
}

/// Everything that is open.
pub(super) struct Engine {
    pub(super) epoll: Epoll,
    wake: &'static EventFd,
    next: u64,
    crowded: bool,
    sources: HashMap<u64, Source>,
    own: Option<Own>,
    /// What waits for our launcher's first message.
    pub(super) waiting: Vec<Work>,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) roles: HashMap<u64, Role>,
    /// Terminals by the key of their master.
    pub(super) relays: HashMap<u64, Watched>,
    /// Keys of their sockets, to that key.
    pub(super) relay_sockets: HashMap<u64, u64>,
    pub(super) filters: Cache,
    pub(super) layout: Option<Layout>,
}

impl Engine {
    pub(super) fn new(wake: &'static EventFd) -> Result<Self, Fault> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(epoll_failed)?;
        let mut engine = Self {
            epoll,
            wake,
            next: 1,
            crowded: false,
            sources: HashMap::new(),
            own: None,
            waiting: Vec::new(),
            connections: HashMap::new(),
            roles: HashMap::new(),
            relays: HashMap::new(),
            relay_sockets: HashMap::new(),
            filters: Cache::default(),
            layout: None,
        };
        let key = engine.key();
        engine.watch(wake, key)?;
        engine.sources.insert(key, Source::Wake);
        Ok(engine)
    }

    /// A number that is used once: an epoll key or a token.
    pub(super) fn key(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn watch(&self, fd: impl AsFd, key: u64) -> Result<(), Fault> {
        self.epoll
            .add(fd, EpollEvent::new(EpollFlags::EPOLLIN, key))
            .map_err(epoll_failed)
    }

    /// Wait for something to happen and act on it.
    pub(super) fn wait(&mut self) -> Result<(), Fault> {
        let mut events = [EpollEvent::empty(); 32];
        let timeout = if self.crowded {
            EpollTimeout::from(CROWDED_MS)
        } else {
            EpollTimeout::NONE
        };
        let count = match self.epoll.wait(&mut events, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(epoll_failed(errno)),
        };
        for event in &events[..count] {
            self.ready(event.data(), event.events());
        }
        Ok(())
    }

    fn ready(&mut self, key: u64, events: EpollFlags) {
        if self.connections.contains_key(&key) {
            return self.read(key);
        }
        if self.roles.contains_key(&key) {
            return self.role_ended(key);
        }
        if self.relay_ready(key, events) {
            return;
        }
        let ended = match self.sources.get_mut(&key) {
            Some(Source::Wake) => {
                // Drains the counter; another thread's write may come in between, and wakes again.
                let _ = self.wake.read();
                false
            }
            Some(Source::Stub { child, .. }) => !matches!(child.try_wait(), Ok(None)),
            Some(Source::Launcher(pidfd)) => !matches!(pidfd::try_wait(pidfd.as_fd()), Ok(None)),
            None => false,
        };
        if ended {
            // Dropping the source closes its pidfd, and epoll forgets a closed file by itself:
            // no duplicate of it is open anywhere.
            self.sources.remove(&key);
        }
    }

    /// Read all that a connection has.
    fn read(&mut self, key: u64) {
        loop {
            let (own, starting) = (self.is_own(key), self.is_starting(key));
            let Some(connection) = self.connections.get_mut(&key) else {
                return;
            };
            match connection.channel.receive() {
                Received::Empty => return,
                Received::Closed => return self.closed(key, None),
                Received::Reply(Reply::Hello { uid_map, gid_map }, descriptors) => {
                    self.hello(key, Hello { uid_map, gid_map }, descriptors);
                }
                Received::Reply(Reply::Unsupported(unsupported), _) => {
                    return self.closed(key, Some(unsupported.into()));
                }
                // The stub could not make a launcher: no token is in use yet.
                Received::Reply(Reply::Failed { failure, .. }, _) if starting => {
                    return self.closed(key, Some(failure.into()));
                }
                Received::Reply(reply, descriptors) => {
                    let outcome = connection.reply(reply, descriptors);
                    let opened = std::mem::take(&mut connection.opened);
                    if connection.pending.is_empty() && !own {
                        self.connections.remove(&key);
                    }
                    // ORDER: the relay first; who hears that the program runs may use its terminal.
                    for terminal in opened {
                        self.start_relay(terminal);
                    }
                    if let Some((address, event)) = outcome {
                        match event {
                            Event::Detached => self.detached(address),
                            Event::Exited { .. } => self.finish_relay(address),
                            _ => {}
                        }
                        event::emit(address, &event);
                    }
                }
            }
        }
    }

    fn hello(&mut self, key: u64, hello: Hello, descriptors: Vec<OwnedFd>) {
        let Some(own) = self.own.as_mut().filter(|own| own.connection == key) else {
            return;
        };
        own.hello = Some(hello);
        if let Some(fd) = descriptors.into_iter().next() {
            own.pid = pid::of(&fd);
            own.pidfd = fd.try_clone().ok();
            let source = self.key();
            if self.watch(&fd, source).is_ok() {
                self.sources.insert(source, Source::Launcher(fd));
            }
        }
        for work in std::mem::take(&mut self.waiting) {
            self.dispatch(work);
        }
    }

    /// The end of a connection: `why` when the owner said it.
    fn closed(&mut self, key: u64, why: Option<Fault>) {
        let Some(mut connection) = self.connections.remove(&key) else {
            return;
        };
        if let Some(own) = self.own.take_if(|own| own.connection == key) {
            // A dead launcher's socket file is its client's to remove.
            let _ = std::fs::remove_file(&connection.owner_socket);
            tidy::after(connection.pending.values());
            if own.hello.is_none() {
                let fault = why.clone().unwrap_or_else(launcher::ended_early);
                for work in std::mem::take(&mut self.waiting) {
                    event::fail(work.address, fault.clone());
                }
            }
        }
        for (address, event) in connection.lost() {
            self.finish_relay(address);
            event::emit(address, &event);
        }
    }

    fn is_own(&self, key: u64) -> bool {
        self.own.as_ref().is_some_and(|own| own.connection == key)
    }

    fn is_starting(&self, key: u64) -> bool {
        self.own
            .as_ref()
            .is_some_and(|own| own.connection == key && own.hello.is_none())
    }

    /// Our launcher's connection, when it is ready for requests.
    pub(super) fn own(&self) -> Option<(u64, &Hello)> {
        let own = self.own.as_ref()?;
        Some((own.connection, own.hello.as_ref()?))
    }

    pub(super) fn launcher_pid(&self) -> i32 {
        self.own.as_ref().map_or(0, |own| own.pid)
    }

    /// Give work to our launcher, now or when it is ready; starts one when there is none.
    pub(super) fn submit(&mut self, work: Work) {
        if self.own().is_some() {
            return self.dispatch(work);
        }
        let address = work.address;
        self.waiting.push(work);
        if self.own.is_none()
            && let Err(fault) = self.start()
        {
            self.waiting.retain(|work| work.address != address);
            event::fail(address, fault);
        }
    }

    fn start(&mut self) -> Result<(), Fault> {
        let launcher::Starting {
            stub,
            socket,
            owner_socket,
        } = launcher::start()?;
        self.layout = Layout::detect().ok();
        let connection = self.key();
        self.watch(&socket, connection)?;
        self.connections
            .insert(connection, Connection::new(socket, owner_socket));
        self.own = Some(Own {
            connection,
            hello: None,
            pidfd: None,
            pid: 0,
        });
        self.reap_later(stub)
    }

    /// Wait for the stub's end with everything else.
    fn reap_later(&mut self, stub: Child) -> Result<(), Fault> {
        let pid = nix::unistd::Pid::from_raw(stub.id().cast_signed());
        let key = self.key();
        // The stub is not reaped yet, so the pid is still its own.
        let pidfd = pidfd::open(pid)?;
        self.watch(&pidfd, key)?;
        self.sources.insert(
            key,
            Source::Stub {
                child: stub,
                _pidfd: pidfd,
            },
        );
        Ok(())
    }

    pub(super) fn command(&mut self, command: Command) {
        let address = command.address();
        if let Err(fault) = self.try_command(command)
            && let Some(address) = address
        {
            event::fail(address, fault);
        }
    }

    fn try_command(&mut self, command: Command) -> Result<(), Fault> {
        match command {
            Command::Role {
                address,
                args,
                stdio,
            } => self.run_role(address, &args, stdio)?,
            Command::Signal {
                address,
                signal,
                tree,
            } => self.signal(
                address,
                Signal {
                    number: signal,
                    tree,
                },
            ),
            Command::Resize { address, size } => self.resize(address, size),
            Command::Detach { address } => self.detach(address),
            Command::End { sink } => self.end(sink),
            Command::KillLauncher => {
                if let Some(pidfd) = self.own.as_ref().and_then(|own| own.pidfd.as_ref()) {
                    pidfd::send_signal(pidfd.as_fd(), SIGKILL)?;
                }
            }
            other => self.prepare(other)?,
        }
        Ok(())
    }

    fn signal(&mut self, address: Address, signal: Signal) {
        for connection in self.connections.values_mut() {
            let found = connection
                .pending
                .iter()
                .find(|(_, pending)| pending.address == address);
            if let Some(token) = found.map(|(token, _)| *token) {
                return connection.signal(token, signal);
            }
        }
        if let Some(role) = self.roles.values().find(|role| role.address == address) {
            return role.signal(signal.number);
        }
        if let Some(work) = self.waiting.iter_mut().find(|work| work.address == address) {
            work.signal = Some(signal);
        }
    }

    /// Kill what an ended environment started, and let go of what it had only attached to.
    fn end(&mut self, sink: u32) {
        self.let_go(sink);
        let signal = Signal {
            number: SIGKILL,
            tree: true,
        };
        self.waiting.retain(|work| work.address.sink != sink);
        for connection in self.connections.values_mut() {
            let left = connection.pending.iter().filter(|(_, pending)| {
                pending.address.sink == sink
                    && !matches!(pending.kind, Kind::Store | Kind::Attached)
            });
            let tokens: Vec<u64> = left.map(|(token, _)| *token).collect();
            for token in tokens {
                connection.signal(token, signal);
            }
        }
        self.roles
            .values()
            .filter(|role| role.address.sink == sink)
            .for_each(|role| role.signal(SIGKILL));
    }

    /// Send what is queued, as far as the kernel takes it.
    pub(super) fn flush(&mut self) {
        self.crowded = false;
        for (key, connection) in &mut self.connections {
            let flushed = connection.channel.flush();
            self.crowded |= flushed == Flushed::Crowded;
            let blocked = flushed == Flushed::Blocked;
            if blocked != connection.blocked {
                let wanted = if blocked {
                    EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT
                } else {
                    EpollFlags::EPOLLIN
                };
                // A connection that cannot be watched is about to say why when it is read.
                let _ = self
                    .epoll
                    .modify(&connection.channel, &mut EpollEvent::new(wanted, *key));
                connection.blocked = blocked;
            }
        }
    }

    /// The end of a broken engine: everyone hears it.
    pub(super) fn abandon(self, fault: &Fault) {
        let work = self.waiting.iter().map(|work| work.address);
        let roles = self.roles.values().map(|role| role.address);
        work.chain(roles)
            .for_each(|address| event::fail(address, fault.clone()));
        for mut connection in self.connections.into_values() {
            for (address, event) in connection.lost() {
                let event = match event {
                    Event::Failed { .. } => Event::Failed {
                        error: fault.clone(),
                    },
                    other => other,
                };
                event::emit(address, &event);
            }
        }
    }
}

impl Work {
    /// For our own launcher.
    pub(super) fn new(address: Address, task: Task) -> Self {
        Self {
            address,
            task,
            signal: None,
        }
    }
}

fn epoll_failed(errno: Errno) -> Fault {
    Fault::io("epoll", "", &errno.into())
}
