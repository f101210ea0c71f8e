//! The last steps of `init` and of an `exec`: identity, limits, filter, execve.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use caps::{CapSet, CapsHashSet};
use ctr_spec::plan::{Process, Program};
use ctr_sys::clone::Child;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid};

use crate::failure::{Result, Step, call};
use crate::protocol::{Enforcement, Failure};
use crate::report::{self, Report};
use crate::role::stdio::Stdio;
use crate::role::user::{self, Identity};
use crate::role::{enforcement, idle, rlimit, supervise, view};

/// A process that stands in its container and has only itself left to set up.
pub(crate) struct Prepared {
    pub(crate) process: Process,
    pub(crate) bpf: Vec<u8>,
    pub(crate) stdio: Stdio,
    /// PID 1 of a new container rather than a further process.
    pub(crate) is_init: bool,
    pub(crate) enforcement: Vec<Enforcement>,
}

/// A program of the image, found, with all that execve wants.
pub(crate) struct Command {
    path: CString,
    args: Vec<CString>,
    env: Vec<CString>,
}

/// Execute a program; what comes back is why it could not.
pub(crate) fn execute(command: &Command) -> Failure {
    let Err(errno) = nix::unistd::execve(&command.path, &command.args, &command.env);
    exec_failure(&command.path, errno)
}

/// What is left to run once everything is given up.
enum Runnable {
    Execve(Command),
    Idle,
    Supervise(Command),
    View,
}

/// Do the steps and become the program: never returns.
pub(crate) fn start(child: &Child, prepared: Prepared, report: &OwnedFd) -> ! {
    let failure = match prepare(prepared, report) {
        Ok((Runnable::Execve(command), enforcement)) => {
            report::send(report.as_fd(), &Report::Ready(enforcement), &[]);
            execute(&command)
        }
        Ok((Runnable::Supervise(command), enforcement)) => {
            report::send(report.as_fd(), &Report::Ready(enforcement), &[]);
            supervise::run(child, &command, report)
        }
        Ok((runnable, enforcement)) => {
            report::send(report.as_fd(), &Report::Ready(enforcement), &[]);
            // SECURITY: what execve closes must be closed by hand: the plan, the cgroup's `tasks`,
            // and the report socket, whose end means that the program runs.
            if ctr_sys::fd::close_all_except(child, &[]).is_err() {
                ctr_sys::process::exit_now(1);
            }
            match runnable {
                Runnable::View => view::run(),
                _ => idle::run(),
            }
        }
        Err(failure) => failure,
    };
    report::send(report.as_fd(), &Report::Failed(failure), &[]);
    ctr_sys::process::exit_now(1)
}

fn prepare(prepared: Prepared, report: &OwnedFd) -> Result<(Runnable, Vec<Enforcement>)> {
    let Prepared {
        process,
        bpf,
        stdio,
        is_init,
        mut enforcement,
    } = prepared;
    let identity = user::resolve(&process.user)?;
    // 10. Limits and mask.
    for limit in &process.rlimits {
        set_rlimit(&limit.resource, limit.soft, limit.hard)?;
    }
    if let Some(umask) = process.user.umask {
        nix::sys::stat::umask(Mode::from_bits_truncate(umask));
    }
    // 11. stdio, owned by the user so that /dev/stdout can be opened again.
    // ORDER: after setsid, which a controlling terminal needs, and while root may chown it.
    enforcement.extend(stdio.take(&identity, process.console_size, report)?);
    // 12. The filter, now if privilege is what allows it.
    // ORDER: without no_new_privs the kernel wants CAP_SYS_ADMIN, which step 13 gives up; the
    // calls of step 13 and execve must then pass the filter.
    let log = wants_log(&process);
    if !bpf.is_empty() && !process.no_new_privileges {
        ctr_sys::seccomp::install(&bpf, log)
            .step_code("SECCOMP_FAILED", "install the system call filter")?;
    }
    // 13. Identity and capabilities.
    // ORDER: a missing working directory is made before that, as the container's root.
    if is_init {
        make_directory(&process.cwd)?;
    }
    enforcement.extend(become_user(&process, &identity)?);
    // SECURITY: the change of user makes us dumpable again where fs.suid_dumpable says so, and the
    // container may run that user's processes already: the command below our supervisor, or the
    // container's own around an `exec`. They must not open what is a copy of the owner's memory.
    // The program is dumpable: execve sees to that.
    call(
        "prctl",
        "PR_SET_DUMPABLE, 0",
        nix::sys::prctl::set_dumpable(false),
    )
    .step("stay undumpable")?;
    // 14. Working directory, as the user.
    enter_directory(&process.cwd)?;
    // ORDER: the program is looked for as the user who will execute it.
    let runnable = runnable(&process, &identity)?;
    // 15. No new privileges, then the filter as the last thing.
    if process.no_new_privileges {
        call(
            "prctl",
            "PR_SET_NO_NEW_PRIVS",
            nix::sys::prctl::set_no_new_privs(),
        )
        .step("set no_new_privs")?;
        if !bpf.is_empty() {
            ctr_sys::seccomp::install(&bpf, log)
                .step_code("SECCOMP_FAILED", "install the system call filter")?;
        }
    }
    enforcement.extend(enforcement::of_process(&process));
    Ok((runnable, enforcement))
}

