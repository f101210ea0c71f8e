//! A profile, resolved into rules for one container.

use serde::Deserialize;
use serde_json::Value;

use super::profile_format::{Argument, Condition, Profile, Syscalls};
use super::{Action, ArgCondition, Comparison, Filter, Rule, architecture};
use crate::capabilities;
use crate::error::{Code, Error};

/// What an action without an errno of its own returns, as in runc.
const EPERM: u16 = 1;

/// Largest errno the kernel passes on.
const MAX_ERRNO: u16 = 4095;

/// Longest name a system call may have.
const MAX_NAME_BYTES: usize = 63;

/// Oldest kernel that is supported: every condition up to it holds.
const OLDEST_KERNEL: (u32, u32) = (5, 10);

/// Names of errnos that profiles use.
const ERRNO_NAMES: &[(&str, u16)] = &[
    ("EPERM", 1),
    ("ENOENT", 2),
    ("EACCES", 13),
    ("EINVAL", 22),
    ("ENOSYS", 38),
    ("EAFNOSUPPORT", 97),
];

/// Resolves the profile at `field` for a process with this bounding set.
pub(super) fn resolve(profile: &Value, field: &str, bounding: u64) -> Result<Filter, Error> {
    let place = Place(field.to_owned());
    let profile = Profile::deserialize(profile)
        .map_err(|error| place.invalid(format!("read the profile: {error}")))?;
    for (value, name) in [
        (&profile.listener_path, "listenerPath"),
        (&profile.listener_metadata, "listenerMetadata"),
    ] {
        if value.as_ref().is_some_and(|value| !value.is_empty()) {
            return Err(place
                .at(name)
                .unsupported("hand calls to a supervisor: not supported"));
        }
    }
    let mut rules = Vec::new();
    for (index, syscalls) in profile.syscalls.iter().flatten().enumerate() {
        let place = Place(format!("{field}.syscalls[{index}]"));
        let parsed = parse_rule(syscalls, &place)?;
        // Parsed before it is left out: a mistake is a mistake on every machine.
        if applies(syscalls, bounding, &place)? {
            rules.extend(parsed);
        }
    }
    let default_errno = (profile.default_errno_ret, profile.default_errno.as_deref());
    Ok(Filter {
        default_action: action(
            &profile.default_action,
            default_errno,
            &place.at("defaultAction"),
        )?,
        architectures: architectures(&profile, &place)?,
        flags: flags(&profile, &place)?,
        rules,
    })
}

/// Where in the configuration an error is.
struct Place(String);

