//! Operations as JSON, for the addon: one object in, one object out.
//!
//! A `path` without leading `/` is below `ctr-ts/` of our own group; `/x` is below the root of
//! each hierarchy. `resources` has the fields of [`ctr_spec::plan::Resources`] in camelCase.
//!
//! | in | out |
//! |---|---|
//! | `{"op":"report"}` | [`crate::LayoutReport`] |
//! | `{"op":"create","path","resources"?}` | `{path, directories, written: [{file, requested, value}]}` |
//! | `{"op":"set","path","resources"?,"raw"?: {file: value}}` | as `create` |
//! | `{"op":"attach","path","pid"}` | `{path, pid}` |
//! | `{"op":"stat","path"}` | `{path, directories, stats, limits: {file: value}, pids: [...]}`, see [`crate::Stats`] |
//! | `{"op":"remove","path"}` | `{path, removed: [directory]}` |
//! | `{"op":"tree","path"?}` | [`crate::Node`]; without path what is below `ctr-ts`, which may be nothing |

use std::collections::BTreeMap;
use std::path::PathBuf;

use ctr_spec::plan::{Cgroup, Requirement, Resources};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Code, Error};
use crate::group::Group;
use crate::layout::Layout;
use crate::limits::Written;
use crate::path::OURS;
use crate::tree::Node;

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Operation {
    Report,
    Create {
        path: String,
        #[serde(default)]
        resources: Option<Value>,
    },
    Set {
        path: String,
        #[serde(default)]
        resources: Option<Value>,
        #[serde(default)]
        raw: BTreeMap<String, String>,
    },
    Attach {
        path: String,
        pid: i32,
    },
    Stat {
        path: String,
    },
    Remove {
        path: String,
    },
    Tree {
        #[serde(default)]
        path: Option<String>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limited<'a> {
    path: &'a str,
    directories: Vec<PathBuf>,
    written: &'a [Written],
}

/// Does what the JSON object says, for the calling process's own layout.
///
/// # Errors
///
/// `CGROUP_INVALID` for what is no operation, else the operation's own.
pub fn operation(json: &str) -> Result<String, Error> {
    let operation: Operation =
        serde_json::from_str(json).map_err(|e| invalid(&format!("no such operation: {e}")))?;
    let layout = Layout::detect()?;
    let result = match operation {
        Operation::Report => to_value(&layout.report()),
        Operation::Create { path, resources } => create(&layout, &path, resources)?,
        Operation::Set {
            path,
            resources,
            raw,
        } => set(&layout, &path, resources, &raw)?,
        Operation::Attach { path, pid } => {
            Group::open(&layout, &resolve(&path)?)?.attach(pid)?;
            json!({ "path": path, "pid": pid })
        }
        Operation::Stat { path } => stat(&layout, &path)?,
        Operation::Remove { path } => {
            let group = Group::open(&layout, &resolve(&path)?)?;
            let directories = group.directories();
            group.remove()?;
            json!({ "path": path, "removed": directories })
        }
        Operation::Tree { path } => tree(&layout, path.as_deref())?,
    };
    Ok(result.to_string())
}

fn create(layout: &Layout, path: &str, resources: Option<Value>) -> Result<Value, Error> {
    let cgroup = Cgroup {
        path: resolve(path)?,
        resources: parse_resources(resources)?,
        policy: Requirement::Required,
    };
    let group = Group::create(layout, &cgroup)?;
    Ok(to_value(&Limited {
        path,
        directories: group.directories(),
        written: group.written(),
    }))
}

fn set(
    layout: &Layout,
    path: &str,
    resources: Option<Value>,
    raw: &BTreeMap<String, String>,
) -> Result<Value, Error> {
    let resources = parse_resources(resources)?;
    let mut group = Group::open(layout, &resolve(path)?)?;
    group.set(&resources)?;
    for (file, value) in raw {
        group.set_raw(file, value)?;
    }
    Ok(to_value(&Limited {
        path,
        directories: group.directories(),
        written: group.written(),
    }))
}

fn stat(layout: &Layout, path: &str) -> Result<Value, Error> {
    let group = Group::open(layout, &resolve(path)?)?;
    Ok(json!({
        "path": path,
        "directories": group.directories(),
        "stats": group.stats()?,
        "limits": group.limits()?,
        "pids": group.pids()?,
    }))
}

fn tree(layout: &Layout, path: Option<&str>) -> Result<Value, Error> {
    let found = match path {
        Some(path) => layout.tree(&resolve_or_root(path)),
        None => layout.tree(OURS),
    };
    match found {
        // No group was made yet, which is nothing wrong.
        Err(error) if path.is_none() && error.kind() == Code::NotFound => {
            Ok(to_value(&Node::empty(OURS)))
        }
        found => Ok(to_value(&found?)),
    }
}

fn resolve(path: &str) -> Result<String, Error> {
    if path.is_empty() {
        return Err(
            invalid("the path is empty").with_hint("a group is named like asp or /asp/worker")
        );
    }
    Ok(resolve_or_root(path))
}

fn resolve_or_root(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{OURS}/{path}")
    }
}

/// Refuses names it does not know, which the type itself would let pass.
fn parse_resources(value: Option<Value>) -> Result<Resources, Error> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(Resources::default());
    };
    let known = to_value(&Resources::default());
    if let (Some(given), Some(known)) = (value.as_object(), known.as_object())
        && let Some(name) = given.keys().find(|name| !known.contains_key(*name))
    {
        let names = known.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(
            invalid(&format!("no limit is named {name}")).with_hint(format!("limits are {names}"))
        );
    }
    serde_json::from_value(value).map_err(|e| invalid(&format!("resources: {e}")))
}

fn invalid(detail: &str) -> Error {
    Error::new(Code::Invalid, "read operation", "", detail)
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("reports have string keys and no fallible serializer")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn what_is_no_operation_is_refused_before_anything_is_made() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"op":"explode"}"#,
            r#"{"op":"create"}"#,
            r#"{"op":"create","path":"x","colour":"red"}"#,
            r#"{"op":"create","path":""}"#,
            r#"{"op":"create","path":"/"}"#,
            r#"{"op":"create","path":"../x"}"#,
            r#"{"op":"create","path":"x","resources":{"cpus":2}}"#,
            r#"{"op":"create","path":"x","resources":{"pidsLimit":"many"}}"#,
            r#"{"op":"create","path":"x","resources":{"pidsLimit":0}}"#,
            r#"{"op":"attach","path":"x","pid":"1"}"#,
            r#"{"op":"remove","path":"/"}"#,
        ] {
            assert_eq!(
                operation(json).unwrap_err().code(),
                "CGROUP_INVALID",
                "{json}"
            );
        }
    }

    #[test]
    fn paths_are_below_ctr_ts_unless_they_are_absolute() {
        assert_eq!(resolve("asp").unwrap(), "ctr-ts/asp");
        assert_eq!(resolve("/asp").unwrap(), "/asp");
    }
}
