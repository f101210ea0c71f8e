/**
 * Names of images in registries: the grammar of the distribution project with docker's defaults
 * (https://pkg.go.dev/github.com/distribution/reference).
 *
 *     [host[:port]/]path[/path...][:tag][@digest]
 */

import { CtrError } from '@ctr-ts/native';
import type { Digest } from './digest.ts';

/** An image in a registry. */
export interface RegistryReference {
  transport: 'registry';
  /** Host, with its port if it was named; `docker.io` is Docker Hub. */
  registry: string;
  /** Path below the registry; on Docker Hub with `library/` where docker puts it. */
  repository: string;
  /** Without tag and digest this is `latest`. A digest wins over a tag. */
  tag?: string;
  digest?: Digest;
}

const DOCKER_HUB = 'docker.io';
const OFFICIAL = 'library/';
const MAX_NAME_LENGTH = 255;

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const IPV6 = /^\[[0-9a-fA-F:]+\]$/;

/**
 * Parses the name of an image in a registry.
 *
 * @throws CtrError `INVALID_REFERENCE`
 */
export function parseRegistryReference(text: string): RegistryReference {
  const { name, tag, digest } = split(text);
  const { registry, path } = splitRegistry(text, name);
  checkRegistry(text, registry);
  const isShort = registry === DOCKER_HUB && !path.includes('/');
  if (isShort && /^[0-9a-f]{64}$/.test(path)) {
    throw invalid(text, '64 hexadecimal digits are an identifier, not a repository', {
      hint: `to name content write REPOSITORY@sha256:${path}`,
    });
  }
  const repository = isShort ? `${OFFICIAL}${path}` : path;
  checkRepository(text, repository);
  return {
    transport: 'registry',
    registry,
    repository,
    ...(tag === undefined && digest !== undefined ? {} : { tag: tag ?? 'latest' }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The name in full: `docker.io/library/alpine:latest`. */
export function formatReference({ registry, repository, tag, digest }: RegistryReference): string {
  return `${registry}/${repository}${suffix(tag, digest)}`;
}

/** The name as docker shows it: `alpine:latest`, `alpine@sha256:...`. */
export function familiarName({ registry, repository, tag, digest }: RegistryReference): string {
  const isOfficial = registry === DOCKER_HUB && /^library\/[^/]+$/.test(repository);
  const path = isOfficial ? repository.slice(OFFICIAL.length) : repository;
  const name = registry === DOCKER_HUB ? path : `${registry}/${path}`;
  return `${name}${suffix(tag, digest)}`;
}

function suffix(tag: string | undefined, digest: Digest | undefined): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function split(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@');
  const tagged = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : digestOf(text, text.slice(at + 1));
  const colon = tagged.indexOf(':', tagged.lastIndexOf('/') + 1);
  // `[::1]` alone is a host without a path, and is refused as such.
  const hasTag = colon >= 0 && !tagged.startsWith('[', tagged.lastIndexOf('/') + 1);
  const tag = hasTag ? tagged.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) {
    throw invalid(text, `${quote(tag)} is no tag`, {
      hint: 'a tag has up to 128 letters, digits, "_", "." and "-", and starts with none of the last two',
    });
  }
  return {
    name: hasTag ? tagged.slice(0, colon) : tagged,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function digestOf(text: string, digest: string): Digest {
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest as Digest;
  throw invalid(text, `${quote(digest)} is no digest`, {
    hint: 'a digest is sha256: and 64 hexadecimal digits in lower case',
  });
}

/** docker's rule: what is before the first slash is a host if it could not be a path. */
function splitRegistry(text: string, name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (slash === 0) throw invalid(text, 'there is nothing before the first slash');
  if (!isHost) return { registry: DOCKER_HUB, path: name };
  const registry = first === 'index.docker.io' ? DOCKER_HUB : first;
  return { registry, path: name.slice(slash + 1) };
}

function checkRegistry(text: string, registry: string): void {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(registry) ?? [];
  const isHost = IPV6.test(host) || host.split('.').every((label) => HOST_NAME.test(label));
  if (!isHost) throw invalid(text, `${quote(host || registry)} is no host`);
  if (port === undefined || (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65536)) {
    return;
  }
  throw invalid(text, `${quote(port)} is no port`, { hint: 'a port is a number from 1 to 65535' });
}

function checkRepository(text: string, repository: string): void {
  if (repository.length > MAX_NAME_LENGTH) {
    throw invalid(text, `a repository of ${repository.length} characters is too long`);
  }
  const bad = repository.split('/').find((component) => !COMPONENT.test(component));
  if (bad === undefined) return;
  if (bad === '') throw invalid(text, 'a part of its path is empty');
  if (COMPONENT.test(bad.toLowerCase())) {
    const hint = `write it in lower case: ${text.replace(bad, bad.toLowerCase())}`;
    throw invalid(text, 'a repository is in lower case', { hint });
  }
  throw invalid(text, `${quote(bad)} is no part of a repository's path`);
}

const GRAMMAR_HINT =
  'an image is [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]; other sources are host:, rootfs:DIR and oci:DIR[:TAG]';

function invalid(text: string, why: string, { hint = GRAMMAR_HINT } = {}): CtrError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}...` : text;
  return new CtrError('INVALID_REFERENCE', `open image ${quote(shown)}: ${why}`, { hint });
}

function quote(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}...` : text);
}
