//! The whole program: the prologue, then libseccomp's tree.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use ctr_spec::seccomp::{Action, ArgCondition, Comparison, Filter};
use libseccomp::{
    ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall,
};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::architecture::{self, Architecture};
use crate::calls::{self, Branches};
use crate::numbers::{self, Number};
use crate::{Error, prologue};

/// Longest program the kernel takes, BPF_MAXINSNS.
const MAX_INSTRUCTIONS: usize = 4096;

/// Bytes of one `struct sock_filter`.
const INSTRUCTION_BYTES: usize = 8;

/// Compiles a filter to an array of native-endian `struct sock_filter`, 8 bytes each.
///
/// The same filter gives the same bytes. Attach with `ctr_sys::seccomp::install`; the filter's
/// `flags` are for that call.
///
/// # Errors
///
/// `INVALID_SECCOMP_PROFILE` for an unknown architecture and for a filter longer than the kernel
/// takes; `SECCOMP_FAILED` when libseccomp or the kernel refuses a step.
pub fn compile(filter: &Filter) -> Result<Vec<u8>, Error> {
    let architectures = architecture::of_filter(filter)?;
    let calls = calls::by_name(filter);
    let prologue = prologue::compile(filter, &calls, &architectures)?;
    let mut program: Vec<u8> = prologue
        .iter()
        .flat_map(|instruction| instruction.to_bytes())
        .collect();
    program.extend(export(&context(filter, &calls, &architectures)?)?);
    let count = program.len() / INSTRUCTION_BYTES;
    if count > MAX_INSTRUCTIONS {
        return Err(Error::invalid(format!(
            "compile the filter: {count} instructions, the kernel takes {MAX_INSTRUCTIONS}"
        )));
    }
    Ok(program)
}

/// libseccomp's state for all calls that are not the prologue's.
fn context(
    filter: &Filter,
    calls: &BTreeMap<&str, Branches>,
    architectures: &[Architecture],
) -> Result<ScmpFilterContext, Error> {
    let mut context = ScmpFilterContext::new(action(filter.default_action))
        .map_err(|error| Error::libseccomp("start a filter", error))?;
    context
        .set_act_badarch(ScmpAction::KillProcess)
        .map_err(|error| Error::libseccomp("refuse other architectures", error))?;
    // A binary tree: a linear list costs six times as much on every call.
    context
        .set_ctl_optimize(2)
        .map_err(|error| Error::libseccomp("order the filter as a tree", error))?;
    for architecture in architectures {
        context.add_arch(architecture.library).map_err(|error| {
            Error::libseccomp(
                format!("add architecture {:?}", architecture.library),
                error,
            )
        })?;
    }
    for (name, branches) in calls {
        if !branches.belongs_to_prologue(name)
            && let Some(Number::Library(number)) = numbers::find(name, ScmpArch::native())
        {
            let call = ScmpSyscall::from_raw_syscall(number);
            for branch in branches.iter() {
                let conditions: Vec<ScmpArgCompare> = branch.args.iter().map(condition).collect();
                context
                    .add_rule_conditional(action(branch.action), call, &conditions)
                    .map_err(|error| Error::libseccomp(format!("add a rule over {name}"), error))?;
            }
        }
    }
    Ok(context)
}

fn export(context: &ScmpFilterContext) -> Result<Vec<u8>, Error> {
    // libseccomp 2.5 exports to a descriptor only.
    let memory = memfd_create(c"seccomp", MFdFlags::MFD_CLOEXEC)
        .map_err(|errno| Error::io("memfd_create(seccomp)", errno))?;
    context
        .export_bpf(&memory)
        .map_err(|error| Error::libseccomp("export the filter", error))?;
    let mut file = File::from(memory);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(|error| Error::io("read the exported filter", error))?;
    Ok(bytes)
}

fn action(action: Action) -> ScmpAction {
    match action {
        Action::Allow => ScmpAction::Allow,
        Action::Errno(errno) => ScmpAction::Errno(i32::from(errno)),
        Action::KillProcess => ScmpAction::KillProcess,
        Action::KillThread => ScmpAction::KillThread,
        Action::Trap => ScmpAction::Trap,
        Action::Trace(value) => ScmpAction::Trace(value),
        Action::Log => ScmpAction::Log,
        Action::Notify => ScmpAction::Notify,
    }
}

fn condition(condition: &ArgCondition) -> ScmpArgCompare {
    let ArgCondition {
        index,
        op,
        value,
        value_two,
    } = *condition;
    let (op, datum) = match op {
        Comparison::NotEqual => (ScmpCompareOp::NotEqual, value),
        Comparison::LessThan => (ScmpCompareOp::Less, value),
        Comparison::LessOrEqual => (ScmpCompareOp::LessOrEqual, value),
        Comparison::Equal => (ScmpCompareOp::Equal, value),
        Comparison::GreaterOrEqual => (ScmpCompareOp::GreaterEqual, value),
        Comparison::GreaterThan => (ScmpCompareOp::Greater, value),
        Comparison::MaskedEqual => (ScmpCompareOp::MaskedEqual(value), value_two),
    };
    ScmpArgCompare::new(index, op, datum)
}
