//! bpf(2): device programs of a cgroup2 group, loaded, attached, replaced.
//!
//! A device program (`BPF_PROG_TYPE_CGROUP_DEVICE`) is asked at every open(2) and mknod(2) of a
//! device by a process of its group or of one below; the programs of the groups above are asked
//! too, and all must allow. It lives as long as its group.
//!
//! # Safety
//!
//! The kernel takes addresses inside of its argument block as plain integers. Every block is built
//! and used within one function here, beside the buffers it points to.
#![allow(unsafe_code, reason = "bpf has no safe wrapper in nix")]

use std::ffi::{CStr, c_long};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use crate::{Error, Result};

const BPF_PROG_LOAD: u32 = 5;
const BPF_PROG_ATTACH: u32 = 8;
const BPF_PROG_DETACH: u32 = 9;
const BPF_PROG_GET_FD_BY_ID: u32 = 13;
const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
const BPF_PROG_QUERY: u32 = 16;

const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;
const BPF_F_REPLACE: u32 = 4;

/// Bytes of a program's name, the final NUL among them.
const NAME_BYTES: usize = 16;

/// The kernel's bound on programs of one group (BPF_CGROUP_MAX_PROGS).
const MAX_PROGRAMS: u32 = 64;

/// What is asked of the verifier when it rejects a program; a rejection of a longer one is cut.
const LOG_BYTES: usize = 64 * 1024;

/// Only what the verifier says last goes into the error: the reason and where.
const LOG_LINES_SHOWN: usize = 4;

/// One eBPF instruction, `struct bpf_insn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Class, operation and source of the operand.
    pub code: u8,
    registers: u8,
    /// Instructions to skip, or bytes into memory.
    pub offset: i16,
    /// Constant operand.
    pub immediate: i32,
}

impl Instruction {
    /// An instruction over registers 0 to 10; higher numbers wrap and the verifier refuses them.
    #[must_use]
    pub const fn new(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> Self {
        // The kernel's bit fields start at the low end on little-endian machines.
        let registers = if cfg!(target_endian = "little") {
            (from << 4) | (to & 0xf)
        } else {
            (to << 4) | (from & 0xf)
        };
        Self {
            code,
            registers,
            offset,
            immediate,
        }
    }

    /// Number of the register that is read or written first.
    #[must_use]
    pub const fn to(&self) -> u8 {
        if cfg!(target_endian = "little") {
            self.registers & 0xf
        } else {
            self.registers >> 4
        }
    }

    /// Number of the register that is the operand.
    #[must_use]
    pub const fn from(&self) -> u8 {
        if cfg!(target_endian = "little") {
            self.registers >> 4
        } else {
            self.registers & 0xf
        }
    }
}

#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; NAME_BYTES],
    interface: u32,
    expected_attach_type: u32,
}

#[repr(C)]
#[derive(Default)]
struct Attach {
    target: u32,
    program: u32,
    attach_type: u32,
    flags: u32,
    replace: u32,
}

#[repr(C)]
#[derive(Default)]
struct Query {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
    program_flags: u64,
    link_ids: u64,
    link_flags: u64,
    /// KERNEL(6.17): written whatever the length that is passed, until 7.2 and what it was carried
    /// back to.
    revision: u64,
}

