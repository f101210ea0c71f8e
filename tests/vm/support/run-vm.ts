/**
 * One machine from its start to its end: its images, the project as it is now, the emulator, and
 * what came out, as data.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { publishBuild } from '@ctr-ts/dev/publish';

import { dependenciesDisk } from './dependencies-disk.ts';
import { emulate } from './emulator.ts';
import { initramfs } from './initramfs.ts';
import { kernel } from './kernel.ts';
import { packProject } from './project.ts';
import { type Line, type ProblemLine, parseLine, type TestLine } from './results.ts';
import { systemDisk } from './system-disk.ts';

/** What is different about a machine: its command line here, its environment in guest/profile-*.sh. */
export const profiles = {
  /** Pure cgroup v2 and nothing that manages it. */
  cgroup2: { append: 'cgroup_no_v1=all' },
} as const;

export type Profile = keyof typeof profiles;

export interface VmOptions {
  /** Who runs the tests: root, or a user who is given a delegated control group. Default root. */
  user?: string | undefined;
  /** vitest's -t. */
  pattern?: string | undefined;
  /** Put the packed product into the machine, for tests that call publishBuild(). */
  publish?: boolean;
  env?: Readonly<Record<string, string>>;
  /** For the whole machine, from its start. Default 4 minutes. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /** Each line of results and the console's text, as they come. */
  onLine?: ((line: Line) => void) | undefined;
  onConsole?: ((text: string) => void) | undefined;
}

export interface VmResult {
  tests: TestLine[];
  /** Failures that belong to no test, the machine's own among them. */
  problems: ProblemLine[];
  /** From the emulator's start; undefined when the machine never came up. */
  bootedMs: number | undefined;
  durationMs: number;
}

const BOOT_TIMEOUT_MS = 90_000;

/** Everything that is made once and kept; what a run does first, and setup ahead of time. */
export async function prepareImages() {
  const found = await kernel();
  return {
    kernel: found.image,
    initramfs: await initramfs(found),
    system: await systemDisk(found),
    dependencies: await dependenciesDisk(),
  };
}

/** One machine from its start to its end, as data. */
export async function runVm(
  profile: Profile,
  files: readonly string[],
  options: VmOptions = {},
): Promise<VmResult> {
  const images = await prepareImages();
  const folder = mkdtempSync(join(tmpdir(), `vm-${process.pid}-`));
  try {
    const project = join(folder, 'project.tar');
    const published = options.publish ? await publishBuild() : undefined;
    const { user = 'root', pattern, env = {}, timeoutMs = 240_000 } = options;
    await packProject(
      { profile, files, user, pattern, env, published: published?.directory },
      project,
      folder,
    );
    const lines: Line[] = [];
    const startedAt = performance.now();
    let bootedMs: number | undefined;
    const ending = await emulate(
      {
        kernel: images.kernel,
        initramfs: images.initramfs,
        append: profiles[profile].append,
        disks: [images.system, images.dependencies, project],
        memoryMib: 1024,
        processors: 2,
      },
      {
        bootTimeoutMs: BOOT_TIMEOUT_MS,
        timeoutMs,
        signal: options.signal,
        onConsole: options.onConsole,
        onLine: (text) => {
          const line = lineOf(text);
          if (line.kind === 'booted') {
            bootedMs = performance.now() - startedAt;
            // The machine has unpacked it; nothing stays even if this process is killed from here on.
            rmSync(folder, { recursive: true, force: true });
          }
          lines.push(line);
          options.onLine?.(line);
        },
      },
    );
    return {
      tests: lines.filter((line) => line.kind === 'test'),
      problems: [
        ...lines.filter((line) => line.kind === 'problem'),
        ...machineProblems(lines, ending),
      ],
      bootedMs,
      durationMs: performance.now() - startedAt,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf(text: string): Line {
  try {
    return parseLine(text);
  } catch (error) {
    return { kind: 'problem', file: '', message: String(error) };
  }
}

function machineProblems(
  lines: readonly Line[],
  ending: { stopped: string | undefined; console: string },
): ProblemLine[] {
  const end = lines.find((line) => line.kind === 'end');
  const told = lines.some(
    (line) => line.kind === 'problem' || (line.kind === 'test' && line.state === 'failed'),
  );
  const message =
    end === undefined
      ? `the machine's tests did not end: ${ending.stopped ?? panicOf(ending.console) ?? 'it stopped by itself'}`
      : end.exitCode !== 0 && !told
        ? `vitest inside ended with ${end.exitCode}, and no test failed`
        : undefined;
  if (message === undefined) return [];
  return [{ kind: 'problem', file: '', message: `${message}\nconsole:\n${ending.console}` }];
}

function panicOf(console: string): string | undefined {
  return /Kernel panic - not syncing: .*/.exec(console)?.[0];
}
