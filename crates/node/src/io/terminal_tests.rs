#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ctr_container::protocol::MAX_MESSAGE_BYTES;
use nix::sys::eventfd::EventFd;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::*;
use crate::io::connection::{Connection, Pending};

#[test]
fn an_ended_environment_lets_go_of_a_terminal_it_is_about_to_have() {
    let wake = Box::leak(Box::new(EventFd::new().unwrap()));
    let mut engine = Engine::new(wake).unwrap();
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, owner) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    let mut connection = Connection::new(ours, PathBuf::from("/run/owner.sock"));
    let pending = [
        (5, 1, Kind::Attached),
        (6, 2, Kind::Attached),
        (7, 1, Kind::Process),
    ];
    for (token, sink, kind) in pending {
        let address = Address { sink, token: 1 };
        let pending = Pending::new(address, kind, None);
        connection.pending.insert(token, pending);
    }
    let key = engine.key();
    engine.connections.insert(key, connection);
    engine.let_go(1);
    engine.flush();
    let mut buffer = vec![0; MAX_MESSAGE_BYTES];
    let (length, _) = ctr_sys::socket::receive(owner.as_fd(), &mut buffer).unwrap();
    let request: Request = postcard::from_bytes(&buffer[..length]).unwrap();
    assert!(
        matches!(request, Request::Detach { token: 5 }),
        "{request:?}"
    );
    let nothing = ctr_sys::socket::receive(owner.as_fd(), &mut buffer);
    assert!(nothing.is_err(), "what others hold, and what is no attach");
}
