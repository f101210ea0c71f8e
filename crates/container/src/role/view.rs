//! How the container looks from inside, as JSON on stdout, for `explain`.

use std::fs;
use std::io::Write;

use serde::Serialize;

/// What a process inside sees of itself and around it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    pid: i32,
    uid: u32,
    gid: u32,
    hostname: String,
    /// (kind, `kind:[inode]`)
    namespaces: Vec<(String, String)>,
    /// Lines of /proc/self/mountinfo.
    mounts: Vec<String>,
    interfaces: Vec<String>,
    uid_map: Vec<String>,
    gid_map: Vec<String>,
    /// Lines of /proc/self/cgroup.
    cgroup: Vec<String>,
    /// Lines of /proc/self/status about identity, capabilities and seccomp.
    status: Vec<String>,
    /// (pid, command name) of every process in sight.
    processes: Vec<(i32, String)>,
}

/// Write the view and end.
pub(crate) fn run() -> ! {
    let hostname = nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let view = View {
        pid: nix::unistd::getpid().as_raw(),
        uid: nix::unistd::getuid().as_raw(),
        gid: nix::unistd::getgid().as_raw(),
        hostname,
        namespaces: namespaces(),
        mounts: lines("/proc/self/mountinfo"),
        interfaces: interfaces(),
        uid_map: lines("/proc/self/uid_map"),
        gid_map: lines("/proc/self/gid_map"),
        cgroup: lines("/proc/self/cgroup"),
        status: lines("/proc/self/status")
            .into_iter()
            .filter(|line| {
                ["Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp"]
                    .iter()
                    .any(|key| line.starts_with(key))
            })
            .collect(),
        processes: processes(),
    };
    let written = serde_json::to_vec(&view).map(|text| std::io::stdout().write_all(&text));
    ctr_sys::process::exit_now(i32::from(!matches!(written, Ok(Ok(())))))
}

fn lines(path: &str) -> Vec<String> {
    fs::read_to_string(path)
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default()
}

fn names(directory: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

fn namespaces() -> Vec<(String, String)> {
    names("/proc/self/ns")
        .into_iter()
        .filter_map(|kind| {
            let target = fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
            Some((kind, target.to_string_lossy().into_owned()))
        })
        .collect()
}

fn interfaces() -> Vec<String> {
    // Two header lines, then `name: counters`.
    lines("/proc/self/net/dev")
        .iter()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect()
}

fn processes() -> Vec<(i32, String)> {
    names("/proc")
        .into_iter()
        .filter_map(|name| {
            let pid = name.parse().ok()?;
            let command = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            Some((pid, command.trim_end().to_owned()))
        })
        .collect()
}
