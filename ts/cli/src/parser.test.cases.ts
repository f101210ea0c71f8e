/** Command lines and what they mean, on either path. */

import type { Grammar } from './verb.ts';
import { EXEC_FLAGS } from './verbs/exec.flags.ts';
import { EXPLAIN_FLAGS } from './verbs/explain.flags.ts';
import { PS_FLAGS } from './verbs/ps.flags.ts';
import { RUN_FLAGS } from './verbs/run.flags.ts';

/** One grammar for each way positionals are read. */
export const GRAMMARS = {
  run: {
    id: 'run',
    flags: RUN_FLAGS,
    positionals: { usage: 'IMAGE [COMMAND [ARG...]]', min: 1, endFlags: true },
  },
  exec: {
    id: 'exec',
    flags: EXEC_FLAGS,
    positionals: { usage: 'CONTAINER COMMAND [ARG...]', min: 2, endFlags: true },
  },
  ps: { id: 'ps', flags: PS_FLAGS, positionals: { usage: '', min: 0, max: 0 } },
  explain: {
    id: 'explain',
    flags: EXPLAIN_FLAGS,
    positionals: { usage: 'CONTAINER', min: 1, endFlags: 'plan' },
  },
} as const satisfies Record<string, Grammar>;

type VerbId = keyof typeof GRAMMARS;

interface Line {
  verb: VerbId;
  argv: string[];
  /** For the test's title. */
  line: string;
}

const valid = (
  verb: VerbId,
  argv: string[],
  flags: Record<string, unknown>,
  positionals: string[],
): Line & { flags: Record<string, unknown>; positionals: string[] } => ({
  verb,
  argv,
  flags,
  positionals,
  line: `${verb} ${argv.join(' ')}`,
});

const invalid = (
  verb: VerbId,
  argv: string[],
  code: string,
  says: string,
): Line & { code: string; says: string } => ({
  verb,
  argv,
  code,
  says,
  line: `${verb} ${argv.join(' ')}`,
});

/** Lines that can be read. */
export const VALID_LINES = [
  valid('run', ['host:'], {}, ['host:']),
  valid('run', ['host:', 'id'], {}, ['host:', 'id']),
  valid('run', ['--rm', 'host:', 'id', '-u'], { rm: true }, ['host:', 'id', '-u']),
  valid('run', ['-it', 'host:', 'sh'], { interactive: true, tty: true }, ['host:', 'sh']),
  valid('exec', ['-ti', 'web', 'sh'], { interactive: true, tty: true }, ['web', 'sh']),
  valid('run', ['--sig-proxy=false', 'host:'], { 'sig-proxy': false }, ['host:']),
  valid('run', ['host:', 'ls', '--rm', '-it'], {}, ['host:', 'ls', '--rm', '-it']),
  valid('run', ['host:', 'tool', '--help'], {}, ['host:', 'tool', '--help']),
  valid('run', ['host:', 'tool', '--unknown', '-z'], {}, ['host:', 'tool', '--unknown', '-z']),
  valid('run', ['host:', '--', 'ls'], {}, ['host:', '--', 'ls']),
  valid('run', ['--', 'host:', 'ls', '--', '-l'], {}, ['host:', 'ls', '--', '-l']),
  valid('run', ['--rm', '--', '-odd-image'], { rm: true }, ['-odd-image']),
  valid('run', ['-i', 'host:', 'cat'], { interactive: true }, ['host:', 'cat']),
  valid('run', ['--name', 'web', 'host:'], { name: 'web' }, ['host:']),
  valid('run', ['--name=web', 'host:'], { name: 'web' }, ['host:']),
  valid('run', ['--name=a=b', 'host:'], { name: 'a=b' }, ['host:']),
  valid('run', ['--name=', 'host:'], { name: '' }, ['host:']),
  valid('run', ['--name', 'one', '--name', 'two', 'host:'], { name: 'two' }, ['host:']),
  valid('run', ['-v/a:/b', 'host:'], { volume: ['/a:/b'] }, ['host:']),
  valid('run', ['-v', '/a:/b', '-v', '/c:/d:ro', 'host:'], { volume: ['/a:/b', '/c:/d:ro'] }, [
    'host:',
  ]),
  valid('run', ['-iv/a:/b', 'host:'], { interactive: true, volume: ['/a:/b'] }, ['host:']),
  valid('run', ['-iv', '/a:/b', 'host:'], { interactive: true, volume: ['/a:/b'] }, ['host:']),
  valid(
    'run',
    ['-e', 'A=1', '-eB=2', '--env=C=3', '--env', 'D', 'host:'],
    { env: ['A=1', 'B=2', 'C=3', 'D'] },
    ['host:'],
  ),
  valid('run', ['-e', '-x', 'host:'], { env: ['-x'] }, ['host:']),
  valid('run', ['-e', '--rm', 'host:'], { env: ['--rm'] }, ['host:']),
  valid('run', ['-e', '', 'host:'], { env: [''] }, ['host:']),
  valid('run', ['-m=256m', 'host:'], { memory: '256m' }, ['host:']),
  valid('run', ['-m256m', '--cpus', '.5', 'host:'], { memory: '256m', cpus: '.5' }, ['host:']),
  valid('run', ['--pids-limit', '-1', 'host:'], { 'pids-limit': '-1' }, ['host:']),
  valid('run', ['-h', 'box', 'host:'], { hostname: 'box' }, ['host:']),
  valid('run', ['--net', 'host', 'host:'], { network: 'host' }, ['host:']),
  valid('run', ['--net=none', 'host:'], { network: 'none' }, ['host:']),
  valid('run', ['--rm=false', 'host:'], { rm: false }, ['host:']),
  valid('run', ['--rm=true', '--read-only=1', 'host:'], { rm: true, 'read-only': true }, ['host:']),
  valid('run', ['--json', 'host:'], { json: true }, ['host:']),
  valid('run', ['--help'], { help: true }, []),
  valid('run', ['-', 'x'], {}, ['-', 'x']),
  valid(
    'run',
    ['--security-opt', 'seccomp=unconfined', '--security-opt=no-new-privileges', 'host:'],
    { 'security-opt': ['seccomp=unconfined', 'no-new-privileges'] },
    ['host:'],
  ),
  valid('exec', ['-i', 'web', 'sh', '-c', 'echo $0'], { interactive: true }, [
    'web',
    'sh',
    '-c',
    'echo $0',
  ]),
  valid(
    'exec',
    ['-ie', 'A=1', '-u', 'root', '-w/tmp', 'web', 'env'],
    { interactive: true, env: ['A=1'], user: 'root', workdir: '/tmp' },
    ['web', 'env'],
  ),
  valid('exec', ['-h'], { help: true }, []),
  valid('ps', [], {}, []),
  valid('ps', ['-aq'], { all: true, quiet: true }, []),
  valid('ps', ['--no-trunc', '--json'], { 'no-trunc': true, json: true }, []),
  valid('explain', ['web', '--json'], { json: true }, ['web']),
  valid('explain', ['--json', 'web'], { json: true }, ['web']),
  valid('explain', ['--plan', '-m', '1g', 'host:', 'ls', '--json'], { plan: true, memory: '1g' }, [
    'host:',
    'ls',
    '--json',
  ]),
];

