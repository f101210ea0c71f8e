//! The configuration's mounts.

use oci_spec::runtime as oci;

use crate::error::{Code, Error};
use crate::mount_options::{self, Options};
use crate::paths;
use crate::plan::{Mount, MountSource};

/// The mounts in their order.
pub(crate) fn convert(mounts: Option<&Vec<oci::Mount>>) -> Result<Vec<Mount>, Error> {
    mounts
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, mount)| convert_one(mount, &format!("mounts[{index}]")))
        .collect()
}

fn convert_one(mount: &oci::Mount, field: &str) -> Result<Mount, Error> {
    let destination = paths::absolute(mount.destination(), &format!("{field}.destination"))?;
    if destination == "/" {
        return Err(Error::new(
            Code::InvalidMount,
            format!("{field}.destination"),
            "mount on /: it would hide the container's root",
        )
        .with_hint("the root file system is the configuration's `root`"));
    }
    let words = mount.options().as_deref().unwrap_or_default();
    let options = mount_options::parse(words, &format!("{field}.options"))?;
    let source = source(mount, &options, field)?;
    if !matches!(source, MountSource::Filesystem { .. })
        && let Some((name, _)) = options.parameters.first()
    {
        return Err(Error::new(
            Code::InvalidMount,
            format!("{field}.options"),
            format!("mount {destination} with option {name:?}: unknown to this kind of mount"),
        ));
    }
    let source = match source {
        MountSource::Filesystem {
            fs_type, source, ..
        } => MountSource::Filesystem {
            fs_type,
            source,
            parameters: options.parameters,
        },
        other => other,
    };
    Ok(Mount {
        destination,
        source,
        attributes: options.attributes,
        propagation: options.propagation,
        optional: options.optional,
    })
}

/// What is mounted; a file system's parameters are filled in by the caller.
fn source(mount: &oci::Mount, options: &Options, field: &str) -> Result<MountSource, Error> {
    let fs_type = mount.typ().as_deref().unwrap_or("none");
    // The specification ignores the type of a bind mount; `bind` alone also means one.
    if options.bind.is_some() || fs_type == "bind" {
        let field = format!("{field}.source");
        let Some(path) = mount.source() else {
            return Err(Error::new(
                Code::InvalidMount,
                field,
                "bind nothing: the source is missing",
            ));
        };
        return Ok(MountSource::Bind {
            path: paths::absolute(path, &field)?,
            recursive: options.bind.unwrap_or(false),
        });
    }
    match fs_type {
        "cgroup" | "cgroup2" => Ok(MountSource::Cgroup),
        "none" | "" => Err(Error::new(
            Code::InvalidMount,
            format!("{field}.type"),
            "mount nothing: neither a file system type nor the option bind or rbind",
        )),
        _ if !is_fs_type(fs_type) => Err(Error::new(
            Code::InvalidMount,
            format!("{field}.type"),
            format!("mount file system {fs_type:?}: not the name of one"),
        )),
        _ => {
            let source = match mount.source() {
                Some(source) => paths::text(source, &format!("{field}.source"))?,
                None => fs_type,
            };
            if source.contains('\0') {
                return Err(Error::new(
                    Code::InvalidMount,
                    format!("{field}.source"),
                    "mount a source that contains a NUL byte",
                ));
            }
            Ok(MountSource::Filesystem {
                fs_type: fs_type.to_owned(),
                source: source.to_owned(),
                parameters: Vec::new(),
            })
        }
    }
}

fn is_fs_type(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::{Value, json};

    fn mount(value: Value) -> Result<Mount, Error> {
        let mounts: Vec<oci::Mount> = serde_json::from_value(json!([value])).unwrap();
        convert(Some(&mounts)).map(|mut mounts| mounts.remove(0))
    }

    #[test]
    fn file_systems_take_parameters() {
        let mount = mount(
            json!({"destination": "/dev/shm/", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "size=65536k", "mode=1777"]}),
        )
        .unwrap();
        assert_eq!(mount.destination, "/dev/shm");
        let MountSource::Filesystem {
            fs_type,
            source,
            parameters,
        } = mount.source
        else {
            panic!("not a file system: {:?}", mount.source);
        };
        assert_eq!((fs_type.as_str(), source.as_str()), ("tmpfs", "shm"));
        assert_eq!(
            parameters[0],
            ("size".to_owned(), Some("65536k".to_owned()))
        );
        assert!(mount.attributes.nosuid && !mount.optional);
    }

    #[test]
    fn binds_are_recognised_by_option_or_type() {
        for (kind, options, recursive) in [
            ("none", json!(["rbind"]), true),
            ("bind", json!([]), false),
            ("tmpfs", json!(["bind"]), false),
        ] {
            let mount = mount(
                json!({"destination": "/a", "type": kind, "source": "/b", "options": options}),
            );
            assert_eq!(
                mount.unwrap().source,
                MountSource::Bind {
                    path: "/b".into(),
                    recursive
                }
            );
        }
    }

    #[test]
    fn both_cgroup_types_are_the_containers_own_hierarchy() {
        for kind in ["cgroup", "cgroup2"] {
            let mount =
                mount(json!({"destination": "/sys/fs/cgroup", "type": kind, "options": ["ro"]}));
            assert_eq!(mount.unwrap().source, MountSource::Cgroup);
        }
    }

    #[test]
    fn impossible_mounts_are_refused_with_their_field() {
        for (bad, code, field) in [
            (
                json!({"destination": "tmp", "type": "tmpfs"}),
                "INVALID_PATH",
                "mounts[0].destination",
            ),
            (
                json!({"destination": "/a/../b", "type": "tmpfs"}),
                "INVALID_PATH",
                "mounts[0].destination",
            ),
            (
                json!({"destination": "/", "type": "tmpfs"}),
                "INVALID_MOUNT",
                "mounts[0].destination",
            ),
            (
                json!({"destination": "/a"}),
                "INVALID_MOUNT",
                "mounts[0].type",
            ),
            (
                json!({"destination": "/a", "type": "a/b"}),
                "INVALID_MOUNT",
                "mounts[0].type",
            ),
            (
                json!({"destination": "/a", "type": "bind"}),
                "INVALID_MOUNT",
                "mounts[0].source",
            ),
            (
                json!({"destination": "/a", "type": "bind", "source": "b"}),
                "INVALID_PATH",
                "mounts[0].source",
            ),
            (
                json!({"destination": "/a", "type": "bind", "source": "/b", "options": ["size=1"]}),
                "INVALID_MOUNT",
                "mounts[0].options",
            ),
            (
                json!({"destination": "/a", "type": "cgroup", "options": ["cpu"]}),
                "INVALID_MOUNT",
                "mounts[0].options",
            ),
        ] {
            let error = mount(bad.clone()).unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some(field)), "{bad}");
        }
    }
}
