/** What docker's flags of `run` and `exec` do, seen from inside real containers of root. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { paths } from '@ctr-ts/dev/repository';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CommandOptions, ctr, execute, startCtr } from './support/command.ts';
import { busybox } from './support/images.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const directory = mkdtempSync(join(tmpdir(), 'e2e-flags-'));
const rootfs = busybox(directory);
let before: Machine;
beforeAll(() => {
  before = snapshot();
});
afterAll(() => rmSync(directory, { recursive: true }));

const run = (flags: string[], script: string, options?: CommandOptions) =>
  ctr(['run', '--rm', ...flags, 'host:', 'sh', '-c', script], options);
/** stdout of a script that must succeed. */
const output = async (flags: string[], script: string) => {
  const ended = await run(flags, script);
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  return ended.stdout;
};
const refused = async (flags: string[], code: string) => {
  const ended = await run(flags, 'echo started');
  expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
  // One line that says what, and one that says what to do.
  expect(ended.stderr).toMatch(
    new RegExp(`^ctr-ts: [^\\n]* \\[${code}\\]\\n {2}next: [^\\n]+\\n$`),
  );
};

describe('names', () => {
  test('a container knows localhost and itself, and has no resolver without a network', async () => {
    const text = await output(['--hostname', 'box'], 'cat /etc/hosts; cat /etc/hostname');
    expect(text).toMatch(/^127\.0\.0\.1\tlocalhost$/m);
    expect(text).toMatch(/^127\.0\.1\.1\tbox$/m);
    expect(text).toMatch(/\nbox\n$/);
    expect(await output([], 'wc -c < /etc/resolv.conf; getent hosts "$(hostname)"')).toMatch(
      /^0\n127\.0\.1\.1 +[0-9a-f]{12}\n$/,
    );
  });

  test('hosts and resolvers are added as asked', async () => {
    const flags = [
      ...['--add-host', 'db:10.1.2.3', '--add-host', 'six=[2001:db8::1]', '--domainname', 'test'],
      ...['--dns', '192.0.2.1', '--dns-search', 'a.test', '--dns-option', 'ndots:2'],
    ];
    const text = await output(
      [...flags, '-h', 'box'],
      'cat /etc/hosts /etc/resolv.conf; domainname',
    );
    expect(text).toContain('10.1.2.3\tdb\n2001:db8::1\tsix\n127.0.1.1\tbox.test box\n');
    expect(text).toContain('search a.test\nnameserver 192.0.2.1\noptions ndots:2\n');
    expect(text).toMatch(/\ntest\n$/);
  });

  test("the host's network comes with the host's names", async () => {
    const files = ['/etc/hosts', '/etc/resolv.conf'].filter(existsSync);
    const text = await output(['--network', 'host'], `cat ${files.join(' ')}`);
    for (const file of files) expect(text).toContain(readFileSync(file, 'utf8').trim());
    const name = readFileSync('/proc/sys/kernel/hostname', 'utf8');
    expect(await output(['--network', 'host'], 'hostname; cat /etc/hostname')).toBe(name + name);
  });

  test("the files can be written, unless the root is read-only, and a caller's own wins", async () => {
    expect(await output([], 'echo 1.2.3.4 x >> /etc/hosts; getent hosts x')).toMatch(/^1\.2\.3\.4/);
    const { stderr } = await run(['--read-only'], 'echo 1.2.3.4 x >> /etc/hosts');
    expect(stderr).toContain('Read-only');
    const own = join(directory, 'hosts');
    writeFileSync(own, '9.9.9.9 mine\n');
    expect(await output(['-v', `${own}:/etc/hosts:ro`], 'cat /etc/hosts')).toBe('9.9.9.9 mine\n');
  });

  test.skipIf(rootfs === undefined)('links of an image do not lead the files astray', async () => {
    const etc = join(rootfs ?? '', 'etc');
    rmSync(join(etc, 'resolv.conf'), { force: true });
    await execute('ln', ['-s', '../run/stub/resolv.conf', join(etc, 'resolv.conf')]);
    await execute('ln', ['-sf', '/etc/hostname', join(etc, 'hosts')]);
    const host = readFileSync('/etc/hostname', 'utf8');
    const ended = await ctr([
      ...['run', '--rm', '--dns', '192.0.2.7', `rootfs:${rootfs}`],
      ...['sh', '-c', 'cat /etc/resolv.conf; cat /run/stub/resolv.conf'],
    ]);
    expect(ended.stdout).toBe('nameserver 192.0.2.7\n'.repeat(2));
    expect(readFileSync('/etc/hostname', 'utf8')).toBe(host);
    rmSync(join(etc, 'hosts'));
    rmSync(join(etc, 'resolv.conf'));
  });

  test.skipIf(rootfs === undefined)(
    'a tree without a place for them goes without, and tells',
    async () => {
      const script = `mount -t tmpfs none "$1" && cp -a "$2/." "$1" && cd "$1" && mkdir -p proc dev sys
      rm -f etc/hosts etc/hostname etc/resolv.conf && mkdir etc/hostname && echo own > etc/hosts
      mount -o remount,ro "$1" && exec "$0" run --rm --json "rootfs:$1" sh -c 'cat /etc/hosts; ls -d /etc/*'`;
      const place = join(directory, 'read-only');
      mkdirSync(place);
      const words = ['--mount', 'sh', '-c', script, paths.launcher, place, rootfs ?? ''];
      const { stdout, stderr } = await execute('unshare', words);
      expect(stderr).toBe('');
      const result = JSON.parse(stdout);
      expect(result.stdout).toMatch(
        /^127\.0\.0\.1\tlocalhost\n(?:.*\n)*\/etc\/hostname\n\/etc\/hosts\n/,
      );
      const missing = result.enforcement.filter((row: { enforced: boolean }) => !row.enforced);
      expect(missing.map((row: { feature: string }) => row.feature)).toEqual([
        ...['mount /etc/hostname', 'mount /etc/resolv.conf'],
      ]);
    },
  );

  test('bad names are refused before anything is made', async () => {
    await refused(['--add-host', 'db'], 'INVALID_ARGUMENT');
    await refused(['--add-host', 'db:nowhere'], 'INVALID_ARGUMENT');
    await refused(['--add-host', 'db:host-gateway'], 'NOT_YET');
    await refused(['--dns', 'resolver'], 'INVALID_ARGUMENT');
    await refused(['--dns-search', 'a b'], 'INVALID_ARGUMENT');
    await refused(['--domainname', 'a b'], 'INVALID_NAME');
  });
});

