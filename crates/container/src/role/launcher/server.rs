//! The launcher's event loop: messages in, processes out, exits back.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use ctr_sys::pidfd::Ended;
use ctr_sys::socket::Partial;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;

use super::job::{ClientId, Job};
use super::{clone, exec, send};
use crate::failure::{Result, Step, call};
use crate::protocol::{Failure, MAX_MESSAGE_BYTES, Reply, Request};
use crate::role::store::Operation;
use crate::state;

mod end;
mod reports;
mod terminal;

/// The connection to the Node process that this launcher belongs to.
const NODE: ClientId = 0;

type JobId = u64;

/// What an epoll event is about.
#[derive(Clone, Copy)]
enum Source {
    Listener,
    Children,
    Client(ClientId),
    Report(JobId),
    /// The terminal of a job that no client holds.
    Terminal(JobId),
    Process(JobId),
}

/// All that a launcher holds.
pub(super) struct Server {
    procfs: OwnedFd,
    listener: Option<OwnedFd>,
    socket_path: Option<String>,
    epoll: Epoll,
    children: SignalFd,
    sources: HashMap<u64, Source>,
    clients: HashMap<ClientId, OwnedFd>,
    jobs: HashMap<JobId, Job>,
    /// Pidfds of joining processes whose first report is awaited.
    joiners: HashMap<JobId, OwnedFd>,
    /// Children that ended before a joining process had told whom it cloned.
    strays: HashMap<Pid, Ended>,
    /// Something was left to this launcher once: it stays until all its jobs have ended.
    lingers: bool,
    next: u64,
    buffer: Vec<u8>,
}

