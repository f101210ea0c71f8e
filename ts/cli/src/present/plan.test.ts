import { expect, test } from 'vitest';
import { PLAN } from './plan.test.fixture.ts';
import { planSections, presentPlan } from './plan.ts';

test('a plan is readable at 80 columns without colour', () => {
  const text = presentPlan(PLAN, { columns: 80, color: false });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text).not.toContain('\u001b');
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    NAMESPACES  outside       inside
      user      new           uid 0 is 1000 outside (1)
      pid       new           PID 1 is id
      mount     new           a root and 2 mounts of its own
      uts       new           host name box
      ipc       new           no queue or segment of the host
      network   new           lo only, up
      cgroup    the caller's  the same
      time      the caller's  the same

    MOUNTS   outside                                    inside
      /      overlay of /layers/a; writes go to memory  rw
      /proc  proc                                       rw,nosuid,nodev,noexec
      /src   /home/me/src                               ro; left out where refused

    DEVICES      outside   inside
      /dev/null  char 1:3  mode 0666
      /dev/fd    link      to /proc/self/fd

    HIDDEN PATHS   outside             inside
      /proc/kcore  as the host has it  empty
      /proc/sys    as the host has it  read-only

    CGROUP FILES  outside                                   inside
      group       ctr-ts/x                                  / (required)
      cpu         cpu.cfs_quota_us (v2: cpu.max) = 20000    0.2 of a processor
      memory      memory.limit_in_bytes (v2: memory.max) =  256 MiB
                  268435456
      pids        pids.max = 64                             64 processes and threads

    PROCESS              outside    inside
      program                       id -u
      user               1000:1000  0:0
      working directory             /
      environment                   PATH=/usr/bin:/bin HOME=/root
      no new privileges             no: set-id programs work

    CAPABILITIES   outside                        inside
      bounding     none: own user namespace only  CHOWN DAC_READ_SEARCH
      effective    none: own user namespace only  CHOWN DAC_READ_SEARCH
      permitted    none: own user namespace only  CHOWN DAC_READ_SEARCH
      inheritable  none                           none
      ambient      none                           none

    SECCOMP    reason                          system calls
      allow    every program reads and writes  2: read write
      allow    harmless personalities          1: personality when arg0 == 8
      allow    threads, but no new namespaces  1: clone when arg0 & 0x7e020000 == 0
      errno 1  not named above                 every other call
    "
  `);
});

test('titles are bold where colours are wanted', () => {
  expect(presentPlan(PLAN, { columns: 100, color: true })).toContain('\u001b[1mNAMESPACES');
});

test('what the host shares is said', () => {
  const rows = planSections({ ...PLAN, namespaces: [] })[0]?.rows;
  expect(rows?.every(([, outside]) => outside === "the caller's")).toBe(true);
});

test('a container without a filter says that every call is allowed', () => {
  const process = { ...PLAN.process, seccomp: null };
  const seccomp = planSections({ ...PLAN, process }).find(({ title }) => title === 'seccomp');
  expect(seccomp?.rows).toEqual([['unconfined', 'no filter', 'every call']]);
});

test('a terminal is said to be there', () => {
  const process = { ...PLAN.process, terminal: true };
  const rows = planSections({ ...PLAN, process }).find(({ title }) => title === 'process')?.rows;
  expect(rows).toContainEqual(['terminal', 'held by the owner', '/dev/pts/N']);
});
