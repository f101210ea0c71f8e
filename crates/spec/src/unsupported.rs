//! Fields of the OCI runtime specification 1.3 that a Plan cannot express.
//!
//! A configuration that sets one is refused by name. A field that is absent, null, false or empty
//! asks for nothing and is no reason to refuse.

use serde_json::Value;

use crate::error::{Code, Error};

/// A path of object keys (`[]` stands for every element of an array) and what the field
/// would do.
type Row = (&'static str, &'static str);

/// Outside `process`.
const CONFIGURATION: &[Row] = &[
    ("hooks.prestart", "run hooks"),
    ("hooks.createRuntime", "run hooks"),
    ("hooks.createContainer", "run hooks"),
    ("hooks.startContainer", "run hooks"),
    ("hooks.poststart", "run hooks"),
    ("hooks.poststop", "run hooks"),
    ("solaris", "configure another operating system"),
    ("windows", "configure another operating system"),
    ("vm", "run in a virtual machine"),
    ("zos", "configure another operating system"),
    ("freebsd", "configure another operating system"),
    ("uidMappings", "map ids outside `linux`"),
    ("gidMappings", "map ids outside `linux`"),
    ("mounts.[].uidMappings", "map the ids of one mount"),
    ("mounts.[].gidMappings", "map the ids of one mount"),
    ("linux.mountLabel", "label mounts for SELinux"),
    ("linux.intelRdt", "assign caches and memory bandwidth"),
    ("linux.memoryPolicy", "set a NUMA memory policy"),
    ("linux.personality", "set an execution domain"),
    ("linux.timeOffsets", "shift the clocks"),
    ("linux.netDevices", "move network devices"),
    ("linux.resources.blockIO", "limit block I/O"),
    ("linux.resources.hugepageLimits", "limit huge pages"),
    ("linux.resources.network", "set network priorities"),
    ("linux.resources.rdma", "limit RDMA"),
    ("linux.resources.cpu.idle", "use the idle scheduling class"),
    ("linux.resources.cpu.burst", "let CPU bandwidth accumulate"),
    (
        "linux.resources.cpu.realtimeRuntime",
        "limit real-time scheduling",
    ),
    (
        "linux.resources.cpu.realtimePeriod",
        "limit real-time scheduling",
    ),
    ("linux.resources.memory.kernel", "limit kernel memory"),
    (
        "linux.resources.memory.kernelTCP",
        "limit kernel TCP memory",
    ),
    ("linux.resources.memory.swappiness", "set the swappiness"),
    (
        "linux.resources.memory.disableOOMKiller",
        "disable the OOM killer",
    ),
    (
        "linux.resources.memory.useHierarchy",
        "choose hierarchical accounting",
    ),
    (
        "linux.resources.memory.checkBeforeUpdate",
        "check a limit before updating it",
    ),
];

/// Inside `process`.
const PROCESS: &[Row] = &[
    ("commandLine", "pass a Windows command line"),
    ("user.username", "run as a Windows user"),
    ("apparmorProfile", "confine with AppArmor"),
    ("selinuxLabel", "label the process for SELinux"),
    ("ioPriority", "set the I/O priority"),
    ("scheduler", "set the scheduling policy"),
    ("execCPUAffinity", "set the CPU affinity of exec"),
];

/// Refuses unsupported fields of a configuration, those of its process included.
pub(crate) fn refuse(configuration: &Value) -> Result<(), Error> {
    for row in CONFIGURATION {
        refuse_row(configuration, "", row)?;
    }
    match configuration.get("process") {
        Some(process) => refuse_process(process),
        None => Ok(()),
    }
}

/// Refuses unsupported fields of a process object.
pub(crate) fn refuse_process(process: &Value) -> Result<(), Error> {
    PROCESS
        .iter()
        .try_for_each(|row| refuse_row(process, "process.", row))
}

fn refuse_row(value: &Value, prefix: &str, (path, operation): &Row) -> Result<(), Error> {
    let steps: Vec<&str> = path.split('.').collect();
    let Some(found) = first_set(value, &steps) else {
        return Ok(());
    };
    Err(Error::new(
        Code::UnsupportedField,
        format!("{prefix}{}", found.replace(".[", "[")),
        format!("{operation}: not supported"),
    )
    .with_hint("leave the field out"))
}

/// The path of the first element that `steps` lead to and that asks for something.
fn first_set(value: &Value, steps: &[&str]) -> Option<String> {
    let Some((step, rest)) = steps.split_first() else {
        return is_set(value).then(String::new);
    };
    let join = |step: &str, found: String| match found.as_str() {
        "" => step.to_owned(),
        found => format!("{step}.{found}"),
    };
    if *step == "[]" {
        return value
            .as_array()?
            .iter()
            .enumerate()
            .find_map(|(index, element)| {
                let found = first_set(element, rest)?;
                Some(join(&format!("[{index}]"), found))
            });
    }
    let found = first_set(value.get(step)?, rest)?;
    Some(join(step, found))
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::json;

    /// A document that sets only the field of a row.
    fn document(path: &str, leaf: Value) -> Value {
        path.rsplit('.').fold(leaf, |value, step| match step {
            "[]" => json!([value]),
            step => json!({ step: value }),
        })
    }

    #[test]
    fn every_row_is_refused_by_name_when_it_is_set() {
        for (path, _) in CONFIGURATION {
            let error = refuse(&document(path, json!("x"))).unwrap_err();
            assert_eq!(error.code(), "UNSUPPORTED_FIELD");
            assert_eq!(error.field().unwrap(), path.replace(".[]", "[0]"));
        }
        for (path, _) in PROCESS {
            let error = refuse(&json!({"process": document(path, json!(1))})).unwrap_err();
            assert_eq!(error.field().unwrap(), format!("process.{path}"));
        }
    }

    #[test]
    fn a_field_that_asks_for_nothing_passes() {
        for (path, _) in CONFIGURATION {
            for nothing in [json!(null), json!(false), json!(""), json!([]), json!({})] {
                refuse(&document(path, nothing)).unwrap();
            }
        }
        let swappiness = json!({"linux": {"resources": {"memory": {"swappiness": 0}}}});
        assert!(refuse(&swappiness).is_err(), "0 is a swappiness");
    }
}
