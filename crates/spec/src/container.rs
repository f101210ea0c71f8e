//! A whole container, from the request to the Plan.

use oci_spec::runtime as oci;
use serde::Deserialize;

use crate::error::{Code, Error};
use crate::namespaces::{self, require_new};
use crate::plan::{Attributes, Namespace, NamespaceKind, Plan, Process, Root, RootSource};
use crate::request::ContainerRequest;
use crate::{
    capabilities, devices, files, mounts, paths, process, resources, seccomp, sysctl, unsupported,
};

/// Longest host and domain name, uname(2).
const MAX_NAME_BYTES: usize = 64;

/// Longest container identifier.
const MAX_ID_BYTES: usize = 128;

/// Plans a container.
///
/// # Errors
///
/// `INVALID_SPEC` when the configuration cannot be read, `UNSUPPORTED_FIELD` when it asks for
/// something a [`Plan`] cannot say, else the code of the setting that is wrong; [`Error::field`]
/// names it.
pub fn plan_container(request: &ContainerRequest) -> Result<Plan, Error> {
    check_id(&request.id)?;
    let spec = parse(request)?;
    let linux = spec.linux().as_ref().ok_or_else(|| {
        Error::new(
            Code::InvalidSpec,
            "linux",
            "build a container: `linux` is missing",
        )
    })?;

    let namespaces = namespaces::convert(linux)?;
    let id_maps = namespaces::id_maps(linux, &namespaces)?;
    let mut mounts = mounts::convert(spec.mounts().as_ref())?;
    mounts.extend(files::convert(&request.files)?);
    let nodes = devices::nodes(linux.devices().as_ref(), &mounts)?;
    check_propagation(linux)?;
    Ok(Plan {
        id: request.id.clone(),
        hostname: name(spec.hostname().as_ref(), "hostname", &namespaces)?,
        domainname: name(spec.domainname().as_ref(), "domainname", &namespaces)?,
        root: root(request, &spec)?,
        mounts,
        devices: nodes.devices,
        dev_links: nodes.links,
        masked_paths: path_list(linux.masked_paths().as_ref(), "linux.maskedPaths")?,
        readonly_paths: path_list(linux.readonly_paths().as_ref(), "linux.readonlyPaths")?,
        sysctls: sysctl::convert(linux.sysctl().as_ref(), &namespaces)?,
        // Every runtime raises lo in a network namespace it makes: a fresh one has it down, and
        // nothing in a container may raise it.
        loopback: namespaces::is_new(&namespaces, NamespaceKind::Network),
        cgroup: resources::cgroup(linux, &request.id, request.cgroup)?,
        process: first_process(request, &spec)?,
        namespaces,
        id_maps,
    })
}

/// The configuration, its unsupported fields and capability names already refused.
fn parse(request: &ContainerRequest) -> Result<oci::Spec, Error> {
    unsupported::refuse(&request.spec)?;
    if let Some(process) = request.spec.get("process") {
        capabilities::check_names(process)?;
    }
    let mut document = request.spec.clone();
    if let Some(process) = document.get_mut("process") {
        process::name_unlimited(process);
    }
    // The filter is read by the profile's own reader, which knows Docker's fields and says which
    // word is wrong.
    if let Some(linux) = document
        .get_mut("linux")
        .and_then(serde_json::Value::as_object_mut)
    {
        linux.remove("seccomp");
    }
    oci::Spec::deserialize(document).map_err(|error| {
        Error::of_document(
            Code::InvalidSpec,
            format!("read the configuration: {error}"),
        )
    })
}

fn first_process(request: &ContainerRequest, spec: &oci::Spec) -> Result<Process, Error> {
    let process = spec.process().as_ref().ok_or_else(|| {
        Error::new(
            Code::InvalidSpec,
            "process",
            "build a container: `process` is missing",
        )
    })?;
    let mut process = process::convert(
        process,
        request.program,
        request.user.as_deref(),
        &request.groups,
    )?;
    let configured = request
        .spec
        .pointer("/linux/seccomp")
        .filter(|value| !value.is_null());
    process.seccomp =
        seccomp::resolve(&request.seccomp, configured, process.capabilities.bounding)?;
    Ok(process)
}

