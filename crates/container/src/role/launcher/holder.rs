//! Id maps of the holder user namespace, and of containers below it.

use std::process::{Command, Stdio};

use nix::unistd::Pid;

use super::Holder;
use crate::failure::{Result, Step, call};
use crate::protocol::Failure;

/// Map the ids of the namespace that `pid` (a number of this PID namespace) lives in.
pub(super) fn map(holder: &Holder, pid: Pid) -> Result<()> {
    match (&holder.newuidmap, &holder.newgidmap) {
        (Some(newuidmap), Some(newgidmap)) => {
            run(newuidmap, pid, &holder.uid_map)?;
            run(newgidmap, pid, &holder.gid_map)
        }
        _ => {
            let step = "map a single id";
            let write = |file: &str, value: &str| {
                let path = format!("/proc/{pid}/{file}");
                call(
                    "write",
                    &format!("{path}, {value:?}"),
                    std::fs::write(&path, value),
                )
                .step(step)
            };
            write("uid_map", &lines(&holder.uid_map))?;
            // ORDER: the kernel wants setgroups denied before an unprivileged gid_map (3.19).
            write("setgroups", "deny")?;
            write("gid_map", &lines(&holder.gid_map))
        }
    }
}

fn lines(map: &[(u32, u32, u32)]) -> String {
    map.iter()
        .map(|(inside, outside, count)| format!("{inside} {outside} {count}\n"))
        .collect()
}

/// newuidmap(1) and newgidmap(1) check the ranges against /etc/subuid and /etc/subgid.
fn run(program: &str, pid: Pid, map: &[(u32, u32, u32)]) -> Result<()> {
    let mut command = Command::new(program);
    command
        .arg(pid.to_string())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    for (inside, outside, count) in map {
        command.args([inside.to_string(), outside.to_string(), count.to_string()]);
    }
    let arguments = format!("{program} {pid} {}", lines(map).replace('\n', " "));
    let output = call("execve", &arguments, command.output()).step("map the subordinate ids")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::new(
        "UNSUPPORTED_ENVIRONMENT",
        format!("map the subordinate ids: {said}"),
        "newuidmap",
        arguments,
    ))
}
