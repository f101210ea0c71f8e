//! Device rules on v2: a program of this crate's name, attached to the group.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use ctr_spec::plan::{DeviceRule, Resources};
use ctr_sys::bpf;
use nix::errno::Errno;

use super::{allow_everything, letter, program, text};
use crate::error::{Code, Error};
use crate::limits::Written;

/// By it our program is told from those of systemd and others on the same group.
const NAME: &str = "ctr_ts_devices";

/// Puts the rules in force, in place of all that were set before. In one step: there is no instant
/// without rules, nor one with both.
pub(crate) fn write(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    let rules = &resources.devices;
    let failed = |error: ctr_sys::Error| explain(&error, directory);
    let group = File::open(directory).map_err(|e| Error::io("open", directory, &e))?;
    if allow_everything(rules) {
        // Who may load no program has none to take off.
        for old in bpf::device_programs(group.as_fd(), NAME).unwrap_or_default() {
            bpf::detach_device_program(group.as_fd(), old.as_fd()).map_err(failed)?;
        }
        return Ok(());
    }
    let program = bpf::load_device_program(NAME, &program::assemble(rules)).map_err(failed)?;
    let old = bpf::device_programs(group.as_fd(), NAME).map_err(failed)?;
    let mut old = old.iter().map(AsFd::as_fd);
    bpf::attach_device_program(group.as_fd(), program.as_fd(), old.next()).map_err(failed)?;
    for rest in old {
        bpf::detach_device_program(group.as_fd(), rest).map_err(failed)?;
    }
    out.extend(rules.iter().map(|rule| {
        let line = line(rule);
        Written {
            file: directory.to_owned(),
            requested: line.clone(),
            value: line,
        }
    }));
    Ok(())
}

fn line(rule: &DeviceRule) -> String {
    let verb = if rule.allow { "allow" } else { "deny" };
    format!("{verb} {}", text(letter(rule.kind), rule))
}

fn explain(error: &ctr_sys::Error, directory: &Path) -> Error {
    let failed = Error::system("set device rules of", directory, error.errno())
        .with_detail(format!("{}({})", error.call(), error.arguments()));
    match error.errno() {
        Errno::EPERM => failed.with_code(Code::Unavailable).with_hint(
            "device rules on cgroup v2 need CAP_BPF and CAP_NET_ADMIN outside of any user namespace",
        ),
        Errno::ENOSYS | Errno::EINVAL => failed.with_code(Code::Unavailable).with_hint(
            "use a kernel with CONFIG_CGROUP_BPF, or drop MKNOD and leave the device rules out",
        ),
        _ => failed.with_code(Code::Unavailable),
    }
}
