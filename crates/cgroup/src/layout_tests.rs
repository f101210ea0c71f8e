//! Layouts as captured on real machines.

use super::*;

const THIS_KIND: (&str, &str) = (
    "\
23 1 254:0 / / rw,relatime - ext4 /dev/root rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
",
    "\
9:name=systemd:/
8:pids:/
7:blkio:/
6:freezer:/
5:devices:/
4:memory:/process_api/2125
3:cpuset:/
2:cpuacct:/
1:cpu:/
0::/
",
);

const SYSTEMD_V2: (&str, &str) = (
    "\
22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
30 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
",
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n",
);

const DEBIAN_HYBRID: (&str, &str) = (
    "\
25 1 8:1 / / rw - ext4 /dev/sda1 rw
30 25 0:25 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:26 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:10 - cgroup2 cgroup2 rw,nsdelegate
32 30 0:27 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:11 - cgroup cgroup rw,xattr,name=systemd
35 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:15 - cgroup cgroup rw,cpu,cpuacct
36 30 0:31 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,memory
37 30 0:32 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid shared:17 - cgroup cgroup rw,net_cls,net_prio
38 30 0:33 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime shared:18 - cgroup cgroup rw,pids
",
    "\
12:rdma:/
8:net_cls,net_prio:/
5:memory:/user.slice/user-1000.slice/session-3.scope
4:cpu,cpuacct:/user.slice
3:pids:/user.slice/user-1000.slice/session-3.scope
1:name=systemd:/user.slice/user-1000.slice/session-3.scope
0::/user.slice/user-1000.slice/session-3.scope
",
);

const NESTED_V1: (&str, &str) = (
    "\
700 600 0:80 / / rw,relatime - overlay overlay rw
710 700 0:85 / /sys ro,nosuid,nodev,noexec - sysfs sysfs ro
711 710 0:86 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755
712 711 0:27 /docker/abc /sys/fs/cgroup/systemd ro,nosuid - cgroup cgroup rw,xattr,name=systemd
713 711 0:31 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory
714 711 0:33 /docker/abc /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
715 711 0:30 /docker/other /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu
",
    "5:memory:/docker/abc\n4:cpu:/docker/abc\n3:pids:/docker/abc/inner\n1:name=systemd:/docker/abc\n",
);

fn pure((mountinfo, cgroups): (&str, &str)) -> Layout {
    Layout {
        hierarchies: parse(mountinfo, cgroups),
    }
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|p| p.display().to_string()).collect()
}

#[test]
fn one_hierarchy_per_controller_beside_cgroup2_is_hybrid() {
    let layout = pure(THIS_KIND);
    assert_eq!(layout.version(), Version::Hybrid);
    assert_eq!(
        texts(&layout.directories("ctr-ts/a")),
        [
            "/sys/fs/cgroup/pids/ctr-ts/a",
            "/sys/fs/cgroup/freezer/ctr-ts/a",
            "/sys/fs/cgroup/devices/ctr-ts/a",
            "/sys/fs/cgroup/memory/process_api/2125/ctr-ts/a",
            "/sys/fs/cgroup/cpuset/ctr-ts/a",
            "/sys/fs/cgroup/cpuacct/ctr-ts/a",
            "/sys/fs/cgroup/cpu/ctr-ts/a",
        ]
    );
    let absolute = texts(&layout.directories("/a"));
    assert!(
        absolute.contains(&"/sys/fs/cgroup/memory/a".to_owned()),
        "{absolute:?}"
    );
}

#[test]
fn systemd_with_one_tree_is_v2() {
    let layout = pure(SYSTEMD_V2);
    assert_eq!(layout.version(), Version::V2);
    assert_eq!(
        texts(&layout.directories("ctr-ts/a")),
        [
            "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope/ctr-ts/a"
        ]
    );
    assert_eq!(
        texts(&layout.directories("/ctr-ts/a")),
        ["/sys/fs/cgroup/ctr-ts/a"]
    );
}

#[test]
fn the_leaf_that_holds_the_caller_is_not_its_own_group() {
    let cgroups = SYSTEMD_V2
        .1
        .replace("run-r1.scope", "run-r1.scope/ctr-ts.caller");
    let layout = pure((SYSTEMD_V2.0, &cgroups));
    let own = layout.hierarchies[0].own_directory.clone();
    assert!(own.is_some_and(|own| own.ends_with("app.slice/run-r1.scope")));
}

#[test]
fn controllers_mounted_together_share_a_directory() {
    let layout = pure(DEBIAN_HYBRID);
    assert_eq!(layout.version(), Version::Hybrid);
    let directories = texts(&layout.directories("x"));
    assert_eq!(
        directories,
        [
            "/sys/fs/cgroup/memory/user.slice/user-1000.slice/session-3.scope/x",
            "/sys/fs/cgroup/cpu,cpuacct/user.slice/x",
            "/sys/fs/cgroup/pids/user.slice/user-1000.slice/session-3.scope/x",
        ]
    );
    // rdma has no mount, and what is not mounted cannot be used.
    assert!(layout.hierarchy_of("rdma").is_none());
    assert!(layout.hierarchy_of("cpuacct").is_some());
}

#[test]
fn inside_a_container_without_cgroup_namespace_paths_start_at_the_mounts_root() {
    let layout = pure(NESTED_V1);
    assert_eq!(layout.version(), Version::V1);
    let memory = layout.hierarchy_of("memory");
    assert!(
        memory.is_some_and(|h| h.readonly
            && h.own_directory.as_deref() == Some(Path::new("/sys/fs/cgroup/memory")))
    );
    let pids = layout.hierarchy_of("pids");
    assert!(pids.is_some_and(|h| !h.readonly
        && h.own_directory.as_deref() == Some(Path::new("/sys/fs/cgroup/pids/inner"))));
    // The cpu mount shows a foreign group only.
    assert!(layout.hierarchy_of("cpu").is_none());
    assert!(!layout.report().writable);
}

#[test]
fn a_mount_that_leads_out_of_the_cgroup_namespace_shows_no_own_group() {
    let mountinfo = "30 22 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    let layout = pure((mountinfo, "0::/\n"));
    assert!(layout.hierarchies[0].own_directory.is_none());
    assert!(layout.directories("a").is_empty());
}

#[test]
fn of_two_mounts_the_writable_one_is_used() {
    let mountinfo = "\
30 22 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw
31 22 0:26 / /run/cgroup rw - cgroup2 cgroup2 rw
";
    assert_eq!(
        pure((mountinfo, "0::/\n")).hierarchies[0].mount,
        Path::new("/run/cgroup")
    );
}

#[test]
fn a_machine_without_mounts_has_none() {
    let layout = pure(("20 1 8:1 / / rw - ext4 /dev/sda rw\n", "0::/\n"));
    assert_eq!(layout.version(), Version::None);
    assert!(layout.directories("a").is_empty());
    assert!(!layout.report().writable);
}

#[test]
fn a_named_hierarchy_without_controllers_does_not_make_it_hybrid() {
    let mountinfo = "\
30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
31 30 0:27 / /run/named rw - cgroup cgroup rw,name=elogind
";
    assert_eq!(
        pure((mountinfo, "1:name=elogind:/3\n0::/3\n")).version(),
        Version::V2
    );
}
