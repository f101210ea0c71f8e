//! clone3(2): a new process in new namespaces, with its pidfd.
//!
//! # Safety
//!
//! The child is a fork: a copy-on-write copy of the caller with one thread. [`clone3`] refuses to
//! run in a process with more than one thread, because the other threads' locks (the allocator's
//! among them) would stay held in the child for ever. glibc is not told about the child, so its
//! cached thread id is the parent's there; no glibc function that reads it (`raise`, `pthread_*`)
//! may be called before execve.
#![allow(unsafe_code, reason = "clone3 has no safe wrapper in nix")]

use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::Pid;

use crate::{Error, Result};

/// CLONE_INTO_CGROUP (5.7), which does not fit nix's 32-bit flags.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// What a clone3 call asks for.
#[derive(Debug, Default)]
pub struct Clone3<'a> {
    /// New namespaces, CLONE_PARENT. CLONE_PIDFD is always added.
    pub flags: CloneFlags3,
    /// Signal sent to the parent at exit; 0 for none (required with CLONE_PARENT).
    pub exit_signal: u64,
    /// A cgroup2 directory to be born in (CLONE_INTO_CGROUP, 5.7).
    pub cgroup: Option<BorrowedFd<'a>>,
}

/// Clone flags; `Default` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloneFlags3(CloneFlags);

impl CloneFlags3 {
    /// Namespace flags and CLONE_PARENT; others are left out, for they would share memory or
    /// descriptors with the child.
    #[must_use]
    pub fn new(flags: CloneFlags) -> Self {
        Self(flags & allowed())
    }
}

fn allowed() -> CloneFlags {
    CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWCGROUP
        | CloneFlags::CLONE_PARENT
}

impl Default for CloneFlags3 {
    fn default() -> Self {
        Self(CloneFlags::empty())
    }
}

/// Which side of the clone this is.
#[derive(Debug)]
pub enum Cloned {
    /// The caller, with the child's pid in the caller's PID namespace and its pidfd.
    Parent(Pid, OwnedFd),
    /// The child.
    Child(Child),
}

/// Proof of being the child of a clone: what only such a process may do takes one.
#[derive(Debug)]
pub struct Child(());

#[repr(C, align(8))]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Clone the calling process.
///
/// # Errors
///
/// EINVAL when the caller has more than one thread or exit_signal and CLONE_PARENT do not fit;
/// else as clone(2).
pub fn clone3(request: &Clone3<'_>) -> Result<Cloned> {
    if !is_single_threaded() {
        return Err(Error::new(
            "clone3",
            "caller has more than one thread",
            Errno::EINVAL,
        ));
    }
    let mut pidfd: RawFd = -1;
    let mut args = CloneArgs {
        // CLONE_PIDFD and the namespace flags are positive i32 bits; the top one is CLONE_IO.
        flags: u64::from(request.flags.0.bits().cast_unsigned())
            | libc::CLONE_PIDFD.cast_unsigned() as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: request.exit_signal,
        ..CloneArgs::default()
    };
    if let Some(cgroup) = request.cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: args lives across the call and its size is passed with it; pidfd points to a live
    // RawFd that the kernel writes once in the parent. No stack is given and CloneFlags3 holds
    // no CLONE_VM, so the child runs on its own copy of this stack.
    // The caller is single-threaded (checked above), so no lock is left held in the child.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) };
    match pid {
        0 => Ok(Cloned::Child(Child(()))),
        pid if pid > 0 => {
            // SAFETY: clone3 returned success with CLONE_PIDFD, so the kernel stored a new
            // descriptor in pidfd that nothing else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Cloned::Parent(
                Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX)),
                pidfd,
            ))
        }
        _ => Err(Error::last("clone3", format!("{:?}", request.flags.0))),
    }
}

/// Which side of a [`fork`] this is.
#[derive(Debug)]
pub enum Forked {
    /// The caller, with the child's pid.
    Parent(Pid),
    /// The child.
    Child(Child),
}

/// Fork the calling process, which itself is the child of a clone: an ordinary child that sends
/// SIGCHLD at its end.
///
/// By clone(2) rather than clone3, which a container's system call filter refuses (it cannot see
/// its flags), and not by fork(3), which trusts the thread id that a clone has left stale. The
/// caller must be single-threaded, as every [`Child`] is until it makes threads.
///
/// # Errors
///
/// EAGAIN or ENOMEM at a limit of the container; EPERM when its filter refuses processes.
pub fn fork(_caller: &Child) -> Result<Forked> {
    // The kernel reads whole registers.
    let (flags, none) = (libc::c_long::from(libc::SIGCHLD), 0 as libc::c_long);
    // SAFETY: without flags and stack the child is a copy-on-write copy of the caller, which has
    // one thread (a Child is a fresh clone of a single-threaded process), so no lock is left held.
    // The order of the other arguments differs between architectures; all are 0.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) };
    match pid {
        0 => Ok(Forked::Child(Child(()))),
        pid if pid > 0 => Ok(Forked::Parent(Pid::from_raw(
            i32::try_from(pid).unwrap_or(i32::MAX),
        ))),
        _ => Err(Error::last("clone", "SIGCHLD")),
    }
}

fn is_single_threaded() -> bool {
    // The caller may live in a PID namespace that the mounted /proc does not show; then
    // /proc/self does not resolve and the count of the one exec'd thread cannot be read. Only the
    // executable's roles get there, and they assert this at start, while /proc is still theirs.
    match fs::read_to_string("/proc/self/stat") {
        // Field 20 is num_threads; the command name before it may hold spaces and parentheses.
        Ok(stat) => stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_ascii_whitespace().nth(17))
            .is_none_or(|threads| threads == "1"),
        Err(_) => true,
    }
}
