//! What the launcher's processes report, and what their clients are told of it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::super::job::{Kind, Terminal};
use super::{JobId, NODE, Server, Source};
use crate::failure::{Result, Step};
use crate::protocol::{Enforcement, Failure, Reply};
use crate::report::{self, Report};

impl Server {
    pub(super) fn read_report(&mut self, number: JobId) {
        let Some(report) = self.jobs.get(&number).and_then(|job| job.report.as_ref()) else {
            return;
        };
        match report::receive(report) {
            Ok(Some((report, descriptors))) => self.take_report(number, report, descriptors),
            Ok(None) => self.end_of_report(number),
            Err(failure) => {
                self.abort(number, failure);
                self.end_of_report(number);
            }
        }
    }

    fn take_report(&mut self, number: JobId, report: Report, descriptors: Vec<OwnedFd>) {
        let Some(job) = self.jobs.get_mut(&number) else {
            return;
        };
        match report {
            Report::Ready(enforcement) => job.outcome.ready = Some(enforcement),
            Report::Failed(failure) => job.outcome.failure = Some(failure),
            Report::Terminal => {
                job.terminal = descriptors.into_iter().next().map(|master| Terminal {
                    master,
                    drain: None,
                });
                if job.terminal.is_none() {
                    self.abort(number, no_room("take a terminal", "its master is missing"));
                }
            }
            Report::Stored(layer) => {
                job.outcome.layer = layer;
                job.outcome.ready = Some(Vec::new());
            }
            Report::Cloned(pid) => {
                let pid = Pid::from_raw(pid);
                let pidfd = descriptors.into_iter().next();
                let known = pidfd.is_some();
                let ended = self.strays.remove(&pid);
                if let (Some(pidfd), None) = (&pidfd, ended) {
                    let _ = self.watch(pidfd, Source::Process(number));
                }
                if let Some(job) = self.jobs.get_mut(&number) {
                    job.pid = Some(pid);
                    job.pidfd = pidfd;
                }
                if let Some(ended) = ended {
                    self.reap_joiner(number);
                    self.settle(number, ended);
                    return;
                }
                if !known {
                    self.abort(number, no_room("take a process", "its pidfd is missing"));
                }
            }
        }
        self.reap_joiner(number);
    }

    /// Whether a process is being cloned whose pid is not known yet.
    pub(super) fn is_joining(&self) -> bool {
        self.jobs.values().any(|job| job.pid.is_none())
    }

    /// The joining process ends right after its one report.
    fn reap_joiner(&mut self, number: JobId) {
        if let Some(joiner) = self.joiners.remove(&number) {
            let _ = ctr_sys::pidfd::wait(joiner.as_fd());
        }
    }

    /// The program runs, unless a failure came first: then the process's end closes the matter.
    fn end_of_report(&mut self, number: JobId) {
        self.reap_joiner(number);
        self.forget(|source| matches!(source, Source::Report(report) if report == number));
        let Some(job) = self.jobs.get_mut(&number) else {
            return;
        };
        job.report = None;
        if job.pidfd.is_none() {
            // The joining process failed, so there is no process whose end would come; or there was
            // no room for its pidfd, so that its end would not be told.
            self.finish(number, None);
            return;
        }
        if job.outcome.failure.is_some() || matches!(job.kind, Kind::Store) {
            return;
        }
        let Some(enforcement) = job.outcome.ready.take() else {
            return;
        };
        job.outcome.started = true;
        if let Err(failure) = self.say_started(number, enforcement) {
            if let Some(job) = self.jobs.get_mut(&number) {
                job.outcome.started = false;
            }
            self.abort(number, failure);
        }
    }

    /// What nobody can be told of must not run: end it, so that its end says why.
    fn abort(&mut self, number: JobId, failure: Failure) {
        let Some(job) = self.jobs.get_mut(&number) else {
            return;
        };
        job.outcome.failure.get_or_insert(failure);
        match (&job.pidfd, job.pid) {
            (Some(pidfd), _) => {
                let _ = ctr_sys::pidfd::send_signal(pidfd.as_fd(), Signal::SIGKILL as i32);
            }
            // A child that is not reaped: its number is nobody else's.
            (None, Some(pid)) => {
                let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
            }
            (None, None) => {}
        }
    }

    /// Tell the client of a job that its program runs. Needs no room for descriptors. An error when
    /// Node cannot be told; another client that cannot is disconnected.
    pub(super) fn say_started(
        &mut self,
        number: JobId,
        enforcement: Vec<Enforcement>,
    ) -> Result<()> {
        let step = "say that the process runs";
        let Some(job) = self.jobs.get(&number) else {
            return Ok(());
        };
        let Some((client, token)) = job.client else {
            return Ok(());
        };
        let Some(socket) = self.clients.get(&client) else {
            return Ok(());
        };
        let master = job.terminal.as_ref().map(|terminal| &terminal.master);
        let descriptors: Vec<BorrowedFd<'_>> =
            job.pidfd.iter().chain(master).map(AsFd::as_fd).collect();
        let message = postcard::to_stdvec(&Reply::Started { token, enforcement })
            .map_err(|cause| Failure::new("INTERNAL", step, "encode", cause.to_string()))?;
        let sent = ctr_sys::socket::send(socket.as_fd(), &message, &descriptors).step(step);
        if sent.is_err() && client != NODE {
            self.disconnect(client);
            return Ok(());
        }
        sent
    }
}

/// This process may open no more files.
pub(super) fn no_room(step: &str, what: &str) -> Failure {
    let mut failure = Failure::system("RUNTIME_ERROR", step, "recvmsg", what, Errno::EMFILE);
    failure.hint = Some("raise the limit of open files (ulimit -n)".to_owned());
    failure
}
