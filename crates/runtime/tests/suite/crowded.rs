//! A launcher that may open no more files: everything is heard of, and nothing runs unheard.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

use ctr_container::protocol::{Failure, Reply, Request};
use ctr_spec::plan::Program;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::owner::{Owner, Running, eventually, pid_of};
use crate::plan::{busybox, plan, process, rootfs, terminal_process, with_terminal};

/// A limit of open files that leaves no room, until dropped.
struct Full {
    launcher: i32,
    before: String,
}

impl Full {
    fn new(launcher: &OwnedFd) -> Self {
        let launcher = pid_of(launcher);
        let limits = std::fs::read_to_string(format!("/proc/{launcher}/limits")).unwrap();
        let (_, files) = limits.split_once("Max open files").unwrap();
        let before = files.split_ascii_whitespace().next().unwrap().to_owned();
        set_limit(launcher, "3");
        Self { launcher, before }
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        set_limit(self.launcher, &self.before);
    }
}

/// The soft limit only; prlimit(1) is of the same package as mount(8).
fn set_limit(pid: i32, files: &str) {
    let status = Command::new("prlimit")
        .args(["--pid", &pid.to_string(), &format!("--nofile={files}:")])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_terminal_is_handed_over_and_a_request_refused() {
    let Some(busybox) = busybox() else { return };
    let rootfs = rootfs(busybox);
    let sockets = tempfile::tempdir().unwrap();
    let path = sockets.path().join("owner.sock");
    let mut owner = Owner::start_at(Some(&path));
    let left = with_terminal(plan("left", rootfs.path(), "busybox sleep 100"));
    let running = owner.launch(&left, false).unwrap();
    let token = running.token;
    owner.send(&Request::Detach { token }, &[]);
    assert!(matches!(owner.receive(), Reply::Detached { .. }));
    let mut second = owner.connect(&path);
    assert_eq!(
        second.attach("nobody").map(|_| ()).unwrap_err().code,
        "CONTAINER_NOT_RUNNING"
    );

    let full = Full::new(&owner.pidfd);
    assert!(second.attach("left").unwrap().terminal.is_some());
    let other = plan("other", rootfs.path(), "true");
    let failure = owner.launch(&other, false).map(|_| ()).unwrap_err();
    assert_eq!(failure.errno, libc::EMFILE, "{failure}");
    drop(full);
    // Its removal may have had no room either.
    let _ = std::fs::remove_dir_all(owner.state.path().join("other"));
    let running = owner.launch(&other, false).unwrap();
    assert_eq!(owner.wait(running).0.exit_code, Some(0));
}

#[test]
fn what_there_is_no_room_for_is_ended_and_reported() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let mut held = with_terminal(plan("held", rootfs.path(), ""));
    held.process = process("");
    held.process.program = Program::Init;
    let init = owner.launch(&held, false).unwrap();
    let sleep = "busybox sleep 100";
    let container = with_terminal(plan("terminal", rootfs.path(), sleep));
    let further = process(sleep);
    let further_terminal = terminal_process(process(sleep));
    type Start<'a> = &'a dyn Fn(&mut Owner) -> Result<Running, Failure>;
    let starts: [(&str, Start<'_>); 3] = [
        ("a container", &|owner| owner.launch(&container, false)),
        ("a process", &|owner| owner.exec("held", &further)),
        ("a terminal", &|owner| owner.exec("held", &further_terminal)),
    ];
    for (what, start) in starts {
        let mut failure = None;
        // What the launcher reads before it is stopped is no matter of this test.
        let crowded = eventually(|| {
            let (launcher, known) = (owner.pidfd.try_clone().unwrap(), children(&owner));
            let stopper = std::thread::spawn(move || stop_at_next_child(&launcher, &known));
            let started = start(&mut owner);
            drop(stopper.join().unwrap());
            match started {
                Ok(running) => {
                    ctr_sys::pidfd::send_signal(running.pidfd.as_fd(), 9).unwrap();
                    owner.exit(running.token);
                }
                Err(refused) => failure = Some(refused),
            }
            let _ = std::fs::remove_dir_all(owner.state.path().join("terminal"));
            failure.is_some()
        });
        assert!(crowded, "{what}");
        let failure = failure.unwrap();
        assert_eq!(failure.errno, libc::EMFILE, "{what}: {failure}");
        let alone = eventually(|| children(&owner) == [pid_of(&init.pidfd)]);
        assert!(alone, "{what}: {:?}", children(&owner));
    }
}

/// Stop the launcher while a process of its own starts, and let it go on without room.
fn stop_at_next_child(launcher: &OwnedFd, known: &[i32]) -> Full {
    let pid = Pid::from_raw(pid_of(launcher));
    let deadline = Instant::now() + Duration::from_secs(5);
    while children_of(pid.as_raw())
        .iter()
        .all(|child| known.contains(child))
    {
        assert!(Instant::now() < deadline, "nothing was started");
    }
    kill(pid, Signal::SIGSTOP).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let full = Full::new(launcher);
    kill(pid, Signal::SIGCONT).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    full
}

fn children(owner: &Owner) -> Vec<i32> {
    children_of(pid_of(&owner.pidfd))
}

fn children_of(pid: i32) -> Vec<i32> {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap()
        .split_ascii_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}
