/**
 * `npm run demo`: the main job on `host:`, through the command line and through the SDK, each step
 * shown as the command it is. Fails when the kernel's own numbers contradict what it says.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Container, CtrError, probe, run } from '@ctr-ts/sdk';
import { runStep } from './command.ts';
import { cpuUsageOf } from './cpu-usage.ts';
import { paths, root } from './repository.ts';

const cpuLimit = 0.2;
const measuredMs = 5000;
/** The limit, and the scheduler's slack of one period on either side. */
const highestShare = 0.23;

await machine();
await commandLine();
await sdk();
await twoViews();
await cpuLimited();
await groupByHand();
say('\nthe demo is over; nothing of it is left running');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function machine(): Promise<void> {
  say('\n1. what this machine can do: ctr-ts doctor');
  say(JSON.stringify(await probe()).slice(0, 300));
}

async function commandLine(): Promise<void> {
  say('\n2. a command in a container: build/ctr-ts run host: id');
  say(
    (
      await runStep('   runs build/ctr-ts', paths.launcher, ['run', 'host:', 'id'], {
        output: 'capture',
      })
    ).trim(),
  );
}

async function sdk(): Promise<void> {
  say("\n3. the same from Node: await run({ image: 'host:', command: ['node', '-p', '...'] })");
  const script =
    "[process.version, 'as pid', process.pid, 'of', fs.readdirSync('/proc').filter(Number).length].join(' ')";
  const result = await run({ image: 'host:', command: ['node', '-p', script] }).orThrow();
  say(result.stdout.trim());
}

/** The same process, seen by itself and seen by us. */
async function twoViews(): Promise<void> {
  say('\n4. one process, two views');
  const look = [
    'echo "pid=$$"',
    'echo "hostname=$(cat /proc/sys/kernel/hostname)"',
    'echo "uid=$(id -u)"',
    'echo "network=$(sed -n "s/^ *\\([^ :]*\\):.*/\\1/p" /proc/net/dev | tr "\\n" " ")"',
    'echo "processes=$(ls /proc | grep -c "^[0-9]")"',
    'echo end',
    'read answer',
  ].join('; ');
  const inside = run({
    image: 'host:',
    hostname: 'demo',
    command: ['/bin/sh', '-c', look],
    stdio: { stdin: 'pipe' },
    timeoutMs: 30_000,
  });
  // Streams are taken in the turn of the call: later they are read into the result.
  const { stdin, stdout } = inside;
  const { pid } = await inside.started;
  const own = await viewFrom(stdout);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '?';
  const rows: [string, string | undefined, string][] = [
    ['pid', own.get('pid'), String(pid)],
    ['hostname', own.get('hostname'), hostname()],
    ['uid', own.get('uid'), field('Uid')],
    ['network', own.get('network')?.trim(), readdirSync('/sys/class/net').join(' ')],
    [
      'processes',
      own.get('processes'),
      String(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length),
    ],
  ];
  say(`   ${''.padEnd(12)}${'inside'.padEnd(20)}outside`);
  for (const [name, within, without] of rows)
    say(`   ${name.padEnd(12)}${(within ?? '?').padEnd(20)}${without}`);
  stdin?.end('\n');
  await inside;
  if (own.get('pid') !== '1' || own.get('uid') !== '0' || own.get('network')?.trim() !== 'lo') {
    throw new Error('the container does not have a view of its own');
  }
}

async function cpuLimited(): Promise<void> {
  say(`\n5. a busy loop with cpus: ${cpuLimit}, over ${measuredMs / 1000} s`);
  const container = await Container.create({
    image: 'host:',
    command: ['/bin/sh', '-c', 'while :; do :; done'],
    cpus: cpuLimit,
  }).catch((error: unknown) => {
    // An ordinary user has no group to set a limit in, unless one was delegated: refused, not dropped.
    if (error instanceof CtrError && process.getuid?.() !== 0) return error;
    throw error;
  });
  if (container instanceof CtrError) {
    say(`   refused: ${container.code}: ${container.message}`);
    if (container.hint) say(`   hint: ${container.hint}`);
    return;
  }
  try {
    const { pid } = container;
    if (pid === null) throw new Error('the container ended before it could be measured');
    const before = cpuUsageOf(pid);
    await sleep(measuredMs);
    const after = cpuUsageOf(pid);
    const share = (after.usageNs - before.usageNs) / (after.readAtNs - before.readAtNs);
    const throttled = after.throttled - before.throttled;
    say(
      `   ${(share * 100).toFixed(1)} % of one core by ${after.file}; throttled ${throttled} times by the kernel`,
    );
    if (share > highestShare || throttled === 0) throw new Error('the limit does not hold');
  } finally {
    await container.remove({ force: true });
  }
}

/** Root only: an ordinary user has no group to make one in, unless one was delegated. */
async function groupByHand(): Promise<void> {
  say('\n6. a control group by hand: ctr-ts cgroup create, attach, stat, rm');
  if (process.getuid?.() !== 0) return say('   left out: not root');
  const script = join(root, 'ts/dev/src/demo-cgroup.sh');
  await runStep('   ts/dev/src/demo-cgroup.sh', '/bin/sh', [script], {
    env: { CTR_TS: paths.launcher },
  });
}

/** Lines `key=value` up to the line `end`. */
async function viewFrom(stdout: NodeJS.ReadableStream | null): Promise<Map<string, string>> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += String(chunk);
    if (text.includes('\nend\n')) break;
  }
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    }),
  );
}
