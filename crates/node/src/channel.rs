//! One connection to an owner: requests out, replies in, descriptors along.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_container::protocol::{MAX_MESSAGE_BYTES, Reply, Request};
use ctr_sys::socket;
use nix::errno::Errno;

use crate::fault::Fault;

/// A non-blocking connection with a queue of what the kernel would not take yet.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
    queue: VecDeque<(Vec<u8>, Vec<OwnedFd>)>,
    buffer: Vec<u8>,
}

/// What a read gave.
#[derive(Debug)]
pub(crate) enum Received {
    Reply(Reply, Vec<OwnedFd>),
    /// Nothing more for now.
    Empty,
    /// The owner is gone.
    Closed,
}

/// How a flush went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    Everything,
    /// Go on when the socket is writable.
    Blocked,
    /// Too many of this user's descriptors are on their way; go on a little later.
    Crowded,
    /// The owner is gone; reading will say so.
    Closed,
}

impl Channel {
    /// Around a non-blocking SOCK_SEQPACKET socket.
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            queue: VecDeque::new(),
            buffer: vec![0; MAX_MESSAGE_BYTES],
        }
    }

    /// Queue a request; `flush` sends it. The descriptors are closed here once they are sent.
    pub(crate) fn push(
        &mut self,
        request: &Request,
        descriptors: Vec<OwnedFd>,
    ) -> Result<(), Fault> {
        let bytes =
            postcard::to_stdvec(request).map_err(|_| Fault::internal("encode a request"))?;
        if bytes.len() > MAX_MESSAGE_BYTES {
            let message = format!(
                "send a request: {} bytes, and {MAX_MESSAGE_BYTES} is the limit",
                bytes.len()
            );
            return Err(Fault::new("INVALID_REQUEST", message));
        }
        self.queue.push_back((bytes, descriptors));
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Flushed {
        while let Some((bytes, descriptors)) = self.queue.front() {
            let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
            match socket::send(self.socket.as_fd(), bytes, &borrowed) {
                Ok(()) => drop(self.queue.pop_front()),
                Err(error) => {
                    return match error.errno() {
                        Errno::EAGAIN | Errno::ENOBUFS => Flushed::Blocked,
                        // unix(7): an ordinary user has at most RLIMIT_NOFILE in flight.
                        Errno::ETOOMANYREFS => Flushed::Crowded,
                        _ => Flushed::Closed,
                    };
                }
            }
        }
        Flushed::Everything
    }

    pub(crate) fn receive(&mut self) -> Received {
        match socket::receive(self.socket.as_fd(), &mut self.buffer) {
            Ok((0, _)) => Received::Closed,
            Ok((length, descriptors)) => match postcard::from_bytes(&self.buffer[..length]) {
                Ok(reply) => Received::Reply(reply, descriptors),
                // An owner of another version: nothing it says can be trusted to mean anything.
                Err(_) => Received::Closed,
            },
            Err(error) if error.errno() == Errno::EAGAIN => Received::Empty,
            Err(_) => Received::Closed,
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::{Read, Write};

    use ctr_container::protocol::Exit;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    use super::*;

    fn pair() -> (Channel, OwnedFd) {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        (Channel::new(ours), theirs)
    }

    fn reply(peer: &OwnedFd, reply: &Reply) {
        socket::send(peer.as_fd(), &postcard::to_stdvec(reply).unwrap(), &[]).unwrap();
    }

    #[test]
    fn a_request_arrives_whole_with_its_descriptors() {
        let (mut channel, peer) = pair();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let request = Request::Signal {
            token: 7,
            signal: 9,
            tree: true,
        };
        channel.push(&request, vec![OwnedFd::from(writer)]).unwrap();
        assert_eq!(channel.flush(), Flushed::Everything);

        let mut buffer = vec![0; MAX_MESSAGE_BYTES];
        let (length, mut descriptors) = socket::receive(peer.as_fd(), &mut buffer).unwrap();
        let request: Request = postcard::from_bytes(&buffer[..length]).unwrap();
        assert!(matches!(
            request,
            Request::Signal {
                token: 7,
                signal: 9,
                tree: true
            }
        ));
        std::fs::File::from(descriptors.remove(0))
            .write_all(b"through")
            .unwrap();
        // Our own copy was closed by the flush, so the pipe ends here.
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn what_the_kernel_does_not_take_waits_in_order() {
        let (mut channel, peer) = pair();
        let mut sent = 0;
        while channel.flush() == Flushed::Everything {
            channel
                .push(
                    &Request::Signal {
                        token: sent,
                        signal: 0,
                        tree: false,
                    },
                    vec![],
                )
                .unwrap();
            sent += 1;
        }
        channel
            .push(
                &Request::Signal {
                    token: sent,
                    signal: 0,
                    tree: false,
                },
                vec![],
            )
            .unwrap();
        let mut buffer = vec![0; MAX_MESSAGE_BYTES];
        for expected in 0..=sent {
            let (length, _) = socket::receive(peer.as_fd(), &mut buffer).unwrap();
            let request: Request = postcard::from_bytes(&buffer[..length]).unwrap();
            assert!(
                matches!(request, Request::Signal { token, .. } if token == expected),
                "{request:?}"
            );
            channel.flush();
        }
    }

    #[test]
    fn replies_come_one_by_one_until_the_owner_is_gone() {
        let (mut channel, peer) = pair();
        assert!(matches!(channel.receive(), Received::Empty));
        reply(
            &peer,
            &Reply::Done {
                token: 1,
                layer: None,
            },
        );
        reply(
            &peer,
            &Reply::Exited {
                token: 2,
                exit: Exit {
                    exit_code: Some(3),
                    ..Exit::default()
                },
            },
        );
        assert!(matches!(
            channel.receive(),
            Received::Reply(Reply::Done { token: 1, .. }, _)
        ));
        assert!(matches!(
            channel.receive(),
            Received::Reply(Reply::Exited { token: 2, .. }, _)
        ));
        assert!(matches!(channel.receive(), Received::Empty));
        drop(peer);
        assert!(matches!(channel.receive(), Received::Closed));
        channel
            .push(
                &Request::Signal {
                    token: 1,
                    signal: 0,
                    tree: false,
                },
                vec![],
            )
            .unwrap();
        assert_eq!(channel.flush(), Flushed::Closed);
    }

    #[test]
    fn a_message_that_means_nothing_ends_the_connection() {
        let (mut channel, peer) = pair();
        socket::send(peer.as_fd(), &[0xff; 40], &[]).unwrap();
        assert!(matches!(channel.receive(), Received::Closed));
    }

    #[test]
    fn a_request_that_is_too_long_is_refused() {
        let (mut channel, _peer) = pair();
        let request = Request::RemoveTree {
            token: 1,
            name: "a".repeat(MAX_MESSAGE_BYTES),
        };
        assert_eq!(
            channel.push(&request, vec![]).unwrap_err().code,
            "INVALID_REQUEST"
        );
    }
}
