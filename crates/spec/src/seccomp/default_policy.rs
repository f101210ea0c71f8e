//! The default policy: what a container may ask the kernel, group by group, and why.
//!
//! It allows what Docker's default profile allows on a 64-bit machine, with these differences:
//! calls of other architectures (32-bit and x32) are refused outright, because their tables are
//! less tested and nothing a 64-bit image needs; `socket` is a list of allowed families, so that
//! AF_ALG, AF_VSOCK and whatever the kernel grows next is refused; `socketpair` is for local
//! sockets, the only family it is used with; `file_getattr` and `file_setattr` (6.17) are allowed,
//! since they do what two allowed ioctls do.
//!
//! A call that no group names fails with EPERM; one that is newer than every group fails with
//! ENOSYS (the compiler's doing), so that a C library falls back to an older call.

use super::{Action, ArgCondition, Comparison, Filter, Rule, architecture};
use crate::capabilities;

const EPERM: u16 = 1;
const ENOSYS: u16 = 38;

/// Calls with one reason to be allowed.
struct Group {
    reason: &'static str,
    when: When,
    calls: &'static [&'static str],
    /// All must hold.
    args: &'static [ArgCondition],
    action: Action,
}

/// For which containers a group is part of the filter.
enum When {
    Always,
    /// The bounding set has one of these.
    AnyOf(&'static [&'static str]),
    /// The bounding set has none of these.
    NoneOf(&'static [&'static str]),
    /// The machine is of this architecture, by libseccomp's name.
    Architecture(&'static str),
}

const fn allow(reason: &'static str, when: When, calls: &'static [&'static str]) -> Group {
    Group {
        reason,
        when,
        calls,
        args: &[],
        action: Action::Allow,
    }
}

const fn allow_if(
    reason: &'static str,
    when: When,
    calls: &'static [&'static str],
    args: &'static [ArgCondition],
) -> Group {
    Group {
        reason,
        when,
        calls,
        args,
        action: Action::Allow,
    }
}

const fn first_is(value: u64) -> ArgCondition {
    ArgCondition {
        index: 0,
        op: Comparison::Equal,
        value,
        value_two: 0,
    }
}

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET: none may be set.
/// (CLONE_NEWTIME is only for clone3 and unshare.)
const NO_NEW_NAMESPACE: ArgCondition = ArgCondition {
    index: 0,
    op: Comparison::MaskedEqual,
    value: 0x7e02_0000,
    value_two: 0,
};

const SYS_ADMIN: &[&str] = &["CAP_SYS_ADMIN"];