impl Server {
    pub(super) fn new(
        procfs: OwnedFd,
        listener: Option<OwnedFd>,
        socket_path: Option<String>,
    ) -> Result<Self> {
        let step = "start the event loop";
        let mut set = SigSet::empty();
        set.add(Signal::SIGCHLD);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let children = call("signalfd", "SIGCHLD", SignalFd::with_flags(&set, flags)).step(step)?;
        let epoll = call(
            "epoll_create1",
            "",
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC),
        )
        .step(step)?;
        Ok(Self {
            procfs,
            listener,
            socket_path,
            epoll,
            children,
            sources: HashMap::new(),
            clients: HashMap::new(),
            jobs: HashMap::new(),
            joiners: HashMap::new(),
            strays: HashMap::new(),
            lingers: false,
            next: 1,
            buffer: vec![0; MAX_MESSAGE_BYTES],
        })
    }

    /// Serve until Node's connection and all that was left to us have ended, then end what is left.
    /// Returns the exit code.
    pub(super) fn run(mut self, node: OwnedFd) -> i32 {
        let watched = self.watch(&node, Source::Client(NODE)).is_ok()
            && self.watch_fixed().is_ok()
            && self.clients.insert(NODE, node).is_none();
        if !watched {
            return 1;
        }
        let mut events = [EpollEvent::empty(); 64];
        while self.is_needed() {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(_) => break,
            };
            for event in &events[..count] {
                if let Some(source) = self.sources.get(&event.data()).copied() {
                    self.handle(source);
                }
            }
        }
        self.end_all();
        0
    }

    fn is_needed(&self) -> bool {
        self.clients.contains_key(&NODE) || (self.lingers && !self.jobs.is_empty())
    }

    fn watch_fixed(&mut self) -> Result<()> {
        if let Some(listener) = self.listener.take() {
            self.watch(&listener, Source::Listener)?;
            self.listener = Some(listener);
        }
        let id = self.next();
        self.sources.insert(id, Source::Children);
        call(
            "epoll_ctl",
            "signalfd",
            self.epoll
                .add(&self.children, EpollEvent::new(EpollFlags::EPOLLIN, id)),
        )
        .step("watch children")
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A descriptor leaves epoll when it is closed; its number in `sources` goes with `forget`.
    fn watch(&mut self, fd: &OwnedFd, source: Source) -> Result<u64> {
        let id = self.next();
        call(
            "epoll_ctl",
            "EPOLL_CTL_ADD",
            self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, id)),
        )
        .step("watch a descriptor")?;
        self.sources.insert(id, source);
        Ok(id)
    }

    fn forget(&mut self, matches: impl Fn(Source) -> bool) {
        self.sources.retain(|_, source| !matches(*source));
    }

    fn handle(&mut self, source: Source) {
        match source {
            Source::Listener => self.accept(),
            Source::Children => {
                while let Ok(Some(_)) = self.children.read_signal() {}
                self.reap();
            }
            Source::Process(_) => self.reap(),
            Source::Report(job) => self.read_report(job),
            Source::Terminal(job) => self.drain(job),
            Source::Client(client) => self.read_request(client),
        }
    }

    /// SECURITY: the socket's directory is the user's alone (0700); the peer's id is checked too.
    fn accept(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        let Ok(socket) = ctr_sys::socket::accept(listener.as_fd()) else {
            return;
        };
        let own = nix::unistd::geteuid().as_raw();
        let allowed = getsockopt(&socket, sockopt::PeerCredentials)
            .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0);
        if !allowed {
            return;
        }
        let client = self.next();
        if self.watch(&socket, Source::Client(client)).is_ok() {
            self.clients.insert(client, socket);
        }
    }

    fn read_request(&mut self, client: ClientId) {
        let Some(socket) = self.clients.get(&client) else {
            return;
        };
        match ctr_sys::socket::receive_partial(socket.as_fd(), &mut self.buffer) {
            Ok(Partial { length: 0, .. }) => self.disconnect(client),
            Ok(received) => {
                match postcard::from_bytes::<Request>(&self.buffer[..received.length]) {
                    Ok(request) => self.dispatch(client, request, received),
                    Err(_) => self.disconnect(client),
                }
            }
            Err(error) if error.errno() == Errno::EAGAIN => {}
            Err(_) => self.disconnect(client),
        }
    }

    fn dispatch(&mut self, client: ClientId, request: Request, received: Partial) {
        let token = match &request {
            Request::Launch(launch) => launch.token,
            Request::Exec { token, .. }
            | Request::Detach { token }
            | Request::Attach { token, .. }
            | Request::Signal { token, .. }
            | Request::ApplyLayer { token, .. }
            | Request::RemoveTree { token, .. } => *token,
        };
        if !received.complete {
            // ORDER: first, which makes room.
            drop(received);
            if let Request::Launch(launch) = &request {
                let name_file = launch.name_file.as_deref().map(Path::new);
                state::release(Path::new(&launch.state_directory), name_file);
            }
            let failure = reports::no_room("read a request", "a descriptor is missing");
            return self.reply(client, &Reply::Failed { token, failure }, &[]);
        }
        let mut descriptors = received.descriptors.into_iter();
        let mut take = || {
            descriptors.next().ok_or_else(|| {
                Failure::new(
                    "INTERNAL",
                    "read a request",
                    "recvmsg",
                    "a descriptor is missing",
                )
            })
        };
        let outcome = match request {
            Request::Launch(launch) => (|| {
                let descriptors = clone::LaunchDescriptors {
                    plan: take()?,
                    stdio: stdio(launch.terminal, &mut take)?,
                    lock: take()?,
                };
                self.launch(client, *launch, descriptors)
            })(),
            Request::Exec { id, terminal, .. } => (|| {
                let descriptors = exec::ExecDescriptors {
                    plan: take()?,
                    stdio: stdio(terminal, &mut take)?,
                };
                self.exec((client, token), &id, &descriptors)
            })(),
            Request::Detach { .. } => {
                self.detach(client, token);
                Ok(())
            }
            Request::Attach { id, .. } => self.attach((client, token), &id),
            Request::Signal { signal, tree, .. } => {
                self.signal(client, token, signal, tree);
                Ok(())
            }
            Request::ApplyLayer {
                lowers, options, ..
            } => (|| {
                let operation = Operation::ApplyLayer {
                    blob: take()?,
                    directory: take()?,
                    lowers: (0..lowers).map(|_| take()).collect::<Result<_>>()?,
                    options,
                };
                exec::store(Some((client, token)), &operation).and_then(|job| self.adopt(job))
            })(),
            Request::RemoveTree { name, .. } => (|| {
                let operation = Operation::RemoveTree {
                    parent: take()?,
                    name,
                };
                exec::store(Some((client, token)), &operation).and_then(|job| self.adopt(job))
            })(),
        };
        if let Err(failure) = outcome {
            self.reply(client, &Reply::Failed { token, failure }, &[]);
        }
    }

    fn launch(
        &mut self,
        client: ClientId,
        launch: crate::protocol::Launch,
        descriptors: clone::LaunchDescriptors,
    ) -> Result<()> {
        match clone::clone(&self.procfs, client, launch, descriptors) {
            Ok(job) => self.adopt(job),
            Err((failure, mut container)) => {
                container.keep = false;
                self.clean(*container, None);
                Err(failure)
            }
        }
    }

    fn exec(
        &mut self,
        client: (ClientId, u64),
        id: &str,
        descriptors: &exec::ExecDescriptors,
    ) -> Result<()> {
        let found = self.jobs.values().find(|job| {
            job.outcome.started && job.container().is_some_and(|container| container.id == id)
        });
        let running = found.and_then(|job| {
            Some(exec::Running {
                container: job.container()?,
                init: (job.pid?, job.pidfd.as_ref()?),
                procfs: &self.procfs,
            })
        });
        let Some(running) = running else {
            return Err(Failure::new(
                "CONTAINER_NOT_RUNNING",
                format!("find container {id}"),
                "lookup",
                id,
            ));
        };
        let (job, joiner) = exec::join(client, &running, descriptors)?;
        if !self.is_joining() {
            // Pids are used again: what nobody has claimed by now is nobody's.
            self.strays.clear();
        }
        let number = self.next();
        self.joiners.insert(number, joiner);
        self.insert(number, job)
    }

    /// Take a cloned process into the books.
    fn adopt(&mut self, job: Job) -> Result<()> {
        let number = self.next();
        self.insert(number, job)
    }

    fn insert(&mut self, number: JobId, job: Job) -> Result<()> {
        let watched = self.watch_job(number, &job);
        if let (Err(_), Some(pidfd)) = (&watched, &job.pidfd) {
            // What cannot be watched must not run; the next reaping takes it out of the books.
            let _ = ctr_sys::pidfd::send_signal(pidfd.as_fd(), Signal::SIGKILL as i32);
        }
        self.jobs.insert(number, job);
        watched
    }

    fn watch_job(&mut self, number: JobId, job: &Job) -> Result<()> {
        if let Some(report) = &job.report {
            self.watch(report, Source::Report(number))?;
        }
        if let Some(pidfd) = &job.pidfd {
            self.watch(pidfd, Source::Process(number))?;
        }
        Ok(())
    }

    fn reply(
        &mut self,
        client: ClientId,
        reply: &Reply,
        descriptors: &[std::os::fd::BorrowedFd<'_>],
    ) {
        let taken = self
            .clients
            .get(&client)
            .is_none_or(|socket| send(socket, reply, descriptors));
        if !taken && client != NODE {
            self.disconnect(client);
        }
    }
}

/// The streams of a request, which has none when its process gets a terminal.
fn stdio(
    terminal: bool,
    take: &mut impl FnMut() -> Result<OwnedFd>,
) -> Result<Option<[OwnedFd; 3]>> {
    if terminal {
        return Ok(None);
    }
    Ok(Some([take()?, take()?, take()?]))
}
