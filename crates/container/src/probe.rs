//! What this machine lets us do, found out by doing it.

use nix::errno::Errno;

use crate::protocol::{Failure, Unsupported};

/// A refused facility with what the user can do about it.
#[must_use]
pub fn unsupported(probe: &str, failure: Failure) -> Unsupported {
    let remedy = remedy(probe, &failure);
    Unsupported {
        probe: probe.to_owned(),
        failure,
        remedy,
    }
}

fn remedy(probe: &str, failure: &Failure) -> String {
    let errno = Errno::from_raw(failure.errno);
    let text = match (probe, errno) {
        (_, Errno::ENOSYS) => {
            "the kernel or a system call filter refuses clone3(2): use Linux 5.12 or newer, and when this runs \
             inside a container start that one with --privileged or --security-opt seccomp=unconfined"
        }
        ("userNamespace", Errno::ENOSPC) => {
            "user namespaces are turned off: as root run `sysctl -w user.max_user_namespaces=15000`"
        }
        ("userNamespace", _) => {
            "user namespaces are refused for this user: as root run `sysctl -w kernel.unprivileged_userns_clone=1` \
             (Debian), `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu), or run as root"
        }
        ("namespaces", _) => {
            "this process may not make namespaces: it lacks CAP_SYS_ADMIN; run as an ordinary user, or give the \
             surrounding container --privileged"
        }
        ("idMap", _) => {
            "the id map was refused: check /etc/subuid and /etc/subgid for this user and install newuidmap and \
             newgidmap (Debian package uidmap)"
        }
        ("mount" | "procfs", _) => {
            "mounts are refused here: when this runs inside a container give that one --privileged, or at least \
             unmasked /proc (--security-opt systempaths=unconfined) and an AppArmor profile that allows mount"
        }
        _ => "report this with the output of `ctr-ts doctor --json`",
    };
    text.to_owned()
}
