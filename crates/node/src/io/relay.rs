//! Bytes between a terminal's master and the socket whose other end is JavaScript's.
//!
//! Both descriptors are non-blocking and both buffers bounded: who does not read is not sent more,
//! in either direction. [`Relay::turn`] moves what can be moved; the loop of the io thread calls it
//! when either descriptor is ready for what [`Relay::wanted`] says.
//!
//! A terminal that no process has open says EIO and hangs up, but it need not have ended: a program
//! may close its streams and open `/dev/console` later. Until [`Relay::finish`] that is a pause;
//! the kernel keeps what is typed in it. Nothing of ours may hold the slave side open to avoid it:
//! what is unread is thrown away when a session ends whose terminal is open.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use nix::sys::termios::{LocalFlags, SpecialCharacterIndices, tcgetattr};

/// Room of each buffer.
const BUFFER_BYTES: usize = 64 * 1024;

/// Rounds of one turn, so that a terminal that never rests leaves room for others.
const ROUNDS: usize = 8;

/// One terminal on its way to JavaScript.
#[derive(Debug)]
pub(super) struct Relay {
    /// Open until the relay's end even when the terminal has ended: it must leave epoll first.
    master: OwnedFd,
    /// Whether the terminal may still say something.
    speaks: bool,
    /// No process had the terminal open when it was last asked.
    paused: bool,
    /// The program has ended, or is no longer ours: the next such pause is the terminal's end.
    finished: bool,
    /// The last turn left nothing that could be moved at once.
    rested: bool,
    socket: OwnedFd,
    /// From the terminal.
    output: Buffer,
    /// To the terminal.
    input: Buffer,
    /// Whether JavaScript may still send, and what its end means.
    typing: Typing,
    /// Whether JavaScript still reads; if not, output is dropped, or its program would block.
    heard: bool,
    /// The last byte that was typed.
    last: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typing {
    Open,
    /// Half-closed: the end-of-file character follows what is left in the buffer.
    Ending,
    Ended,
}

impl Relay {
    pub(super) fn new(master: OwnedFd, socket: OwnedFd) -> Self {
        Self {
            master,
            speaks: true,
            paused: false,
            finished: false,
            rested: true,
            socket,
            output: Buffer::default(),
            input: Buffer::default(),
            typing: Typing::Open,
            heard: true,
            last: b'\n',
        }
    }

    pub(super) fn master(&self) -> &OwnedFd {
        &self.master
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Move what can be moved without waiting. True when all is over: the terminal has ended and
    /// everything it said is delivered, so that its end can be told.
    pub(super) fn turn(&mut self) -> bool {
        self.rested = (0..ROUNDS).any(|_| {
            let moved = [
                self.read_terminal(),
                self.write_socket(),
                self.read_socket(),
                self.write_terminal(),
            ];
            !moved.contains(&true)
        });
        let over = !self.speaks && self.output.is_empty();
        if over {
            // Tells JavaScript at once, even if it holds its own end open.
            let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
        }
        over
    }

    /// The terminal reports a hang-up. It does so for as long as that lasts, asked or not.
    pub(super) fn hung_up(&mut self) {
        self.paused = true;
    }

    /// The program has ended: what is left to read is the last.
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// What to wait for: on the master, on the socket. Empty: do not even watch, for a hang-up is
    /// reported unasked. In a pause that goes on for as long as it lasts, so only its changes are
    /// waited for; whatever a process says then is one.
    pub(super) fn wanted(&self) -> (EpollFlags, EpollFlags) {
        let (mut master, mut socket) = (EpollFlags::empty(), EpollFlags::empty());
        let types = !self.input.is_empty() || self.typing == Typing::Ending;
        master.set(EpollFlags::EPOLLIN, self.speaks && self.output.has_room());
        master.set(EpollFlags::EPOLLOUT, self.speaks && types);
        if self.paused && self.rested && !master.is_empty() {
            master.insert(EpollFlags::EPOLLET);
        }
        let listens = self.typing == Typing::Open && self.input.has_room();
        socket.set(EpollFlags::EPOLLIN, self.speaks && listens);
        socket.set(EpollFlags::EPOLLOUT, !self.output.is_empty());
        (master, socket)
    }

    fn read_terminal(&mut self) -> bool {
        if !self.speaks || !self.output.has_room() {
            return false;
        }
        match self.output.fill(&self.master) {
            Ok(0) => false,
            Ok(_) => {
                self.paused = false;
                if !self.heard {
                    self.output.clear();
                }
                true
            }
            Err(Errno::EAGAIN) => {
                self.paused = false;
                false
            }
            Err(Errno::EINTR) => false,
            // No process has the terminal open, and all that was said has been read.
            Err(Errno::EIO) if !self.finished => {
                self.paused = true;
                false
            }
            Err(_) => {
                self.speaks = false;
                self.input.clear();
                true
            }
        }
    }

    fn write_socket(&mut self) -> bool {
        let socket = self.socket.as_raw_fd();
        // Whether SIGPIPE is ignored is the embedding process's choice, not ours.
        let sent = self
            .output
            .drain(|bytes| send(socket, bytes, MsgFlags::MSG_NOSIGNAL));
        match sent {
            Ok(count) => count > 0,
            Err(Errno::EAGAIN | Errno::EINTR) => false,
            Err(_) => {
                self.heard = false;
                self.output.clear();
                true
            }
        }
    }

    fn read_socket(&mut self) -> bool {
        if self.typing != Typing::Open || !self.speaks || !self.input.has_room() {
            return false;
        }
        match self.input.fill(&self.socket) {
            Ok(0) => self.end_of_socket(),
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EINTR) => return false,
            Err(_) => self.end_of_socket(),
        }
        true
    }

