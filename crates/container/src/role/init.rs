//! Role `init`: the clone3 child that becomes a container's PID 1.
//!
//! Who it is: a fork of the launcher, alone in its new namespaces. What it holds: the sealed plan,
//! the container's stdio descriptors unless it gets a terminal, the report socket, the gate and the cgroup's `tasks`.
//! What it waits for: the gate, until its owner has written the id maps. How its failure reaches
//! the user: as a [`Report::Failed`] with step, call, arguments and errno, then exit code 1.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_cgroup::Entry;
use ctr_spec::plan::{NamespaceKind, Plan};
use ctr_sys::clone::Child;
use nix::sched::CloneFlags;

use crate::envelope::InitPlan;
use crate::failure::{Result, Step, call};
use crate::protocol::{Enforcement, Failure};
use crate::report::{self, Report};
use crate::role::stdio::Stdio;
use crate::role::{enforcement, program};

/// What the launcher leaves to its child, by being forked.
pub(crate) struct Inheritance<'a> {
    /// The sealed plan.
    pub(crate) plan: &'a OwnedFd,
    /// stdin, stdout, stderr; none when the plan gives the process a terminal.
    pub(crate) stdio: Option<[&'a OwnedFd; 3]>,
    /// Where reports go.
    pub(crate) report: &'a OwnedFd,
    /// Read end of the pipe that the owner closes once the id maps are written.
    pub(crate) gate: Option<&'a OwnedFd>,
    /// The cgroup to enter on v1.
    pub(crate) cgroup: Option<&'a Entry>,
    /// Namespace files to join before anything else: (kind, file).
    pub(crate) join: &'a [(NamespaceKind, OwnedFd)],
    /// What was decided about the cgroup before clone.
    pub(crate) enforcement: Vec<Enforcement>,
}

/// Be `init`: never returns to the launcher's code.
pub(crate) fn run(child: &Child, inheritance: Inheritance<'_>) -> ! {
    let report = inheritance.report;
    match build(child, inheritance) {
        Ok(prepared) => program::start(child, prepared, report),
        Err(failure) => {
            report::send(report.as_fd(), &Report::Failed(failure), &[]);
            ctr_sys::process::exit_now(1)
        }
    }
}

/// The numbered steps, in the order in which the kernel needs them.
fn build(child: &Child, inheritance: Inheritance<'_>) -> Result<program::Prepared> {
    // 1. Drop what belongs to the owner and to other containers.
    // ORDER: first, or this process would keep siblings' gates and locks open.
    ctr_sys::fd::close_all_except(child, &kept(&inheritance))
        .step("close inherited descriptors")?;
    // 2. Enter the cgroup.
    // ORDER: before anything that uses memory or time, so that nothing runs unlimited.
    if let Some(entry) = inheritance.cgroup {
        entry.enter()?;
    }
    // 3. Wait for the id maps, then be root in the new user namespace.
    if let Some(gate) = inheritance.gate {
        wait_for_gate(gate)?;
        become_namespace_root()?;
    }
    // SECURITY: from here on nothing that shares the container's namespaces may trace this process
    // or open its memory. ORDER: after the id maps, which need a dumpable target.
    call(
        "prctl",
        "PR_SET_DUMPABLE, 0",
        nix::sys::prctl::set_dumpable(false),
    )
    .step("become undumpable")?;
    let InitPlan { plan, bpf } = read_plan(inheritance.plan)?;
    // 4. Signals and session are the container's own; the launcher has given every signal its default
    // action and blocked some.
    ctr_sys::process::unblock_signals().step("unblock signals")?;
    call("setsid", "", nix::unistd::setsid()).step("start a session")?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let mut enforcement = inheritance.enforcement;
    enforcement.extend(program::new_keyring());
    // 5. Namespaces that clone3 does not make.
    join(inheritance.join)?;
    if is_new(&plan, NamespaceKind::Cgroup) {
        // ORDER: after step 2, so that the namespace's root is the container's group.
        call(
            "unshare",
            "CLONE_NEWCGROUP",
            nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP),
        )
        .step("make the cgroup namespace")?;
    }
    // 6. Names and the loopback interface.
    name(&plan)?;
    // 7. Values that are written through the host's procfs, while it is there.
    program::set_oom_score(&plan.process)?;
    // 8. The file system tree.
    let situation = ctr_rootfs::Situation {
        in_user_namespace: in_user_namespace()?,
    };
    let entered = ctr_rootfs::enter(&plan, situation)?;
    for skipped in entered.skipped {
        enforcement.push(Enforcement {
            feature: format!("mount {}", skipped.destination),
            requested: "preferred".to_owned(),
            supported: false,
            enforced: false,
            reason: Some(skipped.reason),
        });
    }
    // 9. Kernel parameters of the new namespaces.
    write_sysctls(&plan)?;
    enforcement.extend(enforcement::of_plan(&plan, inheritance.cgroup.is_some()));
    Ok(program::Prepared {
        process: plan.process,
        bpf,
        stdio: Stdio::new(inheritance.stdio, entered.terminal)?,
        is_init: true,
        enforcement,
    })
}

