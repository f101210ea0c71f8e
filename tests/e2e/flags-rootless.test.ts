/** The flags whose way is another one for ordinary users, from the packed product. */
import { beforeAll, describe, expect, test } from 'vitest';

import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { productOf, type UserProduct, userKinds } from './support/user.ts';

describe.each(userKinds)('a user $kind', ({ kind, name }) => {
  let product: UserProduct;
  let before: Machine;
  beforeAll(async () => {
    const found = await productOf(name);
    if (found === undefined) throw new Error(`no user ${name}: run npm test once as root`);
    product = found;
    before = snapshot();
  }, 180_000);

  const run = (flags: string[], script: string) =>
    product.ctr(['run', '--rm', ...flags, 'host:', 'sh', '-c', script]);
  const output = async (flags: string[], script: string) => {
    const ended = await run(flags, script);
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stderr: '' });
    return ended.stdout;
  };
  const refused = async (flags: string[], code: string) => {
    const ended = await run(flags, 'echo started');
    expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^[^\\n]* \\[${code}\\]\\n {2}next: [^\\n]+\\n$`));
  };

  test('names, limits and parameters are as for root', async () => {
    const flags = [
      ...['--hostname', 'box', '--domainname', 'dom', '--add-host', 'db:10.1.2.3'],
      ...['--dns', '192.0.2.1', '--ulimit', 'nofile=64:128', '--oom-score-adj', '300'],
      ...['--sysctl', 'net.ipv4.ip_forward=1', '--shm-size', '1m', '--tmpfs', '/e:exec,mode=0711'],
      ...['--mount', 'type=bind,src=/usr/share,dst=/in,ro', '--init'],
    ];
    const script = [
      'getent hosts db box | tr -s " "; cat /etc/hostname /etc/resolv.conf; domainname',
      'ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward',
      'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2; stat -c %a /e; test -d /in/doc && echo in',
      'cat /proc/1/comm; echo $$',
    ].join('; ');
    expect((await output(flags, script)).split('\n')).toEqual([
      ...['10.1.2.3 db', '127.0.1.1 box.dom box', 'box', 'nameserver 192.0.2.1', 'dom'],
      ...['64', '128', '300', '1', '1024', '711', 'in', 'ctr-init', '2', ''],
    ]);
  });

  test('a device that is open to all is bound, and opens', async () => {
    const script = 'stat -c %t:%T /dev/sub/fuse; : < /dev/sub/fuse && echo opened';
    expect(await output(['--device', '/dev/fuse:/dev/sub/fuse'], script)).toBe('a:e5\nopened\n');
  });

  test("what only root can have of devices is refused, and so are others' devices", async () => {
    await refused(['--device', '/dev/fuse:r'], 'PERMISSION_DENIED');
    await refused(['--device-cgroup-rule', 'c 10:229 rwm'], 'PERMISSION_DENIED');
    // Of root and closed to others, on every machine.
    await refused(['--device', '/dev/console'], 'PERMISSION_DENIED');
  });

  test('namespaces of the host are shared where that can be', async () => {
    const flags = ['--uts', 'host', '--ipc', 'host', '--cgroupns', 'host'];
    const script = 'readlink /proc/self/ns/uts /proc/self/ns/ipc /proc/self/ns/cgroup';
    const mine = await product.execute('readlink', script.split(' ').slice(1));
    expect(await output(flags, script)).toBe(mine.stdout);
    await refused(['--userns', 'host'], 'PERMISSION_DENIED');
  });

  test('groups are joined by who has them to give', async () => {
    const flags = ['--group-add', 'audio', '--group-add', '42'];
    if (kind === 'with subordinate ids') expect(await output(flags, 'id -G')).toBe('0 29 42\n');
    else await refused(flags, 'USER_NOT_FOUND');
  });

  test('nothing of all this is left on the machine', async () => {
    expect(await leftSince(before)).toEqual([]);
  });
});