/** Found wherever FUSE is; opening it needs its driver. */
const noFuse = existsSync('/dev/fuse') ? '' : ' (skipped: no /dev/fuse)';

describe('devices', () => {
  test.skipIf(noFuse)(`a device is there and opens, under another name too${noFuse}`, async () => {
    const text = await output(
      ['--device', '/dev/fuse', '--device', '/dev/fuse:/dev/sub/other'],
      'for f in /dev/fuse /dev/sub/other; do stat -c "%t:%T" $f; : < $f; : > $f; done',
    );
    expect(text).toBe('a:e5\na:e5\n');
    expect(await output([], 'test -e /dev/fuse || echo none')).toBe('none\n');
  });

  test.skipIf(noFuse)(
    `the access that was not given is refused by the kernel${noFuse}`,
    async () => {
      const { stdout, stderr } = await run(
        ['--device', '/dev/fuse:r'],
        ': < /dev/fuse && echo read; : > /dev/fuse',
      );
      expect(stdout).toBe('read\n');
      expect(stderr).toContain('not permitted');
    },
  );

  test('a rule lets a container make and open a node, which it cannot without', async () => {
    const script = 'mknod /dev/x c 10 229 && : < /dev/x && echo opened';
    const rule = ['--device-cgroup-rule', 'c 10:229 rwm'];
    expect(await output(['--cap-add', 'MKNOD', ...rule], script)).toBe('opened\n');
    const without = await run(['--cap-add', 'MKNOD'], script);
    expect(without).toMatchObject({ stdout: '', stderr: expect.stringContaining('not permitted') });
  });

  test('a directory brings its devices', async () => {
    const made = join('/dev', `ctr-ts-test-${process.pid}`);
    mkdirSync(join(made, 'below'), { recursive: true });
    await execute('mknod', [join(made, 'one'), 'c', '1', '3']);
    await execute('mknod', [join(made, 'below/two'), 'c', '1', '5']);
    try {
      const text = await output(
        ['--device', `${made}:/dev/set`],
        'stat -c "%n %t:%T" /dev/set/one /dev/set/below/two',
      );
      expect(text).toBe('/dev/set/one 1:3\n/dev/set/below/two 1:5\n');
    } finally {
      rmSync(made, { recursive: true });
    }
  });

  test('what is no device is refused', async () => {
    await refused(['--device', '/dev/no-such-device'], 'FILE_NOT_FOUND');
    await refused(['--device', '/etc/passwd'], 'INVALID_DEVICE');
    await refused(['--device', '/dev/null:/elsewhere'], 'INVALID_DEVICE');
    await refused(['--device', '/dev/null:rx'], 'INVALID_DEVICE');
    await refused(['--device-cgroup-rule', 'c 1:3'], 'INVALID_DEVICE');
  });
});

