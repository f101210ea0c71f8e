//! Namespaces, id maps, and which settings need a namespace of their own.

use oci_spec::runtime as oci;

use crate::error::{Code, Error};
use crate::paths;
use crate::plan::{IdMap, IdMaps, Namespace, NamespaceKind};

/// The kernel's limit on the lines of an id map (4.15).
const MAX_ID_MAP_LINES: usize = 340;

/// The namespaces, each kind at most once.
pub(crate) fn convert(linux: &oci::Linux) -> Result<Vec<Namespace>, Error> {
    let mut namespaces: Vec<Namespace> = Vec::new();
    for (index, namespace) in linux.namespaces().iter().flatten().enumerate() {
        let field = format!("linux.namespaces[{index}]");
        let kind = kind(namespace.typ());
        if namespaces.iter().any(|other| other.kind == kind) {
            return Err(Error::new(
                Code::InvalidNamespaces,
                field,
                format!("make the {} namespace twice", name(kind)),
            ));
        }
        let path = match namespace.path() {
            Some(path) if !path.as_os_str().is_empty() => {
                Some(paths::absolute(path, &format!("{field}.path"))?)
            }
            _ => None,
        };
        namespaces.push(Namespace { kind, path });
    }
    if !is_new(&namespaces, NamespaceKind::Mount) {
        return Err(Error::new(
            Code::InvalidNamespaces,
            "linux.namespaces",
            "build a root file system without a new mount namespace",
        )
        .with_hint("add {\"type\": \"mount\"} without a path"));
    }
    Ok(namespaces)
}

/// The id maps of a new user namespace.
pub(crate) fn id_maps(
    linux: &oci::Linux,
    namespaces: &[Namespace],
) -> Result<Option<IdMaps>, Error> {
    let uids = linux.uid_mappings().as_deref().unwrap_or_default();
    let gids = linux.gid_mappings().as_deref().unwrap_or_default();
    let is_new = is_new(namespaces, NamespaceKind::User);
    match (uids.is_empty(), gids.is_empty()) {
        (true, true) => Ok(is_new.then_some(IdMaps::Inherit)),
        (false, false) if is_new => Ok(Some(IdMaps::Explicit {
            uids: lines(uids, "linux.uidMappings")?,
            gids: lines(gids, "linux.gidMappings")?,
        })),
        (false, false) => Err(Error::new(
            Code::InvalidIdMap,
            "linux.uidMappings",
            "map ids without a new user namespace",
        )
        .with_hint("add {\"type\": \"user\"} without a path to linux.namespaces")),
        (no_uids, _) => Err(Error::new(
            Code::InvalidIdMap,
            if no_uids {
                "linux.uidMappings"
            } else {
                "linux.gidMappings"
            },
            "map only one of user and group ids",
        )),
    }
}

/// Whether the container gets a new namespace of this kind.
pub(crate) fn is_new(namespaces: &[Namespace], kind: NamespaceKind) -> bool {
    namespaces
        .iter()
        .any(|namespace| namespace.kind == kind && namespace.path.is_none())
}

/// Refuses a setting that would change a namespace which is not the container's own.
pub(crate) fn require_new(
    namespaces: &[Namespace],
    kind: NamespaceKind,
    code: Code,
    field: &str,
    operation: &str,
) -> Result<(), Error> {
    if is_new(namespaces, kind) {
        return Ok(());
    }
    let name = name(kind);
    Err(Error::new(
        code,
        field,
        format!("{operation}: the container has no new {name} namespace"),
    )
    .with_hint(format!(
        "add {{\"type\": \"{name}\"}} to linux.namespaces, or leave {field} out"
    )))
}

fn kind(kind: oci::LinuxNamespaceType) -> NamespaceKind {
    match kind {
        oci::LinuxNamespaceType::Mount => NamespaceKind::Mount,
        oci::LinuxNamespaceType::Cgroup => NamespaceKind::Cgroup,
        oci::LinuxNamespaceType::Uts => NamespaceKind::Uts,
        oci::LinuxNamespaceType::Ipc => NamespaceKind::Ipc,
        oci::LinuxNamespaceType::User => NamespaceKind::User,
        oci::LinuxNamespaceType::Pid => NamespaceKind::Pid,
        oci::LinuxNamespaceType::Network => NamespaceKind::Network,
        oci::LinuxNamespaceType::Time => NamespaceKind::Time,
    }
}

/// The kind as the OCI configuration writes it.
fn name(kind: NamespaceKind) -> &'static str {
    match kind {
        NamespaceKind::User => "user",
        NamespaceKind::Pid => "pid",
        NamespaceKind::Mount => "mount",
        NamespaceKind::Uts => "uts",
        NamespaceKind::Ipc => "ipc",
        NamespaceKind::Network => "network",
        NamespaceKind::Cgroup => "cgroup",
        NamespaceKind::Time => "time",
    }
}

