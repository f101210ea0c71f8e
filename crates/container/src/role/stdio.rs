//! The standard streams of a process: three descriptors from outside, or a terminal of its own.

use std::os::fd::{AsFd, OwnedFd};

use ctr_rootfs::Terminal;
use ctr_spec::plan::WindowSize;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Gid, Uid};

use crate::failure::{Result, Step, call};
use crate::protocol::{Enforcement, Failure};
use crate::report::{self, Report};
use crate::role::user::Identity;

const STEP: &str = "take over stdio";
const STEP_TERMINAL: &str = "take over the terminal";

/// What becomes stdin, stdout and stderr; all above the standard numbers.
pub(crate) enum Stdio {
    Streams([OwnedFd; 3]),
    Terminal(Terminal),
}

impl Stdio {
    /// Copies of inherited streams, or the terminal that the plan asked for.
    pub(crate) fn new(streams: Option<[&OwnedFd; 3]>, terminal: Option<Terminal>) -> Result<Self> {
        let copy = |fd: &OwnedFd| call("fcntl", "F_DUPFD_CLOEXEC", fd.try_clone()).step(STEP);
        match (terminal, streams) {
            (Some(terminal), _) => Ok(Self::Terminal(terminal)),
            (None, Some([stdin, stdout, stderr])) => {
                Ok(Self::Streams([copy(stdin)?, copy(stdout)?, copy(stderr)?]))
            }
            (None, None) => Err(Failure::new(
                "INVALID_REQUEST",
                STEP,
                "recvmsg",
                "neither streams nor a terminal",
            )),
        }
    }

    /// Put them in place, as the user's. The master of a terminal goes to the owner.
    pub(crate) fn take(
        self,
        identity: &Identity,
        size: Option<WindowSize>,
        report: &OwnedFd,
    ) -> Result<Option<Enforcement>> {
        match self {
            Self::Streams(streams) => take_streams(streams, identity).map(|()| None),
            Self::Terminal(terminal) => take_terminal(terminal, identity, size, report),
        }
    }
}

fn take_streams(streams: [OwnedFd; 3], identity: &Identity) -> Result<()> {
    for fd in &streams {
        // A pipe made for the container belongs to its user; what was passed through (a terminal,
        // a file, /dev/null) keeps its owner.
        let stat = call("fstat", "stdio", fstat(fd)).step(STEP)?;
        let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
        if kind == SFlag::S_IFIFO {
            // Refused for a pipe of another user that was passed through: then it keeps its owner.
            let _ = nix::unistd::fchown(
                fd,
                Some(Uid::from_raw(identity.uid)),
                Some(Gid::from_raw(identity.gid)),
            );
        }
    }
    for fd in &streams {
        make_blocking(fd).step(STEP)?;
    }
    let [stdin, stdout, stderr] = streams;
    become_standard(&stdin, &stdout, &stderr)
}

fn take_terminal(
    terminal: Terminal,
    identity: &Identity,
    size: Option<WindowSize>,
    report: &OwnedFd,
) -> Result<Option<Enforcement>> {
    let Terminal { master, peer } = terminal;
    let owner = give(&peer, identity)?;
    if let Some(WindowSize { rows, columns }) = size {
        let size = ctr_sys::terminal::WindowSize { rows, columns };
        ctr_sys::terminal::set_window_size(master.as_fd(), size).step(STEP_TERMINAL)?;
    }
    report::try_send(report.as_fd(), &Report::Terminal, &[master.as_fd()])?;
    // SECURITY: gone before anything of the image runs; with it a program could read and type what
    // passes through its own terminal, and outlive its hang-up.
    drop(master);
    ctr_sys::terminal::set_controlling(peer.as_fd()).step(STEP_TERMINAL)?;
    become_standard(&peer, &peer, &peer)?;
    Ok(owner)
}

/// Make the user the terminal's owner, so that it can be opened by name (`/dev/stdout`) and made
/// unwritable to others (mesg(1)). Its group stays that of terminals.
fn give(peer: &OwnedFd, identity: &Identity) -> Result<Option<Enforcement>> {
    let stat = call("fstat", "terminal", fstat(peer)).step(STEP_TERMINAL)?;
    if stat.st_uid == identity.uid {
        return Ok(None);
    }
    let arguments = format!("terminal, {}", identity.uid);
    match nix::unistd::fchown(peer, Some(Uid::from_raw(identity.uid)), None) {
        // The id is not mapped, or the plan's namespaces give no right to it: the open streams work
        // all the same.
        Err(errno @ (Errno::EINVAL | Errno::EPERM | Errno::EROFS)) => Ok(Some(Enforcement {
            feature: "terminal owner".to_owned(),
            requested: format!("user {}", identity.uid),
            supported: false,
            enforced: false,
            reason: Some(ctr_sys::Error::new("fchown", arguments, errno).to_string()),
        })),
        result => call("fchown", &arguments, result)
            .step(STEP_TERMINAL)
            .map(|()| None),
    }
}

fn become_standard(stdin: &OwnedFd, stdout: &OwnedFd, stderr: &OwnedFd) -> Result<()> {
    call("dup2", "stdin", nix::unistd::dup2_stdin(stdin)).step(STEP)?;
    call("dup2", "stdout", nix::unistd::dup2_stdout(stdout)).step(STEP)?;
    call("dup2", "stderr", nix::unistd::dup2_stderr(stderr)).step(STEP)
}

/// A stream that was passed through may be non-blocking, as Node makes a pipe it writes to itself;
/// programs take EAGAIN for a failure and lose output.
fn make_blocking(fd: &OwnedFd) -> ctr_sys::Result<()> {
    let flags = call("fcntl", "F_GETFL", fcntl(fd, FcntlArg::F_GETFL))?;
    let flags = OFlag::from_bits_truncate(flags);
    if !flags.contains(OFlag::O_NONBLOCK) {
        return Ok(());
    }
    let blocking = FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK);
    call("fcntl", "F_SETFL", fcntl(fd, blocking)).map(drop)
}
