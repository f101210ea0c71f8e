//! The default policy, compiled.

use ctr_seccomp::{compile, number};
use ctr_spec::plan_exec;
use ctr_spec::seccomp::{Action, Filter};
use serde_json::json;

use crate::interpreter::{AARCH64, Call, I386, X86_64, run, run_counting};
use crate::oracle::{Oracle, value};

const CLONE_NEWUSER: u64 = 0x1000_0000;
const CLONE_THREAD: u64 = 0x0001_0000;

/// The default filter of a container with these capabilities.
fn policy(capabilities: &[&str]) -> Filter {
    let process =
        json!({"args": ["x"], "cwd": "/", "user": {}, "capabilities": {"bounding": capabilities}});
    let request = serde_json::from_value(json!({"process": process})).unwrap();
    plan_exec(&request).unwrap().seccomp.unwrap()
}

/// What the compiled policy answers to a call by name, by its first argument.
fn answer(capabilities: &[&str], name: &str, first: u64) -> u32 {
    let program = compile(&policy(capabilities)).unwrap();
    run(
        &program,
        Call::native(number(name).unwrap(), [first, 0, 0, 0, 0, 0]),
    )
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

fn errno(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno.unsigned_abs()
}

#[test]
fn every_number_and_interesting_argument_is_answered_as_the_rules_say() {
    let sets: [&[&str]; 4] = [
        &[],
        &["CAP_SYS_ADMIN"],
        &["CAP_NET_RAW", "CAP_BPF", "CAP_SYS_PTRACE"],
        &["CAP_SYS_TIME"],
    ];
    let interesting = [
        0,
        1,
        2,
        8,
        10,
        11,
        16,
        17,
        38,
        40,
        0x2_0000,
        0x2_0008,
        0xffff_ffff,
        0x1_0000_0001,
        u64::MAX,
        CLONE_NEWUSER,
        CLONE_THREAD,
        0x0200_0000,
        0x7e02_0000,
        0x8000_0000,
        1 << 63,
    ];
    for capabilities in sets {
        let filter = policy(capabilities);
        let oracle = Oracle::new(&filter);
        let program = compile(&filter).unwrap();
        for number in (0..=600).chain([4096, 0x3fff_ffff]) {
            for first in interesting {
                let call = Call::native(number, [first, 0, 1, 0, 0, 0]);
                assert_eq!(
                    run(&program, call),
                    oracle.expected(call),
                    "{capabilities:?} {call:x?}"
                );
            }
        }
    }
}

#[test]
fn socket_families_outside_the_list_are_refused() {
    for (name, family) in [
        ("AF_ALG", libc::AF_ALG),
        ("AF_VSOCK", libc::AF_VSOCK),
        ("AF_PACKET", libc::AF_PACKET),
    ] {
        let family = u64::from(family.unsigned_abs());
        assert_eq!(
            answer(&["CAP_SYS_ADMIN"], "socket", family),
            errno(libc::EPERM),
            "{name}"
        );
    }
    for family in [
        libc::AF_UNIX,
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_NETLINK,
    ] {
        assert_eq!(
            answer(&[], "socket", u64::from(family.unsigned_abs())),
            ALLOW
        );
    }
    assert_eq!(
        answer(
            &["CAP_NET_RAW"],
            "socket",
            u64::from(libc::AF_PACKET.unsigned_abs())
        ),
        ALLOW
    );
}

#[test]
fn namespaces_are_made_only_with_the_capability() {
    assert_eq!(answer(&[], "unshare", CLONE_NEWUSER), errno(libc::EPERM));
    assert_eq!(answer(&[], "clone", CLONE_NEWUSER), errno(libc::EPERM));
    assert_eq!(answer(&[], "clone", CLONE_THREAD), ALLOW);
    assert_eq!(answer(&[], "clone3", 0), errno(libc::ENOSYS));
    for call in [
        "unshare",
        "clone",
        "clone3",
        "setns",
        "mount",
        "open_tree_attr",
    ] {
        assert_eq!(
            answer(&["CAP_SYS_ADMIN"], call, CLONE_NEWUSER),
            ALLOW,
            "{call}"
        );
    }
}

#[test]
fn recent_calls_are_allowed_and_future_ones_do_not_exist() {
    for call in [
        "statmount",
        "listmount",
        "mseal",
        "getxattrat",
        "removexattrat",
        "file_getattr",
        "fchmodat2",
        "futex_wait",
    ] {
        assert_eq!(answer(&[], call, 0), ALLOW, "{call}");
    }
    // Known to us and not allowed, so it exists and is refused.
    assert_eq!(answer(&[], "open_tree_attr", 0), errno(libc::EPERM));
    let program = compile(&policy(&[])).unwrap();
    for number in [470, 471, 600, 100_000] {
        assert_eq!(
            run(&program, Call::native(number, [0; 6])),
            errno(libc::ENOSYS),
            "{number}"
        );
    }
}

#[test]
fn other_architectures_and_x32_are_refused_outright() {
    let program = compile(&policy(&["CAP_SYS_ADMIN"])).unwrap();
    let refused = value(Action::KillProcess);
    for architecture in [X86_64, I386, AARCH64]
        .into_iter()
        .filter(|arch| *arch != crate::interpreter::NATIVE)
    {
        for number in [0, 1, 39, 359, 462, 600] {
            let call = Call {
                number,
                architecture,
                args: [0; 6],
            };
            assert_eq!(run(&program, call), refused, "{call:x?}");
        }
    }
    if cfg!(target_arch = "x86_64") {
        for number in [0, 1, 39, 462, 512, 547, 600] {
            let call = Call::native(0x4000_0000 | number, [0; 6]);
            assert_eq!(run(&program, call), refused, "{call:x?}");
        }
    }
}

#[test]
fn the_program_is_small_and_decides_in_few_steps() {
    let program = compile(&policy(&[])).unwrap();
    assert!(
        program.len() / 8 < 1000,
        "{} instructions",
        program.len() / 8
    );
    let steps = |number| run_counting(&program, Call::native(number, [1, 0, 0, 0, 0, 0])).1;
    let longest = (0..=600).map(steps).max().unwrap();
    assert!(longest < 60, "{longest} steps; a list would take hundreds");
}
