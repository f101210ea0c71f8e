//! Owners of other processes: found by the state store, reached by their socket.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ctr_container::state::{Error, StateRoot, Status, socket_address};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, connect, getsockopt, socket, sockopt::PeerCredentials,
};
use nix::unistd::geteuid;

use crate::fault::Fault;

/// A running container of another owner.
#[derive(Debug)]
pub(super) struct Foreign {
    /// Its full id: callers may have given a name or a prefix.
    pub(super) id: String,
    pub(super) owner_socket: PathBuf,
}

/// Find a running container's owner.
pub(super) fn find(state_root: &Path, query: &str) -> Result<Foreign, Fault> {
    let entry = StateRoot::open(state_root)?.find(query)?;
    match (entry.status, entry.config.owner_socket) {
        (Status::Running, Some(owner_socket)) => Ok(Foreign {
            id: entry.id,
            owner_socket,
        }),
        _ => Err(Error::not_running(&entry.id).into()),
    }
}

/// Connect to an owner, without blocking later.
pub(super) fn reach(path: &Path) -> Result<OwnedFd, Fault> {
    let failed = |call: &str, errno: Errno| {
        let fault = Fault::io(call, &path.display().to_string(), &errno.into());
        match errno {
            // The owner died between our look at its lock and now.
            Errno::ECONNREFUSED | Errno::ENOENT => Fault {
                code: "RUNTIME_LOST".to_owned(),
                ..fault
            },
            _ => fault,
        }
    };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
        .map_err(|errno| failed("socket", errno))?;
    let target = socket_address(path).map_err(|errno| failed("open", errno))?;
    for attempt in 0.. {
        match connect(fd.as_raw_fd(), &target.address) {
            Ok(()) => break,
            // Its backlog is full, which a launcher empties in far less than this.
            Err(Errno::EAGAIN) if attempt < 50 => std::thread::sleep(Duration::from_millis(1)),
            Err(errno) => return Err(failed("connect", errno)),
        }
    }
    // SECURITY: requests carry a program and its environment. Only an owner that runs as us or as
    // root gets them, whoever made the socket file.
    let peer = getsockopt(&fd, PeerCredentials).map_err(|errno| failed("getsockopt", errno))?;
    if peer.uid() != geteuid().as_raw() && peer.uid() != 0 {
        let message = format!(
            "reach {}: it belongs to user {}",
            path.display(),
            peer.uid()
        );
        return Err(Fault::new("STATE_UNSAFE", message));
    }
    Ok(fd)
}
