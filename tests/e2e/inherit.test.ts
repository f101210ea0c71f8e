/** Streams of the caller's own, handed to a container. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { repositoryNode, root } from '@ctr-ts/dev/repository';
import { expect, test } from 'vitest';

const bytes = 2_000_000;
const script = `
  import { run } from '@ctr-ts/sdk';
  console.log('from Node');
  const { exitCode } = await run({
    image: 'host:',
    command: ['head', '-c', '${bytes}', '/dev/zero'],
    stdio: { stdin: 'null', stdout: 'inherit', stderr: 'inherit' },
  });
  process.exitCode = exitCode;`;

test('a pipe that Node itself writes to loses nothing when its reader is slow', async () => {
  const child = spawn(repositoryNode(), ['--input-type=module', '--eval', script], {
    cwd: `${root}/tests`,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  // The pipe fills while nobody reads: a non-blocking writer would be told EAGAIN and give up.
  await sleep(1500);
  let received = 0;
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  expect({ exitCode, complaint, received }).toEqual({
    exitCode: 0,
    complaint: '',
    received: bytes + 'from Node\n'.length,
  });
});

test('a descriptor that Node was started with is closed when Node closes it', async () => {
  const source = `
    import { closeSync } from 'node:fs';
    import { run } from '@ctr-ts/sdk';
    const sleeping = run({ image: 'host:', command: ['sleep', '291'] });
    await sleeping.started;
    closeSync(99);
    await sleeping;`;
  // Node marks the lowest numbers close-on-exec by itself.
  const words = ['-c', 'exec 99>&3 3>&-; exec "$@"', 'bash', repositoryNode()];
  const child = spawn('bash', [...words, '--input-type=module', '--eval', source], {
    cwd: `${root}/tests`,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    timeout: 30_000,
  });
  const pipe = child.stdio[3] as Readable;
  pipe.resume();
  await once(pipe, 'end');
  // Neither Node nor the launcher nor the container has it, and all three live.
  expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  await once(child, 'exit');
});