impl Place {
    fn at(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    fn invalid(&self, message: impl Into<String>) -> Error {
        Error::new(Code::InvalidSeccompProfile, self.0.clone(), message)
    }

    fn unsupported(&self, message: impl Into<String>) -> Error {
        Error::new(Code::UnsupportedField, self.0.clone(), message)
    }
}

fn parse_rule(syscalls: &Syscalls, place: &Place) -> Result<Vec<Rule>, Error> {
    let names: Vec<String> = syscalls
        .name
        .iter()
        .chain(syscalls.names.iter().flatten())
        .cloned()
        .collect();
    if names.is_empty() {
        return Err(place.at("names").invalid("rule over no call"));
    }
    if let Some(name) = names.iter().find(|name| !is_call_name(name)) {
        return Err(place
            .at("names")
            .invalid(format!("rule over {name:?}: not the name of a call")));
    }
    let errno = (syscalls.errno_ret, syscalls.errno.as_deref());
    let action = action(&syscalls.action, errno, &place.at("action"))?;
    let args = syscalls
        .args
        .iter()
        .flatten()
        .enumerate()
        .map(|(index, argument)| condition(argument, &place.at(&format!("args[{index}]"))))
        .collect::<Result<Vec<_>, _>>()?;
    let reason = syscalls.comment.clone().unwrap_or_default();
    // As in runc, conditions of which two are on one argument are alternatives.
    let is_repeated =
        |(at, arg): (usize, &ArgCondition)| args[..at].iter().any(|other| other.index == arg.index);
    let alternatives: Vec<Vec<ArgCondition>> = if args.iter().enumerate().any(is_repeated) {
        args.iter().map(|arg| vec![*arg]).collect()
    } else {
        vec![args]
    };
    let rule = |args| Rule {
        names: names.clone(),
        action,
        args,
        reason: reason.clone(),
    };
    Ok(alternatives.into_iter().map(rule).collect())
}

fn is_call_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn action(name: &str, errno: (Option<u32>, Option<&str>), place: &Place) -> Result<Action, Error> {
    let value = || match errno {
        (Some(number), _) => match u16::try_from(number) {
            Ok(number) if number <= MAX_ERRNO => Ok(number),
            _ => Err(place.invalid(format!("return errno {number}: more than {MAX_ERRNO}"))),
        },
        (None, Some("") | None) => Ok(EPERM),
        (None, Some(name)) => ERRNO_NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| *number)
            .ok_or_else(|| {
                place.invalid(format!(
                    "return errno {name:?}: give it as a number in errnoRet"
                ))
            }),
    };
    match name {
        "SCMP_ACT_ALLOW" => Ok(Action::Allow),
        "SCMP_ACT_ERRNO" => Ok(Action::Errno(value()?)),
        "SCMP_ACT_TRACE" => Ok(Action::Trace(value()?)),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Ok(Action::KillThread),
        "SCMP_ACT_KILL_PROCESS" => Ok(Action::KillProcess),
        "SCMP_ACT_TRAP" => Ok(Action::Trap),
        "SCMP_ACT_LOG" => Ok(Action::Log),
        "SCMP_ACT_NOTIFY" => Err(place.unsupported("hand calls to a supervisor: not supported")),
        _ => Err(place
            .invalid(format!("do {name:?}: there is no such action"))
            .with_hint("for example SCMP_ACT_ALLOW or SCMP_ACT_ERRNO")),
    }
}

fn condition(argument: &Argument, place: &Place) -> Result<ArgCondition, Error> {
    if argument.index > 5 {
        return Err(place.at("index").invalid(format!(
            "compare argument {}: a call has 0 to 5",
            argument.index
        )));
    }
    let op = match argument.op.as_str() {
        "SCMP_CMP_NE" => Comparison::NotEqual,
        "SCMP_CMP_LT" => Comparison::LessThan,
        "SCMP_CMP_LE" => Comparison::LessOrEqual,
        "SCMP_CMP_EQ" => Comparison::Equal,
        "SCMP_CMP_GE" => Comparison::GreaterOrEqual,
        "SCMP_CMP_GT" => Comparison::GreaterThan,
        "SCMP_CMP_MASKED_EQ" => Comparison::MaskedEqual,
        other => {
            return Err(place
                .at("op")
                .invalid(format!("compare with {other:?}: there is no such operator")));
        }
    };
    // Only the masked comparison has a second value; dropping it elsewhere makes equal filters equal.
    let value_two = if op == Comparison::MaskedEqual {
        argument.value_two
    } else {
        0
    };
    Ok(ArgCondition {
        index: argument.index,
        op,
        value: argument.value,
        value_two,
    })
}

/// Whether the rule is meant for this container on this machine.
fn applies(syscalls: &Syscalls, bounding: u64, place: &Place) -> Result<bool, Error> {
    let held =
        |name: &String| capabilities::by_name(name).is_some_and(|row| bounding & row.bit() != 0);
    let native = |name: &String| architecture::is_native(name);
    let included = match &syscalls.includes {
        Some(Condition {
            caps,
            arches,
            min_kernel,
        }) => {
            let kernel = kernel_is_new_enough(min_kernel.as_deref(), place)?;
            let arches = arches.as_deref().unwrap_or_default();
            kernel.is_none_or(|is_new_enough| is_new_enough)
                && caps.iter().flatten().all(held)
                && (arches.is_empty() || arches.iter().any(native))
        }
        None => true,
    };
    let excluded = match &syscalls.excludes {
        Some(Condition {
            caps,
            arches,
            min_kernel,
        }) => {
            kernel_is_new_enough(min_kernel.as_deref(), place)? == Some(true)
                || caps.iter().flatten().any(held)
                || arches.iter().flatten().any(native)
        }
        None => false,
    };
    Ok(included && !excluded)
}

