//! A client of a launcher of its own, ended with it.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ctr_container::envelope::{ExecPlan, InitPlan};
use ctr_container::protocol::{Exit, Failure, Launch, Reply, Request};
use ctr_spec::plan::{Plan, Process};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, socketpair, sockopt,
};
use nix::sys::time::TimeVal;

/// One launcher and a directory for its containers' state.
pub(crate) struct Owner {
    socket: OwnedFd,
    /// The launcher's pidfd.
    pub(crate) pidfd: OwnedFd,
    /// Parent of state directories.
    pub(crate) state: tempfile::TempDir,
    next: u64,
}

/// A started process, its output still in the pipe.
pub(crate) struct Running {
    pub(crate) token: u64,
    pub(crate) pidfd: OwnedFd,
    /// Features reported as enforced.
    pub(crate) enforced: Vec<String>,
    /// Features reported as asked for and not had.
    pub(crate) refused: Vec<String>,
    /// Master of its terminal, if it has one.
    pub(crate) terminal: Option<OwnedFd>,
    stdout: OwnedFd,
}

impl Running {
    /// What it writes, before its end.
    pub(crate) fn stdout(&self) -> &OwnedFd {
        &self.stdout
    }
}

impl Owner {
    pub(crate) fn start() -> Self {
        Self::start_at(None)
    }

