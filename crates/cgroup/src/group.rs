//! A group: one directory in every hierarchy it uses, made and limited as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use ctr_spec::plan::{Cgroup, Resources};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::base::LIMITING;
use crate::delegate::{self, with_delegation_hint};
use crate::entry::Entry;
use crate::error::{Code, Error, errno_of};
use crate::file;
use crate::layout::{DEVICES, Hierarchy, Interface, Layout};
use crate::limits::{self, Written};
use crate::path::GroupPath;
use crate::stats::Stats;

/// The group's directory in one hierarchy.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) interface: Interface,
    pub(crate) directory: PathBuf,
    pub(crate) controllers: Vec<String>,
}

/// A control group. Dropping it changes nothing: a group lives until [`Group::remove`].
#[derive(Clone, Debug)]
pub struct Group {
    places: Vec<Place>,
    written: Vec<Written>,
}

impl Group {
    /// Makes the group in every hierarchy and sets its limits, all or nothing: on failure what was
    /// made is removed. Hierarchies that no limit needs are left out where they are not ours to
    /// write. The plan's policy is the caller's affair.
    ///
    /// # Errors
    ///
    /// `CGROUP_INVALID` for a value or path that cannot be, `CGROUP_EXISTS` when the group is
    /// there in any hierarchy, `CGROUP_UNAVAILABLE` naming the controller that is missing,
    /// `CGROUP_NOT_DELEGATED` where this user may not make it.
    pub fn create(layout: &Layout, cgroup: &Cgroup) -> Result<Self, Error> {
        let path = GroupPath::parse(&cgroup.path)?;
        limits::validate(&cgroup.resources)?;
        let needed = limits::controllers(layout, &cgroup.resources)?;
        let mut made = Vec::new();
        Self::build(layout, &path, &needed, &cgroup.resources, &mut made).inspect_err(|_| {
            for directory in made.iter().rev() {
                // What another group moved into in the meantime stays.
                let _kept = fs::remove_dir(directory);
            }
        })
    }

