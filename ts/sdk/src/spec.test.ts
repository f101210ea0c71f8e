import { expect, test } from 'vitest';
import { CAPABILITIES } from './capabilities.ts';
import type { ContainerOptions, ImageDefaults } from './options.ts';
import {
  buildEnv,
  buildExecProcess,
  buildSpec,
  cgroupPolicy,
  type Host,
  withHome,
} from './spec.ts';

const ID = '0123456789abcdef0123456789abcdef';
const ROOT: Host = {
  rootless: false,
  ttyGroup: true,
  capabilities: CAPABILITIES,
  thermalProcessors: [0, 1],
  hostname: 'machine',
};
const USER: Host = { ...ROOT, rootless: true, ttyGroup: false };

function spec(options: Partial<ContainerOptions> = {}, host = ROOT, image: ImageDefaults = {}) {
  return buildSpec({
    id: ID,
    options: { image: 'host:', command: ['id'], ...options },
    image,
    imageMounts: [{ destination: '/usr', type: 'none', source: '/usr', options: ['rbind', 'rro'] }],
    host,
    init: false,
  });
}

const kinds = (built: ReturnType<typeof spec>) => built.linux.namespaces.map(({ type }) => type);

test('root gets every namespace but a user namespace, others get that one too', () => {
  expect(kinds(spec()).toSorted()).toEqual(['cgroup', 'ipc', 'mount', 'network', 'pid', 'uts']);
  expect(kinds(spec({}, USER))).toContain('user');
  expect(kinds(spec({ network: 'host' }))).not.toContain('network');
});

test('the host name is the beginning of the id unless one is given', () => {
  expect(spec().hostname).toBe('0123456789ab');
  expect(spec().process.env).toContain('HOSTNAME=0123456789ab');
  expect(spec({ hostname: 'box' }).hostname).toBe('box');
});

test('limits become quota, bytes and tasks, and nothing else is limited', () => {
  const { resources } = spec({ cpus: 0.2, memoryBytes: 2 ** 28, pidsLimit: 64 }, USER).linux;
  expect(resources).toEqual({
    cpu: { quota: 20_000, period: 100_000 },
    memory: { limit: 2 ** 28 },
    pids: { limit: 64 },
  });
  expect(spec({}, USER).linux.resources).toEqual({});
});

test('device rules stand for root only, and not when privileged', () => {
  expect(spec().linux.resources?.devices?.[0]).toEqual({ allow: false, access: 'rwm' });
  expect(spec({}, USER).linux.resources?.devices).toBeUndefined();
  expect(spec({ privileged: true }).linux.resources?.devices).toBeUndefined();
});

test.each([
  [{}, ROOT, 'preferred'],
  [{}, USER, 'preferred'],
  [{ cpus: 1 }, USER, 'required'],
  [{ memoryBytes: 2 ** 28 }, ROOT, 'required'],
  [{ pidsLimit: 10 }, ROOT, 'required'],
  [{ pidsLimit: -1 }, ROOT, 'preferred'],
  [{ capAdd: ['MKNOD'] }, ROOT, 'required'],
  [{ capAdd: ['MKNOD'] }, USER, 'preferred'],
  [{ privileged: true }, ROOT, 'preferred'],
] as const)('%j makes the cgroup %#: required or preferred', (options, host, policy) => {
  expect(cgroupPolicy({ image: 'host:', ...options } as ContainerOptions, host)).toBe(policy);
});

test('a privileged container has nothing masked and its kernel files are writable', () => {
  const { linux, mounts } = spec({ privileged: true });
  expect(linux.maskedPaths).toEqual([]);
  expect(linux.readonlyPaths).toEqual([]);
  const sys = mounts.find(({ destination }) => destination === '/sys');
  expect(sys?.options).not.toContain('ro');
});

test('thermal throttling counts of every processor are masked', () => {
  expect(spec().linux.maskedPaths).toContain('/sys/devices/system/cpu/cpu1/thermal_throttle');
});

test('the command follows the entrypoint of the image, and an own entrypoint drops its arguments', () => {
  const image = { entrypoint: ['/entry'], command: ['default'] };
  expect(spec({ command: undefined }, ROOT, image).process.args).toEqual(['/entry', 'default']);
  expect(spec({ command: ['x'] }, ROOT, image).process.args).toEqual(['/entry', 'x']);
  expect(spec({ command: undefined, entrypoint: ['sh'] }, ROOT, image).process.args).toEqual([
    'sh',
  ]);
  expect(spec({ command: ['x'], entrypoint: [] }, ROOT, image).process.args).toEqual(['x']);
});

test('without any command the error says what to add', () => {
  expect(() => spec({ command: undefined })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', hint: expect.stringContaining('command') }),
  );
});

test('the caller’s variables win over the image’s, and those over the defaults', () => {
  const env = buildEnv(['PATH=/image', 'A=1=2', 'B=image'], { B: 'own', C: '' });
  expect(env).toEqual(['PATH=/image', 'A=1=2', 'B=own', 'C=']);
  expect(buildEnv([], {})[0]).toMatch(/^PATH=.*\/usr\/bin/);
});

test('HOME is set for root only, and never over a given one', () => {
  expect(withHome([], undefined)).toEqual(['HOME=/root']);
  expect(withHome([], '0:5')).toEqual(['HOME=/root']);
  expect(withHome(['HOME=/x'], 'root')).toEqual(['HOME=/x']);
  expect(withHome([], 'rooty')).toEqual([]);
});

test('a volume at the place of a default mount replaces it', () => {
  const { mounts } = spec({ volumes: [{ source: '/srv', target: '/dev/shm' }] });
  const shm = mounts.filter(({ destination }) => destination === '/dev/shm');
  expect(shm.map(({ source }) => source)).toEqual(['/srv']);
});

test('mounts of the image come before the default ones, the caller’s last', () => {
  const order = spec({ tmpfs: [{ target: '/cache' }] }).mounts.map(
    ({ destination }) => destination,
  );
  expect(order[0]).toBe('/usr');
  expect(order.at(-1)).toBe('/cache');
});

test('an exec inherits the container’s process and changes only what is asked', () => {
  const container = spec({ capDrop: ['ALL'], noNewPrivileges: true }).process;
  const plain = buildExecProcess(container, ['ls'], { env: { X: '1' } }, ROOT);
  expect(plain).toMatchObject({ args: ['ls'], cwd: '/', noNewPrivileges: true });
  expect(plain.capabilities.effective).toEqual([]);
  expect(plain.env).toEqual([...container.env, 'X=1']);
  const privileged = buildExecProcess(container, ['ls'], { privileged: true, workdir: '/w' }, ROOT);
  expect(privileged.capabilities.effective).toHaveLength(CAPABILITIES.length);
  expect(privileged).toMatchObject({ cwd: '/w', noNewPrivileges: false });
});
