//! Records as read: list, find, remove.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use ctr_cgroup::Group;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DIRECTORY, Error, StateRoot, release};

/// `config.json`: what the container was asked to be. Unknown fields of other versions pass.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// Its name.
    pub name: Option<String>,
    /// The ContainerRequest as it came.
    pub request: Value,
    /// What the caller keeps about it.
    pub record: Value,
    /// Milliseconds since 1970.
    pub created_at: u64,
    /// Where its cgroup lives in each hierarchy; empty when it has none.
    pub cgroup_directories: Vec<PathBuf>,
    /// Where its owner takes requests.
    pub owner_socket: Option<PathBuf>,
    /// Whether the record outlives the container.
    pub keep: bool,
}

/// `state.json`: the process of a running container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// PID 1 of the container, as the client sees it.
    pub pid: i32,
    /// Its [`super::start_time`].
    pub start_time: u64,
}

/// `exit.json`: how a kept container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExitRecord {
    /// Exit code, when it exited.
    pub exit_code: Option<i32>,
    /// Signal number, when it was killed.
    pub signal: Option<i32>,
    /// Whether the OOM killer struck in its cgroup.
    pub oom_killed: bool,
    /// Milliseconds since 1970.
    pub finished_at: u64,
}

/// What a container is doing, derived from its lock and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Owned, its program not executed yet.
    Created,
    /// Owned, its program runs.
    Running,
    /// Ended; the record is kept.
    Stopped,
    /// Its owner died.
    Dead,
}

/// One container's record.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its identifier.
    pub id: String,
    /// What it is doing.
    pub status: Status,
    /// Its state directory.
    pub directory: PathBuf,
    /// What it was asked to be; empty when the file cannot be read.
    #[serde(flatten)]
    pub config: Config,
    /// Its process, once its program was executed.
    #[serde(flatten)]
    pub running: Option<Running>,
    /// How it ended.
    pub exit: Option<ExitRecord>,
}

