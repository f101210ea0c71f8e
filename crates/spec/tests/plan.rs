//! Whole configurations, from the request's JSON to the Plan and across a process border.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use ctr_spec::plan::{
    DeviceKind, IdMaps, MountSource, NamespaceKind, OverlayUpper, Plan, Program, Requirement,
    RootSource,
};
use ctr_spec::{Error, plan_container};
use serde_json::{Value, json};

/// A configuration as an engine writes it.
fn configuration() -> Value {
    json!({
        "ociVersion": "1.3.0",
        "hostname": "box",
        "root": {"path": "/srv/rootfs", "readonly": true},
        "annotations": {"org.example.note": "kept by the caller"},
        "process": {
            "args": ["sh"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
            "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]},
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/dev", "type": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "options": ["ro", "nosuid"]},
            {"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro", "rprivate"]},
        ],
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"},
                           {"type": "network"}, {"type": "cgroup"}, {"type": "user"}],
            "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}],
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
            "sysctl": {"net.ipv4.ip_forward": "1"},
            "cgroupsPath": "/ctr-ts/box",
            "resources": {"pids": {"limit": 100}, "devices": [{"allow": false, "access": "rwm"}]},
        },
    })
}

/// Plans the configuration with the value at a JSON pointer replaced.
fn plan_with(pointer: &str, value: Value) -> Result<Plan, Error> {
    let mut spec = configuration();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    spec.pointer_mut(parent).unwrap()[name] = value;
    plan(json!({"id": "box", "spec": spec}))
}

fn plan(request: Value) -> Result<Plan, Error> {
    plan_container(&serde_json::from_value(request).unwrap())
}

#[test]
fn a_configuration_becomes_a_plan() {
    let plan = plan(json!({"id": "box", "spec": configuration()})).unwrap();
    assert_eq!(plan.hostname.as_deref(), Some("box"));
    assert_eq!(
        plan.root.source,
        RootSource::Bind {
            path: "/srv/rootfs".into()
        }
    );
    assert!(plan.root.attributes.readonly && plan.loopback);
    assert_eq!(plan.id_maps, Some(IdMaps::Inherit));
    assert_eq!(plan.namespaces.len(), 7);
    assert_eq!(plan.namespaces[0].kind, NamespaceKind::Pid);
    assert_eq!(plan.mounts[2].source, MountSource::Cgroup);
    assert_eq!(
        plan.mounts[3].source,
        MountSource::Bind {
            path: "/srv/data".into(),
            recursive: true
        }
    );
    let fuse = plan.devices.last().unwrap();
    assert_eq!(
        (fuse.path.as_str(), fuse.kind, fuse.minor),
        ("/dev/fuse", DeviceKind::Char, 229)
    );
    assert_eq!(plan.masked_paths, ["/proc/kcore"]);
    assert_eq!(
        plan.sysctls,
        [("net.ipv4.ip_forward".to_owned(), "1".to_owned())]
    );
    let cgroup = plan.cgroup.unwrap();
    assert_eq!(
        (cgroup.path.as_str(), cgroup.policy),
        ("/ctr-ts/box", Requirement::Required)
    );
    assert_eq!(
        plan.process.program,
        Program::Command {
            args: vec!["sh".into()]
        }
    );
    assert!(plan.process.seccomp.is_some());
}

#[test]
fn a_plan_survives_both_encodings() {
    let overlay = json!({"kind": "overlay", "lower": ["/l/1", "/l/0"], "userxattr": true,
                         "upper": {"kind": "tmpfs", "sizeBytes": 4096}});
    let plan = plan(
        json!({"id": "box", "spec": configuration(), "root": {"source": overlay},
        "program": "init", "user": "app:staff"}),
    )
    .unwrap();
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["root"]["source"], overlay);
    assert_eq!(json["process"]["program"], json!({"kind": "init"}));
    assert_eq!(
        json["process"]["seccomp"]["defaultAction"],
        json!({"kind": "errno", "value": 1})
    );
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
    let bytes = postcard::to_stdvec(&plan).unwrap();
    assert_eq!(postcard::from_bytes::<Plan>(&bytes).unwrap(), plan);
}

#[test]
fn the_requests_root_replaces_the_configured_path() {
    let upper = json!({"kind": "directory", "path": "/run/box/upper/"});
    let source = json!({"kind": "overlay", "lower": ["/l"], "upper": upper, "userxattr": false});
    let plan =
        plan(json!({"id": "box", "spec": configuration(), "root": {"source": source}})).unwrap();
    let RootSource::Overlay { upper, .. } = plan.root.source else {
        panic!("not an overlay")
    };
    assert_eq!(
        upper,
        OverlayUpper::Directory {
            path: "/run/box/upper".into()
        }
    );
    assert!(plan.root.attributes.readonly, "root.readonly still holds");
}

