//! The launcher proper: set up what its containers share, say Hello, serve.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::mount::MsFlags;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, bind, listen, socket};

use super::server::Server;
use super::{Options, send};
use crate::failure::{Result, Step, call};
use crate::protocol::{Failure, IdMapLines, Reply};
use crate::state::socket_address;

/// Be the launcher until Node's connection ends, and all that was left to it. Returns the exit code.
#[must_use]
pub fn serve(options_fd: &str) -> i32 {
    let Ok(node) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return 1;
    };
    match prepare(options_fd) {
        Ok((server, hello, pidfd)) => {
            // Where Node is gone already, the loop ends at once and removes the owner's socket.
            let _ = send(&node, &hello, &[pidfd.as_fd()]);
            drop(pidfd);
            server.run(node)
        }
        Err((probe, failure)) => {
            send(
                &node,
                &Reply::Unsupported(crate::probe::unsupported(probe, failure)),
                &[],
            );
            1
        }
    }
}

type Probed<T> = std::result::Result<T, (&'static str, Failure)>;

fn prepare(options_fd: &str) -> Probed<(Server, Reply, OwnedFd)> {
    let internal = |failure| ("internal", failure);
    let text = read_options(options_fd).map_err(internal)?;
    let options: Options = serde_json::from_str(&text).map_err(|cause| {
        internal(Failure::new(
            "INTERNAL",
            "read the options",
            "decode",
            cause.to_string(),
        ))
    })?;
    // What the caller of Node ignored (nohup) and what Rust's start-up ignores is not the containers'.
    ctr_sys::process::reset_signals();
    block_signals().map_err(internal)?;
    call("setsid", "", nix::unistd::setsid())
        .step("start a session")
        .map_err(internal)?;
    call("chdir", "/", nix::unistd::chdir("/"))
        .step("leave the caller's directory")
        .map_err(internal)?;
    // ORDER: before the first mount of this namespace. Slave, so that what the host mounts later
    // can still be bound into containers.
    call(
        "mount",
        "/, MS_REC|MS_SLAVE",
        nix::mount::mount(
            None::<&str>,
            "/",
            None::<&str>,
            MsFlags::MS_REC | MsFlags::MS_SLAVE,
            None::<&str>,
        ),
    )
    .step("separate the mount namespace")
    .map_err(|failure| ("mount", failure))?;
    // Shows the numbers of this PID namespace, which the host's /proc does not.
    let procfs = ctr_sys::mount::new_filesystem("proc", &[], 0)
        .step("open a private procfs")
        .map_err(|failure| ("procfs", failure))?;
    // The check that containers can be built: a tmpfs is the least they mount.
    ctr_sys::mount::new_filesystem("tmpfs", &[("size", Some("4k"))], 0)
        .step("make a tmpfs")
        .map_err(|failure| ("mount", failure))?;
    let listener = options
        .owner_socket
        .as_deref()
        .map(open_listener)
        .transpose()
        .map_err(internal)?;
    let (uid_map, gid_map) = options.holder.map_or_else(Default::default, |holder| {
        (
            IdMapLines::from(holder.uid_map),
            IdMapLines::from(holder.gid_map),
        )
    });
    let pidfd = ctr_sys::pidfd::open(nix::unistd::getpid())
        .step("open the launcher's pidfd")
        .map_err(internal)?;
    let hello = Reply::Hello {
        uid_map: uid_map.0,
        gid_map: gid_map.0,
    };
    let server = Server::new(procfs, listener, options.owner_socket).map_err(internal)?;
    Ok((server, hello, pidfd))
}

/// The stub's options, from the descriptor whose number is the argument; closed afterwards.
fn read_options(number: &str) -> Result<String> {
    let step = "read the options";
    let path = format!("/proc/self/fd/{number}");
    let text = call("read", &path, std::fs::read_to_string(&path)).step(step)?;
    let number: i32 = number
        .parse()
        .map_err(|_| Failure::new("INTERNAL", step, "parse", number))?;
    call("close", &path, nix::unistd::close(number)).step(step)?;
    Ok(text)
}

/// Terminal signals are Node's to handle; SIGCHLD arrives by descriptor.
fn block_signals() -> Result<()> {
    let mut set = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGTERM,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
        Signal::SIGPIPE,
        Signal::SIGCHLD,
    ] {
        set.add(signal);
    }
    call("sigprocmask", "SIG_BLOCK", set.thread_block()).step("block terminal signals")
}

fn open_listener(path: &str) -> Result<OwnedFd> {
    let step = "open the owner's socket";
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener = call(
        "socket",
        "AF_UNIX",
        socket(AddressFamily::Unix, SockType::SeqPacket, flags, None),
    )
    .step(step)?;
    let address = call("bind", path, socket_address(Path::new(path))).step(step)?;
    let previous = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let bound = call(
        "bind",
        path,
        bind(std::os::fd::AsRawFd::as_raw_fd(&listener), &address.address),
    )
    .step(step);
    nix::sys::stat::umask(previous);
    bound?;
    let backlog = call("listen", path, Backlog::new(64)).step(step)?;
    call("listen", path, listen(&listener, backlog)).step(step)?;
    Ok(listener)
}
