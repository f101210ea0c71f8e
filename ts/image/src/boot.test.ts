import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const source = new URL('./boot.ts', import.meta.url).href;

/** What a Node prints that has no descriptor left when it starts to look, and then has some. */
async function withoutDescriptors(body: string): Promise<string> {
  const script = `
    import { closeSync, openSync } from 'node:fs';
    import { isGone, processName } from ${JSON.stringify(source)};
    // Both are loaded and warm: only the looks below need descriptors.
    const held = [];
    const exhaust = () => {
      try {
        for (;;) held.push(openSync('/dev/null'));
      } catch {}
    };
    const free = () => held.splice(0).forEach(closeSync);
    const codeOf = (look) => look.then((value) => 'said ' + value, (error) => error.code);
    ${body}`;
  const words = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath];
  const child = spawn('sh', [...words, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return output.trim();
}

test('who cannot look does not take a process for gone', async () => {
  const printed = await withoutDescriptors(`
    const name = await processName();
    exhaust();
    const answer = await codeOf(isGone(name));
    free();
    console.log(answer, await isGone(name));`);
  expect(printed).toBe('EMFILE false');
});

test('a name that could not be found out is looked up again', async () => {
  const printed = await withoutDescriptors(`
    exhaust();
    const answer = await codeOf(processName());
    free();
    const name = await processName();
    console.log(answer, /^\\d+-\\d+-[1-9]\\d*$/.test(name), await isGone(name));`);
  expect(printed).toBe('EMFILE true false');
});
