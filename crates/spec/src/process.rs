//! The process: what runs, as whom, with which rights.

use oci_spec::runtime as oci;
use serde::Deserialize;
use serde_json::Value;

use crate::capabilities;
use crate::error::{Code, Error};
use crate::paths;
use crate::plan::{Process, Rlimit, User, WindowSize};
use crate::request::{ExecRequest, ProgramRequest, SeccompRequest};
use crate::seccomp;
use crate::unsupported;

/// Bounds of /proc/PID/oom_score_adj.
const OOM_SCORE_ADJ: std::ops::RangeInclusive<i32> = -1000..=1000;

/// Plans a further process of a running container.
///
/// # Errors
///
/// As [`crate::plan_container`], for the fields of `process`; and `INVALID_SECCOMP_PROFILE` when
/// the request points to a configuration's filter, which an OCI process object does not have.
pub fn plan_exec(request: &ExecRequest) -> Result<Process, Error> {
    if request.program == ProgramRequest::Supervise {
        return Err(Error::new(
            Code::InvalidSpec,
            "program",
            "supervise a further process: only a container's first can, as PID 1",
        ));
    }
    let parsed = parse(&request.process)?;
    let mut process = convert(
        &parsed,
        request.program,
        request.user.as_deref(),
        &request.groups,
    )?;
    process.seccomp = match &request.seccomp {
        SeccompRequest::Spec => {
            return Err(Error::new(
                Code::InvalidSeccompProfile,
                "seccomp",
                "use the configuration's filter: a process object has none",
            ));
        }
        other => seccomp::resolve(other, None, process.capabilities.bounding)?,
    };
    Ok(process)
}

/// The OCI process object, its unsupported fields and capability names already refused.
fn parse(process: &Value) -> Result<oci::Process, Error> {
    unsupported::refuse_process(process)?;
    capabilities::check_names(process)?;
    let mut process = process.clone();
    name_unlimited(&mut process);
    oci::Process::deserialize(process).map_err(|error| {
        Error::new(
            Code::InvalidSpec,
            "process",
            format!("read the process: {error}"),
        )
    })
}

/// Replaces -1 in resource limits by the kernel's own "unlimited", RLIM_INFINITY: a number that
/// callers in JavaScript cannot write.
pub(crate) fn name_unlimited(process: &mut Value) {
    let limits = process.get_mut("rlimits").and_then(Value::as_array_mut);
    for limit in limits.into_iter().flatten() {
        for side in ["soft", "hard"] {
            if let Some(value) = limit.get_mut(side)
                && value.as_i64() == Some(-1)
            {
                *value = Value::from(u64::MAX);
            }
        }
    }
}

/// The Plan's process without its filter.
pub(crate) fn convert(
    process: &oci::Process,
    program: ProgramRequest,
    lookup: Option<&str>,
    groups: &[String],
) -> Result<Process, Error> {
    let args = process.args().clone().unwrap_or_default();
    if matches!(program, ProgramRequest::Command | ProgramRequest::Supervise) {
        check_args(&args)?;
    }
    let env = process.env().clone().unwrap_or_default();
    check_env(&env)?;
    if let Some(adjustment) = process.oom_score_adj()
        && !OOM_SCORE_ADJ.contains(&adjustment)
    {
        return Err(Error::new(
            Code::InvalidLimit,
            "process.oomScoreAdj",
            format!("set oom_score_adj to {adjustment}: not between -1000 and 1000"),
        ));
    }
    Ok(Process {
        program: program.with_args(args),
        env,
        cwd: paths::absolute(process.cwd(), "process.cwd")?,
        user: user(process.user(), lookup, groups)?,
        capabilities: capabilities::convert(process.capabilities().as_ref())?,
        no_new_privileges: process.no_new_privileges().unwrap_or(false),
        rlimits: rlimits(process.rlimits().as_deref().unwrap_or_default())?,
        oom_score_adj: process.oom_score_adj(),
        terminal: process.terminal().unwrap_or(false),
        console_size: console_size(process)?,
        seccomp: None,
    })
}

