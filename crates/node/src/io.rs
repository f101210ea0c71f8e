//! The io thread: one per process, owner of every connection, fd and child of the addon.
//!
//! JavaScript threads only queue commands and wake it; parsing, planning, compiling, the state
//! store and the sockets are all its work, so that a launch costs the main thread a string copy.
//! A panic in here becomes a failure of what was pending; the thread goes on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use ctr_sys::terminal::WindowSize;
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::event::Address;
use crate::fault::Fault;
use crate::stdio::ChildEnds;

mod connection;
mod dispatch;
mod engine;
mod foreign;
pub(crate) mod launcher;
mod pid;
pub(crate) mod prepare;
mod relay;
mod role;
mod terminal;
mod tidy;

use engine::Engine;

/// What JavaScript asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Ready {
        address: Address,
    },
    Launch {
        address: Address,
        request: String,
        stdio: ChildEnds,
    },
    Exec {
        address: Address,
        request: String,
        stdio: ChildEnds,
    },
    Signal {
        address: Address,
        signal: i32,
        tree: bool,
    },
    Resize {
        address: Address,
        size: WindowSize,
    },
    Detach {
        address: Address,
    },
    Attach {
        address: Address,
        request: String,
        stdio: ChildEnds,
    },
    ApplyLayer {
        address: Address,
        blob: String,
        directory: String,
        options: String,
    },
    RemoveTree {
        address: Address,
        path: String,
    },
    Role {
        address: Address,
        args: Vec<String>,
        stdio: Option<ChildEnds>,
    },
    /// The environment of a sink ended: kill what it started.
    End {
        sink: u32,
    },
    KillLauncher,
}

/// What JavaScript threads and the io thread share.
#[derive(Debug)]
struct Shared {
    queue: Mutex<VecDeque<Command>>,
    wake: EventFd,
    launcher_pid: AtomicI32,
}

static SHARED: OnceLock<Result<Shared, Fault>> = OnceLock::new();

/// Queue a command; starts the thread with the first.
pub(crate) fn submit(command: Command) -> Result<(), Fault> {
    let shared = shared()?;
    shared
        .queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push_back(command);
    shared
        .wake
        .write(1)
        .map_err(|errno| Fault::io("write", "eventfd", &errno.into()))?;
    Ok(())
}

/// The launcher's pid as this process sees it, or 0.
pub(crate) fn launcher_pid() -> i32 {
    match SHARED.get() {
        Some(Ok(shared)) => shared.launcher_pid.load(Ordering::Relaxed),
        _ => 0,
    }
}

fn shared() -> Result<&'static Shared, Fault> {
    let mut first = false;
    let shared = SHARED.get_or_init(|| {
        first = true;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| Fault::io("eventfd", "", &errno.into()))?;
        Ok(Shared {
            queue: Mutex::default(),
            wake,
            launcher_pid: AtomicI32::new(0),
        })
    });
    let shared = shared.as_ref().map_err(Clone::clone)?;
    if first {
        let thread = std::thread::Builder::new().name("ctr-io".to_owned());
        thread
            .spawn(move || run(shared))
            .map_err(|error| Fault::io("clone", "ctr-io thread", &error))?;
    }
    Ok(shared)
}

fn run(shared: &'static Shared) {
    let mut engine: Option<Engine> = None;
    loop {
        let turn = catch_unwind(AssertUnwindSafe(|| {
            let current = match engine.take() {
                Some(current) => current,
                None => Engine::new(&shared.wake)?,
            };
            let current = engine.insert(current);
            current.wait()?;
            let commands =
                std::mem::take(&mut *shared.queue.lock().unwrap_or_else(PoisonError::into_inner));
            for command in commands {
                current.command(command);
            }
            current.flush();
            shared
                .launcher_pid
                .store(current.launcher_pid(), Ordering::Relaxed);
            Ok(())
        }));
        let fault = match turn {
            Ok(Ok(())) => continue,
            Ok(Err(fault)) => fault,
            Err(_) => Fault::internal("the io thread panicked"),
        };
        // What is pending learns it; dropping the engine closes the sockets, and with them the
        // launcher ends. The next command finds a new engine.
        shared.launcher_pid.store(0, Ordering::Relaxed);
        if let Some(broken) = engine.take() {
            broken.abandon(&fault);
        } else {
            // No engine could be made (descriptors have run out): answer what waits, and breathe.
            let commands =
                std::mem::take(&mut *shared.queue.lock().unwrap_or_else(PoisonError::into_inner));
            commands
                .iter()
                .filter_map(Command::address)
                .for_each(|address| crate::event::fail(address, fault.clone()));
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}

impl Command {
    /// Who waits for an answer.
    fn address(&self) -> Option<Address> {
        match self {
            Self::Ready { address }
            | Self::Launch { address, .. }
            | Self::Exec { address, .. }
            | Self::Attach { address, .. }
            | Self::ApplyLayer { address, .. }
            | Self::RemoveTree { address, .. }
            | Self::Role { address, .. } => Some(*address),
            Self::Signal { .. }
            | Self::Resize { .. }
            | Self::Detach { .. }
            | Self::End { .. }
            | Self::KillLauncher => None,
        }
    }
}
