import { expect, expectTypeOf, test } from 'vitest';
import * as sdk from './index.ts';
import {
  type CgroupStat,
  Container,
  type ContainerInfo,
  type DoctorReport,
  type Explanation,
  type ImageInfo,
  type Plan,
  type Process,
  type ProcessEvent,
  type Pull,
  type PullEvent,
  type PullResult,
  type Result,
  run,
} from './index.ts';

test('the package exports exactly this', () => {
  expect(Object.keys(sdk).toSorted()).toEqual([
    'CAPABILITIES',
    'Container',
    'CtrError',
    'Image',
    'Process',
    'Pull',
    'SDK_ERRORS',
    'ULIMIT_NAMES',
    'cgroup',
    'directories',
    'doctor',
    'parseCpus',
    'parsePids',
    'parseSize',
    'plan',
    'probe',
    'prune',
    'rawMode',
    'run',
    'unshare',
  ]);
});

// Never called: what matters here is what the compiler says.
const image = 'host:' as const;
const types = {
  text: () => run({ image }),
  utf8: () => run({ image, encoding: 'utf8' }),
  bytes: () => run({ image, encoding: 'bytes' }),
  either: (encoding: 'utf8' | 'bytes') => run({ image, encoding }),
  exec: (container: Container) => container.exec(['id']),
  execBytes: (container: Container) => container.exec(['id'], { encoding: 'bytes' }),
  tag: (container: Container) => container.$`echo ${'a'} ${1} ${['b']}`,
  awaited: async () => await run({ image }),
};

test('the type of the output follows the encoding', () => {
  expectTypeOf(types.text).returns.toEqualTypeOf<Process<string>>();
  expectTypeOf(types.utf8).returns.toEqualTypeOf<Process<string>>();
  expectTypeOf(types.bytes).returns.toEqualTypeOf<Process<Uint8Array>>();
  expectTypeOf(types.either).returns.toEqualTypeOf<Process<string | Uint8Array>>();
  expectTypeOf(types.exec).returns.toEqualTypeOf<Process<string>>();
  expectTypeOf(types.execBytes).returns.toEqualTypeOf<Process<Uint8Array>>();
  expectTypeOf(types.tag).returns.toEqualTypeOf<Process<string>>();
  expectTypeOf(types.awaited).returns.resolves.toEqualTypeOf<Result<string>>();
});

test('options that do not exist or have another type are compile errors', () => {
  // @ts-expect-error an image is needed
  expectTypeOf(() => run({})).toBeFunction();
  // @ts-expect-error a misspelt option
  expectTypeOf(() => run({ image, comand: ['id'] })).toBeFunction();
  // @ts-expect-error a command line is an array, never one string
  expectTypeOf(() => run({ image, command: 'id' })).toBeFunction();
  // @ts-expect-error limits are numbers; parseSize() reads 256m
  expectTypeOf(() => run({ image, memoryBytes: '256m' })).toBeFunction();
  expectTypeOf(() => run({ image, name: undefined, command: undefined })).toBeFunction();
});

test('results can be told apart by their fields', () => {
  expectTypeOf<ProcessEvent['type']>().toEqualTypeOf<'stdout' | 'stderr' | 'exit'>();
  expectTypeOf<Process>().toExtend<PromiseLike<Result>>();
  expectTypeOf<Process>().toExtend<AsyncIterable<ProcessEvent>>();
  expectTypeOf<Process>().toExtend<AsyncDisposable>();
  expectTypeOf<Container>().toExtend<AsyncDisposable>();
  expectTypeOf(Container.list).returns.resolves.toEqualTypeOf<ContainerInfo[]>();
  expectTypeOf<Container['explain']>().returns.resolves.toEqualTypeOf<Explanation>();
  expectTypeOf<Pull>().toExtend<PromiseLike<PullResult>>();
  expectTypeOf<Pull>().toExtend<AsyncIterable<PullEvent>>();
  expectTypeOf<Pull>().toExtend<AsyncDisposable>();
  expectTypeOf(sdk.Image.pull).returns.toEqualTypeOf<Pull>();
  expectTypeOf(sdk.Image.list).returns.resolves.toEqualTypeOf<ImageInfo[]>();
  expectTypeOf(sdk.plan).returns.resolves.toEqualTypeOf<Plan>();
  expectTypeOf(sdk.doctor).returns.resolves.toEqualTypeOf<DoctorReport>();
  expectTypeOf(sdk.cgroup.stat).returns.resolves.toEqualTypeOf<CgroupStat>();
});