#[repr(C)]
#[derive(Default)]
struct ById {
    id: u32,
    next: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct InfoRequest {
    fd: u32,
    length: u32,
    info: u64,
}

/// The first fields of `struct bpf_prog_info`, as far as the name.
#[repr(C)]
#[derive(Default)]
struct Info {
    before: [u64; 8],
    name: [u8; NAME_BYTES],
}

const INFO_BYTES: u32 = 80;

/// Load a device program under a name of up to 15 letters, digits and underscores.
///
/// KERNEL(5.11): before it, programs count against RLIMIT_MEMLOCK of the user; where that refuses
/// one, the limit is lifted for the length of the call, as far as the caller may.
///
/// # Errors
///
/// EPERM without CAP_BPF and CAP_NET_ADMIN (or CAP_SYS_ADMIN) in the initial user namespace.
/// EINVAL or EACCES for a program that the verifier rejects: the end of its log is in the error's
/// arguments.
pub fn load_device_program(name: &str, program: &[Instruction]) -> Result<OwnedFd> {
    let mut log = Vec::new();
    let errno = match load(name, program, &mut log) {
        Err(Errno::EPERM) => match with_memlock(|| load(name, program, &mut Vec::new())) {
            Ok(fd) => return Ok(fd),
            Err(errno) => errno,
        },
        Err(errno @ (Errno::EINVAL | Errno::EACCES)) => {
            log = vec![0; LOG_BYTES];
            // The same program again, for the reason; its outcome is known.
            load(name, program, &mut log).err().unwrap_or(errno)
        }
        Err(errno) => errno,
        Ok(fd) => return Ok(fd),
    };
    let mut arguments = format!(
        "BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE, {} instructions",
        program.len()
    );
    let said = last_lines(&log);
    if !said.is_empty() {
        arguments.push_str("; verifier: ");
        arguments.push_str(&said);
    }
    Err(Error::new("bpf", arguments, errno))
}

/// Attach a device program to a cgroup2 group, beside those of others, or in one step in place of
/// one that is attached to this very group (5.6).
///
/// # Errors
///
/// EPERM without CAP_NET_ADMIN in the initial user namespace, or where a group above does not allow
/// several programs; E2BIG at 64 programs; ENOENT when `replace` is not attached.
pub fn attach_device_program(
    group: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    replace: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let mut attach = Attach {
        target: number(group),
        program: number(program),
        attach_type: BPF_CGROUP_DEVICE,
        flags: BPF_F_ALLOW_MULTI,
        replace: 0,
    };
    if let Some(replace) = replace {
        attach.flags |= BPF_F_REPLACE;
        attach.replace = number(replace);
    }
    let how = if replace.is_some() {
        "BPF_PROG_ATTACH, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI|BPF_F_REPLACE"
    } else {
        "BPF_PROG_ATTACH, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI"
    };
    // SAFETY: the block holds descriptors and flags, no address.
    unsafe { bpf(BPF_PROG_ATTACH, &mut attach) }
        .map(drop)
        .map_err(|errno| Error::new("bpf", how, errno))
}

/// Take a device program off a group.
///
/// # Errors
///
/// EPERM as for attaching; ENOENT when it is not attached.
pub fn detach_device_program(group: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    let mut attach = Attach {
        target: number(group),
        program: number(program),
        attach_type: BPF_CGROUP_DEVICE,
        ..Attach::default()
    };
    // SAFETY: the block holds descriptors and flags, no address.
    unsafe { bpf(BPF_PROG_DETACH, &mut attach) }
        .map(drop)
        .map_err(|errno| Error::new("bpf", "BPF_PROG_DETACH, BPF_CGROUP_DEVICE", errno))
}

/// The device programs of this name that are attached to the group itself, in order.
///
/// # Errors
///
/// EPERM without CAP_SYS_ADMIN in the initial user namespace.
pub fn device_programs(group: BorrowedFd<'_>, name: &str) -> Result<Vec<OwnedFd>> {
    let mut ids = [0_u32; MAX_PROGRAMS as usize];
    let mut query = Query {
        target: number(group),
        attach_type: BPF_CGROUP_DEVICE,
        ids: (&raw mut ids) as u64,
        count: MAX_PROGRAMS,
        ..Query::default()
    };
    // SAFETY: `ids` outlives the call and has room for `count` numbers, which is all the kernel
    // writes besides the block itself. KERNEL(6.17): the block's last field, `revision`, is written
    // even if the length says that it is not there; it is there.
    unsafe { bpf(BPF_PROG_QUERY, &mut query) }
        .map_err(|errno| Error::new("bpf", "BPF_PROG_QUERY, BPF_CGROUP_DEVICE", errno))?;
    let count = query.count.min(MAX_PROGRAMS) as usize;
    let mut found = Vec::new();
    for id in &ids[..count] {
        // One that was detached meanwhile is none of this group.
        let Some(program) = open_program(*id)? else {
            continue;
        };
        if name_of(program.as_fd())? == name {
            found.push(program);
        }
    }
    Ok(found)
}

fn open_program(id: u32) -> Result<Option<OwnedFd>> {
    let mut by_id = ById {
        id,
        ..ById::default()
    };
    // SAFETY: the block holds numbers, no address.
    match unsafe { bpf(BPF_PROG_GET_FD_BY_ID, &mut by_id) } {
        // SAFETY: the call succeeded, so the number is a new descriptor that nothing else owns.
        Ok(fd) => Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) })),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Error::new(
            "bpf",
            format!("BPF_PROG_GET_FD_BY_ID, {id}"),
            errno,
        )),
    }
}

