//! v1 and v2 writes against directories of plain files.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use super::*;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, value) in files {
        fs::write(directory.path().join(name), value).unwrap();
    }
    directory
}

fn place(directory: &tempfile::TempDir, interface: Interface, controllers: &[&str]) -> Vec<Place> {
    let controllers = controllers.iter().map(|c| (*c).to_owned()).collect();
    vec![Place {
        interface,
        directory: directory.path().to_owned(),
        controllers,
    }]
}

fn shown(written: &[Written]) -> Vec<(String, String)> {
    let name = |w: &Written| w.file.file_name().unwrap().to_string_lossy().into_owned();
    written.iter().map(|w| (name(w), w.value.clone())).collect()
}

fn pair(file: &str, value: &str) -> (String, String) {
    (file.to_owned(), value.to_owned())
}

#[test]
fn v2_gets_every_limit_in_its_own_words() {
    let files = [
        ("cpu.max", "max 100000\n"),
        ("cpu.weight", "100\n"),
        ("cpuset.cpus", "\n"),
        ("cpuset.mems", "\n"),
        ("memory.max", "max\n"),
        ("memory.swap.max", "max\n"),
        ("memory.low", "0\n"),
        ("pids.max", "max\n"),
    ];
    let group = directory(&files);
    let places = place(&group, Interface::V2, &["cpu", "cpuset", "memory", "pids"]);
    let resources = Resources {
        cpu_quota_us: Some(20_000),
        cpu_shares: Some(1024),
        cpuset_cpus: Some("0-1".into()),
        cpuset_mems: Some("0".into()),
        memory_limit_bytes: Some(1 << 20),
        memory_swap_bytes: Some(3 << 20),
        memory_reservation_bytes: Some(4096),
        pids_limit: Some(-1),
        ..Resources::default()
    };
    assert_eq!(
        shown(&apply(&places, &resources).unwrap()),
        [
            pair("cpu.weight", "100"),
            pair("cpu.max", "20000 100000"),
            pair("cpuset.cpus", "0-1"),
            pair("cpuset.mems", "0"),
            pair("memory.low", "4096"),
            pair("memory.max", "1048576"),
            pair("memory.swap.max", "2097152"),
            pair("pids.max", "max"),
        ]
    );
}

#[test]
fn a_reservation_of_minus_one_protects_nothing() {
    for (interface, file, value) in [
        (Interface::V1, "memory.soft_limit_in_bytes", "-1"),
        (Interface::V2, "memory.low", "0"),
    ] {
        let group = directory(&[(file, "4096\n")]);
        let resources = Resources {
            memory_reservation_bytes: Some(-1),
            ..Resources::default()
        };
        let written = apply(&place(&group, interface, &["memory"]), &resources).unwrap();
        assert_eq!(shown(&written), [pair(file, value)]);
    }
}

#[test]
fn files_by_name_are_written_last_and_on_v2_only() {
    let group = directory(&[
        ("memory.max", "max\n"),
        ("memory.high", "max\n"),
        ("io.weight", ""),
    ]);
    let unified = [
        ("memory.high", "4096"),
        ("memory.max", "8192"),
        ("io.weight", "50"),
    ];
    let resources = Resources {
        memory_limit_bytes: Some(1 << 20),
        unified: unified.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..Resources::default()
    };
    let places = place(&group, Interface::V2, &["memory", "io"]);
    assert_eq!(
        shown(&apply(&places, &resources).unwrap()),
        [
            pair("memory.max", "1048576"),
            pair("io.weight", "50"),
            pair("memory.high", "4096"),
            pair("memory.max", "8192"),
        ]
    );
    let without_io = place(&group, Interface::V2, &["memory"]);
    let error = apply(&without_io, &resources).unwrap_err();
    assert!(error.to_string().contains("no io controller"), "{error}");
    let group = directory(&[("memory.limit_in_bytes", ""), ("blkio.weight", "")]);
    let v1 = place(&group, Interface::V1, &["memory", "io"]);
    assert_eq!(
        apply(&v1, &resources).unwrap_err().code(),
        "CGROUP_UNAVAILABLE"
    );
}

