import type { CommandIo } from '@ctr-ts/plugin';
import { expect, test } from 'vitest';
import { which } from './which.ts';

/** An io that remembers what was printed. */
function recordingIo() {
  const texts: string[] = [];
  const documents: unknown[] = [];
  const io: CommandIo = {
    print: (text) => void texts.push(text),
    printJson: (value) => void documents.push(value),
    note: () => {},
    env: {},
    columns: 80,
    color: false,
  };
  return { io, texts, documents };
}

test('a program of this machine is found in host:, with its version', async () => {
  const { io, texts, documents } = recordingIo();
  const code = await which.execute(
    { flags: { json: true }, positionals: ['sed', 'host:', 'host:'] },
    io,
  );
  const found = { image: 'host:', path: expect.stringMatching(/\/sed$/), version: /sed/ };
  expect(documents).toEqual([
    [1, 2].map(() => ({ ...found, version: expect.stringMatching(found.version) })),
  ]);
  expect(texts).toEqual([]);
  expect(code).toBe(0);
});

test('a program that is not there, and a word of the shell, are a dash and exit code 1', async () => {
  for (const name of ['no-such-program', 'cd', '/no/such/path']) {
    const { io, texts } = recordingIo();
    const code = await which.execute({ flags: {}, positionals: [name, 'host:'] }, io);
    expect({ name, texts, code }).toEqual({ name, texts: ['host:   -\n'], code: 1 });
  }
});

test('a name is never read as shell', async () => {
  const { io, texts } = recordingIo();
  await which.execute({ flags: {}, positionals: ['sh; echo /bin/injected', 'host:'] }, io);
  expect(texts).toEqual(['host:   -\n']);
});

test('a time that is none is a coded error with the next step', async () => {
  const { io } = recordingIo();
  const line = { flags: { timeout: 'soon' }, positionals: ['sh', 'host:'] };
  await expect(which.execute(line, io)).rejects.toMatchObject({
    code: 'INVALID_VALUE',
    hint: 'for example --timeout 2.5',
  });
});

test('an image that cannot be read is its own error', async () => {
  const { io } = recordingIo();
  const line = { flags: {}, positionals: ['sh', 'rootfs:/no/such/folder'] };
  await expect(which.execute(line, io)).rejects.toMatchObject({ code: expect.any(String) });
});
