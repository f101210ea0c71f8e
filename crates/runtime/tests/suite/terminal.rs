//! Terminals: what the process sees of its own, who may hold it, what outlives whom.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use ctr_container::protocol::{Reply, Request};
use ctr_spec::plan::{Capabilities, Program};
use ctr_sys::terminal::{WindowSize, set_window_size};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use crate::owner::{Owner, eventually, pid_of};
use crate::plan::{busybox, plan, process, rootfs, terminal_process, with_terminal};

/// A master, and what it said so far.
pub(crate) struct Screen {
    master: OwnedFd,
    text: String,
}

impl Screen {
    pub(crate) fn new(master: OwnedFd) -> Self {
        Self {
            master,
            text: String::new(),
        }
    }

    pub(crate) fn type_in(&self, text: &str) {
        nix::unistd::write(&self.master, text.as_bytes()).unwrap();
    }

    /// Read until `wanted` shows; what came before it is consumed with it.
    pub(crate) fn wait_for(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(position) = self.text.find(wanted) {
                let rest = self.text.split_off(position + wanted.len());
                return std::mem::replace(&mut self.text, rest);
            }
            assert!(
                Instant::now() < deadline,
                "no {wanted:?} in {:?}",
                self.text
            );
            assert!(self.read(), "ended before {wanted:?}: {:?}", self.text);
        }
    }

    /// Read to the end.
    fn rest(mut self) -> String {
        while self.read() {}
        self.text
    }

    /// False at the end.
    fn read(&mut self) -> bool {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, 200u16).unwrap();
        let mut buffer = [0; 4096];
        match nix::unistd::read(&self.master, &mut buffer) {
            Ok(count) => {
                self.text
                    .push_str(&String::from_utf8_lossy(&buffer[..count]));
                true
            }
            Err(Errno::EAGAIN) => true,
            Err(Errno::EIO) => false,
            Err(errno) => panic!("{errno}"),
        }
    }
}

#[test]
fn the_streams_are_a_terminal_of_the_container_s_own() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script = "busybox tty; for fd in 0 1 2; do test -t $fd && echo $fd; done; busybox stty size; \
                  busybox readlink /proc/self/fd/0; busybox stat -c '%u %g %a' /dev/pts/0; \
                  busybox stat -c '%t:%T' /dev/console; echo console > /dev/console; \
                  echo tty > /dev/tty; busybox ls -1 /dev/pts";
    let mut plan = with_terminal(plan("view", rootfs.path(), script));
    plan.process.user.uid = 1234;
    plan.process.user.gid = 77;
    plan.devices.push(ctr_spec::plan::Device {
        path: "/dev/tty".to_owned(),
        kind: ctr_spec::plan::DeviceKind::Char,
        major: 5,
        minor: 0,
        mode: 0o666,
        uid: 0,
        gid: 0,
    });
    let running = owner.launch(&plan, false).unwrap();
    let text = Screen::new(running.terminal.unwrap()).rest();
    assert_eq!(owner.exit(running.token).exit_code, Some(0), "{text}");
    assert_eq!(
        text.replace("\r\n", "\n"),
        "/dev/pts/0\n0\n1\n2\n24 80\n/dev/pts/0\n1234 0 620\n88:0\nconsole\ntty\n0\nptmx\n"
    );
    assert!(owner.is_clean_soon("view"));
}

#[test]
fn the_window_follows_and_control_characters_are_signals_to_the_foreground() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script = "trap 'echo size $(busybox stty size)' WINCH; trap 'echo interrupted; exit 9' INT; \
                  echo ready; while :; do busybox sleep 0.05; done";
    let running = owner
        .launch(&with_terminal(plan("window", rootfs.path(), script)), false)
        .unwrap();
    let master = running.terminal.unwrap();
    let mut screen = Screen::new(master.try_clone().unwrap());
    screen.wait_for("ready");
    let size = WindowSize {
        rows: 50,
        columns: 132,
    };
    set_window_size(master.as_fd(), size).unwrap();
    screen.wait_for("size 50 132");
    screen.type_in("\x03");
    screen.wait_for("interrupted");
    drop((master, screen));
    assert_eq!(owner.exit(running.token).exit_code, Some(9));
}

