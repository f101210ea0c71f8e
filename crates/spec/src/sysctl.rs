//! Kernel parameters that belong to a namespace of the container.

use std::collections::HashMap;

use crate::error::{Code, Error};
use crate::namespaces::require_new;
use crate::plan::{Namespace, NamespaceKind, sysctl_path};

/// Which namespace a parameter belongs to: an exact name, or a prefix that ends with a dot.
const OWNERS: &[(&str, NamespaceKind)] = &[
    ("kernel.msgmax", NamespaceKind::Ipc),
    ("kernel.msgmnb", NamespaceKind::Ipc),
    ("kernel.msgmni", NamespaceKind::Ipc),
    ("kernel.sem", NamespaceKind::Ipc),
    ("kernel.shmall", NamespaceKind::Ipc),
    ("kernel.shmmax", NamespaceKind::Ipc),
    ("kernel.shmmni", NamespaceKind::Ipc),
    ("kernel.shm_rmid_forced", NamespaceKind::Ipc),
    ("fs.mqueue.", NamespaceKind::Ipc),
    ("net.", NamespaceKind::Network),
    ("kernel.domainname", NamespaceKind::Uts),
];

/// The parameters in the order of their names.
pub(crate) fn convert(
    sysctls: Option<&HashMap<String, String>>,
    namespaces: &[Namespace],
) -> Result<Vec<(String, String)>, Error> {
    let mut converted = Vec::new();
    for (name, value) in sysctls.into_iter().flatten() {
        let field = format!("linux.sysctl[{name:?}]");
        let dotted = dotted(name, &field)?;
        if value.contains('\0') {
            return Err(Error::new(
                Code::InvalidSysctl,
                field,
                "set a value that contains a NUL byte",
            ));
        }
        let owner = OWNERS.iter().find(|(owner, _)| {
            dotted == *owner || (owner.ends_with('.') && dotted.starts_with(owner))
        });
        let Some((_, kind)) = owner else {
            // SECURITY: a parameter outside the container's namespaces is the machine's.
            return Err(Error::new(
                Code::InvalidSysctl,
                field,
                format!("set {dotted}: it belongs to the machine, not to the container"),
            ));
        };
        let operation = format!("set {dotted}");
        require_new(namespaces, *kind, Code::InvalidSysctl, &field, &operation)?;
        converted.push((dotted, value.clone()));
    }
    converted.sort();
    if let Some(pair) = converted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::new(
            Code::InvalidSysctl,
            "linux.sysctl",
            format!("set {} twice, in two spellings", pair[0].0),
        ));
    }
    Ok(converted)
}

/// The name with dots between its parts; as in sysctl(8), a dot inside a part is written `/`, and
/// in a name whose first separator is `/` the two are swapped.
///
/// SECURITY: the name becomes a path below /proc/sys, so no part may be empty, `.` or `..`.
fn dotted(name: &str, field: &str) -> Result<String, Error> {
    let swapped = sysctl_path(name);
    let (dotted, path) = match name.find(['.', '/']) {
        Some(at) if name.as_bytes()[at] == b'/' => (swapped, name.to_owned()),
        _ => (name.to_owned(), swapped),
    };
    let is_clean = path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if is_clean {
        return Ok(dotted);
    }
    Err(Error::new(
        Code::InvalidSysctl,
        field,
        format!("set {name:?}: not the name of a kernel parameter"),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn set(name: &str, kinds: &[NamespaceKind]) -> Result<String, Error> {
        let namespaces: Vec<Namespace> = kinds
            .iter()
            .map(|kind| Namespace {
                kind: *kind,
                path: None,
            })
            .collect();
        let sysctls = HashMap::from([(name.to_owned(), "1".to_owned())]);
        convert(Some(&sysctls), &namespaces).map(|mut list| list.remove(0).0)
    }

    #[test]
    fn parameters_of_new_namespaces_are_accepted_in_both_spellings() {
        use NamespaceKind::{Ipc, Network};
        assert_eq!(
            set("net.ipv4.ip_forward", &[Network]).unwrap(),
            "net.ipv4.ip_forward"
        );
        assert_eq!(
            set("net/ipv4/ip_forward", &[Network]).unwrap(),
            "net.ipv4.ip_forward"
        );
        let vlan = "net.ipv4.conf.eth0/100.forwarding";
        assert_eq!(
            set("net/ipv4/conf/eth0.100/forwarding", &[Network]).unwrap(),
            vlan
        );
        assert_eq!(set(vlan, &[Network]).unwrap(), vlan);
        assert!(set("fs.mqueue.msg_max", &[Ipc]).is_ok());
    }

    #[test]
    fn parameters_of_the_machine_or_of_a_shared_namespace_are_refused() {
        for name in [
            "kernel.hostname",
            "vm.swappiness",
            "kernel.semx",
            "net",
            "fs.mqueue",
            "user.max_user_namespaces",
        ] {
            let all = [
                NamespaceKind::Ipc,
                NamespaceKind::Network,
                NamespaceKind::Uts,
            ];
            assert_eq!(
                set(name, &all).unwrap_err().code(),
                "INVALID_SYSCTL",
                "{name}"
            );
        }
        assert_eq!(
            set("net.core.somaxconn", &[NamespaceKind::Ipc])
                .unwrap_err()
                .code(),
            "INVALID_SYSCTL"
        );
        let joined = [Namespace {
            kind: NamespaceKind::Network,
            path: Some("/n".into()),
        }];
        let sysctls = HashMap::from([("net.core.somaxconn".to_owned(), "1".to_owned())]);
        assert!(convert(Some(&sysctls), &joined).is_err());
    }

    #[test]
    fn names_cannot_climb_out() {
        for name in [
            "net.//.kernel.core_pattern",
            "net/../kernel/core_pattern",
            "net..a",
            "net.",
            "net.a b",
            "",
        ] {
            assert!(set(name, &[NamespaceKind::Network]).is_err(), "{name:?}");
        }
    }
}