/** Lines that cannot, and what is said about them. */
export const INVALID_LINES = [
  invalid('run', [], 'MISSING_ARGUMENT', 'ctr-ts run [flags] IMAGE'),
  invalid('run', ['--rm'], 'MISSING_ARGUMENT', 'IMAGE'),
  invalid('run', ['--nmae', 'x', 'host:'], 'UNKNOWN_FLAG', 'did you mean --name?'),
  invalid('run', ['--memroy=1g', 'host:'], 'UNKNOWN_FLAG', 'did you mean --memory?'),
  invalid('run', ['--xyzzy', 'host:'], 'UNKNOWN_FLAG', 'ctr-ts run --help'),
  invalid('run', ['-z', 'host:'], 'UNKNOWN_FLAG', 'unknown flag -z of run'),
  invalid('run', ['-iz', 'host:'], 'UNKNOWN_FLAG', '-z in -iz'),
  invalid('run', ['--name'], 'MISSING_VALUE', '--name NAME'),
  invalid('run', ['-v'], 'MISSING_VALUE', '--volume SRC:DST'),
  invalid('run', ['--rm=maybe', 'host:'], 'INVALID_VALUE', '--rm=false'),
  invalid('run', ['-d', 'host:'], 'NOT_YET', 'ctr-ts run ... &'),
  invalid('run', ['--publish=80:80', 'host:'], 'NOT_YET', '--network host'),
  invalid('run', ['-p', '80:80', 'host:'], 'NOT_YET', '--network host'),
  invalid('run', ['--restart', 'always', 'host:'], 'NOT_YET', 'until ctr-ts run'),
  invalid('exec', ['web'], 'MISSING_ARGUMENT', 'CONTAINER COMMAND'),
  invalid('exec', ['--detach-keys', 'ctrl-a', 'web', 'sh'], 'NOT_YET', 'run -it and attach'),
  invalid('ps', ['web'], 'UNEXPECTED_ARGUMENT', '"web"'),
  invalid('ps', ['--al'], 'UNKNOWN_FLAG', 'did you mean --all?'),
  invalid('explain', [], 'MISSING_ARGUMENT', 'ctr-ts explain'),
];