#[test]
fn a_further_process_has_one_too() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let mut held = with_terminal(plan("held", rootfs.path(), ""));
    held.process.program = Program::Init;
    let init = owner.launch(&held, false).unwrap();
    let script =
        "busybox tty; busybox stty size; cat() { read line; echo \"got $line\"; }; cat; exit 4";
    let running = owner
        .exec("held", &terminal_process(process(script)))
        .unwrap();
    let mut screen = Screen::new(running.terminal.unwrap());
    assert_eq!(
        screen.wait_for("24 80\r\n"),
        "/dev/pts/1\r\n24 80\r\n",
        "its own, beside the container's"
    );
    screen.type_in("hello\n");
    screen.wait_for("got hello\r\n");
    assert_eq!(screen.rest(), "");
    assert_eq!(owner.exit(running.token).exit_code, Some(4));
    ctr_sys::pidfd::send_signal(init.pidfd.as_fd(), 15).unwrap();
    owner.exit(init.token);
}

#[test]
fn whatever_is_no_multiplexer_is_refused() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    // An image that brings its own, and no devpts over it.
    let pts = rootfs.path().join("dev/pts");
    std::fs::create_dir_all(&pts).unwrap();
    nix::unistd::mkfifo(
        &pts.join("ptmx"),
        nix::sys::stat::Mode::from_bits_truncate(0o666),
    )
    .unwrap();
    let mut without = plan("without", rootfs.path(), "true");
    without.mounts.retain(|mount| mount.destination == "/proc");
    without.dev_links.clear();
    without.process = terminal_process(without.process);
    let failure = owner.launch(&without, false).map(|_| ()).unwrap_err();
    assert_eq!(failure.code, "TERMINAL_REFUSED", "{failure}");
    assert!(failure.to_string().contains("not a devpts"), "{failure}");
    std::fs::remove_dir_all(rootfs.path().join("dev")).unwrap();

    // A container that mounts something over it before a further process comes.
    for (id, covering) in [
        ("file", "busybox mount -o bind /bin/busybox /dev/pts/ptmx"),
        (
            "tree",
            "busybox mount -t tmpfs none /dev/pts; busybox mkfifo /dev/pts/ptmx",
        ),
        (
            "link",
            "busybox umount /dev/pts && busybox rmdir /dev/pts && busybox ln -s /proc /dev/pts",
        ),
    ] {
        let script = format!("{covering} && echo covered && busybox sleep 100");
        let mut covering = with_terminal(plan(id, rootfs.path(), &script));
        // CAP_DAC_OVERRIDE and CAP_SYS_ADMIN.
        let rights = 1 << 1 | 1 << 21;
        covering.process.capabilities = Capabilities {
            bounding: rights,
            effective: rights,
            permitted: rights,
            inheritable: rights,
            ambient: rights,
        };
        covering.process.terminal = false;
        covering.process.console_size = None;
        covering.process.no_new_privileges = false;
        let running = owner.launch(&covering, false).unwrap();
        let mut line = [0; 8];
        nix::unistd::read(running.stdout(), &mut line).unwrap();
        assert_eq!(&line, b"covered\n", "{id}");
        let failure = owner
            .exec(id, &terminal_process(process("true")))
            .map(|_| ())
            .unwrap_err();
        assert_eq!(failure.code, "TERMINAL_REFUSED", "{id}: {failure}");
        ctr_sys::pidfd::send_signal(running.pidfd.as_fd(), 9).unwrap();
        owner.wait(running);
    }
}