describe('limits of processes', () => {
  test('ulimits are soft and hard, and hold for exec as well', async () => {
    const name = `flags-${process.pid}`;
    const started = startCtr([
      ...['run', '--rm', '--name', name, '--ulimit', 'nofile=64:128', '--ulimit', 'core=0'],
      ...['host:', 'sh', '-c', 'ulimit -n; ulimit -Hn; ulimit -c; echo up; sleep 100'],
    ]);
    expect((await started.until(/((?:.*\n)*)up/))[1]).toBe('64\n128\n0\n');
    const inside = await ctr(['exec', name, 'sh', '-c', 'ulimit -n; ulimit -Hn']);
    expect(inside).toMatchObject({ stdout: '64\n128\n', stderr: '' });
    await ctr(['kill', name]);
    await started.ended;
  });

  test('-1 is no limit where this user has none, and more than it has is refused', async () => {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    expect(limits).toMatch(/^Max cpu time +unlimited +unlimited/m);
    expect(await output(['--ulimit', 'cpu=-1'], 'ulimit -t')).toBe('unlimited\n');
    const status = readFileSync('/proc/self/status', 'utf8');
    const all = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
    const mayRaise = ((all >> 24n) & 1n) === 1n;
    if (!mayRaise) await refused(['--ulimit', 'nofile=99999999'], 'RLIMIT_REFUSED');
    await refused(['--ulimit', 'nofile=20:10'], 'INVALID_LIMIT');
    await refused(['--ulimit', 'colour=1'], 'INVALID_LIMIT');
  });

  test('the OOM score is adjusted', async () => {
    const script = 'cat /proc/self/oom_score_adj';
    expect(await output(['--oom-score-adj', '500'], script)).toBe('500\n');
    await refused(['--oom-score-adj', '1001'], 'INVALID_LIMIT');
  });

  test('groups are joined by name and number', async () => {
    const groups = ['--group-add', 'audio', '--group-add', '4242'];
    expect(await output(groups, 'id -G')).toBe('0 29 4242\n');
    expect(await output([...groups, '-u', '12:34'], 'id -G')).toBe('34 29 4242\n');
    await refused(['--group-add', 'no-such-group'], 'USER_NOT_FOUND');
    await refused(['--group-add', 'a:b'], 'INVALID_ARGUMENT');
  });
});

