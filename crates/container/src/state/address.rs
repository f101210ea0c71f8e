//! Addresses of owners' sockets, whatever the length of their paths.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::open;
use nix::sys::socket::UnixAddr;
use nix::sys::stat::Mode;

use super::DIRECTORY;

/// sun_path of sockaddr_un, unix(7), without its terminating zero.
const MAX_PATH_BYTES: usize = 107;

/// An address for bind(2) or connect(2), valid as long as the descriptor beside it is open.
#[derive(Debug)]
pub struct SocketAddress {
    /// The address.
    pub address: UnixAddr,
    _directory: Option<OwnedFd>,
}

/// The address of a socket file; one whose path is too long is reached through its directory.
///
/// # Errors
///
/// As open(2) on the directory; ENAMETOOLONG when the file's own name is too long.
pub fn socket_address(path: &Path) -> Result<SocketAddress, Errno> {
    if path.as_os_str().len() <= MAX_PATH_BYTES {
        return Ok(SocketAddress {
            address: UnixAddr::new(path)?,
            _directory: None,
        });
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::EINVAL);
    };
    let directory = open(parent, DIRECTORY, Mode::empty())?;
    let mut short = std::path::PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    short.push(name);
    Ok(SocketAddress {
        address: UnixAddr::new(&short)?,
        _directory: Some(directory),
    })
}
