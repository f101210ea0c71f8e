//! Freezing a group, and ending everything in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::error::{Code, Error};
use crate::file;
use crate::group::Group;
use crate::layout::Interface;

/// How long [`Group::kill`] and [`Group::freeze`] may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long to wait for a frozen group before killing it anyway: a task in an uninterruptible
/// wait does not freeze, but what can be killed still must be.
const FREEZE_FOR_KILL: Duration = Duration::from_millis(200);

/// Rounds of signals before the group is frozen for the next: a container ends in the first, with
/// its PID 1, and who is killed while it freezes a group leaves processes that cannot die.
const PLAIN_ROUNDS: u32 = 3;

/// Processes that are signalled at once, each by a descriptor.
const BATCH: usize = 256;

/// Where a group is frozen.
enum Freezer {
    V1(PathBuf),
    V2(PathBuf),
}

impl Group {
    /// Stops every process of the group and of groups below it, until [`Group::thaw`].
    ///
    /// # Errors
    ///
    /// `CGROUP_UNAVAILABLE` without a freezer; `CGROUP_BUSY` when they do not stop within 5 s:
    /// then the group is thawed again.
    pub fn freeze(&self) -> Result<(), Error> {
        self.check_there()?;
        let freezer = self.freezer()?;
        if freezer.freeze(LIMIT)? {
            return Ok(());
        }
        freezer.thaw()?;
        Err(Error::new(
            Code::Busy,
            "freeze",
            freezer.directory(),
            "its processes did not stop in time",
        ))
    }

    /// Lets a frozen group go on.
    ///
    /// # Errors
    ///
    /// `CGROUP_UNAVAILABLE` without a freezer.
    pub fn thaw(&self) -> Result<(), Error> {
        self.check_there()?;
        self.freezer()?.thaw()
    }

