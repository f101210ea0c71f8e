//! netdevice(7): bring an interface up.
#![allow(unsafe_code, reason = "interface ioctls have no safe wrapper in nix")]

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::{Error, Result};

/// Set IFF_UP on `lo` of the current network namespace.
///
/// # Errors
///
/// EPERM without CAP_NET_ADMIN in the namespace's user namespace.
pub fn loopback_up() -> Result<()> {
    let failed = |errno| Error::new("ioctl", "SIOCSIFFLAGS, lo", errno);
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .map_err(|errno| Error::new("socket", "AF_INET, SOCK_DGRAM", errno))?;
    // SAFETY: ifreq is a C struct of integers, bytes and a union of such; all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).map_err(|_| failed(Errno::EINVAL))?;
    // SAFETY: SIOCSIFFLAGS reads one ifreq; request is one and lives across the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result < 0 {
        return Err(failed(Errno::last()));
    }
    Ok(())
}
