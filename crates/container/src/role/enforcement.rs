//! What a container asked for and has: one row per isolation feature of its plan.
//!
//! A feature that is required and refused ends the start, so what is listed here was got; what was
//! only preferred and refused is reported where it was refused.

use ctr_spec::plan::{Plan, Process};

use crate::protocol::Enforcement;

/// The rows of a plan that init has carried out. `grouped`: the container is in a cgroup of its own.
pub(crate) fn of_plan(plan: &Plan, grouped: bool) -> Vec<Enforcement> {
    let mut rows: Vec<Enforcement> = plan
        .namespaces
        .iter()
        .map(|namespace| {
            let how = if namespace.path.is_some() {
                "joined"
            } else {
                "new"
            };
            let kind = format!("{:?}", namespace.kind).to_lowercase();
            got(format!("namespace {kind}"), how)
        })
        .collect();
    if let (true, Some(cgroup)) = (grouped, &plan.cgroup) {
        let policy = format!("{:?}", cgroup.policy).to_lowercase();
        rows.push(got("cgroup", &policy));
    }
    if plan.root.attributes.readonly {
        rows.push(got("read-only root", "required"));
    }
    rows.push(got(
        "hidden paths",
        &(plan.masked_paths.len() + plan.readonly_paths.len()).to_string(),
    ));
    rows
}

/// The rows of a process, PID 1 or a further one.
pub(crate) fn of_process(process: &Process) -> Vec<Enforcement> {
    let bounding = process.capabilities.bounding.count_ones();
    let mut rows = vec![got(
        "capabilities",
        &format!("{bounding} in the bounding set"),
    )];
    if process.seccomp.is_some() {
        rows.push(got("seccomp", "filter"));
    }
    if process.terminal {
        rows.push(got("terminal", "required"));
    }
    if process.no_new_privileges {
        rows.push(got("no new privileges", "required"));
    }
    for limit in &process.rlimits {
        rows.push(got(limit.resource.clone(), "required"));
    }
    rows
}

fn got(feature: impl Into<String>, requested: &str) -> Enforcement {
    Enforcement {
        feature: feature.into(),
        requested: requested.to_owned(),
        supported: true,
        enforced: true,
        reason: None,
    }
}
