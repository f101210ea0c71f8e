//! Device nodes: the specification's default ones, those of the configuration, and their rules.

use oci_spec::runtime as oci;

use crate::error::{Code, Error};
use crate::paths;
use crate::plan::{Device, DeviceKind, DeviceRule, Mount, MountSource};

/// Devices that the OCI runtime specification makes a runtime supply: path, major, minor.
/// (`/dev/console` is made with the terminal, `/dev/ptmx` is a link.)
const DEFAULT_DEVICES: &[(&str, u32, u32)] = &[
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// Links that the specification makes a runtime supply.
const DEFAULT_LINKS: &[(&str, &str)] = &[
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Widest numbers the kernel's 32-bit device number holds.
const MAX_MAJOR: u32 = (1 << 12) - 1;
const MAX_MINOR: u32 = (1 << 20) - 1;

/// Device nodes and links of the container's `/dev`.
pub(crate) struct Nodes {
    pub(crate) devices: Vec<Device>,
    pub(crate) links: Vec<(String, String)>,
}

/// The default nodes and those of the configuration, which win at the same path.
pub(crate) fn nodes(
    devices: Option<&Vec<oci::LinuxDevice>>,
    mounts: &[Mount],
) -> Result<Nodes, Error> {
    let mut asked: Vec<Device> = Vec::new();
    for (index, device) in devices.into_iter().flatten().enumerate() {
        let field = format!("linux.devices[{index}]");
        let device = node(device, &field)?;
        if asked.iter().any(|other| other.path == device.path) {
            return Err(Error::new(
                Code::InvalidDevice,
                format!("{field}.path"),
                format!("make {} twice", device.path),
            ));
        }
        asked.push(device);
    }
    // SECURITY: in a bound /dev every node would be made in the host's directory.
    if shows_host_directory(mounts, "/dev") {
        if let Some(device) = asked.iter().find(|device| device.path.starts_with("/dev/")) {
            return Err(Error::new(
                Code::InvalidDevice,
                "linux.devices",
                format!("make {} in a /dev that is bound from the host", device.path),
            )
            .with_hint(
                "mount a tmpfs on /dev, or leave the device out: the bound /dev has its own",
            ));
        }
        return Ok(Nodes {
            devices: asked,
            links: Vec::new(),
        });
    }
    let is_taken = |path: &str| {
        asked.iter().any(|device| device.path == path)
            || mounts.iter().any(|mount| mount.destination == path)
    };
    let defaults = DEFAULT_DEVICES
        .iter()
        .filter(|row| !is_taken(row.0))
        .map(default_node);
    let mut devices: Vec<Device> = defaults.collect();
    let links = DEFAULT_LINKS
        .iter()
        .filter(|row| !is_taken(row.0))
        .map(|(path, target)| ((*path).to_owned(), (*target).to_owned()))
        .collect();
    devices.append(&mut asked);
    Ok(Nodes { devices, links })
}

/// The device access rules of the container's cgroup, in their order.
pub(crate) fn rules(rules: Option<&Vec<oci::LinuxDeviceCgroup>>) -> Result<Vec<DeviceRule>, Error> {
    rules
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, rule)| access_rule(rule, &format!("linux.resources.devices[{index}]")))
        .collect()
}

fn shows_host_directory(mounts: &[Mount], path: &str) -> bool {
    let last = mounts.iter().rev().find(|mount| mount.destination == path);
    last.is_some_and(|mount| matches!(mount.source, MountSource::Bind { .. }))
}

fn default_node(row: &(&str, u32, u32)) -> Device {
    let (path, major, minor) = *row;
    Device {
        path: path.to_owned(),
        kind: DeviceKind::Char,
        major,
        minor,
        mode: 0o666,
        uid: 0,
        gid: 0,
    }
}

fn node(device: &oci::LinuxDevice, field: &str) -> Result<Device, Error> {
    let path = paths::absolute(device.path(), &format!("{field}.path"))?;
    let Some(kind) = node_kind(device.typ()) else {
        return Err(Error::new(
            Code::InvalidDevice,
            format!("{field}.type"),
            format!("make {path}: a node is of type c, b, u or p"),
        ));
    };
    let mode = device.file_mode().unwrap_or(0o666);
    if mode > 0o7777 {
        return Err(Error::new(
            Code::InvalidDevice,
            format!("{field}.fileMode"),
            format!("make {path}: {mode} is more than permission bits (4095)"),
        ));
    }
    // A FIFO has no number.
    let (major, minor) = if kind == DeviceKind::Fifo {
        (0, 0)
    } else {
        (
            number(device.major(), MAX_MAJOR, &format!("{field}.major"))?,
            number(device.minor(), MAX_MINOR, &format!("{field}.minor"))?,
        )
    };
    Ok(Device {
        path,
        kind,
        major,
        minor,
        mode,
        uid: device.uid().unwrap_or(0),
        gid: device.gid().unwrap_or(0),
    })
}

fn access_rule(rule: &oci::LinuxDeviceCgroup, field: &str) -> Result<DeviceRule, Error> {
    let kind = match rule.typ() {
        None | Some(oci::LinuxDeviceType::A) => None,
        Some(typ) => match node_kind(typ) {
            Some(DeviceKind::Fifo) | None => {
                return Err(Error::new(
                    Code::InvalidDevice,
                    format!("{field}.type"),
                    "rule over a type that is not a, b or c",
                ));
            }
            kind => kind,
        },
    };
    let access = rule.access().as_deref().unwrap_or("rwm");
    if access.is_empty() || access.chars().any(|letter| !"rwm".contains(letter)) {
        return Err(Error::new(
            Code::InvalidDevice,
            format!("{field}.access"),
            format!("rule over access {access:?}: use letters of `rwm`"),
        ));
    }
    Ok(DeviceRule {
        allow: rule.allow(),
        kind,
        major: wildcard(rule.major(), MAX_MAJOR, &format!("{field}.major"))?,
        minor: wildcard(rule.minor(), MAX_MINOR, &format!("{field}.minor"))?,
        read: access.contains('r'),
        write: access.contains('w'),
        mknod: access.contains('m'),
    })
}