/// SECURITY: the identifier becomes the name of directories and cgroups.
fn check_id(id: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_valid = id.len() <= MAX_ID_BYTES
        && id
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && id.bytes().all(is_plain);
    if is_valid {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidId,
        "id",
        format!("name a container {id:?}: not an identifier"),
    )
    .with_hint("use 1 to 128 characters of A-Z a-z 0-9 _ . -, the first a letter or digit"))
}

fn root(request: &ContainerRequest, spec: &oci::Spec) -> Result<Root, Error> {
    let configured = spec.root().as_ref();
    let source = match (&request.root, configured) {
        (Some(root), _) => checked_source(&root.source)?,
        (None, Some(root)) => RootSource::Bind {
            path: paths::absolute(root.path(), "root.path")?,
        },
        (None, None) => {
            return Err(Error::new(
                Code::InvalidSpec,
                "root",
                "build a container: `root` is missing",
            ));
        }
    };
    let readonly = configured.and_then(oci::Root::readonly).unwrap_or(false);
    Ok(Root {
        source,
        attributes: Attributes {
            readonly,
            // SECURITY: a node in an image opens no device; devices come from the plan, in /dev.
            nodev: true,
            ..Attributes::default()
        },
    })
}

/// The request's own source with every path absolute.
fn checked_source(source: &RootSource) -> Result<RootSource, Error> {
    use crate::plan::OverlayUpper;
    match source {
        RootSource::Bind { path } => Ok(RootSource::Bind {
            path: paths::absolute_text(path, "root.source.path")?,
        }),
        RootSource::Overlay {
            lower,
            upper,
            userxattr,
        } => {
            if lower.is_empty() {
                return Err(Error::new(
                    Code::InvalidSpec,
                    "root.source.lower",
                    "build a root file system without a layer",
                ));
            }
            let lower = lower
                .iter()
                .enumerate()
                .map(|(index, path)| {
                    paths::absolute_text(path, &format!("root.source.lower[{index}]"))
                })
                .collect::<Result<_, _>>()?;
            let upper = match upper {
                OverlayUpper::Tmpfs { size_bytes } => OverlayUpper::Tmpfs {
                    size_bytes: *size_bytes,
                },
                OverlayUpper::Directory { path } => OverlayUpper::Directory {
                    path: paths::absolute_text(path, "root.source.upper.path")?,
                },
            };
            Ok(RootSource::Overlay {
                lower,
                upper,
                userxattr: *userxattr,
            })
        }
    }
}

/// A host or domain name, which needs a UTS namespace that is the container's own.
fn name(
    name: Option<&String>,
    field: &str,
    namespaces: &[Namespace],
) -> Result<Option<String>, Error> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    if name.len() > MAX_NAME_BYTES || name.contains('\0') {
        return Err(Error::new(
            Code::InvalidHostname,
            field,
            format!("set {field} {name:?}: longer than {MAX_NAME_BYTES} bytes, or with a NUL byte"),
        ));
    }
    let operation = format!("set {field}");
    require_new(
        namespaces,
        NamespaceKind::Uts,
        Code::InvalidNamespaces,
        field,
        &operation,
    )?;
    Ok(Some(name.clone()))
}

fn path_list(list: Option<&Vec<String>>, field: &str) -> Result<Vec<String>, Error> {
    list.into_iter()
        .flatten()
        .enumerate()
        .map(|(index, path)| paths::absolute_text(path, &format!("{field}[{index}]")))
        .collect()
}

/// The root's propagation is private; anything that would let mounts in or out is refused.
fn check_propagation(linux: &oci::Linux) -> Result<(), Error> {
    match linux.rootfs_propagation().as_deref() {
        None | Some("" | "private" | "rprivate") => Ok(()),
        Some(other) => Err(Error::new(
            Code::UnsupportedField,
            "linux.rootfsPropagation",
            format!("make the root's mount {other}: not supported"),
        )
        .with_hint("the root is private; set the propagation of single mounts in their options")),
    }
}
