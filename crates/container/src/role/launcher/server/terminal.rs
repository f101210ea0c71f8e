//! Terminals that pass from client to client: detach, attach, and what nobody listens to.

use std::os::fd::AsFd;

use nix::errno::Errno;

use super::super::job::{ClientId, Drain, Job};
use super::{JobId, Server, Source};
use crate::failure::{Result, Step};
use crate::protocol::{Failure, Reply};

/// Reads of one terminal before others have their turn; each gives at most a page.
const READS_PER_TURN: usize = 16;

impl Server {
    /// Leave a process to this launcher: it outlives its client, and we Node.
    pub(super) fn detach(&mut self, client: ClientId, token: u64) {
        let reply = match self.try_detach(client, token) {
            Ok(()) => Reply::Detached { token },
            Err(failure) => Reply::DetachFailed { token, failure },
        };
        self.reply(client, &reply, &[]);
    }

    fn try_detach(&mut self, client: ClientId, token: u64) -> Result<()> {
        let step = "detach from the process";
        let found = self
            .jobs
            .iter_mut()
            .find(|(_, job)| job.client == Some((client, token)) && job.outcome.started);
        let Some((number, job)) = found else {
            return Err(Failure::new("CONTAINER_NOT_RUNNING", step, "lookup", ""));
        };
        if job.terminal.is_none() {
            return Err(Failure::new("NO_TERMINAL", step, "lookup", ""));
        }
        let number = *number;
        // ORDER: first, as it is what can fail.
        self.start_drain(number)?;
        if let Some(job) = self.jobs.get_mut(&number) {
            job.detached = true;
            job.client = None;
        }
        self.lingers = true;
        Ok(())
    }

    /// Give a container's terminal to a client, if nobody holds it.
    pub(super) fn attach(&mut self, client: (ClientId, u64), id: &str) -> Result<()> {
        let step = format!("attach to container {id}");
        let fail = |code: &str| Err(Failure::new(code, step.as_str(), "lookup", id));
        let found = self.jobs.iter_mut().find(|(_, job)| {
            job.outcome.started && job.container().is_some_and(|container| container.id == id)
        });
        let Some((number, job)) = found else {
            return fail("CONTAINER_NOT_RUNNING");
        };
        if job.terminal.is_none() {
            return fail("NO_TERMINAL");
        }
        if job.client.is_some() {
            return fail("TERMINAL_BUSY");
        }
        job.client = Some(client);
        let number = *number;
        self.stop_drain(number);
        let told = self.say_started(number, Vec::new());
        if told.is_err() {
            if let Some(job) = self.jobs.get_mut(&number) {
                job.client = None;
            }
            let _ = self.start_drain(number);
        }
        told
    }

    /// A client is gone: the terminals it held by attaching are free again.
    pub(super) fn let_go(&mut self, client: ClientId) {
        let held: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.detached && job.client.is_some_and(|(owner, _)| owner == client))
            .map(|(number, _)| *number)
            .collect();
        for number in held {
            if let Some(job) = self.jobs.get_mut(&number) {
                job.client = None;
            }
            // A terminal that cannot be read blocks its program once its buffer is full, until the
            // next client comes; there is nobody to tell.
            let _ = self.start_drain(number);
        }
    }

    /// Read what the terminal says from now on, or its program would block when it is full.
    fn start_drain(&mut self, number: JobId) -> Result<()> {
        let step = "read the terminal";
        let Some(job) = self.jobs.get_mut(&number) else {
            return Ok(());
        };
        let Some(mut terminal) = job.terminal.take() else {
            return Ok(());
        };
        let started = ctr_sys::terminal::open_peer(terminal.master.as_fd())
            .step(step)
            .and_then(|peer| {
                let source = self.watch(&terminal.master, Source::Terminal(number))?;
                Ok(Drain {
                    source,
                    _peer: peer,
                })
            });
        let outcome = started.map(|drain| terminal.drain = Some(drain));
        if let Some(job) = self.jobs.get_mut(&number) {
            job.terminal = Some(terminal);
        }
        outcome
    }

    fn stop_drain(&mut self, number: JobId) {
        if let Some(mut job) = self.jobs.remove(&number) {
            self.unwatch_terminal(&mut job);
            self.jobs.insert(number, job);
        }
    }

    /// Stop reading a terminal. Closing it would not be enough: a client may hold the same file, and
    /// epoll knows it by that.
    pub(super) fn unwatch_terminal(&mut self, job: &mut Job) {
        let Some(terminal) = &mut job.terminal else {
            return;
        };
        if let Some(drain) = terminal.drain.take() {
            let _ = self.epoll.delete(&terminal.master);
            self.sources.remove(&drain.source);
        }
    }

    /// Read and drop. Bounded, so that a container that floods its terminal delays nobody else.
    pub(super) fn drain(&mut self, number: JobId) {
        for _ in 0..READS_PER_TURN {
            let Some(terminal) = self.jobs.get(&number).and_then(|job| job.terminal.as_ref())
            else {
                return;
            };
            match nix::unistd::read(&terminal.master, &mut self.buffer) {
                // SECURITY: the processes of other containers begin as forks of this one, and must
                // not find in their memory what was shown here.
                Ok(count) if count > 0 => self.buffer[..count].fill(0),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                // Hung up for good: its session has ended.
                Ok(_) | Err(_) => return self.stop_drain(number),
            }
        }
    }
}
