//! What a filter means, read straight from its rules.

use std::collections::BTreeMap;

use ctr_spec::seccomp::{Action, ArgCondition, Comparison, Filter};

use crate::interpreter::Call;

/// Numbers of all names in the filter, and the highest of them.
pub(crate) struct Oracle<'a> {
    filter: &'a Filter,
    numbers: BTreeMap<&'a str, u32>,
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(filter: &'a Filter) -> Self {
        let names = filter.rules.iter().flat_map(|rule| &rule.names);
        let numbers = names
            .filter_map(|name| Some((name.as_str(), ctr_seccomp::number(name)?)))
            .collect();
        Self { filter, numbers }
    }

    /// The value that seccomp must return for a call of the native architecture.
    pub(crate) fn expected(&self, call: Call) -> u32 {
        let newest = self.numbers.values().max();
        if matches!(self.filter.default_action, Action::Errno(_))
            && newest.is_some_and(|newest| call.number > *newest)
        {
            return value(Action::Errno(38));
        }
        let matching = self.filter.rules.iter().find(|rule| {
            rule.names
                .iter()
                .any(|name| self.numbers.get(name.as_str()) == Some(&call.number))
                && rule
                    .args
                    .iter()
                    .all(|condition| holds(condition, call.args))
        });
        value(matching.map_or(self.filter.default_action, |rule| rule.action))
    }
}

fn holds(condition: &ArgCondition, args: [u64; 6]) -> bool {
    let argument = args[condition.index as usize];
    match condition.op {
        Comparison::NotEqual => argument != condition.value,
        Comparison::LessThan => argument < condition.value,
        Comparison::LessOrEqual => argument <= condition.value,
        Comparison::Equal => argument == condition.value,
        Comparison::GreaterOrEqual => argument >= condition.value,
        Comparison::GreaterThan => argument > condition.value,
        Comparison::MaskedEqual => argument & condition.value == condition.value_two,
    }
}

/// SECCOMP_RET_* with its data.
pub(crate) fn value(action: Action) -> u32 {
    match action {
        Action::Allow => libc::SECCOMP_RET_ALLOW,
        Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
        Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
        Action::KillThread => libc::SECCOMP_RET_KILL_THREAD,
        Action::Trap => libc::SECCOMP_RET_TRAP,
        Action::Trace(data) => libc::SECCOMP_RET_TRACE | u32::from(data),
        Action::Log => libc::SECCOMP_RET_LOG,
        Action::Notify => libc::SECCOMP_RET_USER_NOTIF,
    }
}
