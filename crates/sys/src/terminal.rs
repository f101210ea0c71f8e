//! Pseudo-terminals, pty(7), by descriptor alone: no path of the slave side is ever looked up.
#![allow(unsafe_code, reason = "terminal ioctls have no safe wrapper in nix")]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::{Error, Result};

/// A terminal's window, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
}

/// Let the slave side of a new master be opened (TIOCSPTLCK).
///
/// # Errors
///
/// ENOTTY when the descriptor is no master of a pseudo-terminal.
pub fn unlock(master: BorrowedFd<'_>) -> Result<()> {
    let locked: libc::c_int = 0;
    // SAFETY: TIOCSPTLCK reads one int, which lives across the call.
    let result = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const locked) };
    if result < 0 {
        return Err(Error::last("ioctl", "TIOCSPTLCK, 0"));
    }
    Ok(())
}

/// The slave side of a master (TIOCGPTPEER, 4.13), open for reading and writing. It does not become
/// the controlling terminal.
///
/// The kernel finds it in the very devpts instance of the master, whatever is mounted where.
///
/// # Errors
///
/// ENOTTY when the descriptor is no master of a pseudo-terminal, EIO while it is locked.
pub fn open_peer(master: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: TIOCGPTPEER takes an integer argument.
    let fd = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) };
    if fd < 0 {
        return Err(Error::last("ioctl", "TIOCGPTPEER"));
    }
    // SAFETY: the call returned a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Set the size of a terminal's window from either side (TIOCSWINSZ). A change sends SIGWINCH to
/// the foreground process group.
///
/// # Errors
///
/// ENOTTY when the descriptor is no terminal, EIO after a hang-up.
pub fn set_window_size(terminal: BorrowedFd<'_>, size: WindowSize) -> Result<()> {
    let size = libc::winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCSWINSZ reads one winsize, which lives across the call.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    if result < 0 {
        let arguments = format!("TIOCSWINSZ, {} rows {} columns", size.ws_row, size.ws_col);
        return Err(Error::last("ioctl", arguments));
    }
    Ok(())
}

/// The size of a terminal's window (TIOCGWINSZ).
///
/// # Errors
///
/// ENOTTY when the descriptor is no terminal.
pub fn window_size(terminal: BorrowedFd<'_>) -> Result<WindowSize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ writes one winsize, which lives across the call.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    if result < 0 {
        return Err(Error::last("ioctl", "TIOCGWINSZ"));
    }
    Ok(WindowSize {
        rows: size.ws_row,
        columns: size.ws_col,
    })
}

/// Make a terminal the controlling one of this session leader (TIOCSCTTY).
///
/// # Errors
///
/// EPERM when the caller leads no session or the terminal controls another one.
pub fn set_controlling(terminal: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: TIOCSCTTY takes an integer argument.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) };
    if result < 0 {
        return Err(Error::last("ioctl", "TIOCSCTTY"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::os::fd::AsFd;

    use nix::errno::Errno;
    use nix::fcntl::OFlag;

    use super::*;

    fn master() -> nix::pty::PtyMaster {
        nix::pty::posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap()
    }

    #[test]
    fn a_locked_master_has_no_peer_and_an_unlocked_one_talks_to_it() {
        let master = master();
        assert_eq!(open_peer(master.as_fd()).unwrap_err().errno(), Errno::EIO);
        unlock(master.as_fd()).unwrap();
        let peer = open_peer(master.as_fd()).unwrap();
        assert!(nix::unistd::isatty(&peer).unwrap());
        nix::unistd::write(&peer, b"hi\n").unwrap();
        let mut buffer = [0; 8];
        let count = nix::unistd::read(&master, &mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"hi\r\n");
        drop(peer);
        let gone = nix::unistd::read(&master, &mut buffer).unwrap_err();
        assert_eq!(gone, Errno::EIO);
    }

    #[test]
    fn both_sides_have_one_window() {
        let master = master();
        unlock(master.as_fd()).unwrap();
        let peer = open_peer(master.as_fd()).unwrap();
        let size = WindowSize {
            rows: 7,
            columns: 300,
        };
        set_window_size(master.as_fd(), size).unwrap();
        assert_eq!(window_size(peer.as_fd()).unwrap(), size);
    }

    #[test]
    fn what_is_no_terminal_is_refused() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let size = WindowSize {
            rows: 1,
            columns: 1,
        };
        for result in [
            unlock(null.as_fd()),
            set_window_size(null.as_fd(), size),
            open_peer(null.as_fd()).map(drop),
            window_size(null.as_fd()).map(drop),
            set_controlling(null.as_fd()),
        ] {
            assert_eq!(result.unwrap_err().errno(), Errno::ENOTTY);
        }
    }
}
