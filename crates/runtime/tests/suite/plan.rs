//! Plans for a busybox root file system.

use std::path::Path;

use ctr_spec::plan::{
    Attributes, Capabilities, Mount, MountSource, Namespace, NamespaceKind, OverlayUpper, Plan,
    Process, Program, Root, RootSource, User, WindowSize,
};

/// A static busybox, or `None` with a line that says what is missing.
pub(crate) fn busybox() -> Option<&'static str> {
    let found = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let root = nix::unistd::geteuid().is_root();
    if found.is_none() || !root {
        eprintln!("skipped: needs root and a static busybox (Debian package busybox-static)");
        return None;
    }
    found
}

/// A directory with nothing but /bin/busybox.
pub(crate) fn rootfs(busybox: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let bin = directory.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::copy(busybox, bin.join("busybox")).unwrap();
    std::os::unix::fs::symlink("busybox", bin.join("sh")).unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(directory.path(), mode).unwrap();
    directory
}

pub(crate) fn process(script: &str) -> Process {
    Process {
        program: Program::Command {
            args: ["busybox", "sh", "-c", script].map(str::to_owned).to_vec(),
        },
        env: vec!["PATH=/bin".to_owned()],
        cwd: "/".to_owned(),
        user: User {
            uid: 0,
            gid: 0,
            additional_gids: Vec::new(),
            lookup_groups: Vec::new(),
            umask: None,
            lookup: None,
        },
        capabilities: Capabilities::default(),
        no_new_privileges: true,
        rlimits: Vec::new(),
        oom_score_adj: None,
        terminal: false,
        console_size: None,
        seccomp: None,
    }
}

/// A container over `rootfs` with all namespaces but user, and the usual kernel file systems.
pub(crate) fn plan(id: &str, rootfs: &Path, script: &str) -> Plan {
    use NamespaceKind::{Cgroup, Ipc, Mount as MountNamespace, Network, Pid, Uts};
    let kinds = [Pid, MountNamespace, Uts, Ipc, Network, Cgroup];
    Plan {
        id: id.to_owned(),
        namespaces: kinds
            .into_iter()
            .map(|kind| Namespace { kind, path: None })
            .collect(),
        id_maps: None,
        hostname: Some("inside".to_owned()),
        domainname: None,
        root: Root {
            source: RootSource::Overlay {
                lower: vec![rootfs.display().to_string()],
                upper: OverlayUpper::Tmpfs {
                    size_bytes: Some(16 << 20),
                },
                userxattr: false,
            },
            attributes: Attributes {
                nodev: true,
                ..Attributes::default()
            },
        },
        mounts: vec![
            filesystem("/proc", "proc", &[]),
            filesystem("/dev", "tmpfs", &[("mode", "755")]),
        ],
        devices: Vec::new(),
        dev_links: vec![("/dev/fd".to_owned(), "/proc/self/fd".to_owned())],
        masked_paths: vec!["/proc/version".to_owned(), "/proc/acpi".to_owned()],
        readonly_paths: vec!["/proc/sys".to_owned()],
        sysctls: Vec::new(),
        loopback: true,
        cgroup: None,
        process: process(script),
    }
}

/// The same with a terminal of 24 rows and 80 columns.
pub(crate) fn with_terminal(mut plan: Plan) -> Plan {
    let options = [("ptmxmode", "0666"), ("mode", "0620")];
    let mut devpts = filesystem("/dev/pts", "devpts", &options);
    devpts.attributes.noexec = true;
    plan.mounts.push(devpts);
    plan.dev_links
        .push(("/dev/ptmx".to_owned(), "pts/ptmx".to_owned()));
    plan.process = terminal_process(plan.process);
    plan
}

pub(crate) fn terminal_process(mut process: Process) -> Process {
    process.terminal = true;
    process.console_size = Some(WindowSize {
        rows: 24,
        columns: 80,
    });
    process
}

fn filesystem(destination: &str, fs_type: &str, parameters: &[(&str, &str)]) -> Mount {
    Mount {
        destination: destination.to_owned(),
        source: MountSource::Filesystem {
            fs_type: fs_type.to_owned(),
            source: fs_type.to_owned(),
            parameters: parameters
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned())))
                .collect(),
        },
        attributes: Attributes {
            nosuid: true,
            ..Attributes::default()
        },
        propagation: None,
        optional: false,
    }
}
