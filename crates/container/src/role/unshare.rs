//! Role `unshare`: run a command in new namespaces, in the caller's terminal, as unshare(1) does.
//!
//! Who it is: a child of the CLI, in its session and foreground process group. It holds nothing but
//! its stdio. It waits for the command and ends with its exit status. How its failure reaches the
//! user: one line on stderr and exit code 125, 126 or 127.

use std::ffi::CString;
use std::os::fd::AsFd;

use ctr_spec::plan::NamespaceKind;
use ctr_sys::clone::{Clone3, CloneFlags3, Cloned};
use ctr_sys::pidfd::Ended;
use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::sched::CloneFlags;
use serde::Deserialize;

use crate::failure::{Result, Step, call};
use crate::protocol::Failure;

/// What to make and what to run, as JSON on the command line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    namespaces: Vec<NamespaceKind>,
    /// Run the command as a child (needed to be PID 1 of a new PID namespace).
    #[serde(default)]
    fork: bool,
    /// Be root inside: map user and group 0 to the caller's.
    #[serde(default)]
    map_root_user: bool,
    #[serde(default)]
    map_user: Option<u32>,
    #[serde(default)]
    map_group: Option<u32>,
    /// Mount a new procfs on /proc (implies a mount namespace).
    #[serde(default)]
    mount_proc: bool,
    #[serde(default)]
    hostname: Option<String>,
    command: Vec<String>,
}

/// Run it. Returns the exit code.
pub fn run(options: &str) -> std::result::Result<i32, Failure> {
    let mut options: Options = serde_json::from_str(options).map_err(|cause| {
        Failure::new(
            "INVALID_ARGUMENT",
            "read the options",
            "decode",
            cause.to_string(),
        )
    })?;
    if options.mount_proc && !options.namespaces.contains(&NamespaceKind::Mount) {
        options.namespaces.push(NamespaceKind::Mount);
    }
    let (uid, gid) = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    let flags = options
        .namespaces
        .iter()
        .fold(CloneFlags::empty(), |flags, kind| {
            flags | super::launcher::flag(*kind)
        });
    if !options.fork {
        call("unshare", &format!("{flags:?}"), nix::sched::unshare(flags))
            .step_code(code(&options), "make the namespaces")?;
        return match enter(&options, uid, gid) {
            Ok(never) => match never {},
            Err(failure) => Err(failure),
        };
    }
    let request = Clone3 {
        flags: CloneFlags3::new(flags),
        exit_signal: 17,
        ..Clone3::default()
    };
    match ctr_sys::clone::clone3(&request).step_code(code(&options), "make the namespaces")? {
        Cloned::Child(_) => {
            let failure = match enter(&options, uid, gid) {
                Ok(never) => match never {},
                Err(failure) => failure,
            };
            let status = report(&failure);
            ctr_sys::process::exit_now(status)
        }
        Cloned::Parent(_, pidfd) => {
            ignore_terminal_signals();
            match ctr_sys::pidfd::wait(pidfd.as_fd()).step("wait for the command")? {
                Ended::Exited(code) => Ok(code),
                Ended::Killed(signal) => Ok(128 + signal),
            }
        }
    }
}

/// Print a failure as the CLI does and choose the exit code.
#[must_use]
pub fn report(failure: &Failure) -> i32 {
    use std::io::Write;
    let mut stderr = std::io::stderr();
    let _ = writeln!(stderr, "ctr-ts: {failure} [{}]", failure.code);
    let hint = match failure.code.as_str() {
        "COMMAND_NOT_FOUND" => "check the spelling and your PATH",
        "COMMAND_NOT_EXECUTABLE" => "check its mode and its first line (#!)",
        "PERMISSION_DENIED" => "ask for a user namespace too: --user --map-root-user",
        _ => "ctr-ts doctor says what is refused here",
    };
    let _ = writeln!(
        stderr,
        "  next: {}",
        failure.hint.as_deref().unwrap_or(hint)
    );
    match failure.code.as_str() {
        "COMMAND_NOT_FOUND" => 127,
        "COMMAND_NOT_EXECUTABLE" => 126,
        _ => 125,
    }
}

fn code(options: &Options) -> &'static str {
    if options.namespaces.contains(&NamespaceKind::User) {
        "UNSUPPORTED_ENVIRONMENT"
    } else {
        "PERMISSION_DENIED"
    }
}

/// In the namespaces: maps, propagation, procfs, names, the command.
fn enter(options: &Options, uid: u32, gid: u32) -> Result<std::convert::Infallible> {
    let (inside_uid, inside_gid) =
        match (options.map_root_user, options.map_user, options.map_group) {
            (true, _, _) => (Some(0), Some(0)),
            (false, user, group) => (user, group),
        };
    map("uid_map", inside_uid, uid)?;
    if inside_gid.is_some() {
        // ORDER: the kernel wants setgroups denied before an unprivileged gid_map (3.19).
        let path = "/proc/self/setgroups";
        call("write", path, std::fs::write(path, "deny")).step("map the group")?;
    }
    map("gid_map", inside_gid, gid)?;
    if options.namespaces.contains(&NamespaceKind::Mount) {
        let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        call(
            "mount",
            "/, MS_REC|MS_PRIVATE",
            nix::mount::mount(None::<&str>, "/", None::<&str>, flags, None::<&str>),
        )
        .step("make the mount namespace private")?;
    }
    if options.mount_proc {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        call(
            "mount",
            "proc, /proc",
            nix::mount::mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>),
        )
        .step_code("UNSUPPORTED_ENVIRONMENT", "mount /proc")?;
    }
    if let Some(hostname) = &options.hostname {
        call("sethostname", hostname, nix::unistd::sethostname(hostname))
            .step("set the host name")?;
    }
    let c_string = |text: &String| {
        CString::new(text.as_str()).map_err(|_| {
            Failure::new(
                "INVALID_ARGUMENT",
                "start the command",
                "execve",
                "a NUL byte in argv",
            )
        })
    };
    let args = options
        .command
        .iter()
        .map(c_string)
        .collect::<Result<Vec<_>>>()?;
    let program = args.first().ok_or_else(|| {
        Failure::new(
            "INVALID_ARGUMENT",
            "start the command",
            "execve",
            "no command",
        )
    })?;
    ctr_sys::process::reset_sigpipe();
    let Err(errno) = nix::unistd::execvp(program, &args);
    let code = if errno == Errno::ENOENT {
        "COMMAND_NOT_FOUND"
    } else {
        "COMMAND_NOT_EXECUTABLE"
    };
    let name = program.to_string_lossy();
    Err(Failure::system(
        code,
        format!("start {name}"),
        "execve",
        name,
        errno,
    ))
}

fn map(file: &str, inside: Option<u32>, outside: u32) -> Result<()> {
    let Some(inside) = inside else { return Ok(()) };
    let path = format!("/proc/self/{file}");
    let line = format!("{inside} {outside} 1\n");
    call(
        "write",
        &format!("{path}, {line:?}"),
        std::fs::write(&path, &line),
    )
    .step_code("UNSUPPORTED_ENVIRONMENT", "map the ids")
}

/// The command gets them from the terminal itself; its exit status is what we wait for.
fn ignore_terminal_signals() {
    let mut set = nix::sys::signal::SigSet::empty();
    for signal in [
        nix::sys::signal::Signal::SIGINT,
        nix::sys::signal::Signal::SIGQUIT,
        nix::sys::signal::Signal::SIGTERM,
    ] {
        set.add(signal);
    }
    let _ = set.thread_block();
}
