//! Device rules as an eBPF program: data in, instructions out.
//!
//! The program walks the rules from the last to the first and keeps the accesses that are not
//! decided yet. A rule that denies one of them ends it with 0; a rule that allows takes its own
//! away, and with none left the end is 1. After the first rule the answer is 0. Kernel side:
//! `struct bpf_cgroup_dev_ctx`, include/uapi/linux/bpf.h.

use ctr_spec::plan::{DeviceKind, DeviceRule};
use ctr_sys::bpf::Instruction;

use super::is_all;

/// Accesses of a request, BPF_DEVCG_ACC_*.
const MKNOD: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;

/// Types of device, BPF_DEVCG_DEV_*.
const BLOCK: i32 = 1;
const CHAR: i32 = 2;

/// Offsets in the context: `access << 16 | type`, then the device's numbers.
const ACCESS_AND_TYPE: i16 = 0;
const MAJOR: i16 = 4;
const MINOR: i16 = 8;

/// What each register holds.
const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const FIELD: u8 = 2;
const UNDECIDED: u8 = 3;

/// Operations, on 32 bits: the constants of numbers above 2^31 must not be sign-extended.
pub(super) mod code {
    pub(crate) const LOAD: u8 = 0x61;
    pub(crate) const SET: u8 = 0xb4;
    pub(crate) const AND: u8 = 0x54;
    pub(crate) const SHIFT_RIGHT: u8 = 0x74;
    pub(crate) const JUMP: u8 = 0x05;
    pub(crate) const JUMP_IF_NOT_EQUAL: u8 = 0x56;
    pub(crate) const JUMP_IF_BITS: u8 = 0x46;
    pub(crate) const EXIT: u8 = 0x95;
}

/// The program that enforces these rules.
pub(crate) fn assemble(rules: &[DeviceRule]) -> Vec<Instruction> {
    let mut program = vec![
        load(UNDECIDED, ACCESS_AND_TYPE),
        constant(code::SHIFT_RIGHT, UNDECIDED, 16),
    ];
    for rule in rules.iter().rev() {
        if is_all(rule) {
            // Nothing before it counts, and the verifier refuses what is never reached.
            program.extend(answer(rule.allow));
            return program;
        }
        program.extend(one(rule));
    }
    program.extend(answer(false));
    program
}

/// The instructions of a rule; they fall through to the next one where it decides nothing.
fn one(rule: &DeviceRule) -> Vec<Instruction> {
    let access = accesses(rule);
    let decision = if rule.allow {
        let [set, exit] = answer(true);
        vec![
            constant(code::AND, UNDECIDED, !access),
            // Over the answer: something is left to decide.
            Instruction::new(code::JUMP_IF_NOT_EQUAL, UNDECIDED, 0, 2, 0),
            set,
            exit,
        ]
    } else {
        let [set, exit] = answer(false);
        vec![
            Instruction::new(code::JUMP_IF_BITS, UNDECIDED, 0, 1, access),
            Instruction::new(code::JUMP, 0, 0, 2, 0),
            set,
            exit,
        ]
    };
    let kind = rule.kind.map(|kind| match kind {
        DeviceKind::Block => BLOCK,
        DeviceKind::Char => CHAR,
        // Refused before; of this type there is no request.
        DeviceKind::Fifo => 0,
    });
    let mut out = Vec::new();
    // Each condition loads its field anew: were they kept, the verifier would follow every rule
    // that matched in part to the end of the program, which it gives up at some 400 rules.
    if let Some(kind) = kind {
        out.push(load(FIELD, ACCESS_AND_TYPE));
        out.push(constant(code::AND, FIELD, 0xffff));
        out.push(constant(code::JUMP_IF_NOT_EQUAL, FIELD, kind));
    }
    for (offset, number) in [(MAJOR, rule.major), (MINOR, rule.minor)] {
        if let Some(number) = number {
            out.push(load(FIELD, offset));
            let number = number.cast_signed();
            out.push(constant(code::JUMP_IF_NOT_EQUAL, FIELD, number));
        }
    }
    let end = out.len() + decision.len();
    for (at, step) in out.iter_mut().enumerate() {
        if step.code == code::JUMP_IF_NOT_EQUAL {
            step.offset = i16::try_from(end - at - 1).expect("a rule has eleven instructions");
        }
    }
    out.extend(decision);
    out
}

fn load(register: u8, offset: i16) -> Instruction {
    Instruction::new(code::LOAD, register, CONTEXT, offset, 0)
}

fn accesses(rule: &DeviceRule) -> i32 {
    [(rule.mknod, MKNOD), (rule.read, READ), (rule.write, WRITE)]
        .into_iter()
        .filter_map(|(set, bit)| set.then_some(bit))
        .sum()
}

fn answer(allow: bool) -> [Instruction; 2] {
    [
        constant(code::SET, ANSWER, i32::from(allow)),
        Instruction::new(code::EXIT, 0, 0, 0, 0),
    ]
}

fn constant(code: u8, register: u8, value: i32) -> Instruction {
    Instruction::new(code, register, 0, 0, value)
}

#[cfg(test)]
mod tests;