    fn build(
        layout: &Layout,
        path: &GroupPath,
        needed: &[&'static str],
        resources: &Resources,
        made: &mut Vec<PathBuf>,
    ) -> Result<Self, Error> {
        let mut places = Vec::new();
        let mut refused = None;
        for (hierarchy, directory) in layout.places_of(path) {
            let here: Vec<&str> = needed
                .iter()
                .filter(|c| {
                    let home = layout.hierarchy_of(c);
                    home.is_some_and(|home| std::ptr::eq(home, hierarchy))
                })
                .copied()
                .collect();
            if here.is_empty() && !layout.uses(hierarchy) {
                continue;
            }
            match make(hierarchy, path, &directory, &here, made) {
                Ok(place) => places.push(place),
                Err(error) if here.is_empty() && error.kind() == Code::NotDelegated => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if places.is_empty() {
            return Err(refused.unwrap_or_else(no_hierarchy));
        }
        let written = limits::apply(&places, resources)?;
        Ok(Self { places, written })
    }

    /// The group of this path as it is now.
    ///
    /// # Errors
    ///
    /// `CGROUP_NOT_FOUND` when it is in no hierarchy.
    pub fn open(layout: &Layout, path: &str) -> Result<Self, Error> {
        let path = GroupPath::parse(path)?;
        Self::open_path(layout, &path)
    }

    pub(crate) fn open_path(layout: &Layout, path: &GroupPath) -> Result<Self, Error> {
        let places = layout.places_of(path);
        let Some((_, first)) = places.first() else {
            return Err(no_hierarchy());
        };
        let there: Vec<PathBuf> = places
            .iter()
            .map(|(_, d)| d)
            .filter(|d| d.is_dir())
            .cloned()
            .collect();
        if there.is_empty() {
            return Err(Error::new(
                Code::NotFound,
                "open group",
                first,
                "no such group",
            ));
        }
        Ok(Self::from_directories(there))
    }

    /// The group made of these directories, which may be gone by now (to remove what is left).
    #[must_use]
    pub fn from_directories(directories: Vec<PathBuf>) -> Self {
        let places = directories.into_iter().map(Place::probe).collect();
        Self {
            places,
            written: Vec::new(),
        }
    }

    /// The group's directory in each hierarchy it uses.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        self.places
            .iter()
            .map(|place| place.directory.clone())
            .collect()
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Every limit this value wrote, with what the kernel made of it.
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Descriptors that place a new process in the group.
    ///
    /// # Errors
    ///
    /// `CGROUP_NOT_FOUND` when a directory is gone, `CGROUP_NOT_DELEGATED` when it is another's.
    pub fn entry(&self) -> Result<Entry, Error> {
        Entry::open(self)
    }

    /// Sets limits of a group that is there. What is `None` stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Group::create`]; limits before the refused one are in force.
    pub fn set(&mut self, resources: &Resources) -> Result<(), Error> {
        limits::validate(resources)?;
        self.written.extend(limits::apply(&self.places, resources)?);
        Ok(())
    }

    /// Writes one control file by its kernel name, as `memory.swappiness`, and reads it back.
    ///
    /// # Errors
    ///
    /// `CGROUP_INVALID` for what is no `controller.name`, `CGROUP_UNAVAILABLE` when no hierarchy
    /// of the group has the file; else what the kernel says.
    pub fn set_raw(&mut self, file: &str, value: &str) -> Result<(), Error> {
        limits::check_file_name(file)?;
        let path = self.find(file).ok_or_else(|| {
            Error::new(
                Code::Unavailable,
                "set",
                file,
                "no hierarchy of the group has this file",
            )
        })?;
        let written = limits::put_raw(&path, value).map_err(|error| self.hinted(error, &path))?;
        self.written.push(written);
        Ok(())
    }

    /// Moves a whole process into the group.
    ///
    /// # Errors
    ///
    /// `CGROUP_INVALID` when there is no such process, `CGROUP_BUSY` when the group limits groups
    /// below it, which on v2 it cannot do with processes of its own. A refusal of one hierarchy leaves the
    /// process in the group in those before it.
    pub fn attach(&self, pid: i32) -> Result<(), Error> {
        let missing = || {
            Error::new(Code::Invalid, "attach", "", format!("no process {pid}"))
                .with_hint("name a running process of this PID namespace")
        };
        // SECURITY: 0 would be ourselves, and a negative number a group of processes.
        if pid <= 0 || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
            return Err(missing());
        }
        for place in &self.places {
            delegate::check_takes_processes(place)?;
            let procs = place.directory.join("cgroup.procs");
            file::write(&procs, &pid.to_string()).map_err(|error| match error.errno() {
                errno if errno == Errno::ESRCH as i32 => missing(),
                _ => self.hinted(error, &procs),
            })?;
        }
        Ok(())
    }

    /// What the group used up to now, and its limits.
    ///
    /// # Errors
    ///
    /// `CGROUP_NOT_FOUND` when the group is gone.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.check_there()?;
        Stats::read(&self.places)
    }

    /// How many processes of the group (children included) the OOM killer took.
    ///
    /// # Errors
    ///
    /// A counter that is there but cannot be read. A group without memory controller has 0.
    pub fn oom_kills(&self) -> Result<u64, Error> {
        crate::stats::oom_kills(&self.places)
    }

    /// Processes of the group and of groups below it, in ascending order; those outside of the
    /// caller's PID namespace are 0.
    ///
    /// # Errors
    ///
    /// A list that cannot be read. A group that is gone has none.
    pub fn pids(&self) -> Result<Vec<i32>, Error> {
        let mut pids = Vec::new();
        for place in &self.places {
            for directory in file::walk(&place.directory)? {
                let text =
                    file::read_if_there(&directory.join("cgroup.procs"))?.unwrap_or_default();
                pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
            }
        }
        pids.sort_unstable();
        pids.dedup();
        Ok(pids)
    }

    pub(crate) fn check_there(&self) -> Result<(), Error> {
        if self.places.iter().any(|place| place.directory.is_dir()) {
            return Ok(());
        }
        let path = self
            .places
            .first()
            .map(|place| place.directory.clone())
            .unwrap_or_default();
        Err(Error::new(
            Code::NotFound,
            "open group",
            path,
            "no such group",
        ))
    }

    /// Where the group has this control file.
    pub(crate) fn find(&self, file: &str) -> Option<PathBuf> {
        self.places
            .iter()
            .map(|place| place.directory.join(file))
            .find(|path| path.exists())
    }

    fn hinted(&self, error: Error, path: &Path) -> Error {
        let place = self
            .places
            .iter()
            .find(|place| path.starts_with(&place.directory));
        match place {
            Some(place) => with_delegation_hint(error, place.interface, &place.directory),
            None => error,
        }
    }
}

impl Place {
    pub(crate) fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|c| c == controller)
    }

    /// Reads from a directory's files what it is.
    fn probe(directory: PathBuf) -> Self {
        if let Ok(Some(text)) = file::read_if_there(&directory.join("cgroup.controllers")) {
            let controllers = text.split_whitespace().map(str::to_owned).collect();
            return Self {
                interface: Interface::V2,
                directory,
                controllers,
            };
        }
        let controllers = [
            ("cpu", "cpu.shares"),
            ("cpuacct", "cpuacct.usage"),
            ("cpuset", "cpuset.cpus"),
            ("memory", "memory.limit_in_bytes"),
            ("pids", "pids.max"),
            ("devices", "devices.list"),
            ("freezer", "freezer.state"),
        ];
        let there = controllers
            .iter()
            .filter(|(_, file)| directory.join(file).exists());
        let controllers = there.map(|(name, _)| (*name).to_owned()).collect();
        Self {
            interface: Interface::V1,
            directory,
            controllers,
        }
    }
}

