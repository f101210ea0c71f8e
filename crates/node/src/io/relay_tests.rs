#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ctr_sys::terminal::{open_peer, unlock};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent};
use nix::sys::termios::{SetArg, cfmakeraw, tcsetattr};

use super::*;

/// A relay between the two ends that a test holds: a terminal's slave side and JavaScript's socket.
struct Rig {
    relay: Relay,
    peer: Option<OwnedFd>,
    script: Option<UnixStream>,
}

fn rig(raw: bool) -> Rig {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let master = nix::fcntl::open("/dev/ptmx", flags, nix::sys::stat::Mode::empty()).unwrap();
    unlock(master.as_fd()).unwrap();
    let peer = open_peer(master.as_fd()).unwrap();
    let mut modes = tcgetattr(&peer).unwrap();
    if raw {
        cfmakeraw(&mut modes);
    } else {
        modes.local_flags.remove(LocalFlags::ECHO);
    }
    tcsetattr(&peer, SetArg::TCSANOW, &modes).unwrap();
    let (script, socket) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    script
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    Rig {
        relay: Relay::new(master, socket.into()),
        peer: Some(peer),
        script: Some(script),
    }
}

impl Rig {
    fn peer(&self) -> File {
        self.peer.as_ref().unwrap().try_clone().unwrap().into()
    }

    fn script(&self) -> &UnixStream {
        self.script.as_ref().unwrap()
    }

    /// Turn until it is over, or for as long as given.
    fn turn(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if self.relay.turn() {
                return true;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        false
    }
}

impl Rig {
    /// Turn when one of its descriptors is ready, as the loop does; how often it was.
    fn run(&mut self, limit: Duration) -> usize {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        let mut watched = [EpollFlags::empty(); 2];
        let deadline = Instant::now() + limit;
        let mut turns = 0;
        loop {
            let (master, socket) = self.relay.wanted();
            let fds = [self.relay.master(), self.relay.socket()];
            for (index, (fd, wanted)) in fds.into_iter().zip([master, socket]).enumerate() {
                let mut event = EpollEvent::new(wanted, index as u64);
                match (watched[index].is_empty(), wanted.is_empty()) {
                    _ if watched[index] == wanted => {}
                    (true, _) => epoll.add(fd, event).unwrap(),
                    (false, true) => epoll.delete(fd).unwrap(),
                    (false, false) => epoll.modify(fd, &mut event).unwrap(),
                }
                watched[index] = wanted;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return turns;
            }
            let mut events = [EpollEvent::empty(); 2];
            let left = u16::try_from(left.as_millis() + 1).unwrap();
            let ready = epoll.wait(&mut events, left).unwrap();
            for event in &events[..ready] {
                if event.data() == 0 && event.events().contains(EpollFlags::EPOLLHUP) {
                    self.relay.hung_up();
                }
                turns += 1;
                if self.relay.turn() {
                    return turns;
                }
            }
        }
    }
}

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn what_is_said_arrives_before_the_end_and_the_end_is_told() {
    let mut rig = rig(true);
    let size = 3 * BUFFER_BYTES;
    let mut peer = rig.peer();
    let writer = std::thread::spawn(move || peer.write_all(&vec![b'x'; size]).unwrap());
    let script = rig.script().try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let (mut script, mut all) = (script, Vec::new());
        script.set_read_timeout(None).unwrap();
        script.read_to_end(&mut all).unwrap();
        all.len()
    });
    assert!(!rig.turn(Duration::from_millis(300)), "the slave is open");
    writer.join().unwrap();
    rig.peer = None;
    rig.relay.finish();
    assert!(rig.turn(Duration::from_secs(2)));
    assert_eq!(reader.join().unwrap(), size);
}

