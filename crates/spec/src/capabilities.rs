//! The capabilities of Linux: number, name, and what each lets a process do.

use oci_spec::runtime::{Capabilities as NameSet, Capability as OciName, LinuxCapabilities};
use serde_json::Value;

use crate::error::{Code, Error};
use crate::plan::Capabilities;

/// One capability of capabilities(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Bit number in a capability set.
    pub number: u8,
    /// `CAP_...`
    pub name: &'static str,
    /// What a process that has it may do, in one sentence.
    pub meaning: &'static str,
}

const fn row(number: u8, name: &'static str, meaning: &'static str) -> Capability {
    Capability {
        number,
        name,
        meaning,
    }
}

/// Every capability of Linux 6.18, in the order of their numbers.
#[rustfmt::skip] // One row, one line.
pub const CAPABILITIES: &[Capability] = &[
    row(0, "CAP_CHOWN", "give any file to any user and group"),
    row(1, "CAP_DAC_OVERRIDE", "read, write and execute files whatever their permissions say"),
    row(2, "CAP_DAC_READ_SEARCH", "read any file, search any directory, open files by handle"),
    row(3, "CAP_FOWNER", "do with any file what only its owner may: chmod, set ACLs, delete in sticky directories"),
    row(4, "CAP_FSETID", "keep set-user-ID and set-group-ID bits when a file changes"),
    row(5, "CAP_KILL", "send signals to processes of any user"),
    row(6, "CAP_SETGID", "change its groups and forge group ids on sockets"),
    row(7, "CAP_SETUID", "change its user id and forge user ids on sockets"),
    row(8, "CAP_SETPCAP", "drop from the bounding set and add to the inheritable set"),
    row(9, "CAP_LINUX_IMMUTABLE", "set the append-only and immutable flags of files"),
    row(10, "CAP_NET_BIND_SERVICE", "listen on ports below 1024"),
    row(11, "CAP_NET_BROADCAST", "nothing today: it is not checked by the kernel"),
    row(12, "CAP_NET_ADMIN", "configure interfaces, routes, firewalls and sockets of its network namespace"),
    row(13, "CAP_NET_RAW", "open raw and packet sockets and bind to any address"),
    row(14, "CAP_IPC_LOCK", "lock memory beyond its limit"),
    row(15, "CAP_IPC_OWNER", "use System V IPC objects whatever their permissions say"),
    row(16, "CAP_SYS_MODULE", "load and unload kernel modules"),
    row(17, "CAP_SYS_RAWIO", "use I/O ports and raw memory and device access"),
    row(18, "CAP_SYS_CHROOT", "call chroot and join mount namespaces"),
    row(19, "CAP_SYS_PTRACE", "trace processes and read and write their memory"),
    row(20, "CAP_SYS_PACCT", "switch process accounting on and off"),
    row(21, "CAP_SYS_ADMIN", "mount, make namespaces, and a hundred other things: close to root"),
    row(22, "CAP_SYS_BOOT", "reboot the machine and load another kernel"),
    row(23, "CAP_SYS_NICE", "raise priorities, choose schedulers, CPUs and memory nodes of any process"),
    row(24, "CAP_SYS_RESOURCE", "exceed quotas and raise hard resource limits"),
    row(25, "CAP_SYS_TIME", "set the clock"),
    row(26, "CAP_SYS_TTY_CONFIG", "hang up and reconfigure terminals"),
    row(27, "CAP_MKNOD", "create device nodes"),
    row(28, "CAP_LEASE", "take leases on any file"),
    row(29, "CAP_AUDIT_WRITE", "write records to the kernel's audit log"),
    row(30, "CAP_AUDIT_CONTROL", "configure the kernel's audit system"),
    row(31, "CAP_SETFCAP", "set capabilities on files and map user id 0 into a user namespace"),
    row(32, "CAP_MAC_OVERRIDE", "override mandatory access control (Smack)"),
    row(33, "CAP_MAC_ADMIN", "configure mandatory access control (Smack, AppArmor)"),
    row(34, "CAP_SYSLOG", "read and clear the kernel's log and see kernel addresses"),
    row(35, "CAP_WAKE_ALARM", "set timers that wake the machine"),
    row(36, "CAP_BLOCK_SUSPEND", "keep the machine from suspending"),
    row(37, "CAP_AUDIT_READ", "read the kernel's audit log by netlink"),
    row(38, "CAP_PERFMON", "monitor the performance of the whole machine (5.8)"),
    row(39, "CAP_BPF", "load BPF programs and maps (5.8)"),
    row(40, "CAP_CHECKPOINT_RESTORE", "checkpoint and restore processes and choose pids (5.9)"),
];

/// The capability of this name, in any case and with or without `CAP_`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Capability> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    CAPABILITIES
        .iter()
        .find(|capability| &capability.name["CAP_".len()..] == bare)
}

/// The capabilities of a bit mask, in the order of their numbers.
pub fn in_mask(mask: u64) -> impl Iterator<Item = &'static Capability> {
    CAPABILITIES
        .iter()
        .filter(move |capability| mask & capability.bit() != 0)
}

impl Capability {
    /// The capability's bit in a set.
    #[must_use]
    pub const fn bit(&self) -> u64 {
        1 << self.number
    }
}