    /// A launcher that other clients can reach at `path`.
    pub(crate) fn start_at(path: Option<&Path>) -> Self {
        let options = serde_json::json!({"holder": null, "ownerSocket": path});
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )
        .unwrap();
        setsockopt(&ours, sockopt::ReceiveTimeout, &TimeVal::new(10, 0)).unwrap();
        let mut stub = Command::new(env!("CARGO_BIN_EXE_ctr-runtime"))
            .args(["launcher", &options.to_string()])
            .stdin(Stdio::from(theirs))
            .env_clear()
            .spawn()
            .unwrap();
        assert!(stub.wait().unwrap().success());
        let (reply, mut descriptors) = receive(&ours);
        assert!(matches!(reply, Reply::Hello { .. }), "{reply:?}");
        Self {
            socket: ours,
            pidfd: descriptors.remove(0),
            state: tempfile::tempdir().unwrap(),
            next: 1,
        }
    }

    pub(crate) fn launch(&mut self, plan: &Plan, keep: bool) -> Result<Running, Failure> {
        let token = self.token();
        let directory = self.state.path().join(&plan.id);
        std::fs::create_dir(&directory).unwrap();
        let lock = std::fs::File::create(directory.join("lock")).unwrap();
        let request = Request::Launch(Box::new(Launch {
            token,
            id: plan.id.clone(),
            namespaces: plan.namespaces.clone(),
            id_maps: plan.id_maps.clone(),
            cgroup: plan.cgroup.clone(),
            state_directory: directory.display().to_string(),
            name_file: None,
            terminal: plan.process.terminal,
            upper: None,
            keep,
        }));
        let memfd = sealed(&InitPlan {
            plan: plan.clone(),
            bpf: Vec::new(),
        });
        self.start_process(
            token,
            &request,
            &memfd,
            plan.process.terminal,
            Some(lock.as_fd()),
        )
    }

    pub(crate) fn exec(&mut self, id: &str, process: &Process) -> Result<Running, Failure> {
        let token = self.token();
        let memfd = sealed(&ExecPlan {
            process: process.clone(),
            bpf: Vec::new(),
        });
        self.start_process(
            token,
            &Request::Exec {
                token,
                id: id.to_owned(),
                terminal: process.terminal,
            },
            &memfd,
            process.terminal,
            None,
        )
    }

    fn start_process(
        &mut self,
        token: u64,
        request: &Request,
        memfd: &OwnedFd,
        terminal: bool,
        lock: Option<BorrowedFd<'_>>,
    ) -> Result<Running, Failure> {
        let null = std::fs::File::open("/dev/null").unwrap();
        let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        let mut descriptors = vec![memfd.as_fd()];
        if !terminal {
            descriptors.extend([null.as_fd(), write.as_fd(), write.as_fd()]);
        }
        descriptors.extend(lock);
        self.send(request, &descriptors);
        drop(write);
        self.started(token, read)
    }

    /// Take the terminal of a container that another client has left.
    pub(crate) fn attach(&mut self, id: &str) -> Result<Running, Failure> {
        let token = self.token();
        let id = id.to_owned();
        self.send(&Request::Attach { token, id }, &[]);
        let (read, _) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        self.started(token, read)
    }

    /// The end of this client's connection, which for the first client is Node's end.
    pub(crate) fn hang_up(&mut self) {
        let (other, _) = nix::unistd::pipe().unwrap();
        self.socket = other;
    }

    /// A second client of the launcher that listens at `path`.
    pub(crate) fn connect(&self, path: &Path) -> Self {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).unwrap();
        connect(socket.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(10, 0)).unwrap();
        Self {
            socket,
            pidfd: self.pidfd.try_clone().unwrap(),
            state: tempfile::tempdir().unwrap(),
            next: 1,
        }
    }

    fn started(&mut self, token: u64, read: OwnedFd) -> Result<Running, Failure> {
        match receive(&self.socket) {
            (
                Reply::Started {
                    token: started,
                    enforcement,
                },
                descriptors,
            ) => {
                assert_eq!(started, token);
                let mut descriptors = descriptors.into_iter();
                let (enforced, refused): (Vec<_>, Vec<_>) =
                    enforcement.into_iter().partition(|row| row.enforced);
                Ok(Running {
                    enforced: enforced.into_iter().map(|row| row.feature).collect(),
                    refused: refused.into_iter().map(|row| row.feature).collect(),
                    token,
                    pidfd: descriptors.next().unwrap(),
                    terminal: descriptors.next(),
                    stdout: read,
                })
            }
            (Reply::Failed { failure, .. }, _) => Err(failure),
            (other, _) => panic!("{other:?}"),
        }
    }

    pub(crate) fn send(&self, request: &Request, descriptors: &[BorrowedFd<'_>]) {
        let message = postcard::to_stdvec(request).unwrap();
        ctr_sys::socket::send(self.socket.as_fd(), &message, descriptors).unwrap();
    }

    /// How a process with a terminal ended.
    pub(crate) fn exit(&self, token: u64) -> Exit {
        match receive(&self.socket) {
            (Reply::Exited { token: ended, exit }, _) if ended == token => exit,
            (other, _) => panic!("{other:?}"),
        }
    }

    /// The process's end and all that it wrote.
    pub(crate) fn wait(&self, running: Running) -> (Exit, String) {
        let mut text = String::new();
        std::fs::File::from(running.stdout)
            .read_to_string(&mut text)
            .unwrap();
        match receive(&self.socket) {
            (Reply::Exited { token, exit }, _) => {
                assert_eq!(token, running.token);
                (exit, text)
            }
            (other, _) => panic!("{other:?}"),
        }
    }

    /// Whether the container's state directory goes within a second of its end.
    pub(crate) fn is_clean_soon(&self, id: &str) -> bool {
        let directory = self.state.path().join(id);
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            !directory.exists()
        })
    }

    pub(crate) fn receive(&self) -> Reply {
        receive(&self.socket).0
    }

    fn token(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = ctr_sys::pidfd::send_signal(self.pidfd.as_fd(), 9);
        let _ = ctr_sys::pidfd::wait(self.pidfd.as_fd());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ask until the answer is yes, for a few seconds.
pub(crate) fn eventually(mut question: impl FnMut() -> bool) -> bool {
    (0..100).any(|_| {
        let answer = question();
        if !answer {
            std::thread::sleep(Duration::from_millis(30));
        }
        answer
    })
}

/// The pid behind a pidfd, as this process sees it.
pub(crate) fn pid_of(pidfd: &OwnedFd) -> i32 {
    let info = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let info = std::fs::read_to_string(info).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    pid.unwrap().trim().parse().unwrap()
}

fn receive(socket: &OwnedFd) -> (Reply, Vec<OwnedFd>) {
    let mut buffer = vec![0; ctr_container::protocol::MAX_MESSAGE_BYTES];
    let (length, descriptors) = ctr_sys::socket::receive(socket.as_fd(), &mut buffer).unwrap();
    assert_ne!(length, 0, "the launcher ended");
    (
        postcard::from_bytes(&buffer[..length]).unwrap(),
        descriptors,
    )
}

fn sealed<T: serde::Serialize>(value: &T) -> OwnedFd {
    ctr_sys::memfd::sealed("plan", &postcard::to_stdvec(value).unwrap()).unwrap()
}
