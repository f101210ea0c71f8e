//! Our own PID 1 above a command, for `--init`: what a command that was never meant to be PID 1
//! lacks.
//!
//! Who it is: the container's init after every step that confines it: it has the user, the
//! capabilities and the filter of the command. It forks the command into a process group of its
//! own (the foreground of the terminal when there is one), passes on the signals it gets, reaps
//! orphans, and ends with the command's status, 128+n when signal n ended it. How a failure reaches
//! the user: the command's side reports it before execve, as a container without supervision does.
//!
//! Signals go to the whole group, so that a shell script's current command hears them as it would
//! at a terminal. Passed on is everything but SIGCHLD, which is ours, and SIGTTIN and SIGTTOU,
//! which a terminal sends to whoever misuses it.

use std::os::fd::{AsFd, OwnedFd};

use ctr_sys::clone::{Child, Forked};
use ctr_sys::pidfd::Ended;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::failure::{Result, Step, call};
use crate::protocol::Failure;
use crate::report::{self, Report};
use crate::role::program::{self, Command};

const STEP: &str = "supervise the command";

/// Signals that are not the command's business.
const KEPT: [Signal; 3] = [Signal::SIGCHLD, Signal::SIGTTIN, Signal::SIGTTOU];

/// Start the command and stay until it ends; returns only when it could not be started.
pub(crate) fn run(child: &Child, command: &Command, report: &OwnedFd) -> Failure {
    match start(child, command, report) {
        Ok(command) => supervise(child, command),
        Err(failure) => failure,
    }
}

fn start(child: &Child, command: &Command, report: &OwnedFd) -> Result<Pid> {
    // ORDER: before the fork, so that neither a signal to us nor the command's end is missed.
    ctr_sys::process::block_signals().step(STEP)?;
    match ctr_sys::clone::fork(child).step(STEP)? {
        Forked::Parent(pid) => {
            // On both sides, as shells do: whichever comes first, no signal finds the group missing.
            let _ = nix::unistd::setpgid(pid, pid);
            Ok(pid)
        }
        Forked::Child(_) => {
            let failure = match lead_group() {
                Ok(()) => program::execute(command),
                Err(failure) => failure,
            };
            report::send(report.as_fd(), &Report::Failed(failure), &[]);
            ctr_sys::process::exit_now(1)
        }
    }
}

/// The command's side: a process group of its own, in the foreground, with every signal open.
fn lead_group() -> Result<()> {
    let own = Pid::from_raw(0);
    call("setpgid", "0, 0", nix::unistd::setpgid(own, own)).step(STEP)?;
    // ORDER: while SIGTTOU is blocked; the group is in the background until this very call.
    match nix::unistd::tcsetpgrp(std::io::stdin(), nix::unistd::getpgrp()) {
        // Streams, or a terminal that is passed through from outside: not the container's session.
        Err(Errno::ENOTTY | Errno::EBADF) => {}
        result => call("tcsetpgrp", "stdin", result).step(STEP)?,
    }
    ctr_sys::process::unblock_signals().step(STEP)
}

fn supervise(child: &Child, command: Pid) -> ! {
    // The name that ps(1) shows; only cosmetic, so a refusal is none of the container's business.
    let _ = nix::sys::prctl::set_name(c"ctr-init");
    // SECURITY: what execve closes must be closed by hand, above all the report socket, whose end
    // means that the command runs. The streams too: their end is the command's to make.
    if ctr_sys::fd::close_all_except(child, &[]).is_err() {
        ctr_sys::process::exit_now(1);
    }
    for stream in 0..3 {
        let _ = nix::unistd::close(stream);
    }
    loop {
        match ctr_sys::process::wait_for_signal() {
            Ok(signal) if signal == Signal::SIGCHLD as i32 => {
                if let Some(ended) = reap(command) {
                    ctr_sys::process::exit_now(status(ended));
                }
            }
            Ok(signal) if KEPT.iter().any(|kept| *kept as i32 == signal) => {}
            // A group that has just ended hears nothing.
            Ok(signal) => drop(ctr_sys::process::signal_group(command, signal)),
            Err(error) if error.errno() == Errno::EINTR => {}
            Err(_) => ctr_sys::process::exit_now(1),
        }
    }
}

/// Reap all that has ended; how the command did, if it is among them.
fn reap(command: Pid) -> Option<Ended> {
    let mut found = None;
    while let Ok(Some((pid, ended))) = ctr_sys::pidfd::try_wait_any() {
        if pid == command {
            found = Some(ended);
        }
    }
    found
}

fn status(ended: Ended) -> i32 {
    match ended {
        Ended::Exited(code) => code,
        // As a shell would say of a program that the signal ended.
        Ended::Killed(signal) => 128 + signal,
    }
}
