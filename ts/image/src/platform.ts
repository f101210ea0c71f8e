/** Platforms an image may be for, named as the OCI image spec (and so Go) names them. */

import { endianness } from 'node:os';
import { CtrError } from '@ctr-ts/native';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md, "platform" */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/** What people call an architecture, for its name and variant. */
const ARCHITECTURES: Readonly<Record<string, readonly [string, string?]>> = {
  x64: ['amd64'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  aarch64: ['arm64'],
  ia32: ['386'],
  i386: ['386'],
  i686: ['386'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
};

/** The variant an image is for that names none; elsewhere there are no variants. */
const FIRST_VARIANT: ReadonlyMap<string, string> = new Map([
  ['amd64', 'v1'],
  ['arm64', 'v8'],
  ['arm', 'v7'],
]);

/**
 * Parses `linux/arm64`, `linux/arm/v7` or `amd64`.
 *
 * @throws CtrError `INVALID_ARGUMENT`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [first = '', second, variant] = parts;
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9][a-z0-9._-]*$/.test(part))) {
    throw refused(text, 'it is no platform');
  }
  if (second === undefined) return first === 'linux' ? hostPlatform() : normal('linux', first);
  if (first !== 'linux') throw refused(text, 'only linux runs here');
  return normal(first, second, variant);
}

/** What this machine runs without emulation. */
export function hostPlatform(): Platform {
  if (process.arch === 'arm') {
    const { arm_version: version } = process.config.variables as { arm_version?: string };
    return normal('linux', 'arm', `v${version ?? '7'}`);
  }
  if (process.arch === 'ppc64' && endianness() === 'LE') return normal('linux', 'ppc64le');
  return normal('linux', process.arch);
}

/** `linux/arm/v7` */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/**
 * The best of several candidates: the same system and architecture, and the highest variant that
 * is not above the wanted one.
 */
export function choosePlatform<T extends { platform: Platform }>(
  candidates: readonly T[],
  wanted: Platform,
): T | undefined {
  let best: T | undefined;
  for (const candidate of candidates) {
    if (!runsOn(candidate.platform, wanted)) continue;
    if (best === undefined || level(candidate.platform) > level(best.platform)) best = candidate;
  }
  return best;
}

/** Whether an image for `platform` serves who wants `wanted`. */
export function runsOn(platform: Platform, wanted: Platform): boolean {
  return (
    platform.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    level(platform) <= level(wanted)
  );
}

/** v8 is 8000, v8.2 is 8002: variants of one architecture are in an order. */
function level({ architecture, variant }: Platform): number {
  const text = variant ?? FIRST_VARIANT.get(architecture) ?? 'v0';
  const [, major, minor = '0'] = /^v(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  return major === undefined ? Number.NaN : Number(major) * 1000 + Number(minor);
}

function normal(os: string, architecture: string, variant?: string): Platform {
  const known = Object.hasOwn(ARCHITECTURES, architecture)
    ? ARCHITECTURES[architecture]
    : undefined;
  const [name, implied] = known ?? [architecture];
  const chosen = variant ?? implied;
  // amd64/v1 and arm64/v8 are what images without a variant are for.
  const isPlain = chosen === undefined || (name !== 'arm' && chosen === FIRST_VARIANT.get(name));
  return { os, architecture: name, ...(isPlain ? {} : { variant: chosen }) };
}

function refused(text: string, why: string): CtrError {
  return new CtrError('INVALID_ARGUMENT', `use platform ${JSON.stringify(text)}: ${why}`, {
    hint: 'write it as linux/amd64, linux/arm64 or linux/arm/v7',
  });
}