describe('control groups', () => {
  const root = '/sys/fs/cgroup';
  const file = (v1: string, v2: string) => `cat ${root}/${v1} 2>/dev/null || cat ${root}/${v2}`;

  test('shares, sets and periods are written', async () => {
    const flags = ['--cpu-shares', '512', '--cpuset-cpus', '0', '--cpuset-mems', '0'];
    const text = await output(
      [...flags, '--cpu-period', '50000', '--cpu-quota', '25000'],
      [
        file('cpu/cpu.shares', 'cpu.weight'),
        file('cpuset/cpuset.cpus', 'cpuset.cpus'),
        `cat ${root}/cpu.max 2>/dev/null || cat ${root}/cpu/cpu.cfs_quota_us ${root}/cpu/cpu.cfs_period_us`,
      ].join('; '),
    );
    expect(text).toMatch(/^(512|59)\n0\n25000\s50000\n$/);
  });

  test('memory has a soft limit', async () => {
    const flags = ['--memory', '64m', '--memory-reservation', '32m'];
    expect(await output(flags, file('memory/memory.soft_limit_in_bytes', 'memory.low'))).toBe(
      '33554432\n',
    );
  });

  test('the group is made in the one that was named', async () => {
    const parent = `e2e-flags-${process.pid}`;
    const script = 'grep -c "/$0/" /proc/1/cgroup';
    const ended = await ctr([
      ...['run', '--rm', '--cgroupns', 'host', '--cgroup-parent', `/${parent}`],
      ...['host:', 'sh', '-c', script, parent],
    ]);
    expect(Number(ended.stdout)).toBeGreaterThan(0);
    // As with docker the parent stays, for others may use it: empty.
    for (const place of [root, ...readdirSync(root).map((name) => join(root, name))]) {
      if (existsSync(join(place, parent))) rmdirSync(join(place, parent));
    }
  });

  test('what contradicts itself is refused', async () => {
    await refused(['--cpus', '1', '--cpu-quota', '5000'], 'INVALID_LIMIT');
    await refused(['--cpu-shares', '1'], 'INVALID_LIMIT');
    await refused(['--cpuset-cpus', '3-1'], 'INVALID_LIMIT');
    await refused(['--memory-swap', '64m'], 'INVALID_LIMIT');
    await refused(['--memory', '64m', '--memory-swap', '32m'], 'INVALID_LIMIT');
    await refused(['--memory', '32m', '--memory-reservation', '64m'], 'INVALID_LIMIT');
    await refused(['--cgroup-parent', '../up'], 'INVALID_ARGUMENT');
    await refused(['--oom-kill-disable'], 'NOT_YET');
    await refused(['--blkio-weight', '100'], 'NOT_YET');
  });
});

describe('namespaces', () => {
  const own = (name: string) => readlinkSync(`/proc/self/ns/${name}`);

  test('those of the host are shared when asked for, and only those', async () => {
    const script = 'readlink /proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/cgroup';
    const mine = `${own('ipc')}\n${own('uts')}\n${own('cgroup')}\n`;
    const flags = ['--ipc', 'host', '--uts', 'host', '--cgroupns', 'host', '--userns', 'host'];
    expect(await output(flags, script)).toBe(mine);
    const none = (await output([], script)).split('\n');
    for (const link of mine.trim().split('\n')) expect(none).not.toContain(link);
  });

  test("the host's UTS namespace cannot be renamed from inside", async () => {
    const host = readFileSync('/proc/sys/kernel/hostname', 'utf8');
    const ended = await run(['--uts', 'host'], 'hostname; hostname taken || true');
    expect(ended.stdout).toBe(host);
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(host);
    await refused(['--uts', 'host', '--hostname', 'x'], 'INVALID_ARGUMENT');
  });

  test('--ipc none has no shared memory, --shm-size bounds it', async () => {
    expect(await output(['--ipc', 'none'], 'test -e /dev/shm || echo none')).toBe('none\n');
    expect(await output(['--shm-size', '1m'], 'df -k /dev/shm | tail -1')).toMatch(/ 1024 /);
  });

  test('kernel parameters of its own are set, others refused', async () => {
    const forward = '/proc/sys/net/ipv4/ip_forward';
    const host = readFileSync(forward, 'utf8');
    const other = host.trim() === '1' ? '0' : '1';
    expect(await output(['--sysctl', `net.ipv4.ip_forward=${other}`], `cat ${forward}`)).toBe(
      `${other}\n`,
    );
    expect(readFileSync(forward, 'utf8')).toBe(host);
    await refused(['--sysctl', 'vm.swappiness=1'], 'INVALID_SYSCTL');
    await refused(['--network', 'host', '--sysctl', 'net.ipv4.ip_forward=1'], 'INVALID_SYSCTL');
    await refused(['--sysctl', 'net.ipv4.no_such_parameter=1'], 'SYSCTL_REFUSED');
  });

  test('others are not there yet and say why', async () => {
    await refused(['--pid', 'host'], 'NOT_YET');
    await refused(['--userns', 'keep-id'], 'NOT_YET');
    await refused(['--ipc', 'container:x'], 'NOT_YET');
  });
});

