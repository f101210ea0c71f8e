//! The way into a group for a process that does not exist yet.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::libc::O_DIRECTORY;
use nix::unistd::write;

use crate::error::Error;
use crate::group::Group;
use crate::layout::Interface;

/// Open descriptors that place a process in a group; all close on exec.
///
/// v1 is entered by the new process itself, which writes `0` to each of `tasks` (two orders of
/// magnitude cheaper than a parent that writes a pid to `cgroup.procs`); v2 by handing `into` to
/// clone3(2) with `CLONE_INTO_CGROUP`. A hybrid group may have both.
#[derive(Debug)]
pub struct Entry {
    /// `tasks` of each v1 hierarchy, open for writing.
    pub tasks: Vec<OwnedFd>,
    /// The group's directory in the v2 hierarchy.
    pub into: Option<OwnedFd>,
    paths: Vec<PathBuf>,
}

impl Entry {
    pub(crate) fn open(group: &Group) -> Result<Self, Error> {
        let mut entry = Self {
            tasks: Vec::new(),
            into: None,
            paths: Vec::new(),
        };
        for place in group.places() {
            match place.interface {
                Interface::V1 => {
                    let path = place.directory.join("tasks");
                    let file = OpenOptions::new()
                        .write(true)
                        .open(&path)
                        .map_err(|e| Error::io("open", &path, &e))?;
                    entry.tasks.push(file.into());
                    entry.paths.push(path);
                }
                Interface::V2 => {
                    let directory = OpenOptions::new()
                        .read(true)
                        .custom_flags(O_DIRECTORY)
                        .open(&place.directory)
                        .map_err(|e| Error::io("open", &place.directory, &e))?;
                    entry.into = Some(directory.into());
                }
            }
        }
        Ok(entry)
    }

    /// Moves the calling *thread* into the v1 directories: call it while the process has only one.
    /// It does not enter v2.
    ///
    /// # Errors
    ///
    /// The first refused write; directories before it hold the thread.
    pub fn enter(&self) -> Result<(), Error> {
        for (tasks, path) in self.tasks.iter().zip(&self.paths) {
            write(tasks, b"0").map_err(|errno| Error::system("enter", path, errno))?;
        }
        Ok(())
    }
}