/// The policy. Each call stands in one group, except for those that depend on arguments.
#[rustfmt::skip] // Names side by side: the list is read as a paragraph.
const GROUPS: &[Group] = &[
    allow(
        "open, read, write and seek in files the process has access to",
        When::Always,
        &[
            "open", "openat", "openat2", "creat", "close", "close_range", "read", "readv",
            "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2",
            "lseek", "dup", "dup2", "dup3", "fcntl", "flock", "ioctl", "ftruncate", "truncate",
            "fallocate", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "readahead",
            "fadvise64", "cachestat", "copy_file_range", "sendfile", "splice", "tee", "vmsplice",
        ],
    ),
    allow(
        "look at, name, link and remove files and directories",
        When::Always,
        &[
            "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access",
            "faccessat", "faccessat2", "getcwd", "chdir", "fchdir", "getdents", "getdents64",
            "mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "rename", "renameat", "renameat2",
            "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "readlink",
            "readlinkat", "name_to_handle_at", "umask", "statmount", "listmount",
        ],
    ),
    allow(
        "change owner, mode, times and extended attributes of files the process may change",
        When::Always,
        &[
            "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
            "utime", "utimes", "futimesat", "utimensat", "getxattr", "lgetxattr", "fgetxattr",
            "getxattrat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "listxattr",
            "llistxattr", "flistxattr", "listxattrat", "removexattr", "lremovexattr",
            "fremovexattr", "removexattrat", "file_getattr", "file_setattr",
        ],
    ),
    allow(
        "wait for files and for changes of files",
        When::Always,
        &[
            "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
            "epoll_ctl_old", "epoll_wait", "epoll_wait_old", "epoll_pwait", "epoll_pwait2",
            "eventfd", "eventfd2", "inotify_init", "inotify_init1", "inotify_add_watch",
            "inotify_rm_watch", "fanotify_mark", "io_setup", "io_submit", "io_cancel", "io_destroy",
            "io_getevents", "io_pgetevents",
        ],
    ),
    allow(
        "map, protect and lock the process's own memory",
        When::Always,
        &[
            "brk", "mmap", "munmap", "mremap", "mprotect", "pkey_alloc", "pkey_free",
            "pkey_mprotect", "madvise", "mincore", "msync", "mlock", "mlock2", "mlockall",
            "munlock", "munlockall", "remap_file_pages", "memfd_create", "memfd_secret",
            "membarrier", "map_shadow_stack", "mseal",
        ],
    ),
    allow(
        "start, become and wait for programs",
        When::Always,
        &[
            "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid",
            "pidfd_open", "pidfd_send_signal", "process_mrelease",
        ],
    ),
    allow(
        "inspect and debug processes of the same container; since Linux 4.8 tracing cannot get \
         around this filter",
        When::Always,
        &["ptrace", "process_vm_readv", "process_vm_writev"],
    ),
    allow(
        "threads and the locks between them",
        When::Always,
        &[
            "futex", "futex_wait", "futex_waitv", "futex_wake", "futex_requeue", "get_robust_list",
            "set_robust_list", "set_tid_address", "set_thread_area", "get_thread_area", "rseq",
            "restart_syscall",
        ],
    ),
    allow(
        "send, block and handle signals",
        When::Always,
        &[
            "kill", "tkill", "tgkill", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
            "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
            "rt_tgsigqueueinfo", "sigaltstack", "signalfd", "signalfd4", "pause",
        ],
    ),
    allow(
        "read who and where a process is, and change it within its rights",
        When::Always,
        &[
            "getpid", "getppid", "gettid", "getpgid", "getpgrp", "getsid", "setpgid", "setsid",
            "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
            "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid",
            "setfsgid", "setgroups", "capget", "capset", "prctl", "uname", "sysinfo", "getcpu",
            "getrandom",
        ],
    ),
    allow(
        "restrict itself further",
        When::Always,
        &["seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"],
    ),
    allow(
        "read and lower its limits, priorities and CPU affinity",
        When::Always,
        &[
            "getrlimit", "setrlimit", "prlimit64", "getrusage", "times", "getpriority",
            "setpriority", "ioprio_get", "ioprio_set", "sched_getaffinity", "sched_setaffinity",
            "sched_getattr", "sched_setattr", "sched_getparam", "sched_setparam",
            "sched_getscheduler", "sched_setscheduler", "sched_get_priority_max",
            "sched_get_priority_min", "sched_rr_get_interval", "sched_yield",
        ],
    ),
    allow(
        "read clocks, sleep and use timers; adjusting a clock still needs CAP_SYS_TIME",
        When::Always,
        &[
            "time", "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
            "adjtimex", "clock_adjtime", "alarm", "getitimer", "setitimer", "timer_create",
            "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
            "timerfd_gettime", "timerfd_settime",
        ],
    ),
    allow(
        "talk over sockets that are open",
        When::Always,
        &[
            "accept", "accept4", "bind", "connect", "listen", "shutdown", "getpeername",
            "getsockname", "getsockopt", "setsockopt", "recvfrom", "recvmsg", "recvmmsg", "sendto",
            "sendmsg", "sendmmsg",
        ],
    ),
    allow_if(
        "AF_UNIX: sockets between processes of one machine",
        When::Always,
        &["socket"],
        &[first_is(1)],
    ),
    allow_if("AF_INET: IPv4", When::Always, &["socket"], &[first_is(2)]),
    allow_if("AF_INET6: IPv6", When::Always, &["socket"], &[first_is(10)]),
    allow_if(
        "AF_NETLINK: ask the kernel about interfaces, routes and users of ports",
        When::Always,
        &["socket"],
        &[first_is(16)],
    ),
    allow_if(
        "AF_PACKET: raw frames, for a container that holds CAP_NET_RAW",
        When::AnyOf(&["CAP_NET_RAW"]),
        &["socket"],
        &[first_is(17)],
    ),
    allow_if(
        "AF_UNIX: a connected pair of local sockets",
        When::Always,
        &["socketpair"],
        &[first_is(1)],
    ),
    allow(
        "pipes and System V and POSIX communication of the container's own IPC namespace",
        When::Always,
        &[
            "pipe", "pipe2", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop",
            "semtimedop", "shmat", "shmctl", "shmdt", "shmget", "mq_open", "mq_unlink",
            "mq_getsetattr", "mq_notify", "mq_timedreceive", "mq_timedsend",
        ],
    ),
    allow_if(
        "PER_LINUX: the ordinary execution domain",
        When::Always,
        &["personality"],
        &[first_is(0)],
    ),
    allow_if(
        "PER_LINUX32: report a 32-bit machine",
        When::Always,
        &["personality"],
        &[first_is(8)],
    ),
    allow_if(
        "UNAME26: report a 2.6 kernel",
        When::Always,
        &["personality"],
        &[first_is(0x2_0000)],
    ),
    allow_if(
        "UNAME26 and PER_LINUX32 together",
        When::Always,
        &["personality"],
        &[first_is(0x2_0008)],
    ),
    allow_if(
        "read the execution domain",
        When::Always,
        &["personality"],
        &[first_is(0xffff_ffff)],
    ),
    allow(
        "set thread pointers and segments of x86_64, as every C library does",
        When::Architecture("SCMP_ARCH_X86_64"),
        &["arch_prctl", "modify_ldt"],
    ),
    allow(
        "return from a probed function: the kernel's own trampolines make these calls (6.11, 6.18)",
        When::Architecture("SCMP_ARCH_X86_64"),
        &["uretprobe", "uprobe"],
    ),
    allow_if(
        "new processes and threads, but no new namespaces, without CAP_SYS_ADMIN",
        When::NoneOf(SYS_ADMIN),
        &["clone"],
        &[NO_NEW_NAMESPACE],
    ),
    Group {
        reason: "clone3 hides its flags from a filter: answer as an old kernel would, and the C \
                 library uses clone",
        when: When::NoneOf(SYS_ADMIN),
        calls: &["clone3"],
        args: &[],
        action: Action::Errno(ENOSYS),
    },
    allow(
        "make and join namespaces, mount, and administer, for a container that holds CAP_SYS_ADMIN",
        When::AnyOf(SYS_ADMIN),
        &[
            "clone", "clone3", "unshare", "setns", "mount", "mount_setattr", "move_mount",
            "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "umount2",
            "sethostname", "setdomainname", "fanotify_init", "lookup_dcookie", "quotactl",
            "quotactl_fd", "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules",
        ],
    ),
    allow(
        "load BPF programs, for a container that holds CAP_BPF",
        When::AnyOf(&["CAP_BPF", "CAP_SYS_ADMIN"]),
        &["bpf"],
    ),
    allow(
        "monitor performance, for a container that holds CAP_PERFMON",
        When::AnyOf(&["CAP_PERFMON", "CAP_SYS_ADMIN"]),
        &["perf_event_open"],
    ),
    allow(
        "read the kernel's log, for a container that holds CAP_SYSLOG",
        When::AnyOf(&["CAP_SYSLOG", "CAP_SYS_ADMIN"]),
        &["syslog"],
    ),
    allow(
        "open files by handle, past directory permissions, for a container that holds \
         CAP_DAC_READ_SEARCH",
        When::AnyOf(&["CAP_DAC_READ_SEARCH"]),
        &["open_by_handle_at"],
    ),
    allow(
        "reach into other processes, for a container that holds CAP_SYS_PTRACE",
        When::AnyOf(&["CAP_SYS_PTRACE"]),
        &["kcmp", "pidfd_getfd", "process_madvise"],
    ),
    allow(
        "set the clock, for a container that holds CAP_SYS_TIME",
        When::AnyOf(&["CAP_SYS_TIME"]),
        &["settimeofday", "clock_settime"],
    ),
    allow(
        "load kernel modules, for a container that holds CAP_SYS_MODULE",
        When::AnyOf(&["CAP_SYS_MODULE"]),
        &["init_module", "finit_module", "delete_module"],
    ),
    allow(
        "change the root directory, for a container that holds CAP_SYS_CHROOT",
        When::AnyOf(&["CAP_SYS_CHROOT"]),
        &["chroot"],
    ),
    allow(
        "reboot its PID namespace, for a container that holds CAP_SYS_BOOT",
        When::AnyOf(&["CAP_SYS_BOOT"]),
        &["reboot"],
    ),
    allow(
        "place memory on NUMA nodes, for a container that holds CAP_SYS_NICE",
        When::AnyOf(&["CAP_SYS_NICE"]),
        &["get_mempolicy", "set_mempolicy", "set_mempolicy_home_node", "mbind"],
    ),
    allow(
        "switch process accounting, for a container that holds CAP_SYS_PACCT",
        When::AnyOf(&["CAP_SYS_PACCT"]),
        &["acct"],
    ),
    allow(
        "use I/O ports, for a container that holds CAP_SYS_RAWIO",
        When::AnyOf(&["CAP_SYS_RAWIO"]),
        &["iopl", "ioperm"],
    ),
    allow(
        "hang up its terminal, for a container that holds CAP_SYS_TTY_CONFIG",
        When::AnyOf(&["CAP_SYS_TTY_CONFIG"]),
        &["vhangup"],
    ),
];

