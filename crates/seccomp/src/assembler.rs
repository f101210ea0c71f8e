//! A classic BPF assembler: instructions with labels, resolved to offsets at the end.

use crate::Error;

/// One `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) jt: u8,
    pub(crate) jf: u8,
    pub(crate) k: u32,
}

/// Instruction codes of linux/bpf_common.h as seccomp allows them.
pub(crate) mod code {
    /// BPF_LD | BPF_W | BPF_ABS
    pub(crate) const LOAD: u16 = 0x20;
    /// BPF_ALU | BPF_AND | BPF_K
    pub(crate) const AND: u16 = 0x54;
    /// BPF_RET | BPF_K
    pub(crate) const RETURN: u16 = 0x06;
    /// BPF_JMP | BPF_JA
    pub(crate) const JUMP: u16 = 0x05;
    /// BPF_JMP | BPF_JEQ | BPF_K
    pub(crate) const IF_EQUAL: u16 = 0x15;
    /// BPF_JMP | BPF_JGT | BPF_K
    pub(crate) const IF_GREATER: u16 = 0x25;
    /// BPF_JMP | BPF_JGE | BPF_K
    pub(crate) const IF_NOT_LESS: u16 = 0x35;
}

/// A place in the program, known when it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(usize);

/// Where a conditional jump goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// The next instruction.
    Next,
    /// A label further on.
    To(Label),
}

#[derive(Debug)]
enum Line {
    Plain(Instruction),
    Jump(Label),
    Branch {
        code: u16,
        k: u32,
        yes: Target,
        no: Target,
    },
}

/// A program in the making.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    lines: Vec<Line>,
    labels: Vec<Option<usize>>,
}

impl Assembler {
    /// A label to be placed later.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Puts the label before the next instruction.
    pub(crate) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.lines.len());
    }

    /// Loads a word of `struct seccomp_data`.
    pub(crate) fn load(&mut self, offset: u32) {
        self.lines.push(Line::Plain(Instruction {
            code: code::LOAD,
            jt: 0,
            jf: 0,
            k: offset,
        }));
    }

    pub(crate) fn and(&mut self, mask: u32) {
        self.lines.push(Line::Plain(Instruction {
            code: code::AND,
            jt: 0,
            jf: 0,
            k: mask,
        }));
    }

    pub(crate) fn ret(&mut self, value: u32) {
        self.lines.push(Line::Plain(Instruction {
            code: code::RETURN,
            jt: 0,
            jf: 0,
            k: value,
        }));
    }

    /// Jumps however far.
    pub(crate) fn jump(&mut self, label: Label) {
        self.lines.push(Line::Jump(label));
    }

    /// Compares the loaded word with `k`; both targets within 255 instructions.
    pub(crate) fn branch(&mut self, code: u16, k: u32, yes: Target, no: Target) {
        self.lines.push(Line::Branch { code, k, yes, no });
    }

    /// Compares the loaded word with `k` and jumps, however far, when the comparison holds.
    pub(crate) fn jump_if(&mut self, code: u16, k: u32, label: Label) {
        let skip = self.label();
        self.branch(code, k, Target::Next, Target::To(skip));
        self.jump(label);
        self.place(skip);
    }

    /// The instructions with every label resolved.
    pub(crate) fn finish(self) -> Result<Vec<Instruction>, Error> {
        let Self { lines, labels } = &self;
        let distance = |label: Label, from: usize| {
            let to = labels[label.0].expect("every label is placed before the program is finished");
            to.checked_sub(from + 1).expect("jumps only go forward")
        };
        let short = |target: Target, from: usize| match target {
            Target::Next => Ok(0),
            Target::To(label) => u8::try_from(distance(label, from))
                .map_err(|_| Error::invalid("compile the filter: one rule is too long for a jump")),
        };
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| match *line {
                Line::Plain(instruction) => Ok(instruction),
                Line::Jump(label) => {
                    let k = u32::try_from(distance(label, at))
                        .map_err(|_| Error::invalid("compile the filter: too long"))?;
                    Ok(Instruction {
                        code: code::JUMP,
                        jt: 0,
                        jf: 0,
                        k,
                    })
                }
                Line::Branch { code, k, yes, no } => Ok(Instruction {
                    code,
                    jt: short(yes, at)?,
                    jf: short(no, at)?,
                    k,
                }),
            })
            .collect()
    }
}

impl Instruction {
    /// The bytes of a native-endian `struct sock_filter`.
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        let [c0, c1] = self.code.to_ne_bytes();
        let [k0, k1, k2, k3] = self.k.to_ne_bytes();
        [c0, c1, self.jt, self.jf, k0, k1, k2, k3]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn labels_become_offsets() {
        let mut assembler = Assembler::default();
        let end = assembler.label();
        assembler.load(4);
        assembler.jump_if(code::IF_EQUAL, 7, end);
        assembler.ret(1);
        assembler.place(end);
        assembler.ret(2);
        let program = assembler.finish().unwrap();
        assert_eq!(
            program[1],
            Instruction {
                code: code::IF_EQUAL,
                jt: 0,
                jf: 1,
                k: 7
            }
        );
        assert_eq!(
            program[2],
            Instruction {
                code: code::JUMP,
                jt: 0,
                jf: 0,
                k: 1
            }
        );
        assert_eq!(program.len(), 5);
    }

    #[test]
    fn a_jump_too_far_for_a_comparison_is_an_error() {
        let mut assembler = Assembler::default();
        let end = assembler.label();
        assembler.branch(code::IF_EQUAL, 0, Target::To(end), Target::Next);
        (0..256).for_each(|_| assembler.ret(0));
        assembler.place(end);
        assembler.ret(1);
        assert_eq!(
            assembler.finish().unwrap_err().code(),
            "INVALID_SECCOMP_PROFILE"
        );
    }
}