describe('mounts', () => {
  test('--mount is a bind or a tmpfs', async () => {
    const source = join(directory, 'with,comma');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'seen');
    const flags = [
      ...['--mount', `type=bind,"src=${source}",dst=/in,ro`],
      ...['--mount', 'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0710'],
      ...['--tmpfs', '/e:exec,mode=0711,uid=7'],
    ];
    const script =
      'cat /in/file; touch /in/x; stat -c "%a %u" /t /e; cp /bin/true /e && /e/true && echo ran';
    const { stdout, stderr } = await run(flags, script);
    expect(stdout).toBe('seen710 0\n711 7\nran\n');
    expect(stderr).toContain('Read-only');
  });

  test('what is mounted below comes along unless turned off, read-only unless left writable', async () => {
    const script = `mount -t tmpfs none "$1" && mkdir "$1/sub" && mount -t tmpfs none "$1/sub" && touch "$1/sub/below"
      run() { "$0" run --rm --mount "type=bind,src=$1,dst=/in,$2" host: sh -c 'ls /in/sub; touch /in/sub/x 2>/dev/null && echo wrote; touch /in/x 2>/dev/null && echo top'; }
      run "$1" bind-recursive=enabled; echo -; run "$1" bind-recursive=disabled; echo -
      rm -f "$1/x" "$1/sub/x"; run "$1" ro; echo -; run "$1" ro,bind-recursive=writable`;
    const place = join(directory, 'recursive');
    mkdirSync(place);
    const words = ['--mount', 'sh', '-c', script, paths.launcher, place];
    const { stdout, stderr } = await execute('unshare', words);
    expect(stderr).toBe('');
    expect(stdout).toBe('below\nwrote\ntop\n-\nwrote\ntop\n-\nbelow\n-\nbelow\nwrote\n');
  });

  test('propagation reaches where it was asked to', async () => {
    const script = `mount -t tmpfs none "$1" && mount --make-shared "$1" && mkdir "$1/in" "$1/out"
      "$0" run --rm --cap-add SYS_ADMIN --security-opt seccomp=unconfined -v "$1:/s:$2" host: sh -c '
        mount -t tmpfs none /s/in && touch /s/in/inside
        touch /s/ready; while ! test -e /s/go; do sleep 0.05; done; ls /s/out' &
      while ! test -e "$1/ready"; do sleep 0.05; done
      ls "$1/in"; mount -t tmpfs none "$1/out" && touch "$1/out/outside"; touch "$1/go"; wait`;
    const seen: Record<string, string> = {};
    for (const mode of ['rslave', 'rprivate']) {
      const place = join(directory, mode);
      mkdirSync(place);
      const words = ['--mount', 'sh', '-c', script, paths.launcher, place, mode];
      const { stdout, stderr } = await execute('unshare', words);
      expect(stderr).toBe('');
      seen[mode] = stdout;
    }
    expect(seen).toEqual({ rslave: 'outside\n', rprivate: '' });
  });

  test('a mount of the host that is private cannot be followed', async () => {
    const script =
      'mount -t tmpfs none "$1" && mount --make-private "$1" && "$0" run --rm -v "$1:/s:rslave" host: true';
    const place = join(directory, 'private');
    mkdirSync(place);
    const ended = await execute('unshare', ['--mount', 'sh', '-c', script, paths.launcher, place]);
    expect(ended).toMatchObject({ exitCode: 125, stderr: expect.stringMatching('INVALID_MOUNT') });
  });

  test('mounts that cannot be are refused', async () => {
    await refused(['--mount', 'type=bind,src=/nowhere,dst=/x'], 'FILE_NOT_FOUND');
    await refused(['--mount', 'type=bind,src=/etc,dst=/x,colour=red'], 'INVALID_MOUNT');
    await refused(['--mount', 'src=data,dst=/x'], 'NOT_YET');
    await refused(['-v', '/etc:/x:rshared'], 'NOT_YET');
    await refused(['-v', '/etc:/x', '--tmpfs', '/x'], 'INVALID_MOUNT');
    await refused(['-v', '/etc:/x:colour'], 'INVALID_MOUNT');
  });
});

