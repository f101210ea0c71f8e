//! The state store: which containers exist, who owns them, how they ended.
//!
//! ```text
//! <run root>/                0700, flock held while a record is made or pruned
//!   containers/<id>/lock         flock held by the container's owner as long as it lives
//!                   config.json  written before launch: request, record, cgroup, owner
//!                   state.json   written when the program runs: pid and its start time
//!                   exit.json    written by the owner of a container that is kept
//!   names/<name>                 holds the id
//!   owners/*.sock                where a launcher takes requests of other processes
//! ```
//!
//! Nothing says that a container runs but the lock: a killed owner loses it by the kernel's hand,
//! so there is no stale pid file to believe.
//!
//! SECURITY: the run root belongs to the caller and nobody else may write to it; this is checked
//! when it is opened. Identifiers and names are checked before they become file names.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, linkat, unlinkat};

mod address;
mod entry;
mod error;
mod prune;
mod start_time;

pub use address::{SocketAddress, socket_address};
pub use entry::{Config, Entry, ExitRecord, Running, Status};
pub use error::{Error, Kind};
pub use prune::{PruneReport, Pruned};
pub use start_time::start_time;

pub(crate) const DIRECTORY: OFlag = OFlag::O_DIRECTORY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// An open run root.
#[derive(Debug)]
pub struct StateRoot {
    path: PathBuf,
    root: OwnedFd,
    containers: OwnedFd,
    names: OwnedFd,
}

/// A new container's place in the store, held by `lock`.
#[derive(Debug)]
pub struct Reservation {
    /// Absolute path of the container's state directory.
    pub directory: PathBuf,
    /// The state directory, open.
    pub directory_fd: OwnedFd,
    /// The locked lock file. The lock belongs to the open file, so it lasts until the last
    /// duplicate of this descriptor, in whichever process, is closed.
    pub lock: OwnedFd,
    /// The file that reserves the name.
    pub name_file: Option<PathBuf>,
}

