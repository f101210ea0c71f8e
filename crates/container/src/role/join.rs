//! Role `join`: the throw-away process that enters a container's namespaces for `exec`.
//!
//! Who it is: a fork of the launcher. It exists because a process enters a PID namespace only
//! through its children. What it holds: the container init's pidfd, the sealed plan, stdio and the
//! report socket. It enters the cgroup and the namespaces, clones the real process with
//! CLONE_PARENT (so that the owner stays the parent and gets the exit status), reports its pidfd
//! and ends.

use std::os::fd::{AsFd, OwnedFd};

use ctr_cgroup::Entry;
use ctr_sys::clone::{Child, Clone3, CloneFlags3, Cloned};
use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::stat::Mode;

use crate::envelope::ExecPlan;
use crate::failure::{Result, Step, call};
use crate::protocol::Failure;
use crate::report::{self, Report};
use crate::role::init::become_namespace_root;
use crate::role::program;
use crate::role::stdio::Stdio;

/// The container to enter and what to run there.
pub(crate) struct Target<'a> {
    pub(crate) init: &'a OwnedFd,
    pub(crate) namespaces: CloneFlags,
    pub(crate) plan: &'a OwnedFd,
    /// stdin, stdout, stderr; none when the plan gives the process a terminal.
    pub(crate) stdio: Option<[&'a OwnedFd; 3]>,
    pub(crate) report: &'a OwnedFd,
    pub(crate) cgroup: Option<&'a Entry>,
}

/// Be the joining process: never returns.
pub(crate) fn run(child: &Child, target: Target<'_>) -> ! {
    let report = target.report;
    match enter(child, target) {
        Ok(()) => ctr_sys::process::exit_now(0),
        Err(failure) => {
            report::send(report.as_fd(), &Report::Failed(failure), &[]);
            ctr_sys::process::exit_now(1)
        }
    }
}

fn enter(child: &Child, target: Target<'_>) -> Result<()> {
    let mut kept = vec![
        target.init.as_fd(),
        target.plan.as_fd(),
        target.report.as_fd(),
    ];
    kept.extend(target.stdio.iter().flatten().map(AsFd::as_fd));
    if let Some(entry) = target.cgroup {
        kept.extend(entry.tasks.iter().map(AsFd::as_fd));
    }
    // ORDER: first, or this process would keep siblings' gates and locks open.
    ctr_sys::fd::close_all_except(child, &kept).step("close inherited descriptors")?;
    if let Some(entry) = target.cgroup {
        entry.enter()?;
    }
    // SECURITY: the container's processes share its namespaces with us from setns on; none may
    // trace us or open our memory and descriptors (CVE-2016-9962).
    call(
        "prctl",
        "PR_SET_DUMPABLE, 0",
        nix::sys::prctl::set_dumpable(false),
    )
    .step("become undumpable")?;
    let bytes = ctr_sys::memfd::read_sealed(target.plan.as_fd()).step("read the plan")?;
    let plan: ExecPlan = postcard::from_bytes(&bytes)
        .map_err(|cause| Failure::new("INTERNAL", "read the plan", "decode", cause.to_string()))?;
    ctr_sys::process::unblock_signals().step("unblock signals")?;
    program::set_oom_score(&plan.process)?;
    call(
        "setns",
        &format!("init, {:?}", target.namespaces),
        nix::sched::setns(target.init, target.namespaces),
    )
    .step_code("CONTAINER_NOT_RUNNING", "enter the container's namespaces")?;
    if target.namespaces.contains(CloneFlags::CLONE_NEWUSER) {
        become_namespace_root()?;
    }
    let request = Clone3 {
        flags: CloneFlags3::new(CloneFlags::CLONE_PARENT),
        ..Clone3::default()
    };
    match ctr_sys::clone::clone3(&request).step("clone the process")? {
        Cloned::Child(child) => {
            let prepared = prepare(plan, &target);
            match prepared {
                Ok(prepared) => program::start(&child, prepared, target.report),
                Err(failure) => {
                    report::send(target.report.as_fd(), &Report::Failed(failure), &[]);
                    ctr_sys::process::exit_now(1)
                }
            }
        }
        Cloned::Parent(pid, pidfd) => {
            report::send(
                target.report.as_fd(),
                &Report::Cloned(pid.as_raw()),
                &[pidfd.as_fd()],
            );
            Ok(())
        }
    }
}

fn prepare(plan: ExecPlan, target: &Target<'_>) -> Result<program::Prepared> {
    call("setsid", "", nix::unistd::setsid()).step("start a session")?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let enforcement = program::new_keyring().into_iter().collect();
    let terminal = if plan.process.terminal {
        // SECURITY: the container's processes may have mounted what they like here.
        let root = call(
            "open",
            "/",
            nix::fcntl::open(
                "/",
                OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
                Mode::empty(),
            ),
        )
        .step("open a terminal")?;
        Some(ctr_rootfs::terminal::open(root.as_fd())?)
    } else {
        None
    };
    let stdio = Stdio::new(target.stdio, terminal)?;
    Ok(program::Prepared {
        process: plan.process,
        bpf: plan.bpf,
        stdio,
        is_init: false,
        enforcement,
    })
}