fn make(
    hierarchy: &Hierarchy,
    path: &GroupPath,
    directory: &Path,
    needed: &[&'static str],
    made: &mut Vec<PathBuf>,
) -> Result<Place, Error> {
    let base = hierarchy
        .base(path)
        .unwrap_or_else(|| hierarchy.mount.clone());
    make_directory(&base, path, directory, made).map_err(|error| {
        // What an administrator can give is the first level below what is there for all.
        let first = path
            .components
            .first()
            .map_or_else(|| base.clone(), |name| base.join(name));
        with_delegation_hint(error, hierarchy.interface, &first)
    })?;
    let controllers = match hierarchy.interface {
        Interface::V1 => {
            if hierarchy.has("cpuset") {
                limits::inherit_cpuset(&base, directory)?;
            }
            hierarchy.controllers.clone()
        }
        Interface::V2 => {
            let needed: Vec<&str> = needed.iter().copied().filter(|c| *c != DEVICES).collect();
            // Those for statistics as well, where it needs nothing else.
            delegate::enable(hierarchy, &levels(hierarchy, directory), &needed, &LIMITING)?;
            Place::probe(directory.to_owned()).controllers
        }
    };
    Ok(Place {
        interface: hierarchy.interface,
        directory: directory.to_owned(),
        controllers,
    })
}

/// Makes the directory, and its parents where they are missing.
fn make_directory(
    base: &Path,
    path: &GroupPath,
    directory: &Path,
    made: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    // Bounded: whoever removes the last group of a parent removes the parent, any time.
    for _ in 0..32 {
        match fs::create_dir(directory) {
            Ok(()) => {
                made.push(directory.to_owned());
                return Ok(());
            }
            Err(error) if errno_of(&error) == Errno::ENOENT => {}
            Err(error) => {
                let error = Error::io("mkdir", directory, &error);
                return Err(match error.kind() {
                    Code::Exists => {
                        error.with_hint("choose another name, or remove the group first")
                    }
                    _ => error,
                });
            }
        }
        let mut parent = base.to_owned();
        let parents = path.components.len().saturating_sub(1);
        for component in path.components.iter().take(parents) {
            parent.push(component);
            match fs::create_dir(&parent) {
                Ok(()) => made.push(parent.clone()),
                Err(error) if errno_of(&error) == Errno::EEXIST => {}
                Err(error) if errno_of(&error) == Errno::ENOENT && parents > 1 => break,
                Err(error) => return Err(Error::io("mkdir", &parent, &error)),
            }
        }
    }
    Err(Error::new(
        Code::Busy,
        "mkdir",
        directory,
        "its parent is removed again and again",
    ))
}

/// Groups that must hand controllers down, outermost first: from where the tree is ours to arrange,
/// or from the hierarchy's root where the caller names a place outside of that, to the parent.
fn levels(hierarchy: &Hierarchy, directory: &Path) -> Vec<PathBuf> {
    let top = hierarchy.base.as_ref().map(|base| base.top.as_path());
    let from = top
        .filter(|top| directory.starts_with(top))
        .unwrap_or(&hierarchy.mount);
    let mut levels: Vec<PathBuf> = directory
        .ancestors()
        .skip(1)
        .take_while(|at| at.starts_with(from))
        .map(Path::to_owned)
        .collect();
    levels.reverse();
    levels
}

fn no_hierarchy() -> Error {
    Error::new(
        Code::Unavailable,
        "find cgroup hierarchy",
        "",
        "none is mounted that shows our own group",
    )
    .with_hint("mount cgroup2 at /sys/fs/cgroup, or run without limits")
}
