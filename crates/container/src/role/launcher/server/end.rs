//! The ends: of a process, of a client, of the launcher.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ctr_spec::plan::OverlayUpper;
use ctr_sys::pidfd::Ended;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use super::super::exec;
use super::super::job::{ClientId, Container, Job, Kind};
use super::{JobId, NODE, Server, Source};
use crate::protocol::{Exit, Failure, Reply};
use crate::role::store::Operation;
use crate::state::{self, ExitRecord};

/// How long the launcher waits for what it killed before it leaves the rest to the kernel.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How deep a process tree is followed.
const MAX_DEPTH: u32 = 64;

impl Server {
    /// Reap every child that has ended, whether it is ours or was left to us as init of the
    /// namespace.
    pub(super) fn reap(&mut self) {
        while let Ok(Some((pid, ended))) = ctr_sys::pidfd::try_wait_any() {
            let number = self
                .jobs
                .iter()
                .find(|(_, job)| job.pid == Some(pid))
                .map(|(number, _)| *number);
            match number {
                Some(number) => self.settle(number, ended),
                // A short program may have ended before its pid was told; its status is kept.
                None if self.is_joining() => drop(self.strays.insert(pid, ended)),
                None => {}
            }
        }
    }

    /// The process of a job has ended.
    pub(super) fn settle(&mut self, number: JobId, ended: Ended) {
        // ORDER: reports first; a short program may have ended in the same round.
        while self
            .jobs
            .get(&number)
            .is_some_and(|job| job.report.is_some())
        {
            self.read_report(number);
        }
        self.finish(number, Some(ended));
    }

    /// A job is over: tell its client, then clean up behind it.
    pub(super) fn finish(&mut self, number: JobId, ended: Option<Ended>) {
        let Some(mut job) = self.jobs.remove(&number) else {
            return;
        };
        self.forget(|source| match source {
            Source::Report(job) | Source::Terminal(job) | Source::Process(job) => job == number,
            _ => false,
        });
        if let Some(pidfd) = &job.pidfd {
            // The client holds the same file, which reports the end for as long as it is open: for
            // a client that is stopped, this loop would never rest.
            let _ = self.epoll.delete(pidfd);
        }
        // ORDER: before the client hears of the end; nothing is said to a terminal any more.
        self.unwatch_terminal(&mut job);
        let mut exit = exit_of(ended);
        let failure = job.outcome.failure.take().or_else(|| lost(&job, ended));
        let client = job.client;
        let reply = |reply: Reply, server: &mut Self| {
            if let Some((client, _)) = client {
                server.reply(client, &reply, &[]);
            }
        };
        let token = client.map_or(0, |(_, token)| token);
        match job.kind {
            Kind::Container(mut container) => {
                exit.oom_killed = container
                    .group
                    .as_ref()
                    .is_some_and(|group| group.oom_kills().unwrap_or(0) > 0);
                if let Some(failure) = failure {
                    container.keep = false;
                    self.clean(*container, None);
                    reply(Reply::Failed { token, failure }, self);
                } else {
                    release_name(&container);
                    if container.keep {
                        self.clean(*container, Some(&exit));
                        reply(Reply::Exited { token, exit }, self);
                    } else {
                        reply(Reply::Exited { token, exit }, self);
                        self.clean(*container, None);
                    }
                }
            }
            Kind::Exec => match failure {
                Some(failure) => reply(Reply::Failed { token, failure }, self),
                None => reply(Reply::Exited { token, exit }, self),
            },
            Kind::Store => match failure {
                Some(failure) => reply(Reply::Failed { token, failure }, self),
                None => reply(
                    Reply::Done {
                        token,
                        layer: job.outcome.layer,
                    },
                    self,
                ),
            },
        }
    }

    /// Remove what a container leaves: cgroup, writable layer, state. With `keep`, write how it
    /// ended and give up the lock instead.
    pub(super) fn clean(&mut self, mut container: Container, exit: Option<&Exit>) {
        let lock = container.lock.take();
        if let Some(group) = &container.group {
            // What cannot be removed now is found by prune, which reads the directories from the
            // state; an error here has nobody to go to.
            let _ = group.end();
        }
        if container.keep {
            if let Some(exit) = exit {
                record_exit(&container.state_directory, exit);
            }
        } else {
            release_name(&container);
            if let Some(OverlayUpper::Directory { path }) = &container.upper {
                self.remove_upper(path);
            }
            state::release(&container.state_directory, None);
        }
        // ORDER: last; a free lock tells others that the owner is done with the directory.
        drop(lock);
    }

    /// The tree may be large and belong to mapped ids: a process of its own removes it.
    fn remove_upper(&mut self, path: &str) {
        let Some((parent, name)) = path.rsplit_once('/') else {
            return;
        };
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let Ok(parent) = nix::fcntl::open(parent, flags, Mode::empty()) else {
            return;
        };
        let operation = Operation::RemoveTree {
            parent,
            name: name.to_owned(),
        };
        if let Ok(job) = exec::store(None, &operation) {
            let _ = self.adopt(job);
        }
    }

    /// Signal a job of a client; with `tree`, an exec's descendants too. PID 1's end is its
    /// namespace's, so a container needs no walk.
    pub(super) fn signal(&self, client: ClientId, token: u64, signal: i32, tree: bool) {
        let Some(job) = self
            .jobs
            .values()
            .find(|job| job.client == Some((client, token)))
        else {
            return;
        };
        match (tree, &job.kind, job.pid, &job.pidfd) {
            (true, Kind::Exec, Some(pid), _) => self.signal_tree(pid, signal, 0),
            (_, _, _, Some(pidfd)) => drop(ctr_sys::pidfd::send_signal(pidfd.as_fd(), signal)),
            (_, _, _, None) => {}
        }
    }

