//! Requests of JavaScript into what travels to an owner: parsed, planned, compiled, sealed.
//!
//! Nothing of the machine is changed here; a request that fails leaves no trace.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use ctr_container::envelope::{ExecPlan, InitPlan};
use ctr_container::protocol::{Compression, LayerOptions};
use ctr_seccomp::Cache;
use ctr_spec::plan::{self, Cgroup, IdMaps, Namespace, OverlayUpper, Plan, RootSource};
use ctr_spec::request::{ContainerRequest, ExecRequest};
use ctr_spec::seccomp::Filter;
use ctr_sys::socket::MAX_DESCRIPTORS;
use ctr_sys::terminal::WindowSize;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use serde::Deserialize;
use serde_json::Value;

use crate::fault::Fault;
use crate::stdio::ChildEnds;

/// `LaunchRequest` of addon.ts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LaunchRequest {
    id: String,
    name: Option<String>,
    state_root: PathBuf,
    #[serde(default)]
    keep: bool,
    #[serde(default)]
    record: Value,
    container: Value,
}

/// `NativeExecRequest` of addon.ts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NativeExecRequest {
    state_root: PathBuf,
    id: String,
    exec: ExecRequest,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApplyOptions {
    compression: Compression,
    #[serde(default)]
    userxattr: bool,
    #[serde(default)]
    squash_owner: bool,
    #[serde(default)]
    lowers: Vec<String>,
}

/// A container ready to be reserved and launched.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) state_root: PathBuf,
    pub(super) keep: bool,
    pub(super) record: Value,
    pub(super) request: Value,
    pub(super) namespaces: Vec<Namespace>,
    pub(super) id_maps: Option<IdMaps>,
    pub(super) cgroup: Option<Cgroup>,
    pub(super) upper: Option<OverlayUpper>,
    pub(super) plan: OwnedFd,
    pub(super) stdio: ChildEnds,
}

/// A process ready to be started in a container.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: String,
    pub(super) state_root: PathBuf,
    pub(super) plan: OwnedFd,
    pub(super) stdio: ChildEnds,
}

/// A layer ready to be applied.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) blob: OwnedFd,
    pub(super) directory: OwnedFd,
    /// The layers below, uppermost first.
    pub(super) lowers: Vec<OwnedFd>,
    pub(super) options: LayerOptions,
}

/// A tree ready to be removed.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) parent: OwnedFd,
    pub(super) name: String,
}

/// The Plan that `container` would execute.
pub(crate) fn plan(request: &str) -> Result<Plan, Fault> {
    let request: LaunchRequest = parse(request, "a launch request")?;
    plan_container(&request)
}

pub(super) fn container(
    request: &str,
    stdio: ChildEnds,
    filters: &Cache,
) -> Result<Container, Fault> {
    let request: LaunchRequest = parse(request, "a launch request")?;
    let mut plan = plan_container(&request)?;
    fit_terminal(&mut plan.process, &stdio)?;
    let upper = match &plan.root.source {
        RootSource::Overlay { upper, .. } => Some(upper.clone()),
        RootSource::Bind { .. } => None,
    };
    let bpf = compile(plan.process.seccomp.as_ref(), filters)?;
    let (namespaces, id_maps, cgroup) = (
        plan.namespaces.clone(),
        plan.id_maps.clone(),
        plan.cgroup.clone(),
    );
    let plan = seal(&InitPlan { plan, bpf })?;
    let LaunchRequest {
        id,
        name,
        state_root,
        keep,
        record,
        container,
    } = request;
    Ok(Container {
        id,
        name,
        state_root,
        keep,
        record,
        request: container,
        namespaces,
        id_maps,
        cgroup,
        upper,
        plan,
        stdio,
    })
}

pub(super) fn process(request: &str, stdio: ChildEnds, filters: &Cache) -> Result<Process, Fault> {
    let NativeExecRequest {
        state_root,
        id,
        exec,
    } = parse(request, "an exec request")?;
    let mut process = ctr_spec::plan_exec(&exec)?;
    fit_terminal(&mut process, &stdio)?;
    let bpf = compile(process.seccomp.as_ref(), filters)?;
    Ok(Process {
        id,
        state_root,
        plan: seal(&ExecPlan { process, bpf })?,
        stdio,
    })
}

