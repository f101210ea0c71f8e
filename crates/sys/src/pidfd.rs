//! pidfd_open(2), pidfd_send_signal(2), waitid(2) on a pidfd.
#![allow(unsafe_code, reason = "pidfd calls have no safe wrapper in nix")]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::{Error, Result};

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

/// A pidfd for a process of the caller's PID namespace (5.3).
///
/// # Errors
///
/// ESRCH when there is no such process.
pub fn open(pid: Pid) -> Result<OwnedFd> {
    // SAFETY: pidfd_open takes two integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    if fd < 0 {
        return Err(Error::last("pidfd_open", pid.to_string()));
    }
    let fd =
        i32::try_from(fd).map_err(|_| Error::new("pidfd_open", pid.to_string(), Errno::EBADF))?;
    // SAFETY: the call returned a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Send a signal to the process behind a pidfd (5.1).
///
/// # Errors
///
/// ESRCH when it has ended, EPERM when it is out of reach.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<()> {
    // SAFETY: a null siginfo is allowed; the other arguments are integers.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if result < 0 {
        return Err(Error::last("pidfd_send_signal", format!("{signal}")));
    }
    Ok(())
}

/// Reap the child behind a pidfd if it has ended; `None` while it runs. Children of any exit
/// signal count (__WALL).
///
/// # Errors
///
/// ECHILD when the process is not a child of the caller.
pub fn try_wait(pidfd: BorrowedFd<'_>) -> Result<Option<Ended>> {
    wait_id(
        libc::P_PIDFD,
        pidfd.as_raw_fd().cast_unsigned(),
        libc::WNOHANG,
    )
    .map(|found| found.map(|(_, ended)| ended))
}

/// Reap the child behind a pidfd, waiting for its end.
///
/// # Errors
///
/// ECHILD when the process is not a child of the caller.
pub fn wait(pidfd: BorrowedFd<'_>) -> Result<Ended> {
    loop {
        match wait_id(libc::P_PIDFD, pidfd.as_raw_fd().cast_unsigned(), 0) {
            Ok(Some((_, ended))) => return Ok(ended),
            Ok(None) => {}
            Err(error) if error.errno() == Errno::EINTR => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reap any child that has ended; `None` when none has.
///
/// # Errors
///
/// ECHILD when there are no children.
pub fn try_wait_any() -> Result<Option<(Pid, Ended)>> {
    wait_id(libc::P_ALL, 0, libc::WNOHANG)
}

fn wait_id(kind: libc::idtype_t, id: u32, flags: i32) -> Result<Option<(Pid, Ended)>> {
    // SAFETY: siginfo_t is a C struct of integers and pointers; all zeroes is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // The system call rather than libc's function: it is the same on every libc, and __WALL passes.
    // SAFETY: info lives across the call, which writes at most one siginfo_t; no rusage is asked for.
    let result = unsafe {
        libc::syscall(
            libc::SYS_waitid,
            kind,
            id,
            &raw mut info,
            libc::WEXITED | libc::__WALL | flags,
            std::ptr::null::<libc::rusage>(),
        )
    };
    if result < 0 {
        return Err(Error::last("waitid", format!("{id}")));
    }
    // SAFETY: waitid fills the SIGCHLD part of siginfo_t; zeroes mean that nothing was found.
    let pid = unsafe { info.si_pid() };
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: as above, si_status is part of what waitid fills.
    let status = unsafe { info.si_status() };
    let ended = if info.si_code == libc::CLD_EXITED {
        Ended::Exited(status)
    } else {
        Ended::Killed(status)
    };
    Ok(Some((Pid::from_raw(pid), ended)))
}
