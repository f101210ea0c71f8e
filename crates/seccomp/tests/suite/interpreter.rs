//! Classic BPF as the kernel's seccomp runs it.

/// AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 and AUDIT_ARCH_AARCH64.
pub(crate) const X86_64: u32 = 0xc000_003e;
pub(crate) const I386: u32 = 0x4000_0003;
pub(crate) const AARCH64: u32 = 0xc000_00b7;

/// The machine's own.
pub(crate) const NATIVE: u32 = if cfg!(target_arch = "aarch64") {
    AARCH64
} else {
    X86_64
};

/// `struct seccomp_data`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) number: u32,
    pub(crate) architecture: u32,
    pub(crate) args: [u64; 6],
}

impl Call {
    pub(crate) fn native(number: u32, args: [u64; 6]) -> Self {
        Self {
            number,
            architecture: NATIVE,
            args,
        }
    }

    fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[0..4].copy_from_slice(&self.number.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.architecture.to_ne_bytes());
        for (index, arg) in self.args.iter().enumerate() {
            bytes[16 + 8 * index..24 + 8 * index].copy_from_slice(&arg.to_ne_bytes());
        }
        bytes
    }
}

/// Runs the program; panics where the kernel would have refused to load it.
pub(crate) fn run(program: &[u8], call: Call) -> u32 {
    run_counting(program, call).0
}

/// As [`run`], with the number of instructions it took.
pub(crate) fn run_counting(program: &[u8], call: Call) -> (u32, usize) {
    let data = call.to_bytes();
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
    let mut at = 0;
    let mut steps = 0;
    loop {
        let instruction = &program[at * 8..at * 8 + 8];
        let code = u16::from_ne_bytes(instruction[0..2].try_into().unwrap());
        let (jt, jf) = (usize::from(instruction[2]), usize::from(instruction[3]));
        let k = u32::from_ne_bytes(instruction[4..8].try_into().unwrap());
        let slot = k as usize;
        at += 1;
        steps += 1;
        let branch = |holds: bool| if holds { jt } else { jf };
        match code {
            0x20 => a = u32::from_ne_bytes(data[slot..slot + 4].try_into().unwrap()),
            0x00 => a = k,
            0x01 => x = k,
            0x60 => a = memory[slot],
            0x61 => x = memory[slot],
            0x02 => memory[slot] = a,
            0x03 => memory[slot] = x,
            0x07 => x = a,
            0x87 => a = x,
            0x54 => a &= k,
            0x5c => a &= x,
            0x44 => a |= k,
            0x05 => at += slot,
            0x15 => at += branch(a == k),
            0x25 => at += branch(a > k),
            0x35 => at += branch(a >= k),
            0x45 => at += branch(a & k != 0),
            0x06 => return (k, steps),
            other => panic!("instruction {other:#x} at {}", at - 1),
        }
    }
}
