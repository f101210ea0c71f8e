/** Images of a real registry, from the command line: pulled, listed, run, removed. */
import { chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { spawnOptionsOf, testUserNames } from '@ctr-ts/dev/test-users';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type AppImages, appImages } from './support/app-image.ts';
import {
  type CommandOptions,
  ctr,
  type Ended,
  must,
  type Started,
  startCtr,
} from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { productOf, userKinds } from './support/user.ts';

let images: AppImages;
beforeAll(async () => {
  images = await appImages();
}, 120_000);
afterAll(() => images?.close());

/** What the registry says a name has, as somebody else's program reads it. */
async function digestOf(name: string): Promise<string> {
  const words = ['inspect', '--tls-verify=false', '--format', '{{.Digest}}'];
  return (await must('skopeo', [...words, `docker://${images.registry.host}/${name}`])).trim();
}

/** Who uses the product. */
interface Caller {
  run(args: readonly string[], options?: CommandOptions): Promise<Ended>;
  start(args: readonly string[], options?: CommandOptions): Started;
  /** Root's is shared by everything on the machine. */
  store: string | undefined;
}

const callers: { caller: string; single: boolean; prepare(): Promise<Caller> }[] = [
  {
    caller: 'root',
    single: false,
    prepare: async () => ({ run: ctr, start: startCtr, store: undefined }),
  },
  ...userKinds.map(({ kind, name }) => ({
    caller: `a user ${kind}`,
    single: name === testUserNames.withoutSubordinateIds,
    prepare: async () => {
      const product = await productOf(name);
      if (product === undefined) throw new Error(`no user ${name}: run npm test once as root`);
      const { user } = product;
      const store = join(images.directory, `store-${name}`);
      mkdirSync(store);
      chownSync(store, user.uid, user.gid);
      const env = { ...spawnOptionsOf(user).env, XDG_DATA_HOME: store };
      return {
        run: (args: readonly string[], options?: CommandOptions) =>
          product.ctr(args, { env, ...options }),
        start: (args: readonly string[], options?: CommandOptions) =>
          product.startCtr(args, { env, ...options }),
        store: join(store, 'ctr-ts'),
      };
    },
  })),
];

