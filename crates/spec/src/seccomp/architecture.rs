//! Names of the architectures that a profile can speak of.

/// libseccomp's name and Docker's (Go's) name of an architecture.
pub(super) const ARCHITECTURES: &[(&str, &str)] = &[
    ("SCMP_ARCH_X86", "x86"),
    ("SCMP_ARCH_X86_64", "amd64"),
    ("SCMP_ARCH_X32", "x32"),
    ("SCMP_ARCH_ARM", "arm"),
    ("SCMP_ARCH_AARCH64", "arm64"),
    ("SCMP_ARCH_LOONGARCH64", "loong64"),
    ("SCMP_ARCH_M68K", "m68k"),
    ("SCMP_ARCH_MIPS", "mips"),
    ("SCMP_ARCH_MIPS64", "mips64"),
    ("SCMP_ARCH_MIPS64N32", "mips64n32"),
    ("SCMP_ARCH_MIPSEL", "mipsel"),
    ("SCMP_ARCH_MIPSEL64", "mipsel64"),
    ("SCMP_ARCH_MIPSEL64N32", "mipsel64n32"),
    ("SCMP_ARCH_PPC", "ppc"),
    ("SCMP_ARCH_PPC64", "ppc64"),
    ("SCMP_ARCH_PPC64LE", "ppc64le"),
    ("SCMP_ARCH_S390", "s390"),
    ("SCMP_ARCH_S390X", "s390x"),
    ("SCMP_ARCH_PARISC", "parisc"),
    ("SCMP_ARCH_PARISC64", "parisc64"),
    ("SCMP_ARCH_RISCV64", "riscv64"),
    ("SCMP_ARCH_SHEB", "sheb"),
    ("SCMP_ARCH_SH", "sh"),
];

/// The architecture this crate is built for: the one whose containers are planned. A build for
/// wasm32 plans for x86_64.
pub(super) const NATIVE: &str = if cfg!(target_arch = "aarch64") {
    "SCMP_ARCH_AARCH64"
} else {
    "SCMP_ARCH_X86_64"
};

/// Whether a profile's `arches` entry names the native architecture.
pub(super) fn is_native(docker_name: &str) -> bool {
    ARCHITECTURES
        .iter()
        .any(|(name, docker)| *name == NATIVE && *docker == docker_name)
}

/// Whether libseccomp has an architecture of this name.
pub(super) fn is_known(name: &str) -> bool {
    name == "SCMP_ARCH_NATIVE" || ARCHITECTURES.iter().any(|(known, _)| *known == name)
}
