//! What dead owners left behind.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, connect, socket};
use nix::unistd::{Pid, UnlinkatFlags, unlinkat};
use serde::Serialize;
use serde_json::Value;

use super::entry::names_in;
use super::{Entry, Error, Kind, StateRoot, socket_address, start_time};

/// What a prune removed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// Records of containers that have ended or whose owner died.
    pub containers: Vec<Pruned>,
    /// Names whose container was gone.
    pub names: Vec<String>,
    /// Sockets of dead owners.
    pub sockets: Vec<PathBuf>,
    /// Cgroup directories.
    pub cgroups: Vec<PathBuf>,
}

/// One container whose record was removed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The caller's record: names what else belonged to it, such as a writable layer.
    pub record: Value,
}

impl StateRoot {
    /// Remove everything whose owner is gone. Containers whose lock is held are not touched.
    ///
    /// # Errors
    ///
    /// [`Kind::Io`] when the store cannot be read or a record cannot be removed.
    pub fn prune(&self) -> Result<PruneReport, Error> {
        let mut report = PruneReport::default();
        for id in names_in(&self.containers).map_err(|errno| self.io("list", errno))? {
            // The lock is taken per container: a launch waits for one removal, not for all.
            let _guard = self.lock()?;
            let Some(entry) = self.read_entry(&id) else {
                continue;
            };
            match self.remove_locked(&entry) {
                Ok(groups) => {
                    report.cgroups.extend(groups);
                    let Entry { id, config, .. } = entry;
                    report.containers.push(Pruned {
                        id,
                        name: config.name,
                        record: config.record,
                    });
                }
                Err(error) if error.kind() == Kind::Running => {}
                Err(error) => return Err(error),
            }
        }
        self.prune_names(&mut report)?;
        self.prune_sockets(&mut report)?;
        Ok(report)
    }

    fn prune_names(&self, report: &mut PruneReport) -> Result<(), Error> {
        let _guard = self.lock()?;
        for name in names_in(&self.names).map_err(|errno| self.io("list", errno))? {
            let live = self
                .id_of_name(&name)
                .is_some_and(|id| self.read_entry(&id).is_some());
            if !live && unlinkat(&self.names, name.as_str(), UnlinkatFlags::NoRemoveDir).is_ok() {
                report.names.push(name);
            }
        }
        Ok(())
    }

    fn prune_sockets(&self, report: &mut PruneReport) -> Result<(), Error> {
        let owners = self.path().join("owners");
        let listing =
            std::fs::read_dir(&owners).map_err(|error| Error::from_io("list", &owners, &error))?;
        for path in listing.filter_map(|entry| Some(entry.ok()?.path())) {
            let socket = path
                .extension()
                .is_some_and(|extension| extension == "sock");
            if socket
                && !client_lives(&path)
                && is_refused(&path)
                && std::fs::remove_file(&path).is_ok()
            {
                report.sockets.push(path);
            }
        }
        Ok(())
    }
}

/// Whether the process for which the owner was started still runs: its launcher may be between
/// bind and listen, and a launcher that died is its client's to clear away. The file's name
/// begins with `<pid>-<start time>`.
fn client_lives(path: &Path) -> bool {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let mut parts = stem.split('-');
    let pid = parts
        .next()
        .and_then(|pid| pid.parse().ok())
        .map(Pid::from_raw);
    let started: Option<u64> = parts.next().and_then(|ticks| ticks.parse().ok());
    match (pid, started) {
        (Some(pid), Some(started)) => start_time(pid) == Some(started),
        _ => false,
    }
}

/// Whether nobody listens.
fn is_refused(path: &Path) -> bool {
    let Ok(fd) = socket(
        AddressFamily::Unix,
        SockType::SeqPacket,
        SockFlag::SOCK_CLOEXEC,
        None,
    ) else {
        return false;
    };
    let Ok(target) = socket_address(path) else {
        return false;
    };
    matches!(
        connect(fd.as_raw_fd(), &target.address),
        Err(Errno::ECONNREFUSED)
    )
}
