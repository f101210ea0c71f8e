//! The state store for JavaScript: containers of every owner below a run root.

use std::os::fd::AsFd;
use std::path::Path;

use ctr_container::state::{Error, StateRoot, Status, start_time};
use ctr_sys::pidfd;
use nix::errno::Errno;
use nix::unistd::Pid;

use crate::event::{self, Address, Event};
use crate::fault::Fault;

/// JSON array of `StateEntry`.
pub(crate) fn list(state_root: &str) -> Result<String, Fault> {
    let entries = open(state_root)?.list()?;
    serde_json::to_string(&entries).map_err(|_| Fault::internal("encode state entries"))
}

/// Signal PID 1 of a container, whoever owns it.
pub(crate) fn signal(state_root: &str, query: &str, signal: i32) -> Result<(), Fault> {
    let entry = open(state_root)?.find(query)?;
    let not_running = || Fault::from(Error::not_running(&entry.id));
    let running = entry
        .running
        .filter(|_| entry.status == Status::Running)
        .ok_or_else(not_running)?;
    let pid = Pid::from_raw(running.pid);
    let pidfd = match pidfd::open(pid) {
        Err(error) if error.errno() == Errno::ESRCH => return Err(not_running()),
        opened => opened?,
    };
    // ORDER: the start time after the pidfd. The pidfd pins a process, and the start time says
    // whether it is the recorded one: a pid that was used again meanwhile is not signalled.
    if start_time(pid) != Some(running.start_time) {
        return Err(not_running());
    }
    match pidfd::send_signal(pidfd.as_fd(), signal) {
        Err(error) if error.errno() == Errno::ESRCH => Err(not_running()),
        Err(error) if error.errno() == Errno::EINVAL => Err(Fault::new(
            "INVALID_ARGUMENT",
            format!("signal container {}: no signal {signal}", entry.id),
        )),
        sent => Ok(sent?),
    }
}

/// Remove the record of a container that has ended.
pub(crate) fn remove(state_root: &str, query: &str) -> Result<(), Fault> {
    let state = open(state_root)?;
    let entry = state.find(query)?;
    Ok(state.remove(&entry)?)
}

/// Prune on a thread of its own: killing and removing groups takes time. Event: done or failed.
pub(crate) fn prune(address: Address, state_root: String) -> Result<(), Fault> {
    let work = move || {
        let report = open(&state_root).and_then(|state| Ok(state.prune()?));
        let encoded = report.and_then(|report| {
            serde_json::to_value(report).map_err(|_| Fault::internal("encode a prune report"))
        });
        match encoded {
            Ok(result) => event::emit(address, &Event::Done { result }),
            Err(fault) => event::fail(address, fault),
        }
    };
    let thread = std::thread::Builder::new().name("ctr-prune".to_owned());
    thread
        .spawn(work)
        .map_err(|error| Fault::io("clone", "ctr-prune thread", &error))?;
    Ok(())
}

fn open(state_root: &str) -> Result<StateRoot, Fault> {
    Ok(StateRoot::open(Path::new(state_root))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use ctr_container::state::{Running, write_state};

    use super::*;

    #[test]
    fn only_the_recorded_process_is_signalled() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("run");
        let state = StateRoot::open(&root).unwrap();
        let reserved = state.reserve("abc", Some("web")).unwrap();
        let root = root.to_str().unwrap();
        assert_eq!(
            signal(root, "web", 15).unwrap_err().code,
            "CONTAINER_NOT_RUNNING"
        );

        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().cast_signed();
        let started = start_time(Pid::from_raw(pid)).unwrap();
        let record = |start_time| {
            write_state(
                &reserved.directory_fd,
                &reserved.directory,
                &Running { pid, start_time },
            )
            .unwrap();
        };
        record(started + 1);
        assert_eq!(
            signal(root, "web", 15).unwrap_err().code,
            "CONTAINER_NOT_RUNNING"
        );
        assert!(child.try_wait().unwrap().is_none());
        record(started);
        assert_eq!(
            signal(root, "web", 1000).unwrap_err().code,
            "INVALID_ARGUMENT"
        );
        signal(root, "web", 15).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15));
        assert_eq!(
            signal(root, "nobody", 15).unwrap_err().code,
            "CONTAINER_NOT_FOUND"
        );
    }
}