fn lines(mappings: &[oci::LinuxIdMapping], field: &str) -> Result<Vec<IdMap>, Error> {
    let refuse = |index: usize, why: &str| {
        Err(Error::new(
            Code::InvalidIdMap,
            format!("{field}[{index}]"),
            format!("map ids: {why}"),
        ))
    };
    if mappings.len() > MAX_ID_MAP_LINES {
        return refuse(MAX_ID_MAP_LINES, "the kernel takes at most 340 lines");
    }
    let mut lines: Vec<IdMap> = Vec::with_capacity(mappings.len());
    for (index, mapping) in mappings.iter().enumerate() {
        let line = IdMap {
            container_id: mapping.container_id(),
            host_id: mapping.host_id(),
            size: mapping.size(),
        };
        if line.size == 0 {
            return refuse(index, "the size is 0");
        }
        if end(line.container_id, line.size) > LAST_ID || end(line.host_id, line.size) > LAST_ID {
            return refuse(index, "the range ends beyond the largest id");
        }
        for other in &lines {
            if overlaps(
                (line.container_id, line.size),
                (other.container_id, other.size),
            ) || overlaps((line.host_id, line.size), (other.host_id, other.size))
            {
                return refuse(index, "the range overlaps an earlier one");
            }
        }
        lines.push(line);
    }
    Ok(lines)
}

/// One past the largest id; the id 4294967295 means "no change" to the kernel.
const LAST_ID: u64 = u32::MAX as u64;

fn end(first: u32, size: u32) -> u64 {
    u64::from(first) + u64::from(size)
}

fn overlaps(a: (u32, u32), b: (u32, u32)) -> bool {
    u64::from(a.0) < end(b.0, b.1) && u64::from(b.0) < end(a.0, a.1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::{Value, json};

    fn plan(linux: Value) -> Result<(Vec<Namespace>, Option<IdMaps>), Error> {
        let linux: oci::Linux = serde_json::from_value(linux).unwrap();
        let namespaces = convert(&linux)?;
        let maps = id_maps(&linux, &namespaces)?;
        Ok((namespaces, maps))
    }

    fn map(container: u64, host: u64, size: u64) -> Value {
        json!({"containerID": container, "hostID": host, "size": size})
    }

    #[test]
    fn namespaces_are_made_or_joined() {
        let (namespaces, maps) = plan(json!({"namespaces": [
            {"type": "mount"}, {"type": "network", "path": "/proc/7/ns/net"}, {"type": "pid", "path": ""}]}))
        .unwrap();
        assert!(is_new(&namespaces, NamespaceKind::Pid));
        assert!(!is_new(&namespaces, NamespaceKind::Network));
        assert_eq!(namespaces[1].path.as_deref(), Some("/proc/7/ns/net"));
        assert_eq!(maps, None);
    }

    #[test]
    fn a_user_namespace_without_maps_inherits() {
        let namespaces = json!([{"type": "mount"}, {"type": "user"}]);
        let (_, maps) = plan(json!({"namespaces": namespaces})).unwrap();
        assert_eq!(maps, Some(IdMaps::Inherit));
        let (_, maps) = plan(json!({"namespaces": namespaces,
            "uidMappings": [map(0, 1000, 1)], "gidMappings": [map(0, 1000, 1)]}))
        .unwrap();
        let line = IdMap {
            container_id: 0,
            host_id: 1000,
            size: 1,
        };
        assert_eq!(
            maps,
            Some(IdMaps::Explicit {
                uids: vec![line],
                gids: vec![line]
            })
        );
    }

    #[test]
    fn impossible_namespaces_and_maps_are_refused() {
        let user = json!([{"type": "mount"}, {"type": "user"}]);
        let one = json!([map(0, 1, 1)]);
        for (bad, code) in [
            (
                json!({"namespaces": [{"type": "mount"}, {"type": "mount"}]}),
                "INVALID_NAMESPACES",
            ),
            (
                json!({"namespaces": [{"type": "pid"}]}),
                "INVALID_NAMESPACES",
            ),
            (
                json!({"namespaces": [{"type": "mount", "path": "/proc/1/ns/mnt"}]}),
                "INVALID_NAMESPACES",
            ),
            (
                json!({"namespaces": [{"type": "mount"}, {"type": "pid", "path": "ns"}]}),
                "INVALID_PATH",
            ),
            (
                json!({"namespaces": [{"type": "mount"}], "uidMappings": one, "gidMappings": one}),
                "INVALID_ID_MAP",
            ),
            (
                json!({"namespaces": user, "uidMappings": one}),
                "INVALID_ID_MAP",
            ),
            (
                json!({"namespaces": user, "uidMappings": [map(0, 1, 0)], "gidMappings": one}),
                "INVALID_ID_MAP",
            ),
            (
                json!({"namespaces": user, "uidMappings": [map(0, 4_294_967_295, 1)], "gidMappings": one}),
                "INVALID_ID_MAP",
            ),
            (
                json!({"namespaces": user, "gidMappings": one, "uidMappings": [map(0, 10, 5), map(4, 100, 5)]}),
                "INVALID_ID_MAP",
            ),
            (
                json!({"namespaces": user, "gidMappings": one, "uidMappings": [map(0, 10, 5), map(9, 14, 5)]}),
                "INVALID_ID_MAP",
            ),
        ] {
            assert_eq!(plan(bad.clone()).unwrap_err().code(), code, "{bad}");
        }
    }
}
