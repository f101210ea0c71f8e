//! Device rules: which devices the processes of a group may open and make.
//!
//! Rules are a list. Each access of a request (read, write, mknod) is decided by the last rule that
//! names it for the device; what no rule names is denied. v1 has files for it (`v1`); on v2 the
//! list becomes an eBPF program (`program`) that is attached to the group (`v2`).
//!
//! The two differ where a request has several accesses: v1 wants one rule that allows all of them,
//! the program lets one rule allow the reading and another one the writing.

use ctr_spec::plan::{DeviceKind, DeviceRule};

pub(crate) mod program;
pub(crate) mod v1;
pub(crate) mod v2;

/// Whether no device is refused in the end.
pub(crate) fn allow_everything(rules: &[DeviceRule]) -> bool {
    let from = rules.iter().rposition(|rule| rule.allow && is_all(rule));
    match from {
        Some(from) => rules.iter().skip(from).all(|rule| rule.allow),
        None => rules.is_empty(),
    }
}

/// Whether the rule is about every access to every device.
fn is_all(rule: &DeviceRule) -> bool {
    rule.kind.is_none()
        && rule.major.is_none()
        && rule.minor.is_none()
        && rule.read
        && rule.write
        && rule.mknod
}

/// The rule in the notation of `devices.allow`, without what is done about it.
fn text(kind: char, rule: &DeviceRule) -> String {
    let number = |n: Option<u32>| n.map_or_else(|| "*".to_owned(), |n| n.to_string());
    let access: String = [(rule.read, 'r'), (rule.write, 'w'), (rule.mknod, 'm')]
        .into_iter()
        .filter_map(|(set, letter)| set.then_some(letter))
        .collect();
    let (major, minor) = (number(rule.major), number(rule.minor));
    format!("{kind} {major}:{minor} {access}")
}

/// `a`, `b` or `c`; a FIFO is no device and was refused before.
fn letter(kind: Option<DeviceKind>) -> char {
    match kind {
        Some(DeviceKind::Block) => 'b',
        Some(DeviceKind::Char) => 'c',
        Some(DeviceKind::Fifo) | None => 'a',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rules_without_a_denial_after_the_last_full_permission_allow_everything() {
        let rule = |allow, kind, major| DeviceRule {
            allow,
            kind,
            major,
            minor: None,
            read: true,
            write: true,
            mknod: true,
        };
        let (deny, allow) = (rule(false, None, None), rule(true, None, None));
        let null = rule(true, Some(DeviceKind::Char), Some(1));
        assert!(allow_everything(&[]));
        assert!(allow_everything(&[deny.clone(), allow.clone()]));
        assert!(allow_everything(&[
            deny.clone(),
            allow.clone(),
            null.clone()
        ]));
        assert!(!allow_everything(std::slice::from_ref(&deny)));
        assert!(!allow_everything(&[deny.clone(), null]));
        assert!(!allow_everything(&[allow, deny]));
    }
}
