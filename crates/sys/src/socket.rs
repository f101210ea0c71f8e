//! unix(7): datagrams that carry descriptors.
#![allow(unsafe_code, reason = "received descriptor numbers become owners here")]

use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, SockFlag, accept4, sendmsg};

use crate::{Error, Result};

/// Most descriptors in one message of ours: a layer's blob and directory, and the directories of the
/// 126 layers that can be below it. The kernel takes 253 (SCM_MAX_FD).
pub const MAX_DESCRIPTORS: usize = 128;

/// Room for a control message with that many, in its header's alignment.
const CONTROL_WORDS: usize =
    (size_of::<libc::cmsghdr>() + MAX_DESCRIPTORS * size_of::<RawFd>()).div_ceil(size_of::<u64>());

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
    let Partial {
        length,
        descriptors,
        complete,
    } = receive_partial(socket, buffer)?;
    if complete {
        return Ok((length, descriptors));
    }
    Err(too_long())
}

/// A message, and what has become of the descriptors that it carried.
#[derive(Debug)]
pub struct Partial {
    /// Of the message; 0 at the end of the connection.
    pub length: usize,
    /// Close-on-exec.
    pub descriptors: Vec<OwnedFd>,
    /// Whether these are all; if not, the last are missing.
    pub complete: bool,
}

/// As [`receive`], for who must know what a message says even when this process has no room for its
/// descriptors (RLIMIT_NOFILE).
///
/// # Errors
///
/// As [`receive`], EMSGSIZE only for a message that did not fit itself.
pub fn receive_partial(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Partial> {
    // Aligned as a cmsghdr is.
    let mut control = [0_u64; CONTROL_WORDS];
    let mut slice = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: a msghdr is integers and pointers that may be null; all zero is one.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control);
    let length = loop {
        // SAFETY: the header's one slice and its control buffer are ours, of the lengths that it
        // says, and live across the call; what it writes there is checked below.
        let length =
            unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC) };
        match (usize::try_from(length), Errno::last()) {
            (Ok(length), _) => break length,
            (Err(_), Errno::EINTR) => {}
            (Err(_), errno) => return Err(Error::new("recvmsg", "", errno)),
        }
    };
    // ORDER: before any refusal, which closes them.
    let descriptors = take_descriptors(&header);
    if header.msg_flags & libc::MSG_TRUNC != 0 {
        return Err(too_long());
    }
    Ok(Partial {
        length,
        descriptors,
        complete: header.msg_flags & libc::MSG_CTRUNC == 0,
    })
}

fn too_long() -> Error {
    Error::new("recvmsg", "truncated message", Errno::EMSGSIZE)
}

/// The descriptors of a received message, which may be fewer than were sent. By hand: nix says
/// nothing of those that came when others did not.
fn take_descriptors(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    // SAFETY: the control buffer lives, and the kernel has set its length to what it wrote.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: null or a whole header inside that buffer, which is aligned for it.
    while let Some(control) = unsafe { next.as_ref() } {
        if (control.cmsg_level, control.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: only computes where the data of this header begins.
            let numbers = unsafe { libc::CMSG_DATA(next) }.cast::<RawFd>();
            // SAFETY: only computes a length.
            let empty = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = control.cmsg_len.saturating_sub(empty) / size_of::<RawFd>();
            for index in 0..count {
                // SAFETY: `cmsg_len` counts the numbers that the kernel wrote, so this one is there.
                let number = unsafe { numbers.wrapping_add(index).read_unaligned() };
                // SAFETY: the kernel installed this descriptor for this very message, so nothing
                // else owns it; each number is turned into an owner once.
                descriptors.push(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
        // SAFETY: as above; the macro stays inside the length that the kernel has set.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    descriptors
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
    fn what_there_is_no_room_for_is_missing_or_an_error_and_nothing_stays_open() {
        let socket = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        );
        let (left, right) = socket.unwrap();
        let many = vec![left.as_fd(); super::MAX_DESCRIPTORS];
        super::send(left.as_fd(), b"many", &many).unwrap();
        let (_, descriptors) = super::receive(right.as_fd(), &mut [0; 8]).unwrap();
        assert_eq!(descriptors.len(), super::MAX_DESCRIPTORS);
        drop(descriptors);
        // More than there is room for looks the same as a limit of open files.
        let (read, write) = nix::unistd::pipe().unwrap();
        let mut many = vec![write.as_fd(); super::MAX_DESCRIPTORS + 2];
        super::send(left.as_fd(), b"more", &many).unwrap();
        let partial = super::receive_partial(right.as_fd(), &mut [0; 8]).unwrap();
        assert_eq!((partial.length, partial.complete), (4, false));
        assert_eq!(partial.descriptors.len(), super::MAX_DESCRIPTORS);
        super::send(left.as_fd(), b"more", &many).unwrap();
        let error = super::receive(right.as_fd(), &mut [0; 8]).unwrap_err();
        assert_eq!(error.errno(), nix::errno::Errno::EMSGSIZE);
        many.clear();
        drop((partial, write));
        let end = nix::unistd::read(&read, &mut [0; 1]);
        assert_eq!(end, Ok(0), "a writing end is still open");
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
