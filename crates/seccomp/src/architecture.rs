//! The architectures of a filter, as libseccomp and as the kernel name them.

use ctr_spec::seccomp::Filter;
use libseccomp::ScmpArch;

use crate::Error;

/// x32 calls have the architecture of x86_64 and this bit in their number.
pub(crate) const X32_BIT: u32 = 0x4000_0000;

/// One architecture of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Architecture {
    pub(crate) library: ScmpArch,
    /// `AUDIT_ARCH_*`, as `seccomp_data.arch` has it.
    pub(crate) audit: u32,
}

/// AUDIT_ARCH flags of linux/audit.h over the ELF machine number.
const BITS_64: u32 = 0x8000_0000;
const LITTLE_ENDIAN: u32 = 0x4000_0000;
const MIPS_N32: u32 = 0x2000_0000;

/// libseccomp's name, its token, and the kernel's number.
const ARCHITECTURES: &[(&str, ScmpArch, u32)] = &[
    ("SCMP_ARCH_X86", ScmpArch::X86, LITTLE_ENDIAN | 3),
    (
        "SCMP_ARCH_X86_64",
        ScmpArch::X8664,
        BITS_64 | LITTLE_ENDIAN | 62,
    ),
    ("SCMP_ARCH_X32", ScmpArch::X32, BITS_64 | LITTLE_ENDIAN | 62),
    ("SCMP_ARCH_ARM", ScmpArch::Arm, LITTLE_ENDIAN | 40),
    (
        "SCMP_ARCH_AARCH64",
        ScmpArch::Aarch64,
        BITS_64 | LITTLE_ENDIAN | 183,
    ),
    (
        "SCMP_ARCH_LOONGARCH64",
        ScmpArch::Loongarch64,
        BITS_64 | LITTLE_ENDIAN | 258,
    ),
    ("SCMP_ARCH_M68K", ScmpArch::M68k, 4),
    ("SCMP_ARCH_MIPS", ScmpArch::Mips, 8),
    ("SCMP_ARCH_MIPS64", ScmpArch::Mips64, BITS_64 | 8),
    (
        "SCMP_ARCH_MIPS64N32",
        ScmpArch::Mips64N32,
        BITS_64 | MIPS_N32 | 8,
    ),
    ("SCMP_ARCH_MIPSEL", ScmpArch::Mipsel, LITTLE_ENDIAN | 8),
    (
        "SCMP_ARCH_MIPSEL64",
        ScmpArch::Mipsel64,
        BITS_64 | LITTLE_ENDIAN | 8,
    ),
    (
        "SCMP_ARCH_MIPSEL64N32",
        ScmpArch::Mipsel64N32,
        BITS_64 | LITTLE_ENDIAN | MIPS_N32 | 8,
    ),
    ("SCMP_ARCH_PPC", ScmpArch::Ppc, 20),
    ("SCMP_ARCH_PPC64", ScmpArch::Ppc64, BITS_64 | 21),
    (
        "SCMP_ARCH_PPC64LE",
        ScmpArch::Ppc64Le,
        BITS_64 | LITTLE_ENDIAN | 21,
    ),
    ("SCMP_ARCH_S390", ScmpArch::S390, 22),
    ("SCMP_ARCH_S390X", ScmpArch::S390X, BITS_64 | 22),
    ("SCMP_ARCH_PARISC", ScmpArch::Parisc, 15),
    ("SCMP_ARCH_PARISC64", ScmpArch::Parisc64, BITS_64 | 15),
    (
        "SCMP_ARCH_RISCV64",
        ScmpArch::Riscv64,
        BITS_64 | LITTLE_ENDIAN | 243,
    ),
    ("SCMP_ARCH_SHEB", ScmpArch::Sheb, 42),
    ("SCMP_ARCH_SH", ScmpArch::Sh, LITTLE_ENDIAN | 42),
];

/// The native architecture first, then the filter's others, each once.
pub(crate) fn of_filter(filter: &Filter) -> Result<Vec<Architecture>, Error> {
    let native = ScmpArch::native();
    let mut architectures: Vec<Architecture> = ARCHITECTURES
        .iter()
        .filter(|row| row.1 == native)
        .map(row)
        .collect();
    for name in filter
        .architectures
        .iter()
        .filter(|name| *name != "SCMP_ARCH_NATIVE")
    {
        let found = ARCHITECTURES
            .iter()
            .find(|row| row.0 == name)
            .map(row)
            .ok_or_else(|| Error::invalid(format!("filter for architecture {name:?}: unknown")))?;
        if !architectures.contains(&found) {
            architectures.push(found);
        }
    }
    Ok(architectures)
}

fn row(row: &(&str, ScmpArch, u32)) -> Architecture {
    Architecture {
        library: row.1,
        audit: row.2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_has_the_name_that_libseccomp_gives_it() {
        for (name, library, _) in ARCHITECTURES {
            assert_eq!(name.parse::<ScmpArch>().ok(), Some(*library), "{name}");
        }
    }
}