    /// Half-closed: the typing ends. Closed altogether: nobody is there, which is not the same as
    /// typing an end of file; the program would take that for a wish to end it.
    fn end_of_socket(&mut self) {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        let polled = poll(&mut fds, PollTimeout::ZERO);
        let closed = polled.is_err()
            || fds[0]
                .revents()
                .is_some_and(|events| events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR));
        if closed {
            self.typing = Typing::Ended;
            self.heard = false;
            self.output.clear();
        } else {
            self.typing = Typing::Ending;
        }
    }

    fn write_terminal(&mut self) -> bool {
        if !self.speaks {
            return false;
        }
        if self.input.is_empty() && self.typing == Typing::Ending {
            self.typing = Typing::Ended;
            self.input.put(&end_of_file(&self.master, self.last));
        }
        let last = self.input.last();
        match self
            .input
            .drain(|bytes| nix::unistd::write(&self.master, bytes))
        {
            Ok(0) | Err(Errno::EAGAIN | Errno::EINTR) => false,
            Ok(_) => {
                if let (true, Some(last)) = (self.input.is_empty(), last) {
                    self.last = last;
                }
                true
            }
            Err(_) => {
                self.input.clear();
                true
            }
        }
    }
}

/// What types the end of file at a terminal, termios(3): VEOF in canonical mode, twice after an
/// unfinished line, for the first only delivers that. A program that edits lines itself but leaves
/// signals to the terminal (a shell with readline) takes the character for the same; in raw mode
/// it would be a byte like any other.
fn end_of_file(master: &OwnedFd, last: u8) -> Vec<u8> {
    let Ok(modes) = tcgetattr(master) else {
        return Vec::new();
    };
    let character = modes.control_chars[SpecialCharacterIndices::VEOF as usize];
    // 0 is _POSIX_VDISABLE.
    let by_lines = LocalFlags::ICANON | LocalFlags::ISIG;
    if !modes.local_flags.intersects(by_lines) || character == 0 {
        return Vec::new();
    }
    if matches!(last, b'\n' | b'\r') {
        vec![character]
    } else {
        vec![character, character]
    }
}

/// Bytes between a read and a write.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// Where what is left begins.
    start: usize,
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    fn has_room(&self) -> bool {
        self.bytes.len() - self.start < BUFFER_BYTES
    }

    fn last(&self) -> Option<u8> {
        self.bytes[self.start..].last().copied()
    }

    fn clear(&mut self) {
        // An idle terminal holds no memory.
        *self = Self::default();
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Read once, as much as there is room for; 0 without room too.
    fn fill(&mut self, from: &OwnedFd) -> Result<usize, Errno> {
        if !self.has_room() {
            return Ok(0);
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        let held = self.bytes.len();
        self.bytes.resize(BUFFER_BYTES, 0);
        let outcome = nix::unistd::read(from, &mut self.bytes[held..]);
        self.bytes.truncate(held + outcome.unwrap_or(0));
        if self.bytes.is_empty() {
            self.clear();
        }
        outcome
    }

    /// Write once, as much as is taken.
    fn drain(&mut self, write: impl FnOnce(&[u8]) -> Result<usize, Errno>) -> Result<usize, Errno> {
        if self.is_empty() {
            return Ok(0);
        }
        let count = write(&self.bytes[self.start..])?;
        self.start += count;
        if self.is_empty() {
            self.clear();
        }
        Ok(count)
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
