//! The launcher process: spawned, configured once, reaped.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use ctr_container::state::{StateRoot, start_time};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use serde::Serialize;

use crate::fault::Fault;

/// Where the executable is and how a launcher maps ids; `LauncherOptions` of addon.ts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) runtime_path: PathBuf,
    pub(crate) holder: Option<Holder>,
    pub(crate) owner_directory: PathBuf,
}

/// Id maps of the holder user namespace, as the launcher's command line takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holder {
    pub(crate) uid_map: Vec<Vec<u32>>,
    pub(crate) gid_map: Vec<Vec<u32>>,
    pub(crate) newuidmap: Option<String>,
    pub(crate) newgidmap: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Arguments<'a> {
    holder: Option<&'a Holder>,
    owner_socket: &'a Path,
}

/// A launcher on its way: its stub, our end of the socket and where it will listen.
#[derive(Debug)]
pub(super) struct Starting {
    pub(super) stub: Child,
    pub(super) socket: OwnedFd,
    pub(super) owner_socket: PathBuf,
}

static OPTIONS: OnceLock<RwLock<Option<Options>>> = OnceLock::new();
static STARTED: AtomicU32 = AtomicU32::new(0);

/// Set the options, once per process; the same again is no error. The first owner directory is
/// kept: there is one launcher, and it listens in one place.
pub(crate) fn configure(options: Options) -> Result<(), Fault> {
    let slot = OPTIONS.get_or_init(RwLock::default);
    let mut slot = slot.write().unwrap_or_else(PoisonError::into_inner);
    match slot.as_ref() {
        Some(set)
            if (&set.runtime_path, &set.holder) != (&options.runtime_path, &options.holder) =>
        {
            let hint = "one process has one runtime and one id map; use another process for others";
            Err(Fault::new(
                "ALREADY_CONFIGURED",
                "configure the runtime: it was configured otherwise before",
            )
            .with_hint(hint))
        }
        Some(_) => Ok(()),
        None => {
            *slot = Some(options);
            Ok(())
        }
    }
}

pub(super) fn options() -> Result<Options, Fault> {
    let slot = OPTIONS.get_or_init(RwLock::default);
    let slot = slot.read().unwrap_or_else(PoisonError::into_inner);
    slot.clone()
        .ok_or_else(|| Fault::internal("use the runtime: configure was not called"))
}

/// Spawn the stub that clones a launcher.
pub(super) fn start() -> Result<Starting, Fault> {
    let options = options()?;
    if let Some(run_root) = options.owner_directory.parent() {
        // Makes and checks the directories, the owners' among them.
        StateRoot::open(run_root)?;
    }
    let owner_socket = options.owner_directory.join(socket_name());
    let arguments = Arguments {
        holder: options.holder.as_ref(),
        owner_socket: &owner_socket,
    };
    let arguments = serde_json::to_string(&arguments)
        .map_err(|_| Fault::internal("encode launcher arguments"))?;
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .and_then(|(ours, theirs)| {
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(|_| (ours, theirs))
    })
    .map_err(|errno| Fault::io("socketpair", "AF_UNIX", &errno.into()))?;
    let debug = std::env::var_os("CTR_TS_DEBUG").is_some();
    // The standard library spawns by posix_spawn (CLONE_VFORK) as long as no pre_exec is asked
    // for: the page tables of a large Node process are never copied.
    let stub = Command::new(&options.runtime_path)
        .arg("launcher")
        .arg(arguments)
        // SECURITY: an empty environment: nothing of the caller's secrets is in the ancestry of
        // a container, and no variable steers the launcher.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(if debug {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .spawn()
        .map_err(|error| start_failed(&options.runtime_path, &error))?;
    Ok(Starting {
        stub,
        socket: ours,
        owner_socket,
    })
}

/// Why the executable could not be spawned.
pub(super) fn start_failed(path: &Path, error: &std::io::Error) -> Fault {
    let fault = Fault::io("posix_spawn", &path.display().to_string(), error);
    Fault { code: "RUNTIME_START".to_owned(), ..fault }
        .with_hint("reinstall the platform package of ctr-ts, or check that its directory is not mounted noexec")
}

/// A launcher that ended before it said anything.
pub(super) fn ended_early() -> Fault {
    Fault::new(
        "RUNTIME_START",
        "start the launcher: it ended before it was ready",
    )
    .with_hint("run `ctr-ts doctor`, or set CTR_TS_DEBUG=1 to see what the launcher prints")
}

/// Begins with our pid and start time, so that `prune` knows whose it is.
fn socket_name() -> String {
    let started = start_time(Pid::this()).unwrap_or_default();
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    format!("{}-{started}-{number}.sock", Pid::this())
}