/// Whether every supported kernel is of this version or newer; `None` when none is given. What
/// would depend on the running kernel is refused: this crate does not ask it.
fn kernel_is_new_enough(version: Option<&str>, place: &Place) -> Result<Option<bool>, Error> {
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        return Ok(None);
    };
    let parsed = version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parsed {
        Some(parsed) if parsed <= OLDEST_KERNEL => Ok(Some(true)),
        Some(_) => Err(place.unsupported(format!(
            "decide by kernel {version}: only versions up to 5.10 are supported, which every kernel here has"
        ))),
        None => Err(place.invalid(format!("decide by kernel {version:?}: not MAJOR.MINOR"))),
    }
}

/// The native architecture, then the others that the profile names.
fn architectures(profile: &Profile, place: &Place) -> Result<Vec<String>, Error> {
    let mut asked: Vec<&String> = profile.architectures.iter().flatten().collect();
    for row in profile.arch_map.iter().flatten() {
        if !architecture::is_known(&row.architecture) {
            return Err(unknown_architecture(
                &row.architecture,
                &place.at("archMap"),
            ));
        }
        if row.architecture == architecture::NATIVE {
            asked.extend(row.sub_architectures.iter().flatten());
        }
    }
    let mut names = vec![architecture::NATIVE.to_owned()];
    for name in asked {
        if !architecture::is_known(name) {
            return Err(unknown_architecture(name, &place.at("architectures")));
        }
        if name != "SCMP_ARCH_NATIVE" && !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

fn unknown_architecture(name: &str, place: &Place) -> Error {
    place
        .invalid(format!(
            "filter for {name:?}: there is no such architecture"
        ))
        .with_hint("for example SCMP_ARCH_X86_64")
}

fn flags(profile: &Profile, place: &Place) -> Result<Vec<String>, Error> {
    let mut flags = Vec::new();
    for (index, flag) in profile.flags.iter().flatten().enumerate() {
        let place = place.at(&format!("flags[{index}]"));
        match flag.as_str() {
            "SECCOMP_FILTER_FLAG_LOG" if flags.contains(flag) => {}
            "SECCOMP_FILTER_FLAG_LOG" => flags.push(flag.clone()),
            // The filter is loaded by a process with one thread: it is in step with itself.
            "SECCOMP_FILTER_FLAG_TSYNC" => {}
            "SECCOMP_FILTER_FLAG_SPEC_ALLOW" | "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => {
                return Err(place.unsupported(format!("load with {flag}: not supported")));
            }
            _ => return Err(place.invalid(format!("load with {flag:?}: there is no such flag"))),
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::json;

    const KILL: u64 = 1 << 5;

    fn plan(profile: Value) -> Result<Filter, Error> {
        resolve(&profile, "seccomp.profile", KILL)
    }

    fn with_rule(changes: Value) -> Result<Filter, Error> {
        let mut rule = json!({"names": ["read"], "action": "SCMP_ACT_ALLOW"});
        for (name, value) in changes.as_object().unwrap() {
            rule[name] = value.clone();
        }
        plan(json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}))
    }

    #[test]
    fn a_profile_becomes_a_filter() {
        let filter = plan(json!({
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
            "archMap": [{"architecture": architecture::NATIVE, "subArchitectures": ["SCMP_ARCH_X86"]},
                        {"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]}],
            "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"],
            "syscalls": [{"names": ["personality"], "action": "SCMP_ACT_TRACE", "errnoRet": 7, "comment": "why",
                "args": [{"index": 0, "value": 4_294_967_295_u32, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]}]}))
        .unwrap();
        assert_eq!(filter.default_action, Action::Errno(38));
        assert_eq!(
            filter.architectures,
            [architecture::NATIVE, "SCMP_ARCH_X86"]
        );
        assert_eq!(filter.flags, ["SECCOMP_FILTER_FLAG_LOG"]);
        let rule = &filter.rules[0];
        assert_eq!(
            (rule.action, rule.reason.as_str()),
            (Action::Trace(7), "why")
        );
        let arg = ArgCondition {
            index: 0,
            op: Comparison::MaskedEqual,
            value: 0xffff_ffff,
            value_two: 3,
        };
        assert_eq!(rule.args, [arg]);
    }

    #[test]
    fn conditions_choose_the_rules() {
        let kept = |changes| with_rule(changes).unwrap().rules.len() == 1;
        assert!(kept(json!({"includes": {"caps": ["CAP_KILL"]}})));
        assert!(!kept(
            json!({"includes": {"caps": ["CAP_KILL", "CAP_CHOWN"]}})
        ));
        assert!(!kept(
            json!({"excludes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}})
        ));
        assert!(!kept(json!({"includes": {"arches": ["s390x"]}})));
        assert!(kept(
            json!({"excludes": {"arches": ["s390x"]}, "includes": {"minKernel": "4.8"}})
        ));
        assert!(!kept(json!({"excludes": {"minKernel": "4.8"}})));
        assert!(kept(
            json!({"includes": {"minKernel": "", "caps": []}, "excludes": {}})
        ));
    }

    #[test]
    fn conditions_on_one_argument_are_alternatives() {
        let arg = |value| json!({"index": 0, "value": value, "op": "SCMP_CMP_EQ"});
        assert_eq!(
            with_rule(json!({"args": [arg(1), arg(2)]}))
                .unwrap()
                .rules
                .len(),
            2
        );
        let other = json!({"index": 1, "value": 2, "op": "SCMP_CMP_EQ"});
        assert_eq!(
            with_rule(json!({"args": [arg(1), other]}))
                .unwrap()
                .rules
                .len(),
            1
        );
    }

    #[test]
    fn calls_that_nobody_knows_yet_are_accepted() {
        assert_eq!(
            with_rule(json!({"names": ["call_of_2040"]})).unwrap().rules[0].names,
            ["call_of_2040"]
        );
    }

    #[test]
    fn mistakes_are_refused() {
        for bad in [
            json!({"names": []}),
            json!({"names": ["read write"]}),
            json!({"names": [""]}),
            json!({"action": "SCMP_ACT_MAYBE"}),
            json!({"action": "SCMP_ACT_ERRNO", "errnoRet": 4096}),
            json!({"action": "SCMP_ACT_ERRNO", "errno": "EWHAT"}),
            json!({"args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}),
            json!({"args": [{"index": 0, "value": 0, "op": "=="}]}),
            json!({"args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}),
            json!({"include": {"caps": []}}),
            json!({"includes": {"cap": []}}),
            json!({"includes": {"minKernel": "new"}}),
            // A rule that is left out is read all the same.
            json!({"action": "SCMP_ACT_MAYBE", "includes": {"caps": ["CAP_CHOWN"]}}),
        ] {
            assert_eq!(
                with_rule(bad.clone()).unwrap_err().code(),
                "INVALID_SECCOMP_PROFILE",
                "{bad}"
            );
        }
        for bad in [
            json!({}),
            json!([]),
            json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_PDP11"]}),
            json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["FAST"]}),
            json!({"defaultAction": "SCMP_ACT_ALLOW", "rules": []}),
        ] {
            assert_eq!(
                plan(bad.clone()).unwrap_err().code(),
                "INVALID_SECCOMP_PROFILE",
                "{bad}"
            );
        }
    }

    #[test]
    fn what_needs_a_supervisor_or_a_newer_kernel_is_unsupported() {
        for bad in [
            json!({"action": "SCMP_ACT_NOTIFY"}),
            json!({"includes": {"minKernel": "6.0"}}),
        ] {
            assert_eq!(
                with_rule(bad.clone()).unwrap_err().code(),
                "UNSUPPORTED_FIELD",
                "{bad}"
            );
        }
        let listener = json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"});
        assert_eq!(
            plan(listener).unwrap_err().field(),
            Some("seccomp.profile.listenerPath")
        );
    }
}