#[test]
fn v2_keeps_the_half_of_cpu_max_that_is_not_asked_for() {
    let group = directory(&[("cpu.max", "20000 50000\n")]);
    let places = place(&group, Interface::V2, &["cpu"]);
    apply(
        &places,
        &Resources {
            cpu_period_us: Some(10_000),
            ..Resources::default()
        },
    )
    .unwrap();
    assert_eq!(
        fs::read_to_string(group.path().join("cpu.max")).unwrap(),
        "20000 10000"
    );
    apply(
        &places,
        &Resources {
            cpu_quota_us: Some(-1),
            ..Resources::default()
        },
    )
    .unwrap();
    assert_eq!(
        fs::read_to_string(group.path().join("cpu.max")).unwrap(),
        "max 10000"
    );
}

#[test]
fn v2_swap_alone_is_measured_from_the_limit_in_force() {
    let group = directory(&[("memory.max", "1048576\n"), ("memory.swap.max", "max\n")]);
    let places = place(&group, Interface::V2, &["memory"]);
    let swap = |bytes| Resources {
        memory_swap_bytes: Some(bytes),
        ..Resources::default()
    };
    assert_eq!(
        shown(&apply(&places, &swap(1_048_576)).unwrap()),
        [pair("memory.swap.max", "0")]
    );
    assert_eq!(
        apply(&places, &swap(4096)).unwrap_err().code(),
        "CGROUP_INVALID"
    );
}

#[test]
fn swap_that_the_kernel_does_not_account_is_refused_by_name() {
    let resources = Resources {
        memory_limit_bytes: Some(4096),
        memory_swap_bytes: Some(8192),
        ..Resources::default()
    };
    for (interface, file) in [
        (Interface::V1, "memory.limit_in_bytes"),
        (Interface::V2, "memory.max"),
    ] {
        let group = directory(&[(file, "\n")]);
        let error = apply(&place(&group, interface, &["memory"]), &resources).unwrap_err();
        assert_eq!(error.code(), "CGROUP_UNAVAILABLE");
        assert!(error.to_string().contains("swap"), "{error}");
    }
}

#[test]
fn v1_memory_and_swap_are_written_in_the_order_the_kernel_allows() {
    let names = |limit: i64, memsw: &str| {
        let group = directory(&[
            ("memory.limit_in_bytes", "0\n"),
            ("memory.memsw.limit_in_bytes", memsw),
        ]);
        let resources = Resources {
            memory_limit_bytes: Some(limit),
            ..Resources::default()
        };
        shown(&apply(&place(&group, Interface::V1, &["memory"]), &resources).unwrap())
    };
    let (limit, memsw) = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
    assert_eq!(
        names(8192, "9223372036854771712"),
        [pair(limit, "8192"), pair(memsw, "16384")]
    );
    assert_eq!(
        names(8192, "4096"),
        [pair(memsw, "16384"), pair(limit, "8192")]
    );
    assert_eq!(names(-1, "4096"), [pair(memsw, "-1"), pair(limit, "-1")]);
}

#[test]
fn device_rules_that_allow_everything_need_no_program_on_v2() {
    use ctr_spec::plan::DeviceRule;
    let group = directory(&[]);
    let places = place(&group, Interface::V2, &["cpu"]);
    let all = |allow| DeviceRule {
        allow,
        kind: None,
        major: None,
        minor: None,
        read: true,
        write: true,
        mknod: true,
    };
    let resources = |devices| Resources {
        devices,
        ..Resources::default()
    };
    // A directory of plain files is no group: whoever may load a program cannot attach it.
    let error = apply(&places, &resources(vec![all(false)])).unwrap_err();
    assert_eq!(error.code(), "CGROUP_UNAVAILABLE");
    assert!(error.to_string().contains("set device rules of"), "{error}");
    assert_eq!(
        apply(&places, &resources(vec![all(false), all(true)])).unwrap(),
        []
    );
}