fn name_of(program: BorrowedFd<'_>) -> Result<String> {
    let mut info = Info::default();
    let mut request = InfoRequest {
        fd: number(program),
        length: INFO_BYTES,
        info: (&raw mut info) as u64,
    };
    // SAFETY: `info` outlives the call and is `length` bytes long. It is zero, so the kernel finds
    // no further buffer named in it to fill.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut request) }
        .map_err(|errno| Error::new("bpf", "BPF_OBJ_GET_INFO_BY_FD", errno))?;
    let name = CStr::from_bytes_until_nul(&info.name).unwrap_or_default();
    Ok(name.to_string_lossy().into_owned())
}

fn load(name: &str, program: &[Instruction], log: &mut [u8]) -> nix::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let mut request = Load {
        kind: BPF_PROG_TYPE_CGROUP_DEVICE,
        count: u32::try_from(program.len()).map_err(|_| Errno::E2BIG)?,
        instructions: program.as_ptr() as u64,
        license: license.as_ptr() as u64,
        expected_attach_type: BPF_CGROUP_DEVICE,
        ..Load::default()
    };
    if !log.is_empty() {
        request.log_level = 1;
        request.log_size = u32::try_from(log.len()).map_err(|_| Errno::E2BIG)?;
        request.log = log.as_mut_ptr() as u64;
    }
    // The last byte stays the NUL that ends it.
    for (to, from) in request.name[..NAME_BYTES - 1].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    // SAFETY: instructions, license and log outlive the call; the kernel reads `count`
    // instructions and a NUL-ended license, and writes at most `log_size` bytes to the log.
    let fd = unsafe { bpf(BPF_PROG_LOAD, &mut request) }?;
    // SAFETY: the call succeeded, so the number is a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Repeats what RLIMIT_MEMLOCK may have refused; EPERM again where it was something else.
fn with_memlock<T>(call: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    let raised = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY)
        .or_else(|_| setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard));
    if raised.is_err() {
        return Err(Errno::EPERM);
    }
    let result = call();
    // Lowering is always allowed; what runs later must not inherit the raised limit.
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, soft, hard);
    result
}

/// The end of the verifier's log on one line.
fn last_lines(log: &[u8]) -> String {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(&log[..end]);
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(LOG_LINES_SHOWN);
    lines[from..].join(" / ")
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// # Safety
///
/// `attributes` is the block of `command`, and every address in it names memory that lives across
/// the call and is as long as the block says, writable where the command writes.
unsafe fn bpf<T>(command: u32, attributes: &mut T) -> nix::Result<i32> {
    /// libbpf's bound too: the kernel gives up loading when a signal comes in (EAGAIN).
    const ATTEMPTS: usize = 5;
    let mut result: c_long = -1;
    for _ in 0..ATTEMPTS {
        // SAFETY: the block is as long as is said here; what it points to is the caller's promise.
        result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                command,
                std::ptr::from_mut(attributes),
                size_of::<T>(),
            )
        };
        if result >= 0 || Errno::last() != Errno::EAGAIN {
            break;
        }
    }
    if result < 0 {
        return Err(Errno::last());
    }
    Ok(i32::try_from(result).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn the_layouts_are_those_of_the_kernel() {
        assert_eq!(size_of::<Instruction>(), 8);
        assert_eq!(size_of::<Load>(), 72);
        assert_eq!(size_of::<Query>(), 64);
        assert_eq!(std::mem::offset_of!(Query, revision), 56);
        assert_eq!(size_of::<Info>(), INFO_BYTES as usize);
        assert_eq!(std::mem::offset_of!(Info, name), 64);
        let jump = Instruction::new(0x56, 3, 9, 2, 7);
        assert_eq!((jump.to(), jump.from()), (3, 9));
    }

    #[test]
    fn a_rejected_program_comes_with_the_reason_of_the_verifier() {
        // Register 0 is never set before exit.
        let error = load_device_program("ctr_test", &[Instruction::new(0x95, 0, 0, 0, 0)]);
        let error = error.unwrap_err();
        if error.errno() == Errno::EPERM {
            eprintln!("skipped: needs CAP_BPF and CAP_NET_ADMIN");
            return;
        }
        assert!(error.arguments().contains("R0 !read_ok"), "{error}");
    }
}