/// The size of the terminal, which only a process with one has: the specification wants it ignored
/// elsewhere.
fn console_size(process: &oci::Process) -> Result<Option<WindowSize>, Error> {
    let Some(size) = process
        .console_size()
        .filter(|_| process.terminal() == Some(true))
    else {
        return Ok(None);
    };
    let fit = |value: u64, field: &str| {
        u16::try_from(value).map_err(|_| {
            Error::new(
                Code::InvalidSpec,
                format!("process.consoleSize.{field}"),
                format!("make a terminal of {field} {value}: more than 65535"),
            )
        })
    };
    let size = WindowSize {
        rows: fit(size.height(), "height")?,
        columns: fit(size.width(), "width")?,
    };
    Ok((size.rows > 0 && size.columns > 0).then_some(size))
}

fn check_args(args: &[String]) -> Result<(), Error> {
    if args.first().is_none_or(String::is_empty) {
        return Err(Error::new(
            Code::InvalidArgs,
            "process.args",
            "run nothing: no program is named",
        )
        .with_hint("give the program as the first argument"));
    }
    match args.iter().position(|arg| arg.contains('\0')) {
        Some(index) => Err(Error::new(
            Code::InvalidArgs,
            format!("process.args[{index}]"),
            "pass an argument that contains a NUL byte",
        )),
        None => Ok(()),
    }
}

fn check_env(env: &[String]) -> Result<(), Error> {
    for (index, entry) in env.iter().enumerate() {
        let has_name = entry
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty());
        if !has_name || entry.contains('\0') {
            return Err(Error::new(
                Code::InvalidEnv,
                format!("process.env[{index}]"),
                format!("set {entry:?}: not NAME=value"),
            ));
        }
    }
    Ok(())
}

fn user(user: &oci::User, lookup: Option<&str>, groups: &[String]) -> Result<User, Error> {
    // The kernel reads this id as "leave unchanged".
    let unset = u32::MAX;
    for (id, field) in [
        (user.uid(), "process.user.uid"),
        (user.gid(), "process.user.gid"),
    ] {
        if id == unset {
            return Err(Error::new(
                Code::InvalidUser,
                field,
                format!("run as id {id}: it means no id"),
            ));
        }
    }
    let additional_gids = user.additional_gids().clone().unwrap_or_default();
    if let Some(index) = additional_gids.iter().position(|gid| *gid == unset) {
        return Err(Error::new(
            Code::InvalidUser,
            format!("process.user.additionalGids[{index}]"),
            format!("run as id {unset}: it means no id"),
        ));
    }
    if let Some(umask) = user.umask()
        && umask > 0o777
    {
        return Err(Error::new(
            Code::InvalidUser,
            "process.user.umask",
            format!("set umask {umask}: more than permission bits (511)"),
        ));
    }
    Ok(User {
        uid: user.uid(),
        gid: user.gid(),
        additional_gids,
        lookup_groups: groups
            .iter()
            .enumerate()
            .map(|(index, group)| check_group(group, index))
            .collect::<Result<_, _>>()?,
        umask: user.umask(),
        lookup: lookup.map(check_lookup).transpose()?,
    })
}

/// `USER[:GROUP]`: one or two names or numbers, none empty.
fn check_lookup(lookup: &str) -> Result<String, Error> {
    let parts: Vec<&str> = lookup.split(':').collect();
    if parts.len() <= 2 && parts.iter().copied().all(is_name) {
        return Ok(lookup.to_owned());
    }
    Err(Error::new(
        Code::InvalidUser,
        "user",
        format!("run as {lookup:?}: not USER or USER:GROUP"),
    )
    .with_hint("names or numbers, for example 1000:1000"))
}

/// One name or number.
fn check_group(group: &str, index: usize) -> Result<String, Error> {
    if is_name(group) && !group.contains(':') {
        return Ok(group.to_owned());
    }
    Err(Error::new(
        Code::InvalidUser,
        format!("groups[{index}]"),
        format!("join group {group:?}: not a name or number"),
    ))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}

