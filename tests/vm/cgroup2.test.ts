/** Pure cgroup v2 on a kernel of a current distribution, without systemd. */
import { inVm } from './support/in-vm.ts';

const inside = ['tests/vm/inside/cgroup.test.ts', 'tests/vm/inside/containers.test.ts'];

await inVm(
  'cgroup2',
  [
    ...inside,
    'tests/vm/inside/placement.test.ts',
    'tests/e2e/demo.test.ts',
    'tests/e2e/limits.test.ts',
  ],
  { timeoutMs: 300_000 },
);
await inVm('cgroup2', inside, { user: 'ctr-test' });
