//! What a process sets on itself before execve and nix cannot: signal dispositions in bulk,
//! supplementary groups as numbers, umask and the end without clean-up.
#![allow(
    unsafe_code,
    reason = "signal dispositions, rt_sigtimedwait and _exit are unsafe in libc"
)]

use nix::errno::Errno;

use crate::{Error, Result};

/// Give every signal its default action.
pub fn reset_signals() {
    for signal in 1..=64 {
        if signal == libc::SIGKILL || signal == libc::SIGSTOP || signal == 32 || signal == 33 {
            continue;
        }
        // SAFETY: SIG_DFL installs no handler, so no code runs by it; numbers that do not exist
        // give EINVAL, which changes nothing.
        let _ = unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Give SIGPIPE its default action, which Rust's start-up has changed to being ignored.
pub fn reset_sigpipe() {
    // SAFETY: SIG_DFL installs no handler, so no code runs by it.
    let _ = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Block no signal.
///
/// # Errors
///
/// As sigprocmask(2).
pub fn unblock_signals() -> Result<()> {
    nix::sys::signal::sigprocmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(&nix::sys::signal::SigSet::empty()),
        None,
    )
    .map_err(|errno| Error::new("sigprocmask", "SIG_SETMASK, []", errno))
}

/// Block every signal that can be blocked.
///
/// # Errors
///
/// As sigprocmask(2).
pub fn block_signals() -> Result<()> {
    nix::sys::signal::sigprocmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(&nix::sys::signal::SigSet::all()),
        None,
    )
    .map_err(|errno| Error::new("sigprocmask", "SIG_SETMASK, all", errno))
}

/// The number of the next blocked signal, real-time ones included (nix's `SigSet::wait` cannot name
/// those). Signals that are not blocked act as always.
///
/// # Errors
///
/// EINTR when a stop and a continuation came instead.
pub fn wait_for_signal() -> Result<i32> {
    // The kernel's set: one bit each for signals 1 to 64.
    let all = u64::MAX;
    // SAFETY: the set lives across the call and its size is passed with it; null asks for neither
    // siginfo nor a time limit.
    let signal = unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const all,
            std::ptr::null::<libc::siginfo_t>(),
            std::ptr::null::<libc::timespec>(),
            size_of::<u64>(),
        )
    };
    i32::try_from(signal)
        .ok()
        .filter(|signal| *signal > 0)
        .ok_or_else(|| Error::last("rt_sigtimedwait", "all"))
}

/// Send any signal, real-time ones included, to every process of a group.
///
/// # Errors
///
/// ESRCH when the group has no process.
pub fn signal_group(group: nix::unistd::Pid, signal: i32) -> Result<()> {
    // SAFETY: kill takes two integers.
    let result = unsafe { libc::kill(-group.as_raw(), signal) };
    if result < 0 {
        return Err(Error::last("kill", format!("-{group}, {signal}")));
    }
    Ok(())
}

/// End the process at once, without destructors or exit handlers.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes an integer and does not return; nothing of this process runs afterwards.
    unsafe { libc::_exit(code) }
}

/// Set a resource limit by its kernel number, with values up to 2^64-1.
///
/// # Errors
///
/// EPERM when the hard limit is raised without CAP_SYS_RESOURCE, EINVAL when soft > hard.
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = libc::rlimit64 {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: prlimit64 on pid 0 (the caller) reads one rlimit64, which lives across the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_prlimit64,
            0,
            resource,
            &raw const limit,
            std::ptr::null::<libc::rlimit64>(),
        )
    };
    if result < 0 {
        return Err(Error::last(
            "prlimit64",
            format!("{resource}, {soft}:{hard}"),
        ));
    }
    Ok(())
}

/// Drop a capability from the bounding set (PR_CAPBSET_DROP). False for a number that the kernel
/// does not know, so that nothing holds it.
///
/// # Errors
///
/// EPERM without CAP_SETPCAP.
pub fn drop_bounding(capability: u8) -> Result<bool> {
    // SAFETY: PR_CAPBSET_DROP takes integers only.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, u64::from(capability), 0, 0, 0) };
    match result {
        0.. => Ok(true),
        _ if Errno::last() == Errno::EINVAL => Ok(false),
        _ => Err(Error::last(
            "prctl",
            format!("PR_CAPBSET_DROP, {capability}"),
        )),
    }
}

/// Keep or drop the permitted set when all user ids become non-zero (PR_SET_KEEPCAPS).
///
/// # Errors
///
/// As prctl(2).
pub fn set_keep_capabilities(keep: bool) -> Result<()> {
    // SAFETY: PR_SET_KEEPCAPS takes integers only.
    let result = unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, u64::from(keep), 0, 0, 0) };
    if result < 0 {
        return Err(Error::last("prctl", format!("PR_SET_KEEPCAPS, {keep}")));
    }
    Ok(())
}

/// Set the NIS domain name of the UTS namespace, setdomainname(2).
///
/// # Errors
///
/// EPERM without CAP_SYS_ADMIN, EINVAL when longer than 64 bytes.
pub fn set_domainname(name: &str) -> Result<()> {
    // SAFETY: the pointer and length describe a string that lives across the call; no NUL is needed.
    let result = unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) };
    if result < 0 {
        return Err(Error::last("setdomainname", name));
    }
    Ok(())
}
