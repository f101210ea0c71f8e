//! unix(7): datagrams that carry descriptors.
#![allow(unsafe_code, reason = "received descriptor numbers become owners here")]

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, accept4, recvmsg, sendmsg,
};

use crate::{Error, Result};

/// Most descriptors in one message of ours.
pub const MAX_DESCRIPTORS: usize = 16;

/// Send one message with descriptors. Never raises SIGPIPE.
///
/// # Errors
///
/// EAGAIN on a non-blocking socket whose buffer is full, EPIPE when the peer is gone, EMSGSIZE when
/// the message does not fit.
pub fn send(socket: BorrowedFd<'_>, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = if numbers.is_empty() {
        &rights[..0]
    } else {
        &rights[..]
    };
    loop {
        match sendmsg::<()>(
            socket.as_raw_fd(),
            &[IoSlice::new(message)],
            control,
            MsgFlags::MSG_NOSIGNAL,
            None,
        ) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => {
                let arguments = format!("{} bytes, {} descriptors", message.len(), numbers.len());
                return Err(Error::new("sendmsg", arguments, errno));
            }
        }
    }
}

/// Receive one message into `buffer`: its length (0 at the end of the connection) and the
/// descriptors it carried, close-on-exec.
///
/// # Errors
///
/// EAGAIN on a non-blocking socket without a message; EMSGSIZE when the message or its descriptors
/// did not fit (what was received of it is closed).
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>)> {
    let mut space = nix::cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags) {
            Ok(message) => break message,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::new("recvmsg", "", errno)),
        }
    };
    let mut descriptors = Vec::new();
    for control in message
        .cmsgs()
        .map_err(|errno| Error::new("recvmsg", "control data", errno))?
    {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            for number in numbers {
                // SAFETY: the kernel installed this descriptor for this very message, so nothing
                // else owns it; each number is turned into an owner once.
                descriptors.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
    }
    if message
        .flags
        .intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC)
    {
        return Err(Error::new("recvmsg", "truncated message", Errno::EMSGSIZE));
    }
    Ok((message.bytes, descriptors))
}

/// Accept one connection on a listening socket, close-on-exec and non-blocking.
///
/// # Errors
///
/// EAGAIN when none is waiting.
pub fn accept(listener: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let number =
        accept4(listener.as_raw_fd(), flags).map_err(|errno| Error::new("accept4", "", errno))?;
    // SAFETY: accept4 returned a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::os::fd::AsFd;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    #[test]
    fn descriptors_arrive_in_order_and_end_of_connection_is_length_zero() {
        let (left, right) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )
        .unwrap();
        let (read, write) = nix::unistd::pipe().unwrap();
        super::send(left.as_fd(), b"two", &[read.as_fd(), write.as_fd()]).unwrap();
        let mut buffer = [0; 16];
        let (length, descriptors) = super::receive(right.as_fd(), &mut buffer).unwrap();
        assert_eq!((&buffer[..length], descriptors.len()), (&b"two"[..], 2));
        nix::unistd::write(&descriptors[1], b"x").unwrap();
        assert_eq!(nix::unistd::read(&read, &mut buffer).unwrap(), 1);
        drop(left);
        assert_eq!(super::receive(right.as_fd(), &mut buffer).unwrap().0, 0);
    }

    #[test]
    fn a_message_larger_than_the_buffer_is_an_error() {
        let (left, right) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )
        .unwrap();
        super::send(left.as_fd(), &[1; 32], &[]).unwrap();
        let error = super::receive(right.as_fd(), &mut [0; 8]).unwrap_err();
        assert_eq!(error.errno(), nix::errno::Errno::EMSGSIZE);
    }
}
