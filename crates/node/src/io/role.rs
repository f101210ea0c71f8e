//! Roles of the executable that run beside the launcher, with streams of the caller's choice.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use ctr_container::protocol::Exit;
use ctr_sys::pidfd;
use nix::unistd::Pid;

use super::engine::Engine;
use super::launcher;
use crate::event::{self, Address, Event};
use crate::fault::Fault;
use crate::stdio::ChildEnds;

/// A role that runs.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) address: Address,
    child: Child,
    pidfd: OwnedFd,
}

fn own_streams() -> std::io::Result<[OwnedFd; 3]> {
    Ok([
        std::io::stdin().as_fd().try_clone_to_owned()?,
        std::io::stdout().as_fd().try_clone_to_owned()?,
        std::io::stderr().as_fd().try_clone_to_owned()?,
    ])
}

impl Role {
    pub(super) fn signal(&self, number: i32) {
        // A role that ended just now needs no signal.
        let _ = pidfd::send_signal(self.pidfd.as_fd(), number);
    }
}

impl Engine {
    /// Spawn the executable with these arguments, our environment and working directory.
    pub(super) fn run_role(
        &mut self,
        address: Address,
        args: &[String],
        stdio: Option<ChildEnds>,
    ) -> Result<(), Fault> {
        let path = launcher::options()?.runtime_path;
        let mut command = Command::new(&path);
        command.args(args);
        let [stdin, stdout, stderr] = match stdio {
            Some(ChildEnds::Streams(streams)) => streams,
            Some(ChildEnds::Terminal(_)) => {
                return Err(Fault::new(
                    "INVALID_REQUEST",
                    "run a role: it has no terminal of its own",
                ));
            }
            // Node marks its own streams close-on-exec (uv_disable_stdio_inheritance): what is
            // merely inherited would be closed in the role.
            None => own_streams().map_err(|error| Fault::io("dup", "stdio", &error))?,
        };
        command
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr));
        let mut child = command
            .spawn()
            .map_err(|error| launcher::start_failed(&path, &error))?;
        // Closes our copies of the streams: a reader waits for the last writer.
        drop(command);
        let key = self.key();
        let watched = pidfd::open(Pid::from_raw(child.id().cast_signed()))
            .map_err(Fault::from)
            .and_then(|pidfd| self.watch(&pidfd, key).map(|()| pidfd));
        match watched {
            Ok(pidfd) => {
                self.roles.insert(
                    key,
                    Role {
                        address,
                        child,
                        pidfd,
                    },
                );
                Ok(())
            }
            Err(fault) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(fault)
            }
        }
    }

    pub(super) fn role_ended(&mut self, key: u64) {
        let Some(role) = self.roles.get_mut(&key) else {
            return;
        };
        let event = match role.child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) => {
                let exit = Exit {
                    exit_code: status.code(),
                    signal: status.signal(),
                    ..Exit::default()
                };
                Event::Exited { exit, reason: None }
            }
            Err(error) => Event::Failed {
                error: Fault::io("waitid", "role", &error),
            },
        };
        event::emit(role.address, &event);
        self.roles.remove(&key);
    }
}