    /// Kills every process of the group and of groups below it, frozen or not, and waits until
    /// none is left. A group that is gone or empty is a success.
    ///
    /// Without `cgroup.kill` (v1, v2 before 5.14) processes are signalled by pid, so those outside
    /// of the caller's PID namespace cannot be reached.
    ///
    /// # Errors
    ///
    /// `CGROUP_BUSY` when processes are left after 5 s.
    pub fn kill(&self) -> Result<(), Error> {
        let deadline = Instant::now() + LIMIT;
        for round in 0.. {
            if self.pids()?.is_empty() {
                return Ok(());
            }
            self.kill_once(round >= PLAIN_ROUNDS)?;
            if self.wait_empty(deadline.min(Instant::now() + Duration::from_millis(100)))? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Err(self.still_there())
    }

    /// With `hold` nothing in the group can fork between the look at it and the signals.
    fn kill_once(&self, hold: bool) -> Result<(), Error> {
        // KERNEL(5.14): one write kills all, forking or not, in any PID namespace.
        let whole = self
            .places()
            .iter()
            .filter(|place| place.interface == Interface::V2);
        let mut whole = whole.map(|place| file::write(&place.directory.join("cgroup.kill"), "1"));
        if whole.any(|result| result.is_ok()) {
            return Ok(());
        }
        let freezer = self.freezer().ok();
        if let (true, Some(freezer)) = (hold, &freezer) {
            // It may fail for a group that is vanishing, which the next look finds empty.
            let _frozen = freezer.freeze(FREEZE_FOR_KILL);
        }
        let signalled = self.signal_all();
        // ORDER: thaw after the signals, whatever became of them and whoever froze it: a frozen v1
        // task cannot die.
        if let Some(freezer) = &freezer {
            match freezer.thaw() {
                Err(error) if !matches!(error.kind(), Code::NotFound | Code::Unavailable) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        signalled
    }

    /// SECURITY: a number may be another process by the time it is signalled. A pidfd is one process
    /// for good, and what is listed again once it is open is of the group. 0 is a process outside
    /// of our PID namespace, which has no number here.
    fn signal_all(&self) -> Result<(), Error> {
        for batch in self.pids()?.chunks(BATCH) {
            let opened = batch
                .iter()
                .filter(|pid| **pid > 0)
                .filter_map(|pid| self.open_process(*pid).transpose())
                .collect::<Result<Vec<_>, _>>()?;
            let listed = self.pids()?;
            for (pid, process) in opened.iter().filter(|(pid, _)| listed.contains(pid)) {
                match ctr_sys::pidfd::send_signal(process.as_fd(), Signal::SIGKILL as i32) {
                    Err(error) if error.errno() != Errno::ESRCH => {
                        return Err(self.refused("pidfd_send_signal", *pid, error.errno()));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn open_process(&self, pid: i32) -> Result<Option<(i32, OwnedFd)>, Error> {
        match ctr_sys::pidfd::open(Pid::from_raw(pid)) {
            Ok(process) => Ok(Some((pid, process))),
            Err(error) if error.errno() == Errno::ESRCH => Ok(None),
            Err(error) => Err(self.refused("pidfd_open", pid, error.errno())),
        }
    }

    fn refused(&self, call: &'static str, pid: i32, errno: Errno) -> Error {
        let path = self.directories().into_iter().next().unwrap_or_default();
        Error::system(call, &path, errno).with_detail(format!("pid {pid}"))
    }

    /// Whether the group was empty before the deadline.
    pub(crate) fn wait_empty(&self, deadline: Instant) -> Result<bool, Error> {
        let mut pause = Duration::from_micros(200);
        loop {
            if self.pids()?.is_empty() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    pub(crate) fn still_there(&self) -> Error {
        let pids = self.pids().unwrap_or_default();
        let path = self.directories().into_iter().next().unwrap_or_default();
        let error = Error::new(
            Code::Busy,
            "empty group",
            path,
            format!("processes are left: {pids:?}"),
        );
        if pids.contains(&0) {
            return error.with_hint("those shown as 0 are outside of this PID namespace");
        }
        error.with_hint("a process in an uninterruptible wait dies when the wait ends: try again")
    }

    fn freezer(&self) -> Result<Freezer, Error> {
        for place in self.places() {
            match place.interface {
                Interface::V1 if place.has("freezer") => {
                    return Ok(Freezer::V1(place.directory.clone()));
                }
                Interface::V2 => return Ok(Freezer::V2(place.directory.clone())),
                Interface::V1 => {}
            }
        }
        Err(
            Error::new(Code::Unavailable, "freeze", "", "the group has no freezer")
                .with_hint("mount the v1 freezer controller, or use cgroup v2"),
        )
    }
}

impl Freezer {
    fn directory(&self) -> &PathBuf {
        let (Self::V1(directory) | Self::V2(directory)) = self;
        directory
    }

    /// Whether everything stopped in time; if not, it is still freezing.
    fn freeze(&self, limit: Duration) -> Result<bool, Error> {
        let (control, value) = match self {
            Self::V1(directory) => (directory.join("freezer.state"), "FROZEN"),
            Self::V2(directory) => (directory.join("cgroup.freeze"), "1"),
        };
        file::write(&control, value)?;
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_micros(100);
        loop {
            let frozen = match self {
                Self::V1(_) => file::read(&control)? == "FROZEN",
                Self::V2(directory) => file::read(&directory.join("cgroup.events"))?
                    .lines()
                    .any(|line| line == "frozen 1"),
            };
            if frozen || Instant::now() >= deadline {
                return Ok(frozen);
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// v1 groups below may have been frozen on their own account; in v2 they die all the same.
    fn thaw(&self) -> Result<(), Error> {
        match self {
            Self::V1(directory) => {
                for group in file::walk(directory)? {
                    let control = group.join("freezer.state");
                    if file::read(&control)? != "THAWED" {
                        file::write(&control, "THAWED")?;
                    }
                }
                Ok(())
            }
            Self::V2(directory) => file::write(&directory.join("cgroup.freeze"), "0"),
        }
    }
}
