//! What a new process tells its owner until it executes the user's program: one SEQPACKET socket,
//! close-on-exec, so that its end of connection means that the program runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use serde::{Deserialize, Serialize};

use crate::failure::{Result, Step, call};
use crate::protocol::{AppliedLayer, Enforcement, Failure, MAX_MESSAGE_BYTES};

/// One message on a report socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// A joining process cloned the real one, with this pid in the owner's namespace. Descriptor: its
    /// pidfd.
    Cloned(i32),
    /// The process has a terminal. Descriptor: its master.
    Terminal,
    /// All steps before execve are done.
    Ready(Vec<Enforcement>),
    /// A store operation is done.
    Stored(Option<AppliedLayer>),
    /// A step failed; the process ends.
    Failed(Failure),
}

/// Both ends of a report socket; the owner's is non-blocking.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (owner, child) = call(
        "socketpair",
        "AF_UNIX, SOCK_SEQPACKET",
        socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        ),
    )
    .step("open the report socket")?;
    Ok((owner, child))
}

/// Send a report. A failure to report has no one to be reported to.
pub(crate) fn send(socket: BorrowedFd<'_>, report: &Report, descriptors: &[BorrowedFd<'_>]) {
    let _ = try_send(socket, report, descriptors);
}

/// Send a report that must arrive.
pub(crate) fn try_send(
    socket: BorrowedFd<'_>,
    report: &Report,
    descriptors: &[BorrowedFd<'_>],
) -> Result<()> {
    let message = postcard::to_stdvec(report)
        .map_err(|cause| Failure::new("INTERNAL", "write a report", "encode", cause.to_string()))?;
    ctr_sys::socket::send(socket, &message, descriptors).step("write a report")
}

/// Receive a report; `None` when every sender is gone or has executed its program. Descriptors are
/// missing when there is no room for them.
pub(crate) fn receive(socket: &OwnedFd) -> Result<Option<(Report, Vec<OwnedFd>)>> {
    let mut buffer = vec![0; MAX_MESSAGE_BYTES];
    let received =
        ctr_sys::socket::receive_partial(socket.as_fd(), &mut buffer).step("read a report")?;
    if received.length == 0 {
        return Ok(None);
    }
    let report = postcard::from_bytes(&buffer[..received.length])
        .map_err(|cause| Failure::new("INTERNAL", "read a report", "decode", cause.to_string()))?;
    Ok(Some((report, received.descriptors)))
}