/// A session keyring of its own, or the report that there is none.
pub(crate) fn new_keyring() -> Option<Enforcement> {
    let error = ctr_sys::keyring::join_new_session().err()?;
    Some(Enforcement {
        feature: "session keyring".to_owned(),
        requested: "preferred".to_owned(),
        supported: error.errno() != Errno::ENOSYS,
        enforced: false,
        reason: Some(error.to_string()),
    })
}

/// Write oom_score_adj through the procfs that is visible now.
pub(crate) fn set_oom_score(process: &Process) -> Result<()> {
    let Some(score) = process.oom_score_adj else {
        return Ok(());
    };
    let path = "/proc/self/oom_score_adj";
    call(
        "write",
        &format!("{path}, {score}"),
        std::fs::write(path, score.to_string()),
    )
    .step_code(
        "OOM_SCORE_REFUSED",
        &format!("set oom_score_adj to {score}"),
    )
}

fn set_rlimit(resource: &str, soft: u64, hard: u64) -> Result<()> {
    let number = rlimit::number(resource)
        .ok_or_else(|| Failure::new("INVALID_SPEC", "set a resource limit", "lookup", resource))?;
    ctr_sys::process::set_rlimit(number, soft, hard).step_code(
        "RLIMIT_REFUSED",
        &format!("set {resource} to {soft}:{hard}"),
    )
}

/// Give up what the plan does not grant.
fn become_user(process: &Process, identity: &Identity) -> Result<Option<Enforcement>> {
    let step = "drop capabilities";
    let wanted = process.capabilities;
    for capability in (0..64).filter(|number| wanted.bounding & (1 << number) == 0) {
        if !ctr_sys::process::drop_bounding(capability).step(step)? {
            // Beyond the kernel's last capability, which ends the list.
            break;
        }
    }
    // ORDER: capabilities survive the change of ids (KEEPCAPS) and are cut down after it, for the
    // change itself needs CAP_SETUID and CAP_SETGID.
    ctr_sys::process::set_keep_capabilities(true).step(step)?;
    let groups = set_groups(identity)?;
    let gid = Gid::from_raw(identity.gid);
    let uid = Uid::from_raw(identity.uid);
    let step_user = format!("become user {}:{}", identity.uid, identity.gid);
    call(
        "setresgid",
        &gid.to_string(),
        nix::unistd::setresgid(gid, gid, gid),
    )
    .step_code("USER_NOT_FOUND", &step_user)?;
    call(
        "setresuid",
        &uid.to_string(),
        nix::unistd::setresuid(uid, uid, uid),
    )
    .step_code("USER_NOT_FOUND", &step_user)?;
    ctr_sys::process::set_keep_capabilities(false).step(step)?;
    // ORDER: inheritable while all are permitted; effective before permitted, for it may hold no
    // more than that; ambient last, for it needs both permitted and inheritable.
    for (set, mask) in [
        (CapSet::Inheritable, wanted.inheritable),
        (CapSet::Effective, wanted.effective),
        (CapSet::Permitted, wanted.permitted),
        (CapSet::Ambient, wanted.ambient),
    ] {
        caps::set(None, set, &capabilities(mask)).map_err(|cause| {
            Failure::new(
                "CAPABILITY_REFUSED",
                step,
                "capset",
                format!("{set:?}: {cause}"),
            )
        })?;
    }
    Ok(groups)
}

fn capabilities(mask: u64) -> CapsHashSet {
    caps::all()
        .into_iter()
        .filter(|capability| mask & capability.bitmask() != 0)
        .collect()
}

/// Set supplementary groups, or report that the caller's own stay.
fn set_groups(identity: &Identity) -> Result<Option<Enforcement>> {
    let groups: Vec<Gid> = identity.groups.iter().copied().map(Gid::from_raw).collect();
    match nix::unistd::setgroups(&groups) {
        // A single-id user namespace has setgroups=deny: the caller's own groups cannot be dropped
        // and none can be added (user_namespaces(7)).
        Err(Errno::EPERM) if groups.is_empty() => Ok(Some(Enforcement {
            feature: "supplementary groups".to_owned(),
            requested: "none".to_owned(),
            supported: false,
            enforced: false,
            reason: Some("one id is mapped: the caller's own groups cannot be dropped".to_owned()),
        })),
        result => call("setgroups", &format!("{:?}", identity.groups), result)
            .step_code("USER_NOT_FOUND", "set supplementary groups")
            .map(|()| None),
    }
}

