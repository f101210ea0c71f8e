/** Flags of what a container may use: shares, limits, devices. */

import type { FlagTable } from '../flags.ts';

export const RESOURCE_FLAGS = [
  {
    name: 'memory-swap',
    type: 'string',
    metavar: 'SIZE',
    help: 'limit of memory and swap together, -1 is no limit of swap',
  },
  {
    name: 'memory-reservation',
    type: 'string',
    metavar: 'SIZE',
    help: 'what it is left with when memory is short',
  },
  { name: 'cpu-shares', short: 'c', type: 'string', metavar: 'N', help: 'weight, default 1024' },
  { name: 'cpu-period', type: 'string', metavar: 'US', help: 'length of a period of --cpu-quota' },
  { name: 'cpu-quota', type: 'string', metavar: 'US', help: 'processor time in each period' },
  { name: 'cpuset-cpus', type: 'string', metavar: 'LIST', help: 'processors to run on: 0-3,7' },
  { name: 'cpuset-mems', type: 'string', metavar: 'LIST', help: 'memory nodes to use: 0,1' },
  {
    name: 'cgroup-parent',
    type: 'string',
    metavar: 'GROUP',
    help: 'control group to make its own in',
  },
  {
    name: 'ulimit',
    type: 'string',
    multiple: true,
    metavar: 'NAME=SOFT[:HARD]',
    help: 'resource limit of its processes, for example nofile=1024',
  },
  {
    name: 'oom-score-adj',
    type: 'string',
    metavar: 'N',
    help: 'how readily it is killed when memory is short, -1000 to 1000',
  },
  {
    name: 'device',
    type: 'string',
    multiple: true,
    metavar: 'SRC[:DST][:rwm]',
    help: 'hand a device of the host on',
  },
  {
    name: 'device-cgroup-rule',
    type: 'string',
    multiple: true,
    metavar: 'RULE',
    help: "allow devices, for example 'c 10:229 rwm'",
  },
] as const satisfies FlagTable;