fn node_kind(typ: oci::LinuxDeviceType) -> Option<DeviceKind> {
    match typ {
        oci::LinuxDeviceType::C | oci::LinuxDeviceType::U => Some(DeviceKind::Char),
        oci::LinuxDeviceType::B => Some(DeviceKind::Block),
        oci::LinuxDeviceType::P => Some(DeviceKind::Fifo),
        oci::LinuxDeviceType::A => None,
    }
}

/// Absent and -1 are every number.
fn wildcard(value: Option<i64>, max: u32, field: &str) -> Result<Option<u32>, Error> {
    match value {
        None | Some(-1) => Ok(None),
        Some(value) => number(value, max, field).map(Some),
    }
}

fn number(value: i64, max: u32, field: &str) -> Result<u32, Error> {
    match u32::try_from(value) {
        Ok(number) if number <= max => Ok(number),
        _ => Err(Error::new(
            Code::InvalidDevice,
            field,
            format!("use device number {value}: not between 0 and {max}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::{Value, json};

    fn plan(devices: Value, mounts: Value) -> Result<Nodes, Error> {
        let devices: Vec<oci::LinuxDevice> = serde_json::from_value(devices).unwrap();
        let mounts: Vec<oci::Mount> = serde_json::from_value(mounts).unwrap();
        nodes(
            Some(&devices),
            &crate::mounts::convert(Some(&mounts)).unwrap(),
        )
    }

    #[test]
    fn the_specifications_devices_and_links_are_always_there() {
        let nodes = plan(json!([]), json!([])).unwrap();
        let paths: Vec<&str> = nodes
            .devices
            .iter()
            .map(|device| device.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "/dev/null",
                "/dev/zero",
                "/dev/full",
                "/dev/random",
                "/dev/urandom",
                "/dev/tty"
            ]
        );
        assert!(
            nodes
                .links
                .contains(&("/dev/ptmx".to_owned(), "pts/ptmx".to_owned()))
        );
        assert_eq!(nodes.links.len(), 5);
    }

    #[test]
    fn a_configured_device_replaces_the_default_one() {
        let nodes = plan(
            json!([{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 5},
                   {"path": "/dev/fifo", "type": "p"}]),
            json!([]),
        )
        .unwrap();
        let null: Vec<_> = nodes
            .devices
            .iter()
            .filter(|device| device.path == "/dev/null")
            .collect();
        assert_eq!((null.len(), null[0].mode, null[0].uid), (1, 0o600, 5));
        assert_eq!(nodes.devices.last().unwrap().kind, DeviceKind::Fifo);
    }

    #[test]
    fn nothing_is_made_in_a_dev_of_the_host() {
        let bound = json!([{"destination": "/dev", "type": "bind", "source": "/dev", "options": ["rbind"]}]);
        let nodes = plan(json!([]), bound.clone()).unwrap();
        assert!(nodes.devices.is_empty() && nodes.links.is_empty());
        let device = json!([{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}]);
        assert_eq!(plan(device, bound).err().unwrap().code(), "INVALID_DEVICE");
    }

    #[test]
    fn a_bound_device_file_is_not_made_as_well() {
        let bound = json!([{"destination": "/dev/tty", "type": "bind", "source": "/dev/null"}]);
        let nodes = plan(json!([]), bound).unwrap();
        assert!(nodes.devices.iter().all(|device| device.path != "/dev/tty"));
    }

    #[test]
    fn impossible_devices_are_refused() {
        for bad in [
            json!([{"path": "/dev/x", "type": "a"}]),
            json!([{"path": "/dev/x", "type": "c", "major": 4096}]),
            json!([{"path": "/dev/x", "type": "c", "major": 1, "minor": -1}]),
            json!([{"path": "/dev/x", "type": "c", "fileMode": 0o20666}]),
            json!([{"path": "/dev/x", "type": "p"}, {"path": "/dev/x", "type": "p"}]),
        ] {
            assert_eq!(
                plan(bad.clone(), json!([])).err().unwrap().code(),
                "INVALID_DEVICE",
                "{bad}"
            );
        }
    }

    #[test]
    fn rules_keep_their_order_and_wildcards() {
        let input: Vec<oci::LinuxDeviceCgroup> = serde_json::from_value(json!([
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": -1, "access": "rm"}]))
        .unwrap();
        let output = rules(Some(&input)).unwrap();
        assert!(!output[0].allow && output[0].kind.is_none() && output[0].major.is_none());
        let expected = DeviceRule {
            allow: true,
            kind: Some(DeviceKind::Char),
            major: Some(1),
            minor: None,
            read: true,
            write: false,
            mknod: true,
        };
        assert_eq!(output[1], expected);
        for bad in [
            json!([{"allow": true, "access": "x"}]),
            json!([{"allow": true, "type": "p"}]),
        ] {
            let input: Vec<oci::LinuxDeviceCgroup> = serde_json::from_value(bad).unwrap();
            assert_eq!(rules(Some(&input)).unwrap_err().code(), "INVALID_DEVICE");
        }
    }
}
