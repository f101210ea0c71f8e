//! The Node.js addon: convert, call, convert.
//!
//! It decides nothing. JavaScript hands in JSON and numbers, the io thread (`io`) turns them
//! into requests to a launcher, and events go back as JSON through one callback per JavaScript
//! environment. Every function here returns at once; synchronous ones that read files (`plan`,
//! `listStates`, `cgroup`) read little. A function that fails throws an error whose message is the
//! JSON of a `NativeFailure`; the TypeScript side makes a `CtrError` of it.
//!
//! The surface is described, function by function, in `ts/native/src/addon.ts`.

mod channel;
mod event;
mod fault;
mod io;
mod raw_mode;
mod states;
mod stdio;

use std::path::PathBuf;

use napi::Env;
use napi::bindgen_prelude::Function;
use napi_derive::napi;

use event::Address;
use fault::Fault;
use io::Command;

/// `LauncherOptions` of addon.ts.
#[napi(object)]
pub struct LauncherOptions {
    /// Absolute path of ctr-runtime.
    pub runtime_path: String,
    /// Id maps of the holder user namespace.
    pub holder: Option<HolderOptions>,
    /// Absolute directory for the owner's socket.
    pub owner_directory: String,
}

/// `LauncherOptions.holder` of addon.ts.
#[napi(object)]
pub struct HolderOptions {
    /// Lines of uid_map.
    pub uid_map: Vec<Vec<u32>>,
    /// Lines of gid_map.
    pub gid_map: Vec<Vec<u32>>,
    /// Absolute path.
    pub newuidmap: Option<String>,
    /// Absolute path.
    pub newgidmap: Option<String>,
}

/// `StdioModes` of addon.ts.
#[napi(object)]
pub struct StdioModes {
    /// `pipe`, `null` or `inherit`.
    pub stdin: String,
    /// As stdin.
    pub stdout: String,
    /// As stdin.
    pub stderr: String,
    /// A terminal in place of the three.
    pub terminal: Option<WindowSize>,
}

/// `WindowSize` of addon.ts.
#[napi(object)]
pub struct WindowSize {
    /// Lines.
    pub rows: u32,
    /// Characters of a line.
    pub columns: u32,
}

/// `Stdio` of addon.ts.
#[napi(object)]
pub struct Stdio {
    /// Names the child's ends.
    pub handle: u32,
    /// Our end or -1.
    pub stdin: i32,
    /// Our end or -1.
    pub stdout: i32,
    /// Our end or -1.
    pub stderr: i32,
    /// Our end or -1.
    pub terminal: i32,
}

/// Say where the executable is.
#[napi]
pub fn configure(options: LauncherOptions) -> napi::Result<()> {
    let LauncherOptions {
        runtime_path,
        holder,
        owner_directory,
    } = options;
    let holder = holder.map(|holder| {
        let HolderOptions {
            uid_map,
            gid_map,
            newuidmap,
            newgidmap,
        } = holder;
        io::launcher::Holder {
            uid_map,
            gid_map,
            newuidmap,
            newgidmap,
        }
    });
    let (runtime_path, owner_directory) =
        (PathBuf::from(runtime_path), PathBuf::from(owner_directory));
    throw(io::launcher::configure(io::launcher::Options {
        runtime_path,
        holder,
        owner_directory,
    }))
}

/// Register an event sink; it gets each event as JSON.
#[napi]
pub fn attach(env: Env, on_event: Function<'_, String, ()>) -> napi::Result<u32> {
    let sink = event::attach(&on_event)?;
    env.add_env_cleanup_hook(sink, |sink| {
        event::detach(sink);
        // Without an io thread there is nothing to kill.
        let _ = io::submit(Command::End { sink });
    })?;
    Ok(sink)
}

/// Start the launcher if it does not run.
#[napi]
pub fn ready(sink: u32, token: u32) -> napi::Result<()> {
    submit(Command::Ready {
        address: Address { sink, token },
    })
}

/// Open standard streams.
#[napi]
pub fn open_stdio(modes: StdioModes) -> napi::Result<Stdio> {
    let opened = throw(match modes.terminal {
        Some(WindowSize { rows, columns }) => stdio::open_terminal(rows, columns),
        None => stdio::open([&modes.stdin, &modes.stdout, &modes.stderr]),
    })?;
    let [stdin, stdout, stderr, terminal] = opened.ours;
    Ok(Stdio {
        handle: opened.handle,
        stdin,
        stdout,
        stderr,
        terminal,
    })
}

/// Close the child's ends of unused streams.
#[napi]
pub fn close_stdio(handle: u32) {
    stdio::close(handle);
}