#[test]
fn a_console_that_leads_elsewhere_is_left_alone_and_reported() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    std::fs::create_dir(rootfs.path().join("dev")).unwrap();
    std::os::unix::fs::symlink("/bin/busybox", rootfs.path().join("dev/console")).unwrap();
    let mut hostile = with_terminal(plan("link", rootfs.path(), "busybox tty; test -t 0"));
    hostile.mounts.retain(|mount| mount.destination != "/dev");
    let running = owner.launch(&hostile, false).unwrap();
    assert_eq!(running.refused, ["mount /dev/console"]);
    assert!(running.enforced.contains(&"terminal".to_owned()));
    // The program that the link leads to still runs.
    let text = Screen::new(running.terminal.unwrap()).rest();
    assert_eq!(text, "/dev/pts/0\r\n");
    assert_eq!(owner.exit(running.token).exit_code, Some(0));
}

#[test]
fn a_detached_container_outlives_its_client_and_its_launcher_no_longer_than_it() {
    let Some(busybox) = busybox() else { return };
    let rootfs = rootfs(busybox);
    let sockets = tempfile::tempdir().unwrap();
    let path = sockets.path().join("owner.sock");
    let mut owner = Owner::start_at(Some(&path));
    let script = "busybox yes flood | busybox head -c 1000000; echo; echo prompt; read line; \
                  echo \"got $line\"; read line; exit 6";
    let running = owner
        .launch(&with_terminal(plan("left", rootfs.path(), script)), true)
        .unwrap();
    let killed = owner
        .launch(&plan("killed", rootfs.path(), "busybox sleep 100"), false)
        .unwrap();
    let mut second = owner.connect(&path);
    let busy = second.attach("left").map(|_| ()).unwrap_err();
    assert_eq!(busy.code, "TERMINAL_BUSY");
    for (id, code) in [
        ("killed", "NO_TERMINAL"),
        ("nobody", "CONTAINER_NOT_RUNNING"),
    ] {
        assert_eq!(second.attach(id).map(|_| ()).unwrap_err().code, code);
    }
    owner.send(
        &Request::Detach {
            token: killed.token,
        },
        &[],
    );
    assert!(
        matches!(owner.receive(), Reply::DetachFailed { failure, .. } if failure.code == "NO_TERMINAL")
    );
    owner.send(
        &Request::Detach {
            token: running.token,
        },
        &[],
    );
    assert!(matches!(owner.receive(), Reply::Detached { token } if token == running.token));
    drop(running);
    owner.hang_up();
    assert!(
        ended(&killed.pidfd, 2000),
        "what was not detached is killed"
    );
    // The flood is more than a terminal holds: it went on only because it was read.
    std::thread::sleep(Duration::from_millis(700));

    let attached = second.attach("left").unwrap();
    let mut screen = Screen::new(attached.terminal.unwrap());
    let mut third = second.connect(&path);
    assert_eq!(
        third.attach("left").map(|_| ()).unwrap_err().code,
        "TERMINAL_BUSY"
    );
    screen.type_in("hello\n");
    screen.wait_for("got hello");
    drop(screen);
    // An attached client that is gone has not ended it.
    second.hang_up();
    let mut again = None;
    let free = eventually(|| {
        again = third.attach("left").ok();
        again.is_some()
    });
    assert!(free, "it is still held");
    let again = again.unwrap();
    let screen = Screen::new(again.terminal.unwrap());
    assert!(!ended(&owner.pidfd, 0), "the launcher lives");
    screen.type_in("\n");
    assert_eq!(third.exit(again.token).exit_code, Some(6));
    assert!(ended(&owner.pidfd, 3000), "the launcher stayed");
    let exit = std::fs::read_to_string(owner.state.path().join("left/exit.json")).unwrap();
    assert!(exit.contains("\"exitCode\":6"), "{exit}");
    assert!(!owner.state.path().join("killed").exists());
    assert!(!path.exists(), "the owner's socket");
}