impl StateRoot {
    /// Every container, oldest first. A record that cannot be read shows what can.
    ///
    /// # Errors
    ///
    /// [`super::Kind::Io`] when the directory cannot be listed.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        let mut entries: Vec<Entry> = names_in(&self.containers)
            .map_err(|errno| self.io("list", errno))?
            .into_iter()
            .filter_map(|id| self.read_entry(&id))
            .collect();
        entries.sort_by(|a, b| (a.config.created_at, &a.id).cmp(&(b.config.created_at, &b.id)));
        Ok(entries)
    }

    /// The container with this id, this name, or the one whose id begins so.
    ///
    /// # Errors
    ///
    /// [`super::Kind::NotFound`], [`super::Kind::Ambiguous`], [`super::Kind::Io`].
    pub fn find(&self, query: &str) -> Result<Entry, Error> {
        if super::check_name("container", query).is_err() {
            return Err(Error::not_found(query));
        }
        let exact = self.read_entry(query);
        let named = || self.id_of_name(query).and_then(|id| self.read_entry(&id));
        if let Some(entry) = exact.or_else(named) {
            return Ok(entry);
        }
        let ids = names_in(&self.containers).map_err(|errno| self.io("list", errno))?;
        let fitting: Vec<String> = ids.into_iter().filter(|id| id.starts_with(query)).collect();
        match fitting.as_slice() {
            [id] => self.read_entry(id).ok_or_else(|| Error::not_found(query)),
            [] => Err(Error::not_found(query)),
            several => Err(Error::ambiguous(query, several.len())),
        }
    }

    /// Remove a record whose container has ended: its cgroup, name and directory.
    ///
    /// # Errors
    ///
    /// [`super::Kind::Running`] while its owner lives; [`super::Kind::Io`].
    pub fn remove(&self, entry: &Entry) -> Result<(), Error> {
        let _guard = self.lock()?;
        self.remove_locked(entry).map(drop)
    }

    /// As `remove`, with the root's lock held. Returns the cgroup directories that were removed.
    pub(super) fn remove_locked(&self, entry: &Entry) -> Result<Vec<PathBuf>, Error> {
        let lock = self.open_lock(&entry.id);
        // ORDER: our lock before anything of it goes, and held until all of it has gone.
        if let Some(lock) = &lock {
            take(lock).map_err(|error| match error {
                TryLockError::WouldBlock => Error::running(&entry.id),
                TryLockError::Error(error) => Error::from_io("lock", &entry.directory, &error),
            })?;
        }
        let groups = remove_group(&entry.config.cgroup_directories);
        let name = entry
            .config
            .name
            .as_deref()
            .filter(|name| self.id_of_name(name).as_deref() == Some(&entry.id));
        if let Some(name) = name {
            let _ = unlinkat(&self.names, name, UnlinkatFlags::NoRemoveDir);
        }
        release(&entry.directory, None);
        if entry.directory.exists() {
            return Err(Error::io("remove", &entry.directory, Errno::EBUSY));
        }
        Ok(groups)
    }

    /// The id a name stands for.
    pub(super) fn id_of_name(&self, name: &str) -> Option<String> {
        super::check_name("container name", name).ok()?;
        let id = String::from_utf8(read_at(&self.names, name)?).ok()?;
        let id = id.trim_end().to_owned();
        super::check_name("container id", &id).ok()?;
        Some(id)
    }

    pub(super) fn read_entry(&self, id: &str) -> Option<Entry> {
        super::check_name("container id", id).ok()?;
        let directory_fd = openat(&self.containers, id, DIRECTORY, Mode::empty()).ok()?;
        let config = document(&directory_fd, "config.json").unwrap_or_default();
        let running: Option<Running> = document(&directory_fd, "state.json");
        let held = self
            .open_lock(id)
            .is_some_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)));
        // ORDER: exit.json after the lock. An owner writes it before it lets go of the lock, so a
        // free lock without the file means that the owner died.
        let exit: Option<ExitRecord> = document(&directory_fd, "exit.json");
        let status = match (&exit, held, &running) {
            (Some(_), _, _) => Status::Stopped,
            (None, true, Some(_)) => Status::Running,
            (None, true, None) => Status::Created,
            (None, false, _) => Status::Dead,
        };
        let directory = self.path.join("containers").join(id);
        // Removed between the open and now: not an entry of anything.
        if status == Status::Dead && !directory.exists() {
            return None;
        }
        Some(Entry {
            id: id.to_owned(),
            status,
            directory,
            config,
            running,
            exit,
        })
    }

    fn open_lock(&self, id: &str) -> Option<File> {
        let path = format!("{id}/lock");
        let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&self.containers, path.as_str(), flags, Mode::empty())
            .ok()
            .map(File::from)
    }
}

/// Take a lock that nobody holds for long: whoever lists containers has it for an instant.
fn take(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..3 {
        if lock.try_lock().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    lock.try_lock()
}

/// Kill and remove a group of a dead owner; returns the directories that are gone now.
fn remove_group(directories: &[PathBuf]) -> Vec<PathBuf> {
    let existing: Vec<PathBuf> = directories
        .iter()
        .filter(|path| path.is_dir())
        .cloned()
        .collect();
    if existing.is_empty() {
        return existing;
    }
    let group = Group::from_directories(existing.clone());
    // A group that cannot be killed or removed stays behind in the report's absence; the record's
    // own removal goes on, because the container itself is dead.
    let _ = group.kill();
    let _ = group.remove();
    existing.into_iter().filter(|path| !path.exists()).collect()
}

/// Entries of a directory that can be ids or names; drafts start with a dot.
pub(super) fn names_in(directory: impl AsFd) -> Result<Vec<String>, Errno> {
    let mut listing = nix::dir::Dir::openat(directory, ".", DIRECTORY, Mode::empty())?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let entry = entry?;
        if let Ok(name) = entry.file_name().to_str()
            && !name.starts_with('.')
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn document<T: DeserializeOwned>(directory: impl AsFd, name: &str) -> Option<T> {
    serde_json::from_slice(&read_at(directory, name)?).ok()
}

fn read_at(directory: impl AsFd, name: &str) -> Option<Vec<u8>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = openat(directory, name, flags, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    File::from(fd).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