    /// Stop, list, descend, signal: a stopped process makes no child that would be missed. What had
    /// been orphaned before belongs to the container's init and stays.
    fn signal_tree(&self, pid: Pid, signal: i32, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        let _ = nix::sys::signal::kill(pid, Signal::SIGSTOP);
        self.wait_until_stopped(pid);
        let children =
            crate::procfs::read(self.procfs.as_fd(), &format!("{pid}/task/{pid}/children"))
                .unwrap_or_default();
        for child in children
            .split_ascii_whitespace()
            .filter_map(|number| number.parse().ok())
        {
            self.signal_tree(Pid::from_raw(child), signal, depth + 1);
        }
        if let Ok(signal) = Signal::try_from(signal) {
            let _ = nix::sys::signal::kill(pid, signal);
        }
        // ORDER: the signal is pending before the process runs again.
        let _ = nix::sys::signal::kill(pid, Signal::SIGCONT);
    }

    /// SIGSTOP takes effect when its target next leaves the kernel; until then it may still fork.
    fn wait_until_stopped(&self, pid: Pid) {
        for _ in 0..100 {
            let stat = crate::procfs::read(self.procfs.as_fd(), &format!("{pid}/stat"))
                .unwrap_or_default();
            let state = stat
                .rsplit_once(')')
                .and_then(|(_, rest)| rest.trim_start().chars().next());
            // Stopped, traced, zombie or gone.
            if matches!(state, None | Some('T' | 't' | 'Z' | 'X')) {
                return;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// What a client started dies with its connection; what it had only attached to, or had
    /// detached from before, does not.
    pub(super) fn disconnect(&mut self, client: ClientId) {
        self.clients.remove(&client);
        self.forget(|source| matches!(source, Source::Client(gone) if gone == client));
        self.let_go(client);
        if client == NODE {
            leave_streams();
        }
        let tokens: Vec<u64> = self
            .jobs
            .values()
            .filter_map(|job| job.client)
            .filter(|(owner, _)| *owner == client)
            .map(|(_, token)| token)
            .collect();
        for token in tokens {
            self.signal(client, token, Signal::SIGKILL as i32, true);
        }
        for job in self
            .jobs
            .values_mut()
            .filter(|job| job.client.is_some_and(|(owner, _)| owner == client))
        {
            job.client = None;
        }
    }

    /// Kill what is left and wait for it, so that cgroups and state go with it.
    pub(super) fn end_all(&mut self) {
        if let Some(path) = self.socket_path.take() {
            let _ = fs::remove_file(path);
        }
        for job in self.jobs.values() {
            if let (Some(pidfd), false) = (&job.pidfd, matches!(job.kind, Kind::Store)) {
                let _ = ctr_sys::pidfd::send_signal(pidfd.as_fd(), Signal::SIGKILL as i32);
            }
        }
        let deadline = Instant::now() + LAST_WAIT;
        while !self.jobs.is_empty() && Instant::now() < deadline {
            self.reap();
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Whatever of Node's is still open here (its socket, with CTR_TS_DEBUG its stderr) is not ours to
/// hold when we outlive it.
fn leave_streams() {
    let Ok(null) = fs::File::options().read(true).write(true).open("/dev/null") else {
        return;
    };
    let _ = nix::unistd::dup2_stdin(&null);
    let _ = nix::unistd::dup2_stdout(&null);
    let _ = nix::unistd::dup2_stderr(&null);
}

fn exit_of(ended: Option<Ended>) -> Exit {
    match ended {
        Some(Ended::Exited(code)) => Exit {
            exit_code: Some(code),
            ..Exit::default()
        },
        Some(Ended::Killed(signal)) => Exit {
            signal: Some(signal),
            ..Exit::default()
        },
        None => Exit::default(),
    }
}

/// The failure of a process that ended before its program ran and could not say why.
fn lost(job: &Job, ended: Option<Ended>) -> Option<Failure> {
    let done =
        job.outcome.started || (matches!(job.kind, Kind::Store) && job.outcome.ready.is_some());
    if done {
        return None;
    }
    let how = match ended {
        Some(Ended::Exited(code)) => format!("exit code {code}"),
        Some(Ended::Killed(signal)) => format!("signal {signal}"),
        None => "no process".to_owned(),
    };
    let mut failure = Failure::new("INIT_DIED", "start the process", "waitid", how);
    failure.errno = Errno::UnknownErrno as i32;
    failure.hint =
        Some("a memory or pids limit that is too small for the start ends it this way".to_owned());
    Some(failure)
}

/// A kept container keeps its name until it is removed.
fn release_name(container: &Container) {
    if let (false, Some(file)) = (container.keep, &container.name_file) {
        let _ = fs::remove_file(file);
    }
}

fn record_exit(directory: &Path, exit: &Exit) {
    let finished = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis());
    let record = ExitRecord {
        exit_code: exit.exit_code,
        signal: exit.signal,
        oom_killed: exit.oom_killed,
        finished_at: u64::try_from(finished).unwrap_or(u64::MAX),
    };
    // Without the record the container counts as dead, which is true.
    let _ = state::write_exit(directory, &record);
}