/// Make the working directory if it is not there, as docker does.
fn make_directory(cwd: &str) -> Result<()> {
    let step = format!("make the working directory {cwd}");
    match std::fs::metadata(cwd) {
        Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => {
            call("mkdir", cwd, std::fs::create_dir_all(cwd)).step_code("BAD_WORKDIR", &step)
        }
        // Whatever else is wrong with it, entering it says.
        _ => Ok(()),
    }
}

fn enter_directory(cwd: &str) -> Result<()> {
    let step = format!("enter the working directory {cwd}");
    call("chdir", cwd, nix::unistd::chdir(cwd)).step_code("BAD_WORKDIR", &step)?;
    // SECURITY: a directory that cannot be named from the root is outside it (CVE-2024-21626).
    let now = call("getcwd", "", nix::unistd::getcwd()).step_code("BAD_WORKDIR", &step)?;
    if now.is_absolute() && !now.starts_with("(unreachable)") {
        return Ok(());
    }
    Err(Failure::new(
        "BAD_WORKDIR",
        step,
        "getcwd",
        "the directory is outside the container",
    ))
}

fn runnable(process: &Process, identity: &Identity) -> Result<Runnable> {
    let args = match &process.program {
        Program::Command { args } | Program::Supervise { args } => args,
        Program::Init => return Ok(Runnable::Idle),
        Program::View => return Ok(Runnable::View),
    };
    let mut env = process.env.clone();
    if !env.iter().any(|variable| variable.starts_with("HOME=")) {
        env.push(format!("HOME={}", identity.home));
    }
    let name = args
        .first()
        .ok_or_else(|| Failure::new("INVALID_SPEC", "start the program", "execve", "no argv"))?;
    let path = find(name, &env)?;
    let command = Command {
        path,
        args: c_strings(args)?,
        env: c_strings(&env)?,
    };
    Ok(match process.program {
        Program::Supervise { .. } => Runnable::Supervise(command),
        _ => Runnable::Execve(command),
    })
}

/// Where execvp(3) would find the program; the error tells "not there" from "not executable".
fn find(name: &str, env: &[String]) -> Result<CString> {
    if name.contains('/') {
        return check(name)
            .map_err(|errno| not_started(name, errno))
            .and_then(|()| c_string(name));
    }
    let path = env
        .iter()
        .find_map(|variable| variable.strip_prefix("PATH="))
        .unwrap_or("/bin:/usr/bin");
    let mut refused = Errno::ENOENT;
    for directory in path.split(':') {
        let directory = if directory.is_empty() { "." } else { directory };
        let candidate = format!("{directory}/{name}");
        match check(&candidate) {
            Ok(()) => return c_string(&candidate),
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => refused = errno,
        }
    }
    Err(not_started(name, refused))
}

fn check(path: &str) -> std::result::Result<(), Errno> {
    let stat = nix::sys::stat::stat(path)?;
    let kind =
        nix::sys::stat::SFlag::from_bits_truncate(stat.st_mode) & nix::sys::stat::SFlag::S_IFMT;
    if kind == nix::sys::stat::SFlag::S_IFDIR {
        return Err(Errno::EISDIR);
    }
    nix::unistd::access(path, nix::unistd::AccessFlags::X_OK)
}

fn not_started(name: &str, errno: Errno) -> Failure {
    let code = match errno {
        Errno::ENOENT | Errno::ENOTDIR => "COMMAND_NOT_FOUND",
        _ => "COMMAND_NOT_EXECUTABLE",
    };
    Failure::system(code, format!("start {name}"), "execve", name, errno)
}

fn exec_failure(path: &CStr, errno: Errno) -> Failure {
    let name = path.to_string_lossy();
    if errno == Errno::ENOENT {
        // The file is there (it was checked): what is missing is its interpreter or loader.
        let arguments = format!("{name}: its interpreter is missing");
        return Failure::system(
            "COMMAND_NOT_EXECUTABLE",
            format!("start {name}"),
            "execve",
            arguments,
            errno,
        );
    }
    not_started(&name, errno)
}

fn wants_log(process: &Process) -> bool {
    process.seccomp.as_ref().is_some_and(|filter| {
        filter
            .flags
            .iter()
            .any(|flag| flag == "SECCOMP_FILTER_FLAG_LOG")
    })
}

fn c_strings(texts: &[String]) -> Result<Vec<CString>> {
    texts.iter().map(|text| c_string(text)).collect()
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| {
        Failure::new(
            "INVALID_SPEC",
            "start the program",
            "execve",
            "a NUL byte in argv",
        )
    })
}