describe('the first process', () => {
  test('--init is PID 1, reaps, and ends as the command does', async () => {
    const script =
      'echo $$; cat /proc/1/comm; (sh -c "sleep 0.1 &"); sleep 0.3; ps -o stat= | grep -c Z';
    expect(await output(['--init'], `${script} || true`)).toBe('2\nctr-init\n0\n');
    expect((await run(['--init'], 'exit 7')).exitCode).toBe(7);
    expect((await run(['--init'], 'kill -TERM $$')).exitCode).toBe(143);
  });

  test('variables and labels come from files, and the line wins', async () => {
    const env = join(directory, 'env');
    writeFileSync(env, '# comment\nA=file\nB=two words\nC\n');
    const label = join(directory, 'labels');
    writeFileSync(label, 'one=file\ntwo\n');
    const name = `flags-files-${process.pid}`;
    const started = startCtr(
      [
        ...['run', '--rm', '--name', name, '--env-file', env, '-e', 'A=line'],
        ...['--label-file', label, '--label', 'one=line', '--annotation', 'note=kept'],
        ...['--expose', '80', '--stop-signal', 'INT', '--stop-timeout', '3', '--no-healthcheck'],
        ...['host:', 'sh', '-c', 'echo "$A $B $C"; echo up; sleep 100'],
      ],
      { env: { ...process.env, C: 'caller' } },
    );
    await started.until(/^line two words caller\nup/);
    const exec = await ctr([
      'exec',
      '--env-file',
      env,
      '-e',
      'B=line',
      name,
      'sh',
      '-c',
      'echo $A $B',
    ]);
    expect(exec).toMatchObject({ stdout: 'file line\n', stderr: '' });
    const [info] = JSON.parse((await ctr(['inspect', name])).stdout);
    expect(info.labels).toMatchObject({ one: 'line', two: '' });
    expect(info.settings).toMatchObject({
      annotations: { note: 'kept' },
      exposedPorts: ['80'],
      stopSignal: 'INT',
      stopTimeoutMs: 3000,
    });
    await ctr(['kill', name]);
    await started.ended;
  });

  test('--attach shows what it names', async () => {
    const script = 'echo out; echo err >&2';
    expect(await run(['-a', 'stdout'], script)).toMatchObject({ stdout: 'out\n', stderr: '' });
    expect(await run(['-a', 'STDERR'], script)).toMatchObject({ stdout: '', stderr: 'err\n' });
    await refused(['-a', 'stdlog'], 'INVALID_VALUE');
  });

  test('--cidfile holds the id, is never overwritten, and is gone when nothing started', async () => {
    const file = join(directory, 'cid');
    const started = startCtr([
      'run',
      '--rm',
      '--cidfile',
      file,
      'host:',
      'sh',
      '-c',
      'hostname; sleep 100',
    ]);
    const [, short] = await started.until(/([0-9a-f]{12})\n/);
    const id = readFileSync(file, 'utf8');
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(id.slice(0, 12)).toBe(short);
    await refused(['--cidfile', file], 'FILE_EXISTS');
    started.child.kill('SIGKILL');
    await started.ended;
    rmSync(file);
    await ctr(['run', '--rm', '--cidfile', file, 'host:', 'no-such-program']);
    expect(existsSync(file)).toBe(false);
    await refused(['--cidfile', file, '--ulimit', 'nofile=2:1'], 'INVALID_LIMIT');
    expect(existsSync(file)).toBe(false);
    await refused(['--cidfile', '/nowhere/cid'], 'FILE_NOT_FOUND');
  });
});

test('a plan shows all of it and makes nothing', async () => {
  const ended = await ctr([
    ...['explain', '--plan', '--add-host', 'db:10.1.2.3', '--sysctl', 'net.ipv4.ip_forward=1'],
    ...['--ulimit', 'core=-1', '--oom-score-adj', '9', '--group-add', 'audio', '--init'],
    ...['--device', '/dev/full:/dev/other', '--domainname', 'dom', 'host:', 'id'],
  ]);
  const text = ended.stdout.replace(/\s+/g, ' ');
  for (const part of [
    /\/etc\/hosts a file of \d+ lines/,
    /net\.ipv4\.ip_forward the host keeps its own 1/,
    /RLIMIT_CORE unlimited of unlimited/,
    /oom_score_adj 9/,
    /further groups audio/,
    /our init, then id/,
    /\/dev\/other char 1:7/,
    /domain dom/,
  ]) {
    expect(text).toMatch(part);
  }
});

test('nothing of all this is left on the machine', async () => {
  expect(await leftSince(before)).toEqual([]);
});