fn rlimits(limits: &[oci::PosixRlimit]) -> Result<Vec<Rlimit>, Error> {
    let mut converted: Vec<Rlimit> = Vec::with_capacity(limits.len());
    for (index, limit) in limits.iter().enumerate() {
        let resource = limit.typ().to_string();
        let field = format!("process.rlimits[{index}]");
        if limit.soft() > limit.hard() {
            return Err(Error::new(
                Code::InvalidLimit,
                field,
                format!(
                    "limit {resource}: soft limit {} above hard limit {}",
                    limit.soft(),
                    limit.hard()
                ),
            ));
        }
        if converted.iter().any(|other| other.resource == resource) {
            return Err(Error::new(
                Code::InvalidLimit,
                field,
                format!("limit {resource} twice"),
            ));
        }
        converted.push(Rlimit {
            resource,
            soft: limit.soft(),
            hard: limit.hard(),
        });
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::plan::Program;
    use serde_json::json;

    /// Plans a minimal process with some fields replaced.
    fn exec(changes: Value) -> Result<Process, Error> {
        let mut process = json!({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}});
        for (name, value) in changes.as_object().unwrap() {
            process[name] = value.clone();
        }
        plan_exec(&serde_json::from_value(json!({"process": process})).unwrap())
    }

    #[test]
    fn a_process_is_carried_over() {
        let process = exec(json!({
            "args": ["sh", "-c", "true"], "env": ["PATH=/bin", "EMPTY="], "cwd": "/work/", "terminal": true,
            "user": {"uid": 7, "gid": 8, "additionalGids": [9], "umask": 0o27},
            "noNewPrivileges": true, "oomScoreAdj": 100,
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}]}))
        .unwrap();
        assert_eq!(
            process.program,
            Program::Command {
                args: vec!["sh".into(), "-c".into(), "true".into()]
            }
        );
        assert_eq!((process.cwd.as_str(), process.terminal), ("/work", true));
        assert_eq!(
            (process.user.uid, process.user.gid, process.user.umask),
            (7, 8, Some(0o27))
        );
        assert_eq!(process.user.additional_gids, [9]);
        assert!(process.no_new_privileges && process.oom_score_adj == Some(100));
        assert_eq!(process.rlimits[0].resource, "RLIMIT_NOFILE");
        assert!(process.seccomp.is_some(), "the default policy applies");
    }

    #[test]
    fn bad_processes_are_refused_with_their_field() {
        for (bad, code, field) in [
            (json!({"args": []}), "INVALID_ARGS", "process.args"),
            (json!({"args": [""]}), "INVALID_ARGS", "process.args"),
            (
                json!({"args": ["a", "b\0"]}),
                "INVALID_ARGS",
                "process.args[1]",
            ),
            (
                json!({"env": ["A=1", "B"]}),
                "INVALID_ENV",
                "process.env[1]",
            ),
            (json!({"env": ["=1"]}), "INVALID_ENV", "process.env[0]"),
            (json!({"cwd": "work"}), "INVALID_PATH", "process.cwd"),
            (json!({"cwd": "/a/.."}), "INVALID_PATH", "process.cwd"),
            (
                json!({"oomScoreAdj": 1001}),
                "INVALID_LIMIT",
                "process.oomScoreAdj",
            ),
            (
                json!({"user": {"uid": 4_294_967_295_u32, "gid": 0}}),
                "INVALID_USER",
                "process.user.uid",
            ),
            (
                json!({"user": {"uid": 0, "gid": 0, "umask": 512}}),
                "INVALID_USER",
                "process.user.umask",
            ),
            (
                json!({"rlimits": [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]}),
                "INVALID_LIMIT",
                "process.rlimits[0]",
            ),
            (
                json!({"rlimits": [{"type": "RLIMIT_CORE"}, {"type": "RLIMIT_CORE"}]}),
                "INVALID_LIMIT",
                "process.rlimits[1]",
            ),
            (
                json!({"rlimits": [{"type": "RLIMIT_FUN"}]}),
                "INVALID_SPEC",
                "process",
            ),
            (
                json!({"apparmorProfile": "x"}),
                "UNSUPPORTED_FIELD",
                "process.apparmorProfile",
            ),
            (
                json!({"capabilities": {"bounding": ["CAP_FLY"]}}),
                "UNKNOWN_CAPABILITY",
                "process.capabilities.bounding[0]",
            ),
        ] {
            let error = exec(bad.clone()).unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some(field)), "{bad}");
        }
    }

    #[test]
    fn a_terminal_has_the_size_that_is_given_and_nothing_else_has_one() {
        let size = |height: u64, width: u64| json!({"height": height, "width": width});
        for (terminal, given, planned) in [
            (true, size(24, 80), Some((24, 80))),
            (true, size(0, 0), None),
            (true, size(24, 0), None),
            (false, size(24, 80), None),
            (true, Value::Null, None),
        ] {
            let process = exec(json!({"terminal": terminal, "consoleSize": given})).unwrap();
            let found = process.console_size.map(|size| (size.rows, size.columns));
            assert_eq!(found, planned, "{terminal} {given}");
        }
        let error = exec(json!({"terminal": true, "consoleSize": size(1, 65536)})).unwrap_err();
        assert_eq!(
            (error.code(), error.field()),
            ("INVALID_SPEC", Some("process.consoleSize.width"))
        );
    }

    #[test]
    fn only_pid_1_supervises_and_what_it_supervises_is_a_command() {
        let process = json!({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}});
        let request = json!({"program": "supervise", "process": process});
        let error = plan_exec(&serde_json::from_value(request).unwrap()).unwrap_err();
        assert_eq!(
            (error.code(), error.field()),
            ("INVALID_SPEC", Some("program"))
        );
        let none = parse(&json!({"args": [], "cwd": "/", "user": {"uid": 0, "gid": 0}})).unwrap();
        let error = convert(&none, ProgramRequest::Supervise, None, &[]).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGS");
    }

    #[test]
    fn users_to_look_up_are_one_or_two_names() {
        for good in ["root", "1000", "app:staff", "0:0"] {
            assert_eq!(check_lookup(good).unwrap(), good);
        }
        for bad in ["", ":", "a:", ":b", "a:b:c", "a b", "-x", "a\n"] {
            assert_eq!(
                check_lookup(bad).unwrap_err().code(),
                "INVALID_USER",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn minus_one_is_no_limit() {
        let limits = json!([{"type": "RLIMIT_CORE", "soft": 0, "hard": -1}]);
        let process = exec(json!({"rlimits": limits})).unwrap();
        assert_eq!(
            (process.rlimits[0].soft, process.rlimits[0].hard),
            (0, u64::MAX)
        );
    }

    #[test]
    fn groups_to_look_up_are_names_or_numbers() {
        let with = |groups: Value| {
            let request =
                json!({"groups": groups, "process": {"args": ["x"], "cwd": "/", "user": {}}});
            plan_exec(&serde_json::from_value(request).unwrap())
        };
        let process = with(json!(["audio", "44"])).unwrap();
        assert_eq!(process.user.lookup_groups, ["audio", "44"]);
        for bad in ["", "a:b", "a b", "-1"] {
            let error = with(json!(["audio", bad])).unwrap_err();
            assert_eq!(
                (error.code(), error.field()),
                ("INVALID_USER", Some("groups[1]")),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn our_own_programs_need_no_arguments() {
        let request =
            json!({"program": "view", "process": {"cwd": "/", "user": {"uid": 0, "gid": 0}}});
        let process = plan_exec(&serde_json::from_value(request).unwrap()).unwrap();
        assert_eq!(process.program, Program::View);
    }

    #[test]
    fn an_exec_has_no_configuration_to_take_a_filter_from() {
        let request = json!({"process": {"args": ["x"], "cwd": "/", "user": {}}, "seccomp": {"kind": "spec"}});
        let error = plan_exec(&serde_json::from_value(request).unwrap()).unwrap_err();
        assert_eq!(error.code(), "INVALID_SECCOMP_PROFILE");
    }
}
