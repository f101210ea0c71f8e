/**
 * The files by which a container knows its own name and those of others: /etc/hosts, /etc/hostname
 * and /etc/resolv.conf. They travel with the launch request and live in the container's memory.
 */

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { posix } from 'node:path';
import { CtrError } from './errors.ts';

/** A line of /etc/hosts. */
export interface HostEntry {
  host: string;
  /** IPv4 or IPv6. */
  ip: string;
}

/** How names are resolved in the container. */
export interface NameOptions {
  /** Lines added to /etc/hosts. */
  addHosts?: HostEntry[] | undefined;
  /** Addresses of name servers. Default: none, or the host's with `network: 'host'`. */
  dns?: string[] | undefined;
  /** Words of the `options` line of resolv.conf(5). Default as `dns`. */
  dnsOptions?: string[] | undefined;
  /** Domains to search; `['.']` is none. Default as `dns`. */
  dnsSearch?: string[] | undefined;
}

/** A file that is shown in the container; ctr-spec's FileRequest. */
export interface EtcFile {
  destination: string;
  text: string;
  readonly: boolean;
}

const LOCALHOST = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** Of the loopback network but not 127.0.0.1, so that this one keeps the name localhost. */
const OWN_ADDRESS = '127.0.1.1';

/** What resolv.conf(5) says, by its keywords. */
interface Resolver {
  search: string[];
  nameservers: string[];
  options: string[];
}

/**
 * Checks the options.
 *
 * @throws CtrError `INVALID_ARGUMENT`
 */
export function checkNames({ addHosts, dns, dnsOptions, dnsSearch }: NameOptions): void {
  for (const { host, ip } of addHosts ?? []) {
    if (!isWord(host) || host.startsWith('#')) {
      throw invalid(`invalid host ${JSON.stringify(host)} to add`, 'write a name without spaces');
    }
    if (isIP(ip) === 0) {
      throw invalid(`invalid address ${JSON.stringify(ip)} of host ${host}`, 'write IPv4 or IPv6');
    }
  }
  for (const address of dns ?? []) {
    if (isIP(address) === 0) {
      throw invalid(`invalid name server ${JSON.stringify(address)}`, 'write IPv4 or IPv6');
    }
  }
  for (const word of [...(dnsOptions ?? []), ...(dnsSearch ?? [])]) {
    if (!isWord(word)) {
      throw invalid(`invalid word ${JSON.stringify(word)} for resolv.conf`, 'leave spaces out');
    }
  }
}

/** The files, but for those whose place one of the caller's own mounts (`taken`) has. */
export function etcFiles(input: {
  names: NameOptions;
  hostname: string;
  domainname: string | undefined;
  /** The container has the network of the host, and resolves names as it does. */
  hostNetwork: boolean;
  readonly: boolean;
  taken: readonly string[];
}): EtcFile[] {
  const { names, hostname, hostNetwork, readonly } = input;
  const taken = new Set(input.taken.map((path) => posix.join(path, '.').replace(/\/$/, '')));
  const files = [
    { destination: '/etc/hosts', text: hostsText(input) },
    { destination: '/etc/hostname', text: `${hostname}\n` },
    { destination: '/etc/resolv.conf', text: resolverText(names, hostNetwork) },
  ];
  return files
    .filter(({ destination }) => !taken.has(destination))
    .map((file) => ({ ...file, readonly }));
}

function hostsText(input: Parameters<typeof etcFiles>[0]): string {
  const { names, hostname, domainname, hostNetwork } = input;
  const base = (hostNetwork ? hostText('/etc/hosts') : undefined) ?? LOCALHOST;
  const lines = (names.addHosts ?? []).map(({ host, ip }) => `${ip}\t${host}\n`);
  if (!knows(base + lines.join(''), hostname)) {
    const full = domainname === undefined ? '' : `${hostname}.${domainname} `;
    lines.push(`${OWN_ADDRESS}\t${full}${hostname}\n`);
  }
  return `${base}${base.endsWith('\n') ? '' : '\n'}${lines.join('')}`;
}

/** Whether a line of hosts(5) has the name. */
function knows(hosts: string, name: string): boolean {
  return hosts.split('\n').some((line) => {
    const [, ...words] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return words.includes(name);
  });
}

/** As docker: what the caller says replaces the line of the host, the others stay. */
function resolverText({ dns, dnsOptions, dnsSearch }: NameOptions, hostNetwork: boolean): string {
  const text = (hostNetwork ? hostText('/etc/resolv.conf') : undefined) ?? '';
  if (dns === undefined && dnsOptions === undefined && dnsSearch === undefined) return text;
  const base = parseResolver(text);
  const search = (dnsSearch ?? base.search).filter((domain) => domain !== '.');
  const options = dnsOptions ?? base.options;
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...(dns ?? base.nameservers).map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function parseResolver(text: string): Resolver {
  const resolver: Resolver = { search: [], nameservers: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword = '', ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver') resolver.nameservers.push(...words.slice(0, 1));
    // Of these the last line counts.
    else if (keyword === 'search' || keyword === 'domain') resolver.search = words;
    else if (keyword === 'options') resolver.options = words;
  }
  return resolver;
}

/** Synchronous: the way through Node's thread pool costs a launch more than the file does. */
function hostText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The host has none, or hides it: the container gets what one without a network gets.
    return undefined;
  }
}

function isWord(text: string): boolean {
  return /^[^\s\0]+$/.test(text);
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_ARGUMENT', message, { hint });
}
