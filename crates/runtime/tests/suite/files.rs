//! Files that come with the plan, beside the trees they are bound into.

use ctr_spec::plan::{Attributes, Mount, MountSource, Plan, RootSource};

use crate::owner::Owner;
use crate::plan::{busybox, plan, rootfs};

fn with_file(mut plan: Plan, destination: &str) -> Plan {
    plan.mounts.push(Mount {
        destination: destination.to_owned(),
        source: MountSource::Content {
            text: "of the plan\n".to_owned(),
        },
        attributes: Attributes {
            readonly: true,
            ..Attributes::default()
        },
        propagation: None,
        optional: true,
    });
    plan
}

#[test]
fn a_file_of_the_plan_is_where_it_was_asked_for() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let script = "busybox cat /etc/file; busybox ls /etc";
    let plan = with_file(plan("file", rootfs.path(), script), "/etc/file");
    let running = owner.launch(&plan, false).unwrap();
    let (exit, text) = owner.wait(running);
    assert_eq!(exit.exit_code, Some(0), "{text}");
    assert_eq!(text, "of the plan\nfile\n");
}

#[test]
fn a_root_that_is_the_host_s_shows_nothing_of_how_files_came() {
    let Some(busybox) = busybox() else { return };
    let (rootfs, mut owner) = (rootfs(busybox), Owner::start());
    let busybox = rootfs.path().join("bin/busybox").display().to_string();
    let script = format!("{busybox} ls /sys; {busybox} cat {busybox}.text");
    std::fs::write(format!("{busybox}.text"), "of the host\n").unwrap();
    let mut plan = with_file(
        plan("host", rootfs.path(), &script),
        &format!("{busybox}.text"),
    );
    plan.root.source = RootSource::Bind {
        path: "/".to_owned(),
    };
    plan.process.env = vec![format!("PATH={}", rootfs.path().join("bin").display())];
    let running = owner.launch(&plan, false).unwrap();
    let (exit, text) = owner.wait(running);
    assert_eq!(exit.exit_code, Some(0), "{text}");
    let mut names: Vec<String> = std::fs::read_dir("/sys")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(text, format!("{}\nof the plan\n", names.join("\n")));
}
