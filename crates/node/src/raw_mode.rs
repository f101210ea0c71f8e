//! Our own terminal in raw mode, while it stands for the terminal of a container.
//!
//! Node's `setRawMode` leaves output processing on: each line feed would become two characters,
//! which breaks programs in the container that use a line feed to move down.

use std::io;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

use crate::fault::Fault;

/// How stdin's terminal was before it was made raw, once per process.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Makes the terminal of stdin raw: every key is a byte, and output is not changed. A second call
/// does it again, for when a shell changed it while we were stopped.
///
/// In a background job the kernel stops the whole job (SIGTTOU) until it is in the foreground.
pub(crate) fn enter() -> Result<(), Fault> {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let now = tcgetattr(io::stdin()).map_err(|errno| fault("tcgetattr", errno))?;
    let mut raw = now.clone();
    cfmakeraw(&mut raw);
    set(&raw)?;
    // ORDER: kept only when it was changed, and the first time only: later it is ours already.
    before.get_or_insert(now);
    Ok(())
}

/// Gives the terminal of stdin back as it was. Without an `enter` nothing happens.
pub(crate) fn leave() -> Result<(), Fault> {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    match before.take() {
        Some(before) => set(&before),
        None => Ok(()),
    }
}

/// What was typed meanwhile is kept.
fn set(mode: &Termios) -> Result<(), Fault> {
    loop {
        match tcsetattr(io::stdin(), SetArg::TCSANOW, mode) {
            Err(Errno::EINTR) => {}
            result => return result.map_err(|errno| fault("tcsetattr", errno)),
        }
    }
}

fn fault(call: &str, errno: Errno) -> Fault {
    Fault::io(call, "stdin", &io::Error::from(errno))
}