fn kept<'a>(inheritance: &'a Inheritance<'_>) -> Vec<BorrowedFd<'a>> {
    let mut kept = vec![inheritance.plan.as_fd(), inheritance.report.as_fd()];
    kept.extend(inheritance.stdio.iter().flatten().map(AsFd::as_fd));
    kept.extend(inheritance.gate.map(AsFd::as_fd));
    kept.extend(inheritance.join.iter().map(|(_, file)| file.as_fd()));
    if let Some(entry) = inheritance.cgroup {
        kept.extend(entry.tasks.iter().map(AsFd::as_fd));
    }
    kept
}

fn wait_for_gate(gate: &OwnedFd) -> Result<()> {
    let mut byte = [0];
    loop {
        match nix::unistd::read(gate, &mut byte) {
            Ok(1) => return Ok(()),
            // The owner died or gave up before it had written the maps.
            Ok(_) => {
                return Err(Failure::new(
                    "RUNTIME_LOST",
                    "wait for the id maps",
                    "read",
                    "gate closed",
                ));
            }
            Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return call("read", "gate", Err(errno)).step("wait for the id maps"),
        }
    }
}

/// Take user and group 0 of the current user namespace, which has mapped them by now.
pub(crate) fn become_namespace_root() -> Result<()> {
    let (uid, gid) = (nix::unistd::Uid::from_raw(0), nix::unistd::Gid::from_raw(0));
    let step = "become root in the user namespace";
    call(
        "setresgid",
        "0, 0, 0",
        nix::unistd::setresgid(gid, gid, gid),
    )
    .step(step)?;
    call(
        "setresuid",
        "0, 0, 0",
        nix::unistd::setresuid(uid, uid, uid),
    )
    .step(step)
}

fn read_plan(memfd: &OwnedFd) -> Result<InitPlan> {
    let bytes = ctr_sys::memfd::read_sealed(memfd.as_fd()).step("read the plan")?;
    postcard::from_bytes(&bytes)
        .map_err(|cause| Failure::new("INTERNAL", "read the plan", "decode", cause.to_string()))
}

fn join(files: &[(NamespaceKind, OwnedFd)]) -> Result<()> {
    for (kind, file) in files {
        call(
            "setns",
            &format!("{kind:?}"),
            nix::sched::setns(file, CloneFlags::empty()),
        )
        .step("join a namespace")?;
    }
    Ok(())
}

fn name(plan: &Plan) -> Result<()> {
    if let Some(hostname) = &plan.hostname {
        call("sethostname", hostname, nix::unistd::sethostname(hostname))
            .step("set the host name")?;
    }
    if let Some(domainname) = &plan.domainname {
        ctr_sys::process::set_domainname(domainname).step("set the domain name")?;
    }
    if plan.loopback {
        ctr_sys::net::loopback_up().step("bring up the loopback interface")?;
    }
    Ok(())
}

fn write_sysctls(plan: &Plan) -> Result<()> {
    if plan.sysctls.is_empty() {
        return Ok(());
    }
    // SECURITY: a procfs instance of our own, which nothing of the image can have covered
    // (CVE-2019-19921, CVE-2025-52881 classes).
    let procfs = ctr_sys::mount::new_filesystem("proc", &[], 0).step("open a private procfs")?;
    for (key, value) in &plan.sysctls {
        let path = format!("sys/{}", ctr_spec::plan::sysctl_path(key));
        crate::procfs::write(procfs.as_fd(), &path, value)
            .step_code("SYSCTL_REFUSED", &format!("set the sysctl {key}"))?;
    }
    Ok(())
}

fn is_new(plan: &Plan, kind: NamespaceKind) -> bool {
    plan.namespaces
        .iter()
        .any(|namespace| namespace.kind == kind && namespace.path.is_none())
}

pub(crate) fn in_user_namespace() -> Result<bool> {
    let map = call(
        "read",
        "/proc/self/uid_map",
        std::fs::read_to_string("/proc/self/uid_map"),
    )
    .step("look at the user namespace")?;
    Ok(map.split_ascii_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"])
}
