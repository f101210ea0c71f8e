//! What a container's process sees, how it ends, and what stays behind.

use std::os::fd::AsFd;

use ctr_container::protocol::{Reply, Request};
use ctr_spec::plan::{Capabilities, Program};

use crate::owner::Owner;
use crate::plan::{busybox, plan, process, rootfs};

#[test]
fn a_container_is_pid_1_with_its_own_name_root_and_network() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script =
        "echo $$; busybox hostname; busybox ls /; busybox grep -c : /proc/net/dev; busybox id -u";
    let running = owner
        .launch(&plan("view", rootfs.path(), script), false)
        .unwrap();
    let (exit, text) = owner.wait(running);
    assert_eq!(exit.exit_code, Some(0), "{text}");
    assert_eq!(text, "1\ninside\nbin\ndev\nproc\n1\n0\n");
    assert!(owner.is_clean_soon("view"));
    assert_eq!(
        std::fs::read_dir(rootfs.path()).unwrap().count(),
        1,
        "the layer below was written to"
    );
}

#[test]
fn masked_and_read_only_paths_hold_and_no_descriptor_is_inherited() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script = "busybox wc -c < /proc/version; (echo 1 > /proc/sys/kernel/panic) 2>/dev/null || echo refused; \
                  for fd in /proc/self/fd/*; do echo ${fd##*/}; done; busybox grep -E 'CapEff|NoNewPrivs' /proc/self/status";
    let running = owner
        .launch(&plan("masks", rootfs.path(), script), false)
        .unwrap();
    for feature in [
        "namespace pid",
        "hidden paths",
        "capabilities",
        "no new privileges",
    ] {
        assert!(
            running.enforced.iter().any(|row| row == feature),
            "{feature}"
        );
    }
    let (_, text) = owner.wait(running);
    // The shell itself holds the directory that its glob reads.
    assert_eq!(
        text,
        "0\nrefused\n0\n1\n2\n3\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n"
    );
}

#[test]
fn failures_name_step_call_and_errno_and_leave_nothing() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let mut missing = plan("missing", rootfs.path(), "true");
    missing.process.program = Program::Command {
        args: vec!["no-such-program".to_owned()],
    };
    let failure = owner.launch(&missing, false).map(|_| ()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.call.as_str(), failure.errno),
        ("COMMAND_NOT_FOUND", "execve", 2)
    );
    let mut refused = plan("refused", rootfs.path(), "true");
    refused.process.program = Program::Command {
        args: vec!["/proc/uptime".to_owned()],
    };
    assert_eq!(
        owner.launch(&refused, false).map(|_| ()).unwrap_err().code,
        "COMMAND_NOT_EXECUTABLE"
    );
    let mut user = plan("user", rootfs.path(), "true");
    user.process.user.lookup = Some("nobody-here".to_owned());
    assert_eq!(
        owner.launch(&user, false).map(|_| ()).unwrap_err().code,
        "USER_NOT_FOUND"
    );
    let mut mount = plan("mount", rootfs.path(), "true");
    mount.mounts[0].destination = "/bin/sh/proc".to_owned();
    assert_eq!(
        owner.launch(&mount, false).map(|_| ()).unwrap_err().code,
        "MOUNT_FAILED"
    );
    assert_eq!(std::fs::read_dir(owner.state.path()).unwrap().count(), 0);
}

#[test]
fn exec_joins_and_its_tree_can_be_killed() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let mut held = plan("held", rootfs.path(), "");
    held.process.program = Program::Init;
    let init = owner.launch(&held, false).unwrap();
    let script =
        "busybox hostname; echo $PPID; busybox ls /; busybox wc -l < /proc/self/mountinfo; exit 7";
    let running = owner.exec("held", &process(script)).unwrap();
    let (exit, text) = owner.wait(running);
    // Root, /proc, /dev, two masks and one read-only path: no tree of the host is left to land in.
    assert_eq!(
        (exit.exit_code, text.as_str()),
        (Some(7), "inside\n0\nbin\ndev\nproc\n6\n")
    );
    let sleeping = owner
        .exec(
            "held",
            &process("busybox sleep 100 & busybox sleep 100; true"),
        )
        .unwrap();
    owner.send(
        &Request::Signal {
            token: sleeping.token,
            signal: 9,
            tree: true,
        },
        &[],
    );
    let (exit, _) = owner.wait(sleeping);
    assert_eq!(exit.signal, Some(9));
    let running = owner.exec("held", &process("busybox ps")).unwrap();
    let (_, processes) = owner.wait(running);
    assert!(!processes.contains("sleep"), "{processes}");
    ctr_sys::pidfd::send_signal(init.pidfd.as_fd(), 15).unwrap();
    assert_eq!(owner.wait(init).0.exit_code, Some(143));
}

#[test]
fn capabilities_and_ids_are_as_planned() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let mut plan = plan(
        "caps",
        rootfs.path(),
        "busybox grep -E '^(Cap|Uid|Groups)' /proc/self/status",
    );
    plan.process.user.uid = 1234;
    plan.process.user.gid = 77;
    plan.process.user.additional_gids = vec![5];
    plan.process.no_new_privileges = false;
    let chown = 1;
    plan.process.capabilities = Capabilities {
        bounding: 3,
        effective: chown,
        permitted: chown,
        inheritable: chown,
        ambient: chown,
    };
    let running = owner.launch(&plan, false).unwrap();
    let (_, text) = owner.wait(running);
    let one = "0000000000000001";
    assert_eq!(
        text,
        format!(
            "Uid:\t1234\t1234\t1234\t1234\nGroups:\t5 \nCapInh:\t{one}\nCapPrm:\t{one}\nCapEff:\t{one}\nCapBnd:\t0000000000000003\nCapAmb:\t{one}\n"
        )
    );
}

#[test]
fn a_kept_container_leaves_its_exit_status_and_a_dead_launcher_no_process() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let running = owner
        .launch(&plan("kept", rootfs.path(), "exit 3"), true)
        .unwrap();
    owner.wait(running);
    let exit = std::fs::read_to_string(owner.state.path().join("kept/exit.json")).unwrap();
    assert!(exit.contains("\"exitCode\":3"), "{exit}");
    let running = owner
        .launch(&plan("orphan", rootfs.path(), "busybox sleep 100"), false)
        .unwrap();
    ctr_sys::pidfd::send_signal(owner.pidfd.as_fd(), 9).unwrap();
    let mut fds = [nix::poll::PollFd::new(
        running.pidfd.as_fd(),
        nix::poll::PollFlags::POLLIN,
    )];
    assert_eq!(
        nix::poll::poll(&mut fds, 1000u16).unwrap(),
        1,
        "the container outlived its owner"
    );
}

#[test]
fn an_unknown_container_is_no_place_for_an_exec() {
    if busybox().is_none() {
        return;
    }
    let mut owner = Owner::start();
    let failure = owner
        .exec("nobody", &process("true"))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(failure.code, "CONTAINER_NOT_RUNNING");
    owner.send(
        &Request::RemoveTree {
            token: 99,
            name: "x".to_owned(),
        },
        &[],
    );
    assert!(matches!(owner.receive(), Reply::Failed { token: 99, .. }));
}
