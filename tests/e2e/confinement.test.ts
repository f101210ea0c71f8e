/** What a container may do: capabilities, system calls, network and views, read from inside. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { ctr } from './support/command.ts';

const run = (flags: string[], script: string) =>
  ctr(['run', '--rm', ...flags, 'host:', 'sh', '-c', script]);

/** docker's default set without AUDIT_WRITE, MKNOD, NET_RAW and SYS_CHROOT. */
const DEFAULT_MASK = 0x8000_05fbn;
const NET_ADMIN = 1n << 12n;
const CHOWN = 1n;

/** Every capability set of PID 1, as numbers. */
async function capabilities(...flags: string[]): Promise<Record<string, bigint>> {
  const { stdout, stderr } = await run(flags, 'cat /proc/self/status');
  const rows = [...stdout.matchAll(/^Cap(\w+):\s*([0-9a-f]+)$/gm)];
  expect(rows.length, stderr).toBe(5);
  return Object.fromEntries(rows.map(([, name = '', hex]) => [name, BigInt(`0x${hex}`)]));
}

/** What this machine's root has itself: less inside another container. */
function ownMask(): bigint {
  const status = readFileSync('/proc/self/status', 'utf8');
  return BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

test("the default capabilities are docker's but for four", async () => {
  const wanted = DEFAULT_MASK & ownMask();
  expect(await capabilities()).toMatchObject({ Prm: wanted, Eff: wanted, Bnd: wanted, Amb: 0n });
});

test('--cap-add and --cap-drop change every set', async () => {
  const wanted = (DEFAULT_MASK | NET_ADMIN) & ~CHOWN & ownMask();
  const sets = await capabilities('--cap-add', 'NET_ADMIN', '--cap-drop', 'cap_chown');
  expect(sets).toMatchObject({ Prm: wanted, Eff: wanted, Bnd: wanted });
});

test('--cap-drop ALL leaves nothing, and the kernel holds to it', async () => {
  const { stdout, stderr } = await run(
    ['--cap-drop', 'ALL'],
    'grep CapBnd /proc/self/status; touch /tmp/x; chown 1 /tmp/x || echo refused',
  );
  expect(stdout, stderr).toMatch(/^CapBnd:\s*0{16}\nrefused\n$/);
});

test('--privileged has all the caller has, and no filter', async () => {
  const wanted = ownMask();
  expect(await capabilities('--privileged')).toMatchObject({
    Prm: wanted,
    Eff: wanted,
    Bnd: wanted,
  });
  const { stdout } = await run(['--privileged'], 'grep Seccomp: /proc/self/status');
  expect(stdout).toMatch(/^Seccomp:\s*0$/m);
});

test('a user other than root has no effective capability', async () => {
  expect(await capabilities('-u', '1000')).toMatchObject({ Prm: 0n, Eff: 0n, Amb: 0n });
});

test('no-new-privileges is off as in docker, and can be turned on', async () => {
  const status = 'grep NoNewPrivs /proc/self/status';
  expect((await run([], status)).stdout).toMatch(/:\s*0$/m);
  expect((await run(['--security-opt', 'no-new-privileges'], status)).stdout).toMatch(/:\s*1$/m);
});

const alg = `/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)'`;
const newUser = 'unshare --user true';

test('the default filter refuses namespaces and AF_ALG', async () => {
  expect((await run([], 'grep Seccomp: /proc/self/status')).stdout).toMatch(/^Seccomp:\s*2$/m);
  const unshared = await run([], newUser);
  expect(unshared.exitCode).not.toBe(0);
  expect(unshared.stderr).toMatch(/Operation not permitted/);
  const socket = await run([], alg);
  expect(socket.exitCode).not.toBe(0);
  expect(socket.stderr).toMatch(/PermissionError|not supported|OSError/);
});

test('seccomp=unconfined allows what the filter refused', async () => {
  const flags = ['--security-opt', 'seccomp=unconfined'];
  expect(await run(flags, newUser)).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await run(flags, 'grep Seccomp: /proc/self/status')).stdout).toMatch(/^Seccomp:\s*0$/m);
});

test('a profile of the caller is obeyed', async () => {
  const directory = mkdtempSync('/tmp/e2e-profile-');
  try {
    const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 };
    const file = `${directory}/profile.json`;
    writeFileSync(file, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
    const refused = await run(
      ['--security-opt', `seccomp=${file}`],
      'mkdir /tmp/x; touch /tmp/y && echo fine',
    );
    expect(refused.stdout).toBe('fine\n');
    expect(refused.stderr).toContain('Operation not supported');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the network is lo alone, up, or the host's own", async () => {
  const names = `sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev`;
  expect((await run([], names)).stdout).toBe('lo\n');
  const ping = `/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); socket.create_connection(s.getsockname()); print("up")'`;
  expect((await run([], ping)).stdout).toBe('up\n');
  const host = (await run(['--network', 'host'], names)).stdout.trim().split('\n');
  expect(host.sort()).toEqual(
    readdirSync('/sys/class/net')
      .filter((name) => name !== 'bonding_masters')
      .sort(),
  );
});

test("the host's mounts, devices and secrets are not visible", async () => {
  const { stdout } = await run(
    [],
    'cat /proc/1/mountinfo | wc -l; ls /dev; cat /etc/shadow 2>&1; ls /run /home; cat /proc/kcore | wc -c',
  );
  expect(stdout).not.toMatch(/^(sd|vd|kvm|mem|kmsg|loop)/m);
  expect(stdout).not.toMatch(/root:[*!$]/);
  expect(stdout).toMatch(/\n0\n$/);
});

test('/proc/sys cannot be written and the executable cannot be reached', async () => {
  const { stdout } = await run(
    [],
    'echo 1 > /proc/sys/kernel/panic || echo refused; readlink /proc/1/exe',
  );
  expect(stdout).toMatch(/^refused\n\/usr\/bin\/dash\n$/);
});
