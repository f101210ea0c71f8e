//! Groups and children that are gone when the test is, whichever way it ends.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ctr_cgroup::{Group, Layout, Version};
use ctr_spec::plan::{Cgroup, Requirement, Resources};

/// The layout when v1 groups can be made here; else says what is missing.
pub(crate) fn v1_layout() -> Option<Layout> {
    let layout = Layout::detect().unwrap();
    let report = layout.report();
    let v1 = matches!(report.version, Version::V1 | Version::Hybrid);
    if v1 && report.writable {
        return Some(layout);
    }
    eprintln!(
        "skipped: needs writable cgroup v1 hierarchies, found {:?}, writable {}",
        report.version, report.writable
    );
    None
}

/// A path no other test uses.
pub(crate) fn fresh_path() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "ctr-test-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

pub(crate) fn plan(path: &str, resources: Resources) -> Cgroup {
    Cgroup {
        path: path.to_owned(),
        resources,
        policy: Requirement::Required,
    }
}

/// A group that is emptied and removed on drop.
pub(crate) struct Scratch {
    pub(crate) group: Group,
    pub(crate) path: String,
}

impl Scratch {
    pub(crate) fn new(layout: &Layout, resources: Resources) -> Self {
        let path = fresh_path();
        let group = Group::create(layout, &plan(&path, resources)).unwrap();
        Self { group, path }
    }

    /// The value of a control file, from whichever hierarchy has it.
    pub(crate) fn value(&self, file: &str) -> String {
        let directories = self.group.directories();
        let path = directories
            .iter()
            .map(|d| d.join(file))
            .find(|p| p.exists());
        std::fs::read_to_string(path.unwrap())
            .unwrap()
            .trim_end()
            .to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let killed = self.group.kill();
        let removed = self.group.remove();
        if !std::thread::panicking() {
            killed.unwrap();
            removed.unwrap();
        }
    }
}

/// A shell that runs its script only when told to, so that it is in its group before it forks.
pub(crate) struct Held {
    pub(crate) child: Child,
    gate: Option<ChildStdin>,
}

impl Held {
    pub(crate) fn shell(script: &str) -> Self {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("read go; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let gate = child.stdin.take();
        Self { child, gate }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn go(&mut self) {
        self.gate.take().unwrap().write_all(b"go\n").unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Polls until it holds; the test fails when it does not within 10 s.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