pub(super) fn layer(blob: &str, directory: &str, options: &str) -> Result<Layer, Fault> {
    let ApplyOptions {
        compression,
        userxattr,
        squash_owner,
        lowers,
    } = parse(options, "layer options")?;
    // One message carries them all, beside the blob and the directory.
    if lowers.len() > MAX_DESCRIPTORS - 2 {
        let message = format!(
            "read layer options: {} lower layers, more than {}",
            lowers.len(),
            MAX_DESCRIPTORS - 2
        );
        return Err(Fault::new("INVALID_REQUEST", message));
    }
    let options = LayerOptions {
        compression,
        userxattr,
        squash_owner,
    };
    Ok(Layer {
        blob: opened(blob, OFlag::empty())?,
        directory: opened(directory, OFlag::O_DIRECTORY)?,
        // O_PATH: the root of an image may be closed to the user, though not to the launcher.
        lowers: lowers
            .iter()
            .map(|lower| opened(lower, OFlag::O_PATH | OFlag::O_DIRECTORY))
            .collect::<Result<_, _>>()?,
        options,
    })
}

pub(super) fn tree(path: &str) -> Result<Tree, Fault> {
    let path = std::path::Path::new(path);
    let (Some(parent), Some(name)) = (
        path.parent().and_then(|p| p.to_str()),
        path.file_name().and_then(|n| n.to_str()),
    ) else {
        return Err(Fault::new(
            "INVALID_REQUEST",
            format!("remove {}: not an absolute path", path.display()),
        ));
    };
    Ok(Tree {
        parent: opened(parent, OFlag::O_DIRECTORY)?,
        name: name.to_owned(),
    })
}

fn plan_container(request: &LaunchRequest) -> Result<Plan, Fault> {
    let container = ContainerRequest::deserialize(&request.container)
        .map_err(|error| unreadable("a container", &error))?;
    if container.id != request.id {
        let message = format!(
            "read a launch request: its container is {}, and its id {}",
            container.id, request.id
        );
        return Err(Fault::new("INVALID_REQUEST", message));
    }
    Ok(ctr_spec::plan_container(&container)?)
}

/// A terminal in the plan wants one in JavaScript's hands, which also says how large it is unless
/// the plan does.
fn fit_terminal(process: &mut plan::Process, stdio: &ChildEnds) -> Result<(), Fault> {
    match (process.terminal, stdio) {
        (false, ChildEnds::Streams(_)) => Ok(()),
        (true, ChildEnds::Terminal(end)) => {
            let WindowSize { rows, columns } = end.size;
            process
                .console_size
                .get_or_insert(plan::WindowSize { rows, columns });
            Ok(())
        }
        (true, ChildEnds::Streams(_)) => Err(Fault::new(
            "INVALID_REQUEST",
            "start a process with a terminal: its stdio is three streams",
        )),
        (false, ChildEnds::Terminal(_)) => Err(Fault::new(
            "INVALID_REQUEST",
            "start a process without a terminal: its stdio is one",
        )),
    }
}

fn compile(filter: Option<&Filter>, filters: &Cache) -> Result<Vec<u8>, Fault> {
    let Some(filter) = filter else {
        return Ok(Vec::new());
    };
    let program = filters.compile(filter)?;
    Ok(program.to_vec())
}

fn seal(document: &impl serde::Serialize) -> Result<OwnedFd, Fault> {
    let bytes = postcard::to_stdvec(document).map_err(|_| Fault::internal("encode a plan"))?;
    Ok(ctr_sys::memfd::sealed("ctr-plan", &bytes)?)
}

fn opened(path: &str, kind: OFlag) -> Result<OwnedFd, Fault> {
    open(
        path,
        OFlag::O_RDONLY | OFlag::O_CLOEXEC | kind,
        Mode::empty(),
    )
    .map_err(|errno| Fault::io("open", path, &errno.into()))
}

pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Fault {
    Fault::new("INVALID_REQUEST", format!("read {what}: {error}"))
}

/// The descriptors of a launch or exec, in the protocol's order.
pub(super) fn descriptors(
    plan: OwnedFd,
    streams: Vec<OwnedFd>,
    lock: Option<OwnedFd>,
) -> Vec<OwnedFd> {
    std::iter::once(plan).chain(streams).chain(lock).collect()
}