#[test]
fn a_limit_whose_controller_the_group_lacks_is_refused_by_name() {
    let group = directory(&[]);
    let places = place(&group, Interface::V2, &["cpu"]);
    let error = apply(
        &places,
        &Resources {
            pids_limit: Some(3),
            ..Resources::default()
        },
    )
    .unwrap_err();
    assert_eq!(error.code(), "CGROUP_UNAVAILABLE");
    assert!(error.to_string().contains("no pids controller"), "{error}");
}

#[test]
fn values_out_of_range_are_refused_before_any_write() {
    let base = Resources::default;
    let cases = [
        (
            "cpuQuotaUs",
            Resources {
                cpu_quota_us: Some(999),
                ..base()
            },
        ),
        (
            "cpuQuotaUs",
            Resources {
                cpu_quota_us: Some(-2),
                ..base()
            },
        ),
        (
            "cpuPeriodUs",
            Resources {
                cpu_period_us: Some(1_000_001),
                ..base()
            },
        ),
        (
            "cpuShares",
            Resources {
                cpu_shares: Some(1),
                ..base()
            },
        ),
        (
            "cpusetCpus",
            Resources {
                cpuset_cpus: Some("0,two".into()),
                ..base()
            },
        ),
        (
            "cpusetCpus",
            Resources {
                cpuset_cpus: Some("3-1".into()),
                ..base()
            },
        ),
        (
            "cpusetMems",
            Resources {
                cpuset_mems: Some(String::new()),
                ..base()
            },
        ),
        (
            "memoryLimitBytes",
            Resources {
                memory_limit_bytes: Some(0),
                ..base()
            },
        ),
        (
            "memorySwapBytes",
            Resources {
                memory_swap_bytes: Some(-7),
                ..base()
            },
        ),
        (
            "memorySwapBytes",
            Resources {
                memory_limit_bytes: Some(9),
                memory_swap_bytes: Some(8),
                ..base()
            },
        ),
        (
            "memoryReservationBytes",
            Resources {
                memory_reservation_bytes: Some(-2),
                ..base()
            },
        ),
        (
            "pidsLimit",
            Resources {
                pids_limit: Some(0),
                ..base()
            },
        ),
    ];
    for (field, resources) in cases {
        let error = validate(&resources).unwrap_err();
        assert_eq!(error.code(), "CGROUP_INVALID");
        assert!(error.to_string().contains(field), "{error}");
        assert!(error.hint().is_some());
    }
    assert!(validate(&base()).is_ok());
}

#[test]
fn what_is_read_back_may_be_rounded_down_to_a_page_only() {
    assert!(same_bytes("5000", "4096"));
    assert!(!same_bytes("50000", "4096"));
    assert!(!same_bytes("4096", "8192"));
    assert!(same_bytes("-1", "9223372036854771712"));
    assert!(!same_bytes("-1", "4096"));
    assert_eq!(numbers("0-2"), numbers("2,0,1"));
    assert_ne!(numbers("0-2"), numbers("0-1"));
}

#[test]
fn raw_files_are_named_like_controller_and_name() {
    for good in [
        "memory.swappiness",
        "cpu.cfs_burst_us",
        "memory.kmem.tcp.limit_in_bytes",
    ] {
        check_file_name(good).unwrap();
    }
    for bad in [
        "",
        "tasks",
        "../memory.max",
        "memory.",
        ".max",
        "a.b/c",
        "cgroup.procs",
        "a b.c",
        "memory..max",
    ] {
        assert_eq!(
            check_file_name(bad).unwrap_err().code(),
            "CGROUP_INVALID",
            "{bad}"
        );
    }
}
