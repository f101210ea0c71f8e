//! What runs before libseccomp's program: calls it has no number for, calls whose rules need an
//! order, and calls newer than the policy.

use std::collections::BTreeMap;

use ctr_spec::seccomp::{Action, ArgCondition, Comparison, Filter};
use libseccomp::ScmpArch;

use crate::Error;
use crate::architecture::{Architecture, X32_BIT};
use crate::assembler::{Assembler, Instruction, Label, Target, code};
use crate::calls::Branches;
use crate::numbers;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

const ENOSYS: u16 = 38;

/// Below this many calls a list of comparisons is as short as a search.
const LINEAR: usize = 3;

/// The prologue of a filter; empty when libseccomp says everything. It falls off its end where
/// libseccomp's program decides.
pub(crate) fn compile(
    filter: &Filter,
    calls: &BTreeMap<&str, Branches>,
    architectures: &[Architecture],
) -> Result<Vec<Instruction>, Error> {
    let blocks: Vec<Block> = architectures
        .iter()
        .map(|architecture| Block::new(filter, calls, *architecture))
        .collect();
    if blocks.iter().all(Block::is_empty) {
        return Ok(Vec::new());
    }
    let mut assembler = Assembler::default();
    let end = assembler.label();
    assembler.load(ARCHITECTURE);
    for block in &blocks {
        let skip = assembler.label();
        let enter = assembler.label();
        assembler.branch(
            code::IF_EQUAL,
            block.architecture.audit,
            Target::To(enter),
            Target::Next,
        );
        assembler.jump(skip);
        assembler.place(enter);
        assembler.load(NUMBER);
        block.emit(&mut assembler, filter.default_action, end);
        // The next block compares the architecture again: x86_64 and x32 share one.
        assembler.place(skip);
        assembler.load(ARCHITECTURE);
    }
    assembler.place(end);
    assembler.finish()
}

/// The prologue's part for one architecture.
struct Block<'a> {
    architecture: Architecture,
    /// Calls above this number are newer than the policy.
    newest: Option<u32>,
    calls: Vec<(u32, &'a Branches)>,
}

impl<'a> Block<'a> {
    fn new(
        filter: &Filter,
        calls: &'a BTreeMap<&str, Branches>,
        architecture: Architecture,
    ) -> Self {
        let number = |name: &str| numbers::find(name, architecture.library)?.in_kernel();
        // With another default than an errno the policy has decided about what it does not name.
        let newest = match filter.default_action {
            Action::Errno(_) => calls.keys().filter_map(|name| number(name)).max(),
            _ => None,
        };
        let mut own: Vec<(u32, &Branches)> = calls
            .iter()
            .filter(|(name, branches)| branches.belongs_to_prologue(name))
            .filter_map(|(name, branches)| Some((number(name)?, branches)))
            .collect();
        own.sort_by_key(|call| call.0);
        Self {
            architecture,
            newest,
            calls: own,
        }
    }

    fn is_empty(&self) -> bool {
        self.newest.is_none() && self.calls.is_empty()
    }

    /// The number is loaded; jumps to `end` where libseccomp decides.
    fn emit(&self, assembler: &mut Assembler, default: Action, end: Label) {
        let skip = assembler.label();
        // SECURITY: x32 calls reach the kernel's x86_64 table with a bit set. A block looks only at
        // numbers of its own kind; what is left is libseccomp's, which refuses x32 unless asked for.
        match self.architecture.library {
            ScmpArch::X8664 => assembler.jump_if(code::IF_NOT_LESS, X32_BIT, skip),
            ScmpArch::X32 => {
                let enter = assembler.label();
                assembler.branch(code::IF_NOT_LESS, X32_BIT, Target::To(enter), Target::Next);
                assembler.jump(skip);
                assembler.place(enter);
            }
            _ => {}
        }
        if let Some(newest) = self.newest {
            let known = assembler.label();
            assembler.branch(code::IF_GREATER, newest, Target::Next, Target::To(known));
            assembler.ret(return_value(Action::Errno(ENOSYS)));
            assembler.place(known);
        }
        search(assembler, &self.calls, default, end);
        assembler.place(skip);
    }
}

