//! Removing a group and the groups below it, in every hierarchy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

use crate::error::{Code, Error, errno_of};
use crate::file;
use crate::group::Group;
use crate::path::OURS;

impl Group {
    /// Ends the group: kills what is left in it and removes it. An empty group, the common case
    /// when its container has exited, costs one rmdir(2) per hierarchy.
    ///
    /// # Errors
    ///
    /// As [`Group::kill`] and [`Group::remove`].
    pub fn end(&self) -> Result<(), Error> {
        let left = self
            .directories()
            .iter()
            .filter(|directory| !is_removed(directory))
            .count();
        if left == 0 {
            return Ok(());
        }
        self.kill()?;
        self.remove()
    }

    /// Removes the group's directories with all groups below, and an empty `ctr-ts` above. Kills
    /// nothing. Directories that are gone are a success.
    ///
    /// # Errors
    ///
    /// `CGROUP_BUSY` when processes are still in it after about a second; every other directory
    /// that could be removed is.
    pub fn remove(&self) -> Result<(), Error> {
        let mut failed = None;
        for directory in self.directories() {
            match remove_tree(&directory) {
                Ok(()) => remove_parent(&directory),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn is_removed(directory: &Path) -> bool {
    let removed = match fs::remove_dir(directory) {
        Ok(()) => true,
        Err(error) => file::is_gone(&error),
    };
    if removed {
        remove_parent(directory);
    }
    removed
}

fn remove_tree(directory: &Path) -> Result<(), Error> {
    let mut pause = Duration::from_millis(1);
    loop {
        // The common case is a group without children: one call.
        let refused = match fs::remove_dir(directory) {
            Ok(()) => return Ok(()),
            Err(error) if file::is_gone(&error) => return Ok(()),
            Err(error) if is_busy(&error) => error,
            Err(error) => return Err(Error::io("rmdir", directory, &error)),
        };
        if remove_children(directory)? {
            continue;
        }
        // A process is gone from the list a moment before it lets go of its group.
        if pause > Duration::from_millis(256) {
            let error = Error::io("rmdir", directory, &refused).with_code(Code::Busy);
            return Err(error.with_hint("processes are in the group, or below it: kill them first"));
        }
        sleep(pause);
        pause *= 2;
    }
}

/// Removes what is below, deepest first; whether anything was. In a group with processes nothing
/// is touched: it is not finished.
fn remove_children(directory: &Path) -> Result<bool, Error> {
    let all = file::walk(directory)?;
    for group in &all {
        let procs = file::read_if_there(&group.join("cgroup.procs"))?;
        if procs.is_some_and(|text| !text.is_empty()) {
            return Ok(false);
        }
    }
    let mut removed = false;
    // Parents come first in the walk.
    let below: Vec<&PathBuf> = all.iter().skip(1).collect();
    for group in below.into_iter().rev() {
        match fs::remove_dir(group) {
            Ok(()) => removed = true,
            Err(error) if file::is_gone(&error) || is_busy(&error) => {}
            Err(error) => return Err(Error::io("rmdir", group, &error)),
        }
    }
    Ok(removed)
}

/// The last group of ours takes the common parent along; another one in it keeps it there.
fn remove_parent(directory: &Path) {
    if let Some(parent) = directory.parent().filter(|parent| parent.ends_with(OURS)) {
        let _kept = fs::remove_dir(parent);
    }
}

fn is_busy(error: &io::Error) -> bool {
    matches!(errno_of(error), Errno::EBUSY | Errno::ENOTEMPTY)
}
