/** Flags of the network of a container, and of names in it. */

import type { FlagTable } from '../flags.ts';

export const NETWORK_FLAGS = [
  {
    name: 'network',
    aliases: ['net'],
    type: 'string',
    metavar: 'none|host',
    help: 'none (default): only loopback; host: the one of the host',
  },
  { name: 'hostname', short: 'h', type: 'string', metavar: 'NAME', help: 'host name inside' },
  { name: 'domainname', type: 'string', metavar: 'NAME', help: 'NIS domain name inside' },
  {
    name: 'add-host',
    type: 'string',
    multiple: true,
    metavar: 'HOST:IP',
    help: 'add a line to /etc/hosts',
  },
  { name: 'dns', type: 'string', multiple: true, metavar: 'IP', help: 'name server to ask' },
  {
    name: 'dns-option',
    aliases: ['dns-opt'],
    type: 'string',
    multiple: true,
    metavar: 'OPT',
    help: 'option of resolv.conf(5)',
  },
  {
    name: 'dns-search',
    type: 'string',
    multiple: true,
    metavar: 'DOMAIN',
    help: 'domain to search for names, . is none',
  },
  {
    name: 'expose',
    type: 'string',
    multiple: true,
    metavar: 'PORT[/PROTO]',
    help: 'keep with the container that it serves this port; opens nothing',
  },
] as const satisfies FlagTable;
