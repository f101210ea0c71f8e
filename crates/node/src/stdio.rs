//! Standard streams of a process to be started: the child's ends wait here for their launch.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ctr_sys::terminal::WindowSize;
use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::pipe2;

use crate::fault::Fault;

/// What a process to be started gets.
#[derive(Debug)]
pub(crate) enum ChildEnds {
    /// stdin, stdout and stderr.
    Streams([OwnedFd; 3]),
    /// A terminal that will be its own.
    Terminal(TerminalEnd),
}

/// Where a terminal's bytes go once there is one.
#[derive(Debug)]
pub(crate) struct TerminalEnd {
    /// The inner end of a stream socket; non-blocking.
    pub(crate) socket: OwnedFd,
    /// Its window as asked for last.
    pub(crate) size: WindowSize,
    /// Whether it was asked for since the process was submitted.
    pub(crate) resized: bool,
}

impl ChildEnds {
    /// The terminal, if that is what it is.
    pub(crate) fn terminal(&mut self) -> Option<&mut TerminalEnd> {
        match self {
            Self::Streams(_) => None,
            Self::Terminal(end) => Some(end),
        }
    }

    /// What travels to the process, and what stays here.
    pub(crate) fn split(self) -> (Vec<OwnedFd>, Option<TerminalEnd>) {
        match self {
            Self::Streams(streams) => (streams.into(), None),
            Self::Terminal(end) => (Vec::new(), Some(end)),
        }
    }
}

static WAITING: LazyLock<Mutex<HashMap<u32, ChildEnds>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Our ends, in the order stdin, stdout, stderr, terminal; -1 where there is none. They belong to
/// the caller.
pub(crate) struct Opened {
    pub(crate) handle: u32,
    pub(crate) ours: [i32; 4],
}

/// Open streams by mode: `pipe`, `null` or `inherit`.
pub(crate) fn open(modes: [&str; 3]) -> Result<Opened, Fault> {
    let (stdin, to_stdin) = stream(modes[0], 0)?;
    let (stdout, from_stdout) = stream(modes[1], 1)?;
    let (stderr, from_stderr) = stream(modes[2], 2)?;
    let ends = ChildEnds::Streams([stdin, stdout, stderr]);
    Ok(keep(ends, [to_stdin, from_stdout, from_stderr, None]))
}

/// Open a socket for a terminal of this size.
pub(crate) fn open_terminal(rows: u32, columns: u32) -> Result<Opened, Fault> {
    let size = window_size(rows, columns)?;
    let (ours, inner) = socketpair(
        AddressFamily::Unix,
        SockType::Stream,
        None,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    )
    .map_err(|errno| Fault::io("socketpair", "AF_UNIX", &errno.into()))?;
    let ends = ChildEnds::Terminal(TerminalEnd {
        socket: inner,
        size,
        resized: false,
    });
    Ok(keep(ends, [None, None, None, Some(ours)]))
}

/// A size that a terminal can have.
pub(crate) fn window_size(rows: u32, columns: u32) -> Result<WindowSize, Fault> {
    match (u16::try_from(rows), u16::try_from(columns)) {
        (Ok(rows @ 1..), Ok(columns @ 1..)) => Ok(WindowSize { rows, columns }),
        _ => Err(Fault::new(
            "INVALID_REQUEST",
            format!("size a terminal {rows} by {columns}: not between 1 and 65535"),
        )),
    }
}

/// Keep the child's ends. Nothing can fail here, so no descriptor is given up and then forgotten.
fn keep(ends: ChildEnds, ours: [Option<OwnedFd>; 4]) -> Opened {
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    waiting().insert(handle, ends);
    let ours = ours.map(|end| end.map_or(-1, OwnedFd::into_raw_fd));
    Opened { handle, ours }
}

/// The child's ends of a handle, once.
pub(crate) fn take(handle: u32) -> Result<ChildEnds, Fault> {
    waiting().remove(&handle).ok_or_else(|| {
        Fault::new(
            "INVALID_REQUEST",
            format!("use stdio {handle}: it is closed or used"),
        )
    })
}

/// Close the child's ends of an unused handle.
pub(crate) fn close(handle: u32) {
    waiting().remove(&handle);
}

/// The child's end and ours.
fn stream(mode: &str, number: i32) -> Result<(OwnedFd, Option<OwnedFd>), Fault> {
    match mode {
        "pipe" => {
            let (read, write) =
                pipe2(OFlag::O_CLOEXEC).map_err(|errno| Fault::io("pipe2", "", &errno.into()))?;
            Ok(if number == 0 {
                (read, Some(write))
            } else {
                (write, Some(read))
            })
        }
        "null" => {
            let path = "/dev/null";
            let opened = OpenOptions::new().read(true).write(true).open(path);
            let file = opened.map_err(|error| Fault::io("open", path, &error))?;
            Ok((file.into(), None))
        }
        "inherit" => {
            let duplicate =
                inherited(number).map_err(|error| Fault::io("dup", &number.to_string(), &error))?;
            Ok((duplicate, None))
        }
        _ => Err(Fault::new(
            "INVALID_REQUEST",
            format!("open stdio: {mode:?} is not pipe, null or inherit"),
        )),
    }
}

fn inherited(number: i32) -> std::io::Result<OwnedFd> {
    use std::os::fd::AsFd;
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let stream: BorrowedFd<'_> = match number {
        0 => stdin.as_fd(),
        1 => stdout.as_fd(),
        _ => stderr.as_fd(),
    };
    // F_DUPFD_CLOEXEC; a stream that the parent closed gives EBADF.
    stream.try_clone_to_owned()
}

fn waiting() -> MutexGuard<'static, HashMap<u32, ChildEnds>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn only_pipes_have_an_end_of_ours_and_a_handle_is_used_once() {
        let opened = open(["null", "pipe", "inherit"]).unwrap();
        assert_eq!((opened.ours[0], opened.ours[2]), (-1, -1));
        assert!(opened.ours[1] > 2);
        let ChildEnds::Streams(ends) = take(opened.handle).unwrap() else {
            panic!("not streams");
        };
        nix::unistd::write(&ends[1], b"hi").unwrap();
        let mut reader = std::fs::File::open(format!("/proc/self/fd/{}", opened.ours[1])).unwrap();
        drop(ends);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert_eq!(text, "hi");
        assert!(reader.as_raw_fd() > 2);
        assert_eq!(take(opened.handle).unwrap_err().code, "INVALID_REQUEST");
        nix::unistd::close(opened.ours[1]).unwrap();
    }

    #[test]
    fn a_terminal_is_one_socket_with_a_size_that_terminals_can_have() {
        let opened = open_terminal(24, 65535).unwrap();
        assert_eq!(opened.ours[..3], [-1, -1, -1]);
        assert!(opened.ours[3] > 2);
        let Ok(ChildEnds::Terminal(end)) = take(opened.handle) else {
            panic!("not a terminal");
        };
        assert_eq!((end.size.rows, end.size.columns), (24, 65535));
        nix::unistd::close(opened.ours[3]).unwrap();
        for (rows, columns) in [(0, 80), (24, 0), (65536, 80), (24, 65536)] {
            let fault = open_terminal(rows, columns).err().unwrap();
            assert_eq!(fault.code, "INVALID_REQUEST");
        }
    }

    #[test]
    fn an_unknown_mode_is_refused() {
        assert_eq!(
            open(["null", "file", "null"]).err().unwrap().code,
            "INVALID_REQUEST"
        );
    }
}