impl StateRoot {
    /// Open a run root, made if missing.
    ///
    /// # Errors
    ///
    /// [`Kind::Unsafe`] when it belongs to somebody else or others may write to it; [`Kind::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| Error::from_io("create", path, &error))?;
        let root = open(path, DIRECTORY, Mode::empty()).map_err(|errno| match errno {
            Errno::ENOTDIR | Errno::ELOOP => Error::unsafe_root(path, "it is not a directory"),
            _ => Error::io("open", path, errno),
        })?;
        verify(&root, path)?;
        let containers = subdirectory(&root, path, "containers")?;
        let names = subdirectory(&root, path, "names")?;
        subdirectory(&root, path, "owners")?;
        Ok(Self {
            path: path.to_path_buf(),
            root,
            containers,
            names,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Make a container's state directory, lock it and reserve its name, all or nothing.
    ///
    /// A name is taken over when its container is gone without having released it, or when its
    /// owner died and the container was not to be kept.
    ///
    /// # Errors
    ///
    /// [`Kind::IdInUse`], [`Kind::NameInUse`], [`Kind::InvalidName`], [`Kind::Io`].
    pub fn reserve(&self, id: &str, name: Option<&str>) -> Result<Reservation, Error> {
        check_name("container id", id)?;
        if let Some(name) = name {
            check_name("container name", name)?;
        }
        // ORDER: the root's lock is held from the first file to the lock of the new directory, so
        // that no prune meets a directory whose lock is not taken yet.
        let _guard = self.lock()?;
        if let Some(name) = name {
            self.free_name(name)?;
        }
        let reservation = self.make_directory(id)?;
        match name.map(|name| self.take_name(id, name)).transpose() {
            Ok(name_file) => Ok(Reservation {
                name_file,
                ..reservation
            }),
            Err(error) => {
                reservation.cancel();
                Err(error)
            }
        }
    }

    fn make_directory(&self, id: &str) -> Result<Reservation, Error> {
        let directory = self.path.join("containers").join(id);
        match mkdirat(&self.containers, id, Mode::S_IRWXU) {
            Ok(()) => {}
            Err(Errno::EEXIST) => return Err(Error::id_in_use(id)),
            Err(errno) => return Err(Error::io("create", &directory, errno)),
        }
        let opened = openat(&self.containers, id, DIRECTORY, Mode::empty())
            .map_err(|errno| Error::io("open", &directory, errno))
            .and_then(|directory_fd| Ok((lock_file(&directory_fd, &directory)?, directory_fd)));
        match opened {
            Ok((lock, directory_fd)) => Ok(Reservation {
                directory,
                directory_fd,
                lock,
                name_file: None,
            }),
            Err(error) => {
                release(&directory, None);
                Err(error)
            }
        }
    }

    /// Fail when the name's container exists; clear away what is left of it otherwise.
    fn free_name(&self, name: &str) -> Result<(), Error> {
        let Some(id) = self.id_of_name(name) else {
            return Ok(());
        };
        match self.read_entry(&id) {
            Some(entry) if entry.status == Status::Dead && !entry.config.keep => {
                self.remove_locked(&entry)?;
            }
            Some(_) => return Err(Error::name_in_use(name, &id)),
            None => {}
        }
        match unlinkat(&self.names, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(Error::io(
                "remove",
                &self.path.join("names").join(name),
                errno,
            )),
        }
    }

    fn take_name(&self, id: &str, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join("names").join(name);
        // A dot never starts a name, so the draft is in nobody's way. Linking a complete file
        // means that no reader sees a name without its id.
        let draft = format!(".{id}");
        write_new(&self.names, &draft, id.as_bytes())
            .map_err(|error| Error::from_io("write", &path, &error))?;
        let linked = linkat(
            &self.names,
            draft.as_str(),
            &self.names,
            name,
            AtFlags::empty(),
        );
        let _ = unlinkat(&self.names, draft.as_str(), UnlinkatFlags::NoRemoveDir);
        match linked {
            Ok(()) => Ok(path),
            Err(Errno::EEXIST) => Err(Error::name_in_use(name, "another container")),
            Err(errno) => Err(Error::io("create", &path, errno)),
        }
    }

    pub(crate) fn lock(&self) -> Result<File, Error> {
        let root = openat(&self.root, ".", DIRECTORY, Mode::empty())
            .map_err(|errno| self.io("open", errno))?;
        let root = File::from(root);
        root.lock()
            .map_err(|error| Error::from_io("lock", &self.path, &error))?;
        Ok(root)
    }

    fn io(&self, operation: &'static str, errno: Errno) -> Error {
        Error::io(operation, &self.path, errno)
    }
}

impl Reservation {
    /// Write `config.json`; the launch may follow.
    ///
    /// # Errors
    ///
    /// [`Kind::Io`].
    pub fn write_config(&self, config: &Config) -> Result<(), Error> {
        write_document(&self.directory_fd, &self.directory, "config.json", config)
    }

    /// Undo the reservation.
    pub fn cancel(self) {
        release(&self.directory, self.name_file.as_deref());
    }
}

/// Write `state.json` of a container whose program runs. A container that has ended and is gone
/// already is no error.
///
/// # Errors
///
/// [`Kind::Io`].
pub fn write_state(
    directory_fd: impl AsFd,
    directory: &Path,
    running: &Running,
) -> Result<(), Error> {
    match write_document(directory_fd, directory, "state.json", running) {
        Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(()),
        result => result,
    }
}

/// Write `exit.json` of a container that is kept.
///
/// # Errors
///
/// [`Kind::Io`].
pub fn write_exit(directory: &Path, exit: &ExitRecord) -> Result<(), Error> {
    let fd = open(directory, DIRECTORY, Mode::empty())
        .map_err(|errno| Error::io("open", directory, errno))?;
    write_document(&fd, directory, "exit.json", exit)
}

/// Remove a container's record and free its name; for its owner, which holds the lock. What is
/// missing already is no error, and what cannot be removed stays for `prune`.
pub fn release(directory: &Path, name_file: Option<&Path>) {
    // ORDER: the name first. With the directory gone and the name still there, a new container
    // could take the name over and then lose it to this very removal.
    if let Some(name_file) = name_file {
        let _ = std::fs::remove_file(name_file);
    }
    // The client may be writing state.json of a container that has ended at once: rmdir then
    // finds the directory not empty, and the second attempt takes the late file along.
    for _ in 0..10 {
        match std::fs::remove_dir_all(directory) {
            Err(error) if error.raw_os_error() == Some(Errno::ENOTEMPTY as i32) => {}
            _ => return,
        }
    }
}

fn subdirectory(root: &OwnedFd, path: &Path, name: &str) -> Result<OwnedFd, Error> {
    let path = path.join(name);
    match mkdirat(root, name, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(Error::io("create", &path, errno)),
    }
    let fd = openat(root, name, DIRECTORY, Mode::empty())
        .map_err(|errno| Error::io("open", &path, errno))?;
    verify(&fd, &path)?;
    Ok(fd)
}

fn verify(directory: &OwnedFd, path: &Path) -> Result<(), Error> {
    let stat = fstat(directory).map_err(|errno| Error::io("stat", path, errno))?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(Error::unsafe_root(
            path,
            &format!("it belongs to user {}", stat.st_uid),
        ));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(Error::unsafe_root(
            path,
            &format!("its mode is {:04o}", stat.st_mode & 0o7777),
        ));
    }
    Ok(())
}

fn lock_file(directory_fd: &OwnedFd, directory: &Path) -> Result<OwnedFd, Error> {
    let path = directory.join("lock");
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let fd = openat(directory_fd, "lock", flags, Mode::S_IRUSR | Mode::S_IWUSR)
        .map_err(|errno| Error::io("create", &path, errno))?;
    let file = File::from(fd);
    // Not nix's Flock: it unlocks when it is dropped, and with it the copy that the owner holds.
    file.try_lock()
        .map_err(|error| Error::from_io("lock", &path, &std::io::Error::from(error)))?;
    Ok(OwnedFd::from(file))
}

fn write_document(
    directory_fd: impl AsFd,
    directory: &Path,
    name: &str,
    document: &impl serde::Serialize,
) -> Result<(), Error> {
    let path = directory.join(name);
    let bytes = serde_json::to_vec(document)
        .map_err(|error| Error::from_io("encode", &path, &error.into()))?;
    let draft = format!(".{name}");
    write_new(directory_fd.as_fd(), &draft, &bytes)
        .map_err(|error| Error::from_io("write", &path, &error))?;
    renameat(
        directory_fd.as_fd(),
        draft.as_str(),
        directory_fd.as_fd(),
        name,
    )
    .map_err(|errno| Error::io("rename", &path, errno))
}

fn write_new(directory: impl AsFd, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = openat(directory, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
    File::from(fd).write_all(bytes)
}

/// 1 to 128 characters of `[A-Za-z0-9_.-]`, the first a letter or digit: never a path.
fn check_name(what: &'static str, text: &str) -> Result<(), Error> {
    let mut characters = text.chars();
    let first = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    let rest =
        characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.' | '-'));
    if first && rest && text.len() <= 128 {
        return Ok(());
    }
    Err(Error::invalid_name(what, text))
}

#[cfg(test)]
mod tests;
