//! Our own PID 1 above a command: signals, orphans, statuses, failures.

use std::os::fd::AsFd;

use ctr_spec::plan::{Plan, Process, Program};

use crate::owner::{Owner, eventually, pid_of};
use crate::plan::{busybox, plan, process, rootfs, with_terminal};
use crate::terminal::Screen;

fn supervised(mut plan: Plan) -> Plan {
    let Program::Command { args } = plan.process.program else {
        panic!("no command");
    };
    plan.process.program = Program::Supervise { args };
    plan
}

#[test]
fn the_command_is_a_child_and_its_status_is_the_container_s() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script = "echo $PPID; busybox cat /proc/1/comm;\
                  busybox grep -E 'CapEff|NoNewPrivs' /proc/1/status; exit 7";
    let running = owner
        .launch(&supervised(plan("status", rootfs.path(), script)), false)
        .unwrap();
    let (exit, text) = owner.wait(running);
    assert_eq!(exit.exit_code, Some(7), "{text}");
    assert_eq!(
        text,
        "1\nctr-init\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n"
    );
    let killed = supervised(plan("killed", rootfs.path(), "kill -9 $$"));
    let running = owner.launch(&killed, false).unwrap();
    assert_eq!(owner.wait(running).0.exit_code, Some(137));
}

#[test]
fn a_command_that_cannot_run_is_the_failure_of_the_start() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    for (program, code) in [
        ("no-such-program", "COMMAND_NOT_FOUND"),
        ("/bin", "COMMAND_NOT_EXECUTABLE"),
        ("/bin/text", "COMMAND_NOT_EXECUTABLE"),
    ] {
        let text = rootfs.path().join("bin/text");
        std::fs::write(&text, "no program").unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        std::fs::set_permissions(&text, mode).unwrap();
        let mut plan = plan("broken", rootfs.path(), "");
        plan.process.program = Program::Supervise {
            args: vec![program.to_owned()],
        };
        let failure = owner.launch(&plan, false).map(|_| ()).unwrap_err();
        assert_eq!(failure.code, code, "{program}");
        assert!(owner.is_clean_soon("broken"), "{program}");
    }
}

#[test]
fn orphans_are_reaped_and_signals_reach_the_command_s_group() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    // The shell waits in a child of its own, which only a signal to the group ends.
    let script = "trap 'echo hup' HUP; trap 'echo term; exit 5' TERM; \
                  (busybox sleep 0.05 &) ; busybox sleep 100; busybox sleep 100";
    let running = owner
        .launch(&supervised(plan("group", rootfs.path(), script)), false)
        .unwrap();
    // PID 1, the shell and its sleep; what it left behind is gone, and no zombie.
    assert!(three_sleep(&mut owner), "the orphan was not reaped");
    let descriptors = format!("/proc/{}/fd", pid_of(&running.pidfd));
    assert_eq!(
        std::fs::read_dir(descriptors).unwrap().count(),
        0,
        "PID 1 holds descriptors that are the command's to close"
    );
    ctr_sys::pidfd::send_signal(running.pidfd.as_fd(), 1).unwrap();
    let mut said = String::new();
    while !said.contains("\nhup\n") {
        let mut buffer = [0; 256];
        let count = nix::unistd::read(running.stdout(), &mut buffer).unwrap();
        assert_ne!(count, 0, "ended: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    // A signal that comes before the second sleep is there would wait for its end.
    assert!(three_sleep(&mut owner), "the shell did not go on");
    ctr_sys::pidfd::send_signal(running.pidfd.as_fd(), 15).unwrap();
    let (exit, rest) = owner.wait(running);
    assert!(rest.ends_with("term\n"), "{said}{rest}");
    assert_eq!(exit.exit_code, Some(5));
}

/// Whether PID 1, a shell and its sleep come to be all there is.
fn three_sleep(owner: &mut Owner) -> bool {
    eventually(|| {
        let looking = owner.exec("group", &looker()).unwrap();
        let (_, processes) = owner.wait(looking);
        !processes.contains('Z') && processes.matches("S (").count() == 3
    })
}

fn looker() -> Process {
    process("for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || busybox grep State: $p/status; done")
}

#[test]
fn with_a_terminal_the_command_is_its_foreground() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script =
        "trap 'echo interrupted; exit 3' INT; echo pid $$; while :; do busybox sleep 1; done";
    let plan = supervised(with_terminal(plan("front", rootfs.path(), script)));
    let running = owner.launch(&plan, false).unwrap();
    let mut screen = Screen::new(running.terminal.unwrap());
    screen.wait_for("pid 2");
    screen.type_in("\x03");
    screen.wait_for("interrupted");
    assert_eq!(owner.exit(running.token).exit_code, Some(3));
}

/// Makes whoever changes its user dumpable, until dropped: what the kernel does by itself is 0.
struct SuidDumpable(String);

const SUID_DUMPABLE: &str = "/proc/sys/fs/suid_dumpable";

impl SuidDumpable {
    fn set() -> Option<Self> {
        let before = std::fs::read_to_string(SUID_DUMPABLE).ok()?;
        std::fs::write(SUID_DUMPABLE, "1").ok()?;
        Some(Self(before))
    }
}

impl Drop for SuidDumpable {
    fn drop(&mut self) {
        let _ = std::fs::write(SUID_DUMPABLE, &self.0);
    }
}

#[test]
fn what_is_a_copy_of_the_owner_is_not_open_to_its_user() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let Some(_dumpable) = SuidDumpable::set() else {
        eprintln!("skipped: needs a writable {SUID_DUMPABLE}");
        return;
    };
    for program in [
        Program::Init,
        Program::Supervise {
            args: ["busybox", "sleep", "100"].map(str::to_owned).to_vec(),
        },
    ] {
        let mut plan = plan("closed", rootfs.path(), "");
        plan.process.program = program;
        plan.process.user.uid = 1234;
        plan.process.user.gid = 1234;
        let running = owner.launch(&plan, false).unwrap();
        let memory = format!("/proc/{}/mem", pid_of(&running.pidfd));
        let of = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(memory).unwrap());
        assert_eq!(of, 0, "{:?}", plan.process.program);
        ctr_sys::pidfd::send_signal(running.pidfd.as_fd(), 9).unwrap();
        owner.wait(running);
        assert!(owner.is_clean_soon("closed"));
    }
}