/// The policy for a process with this bounding set.
pub(super) fn resolve(bounding: u64) -> Filter {
    let holds_any = |names: &[&str]| {
        let bit = |name| capabilities::by_name(name).map_or(0, capabilities::Capability::bit);
        names.iter().any(|name| bounding & bit(name) != 0)
    };
    let rules = GROUPS
        .iter()
        .filter(|group| match group.when {
            When::Always => true,
            When::AnyOf(names) => holds_any(names),
            When::NoneOf(names) => !holds_any(names),
            When::Architecture(name) => name == architecture::NATIVE,
        })
        .map(|group| Rule {
            names: group.calls.iter().map(|name| (*name).to_owned()).collect(),
            action: group.action,
            args: group.args.to_vec(),
            reason: group.reason.to_owned(),
        })
        .collect();
    Filter {
        default_action: Action::Errno(EPERM),
        architectures: vec![architecture::NATIVE.to_owned()],
        flags: Vec::new(),
        rules,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use std::collections::BTreeSet;

    /// What the policy says to a call; `None` is the default action.
    fn verdict(capabilities: &[&str], call: &str, first: u64) -> Option<Action> {
        let bounding = capabilities
            .iter()
            .map(|name| capabilities::by_name(name).unwrap().bit())
            .fold(0, |mask, bit| mask | bit);
        let holds = |condition: &ArgCondition| match condition.op {
            Comparison::Equal => first == condition.value,
            Comparison::MaskedEqual => first & condition.value == condition.value_two,
            other => panic!("the table does not use {other:?}"),
        };
        resolve(bounding)
            .rules
            .iter()
            .find(|rule| rule.names.iter().any(|name| name == call) && rule.args.iter().all(holds))
            .map(|rule| rule.action)
    }

    #[test]
    fn every_group_has_a_reason_and_names_each_call_once() {
        let mut seen = BTreeSet::new();
        for group in GROUPS {
            assert!(!group.reason.is_empty() && !group.calls.is_empty());
            for call in group.calls {
                let is_split =
                    ["socket", "socketpair", "personality", "clone", "clone3"].contains(call);
                assert!(
                    seen.insert(*call) || is_split,
                    "{call} stands in two groups"
                );
            }
            if let When::AnyOf(names) | When::NoneOf(names) = group.when {
                assert!(
                    names
                        .iter()
                        .all(|name| capabilities::by_name(name).is_some())
                );
            }
        }
    }

    #[test]
    fn socket_families_are_an_allow_list() {
        for family in [1, 2, 10, 16] {
            assert_eq!(
                verdict(&[], "socket", family),
                Some(Action::Allow),
                "{family}"
            );
        }
        // AF_PACKET, AF_ALG, AF_VSOCK, and one that does not exist yet.
        for family in [0, 17, 38, 40, 60, 1 << 32 | 1] {
            assert_eq!(verdict(&[], "socket", family), None, "{family}");
        }
        assert_eq!(verdict(&["CAP_NET_RAW"], "socket", 17), Some(Action::Allow));
        assert_eq!(verdict(&["CAP_SYS_ADMIN"], "socket", 38), None);
    }

    #[test]
    fn namespaces_need_the_capability() {
        const CLONE_NEWUSER: u64 = 0x1000_0000;
        const SIGCHLD: u64 = 17;
        assert_eq!(verdict(&[], "clone", SIGCHLD), Some(Action::Allow));
        assert_eq!(verdict(&[], "clone", CLONE_NEWUSER | SIGCHLD), None);
        assert_eq!(verdict(&[], "clone3", 0), Some(Action::Errno(ENOSYS)));
        assert_eq!(verdict(&[], "unshare", 0), None);
        for call in [
            "clone",
            "clone3",
            "unshare",
            "setns",
            "mount",
            "mount_setattr",
        ] {
            assert_eq!(
                verdict(&["CAP_SYS_ADMIN"], call, CLONE_NEWUSER),
                Some(Action::Allow),
                "{call}"
            );
        }
    }

    #[test]
    fn each_capability_opens_its_own_calls() {
        for (capability, call) in [
            ("CAP_SYS_PTRACE", "pidfd_getfd"),
            ("CAP_BPF", "bpf"),
            ("CAP_PERFMON", "perf_event_open"),
            ("CAP_SYS_TIME", "clock_settime"),
            ("CAP_SYS_MODULE", "finit_module"),
            ("CAP_SYS_CHROOT", "chroot"),
            ("CAP_SYS_BOOT", "reboot"),
            ("CAP_SYS_NICE", "mbind"),
            ("CAP_SYS_PACCT", "acct"),
            ("CAP_SYS_RAWIO", "iopl"),
            ("CAP_SYS_TTY_CONFIG", "vhangup"),
            ("CAP_SYSLOG", "syslog"),
            ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ] {
            assert_eq!(verdict(&[], call, 0), None, "{call}");
            assert_eq!(
                verdict(&[capability], call, 0),
                Some(Action::Allow),
                "{call}"
            );
        }
    }

    #[test]
    fn known_ways_out_are_refused_whatever_a_container_holds() {
        let all: Vec<&str> = capabilities::CAPABILITIES
            .iter()
            .map(|row| row.name)
            .collect();
        let refused = [
            "add_key",
            "keyctl",
            "request_key",
            "kexec_load",
            "kexec_file_load",
            "userfaultfd",
            "io_uring_setup",
            "io_uring_enter",
            "io_uring_register",
            "swapon",
            "swapoff",
            "pivot_root",
            "nfsservctl",
            "create_module",
            "_sysctl",
            "ustat",
            "uselib",
            "vserver",
            "migrate_pages",
            "move_pages",
        ];
        for call in refused {
            assert_eq!(verdict(&all, call, 0), None, "{call}");
        }
    }
}
