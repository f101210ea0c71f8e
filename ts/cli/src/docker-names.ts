/** Docker's notations of hosts, ulimits, kernel parameters and numbers. */

import { type ContainerOptions, CtrError, type Ulimits } from '@ctr-ts/sdk';

type HostEntry = NonNullable<ContainerOptions['addHosts']>[number];

/** `HOST:IP` or `HOST=IP`; an IPv6 address may stand in brackets. */
export function parseHost(text: string): HostEntry {
  const [, host = '', address = ''] = /^([^:=]*)[:=](.*)$/s.exec(text) ?? [];
  if (address === 'host-gateway') {
    throw new CtrError('NOT_YET', 'the address host-gateway is not there yet', {
      hint: `containers reach the host by its own network: --network host --add-host ${host}:127.0.0.1`,
    });
  }
  if (host !== '' && address !== '') return { host, ip: address.replace(/^\[(.*)\]$/, '$1') };
  throw new CtrError('INVALID_ARGUMENT', `invalid host ${JSON.stringify(text)} to add`, {
    hint: 'write HOST:IP, for example --add-host db:10.0.0.2',
  });
}

/** `NAME=SOFT[:HARD]`; of one name the last counts. */
export function parseUlimits(texts: readonly string[]): Ulimits {
  const entries = texts.map((text) => {
    const [, name = '', soft = '', hard = soft] =
      /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
    if (name === '') {
      throw new CtrError('INVALID_LIMIT', `invalid ulimit ${JSON.stringify(text)}`, {
        hint: 'write NAME=SOFT[:HARD], for example nofile=1024:2048; -1 is no limit',
      });
    }
    return [name, { soft: Number(soft), hard: Number(hard) }] as const;
  });
  return Object.fromEntries(entries);
}

/** `NAME=VALUE`. */
export function parseSysctls(texts: readonly string[]): Record<string, string> {
  const entries = texts.map((text) => {
    const [name = '', value] = text.split(/=(.*)/s);
    if (name !== '' && value !== undefined) return [name, value] as const;
    throw new CtrError('INVALID_ARGUMENT', `invalid kernel parameter ${JSON.stringify(text)}`, {
      hint: 'write NAME=VALUE, for example net.ipv4.ip_forward=1',
    });
  });
  return Object.fromEntries(entries);
}

/** A whole number; throws `INVALID_VALUE`. */
export function parseWhole(text: string, flag: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw new CtrError('INVALID_VALUE', `${flag} takes a number, got ${JSON.stringify(text)}`, {
    hint: `write a whole number: ${flag} N`,
  });
}
