import type { DoctorReport } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { presentDoctor } from './doctor.ts';

const REPORT: DoctorReport = {
  ok: true,
  error: null,
  rows: [
    { probe: 'namespaces', ok: true, required: true, detail: 'user, pid and mount namespaces' },
    {
      probe: 'cgroup',
      ok: false,
      required: false,
      detail: 'none',
      remedy: 'delegate a group to this user',
    },
  ],
  kernel: '6.1.0',
  node: 'v24.0.0',
  user: 1000,
  dataRoot: '/data',
  runRoot: '/run/me',
};

test('what is missing comes with its remedy, and the verdict comes last', () => {
  expect(
    presentDoctor(REPORT, { columns: 80 }),
  ).toBe(`ok    namespaces  user, pid and mount namespaces
less  cgroup      none
                  next: delegate a group to this user

Linux 6.1.0, Node v24.0.0, user 1000, data in /data, records in /run/me
containers run here, with less: cgroup
`);
});

test('a machine that refuses containers says so with the code that run gives', () => {
  const error = { code: 'UNSUPPORTED_ENVIRONMENT', message: 'user namespaces are refused' };
  const text = presentDoctor({ ...REPORT, ok: false, error }, { columns: 80 });
  expect(text).toContain(
    'containers cannot run here: user namespaces are refused [UNSUPPORTED_ENVIRONMENT]\n',
  );
});
