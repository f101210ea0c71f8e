//! System call numbers, from libseccomp and, for what it does not know, from our own table.

use libseccomp::{ScmpArch, ScmpSyscall};

use crate::architecture::X32_BIT;

/// Calls newer than libseccomp 2.5.4. Since 424 a new call has the same number on every
/// architecture (x32 with its bit set); the table of a kernel is in
/// `include/uapi/asm-generic/unistd.h`. Versions are the kernel's.
const NEWER: &[(&str, u32)] = &[
    ("cachestat", 451),         // 6.5
    ("fchmodat2", 452),         // 6.6
    ("map_shadow_stack", 453),  // 6.6
    ("futex_wake", 454),        // 6.7
    ("futex_wait", 455),        // 6.7
    ("futex_requeue", 456),     // 6.7
    ("statmount", 457),         // 6.8
    ("listmount", 458),         // 6.8
    ("lsm_get_self_attr", 459), // 6.8
    ("lsm_set_self_attr", 460), // 6.8
    ("lsm_list_modules", 461),  // 6.8
    ("mseal", 462),             // 6.10
    ("setxattrat", 463),        // 6.13
    ("getxattrat", 464),        // 6.13
    ("listxattrat", 465),       // 6.13
    ("removexattrat", 466),     // 6.13
    ("open_tree_attr", 467),    // 6.15
    ("file_getattr", 468),      // 6.17
    ("file_setattr", 469),      // 6.17
];

/// Newer calls that only x86_64 has, below the common range.
const NEWER_X86_64: &[(&str, u32)] = &[
    ("uretprobe", 335), // 6.11
    ("uprobe", 336),    // 6.18
];

/// Where a call's number was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// libseccomp knows the call by this number, negative for one that the architecture lacks or
    /// multiplexes.
    Library(i32),
    /// Only our table knows it.
    Table(u32),
}

/// The call's number on an architecture; `None` when neither libseccomp nor the table has it.
pub(crate) fn find(name: &str, arch: ScmpArch) -> Option<Number> {
    if let Ok(call) = ScmpSyscall::from_name_by_arch(name, arch) {
        return Some(Number::Library(call.as_raw_syscall()));
    }
    let in_table = |table: &[(&str, u32)]| table.iter().find(|row| row.0 == name).map(|row| row.1);
    let number = match arch {
        ScmpArch::X8664 => in_table(NEWER).or_else(|| in_table(NEWER_X86_64))?,
        ScmpArch::X32 => in_table(NEWER)? | X32_BIT,
        // MIPS adds an offset for each of its ABIs; no calls are guessed there.
        ScmpArch::Mips
        | ScmpArch::Mips64
        | ScmpArch::Mips64N32
        | ScmpArch::Mipsel
        | ScmpArch::Mipsel64
        | ScmpArch::Mipsel64N32 => return None,
        _ => in_table(NEWER)?,
    };
    Some(Number::Table(number))
}

impl Number {
    /// The number as the kernel sees it; `None` when the architecture has no such call.
    pub(crate) fn in_kernel(self) -> Option<u32> {
        match self {
            Self::Library(number) => u32::try_from(number).ok(),
            Self::Table(number) => Some(number),
        }
    }
}

/// The number of a system call on this machine, for `explain` and for tests.
#[must_use]
pub fn number(name: &str) -> Option<u32> {
    find(name, ScmpArch::native())?.in_kernel()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_dense_and_agrees_with_libseccomp_where_that_knows_a_call() {
        for (row, expected) in NEWER.iter().zip(451..) {
            assert_eq!(row.1, expected, "{}", row.0);
            if let Ok(call) = ScmpSyscall::from_name(row.0) {
                assert_eq!(u32::try_from(call.as_raw_syscall()), Ok(row.1), "{}", row.0);
            }
        }
    }

    #[test]
    fn the_table_agrees_with_the_c_library() {
        assert_eq!(number("mseal").map(i64::from), Some(libc::SYS_mseal));
        assert_eq!(number("read").map(i64::from), Some(libc::SYS_read));
    }

    #[test]
    fn calls_of_other_architectures_have_no_number_here() {
        assert_eq!(number("arm_fadvise64_64"), None);
        assert_eq!(number("no_such_call"), None);
        assert_eq!(
            find("mseal", ScmpArch::X32),
            Some(Number::Table(0x4000_0000 | 462))
        );
        assert_eq!(find("uretprobe", ScmpArch::Aarch64), None);
        assert_eq!(find("mseal", ScmpArch::Mips), None);
    }
}