#[test]
fn who_does_not_read_is_not_sent_more() {
    let mut rig = rig(true);
    let peer = rig.peer();
    fcntl(&peer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut said = 0;
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut silent = 0;
    while silent < 50 && Instant::now() < deadline {
        rig.relay.turn();
        match (&peer).write(&[b'x'; 4096]) {
            Ok(count) => (said, silent) = (said + count, 0),
            Err(_) => silent += 1,
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(silent, 50, "it was never full after {said} bytes");
    assert!(rig.relay.output.bytes.len() <= BUFFER_BYTES);
    let (master, socket) = rig.relay.wanted();
    assert!(!master.contains(EpollFlags::EPOLLIN), "{master:?}");
    assert!(socket.contains(EpollFlags::EPOLLOUT), "{socket:?}");
    // Nobody reads at all any more: then nothing holds the program up.
    rig.script = None;
    rig.turn(SHORT);
    assert!(rig.relay.wanted().0.contains(EpollFlags::EPOLLIN));
    (&peer).write_all(b"more").unwrap();
}

#[test]
fn typing_stops_at_a_program_that_does_not_read() {
    let mut rig = rig(true);
    rig.script().set_nonblocking(true).unwrap();
    let mut typed = 0;
    for _ in 0..2000 {
        match rig.script().write(&[b'x'; 4096]) {
            Ok(count) => typed += count,
            Err(_) => std::thread::sleep(Duration::from_micros(100)),
        }
        rig.relay.turn();
    }
    assert!(rig.relay.input.bytes.len() <= BUFFER_BYTES);
    let mut peer = rig.peer();
    let reader = std::thread::spawn(move || {
        let (mut read, mut buffer) = (0, [0; 65536]);
        while read < typed {
            read += peer.read(&mut buffer).unwrap();
        }
        read
    });
    while !reader.is_finished() {
        rig.turn(Duration::from_millis(5));
    }
    assert_eq!(reader.join().unwrap(), typed, "bytes were lost");
}

#[test]
fn a_half_closed_socket_types_the_end_of_file_and_a_closed_one_nothing() {
    for (line, reads) in [
        (&b"whole\n"[..], vec![&b"whole\n"[..], b""]),
        (b"part", vec![b"part", b""]),
        (b"", vec![b""]),
    ] {
        let mut rig = rig(false);
        rig.script().write_all(line).unwrap();
        rig.script().shutdown(std::net::Shutdown::Write).unwrap();
        rig.turn(SHORT);
        let mut buffer = [0; 64];
        for expected in reads {
            let count = rig.peer().read(&mut buffer).unwrap();
            assert_eq!(&buffer[..count], expected, "{line:?}");
        }
        // The other direction goes on.
        rig.peer().write_all(b"still").unwrap();
        rig.turn(SHORT);
        let count = rig.script().read(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"still");
    }
    let mut rig = rig(false);
    rig.script().write_all(b"part").unwrap();
    rig.script = None;
    rig.turn(SHORT);
    fcntl(rig.peer(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let error = rig.peer().read(&mut [0; 64]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::libc::EAGAIN));
}

#[test]
fn in_raw_mode_there_is_no_end_of_file_to_type() {
    let mut rig = rig(true);
    rig.script().write_all(b"bytes").unwrap();
    rig.script().shutdown(std::net::Shutdown::Write).unwrap();
    rig.turn(SHORT);
    let mut buffer = [0; 64];
    assert_eq!(rig.peer().read(&mut buffer).unwrap(), 5);
    fcntl(rig.peer(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    assert!(rig.peer().read(&mut buffer).is_err());
}

#[test]
fn an_idle_relay_holds_no_buffer() {
    let mut rig = rig(true);
    rig.peer().write_all(b"hi").unwrap();
    rig.turn(SHORT);
    assert_eq!(rig.relay.output.bytes.capacity(), 0);
    let (master, socket) = rig.relay.wanted();
    assert_eq!((master, socket), (EpollFlags::EPOLLIN, EpollFlags::EPOLLIN));
}

#[test]
fn a_terminal_that_nobody_has_open_for_now_goes_on_later() {
    let mut rig = rig(false);
    rig.peer().write_all(b"before\n").unwrap();
    rig.peer = None;
    let turns = rig.run(SHORT);
    assert!(turns < 10, "{turns} turns: a busy loop");
    // Typed in between, and read by who opens it later.
    rig.script().write_all(b"typed\n").unwrap();
    let turns = rig.run(SHORT);
    assert!(turns < 10, "{turns} turns: a busy loop");
    rig.peer = Some(open_peer(rig.relay.master().as_fd()).unwrap());
    let mut buffer = [0; 64];
    assert_eq!(rig.peer().read(&mut buffer).unwrap(), 6);
    // What it says wakes us.
    rig.peer = None;
    rig.run(SHORT);
    rig.peer = Some(open_peer(rig.relay.master().as_fd()).unwrap());
    rig.run(SHORT);
    let mut peer = rig.peer();
    let speaker = std::thread::spawn(move || {
        std::thread::sleep(SHORT);
        peer.write_all(b"after\n").unwrap();
    });
    rig.run(4 * SHORT);
    speaker.join().unwrap();
    let count = rig.script().read(&mut buffer).unwrap();
    assert_eq!(&buffer[..count], b"before\r\nafter\r\n");
    rig.peer = None;
    rig.run(SHORT);
    rig.relay.finish();
    assert!(rig.relay.turn(), "it has ended now");
    assert_eq!(rig.script().read(&mut buffer).unwrap(), 0);
}

#[test]
fn more_than_a_terminal_holds_is_typed_in_a_pause_without_loss() {
    let mut rig = rig(true);
    rig.peer = None;
    rig.script().set_nonblocking(true).unwrap();
    let (mut typed, mut refused) = (0, 0);
    while refused < 3 {
        match rig.script().write(&[b'x'; 4096]) {
            Ok(count) => typed += count,
            Err(_) => refused += 1,
        }
        let turns = rig.run(Duration::from_millis(5));
        assert!(turns < 50, "{turns} turns: a busy loop");
    }
    assert!(typed > BUFFER_BYTES, "{typed}");
    let mut peer: File = open_peer(rig.relay.master().as_fd()).unwrap().into();
    let reader = std::thread::spawn(move || {
        let (mut read, mut buffer) = (0, [0; 65536]);
        while read < typed {
            read += peer.read(&mut buffer).unwrap();
        }
    });
    while !reader.is_finished() {
        rig.run(Duration::from_millis(5));
    }
    reader.join().unwrap();
}

#[test]
fn an_end_of_file_is_typed_whenever_there_is_room_for_it() {
    let mut rig = rig(false);
    // As a turn leaves it whose last round wrote what was typed before the end.
    rig.relay.typing = Typing::Ending;
    rig.run(SHORT);
    let mut buffer = [0; 8];
    fcntl(rig.peer(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    assert_eq!(rig.peer().read(&mut buffer).unwrap(), 0);
}
