//! Device rules on v1: `devices.deny` and `devices.allow`, in the order given.

use std::path::Path;

use ctr_spec::plan::{DeviceKind, DeviceRule, Resources};

use super::{is_all, text};
use crate::error::{Code, Error};
use crate::file;
use crate::limits::Written;

pub(crate) fn write(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    let file_of = |rule: &DeviceRule| {
        directory.join(if rule.allow {
            "devices.allow"
        } else {
            "devices.deny"
        })
    };
    for rule in &resources.devices {
        for line in lines(rule) {
            file::write(&file_of(rule), &line)?;
            out.push(Written {
                file: file_of(rule),
                requested: line.clone(),
                value: line,
            });
        }
    }
    // One look after the last rule: what a later denial may have taken back is not asked for.
    let list = file::read(&directory.join("devices.list"))?;
    let last_denial = resources.devices.iter().rposition(|rule| !rule.allow);
    for rule in resources.devices.iter().skip(last_denial.unwrap_or(0)) {
        if let Some(line) = lines(rule)
            .iter()
            .find(|line| !holds(&list, line, rule.allow))
        {
            return Err(Error::new(
                Code::Invalid,
                "write",
                file_of(rule),
                format!("rule {line:?} has no effect"),
            )
            .with_hint("the parent group does not allow it"));
        }
    }
    Ok(())
}

/// The kernel takes `a` as everything whatever follows, so less than that needs two lines.
fn lines(rule: &DeviceRule) -> Vec<String> {
    if is_all(rule) {
        return vec!["a".to_owned()];
    }
    let kinds: &[char] = match rule.kind {
        Some(DeviceKind::Char) => &['c'],
        Some(DeviceKind::Block) => &['b'],
        Some(DeviceKind::Fifo) => &[],
        None => &['b', 'c'],
    };
    kinds.iter().map(|kind| text(*kind, rule)).collect()
}

/// Whether the list shows that the rule is in force. A narrow denial of a wide permission leaves
/// no trace in the list, and the kernel is believed.
fn holds(list: &str, line: &str, allow: bool) -> bool {
    const ALL: &str = "a *:* rwm";
    if line == "a" {
        return (list.lines().any(|l| l == ALL)) == allow;
    }
    if !allow || list.lines().any(|l| l == ALL) {
        return true;
    }
    let Some((device, access)) = line.rsplit_once(' ') else {
        return false;
    };
    list.lines()
        .filter_map(|l| l.rsplit_once(' '))
        .any(|(listed, granted)| listed == device && access.chars().all(|c| granted.contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(allow: bool, kind: Option<DeviceKind>, major: Option<u32>, access: &str) -> DeviceRule {
        let has = |c| access.contains(c);
        DeviceRule {
            allow,
            kind,
            major,
            minor: None,
            read: has('r'),
            write: has('w'),
            mknod: has('m'),
        }
    }

    #[test]
    fn rules_are_written_as_the_kernel_reads_them() {
        assert_eq!(lines(&rule(false, None, None, "rwm")), ["a"]);
        assert_eq!(
            lines(&rule(true, Some(DeviceKind::Char), Some(1), "rm")),
            ["c 1:* rm"]
        );
        assert_eq!(lines(&rule(true, None, None, "m")), ["b *:* m", "c *:* m"]);
    }

    #[test]
    fn a_permission_that_is_not_listed_does_not_hold() {
        assert!(holds("c 1:3 rwm\n", "c 1:3 rw", true));
        assert!(!holds("c 1:3 r\n", "c 1:3 rw", true));
        assert!(!holds("a *:* rwm\n", "a", false));
        assert!(holds("", "a", false));
    }
}