/// Finds the loaded number among calls sorted by number.
fn search(assembler: &mut Assembler, calls: &[(u32, &Branches)], default: Action, end: Label) {
    if calls.len() > LINEAR {
        let (low, high) = calls.split_at(calls.len() / 2);
        let upper = assembler.label();
        assembler.jump_if(code::IF_NOT_LESS, high[0].0, upper);
        search(assembler, low, default, end);
        assembler.place(upper);
        search(assembler, high, default, end);
        return;
    }
    for (number, branches) in calls {
        let next = assembler.label();
        let enter = assembler.label();
        assembler.branch(code::IF_EQUAL, *number, Target::To(enter), Target::Next);
        assembler.jump(next);
        assembler.place(enter);
        decide(assembler, branches, default);
        assembler.place(next);
    }
    assembler.jump(end);
}

/// Tries the branches of a call in order, then the default; always returns.
fn decide(assembler: &mut Assembler, branches: &Branches, default: Action) {
    for branch in branches.iter() {
        let next = assembler.label();
        for condition in &branch.args {
            check(assembler, condition, next);
        }
        assembler.ret(return_value(branch.action));
        assembler.place(next);
    }
    if !branches.is_total() {
        assembler.ret(return_value(default));
    }
}

/// Goes on when the condition holds, else to `otherwise`. Arguments have 64 bits, words 32: the
/// high words are compared first, the low ones where those are equal.
fn check(assembler: &mut Assembler, condition: &ArgCondition, otherwise: Label) {
    let ArgCondition {
        index,
        op,
        value,
        value_two,
    } = *condition;
    let word = ARGUMENTS + 8 * index;
    let (low_word, high_word) = if cfg!(target_endian = "big") {
        (word + 4, word)
    } else {
        (word, word + 4)
    };
    let holds = assembler.label();
    let (yes, no) = (Target::To(holds), Target::To(otherwise));
    if op == Comparison::MaskedEqual {
        for (word, mask, expected) in [
            (high_word, high(value), high(value_two)),
            (low_word, low(value), low(value_two)),
        ] {
            assembler.load(word);
            assembler.and(mask);
            assembler.branch(code::IF_EQUAL, expected, Target::Next, no);
        }
        assembler.place(holds);
        return;
    }
    let (high, low) = (high(value), low(value));
    assembler.load(high_word);
    match op {
        Comparison::Equal | Comparison::MaskedEqual => {
            assembler.branch(code::IF_EQUAL, high, Target::Next, no);
        }
        Comparison::NotEqual => assembler.branch(code::IF_EQUAL, high, Target::Next, yes),
        Comparison::GreaterThan | Comparison::GreaterOrEqual => {
            assembler.branch(code::IF_GREATER, high, yes, Target::Next);
            assembler.branch(code::IF_EQUAL, high, Target::Next, no);
        }
        Comparison::LessThan | Comparison::LessOrEqual => {
            assembler.branch(code::IF_GREATER, high, no, Target::Next);
            assembler.branch(code::IF_EQUAL, high, Target::Next, yes);
        }
    }
    assembler.load(low_word);
    match op {
        Comparison::Equal | Comparison::MaskedEqual => {
            assembler.branch(code::IF_EQUAL, low, Target::Next, no);
        }
        Comparison::NotEqual => assembler.branch(code::IF_EQUAL, low, no, Target::Next),
        Comparison::GreaterThan => assembler.branch(code::IF_GREATER, low, Target::Next, no),
        Comparison::GreaterOrEqual => assembler.branch(code::IF_NOT_LESS, low, Target::Next, no),
        Comparison::LessThan => assembler.branch(code::IF_NOT_LESS, low, no, Target::Next),
        Comparison::LessOrEqual => assembler.branch(code::IF_GREATER, low, no, Target::Next),
    }
    assembler.place(holds);
}

fn high(value: u64) -> u32 {
    u32::try_from(value >> 32).expect("32 of 64 bits are left")
}

fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).expect("32 of 64 bits are left")
}

/// SECCOMP_RET_* of linux/seccomp.h.
fn return_value(action: Action) -> u32 {
    match action {
        Action::KillProcess => 0x8000_0000,
        Action::KillThread => 0,
        Action::Trap => 0x0003_0000,
        Action::Errno(errno) => 0x0005_0000 | u32::from(errno),
        Action::Notify => 0x7fc0_0000,
        Action::Trace(value) => 0x7ff0_0000 | u32::from(value),
        Action::Log => 0x7ffc_0000,
        Action::Allow => 0x7fff_0000,
    }
}
