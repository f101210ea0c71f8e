/** Pure cgroup v2 on a kernel of a current distribution, without systemd. */
import { inVm } from './support/in-vm.ts';

await inVm('cgroup2', 'tests/vm/inside/cgroup.test.ts');
