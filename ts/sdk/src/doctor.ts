/** What this machine can do for containers, and what to do about what it cannot. */

import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { cgroup } from './cgroup.ts';
import { openCore } from './core.ts';
import { CtrError } from './errors.ts';
import { directories } from './paths.ts';

/** One thing that was tried. */
export interface ProbeRow {
  /** For example `userNamespace`, `overlayfs`, `cgroup`. */
  probe: string;
  ok: boolean;
  /** Containers cannot be had without it. */
  required: boolean;
  /** What was found. */
  detail: string;
  /** What the user can do, where it is not ok. */
  remedy?: string;
}

/** What `probe()` finds. JSON-safe. */
export interface ProbeReport {
  /** Every required probe is ok. */
  ok: boolean;
  /** What `run()` would reject with, `null` when it would not. */
  error: { code: string; message: string; probe?: string; remedy?: string } | null;
  rows: ProbeRow[];
}

/** {@link ProbeReport} with where things are. */
export interface DoctorReport extends ProbeReport {
  kernel: string;
  node: string;
  user: number;
  dataRoot: string;
  runRoot: string;
}

/** Tries what containers need. Throws nothing that a caller could have avoided. */
export async function probe(): Promise<ProbeReport> {
  const launcher = await probeLauncher();
  const rows = [
    ...launcher.rows,
    ...(await Promise.all([probeKernel(), probeOverlay(), probeSeccomp(), probeCgroup()])),
  ];
  return { ok: rows.every((row) => row.ok || !row.required), error: launcher.error, rows };
}

/** As {@link probe}, with where things are. */
export async function doctor(): Promise<DoctorReport> {
  const { dataRoot, runRoot } = directories();
  const report = await probe();
  return {
    ...report,
    kernel: release(),
    node: process.version,
    user: process.geteuid?.() ?? -1,
    dataRoot,
    runRoot,
  };
}

/** Starts the launcher: it makes namespaces, maps ids and mounts, and says what was refused. */
async function probeLauncher(): Promise<Pick<ProbeReport, 'error' | 'rows'>> {
  const rootless = process.geteuid?.() !== 0;
  try {
    const { uidMap } = await openCore(directories()).ready();
    const ids = uidMap.reduce((sum, { size }) => sum + size, 0);
    const rows: ProbeRow[] = [
      row(
        'namespaces',
        true,
        true,
        rootless ? 'user, pid and mount namespaces' : 'pid and mount namespaces',
      ),
      row('mount', true, true, 'procfs and tmpfs can be mounted'),
    ];
    if (rootless) {
      rows.push({
        ...row(
          'subordinateIds',
          ids > 1,
          false,
          ids > 1 ? `${ids} ids` : 'one id: containers have user 0 only',
        ),
        ...(ids > 1
          ? {}
          : {
              remedy:
                'as root: apt install uidmap && usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER',
            }),
      });
    }
    return { error: null, rows };
  } catch (cause) {
    if (!(cause instanceof CtrError)) throw cause;
    const { code, message, probe: name = 'launcher', remedy } = cause;
    const known = remedy ?? cause.hint;
    const error = { code, message, probe: name, ...(known === undefined ? {} : { remedy: known }) };
    return {
      error,
      rows: [
        { ...row(name, false, true, message), ...(known === undefined ? {} : { remedy: known }) },
      ],
    };
  }
}

async function probeKernel(): Promise<ProbeRow> {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const ok = major > 5 || (major === 5 && minor >= 12);
  return {
    ...row('kernel', ok, true, `Linux ${release()}`),
    ...(ok ? {} : { remedy: 'containers need Linux 5.12 or newer (mount_setattr)' }),
  };
}

async function probeOverlay(): Promise<ProbeRow> {
  const known = await readFile('/proc/filesystems', 'utf8').catch(() => '');
  const ok = /\toverlay$/m.test(known);
  // A module that is not loaded yet is no fault: the first mount loads it, if root made that one.
  return {
    ...row('overlayfs', ok, false, ok ? 'built in or loaded' : 'not loaded'),
    ...(ok ? {} : { remedy: 'as root: modprobe overlay' }),
  };
}

async function probeSeccomp(): Promise<ProbeRow> {
  const actions = await readFile('/proc/sys/kernel/seccomp/actions_avail', 'utf8').catch(() => '');
  const ok = actions.includes('errno');
  return {
    ...row('seccomp', ok, true, ok ? `filters with ${actions.trim()}` : 'no filters'),
    ...(ok ? {} : { remedy: 'use a kernel with CONFIG_SECCOMP_FILTER' }),
  };
}

async function probeCgroup(): Promise<ProbeRow> {
  const report = await cgroup.report().catch(() => undefined);
  const ok = report?.writable === true;
  const controllers = report?.hierarchies.flatMap((hierarchy) => hierarchy.controllers) ?? [];
  return {
    ...row(
      'cgroup',
      ok,
      false,
      `${report?.version ?? 'none'}: ${controllers.join(' ') || 'no controllers'}`,
    ),
    ...(ok
      ? {}
      : {
          remedy:
            'limits are refused until a group is delegated to this user: systemd-run --user --scope -p Delegate=yes COMMAND',
        }),
  };
}

function row(probe: string, ok: boolean, required: boolean, detail: string): ProbeRow {
  return { probe, ok, required, detail };
}