/// Launch a container.
#[napi]
pub fn launch(sink: u32, token: u32, request: String, stdio: u32) -> napi::Result<()> {
    let stdio = throw(stdio::take(stdio))?;
    submit(Command::Launch {
        address: Address { sink, token },
        request,
        stdio,
    })
}

/// Start a process in a running container.
#[napi]
pub fn exec(sink: u32, token: u32, request: String, stdio: u32) -> napi::Result<()> {
    let stdio = throw(stdio::take(stdio))?;
    submit(Command::Exec {
        address: Address { sink, token },
        request,
        stdio,
    })
}

/// Signal what a token started.
#[napi]
pub fn signal(sink: u32, token: u32, signal: i32, tree: bool) -> napi::Result<()> {
    submit(Command::Signal {
        address: Address { sink, token },
        signal,
        tree,
    })
}

/// Set the window size of a token's terminal.
#[napi]
pub fn resize(sink: u32, token: u32, rows: u32, columns: u32) -> napi::Result<()> {
    let size = throw(stdio::window_size(rows, columns))?;
    submit(Command::Resize {
        address: Address { sink, token },
        size,
    })
}

/// Leave a process with a terminal to its launcher.
#[napi]
pub fn detach(sink: u32, token: u32) -> napi::Result<()> {
    submit(Command::Detach {
        address: Address { sink, token },
    })
}

/// Connect to the terminal of a running container.
#[napi]
pub fn attach_terminal(sink: u32, token: u32, request: String, stdio: u32) -> napi::Result<()> {
    let stdio = throw(stdio::take(stdio))?;
    submit(Command::Attach {
        address: Address { sink, token },
        request,
        stdio,
    })
}

/// Apply a layer blob to a directory.
#[napi]
pub fn apply_layer(
    sink: u32,
    token: u32,
    blob: String,
    directory: String,
    options: String,
) -> napi::Result<()> {
    submit(Command::ApplyLayer {
        address: Address { sink, token },
        blob,
        directory,
        options,
    })
}

/// Remove a directory tree as the launcher.
#[napi]
pub fn remove_tree(sink: u32, token: u32, path: String) -> napi::Result<()> {
    submit(Command::RemoveTree {
        address: Address { sink, token },
        path,
    })
}

/// The Plan that `launch` would execute.
#[napi]
pub fn plan(request: String) -> napi::Result<String> {
    let plan = throw(io::prepare::plan(&request))?;
    throw(serde_json::to_string(&plan).map_err(|_| Fault::internal("encode a plan")))
}

/// Every container below a state root.
#[napi]
pub fn list_states(state_root: String) -> napi::Result<String> {
    throw(states::list(&state_root))
}

/// Signal a container of another process.
#[napi]
pub fn signal_state(state_root: String, id: String, signal: i32) -> napi::Result<()> {
    throw(states::signal(&state_root, &id, signal))
}

/// Remove the record of a container that has ended.
#[napi]
pub fn remove_state(state_root: String, id: String) -> napi::Result<()> {
    throw(states::remove(&state_root, &id))
}

/// Remove what dead owners left.
#[napi]
pub fn prune(sink: u32, token: u32, state_root: String) -> napi::Result<()> {
    throw(states::prune(Address { sink, token }, state_root))
}

/// Run a role of the executable.
#[napi]
pub fn run_role(sink: u32, token: u32, args: Vec<String>, stdio: Option<u32>) -> napi::Result<()> {
    let stdio = throw(stdio.map(stdio::take).transpose())?;
    submit(Command::Role {
        address: Address { sink, token },
        args,
        stdio,
    })
}

/// Make the terminal of our own stdin raw.
#[napi]
pub fn enter_raw_mode() -> napi::Result<()> {
    throw(raw_mode::enter())
}

/// Give the terminal of our own stdin back.
#[napi]
pub fn leave_raw_mode() -> napi::Result<()> {
    throw(raw_mode::leave())
}

/// An operation on control groups.
#[napi]
pub fn cgroup(operation: String) -> napi::Result<String> {
    throw(ctr_cgroup::operation(&operation).map_err(Fault::from))
}

/// Kill the launcher.
#[napi]
pub fn kill_launcher_for_test() -> napi::Result<()> {
    submit(Command::KillLauncher)
}

/// pid of the launcher, or 0.
#[napi]
pub fn launcher_pid() -> i32 {
    io::launcher_pid()
}

fn submit(command: Command) -> napi::Result<()> {
    throw(io::submit(command))
}

fn throw<T>(result: Result<T, Fault>) -> napi::Result<T> {
    result.map_err(|fault| fault.thrown())
}
