import { expect, test } from 'vitest';
import type { ContainerOptions, ProcessOptions } from './options.ts';
import { validateContainer, validateExec, validateProcess } from './validate.ts';

const BAD: readonly [string, Partial<ContainerOptions>, string][] = [
  ['an empty image', { image: '' }, 'INVALID_ARGUMENT'],
  ['a name with a slash', { name: 'a/b' }, 'INVALID_NAME'],
  ['a name that starts with a dot', { name: '.a' }, 'INVALID_NAME'],
  ['an empty name', { name: '' }, 'INVALID_NAME'],
  ['a name of 129 characters', { name: 'a'.repeat(129) }, 'INVALID_NAME'],
  ['a host name with a space', { hostname: 'my box' }, 'INVALID_NAME'],
  ['a host name of 65 characters', { hostname: 'a'.repeat(65) }, 'INVALID_NAME'],
  ['no cpus', { cpus: 0 }, 'INVALID_LIMIT'],
  ['a cpu limit that is no number', { cpus: Number.NaN }, 'INVALID_LIMIT'],
  ['too little memory', { memoryBytes: 4096 }, 'INVALID_LIMIT'],
  ['half a byte of memory', { memoryBytes: 1e8 + 0.5 }, 'INVALID_LIMIT'],
  ['no processes', { pidsLimit: 0 }, 'INVALID_LIMIT'],
  ['an unknown capability', { capAdd: ['SUPER'] }, 'UNKNOWN_CAPABILITY'],
  ['an empty command', { command: [] }, 'INVALID_ARGUMENT'],
  ['a NUL in an argument', { command: ['a\0b'] }, 'INVALID_ARGUMENT'],
  ['a relative working directory', { workdir: 'src' }, 'INVALID_ARGUMENT'],
  ['a user of three parts', { user: 'a:b:c' }, 'INVALID_ARGUMENT'],
  ['a variable with = in its name', { env: { 'A=B': '1' } }, 'INVALID_ARGUMENT'],
  ['an unknown network', { network: 'bridge' as 'none' }, 'INVALID_ARGUMENT'],
  ['a relative volume target', { volumes: [{ source: '/tmp', target: 'x' }] }, 'INVALID_MOUNT'],
  ['a relative volume source', { volumes: [{ source: 'tmp', target: '/x' }] }, 'INVALID_MOUNT'],
  ['a volume over the root', { volumes: [{ source: '/tmp', target: '/' }] }, 'INVALID_MOUNT'],
  ['a volume over /proc', { volumes: [{ source: '/tmp', target: '//proc/' }] }, 'INVALID_MOUNT'],
  ['a volume in /proc', { volumes: [{ source: '/tmp', target: '/proc/self' }] }, 'INVALID_MOUNT'],
  ['dots in a target', { volumes: [{ source: '/tmp', target: '/a/../proc' }] }, 'INVALID_MOUNT'],
  ['a missing source', { volumes: [{ source: '/no/such', target: '/x' }] }, 'FILE_NOT_FOUND'],
  ['an unknown pull policy', { pull: 'often' as 'always' }, 'INVALID_ARGUMENT'],
  ['a platform that is none', { platform: 'a/b/c/d' }, 'INVALID_ARGUMENT'],
  ['a platform of another machine', { platform: 'linux/s390x' }, 'FOREIGN_PLATFORM'],
  ['a relative tmpfs', { tmpfs: [{ target: 'x' }] }, 'INVALID_MOUNT'],
  ['a negative tmpfs size', { tmpfs: [{ target: '/x', sizeBytes: -1 }] }, 'INVALID_LIMIT'],
];

test.each(BAD)('%s is refused before anything is made', async (_, options, code) => {
  await expect(validateContainer({ image: 'host:', ...options })).rejects.toMatchObject({
    name: 'CtrError',
    code,
  });
});

test('what people usually ask for passes', async () => {
  await validateContainer({
    image: 'host:',
    command: ['sh', '-c', 'true'],
    name: 'web-1.2_3',
    hostname: 'web.example',
    cpus: 0.5,
    memoryBytes: 2 ** 28,
    pidsLimit: -1,
    user: '1000:1000',
    workdir: '/srv',
    env: { A: 'b=c' },
    volumes: [{ source: '/tmp', target: '/work' }],
    tmpfs: [{ target: '/tmp', sizeBytes: 1024 }],
    capDrop: ['all'],
  });
});

test.each<[ProcessOptions]>([
  [{ maxOutputBytes: -1 }],
  [{ maxOutputBytes: 1.5 }],
  [{ timeoutMs: 0 }],
  [{ timeoutMs: Number.NaN }],
  [{ timeoutMs: 2 ** 31 }],
])('%j is refused', (options) => {
  expect(() => validateProcess(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});

test('an exec needs a command', () => {
  expect(() => validateExec([], {})).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