#[test]
fn what_a_detached_container_shows_does_not_stay_in_the_launcher() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    // Written so that only the output has the word.
    let script = "busybox sleep 0.3; busybox yes sec\"\"ret-$((6*7))-word | busybox head -c 300000";
    let running = owner
        .launch(&with_terminal(plan("secret", rootfs.path(), script)), false)
        .unwrap();
    let token = running.token;
    owner.send(&Request::Detach { token }, &[]);
    assert!(matches!(owner.receive(), Reply::Detached { .. }));
    // It ends because all that it said was read, by the launcher.
    assert!(ended(&running.pidfd, 5000));
    assert!(owner.is_clean_soon("secret"));
    assert!(holds(&owner, b"ctr-runtime"), "the search finds nothing");
    assert!(!holds(&owner, b"secret-42-word"));
}

/// Whether a launcher has these bytes in its memory.
fn holds(owner: &Owner, wanted: &[u8]) -> bool {
    let process = format!("/proc/{}", pid_of(&owner.pidfd));
    let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
    let memory = std::fs::File::open(format!("{process}/mem")).unwrap();
    maps.lines().any(|line| {
        let range = line.split(' ').next().unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // What cannot be read ([vvar]) is the kernel's.
        let read = std::os::unix::fs::FileExt::read_at(&memory, &mut bytes, start).unwrap_or(0);
        bytes[..read]
            .windows(wanted.len())
            .any(|bytes| bytes == wanted)
    })
}

#[test]
fn a_launcher_with_an_idle_detached_container_does_nothing() {
    let Some(busybox) = busybox() else { return };
    let rootfs = rootfs(busybox);
    let mut owner = Owner::start();
    // Every process lets go of the terminal, which then reports a hang-up to whoever reads it.
    let script = "exec busybox sleep 100 <&- >&- 2>&-";
    let running = owner
        .launch(&with_terminal(plan("idle", rootfs.path(), script)), false)
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    owner.send(
        &Request::Detach {
            token: running.token,
        },
        &[],
    );
    assert!(matches!(owner.receive(), Reply::Detached { .. }));
    owner.hang_up();
    let before = cpu_ticks(&owner);
    std::thread::sleep(Duration::from_millis(500));
    assert!(cpu_ticks(&owner) - before <= 1, "the launcher is busy");
    ctr_sys::pidfd::send_signal(running.pidfd.as_fd(), 9).unwrap();
    assert!(ended(&owner.pidfd, 3000), "the launcher stayed");
    assert!(!owner.state.path().join("idle").exists());
}

#[test]
fn a_client_that_holds_on_to_what_has_ended_costs_nothing() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let running = owner
        .launch(&with_terminal(plan("held", rootfs.path(), "true")), false)
        .unwrap();
    assert_eq!(owner.exit(running.token).exit_code, Some(0));
    let before = cpu_ticks(&owner);
    std::thread::sleep(Duration::from_millis(500));
    assert!(cpu_ticks(&owner) - before <= 1, "the launcher is busy");
    drop(running);
}

#[test]
fn a_detached_further_process_ends_with_its_container() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let mut held = plan("held", rootfs.path(), "");
    held.process.program = Program::Init;
    held.mounts = with_terminal(plan("held", rootfs.path(), "")).mounts;
    let init = owner.launch(&held, false).unwrap();
    let script = "busybox yes | busybox head -c 100000; busybox sleep 100";
    let running = owner
        .exec("held", &terminal_process(process(script)))
        .unwrap();
    owner.send(
        &Request::Detach {
            token: running.token,
        },
        &[],
    );
    assert!(matches!(owner.receive(), Reply::Detached { .. }));
    assert!(!ended(&running.pidfd, 100));
    ctr_sys::pidfd::send_signal(init.pidfd.as_fd(), 15).unwrap();
    owner.exit(init.token);
    assert!(ended(&running.pidfd, 2000));
    owner.hang_up();
    assert!(ended(&owner.pidfd, 3000), "the launcher stayed");
}

fn cpu_ticks(owner: &Owner) -> u64 {
    let stat = format!("/proc/{}/stat", pid_of(&owner.pidfd));
    let stat = std::fs::read_to_string(stat).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_ascii_whitespace()
        .collect();
    // utime and stime.
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn ended(pidfd: &OwnedFd, timeout_ms: u16) -> bool {
    let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, timeout_ms).unwrap() == 1
}