describe.each(callers)('as $caller', ({ prepare, single }) => {
  // Where a single id is mapped there is no user of the image's but root.
  const root = single ? ['-u', '0'] : [];
  let caller: Caller;
  let before: Machine;
  let app: string;
  beforeAll(async () => {
    caller = await prepare();
    app = images.app;
    await caller.run(['run', '--rm', 'host:', 'true']);
    before = snapshot();
  }, 180_000);
  const must0 = async (...args: string[]): Promise<Ended> => {
    const ended = await caller.run(args);
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    return ended;
  };

  test('an image is pulled once, with the digest that the registry names', async () => {
    const pulled = await must0('pull', `${app}:1`);
    expect(pulled.stdout).toBe(`${app}:1\n`);
    const digest = await digestOf('team/app:1');
    const lines = pulled.stderr.trimEnd().split('\n');
    expect(lines[0]).toBe('1: Pulling from team/app');
    expect(lines.filter((line) => /^[0-9a-f]{12}: Pull complete$/.test(line))).toHaveLength(1);
    expect(lines.slice(-2)).toEqual([
      `Digest: ${digest}`,
      `Status: Downloaded newer image for ${app}:1`,
    ]);
    const again = await must0('pull', `${app}:1`);
    expect(again.stderr).toMatch(new RegExp(`Status: Image is up to date for ${app}:1\n$`));
    expect(await must0('pull', '-q', `${app}:1`)).toMatchObject({
      stdout: `${app}:1\n`,
      stderr: '',
    });
  });

  test("images lists it with docker's columns", async () => {
    const table = (await must0('images', app)).stdout.split('\n');
    expect(table[0]).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    expect(table[1]).toMatch(new RegExp(`^${app} +1 +[0-9a-f]{12} +\\S.* ago +[\\d.]+[kM]B$`));
    const [image] = JSON.parse((await must0('images', '--json', app)).stdout);
    expect(image).toMatchObject({
      names: [`${app}:1`],
      references: [`${app}:1`],
      digest: await digestOf('team/app:1'),
      platform: expect.stringMatching(/^linux\//),
    });
    const short = image.id.slice('sha256:'.length, 'sha256:'.length + 12);
    expect((await must0('images', '-q', app)).stdout).toBe(`${short}\n`);
    expect((await must0('images', '-q', '--no-trunc', app)).stdout).toBe(`${image.id}\n`);
    expect((await must0('images', '--digests', `${app}:1`)).stdout).toContain(image.digest);
    expect((await must0('images', '-q', `${app}:2`)).stdout).toBe('');
    const details = JSON.parse((await must0('image', 'inspect', `${app}:1`)).stdout);
    expect(details).toEqual([{ ...image, config: expect.anything() }]);
    expect(details[0].config).toMatchObject({
      entrypoint: ['/bin/echo', 'entry'],
      command: ['cmd'],
      env: expect.arrayContaining(['COLOUR=green']),
      user: 'user',
      workdir: '/tmp',
      labels: { team: 'images', tier: 'base' },
      stopSignal: 'SIGQUIT',
    });
    expect(JSON.parse((await must0('image', 'inspect', short)).stdout)).toEqual(details);
  });

  test('a container starts as the image says, and the caller has the last word', async () => {
    const run = async (...args: string[]) => (await must0('run', '--rm', ...root, ...args)).stdout;
    expect(await run(`${app}:1`)).toBe('entry cmd\n');
    expect(await run(`${app}:1`, 'x', 'y')).toBe('entry x y\n');
    const id = (await must0('images', '-q', '--no-trunc', `${app}:1`)).stdout.trim();
    for (const name of [id, id.slice('sha256:'.length), id.slice('sha256:'.length).slice(0, 12)]) {
      expect(await run(name, 'by id')).toBe('entry by id\n');
    }
    const script = 'pwd; id -u; echo $COLOUR $PATH; cat /etc/made-for';
    const asSaid = '/tmp\n1000\ngreen /bin\nimages test\n';
    const shell = ['--entrypoint', 'sh'];
    if (!single) expect(await run(...shell, `${app}:1`, '-c', script)).toBe(asSaid);
    const own = ['-u', '0', '-w', '/etc', '-e', 'COLOUR=red'];
    expect(await run(...shell, ...own, `${app}:1`, '-c', script)).toBe(
      '/etc\n0\nred /bin\nimages test\n',
    );
  });

  test('an image in use is not removed, and its name only by force', async () => {
    const name = 'e2e-images-user';
    const words = ['run', '--rm', '--name', name, '-u', '0', '-l', 'tier=mine'];
    const script = 'trap "exit 7" QUIT; echo up; while :; do sleep 1; done';
    const started = caller.start([...words, '--entrypoint', 'sh', `${app}:1`, '-c', script]);
    try {
      await started.until(/up/);
      const [container] = JSON.parse((await must0('inspect', name)).stdout);
      expect(container).toMatchObject({
        image: `${app}:1`,
        labels: { team: 'images', tier: 'mine' },
      });
      expect((await must0('ps')).stdout).toMatch(new RegExp(`^[0-9a-f]{12} +${app}:1 `, 'm'));
      const refused = await caller.run(['rmi', `${app}:1`]);
      expect(refused).toMatchObject({ exitCode: 125, stdout: '' });
      expect(refused.stderr).toMatch(/\[IMAGE_IN_USE\]\n {2}next: \S/);
      expect((await must0('rmi', '-f', `${app}:1`)).stdout).toContain(`Untagged: ${app}:1\n`);
      expect((await must0('images', '-q', app)).stdout).toBe('');
      const read = await must0('exec', '-u', '0', name, 'cat', '/etc/made-for');
      expect(read.stdout).toBe('images test\n');
      // By the signal that the image names.
      await must0('stop', name);
      expect((await started.ended).exitCode).toBe(7);
    } finally {
      await caller.run(['rm', '-f', name]);
    }
  });

  test('run pulls what is missing and says so on stderr only', async () => {
    const first = await must0('run', '--rm', ...root, app, 'x');
    expect(first.stdout).toBe('entry x\n');
    expect(first.stderr).toMatch(
      new RegExp(`^Unable to find image '${app}:latest' locally\nlatest: Pulling from team/app\n`),
    );
    expect(await must0('run', '--rm', ...root, app, 'x')).toMatchObject({
      stdout: 'entry x\n',
      stderr: '',
    });
    await must0('rmi', app);
    const never = await caller.run(['run', '--rm', '--pull', 'never', app, 'x']);
    expect(never).toMatchObject({ exitCode: 125, stdout: '' });
    expect(never.stderr).toMatch(/\[IMAGE_NOT_FOUND\]\n {2}next: ctr-ts pull /);
    expect(await must0('run', '--rm', '-q', ...root, app, 'x')).toMatchObject({
      stdout: 'entry x\n',
      stderr: '',
    });
  });

  test('what is removed is gone: names first, then blobs and layers', async () => {
    await must0('pull', '-q', `${app}:1`);
    const { stdout } = await must0('rmi', `${app}:1`);
    // The other tag still names it.
    expect(stdout).toMatch(/^Untagged: \S+\n(Untagged: \S+\n)?$/);
    const last = await must0('image', 'rm', app);
    expect(last.stdout).toMatch(
      /^Untagged: \S+\n(Untagged: \S+\n)?(Deleted: sha256:[0-9a-f]{64}\n)+$/,
    );
    expect((await must0('images', '-q', app)).stdout).toBe('');
    const missing = await caller.run(['rmi', app]);
    expect(missing.stderr).toMatch(/\[IMAGE_NOT_FOUND\]\n {2}next: \S/);
    if (caller.store === undefined) return;
    expect(filesBelow(join(caller.store, 'blobs'))).toEqual([]);
    expect(filesBelow(join(caller.store, 'layers'))).toEqual([]);
  });

  test('leaves nothing on the machine', async () => {
    expect(await leftSince(before)).toEqual([]);
  });
});

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}
