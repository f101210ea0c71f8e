//! Role `launcher`: the owner of the containers of one Node process.
//!
//! Who it is: one process per Node process. [`run`] is the stub that Node spawns: it clones the
//! launcher proper with CLONE_PARENT (so that it is Node's child), as init of a PID namespace (so
//! that its death by any signal makes the kernel end every container it owns) and, for an ordinary
//! user, in the holder user namespace that maps the subordinate ids. [`serve`] is the launcher
//! proper, executed from a sealed copy of the executable. What it holds: its end of the socket to
//! Node, the owner socket for other processes, one pidfd, lock and cgroup for each container. What
//! it waits for: messages, reports and pidfds, in one epoll loop; the end of Node's connection ends
//! it, unless a container with a terminal was left to it: then it serves other processes until the
//! last such container has ended. How its failure reaches the user: before Hello as [`Reply::Unsupported`] or
//! [`Reply::Failed`] with token 0, afterwards as the end of the connection (`RUNTIME_LOST`).

mod clone;
mod exec;
mod holder;
mod job;
mod serve;
mod server;

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::CloneFlags;
use serde::{Deserialize, Serialize};

use crate::failure::{Result, Step, call};
use crate::protocol::{Reply, Unsupported};
use ctr_sys::clone::{Child, Clone3, CloneFlags3, Cloned};

pub(crate) use clone::flag;
pub use serve::serve;

/// The launcher's command line, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Id maps of the holder user namespace; none for root, which needs no holder.
    pub holder: Option<Holder>,
    /// Path at which other processes of the user reach this owner; none serves Node only.
    pub owner_socket: Option<String>,
}

/// The user namespace that an ordinary user's containers are children of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    /// Lines of uid_map: inside, outside, count.
    pub uid_map: Vec<(u32, u32, u32)>,
    /// Lines of gid_map.
    pub gid_map: Vec<(u32, u32, u32)>,
    /// Absolute path of newuidmap(1); none maps a single id without help.
    pub newuidmap: Option<String>,
    /// Absolute path of newgidmap(1).
    pub newgidmap: Option<String>,
}

/// The stub: make the launcher, tell Node if that is refused, and go.
///
/// Returns the exit code of the stub; in the launcher it does not return.
#[must_use]
pub fn run(options: &str) -> i32 {
    let Ok(socket) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return 1;
    };
    let Ok(parsed) = serde_json::from_str::<Options>(options) else {
        return 2;
    };
    step_aside();
    match make(&parsed, options) {
        Ok(()) => 0,
        Err(unsupported) => {
            send(&socket, &Reply::Unsupported(unsupported), &[]);
            1
        }
    }
}

/// Leave our own cgroup for a leaf of it, with the Node process, where limits cannot be had
/// otherwise. ORDER: before the launcher is cloned, which is born where the stub is, and from here:
/// in its own PID namespace the launcher has no number for Node.
fn step_aside() {
    let v2 = std::fs::read_to_string("/proc/self/cgroup")
        .is_ok_and(|text| text.lines().all(|line| line.starts_with("0::")));
    if v2 && let Ok(layout) = ctr_cgroup::Layout::detect() {
        let ours = [nix::unistd::getppid(), nix::unistd::getpid()].map(nix::unistd::Pid::as_raw);
        // What is refused here is refused again, with a reason, to whoever asks for a limit.
        let _ = layout.step_aside(&ours);
    }
}

fn make(options: &Options, text: &str) -> std::result::Result<(), Unsupported> {
    let mut flags = CloneFlags::CLONE_PARENT | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS;
    if options.holder.is_some() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    let gate = call(
        "pipe2",
        "O_CLOEXEC",
        nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC),
    )
    .step("make the launcher")
    .map_err(|failure| crate::probe::unsupported("namespaces", failure))?;
    let request = Clone3 {
        flags: CloneFlags3::new(flags),
        ..Clone3::default()
    };
    let probe = if options.holder.is_some() {
        "userNamespace"
    } else {
        "namespaces"
    };
    let cloned = ctr_sys::clone::clone3(&request)
        .step("make the launcher's namespaces")
        .map_err(|failure| crate::probe::unsupported(probe, failure))?;
    match cloned {
        Cloned::Child(child) => {
            // ORDER: the stub's end must close here, or the gate never ends if the stub dies.
            drop(gate.1);
            become_launcher(&child, gate.0, text)
        }
        Cloned::Parent(pid, _pidfd) => {
            drop(gate.0);
            if let Some(holder) = &options.holder {
                // On failure the gate closes unwritten, and the clone ends.
                holder::map(holder, pid)
                    .map_err(|failure| crate::probe::unsupported("idMap", failure))?;
            }
            let _ = nix::unistd::write(&gate.1, &[1]);
            Ok(())
        }
    }
}

/// The clone's half: wait for the maps, then execute the sealed copy.
fn become_launcher(child: &Child, gate: OwnedFd, options: &str) -> ! {
    let mut byte = [0];
    // What Node's parent left open (the pipe of a shell, a lock) would stay open as long as we do.
    if ctr_sys::fd::close_all_except(child, &[gate.as_fd()]).is_err()
        || nix::unistd::read(&gate, &mut byte) != Ok(1)
    {
        ctr_sys::process::exit_now(1);
    }
    let code = match execute_sealed(options) {
        Ok(never) => match never {},
        Err(failure) => {
            let unsupported = crate::probe::unsupported("sealedExecutable", failure);
            send(&std::io::stdin(), &Reply::Unsupported(unsupported), &[]);
            1
        }
    };
    ctr_sys::process::exit_now(code)
}

/// SECURITY: containers are forks of what runs here. Executed from a sealed memfd, no process of a
/// container can change the file it came from (CVE-2019-5736).
fn execute_sealed(options: &str) -> Result<std::convert::Infallible> {
    let step = "execute the sealed copy";
    let program = call("read", "/proc/self/exe", std::fs::read("/proc/self/exe")).step(step)?;
    let memfd = ctr_sys::memfd::sealed("ctr-runtime", &program).step(step)?;
    // SECURITY: not on the command line, which every process in sight of a container's init can
    // read: it names directories of the host.
    let options = ctr_sys::memfd::sealed("options", options.as_bytes()).step(step)?;
    call(
        "fcntl",
        "F_SETFD",
        fcntl(&options, FcntlArg::F_SETFD(FdFlag::empty())),
    )
    .step(step)?;
    let number = CString::new(options.as_raw_fd().to_string()).unwrap_or_default();
    let args = [c"ctr-runtime".into(), c"launcher-sealed".into(), number];
    let env: [&std::ffi::CStr; 0] = [];
    call(
        "execveat",
        "sealed copy",
        nix::unistd::execveat(&memfd, c"", &args, &env, nix::fcntl::AtFlags::AT_EMPTY_PATH),
    )
    .step(step)
}

/// Send one reply. Returns whether the client took it.
fn send(socket: &impl AsFd, reply: &Reply, descriptors: &[std::os::fd::BorrowedFd<'_>]) -> bool {
    postcard::to_stdvec(reply)
        .is_ok_and(|message| ctr_sys::socket::send(socket.as_fd(), &message, descriptors).is_ok())
}
