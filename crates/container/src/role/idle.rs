//! Our own PID 1, for a container that is held open without a command: it reaps and waits.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};

/// Reap until SIGTERM, SIGINT or SIGHUP asks for the end.
pub(crate) fn run() -> ! {
    // The name that ps(1) shows; only cosmetic, so a refusal is none of the container's business.
    let _ = nix::sys::prctl::set_name(c"ctr-init");
    let mut set = SigSet::empty();
    for signal in [
        Signal::SIGCHLD,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
    ] {
        set.add(signal);
    }
    if set.thread_block().is_err() {
        ctr_sys::process::exit_now(1);
    }
    loop {
        match set.wait() {
            Ok(Signal::SIGCHLD) | Err(Errno::EINTR) => reap(),
            // 128+n, as a shell would say of a program that the signal ended.
            Ok(signal) => ctr_sys::process::exit_now(128 + signal as i32),
            Err(_) => ctr_sys::process::exit_now(1),
        }
    }
}

fn reap() {
    while let Ok(Some(_)) = ctr_sys::pidfd::try_wait_any() {}
}