/// Refuses names that are no capabilities, before the typed parser refuses the whole document.
pub(crate) fn check_names(process: &Value) -> Result<(), Error> {
    let Some(sets) = process.get("capabilities").and_then(Value::as_object) else {
        return Ok(());
    };
    for (set, names) in sets {
        for (index, name) in names.as_array().into_iter().flatten().enumerate() {
            if let Some(name) = name.as_str()
                && by_name(name).is_none()
            {
                return Err(Error::new(
                    Code::UnknownCapability,
                    format!("process.capabilities.{set}[{index}]"),
                    format!("grant capability {name:?}: there is none of this name"),
                )
                .with_hint("capabilities(7) lists the names, for example CAP_NET_ADMIN"));
            }
        }
    }
    Ok(())
}

/// The five sets as masks, refused when the kernel would refuse them.
pub(crate) fn convert(sets: Option<&LinuxCapabilities>) -> Result<Capabilities, Error> {
    let Some(sets) = sets else {
        return Ok(Capabilities::default());
    };
    let capabilities = Capabilities {
        bounding: mask(sets.bounding().as_ref()),
        effective: mask(sets.effective().as_ref()),
        permitted: mask(sets.permitted().as_ref()),
        inheritable: mask(sets.inheritable().as_ref()),
        ambient: mask(sets.ambient().as_ref()),
    };
    check_subset(
        "effective",
        capabilities.effective,
        "permitted",
        capabilities.permitted,
    )?;
    check_subset(
        "ambient",
        capabilities.ambient,
        "permitted",
        capabilities.permitted,
    )?;
    check_subset(
        "ambient",
        capabilities.ambient,
        "inheritable",
        capabilities.inheritable,
    )?;
    check_subset(
        "inheritable",
        capabilities.inheritable,
        "bounding",
        capabilities.bounding,
    )?;
    Ok(capabilities)
}

fn check_subset(inner: &str, inner_mask: u64, outer: &str, outer_mask: u64) -> Result<(), Error> {
    let Some(capability) = in_mask(inner_mask & !outer_mask).next() else {
        return Ok(());
    };
    let name = capability.name;
    Err(Error::new(
        Code::InvalidCapabilities,
        format!("process.capabilities.{inner}"),
        format!("grant {name} in the {inner} set: it is not in the {outer} set"),
    )
    .with_hint(format!("add {name} to process.capabilities.{outer}")))
}

fn mask(names: Option<&NameSet>) -> u64 {
    names
        .into_iter()
        .flatten()
        .map(|name| bit(*name))
        .fold(0, |mask, bit| mask | bit)
}

fn bit(name: OciName) -> u64 {
    by_name(&name.to_string())
        .expect("the table has every capability the OCI types have")
        .bit()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::json;

    fn sets(value: Value) -> Result<Capabilities, Error> {
        convert(Some(&serde_json::from_value(value).unwrap()))
    }

    #[test]
    fn every_row_stands_at_its_number_and_is_known_to_the_oci_types() {
        for (index, capability) in CAPABILITIES.iter().enumerate() {
            assert_eq!(usize::from(capability.number), index);
            assert!(!capability.meaning.is_empty() && !capability.meaning.ends_with('.'));
            let name: OciName = serde_json::from_value(json!(capability.name)).unwrap();
            assert_eq!(bit(name), 1 << index, "{}", capability.name);
        }
    }

    #[test]
    fn names_are_found_in_any_spelling() {
        for name in ["CAP_SYS_ADMIN", "sys_admin", "Cap_Sys_Admin"] {
            assert_eq!(by_name(name).unwrap().number, 21);
        }
        assert!(by_name("CAP_").is_none() && by_name("CAP_CAP_KILL").is_none());
    }

    #[test]
    fn an_unknown_name_is_reported_with_its_place() {
        let process = json!({"capabilities": {"bounding": ["CAP_KILL", "CAP_FLY"]}});
        let error = check_names(&process).unwrap_err();
        assert_eq!(error.code(), "UNKNOWN_CAPABILITY");
        assert_eq!(error.field(), Some("process.capabilities.bounding[1]"));
    }

    #[test]
    fn sets_become_masks() {
        let all = ["CAP_CHOWN", "CAP_KILL"];
        let capabilities =
            sets(json!({"bounding": all, "permitted": all, "effective": ["CAP_KILL"]})).unwrap();
        assert_eq!(capabilities.bounding, 0b10_0001);
        assert_eq!(capabilities.effective, 0b10_0000);
        assert_eq!(capabilities.ambient, 0);
        assert_eq!(convert(None).unwrap(), Capabilities::default());
    }

    #[test]
    fn sets_that_the_kernel_refuses_are_refused() {
        let kill = ["CAP_KILL"];
        for bad in [
            json!({"bounding": kill, "effective": kill}),
            json!({"bounding": kill, "permitted": kill, "ambient": kill}),
            json!({"bounding": kill, "inheritable": kill, "ambient": kill}),
            json!({"permitted": kill, "inheritable": kill}),
        ] {
            assert_eq!(
                sets(bad.clone()).unwrap_err().code(),
                "INVALID_CAPABILITIES",
                "{bad}"
            );
        }
    }
}