#[test]
fn the_filter_is_chosen_by_the_request() {
    let filter = |seccomp: Value, configured: Value| {
        let mut spec = configuration();
        spec["linux"]["seccomp"] = configured;
        plan(json!({"id": "box", "spec": spec, "seccomp": seccomp}))
            .map(|plan| plan.process.seccomp)
    };
    let profile = json!({"defaultAction": "SCMP_ACT_ALLOW"});
    assert_eq!(
        filter(json!({"kind": "unconfined"}), profile.clone()).unwrap(),
        None
    );
    assert_eq!(filter(json!({"kind": "spec"}), Value::Null).unwrap(), None);
    let from_spec = filter(json!({"kind": "spec"}), profile.clone())
        .unwrap()
        .unwrap();
    let from_profile = filter(json!({"kind": "profile", "profile": profile}), Value::Null)
        .unwrap()
        .unwrap();
    assert_eq!((from_spec.rules.len(), &from_spec), (0, &from_profile));
    let error = filter(json!({"kind": "spec"}), json!({"defaultAction": "NO"})).unwrap_err();
    assert_eq!(
        (error.code(), error.field()),
        (
            "INVALID_SECCOMP_PROFILE",
            Some("linux.seccomp.defaultAction")
        )
    );
}

#[test]
fn bad_configurations_are_refused_by_code_and_field() {
    for (pointer, value, code, field) in [
        (
            "/hooks",
            json!({"prestart": [{"path": "/x"}]}),
            "UNSUPPORTED_FIELD",
            Some("hooks.prestart"),
        ),
        (
            "/linux/intelRdt",
            json!({"closID": "x"}),
            "UNSUPPORTED_FIELD",
            Some("linux.intelRdt"),
        ),
        (
            "/linux/rootfsPropagation",
            json!("shared"),
            "UNSUPPORTED_FIELD",
            Some("linux.rootfsPropagation"),
        ),
        (
            "/linux/timeOffsets",
            json!({"boottime": {"secs": 1}}),
            "UNSUPPORTED_FIELD",
            Some("linux.timeOffsets"),
        ),
        (
            "/process/selinuxLabel",
            json!("x"),
            "UNSUPPORTED_FIELD",
            Some("process.selinuxLabel"),
        ),
        ("/process", Value::Null, "INVALID_SPEC", Some("process")),
        ("/linux", Value::Null, "INVALID_SPEC", Some("linux")),
        ("/root", Value::Null, "INVALID_SPEC", Some("root")),
        (
            "/root/path",
            json!("rootfs"),
            "INVALID_PATH",
            Some("root.path"),
        ),
        ("/mounts", json!("none"), "INVALID_SPEC", None),
        (
            "/hostname",
            json!("h".repeat(65)),
            "INVALID_HOSTNAME",
            Some("hostname"),
        ),
        (
            "/linux/maskedPaths",
            json!(["/a", "b"]),
            "INVALID_PATH",
            Some("linux.maskedPaths[1]"),
        ),
        (
            "/linux/readonlyPaths",
            json!(["/a/../b"]),
            "INVALID_PATH",
            Some("linux.readonlyPaths[0]"),
        ),
        (
            "/linux/namespaces",
            json!([{"type": "pid"}]),
            "INVALID_NAMESPACES",
            Some("linux.namespaces"),
        ),
        (
            "/linux/namespaces",
            json!([{"type": "mount"}]),
            "INVALID_NAMESPACES",
            Some("hostname"),
        ),
        (
            "/linux/namespaces",
            json!([{"type": "mount"}, {"type": "uts"}]),
            "INVALID_SYSCTL",
            Some("linux.sysctl[\"net.ipv4.ip_forward\"]"),
        ),
        (
            "/process/capabilities",
            json!({"bounding": ["CAP_FLY"]}),
            "UNKNOWN_CAPABILITY",
            Some("process.capabilities.bounding[0]"),
        ),
        (
            "/linux/resources",
            json!({"pids": {"limit": -3}}),
            "INVALID_LIMIT",
            Some("linux.resources.pids.limit"),
        ),
    ] {
        let error = plan_with(pointer, value.clone()).unwrap_err();
        assert_eq!(
            (error.code(), error.field()),
            (code, field),
            "{pointer} = {value}: {error}"
        );
        let message = error.to_string();
        assert!(
            !message.ends_with('.') && !message.contains('\n'),
            "{message}"
        );
    }
}

#[test]
fn identifiers_are_names_and_not_paths() {
    let id = |id: &str| plan(json!({"id": id, "spec": configuration()}));
    for good in ["a", "A.b_c-1", "0", &"x".repeat(128)] {
        assert_eq!(id(good).unwrap().id, good);
    }
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "-a",
        "_a",
        "a b",
        "ä",
        "a\0",
        &"x".repeat(129),
    ] {
        assert_eq!(id(bad).unwrap_err().code(), "INVALID_ID", "{bad:?}");
    }
}

#[test]
fn a_request_with_an_unknown_field_is_not_a_request() {
    let request = json!({"id": "box", "spec": {}, "secomp": {"kind": "unconfined"}});
    assert!(serde_json::from_value::<ctr_spec::request::ContainerRequest>(request).is_err());
}
