/**
 * Containers in-process: `run()` for one command, `Container` for a place to run many.
 *
 * Importing this package has no effect and never fails, on no operating system.
 */

export { CAPABILITIES, type Capability } from './capabilities.ts';
export {
  type CgroupLimited,
  type CgroupLimits,
  type CgroupNode,
  type CgroupReport,
  type CgroupStat,
  type CgroupStats,
  cgroup,
} from './cgroup.ts';
export { Container, type ContainerExecOptions, type CreateOptions } from './container.ts';
export type { DeadlineOptions } from './deadline.ts';
export type { DeviceOption, DeviceOptions, DeviceRule } from './devices.ts';
export { type DoctorReport, doctor, type ProbeReport, type ProbeRow, probe } from './doctor.ts';
export {
  CtrError,
  type CtrErrorOptions,
  type ErrorCode,
  type ErrorFacts,
  SDK_ERRORS,
} from './errors.ts';
export type { HostEntry, NameOptions } from './etc-files.ts';
export { type Explanation, type InsideView, plan, type View } from './explain.ts';
export type { ImageDetails, ImageInfo } from './image-info.ts';
export {
  Image,
  type ListImagesOptions,
  type PullOptions,
  type RemovedImages,
  type RemoveImagesOptions,
} from './images.ts';
export type { Enforcement, Exit } from './launch.ts';
export { parseCpus, parsePids, parseSize } from './limits.ts';
export type { Propagation, TmpfsMount, VolumeMount } from './mount-options.ts';
export type { NamespaceOptions } from './namespaces.ts';
export type {
  AttachOptions,
  ContainerOptions,
  EngineOptions,
  ExecOptions,
  ProcessOptions,
  SeccompOption,
  StdioOption,
  StreamMode,
} from './options.ts';
export { type Directories, directories } from './paths.ts';
export type { Plan } from './plan.ts';
export type { CapabilityView, IdMapView, MountView, NamespaceView } from './proc.ts';
export { Process } from './process.ts';
export { type PruneReport, prune } from './prune.ts';
export { Pull, type PullEvent, type PullResult } from './pull.ts';
export type { ResourceOptions } from './resources.ts';
export type { ProcessEvent, Result, Started } from './result.ts';
export { type RunOptions, run } from './run.ts';
export type { Settings } from './settings.ts';
export type { ShellValue } from './shell.ts';
export type { Signal } from './signals.ts';
export type { ContainerExit, ContainerInfo, ContainerStatus } from './states.ts';
export type { StopOptions } from './stop.ts';
export { type RawMode, rawMode, type TerminalOption, type TerminalSize } from './terminal.ts';
export { ULIMIT_NAMES, type Ulimit, type Ulimits } from './ulimits.ts';
export { type NamespaceKind, type UnshareOptions, unshare } from './unshare.ts';
