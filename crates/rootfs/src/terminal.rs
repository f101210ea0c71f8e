//! A pseudo-terminal of the container's own devpts instance, and `/dev/console` for it.
//!
//! SECURITY: whoever made the image, or already runs in the container, can have put anything at
//! `/dev/ptmx` and below `/dev/pts`: a link, a FIFO that blocks, a bind mount that makes us chown or
//! mount over a file of their choice (CVE-2025-52565 class). So the multiplexer is opened from the
//! directory, by descriptor, after the kernel has said that this is devpts, where nobody can make,
//! rename or link an entry; whatever is mounted on the entry itself is not crossed. The slave side
//! has no path at all: the kernel hands it out for the master (TIOCGPTPEER).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{SFlag, fstat, major, minor};
use nix::sys::statfs::{FsType, fstatfs};

use crate::Skipped;
use crate::error::{self, Error, Result};
use crate::path::{self, Leaf};

const STEP: &str = "open a terminal";
const CONSOLE: &str = "/dev/console";

/// DEVPTS_SUPER_MAGIC.
const DEVPTS: FsType = FsType(0x1cd1);

/// TTYAUX_MAJOR and its minor number of the multiplexer.
const PTMX: (u64, u64) = (5, 2);

/// Both sides of a new terminal.
#[derive(Debug)]
pub struct Terminal {
    /// What its owner reads and writes; non-blocking.
    pub master: OwnedFd,
    /// What the program gets; nobody's controlling terminal yet.
    pub peer: OwnedFd,
}

/// Open a new terminal of the devpts instance at `/dev/pts` below `root`.
///
/// # Errors
///
/// `TERMINAL_REFUSED` when there is none, when something else is there, or when the kernel's limit
/// (`kernel.pty.max`) is reached.
pub fn open(root: BorrowedFd<'_>) -> Result<Terminal> {
    open_in(root).map_err(|error| error.with_code("TERMINAL_REFUSED"))
}

fn open_in(root: BorrowedFd<'_>) -> Result<Terminal> {
    let directory = error::step(STEP, "openat2", "/dev/pts", || {
        path::open_no_links(root, "/dev/pts")
    })?;
    let file_system = error::step(STEP, "fstatfs", "/dev/pts", || fstatfs(&directory))?;
    if file_system.filesystem_type() != DEVPTS {
        return Err(refused("fstatfs", "/dev/pts: not a devpts"));
    }
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let how = OpenHow::new().flags(flags).resolve(
        ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_XDEV,
    );
    let master = error::step(STEP, "openat2", "/dev/pts/ptmx", || {
        loop {
            match openat2(&directory, "ptmx", how) {
                // A rename elsewhere in the system made the scoped walk uncertain.
                Err(Errno::EAGAIN) => {}
                result => break result,
            }
        }
    })?;
    let stat = error::step(STEP, "fstat", "/dev/pts/ptmx", || fstat(&master))?;
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    if kind != SFlag::S_IFCHR || (major(stat.st_rdev), minor(stat.st_rdev)) != PTMX {
        return Err(refused("fstat", "/dev/pts/ptmx: not the device 5:2"));
    }
    let step = || STEP.to_owned();
    error::sys(step, ctr_sys::terminal::unlock(master.as_fd()))?;
    let peer = error::sys(step, ctr_sys::terminal::open_peer(master.as_fd()))?;
    Ok(Terminal { master, peer })
}

/// Bind a terminal on `/dev/console` below `root`, where init(8) and programs that log look for it.
/// The outcome when it is refused: a container without it works.
pub(crate) fn bind_console(root: BorrowedFd<'_>, peer: BorrowedFd<'_>) -> Option<Skipped> {
    let bound = (|| {
        let target = path::open_or_make(root, CONSOLE, Leaf::File)?;
        let step = || format!("mount {CONSOLE}");
        let tree = error::sys(step, ctr_sys::mount::clone_tree(peer, c"", false))?;
        error::sys(step, ctr_sys::mount::attach(tree.as_fd(), target.as_fd()))
    })();
    bound.err().map(|error| Skipped {
        destination: CONSOLE.to_owned(),
        reason: error.to_string(),
    })
}

fn refused(call: &'static str, what: &str) -> Error {
    Error::new(STEP, &ctr_sys::Error::new(call, what, Errno::ENXIO))
}
